"""The keys of x[key], read once: what each says, in order, with masks turned into positions.

Slices of a constant size are clamped as Python's; of a symbolic size they must lie inside, which
becomes a guard. A mask of bools needs its numbers.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ingot.dtypes import kind_of
from ingot.errors import ArgumentError, RangeError, RecordError
from ingot.ops.axes import as_tensor
from ingot.origin import at_user_line
from ingot.tensor import Size, SizeLike, Tensor, wrap

from .operands import of_dtype


@dataclass(frozen=True)
class Window:
    """start:stop:step of one axis, counted in the flipped axis where `flipped` is set."""

    start: SizeLike
    stop: SizeLike
    step: int = 1
    flipped: bool = False


@dataclass(frozen=True)
class At:
    """One position of one axis, which the result does not have; 0 <= position where known."""

    position: SizeLike


@dataclass(frozen=True)
class Gather:
    """Positions of one axis: int32 or int64. `new`: of an axis of size 1 that x does not have, for
    a mask of rank 0."""

    indices: Tensor
    new: bool = False


@dataclass(frozen=True)
class NewAxis:
    """An axis of size 1 that x does not have."""


@dataclass(frozen=True)
class Gap:
    """A ... that stands for no axis: it only keeps its neighbours apart."""


Part: TypeAlias = "Window | At | Gather | NewAxis | Gap"


def read_key(x: Tensor, key: object) -> list[Part]:
    """The parts of a key; together they use every axis of x once, in order."""
    items = [_normalized(k) for k in (key if isinstance(key, tuple) else (key,))]
    items = _without_ellipsis(x, items)
    parts: list[Part] = []
    axis = 0
    for item in items:
        found = _parts(x, axis, item)
        parts += found
        axis += _axes_used(item)
    return parts


def _normalized(key: object) -> Any:
    """int, Size, slice, None, Ellipsis or a Tensor of integers or bools."""
    if key is None or key is Ellipsis or isinstance(key, (slice, Size)):
        return key
    if isinstance(key, (bool, np.bool_)):
        raise ArgumentError(f"index: a single bool: got {key}, expected a tensor of bools")
    if isinstance(key, (Tensor, np.ndarray, list)):
        tensor = as_tensor("index", key)
        if isinstance(key, list) and not key:
            tensor = wrap(np.zeros(0, np.int64))
        if kind_of(tensor.dtype) not in ("int", "uint", "bool"):
            raise ArgumentError(f"index: wrong dtype: got {tensor.dtype}, expected integers")
        # One known number is a constant: a window, not a gather.
        is_number = tensor.ndim == 0 and not tensor.is_recorded and tensor.dtype != np.bool_
        return int(tensor.numpy()) if is_number else tensor
    try:
        return operator.index(key)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentError(
            f"index: wrong key: got {type(key).__name__}, expected integers, slices, None, ... "
            f"or a tensor of integers or bools"
        ) from None


def _is_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and item.dtype == np.bool_


def _axes_used(item: Any) -> int:
    if item is None or item is Ellipsis or isinstance(item, Gap):
        return 0
    return item.ndim if _is_mask(item) else 1


def _without_ellipsis(x: Tensor, items: list[Any]) -> list[Any]:
    """The key with whole slices for ... and for the axes it does not name."""
    used = sum(_axes_used(k) for k in items)
    if used > x.ndim:
        raise RangeError(f"index: too many indices: got {used}, expected at most {x.ndim}")
    positions = [i for i, k in enumerate(items) if k is Ellipsis]
    if len(positions) > 1:
        raise ArgumentError(f"index: more than one ...: got {len(positions)}")
    whole: list[Any] = [slice(None)] * (x.ndim - used)
    if not positions:
        return [*items, *whole]
    at = positions[0]
    return [*items[:at], *(whole or [Gap()]), *items[at + 1 :]]


def _parts(x: Tensor, axis: int, item: Any) -> list[Part]:
    if item is None or isinstance(item, Gap):
        return [NewAxis() if item is None else item]
    if _is_mask(item):
        return _mask_parts(x, axis, item)
    size = x.shape[axis]
    if isinstance(item, slice):
        return [_window(size, item)]
    if isinstance(item, Tensor):
        return [Gather(_checked(item, axis, size))]
    position = _from_end(size, item)
    if isinstance(position, int) and isinstance(size, int) and not 0 <= position < size:
        raise RangeError(
            f"index: out of range on axis {axis}: got {item}, expected {-size}..{size - 1}"
        )
    return [At(position)]


def _checked(indices: Tensor, axis: int, size: SizeLike) -> Tensor:
    """Indices of a dtype that `take` takes; known ones are held to a known size already here."""
    if not indices.is_recorded and isinstance(size, int):
        numbers = indices.numpy()
        bad = (numbers < -size) | (numbers >= size)
        if bad.any():
            raise RangeError(
                f"index: out of range on axis {axis}: got {numbers[bad][0]}, "
                f"expected {-size}..{size - 1}"
            )
    is_wide = indices.dtype in (np.int32, np.int64)
    return indices if is_wide else of_dtype(indices, np.dtype(np.int64))


def _mask_parts(x: Tensor, axis: int, mask: Tensor) -> list[Part]:
    """The positions where a mask is true: their number is data, so the mask must be known."""
    if mask.is_recorded:
        raise RecordError(
            "index: a mask of bools gives a size that is data: got a recorded tensor, "
            f"expected an eager one; use ingot.where{at_user_line()}"
        )
    expected = x.shape[axis : axis + mask.ndim]
    # A size 0 fits any other: nothing is chosen along it.
    if not all(m in (n, 0) for m, n in zip(mask.shape, expected, strict=True)):
        raise RangeError(
            f"index: the mask does not fit: got {list(mask.shape)}, expected {list(expected)}"
        )
    if mask.ndim == 0:
        return [Gather(wrap(np.flatnonzero(mask.numpy()).astype(np.int64)), new=True)]
    return [Gather(wrap(p.astype(np.int64))) for p in np.nonzero(mask.numpy())]


def _from_end(size: SizeLike, at: SizeLike) -> SizeLike:
    return size + at if isinstance(at, int) and at < 0 else at


def _window(size: SizeLike, key: slice) -> Window:
    bounds = (key.start, key.stop, key.step)
    if any(isinstance(b, Tensor) and b.is_recorded for b in bounds):
        raise RecordError(
            "index: a slice between recorded numbers: its size would be data; use "
            f"ingot.dynamic_slice with a fixed size{at_user_line()}"
        )
    step = 1 if key.step is None else operator.index(key.step)
    if step == 0:
        raise ArgumentError("index: a slice of step 0: expected another")
    if isinstance(size, int) and not any(isinstance(b, Size) for b in bounds):
        chosen = range(*key.indices(size))
        if not chosen:
            return Window(0, 0, abs(step), step < 0)
        # In a flipped axis position p is size - 1 - p.
        first = chosen.start if step > 0 else size - 1 - chosen.start
        return Window(first, first + (len(chosen) - 1) * abs(step) + 1, abs(step), step < 0)

    def position(value: Any, default: SizeLike) -> SizeLike:
        if value is None:
            return default
        at = _from_end(size, value if isinstance(value, Size) else operator.index(value))
        return at if step > 0 else size - 1 - at

    return Window(position(key.start, 0), position(key.stop, size), abs(step), step < 0)
