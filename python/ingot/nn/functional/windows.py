"""Windows along one axis, chosen while the function is recorded: sizes must be constants."""

from __future__ import annotations

import numpy as np

from ingot.composite import expand_dims
from ingot.dtypes import Array
from ingot.errors import ArgumentError, RecordError
from ingot.ops import divide, sum, take, where
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor

__all__: list[str] = []


def constant_size(op: str, x: Tensor, axis: int) -> int:
    """The size of an axis. Raises RecordError for a symbolic one."""
    size = x.shape[axis]
    if not isinstance(size, int):
        raise RecordError(f"{op}: needs constant sizes: got {size} of axis {axis}")
    return size


def along(x: Tensor, values: Array, axis: int) -> Tensor:
    """values: [n] as a tensor of x's dtype that is broadcast along an axis of x."""
    tensor = as_tensor("along", values.astype(x.dtype))
    return expand_dims(tensor, list(range(1, x.ndim - axis))) if axis + 1 < x.ndim else tensor


def averaged(op: str, x: Tensor, axis: int, count: int) -> Tensor:
    """The means of `count` windows that cover an axis: window i spans floor(i * n / count) up to
    ceil((i + 1) * n / count)."""
    if count < 0:
        raise ArgumentError(f"{op}: wrong size: got {count}, expected >= 0")
    n = constant_size(op, x, axis)
    i = np.arange(count)
    begin, end = i * n // count if count else i, -(-(i + 1) * n // count) if count else i
    longest = int(np.max(end - begin, initial=1))
    positions = begin[:, None] + np.arange(longest)
    seen = take(x, np.minimum(positions, n - 1), axis=axis)  # [..., count, longest, ...]
    inside = positions < end[:, None]
    if not inside.all():
        after = list(range(2, seen.ndim - axis))
        mask = as_tensor(op, inside)
        seen = where(expand_dims(mask, after) if after else mask, seen, 0)
    total = sum(seen, axis=axis + 1)
    return divide(total, along(total, end - begin, axis))
