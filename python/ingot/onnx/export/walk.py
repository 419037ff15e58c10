"""Walks the nodes of one graph of a module and lets the exporters write each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from onnx import ValueInfoProto

from ingot import _core
from ingot.bind import reference_attrs
from ingot.dtypes import text_name
from ingot.errors import UnsupportedError
from ingot.op import ROWS
from ingot.reference import plain_name

from . import (  # noqa: F401 (their exporters)
    functions,
    movement,
    patterns,
    pointwise,
    random_bits,
    reductions,
    regions,
    windows,
)
from .emitter import Emitter, value_info
from .pointwise import one_to_one
from .recognize import Match, Recognizer
from .registry import EXPORTERS, REFUSED, Call
from .sizes import Sizes
from .terms import Term

_COMPLEX = {name for name, _, _, kind in _core.dtype_names() if kind == "complex"}


class Walker:
    """The values of one graph as terms. wanted: value id -> the name that it should get."""

    def __init__(
        self,
        module: _core.Module,
        graph: int,
        emitter: Emitter,
        sizes: Sizes,
        wanted: Mapping[int, str],
    ) -> None:
        self.module, self.graph = module, graph
        self.emitter, self.sizes = emitter, sizes
        self.terms: dict[int, Term] = {}
        self.infos: list[ValueInfoProto] = []  # types of what the outermost graph computes
        self._wanted = dict(wanted)
        self._outermost = emitter.nodes
        self._table = {value.id: value for value in module.values(graph)}
        self._nodes = module.nodes(graph)
        self._recognizer = Recognizer(module, graph)
        self._params: dict[str, Term] = {}

    def run(self, region: _core.Region) -> list[Term]:
        """Writes the nodes of a region whose arguments have terms; its results."""
        nodes, at = [self._nodes[node_id] for node_id in region.nodes], 0
        while at < len(nodes):
            found = self._recognizer.find(nodes, at)
            if found is None:
                self._write_node(nodes[at])
            else:
                self._write_match(found)
            at += 1 if found is None else len(found.steps)
        return [self.term(v) for v in region.returns]

    def term(self, value_id: int) -> Term:
        """A value: computed, or a param or constant, which is stored when it is first read."""
        if value_id not in self.terms:
            value = self._table[value_id]
            if value.kind == "constant":
                self.terms[value_id] = self.emitter.constant(
                    self.module.constant(self.graph, value_id)
                )
            else:
                self.terms[value_id] = self._param(plain_name(value.name))
        return self.terms[value_id]

    def _param(self, name: str) -> Term:
        if name not in self._params:
            array = self.module.param(name)
            stored = self.emitter.unique(name)
            self.emitter.initializer(stored, array)
            self._params[name] = Term(
                self.emitter, stored, text_name(array.dtype), array.shape, array
            )
        return self._params[name]

    def _write_node(self, node: _core.Node) -> None:
        number = f"_{node.results[0]}" if node.results else ""
        with self._named_after(node, f"{node.op}{number}"):
            self._refuse(node)
            first = len(self.emitter.nodes)
            made = EXPORTERS.get(node.op, one_to_one)(self._call(node))
            self._finish(node, made if isinstance(made, list) else [made], first)

    def _write_match(self, match: Match) -> None:
        last = match.steps[-1]
        with self._named_after(last, f"{match.pattern.name}_{last.results[0]}"):
            first = len(self.emitter.nodes)
            operands = [self._operand(v) for v in match.operands]
            self._finish(last, [match.pattern.emit(*operands, **match.params)], first)

    @contextmanager
    def _named_after(self, node: _core.Node, name: str) -> Iterator[None]:
        """What is written meanwhile has names and metadata of the node."""
        outer = self.emitter.prefix, self.emitter.metadata
        file, line, composite = node.origin
        is_whole = composite.partition(".")[0] == name.rpartition("_")[0]
        self.emitter.prefix = (
            composite if is_whole else f"{composite}/{name}" if composite else name
        )
        source = {"ingot.source": f"{file}:{line}"} if file else {}
        self.emitter.metadata = {
            **source,
            **({"ingot.composite": composite} if composite else {}),
        }
        yield
        self.emitter.prefix, self.emitter.metadata = outer

    def _finish(self, node: _core.Node, results: Sequence[Term], first: int) -> None:
        for value_id, term in zip(node.results, results, strict=True):
            self.terms[value_id] = self._named(value_id, term, first)
        if len(self.emitter.nodes) == first + 1:
            self.emitter.nodes[first].name = self.emitter.node_name(self.emitter.prefix)

    def _refuse(self, node: _core.Node) -> None:
        file, line, _ = node.origin
        where = f"  ({file}:{line})" if file else ""
        reason = REFUSED.get(node.op)
        dtypes = {self._table[v].dtype for v in (*node.operands, *node.results)}
        if dtypes & _COMPLEX:
            reason = "ONNX has no arithmetic of complex numbers"
        if reason is not None:
            raise UnsupportedError(f"export: {node.op} has no counterpart in ONNX: {reason}{where}")

    def _call(self, node: _core.Node) -> Call:
        def run(region: int, args: Sequence[Term]) -> list[Term]:
            self.terms.update(zip(node.regions[region].args, args, strict=True))
            return self.run(node.regions[region])

        attrs: dict[str, Any] = reference_attrs(node.attrs, ROWS[node.op])
        return Call(
            op=node.op,
            operands=[self._operand(v) for v in node.operands],
            attrs=attrs,
            results=[self._type(v) for v in node.results],
            regions=[[self._type(v) for v in region.args] for region in node.regions],
            run=run,
            emitter=self.emitter,
            sizes=self.sizes,
        )

    def _type(self, value_id: int) -> tuple[str, tuple[Any, ...]]:
        value = self._table[value_id]
        return value.dtype, value.shape

    def _operand(self, value_id: int) -> Term:
        term = self.term(value_id)
        dtype, shape = self._type(value_id)
        return Term(self.emitter, term.name, dtype, shape, term.array)

    def _named(self, value_id: int, term: Term, first: int) -> Term:
        """The term under the name that is wanted for it, if a node since `first` made it."""
        fresh = self.emitter.nodes[first:]
        if not any(term.name in node.output for node in fresh):
            return term
        wanted = self._wanted.pop(value_id, None)
        name = wanted if wanted is not None else self.emitter.unique(self.emitter.prefix)
        self.emitter.rename(fresh, term.name, name)
        if wanted is None and self.emitter.nodes is self._outermost:
            self.infos.append(value_info(name, *self._type(value_id)))
        return Term(self.emitter, name, term.dtype, term.shape)
