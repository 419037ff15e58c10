"""The order of sums, rules 3 and 4 of docs/numerics.md, as short NumPy functions.

The kernels of every level agree with these bit for bit (tests/test_order_of_sums.py). They state a
rule and are slow: nothing computes with them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

K_BLOCK = 256  # steps of k in a block of a matrix product
REDUCE_BLOCK = 512  # elements in a block of a reduction
REDUCE_LANES = 16


def matmul_in_order(a: Array, b: Array) -> Array:
    """a[..., m, k] @ b[..., k, n] in blocks of 256 steps of k.

    Inside a block an element is the left fold of fma from +0; the total is the first block's sum,
    to which the next ones are added in order. Integers wrap. k = 0 gives 0.
    """
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    zeros = np.zeros((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    total = None
    with np.errstate(all="ignore"):
        for begin in range(0, a.shape[-1], K_BLOCK):
            block = zeros
            for k in range(begin, min(begin + K_BLOCK, a.shape[-1])):
                block = fma(a[..., :, k, None], b[..., k, None, :], block)
            total = block if total is None else total + block
    return zeros if total is None else total


def sum_in_order(x: Array, axes: Sequence[int]) -> Array:
    """The sum over `axes` (sorted) in the order of `reduce_in_order`; 0 over no elements."""
    return reduce_in_order(np.add, x, axes, 0)


def prod_in_order(x: Array, axes: Sequence[int]) -> Array:
    """The product over `axes` (sorted) in the order of `reduce_in_order`; 1 over no elements."""
    return reduce_in_order(np.multiply, x, axes, 1)


def reduce_in_order(
    combine: Callable[[Array, Array], Array], x: Array, axes: Sequence[int], empty: int
) -> Array:
    """Reduces the elements of `axes`, counted in row-major order of these axes.

    They are cut into blocks of 512. Element i of a block belongs to lane i mod 16, and a lane is a
    left fold from its first element. A block is its lanes, the result is the blocks, combined as
    adjacent pairs level by level; a lane or block without a partner passes to the next level.
    """
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    shape = tuple(x.shape[axis] for axis in kept)
    count = math.prod(x.shape[axis] for axis in axes)
    if count == 0:
        return np.full(shape, empty, x.dtype)
    rows = x.transpose(*kept, *axes).reshape(*shape, count)
    blocks = []
    with np.errstate(all="ignore"):
        for begin in range(0, count, REDUCE_BLOCK):
            end = min(begin + REDUCE_BLOCK, count)
            lanes = [
                functools.reduce(combine, [rows[..., i] for i in range(first, end, REDUCE_LANES)])
                for first in range(begin, min(begin + REDUCE_LANES, end))
            ]
            blocks.append(_combine_pairs(combine, lanes))
        return np.asarray(_combine_pairs(combine, blocks), x.dtype)


def _combine_pairs(combine: Callable[[Array, Array], Array], values: list[Array]) -> Array:
    while len(values) > 1:
        pairs = [combine(a, b) for a, b in zip(values[0::2], values[1::2], strict=False)]
        values = pairs + values[len(values) // 2 * 2 :]
    return values[0]


def fma(a: Array, b: Array, c: Array) -> Array:
    """a * b + c, rounded once; of integers, wrapping."""
    if c.dtype == np.float32:
        return _fma32(a, b, c)
    if c.dtype == np.float64:
        return np.asarray(_fma64(a, b, c), np.float64)
    return np.asarray(a * b + c, c.dtype)


def _fma32(a: Array, b: Array, c: Array) -> Array:
    """The product is exact in float64 (48 bits). Its sum with c is rounded to odd, by means of the
    exact error of the addition (Knuth's two-sum): where the sum is inexact and its last bit is 0,
    it moves one step towards the true value. From there rounding to float32 is right, because
    float64 keeps more than two bits beyond float32's (Boldo and Melquiond, 2008)."""
    product, addend = np.broadcast_arrays(a.astype(np.float64) * b, c.astype(np.float64))
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    even = (total.view(np.int64) & 1) == 0
    outwards = (error > 0) == (total > 0)
    step = np.where(outwards, 1, -1) * (even & (error != 0) & np.isfinite(total))
    odd: Array = (total.view(np.int64) + step).view(np.float64)
    return odd.astype(np.float32)


def _fma64_scalar(a: float, b: float, c: float) -> float:
    plain = a * b + c
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return plain
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return plain  # then a * b is exact: only the zero's sign is left, and plain has it
    try:
        return exact.numerator / exact.denominator  # rounded once, to nearest even
    except OverflowError:
        return math.copysign(math.inf, exact)


_fma64 = np.frompyfunc(_fma64_scalar, 3, 1)
