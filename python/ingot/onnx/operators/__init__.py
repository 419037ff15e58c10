"""The operators of ONNX as functions of Ingot's, a file per family; importing them registers
them."""

from __future__ import annotations

from . import (
    blocks,
    columns,
    control_flow,
    detection,
    elementwise,
    indexing,
    normalization,
    padding,
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
    "blocks",
    "columns",
    "control_flow",
    "detection",
    "elementwise",
    "indexing",
    "normalization",
    "padding",
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
