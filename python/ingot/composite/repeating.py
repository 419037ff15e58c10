"""Composite functions that repeat or shift elements: repeat, tile, roll, unfold, diff."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence

import numpy as np

from ingot.dtypes import Array, kind_of
from ingot.errors import ArgumentError, RecordError, ShapeError
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.creation import arange
from ingot.ops.indexing import take
from ingot.ops.movement import broadcast_to, concat, reshape
from ingot.ops.pointwise_arithmetic import add, subtract
from ingot.ops.pointwise_compare import not_equal
from ingot.origin import at_user_line
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .joining import narrow
from .operands import count_of
from .shaping import moveaxis, ravel

__all__ = [
    "diff",
    "repeat",
    "repeat_interleave",
    "roll",
    "tile",
    "unfold",
]


@composite
def repeat(x: TensorLike, repeats: int | TensorLike, *, axis: int | None = None) -> Tensor:
    """Each element of an axis (of the flattened x by default) so many times in a row.

    x: any[..., n, ...]; repeats: an integer, or one for each element, known while recording ->
    any[..., sum of repeats, ...]. Raises RecordError where repeats are recorded, ArgumentError
    where they are negative or too few. torch's `repeat` is `tile`.

    >>> import ingot
    >>> ingot.repeat(ingot.tensor([1, 2]), 2)
    Tensor([1, 1, 2, 2], dtype=int64)
    """
    x = as_tensor("repeat", x)
    if axis is None:
        x, axis = ravel(x), 0
    over = one_axis("repeat", axis, x.ndim)
    size = x.shape[over]
    if not isinstance(repeats, (int, np.integer)):
        return take(x, _positions(as_tensor("repeat", repeats), size), axis=over)
    count = operator.index(repeats)
    if count < 0:
        raise ArgumentError(f"repeat: negative repeats: got {count}, expected >= 0")
    before, after = count_of(x, range(over)), count_of(x, range(over + 1, x.ndim))
    spread = broadcast_to(reshape(x, (before, size, 1, after)), (before, size, count, after))
    return reshape(spread, (*x.shape[:over], size * count, *x.shape[over + 1 :]))


def _positions(repeats: Tensor, size: SizeLike) -> Array:
    """Which element stands at each position of the result."""
    if repeats.is_recorded:
        raise RecordError(
            f"repeat: the size of the result is data: got {repeats!r}, "
            f"expected repeats known while recording{at_user_line()}"
        )
    counts = repeats.numpy()
    if kind_of(counts.dtype) not in ("int", "uint") or counts.ndim > 1 or (counts < 0).any():
        raise ArgumentError(f"repeat: wrong repeats: got {repeats!r}, expected integers >= 0")
    if not isinstance(size, int) or counts.size not in (1, size):
        raise ArgumentError(f"repeat: wrong number of repeats: got {counts.size}, expected {size}")
    return np.repeat(np.arange(size, dtype=np.int64), counts)


@composite
def repeat_interleave(x: TensorLike, repeats: int | TensorLike, axis: int | None = None) -> Tensor:
    """As `repeat`, under torch's name.

    >>> import ingot
    >>> ingot.repeat_interleave(ingot.tensor([1, 2]), 2)
    Tensor([1, 1, 2, 2], dtype=int64)
    """
    return repeat(x, repeats, axis=axis)


@composite
def tile(x: TensorLike, repetitions: int | Sequence[int]) -> Tensor:
    """x laid side by side so many times along each axis; missing axes or numbers are 1.

    x: any[...] -> any[n_i * repetitions[i]].

    >>> import ingot
    >>> ingot.tile(ingot.tensor([1, 2]), (2, 2))
    Tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]], dtype=int64)
    """
    x = as_tensor("tile", x)
    given = list(repetitions) if isinstance(repetitions, Sequence) else [repetitions]
    rank = builtins.max(x.ndim, len(given))
    sizes: list[SizeLike] = [*[1] * (rank - x.ndim), *x.shape]
    times = [*[1] * (rank - len(given)), *(operator.index(r) for r in given)]
    if builtins.any(r < 0 for r in times):
        raise ArgumentError(f"tile: negative repetitions: got {given}, expected >= 0")
    x = reshape(x, sizes)
    for axis, count in enumerate(times):
        if count != 1:
            x = _laid_along(x, axis, count)
    return x


def _laid_along(x: Tensor, axis: int, count: int) -> Tensor:
    """x so many times along one axis. The other axes are merged: there is a largest rank."""
    before, rest = count_of(x, range(axis)), count_of(x, range(axis, x.ndim))
    spread = broadcast_to(reshape(x, (before, 1, rest)), (before, count, rest))
    return reshape(spread, (*x.shape[:axis], x.shape[axis] * count, *x.shape[axis + 1 :]))


@composite
def roll(
    x: TensorLike, shift: int | Sequence[int], *, axis: int | Sequence[int] | None = None
) -> Tensor:
    """Elements moved along axes by `shift` positions, those that fall off put in front again.

    x: any[...] -> the same; without an axis the flattened x is rolled. One shift serves several
    axes. Raises ArgumentError where the numbers of shifts and axes differ.

    >>> import ingot
    >>> ingot.roll(ingot.tensor([1, 2, 3]), 1)
    Tensor([3, 1, 2], dtype=int64)
    """
    x = as_tensor("roll", x)
    if axis is None:
        if isinstance(shift, Sequence):
            raise ArgumentError(f"roll: several shifts and no axis: got {list(shift)}")
        return reshape(roll(ravel(x), shift, axis=0), x.shape)
    axes = list(axis) if isinstance(axis, Sequence) else [axis]
    shifts = list(shift) if isinstance(shift, Sequence) else [shift] * len(axes)
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll: numbers differ: got {len(shifts)} shifts, {len(axes)} axes")
    for a, s in zip(axes, shifts, strict=True):
        x = _roll_one(x, operator.index(s), one_axis("roll", a, x.ndim))
    return x


def _roll_one(x: Tensor, shift: int, axis: int) -> Tensor:
    size = x.shape[axis]
    if isinstance(size, int):
        shift = shift % size if size else 0
    if shift == 0:
        return x
    cut = size - shift if shift > 0 else -shift
    return concat([narrow(x, axis, cut, size - cut), narrow(x, axis, 0, cut)], axis=axis)


@composite
def unfold(x: TensorLike, axis: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements along an axis, one every `step`, as a new last axis.

    x: any[..., n, ...], n a constant -> any[..., (n - size) // step + 1, ..., size]. Raises
    ShapeError where no window fits.

    >>> import ingot
    >>> ingot.unfold(ingot.tensor([1, 2, 3, 4]), 0, 2, 1)
    Tensor([[1, 2],
            [2, 3],
            [3, 4]], dtype=int64)
    """
    x = as_tensor("unfold", x)
    over = one_axis("unfold", axis, x.ndim)
    n = x.shape[over]
    if not isinstance(n, int) or n < size or step < 1:
        raise ShapeError(f"unfold: no window: got size {n}, windows of {size} every {step}")
    count = (n - size) // step + 1
    starts = reshape(arange(0, count * step, step), (count, 1))
    return moveaxis(take(x, add(starts, arange(size)), axis=over), over + 1, -1)


@composite
def diff(
    x: TensorLike,
    *,
    axis: int = -1,
    n: int = 1,
    prepend: TensorLike | None = None,
    append: TensorLike | None = None,
) -> Tensor:
    """The differences of neighbours along an axis, taken n times.

    x: real[..., m, ...] or bool (where they differ) -> the same, of size m - n; prepend and append
    are joined to x first. Raises ArgumentError for n < 0.

    >>> import ingot
    >>> ingot.diff(ingot.tensor([1, 4, 9]))
    Tensor([3, 5], dtype=int64)
    """
    x = as_tensor("diff", x)
    over = one_axis("diff", axis, x.ndim)
    parts = [as_tensor("diff", p) for p in (prepend, x, append) if p is not None]
    x = concat(parts, axis=over) if len(parts) > 1 else x
    if n < 0:
        raise ArgumentError(f"diff: negative n: got {n}, expected >= 0")
    difference = not_equal if kind_of(x.dtype) == "bool" else subtract
    for _ in range(n):
        size = x.shape[over]
        if isinstance(size, int) and size == 0:
            break
        x = difference(narrow(x, over, 1, size - 1), narrow(x, over, 0, size - 1))
    return x
