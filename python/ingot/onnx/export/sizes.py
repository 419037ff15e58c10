"""Sizes as tensors: the dims are read from the inputs' shapes, once, before everything else.

A size is a polynomial over dims and `floordiv`; its text is Python's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from ingot.errors import InternalError, UnsupportedError
from ingot.tensor import SizeLike

from .emitter import Emitter, Subgraph
from .terms import Term


class Sizes:
    """The sizes of one model as int64 tensors, each made once.

    Their nodes lie in `body`, which goes in front of the outermost graph's, so that every nested
    graph can read them.
    """

    def __init__(
        self,
        emitter: Emitter,
        sources: Mapping[str, tuple[Term, int]],
        least: Mapping[str, int],
    ) -> None:
        """sources: dim -> an input, and the axis of it that is this dim; least: its least size."""
        self._least = least
        self.body = Subgraph(emitter, "sizes")
        self._emitter = emitter
        self._sources = sources
        self._known: dict[str, Term] = {}

    def vector(self, sizes: Sequence[SizeLike]) -> Term:
        """int64[number of sizes]."""
        numbers = [n for n in sizes if isinstance(n, int)]
        if len(numbers) == len(sizes):
            return self._emitter.ints(numbers)
        text = f"[{', '.join(str(n) for n in sizes)}]"
        return self._once(text, lambda: self._joined(sizes))

    def scalar(self, size: SizeLike) -> Term:
        """int64[]."""
        if isinstance(size, int):
            return self._emitter.scalar(size, "i64")
        return self._once(f"{size} of rank 0", lambda: self.vector([size]).op("Squeeze"))

    def may_be_empty(self, size: SizeLike) -> bool:
        """Whether the size is 0 for the least dims, with which sizes grow."""
        return (size if isinstance(size, int) else size.evaluate(self._least)) == 0

    def _once(self, text: str, make: Callable[[], Term]) -> Term:
        if text not in self._known:
            with self._emitter.inside(self.body, "sizes"):
                self._known[text] = make()
        return self._known[text]

    def _joined(self, sizes: Sequence[SizeLike]) -> Term:
        first, *rest = [self.vector([n]) if isinstance(n, int) else self._one(n) for n in sizes]
        return first.op("Concat", *rest, axis=0) if rest else first

    def _one(self, size: SizeLike) -> Term:
        """int64[1]."""
        # A dim may have a name that Python keeps for itself.
        text = re.sub(r"[A-Za-z_]\w*", r"dim_\g<0>", str(size))
        return self._once(str(size), lambda: self._number(ast.parse(text, mode="eval").body))

    def _number(self, node: ast.AST) -> Term:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return self._emitter.ints([node.value])
        if isinstance(node, ast.Name):
            return self._dim(node.id.removeprefix("dim_"))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._number(node.operand)
        if isinstance(node, ast.Call):
            numerator, divisor = (self._number(a) for a in node.args)
            # Div of ONNX truncates; Mod has the divisor's sign.
            return (numerator - numerator.op("Mod", divisor)) / divisor
        if isinstance(node, ast.BinOp):
            a, b = self._number(node.left), self._number(node.right)
            if isinstance(node.op, ast.Mult):
                return a * b
            return a - b if isinstance(node.op, ast.Sub) else a + b
        raise InternalError(f"export: a size cannot be read: got {ast.dump(node)}")

    def _dim(self, name: str) -> Term:
        if name not in self._sources:
            raise UnsupportedError(
                f"export: no input shows dim {name!r}: expected an input with an axis of this size"
            )
        term, axis = self._sources[name]
        return self._once(name, lambda: term.op("Shape", dtype="i64", start=axis, end=axis + 1))
