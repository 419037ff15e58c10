"""What a program does, in words: the steps with their source lines, memory, and the time of each
step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import _core


@dataclass(frozen=True)
class StepTime:
    """One step of a profile."""

    step: int
    kernel: str
    origin: tuple[Any, ...]  # file, line, composite
    calls: int
    total_ns: int


@dataclass(frozen=True)
class Profile:
    """The time of every step over a number of runs; printing gives a table, slowest first."""

    runs: int
    steps: list[StepTime]

    def __str__(self) -> str:
        total = sum(step.total_ns for step in self.steps)
        lines = [f"{self.runs} runs, {total / self.runs / 1e3:.1f} us each in steps"]
        for step in sorted(self.steps, key=lambda s: -s.total_ns):
            share = 100 * step.total_ns / total if total else 0.0
            lines.append(
                f"{share:5.1f} %  {step.total_ns / self.runs / 1e3:10.2f} us  step {step.step:3d}  "
                f"{step.kernel}{origin_text(step.origin)}"
            )
        return "\n".join(lines)


def origin_text(origin: Sequence[Any]) -> str:
    """ "  @ model.py:12 in relu.1", as the text form has it."""
    file, line, composite = origin
    where = f"  @ {file}:{line}" if file else ""
    return f"{where} in {composite}" if composite else where


def explain_text(program: _core.Program, graph: int, copied: Sequence[str] | None) -> str:
    """The steps of a graph, what was fused into each, and its memory. copied: inputs that the last
    run had to copy; None: not asked."""
    plan = program.plan(graph, {})
    before = len(program.module.nodes(graph))
    proof = "optimal for its order" if plan.optimal else "not proved optimal"
    any_order = plan.schedule_free_bound_bytes
    lines = [
        f"graph {program.module.graphs[graph]}: {before} nodes recorded, {len(plan.steps)} steps",
        f"level {program.level}, {program.num_threads} threads",
        f"arena {plan.arena_bytes} bytes: {proof}",
        f"lower bounds: {plan.lower_bound_bytes} bytes for this order, {any_order} for any",
    ]
    for i, step in enumerate(plan.steps):
        fused = f" of {', '.join(step['group'])}" if step.get("group") else ""
        lines.append(
            f"step {i}: {step['kernel'] or step['kind']}{fused}({', '.join(step['inputs'])}) -> "
            f"{', '.join(step['outputs'])}{origin_text(step['origin'])}"
        )
    if copied is not None:
        names = ", ".join(copied) if copied else "none"
        lines.append(
            f"inputs that the last run copied, because no kernel reads their strides: {names}"
        )
    return "\n".join(lines)
