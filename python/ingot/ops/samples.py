"""Operands for the samples of the records: ordinary values, special ones, extremes, empty
arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot.dtypes import Array, DTypeLike
from ingot.op import Sample, sample

FLOATS = (np.float32, np.float64)
INTS = (np.int32, np.int64)
REALS: tuple[Any, ...] = FLOATS + INTS

_SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-40, -3.5, np.inf, -np.inf, np.nan, 1e30]


def special_floats(dtype: DTypeLike) -> Array:
    """Signed zeros, halves, a subnormal of float32, infinities, NaN."""
    return np.asarray(_SPECIAL).astype(dtype)


def special_ints(dtype: DTypeLike) -> Array:
    """Zero, signs and the extremes of the dtype."""
    limits = np.iinfo(dtype)
    return np.asarray([0, 1, -1, 2, -3, 7, 31, 64, limits.max, limits.min], dtype)


def draw(rng: np.random.Generator, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Normal floats, integers in -9..9, or bools."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if kind in "iu":
        return rng.integers(-9, 10, shape).astype(dtype)
    return (2 * rng.standard_normal(shape)).astype(dtype)


def unary(rng: np.random.Generator, dtypes: Sequence[Any]) -> list[Sample]:
    """Ordinary, special and empty operands of every dtype."""
    result = []
    for dtype in dtypes:
        result += [sample(draw(rng, (3, 5), dtype)), sample(draw(rng, (0, 2), dtype))]
        if np.dtype(dtype).kind == "f":
            result.append(sample(special_floats(dtype)))
        elif np.dtype(dtype).kind == "i":
            result.append(sample(special_ints(dtype)))
    return result


def binary(rng: np.random.Generator, dtypes: Sequence[Any]) -> list[Sample]:
    """Equal shapes, broadcasting, rank 0, empty, and every pair of special values."""
    result = []
    for dtype in dtypes:
        result += [
            sample(draw(rng, (3, 5), dtype), draw(rng, (3, 5), dtype)),
            sample(draw(rng, (2, 1, 4), dtype), draw(rng, (3, 1), dtype)),
            sample(draw(rng, (), dtype), draw(rng, (0, 3), dtype)),
        ]
        kind = np.dtype(dtype).kind
        if kind in "fi":
            values = special_floats(dtype) if kind == "f" else special_ints(dtype)
            result.append(sample(values[:, None], values[None, :]))
    return result
