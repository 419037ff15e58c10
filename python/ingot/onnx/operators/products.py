"""Matrix products, convolutions, einsum, det."""

from __future__ import annotations

from collections.abc import Sequence

from ingot import composite, ops
from ingot.errors import FileError
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.tensor import SizeLike, Tensor

from .padding import padded
from .windows import Windows, same_padding

Ints = Sequence[int]


@operator("MatMul")
def matmul(node: Node) -> Tensor:
    return ops.matmul(node.x(0), node.x(1))


@operator("Gemm")
def gemm(node: Node) -> Tensor:
    a, b, c = node.x(0), node.x(1), node.optional(2)
    a = composite.matrix_transpose(a) if node.attr("transA", 0) else a
    b = composite.matrix_transpose(b) if node.attr("transB", 0) else b
    y = ops.matmul(a, b)
    y = y if node.attr("alpha", 1.0) == 1.0 else y * _scalar(node.attr("alpha"), y)
    if c is None:
        return y
    beta = node.attr("beta", 1.0)
    return y + (c if beta == 1.0 else c * _scalar(beta, c))


def _scalar(number: float, like: Tensor) -> float | int:
    return number if like.dtype.kind == "f" else int(number)


@operator("Einsum")
def einsum(node: Node) -> Tensor:
    x = node.all()
    return composite.einsum(node.attr("equation").replace(" ", ""), *x).astype(x[0].dtype)


# Convolutions.


@operator("Conv")
def conv(node: Node) -> Tensor:
    y = convolution(
        node.x(0), node.x(1), Windows.of(node, node.x(1).shape[2:]), node.attr("group", 1)
    )
    return with_bias(y, node.optional(2))


def with_bias(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else y + ops.reshape(bias, (-1, *[1] * (y.ndim - 2)))


def convolution(x: Tensor, w: Tensor, windows: Windows, groups: int) -> Tensor:
    """Over one, two or three axes."""
    rank = x.ndim - 2
    if rank < 1 or rank > 3 or w.ndim != x.ndim:
        raise FileError(f"operands of rank {x.ndim} and {w.ndim}: expected 3, 4 or 5")
    low, high = windows.padding(x.shape[2:])
    if rank == 3:
        return _convolution3(x, w, windows, low, high, groups)
    stride, dilation = windows.stride, windows.dilation
    if rank == 1:
        x, w = composite.expand_dims(x, 2), composite.expand_dims(w, 2)
        low, high, stride, dilation = [0, *low], [0, *high], [1, *stride], [1, *dilation]
    if min(*low, *high) < 0:
        x = padded(x, [0, 0, *low], [0, 0, *high], "constant", 0)
        low, high = [0, 0], [0, 0]
    y = ops.conv2d(x, w, None, stride, [*low, *high], dilation, groups)
    return composite.squeeze(y, 2) if rank == 1 else y


def _convolution3(
    x: Tensor, w: Tensor, windows: Windows, low: Ints, high: Ints, groups: int
) -> Tensor:
    """The slices of the first axis under a window count as channels of images."""
    x = padded(x, [0, 0, low[0], 0, 0], [0, 0, high[0], 0, 0], "constant", 0)
    depth, n, c = known_size(w.shape[2], "a kernel's size"), x.shape[0], x.shape[1]
    slices = _slices(x, 2, depth, windows.stride[0], windows.dilation[0])
    frames = composite.stack(slices, 2)  # [n, c, depth, frames, h, w]
    count = frames.shape[3]
    frames = ops.permute_dims(frames, (0, 3, 1, 2, 4, 5))
    images = ops.reshape(frames, (n * count, c * depth, *x.shape[3:]))
    kernel = ops.reshape(w, (w.shape[0], w.shape[1] * depth, *w.shape[3:]))
    padding = [*low[1:], *high[1:]]
    y = ops.conv2d(images, kernel, None, windows.stride[1:], padding, windows.dilation[1:], groups)
    y = ops.reshape(y, (n, count, *y.shape[1:]))
    return ops.permute_dims(y, (0, 2, 1, 3, 4))


def _slices(x: Tensor, axis: int, kernel: int, stride: int, dilation: int) -> list[Tensor]:
    """What each position of a kernel sees along one axis."""
    extent = dilation * (kernel - 1) + 1
    count = (x.shape[axis] - extent) // stride + 1
    found = []
    for k in range(kernel):
        start: list[SizeLike] = [0] * x.ndim
        stop, step = list(x.shape), [1] * x.ndim
        start[axis], step[axis] = k * dilation, stride
        stop[axis] = k * dilation + (count - 1) * stride + 1
        found.append(ops.slice(x, start, stop, step))
    return found


@operator("ConvTranspose")
def conv_transpose(node: Node) -> Tensor:
    """A convolution of x, with zeros between its elements, by the kernel turned around."""
    x, w, groups = node.x(0), node.x(1), node.attr("group", 1)
    windows = Windows.of(node, w.shape[2:])
    rank, kernel = x.ndim - 2, windows.extents()
    extra = node.attr("output_padding") or [0] * rank
    low, high = _transposed_padding(node, x, windows, extra)
    for i in range(rank):
        x = _spread(x, 2 + i, windows.stride[i])
    around = [0, 0, *(k - 1 - a for k, a in zip(kernel, low, strict=True))]
    behind = [0, 0, *(k - 1 - b + e for k, b, e in zip(kernel, high, extra, strict=True))]
    x = padded(x, around, behind, "constant", 0)
    inputs, outputs = w.shape[0] // groups, w.shape[1]
    w = ops.flip(w, tuple(range(2, 2 + rank)))
    w = ops.reshape(w, (groups, inputs, outputs, *w.shape[2:]))
    w = ops.permute_dims(w, (0, 2, 1, *range(3, 3 + rank)))
    w = ops.reshape(w, (groups * outputs, inputs, *w.shape[3:]))
    y = convolution(x, w, Windows(windows.kernel, [1] * rank, windows.dilation), groups)
    return with_bias(y, node.optional(2))


def _spread(x: Tensor, axis: int, stride: int) -> Tensor:
    """x with stride - 1 zeros between its elements along an axis."""
    if stride == 1:
        return x
    wide = composite.expand_dims(x, axis + 1)
    high = [0] * wide.ndim
    high[axis + 1] = stride - 1
    wide = ops.pad(wide, 0, low=[0] * wide.ndim, high=high)
    shape = list(x.shape)
    shape[axis] = x.shape[axis] * stride
    return composite.narrow(ops.reshape(wide, shape), axis, 0, (x.shape[axis] - 1) * stride + 1)


def _transposed_padding(
    node: Node, x: Tensor, windows: Windows, extra: Ints
) -> tuple[list[int], list[int]]:
    """What of the full result is cut off at each side."""
    auto, wanted = node.attr("auto_pad", "NOTSET"), node.attr("output_shape")
    rank = x.ndim - 2
    if wanted is None and auto not in ("SAME_UPPER", "SAME_LOWER"):
        return windows.padding(x.shape[2:])
    wanted = wanted[-rank:] if wanted is not None else None
    low, high = [], []
    for i, extent in enumerate(windows.extents()):
        size = known_size(x.shape[2 + i], "a size")
        full = windows.stride[i] * (size - 1) + extra[i] + extent
        total = full - (wanted[i] if wanted is not None else size * windows.stride[i])
        # What is missing rather than too much goes behind, as zeros.
        a, b = same_padding(total, auto == "SAME_UPPER") if total > 0 else (0, total)
        low.append(a)
        high.append(b)
    return low, high


# Determinants.


@operator("Det")
def det(node: Node) -> Tensor:
    """By elimination, with the largest element of each column as the pivot."""
    x = node.x()
    n = known_size(x.shape[-1], "the size of a matrix")
    if x.ndim < 2 or x.shape[-2] != n:
        raise FileError(f"no square matrix: got {list(x.shape)}")
    result = composite.ones(x.shape[:-2], dtype=x.dtype)
    for size in range(n, 0, -1):
        row = ops.argmax(ops.abs(x[..., 0]), -1, keepdims=True)
        places = composite.expand_dims(row, -1)
        pivots = ops.take_along_axis(x, ops.broadcast_to(places, (*x.shape[:-2], 1, size)), axis=-2)
        pivot = pivots[..., 0, 0]
        is_first = ops.equal(row[..., 0], 0)
        result = result * pivot * ops.where(is_first, 1.0, -1.0).astype(x.dtype)
        if size == 1:
            break
        rows = ops.reshape(ops.arange(size - 1, dtype="int64"), (size - 1, 1)) + 1
        moved = ops.where(ops.equal(rows, places), composite.narrow(x, -2, 0, 1), x[..., 1:, :])
        safe = ops.where(ops.equal(pivot, 0), 1, pivot)[..., None, None]
        x = (moved - moved[..., :1] / safe * pivots)[..., 1:]
    return result
