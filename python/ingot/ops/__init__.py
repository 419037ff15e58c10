"""One record per row of the core's table, grouped in files by kind."""

from __future__ import annotations

from . import (
    contraction,
    control,
    creation,
    indexing,
    movement,
    pointwise_arithmetic,
    pointwise_compare,
    pointwise_math,
    pooling,
    reduction,
)

__all__ = [
    "contraction",
    "control",
    "creation",
    "indexing",
    "movement",
    "pointwise_arithmetic",
    "pointwise_compare",
    "pointwise_math",
    "pooling",
    "reduction",
]
