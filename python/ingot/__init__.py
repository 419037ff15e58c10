"""Ingot: record Python array code into a graph, save it as one file, run it without the
interpreter.

Functions run eagerly on NumPy; `record` notes them as a graph, `compile` and `load` make programs
of it.
"""

from __future__ import annotations

from typing import Any

from . import _core, errors
from .composite.network import (
    batch_norm,
    gelu,
    layer_norm,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
)
from .composite.numeric import (
    all,
    any,
    argmin,
    astype,
    clamp,
    clip,
    isfinite,
    isinf,
    isnan,
    linear,
    mean,
    reciprocal,
    square,
    std,
    var,
)
from .composite.shaping import (
    expand_dims,
    flatten,
    full,
    full_like,
    matrix_transpose,
    ones,
    ones_like,
    split,
    squeeze,
    stack,
    zeros,
    zeros_like,
)
from .dtypes import NAMES as _DTYPE_NAMES
from .dtypes import dtype_of as _dtype_of
from .errors import (
    AbortError,
    ArgumentError,
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
)
from .ops.contraction import conv2d, matmul
from .ops.control import abort
from .ops.creation import arange, size
from .ops.indexing import dynamic_slice, dynamic_update_slice, take
from .ops.movement import broadcast_to, concat, flip, pad, permute_dims, reshape, slice
from .ops.pointwise_arithmetic import (
    abs,
    add,
    ceil,
    divide,
    floor,
    floor_divide,
    maximum,
    minimum,
    multiply,
    negative,
    pow,
    remainder,
    round,
    sign,
    subtract,
    trunc,
)
from .ops.pointwise_compare import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    where,
)
from .ops.pointwise_math import cast, cos, erf, exp, log, rsqrt, sin, sqrt, tanh
from .ops.pooling import avg_pool2d, max_pool2d
from .ops.reduction import argmax, max, min, prod, sum
from .program import Program, Session, compile, load
from .record import Dim, Graph, Spec, record, save
from .tensor import Tensor, tensor
from .tools import show_config

_core.register_errors(errors.CLASSES)

__version__ = _core.__version__
Module = _core.Module
Size = _core.Size
Plan = _core.Plan


def __getattr__(name: str) -> Any:
    """Dtypes (ingot.float32), and the modules that are loaded only when asked for."""
    if name in _DTYPE_NAMES:
        return _dtype_of(name)
    if name == "testing":
        import importlib

        return importlib.import_module(".testing", __name__)
    raise AttributeError(f"module 'ingot' has no attribute {name!r}")


__all__ = [
    "AbortError",
    "ArgumentError",
    "DTypeError",
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
    "StateError",
    "Tensor",
    "__version__",
    "abort",
    "abs",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "astype",
    "avg_pool2d",
    "batch_norm",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "broadcast_to",
    "cast",
    "ceil",
    "clamp",
    "clip",
    "compile",
    "concat",
    "conv2d",
    "cos",
    "divide",
    "dynamic_slice",
    "dynamic_update_slice",
    "equal",
    "erf",
    "errors",
    "exp",
    "expand_dims",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "full",
    "full_like",
    "gelu",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "layer_norm",
    "less",
    "less_equal",
    "linear",
    "load",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "matrix_transpose",
    "max",
    "max_pool2d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "ones",
    "ones_like",
    "pad",
    "permute_dims",
    "pow",
    "prod",
    "reciprocal",
    "record",
    "relu",
    "remainder",
    "reshape",
    "round",
    "rsqrt",
    "save",
    "show_config",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "size",
    "slice",
    "softmax",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "tanh",
    "tensor",
    "trunc",
    "var",
    "where",
    "zeros",
    "zeros_like",
]
