"""Operators that move elements: reshape, transpose, concat, split, slice, pad, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size, many_axes, one_axis
from ingot.onnx.registry import operator
from ingot.onnx.values import Sizes, Value, integers
from ingot.tensor import Size, SizeLike, Tensor, wrap

_INT_MAX = 2**31 - 1  # what exporters write for "to the end"


@operator("Shape")
def shape(node: Node) -> Value:
    given = node.value(0)
    sizes = given.shape if isinstance(given, Sizes) else node.x().shape
    start, end = node.attr("start", 0), node.attr("end", len(sizes))
    return integers(sizes[slice(start, end)])


@operator("Size")
def size(node: Node) -> Value:
    count: SizeLike = node.x().size
    return (
        Sizes(np.array([count, None], dtype=object)[0])
        if isinstance(count, Size)
        else wrap(np.asarray(count, np.int64))
    )


@operator("Reshape")
def reshape(node: Node) -> Tensor:
    x = node.x()
    wanted = node.sizes(1)
    if not node.attr("allowzero", 0):
        for i, n in enumerate(wanted):
            if isinstance(n, int) and n == 0:
                if i >= x.ndim:
                    raise FileError(f"a 0 copies no size: got {wanted} for {list(x.shape)}")
                wanted[i] = x.shape[i]
    return ops.reshape(x, wanted)


def product(sizes: Sequence[SizeLike]) -> SizeLike:
    result: SizeLike = 1
    for n in sizes:
        result = result * n
    return result


@operator("Flatten")
def flatten(node: Node) -> Tensor:
    x = node.x()
    axis = node.attr("axis", 1)
    if not -x.ndim <= axis <= x.ndim:
        raise FileError(f"axis out of range: got {axis}")
    axis = axis + x.ndim if axis < 0 else axis
    return ops.reshape(x, (product(x.shape[:axis]), product(x.shape[axis:])))


def _axes(node: Node, rank: int, operand: int = 1) -> list[int] | None:
    """Axes given as an operand, in older opsets as an attribute."""
    given = node.ints_at(operand) if node.has(operand) else node.attr("axes")
    return None if given is None else many_axes(given, rank)


@operator("Squeeze")
def squeeze(node: Node) -> Tensor:
    x = node.x()
    axes = _axes(node, x.ndim)
    if axes is None:
        axes = [i for i, n in enumerate(x.shape) if isinstance(n, int) and n == 1]
    return composite.squeeze(x, tuple(axes))


@operator("Unsqueeze")
def unsqueeze(node: Node) -> Tensor:
    x = node.x()
    given = node.ints_at(1) if node.has(1) else node.attr("axes", [])
    return composite.expand_dims(x, tuple(many_axes(given, x.ndim + len(given))))


@operator("Transpose")
def transpose(node: Node) -> Tensor:
    x = node.x()
    order = node.attr("perm")
    order = list(range(x.ndim))[::-1] if order is None else order
    return ops.permute_dims(x, many_axes(order, x.ndim))


@operator("Expand")
def expand(node: Node) -> Tensor:
    x, wanted = node.x(), node.sizes(1)
    shape = composite.broadcast_shapes(x.shape, wanted)
    return ops.broadcast_to(x, node.small(shape))


@operator("Tile")
def tile(node: Node) -> Tensor:
    x, repeats = node.x(), node.sizes(1)
    if len(repeats) != x.ndim:
        raise FileError(f"wrong number of repeats: got {len(repeats)}, expected {x.ndim}")
    node.small([n * r for n, r in zip(x.shape, repeats, strict=True)])
    stretched: list[SizeLike] = [n for pair in zip(repeats, x.shape, strict=True) for n in pair]
    single: list[SizeLike] = [n for size in x.shape for n in (1, size)]
    wide = ops.broadcast_to(ops.reshape(x, single), stretched)
    return ops.reshape(wide, [r * n for r, n in zip(repeats, x.shape, strict=True)])


@operator("Concat")
def concat(node: Node) -> Tensor:
    tensors = node.all()
    return ops.concat(tensors, axis=one_axis(node.attr("axis"), tensors[0].ndim))


@operator("Split")
def split(node: Node) -> tuple[Tensor, ...]:
    x = node.x()
    axis = one_axis(node.attr("axis", 0), x.ndim)
    sizes = node.sizes(1) if node.has(1) else node.attr("split")
    if sizes is None:
        count = node.attr("num_outputs", node.outputs)
        extent = known_size(x.shape[axis], "the size to split")
        part = -(-extent // count)
        sizes = [max(min(part, extent - i * part), 0) for i in range(count)]
    if product(sizes) is not None and _sum(sizes) != x.shape[axis]:
        raise FileError(f"parts of a wrong total: got {sizes}, expected {x.shape[axis]}")
    parts: list[Tensor] = []
    start: SizeLike = 0
    for n in sizes:
        parts.append(composite.narrow(x, axis, start, n))
        start = start + n
    return tuple(parts)


def _sum(sizes: Sequence[SizeLike]) -> SizeLike:
    total: SizeLike = 0
    for n in sizes:
        total = total + n
    return total


# Slices.


def _bound(n: SizeLike, size: SizeLike, step: int) -> SizeLike:
    """A start or end, counted from the front and kept inside; for step < 0, -1 is before the
    front."""
    least = 0 if step > 0 else -1
    most = size + least
    if isinstance(n, Size):
        return n
    if n >= _INT_MAX:
        return most
    if n <= -_INT_MAX:
        return least
    if n < 0:
        n = n + size
    if isinstance(n, Size) or isinstance(size, Size):
        return n  # the slice's own rule checks what cannot be decided here
    return min(max(n, least), size + least)


@operator("Slice")
def slice_(node: Node) -> Tensor:
    x = node.x()
    if node.version < 10:
        starts, ends = node.attr("starts"), node.attr("ends")
        axes, steps = node.attr("axes"), None
    else:
        starts, ends = node.sizes(1), node.sizes(2)
        axes = node.ints_at(3) if node.has(3) else None
        steps = node.ints_at(4) if node.has(4) else None
    axes = many_axes(list(range(len(starts))) if axes is None else axes, x.ndim)
    steps = [1] * len(axes) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise FileError(f"wrong starts, ends, axes or steps: got {starts}, {ends}, {axes}, {steps}")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        x = sliced(x, axis, start, end, step)
    return x


def sliced(x: Tensor, axis: int, start: SizeLike, end: SizeLike, step: int) -> Tensor:
    """x[start:end:step] along one axis, as Python has it."""
    size = x.shape[axis]
    first, last = _bound(start, size, step), _bound(end, size, step)
    if step < 0:  # the same elements, counted in x turned around
        x, step = ops.flip(x, axis), -step
        first, last = size - 1 - first, size - 1 - last
    if isinstance(first, int) and isinstance(last, int):
        last = max(first, last)
    if first == 0 and last == size and step == 1:
        return x
    low: list[SizeLike] = [0] * x.ndim
    high, steps = list(x.shape), [1] * x.ndim
    low[axis], high[axis], steps[axis] = first, last, step
    return ops.slice(x, low, high, steps)


# Padding.


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
            x = sliced(x, axis, -a, _INT_MAX, 1)
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


# Blocks of channels and pixels.


@operator("DepthToSpace")
def depth_to_space(node: Node) -> Tensor:
    x, b = node.x(), node.attr("blocksize")
    n, c, *space = x.shape
    rank = len(space)
    blocks = [b] * rank
    channels = known_size(c, "the number of channels") // b**rank
    if node.attr("mode", "DCR") == "DCR":
        x = ops.reshape(x, (n, *blocks, channels, *space))
        first, block = rank + 1, 1
    else:
        x = ops.reshape(x, (n, channels, *blocks, *space))
        first, block = 1, 2
    pairs = [a for i in range(rank) for a in (rank + 2 + i, block + i)]
    x = ops.permute_dims(x, [0, first, *pairs])
    return ops.reshape(x, (n, channels, *(s * b for s in space)))


@operator("SpaceToDepth")
def space_to_depth(node: Node) -> Tensor:
    x, b = node.x(), node.attr("blocksize")
    n, c, *space = x.shape
    rank = len(space)
    x = ops.reshape(x, (n, c, *(m for s in space for m in (s // b, b))))
    inner, outer = [3 + 2 * i for i in range(rank)], [2 + 2 * i for i in range(rank)]
    order = [0, *inner, 1, *outer] if node.attr("mode", "DCR") == "DCR" else [0, 1, *inner, *outer]
    x = ops.permute_dims(x, order)
    return ops.reshape(x, (n, c * b**rank, *(s // b for s in space)))


@operator("Trilu")
def trilu(node: Node) -> Tensor:
    function = composite.triu if node.attr("upper", 1) else composite.tril
    return function(node.x(), int(node.number(1, 0)))


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
