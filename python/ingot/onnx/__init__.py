"""ONNX models in and out. Needs the package `onnx` (`pip install ingot[onnx]`), which is imported
when a model is.

`load` records a model as a graph, op by op: one function of `operators/` for each ONNX operator
that is not simply an op of the table. docs/onnx.md says what is supported.
"""

from __future__ import annotations

from .check import check
from .export import to_onnx
from .load import Model, load

__all__ = ["Model", "check", "load", "to_onnx"]
