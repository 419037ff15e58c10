"""Quantization: numbers as scaled integers."""

from __future__ import annotations

import numpy as np

from ingot import composite, ops
from ingot.dtypes import DType
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, one_axis
from ingot.onnx.registry import operator
from ingot.tensor import Tensor

from .products import convolution
from .windows import Windows


def _spread(node: Node, scale: Tensor, x: Tensor) -> Tensor:
    """A scale or zero point against x: one number, one for each position of an axis, or one for
    each block along it."""
    if scale.ndim == 0 or (
        scale.ndim == 1 and scale.shape[0] == 1 and not node.attr("block_size", 0)
    ):
        return ops.reshape(scale, ())
    axis = one_axis(node.attr("axis", 1), x.ndim)
    block = node.attr("block_size", 0)
    if block:
        wide = composite.repeat(scale, block, axis=axis)
        return composite.narrow(wide, axis, 0, x.shape[axis])
    if scale.ndim != 1:
        raise FileError(f"a scale of shape {list(scale.shape)}")
    return ops.reshape(scale, [-1 if i == axis else 1 for i in range(x.ndim)])


def _range_of(dtype: DType) -> tuple[int, int]:
    if dtype.kind not in "iu":
        raise UnsupportedError(f"unsupported: quantization to {dtype}")
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def quantized(x: Tensor, scale: Tensor, zero: Tensor | None, dtype: DType) -> Tensor:
    """round(x / scale) + zero, kept in the range of dtype."""
    rounded = ops.round(x / scale)
    shifted = rounded if zero is None else rounded + zero.astype(x.dtype)
    return composite.clip(shifted, *_range_of(dtype)).astype(dtype)


def dequantized(x: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
    """(x - zero) * scale, in the type of the scale."""
    wide = x.astype("int32")
    wide = wide if zero is None else wide - zero.astype("int32")
    return wide.astype(scale.dtype) * scale


@operator("QuantizeLinear")
def quantize_linear(node: Node) -> Tensor:
    x, scale, zero = node.x(0), node.x(1), node.optional(2)
    default = zero.dtype if zero is not None else np.dtype(np.uint8)
    dtype = node.data_type("output_dtype", default)
    if node.attr("precision", 0):
        x = x.astype(node.data_type("precision"))
    elif x.dtype.kind != "f" or x.dtype != scale.dtype:
        x = x.astype(scale.dtype)
    at_zero = None if zero is None else _spread(node, zero, x)
    return quantized(x, _spread(node, scale, x).astype(x.dtype), at_zero, dtype)


@operator("DequantizeLinear")
def dequantize_linear(node: Node) -> Tensor:
    x, scale, zero = node.x(0), node.x(1), node.optional(2)
    if x.dtype.kind not in "iu":
        raise UnsupportedError(f"unsupported: quantization from {x.dtype}")
    at_zero = None if zero is None else _spread(node, zero, x)
    found = dequantized(x, _spread(node, scale, x), at_zero)
    return found.astype(node.data_type("output_dtype", scale.dtype))


def _shifted(x: Tensor, zero: Tensor | None, axis: int | None) -> Tensor:
    """x - zero in int32; a vector of zero points goes along an axis."""
    wide = x.astype("int32")
    if zero is None:
        return wide
    zero = zero.astype("int32")
    if zero.ndim == 1 and axis is not None and zero.shape[0] != 1:
        zero = ops.reshape(zero, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    return wide - (ops.reshape(zero, ()) if zero.ndim == 1 else zero)


@operator("MatMulInteger")
def matmul_integer(node: Node) -> Tensor:
    a = _shifted(node.x(0), node.optional(2), -2)
    return ops.matmul(a, _shifted(node.x(1), node.optional(3), -1))


@operator("QLinearMatMul")
def qlinear_matmul(node: Node) -> Tensor:
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = node.all()
    product = ops.matmul(_shifted(a, a_zero, -2), _shifted(b, b_zero, -1))
    wide = _row(a_scale, -2, product) * _row(b_scale, -1, product)
    y = product.astype(wide.dtype) * wide
    return quantized(y, _row(scale, -1, y), _row(zero, -1, y), zero.dtype)


def _row(scale: Tensor, axis: int, x: Tensor) -> Tensor:
    """A scalar, or one number for each row or column."""
    if scale.ndim != 1 or (isinstance(scale.shape[0], int) and scale.shape[0] == 1):
        return ops.reshape(scale, ()) if scale.ndim <= 1 else scale
    return ops.reshape(scale, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _integer_convolution(node: Node, x: Tensor, w: Tensor) -> Tensor:
    """Of integers, by way of float64, which holds their products and sums exactly."""
    windows = Windows.of(node, w.shape[2:])
    y = convolution(x.astype("float64"), w.astype("float64"), windows, node.attr("group", 1))
    return y.astype("int32")


@operator("ConvInteger")
def conv_integer(node: Node) -> Tensor:
    x = _shifted(node.x(0), node.optional(2), None)
    return _integer_convolution(node, x, _shifted(node.x(1), node.optional(3), 0))


@operator("QLinearConv")
def qlinear_conv(node: Node) -> Tensor:
    x, x_scale, x_zero, w, w_scale, w_zero, scale, zero = (node.x(i) for i in range(8))
    total = _integer_convolution(node, _shifted(x, x_zero, None), _shifted(w, w_zero, 0))
    if node.has(8):
        total = total + _channel(node.x(8), total.ndim)
    wide = ops.reshape(x_scale, ()) * _channel(w_scale, total.ndim)
    y = total.astype(wide.dtype) * wide
    return quantized(y, ops.reshape(scale, ()), ops.reshape(zero, ()), zero.dtype)


def _channel(x: Tensor, rank: int) -> Tensor:
    return ops.reshape(x, (-1, *[1] * (rank - 2))) if x.ndim == 1 else x
