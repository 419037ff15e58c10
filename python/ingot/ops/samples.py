"""Operands for the samples of the records: ordinary values, special ones, extremes, empty arrays.

The lists of dtypes stand here once. Those of 8 and 16 bits are computed in wider ones
(csrc/optimize/legalize.h), so every record samples them beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot.dtypes import Array, DTypeLike, as_dtype, is_float, kind_of
from ingot.op import Sample, sample

# By name, because bfloat16 is a dtype that ml_dtypes brings, which is imported when it is needed.
FLOATS: tuple[Any, ...] = ("float32", "float64", "float16", "bfloat16")
INTS: tuple[Any, ...] = ("int32", "int64", "int8", "uint8", "int16", "uint16")
REALS: tuple[Any, ...] = FLOATS + INTS
INDICES: tuple[Any, ...] = ("int32", "int64")

_SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-40, -3.5, np.inf, -np.inf, np.nan, 1e30]


def special_floats(dtype: DTypeLike) -> Array:
    """Signed zeros, halves, subnormals, infinities, NaN, the largest number."""
    target = as_dtype(dtype)
    with np.errstate(over="ignore"):
        values = np.asarray([*_SPECIAL, *_ENDS.get(target.name, [])])
        return values.astype(target)


# The least number, one that rounds to it or to zero, the largest.
_ENDS = {"float16": [6e-8, -3e-8, 65504.0], "bfloat16": [1e-40, 3.3895e38]}


def special_ints(dtype: DTypeLike) -> Array:
    """Zero, signs and the extremes of the dtype."""
    target = as_dtype(dtype)
    limits = np.iinfo(target)
    return np.asarray([0, 1, -1, 2, -3, 7, 31, 64, limits.max, limits.min]).astype(target)


def draw(rng: np.random.Generator, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Normal floats, integers in -9..9 (unsigned: 0..18), or bools."""
    target = as_dtype(dtype)
    kind = kind_of(target)
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(target)
    if kind == "uint":
        return rng.integers(0, 19, shape).astype(target)
    if kind == "int":
        return rng.integers(-9, 10, shape).astype(target)
    return (2 * rng.standard_normal(shape)).astype(target)


def special(dtype: DTypeLike) -> Array | None:
    """Special floats or integers; None for bool, which has only ordinary values."""
    target = as_dtype(dtype)
    if is_float(target):
        return special_floats(target)
    return None if kind_of(target) == "bool" else special_ints(target)


def unary(rng: np.random.Generator, dtypes: Sequence[Any]) -> list[Sample]:
    """Ordinary, special and empty operands of every dtype."""
    result = []
    for dtype in dtypes:
        result += [sample(draw(rng, (3, 5), dtype)), sample(draw(rng, (0, 2), dtype))]
        values = special(dtype)
        if values is not None:
            result.append(sample(values))
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
        values = special(dtype)
        if values is not None:
            result.append(sample(values[:, None], values[None, :]))
    return result
