"""The array API's questions about dtypes: can_cast, finfo, iinfo, isdtype, result_type,
broadcast_shapes. They take arrays or dtypes and give no tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingot.dtypes import DType, DTypeLike, as_dtype, kind_of, promote, promote_all
from ingot.errors import ArgumentError, DTypeError
from ingot.tensor import Size, SizeLike, Tensor

from .shaping import common_shape

__all__ = [
    "broadcast_shapes",
    "can_cast",
    "finfo",
    "iinfo",
    "isdtype",
    "result_type",
]


@dataclass(frozen=True)
class FloatInfo:
    """What `finfo` says of a float dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass(frozen=True)
class IntInfo:
    """What `iinfo` says of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype_of(given: Any) -> DType:
    return given.dtype if isinstance(given, (Tensor, np.ndarray, np.generic)) else as_dtype(given)


def finfo(type: DTypeLike | Tensor) -> FloatInfo:
    """The limits of a float dtype, or of the dtype of a tensor.

    Raises DTypeError for a dtype that is not float.

    >>> import ingot
    >>> ingot.finfo("bfloat16").eps
    0.0078125
    """
    dtype = _dtype_of(type)
    if kind_of(dtype) == "complex":
        dtype = np.dtype("float32" if dtype.itemsize == 8 else "float64")
    if kind_of(dtype) != "float":
        raise DTypeError(f"finfo: wrong dtype: got {dtype}, expected a float dtype")
    if dtype.kind == "f":
        info: Any = np.finfo(dtype)
    else:  # bfloat16, which NumPy does not know itself
        import ml_dtypes

        info = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return FloatInfo(
        bits=info.bits,
        eps=float(info.eps),
        max=float(info.max),
        min=float(info.min),
        smallest_normal=float(info.smallest_normal),
        dtype=dtype,
    )


def iinfo(type: DTypeLike | Tensor) -> IntInfo:
    """The limits of an integer dtype, or of the dtype of a tensor.

    Raises DTypeError for a dtype that is not an integer's.

    >>> import ingot
    >>> ingot.iinfo("int8").max
    127
    """
    dtype = _dtype_of(type)
    if kind_of(dtype) not in ("int", "uint"):
        raise DTypeError(f"iinfo: wrong dtype: got {dtype}, expected an integer dtype")
    info = np.iinfo(dtype)
    return IntInfo(bits=info.bits, max=int(info.max), min=int(info.min), dtype=dtype)


_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int",),
    "unsigned integer": ("uint",),
    "integral": ("int", "uint"),
    "real floating": ("float",),
    "complex floating": ("complex",),
    "numeric": ("int", "uint", "float", "complex"),
}


def isdtype(dtype: DTypeLike, kind: DTypeLike | str | tuple[DTypeLike | str, ...]) -> bool:
    """Whether a dtype is of a kind: another dtype, "bool", "signed integer", "unsigned integer",
    "integral", "real floating", "complex floating", "numeric", or one of a tuple of these.

    Raises ArgumentError for an unknown kind.

    >>> import ingot
    >>> ingot.isdtype("bfloat16", ("integral", "real floating"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return kind_of(as_dtype(dtype)) in _KINDS[kind]
    try:
        return as_dtype(dtype) == as_dtype(kind)
    except DTypeError:
        known = ", ".join(_KINDS)
        raise ArgumentError(
            f"isdtype: wrong kind: got {kind!r}, expected a dtype or one of {known}"
        ) from None


def can_cast(from_: DTypeLike | Tensor, to: DTypeLike) -> bool:
    """Whether promotion may turn one dtype into the other: the two together promote to it.

    >>> import ingot
    >>> ingot.can_cast("int32", "int64"), ingot.can_cast("float64", "float32")
    (True, False)
    """
    source, target = _dtype_of(from_), as_dtype(to)
    try:
        return promote("can_cast", source, target) == target
    except DTypeError:
        return False


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype to which tensors, dtypes and Python scalars (which are weak) promote.

    Raises ArgumentError for no arguments, DTypeError where no dtype holds all.

    >>> import ingot
    >>> ingot.result_type("int8", "uint8", 1)
    dtype('int16')
    """
    weak = [
        x
        for x in arrays_and_dtypes
        if isinstance(x, (bool, int, float, complex, Size)) and not isinstance(x, np.generic)
    ]
    strong = [_dtype_of(x) for x in arrays_and_dtypes if not any(x is w for w in weak)]
    return promote_all("result_type", strong, weak)


def broadcast_shapes(*shapes: Sequence[SizeLike]) -> tuple[SizeLike, ...]:
    """The shape to which tensors of these shapes broadcast.

    Raises ShapeError where they do not fit.

    >>> import ingot
    >>> ingot.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return common_shape("broadcast_shapes", shapes)
