"""Pad and CenterCropPad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size, many_axes
from ingot.onnx.registry import operator
from ingot.tensor import Size, SizeLike, Tensor

from .shaping import INT_MAX, sliced


@operator("Pad")
def pad(node: Node) -> Tensor:
    x = node.x()
    if node.version < 11:
        pads, value = list(node.attr("pads")), node.attr("value", 0.0)
        axes = list(range(x.ndim))
    else:
        pads = node.sizes(1)
        value = ops.reshape(node.x(2), ()) if node.has(2) else 0
        axes = many_axes(node.ints_at(3, range(x.ndim)), x.ndim)
    if len(pads) != 2 * len(axes):
        raise FileError(f"wrong number of pads: got {len(pads)}, expected {2 * len(axes)}")
    low: list[SizeLike] = [0] * x.ndim
    high: list[SizeLike] = [0] * x.ndim
    for i, axis in enumerate(axes):
        low[axis], high[axis] = pads[i], pads[len(axes) + i]
    node.small(
        [n + max(_int(a), 0) + max(_int(b), 0) for n, a, b in zip(x.shape, low, high, strict=True)]
    )
    return padded(x, low, high, node.attr("mode", "constant"), value)


def _int(n: SizeLike) -> int:
    return 0 if isinstance(n, Size) else int(n)


def padded(
    x: Tensor, low: Sequence[SizeLike], high: Sequence[SizeLike], mode: str, value: Any
) -> Tensor:
    """x with elements around, or less where a width is negative."""
    for axis, (a, b) in enumerate(zip(low, high, strict=True)):
        if isinstance(a, int) and a < 0:
            x = sliced(x, axis, -a, INT_MAX, 1)
        if isinstance(b, int) and b < 0:
            x = sliced(x, axis, 0, x.shape[axis] + b, 1)
    low = [max(n, 0) if isinstance(n, int) else n for n in low]
    high = [max(n, 0) if isinstance(n, int) else n for n in high]
    if mode == "constant":
        return ops.pad(x, value, low=low, high=high)
    for axis, (a, b) in enumerate(zip(low, high, strict=True)):
        if (a, b) != (0, 0):
            size = known_size(x.shape[axis], "a padded size")
            places = _places(size, known_size(a, "a pad"), known_size(b, "a pad"), mode)
            x = ops.take(x, places, axis=axis)
    return x


def _places(size: int, low: int, high: int, mode: str) -> Any:
    """Which element each position of a padded axis shows."""
    at = np.arange(-low, size + high)
    if mode == "edge":
        return np.clip(at, 0, size - 1)
    if mode == "wrap":
        return at % size
    if mode != "reflect":
        raise UnsupportedError(f"unsupported: padding mode {mode!r}")
    period = max(2 * (size - 1), 1)
    at = np.abs(at) % period
    return np.where(at < size, at, period - at)


@operator("CenterCropPad")
def center_crop_pad(node: Node) -> Tensor:
    x = node.x()
    wanted = node.sizes(1)
    axes = node.attr("axes")
    for axis, size in zip(
        many_axes(range(x.ndim) if axes is None else axes, x.ndim), wanted, strict=True
    ):
        have = known_size(x.shape[axis], "a cropped size")
        want = known_size(size, "a cropped size")
        if want < have:
            x = composite.narrow(x, axis, (have - want) // 2, want)
        else:
            low, high = [0] * x.ndim, [0] * x.ndim
            low[axis] = (want - have) // 2
            high[axis] = want - have - low[axis]
            x = ops.pad(x, 0, low=low, high=high)
    return x
