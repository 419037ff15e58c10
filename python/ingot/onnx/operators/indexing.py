"""Operators that read and write at indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError
from ingot.onnx.node import Node, known_size, one_axis
from ingot.onnx.registry import operator
from ingot.tensor import SizeLike, Tensor, wrap

from .shaping import product

_REDUCTIONS = {"add": "add", "mul": "multiply", "max": "max", "min": "min"}


@operator("Gather")
def gather(node: Node) -> Tensor:
    return ops.take(node.x(0), node.x(1), axis=node.axis())


@operator("GatherElements")
def gather_elements(node: Node) -> Tensor:
    return ops.take_along_axis(node.x(0), node.x(1), axis=node.axis())


@operator("ScatterElements", "Scatter")
def scatter_elements(node: Node) -> Tensor:
    x, indices, updates = node.x(0), node.x(1), node.x(2)
    return written(x, indices, updates, node.axis(), node.attr("reduction", "none"))


def written(x: Tensor, indices: Tensor, updates: Tensor, axis: int, how: str) -> Tensor:
    """x with updates along an axis: replaced or combined, in order."""
    if how == "none":
        return ops.scatter(x, updates, indices, axis=axis)
    if how not in _REDUCTIONS:
        raise FileError(f"unknown reduction {how!r}")
    return ops.scatter_reduce(x, updates, indices, axis=axis, reduce=_REDUCTIONS[how])


def _flat(indices: Tensor, sizes: Sequence[SizeLike]) -> Tensor:
    """Rows of indices, which may count from the end, as positions in row-major order."""
    total: Any = None
    for i, n in enumerate(sizes):
        at = composite.squeeze(composite.narrow(indices, -1, i, 1), -1)
        at = ops.where(ops.less(at, 0), at + n, at)
        stride = product(sizes[i + 1 :])
        part = at if isinstance(stride, int) and stride == 1 else at * stride
        total = part if total is None else total + part
    return composite.zeros(indices.shape[:-1], dtype="int64") if total is None else total


@operator("GatherND")
def gather_nd(node: Node) -> Tensor:
    x, indices = node.x(0), node.x(1)
    batch, depth = node.attr("batch_dims", 0), known_size(indices.shape[-1], "the depth of indices")
    sizes = x.shape[batch : batch + depth]
    if len(sizes) != depth:
        raise FileError(f"indices of depth {depth} for an operand of rank {x.ndim}")
    lead, rest = x.shape[:batch], x.shape[batch + depth :]
    places = _flat(indices, sizes)
    if batch:  # the batches lie behind each other
        count, each = product(lead), product(sizes)
        offsets = ops.reshape(ops.arange(count, dtype=places.dtype) * each, (count, 1))
        places = ops.reshape(ops.reshape(places, (count, -1)) + offsets, indices.shape[:-1])
    rows = ops.reshape(x, (product([*lead, *sizes]), *rest))
    return ops.take(rows, places, axis=0)


@operator("ScatterND")
def scatter_nd(node: Node) -> Tensor:
    x, indices, updates = node.x(0), node.x(1), node.x(2)
    depth = known_size(indices.shape[-1], "the depth of indices")
    sizes, rest = x.shape[:depth], x.shape[depth:]
    width, count = product(rest), product(indices.shape[:-1])
    places = ops.reshape(_flat(indices, sizes), (count, 1))
    places = ops.broadcast_to(places, (count, width))
    rows = ops.reshape(x, (product(sizes), width))
    updates = ops.reshape(updates, (count, width))
    found = written(rows, places, updates, 0, node.attr("reduction", "none"))
    return ops.reshape(found, x.shape)


@operator("TensorScatter")
def tensor_scatter(node: Node) -> Tensor:
    """The cache with the update written at each batch's position of an axis."""
    cache, update = node.x(0), node.x(1)
    axis = one_axis(node.attr("axis", -2), cache.ndim)
    batch, length = cache.shape[0], cache.shape[axis]
    starts = node.optional(2)
    starts = wrap(np.zeros(1, np.int64)) if starts is None else starts
    at = ops.reshape(starts, (-1, 1)) + ops.arange(update.shape[axis], dtype=starts.dtype)
    if node.attr("mode", "linear") == "circular":
        at = ops.remainder(at, length)
    at = ops.broadcast_to(at, (batch, update.shape[axis]))
    shape: list[SizeLike] = [1] * cache.ndim
    shape[0], shape[axis] = batch, update.shape[axis]
    places = ops.broadcast_to(ops.reshape(at, shape), update.shape)
    return ops.scatter(cache, update, places, axis=axis)


@operator("ReverseSequence")
def reverse_sequence(node: Node) -> Tensor:
    """The first elements of every sequence turned around, as many as it has."""
    x, lengths = node.x(0), node.x(1)
    batch, time = node.attr("batch_axis", 1), node.attr("time_axis", 0)
    steps = ops.arange(x.shape[time], dtype="int64")
    counts = ops.reshape(lengths.astype("int64"), (-1, 1))
    places = ops.where(ops.less(steps, counts), counts - 1 - steps, steps)
    places = places if batch < time else composite.matrix_transpose(places)
    shape: list[SizeLike] = [1] * x.ndim
    shape[batch], shape[time] = x.shape[batch], x.shape[time]
    return ops.take_along_axis(x, ops.broadcast_to(ops.reshape(places, shape), x.shape), axis=time)


# Sizes that depend on numbers.


@operator("Compress")
def compress(node: Node) -> Tensor:
    x, axis = node.x(), node.attr("axis")
    if axis is None:
        x, axis = ops.reshape(x, (-1,)), 0
    chosen = np.flatnonzero(node.known(1))
    return ops.take(x, wrap(chosen.astype(np.int64)), axis=one_axis(axis, x.ndim))


@operator("NonZero")
def non_zero(node: Node) -> Tensor:
    return wrap(np.stack(np.nonzero(np.atleast_1d(node.known(0)))).astype(np.int64))


@operator("Unique")
def unique(node: Node) -> tuple[Tensor, ...]:
    x = node.known(0)
    axis = node.attr("axis")
    found, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(-1)
    if not node.attr("sorted", 1):
        order = np.argsort(first)
        rank = np.argsort(order)
        found = np.take(found, order, 0 if axis is None else axis)
        first, inverse, counts = first[order], rank[inverse], counts[order]
    rest = (np.asarray(a, np.int64) for a in (first, inverse, counts))
    return tuple(wrap(np.ascontiguousarray(a)) for a in (found, *rest))
