"""How far a result may lie from the reference: stated once per op, used by tests and by `testing`.

The reference of an op with a float bound runs in float64 on the same operand values. `EQUAL` ops
move or compare data and must agree exactly; `ROUNDED` ops are the float64 result rounded once; the
others lie within a tolerance that is a function of the operands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dtypes import Array, DType, convert, is_float

# (operands in float64, attributes, expected in float64, result dtype) -> absolute tolerance
Tolerance = Callable[[Sequence[Array], Mapping[str, Any], Array, DType], Array]


@dataclass(frozen=True)
class Bound:
    """What an op promises about its distance from the reference, with the sentence that says it."""

    sentence: str
    widen: bool  # the reference gets float operands as float64
    tolerance: Tolerance | None = None  # None: exactly the reference, rounded once


EQUAL = Bound("equal bit for bit", widen=False)
ROUNDED = Bound("the exact result rounded once", widen=True)


@dataclass(frozen=True)
class Difference:
    """The first element that lies outside the bound."""

    index: tuple[int, ...]
    got: Any
    expected: Any
    tolerance: float

    def __str__(self) -> str:
        return (
            f"element {list(self.index)}: got {self.got!s}, expected {self.expected!s} "
            f"within {self.tolerance:.3g}"
        )


def epsilon(dtype: DType) -> float:
    """Half a unit in the last place of 1: the relative error of one rounding."""
    return float(_finfo(dtype).eps) / 2


def _finfo(dtype: DType) -> Any:
    if dtype.name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return np.finfo(dtype)


def _spacing(x: Array, dtype: DType) -> Array:
    """Units in the last place of |x| in `dtype`, as float64."""
    info = _finfo(dtype)
    size = np.clip(np.abs(x), float(info.smallest_normal), float(info.max))
    _, exponent = np.frexp(size)
    unit: Array = np.ldexp(float(info.eps), exponent - 1)
    return unit


def computed_in(dtype: DType) -> DType:
    """Where ops on floats of `dtype` are computed: the 16-bit ones in float32."""
    return np.dtype(np.float32) if dtype.itemsize == 2 else dtype


def last_rounding(expected: Array, dtype: DType) -> Array:
    """What rounding the computed value to a 16-bit dtype may add; nothing for the others, which
    round no further."""
    return _spacing(expected, dtype) / 2 if dtype.itemsize == 2 else np.zeros(())


def ulps(f32: float, f64: float) -> Bound:
    """Within so many units in the last place (float64: the reference's own error included). The
    16-bit floats: of float32, and one rounding."""

    def tolerance(
        _operands: Sequence[Array], _attrs: Mapping[str, Any], expected: Array, dtype: DType
    ) -> Array:
        units = f64 if dtype == np.float64 else f32
        return units * _spacing(expected, computed_in(dtype)) + last_rounding(expected, dtype)

    return Bound(f"within {f32:g} units in the last place", widen=True, tolerance=tolerance)


def scaled(sentence: str, scale: Callable[..., tuple[Array, float]]) -> Bound:
    """Within roundings * epsilon * size, where `scale(operands, attrs)` gives (size, roundings):
    the sum of the absolute terms of each element, and the roundings on the longest path.

    Where the terms' sum may overflow the dtype, the order of additions decides: anything passes.
    The 16-bit floats are summed in float32 and rounded once.
    """

    def tolerance(
        operands: Sequence[Array], attrs: Mapping[str, Any], expected: Array, dtype: DType
    ) -> Array:
        with np.errstate(all="ignore"):
            size, roundings = scale([np.where(np.isfinite(x), x, 0.0) for x in operands], attrs)
            info = _finfo(computed_in(dtype))
            relative = 2 * (roundings + 1) * epsilon(computed_in(dtype))
            result = size * relative + (roundings + 1) * float(info.smallest_subnormal)
            result = result + last_rounding(np.abs(expected) + result, dtype)
            return np.where(size * (1 + relative) >= float(info.max), np.inf, result)

    return Bound(sentence, widen=True, tolerance=tolerance)


def fold_depth(n: int) -> int:
    """Roundings on the longest path of a reduction of n elements in the order of the numerics
    contract: 32 in a lane, 4 over lanes, then pairs of blocks of 512."""
    blocks = max(1, -(-n // 512))
    return min(n, 32) + 4 + math.ceil(math.log2(blocks)) + 1


def widened(x: Array) -> Array:
    """Floats as float64 and complex as complex128: exact."""
    with np.errstate(invalid="ignore"):  # a signaling NaN
        if is_float(x.dtype):
            return x.astype(np.float64)
        return x.astype(np.complex128) if x.dtype.kind == "c" else x


def _same_bits(a: Array, b: Array) -> Array:
    if a.dtype.kind in "biu":
        return np.asarray(a == b)
    if a.dtype.kind == "c":
        return _same_bits(a.real, b.real) & _same_bits(a.imag, b.imag)
    # Equal and of equal sign, or both NaN: what the contract calls the same bits.
    a, b = widened(a), widened(b)
    signs = np.signbit(a) == np.signbit(b)
    return np.asarray(((a == b) & signs) | (np.isnan(a) & np.isnan(b)))


def same_bits(a: Array, b: Array) -> bool:
    """Equal dtype, shape and bits; any NaN equals any NaN."""
    return a.dtype == b.dtype and a.shape == b.shape and bool(_same_bits(a, b).all())


def first_difference(
    bound: Bound, got: Array, expected: Array, operands: Sequence[Array], attrs: Mapping[str, Any]
) -> Difference | None:
    """The first element of `got` outside the bound around the unrounded `expected`."""
    good = _same_bits(got, convert(expected, got.dtype))
    tolerance: Array = np.zeros(())
    if bound.tolerance is not None and is_float(got.dtype) and not good.all():
        with np.errstate(all="ignore"):
            tolerance = bound.tolerance([widened(x) for x in operands], attrs, expected, got.dtype)
            good = good | (_distance(got, expected) <= tolerance) | np.isinf(tolerance)
    if good.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    worst = float(np.broadcast_to(tolerance, got.shape)[index])
    return Difference(index, got[index], np.asarray(expected)[index], worst)


def _distance(got: Array, expected: Array) -> Array:
    """|got - expected|; an overflow of a finite value counts as the first value past the largest.
    NaN where one is NaN or where the reference is infinite."""
    info = _finfo(got.dtype)
    past = float(info.max) * (1 + float(info.eps) / 2) if info.bits < 64 else float(info.max)
    wide = np.clip(widened(got), -past, past)
    near = np.where(np.isinf(expected), np.nan, np.clip(expected, -past, past))
    return np.asarray(np.abs(wide - near))
