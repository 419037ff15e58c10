"""Composite functions of neural networks, named as torch's; each states its steps, which are its
meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.pointwise_arithmetic import add, divide, maximum, multiply, negative, subtract
from ingot.ops.pointwise_math import erf, exp, log, rsqrt, tanh
from ingot.ops.reduction import max, sum
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .operands import floating
from .statistics import mean

__all__ = [
    "batch_norm",
    "gelu",
    "layer_norm",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
]


@composite
def relu(x: TensorLike) -> Tensor:
    """max(x, 0).

    x: real[...] -> the same. NaN stays; -0.0 gives 0.0.

    >>> import ingot
    >>> ingot.relu(ingot.tensor([-1.0, 2.0]))
    Tensor([0., 2.], dtype=float32)
    """
    return maximum(x, 0)


@composite
def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x)).

    x: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.sigmoid(ingot.tensor([0.0]))
    Tensor([0.5], dtype=float32)
    """
    return divide(1, add(exp(negative(floating("sigmoid", x))), 1))


@composite
def silu(x: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish.

    x: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.silu(ingot.tensor([0.0]))
    Tensor([0.], dtype=float32)
    """
    return multiply(x, sigmoid(x))


@composite
def gelu(x: TensorLike, approximate: str = "none") -> Tensor:
    """The Gaussian error linear unit (Hendrycks and Gimpel, 2016).

    "none": x / 2 * (1 + erf(x / sqrt(2))); "tanh":
    x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))).
    x: float[...] -> the same (integers give float32). Raises ArgumentError for another
    `approximate`.

    >>> import ingot
    >>> ingot.gelu(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.8413447], dtype=float32)
    """
    x = floating("gelu", x)
    half = multiply(x, 0.5)
    if approximate == "none":
        return multiply(half, add(erf(multiply(x, math.sqrt(0.5))), 1))
    if approximate != "tanh":
        raise ArgumentError(
            f"gelu: wrong approximate: got {approximate!r}, expected 'none' or 'tanh'"
        )
    cube = multiply(multiply(multiply(x, x), x), 0.044715)
    return multiply(half, add(tanh(multiply(add(x, cube), math.sqrt(2 / math.pi))), 1))


@composite
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """e / sum(e) along an axis, where e = exp(x - max(x)).

    x: float[...] -> the same (integers give float32). NaN where a row is all -inf or has a NaN.
    Raises ArgumentError for an axis out of range, ShapeError for one that may be empty.

    >>> import ingot
    >>> ingot.softmax(ingot.tensor([[0.0, 0.0]]))
    Tensor([[0.5, 0.5]], dtype=float32)
    """
    x = floating("softmax", x)
    over = one_axis("softmax", axis, x.ndim)
    e = exp(subtract(x, max(x, over, keepdims=True)))
    return divide(e, sum(e, over, keepdims=True))


@composite
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """s - log(sum(exp(s))) along an axis, where s = x - max(x).

    x: float[...] -> the same (integers give float32). NaN where a row is all -inf or has a NaN.
    Raises ArgumentError for an axis out of range, ShapeError for one that may be empty.

    >>> import ingot
    >>> ingot.log_softmax(ingot.tensor([[0.0, 0.0]]))
    Tensor([[-0.6931472, -0.6931472]], dtype=float32)
    """
    x = floating("log_softmax", x)
    over = one_axis("log_softmax", axis, x.ndim)
    shifted = subtract(x, max(x, over, keepdims=True))
    return subtract(shifted, log(sum(exp(shifted), over, keepdims=True)))


@composite
def layer_norm(
    x: TensorLike,
    normalized_shape: int | Sequence[SizeLike],
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """c * rsqrt(mean(c * c) + eps) * weight + bias over the last axes, where c = x - mean(x).

    x: float[..., *normalized_shape], weight, bias: float[*normalized_shape] -> the same as x.
    Raises ShapeError where the last sizes of x differ from normalized_shape.

    >>> import ingot
    >>> ingot.layer_norm(ingot.tensor([[-1.0, 1.0]]), 2, eps=0.0)
    Tensor([[-1.,  1.]], dtype=float32)
    """
    x = floating("layer_norm", x)
    given = normalized_shape
    wanted = tuple(given) if isinstance(given, Sequence) else (given,)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise ShapeError(
            f"layer_norm: last sizes differ: got {_text(x.shape)}, expected [..., "
            f"{_text(wanted)[1:]}"
        )
    axes = list(range(x.ndim - len(wanted), x.ndim))
    centered = subtract(x, mean(x, axes, keepdims=True))
    variance = mean(multiply(centered, centered), axes, keepdims=True)
    result = multiply(centered, rsqrt(add(variance, eps)))
    if weight is not None:
        result = multiply(result, weight)
    return result if bias is None else add(result, bias)


def _text(shape: Sequence[SizeLike]) -> str:
    return "[" + ",".join(str(n) for n in shape) + "]"


@composite
def batch_norm(
    x: TensorLike,
    mean: TensorLike,
    var: TensorLike,
    weight: TensorLike,
    bias: TensorLike,
    eps: float = 1e-5,
) -> Tensor:
    """x * s + t for each channel, where s = weight * rsqrt(var + eps), t = bias - mean * s.

    The evaluation form: mean and var are given, not computed. x: float[n, c, ...], the others:
    float[c] -> the same as x. Raises ArgumentError where x has no channel axis, ShapeError for
    other sizes.

    >>> import ingot
    >>> one, zero = ingot.ones(1), ingot.zeros(1)
    >>> ingot.batch_norm(ingot.tensor([[3.0], [5.0]]), zero, one, one, zero, eps=0.0)
    Tensor([[3.],
            [5.]], dtype=float32)
    """
    x = as_tensor("batch_norm", x)
    if x.ndim < 2:
        raise ArgumentError(f"batch_norm: wrong rank: got {x.ndim}, expected [n, c, ...]")
    scale = multiply(weight, rsqrt(add(var, eps)))
    shift = subtract(bias, multiply(mean, scale))
    channels = (x.shape[1], *([1] * (x.ndim - 2)))
    return add(multiply(x, scale.reshape(channels)), shift.reshape(channels))
