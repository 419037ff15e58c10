"""Operators that make tensors of nothing but sizes and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, one_axis
from ingot.onnx.registry import operator
from ingot.onnx.values import Sizes
from ingot.tensor import Size, Tensor, wrap


@operator("Constant")
def constant(node: Node) -> Tensor:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.given:
            kind = np.float32 if "float" in name else np.int64
            found = node.attr(name)
            return wrap(np.asarray(found if name == "value" else np.array(found, kind)))
    raise UnsupportedError("unsupported: a constant of strings or a sparse one")


@operator("ConstantOfShape")
def constant_of_shape(node: Node) -> Tensor:
    value = node.attr("value")
    value = np.zeros(1, np.float32) if value is None else value
    if value.size != 1:
        raise FileError(f"value is not one element: got shape {list(value.shape)}")
    shape = node.small(node.sizes(0))
    return composite.full(shape, wrap(value.reshape(())), dtype=value.dtype)


@operator("Range")
def range_(node: Node) -> Tensor:
    """start, start + delta, ...: each is start + i * delta."""
    dtype = node.dtype(0)
    if any(isinstance(node.value(i), Sizes) for i in range(3)):
        return _symbolic_range(node)
    start, limit, delta = (node.number(i) for i in range(3))
    if delta == 0:
        raise FileError("a step of 0")
    count = max(math.ceil((limit - start) / delta), 0)
    node.small([count])
    wide = "float64" if dtype.kind == "f" else dtype
    steps = ops.arange(count, dtype="int64").astype(wide)
    return (steps * _scalar(delta, wide) + _scalar(start, wide)).astype(dtype)


def _scalar(number: Any, dtype: Any) -> Tensor:
    return wrap(np.asarray(number, dtype))


def _symbolic_range(node: Node) -> Tensor:
    start, limit, delta = (node.sizes(i)[0] for i in range(3))
    if isinstance(delta, Size) or delta <= 0:
        raise UnsupportedError(f"unsupported: a range whose step is {delta}")
    count = limit - start if delta == 1 else (limit - start + (delta - 1)) // delta
    steps = ops.arange(count, dtype=node.dtype(0))
    steps = steps if delta == 1 else steps * delta
    return steps if isinstance(start, int) and start == 0 else steps + start


@operator("EyeLike")
def eye_like(node: Node) -> Tensor:
    x = node.x()
    if x.ndim != 2:
        raise FileError(f"an operand of rank {x.ndim}: expected 2")
    return composite.eye(
        *node.small(x.shape), k=node.attr("k", 0), dtype=node.data_type("dtype", x.dtype)
    )


@operator("OneHot")
def one_hot(node: Node) -> Tensor:
    """The indices, which may count from the end, against the positions of a new axis."""
    indices, depth = node.x(0), node.sizes(1)[0]
    off, on = composite.unstack(ops.reshape(node.x(2), (2,)))
    axis = one_axis(node.attr("axis", -1), indices.ndim + 1)
    shape = list(indices.shape)
    shape.insert(axis, depth)
    node.small(shape)
    if indices.dtype.kind != "i":
        indices = indices.astype("int64")
    places = ops.arange(depth, dtype=indices.dtype)
    positions = ops.reshape(places, [-1 if i == axis else 1 for i in range(len(shape))])
    wanted = composite.expand_dims(indices, axis)
    wanted = ops.where(ops.less(wanted, 0), wanted + depth, wanted)
    return ops.where(ops.equal(wanted, positions), on, off)
