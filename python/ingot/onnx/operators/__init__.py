"""The operators of ONNX as functions of Ingot's, a file per family; importing them registers
them."""

from __future__ import annotations

from . import (
    elementwise,
    indexing,
    normalization,
    pooling,
    products,
    reductions,
    shaping,
    sources,
)

__all__ = [
    "elementwise",
    "indexing",
    "normalization",
    "pooling",
    "products",
    "reductions",
    "shaping",
    "sources",
]
