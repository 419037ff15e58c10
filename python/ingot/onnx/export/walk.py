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
    bits,
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
from .registry import EXPORTERS, Call
from .sizes import Sizes
from .terms import Term
from .view import Region, Step, View

_COMPLEX = {name for name, _, _, kind in _core.dtype_names() if kind == "complex"}


class Walker:
    """The values of one graph as terms. wanted: value id -> the name that it should get."""

    def __init__(
        self,
        view: View,
        emitter: Emitter,
        sizes: Sizes,
        wanted: Mapping[int, str],
    ) -> None:
        self.view = view
        self.emitter, self.sizes = emitter, sizes
        self.terms: dict[int, Term] = {}
        self.infos: list[ValueInfoProto] = []  # types of what the outermost graph computes
        self._wanted = {view.plain(value): name for value, name in wanted.items()}
        self._outermost = emitter.nodes
        self._recognizer = Recognizer(view)
        self._params: dict[str, Term] = {}

    def run(self, region: Region) -> list[Term]:
        """Writes the steps of a region whose arguments have terms; its results."""
        at = 0
        while at < len(region.steps):
            found = self._recognizer.find(region.steps, at)
            if found is None:
                self._write_step(region.steps[at])
            else:
                self._write_match(found)
            at += 1 if found is None else len(found.steps)
        return [self.term(v) for v in region.returns]

    def term(self, value_id: int) -> Term:
        """A value: computed, or a param or constant, which is stored when it is first read."""
        value_id = self.view.plain(value_id)
        if value_id not in self.terms:
            array = self.view.constant(value_id)
            name = self.view.table[value_id].name
            self.terms[value_id] = (
                self._param(plain_name(name)) if array is None else self.emitter.constant(array)
            )
        return self.terms[value_id]

    def _param(self, name: str) -> Term:
        if name not in self._params:
            array = self.view.module.param(name)
            stored = self.emitter.unique(name)
            self.emitter.initializer(stored, array)
            self._params[name] = Term(
                self.emitter, stored, text_name(array.dtype), array.shape, array
            )
        return self._params[name]

    def _write_step(self, step: Step) -> None:
        number = f"_{step.results[0]}" if step.results else ""
        with self._named_after(step, f"{step.op}{number}"):
            self._refuse(step)
            first = len(self.emitter.nodes)
            made = EXPORTERS.get(step.op, one_to_one)(self._call(step))
            self._finish(step, made if isinstance(made, list) else [made], first)

    def _write_match(self, match: Match) -> None:
        last = match.steps[-1]
        with self._named_after(last, f"{match.pattern.name}_{last.results[0]}"):
            first = len(self.emitter.nodes)
            operands = [self._operand(v) for v in match.operands]
            self._finish(last, [match.pattern.emit(*operands, **match.params)], first)

    @contextmanager
    def _named_after(self, step: Step, name: str) -> Iterator[None]:
        """What is written meanwhile has names and metadata of the step."""
        outer = self.emitter.prefix, self.emitter.metadata
        file, line, composite = step.origin
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

    def _finish(self, step: Step, results: Sequence[Term], first: int) -> None:
        for value_id, term in zip(step.results, results, strict=True):
            self.terms[value_id] = self._named(value_id, term, first)
        if len(self.emitter.nodes) == first + 1:
            self.emitter.nodes[first].name = self.emitter.node_name(self.emitter.prefix)

    def _refuse(self, step: Step) -> None:
        file, line, _ = step.origin
        where = f"  ({file}:{line})" if file else ""
        dtypes = {self.view.table[v].dtype for v in (*step.operands, *step.results)}
        if dtypes & _COMPLEX:
            raise UnsupportedError(
                f"export: {step.op}: ONNX has no arithmetic of complex numbers{where}"
            )

    def _call(self, step: Step) -> Call:
        def run(region: int, args: Sequence[Term]) -> list[Term]:
            self.terms.update(zip(step.regions[region].args, args, strict=True))
            return self.run(step.regions[region])

        attrs: dict[str, Any] = reference_attrs(step.attrs, ROWS[step.op])
        return Call(
            op=step.op,
            operands=[self._operand(v) for v in step.operands],
            attrs=attrs,
            results=[self.view.type(v) for v in step.results],
            regions=[[self.view.type(v) for v in region.args] for region in step.regions],
            run=run,
            emitter=self.emitter,
            sizes=self.sizes,
        )

    def _operand(self, value_id: int) -> Term:
        term = self.term(value_id)
        dtype, shape = self.view.type(value_id)
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
            self.infos.append(value_info(name, *self.view.type(value_id)))
        return Term(self.emitter, name, term.dtype, term.shape)
