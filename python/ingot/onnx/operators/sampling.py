"""Reading images between their pixels: GridSample and RoiAlign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.tensor import Tensor, wrap

from .shaping import product


def read_pixels(x: Tensor, places: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """x: [n, c, sizes...], places: int64[n, m] of each axis -> [n, c, m]; 0 outside."""
    inside: Any = None
    flat: Any = None
    for at, size in zip(places, sizes, strict=True):
        here = ops.logical_and(ops.greater_equal(at, 0), ops.less(at, size))
        inside = here if inside is None else ops.logical_and(inside, here)
        kept = composite.clip(at, 0, size - 1)
        flat = kept if flat is None else flat * size + kept
    n, c = x.shape[:2]
    m = flat.shape[1]
    pixels = ops.reshape(x, (n, c, product(sizes)))
    index = ops.broadcast_to(composite.expand_dims(flat, 1), (n, c, m))
    found = ops.take_along_axis(pixels, index, axis=2)
    return ops.where(composite.expand_dims(inside, 1), found, 0)


def read_linear(x: Tensor, at: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """Between pixels at float[n, m] of each axis, linearly; 0 outside -> [n, c, m]."""
    low = [ops.floor(a) for a in at]
    total: Any = None
    for corner in np.ndindex(*[2] * len(sizes)):
        weight: Any = None
        places = []
        for a, first, side in zip(at, low, corner, strict=True):
            rest = a - first
            part = rest if side else 1 - rest
            weight = part if weight is None else weight * part
            places.append((first + side).astype("int64"))
        found = read_pixels(x, places, sizes) * composite.expand_dims(weight, 1)
        total = found if total is None else total + found
    result: Tensor = total
    return result


# GridSample.


def _reflected(at: Tensor, size: int, align: bool) -> Tensor:
    """Positions beyond an edge turned back, as often as needed."""
    low, span = (0.0, size - 1.0) if align else (-0.5, float(size))
    if span == 0:
        return composite.zeros_like(at)
    shifted = ops.abs(at - low)
    turns = ops.floor(shifted / span)
    rest = shifted - turns * span
    even = ops.equal(ops.remainder(turns, 2.0), 0)
    return ops.where(even, rest + low, span - rest + low)


def _kept(at: Tensor, size: int, mode: str, align: bool) -> Tensor:
    if mode == "zeros":
        return at
    if mode == "reflection":
        at = _reflected(at, size, align)
    elif mode != "border":
        raise UnsupportedError(f"unsupported: the padding mode {mode!r}")
    return composite.clip(at, 0.0, size - 1.0)


@operator("GridSample")
def grid_sample(node: Node) -> Tensor:
    x, grid = node.x(0), node.x(1)
    sizes = [known_size(n, "the size of an image") for n in x.shape[2:]]
    align, padding = bool(node.attr("align_corners", 0)), node.attr("padding_mode", "zeros")
    n, space = x.shape[0], grid.shape[1:-1]
    if grid.ndim != x.ndim or grid.shape[-1] != len(sizes):
        raise FileError(f"a grid of shape {list(grid.shape)} for {list(x.shape)}")
    flat = ops.reshape(grid, (n, product(space), len(sizes)))
    at = []
    for i, size in enumerate(sizes):
        g = flat[..., len(sizes) - 1 - i]
        at.append((g + 1) * ((size - 1) / 2) if align else ((g + 1) * size - 1) / 2)
    mode = node.attr("mode", "linear")
    if mode in ("bicubic", "cubic"):
        y = _read_cubic(x, at, sizes, padding, align)
    elif mode == "nearest":
        kept = [_kept(ops.round(a), s, padding, align) for a, s in zip(at, sizes, strict=True)]
        y = read_pixels(x, [ops.round(a).astype("int64") for a in kept], sizes)
    elif mode in ("bilinear", "linear"):
        y = read_linear(
            x, [_kept(a, s, padding, align) for a, s in zip(at, sizes, strict=True)], sizes
        )
    else:
        raise FileError(f"unknown mode {mode!r}")
    return ops.reshape(y.astype(x.dtype), (n, x.shape[1], *space))


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Keys' kernel with a = -0.75 at -1 - t, -t, 1 - t, 2 - t."""
    a = -0.75

    def near(s: Tensor) -> Tensor:
        return ((a + 2) * s - (a + 3)) * s * s + 1

    def far(s: Tensor) -> Tensor:
        return ((a * s - 5 * a) * s + 8 * a) * s - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _read_cubic(
    x: Tensor, at: Sequence[Tensor], sizes: Sequence[int], padding: str, align: bool
) -> Tensor:
    low = [ops.floor(a) for a in at]
    weights = [_cubic_weights(a - first) for a, first in zip(at, low, strict=True)]
    total: Any = None
    for taps in np.ndindex(*[4] * len(sizes)):
        weight: Any = None
        places = []
        for i, tap in enumerate(taps):
            part = weights[i][tap]
            weight = part if weight is None else weight * part
            place = _kept(low[i] + (tap - 1), sizes[i], padding, align)
            places.append(ops.round(place).astype("int64"))
        found = read_pixels(x, places, sizes) * composite.expand_dims(weight, 1)
        total = found if total is None else total + found
    result: Tensor = total
    return result


# RoiAlign.


@operator("RoiAlign")
def roi_align(node: Node) -> Tensor:
    """Each region in output_height x output_width bins, of each the mean or maximum of
    sampling_ratio^2 points."""
    x, rois, images = node.x(0), node.x(1), node.x(2)
    height, width = node.attr("output_height", 1), node.attr("output_width", 1)
    ratio = node.attr("sampling_ratio", 0)
    half = node.attr("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    half = half and node.version >= 16
    corners = rois * node.attr("spatial_scale", 1.0) - (0.5 if half else 0.0)
    count = known_size(rois.shape[0], "the number of regions")
    sizes = [known_size(n, "the size of an image") for n in x.shape[2:]]
    picked = ops.take(x, images, axis=0)  # [regions, c, h, w]
    results = []
    for r in range(count):
        start_x, start_y, end_x, end_y = (corners[r, i] for i in range(4))
        spans = [end_y - start_y, end_x - start_x]
        if not half:
            spans = [ops.maximum(s, 1.0) for s in spans]
        grid = [ratio, ratio] if ratio > 0 else _adaptive(node, r, half, (height, width))
        axes = [
            _points(start, span, bins, samples, size)
            for start, span, bins, samples, size in zip(
                (start_y, start_x), spans, (height, width), grid, sizes, strict=True
            )
        ]
        results.append(_pooled(node, picked[r : r + 1], axes, (height, width), grid, sizes))
    return (
        ops.concat(results) if results else composite.zeros((0, x.shape[1], height, width), x.dtype)
    )


def _adaptive(node: Node, r: int, half: bool, bins: tuple[int, int]) -> list[int]:
    """As many points as the bin has pixels, rounded up."""
    x0, y0, x1, y1 = (node.known(1)[r] * node.attr("spatial_scale", 1.0)).tolist()
    spans = [y1 - y0, x1 - x0] if half else [max(y1 - y0, 1.0), max(x1 - x0, 1.0)]
    return [max(int(np.ceil(s / b)), 1) for s, b in zip(spans, bins, strict=True)]


def _points(
    start: Tensor, span: Tensor, bins: int, samples: int, size: int
) -> tuple[Tensor, Tensor]:
    """(positions [bins * samples], 1 where inside, else 0) along one axis."""
    steps = (np.arange(bins * samples) + 0.5) / (bins * samples)
    at = start + span * wrap(steps.astype(span.dtype))
    inside = ops.logical_and(ops.greater_equal(at, -1.0), ops.less_equal(at, float(size)))
    return composite.clip(at, 0.0, size - 1.0), inside


def _pooled(
    node: Node,
    x: Tensor,
    axes: Sequence[tuple[Tensor, Tensor]],
    bins: tuple[int, int],
    grid: Sequence[int],
    sizes: Sequence[int],
) -> Tensor:
    (ys, in_y), (xs, in_x) = axes
    shape = (ys.shape[0], xs.shape[0])
    at = [
        ops.reshape(ops.broadcast_to(a, shape), (1, -1))
        for a in (ops.reshape(ys, (-1, 1)), ops.reshape(xs, (1, -1)))
    ]
    inside = ops.logical_and(ops.reshape(in_y, (-1, 1)), ops.reshape(in_x, (1, -1)))
    maximum = node.attr("mode", "avg") == "max"
    read = _largest_corner(x, at, sizes) if maximum else read_linear(x, at, sizes)
    read = ops.where(ops.reshape(inside, (1, 1, -1)), read, 0)
    c = x.shape[1]
    parts = ops.reshape(read, (1, c, bins[0], grid[0], bins[1], grid[1]))
    return ops.max(parts, (3, 5)) if maximum else composite.mean(parts, (3, 5))


def _largest_corner(x: Tensor, at: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """The largest of the four weighted corners, as the definition of the mode has it."""
    low = [ops.floor(a) for a in at]
    found: Any = None
    for corner in np.ndindex(2, 2):
        weight: Any = None
        places = []
        for a, first, side, size in zip(at, low, corner, sizes, strict=True):
            rest = a - first
            part = rest if side else 1 - rest
            weight = part if weight is None else weight * part
            places.append(composite.clip((first + side).astype("int64"), 0, size - 1))
        part = read_pixels(x, places, sizes) * composite.expand_dims(weight, 1)
        found = part if found is None else ops.maximum(found, part)
    result: Tensor = found
    return result
