"""Composite element-wise functions and reductions, named as in the array API where it has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.dtypes import DTypeLike, kind_of
from ingot.errors import ArgumentError
from ingot.ops.axes import as_tensor, many_axes
from ingot.ops.contraction import matmul
from ingot.ops.creation import size
from ingot.ops.movement import permute_dims
from ingot.ops.pointwise_arithmetic import (
    abs,
    divide,
    maximum,
    minimum,
    multiply,
    negative,
    subtract,
)
from ingot.ops.pointwise_compare import bitwise_invert, equal, less, logical_not, not_equal
from ingot.ops.pointwise_math import cast, sqrt
from ingot.ops.reduction import argmax, sum
from ingot.tensor import Axes, Size, SizeLike, Tensor, TensorLike

from .calls import composite

__all__ = [
    "all",
    "any",
    "argmin",
    "astype",
    "clamp",
    "clip",
    "isfinite",
    "isinf",
    "isnan",
    "linear",
    "mean",
    "reciprocal",
    "square",
    "std",
    "var",
]


@composite
def square(x: TensorLike) -> Tensor:
    """x * x.

    x: real[...] -> the same. Integers wrap.

    >>> import ingot
    >>> ingot.square(ingot.tensor([1, -3]))
    Tensor([1, 9], dtype=int64)
    """
    return multiply(x, x)


@composite
def reciprocal(x: TensorLike) -> Tensor:
    """1 / x.

    x: float[...] -> the same (integers give float32). inf at 0.

    >>> import ingot
    >>> ingot.reciprocal(ingot.tensor([2.0, 4.0]))
    Tensor([0.5 , 0.25], dtype=float32)
    """
    return divide(1, x)


@composite
def isnan(x: TensorLike) -> Tensor:
    """Whether an element is not a number: x != x.

    x: any[...] -> bool[...].

    >>> import ingot
    >>> ingot.isnan(ingot.tensor([1.0, float("nan")]))
    Tensor([False,  True], dtype=bool)
    """
    x = as_tensor("isnan", x)
    return not_equal(x, x)


@composite
def isinf(x: TensorLike) -> Tensor:
    """Whether an element is an infinity: abs(x) == inf.

    x: real[...] -> bool[...]. False for NaN and for integers.

    >>> import ingot
    >>> ingot.isinf(ingot.tensor([1.0, float("-inf")]))
    Tensor([False,  True], dtype=bool)
    """
    return equal(abs(x), float("inf"))


@composite
def isfinite(x: TensorLike) -> Tensor:
    """Whether an element is neither an infinity nor NaN: abs(x) < inf.

    x: real[...] -> bool[...]. True for integers.

    >>> import ingot
    >>> ingot.isfinite(ingot.tensor([1.0, float("nan")]))
    Tensor([ True, False], dtype=bool)
    """
    return less(abs(x), float("inf"))


@composite
def clip(x: TensorLike, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
    """x limited to min..max: minimum(maximum(x, min), max).

    x: real[...], min, max: scalars or tensors, promoted. NaN stays; where min > max it is max.

    >>> import ingot
    >>> ingot.clip(ingot.tensor([-1.0, 0.5, 3.0]), 0, 1)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    result = as_tensor("clip", x)
    if min is not None:
        result = maximum(result, min)
    return result if max is None else minimum(result, max)


clamp = clip


def count_of(x: Tensor, axes: Sequence[int]) -> SizeLike:
    """The number of elements along axes."""
    count: SizeLike = 1
    for axis in axes:
        count = count * x.shape[axis]
    return count


@composite
def mean(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The mean of the elements along axes (all of them by default): sum(x) / n.

    x: float[...] -> the same dtype (bool and integers give float32), less the axes. NaN over
    nothing.

    >>> import ingot
    >>> ingot.mean(ingot.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([2., 3.], dtype=float32)
    """
    x = floating("mean", x)
    axes = many_axes("mean", axis, x.ndim)
    return divide(sum(x, axis=axes, keepdims=keepdims), count_of(x, axes))


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
    x = floating("var", x)
    axes = many_axes("var", axis, x.ndim)
    count = count_of(x, axes)
    centered = subtract(x, divide(sum(x, axis=axes, keepdims=True), count))
    total = sum(multiply(centered, centered), axis=axes, keepdims=keepdims)
    if correction == 0:
        return divide(total, count)
    if isinstance(count, Size):
        number = cast(as_size_tensor(count), dtype=x.dtype)
        return divide(total, maximum(subtract(number, correction), 0))
    return divide(total, float(np.maximum(count - correction, 0)))


def as_size_tensor(value: SizeLike) -> Tensor:
    """A size as an int64 scalar."""
    return size(value)


@composite
def std(
    x: TensorLike, axis: Axes = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The standard deviation along axes: the square root of `var`.

    x: float[...] -> the same dtype (integers give float32), less the axes. NaN over nothing.

    >>> import ingot
    >>> ingot.std(ingot.tensor([1.0, 3.0]))
    Tensor(1., dtype=float32)
    """
    return sqrt(var(x, axis, correction=correction, keepdims=keepdims))


def floating(op: str, x: TensorLike) -> Tensor:
    """x, cast to float32 unless it is float or complex: before any arithmetic could wrap."""
    tensor = as_tensor(op, x)
    is_float = kind_of(tensor.dtype) in ("float", "complex")
    return tensor if is_float else cast(tensor, dtype=np.float32)


def _truth(op: str, x: TensorLike) -> Tensor:
    tensor = as_tensor(op, x)
    return tensor if kind_of(tensor.dtype) == "bool" else cast(tensor, dtype=np.bool_)


@composite
def any(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether at least one element along axes (all of them by default) is true, or not 0.

    x: any[...] -> bool, less the axes. False over nothing; NaN counts as true.

    >>> import ingot
    >>> ingot.any(ingot.tensor([[True, False], [False, False]]), axis=1)
    Tensor([ True, False], dtype=bool)
    """
    return not_equal(sum(_truth("any", x), axis=axis, keepdims=keepdims), 0)


@composite
def all(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether every element along axes (all of them by default) is true, or not 0.

    x: any[...] -> bool, less the axes. True over nothing; NaN counts as true.

    >>> import ingot
    >>> ingot.all(ingot.tensor([[True, False], [True, True]]), axis=1)
    Tensor([False,  True], dtype=bool)
    """
    untrue = logical_not(_truth("all", x))
    return equal(sum(untrue, axis=axis, keepdims=keepdims), 0)


@composite
def argmin(x: TensorLike, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The position of the first smallest element along an axis (None: of all elements, flattened).

    x: real[...] or bool[...] -> int64, less the axis. The first NaN counts as the smallest.
    Integers are compared as ~x, which has no overflow. Raises ShapeError over an axis that may be
    empty.

    >>> import ingot
    >>> ingot.argmin(ingot.tensor([[1, 5], [3, 3]]), axis=1)
    Tensor([0, 0], dtype=int64)
    """
    x = as_tensor("argmin", x)
    reversed_order = negative(x) if kind_of(x.dtype) == "float" else bitwise_invert(x)
    return argmax(reversed_order, axis, keepdims=keepdims)


@composite
def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """x @ weight.T + bias.

    x: float[..., in], weight: float[out, in], bias: float[out] -> float[..., out].
    Raises ArgumentError unless weight is a matrix, ShapeError where the sizes differ.

    >>> import ingot
    >>> ingot.linear(ingot.tensor([1.0, 2.0]), ingot.tensor([[3.0, 4.0]]), ingot.tensor([0.5]))
    Tensor([11.5], dtype=float32)
    """
    weight = as_tensor("linear", weight)
    if weight.ndim != 2:
        raise ArgumentError(f"linear: wrong weight: got rank {weight.ndim}, expected 2")
    product = matmul(x, permute_dims(weight, (1, 0)))
    return product if bias is None else product + bias


@composite
def astype(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """As `ingot.cast`, under the array API's name.

    >>> import ingot
    >>> ingot.astype(ingot.tensor([1, 2]), "float32")
    Tensor([1., 2.], dtype=float32)
    """
    return cast(x, dtype=dtype)
