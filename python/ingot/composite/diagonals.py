"""Composite functions about the diagonals of matrices: eye, tril, triu, diag, diagonal, trace."""

from __future__ import annotations

import builtins
import operator

from ingot.dtypes import DTypeLike
from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.creation import arange
from ingot.ops.indexing import take
from ingot.ops.movement import pad, permute_dims, reshape, slice
from ingot.ops.pointwise_arithmetic import add, multiply
from ingot.ops.pointwise_compare import equal, greater_equal, less_equal, where
from ingot.ops.pointwise_math import cast
from ingot.ops.reduction import sum
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .creation import float32_unless_given
from .operands import check_device

__all__ = [
    "diag",
    "diagonal",
    "eye",
    "trace",
    "tril",
    "triu",
]


_FAR = 2**62  # beyond any matrix; a row added to it does not overflow


@composite
def eye(
    n_rows: SizeLike,
    n_cols: SizeLike | None = None,
    *,
    k: int = 0,
    dtype: DTypeLike = "float32",
    device: str | None = None,
) -> Tensor:
    """A matrix with ones on diagonal k (above the main one where positive), zeros elsewhere.

    -> any[n_rows, n_cols], n_cols by default n_rows.

    >>> import ingot
    >>> ingot.eye(2, 3, k=1)
    Tensor([[0., 1., 0.],
            [0., 0., 1.]], dtype=float32)
    """
    check_device("eye", device)
    columns = n_rows if n_cols is None else n_cols
    return cast(equal(*_diagonals(n_rows, columns, k)), dtype=float32_unless_given(dtype))


def _diagonals(n_rows: SizeLike, n_cols: SizeLike, k: int) -> tuple[Tensor, Tensor]:
    """Row + k as a column and column as a row: equal on diagonal k."""
    offset = builtins.max(-_FAR, builtins.min(operator.index(k), _FAR))
    rows = add(arange(n_rows), offset)
    return reshape(rows, (n_rows, 1)), reshape(arange(n_cols), (1, n_cols))


@composite
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The lower triangles of matrices: 0 above diagonal k.

    x: any[..., m, n] -> the same. Raises ArgumentError below rank 2.

    >>> import ingot
    >>> ingot.tril(ingot.ones((2, 2)))
    Tensor([[1., 0.],
            [1., 1.]], dtype=float32)
    """
    x = matrices("tril", x)
    return where(greater_equal(*_diagonals(x.shape[-2], x.shape[-1], k)), x, False)


@composite
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The upper triangles of matrices: 0 below diagonal k.

    x: any[..., m, n] -> the same. Raises ArgumentError below rank 2.

    >>> import ingot
    >>> ingot.triu(ingot.ones((2, 2)))
    Tensor([[1., 1.],
            [0., 1.]], dtype=float32)
    """
    x = matrices("triu", x)
    return where(less_equal(*_diagonals(x.shape[-2], x.shape[-1], k)), x, False)


def matrices(op: str, x: TensorLike) -> Tensor:
    """x, of rank 2 or more."""
    tensor = as_tensor(op, x)
    if tensor.ndim < 2:
        raise ArgumentError(f"{op}: wrong rank: got {tensor.ndim}, expected >= 2")
    return tensor


@composite
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """A matrix with the vector x on diagonal k and zeros elsewhere; of a matrix its diagonal k.

    x: any[n] -> any[n + abs(k), n + abs(k)]; any[m, n] -> any[d]. Raises ArgumentError for another
    rank.

    >>> import ingot
    >>> ingot.diag(ingot.tensor([1, 2]))
    Tensor([[1, 0],
            [0, 2]], dtype=int64)
    """
    x = as_tensor("diag", x)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        raise ArgumentError(f"diag: wrong rank: got {x.ndim}, expected 1 or 2")
    n = x.shape[0]
    inside = where(equal(*_diagonals(n, n, 0)), reshape(x, (n, 1)), False)
    if k == 0:
        return inside
    low, high = ([0, k], [k, 0]) if k > 0 else ([-k, 0], [0, -k])
    return pad(inside, False, low=low, high=high)


@composite
def diagonal(x: TensorLike, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Tensor:
    """The diagonals of the matrices that two axes (the last two) make, as the last axis.

    x: any[..., m, n] -> any[..., d], the elements [i, i + offset]. Sizes of the two axes must be
    constants, or equal with offset 0. Raises ShapeError otherwise, ArgumentError for equal axes.

    >>> import ingot
    >>> ingot.diagonal(ingot.tensor([[1, 2], [3, 4]]), offset=1)
    Tensor([2], dtype=int64)
    """
    x = as_tensor("diagonal", x)
    rows, columns = one_axis("diagonal", axis1, x.ndim), one_axis("diagonal", axis2, x.ndim)
    if rows == columns:
        raise ArgumentError(f"diagonal: equal axes: got {axis1} and {axis2}, expected two")
    rest = [a for a in range(x.ndim) if a not in (rows, columns)]
    m, n, k = x.shape[rows], x.shape[columns], operator.index(offset)
    flat = reshape(permute_dims(x, [*rest, rows, columns]), [*(x.shape[a] for a in rest), m * n])
    if isinstance(m, int) and isinstance(n, int):
        count = builtins.max(0, builtins.min(m + builtins.min(k, 0), n - builtins.max(k, 0)))
        first = k if k >= 0 else -k * n
        last = first + (count - 1) * (n + 1) + 1
        begin, end, step = (first, last, n + 1) if count else (0, 0, 1)
        lead = flat.shape[:-1]
        return slice(flat, [*[0] * len(lead), begin], [*lead, end], [*[1] * len(lead), step])
    if m != n or k != 0:
        raise ShapeError(
            f"diagonal: symbolic sizes: got {m} and {n}, offset {k}, "
            "expected constants, or equal sizes and offset 0"
        )
    return take(flat, multiply(arange(n), n + 1), axis=-1)


@composite
def trace(x: TensorLike, offset: int = 0, *, dtype: DTypeLike = None) -> Tensor:
    """The sum of the diagonals of the last two axes: sum(diagonal(x, offset)).

    x: real[..., m, n] -> as `sum`, less the last two axes.

    >>> import ingot
    >>> ingot.trace(ingot.tensor([[1, 2], [3, 4]]))
    Tensor(5, dtype=int64)
    """
    return sum(diagonal(x, offset), axis=-1, dtype=dtype)
