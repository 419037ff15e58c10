"""Windows of an image: max_pool2d and avg_pool2d."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import ROUNDED, scaled
from ingot.dtypes import Array
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import SizeLike, Tensor, TensorLike

from .adjoints import call, fold_windows, window_starts, windows_of
from .contraction import four_sides, pad_sides, pair, windows
from .samples import FLOATS, REALS, draw

__all__ = [
    "avg_pool2d",
    "max_pool2d",
]


@op(onnx="MaxPool", bound=ROUNDED, lowers={"kernel": "kernel_size"})
def max_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """The largest element of each window.

    x: real[n, c, h, w] -> the same dtype [n, c, oh, ow]. stride: the kernel's size by default.
    Padding never wins and is smaller than the dilated kernel. NaN if any of the window is NaN.
    Raises ShapeError where the window does not fit.

    >>> import ingot
    >>> x = ingot.arange(16).reshape(1, 1, 4, 4)
    >>> ingot.max_pool2d(x, 2)[0, 0]
    Tensor([[ 5,  7],
            [13, 15]], dtype=int64)
    """
    kernel = pair("max_pool2d", "kernel_size", kernel_size)
    return max_pool2d.bind(
        x,
        kernel=kernel,
        stride=kernel if stride is None else pair("max_pool2d", "stride", stride),
        padding=four_sides("max_pool2d", padding),
        dilation=pair("max_pool2d", "dilation", dilation),
    )


@max_pool2d.reference
def _max_pool2d(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Array:
    is_float = x.dtype.kind == "f"
    least = -np.inf if is_float else np.iinfo(x.dtype).min
    seen = np.stack(windows(pad_sides(x, padding, least), kernel, stride, dilation))
    result = np.max(seen, axis=0)
    if not is_float:
        return np.asarray(result)
    plus = np.any((seen == 0) & ~np.signbit(seen), axis=0)
    return np.where(result == 0, np.where(plus, 0.0, -0.0), result)


def _padded(x: Tensor, padding: Sequence[int], value: float) -> Tensor:
    top, left, bottom, right = padding
    return call("pad", x, value, low=[0, 0, top, left], high=[0, 0, bottom, right])


def _unpadded(g: Tensor, shape: Sequence[SizeLike], padding: Sequence[int]) -> Tensor:
    top, left = padding[:2]
    stop = [*shape[:2], top + shape[2], left + shape[3]]
    return call("slice", g, [0, 0, top, left], stop)


def _max_pool2d_rule(
    g: Tensor,
    y: Tensor,
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    """g to the first largest element of each window."""
    padded = _padded(x, padding, float("-inf"))
    starts = window_starts(kernel, dilation)
    seen = call("stack", windows_of(padded, y.shape[2:], starts, stride))
    winner = call("argmax", seen, axis=0)
    zero = call("zeros_like", g)
    parts = [call("where", winner == i, g, zero) for i in range(len(starts))]
    return _unpadded(fold_windows(parts, padded.shape, starts, stride), x.shape, padding)


@max_pool2d.samples
def _max_pool2d_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in REALS:
        x = draw(rng, (2, 3, 7, 6), t)
        result += [
            sample(x, 2),
            sample(x, (3, 2), stride=1, padding=(1, 0)),
            sample(x, 2, stride=2, padding=(1, 1, 0, 1), dilation=2),
        ]
    return result


@max_pool2d.errors
def _max_pool2d_errors() -> list[WrongCall]:
    x = np.zeros((1, 1, 4, 4), np.float32)
    return [
        wrong(ShapeError, "max_pool2d: ", x[0], 2),
        wrong(ArgumentError, "kernel_size", x, (1, 2, 3)),
        wrong(DTypeError, "bool", x.astype(np.bool_), 2),
    ]


max_pool2d.vjp(_max_pool2d_rule)


def _avg_pool2d(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    count_include_pad: bool,
) -> Array:
    total = np.sum(np.stack(windows(pad_sides(x, padding, 0), kernel, stride, (1, 1))), axis=0)
    if count_include_pad:
        return np.asarray(total / (kernel[0] * kernel[1]))
    inside = pad_sides(np.ones_like(x), padding, 0)
    return np.asarray(total / np.sum(np.stack(windows(inside, kernel, stride, (1, 1))), axis=0))


def _avg_scale(operands: Sequence[Array], attrs: Mapping[str, Any]) -> tuple[Array, float]:
    kernel = attrs["kernel"]
    count = kernel[0] * kernel[1]
    # The sum of |x|, not its mean: it bounds the additions before the division too.
    return count * _avg_pool2d(np.abs(operands[0]), **attrs), count + 1


AVG_BOUND = scaled("2 (window + 2) roundings of the window's sum of |x|", _avg_scale)


@op(onnx="AveragePool", bound=AVG_BOUND, lowers={"kernel": "kernel_size"})
def avg_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window.

    x: float[n, c, h, w] -> the same dtype [n, c, oh, ow]. stride: the kernel's size by default.
    Padding adds 0 and counts, unless count_include_pad is false. The window is summed row by row.
    Raises ShapeError where the window does not fit.

    >>> import ingot
    >>> x = ingot.arange(16, dtype="float32").reshape(1, 1, 4, 4)
    >>> ingot.avg_pool2d(x, 2)[0, 0]
    Tensor([[ 2.5,  4.5],
            [10.5, 12.5]], dtype=float32)
    """
    kernel = pair("avg_pool2d", "kernel_size", kernel_size)
    return avg_pool2d.bind(
        x,
        kernel=kernel,
        stride=kernel if stride is None else pair("avg_pool2d", "stride", stride),
        padding=four_sides("avg_pool2d", padding),
        count_include_pad=count_include_pad,
    )


avg_pool2d.reference(_avg_pool2d)


def _avg_pool2d_rule(
    g: Tensor,
    y: Tensor,
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    count_include_pad: bool,
) -> Tensor:
    """An equal share of g to every element of each window."""
    starts = window_starts(kernel, (1, 1))
    padded = _padded(x, padding, 0)
    if count_include_pad:
        share = g / len(starts)
    else:
        inside = _padded(call("ones_like", x), padding, 0)
        counts = windows_of(inside, y.shape[2:], starts, stride)
        share = g / call("sum", call("stack", counts), axis=0)
    folded = fold_windows([share] * len(starts), padded.shape, starts, stride)
    return _unpadded(folded, x.shape, padding)


@avg_pool2d.samples
def _avg_pool2d_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in FLOATS:
        x = draw(rng, (2, 3, 7, 6), t)
        result += [
            sample(x, 2),
            sample(x, (3, 2), stride=1, padding=(1, 1)),
            sample(x, 3, stride=2, padding=(1, 0, 2, 1), count_include_pad=False),
        ]
    return result


@avg_pool2d.errors
def _avg_pool2d_errors() -> list[WrongCall]:
    x = np.zeros((1, 1, 4, 4), np.float32)
    return [
        wrong(ShapeError, "avg_pool2d: ", x[0], 2),
        wrong(ArgumentError, "stride", x, 2, stride="no"),
    ]


avg_pool2d.vjp(_avg_pool2d_rule)
