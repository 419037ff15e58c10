"""Ops without operands: arange and size. Both may depend on a symbolic size."""

from __future__ import annotations

import math

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array, DType, DTypeLike, as_dtype, convert, kind_of
from ingot.errors import ArgumentError, DTypeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Size, SizeLike, Tensor

from .samples import REALS

__all__ = [
    "arange",
    "size",
]


@op(onnx="Range", bound=EQUAL)
def arange(
    start: float | Size,
    stop: float | Size | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike = None,
) -> Tensor:
    """start, start + step, ... up to but without stop; arange(stop) counts from 0.

    Integers or sizes -> int64[ceil((stop - start) / step)]; any float -> float32. Element i is
    start + i * step in that dtype. Raises ArgumentError for step 0, DTypeError for bool.

    >>> import ingot
    >>> ingot.arange(2, 8, 3)
    Tensor([2, 5], dtype=int64)
    """
    if stop is None:
        start, stop = 0, start
    for given in (start, stop, step):
        if not isinstance(given, (int, float, np.integer, np.floating, Size)):
            raise ArgumentError(
                f"arange: not a number: got {given!r}, expected integers, floats or sizes"
            )
    if step == 0:
        raise ArgumentError("arange: step is 0: expected another")
    whole = all(isinstance(v, (int, np.integer, Size)) for v in (start, stop, step))
    if dtype is None:
        dtype = np.int64 if whole else np.float32
    target = as_dtype(dtype)
    count = _count(start, stop, step)
    if (
        not whole and not isinstance(start, Size) and kind_of(target) in ("int", "uint")
    ):  # elements are made of integers
        whole, start, step = True, int(start), int(step)
    counts = arange.bind(stop=count, dtype=target if whole else np.dtype(np.int64))
    if not whole:
        counts = counts.astype(target)
    scaled = counts if step == 1 else counts * step
    return scaled if isinstance(start, (int, float)) and start == 0 else scaled + start


def _count(start: float | Size, stop: float | Size, step: float) -> SizeLike:
    """ceil((stop - start) / step), and 0 where that is negative."""
    if isinstance(start, Size) or isinstance(stop, Size):
        if any(isinstance(v, float) for v in (start, stop, step)):
            raise ArgumentError("arange: a float beside a symbolic size: expected integers")
        width = int(step)
        first: SizeLike = start if isinstance(start, Size) else int(start)
        last: SizeLike = stop if isinstance(stop, Size) else int(stop)
        span = last - first if width > 0 else first - last
        unit = width if width > 0 else -width
        return span if unit == 1 else (span + (unit - 1)) // unit
    if all(isinstance(v, (int, np.integer)) for v in (start, stop, step)):
        return max(0, -((int(start) - int(stop)) // int(step)))  # exact for any integers
    return max(0, math.ceil((stop - start) / step))


@arange.reference
def _arange(stop: int, dtype: DType) -> Array:
    return convert(np.arange(stop), dtype)


@arange.samples
def _arange_samples(rng: np.random.Generator) -> list[Sample]:
    stop = int(rng.integers(5, 9))
    return [
        *[sample(stop, dtype=t) for t in REALS],
        sample(0),
        sample(300, dtype="uint8"),  # wraps
        sample(2, 11, 3),
        sample(5, 0, -2),
        sample(0.5, 2.0, 0.25),
    ]


@arange.errors
def _arange_errors() -> list[WrongCall]:
    return [
        wrong(ArgumentError, "step is 0", 3, 5, 0),
        wrong(DTypeError, "bool", 3, dtype="bool"),
    ]


arange.nondifferentiable()


@op(onnx=None, bound=EQUAL)
def size(value: SizeLike, *, dtype: DTypeLike = "int64") -> Tensor:
    """A size, as x.shape holds it, as a tensor of rank 0.

    -> real[]. Recorded, it is the number that the size has when the program runs.
    Raises DTypeError for a dtype that is not real.

    >>> import ingot
    >>> ingot.size(ingot.zeros((3, 4)).shape[0])
    Tensor(3, dtype=int64)
    """
    return size.bind(value=value, dtype=dtype)


@size.reference
def _size(value: int, dtype: DType) -> Array:
    return convert(np.asarray(value), dtype)


@size.samples
def _size_samples(rng: np.random.Generator) -> list[Sample]:
    value = int(rng.integers(0, 9))
    return [sample(value, dtype=t) for t in REALS]


@size.errors
def _size_errors() -> list[WrongCall]:
    return [
        wrong(DTypeError, "bool", 3, dtype="bool"),
        wrong(ArgumentError, "expected a size", "three"),
    ]


size.nondifferentiable()
