"""Initial weights, drawn from a NumPy generator: eager numbers, never recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.dtypes import Array

__all__ = ["normal", "seed", "uniform"]

_generators = [np.random.default_rng()]


def seed(value: int) -> None:
    """Makes the weights that are drawn from now on the same in every process.

    >>> import ingot
    >>> ingot.nn.init.seed(0)
    >>> a = ingot.nn.Linear(2, 2).weight.value
    >>> ingot.nn.init.seed(0)
    >>> bool(ingot.all(ingot.nn.Linear(2, 2).weight.value == a))
    True
    """
    _generators[0] = np.random.default_rng(value)


def uniform(shape: Sequence[int], bound: float) -> Array:
    """float32 numbers of the uniform distribution over -bound..bound."""
    return _generators[0].uniform(-bound, bound, tuple(shape)).astype(np.float32)


def normal(shape: Sequence[int]) -> Array:
    """float32 numbers of the normal distribution of mean 0 and variance 1."""
    return _generators[0].standard_normal(tuple(shape)).astype(np.float32)
