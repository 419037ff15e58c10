"""What an exporter is given, and the table of exporters: one function for each op that ONNX does
not have under the name in its record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingot.op import OPS
from ingot.tensor import SizeLike

from .emitter import Emitter
from .sizes import Sizes
from .terms import Term

# Evaluates region i of the node on arguments, here: its results.
RunRegion = Callable[[int, Sequence[Term]], list[Term]]


@dataclass(frozen=True)
class Call:
    """One node, as an exporter sees it."""

    op: str
    operands: list[Term]
    attrs: Mapping[str, Any]  # all of the row's
    results: list[tuple[str, tuple[SizeLike, ...]]]  # dtype and shape of each
    regions: list[list[tuple[str, tuple[SizeLike, ...]]]]  # of each, its arguments
    run: RunRegion
    emitter: Emitter
    sizes: Sizes

    @property
    def dtype(self) -> str:
        """Of the first result."""
        return self.results[0][0]

    @property
    def shape(self) -> tuple[SizeLike, ...]:
        """Of the first result."""
        return self.results[0][1]


Exporter = Callable[[Call], "Term | list[Term]"]

EXPORTERS: dict[str, Exporter] = {}


def exports(op: str) -> Callable[[Exporter], Exporter]:
    """Makes a function the exporter of the row of this name."""

    def register(function: Exporter) -> Exporter:
        if op not in OPS or op in EXPORTERS:
            raise KeyError(op)
        EXPORTERS[op] = function
        return function

    return register
