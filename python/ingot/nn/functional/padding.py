"""Rearranging planes: pad, unfold, pixel_shuffle and pixel_unshuffle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ingot import ops
from ingot.composite import full, stack
from ingot.composite.calls import tagged
from ingot.dtypes import Array
from ingot.errors import ArgumentError, ShapeError
from ingot.ops import permute_dims, take
from ingot.ops.adjoints import window_starts, windows_of
from ingot.ops.axes import as_tensor
from ingot.tensor import Size, SizeLike, Tensor, TensorLike

from .convolution import Ints, batched, pair_of
from .windows import constant_size

__all__ = [
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "unfold",
]


@tagged
def pad(
    input: TensorLike, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """x with elements around: pad = (left, right, top, bottom, ...), from the last axis forward.

    input: any[...] -> the same dtype. mode "constant": `value` (0); "reflect": mirrored at the
    outermost element, which is not repeated; "replicate": the outermost element; "circular": from
    the other side. Negative widths cut off. Raises ArgumentError for another mode or more widths
    than axes, ShapeError for a mirror or a circle wider than the axis.

    >>> import ingot
    >>> ingot.nn.functional.pad(ingot.tensor([1, 2, 3]), (2, 1), "reflect")
    Tensor([3, 2, 1, 2, 3, 2], dtype=int64)
    """
    x = as_tensor("pad", input)
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ArgumentError(
            f"pad: wrong number of widths: got {len(pad)}, expected up to {2 * x.ndim} in pairs"
        )
    widths = {x.ndim - 1 - i: (pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)}
    if mode == "constant":
        return _pad_constant(x, widths, 0 if value is None else value)
    if mode not in _SOURCES:
        raise ArgumentError(f"pad: wrong mode: got {mode!r}, expected constant, {_MODES}")
    if value is not None:
        raise ArgumentError(f"pad: a value with mode {mode!r}: got {value}, expected none")
    if mode == "circular":  # what is cut off does not come back on the other side
        x = _pad_constant(x, {axis: (min(a, 0), min(b, 0)) for axis, (a, b) in widths.items()}, 0)
        widths = {axis: (max(a, 0), max(b, 0)) for axis, (a, b) in widths.items()}
    for axis, (low, high) in widths.items():
        if (low, high) != (0, 0):
            x = take(x, _sources(x, axis, low, high, mode), axis=axis)
    return x


def _pad_constant(x: Tensor, widths: dict[int, tuple[int, int]], value: float) -> Tensor:
    ends = [widths.get(axis, (0, 0)) for axis in range(x.ndim)]
    if any(n < 0 for pair in ends for n in pair):
        start: list[SizeLike] = [max(-low, 0) for low, _ in ends]
        stop = [n - max(-high, 0) for n, (_, high) in zip(x.shape, ends, strict=True)]
        for axis, (a, b) in enumerate(zip(start, stop, strict=True)):
            if isinstance(b, int) and isinstance(a, int) and a > b:
                raise ShapeError(
                    f"pad: cuts off more than there is: got {ends[axis]} on axis {axis} "
                    f"of size {x.shape[axis]}"
                )
        x = ops.slice(x, start, stop)
    low, high = ([max(pair[i], 0) for pair in ends] for i in (0, 1))
    if not any(low) and not any(high):
        return x
    return ops.pad(x, full((), value, x.dtype), low=low, high=high)


def _reflected(at: Array, n: int) -> Array:
    return np.asarray((n - 1) - np.abs((n - 1) - np.abs(at)))


_SOURCES: dict[str, Callable[[Array, int], Array]] = {
    "reflect": _reflected,
    "replicate": lambda at, n: np.clip(at, 0, n - 1),
    "circular": lambda at, n: at % n,
}
_MODES = ", ".join(_SOURCES)


def _sources(x: Tensor, axis: int, low: int, high: int, mode: str) -> Array:
    """Which position of an axis each position of the result shows."""
    n = constant_size("pad", x, axis)
    limit = {"reflect": n - 1, "circular": n}.get(mode)
    if (limit is not None and max(low, high) > limit) or n + low + high < 0 or n == 0:
        raise ShapeError(f"pad: mode {mode!r} does not fit: got {low}, {high} on an axis of {n}")
    return np.asarray(_SOURCES[mode](np.arange(-low, n + high), n), np.int64)


@tagged
def unfold(
    input: TensorLike,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Tensor:
    """The windows of a plane, each as a column.

    input: any[n, c, h, w] or any[c, h, w] -> the same dtype [n, c * kh * kw, oh * ow]. Padding is
    with 0. Raises ShapeError where the window does not fit.

    >>> import ingot
    >>> ingot.nn.functional.unfold(ingot.arange(4).reshape(1, 1, 4), (1, 2))[0]
    Tensor([0, 1, 2], dtype=int64)
    """
    x = as_tensor("unfold", input)
    planes = batched("unfold", x, 2)
    kernel, gaps = (pair_of("unfold", "size", v) for v in (kernel_size, dilation))
    around, steps = (pair_of("unfold", "size", v) for v in (padding, stride))
    planes = _pad_constant(planes, {2: (around[0], around[0]), 3: (around[1], around[1])}, 0)
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, gaps, strict=True)]
    out = [(n - e) // s + 1 for n, e, s in zip(planes.shape[2:], extent, steps, strict=True)]
    if any(not isinstance(n, Size) and n < 1 for n in out):
        raise ShapeError(f"unfold: the window does not fit: got {list(planes.shape)} and {extent}")
    seen = stack(windows_of(planes, out, window_starts(kernel, gaps), steps), axis=2)
    shape = (seen.shape[0], seen.shape[1] * seen.shape[2], out[0] * out[1])
    return seen.reshape(shape if x.ndim == 4 else shape[1:])


@tagged
def pixel_shuffle(input: TensorLike, upscale_factor: int) -> Tensor:
    """Channels spread over the plane: (c, i, j) of a channel goes to row i and column j of r x r.

    input: any[..., c * r * r, h, w] -> any[..., c, h * r, w * r]. Raises ShapeError unless r * r
    divides the channels.

    >>> import ingot
    >>> ingot.nn.functional.pixel_shuffle(ingot.arange(4).reshape(4, 1, 1), 2)[0]
    Tensor([[0, 1],
            [2, 3]], dtype=int64)
    """
    x, r = as_tensor("pixel_shuffle", input), upscale_factor
    if x.ndim < 3 or r < 1 or (x.shape[-3] // (r * r)) * (r * r) != x.shape[-3]:
        raise ShapeError(
            f"pixel_shuffle: channels do not fit: got {list(x.shape)}, expected a multiple of "
            f"{r * r}"
        )
    *lead, channels, h, w = x.shape
    split = x.reshape((*lead, channels // (r * r), r, r, h, w))
    n = len(lead)
    order = [*range(n + 1), n + 3, n + 1, n + 4, n + 2]
    return permute_dims(split, order).reshape((*lead, channels // (r * r), h * r, w * r))


@tagged
def pixel_unshuffle(input: TensorLike, downscale_factor: int) -> Tensor:
    """The inverse of pixel_shuffle.

    input: any[..., c, h * r, w * r] -> any[..., c * r * r, h, w]. Raises ShapeError unless r
    divides the plane's sizes.

    >>> import ingot
    >>> ingot.nn.functional.pixel_unshuffle(ingot.arange(4).reshape(1, 2, 2), 2).shape
    (4, 1, 1)
    """
    x, r = as_tensor("pixel_unshuffle", input), downscale_factor
    if x.ndim < 3 or r < 1 or any((n // r) * r != n for n in x.shape[-2:]):
        raise ShapeError(
            f"pixel_unshuffle: the plane does not fit: got {list(x.shape)}, expected multiples of "
            f"{r}"
        )
    *lead, channels, h, w = x.shape
    split = x.reshape((*lead, channels, h // r, r, w // r, r))
    n = len(lead)
    order = [*range(n + 1), n + 2, n + 4, n + 1, n + 3]
    return permute_dims(split, order).reshape((*lead, channels * r * r, h // r, w // r))
