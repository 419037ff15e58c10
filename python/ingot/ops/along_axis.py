"""Indices along one axis, element by element: take_along_axis, scatter, scatter_reduce.

The indices have the rank of x and may reach less far along the other axes. A negative one counts
from the end; one out of range is a RangeError. Equal indices are applied in row-major order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import EQUAL, Bound, epsilon
from ingot.dtypes import Array, DType
from ingot.errors import ArgumentError, DTypeError, RangeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .axes import as_tensor, one_axis
from .indexing import in_range
from .samples import REALS, draw

__all__ = [
    "scatter",
    "scatter_reduce",
    "take_along_axis",
]


def _positions(op: str, indices: Array, size: int) -> Array:
    in_range(op, indices, -size, size - 1)
    positions = indices.astype(np.int64)
    return np.where(positions < 0, positions + size, positions)


@op(onnx="GatherElements", bound=EQUAL)
def take_along_axis(x: TensorLike, indices: TensorLike, *, axis: int = -1) -> Tensor:
    """For each index the element of x at that position of the axis, and at the index's own
    position of the other axes: torch's gather.

    x: any[...], indices: int32[...] or int64[...] of x's rank, no larger along the other axes ->
    any[indices' shape]. Raises RangeError at run time for an index out of range, ShapeError for
    indices of another rank.

    >>> import ingot
    >>> x = ingot.tensor([[10, 20], [30, 40]])
    >>> ingot.take_along_axis(x, ingot.tensor([[1], [0]]), axis=1)
    Tensor([[20],
            [30]], dtype=int64)
    """
    x = as_tensor("take_along_axis", x)
    return take_along_axis.bind(x, indices, axis=one_axis("take_along_axis", axis, x.ndim))


@take_along_axis.reference
def _take_along_axis(x: Array, indices: Array, axis: int) -> Array:
    at = _positions("take_along_axis", indices, x.shape[axis])
    grid: list[Array] = list(np.indices(indices.shape))
    grid[axis] = at
    return np.asarray(x[tuple(grid)])


take_along_axis.vjp(
    lambda g, _, x, indices, axis: call(
        "scatter_reduce", call("zeros_like", x), g, indices, axis=axis, reduce="add"
    ),
    None,
)


def _scatter(
    op: str,
    x: Array,
    updates: Array,
    indices: Array,
    axis: int,
    combine: Callable[[Array, Array], Array],
) -> Array:
    """Plane by plane along the axis: inside a plane no two targets are the same."""
    result = np.array(x)
    grid: list[Array] = list(np.indices(indices.shape))
    grid[axis] = _positions(op, indices, x.shape[axis])
    for i in range(indices.shape[axis]):
        target = tuple(np.take(a, i, axis) for a in grid)
        result[target] = combine(result[target], np.take(updates, i, axis))
    return result


@op(onnx="ScatterElements", bound=EQUAL)
def scatter(x: TensorLike, updates: TensorLike, indices: TensorLike, *, axis: int = -1) -> Tensor:
    """x with the elements that `take_along_axis` would read replaced by `updates`.

    x: any[...], updates: the same dtype [indices' shape], indices: int32 or int64 of x's rank ->
    x's type. Of equal indices the last one wins. Raises RangeError at run time for an index out of
    range, ShapeError where the shapes do not fit.

    >>> import ingot
    >>> ingot.scatter(ingot.zeros(4), ingot.ones(2), ingot.tensor([3, 0]))
    Tensor([1., 0., 0., 1.], dtype=float32)
    """
    x = as_tensor("scatter", x)
    return scatter.bind(x, updates, indices, axis=one_axis("scatter", axis, x.ndim))


@scatter.reference
def _scatter_set(x: Array, updates: Array, indices: Array, axis: int) -> Array:
    return _scatter("scatter", x, updates, indices, axis, lambda _, update: update)


def _last_rule(
    g: Tensor, _y: Tensor, x: Tensor, updates: Tensor, indices: Tensor, axis: int
) -> Tensor:
    """g to the last of the updates that meet in a place."""
    shape = [indices.shape[i] if i == axis else 1 for i in range(x.ndim)]
    order = call("arange", indices.shape[axis]).reshape(shape)
    order = call("broadcast_to", order, indices.shape)
    places = call("zeros", x.shape, dtype="int64")
    last = take_along_axis(scatter(places, order, indices, axis=axis), indices, axis=axis)
    slope = take_along_axis(g, indices, axis=axis)
    return call("where", last == order, slope, call("zeros_like", slope))


scatter.vjp(
    lambda g, _, x, updates, indices, axis: scatter(
        g, call("zeros_like", updates), indices, axis=axis
    ),
    _last_rule,
    None,
)

_INDEX = (np.int32, np.int64)
_COMBINE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "multiply": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
}


def _reduce_tolerance(
    operands: Sequence[Array], attrs: Mapping[str, Any], expected: Array, dtype: DType
) -> Array:
    """As many roundings as updates may meet in one place."""
    x, updates, indices = operands
    steps = indices.shape[attrs["axis"]] + 1
    sizes = np.abs(x), np.abs(updates)
    size = _scatter_reduce(*sizes, indices, **attrs) if attrs["reduce"] == "add" else expected
    tolerance = 2 * steps * epsilon(dtype) * np.abs(size) + float(np.finfo(dtype).tiny)
    return np.where(np.isfinite(size), tolerance, np.inf)


REDUCE_BOUND = Bound(
    "2 (updates along the axis + 1) roundings of the sum of absolute terms, or of the product",
    widen=True,
    tolerance=_reduce_tolerance,
)


@op(onnx=None, bound=REDUCE_BOUND)
def scatter_reduce(
    x: TensorLike, updates: TensorLike, indices: TensorLike, *, axis: int = -1, reduce: str
) -> Tensor:
    """x with `updates` added to (multiplied into, ...) the elements that `take_along_axis` would
    read.

    x: real[...], updates: the same dtype [indices' shape], indices: int32 or int64 of x's rank ->
    x's type. reduce: "add", "multiply", "min" or "max" (NaN wins). Equal indices are applied one
    after the other, in row-major order; integers wrap. Raises RangeError at run time for an
    index out of range, ShapeError where the shapes do not fit.

    >>> import ingot
    >>> ingot.scatter_reduce(ingot.zeros(3), ingot.ones(3), ingot.tensor([2, 0, 2]), reduce="add")
    Tensor([1., 0., 2.], dtype=float32)
    """
    if reduce not in _COMBINE:
        raise ArgumentError(
            f"scatter_reduce: no such reduction: got {reduce!r}, expected {', '.join(_COMBINE)}"
        )
    x = as_tensor("scatter_reduce", x)
    axis = one_axis("scatter_reduce", axis, x.ndim)
    return scatter_reduce.bind(x, updates, indices, axis=axis, reduce=reduce)


@scatter_reduce.reference
def _scatter_reduce(x: Array, updates: Array, indices: Array, axis: int, reduce: str) -> Array:
    return _scatter("scatter_reduce", x, updates, indices, axis, _COMBINE[reduce])


def _zeros_and_count(x: Tensor, hits: Tensor, indices: Tensor, axis: int) -> Tensor:
    """How many of `hits` meet in each place of x."""
    zeros = call("zeros_like", x)
    return scatter_reduce(zeros, hits.astype(x.dtype), indices, axis=axis, reduce="add")


def _reduce_rule(
    g: Tensor, y: Tensor, x: Tensor, updates: Tensor, indices: Tensor, axis: int, reduce: str
) -> Tensor:
    """Of x: as torch's scatter_reduce has it."""
    if reduce == "add":
        return g
    if reduce == "multiply":
        whole = call("where", x == 0, call("ones_like", x), x)
        product = scatter_reduce(whole, updates, indices, axis=axis, reduce=reduce)
        return g * product / whole
    return (x == y).astype(x.dtype) * _share(g, y, x, updates, indices, axis)


def _update_rule(
    g: Tensor, y: Tensor, x: Tensor, updates: Tensor, indices: Tensor, axis: int, reduce: str
) -> Tensor:
    """Of the updates."""
    if reduce == "add":
        return take_along_axis(g, indices, axis=axis)
    if reduce == "multiply":
        return _factor_rule(g, x, updates, indices, axis)
    hits = (updates == take_along_axis(y, indices, axis=axis)).astype(x.dtype)
    share = _share(g, y, x, updates, indices, axis)
    return hits * take_along_axis(share, indices, axis=axis)


def _share(g: Tensor, y: Tensor, x: Tensor, updates: Tensor, indices: Tensor, axis: int) -> Tensor:
    """g over the number of elements that equal the extremum."""
    hits = updates == take_along_axis(y, indices, axis=axis)
    return g / (_zeros_and_count(x, hits, indices, axis) + (x == y).astype(x.dtype))


def _factor_rule(g: Tensor, x: Tensor, updates: Tensor, indices: Tensor, axis: int) -> Tensor:
    """g times the other factors: the product over the update, or, for the only zero of a place, the
    product without it; 0 where another factor is 0."""
    is_zero = updates == 0
    zeros = take_along_axis(_zeros_and_count(x, is_zero, indices, axis), indices, axis=axis)
    one = call("ones_like", updates)
    alone = call("logical_and", is_zero, zeros == 1)
    others = call("where", alone, one, updates)
    product = scatter_reduce(x, others, indices, axis=axis, reduce="multiply")
    slope = take_along_axis(g * product, indices, axis=axis)
    slope = slope / call("where", is_zero, one, updates)
    return call("where", zeros > 1, call("zeros_like", slope), slope)


scatter_reduce.vjp(_reduce_rule, _update_rule, None)


def _indices(rng: np.random.Generator, shape: Sequence[int], size: int, dtype: Any) -> Array:
    return rng.integers(-size, size, shape).astype(dtype)


@take_along_axis.samples
def _take_along_axis_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in (*REALS, "bool"):
        x = draw(rng, (3, 4, 5), t)
        result += [sample(x, _indices(rng, (2, 6, 5), 4, i), axis=1) for i in _INDEX]
        result.append(sample(x, _indices(rng, (3, 4, 7), 5, np.int64)))
    return [*result, sample(draw(rng, (2, 0)), np.zeros((2, 0), np.int64))]


def _scatter_samples(rng: np.random.Generator, dtypes: Sequence[Any]) -> list[Sample]:
    result = []
    for t in dtypes:
        x = draw(rng, (3, 4, 5), t)
        for shape, axis in (((2, 9, 5), 1), ((3, 4, 6), 2), ((3, 0, 5), 1)):
            indices = _indices(rng, shape, x.shape[axis], _INDEX[axis % 2])
            result.append(sample(x, draw(rng, shape, t), indices, axis=axis))
    return result


@scatter_reduce.samples
def _scatter_reduce_samples(rng: np.random.Generator) -> list[Sample]:
    calls = [(s, r) for r in _COMBINE for s in _scatter_samples(rng, REALS)]
    return [Sample(s.args, {**s.kwargs, "reduce": r}) for s, r in calls]


def _index_errors(*between: Array, **attrs: Any) -> list[WrongCall]:
    x, far = np.zeros((2, 3), np.float32), np.asarray([[5], [0]])
    return [
        wrong(ArgumentError, "axis out of range", x, *between, far, axis=2, **attrs),
        wrong(RangeError, "index out of range: got 5", x, *between, far, axis=1, **attrs),
        wrong(ShapeError, "indices do not fit", x, *between, np.zeros(1, np.int64), **attrs),
        wrong(DTypeError, "f32", x, *between, np.zeros((2, 1), np.float32), **attrs),
    ]


_ONE = np.ones((2, 1), np.float32)
scatter.samples(lambda rng: _scatter_samples(rng, (*REALS, "bool")))
take_along_axis.errors(lambda: _index_errors())
scatter.errors(lambda: _index_errors(_ONE))
scatter_reduce.errors(
    lambda: [
        *_index_errors(_ONE, reduce="add"),
        wrong(ArgumentError, "no such reduction", _ONE, _ONE, _ONE.astype(np.int64), reduce="or"),
    ]
)
