"""Element types: their names, the promotion of operands and the total conversion between them.

A dtype is a NumPy dtype in Python ("float32") and a short name in the text form ("f32"); the core
holds the table. Promotion is the array API's within a kind; Python scalars are weak.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import ArgumentError, DTypeError

Array = npt.NDArray[Any]
DType = np.dtype[Any]
DTypeLike: TypeAlias = "npt.DTypeLike | None"

_TEXT = {python: text for text, python, _, _ in _core.dtype_names()}
_PYTHON = {text: python for text, python, _, _ in _core.dtype_names()}
_KIND = {python: kind for _, python, _, kind in _core.dtype_names()}
NAMES = tuple(_TEXT)
_BFLOAT16: DType | None = None


def _bfloat16() -> DType:
    global _BFLOAT16
    if _BFLOAT16 is None:
        import ml_dtypes

        _BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
    return _BFLOAT16


def dtype_of(name: str) -> DType:
    """The NumPy dtype of a Python name ("float32")."""
    return _bfloat16() if name == "bfloat16" else np.dtype(name)


def as_dtype(given: DTypeLike) -> DType:
    """The dtype that `given` names: a NumPy dtype or scalar type, or a name such as "float32".

    Raises DTypeError for a dtype that the table lacks, and for Python's `float` and `complex`,
    which do not say their width.
    """
    if given is None or given is float or given is complex:
        raise DTypeError(f"dtype: got {given!r}, expected a name such as 'float32' or 'float64'")
    if isinstance(given, str) and given == "bfloat16":
        return _bfloat16()
    try:
        dtype = np.dtype(given)
    except TypeError:
        raise DTypeError(f"dtype: got {given!r}, expected one of {', '.join(NAMES)}") from None
    text_name(dtype)
    return dtype


def text_name(dtype: DType) -> str:
    """The name in the text form: "f32"."""
    name = _TEXT.get(dtype.name)
    if name is None:
        raise DTypeError(f"dtype: got {dtype}, expected one of {', '.join(NAMES)}")
    if not dtype.isnative:
        raise DTypeError(f"dtype: got {dtype.str} (not native byte order), expected {dtype.name}")
    return name


def from_text(name: str) -> DType:
    """The NumPy dtype of a text name."""
    return dtype_of(_PYTHON[name])


def kind_of(dtype: DType) -> str:
    """bool, int, uint, float or complex."""
    return _KIND[dtype.name]


def is_float(dtype: DType) -> bool:
    return _KIND.get(dtype.name) == "float"


def default_dtype(value: object) -> DType:
    """The dtype of a Python scalar that meets no tensor, and of a list of such."""
    if isinstance(value, bool):
        return np.dtype(np.bool_)
    if isinstance(value, (int, _core.Size)):
        return np.dtype(np.int64)
    return np.dtype(np.float32) if isinstance(value, float) else np.dtype(np.complex64)


_RANK = {"bool": 0, "uint": 1, "int": 1, "float": 2, "complex": 3}


def _promote_ints(op: str, a: DType, b: DType) -> DType:
    if kind_of(a) == kind_of(b):
        return a if a.itemsize >= b.itemsize else b
    signed, unsigned = (a, b) if kind_of(a) == "int" else (b, a)
    if signed.itemsize > unsigned.itemsize:
        return signed
    if unsigned.itemsize == 8:
        raise DTypeError(
            f"{op}: no integer dtype holds both: got {a} and {b}, expected an explicit cast"
        )
    return np.dtype(f"int{16 * unsigned.itemsize}")


def promote(op: str, a: DType, b: DType) -> DType:
    """The dtype that both operands are cast to.

    Within a kind the wider one (float16 with bfloat16: float32); between kinds the higher kind's
    of bool, integer, float, complex, wide enough for the floats. uint64 with a signed integer is
    a DTypeError.
    """
    if a == b:
        return a
    rank_a, rank_b = _RANK[kind_of(a)], _RANK[kind_of(b)]
    if rank_a == rank_b == 1:
        return _promote_ints(op, a, b)
    if rank_a != rank_b:
        low, high = (a, b) if rank_a < rank_b else (b, a)
        wide = kind_of(low) == "float" and low.itemsize == 8
        return np.dtype(np.complex128) if wide else high
    if a.itemsize == b.itemsize:
        return np.dtype(np.float32)
    return a if a.itemsize > b.itemsize else b


def promote_weak(dtype: DType, value: object) -> DType:
    """The dtype after a Python scalar (or a size) met operands of `dtype`: theirs, unless the
    scalar's kind is higher; then the default of its kind (complex: as wide as the floats)."""
    weak = default_dtype(value)
    if _RANK[kind_of(weak)] <= _RANK[kind_of(dtype)]:
        return dtype
    if kind_of(weak) == "complex" and dtype == np.float64:
        return np.dtype(np.complex128)
    return weak


def promote_all(op: str, strong: Iterable[DType], weak: Iterable[object]) -> DType:
    """The common dtype of tensors' dtypes and Python scalars."""
    result: DType | None = None
    for dtype in strong:
        result = dtype if result is None else promote(op, result, dtype)
    for value in weak:
        result = default_dtype(value) if result is None else promote_weak(result, value)
    if result is None:
        raise ArgumentError(f"{op}: wrong number of operands: got 0, expected at least 1")
    return result


def scalar_array(op: str, value: bool | int | float | complex, dtype: DType) -> Array:
    """A Python scalar as a rank-0 array; ArgumentError where an integer does not fit."""
    if kind_of(dtype) in ("int", "uint"):
        limits = np.iinfo(dtype)
        number = operator.index(value)  # type: ignore[arg-type]
        if not limits.min <= number <= limits.max:
            raise ArgumentError(
                f"{op}: scalar does not fit: got {number}, expected a value of {dtype}"
            )
    array = np.asarray(value)
    if array.dtype == object:  # an integer of more than 64 bits, for a float dtype
        array = array.astype(np.float64)
    return np.asarray(convert(array, dtype))


def convert(x: Array, dtype: DType) -> Array:
    """Casts, totally: integers wrap; floats to integers truncate and saturate, NaN gives 0; to bool
    is x != 0; complex to real drops the imaginary part; all else rounds to nearest even."""
    if x.dtype == dtype:
        return x
    if kind_of(dtype) == "bool":
        return np.asarray(x != 0)
    with np.errstate(all="ignore"):
        if kind_of(x.dtype) == "complex" and kind_of(dtype) != "complex":
            x = np.real(x)
        if kind_of(x.dtype) == "float" and kind_of(dtype) in ("int", "uint"):
            return _saturate(x.astype(np.float64), dtype)
        if dtype.name == "bfloat16":
            x = _round_to_odd(x)
        return x.astype(dtype)


def _round_to_odd(x: Array) -> Array:
    """To float32, where what is not exact becomes the neighbor whose last bit is 1.

    ml_dtypes makes a bfloat16 from a float32, which rounds everything wider twice. An odd float32
    lies on no tie of bfloat16, so that rounding it is rounding x once.
    """
    if x.dtype.itemsize < 4 or x.dtype == np.float32:
        return x.astype(np.float32)
    if kind_of(x.dtype) in ("int", "uint") and x.dtype.itemsize == 8:
        # From 2^52 on one bit stands for the last 16, so that float64 holds the rest.
        last = x.dtype.type(0xFFFF)
        shortened = x - (x & last) | np.where((x & last) != 0, last + x.dtype.type(1), last & ~last)
        x = np.where((x < 2**52) & (x > -(2**52)), x, shortened)
    wide = np.asarray(x.astype(np.float64))
    near = np.asarray(wide.astype(np.float32))
    back = near.astype(np.float64)
    bits = near.view(np.uint32) - (np.abs(back) > np.abs(wide)).astype(np.uint32)
    return np.asarray(bits | (back != wide).astype(np.uint32)).view(np.float32)


def _saturate(x: Array, dtype: DType) -> Array:
    limits = np.iinfo(dtype)
    # limits.max + 1 is a power of two, so it is exact in float64 where limits.max is not.
    above = x >= float(limits.max) + 1.0 if dtype.itemsize == 8 else x >= limits.max
    below = x <= float(limits.min)
    inside = np.where(above | below | np.isnan(x), 0.0, x)
    result = np.trunc(inside).astype(dtype)
    result = np.where(above, np.asarray(limits.max, dtype), result)
    return np.where(below, np.asarray(limits.min, dtype), result)
