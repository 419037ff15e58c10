"""Pooling: the largest element or the mean of every window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np

from ingot import ops
from ingot.composite import ones, stack
from ingot.composite.calls import tagged
from ingot.dtypes import Array, is_float
from ingot.errors import ArgumentError, RecordError
from ingot.ops import abs, argmax, floor_divide, pad, sign, take
from ingot.ops.adjoints import window_starts, windows_of
from ingot.ops.axes import as_tensor
from ingot.tensor import SizeLike, Tensor, TensorLike

from .convolution import Ints, batched, correlate, pair_of, wide

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "max_pool1d",
    "max_pool2d",
]


def _stride(op: str, stride: Ints | None, kernel: list[int]) -> list[int]:
    """The kernel's size where none is given (None or ())."""
    if stride is None or (isinstance(stride, Sequence) and len(stride) == 0):
        return kernel
    return pair_of(op, "stride", stride)


def _sides(
    op: str,
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    ceil_mode: bool,
) -> list[int]:
    """(top, left, bottom, right). ceil_mode adds what the last window needs behind, if that window
    begins inside the input or the padding before it."""
    sides = padding * 2
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ArgumentError(
            f"{op}: wrong padding: got {padding}, expected at most half of {kernel}"
        )
    for i in range(2 if ceil_mode else 0):
        n, extent = x.shape[2 + i], dilation[i] * (kernel[i] - 1) + 1
        if not isinstance(n, int):
            raise RecordError(f"{op}: ceil_mode needs constant sizes: got {n}")
        begin = -(-(n + 2 * padding[i] - extent) // stride[i]) * stride[i]
        if begin >= n + padding[i]:
            begin -= stride[i]
        sides[i + 2] = max(sides[i + 2], begin + extent - n - padding[i])
    return sides


@overload
def max_pool2d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool2d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@tagged
def max_pool2d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each window.

    input: real[n, c, h, w] or real[c, h, w] -> the same dtype [..., oh, ow]. stride: the kernel's
    size by default. Padding never wins. ceil_mode: a last window may reach beyond the padding.
    return_indices: also int64[..., oh, ow], the position of the first largest element (the first
    NaN) in the flattened plane. Raises ShapeError where the window does not fit, ArgumentError for
    a padding of more than half of the kernel.

    >>> import ingot
    >>> ingot.nn.functional.max_pool2d(ingot.arange(16).reshape(1, 4, 4), 2)[0]
    Tensor([[ 5,  7],
            [13, 15]], dtype=int64)
    """
    op = "max_pool2d"
    x = batched(op, as_tensor(op, input), 2)
    kernel, gaps = pair_of(op, "kernel_size", kernel_size), pair_of(op, "dilation", dilation)
    steps = _stride(op, stride, kernel)
    sides = _sides(op, x, kernel, steps, pair_of(op, "padding", padding), gaps, ceil_mode)
    y = ops.max_pool2d(x, kernel, steps, sides, gaps)
    y = y if as_tensor(op, input).ndim == 4 else y.reshape(y.shape[1:])
    if not return_indices:
        return y
    indices = _positions(x.detach(), y.shape[-2:], kernel, steps, sides, gaps)
    return y, indices.reshape(y.shape)


def _positions(
    x: Tensor,
    out: Sequence[SizeLike],
    kernel: list[int],
    stride: list[int],
    sides: list[int],
    dilation: list[int],
) -> Tensor:
    """Where in its plane the first largest element of each window stands."""
    least = float("-inf") if is_float(x.dtype) else int(np.iinfo(x.dtype).min)
    top, left, bottom, right = sides
    padded = pad(x, least, low=[0, 0, top, left], high=[0, 0, bottom, right])
    starts = window_starts(kernel, dilation)
    winner = argmax(stack(windows_of(padded, out, starts, stride)), axis=0)
    width = x.shape[3]
    first = [(i - top, j - left) for i, j in starts]
    offset = stack([as_tensor("max_pool2d", i * width + j) for i, j in first])
    rows = ops.arange(out[0]).reshape((out[0], 1)) * (stride[0] * width)
    columns = ops.arange(out[1]) * stride[1]
    return take(offset, winner, axis=0) + (rows + columns)


@tagged
def avg_pool2d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: its sum over the number of its elements.

    input: real[n, c, h, w] or real[c, h, w] -> the same dtype [..., oh, ow]. stride: the kernel's
    size by default. Padding adds 0 and counts, unless count_include_pad is false. ceil_mode: a last
    window may reach beyond the padding, where nothing counts. divisor_override: divides instead of
    the number. Integers truncate. Raises ShapeError where the window does not fit, ArgumentError
    for a padding of more than half of the kernel or a divisor of 0.

    >>> import ingot
    >>> x = ingot.arange(16, dtype="float32").reshape(1, 4, 4)
    >>> ingot.nn.functional.avg_pool2d(x, 2)[0]
    Tensor([[ 2.5,  4.5],
            [10.5, 12.5]], dtype=float32)
    """
    op = "avg_pool2d"
    if divisor_override == 0:
        raise ArgumentError(f"{op}: wrong divisor_override: got 0, expected another number")
    x = batched(op, as_tensor(op, input), 2)
    kernel, around = pair_of(op, "kernel_size", kernel_size), pair_of(op, "padding", padding)
    steps = _stride(op, stride, kernel)
    sides = _sides(op, x, kernel, steps, around, [1, 1], ceil_mode)
    if is_float(x.dtype) and divisor_override is None and sides == around * 2:
        y = ops.avg_pool2d(x, kernel, steps, sides, count_include_pad)
    else:
        planes = x.reshape((x.shape[0] * x.shape[1], 1, *x.shape[2:]))
        total = correlate(planes, ones((1, 1, *kernel), x.dtype), steps, sides, [1, 1], 1)
        total = total.reshape((*x.shape[:2], *total.shape[2:]))
        count: Tensor | int = 0 if divisor_override is None else divisor_override
        if divisor_override is None:
            numbers = _counts(x, total, kernel, steps, around, count_include_pad)
            count = as_tensor(op, numbers.astype(x.dtype))
        y = total / count if is_float(x.dtype) else _truncated(total, count)
    return y if as_tensor(op, input).ndim == 4 else y.reshape(y.shape[1:])


def _counts(
    x: Tensor,
    y: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    include_pad: bool,
) -> Array:
    """[oh, ow]: the elements of every window that count."""
    along = []
    for i in range(2):
        n, out = x.shape[2 + i], y.shape[2 + i]
        if not isinstance(n, int) or not isinstance(out, int):
            raise RecordError(f"avg_pool2d: this needs constant sizes: got {n}")
        begin = np.arange(out) * stride[i] - padding[i]
        end = np.minimum(begin + kernel[i], n + padding[i])
        if not include_pad:
            begin, end = np.maximum(begin, 0), np.minimum(end, n)
        along.append(end - begin)
    return np.outer(along[0], along[1])


def _truncated(total: Tensor, count: Tensor | int) -> Tensor:
    """The quotient of integers, rounded toward zero."""
    divisor = as_tensor("avg_pool2d", count).astype(total.dtype)
    return floor_divide(abs(total), abs(divisor)) * (sign(total) * sign(divisor))


@tagged
def max_pool1d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window: max_pool2d of a height of 1.

    input: real[n, c, l] or real[c, l] -> the same dtype [..., ol].

    >>> import ingot
    >>> ingot.nn.functional.max_pool1d(ingot.arange(6).reshape(1, 6), 2)
    Tensor([[1, 3, 5]], dtype=int64)
    """
    op = "max_pool1d"
    x = _flat(op, input)
    kernel, gaps = wide(op, "kernel_size", kernel_size, 1), wide(op, "dilation", dilation, 1)
    steps = kernel if stride is None else wide(op, "stride", stride, 1)
    y = max_pool2d(x, kernel, steps, wide(op, "padding", padding, 0), gaps, ceil_mode)
    return y.reshape((*y.shape[:-2], y.shape[-1]))


@tagged
def avg_pool1d(
    input: TensorLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: avg_pool2d of a height of 1.

    input: real[n, c, l] or real[c, l] -> the same dtype [..., ol].

    >>> import ingot
    >>> ingot.nn.functional.avg_pool1d(ingot.tensor([[1.0, 3.0, 5.0, 7.0]]), 2)
    Tensor([[2., 6.]], dtype=float32)
    """
    op = "avg_pool1d"
    x = _flat(op, input)
    kernel = wide(op, "kernel_size", kernel_size, 1)
    steps = kernel if stride is None else wide(op, "stride", stride, 1)
    around = wide(op, "padding", padding, 0)
    y = avg_pool2d(x, kernel, steps, around, ceil_mode, count_include_pad)
    return y.reshape((*y.shape[:-2], y.shape[-1]))


def _flat(op: str, input: TensorLike) -> Tensor:
    """[..., l] -> [..., 1, l]."""
    x = as_tensor(op, input)
    if x.ndim not in (2, 3):
        raise ArgumentError(f"{op}: wrong rank: got {x.ndim}, expected 2 or 3")
    return x.reshape((*x.shape[:-1], 1, x.shape[-1]))
