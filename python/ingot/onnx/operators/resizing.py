"""Resize and Upsample: each axis on its own, as a weighted sum of the elements that it reads.

Which elements those are and their weights follow from the sizes alone, which must be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingot import ops
from ingot.dtypes import Array
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size, many_axes
from ingot.onnx.registry import operator
from ingot.tensor import Tensor, wrap

Coordinates = Callable[["Axis", Array], Array]


@dataclass
class Axis:
    """One resized axis."""

    size: int
    result: int
    scale: float
    roi: tuple[float, float] = (0.0, 1.0)

    @property
    def length(self) -> float:
        """The result's size before it is rounded, which is what positions are computed with."""
        return self.scale * self.size


def _half_pixel_symmetric(axis: Axis, x: Array) -> Array:
    adjustment = axis.result / axis.length
    center = axis.size / 2
    return center * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5


def _align_corners(axis: Axis, x: Array) -> Array:
    return x * (axis.size - 1) / (axis.length - 1) if axis.length > 1 else np.zeros_like(x)


def _crop(axis: Axis, x: Array) -> Array:
    start, end = axis.roi
    if axis.length > 1:
        return start * (axis.size - 1) + x * (end - start) * (axis.size - 1) / (axis.length - 1)
    return np.full_like(x, 0.5 * (start + end) * (axis.size - 1))


_COORDINATES: dict[str, Coordinates] = {
    "half_pixel": lambda a, x: (x + 0.5) / a.scale - 0.5,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda a, x: (
        (x + 0.5) / a.scale - 0.5 if a.result > 1 else np.zeros_like(x)
    ),
    "align_corners": _align_corners,
    "asymmetric": lambda a, x: x / a.scale,
    "tf_half_pixel_for_nn": lambda a, x: (x + 0.5) / a.scale,
    "tf_crop_and_resize": _crop,
}
_NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _cubic(a: float) -> Callable[[Array], Array]:
    """Keys' kernel."""

    def weight(t: Array) -> Array:
        t = np.abs(t)
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = a * (((t - 5) * t + 8) * t - 4)
        return np.asarray(np.where(t <= 1, near, np.where(t < 2, far, 0.0)))

    return weight


def _linear(t: Array) -> Array:
    return np.asarray(np.maximum(1 - np.abs(t), 0.0))


@dataclass
class Method:
    """How elements are read: mode, and what its attributes say."""

    mode: str
    coordinates: str
    nearest: str
    kernel: Callable[[Array], Array]
    radius: int
    antialias: bool
    exclude_outside: bool
    extrapolation: float

    def reads(self, axis: Axis) -> tuple[Array, Array, Array]:
        """(which elements [result, taps], their weights, whether the position is outside)."""
        at = _COORDINATES[self.coordinates](axis, np.arange(axis.result, dtype=np.float64))
        outside = (at < 0) | (at > axis.size - 1)
        if self.coordinates != "tf_crop_and_resize":
            outside = np.zeros_like(outside)
        if self.mode == "nearest":
            places = np.clip(_NEAREST[self.nearest](at), 0, axis.size - 1).astype(np.int64)
            return places[:, None], np.ones((axis.result, 1)), outside
        stretch = max(1 / axis.scale, 1.0) if self.antialias else 1.0
        reach = self.radius * stretch
        # The taps around each position, more than enough.
        first = np.floor(at - reach).astype(np.int64)
        places = first[:, None] + np.arange(math.ceil(2 * reach) + 2)
        weights = self.kernel((places - at[:, None]) / stretch)
        if self.exclude_outside:
            weights = np.where((places < 0) | (places >= axis.size), 0.0, weights)
        if self.exclude_outside or self.antialias:
            weights = weights / weights.sum(1, keepdims=True)
        return np.clip(places, 0, axis.size - 1), weights, outside


def resized(x: Tensor, axes: dict[int, Axis], method: Method) -> Tensor:
    """x with these axes resized."""
    outside: Any = None
    for number, axis in axes.items():
        places, weights, beyond = method.reads(axis)
        x = _weighted(x, number, axis.size, places, weights)
        shape = [-1 if i == number else 1 for i in range(x.ndim)]
        if beyond.any():
            mask = beyond.reshape(shape)
            outside = mask if outside is None else outside | mask
    return x if outside is None else ops.where(wrap(outside), method.extrapolation, x)


def _weighted(x: Tensor, axis: int, size: int, places: Array, weights: Array) -> Tensor:
    """The sum over taps of the element read times its weight; taps without weight are left out."""
    dtype = x.dtype
    if places.shape[1] == 1 and np.all(weights == 1):
        found = places[:, 0]
        same = len(found) == size and np.array_equal(found, np.arange(size))
        return x if same else ops.take(x, wrap(np.ascontiguousarray(found)), axis=axis)
    wide = x if dtype.kind == "f" and dtype.itemsize >= 4 else x.astype("float32")
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    total: Tensor | None = None
    for k in range(places.shape[1]):
        if not weights[:, k].any():
            continue
        read = ops.take(wide, wrap(np.ascontiguousarray(places[:, k])), axis=axis)
        part = read * wrap(weights[:, k].astype(wide.dtype).reshape(shape))
        total = part if total is None else total + part
    if total is None:
        raise FileError("a resized axis reads nothing")
    return (ops.round(total) if dtype.kind in "iu" else total).astype(dtype)


def _method(node: Node) -> Method:
    mode = node.attr("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        raise UnsupportedError(f"unsupported: the mode {mode!r}")
    coordinates = node.attr("coordinate_transformation_mode", "half_pixel")
    if node.version < 11:
        coordinates = "asymmetric"
    nearest = node.attr("nearest_mode", "round_prefer_floor") if node.version >= 11 else "floor"
    if coordinates not in _COORDINATES or nearest not in _NEAREST:
        raise FileError(f"unknown mode {coordinates!r} or {nearest!r}")
    cubic = mode == "cubic"
    return Method(
        mode,
        coordinates,
        nearest,
        _cubic(node.attr("cubic_coeff_a", -0.75)) if cubic else _linear,
        2 if cubic else 1,
        bool(node.attr("antialias", 0)),
        bool(node.attr("exclude_outside", 0)),
        float(node.attr("extrapolation_value", 0.0)),
    )


@operator("Upsample")
def upsample(node: Node) -> Tensor:
    x = node.x()
    given = node.attr("scales")
    scales = node.known(1).ravel().tolist() if given is None else given
    return _by_scales(node, x, list(range(x.ndim)), scales)


def _axis_of(size: int, scale: float) -> Axis:
    if not scale > 0:
        raise FileError(f"a scale of {scale}")
    return Axis(size, math.floor(size * scale), scale)


def _by_scales(node: Node, x: Tensor, numbers: Sequence[int], scales: Sequence[float]) -> Tensor:
    if len(scales) != len(numbers):
        raise FileError(f"{len(scales)} scales for {len(numbers)} axes")
    moving = [(n, s) for n, s in zip(numbers, scales, strict=True) if s != 1 or _crops(node)]
    axes = {
        n: _axis_of(known_size(x.shape[n], "the size of what is resized"), s) for n, s in moving
    }
    return _with_roi(node, x, numbers, axes)


def _crops(node: Node) -> bool:
    return bool(node.attr("coordinate_transformation_mode", "") == "tf_crop_and_resize")


def _with_roi(node: Node, x: Tensor, numbers: Sequence[int], axes: dict[int, Axis]) -> Tensor:
    node.small([a.result for a in axes.values()])
    if _crops(node):
        roi = node.known(1).ravel().tolist()
        if len(roi) != 2 * len(numbers):
            raise FileError(f"a roi of {len(roi)} numbers for {len(numbers)} axes")
        for i, number in enumerate(numbers):
            axes[number].roi = roi[i], roi[len(numbers) + i]
    return resized(x, axes, _method(node))


@operator("Resize")
def resize(node: Node) -> Tensor:
    x = node.x()
    given = node.attr("axes")
    numbers = many_axes(range(x.ndim) if given is None else given, x.ndim)
    by_size = node.has(3) and node.version >= 11
    if not by_size:
        operand = 1 if node.version < 11 else 2
        return _by_scales(node, x, numbers, node.known(operand).ravel().tolist())
    wanted = [known_size(n, "a wanted size") for n in node.sizes(3)]
    if len(wanted) != len(numbers):
        raise FileError(f"{len(wanted)} sizes for {len(numbers)} axes")
    sizes = [known_size(x.shape[n], "the size of what is resized") for n in numbers]
    policy = node.attr("keep_aspect_ratio_policy", "stretch")
    ratios = [w / max(s, 1) for w, s in zip(wanted, sizes, strict=True)]
    if policy != "stretch":
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        ratios = [scale] * len(ratios)
        wanted = [math.floor(scale * s + 0.5) for s in sizes]
    axes = {
        n: Axis(s, w, r)
        for n, s, w, r in zip(numbers, sizes, wanted, ratios, strict=True)
        if s != w or _crops(node)
    }
    return _with_roi(node, x, numbers, axes)
