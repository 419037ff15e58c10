"""The Python array API standard: its names, and nothing else, over the functions of `ingot`.

What it leaves out, and why, is in docs/array_api.md. `x.__array_namespace__()` is this module.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Sequence
from typing import Any

from ingot import linalg, ops
from ingot.composite import *
from ingot.composite.operands import check_device
from ingot.composite.shaping import ravel
from ingot.dtypes import DTypeLike
from ingot.errors import ArgumentError
from ingot.ops import *
from ingot.tensor import Size, Tensor, TensorLike

from .info import DTYPES, __array_namespace_info__

__array_api_version__ = "2024.12"

__all__ = [
    "__array_api_version__",
    "__array_namespace_info__",
    "abs",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "can_cast",
    "ceil",
    "clip",
    "concat",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "divide",
    "e",
    "empty",
    "empty_like",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "finfo",
    "flip",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_dlpack",
    "full",
    "full_like",
    "greater",
    "greater_equal",
    "hypot",
    "iinfo",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "negative",
    "newaxis",
    "nextafter",
    "nonzero",
    "not_equal",
    "ones",
    "ones_like",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "prod",
    "real",
    "reciprocal",
    "remainder",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "searchsorted",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sort",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "tril",
    "triu",
    "trunc",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "var",
    "vecdot",
    "where",
    "zeros",
    "zeros_like",
]

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi
bool, float32, float64 = DTYPES["bool"], DTYPES["float32"], DTYPES["float64"]
int8, int16, int32, int64 = (DTYPES[f"int{n}"] for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DTYPES[f"uint{n}"] for n in (8, 16, 32, 64))


_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def of_version(api_version: str | None) -> Any:
    """This module, if it is of that version. Raises ArgumentError otherwise."""
    if api_version is not None and api_version not in _VERSIONS:
        raise ArgumentError(
            f"array API: wrong version: got {api_version!r}, expected one of {', '.join(_VERSIONS)}"
        )
    return sys.modules[__name__]


# Functions whose signature in `ingot` says less.


def arange(
    start: float | Size,
    stop: float | Size | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike = None,
    device: str | None = None,
) -> Tensor:
    """As `ingot.arange`."""
    check_device("arange", device)
    return ops.arange(start, stop, step, dtype=dtype)


def concat(arrays: Sequence[TensorLike], /, *, axis: int | None = 0) -> Tensor:
    """As `ingot.concat`; without an axis the flattened tensors are joined."""
    if axis is None:
        return ops.concat([ravel(x) for x in arrays])
    return ops.concat(arrays, axis=axis)


def reshape(
    x: TensorLike,
    /,
    shape: Sequence[int],
    *,
    copy: builtins.bool | None = None,  # noqa: ARG001 (tensors are immutable)
) -> Tensor:
    """As `ingot.reshape`."""
    return ops.reshape(x, shape)
