"""Running totals along an axis: cumulative_sum, cumulative_prod.

The left fold in order, in the op's dtype.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import Bound, scaled
from ingot.dtypes import Array, DType, DTypeLike
from ingot.errors import ArgumentError, DTypeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .axes import one_axis
from .reduction import countable
from .samples import REALS, draw

__all__ = [
    "cumulative_prod",
    "cumulative_sum",
]


def _along(function: Any, x: Array, axis: int, reverse: bool) -> Array:
    if reverse:
        x = np.flip(x, axis)
    result = function(x, axis=axis, dtype=x.dtype)
    return np.asarray(np.flip(result, axis) if reverse else result)


def _sum_scale(operands: Sequence[Array], attrs: Mapping[str, Any]) -> tuple[Array, float]:
    return _along(np.cumsum, np.abs(operands[0]), **attrs), operands[0].shape[attrs["axis"]]


def _prod_tolerance(
    operands: Sequence[Array], attrs: Mapping[str, Any], expected: Array, dtype: DType
) -> Array:
    info, x = np.finfo(dtype), operands[0]
    count = x.shape[attrs["axis"]]
    logs = np.log2(np.where((x == 0) | ~np.isfinite(x), 1.0, np.abs(x)))
    size = _along(np.cumsum, logs, **attrs)
    low = _along(np.minimum.accumulate, size, attrs["axis"], False) if count else size
    # After a partial product has left the normal range the roundings are no longer relative.
    free = (np.abs(size) >= info.maxexp - 1) | (low <= info.minexp + 1)
    return np.where(free, np.inf, np.abs(expected) * (2.0 * count * float(info.eps)))


def _running(function: Any, x: TensorLike, **options: Any) -> Tensor:
    """What both functions do around their rows."""
    name = function.__name__
    x = countable(name, x, options["dtype"])
    axis = options["axis"]
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"{name}: no axis: got rank {x.ndim}, expected rank 1")
        axis = 0
    axis = one_axis(name, axis, x.ndim)
    result: Tensor = function.bind(x, axis=axis, reverse=options["reverse"])
    if not options["include_initial"]:
        return result
    ends = [[0] * x.ndim, [0] * x.ndim]
    ends[1 if options["reverse"] else 0][axis] = 1
    return call("pad", result, options["initial"], low=ends[0], high=ends[1])


SUM_BOUND = scaled("2 (n + 1) roundings of the running sum of |x|", _sum_scale)
PROD_BOUND = Bound("2 n roundings of the running product", widen=True, tolerance=_prod_tolerance)


@op(onnx="CumSum", bound=SUM_BOUND)
def cumulative_sum(
    x: TensorLike,
    axis: int | None = None,
    *,
    dtype: DTypeLike = None,
    include_initial: bool = False,
    reverse: bool = False,
) -> Tensor:
    """The sum of the elements up to each one along an axis.

    x: float[...] -> the same dtype; bool and integers -> int64, unsigned -> uint64; x's shape, one
    more along the axis with include_initial (a 0 in front). axis may be left out for a vector;
    `dtype` casts before; reverse sums from the end. Added in order, integers wrap.
    Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.cumulative_sum(ingot.tensor([1, 2, 3]))
    Tensor([1, 3, 6], dtype=int64)
    """
    return _running(
        cumulative_sum,
        x,
        axis=axis,
        dtype=dtype,
        include_initial=include_initial,
        reverse=reverse,
        initial=0,
    )


@cumulative_sum.reference
def _cumulative_sum(x: Array, axis: int, reverse: bool) -> Array:
    return _along(np.cumsum, x, axis, reverse)


cumulative_sum.vjp(
    lambda g, _, x, axis, reverse: cumulative_sum.bind(g, axis=axis, reverse=not reverse)
)


@op(onnx=None, bound=PROD_BOUND)
def cumulative_prod(
    x: TensorLike,
    axis: int | None = None,
    *,
    dtype: DTypeLike = None,
    include_initial: bool = False,
    reverse: bool = False,
) -> Tensor:
    """The product of the elements up to each one along an axis.

    x: float[...] -> the same dtype; bool and integers -> int64, unsigned -> uint64; x's shape, one
    more along the axis with include_initial (a 1 in front). axis may be left out for a vector;
    `dtype` casts before; reverse multiplies from the end. In order, integers wrap.
    Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.cumulative_prod(ingot.tensor([1, 2, 3]), include_initial=True)
    Tensor([1, 1, 2, 6], dtype=int64)
    """
    return _running(
        cumulative_prod,
        x,
        axis=axis,
        dtype=dtype,
        include_initial=include_initial,
        reverse=reverse,
        initial=1,
    )


@cumulative_prod.reference
def _cumulative_prod(x: Array, axis: int, reverse: bool) -> Array:
    return _along(np.cumprod, x, axis, reverse)


def _prod_rule(g: Tensor, _y: Tensor, x: Tensor, axis: int, reverse: bool) -> Tensor:
    """dx[k] = P[k] * s[k]: P[k] the product before k, s the reversed recurrence
    s[k] = g[k] + x[k+1] s[k+1]. Nothing is divided, so zeros do no harm."""
    if reverse:
        g, x = call("flip", g, axis), call("flip", x, axis)
        return call("flip", _prod_rule(g, g, x, axis, False), axis)
    n = x.shape[axis]
    if isinstance(n, int) and n == 0:
        return x
    before = products_before(x, axis)
    return before * _recurrence(g, x, axis)


def products_before(x: Tensor, axis: int) -> Tensor:
    """The product of the elements before each along an axis: 1 for the first."""
    low = [1 if i == axis else 0 for i in range(x.ndim)]
    zeros = [0] * x.ndim
    shifted = call("slice", call("pad", x, 1, low=low, high=zeros), zeros, x.shape)
    return cumulative_prod(shifted, axis)


def _recurrence(g: Tensor, x: Tensor, axis: int) -> Tensor:
    """s[k] = g[k] + x[k+1] s[k+1] by doubling: after step d, s[k] sums the terms of 2^d places."""
    n = x.shape[axis]
    if not isinstance(n, int):
        raise ArgumentError(
            f"cumulative_prod: a gradient along a symbolic size: got {n}, expected a constant"
        )
    total, factor = g, _shift(x, axis, 1, 1)
    distance = 1
    while distance < n:
        total = total + factor * _shift(total, axis, distance, 0)
        factor = factor * _shift(factor, axis, distance, 0)
        distance *= 2
    return total


def _shift(x: Tensor, axis: int, distance: int, value: float) -> Tensor:
    """x[k + distance], and `value` behind the end."""
    high = [distance if i == axis else 0 for i in range(x.ndim)]
    wide = call("pad", x, value, low=[0] * x.ndim, high=high)
    start = [distance if i == axis else 0 for i in range(x.ndim)]
    stop = [n + d for n, d in zip(x.shape, start, strict=True)]
    return call("slice", wide, start, stop)


cumulative_prod.vjp(_prod_rule)


def _samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in REALS:
        x = draw(rng, (3, 4, 5), t)
        result += [
            sample(x, 0),
            sample(x, 1, reverse=True),
            sample(x, -1, include_initial=True),
            sample(draw(rng, (2, 300), t), 0, reverse=True),
            sample(draw(rng, (0, 2), t), 0),
        ]
    return [*result, sample(draw(rng, (7,), np.int32), dtype="int32"), sample(draw(rng, (600,)))]


def _errors() -> list[WrongCall]:
    x = np.zeros((2, 3), np.float32)
    return [
        wrong(ArgumentError, "axis out of range", x, 2),
        wrong(ArgumentError, "no axis", x),
        wrong(DTypeError, "c64", np.zeros(2, np.complex64)),
    ]


cumulative_sum.samples(_samples)
cumulative_prod.samples(_samples)
cumulative_sum.errors(_errors)
cumulative_prod.errors(_errors)
