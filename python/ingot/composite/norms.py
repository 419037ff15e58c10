"""Norms of vectors and matrices, with the derivatives 0 that torch has where a norm is 0."""

from __future__ import annotations

import builtins
import math

from ingot.errors import ArgumentError
from ingot.ops.axes import many_axes, one_axis
from ingot.ops.pointwise_arithmetic import abs, multiply, pow
from ingot.ops.pointwise_compare import equal, not_equal, where
from ingot.ops.pointwise_math import cast
from ingot.ops.reduction import max, min, sum
from ingot.tensor import Axes, Tensor, TensorLike

from .calls import composite
from .diagonals import matrices
from .operands import of_dtype, sqrt_flat_at_zero, summable

__all__ = [
    "matrix_norm",
    "vector_norm",
]


@composite
def vector_norm(
    x: TensorLike, *, axis: Axes = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """The norm of vectors along axes (all of them by default): sum(abs(x) ** ord) ** (1 / ord).

    ord inf and -inf: the largest and the smallest abs(x); 0: how many are not 0. Squares are added
    as they are: above about 1e19 float32 overflows. The derivative is 0 where the norm is.
    x: float[...] -> the same dtype (integers give float32), less the axes. Raises ShapeError for an
    infinite ord over an axis that is, or may be, empty.

    >>> import ingot
    >>> ingot.vector_norm(ingot.tensor([3.0, 4.0]))
    Tensor(5., dtype=float32)
    """
    x, dtype = summable("vector_norm", x)
    axes = many_axes("vector_norm", axis, x.ndim)
    return of_dtype(_norm(x, axes, keepdims, float(ord)), dtype)


def _norm(x: Tensor, axes: list[int], keepdims: bool, ord: float) -> Tensor:
    if ord == 2:
        return sqrt_flat_at_zero(sum(multiply(x, x), axes, keepdims=keepdims))
    if ord == 0:
        return cast(sum(not_equal(x, 0), axes, keepdims=keepdims), dtype=x.dtype)
    size = abs(x)
    if math.isinf(ord):
        return (max if ord > 0 else min)(size, axes, keepdims=keepdims)
    if ord == 1:
        return sum(size, axes, keepdims=keepdims)
    total = sum(_pow_flat_at_zero(size, ord), axes, keepdims=keepdims)
    return _pow_flat_at_zero(total, 1 / ord)


def _pow_flat_at_zero(x: Tensor, exponent: float) -> Tensor:
    """x ** exponent for x >= 0, with derivative 0 at 0, where it may be infinite."""
    is_zero = equal(x, 0)
    at_zero = 0.0 if exponent > 0 else math.inf
    return where(is_zero, at_zero, pow(where(is_zero, 1, x), exponent))


@composite
def matrix_norm(
    x: TensorLike,
    *,
    keepdims: bool = False,
    ord: float | str = "fro",
    axis: tuple[int, int] = (-2, -1),
) -> Tensor:
    """The norm of the matrices in two axes (the last two).

    ord "fro": the root of the sum of squares; 1 and -1: the largest and the smallest sum of a
    column's abs(x); inf and -inf: of a row's. x: float[..., m, n] -> the same dtype (integers give
    float32), less the axes. Raises ArgumentError for 2, -2 and "nuc", which need singular values.

    >>> import ingot
    >>> ingot.matrix_norm(ingot.tensor([[1.0, 2.0], [3.0, 4.0]]), ord=1)
    Tensor(6., dtype=float32)
    """
    x, dtype = summable("matrix_norm", matrices("matrix_norm", x))
    rows, columns = (one_axis("matrix_norm", a, x.ndim) for a in axis)
    if rows == columns:
        raise ArgumentError(f"matrix_norm: equal axes: got {axis}, expected two")
    if ord == "fro":
        return of_dtype(_norm(x, [rows, columns], keepdims, 2.0), dtype)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(f"matrix_norm: got ord {ord!r}, expected 'fro', 1, -1, inf or -inf")
    summed, compared = (rows, columns) if builtins.abs(ord) == 1 else (columns, rows)
    totals = sum(abs(x), summed, keepdims=True)
    largest = (max if ord > 0 else min)(totals, compared, keepdims=True)
    return of_dtype(largest if keepdims else sum(largest, [rows, columns]), dtype)
