"""Convolutions, which are cross-correlations as everywhere in this field.

Those of one axis are those of two axes with a height of 1; the transposed one is the ordinary one
of an input with zeros between its elements and a kernel turned around. Integers are exact: their
windows are multiplied as matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingot import ops
from ingot.composite import stack
from ingot.composite.calls import tagged
from ingot.dtypes import is_float
from ingot.errors import ArgumentError, RecordError, ShapeError
from ingot.ops import flip, matmul, permute_dims
from ingot.ops.adjoints import crop_or_pad, dilate, window_starts, windows_of
from ingot.ops.axes import as_tensor
from ingot.ops.contraction import pair
from ingot.tensor import Size, Tensor, TensorLike

__all__ = [
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
]

Ints = int | Sequence[int]


def batched(op: str, x: Tensor, axes: int) -> Tensor:
    """x with a batch axis of 1 in front where it has none: [n, c, *axes]."""
    if x.ndim == axes + 2:
        return x
    if x.ndim == axes + 1:
        return x.reshape((1, *x.shape))
    raise ArgumentError(f"{op}: wrong rank: got {x.ndim}, expected {axes + 1} or {axes + 2}")


def pair_of(op: str, name: str, value: Ints) -> list[int]:
    """An attribute of two axes, given as one number, a sequence of one, or two."""
    one = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1
    return pair(op, name, value[0] if one else value)  # type: ignore[index]


def wide(op: str, name: str, value: Ints, other: int) -> list[int]:
    """An attribute of the only axis as one of two axes, the first of them with `other`."""
    numbers = list(value) if isinstance(value, Sequence) else [value]
    if len(numbers) != 1:
        raise ArgumentError(f"{op}: wrong {name}: got {value!r}, expected an integer")
    return [other, numbers[0]]


def kernel_sizes(w: Tensor) -> list[int]:
    """[kh, kw] of a weight. Raises RecordError where they are symbolic."""
    if any(isinstance(n, Size) for n in w.shape[2:]):
        raise RecordError(f"convolution: needs constant kernel sizes: got {list(w.shape)}")
    return [int(n) for n in w.shape[2:]]  # type: ignore[arg-type]


def _sides(
    op: str, padding: Ints | str, kernel: Sequence[int], stride: list[int], dilation: list[int]
) -> list[int]:
    """(top, left, bottom, right); "same" puts the odd position behind."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding != "same":
        if isinstance(padding, str):
            raise ArgumentError(
                f"{op}: wrong padding: got {padding!r}, expected integers, 'same' or 'valid'"
            )
        return pair_of(op, "padding", padding) * 2
    if stride != [1, 1]:
        raise ArgumentError(f"{op}: padding 'same' with strides: got {stride}, expected 1")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return [*[n // 2 for n in total], *[n - n // 2 for n in total]]


def correlate(
    x: Tensor, w: Tensor, stride: list[int], sides: list[int], dilation: list[int], groups: int
) -> Tensor:
    """The row conv2d, of integers too."""
    if is_float(x.dtype) or is_float(w.dtype):
        return ops.conv2d(x, w, None, stride, sides, dilation, groups)
    for i, axis in enumerate((2, 3)):
        x = crop_or_pad(x, axis, sides[i], sides[i + 2])
    kernel = kernel_sizes(w)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    out = [(n - e) // s + 1 for n, e, s in zip(x.shape[2:], extent, stride, strict=True)]
    seen = stack(windows_of(x, out, window_starts(kernel, dilation), stride), axis=2)
    n, channels, outputs = x.shape[0], w.shape[1], w.shape[0]
    columns = seen.reshape((n, groups, channels * seen.shape[2], out[0] * out[1]))
    rows = w.reshape((groups, outputs // groups, channels * seen.shape[2]))
    return matmul(rows, columns).reshape((n, outputs, *out))


def _with_bias(op: str, y: Tensor, bias: TensorLike | None) -> Tensor:
    if bias is None:
        return y
    b = as_tensor(op, bias)
    if b.ndim != 1:
        raise ShapeError(f"{op}: wrong bias: got rank {b.ndim}, expected [out]")
    return y + b.reshape((*b.shape, 1, 1))


def _operands(op: str, input: TensorLike, weight: TensorLike, axes: int) -> tuple[Tensor, Tensor]:
    x, w = as_tensor(op, input), as_tensor(op, weight)
    if w.ndim != axes + 2:
        raise ArgumentError(f"{op}: wrong weight: got rank {w.ndim}, expected {axes + 2}")
    if axes == 1:
        w = w.reshape((*w.shape[:2], 1, w.shape[2]))
    x = batched(op, x, axes)
    return x if axes == 2 else x.reshape((*x.shape[:2], 1, x.shape[2])), w


def _like(y: Tensor, input: TensorLike, axes: int) -> Tensor:
    """y: [n, c, h, w] with the axes that the input had."""
    shape = y.shape if axes == 2 else (*y.shape[:2], y.shape[3])
    unbatched = as_tensor("conv", input).ndim == axes + 1
    shape = shape[1:] if unbatched else shape
    return y if shape == y.shape else y.reshape(shape)


@tagged
def conv2d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """The two-dimensional convolution, and a bias for each output channel.

    input: real[n, c, h, w] or real[c, h, w], weight: real[o, c / groups, kh, kw], bias: real[o] ->
    real[n, o, oh, ow] or real[o, oh, ow], where oh = (h + 2 * padding - dilation * (kh - 1) - 1) //
    stride + 1. Padding is with 0; "same" keeps h and w (stride 1), "valid" is none. Integers wrap.
    Raises ShapeError where channels or sizes do not fit, ArgumentError for other attributes.

    >>> import ingot
    >>> x, w = ingot.ones((1, 3, 3)), ingot.ones((1, 1, 3, 3))
    >>> ingot.nn.functional.conv2d(x, w, padding="same")[0, 0]
    Tensor([4., 6., 4.], dtype=float32)
    """
    x, w = _operands("conv2d", input, weight, 2)
    steps, gaps = pair_of("conv2d", "stride", stride), pair_of("conv2d", "dilation", dilation)
    sides = _sides("conv2d", padding, kernel_sizes(w), steps, gaps)
    y = _with_bias("conv2d", correlate(x, w, steps, sides, gaps, groups), bias)
    return _like(y, input, 2)


@tagged
def conv1d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """The one-dimensional convolution: conv2d of a height of 1.

    input: real[n, c, l] or real[c, l], weight: real[o, c / groups, k], bias: real[o] ->
    real[n, o, ol] or real[o, ol]. Attributes and errors as of conv2d.

    >>> import ingot
    >>> x, w = ingot.tensor([[1.0, 2.0, 3.0]]), ingot.ones((1, 1, 2))
    >>> ingot.nn.functional.conv1d(x, w)
    Tensor([[3., 5.]], dtype=float32)
    """
    x, w = _operands("conv1d", input, weight, 1)
    steps = wide("conv1d", "stride", stride, 1)
    gaps = wide("conv1d", "dilation", dilation, 1)
    sides = padding if isinstance(padding, str) else wide("conv1d", "padding", padding, 0)
    sides = _sides("conv1d", sides, kernel_sizes(w), steps, gaps)
    y = _with_bias("conv1d", correlate(x, w, steps, sides, gaps, groups), bias)
    return _like(y, input, 1)


def _transposed(
    x: Tensor,
    w: Tensor,
    stride: list[int],
    padding: list[int],
    extra: list[int],
    groups: int,
    dilation: list[int],
) -> Tensor:
    """The gradient of conv2d in its input: x: [n, i, h, w], w: [i, o / groups, kh, kw]."""
    inputs, outputs = w.shape[0] // groups, w.shape[1]
    kernel = flip(w, (2, 3)).reshape((groups, inputs, outputs, *w.shape[2:]))
    kernel = permute_dims(kernel, (0, 2, 1, 3, 4))
    kernel = kernel.reshape((groups * outputs, inputs, *w.shape[2:]))
    for i, axis in enumerate((2, 3)):
        around = dilation[i] * (w.shape[axis] - 1) - padding[i]
        x = crop_or_pad(dilate(x, axis, stride[i]), axis, around, around + extra[i])
    return correlate(x, kernel, [1, 1], [0] * 4, dilation, groups)


@tagged
def conv_transpose2d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The transpose of conv2d in its input, and a bias for each output channel.

    input: real[n, c, h, w] or real[c, h, w], weight: real[c, o / groups, kh, kw], bias: real[o] ->
    real[n, o, oh, ow] or real[o, oh, ow], where oh = (h - 1) * stride - 2 * padding + dilation *
    (kh - 1) + output_padding + 1. Raises ShapeError where channels or sizes do not fit.

    >>> import ingot
    >>> x, w = ingot.tensor([[[1.0, 2.0]]]), ingot.ones((1, 1, 1, 2))
    >>> ingot.nn.functional.conv_transpose2d(x, w)[0, 0]
    Tensor([1., 3., 2.], dtype=float32)
    """
    op = "conv_transpose2d"
    x, w = _operands(op, input, weight, 2)
    steps, gaps = pair_of(op, "stride", stride), pair_of(op, "dilation", dilation)
    around, extra = pair_of(op, "padding", padding), pair_of(op, "output_padding", output_padding)
    y = _with_bias(op, _transposed(x, w, steps, around, extra, groups, gaps), bias)
    return _like(y, input, 2)


@tagged
def conv_transpose1d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The transpose of conv1d in its input: conv_transpose2d of a height of 1.

    input: real[n, c, l] or real[c, l], weight: real[c, o / groups, k], bias: real[o] ->
    real[n, o, ol] or real[o, ol].

    >>> import ingot
    >>> x, w = ingot.tensor([[1.0, 2.0]]), ingot.ones((1, 1, 2))
    >>> ingot.nn.functional.conv_transpose1d(x, w, stride=2)
    Tensor([[1., 1., 2., 2.]], dtype=float32)
    """
    op = "conv_transpose1d"
    x, w = _operands(op, input, weight, 1)
    steps, gaps = wide(op, "stride", stride, 1), wide(op, "dilation", dilation, 1)
    around = wide(op, "padding", padding, 0)
    extra = wide(op, "output_padding", output_padding, 0)
    y = _with_bias(op, _transposed(x, w, steps, around, extra, groups, gaps), bias)
    return _like(y, input, 1)
