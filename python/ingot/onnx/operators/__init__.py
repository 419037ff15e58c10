"""The operators of ONNX as functions of Ingot's, a file per family; importing them registers
them."""

from __future__ import annotations

from . import (
    control_flow,
    detection,
    elementwise,
    indexing,
    normalization,
    pooling,
    products,
    quantized,
    recurrent,
    reductions,
    resizing,
    sampling,
    sequences,
    shaping,
    signal,
    sources,
)

__all__ = [
    "control_flow",
    "detection",
    "elementwise",
    "indexing",
    "normalization",
    "pooling",
    "products",
    "quantized",
    "recurrent",
    "reductions",
    "resizing",
    "sampling",
    "sequences",
    "shaping",
    "signal",
    "sources",
]
