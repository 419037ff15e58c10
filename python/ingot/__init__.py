"""Ingot: record Python array code into a graph, save it as one file, run it without the
interpreter.

Functions run eagerly on NumPy; `record` notes them as a graph, `compile` and `load` make programs
of it.
"""

from __future__ import annotations

from typing import Any

from . import _core, composite, control, errors, nn, ops, optim
from .composite import *
from .control import *
from .device import DeviceArray, to_device
from .dtypes import NAMES as _DTYPE_NAMES
from .dtypes import dtype_of as _dtype_of
from .errors import (
    AbortError,
    ArgumentError,
    AxisError,
    DeviceError,
    DTypeError,
    FileError,
    IngotError,
    InternalError,
    LimitError,
    RangeError,
    RecordError,
    ShapeError,
    StateError,
    UnsupportedError,
)
from .grad import grad, is_grad_enabled, no_grad, value_and_grad, vjp
from .jit import jit
from .ops import *
from .program import Program, Session, compile, load
from .record import WRITERS, Dim, Graph, Spec, record, save
from .state import State
from .tensor import Tensor, tensor
from .tools import show_config

_core.register_errors(errors.CLASSES)


def _to_onnx(graph: Graph, path: Any, **options: Any) -> Any:
    from .onnx.export import to_onnx

    return to_onnx(graph, path, **options)


WRITERS["onnx"] = _to_onnx

__version__ = _core.__version__
Module = _core.Module
Size = _core.Size
Plan = _core.Plan
FAST: tuple[str, ...] = _core.FAST
"""What `compile(fast=)` may allow besides the exact bits (docs/cuda.md)."""


def __getattr__(name: str) -> Any:
    """Dtypes (ingot.float32), and the modules that are loaded only when asked for."""
    if name in _DTYPE_NAMES:
        return _dtype_of(name)
    if name in ("array_api", "linalg", "onnx", "random", "testing"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'ingot' has no attribute {name!r}")


__all__ = [
    "FAST",
    "AbortError",
    "ArgumentError",
    "AxisError",
    "DTypeError",
    "DeviceArray",
    "DeviceError",
    "Dim",
    "FileError",
    "Graph",
    "IngotError",
    "InternalError",
    "LimitError",
    "Module",
    "Plan",
    "Program",
    "RangeError",
    "RecordError",
    "Session",
    "ShapeError",
    "Size",
    "Spec",
    "State",
    "StateError",
    "Tensor",
    "UnsupportedError",
    "__version__",
    "compile",
    "errors",
    "grad",
    "is_grad_enabled",
    "jit",
    "load",
    "nn",
    "no_grad",
    "optim",
    "record",
    "save",
    "show_config",
    "tensor",
    "to_device",
    "value_and_grad",
    "vjp",
]
__all__ += composite.__all__
__all__ += control.__all__
__all__ += ops.__all__
