"""Operators that work element by element; those that are one op of the table are not here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ingot import composite, ops
from ingot.dtypes import DType, kind_of
from ingot.errors import UnsupportedError
from ingot.nn import functional
from ingot.onnx.node import Node
from ingot.onnx.registry import operator
from ingot.onnx.values import Value
from ingot.tensor import Tensor, wrap


def _unary(name: str, function: Callable[[Tensor], Tensor]) -> None:
    operator(name)(lambda node: function(node.x()))


_unary("Reciprocal", composite.reciprocal)
_unary("IsNaN", composite.isnan)
_unary("Relu", composite.relu)
_unary("Sigmoid", composite.sigmoid)
_unary("HardSwish", functional.hardswish)
_unary("Mish", lambda x: x * ops.tanh(composite.logaddexp(x, 0)))
_unary("Softplus", lambda x: composite.logaddexp(x, 0))
_unary("Softsign", lambda x: x / (ops.abs(x) + 1))


@operator("Identity")
def identity(node: Node) -> Value:
    return node.value(0)


def _scalar_beside(x: Tensor, other: Tensor) -> Tensor:
    is_one = not x.is_recorded and x.name is None and x.shape == (1,)
    return wrap(x.numpy().reshape(())) if is_one and other.ndim > 0 else x


def broadcasting(node: Node) -> tuple[Tensor, Tensor]:
    """Both operands; before version 7 the second one's axes may lie at `axis` of the first. One
    known number becomes a scalar, which passes and kernels look for."""
    a, b = node.x(0), node.x(1)
    a = _scalar_beside(a, b)
    b = _scalar_beside(b, a)
    if node.version < 7 and "axis" in node.given:
        behind = a.ndim - node.axis() - b.ndim
        b = ops.reshape(b, (*b.shape, *[1] * behind))
    return a, b


@operator("Add", "Sub", "Mul")
def arithmetic(node: Node) -> Tensor:
    function = {"Add": ops.add, "Sub": ops.subtract, "Mul": ops.multiply}[node.op]
    return function(*broadcasting(node))


def truncated(a: Tensor, b: Tensor) -> Tensor:
    """The quotient of integers, rounded towards 0."""
    quotient = ops.floor_divide(a, b)
    if kind_of(a.dtype) == "uint":
        return quotient
    inexact = ops.not_equal(ops.remainder(a, b), 0)
    negative = ops.logical_xor(ops.less(a, 0), ops.less(b, 0))
    return quotient + ops.logical_and(inexact, negative).astype(a.dtype)


@operator("Div")
def divide(node: Node) -> Tensor:
    a, b = broadcasting(node)
    return truncated(a, b) if kind_of(a.dtype) in ("int", "uint") else ops.divide(a, b)


@operator("Mod")
def modulo(node: Node) -> Tensor:
    a, b = node.x(0), node.x(1)
    found = composite.fmod(a, b) if node.attr("fmod") else ops.remainder(a, b)
    return found.astype(a.dtype)


def _is_number(x: Tensor, number: float) -> bool:
    return not x.is_recorded and x.size == 1 and float(x.numpy().reshape(())) == number


@operator("Pow")
def power(node: Node) -> Tensor:
    """In the wider of both types where the base is an integer; the base's type comes out."""
    a, b = node.x(0), node.x(1)
    if kind_of(a.dtype) == "float" and _is_number(b, 2.0) and b.ndim <= a.ndim:
        return composite.square(a)
    if kind_of(a.dtype) == "float":
        return ops.pow(a, b.astype(a.dtype))
    if kind_of(b.dtype) == "float":
        return ops.pow(a.astype("float64"), b.astype("float64")).astype(a.dtype)
    return ops.pow(a, b.astype(a.dtype))


def _folded(name: str, function: Callable[[Tensor, Tensor], Tensor]) -> None:
    operator(name)(lambda node: functools.reduce(function, node.all()))


_folded("Max", ops.maximum)
_folded("Min", ops.minimum)
_folded("Sum", ops.add)


@operator("Mean")
def mean(node: Node) -> Tensor:
    return functools.reduce(ops.add, node.all()) / len(node.inputs)


@operator("Clip")
def clip(node: Node) -> Tensor:
    """The lower limit first, so that the upper one wins where they cross."""
    x = node.x()
    if node.version < 11:
        low: Any = node.attr("min") if "min" in node.given else None
        high: Any = node.attr("max") if "max" in node.given else None
    else:
        low, high = node.optional(1), node.optional(2)
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@operator("LeakyRelu")
def leaky_relu(node: Node) -> Tensor:
    return functional.leaky_relu(node.x(), node.attr("alpha"))


@operator("PRelu")
def prelu(node: Node) -> Tensor:
    """Before version 7 the slope is of each channel."""
    x, slope = node.x(0), node.x(1)
    if node.version < 7 and slope.ndim == 1:
        slope = ops.reshape(slope, (-1, *[1] * (x.ndim - 2)))
    return ops.where(ops.less(x, 0), x * slope, x)


@operator("Elu")
def elu(node: Node) -> Tensor:
    return _exponential(node.x(), node.attr("alpha"), 1.0)


@operator("Celu")
def celu(node: Node) -> Tensor:
    return _exponential(node.x(), node.attr("alpha"), node.attr("alpha"))


@operator("Selu")
def selu(node: Node) -> Tensor:
    gamma: float = node.attr("gamma")
    return _exponential(node.x(), node.attr("alpha"), 1.0) * gamma


def _exponential(x: Tensor, alpha: float, scale: float) -> Tensor:
    """x where it is positive, else alpha * (exp(x / scale) - 1)."""
    negative = ops.minimum(x, 0)
    return ops.where(ops.less(x, 0), ops.expm1(negative / scale) * alpha, x)


@operator("ThresholdedRelu")
def thresholded_relu(node: Node) -> Tensor:
    x = node.x()
    return ops.where(ops.greater(x, node.attr("alpha")), x, 0)


@operator("HardSigmoid")
def hard_sigmoid(node: Node) -> Tensor:
    return composite.clip(node.x() * node.attr("alpha") + node.attr("beta"), 0, 1)


@operator("Swish")
def swish(node: Node) -> Tensor:
    x = node.x()
    return x * composite.sigmoid(x * node.attr("alpha", 1.0))


@operator("Gelu")
def gelu(node: Node) -> Tensor:
    return composite.gelu(node.x(), node.attr("approximate", "none"))


@operator("Shrink")
def shrink(node: Node) -> Tensor:
    x, edge, bias = node.x(), node.attr("lambd"), node.attr("bias")
    outside = ops.where(ops.greater(x, edge), x - bias, composite.zeros_like(x))
    return ops.where(ops.less(x, -edge), x + bias, outside)


@operator("IsInf")
def is_inf(node: Node) -> Tensor:
    x = node.x()
    found = composite.isinf(x)
    if not node.attr("detect_negative", 1):
        found = ops.logical_and(found, ops.greater(x, 0))
    if not node.attr("detect_positive", 1):
        found = ops.logical_and(found, ops.less(x, 0))
    return found


@operator("BitShift")
def bit_shift(node: Node) -> Tensor:
    left = node.attr("direction") == "LEFT"
    function = ops.bitwise_left_shift if left else ops.bitwise_right_shift
    return function(node.x(0), node.x(1))


# Types.


@operator("Cast")
def cast(node: Node) -> Value:
    return _cast(node, node.data_type("to"))


@operator("CastLike")
def cast_like(node: Node) -> Value:
    return _cast(node, node.dtype(1))


def _cast(node: Node, dtype: DType) -> Value:
    return node.x().astype(dtype)


@operator("BitCast")
def bit_cast(node: Node) -> Tensor:
    x, dtype = node.x(), node.data_type("to")
    if x.dtype.kind == "b" and dtype.kind in "iu" and dtype.itemsize == 1:
        return x.astype(dtype)
    if "b" in (x.dtype.kind, dtype.kind):
        raise UnsupportedError(f"unsupported: the bits of {x.dtype} as {dtype}")
    return ops.bitcast(x, dtype=dtype)
