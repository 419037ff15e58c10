"""What the core says of a program in words, and the time of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import _core


@dataclass(frozen=True)
class StepTime:
    """One step of a profile. flops, bytes, threads: of one call; at_best_ns: what one call would
    take on this machine, or on the program's device, at its measured best."""

    step: int
    kernel: str
    origin: tuple[Any, ...]  # file, line, composite
    calls: int
    total_ns: int
    threads: int = 1
    flops: int = 0
    bytes: int = 0
    at_best_ns: float = 0.0


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
            best = 100 * step.at_best_ns * step.calls / step.total_ns if step.total_ns else 0.0
            limit = f"{best:4.0f} % of the limit  " if step.at_best_ns else ""
            lines.append(
                f"{share:5.1f} %  {step.total_ns / self.runs / 1e3:10.2f} us  {limit}"
                f"step {step.step:3d}  {step.kernel}{origin_text(step.origin)}"
            )
        return "\n".join(lines)


def origin_text(origin: Sequence[Any]) -> str:
    """ "  @ model.py:12 in relu.1", as the text form has it."""
    file, line, composite = origin
    where = f"  @ {file}:{line}" if file else ""
    return f"{where} in {composite}" if composite else where


def explain_text(
    program: _core.Program,
    graph: int,
    profile: tuple[list[tuple[int, int]], int],
    copied: Sequence[str] | None,
) -> str:
    """The groups, steps and memory of a graph. profile: what the session timed, and over how many
    runs (0: nothing). copied: inputs that the last run had to copy; None: not asked."""
    text = program.explain(graph, *profile).rstrip("\n")
    if copied is None:
        return text
    names = ", ".join(copied) if copied else "none"
    return (
        f"{text}\ninputs that the last run copied, because no kernel reads their strides: {names}"
    )
