"""Ops that read and write at positions given as data: take, dynamic_slice, dynamic_update_slice.

A negative index counts from the end; one out of range is a RangeError, never a read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import ArgumentError, DTypeError, RangeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import SizeLike, Tensor, TensorLike

from .adjoints import call
from .axes import as_tensor, one_axis
from .samples import INDICES, REALS, draw

__all__ = [
    "dynamic_slice",
    "dynamic_update_slice",
    "take",
]

_DTYPES = (*REALS, "bool")


def in_range(op: str, indices: Array, low: Array | int, high: Array | int) -> None:
    """Raises RangeError at the first index outside low..high."""
    bad = (indices < low) | (indices > high)
    if bad.any():
        first = int(np.argmax(bad.reshape(-1)))
        got, lo, hi = (
            np.broadcast_to(v, bad.shape).reshape(-1)[first] for v in (indices, low, high)
        )
        raise RangeError(f"{op}: index out of range: got {got}, expected {lo}..{hi}")


@op(onnx="Gather", bound=EQUAL)
def take(x: TensorLike, indices: TensorLike, *, axis: int | None = None) -> Tensor:
    """The slices of x at `indices` along an axis.

    x: any[..., n, ...], indices: int32[...] or int64[...] -> any[..., *indices.shape, ...]. axis
    may be left out for a vector. A negative index counts from the end. Raises RangeError at run
    time for an index out of range, DTypeError for other index dtypes.

    >>> import ingot
    >>> ingot.take(ingot.tensor([10, 20, 30]), ingot.tensor([2, 0, -1]))
    Tensor([30, 10, 30], dtype=int64)
    """
    x = as_tensor("take", x)
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"take: no axis: got rank {x.ndim}, expected rank 1")
        axis = 0
    return take.bind(x, indices, axis=one_axis("take", axis, x.ndim))


@take.reference
def _take(x: Array, indices: Array, axis: int) -> Array:
    size = x.shape[axis]
    in_range("take", indices, -size, size - 1)
    if indices.size == 0:  # NumPy refuses to take nothing from nothing
        return np.zeros((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)
    return np.asarray(np.take(x, indices.astype(np.int64) % size, axis=axis))


def _start(op: str, start: Array, shape: Sequence[int], sizes: Sequence[int]) -> tuple[slice, ...]:
    """The window of `sizes` at `start`; negative starts count from the end."""
    extent = np.asarray(shape, np.int64)
    last = extent - np.asarray(sizes, np.int64)
    begin = start.astype(np.int64)
    in_range(op, begin, -extent, np.where(begin < 0, -1, last))
    begin = np.where(begin < 0, begin + extent, begin)
    in_range(op, begin, 0, last)
    return tuple(slice(int(b), int(b) + n) for b, n in zip(begin, sizes, strict=True))


@op(onnx=None, bound=EQUAL)
def dynamic_slice(x: TensorLike, start: TensorLike, *, sizes: Sequence[SizeLike]) -> Tensor:
    """The window of x of constant `sizes` that begins at `start`.

    x: any[...], start: int32[rank] or int64[rank] -> any[sizes]. A negative start counts from the
    end. Raises RangeError at run time where the window leaves x (nothing is clamped).

    >>> import ingot
    >>> ingot.dynamic_slice(ingot.arange(5), ingot.tensor([2]), sizes=[2])
    Tensor([2, 3], dtype=int64)
    """
    start = start if isinstance(start, Tensor) else as_tensor("dynamic_slice", start)
    return dynamic_slice.bind(x, start, sizes=sizes)


@dynamic_slice.reference
def _dynamic_slice(x: Array, start: Array, sizes: Sequence[int]) -> Array:
    window = _start("dynamic_slice", start, x.shape, sizes)
    return np.asarray(x[window])


@op(onnx=None, bound=EQUAL)
def dynamic_update_slice(x: TensorLike, update: TensorLike, start: TensorLike) -> Tensor:
    """x with the window that begins at `start` replaced by `update`.

    x: any[...], update: the same dtype and rank, start: int32[rank] or int64[rank] -> x's type. A
    negative start counts from the end. Raises RangeError at run time where the window leaves x.

    >>> import ingot
    >>> ingot.dynamic_update_slice(ingot.zeros(4), ingot.ones(2), ingot.tensor([1]))
    Tensor([0., 1., 1., 0.], dtype=float32)
    """
    start = start if isinstance(start, Tensor) else as_tensor("dynamic_update_slice", start)
    return dynamic_update_slice.bind(x, update, start)


@dynamic_update_slice.reference
def _dynamic_update_slice(x: Array, update: Array, start: Array) -> Array:
    result = np.array(x)
    result[_start("dynamic_update_slice", start, x.shape, update.shape)] = update
    return result


@take.samples
def _take_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in _DTYPES:
        x = draw(rng, (3, 4, 5), t)
        for i in INDICES:
            result.append(sample(x, rng.integers(-4, 4, (2, 3)).astype(i), axis=1))
        result.append(sample(x, np.asarray(-1), axis=0))
    empty = np.zeros((0,), np.int64)
    return [*result, sample(draw(rng, (2, 0)), empty, axis=1), sample(draw(rng, (3,)), empty)]


@take.errors
def _take_errors() -> list[WrongCall]:
    x = np.zeros((2, 3), np.float32)
    return [
        wrong(DTypeError, "f32", x, np.zeros(1, np.float32), axis=0),
        wrong(ArgumentError, "axis out of range", x, np.zeros(1, np.int64), axis=2),
        wrong(ArgumentError, "no axis", x, np.zeros(1, np.int64)),
    ]


@dynamic_slice.samples
def _dynamic_slice_samples(rng: np.random.Generator) -> list[Sample]:
    starts = [np.asarray(s, i) for s, i in (([0, 1], np.int64), ([1, -3], np.int32))]
    return [
        *[sample(draw(rng, (3, 4), t), s, sizes=[2, 3]) for t in _DTYPES for s in starts],
        sample(draw(rng, (3, 4)), starts[0], sizes=[0, 3]),
    ]


@dynamic_slice.errors
def _dynamic_slice_errors() -> list[WrongCall]:
    x = np.zeros((2, 3), np.float32)
    return [
        wrong(ShapeError, "dynamic_slice: ", x, np.zeros(1, np.int64), sizes=[1, 1]),
        wrong(ShapeError, "dynamic_slice: ", x, np.zeros(2, np.int64), sizes=[1, 4]),
        wrong(DTypeError, "f32", x, np.zeros(2, np.float32), sizes=[1, 1]),
    ]


@dynamic_update_slice.samples
def _dynamic_update_slice_samples(rng: np.random.Generator) -> list[Sample]:
    starts = [np.asarray(s, i) for s, i in (([0, 1], np.int64), ([1, -3], np.int32))]
    return [sample(draw(rng, (3, 4), t), draw(rng, (2, 3), t), s) for t in _DTYPES for s in starts]


@dynamic_update_slice.errors
def _dynamic_update_slice_errors() -> list[WrongCall]:
    x = np.zeros((2, 3), np.float32)
    return [
        wrong(
            ShapeError, "dynamic_update_slice: ", x, np.zeros((3, 1), np.float32), np.zeros(2, int)
        ),
        wrong(DTypeError, "f32", x, x, np.zeros(2, np.float32)),
    ]


def _take_rule(g: Tensor, _y: Tensor, x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Every piece of g added to where it was taken from, in the order of the indices."""
    count = indices.size
    pieces = g.reshape((*x.shape[:axis], count, *x.shape[axis + 1 :]))
    column = indices.reshape([count if i == axis else 1 for i in range(x.ndim)])
    everywhere = call("broadcast_to", column, pieces.shape)
    zeros = call("zeros_like", x)
    return call("scatter_reduce", zeros, pieces, everywhere, axis=axis, reduce="add")


take.vjp(_take_rule, None)
dynamic_slice.vjp(
    lambda g, _, x, start, sizes: dynamic_update_slice(call("zeros_like", x), g, start), None
)
dynamic_update_slice.vjp(
    lambda g, _, x, update, start: dynamic_update_slice(g, call("zeros_like", update), start),
    lambda g, _, x, update, start: dynamic_slice(g, start, sizes=update.shape),
    None,
)
