"""Running functions along an axis that are no rows: cummax, cummin, logcumsumexp, by doubling.

After step k every element stands for the 2**k elements up to it (Hillis and Steele, 1986), so
about log2(n) passes over the whole tensor give what n steps would.
"""

from __future__ import annotations

from collections.abc import Callable

from ingot.dtypes import is_float
from ingot.errors import ShapeError
from ingot.ops.along_axis import take_along_axis
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.creation import arange
from ingot.ops.movement import broadcast_to, concat, reshape
from ingot.ops.pointwise_compare import greater_equal, less_equal, logical_or, where
from ingot.tensor import Tensor, TensorLike

from .calls import composite
from .creation import zeros_like
from .elementwise import isnan, logaddexp
from .joining import narrow
from .operands import of_dtype, summable

__all__ = [
    "cummax",
    "cummin",
    "logcumsumexp",
]


@composite
def cummax(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The largest element so far along an axis, and its last position.

    x: real[..., n, ...], n a constant, or real[] -> the same, int64[..., n, ...]. From a NaN on it
    is NaN. The derivative goes to the elements at the positions.

    >>> import ingot
    >>> ingot.cummax(ingot.tensor([1, 3, 2, 3]))
    (Tensor([1, 3, 3, 3], dtype=int64), Tensor([0, 1, 1, 3], dtype=int64))
    """
    return _running("cummax", x, axis, greater_equal)


@composite
def cummin(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The smallest element so far along an axis, and its last position.

    x: real[..., n, ...], n a constant, or real[] -> the same, int64[..., n, ...]. From a NaN on it
    is NaN. The derivative goes to the elements at the positions.

    >>> import ingot
    >>> ingot.cummin(ingot.tensor([3, 1, 2, 1]))
    (Tensor([3, 1, 1, 1], dtype=int64), Tensor([0, 1, 1, 3], dtype=int64))
    """
    return _running("cummin", x, axis, less_equal)


def _running(
    op: str, x: TensorLike, axis: int, wins: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    x = as_tensor(op, x)
    if x.ndim == 0:
        one_axis(op, axis, 1)
        return x, zeros_like(x, "int64")
    over, size = _scanned(op, x, axis)
    along = [size if a == over else 1 for a in range(x.ndim)]
    values = x.detach()
    positions = broadcast_to(reshape(arange(size), along), x.shape)
    for step in _doublings(size):
        late, early = _apart(values, over, step)
        late_at, early_at = _apart(positions, over, step)
        chosen = wins(late, early)
        if is_float(x.dtype):
            chosen = logical_or(chosen, isnan(late))
        positions = _behind_first(positions, over, step, where(chosen, late_at, early_at))
        values = _behind_first(values, over, step, where(chosen, late, early))
    return take_along_axis(x, positions, axis=over), positions


@composite
def logcumsumexp(x: TensorLike, axis: int = -1) -> Tensor:
    """log(cumulative_sum(exp(x))) along an axis, without overflow: `logaddexp` of what came before.

    x: float[..., n, ...], n a constant, or float[] (integers give float32) -> the same.

    >>> import ingot
    >>> ingot.logcumsumexp(ingot.tensor([0.0, 0.0]))
    Tensor([0.       , 0.6931472], dtype=float32)
    """
    x, dtype = summable("logcumsumexp", x)
    if x.ndim == 0:
        one_axis("logcumsumexp", axis, 1)
        return of_dtype(x, dtype)
    over, size = _scanned("logcumsumexp", x, axis)
    for step in _doublings(size):
        late, early = _apart(x, over, step)
        x = _behind_first(x, over, step, logaddexp(late, early))
    return of_dtype(x, dtype)


def _scanned(op: str, x: Tensor, axis: int) -> tuple[int, int]:
    """The axis counted from the front, and its size, a constant."""
    over = one_axis(op, axis, x.ndim)
    size = x.shape[over]
    if not isinstance(size, int):
        raise ShapeError(f"{op}: the size is symbolic: got {size}, expected a constant")
    return over, size


def _doublings(size: int) -> list[int]:
    """1, 2, 4, ... below size."""
    return [1 << k for k in range((size - 1).bit_length())] if size > 1 else []


def _apart(x: Tensor, axis: int, step: int) -> tuple[Tensor, Tensor]:
    """The elements from `step` on, and those `step` before each."""
    rest = x.shape[axis] - step
    return narrow(x, axis, step, rest), narrow(x, axis, 0, rest)


def _behind_first(x: Tensor, axis: int, step: int, new: Tensor) -> Tensor:
    """The first `step` elements as they are, then `new`."""
    return concat([narrow(x, axis, 0, step), new], axis=axis)
