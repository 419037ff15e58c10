"""Normalization over axes, groups of channels, or with running statistics."""

from __future__ import annotations

from collections.abc import Sequence

from ingot.composite import finfo
from ingot.composite.calls import tagged
from ingot.composite.network import (
    affine,
    batch_norm,
    last_axes,
    layer_norm,
    per_channel,
    standardized,
)
from ingot.composite.operands import count_of, of_dtype, summable
from ingot.composite.statistics import mean
from ingot.errors import ArgumentError, ShapeError
from ingot.ops import add, multiply, rsqrt
from ingot.tensor import SizeLike, Tensor, TensorLike

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "rms_norm",
]


@tagged
def rms_norm(
    input: TensorLike,
    normalized_shape: int | Sequence[SizeLike],
    weight: TensorLike | None = None,
    eps: float | None = None,
) -> Tensor:
    """x * rsqrt(mean(x * x) + eps) * weight over the last axes.

    input: float[..., *normalized_shape], weight: float[*normalized_shape] -> the same as input.
    eps: by default the dtype's. Raises ShapeError where the last sizes differ from
    normalized_shape.

    >>> import ingot
    >>> ingot.nn.functional.rms_norm(ingot.tensor([[3.0, -3.0]]), 2)
    Tensor([[ 1., -1.]], dtype=float32)
    """
    x, dtype = summable("rms_norm", input)
    axes = last_axes("rms_norm", x, normalized_shape)
    small = finfo(dtype).eps if eps is None else eps
    square = mean(multiply(x, x), axes, keepdims=True)
    return of_dtype(affine(multiply(x, rsqrt(add(square, small))), weight, None), dtype)


@tagged
def group_norm(
    input: TensorLike,
    num_groups: int,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """c * rsqrt(mean(c * c) + eps) * weight + bias, where c = x - mean(x) and the means are taken
    over each of num_groups groups of channels.

    input: float[n, c, ...], weight, bias: float[c] -> the same as input. Raises ArgumentError
    where x has no channel axis, ShapeError unless num_groups divides c.

    >>> import ingot
    >>> x = ingot.tensor([[1.0, 3.0, 10.0, 30.0]])
    >>> ingot.nn.functional.group_norm(x, 2, eps=0.0)
    Tensor([[-1.,  1., -1.,  1.]], dtype=float32)
    """
    x, dtype = summable("group_norm", input)
    if x.ndim < 2:
        raise ArgumentError(f"group_norm: wrong rank: got {x.ndim}, expected [n, c, ...]")
    if num_groups < 1 or (x.shape[1] // num_groups) * num_groups != x.shape[1]:
        raise ShapeError(
            f"group_norm: groups are not equal: got {x.shape[1]} channels in {num_groups} groups"
        )
    each = count_of(x, range(1, x.ndim)) // num_groups
    grouped = x.reshape((x.shape[0], num_groups, each))
    y = standardized(grouped, [2], eps).reshape(x.shape)
    return of_dtype(affine(y, per_channel(x, weight), per_channel(x, bias)), dtype)


@tagged
def instance_norm(
    input: TensorLike,
    running_mean: TensorLike | None = None,
    running_var: TensorLike | None = None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """c * rsqrt(mean(c * c) + eps) * weight + bias, where c = x - mean(x) and the means are taken
    over each channel of each sample; or batch_norm's evaluation, without use_input_stats.

    input: float[n, c, ...], the others: float[c] -> the same as input. `momentum` has no effect:
    tensors do not change. Raises ArgumentError where x has no axes beside the channels.

    >>> import ingot
    >>> ingot.nn.functional.instance_norm(ingot.tensor([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    Tensor([[[-1.,  1.],
             [-1.,  1.]]], dtype=float32)
    """
    x, dtype = summable("instance_norm", input)
    if x.ndim < 3:
        raise ArgumentError(f"instance_norm: wrong rank: got {x.ndim}, expected [n, c, l, ...]")
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    y = standardized(x, range(2, x.ndim), eps)
    return of_dtype(affine(y, per_channel(x, weight), per_channel(x, bias)), dtype)
