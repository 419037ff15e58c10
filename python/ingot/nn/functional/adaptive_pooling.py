"""Means of windows that are given by the size of the result."""

from __future__ import annotations

from collections.abc import Sequence

from ingot.composite.calls import tagged
from ingot.composite.operands import of_dtype, summable
from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

from .windows import averaged

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d"]


@tagged
def adaptive_avg_pool2d(
    input: TensorLike, output_size: int | Sequence[int | None] | None
) -> Tensor:
    """The means of oh x ow windows that cover the plane: window i spans floor(i * h / oh) up to
    ceil((i + 1) * h / oh); rows first, then columns, are averaged.

    input: float[n, c, h, w] or float[c, h, w] -> the same dtype [..., oh, ow]. output_size: one
    size or two; None keeps the input's. Raises ShapeError for an empty plane.

    >>> import ingot
    >>> x = ingot.arange(16, dtype="float32").reshape(1, 4, 4)
    >>> ingot.nn.functional.adaptive_avg_pool2d(x, (1, 2))[0]
    Tensor([[6.5, 8.5]], dtype=float32)
    """
    x = as_tensor("adaptive_avg_pool2d", input)
    if x.ndim not in (3, 4):
        raise ArgumentError(f"adaptive_avg_pool2d: wrong rank: got {x.ndim}, expected 3 or 4")
    return _adaptive("adaptive_avg_pool2d", x, 2, output_size)


@tagged
def adaptive_avg_pool1d(input: TensorLike, output_size: int | Sequence[int]) -> Tensor:
    """As adaptive_avg_pool2d, along the last axis.

    input: float[n, c, l] or float[c, l] -> the same dtype [..., ol].

    >>> import ingot
    >>> ingot.nn.functional.adaptive_avg_pool1d(ingot.tensor([[1.0, 3.0, 5.0, 7.0]]), 2)
    Tensor([[2., 6.]], dtype=float32)
    """
    x = as_tensor("adaptive_avg_pool1d", input)
    if x.ndim not in (2, 3):
        raise ArgumentError(f"adaptive_avg_pool1d: wrong rank: got {x.ndim}, expected 2 or 3")
    return _adaptive("adaptive_avg_pool1d", x, 1, output_size)


def _adaptive(
    op: str, x: Tensor, axes: int, output_size: int | Sequence[int | None] | None
) -> Tensor:
    sizes = list(output_size) if isinstance(output_size, Sequence) else [output_size] * axes
    if len(sizes) != axes:
        raise ArgumentError(f"{op}: wrong output_size: got {output_size}, expected {axes} sizes")
    x, dtype = summable(op, x)
    for axis, size in zip(range(x.ndim - axes, x.ndim), sizes, strict=True):
        if x.shape[axis] == 0:
            raise ShapeError(f"{op}: an empty plane: got {list(x.shape)}")
        x = x if size is None else averaged(op, x, axis, size)
    return of_dtype(x, dtype)
