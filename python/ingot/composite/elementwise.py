"""Composite element-wise functions of the array API standard."""

from __future__ import annotations

import math
from numbers import Real

from ingot.dtypes import DTypeLike, as_dtype, is_float, kind_of
from ingot.ops.axes import as_tensor
from ingot.ops.pointwise_arithmetic import (
    abs,
    add,
    divide,
    maximum,
    multiply,
    negative,
    subtract,
)
from ingot.ops.pointwise_compare import equal, greater, less, logical_or, not_equal, where
from ingot.ops.pointwise_exponential import log1p
from ingot.ops.pointwise_math import cast, exp, sqrt
from ingot.ops.pointwise_neighbors import copysign
from ingot.tensor import Tensor, TensorLike

from .calls import composite
from .creation import full_like
from .operands import check_device, floating

__all__ = [
    "astype",
    "clamp",
    "clip",
    "conj",
    "hypot",
    "isfinite",
    "isinf",
    "isnan",
    "logaddexp",
    "positive",
    "real",
    "reciprocal",
    "signbit",
    "square",
]


@composite
def positive(x: TensorLike) -> Tensor:
    """x itself.

    x: real[...] -> the same.

    >>> import ingot
    >>> ingot.positive(ingot.tensor([1, -3]))
    Tensor([ 1, -3], dtype=int64)
    """
    return as_tensor("positive", x)


@composite
def real(x: TensorLike) -> Tensor:
    """The real part, which is x itself: no kernel knows complex numbers.

    x: real[...] -> the same. Complex numbers are cast, which drops their imaginary part.

    >>> import ingot
    >>> ingot.real(ingot.tensor([1.5]))
    Tensor([1.5], dtype=float32)
    """
    x = as_tensor("real", x)
    if kind_of(x.dtype) != "complex":
        return x
    return cast(x, dtype="float32" if x.dtype.itemsize == 8 else "float64")


@composite
def conj(x: TensorLike) -> Tensor:
    """The complex conjugate of a real x: x itself.

    x: real[...] -> the same.

    >>> import ingot
    >>> ingot.conj(ingot.tensor([1.5]))
    Tensor([1.5], dtype=float32)
    """
    return as_tensor("conj", x)


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

    x: real[...] or bool[...] -> bool[...]. False for NaN and for integers.

    >>> import ingot
    >>> ingot.isinf(ingot.tensor([1.0, float("-inf")]))
    Tensor([False,  True], dtype=bool)
    """
    x = as_tensor("isinf", x)
    return equal(abs(x), math.inf) if is_float(x.dtype) else full_like(x, False, dtype="bool")


@composite
def isfinite(x: TensorLike) -> Tensor:
    """Whether an element is neither an infinity nor NaN: abs(x) < inf.

    x: real[...] or bool[...] -> bool[...]. True for integers.

    >>> import ingot
    >>> ingot.isfinite(ingot.tensor([1.0, float("nan")]))
    Tensor([ True, False], dtype=bool)
    """
    x = as_tensor("isfinite", x)
    return less(abs(x), math.inf) if is_float(x.dtype) else full_like(x, True, dtype="bool")


@composite
def clip(x: TensorLike, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
    """x limited to min..max: y = min where x < min, else x; then max where y > max, else y.

    x: real[...], min, max: scalars or tensors, promoted and broadcast. NaN in x or in a limit gives
    NaN; where min > max it is max. The derivative at a limit is that of x.

    >>> import ingot
    >>> ingot.clip(ingot.tensor([-1.0, 0.5, 3.0]), 0, 1)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    result = as_tensor("clip", x)
    if min is not None:
        result = where(_or_nan(less(result, min), min), min, result)
    return result if max is None else where(_or_nan(greater(result, max), max), max, result)


def _or_nan(beyond: Tensor, limit: TensorLike) -> Tensor:
    """A NaN limit is beyond every x, but compares as false."""
    if isinstance(limit, Real) and limit == limit:
        return beyond
    limit = as_tensor("clip", limit)
    return logical_or(beyond, isnan(limit)) if is_float(limit.dtype) else beyond


clamp = clip


@composite
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """sqrt(x1 * x1 + x2 * x2) without overflow: m * sqrt((x1 / m) ** 2 + (x2 / m) ** 2), where m is
    the larger of abs(x1) and abs(x2).

    x1, x2: float[...], promoted (integers give float32) -> the same. inf where either is infinite,
    even beside NaN.

    >>> import ingot
    >>> ingot.hypot(ingot.tensor([3.0]), ingot.tensor([4.0]))
    Tensor([5.], dtype=float32)
    """
    a, b = floating("hypot", x1), floating("hypot", x2)
    # The scale cancels out, so it needs no derivative.
    largest = maximum(abs(a), abs(b)).detach()
    scale = where(logical_or(equal(largest, 0), isinf(largest)), 1, largest)
    length = multiply(sqrt(add(square(divide(a, scale)), square(divide(b, scale)))), scale)
    return where(logical_or(isinf(a), isinf(b)), math.inf, length)


@composite
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log(exp(x1) + exp(x2)): m + log1p(exp(-abs(x1 - x2))), where m is the larger one.

    x1, x2: float[...], promoted (integers give float32) -> the same. NaN where either is.

    >>> import ingot
    >>> ingot.logaddexp(ingot.tensor([0.0]), ingot.tensor([0.0]))
    Tensor([0.6931472], dtype=float32)
    """
    a, b = floating("logaddexp", x1), floating("logaddexp", x2)
    # Equal infinities have no difference.
    apart = where(equal(a, b), 0, subtract(a, b))
    return add(maximum(a, b), log1p(exp(negative(abs(apart)))))


@composite
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign is negative, that of -0.0 and of a NaN too: copysign(1, x) < 0.

    x: real[...] -> bool[...].

    >>> import ingot
    >>> ingot.signbit(ingot.tensor([-0.0, 0.0]))
    Tensor([ True, False], dtype=bool)
    """
    x = as_tensor("signbit", x)
    return less(copysign(1, x) if is_float(x.dtype) else x, 0)


@composite
def astype(
    x: TensorLike,
    dtype: DTypeLike,
    *,
    copy: bool = True,  # noqa: ARG001 (the standard has it)
    device: str | None = None,
) -> Tensor:
    """As `ingot.cast`, under the array API's name; a tensor of that dtype is given back as it is.

    copy: means nothing, as tensors are immutable. device: None or "cpu".

    >>> import ingot
    >>> ingot.astype(ingot.tensor([1, 2]), "float32")
    Tensor([1., 2.], dtype=float32)
    """
    check_device("astype", device)
    tensor = as_tensor("astype", x)
    return tensor if tensor.dtype == as_dtype(dtype) else cast(tensor, dtype=dtype)
