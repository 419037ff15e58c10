"""interpolate: planes and volumes of another size. Positions and weights are constants, found with
NumPy while the function runs or is recorded, in the dtype of the input as torch does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ingot.composite.calls import tagged
from ingot.composite.operands import of_dtype, summable
from ingot.dtypes import Array, is_float
from ingot.errors import ArgumentError
from ingot.ops import take
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

from .windows import along, averaged, constant_size

__all__ = ["interpolate"]

_RANKS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}
_CORNERED = ("linear", "bilinear", "trilinear", "bicubic")


@tagged
def interpolate(
    input: TensorLike,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """x at another size, one axis after the other.

    input: any[n, c, *sizes] of 1 to 3 sizes -> the same dtype [n, c, *new sizes]. size: the new
    sizes, or scale_factor: floor(size * factor). mode: "nearest", "nearest-exact" (any dtype),
    "area" (adaptive_avg_pool), "linear", "bilinear", "trilinear" (the weighted mean of the two
    neighbors along each axis), "bicubic" (of four, Keys' kernel with a = -0.75). align_corners:
    the first and last positions of both grids meet, instead of their outer borders.
    recompute_scale_factor: positions follow from the sizes, not from scale_factor. Raises
    ArgumentError for other modes and for antialias, RecordError for symbolic sizes.

    >>> import ingot
    >>> x = ingot.tensor([[[0.0, 1.0, 2.0]]])
    >>> ingot.nn.functional.interpolate(x, size=5, mode="linear", align_corners=True)
    Tensor([[[0. , 0.5, 1. , 1.5, 2. ]]], dtype=float32)
    """
    x = as_tensor("interpolate", input)
    _check(x, mode, align_corners, antialias)
    dtype = x.dtype
    if is_float(dtype) and not mode.startswith("nearest"):
        x, dtype = summable("interpolate", x)
    sizes, scales = _sizes(x, size, scale_factor, bool(recompute_scale_factor))
    for axis, (new, scale) in enumerate(zip(sizes, scales, strict=True), start=2):
        if mode == "area":
            x = averaged("interpolate", x, axis, new)
        else:
            x = _resample(x, axis, new, scale, mode, bool(align_corners))
    return of_dtype(x, dtype)


def _check(x: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode not in _RANKS:
        raise ArgumentError(
            f"interpolate: wrong mode: got {mode!r}, expected one of {', '.join(_RANKS)}"
        )
    if x.ndim - 2 not in _RANKS[mode]:
        ranks = " or ".join(str(n + 2) for n in _RANKS[mode])
        raise ArgumentError(f"interpolate: wrong rank: got {x.ndim}, expected {ranks} for {mode}")
    if align_corners is not None and mode not in _CORNERED:
        raise ArgumentError(f"interpolate: align_corners with mode {mode!r}: expected none")
    if antialias:
        raise ArgumentError("interpolate: antialias: expected False")
    if not is_float(x.dtype) and not mode.startswith("nearest"):
        raise ArgumentError(f"interpolate: mode {mode!r} of {x.dtype}: expected a float dtype")


def _sizes(
    x: Tensor,
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool,
) -> tuple[list[int], list[float | None]]:
    """The new sizes, and the scale of each axis where positions follow from it."""
    count = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: expected either size or scale_factor")
    if size is not None:
        sizes = list(size) if isinstance(size, Sequence) else [size] * count
        if len(sizes) != count:
            raise ArgumentError(f"interpolate: wrong size: got {size}, expected {count} numbers")
        return sizes, [None] * count
    given = scale_factor
    scales = list(given) if isinstance(given, Sequence) else [float(given or 0)] * count
    if len(scales) != count or any(s <= 0 for s in scales):
        raise ArgumentError(
            f"interpolate: wrong scale_factor: got {given}, expected {count} positive numbers"
        )
    old = [constant_size("interpolate", x, axis) for axis in range(2, x.ndim)]
    sizes = [math.floor(float(n) * s) for n, s in zip(old, scales, strict=True)]
    return sizes, [None] * count if recompute else [float(s) for s in scales]


def _resample(
    x: Tensor, axis: int, new: int, scale: float | None, mode: str, align_corners: bool
) -> Tensor:
    """The weighted mean of some neighbors along one axis."""
    n = constant_size("interpolate", x, axis)
    if n == 0 or new < 1:
        raise ArgumentError(f"interpolate: wrong sizes: got {n} and {new}, expected >= 1")
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    step = dtype.type(n / new if scale is None else 1.0 / scale)
    if align_corners and mode in _CORNERED:
        step = dtype.type((n - 1) / (new - 1) if new > 1 else 0)
    at = np.arange(new).astype(dtype)
    if mode.startswith("nearest"):
        at = at + dtype.type(0.5) if mode == "nearest-exact" else at
        return take(x, np.minimum(np.floor(at * step), n - 1).astype(np.int64), axis=axis)
    half = dtype.type(0.5)
    position = at * step if align_corners else (at + half) * step - half
    total: Tensor | None = None
    for indices, weights in _NEIGHBORS[mode](position, n):
        part = take(x, indices, axis=axis) * along(x, weights, axis)
        total = part if total is None else total + part
    assert total is not None  # every mode has neighbors
    return total


Neighbors = list[tuple[Array, Array]]  # for each neighbor: indices, weights


def _linear(position: Array, n: int) -> Neighbors:
    position = np.maximum(position, 0)
    low = np.minimum(np.floor(position).astype(np.int64), n - 1)
    high = np.minimum(low + 1, n - 1)
    share = np.clip(position - low.astype(position.dtype), 0, 1).astype(position.dtype)
    return [(low, 1 - share), (high, share)]


def _cubic(position: Array, n: int) -> Neighbors:
    below = np.floor(position)
    t = position - below
    first = below.astype(np.int64) - 1
    return [(np.clip(first + i, 0, n - 1), w) for i, w in enumerate(cubic_weights(t))]


Numbers = TypeVar("Numbers", Array, Tensor)


def cubic_weights(t: Numbers) -> list[Numbers]:
    """The weights of the neighbors at -1, 0, 1, 2 of a position t in 0..1: Keys' cubic convolution
    (1981) with a = -0.75."""
    a = -0.75

    def near(d: Numbers) -> Numbers:  # 0 <= d <= 1
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Numbers) -> Numbers:  # 1 <= d <= 2
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


_NEIGHBORS: dict[str, Callable[[Array, int], Neighbors]] = {
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
}
