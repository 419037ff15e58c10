"""Composite functions that find positions: argmin, sort, topk, searchsorted, nonzero, isin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ingot.dtypes import Array, is_float
from ingot.errors import ArgumentError, RecordError, ShapeError
from ingot.ops.along_axis import take_along_axis
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.indexing import take
from ingot.ops.movement import broadcast_to, reshape
from ingot.ops.pointwise_arithmetic import add, minimum, negative
from ingot.ops.pointwise_compare import (
    bitwise_invert,
    equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    where,
)
from ingot.ops.reduction import argmax
from ingot.ops.sorting import argsort
from ingot.origin import at_user_line
from ingot.tensor import Tensor, TensorLike, wrap

from .calls import composite
from .elementwise import isnan
from .joining import narrow
from .operands import count_of
from .shaping import common_shape, ravel
from .statistics import any

__all__ = [
    "argmin",
    "isin",
    "masked_select",
    "nonzero",
    "searchsorted",
    "topk",
]


@composite
def argmin(x: TensorLike, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The position of the first smallest element along an axis (None: of all elements, flattened).

    x: real[...] or bool[...] -> int64, less the axis. The first NaN counts as the smallest.
    Integers are compared as ~x, which has no overflow. Raises ShapeError over an axis that may be
    empty.

    >>> import ingot
    >>> ingot.argmin(ingot.tensor([[1, 5], [3, 3]]), axis=1)
    Tensor([0, 0], dtype=int64)
    """
    x = as_tensor("argmin", x)
    reversed_order = negative(x) if is_float(x.dtype) else bitwise_invert(x)
    return argmax(reversed_order, axis, keepdims=keepdims)


class TopK(NamedTuple):
    """The result of `topk`."""

    values: Tensor
    indices: Tensor


@composite
def topk(x: TensorLike, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> TopK:
    """The k largest (or smallest) elements along an axis, in order, and their positions.

    x: real[..., n, ...] -> the same and int64, [..., k, ...]. Of equal elements the first one comes
    first; NaN counts as the largest. They are in order whatever `sorted` says. Steps: argsort, then
    take_along_axis. Raises ShapeError where k > n.

    >>> import ingot
    >>> ingot.topk(ingot.tensor([1, 3, 2]), 2).values
    Tensor([3, 2], dtype=int64)
    """
    del sorted
    x = as_tensor("topk", x)
    over = one_axis("topk", axis, x.ndim)
    size = x.shape[over]
    if isinstance(size, int) and not 0 <= k <= size:
        raise ShapeError(f"topk: wrong k: got {k}, expected 0..{size}")
    order = narrow(argsort(x, over, descending=largest), over, 0, k)
    return TopK(take_along_axis(x, order, axis=over), order)


@composite
def searchsorted(
    x1: TensorLike,
    x2: TensorLike,
    *,
    side: str = "left",
    sorter: TensorLike | None = None,
) -> Tensor:
    """Where to put the values x2 into the ascending x1 so that it stays ascending.

    "left": the number of elements less than the value; "right": not greater than it. NaN counts as
    the largest. x1: real[n], or [..., n] with values x2: [..., m] for each row; n a constant;
    promoted; sorter: int[n], positions that sort x1 -> int64, the shape of x2. A binary search in
    about log2(n) steps of take, compare and where. Raises ArgumentError for another side,
    ShapeError where the shapes do not fit or n is symbolic.

    >>> import ingot
    >>> ingot.searchsorted(ingot.tensor([1, 3, 5]), ingot.tensor([0, 3, 6]))
    Tensor([0, 1, 3], dtype=int64)
    """
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: wrong side: got {side!r}, expected 'left' or 'right'")
    x1, x2 = as_tensor("searchsorted", x1), as_tensor("searchsorted", x2)
    size = x1.shape[-1] if x1.ndim else None
    if not isinstance(size, int) or (x1.ndim > 1 and x1.shape[:-1] != x2.shape[:-1]):
        raise ShapeError(
            f"searchsorted: got {list(x1.shape)} and {list(x2.shape)}, "
            "expected x1 [n], or [..., n] and [..., m], n a constant"
        )
    if sorter is not None:
        x1 = take_along_axis(x1, sorter)
    position = broadcast_to(np.zeros((), np.int64), x2.shape)
    # Invariant: every element before `position` belongs before the value. Steps halve, so that all
    # positions up to `size` can be reached; a step beyond the end is not taken.
    step = 1 << size.bit_length() >> 1
    while step:
        reached = add(position, step)
        inside = less_equal(reached, size)
        place = minimum(add(reached, -1), size - 1)
        element = take(x1, place) if x1.ndim == 1 else take_along_axis(x1, place)
        forward = _belongs_before(element, x2, side)
        position = where(logical_and(inside, forward), reached, position)
        step >>= 1
    return position


def _belongs_before(element: Tensor, value: Tensor, side: str) -> Tensor:
    before = less(element, value) if side == "left" else less_equal(element, value)
    if not is_float(value.dtype):
        return before
    # NaN is behind all numbers, and level with NaN.
    after_all = isnan(value)
    return logical_or(
        before,
        after_all if side == "right" else logical_and(after_all, logical_not(isnan(element))),
    )


@composite
def isin(x1: TensorLike, x2: TensorLike, *, invert: bool = False) -> Tensor:
    """Whether each element of x1 is among those of x2 (invert: is not): any(x1 == each of x2).

    x1, x2: any[...], promoted -> bool of the shape of x1. NaN is never among them. Cost: the
    product of the sizes.

    >>> import ingot
    >>> ingot.isin(ingot.tensor([1, 2, 3]), ingot.tensor([3, 1]))
    Tensor([ True, False,  True], dtype=bool)
    """
    x1, x2 = as_tensor("isin", x1), as_tensor("isin", x2)
    each = reshape(x1, (count_of(x1, range(x1.ndim)), 1))
    found = reshape(any(equal(each, ravel(x2)), axis=1), x1.shape)
    return logical_not(found) if invert else found


@composite
def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The positions of the elements that are not 0, in row-major order, one tensor for each axis.

    x: any[...], of rank 1 or more -> int64[count] each. Eager only: count is data, so recording it
    is a RecordError; `ingot.where` chooses without it.

    >>> import ingot
    >>> ingot.nonzero(ingot.tensor([[0, 1], [2, 0]]))
    (Tensor([0, 1], dtype=int64), Tensor([1, 0], dtype=int64))
    """
    x = as_tensor("nonzero", x)
    if x.ndim == 0:
        raise ArgumentError("nonzero: wrong rank: got 0, expected >= 1")
    return tuple(wrap(positions) for positions in np.nonzero(eager_numbers("nonzero", x)))


@composite
def masked_select(x: TensorLike, mask: TensorLike) -> Tensor:
    """The elements of x where mask is true, in row-major order; the two are broadcast together.

    x: any[...], mask: bool[...] -> any[count]. Eager, or with a mask known while recording: a
    recorded one is a RecordError; `ingot.where` chooses without it.

    >>> import ingot
    >>> ingot.masked_select(ingot.tensor([1, 2, 3]), ingot.tensor([True, False, True]))
    Tensor([1, 3], dtype=int64)
    """
    x = as_tensor("masked_select", x)
    chosen = eager_numbers("masked_select", as_tensor("masked_select", mask))
    shape = common_shape("masked_select", [x.shape, chosen.shape])
    known = [n for n in shape if isinstance(n, int)]
    if len(known) < len(shape):
        raise ShapeError(f"masked_select: a symbolic size: got {list(shape)}, expected constants")
    return broadcast_to(x, shape)[np.broadcast_to(chosen, known)]


def eager_numbers(op: str, x: Tensor) -> Array:
    """The numbers of x, where the shape of the result depends on them."""
    if x.is_recorded:
        raise RecordError(
            f"{op}: the size of the result is data: got {x!r}, expected an eager tensor; "
            f"use ingot.where, or ingot.topk with a fixed count{at_user_line()}"
        )
    return x.numpy()
