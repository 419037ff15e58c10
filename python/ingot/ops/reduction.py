"""Reductions over any axes: sum, prod, max, min, argmax.

The runtime adds in the order of docs/numerics.md; the bounds follow from the longest path of that
order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import EQUAL, ROUNDED, Bound, computed_in, fold_depth, last_rounding, scaled
from ingot.dtypes import Array, DType, DTypeLike, as_dtype, is_float, kind_of
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Axes, Tensor, TensorLike

from .adjoints import call, spread
from .axes import as_tensor, many_axes, one_axis
from .samples import INTS, REALS, draw, special_floats

__all__ = [
    "argmax",
    "max",
    "min",
    "prod",
    "sum",
]


def _sum_scale(operands: Sequence[Array], attrs: Mapping[str, Any]) -> tuple[Array, float]:
    x, axes, keepdims = operands[0], tuple(attrs["axes"]), attrs["keepdims"]
    count = math.prod(x.shape[a] for a in axes)
    return np.sum(np.abs(x), axis=axes, keepdims=keepdims), fold_depth(count)


def _prod_tolerance(
    operands: Sequence[Array], attrs: Mapping[str, Any], expected: Array, dtype: DType
) -> Array:
    x, axes, keepdims = operands[0], tuple(attrs["axes"]), attrs["keepdims"]
    count = math.prod(x.shape[a] for a in axes)
    info = np.finfo(computed_in(dtype))
    logs = np.log2(np.where((x == 0) | ~np.isfinite(x), 1.0, np.abs(x)))
    high = np.sum(np.maximum(logs, 0), axis=axes, keepdims=keepdims)
    low = np.sum(np.minimum(logs, 0), axis=axes, keepdims=keepdims)
    # Where some order of products may leave the normal range, the order decides: anything passes.
    free = (high >= info.maxexp - 1) | (low <= info.minexp + 1)
    relative = np.abs(expected) * (2.0 * count * float(info.eps))
    return np.where(free, np.inf, relative + last_rounding(np.abs(expected) + relative, dtype))


SUM_BOUND = scaled("2 (depth + 1) roundings of the sum of |x|, depth as in rule 4", _sum_scale)
PROD_BOUND = Bound("2 n roundings of the product", widen=True, tolerance=_prod_tolerance)


def countable(op: str, x: TensorLike, dtype: DTypeLike) -> Tensor:
    """Cast to `dtype`; without one bools and integers become 64-bit, as the array API has it."""
    tensor = as_tensor(op, x)
    if dtype is None:
        wide = {"bool": np.int64, "int": np.int64, "uint": np.uint64}
        dtype = wide.get(kind_of(tensor.dtype), tensor.dtype)
    return tensor if tensor.dtype == dtype else tensor.astype(dtype)


@op(onnx="ReduceSum", bound=SUM_BOUND, lowers={"axes": "axis"})
def sum(
    x: TensorLike, axis: Axes = None, *, dtype: DTypeLike = None, keepdims: bool = False
) -> Tensor:
    """The sum of the elements along axes (all of them by default).

    x: float[...] -> the same dtype; bool and integers -> int64, unsigned -> uint64; less the axes
    (keepdims: of size 1). `dtype` casts before instead. Float32 accumulates in float32, integers
    wrap, an empty sum is 0.
    Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.sum(ingot.tensor([[1, 2], [3, 4]]), axis=0)
    Tensor([4, 6], dtype=int64)
    """
    x = countable("sum", x, dtype)
    return sum.bind(x, axes=many_axes("sum", axis, x.ndim), keepdims=keepdims)


@sum.reference
def _sum(x: Array, axes: Sequence[int], keepdims: bool) -> Array:
    return np.asarray(np.sum(x, axis=tuple(axes), keepdims=keepdims, dtype=x.dtype))


@op(onnx="ReduceProd", bound=PROD_BOUND, lowers={"axes": "axis"})
def prod(
    x: TensorLike, axis: Axes = None, *, dtype: DTypeLike = None, keepdims: bool = False
) -> Tensor:
    """The product of the elements along axes (all of them by default).

    x: float[...] -> the same dtype; bool and integers -> int64, unsigned -> uint64; less the axes
    (keepdims: of size 1). `dtype` casts before instead. Integers wrap, an empty product is 1.
    Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.prod(ingot.tensor([[1, 2], [3, 4]]), axis=1)
    Tensor([ 2, 12], dtype=int64)
    """
    x = countable("prod", x, dtype)
    return prod.bind(x, axes=many_axes("prod", axis, x.ndim), keepdims=keepdims)


@prod.reference
def _prod(x: Array, axes: Sequence[int], keepdims: bool) -> Array:
    return np.asarray(np.prod(x, axis=tuple(axes), keepdims=keepdims, dtype=x.dtype))


@op(onnx="ReduceMax", bound=ROUNDED, lowers={"axes": "axis"})
def max(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The largest element along axes (all of them by default).

    x: real[...] or bool[...] -> the same dtype, less the axes (keepdims: of size 1). NaN if any is
    NaN; 0.0 is larger than -0.0. Raises ShapeError over an axis that is, or may be, empty.

    >>> import ingot
    >>> ingot.max(ingot.tensor([[1, 5], [3, 4]]), axis=1)
    Tensor([5, 4], dtype=int64)
    """
    x = as_tensor("max", x)
    return max.bind(x, axes=many_axes("max", axis, x.ndim), keepdims=keepdims)


@max.reference
def _max(x: Array, axes: Sequence[int], keepdims: bool) -> Array:
    over = tuple(axes)
    result = np.asarray(np.max(x, axis=over, keepdims=keepdims))
    if x.dtype.kind != "f":
        return result
    plus = np.any((x == 0) & ~np.signbit(x), axis=over, keepdims=keepdims)
    return np.where(result == 0, np.where(plus, 0.0, -0.0), result)


@op(onnx="ReduceMin", bound=ROUNDED, lowers={"axes": "axis"})
def min(x: TensorLike, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element along axes (all of them by default).

    x: real[...] or bool[...] -> the same dtype, less the axes (keepdims: of size 1). NaN if any is
    NaN; -0.0 is smaller than 0.0. Raises ShapeError over an axis that is, or may be, empty.

    >>> import ingot
    >>> ingot.min(ingot.tensor([[1, 5], [3, 4]]), axis=1)
    Tensor([1, 3], dtype=int64)
    """
    x = as_tensor("min", x)
    return min.bind(x, axes=many_axes("min", axis, x.ndim), keepdims=keepdims)


@min.reference
def _min(x: Array, axes: Sequence[int], keepdims: bool) -> Array:
    over = tuple(axes)
    result = np.asarray(np.min(x, axis=over, keepdims=keepdims))
    if x.dtype.kind != "f":
        return result
    minus = np.any((x == 0) & np.signbit(x), axis=over, keepdims=keepdims)
    return np.where(result == 0, np.where(minus, -0.0, 0.0), result)


@op(onnx="ArgMax", bound=EQUAL)
def argmax(x: TensorLike, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The position of the first largest element along an axis (None: of all elements, flattened).

    x: real[...] or bool[...] -> int64, less the axis (keepdims: of size 1; without an axis every
    one). The first NaN counts as the largest; -0.0 equals 0.0. Raises ShapeError over an axis that
    is, or may be, empty.

    >>> import ingot
    >>> ingot.argmax(ingot.tensor([[1, 5], [3, 3]]), axis=1)
    Tensor([1, 0], dtype=int64)
    """
    x = as_tensor("argmax", x)
    if axis is None:
        position = argmax.bind(x.reshape((x.size,)), axis=0)
        return position.reshape([1] * x.ndim) if keepdims else position
    return argmax.bind(x, axis=one_axis("argmax", axis, x.ndim), keepdims=keepdims)


@argmax.reference
def _argmax(x: Array, axis: int, keepdims: bool) -> Array:
    if x.dtype.kind not in "biuf":  # dtypes of ml_dtypes
        x = x.astype(np.float64)
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims), np.int64)


def _samples(rng: np.random.Generator, dtypes: Sequence[Any], empty: bool) -> list[Sample]:
    result = []
    for dtype in dtypes:
        x = draw(rng, (3, 4, 5), dtype)
        result += [
            sample(x),
            sample(x, axis=1),
            sample(x, axis=(0, -1), keepdims=True),
            sample(draw(rng, (), dtype)),
            sample(draw(rng, (2, 1500), dtype), axis=-1),
        ]
        if empty:
            result.append(sample(draw(rng, (3, 0), dtype), axis=1))
        if is_float(as_dtype(dtype)):
            result += [sample(special_floats(dtype)), sample(np.asarray([-0.0, 0.0], dtype))]
    return result


def _extremum_rule(g: Tensor, y: Tensor, x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """Equal shares to all elements that equal the extremum."""
    equal = x == spread(y, x.shape, axes, keepdims)
    share = equal.astype(x.dtype)
    count = sum(share, axis=axes, keepdims=True)
    return spread(g, x.shape, axes, keepdims) * (share / count)


def _prod_rule(g: Tensor, _y: Tensor, x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """The product of the elements before and of those after each, so that zeros do no harm."""
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    moved = call("permute_dims", x, order)
    lead = x.ndim - len(axes)
    line = call("reshape", moved, [*moved.shape[:lead], math.prod(moved.shape[lead:])])
    others = _products_before(line) * call("flip", _products_before(call("flip", line, -1)), -1)
    back = [order.index(i) for i in range(x.ndim)]
    others = call("permute_dims", call("reshape", others, moved.shape), back)
    return spread(g, x.shape, axes, keepdims) * others


def _products_before(x: Tensor) -> Tensor:
    """[..., n] -> the product of the elements before each along the last axis."""
    zeros = [0] * x.ndim
    low = [*zeros[:-1], 1]
    stop = [*x.shape[:-1], x.shape[-1]]
    shifted = call("slice", call("pad", x, 1, low=low, high=zeros), zeros, stop)
    return call("cumulative_prod", shifted, axis=-1)


def _axis_errors() -> list[WrongCall]:
    x = np.zeros((2, 3), np.float32)
    return [
        wrong(ArgumentError, "axis out of range", x, axis=2),
        wrong(DTypeError, "c64", np.zeros(2, np.complex64)),
    ]


def _extremum_errors() -> list[WrongCall]:
    return [*_axis_errors(), wrong(ShapeError, "0", np.zeros((2, 0), np.float32), axis=1)]


def _total_samples(rng: np.random.Generator) -> list[Sample]:
    """Also in the integers of fewer than 64 bits, which take an explicit dtype."""
    result = _samples(rng, REALS, empty=True)
    for dtype in INTS:
        x = draw(rng, (3, 4, 5), dtype)
        result += [sample(x, axis=axis, dtype=dtype) for axis in (None, 1, (0, 2))]
        result.append(sample(draw(rng, (2, 1500), dtype), axis=1, dtype=dtype))
    return result


sum.samples(_total_samples)
prod.samples(_total_samples)
max.samples(lambda rng: _samples(rng, (*REALS, "bool"), empty=False))
min.samples(lambda rng: _samples(rng, (*REALS, "bool"), empty=False))
sum.errors(_axis_errors)
sum.vjp(lambda g, _, x, axes, keepdims: spread(g, x.shape, axes, keepdims))
prod.errors(_axis_errors)
prod.vjp(_prod_rule)
max.errors(_extremum_errors)
max.vjp(_extremum_rule)
min.errors(_extremum_errors)
min.vjp(_extremum_rule)
argmax.errors(_extremum_errors)
argmax.nondifferentiable()


@argmax.samples
def _argmax_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for dtype in (*REALS, "bool"):
        x = draw(rng, (3, 4, 5), dtype)
        result += [sample(x), sample(x, axis=1), sample(x, axis=-1, keepdims=True)]
    return [*result, sample(special_floats(np.float32)), sample(np.asarray([-0.0, 0.0]))]
