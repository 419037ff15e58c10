"""Normalizations and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingot import composite, ops
from ingot.errors import UnsupportedError
from ingot.onnx.node import Node, known_size
from ingot.onnx.package import dtype_from
from ingot.onnx.registry import operator
from ingot.tensor import Tensor


def per_channel(x: Tensor, rank: int) -> Tensor:
    """[c] -> [c, 1, ...] for an operand of this rank."""
    return ops.reshape(x, (-1, *[1] * (rank - 2))) if rank > 1 else x


@operator("BatchNormalization")
def batch_normalization(node: Node) -> Any:
    x, eps = node.x(), node.attr("epsilon")
    scale, bias, mean, variance = (node.x(i) for i in range(1, 5))
    if not node.attr("training_mode", 0):
        if node.outputs > 1 and any(node.wanted[1:]):
            raise UnsupportedError("unsupported: outputs of training without training_mode")
        rate = (scale * ops.rsqrt(variance + eps)).astype(x.dtype)
        shift = (bias - mean * rate).astype(x.dtype)
        return x * per_channel(rate, x.ndim) + per_channel(shift, x.ndim)
    momentum = node.attr("momentum")
    axes = (0, *range(2, x.ndim))
    own_mean, own_variance = composite.mean(x, axes), composite.var(x, axes)
    rate = scale * ops.rsqrt(own_variance + eps)
    y = (x - per_channel(own_mean, x.ndim)) * per_channel(rate, x.ndim) + per_channel(bias, x.ndim)
    keep = 1 - momentum
    return (
        y.astype(x.dtype),
        mean * momentum + own_mean * keep,
        variance * momentum + own_variance * keep,
    )


@operator("InstanceNormalization")
def instance_normalization(node: Node) -> Tensor:
    x, scale, bias = node.x(0), node.x(1), node.x(2)
    y = _normalized(x, tuple(range(2, x.ndim)), node.attr("epsilon"))[0]
    return y * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


def _normalized(x: Tensor, axes: Sequence[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """(x with mean 0 and variance 1, mean, 1 / deviation)."""
    mean = composite.mean(x, axes, keepdims=True)
    centered = x - mean
    rate = ops.rsqrt(composite.mean(composite.square(centered), axes, keepdims=True) + eps)
    return centered * rate, mean, rate


@operator("LayerNormalization")
def layer_normalization(node: Node) -> tuple[Tensor, Tensor, Tensor]:
    x, scale, bias = node.x(0), node.x(1), node.optional(2)
    dtype = dtype_from(node.attr("stash_type", 1), "stash_type")
    axes = tuple(range(node.axis(otherwise=-1), x.ndim))
    y, mean, rate = _normalized(x.astype(dtype), axes, node.attr("epsilon"))
    y = y.astype(x.dtype) * scale
    return (y if bias is None else y + bias), mean, rate


@operator("RMSNormalization")
def rms_normalization(node: Node) -> Tensor:
    x, scale = node.x(0), node.x(1)
    dtype = dtype_from(node.attr("stash_type", 1), "stash_type")
    axes = tuple(range(node.axis(otherwise=-1), x.ndim))
    wide = x.astype(dtype)
    rate = ops.rsqrt(
        composite.mean(composite.square(wide), axes, keepdims=True) + node.attr("epsilon")
    )
    return ((wide * rate).astype(x.dtype) * scale).astype(scale.dtype)


@operator("GroupNormalization")
def group_normalization(node: Node) -> Tensor:
    """Since version 21 the scale is of each channel, before of each group."""
    x, scale, bias = node.x(0), node.x(1), node.x(2)
    groups = node.attr("num_groups")
    n, c = x.shape[:2]
    wide = (
        x.astype(dtype_from(node.attr("stash_type", 1), "stash_type")) if node.version >= 21 else x
    )
    rows = ops.reshape(wide, (n, groups, -1))
    y = ops.reshape(_normalized(rows, (2,), node.attr("epsilon"))[0], x.shape).astype(x.dtype)
    if node.version < 21:
        each = known_size(c, "the number of channels") // groups
        scale, bias = composite.repeat(scale, each), composite.repeat(bias, each)
    return y * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(node: Node) -> Tensor:
    x = node.x()
    axes = tuple(node.attr("axes", [0, 2, 3]))
    mean = composite.mean(x, axes, keepdims=True)
    spread = composite.mean(composite.square(x), axes, keepdims=True) - composite.square(mean)
    return (x - mean) / (ops.sqrt(spread) + 1e-9)


@operator("LpNormalization")
def lp_normalization(node: Node) -> Tensor:
    """Rows of norm 0 stay 0."""
    x, axis = node.x(), node.axis(otherwise=-1)
    if node.attr("p", 2) == 1:
        norm = ops.sum(ops.abs(x), axis, keepdims=True)
    else:
        norm = ops.sqrt(ops.sum(composite.square(x), axis, keepdims=True))
    is_zero = ops.equal(norm, 0)
    return ops.where(is_zero, 0, x / ops.where(is_zero, 1, norm))


@operator("LRN")
def local_response_normalization(node: Node) -> Tensor:
    x, size = node.x(), node.attr("size")
    low = (size - 1) // 2
    sides = [[0] * x.ndim, [0] * x.ndim]
    sides[0][1], sides[1][1] = low, size - 1 - low
    squares = ops.pad(composite.square(x), 0, low=sides[0], high=sides[1])
    total = composite.narrow(squares, 1, 0, x.shape[1])
    for i in range(1, size):
        total = total + composite.narrow(squares, 1, i, x.shape[1])
    scale = total * (node.attr("alpha") / size) + node.attr("bias")
    return x / ops.pow(scale, node.attr("beta"))


@operator("Dropout")
def dropout(node: Node) -> tuple[Tensor, Tensor]:
    """As in evaluation: x itself, and true everywhere."""
    x = node.x()
    training = node.version >= 12 and bool(node.number(2, False))
    if training and float(node.number(1, 0.5)) != 0.0:
        raise UnsupportedError("unsupported: dropout while training")
    return x, composite.ones(node.small(x.shape), dtype="bool")
