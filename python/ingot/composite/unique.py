"""The array API's set functions. Their sizes are data, so they are eager only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ingot.dtypes import Array
from ingot.ops.axes import as_tensor
from ingot.ops.indexing import take
from ingot.ops.movement import reshape
from ingot.tensor import Tensor, TensorLike, wrap

from .calls import composite
from .searching import eager_numbers

__all__ = [
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


class UniqueAll(NamedTuple):
    """The result of `unique_all`."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """The result of `unique_counts`."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """The result of `unique_inverse`."""

    values: Tensor
    inverse_indices: Tensor


@composite
def unique_all(x: TensorLike) -> UniqueAll:
    """The distinct values in ascending order, the first position of each in the flattened x, the
    position among them of each element of x, and how often each occurs.

    x: any[...] -> values any[n], indices int64[n], inverse_indices int64[shape of x], counts
    int64[n]. Every NaN is distinct; -0.0 equals 0.0. Eager only: n is data, so recording it is a
    RecordError.

    >>> import ingot
    >>> ingot.unique_all(ingot.tensor([3, 1, 3])).counts
    Tensor([1, 2], dtype=int64)
    """
    x = as_tensor("unique_all", x)
    numbers = eager_numbers("unique_all", x)
    _, first, inverse, counts = np.unique(
        numbers, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    values = take(reshape(x, (-1,)), first)
    return UniqueAll(values, _wide(first), _wide(inverse.reshape(numbers.shape)), _wide(counts))


def _wide(positions: Array) -> Tensor:
    return wrap(positions.astype(np.int64))


@composite
def unique_counts(x: TensorLike) -> UniqueCounts:
    """The distinct values in ascending order, and how often each occurs; see `unique_all`.

    >>> import ingot
    >>> ingot.unique_counts(ingot.tensor([3, 1, 3])).values
    Tensor([1, 3], dtype=int64)
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


@composite
def unique_inverse(x: TensorLike) -> UniqueInverse:
    """The distinct values in ascending order, and which of them each element is; see `unique_all`.

    >>> import ingot
    >>> ingot.unique_inverse(ingot.tensor([3, 1, 3])).inverse_indices
    Tensor([1, 0, 1], dtype=int64)
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


@composite
def unique_values(x: TensorLike) -> Tensor:
    """The distinct values in ascending order; see `unique_all`.

    >>> import ingot
    >>> ingot.unique_values(ingot.tensor([3, 1, 3]))
    Tensor([1, 3], dtype=int64)
    """
    return unique_all(x).values
