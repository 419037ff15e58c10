"""argsort, and sort made of it: stable, NaN as the largest."""

from __future__ import annotations

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import ArgumentError, DTypeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Tensor, TensorLike, operations

from .along_axis import take_along_axis
from .axes import as_tensor, one_axis
from .samples import REALS, draw, special_floats

__all__ = [
    "argsort",
    "sort",
]


@op(onnx=None, bound=EQUAL)
def argsort(
    x: TensorLike, axis: int = -1, *, descending: bool = False, stable: bool = True
) -> Tensor:
    """The positions of the elements along an axis in the order of their size.

    x: real[...] or bool[...] -> int64[...]. Equal elements keep their order in both directions,
    whatever `stable` says; NaN counts as the largest, -0.0 equals 0.0. Raises ArgumentError for an
    axis out of range.

    >>> import ingot
    >>> ingot.argsort(ingot.tensor([3, 1, 2]))
    Tensor([1, 2, 0], dtype=int64)
    """
    del stable
    x = as_tensor("argsort", x)
    return argsort.bind(x, axis=one_axis("argsort", axis, x.ndim), descending=descending)


@argsort.reference
def _argsort(x: Array, axis: int, descending: bool) -> Array:
    if x.dtype.kind not in "biuf":  # dtypes of ml_dtypes
        x = x.astype(np.float32)
    if not descending:
        return np.argsort(x, axis=axis, kind="stable").astype(np.int64)
    # The last of the equal elements comes first in the reversed array, so it stays the last.
    size = x.shape[axis]
    backward = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.asarray(size - 1 - np.flip(backward, axis), np.int64)


argsort.nondifferentiable()


@argsort.samples
def _argsort_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in (*REALS, "bool"):
        x = draw(rng, (3, 4, 5), t)
        result += [sample(x), sample(x, 0, descending=True), sample(draw(rng, (2, 300), t))]
    special = special_floats(np.float32)
    return [
        *result,
        sample(special),
        sample(special, descending=True),
        sample(draw(rng, (2, 0))),
        sample(draw(rng, (40, 3)), 0),
    ]


@argsort.errors
def _argsort_errors() -> list[WrongCall]:
    return [
        wrong(ArgumentError, "axis out of range", np.zeros(2, np.float32), 1),
        wrong(DTypeError, "c64", np.zeros(2, np.complex64)),
    ]


def sort(x: TensorLike, axis: int = -1, *, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements along an axis in the order of their size: take_along_axis of argsort.

    x: real[...] or bool[...] -> the same. NaN comes last, with descending first. Raises
    ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.sort(ingot.tensor([3.0, 1.0, 2.0]), descending=True)
    Tensor([3., 2., 1.], dtype=float32)
    """
    x = as_tensor("sort", x)
    order = argsort(x, axis, descending=descending, stable=stable)
    return take_along_axis(x, order, axis=axis)


operations["sort"] = sort
