"""Lengths and angles of vectors."""

from __future__ import annotations

from collections.abc import Sequence

from ingot.composite import broadcast_arrays, vector_norm
from ingot.composite.calls import tagged
from ingot.composite.operands import floating
from ingot.ops import divide, maximum, sum
from ingot.ops.axes import one_axis
from ingot.tensor import Tensor, TensorLike

__all__ = [
    "cosine_similarity",
    "normalize",
]


@tagged
def normalize(
    input: TensorLike, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12
) -> Tensor:
    """x / maximum(n, eps), where n is the p-norm along axes.

    input: float[...] -> the same (integers give float32). Raises ArgumentError for an axis out of
    range.

    >>> import ingot
    >>> ingot.nn.functional.normalize(ingot.tensor([[3.0, 4.0]]))
    Tensor([[0.6, 0.8]], dtype=float32)
    """
    x = floating("normalize", input)
    if x.ndim == 0:
        one_axis("normalize", dim, 1) if isinstance(dim, int) else None
        return normalize(x.reshape((1,)), p, 0, eps).reshape(())
    length = vector_norm(x, axis=dim, keepdims=True, ord=p)
    return divide(x, maximum(length, eps))


@tagged
def cosine_similarity(x1: TensorLike, x2: TensorLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The sum of u * v along an axis, where u and v are x1 and x2 divided by their lengths, which
    are at least eps.

    x1, x2: float[...], broadcast -> float[...] less the axis. Raises ArgumentError for an axis out
    of range.

    >>> import ingot
    >>> a, b = ingot.tensor([1.0, 0.0]), ingot.tensor([3.0, 4.0])
    >>> ingot.nn.functional.cosine_similarity(a, b, dim=0)
    Tensor(0.6, dtype=float32)
    """
    a, b = floating("cosine_similarity", x1), floating("cosine_similarity", x2)
    a, b = broadcast_arrays(a, b)
    if a.ndim == 0:
        return cosine_similarity(a.reshape((1,)), b.reshape((1,)), dim, eps)
    axis = one_axis("cosine_similarity", dim, a.ndim)
    u, v = (x / maximum(vector_norm(x, axis=axis, keepdims=True), eps) for x in (a, b))
    return sum(u * v, axis=axis)
