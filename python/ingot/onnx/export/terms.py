"""A value of the ONNX graph that is being written, with operators, so that exporters read as
formulas.

`x + 1` emits an Add and a constant of x's dtype. Nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingot.dtypes import Array
from ingot.tensor import SizeLike

if TYPE_CHECKING:
    from .emitter import Emitter

Number = bool | int | float


@dataclass(frozen=True, eq=False)
class Term:
    """A name with its dtype (of the text form). shape: of the operands of an exporter, and ()
    for what it made itself; array: of constants."""

    emitter: Emitter = field(repr=False)
    name: str
    dtype: str
    shape: tuple[SizeLike, ...] = ()
    array: Array | None = None

    def op(self, name: str, *others: Term, dtype: str | None = None, **attrs: Any) -> Term:
        """The first result of an ONNX op of this and others; dtype: where it is not this one's."""
        (result,) = self.emitter.emit(name, self.name, *[x.name for x in others], **attrs)
        return Term(self.emitter, result, self.dtype if dtype is None else dtype)

    def like(self, value: Number) -> Term:
        """A scalar of this dtype."""
        return self.emitter.scalar(value, self.dtype)

    def _with(self, name: str, other: Term | Number, dtype: str | None = None) -> Term:
        return self.op(name, other if isinstance(other, Term) else self.like(other), dtype=dtype)

    def cast(self, dtype: str) -> Term:
        """The same numbers in another dtype; this very term where it has it."""
        if dtype == self.dtype:
            return self
        from .emitter import element_type

        return self.op("Cast", dtype=dtype, to=element_type(dtype))

    def where(self, yes: Term | Number, no: Term | Number) -> Term:
        """This condition's choice; one of the two is a term."""
        if isinstance(yes, Term):
            other = no if isinstance(no, Term) else yes.like(no)
            return self.op("Where", yes, other, dtype=yes.dtype)
        assert isinstance(no, Term)
        return self.op("Where", no.like(yes), no, dtype=no.dtype)

    def __add__(self, other: Term | Number) -> Term:
        return self._with("Add", other)

    def __sub__(self, other: Term | Number) -> Term:
        return self._with("Sub", other)

    def __rsub__(self, other: Number) -> Term:
        return self.like(other) - self

    def __mul__(self, other: Term | Number) -> Term:
        return self._with("Mul", other)

    def __truediv__(self, other: Term | Number) -> Term:
        return self._with("Div", other)

    def __neg__(self) -> Term:
        return self.op("Neg")

    def __lt__(self, other: Term | Number) -> Term:
        return self._with("Less", other, "bool")

    def __gt__(self, other: Term | Number) -> Term:
        return self._with("Greater", other, "bool")

    def __ge__(self, other: Term | Number) -> Term:
        return self._with("GreaterOrEqual", other, "bool")

    def equals(self, other: Term | Number) -> Term:
        """The condition that both are equal."""
        return self._with("Equal", other, "bool")

    def __and__(self, other: Term) -> Term:
        return self.op("And" if self.dtype == "bool" else "BitwiseAnd", other)

    def __or__(self, other: Term) -> Term:
        return self.op("Or" if self.dtype == "bool" else "BitwiseOr", other)

    def __xor__(self, other: Term) -> Term:
        return self.op("Xor" if self.dtype == "bool" else "BitwiseXor", other)

    def __invert__(self) -> Term:
        return self.op("Not" if self.dtype == "bool" else "BitwiseNot")
