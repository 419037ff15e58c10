"""Operators that move elements: reshape, transpose, concat, split, slice, pad, ..."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError
from ingot.onnx.node import Node, known_size, many_axes, one_axis
from ingot.onnx.registry import operator
from ingot.onnx.values import Sizes, Value, integers
from ingot.tensor import Size, SizeLike, Tensor, wrap

MAX_OUTPUTS = 1 << 16
INT_MAX = 2**31 - 1  # what exporters write for "to the end"


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
        if count < node.outputs or count > MAX_OUTPUTS:
            raise FileError(f"num_outputs of {count} for {node.outputs} outputs")
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
    if n >= INT_MAX:
        return most
    if n <= -INT_MAX:
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


@operator("Trilu")
def trilu(node: Node) -> Tensor:
    function = composite.triu if node.attr("upper", 1) else composite.tril
    return function(node.x(), int(node.number(1, 0)))
