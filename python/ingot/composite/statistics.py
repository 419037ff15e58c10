"""Composite functions over axes: means, deviations, truth, sums that skip or guard."""

from __future__ import annotations

import math

import numpy as np

from ingot.dtypes import is_float
from ingot.ops.axes import as_tensor, many_axes
from ingot.ops.creation import size
from ingot.ops.movement import reshape
from ingot.ops.pointwise_arithmetic import abs, add, divide, maximum, multiply, subtract
from ingot.ops.pointwise_compare import equal, less, logical_not, not_equal, where
from ingot.ops.pointwise_math import cast, exp, log
from ingot.ops.reduction import max, min, sum
from ingot.tensor import Axes, Size, Tensor, TensorLike

from .arithmetic import isclose
from .calls import composite
from .elementwise import isnan
from .operands import count_of, of_dtype, sqrt_flat_at_zero, summable, truth

__all__ = [
    "all",
    "allclose",
    "amax",
    "amin",
    "aminmax",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "std",
    "var",
]

amax = max
amin = min


@composite
def mean(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The mean of the elements along axes (all of them by default): sum(x) / n.

    x: float[...] -> the same dtype (bool and integers give float32), less the axes. NaN over
    nothing.

    >>> import ingot
    >>> ingot.mean(ingot.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([2., 3.], dtype=float32)
    """
    x, dtype = summable("mean", x)
    axes = many_axes("mean", axis, x.ndim)
    return of_dtype(divide(sum(x, axis=axes, keepdims=keepdims), count_of(x, axes)), dtype)


@composite
def var(
    x: TensorLike, axis: Axes = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The variance along axes: sum((x - mean(x)) ** 2) / (n - correction).

    x: float[...] -> the same dtype (integers give float32), less the axes. NaN over nothing.

    >>> import ingot
    >>> ingot.var(ingot.tensor([1.0, 2.0, 3.0]), correction=1)
    Tensor(1., dtype=float32)
    """
    x, dtype = summable("var", x)
    return of_dtype(_variance("var", x, axis, correction, keepdims), dtype)


def _variance(op: str, x: Tensor, axis: Axes, correction: float, keepdims: bool) -> Tensor:
    axes = many_axes(op, axis, x.ndim)
    count = count_of(x, axes)
    centered = subtract(x, divide(sum(x, axis=axes, keepdims=True), count))
    total = sum(multiply(centered, centered), axis=axes, keepdims=keepdims)
    if correction == 0:
        return divide(total, count)
    if isinstance(count, Size):
        number = cast(size(count), dtype=x.dtype)
        return divide(total, maximum(subtract(number, correction), 0))
    return divide(total, float(np.maximum(count - correction, 0)))


@composite
def std(
    x: TensorLike, axis: Axes = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The standard deviation along axes: the square root of `var`. Its derivative where all are
    equal is 0.

    x: float[...] -> the same dtype (integers give float32), less the axes. NaN over nothing.

    >>> import ingot
    >>> ingot.std(ingot.tensor([1.0, 3.0]))
    Tensor(1., dtype=float32)
    """
    x, dtype = summable("std", x)
    return of_dtype(sqrt_flat_at_zero(_variance("std", x, axis, correction, keepdims)), dtype)


@composite
def any(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether at least one element along axes (all of them by default) is true, or not 0.

    x: any[...] -> bool, less the axes. False over nothing; NaN counts as true.

    >>> import ingot
    >>> ingot.any(ingot.tensor([[True, False], [False, False]]), axis=1)
    Tensor([ True, False], dtype=bool)
    """
    return not_equal(sum(truth("any", x), axis=axis, keepdims=keepdims), 0)


@composite
def all(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether every element along axes (all of them by default) is true, or not 0.

    x: any[...] -> bool, less the axes. True over nothing; NaN counts as true.

    >>> import ingot
    >>> ingot.all(ingot.tensor([[True, False], [True, True]]), axis=1)
    Tensor([False,  True], dtype=bool)
    """
    untrue = logical_not(truth("all", x))
    return equal(sum(untrue, axis=axis, keepdims=keepdims), 0)


@composite
def count_nonzero(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """How many elements along axes (all of them by default) are not 0.

    x: any[...] -> int64, less the axes. NaN counts.

    >>> import ingot
    >>> ingot.count_nonzero(ingot.tensor([[0, 1], [2, 3]]), axis=0)
    Tensor([1, 2], dtype=int64)
    """
    return sum(truth("count_nonzero", x), axis=axis, keepdims=keepdims)


@composite
def aminmax(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element along axes (all of them by default).

    As `min` and `max`.

    >>> import ingot
    >>> ingot.aminmax(ingot.tensor([3, 1, 2]))
    (Tensor(1, dtype=int64), Tensor(3, dtype=int64))
    """
    x = as_tensor("aminmax", x)
    return min(x, axis, keepdims=keepdims), max(x, axis, keepdims=keepdims)


@composite
def logsumexp(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) along axes (all of them by default).

    Steps: m + log(sum(exp(x - m))), where m is the largest element, or 0 where that is infinite.

    x: float[...] -> the same dtype (integers give float32), less the axes. -inf where all are.
    Raises ShapeError over an axis that is, or may be, empty.

    >>> import ingot
    >>> ingot.logsumexp(ingot.tensor([1000.0, 1000.0]))
    Tensor(1000.6932, dtype=float32)
    """
    x, dtype = summable("logsumexp", x)
    axes = many_axes("logsumexp", axis, x.ndim)
    largest = max(x, axes, keepdims=True).detach()  # it cancels out: no derivative
    shift = where(less(abs(largest), math.inf), largest, 0)
    total = add(log(sum(exp(subtract(x, shift)), axes, keepdims=True)), shift)
    if not keepdims:
        total = reshape(total, [n for a, n in enumerate(x.shape) if a not in axes])
    return of_dtype(total, dtype)


@composite
def nansum(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The sum along axes (all of them by default) with NaN as 0.

    x: real[...] or bool[...] -> as `sum`.

    >>> import ingot
    >>> ingot.nansum(ingot.tensor([1.0, float("nan"), 2.0]))
    Tensor(3., dtype=float32)
    """
    x = as_tensor("nansum", x)
    return sum(where(isnan(x), 0, x) if is_float(x.dtype) else x, axis, keepdims=keepdims)


@composite
def nanmean(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The mean of the elements along axes (all of them by default) that are not NaN.

    x: float[...] -> the same dtype (integers give float32), less the axes. NaN over none.

    >>> import ingot
    >>> ingot.nanmean(ingot.tensor([1.0, float("nan"), 2.0]))
    Tensor(1.5, dtype=float32)
    """
    x, dtype = summable("nanmean", x)
    count = sum(logical_not(isnan(x)), axis, keepdims=keepdims)
    total = nansum(x, axis, keepdims=keepdims)
    return of_dtype(divide(total, cast(count, dtype=x.dtype)), dtype)


@composite
def allclose(
    x: TensorLike,
    y: TensorLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Tensor:
    """Whether every element of x is near that of y: all(isclose(x, y, ...)).

    -> bool[].

    >>> import ingot
    >>> bool(ingot.allclose(ingot.tensor([1.0]), ingot.tensor([1.0])))
    True
    """
    return all(isclose(x, y, rtol, atol, equal_nan))
