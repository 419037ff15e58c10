"""Declared in-place updates: what is asked of a plan, and who stands in the way.

Reads the steps of a plan as they print; a state that is not updated where it lies shows as a last
step that copies into it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from . import _core
from .errors import ArgumentError

Step = dict[str, Any]


def require_in_place(program: _core.Program, states: Sequence[str]) -> None:
    """Raises ArgumentError for a state whose update is copied at the end of some graph's run.

    The message names the step that stands in the way.
    """
    module = program.module
    known = [name for name, _, _ in module.states]
    for state in states:
        if state not in known:
            names = ", ".join(known) or "none"
            raise ArgumentError(f"compile: in_place: no state {state!r}: expected some of {names}")
        for graph, name in enumerate(module.graphs):
            if state in [updated for updated, _ in module.updates(graph)]:
                _check(state, name, program.plan(graph, {}).steps)


def _check(state: str, graph: str, steps: Sequence[Step]) -> None:
    printed = state if state.isidentifier() else json.dumps(state)
    for position, step in enumerate(steps):
        if step["kernel"] == "copy" and _names(step["outputs"], printed):
            (source,) = step["inputs"]
            maker = _last(steps[:position], "outputs", _buffer(source))
            reader = _last(steps[maker + 1 : position], "inputs", printed, maker + 1)
            raise ArgumentError(_message(state, graph, steps, maker, reader))


def _names(operands: Sequence[str], name: str) -> bool:
    return any(_buffer(operand) == name for operand in operands)


def _buffer(operand: str) -> str:
    """ "cache: f32[3]" -> "cache" """
    return operand.rpartition(": ")[0] or operand


def _last(steps: Sequence[Step], side: str, name: str, offset: int = 0) -> int:
    """The position of the last step that has this operand; -1 where none has."""
    found = [i for i, step in enumerate(steps) if _names(step[side], name)]
    return found[-1] + offset if found else -1


def _describe(step: Step) -> str:
    file, line, composite = step["origin"]
    what = composite.rpartition(".")[0] or step["kernel"] or step["kind"]
    return f"{what} ({file}:{line})" if file else what


def _message(state: str, graph: str, steps: Sequence[Step], maker: int, reader: int) -> str:
    begin = f"compile: state {state!r} is not updated in place in graph {graph!r}: "
    if maker < 0:
        return f"{begin}its new value is computed from nothing that the run may overwrite"
    new = _describe(steps[maker])
    if reader >= 0:
        return f"{begin}{_describe(steps[reader])} reads the old value after {new} made the new one"
    return f"{begin}{new} cannot write over what it reads"
