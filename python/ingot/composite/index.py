"""x[key]: integers, slices with steps, None, Ellipsis, tensors of integers and of bools, as NumPy
means them.

Several tensors broadcast together and select element by element. Their axes stand where the first
one stood, or in front where something lies between them. Steps: flip, slice, reshape, take.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.ops.creation import arange
from ingot.ops.indexing import take
from ingot.ops.movement import flip, permute_dims, reshape, slice
from ingot.ops.pointwise_arithmetic import add, multiply
from ingot.tensor import SizeLike, Tensor, operations, wrap

from .keys import At, Gap, Gather, NewAxis, Part, Window, read_key
from .shaping import common_shape

__all__: list[str] = []  # reached through x[key] alone


def index(x: Tensor, key: object) -> Tensor:
    """x[key]."""
    return apply_parts(x, read_key(x, key))


operations["index"] = index


def apply_parts(x: Tensor, parts: Sequence[Part]) -> Tensor:
    """x[key], of a key that has been read."""
    result = _windows(x, parts)
    shape: list[SizeLike] = []
    gathers: list[tuple[int, Tensor]] = []  # axis of the windowed tensor, indices
    axis = 0
    for part in parts:
        if isinstance(part, Gap):
            continue
        is_new = isinstance(part, NewAxis) or (isinstance(part, Gather) and part.new)
        if isinstance(part, Gather):
            gathers.append((len(shape), part.indices))
        if is_new:
            shape.append(1)
        elif not isinstance(part, At):
            shape.append(result.shape[axis])
        axis += not is_new
    if tuple(shape) != result.shape:
        result = reshape(result, shape)
    if not gathers:
        return result
    return _gathered(result, gathers, in_front=_apart(parts))


def _windows(x: Tensor, parts: Sequence[Part]) -> Tensor:
    """x less what slices and integers leave out; an integer leaves an axis of size 1."""
    windows = []
    for part in parts:
        if isinstance(part, At):
            windows.append(Window(part.position, part.position + 1))
        elif isinstance(part, Window):
            windows.append(part)
        elif isinstance(part, Gather) and not part.new:
            windows.append(Window(0, x.shape[len(windows)]))
    flipped = [a for a, w in enumerate(windows) if w.flipped]
    result = flip(x, flipped) if flipped else x
    starts, stops = [w.start for w in windows], [w.stop for w in windows]
    steps = [w.step for w in windows]
    if (starts, stops, steps) == ([0] * x.ndim, list(x.shape), [1] * x.ndim):
        return result
    return slice(result, starts, stops, steps)


def _apart(parts: Sequence[Part]) -> bool:
    """Whether something lies between tensors and integers. A tensor of rank 0 is an integer."""
    at = [i for i, p in enumerate(parts) if isinstance(p, (At, Gather))]
    return at[-1] - at[0] != len(at) - 1


def _gathered(x: Tensor, gathers: list[tuple[int, Tensor]], in_front: bool) -> Tensor:
    axes = [axis for axis, _ in gathers]
    if len(gathers) == 1:
        axis, indices = gathers[0]
        result = take(x, indices, axis=axis)
        return _moved_to_front(result, axis, indices.ndim) if in_front else result
    # The indexed axes are merged into one in front, and indices into one position in it.
    rest = [a for a in range(x.ndim) if a not in axes]
    strides: list[SizeLike] = [1]
    for a in reversed(axes):
        strides.insert(0, strides[0] * x.shape[a])
    merged = reshape(permute_dims(x, [*axes, *rest]), [strides[0], *(x.shape[a] for a in rest)])
    position = _merged_positions(x, gathers, strides[1:])
    result = take(merged, position, axis=0)
    if in_front or axes[0] == 0:
        return result
    order = list(range(position.ndim, result.ndim))
    order[axes[0] : axes[0]] = range(position.ndim)
    return permute_dims(result, order)


def _merged_positions(
    x: Tensor, gathers: list[tuple[int, Tensor]], strides: Sequence[SizeLike]
) -> Tensor:
    """sum(index * stride), each index counted from the start. `take` looks up the multiples: it
    counts negative indices from the end and refuses those out of range."""
    common_shape("index", [i.shape for _, i in gathers])
    total: Tensor | None = None
    for (axis, indices), stride in zip(gathers, strides, strict=True):
        size = x.shape[axis]
        if isinstance(size, int) and isinstance(stride, int) and not indices.is_recorded:
            numbers = indices.numpy().astype(np.int64)
            part = wrap(np.where(numbers < 0, numbers + size, numbers) * stride)
        else:
            part = take(multiply(arange(size), stride), indices)
        total = part if total is None else add(total, part)
    assert total is not None
    return total


def _moved_to_front(x: Tensor, axis: int, count: int) -> Tensor:
    """The `count` axes from `axis` on, before the others."""
    moved = list(range(axis, axis + count))
    return permute_dims(x, [*moved, *(a for a in range(x.ndim) if a not in moved)])
