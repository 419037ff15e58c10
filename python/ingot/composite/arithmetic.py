"""Composite element-wise functions that NumPy and torch have beside the array API's."""

from __future__ import annotations

import math

import numpy as np

from ingot.dtypes import is_float
from ingot.ops.axes import as_tensor
from ingot.ops.pointwise_arithmetic import (
    abs,
    add,
    divide,
    maximum,
    minimum,
    multiply,
    remainder,
    subtract,
    trunc,
)
from ingot.ops.pointwise_compare import (
    bitwise_xor,
    equal,
    less,
    less_equal,
    logical_and,
    logical_or,
    not_equal,
    where,
)
from ingot.ops.pointwise_math import cast
from ingot.tensor import Tensor, TensorLike

from .calls import composite
from .data_types import finfo
from .elementwise import isfinite, isnan
from .operands import floating, of_dtype

__all__ = [
    "addcdiv",
    "addcmul",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "isclose",
    "lerp",
    "masked_fill",
    "nan_to_num",
]


@composite
def fmod(x: TensorLike, y: TensorLike) -> Tensor:
    """The rest of x / y truncated, with the sign of x: x - trunc(x / y) * y, exactly.

    x, y: real[...], promoted -> the same. Floats: NaN where y is 0 or x infinite; integers: 0 where
    y is 0. Steps: r = remainder(x, y), for floats of the absolute values; then the sign of x.

    >>> import ingot
    >>> ingot.fmod(ingot.tensor([-7, 7]), 3)
    Tensor([-1,  1], dtype=int64)
    """
    x, y = as_tensor("fmod", x), y if isinstance(y, (int, float)) else as_tensor("fmod", y)
    rest = remainder(x, y)
    if not is_float(rest.dtype):
        wrong_sign = logical_and(not_equal(rest, 0), bitwise_xor(less(x, 0), less(y, 0)))
        return where(wrong_sign, subtract(rest, y), rest)
    # Signs as factors, so that the derivatives are 1 and -trunc(x / y) at 0 too.
    sign_x, sign_y = (where(less(t, 0), -1.0, 1.0).astype(rest.dtype) for t in (x, y))
    return multiply(sign_x, remainder(multiply(x, sign_x), multiply(y, sign_y)))


@composite
def frac(x: TensorLike) -> Tensor:
    """x - trunc(x), with the sign of x.

    x: float[...] -> the same. NaN for an infinity.

    >>> import ingot
    >>> ingot.frac(ingot.tensor([1.25, -1.5]))
    Tensor([ 0.25, -0.5 ], dtype=float32)
    """
    return subtract(x, trunc(x))


@composite
def fmax(x: TensorLike, y: TensorLike) -> Tensor:
    """The larger of x and y; where one is NaN, the other.

    x, y: real[...], promoted and broadcast -> the same.

    >>> import ingot
    >>> ingot.fmax(ingot.tensor([1.0, float("nan")]), ingot.tensor([2.0, 3.0]))
    Tensor([2., 3.], dtype=float32)
    """
    x, y = as_tensor("fmax", x), as_tensor("fmax", y)
    return where(isnan(y), x, where(isnan(x), y, maximum(x, y)))


@composite
def fmin(x: TensorLike, y: TensorLike) -> Tensor:
    """The smaller of x and y; where one is NaN, the other.

    x, y: real[...], promoted and broadcast -> the same.

    >>> import ingot
    >>> ingot.fmin(ingot.tensor([1.0, float("nan")]), ingot.tensor([2.0, 3.0]))
    Tensor([1., 3.], dtype=float32)
    """
    x, y = as_tensor("fmin", x), as_tensor("fmin", y)
    return where(isnan(y), x, where(isnan(x), y, minimum(x, y)))


@composite
def lerp(start: TensorLike, end: TensorLike, weight: TensorLike) -> Tensor:
    """The point between start and end: start + weight * (end - start) where abs(weight) < 1/2, else
    end - (1 - weight) * (end - start), so that both ends are met exactly.

    All: float[...], promoted and broadcast -> the same.

    >>> import ingot
    >>> ingot.lerp(ingot.tensor([1.0]), ingot.tensor([3.0]), 0.25)
    Tensor([1.5], dtype=float32)
    """
    start, end = floating("lerp", start), floating("lerp", end)
    span = subtract(end, start)
    near_start = add(start, multiply(weight, span))
    near_end = subtract(end, multiply(subtract(1, weight), span))
    return where(less(abs(weight), 0.5), near_start, near_end)


@composite
def addcmul(x: TensorLike, a: TensorLike, b: TensorLike, *, value: float = 1) -> Tensor:
    """x + value * a * b.

    x, a, b: real[...], promoted and broadcast -> the same.

    >>> import ingot
    >>> ingot.addcmul(ingot.tensor([1.0]), ingot.tensor([2.0]), ingot.tensor([3.0]), value=0.5)
    Tensor([4.], dtype=float32)
    """
    product = multiply(a, b)
    return add(x, product if value == 1 else multiply(product, value))


@composite
def addcdiv(x: TensorLike, a: TensorLike, b: TensorLike, *, value: float = 1) -> Tensor:
    """x + value * a / b.

    x, a, b: float[...], promoted and broadcast -> the same.

    >>> import ingot
    >>> ingot.addcdiv(ingot.tensor([1.0]), ingot.tensor([6.0]), ingot.tensor([3.0]), value=0.5)
    Tensor([2.], dtype=float32)
    """
    quotient = divide(a, b)
    return add(x, quotient if value == 1 else multiply(quotient, value))


@composite
def masked_fill(x: TensorLike, mask: TensorLike, value: TensorLike) -> Tensor:
    """x, but `value` where mask is true.

    x: any[...], mask: bool[...], value: a scalar, cast to x's dtype; broadcast -> the dtype of x.

    >>> import ingot
    >>> ingot.masked_fill(ingot.tensor([1, 2]), ingot.tensor([True, False]), 0)
    Tensor([0, 2], dtype=int64)
    """
    x = as_tensor("masked_fill", x)
    return where(mask, of_dtype(as_tensor("masked_fill", value), x.dtype), x)


@composite
def nan_to_num(
    x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with NaN and infinities replaced by numbers, infinities by the largest ones of the dtype
    unless told otherwise. The derivative is 0 where x was replaced.

    x: real[...] -> the same.

    >>> import ingot
    >>> ingot.nan_to_num(ingot.tensor([float("nan"), float("-inf"), 1.0]), neginf=-9.0)
    Tensor([ 0., -9.,  1.], dtype=float32)
    """
    x = as_tensor("nan_to_num", x)
    if not is_float(x.dtype):
        return x
    largest = finfo(x).max
    result = where(isnan(x), nan, x)
    result = where(equal(x, math.inf), largest if posinf is None else posinf, result)
    return where(equal(x, -math.inf), -largest if neginf is None else neginf, result)


@composite
def isclose(
    x: TensorLike,
    y: TensorLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Tensor:
    """Whether x is near y: x == y, or abs(x - y) <= atol + rtol * abs(y) where y is finite.

    x, y: real[...] or bool[...], promoted and broadcast -> bool[...]. Integers are compared as
    float64. NaN is near NaN only with equal_nan.

    >>> import ingot
    >>> ingot.isclose(ingot.tensor([1.0, 2.0]), ingot.tensor([1.000001, 2.1]))
    Tensor([ True, False], dtype=bool)
    """
    x, y = as_tensor("isclose", x), as_tensor("isclose", y)
    if not (is_float(x.dtype) or is_float(y.dtype)):
        x, y = cast(x, dtype=np.float64), cast(y, dtype=np.float64)
    near = less_equal(abs(subtract(x, y)), add(multiply(abs(y), rtol), atol))
    result = logical_or(equal(x, y), logical_and(near, isfinite(y)))
    if not equal_nan:
        return result
    return logical_or(result, logical_and(isnan(x), isnan(y)))
