"""Initial weights, drawn from the default generator: `ingot.random.seed` makes them the same in
every process. Eager numbers, never recorded."""

from __future__ import annotations

from collections.abc import Sequence

from ingot import random
from ingot.tensor import Tensor

__all__ = ["normal", "uniform"]


def uniform(shape: Sequence[int], bound: float) -> Tensor:
    """float32 numbers evenly spread over -bound..bound.

    >>> import ingot
    >>> ingot.random.seed(0)
    >>> a = ingot.nn.Linear(2, 2).weight.value
    >>> ingot.random.seed(0)
    >>> bool(ingot.all(ingot.nn.Linear(2, 2).weight.value == a))
    True
    """
    return random.uniform(shape, -bound, bound)


def normal(shape: Sequence[int]) -> Tensor:
    """float32 numbers of the normal distribution of mean 0 and variance 1."""
    return random.normal(shape)
