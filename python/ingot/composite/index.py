"""x[key]: integers, slices with steps, None, Ellipsis and one array of integers, as NumPy means
them.

Slices of a constant size are clamped as Python's; of a symbolic size they must lie inside, which
becomes a guard. A key of bools needs numbers: eager only.
"""

from __future__ import annotations

import builtins
import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingot.errors import ArgumentError, RangeError, RecordError
from ingot.ops.axes import as_tensor
from ingot.ops.indexing import take
from ingot.ops.movement import flip, reshape, slice
from ingot.origin import at_user_line
from ingot.recorder import active_recorder
from ingot.tensor import Size, SizeLike, Tensor, operations


@dataclass
class _Window:
    """What the key says, one entry for each axis of x."""

    start: list[SizeLike] = field(default_factory=list)
    stop: list[SizeLike] = field(default_factory=list)
    step: list[int] = field(default_factory=list)
    flipped: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)  # axes with an integer
    gathered: dict[int, Tensor] = field(default_factory=dict)

    def add(self, start: SizeLike, stop: SizeLike, step: int = 1) -> None:
        self.start.append(start)
        self.stop.append(stop)
        self.step.append(step)


def index(x: Tensor, key: object) -> Tensor:
    """x[key]."""
    keys = list(key) if isinstance(key, tuple) else [key]
    keys = [_normalized(k) for k in keys]
    if builtins.any(isinstance(k, Tensor) and k.dtype == np.bool_ for k in keys):
        return _masked(x, keys)
    _refuse_arrays_apart(keys)
    keys = _without_ellipsis(x, keys)
    window, new_axes = _Window(), []  # new_axes: positions in the key, less dropped axes
    axis = 0
    for k in keys:
        if k is None:
            new_axes.append(axis - len(window.dropped))
            continue
        _add_key(window, x, axis, k)
        axis += 1
    return _apply(x, window, new_axes)


operations["index"] = index


def _normalized(key: object) -> Any:
    """int, slice, None, Ellipsis or an integer or bool Tensor."""
    if key is None or key is Ellipsis or isinstance(key, builtins.slice):
        return key
    if isinstance(key, (bool, np.bool_)):
        raise ArgumentError(f"index: a single bool: got {key}, expected a tensor of bools")
    if isinstance(key, (Tensor, np.ndarray, list)):
        tensor = as_tensor("index", key)
        if isinstance(key, list) and not key:
            tensor = tensor.astype(np.int64)
        if tensor.dtype.kind not in "iub":
            raise ArgumentError(f"index: wrong dtype: got {tensor.dtype}, expected integers")
        return tensor
    if isinstance(key, Size):
        return key
    try:
        return operator.index(key)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentError(
            f"index: wrong key: got {type(key).__name__}, expected integers, slices, None, ... "
            f"or a tensor of integers"
        ) from None


def _axes_used(keys: list[Any]) -> int:
    return builtins.sum(1 for k in keys if k is not None and k is not Ellipsis)


def _without_ellipsis(x: Tensor, keys: list[Any]) -> list[Any]:
    """The key with whole slices for ... and for the axes it does not name."""
    used = _axes_used(keys)
    if used > x.ndim:
        raise RangeError(f"index: too many indices: got {used}, expected at most {x.ndim}")
    positions = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(positions) > 1:
        raise ArgumentError(f"index: more than one ...: got {len(positions)}")
    whole = [builtins.slice(None)] * (x.ndim - used)
    at = positions[0] if positions else len(keys)
    return [*keys[:at], *whole, *keys[at + 1 :]]


def _add_key(window: _Window, x: Tensor, axis: int, key: Any) -> None:
    size = x.shape[axis]
    if isinstance(key, builtins.slice):
        _add_slice(window, axis, size, key)
    elif isinstance(key, Tensor):
        window.gathered[axis] = key
        window.add(0, size)
    else:
        at = _from_end(size, key)
        if isinstance(at, int) and isinstance(size, int) and not 0 <= at < size:
            raise RangeError(
                f"index: out of range on axis {axis}: got {key}, expected {-size}..{size - 1}"
            )
        window.dropped.append(axis)
        window.add(at, at + 1)


def _from_end(size: SizeLike, at: SizeLike) -> SizeLike:
    return size + at if isinstance(at, int) and at < 0 else at


def _add_slice(window: _Window, axis: int, size: SizeLike, key: builtins.slice) -> None:
    step = 1 if key.step is None else operator.index(key.step)
    if step == 0:
        raise ArgumentError("index: a slice of step 0: expected another")
    if step < 0:
        window.flipped.append(axis)
    bounds = (key.start, key.stop)
    if isinstance(size, int) and not builtins.any(isinstance(b, Size) for b in bounds):
        chosen = range(*key.indices(size))
        # In a flipped axis position p is size - 1 - p.
        first = chosen.start if step > 0 else size - 1 - chosen.start
        window.add(*((first, first + (len(chosen) - 1) * abs(step) + 1) if chosen else (0, 0)))
    else:
        window.add(*_symbolic_bounds(size, key, step))
    window.step[-1] = abs(step)


def _symbolic_bounds(size: SizeLike, key: builtins.slice, step: int) -> tuple[SizeLike, SizeLike]:
    def position(value: Any, default: SizeLike) -> SizeLike:
        if value is None:
            return default
        at = _from_end(size, value if isinstance(value, Size) else operator.index(value))
        return at if step > 0 else size - 1 - at

    return position(key.start, 0), position(key.stop, size)


def _refuse_arrays_apart(keys: list[Any]) -> None:
    """NumPy moves the gathered axes to the front where arrays or integers stand apart: say so."""
    count = builtins.sum(isinstance(k, Tensor) for k in keys)
    if count > 1:
        raise ArgumentError(
            f"index: more than one array: got {count}, expected one; "
            f"use take one axis after the other"
        )
    advanced = [i for i, k in enumerate(keys) if isinstance(k, (int, Size, Tensor))]
    if count and advanced[-1] - advanced[0] != len(advanced) - 1:
        raise ArgumentError("index: an array and an integer apart: expected them side by side")


def _apply(x: Tensor, window: _Window, new_axes: list[int]) -> Tensor:
    shape = list(x.shape)
    result = flip(x, window.flipped) if window.flipped else x
    if (window.start, window.stop) != ([0] * x.ndim, shape) or builtins.any(
        s != 1 for s in window.step
    ):
        result = slice(result, window.start, window.stop, window.step)
    if window.dropped or (new_axes and not window.gathered):
        kept = [n for a, n in enumerate(result.shape) if a not in window.dropped]
        if not window.gathered:
            _insert(kept, new_axes)
        result = reshape(result, kept)
    for axis, indices in window.gathered.items():
        at = axis - builtins.sum(1 for a in window.dropped if a < axis)
        result = take(result, indices, axis=at)
        if new_axes:
            moved = [p if p <= at else p + indices.ndim - 1 for p in new_axes]
            kept = list(result.shape)
            _insert(kept, moved)
            result = reshape(result, kept)
    return result


def _insert(shape: list[SizeLike], positions: list[int]) -> None:
    for count, position in enumerate(positions):
        shape.insert(position + count, 1)


def _masked(x: Tensor, keys: list[Any]) -> Tensor:
    """x[mask], eagerly: the number of results is data."""
    mask = keys[0]
    if active_recorder() is not None or x.is_recorded or mask.is_recorded:
        raise RecordError(
            "index: a mask of bools gives a size that is data: got a recorded tensor, "
            f"expected an eager one; use ingot.where{at_user_line()}"
        )
    if len(keys) > 1:
        raise ArgumentError("index: a mask beside other keys: expected the mask alone")
    if mask.shape != x.shape[: mask.ndim]:
        raise RangeError(
            f"index: the mask does not fit: got {list(mask.shape)}, "
            f"expected {list(x.shape[: mask.ndim])}"
        )
    flat = reshape(x, (int(np.prod(mask.shape)), *x.shape[mask.ndim :]))
    return take(flat, np.flatnonzero(mask.numpy()), axis=0)
