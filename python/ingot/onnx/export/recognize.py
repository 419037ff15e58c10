"""Finds the composites that ONNX has as one op, such as softmax, among the nodes of a graph.

A composite is its recorded steps, so its pattern is recorded too, not written down: on a sample to
know which ops to look for, then on the very operands that were found, and every step is compared.
Names and lines decide nothing.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ingot.errors import IngotError
from ingot.recorder import Recorder
from ingot.tensor import Tensor

from .terms import Term
from .view import Step, Type, View

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Pattern:
    """A composite and the ONNX ops of the same meaning.

    name: of the values that it makes. sample: shapes of float32 operands on which its steps, with
    `params`, are those to look for. find: the parameters of a match, from its nodes; None where it
    is none.
    """

    name: str
    function: Callable[..., Tensor]
    emit: Callable[..., Term]
    sample: tuple[tuple[int, ...], ...]
    params: Params
    find: Callable[[Match], Params | None]


@dataclass(frozen=True)
class Match:
    """Nodes with the ops of a pattern, and the values that stand for its operands."""

    pattern: Pattern
    steps: Sequence[Step]
    operands: Sequence[int]
    view: View
    params: Params = field(default_factory=dict)

    def number(self, step: int, operand: int) -> float | None:
        """The constant of rank 0 that a step takes; None where it is no such."""
        array = self.view.constant(self.steps[step].operands[operand])
        return None if array is None or array.ndim else float(array)


@dataclass(frozen=True)
class Template:
    """A recorded composite."""

    view: View
    inputs: Sequence[int]

    def places(self) -> list[tuple[int, int]]:
        """(step, operand) where each operand is first read."""
        reads = [
            (v, (i, k))
            for i, s in enumerate(self.view.body.steps)
            for k, v in enumerate(s.operands)
        ]
        return [next(place for v, place in reads if v == wanted) for wanted in self.inputs]


def _record(
    function: Callable[..., Tensor],
    types: Sequence[Type],
    params: Params,
    dims: Sequence[tuple[str, int, int | None]],
) -> Template:
    recorder = Recorder("template")
    with recorder.recording():
        for dim in dims:
            recorder.declare_dim(*dim)
        inputs = [recorder.add_input(f"x{i}", *given) for i, given in enumerate(types)]
        result = function(*inputs, **params)
        recorder.builder.set_outputs([recorder.value(result)], [""])
    module = recorder.module
    ids = [value.id for _, value in module.inputs(0)]
    return Template(View(module, 0), ids)


@functools.cache
def _sample(index: int) -> tuple[list[str], list[tuple[int, int]]]:
    """The ops of a pattern, and where its operands are read."""
    pattern = PATTERNS[index]
    types = [("f32", shape) for shape in pattern.sample]
    template = _record(pattern.function, types, pattern.params, [])
    return [step.op for step in template.view.body.steps], template.places()


# The patterns, longest first: see patterns.py.
PATTERNS: list[Pattern] = []


class Recognizer:
    """Looks for patterns in one graph."""

    def __init__(self, view: View) -> None:
        self._view = view

    def find(self, steps: Sequence[Step], at: int) -> Match | None:
        """The pattern that begins at this step."""
        for index, pattern in enumerate(PATTERNS):
            ops, places = _sample(index)
            if steps[at].op != ops[0]:
                continue
            found = steps[at : at + len(ops)]
            if [step.op for step in found] != ops or not self._hidden(found):
                continue
            match = Match(pattern, found, [found[i].operands[k] for i, k in places], self._view)
            params = pattern.find(match) if self._is_float(match.operands) else None
            if params is not None and self._same(replace(match, params=params)):
                return replace(match, params=params)
        return None

    def _is_float(self, operands: Sequence[int]) -> bool:
        """Whether runtimes have the ops in this dtype."""
        return all(self._view.type(v)[0] in ("f16", "f32") for v in operands)

    def _hidden(self, steps: Sequence[Step]) -> bool:
        """Whether nothing but the steps reads what comes before the last result."""
        own = Counter(v for step in steps for v in step.operands)
        inner = [v for step in steps[:-1] for v in step.results]
        return all(own[v] == self._view.num_reads[v] for v in inner)

    def _same(self, match: Match) -> bool:
        """Whether the composite records these very steps on the match's operands."""
        types = [self._view.type(v) for v in match.operands]
        try:
            template = _record(match.pattern.function, types, match.params, self._view.module.dims)
        except IngotError:  # what the composite refuses it has not recorded
            return False
        steps = template.view.body.steps
        if len(steps) != len(match.steps):
            return False
        stands_for = dict(zip(template.inputs, match.operands, strict=True))
        for ours, theirs in zip(steps, match.steps, strict=True):
            if ours.op != theirs.op or not _equal_attrs(ours.attrs, theirs.attrs):
                return False
            if len(ours.operands) != len(theirs.operands):
                return False
            pairs = zip(ours.operands, theirs.operands, strict=True)
            if not all(self._stands_for(template, stands_for, a, b) for a, b in pairs):
                return False
            stands_for.update(zip(ours.results, theirs.results, strict=True))
        return True

    def _stands_for(
        self, template: Template, stands_for: Mapping[int, int], ours: int, theirs: int
    ) -> bool:
        if ours in stands_for:
            return stands_for[ours] == theirs
        a, b = template.view.constant(ours), self._view.constant(theirs)
        if a is None or b is None:
            return False
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _equal_attrs(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, (list, tuple)) else value

    return {k: plain(v) for k, v in ours.items()} == {k: plain(v) for k, v in theirs.items()}
