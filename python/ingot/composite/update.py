"""x.at[key].set(value) and its like: a new tensor with other elements at x[key].

Tensors are immutable; where nothing else reads x, the planner writes into its memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.errors import ArgumentError
from ingot.ops.along_axis import scatter, scatter_reduce
from ingot.ops.axes import as_tensor
from ingot.ops.creation import arange
from ingot.ops.indexing import dynamic_update_slice
from ingot.ops.movement import broadcast_to, reshape
from ingot.ops.pointwise_arithmetic import add, maximum, minimum, multiply
from ingot.ops.pointwise_compare import where
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .index import apply_parts
from .keys import At, Gap, NewAxis, Part, Window, read_key
from .operands import count_of, of_dtype

__all__ = ["at"]

_COMBINE = {"add": add, "multiply": multiply, "min": minimum, "max": maximum}


@composite
def at(x: TensorLike) -> Updates:
    """What `x.at` is: x.at[key].set(value), .add, .multiply, .min, .max give a new tensor with
    other elements at x[key]; .get() is x[key].

    Keys are those of x[key]; a mask of bools may be recorded where the value is a scalar, or one
    for each of x's axes behind those of the mask. Values are cast to the dtype of x and broadcast
    to the shape of x[key]. Where positions repeat, the last value stays; all are added, multiplied
    and compared. Raises as x[key], and ShapeError for a value that does not fit.

    >>> import ingot
    >>> ingot.tensor([1, 2, 3]).at[1:].add(10)
    Tensor([ 1, 12, 13], dtype=int64)
    """
    return Updates(as_tensor("at", x))


class Updates:
    """x.at. Thread rule: as the tensor's."""

    def __init__(self, x: Tensor) -> None:
        self._x = x

    def __getitem__(self, key: object) -> Update:
        return Update(self._x, key)


class Update:
    """x.at[key]. Thread rule: as the tensor's."""

    def __init__(self, x: Tensor, key: object) -> None:
        self._x = x
        self._key = key

    def get(self) -> Tensor:
        """x[key]."""
        return self._x[self._key]

    def set(self, value: TensorLike) -> Tensor:
        """x with `value` at x[key]."""
        return _updated(self._x, self._key, value, "set")

    def add(self, value: TensorLike) -> Tensor:
        """x with `value` added at x[key]."""
        return _updated(self._x, self._key, value, "add")

    def multiply(self, value: TensorLike) -> Tensor:
        """x with the elements at x[key] multiplied by `value`."""
        return _updated(self._x, self._key, value, "multiply")

    def min(self, value: TensorLike) -> Tensor:
        """x with the smaller of x[key] and `value` at x[key]."""
        return _updated(self._x, self._key, value, "min")

    def max(self, value: TensorLike) -> Tensor:
        """x with the larger of x[key] and `value` at x[key]."""
        return _updated(self._x, self._key, value, "max")


@composite
def _updated(x: Tensor, key: object, value: TensorLike, how: str) -> Tensor:
    value = of_dtype(as_tensor("at", value), x.dtype)
    mask = _mask_of(key)
    if mask is not None and value.ndim <= x.ndim - mask.ndim:
        return _masked(x, mask, value, how)
    parts = read_key(x, key)
    block = _block(parts)
    if block is None:
        return _scattered(x, parts, value, how)
    window = apply_parts(x, parts)
    new = value if how == "set" else _COMBINE[how](window, value)
    sizes = [stop - start for start, stop in block]
    start = np.asarray([start for start, _ in block], np.int64)
    return dynamic_update_slice(x, reshape(_fitted(new, window.shape), sizes), start)


def _mask_of(key: object) -> Tensor | None:
    """A key that is one mask of bools."""
    if isinstance(key, (Tensor, np.ndarray)) and key.dtype == np.bool_:
        return as_tensor("at", key)
    return None


def _masked(x: Tensor, mask: Tensor, value: Tensor, how: str) -> Tensor:
    if mask.shape != x.shape[: mask.ndim]:
        raise ArgumentError(
            f"at: the mask does not fit: got {list(mask.shape)}, "
            f"expected {list(x.shape[: mask.ndim])}"
        )
    spread = reshape(mask, (*mask.shape, *[1] * (x.ndim - mask.ndim)))
    new = _fitted(value, x.shape) if how == "set" else _COMBINE[how](x, value)
    return where(spread, new, x)


def _block(parts: Sequence[Part]) -> list[tuple[SizeLike, SizeLike]] | None:
    """Start and stop along each axis, if a key means one block that starts at a known place."""
    block: list[tuple[SizeLike, SizeLike]] = []
    for part in parts:
        if isinstance(part, At):
            block.append((part.position, part.position + 1))
        elif isinstance(part, Window) and part.step == 1 and not part.flipped:
            block.append((part.start, part.stop))
        elif not isinstance(part, (NewAxis, Gap)):
            return None
    return block if all(isinstance(start, int) for start, _ in block) else None


def _scattered(x: Tensor, parts: Sequence[Part], value: Tensor, how: str) -> Tensor:
    """The update at row-major positions of the flattened x, which indexing their table gives."""
    count = count_of(x, range(x.ndim))
    positions = apply_parts(reshape(arange(count), x.shape), parts)
    flat = (count_of(positions, range(positions.ndim)),)
    updates = reshape(_fitted(value, positions.shape), flat)
    target, places = reshape(x, (count,)), reshape(positions, flat)
    if how == "set":
        return reshape(scatter(target, updates, places), x.shape)
    return reshape(scatter_reduce(target, updates, places, reduce=how), x.shape)


def _fitted(value: Tensor, shape: Sequence[SizeLike]) -> Tensor:
    return value if value.shape == tuple(shape) else broadcast_to(value, shape)
