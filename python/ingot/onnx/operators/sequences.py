"""Sequences and optionals, which are resolved while a model is recorded: a graph holds tensors."""

from __future__ import annotations

import itertools

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size, one_axis, tensor_of
from ingot.onnx.registry import operator
from ingot.onnx.values import Items, Maybe, Value
from ingot.tensor import Tensor, wrap

from .shaping import sliced


@operator("SequenceConstruct")
def construct(node: Node) -> Items:
    return Items(tuple(node.value(i) for i in range(len(node.inputs))))


@operator("SequenceEmpty")
def empty(_: Node) -> Items:
    return Items(())


@operator("SequenceLength")
def length(node: Node) -> Tensor:
    return wrap(np.asarray(len(node.items()), np.int64))


def _position(node: Node, operand: int, count: int, most: int) -> int:
    """A position that may count from the end; by default the end."""
    position = int(node.number(operand, count))
    if not -count <= position <= most:
        raise FileError(f"position out of range: got {position}, expected {-count} to {most}")
    return position + count if position < 0 else position


@operator("SequenceAt")
def at(node: Node) -> Value:
    items = node.items()
    return items[_position(node, 1, len(items), len(items) - 1)]


@operator("SequenceInsert")
def insert(node: Node) -> Items:
    items = node.items()
    position = _position(node, 2, len(items), len(items))
    return Items((*items[:position], node.value(1), *items[position:]))


@operator("SequenceErase")
def erase(node: Node) -> Items:
    items = node.items()
    position = _position(node, 1, len(items), len(items) - 1) if node.has(1) else len(items) - 1
    return Items((*items[:position], *items[position + 1 :]))


@operator("SplitToSequence")
def split_to_sequence(node: Node) -> Items:
    """Parts of one size, or of those given; without any, slices of size 1, without their axis where
    keepdims is 0."""
    x = node.x()
    axis = one_axis(node.attr("axis", 0), x.ndim)
    extent = known_size(x.shape[axis], "the size to split")
    if not node.has(1):
        parts = [composite.narrow(x, axis, i, 1) for i in range(extent)]
        drop = not node.attr("keepdims", 1)
        return Items(tuple(composite.squeeze(p, axis) if drop else p for p in parts))
    given = node.ints_at(1)
    if node.known(1).ndim == 0:
        if given[0] < 1:
            raise FileError(f"parts of size {given[0]}")
        starts = range(0, extent, given[0])
        return Items(tuple(sliced(x, axis, i, min(i + given[0], extent), 1) for i in starts))
    if sum(given) != extent or min(given, default=0) < 0:
        raise FileError(f"parts of a wrong total: got {given}, expected {extent}")
    ends = np.cumsum([0, *given]).tolist()
    return Items(tuple(sliced(x, axis, a, b, 1) for a, b in itertools.pairwise(ends)))


@operator("ConcatFromSequence")
def concat_from_sequence(node: Node) -> Tensor:
    tensors = [tensor_of(v) for v in node.items()]
    if not tensors:
        raise UnsupportedError("unsupported: joining no tensors")
    if node.attr("new_axis", 0):
        return composite.stack(tensors, one_axis(node.attr("axis"), tensors[0].ndim + 1))
    return ops.concat(tensors, axis=one_axis(node.attr("axis"), tensors[0].ndim))


@operator("SequenceMap")
def sequence_map(node: Node) -> tuple[Items, ...]:
    """The body for every position; operands that are no sequences are the same for all."""
    body = node.attr("body")
    count = len(node.items())
    columns: list[list[Value]] = [[] for _ in body.output]
    for i in range(count):
        arguments = []
        for k in range(len(node.inputs)):
            value = node.value(k)
            if isinstance(value, Items) and len(value.values) != count:
                raise FileError(f"sequences of {count} and {len(value.values)} values")
            arguments.append(value.values[i] if isinstance(value, Items) else value)
        for column, result in zip(columns, node.run_graph(body, arguments), strict=True):
            column.append(result)
    return tuple(Items(tuple(column)) for column in columns)


@operator("Optional")
def optional(node: Node) -> Maybe:
    return Maybe(node.value(0) if node.has(0) else None)


@operator("OptionalHasElement")
def optional_has_element(node: Node) -> Tensor:
    value = node.value(0) if node.has(0) else None
    has = value is not None and not (isinstance(value, Maybe) and value.value is None)
    return wrap(np.asarray(has))


@operator("OptionalGetElement")
def optional_get_element(node: Node) -> Value:
    value = node.value(0)
    if isinstance(value, Maybe):
        if value.value is None:
            raise FileError("an optional without a value")
        return value.value
    return value
