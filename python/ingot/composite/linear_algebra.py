"""Composite functions of linear algebra, short of decompositions."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.contraction import matmul
from ingot.ops.movement import broadcast_to, permute_dims, reshape
from ingot.ops.pointwise_arithmetic import multiply, subtract
from ingot.ops.reduction import sum
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .diagonals import eye
from .joining import stack, unstack
from .operands import count_of
from .shaping import broadcast_arrays

__all__ = [
    "cross",
    "dot",
    "kron",
    "linear",
    "matrix_power",
    "outer",
    "tensordot",
    "vecdot",
]


@composite
def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """x @ weight.T + bias.

    x: real[..., in], weight: real[out, in], bias: real[out] -> real[..., out]; weight: real[in],
    bias: a scalar -> real[...]. Raises ArgumentError for a weight of another rank, ShapeError where
    the sizes differ.

    >>> import ingot
    >>> ingot.linear(ingot.tensor([1.0, 2.0]), ingot.tensor([[3.0, 4.0]]), ingot.tensor([0.5]))
    Tensor([11.5], dtype=float32)
    """
    weight = as_tensor("linear", weight)
    if weight.ndim not in (1, 2):
        raise ArgumentError(f"linear: wrong weight: got rank {weight.ndim}, expected 1 or 2")
    product = matmul(x, permute_dims(weight, (1, 0)) if weight.ndim == 2 else weight)
    return product if bias is None else product + bias


@composite
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The products of every element of x1 with every element of x2.

    x1: real[m], x2: real[n], promoted -> real[m, n]. Raises ArgumentError unless both are vectors.

    >>> import ingot
    >>> ingot.outer(ingot.tensor([1, 2]), ingot.tensor([3, 4]))
    Tensor([[3, 4],
            [6, 8]], dtype=int64)
    """
    x1, x2 = as_tensor("outer", x1), as_tensor("outer", x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ArgumentError(f"outer: wrong rank: got {x1.ndim} and {x2.ndim}, expected vectors")
    return multiply(reshape(x1, (x1.shape[0], 1)), x2)


@composite
def vecdot(x1: TensorLike, x2: TensorLike, *, axis: int = -1) -> Tensor:
    """The sum of products along an axis: sum(x1 * x2), added in the order of reductions.

    x1, x2: real[..., n, ...], promoted and broadcast; axis counts from the end of the broadcast
    shape -> the same dtype, less the axis. Raises ShapeError where sizes differ.

    >>> import ingot
    >>> ingot.vecdot(ingot.tensor([1, 2, 3]), ingot.tensor([4, 5, 6]))
    Tensor(32, dtype=int64)
    """
    x1, x2 = as_tensor("vecdot", x1), as_tensor("vecdot", x2)
    if axis < 0:
        sizes = [x.shape[one_axis("vecdot", axis, x.ndim)] for x in (x1, x2)]
        if sizes[0] != sizes[1]:
            raise ShapeError(f"vecdot: sizes differ: got {sizes[0]} and {sizes[1]}")
    product = multiply(x1, x2)
    return sum(product, axis, dtype=product.dtype)


@composite
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The dot product of two vectors.

    x1, x2: real[n], promoted -> real[]. Raises ArgumentError unless both are vectors.

    >>> import ingot
    >>> ingot.dot(ingot.tensor([1, 2]), ingot.tensor([3, 4]))
    Tensor(11, dtype=int64)
    """
    x1, x2 = as_tensor("dot", x1), as_tensor("dot", x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ArgumentError(f"dot: wrong rank: got {x1.ndim} and {x2.ndim}, expected vectors")
    return vecdot(x1, x2)


@composite
def tensordot(
    x1: TensorLike, x2: TensorLike, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2
) -> Tensor:
    """Products summed over pairs of axes: of x1's last with x2's first so many, or as listed.

    x1, x2: real[...], promoted -> the other axes of x1, then those of x2. One matrix product.
    Raises ShapeError where sizes of a pair differ (1 stretches), ArgumentError for wrong axes.

    >>> import ingot
    >>> ingot.tensordot(ingot.ones((2, 3)), ingot.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    x1, x2 = as_tensor("tensordot", x1), as_tensor("tensordot", x2)
    if isinstance(axes, Sequence):
        first = [one_axis("tensordot", a, x1.ndim) for a in axes[0]]
        second = [one_axis("tensordot", a, x2.ndim) for a in axes[1]]
    else:
        count = operator.index(axes)
        if not 0 <= count <= min(x1.ndim, x2.ndim):
            raise ArgumentError(f"tensordot: too many axes: got {count}")
        first, second = list(range(x1.ndim - count, x1.ndim)), list(range(count))
    sizes = _paired_sizes([x1.shape[a] for a in first], [x2.shape[a] for a in second])
    x1, x2 = _stretched(x1, first, sizes), _stretched(x2, second, sizes)
    rest1 = [a for a in range(x1.ndim) if a not in first]
    rest2 = [a for a in range(x2.ndim) if a not in second]
    inner = count_of(x1, first)
    left = reshape(permute_dims(x1, [*rest1, *first]), (count_of(x1, rest1), inner))
    right = reshape(permute_dims(x2, [*second, *rest2]), (inner, count_of(x2, rest2)))
    shape = [*(x1.shape[a] for a in rest1), *(x2.shape[a] for a in rest2)]
    return reshape(matmul(left, right), shape)


def _paired_sizes(first: list[SizeLike], second: list[SizeLike]) -> list[SizeLike]:
    """The size of each pair of axes; 1 stretches to the other's."""
    fits = len(first) == len(second)
    if not fits or any(n != m and 1 not in (n, m) for n, m in zip(first, second, strict=True)):
        raise ShapeError(f"tensordot: sizes differ: got {first} and {second}")
    return [m if n == 1 else n for n, m in zip(first, second, strict=True)]


def _stretched(x: Tensor, axes: list[int], sizes: list[SizeLike]) -> Tensor:
    shape = list(x.shape)
    for axis, n in zip(axes, sizes, strict=True):
        shape[axis] = n
    return x if tuple(shape) == x.shape else broadcast_to(x, shape)


@composite
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The Kronecker product: every element of x1 times all of x2, as blocks.

    x1, x2: real[...], promoted; the one of smaller rank gets axes of size 1 in front ->
    real[n1_i * n2_i].

    >>> import ingot
    >>> ingot.kron(ingot.tensor([1, 10]), ingot.tensor([1, 2]))
    Tensor([ 1,  2, 10, 20], dtype=int64)
    """
    x1, x2 = as_tensor("kron", x1), as_tensor("kron", x2)
    rank = max(x1.ndim, x2.ndim)
    outer_sizes: list[SizeLike] = [*[1] * (rank - x1.ndim), *x1.shape]
    inner_sizes: list[SizeLike] = [*[1] * (rank - x2.ndim), *x2.shape]
    pairs = list(zip(outer_sizes, inner_sizes, strict=True))
    blocks = reshape(x1, [n for a, _ in pairs for n in (a, 1)])
    block = reshape(x2, [n for _, b in pairs for n in (1, b)])
    return reshape(multiply(blocks, block), [a * b for a, b in pairs])


@composite
def cross(x1: TensorLike, x2: TensorLike, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of three elements along an axis.

    x1, x2: real[..., 3, ...], promoted and broadcast, but not the axis -> the same. Raises
    ShapeError where its size is not 3.

    >>> import ingot
    >>> ingot.cross(ingot.tensor([1, 0, 0]), ingot.tensor([0, 1, 0]))
    Tensor([0, 0, 1], dtype=int64)
    """
    x1, x2 = as_tensor("cross", x1), as_tensor("cross", x2)
    for x in (x1, x2):
        if x.shape[one_axis("cross", axis, x.ndim)] != 3:
            raise ShapeError(f"cross: wrong size: got {list(x.shape)}, expected 3 on axis {axis}")
    a, b = (unstack(x, axis=axis) for x in broadcast_arrays(x1, x2))
    parts = [
        subtract(multiply(a[i], b[j]), multiply(a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))
    ]
    return stack(parts, axis=axis)


@composite
def matrix_power(x: TensorLike, n: int) -> Tensor:
    """Square matrices multiplied by themselves n times, by repeated squaring.

    x: real[..., m, m] -> the same; n = 0 gives the identity. Raises ArgumentError for n < 0, which
    needs an inverse, ShapeError for other matrices.

    >>> import ingot
    >>> ingot.matrix_power(ingot.tensor([[1, 1], [0, 1]]), 5)
    Tensor([[1, 5],
            [0, 1]], dtype=int64)
    """
    x = as_tensor("matrix_power", x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"matrix_power: got {list(x.shape)}, expected square matrices")
    power = operator.index(n)
    if power < 0:
        raise ArgumentError(f"matrix_power: negative n: got {n}, expected >= 0")
    result = broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    for i, digit in enumerate(bin(power)[2:]):
        # From the highest binary digit down: squared at each, times x where it is 1.
        result = matmul(result, result) if i else result
        if digit == "1":
            result = matmul(result, x) if i else x
    return result
