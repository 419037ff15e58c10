"""Composite functions of neural networks, named as torch's; each states its steps, which are its
meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import overload

from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.pointwise_arithmetic import add, divide, multiply, negative, subtract
from ingot.ops.pointwise_compare import greater_equal, less_equal, where
from ingot.ops.pointwise_math import erf, exp, log, rsqrt, tanh
from ingot.ops.reduction import max, sum
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .operands import floating, of_dtype, summable
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
def relu(input: TensorLike) -> Tensor:
    """0 where x <= 0, else x.

    input: real[...] -> the same. NaN stays; -0.0 gives 0.0; the derivative at 0 is 0.

    >>> import ingot
    >>> ingot.relu(ingot.tensor([-1.0, 2.0]))
    Tensor([0., 2.], dtype=float32)
    """
    return where(less_equal(input, 0), 0, input)


@composite
def sigmoid(input: TensorLike) -> Tensor:
    """1 / (1 + e) where x >= 0 and e / (1 + e) elsewhere, where e = exp(-x) or exp(x).

    Thus exp never overflows, neither here nor in the derivative.
    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.sigmoid(ingot.tensor([0.0]))
    Tensor([0.5], dtype=float32)
    """
    x = floating("sigmoid", input)
    positive = greater_equal(x, 0)
    e = exp(where(positive, negative(x), x))
    return divide(where(positive, 1, e), add(e, 1))


@composite
def silu(input: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.silu(ingot.tensor([0.0]))
    Tensor([0.], dtype=float32)
    """
    return multiply(input, sigmoid(input))


@composite
def gelu(input: TensorLike, approximate: str = "none") -> Tensor:
    """The Gaussian error linear unit (Hendrycks and Gimpel, 2016).

    "none": x / 2 * (1 + erf(x / sqrt(2))); "tanh":
    x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))).
    input: float[...] -> the same (integers give float32). Raises ArgumentError for another
    `approximate`.

    >>> import ingot
    >>> ingot.gelu(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.8413447], dtype=float32)
    """
    x, dtype = summable("gelu", input)
    half = multiply(x, 0.5)
    if approximate == "none":
        return of_dtype(multiply(half, add(erf(multiply(x, math.sqrt(0.5))), 1)), dtype)
    if approximate != "tanh":
        raise ArgumentError(
            f"gelu: wrong approximate: got {approximate!r}, expected 'none' or 'tanh'"
        )
    cube = multiply(multiply(multiply(x, x), x), 0.044715)
    curve = tanh(multiply(add(x, cube), math.sqrt(2 / math.pi)))
    return of_dtype(multiply(half, add(curve, 1)), dtype)


@composite
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """e / sum(e) along an axis, where e = exp(x - max(x)).

    x: float[...] -> the same (integers give float32). NaN where a row is all -inf or has a NaN.
    Raises ArgumentError for an axis out of range, ShapeError for a symbolic one that may be empty.

    >>> import ingot
    >>> ingot.softmax(ingot.tensor([[0.0, 0.0]]))
    Tensor([[0.5, 0.5]], dtype=float32)
    """
    x, dtype = summable("softmax", x)
    over = one_axis("softmax", axis, x.ndim)
    e = exp(_shifted(x, over))
    return of_dtype(divide(e, sum(e, over, keepdims=True)), dtype)


@composite
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """s - log(sum(exp(s))) along an axis, where s = x - max(x).

    x: float[...] -> the same (integers give float32). NaN where a row is all -inf or has a NaN.
    Raises ArgumentError for an axis out of range, ShapeError for a symbolic one that may be empty.

    >>> import ingot
    >>> ingot.log_softmax(ingot.tensor([[0.0, 0.0]]))
    Tensor([[-0.6931472, -0.6931472]], dtype=float32)
    """
    x, dtype = summable("log_softmax", x)
    over = one_axis("log_softmax", axis, x.ndim)
    shifted = _shifted(x, over)
    return of_dtype(subtract(shifted, log(sum(exp(shifted), over, keepdims=True))), dtype)


def _shifted(x: Tensor, axis: int) -> Tensor:
    """x - max(x). No gradient need pass through max: the results do not depend on the shift."""
    if x.shape[axis] == 0:
        return x
    return subtract(x, max(x.detach(), axis, keepdims=True))


@composite
def layer_norm(
    input: TensorLike,
    normalized_shape: int | Sequence[SizeLike],
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """c * rsqrt(mean(c * c) + eps) * weight + bias over the last axes, where c = x - mean(x).

    input: float[..., *normalized_shape], weight, bias: float[*normalized_shape] -> the same as
    input. Raises ShapeError where the last sizes differ from normalized_shape.

    >>> import ingot
    >>> ingot.layer_norm(ingot.tensor([[-1.0, 1.0]]), 2, eps=0.0)
    Tensor([[-1.,  1.]], dtype=float32)
    """
    x, dtype = summable("layer_norm", input)
    axes = last_axes("layer_norm", x, normalized_shape)
    return of_dtype(affine(standardized(x, axes, eps), weight, bias), dtype)


def last_axes(op: str, x: Tensor, normalized_shape: int | Sequence[SizeLike]) -> list[int]:
    """The axes of x that normalized_shape names. Raises ShapeError where the sizes differ."""
    given = normalized_shape
    wanted = tuple(given) if isinstance(given, Sequence) else (given,)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise ShapeError(
            f"{op}: last sizes differ: got {_text(x.shape)}, expected [..., {_text(wanted)[1:]}"
        )
    return list(range(x.ndim - len(wanted), x.ndim))


def standardized(x: Tensor, axes: Sequence[int], eps: float) -> Tensor:
    """c * rsqrt(mean(c * c) + eps) over axes, where c = x - mean(x)."""
    centered = subtract(x, mean(x, axes, keepdims=True))
    variance = mean(multiply(centered, centered), axes, keepdims=True)
    return multiply(centered, rsqrt(add(variance, eps)))


def affine(x: Tensor, weight: TensorLike | None, bias: TensorLike | None) -> Tensor:
    """x * weight + bias, as far as these are given."""
    result = x if weight is None else multiply(x, weight)
    return result if bias is None else add(result, bias)


def _text(shape: Sequence[SizeLike]) -> str:
    return "[" + ",".join(str(n) for n in shape) + "]"


@composite
def batch_norm(
    input: TensorLike,
    running_mean: TensorLike | None,
    running_var: TensorLike | None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Every channel scaled to mean 0 and variance 1, by given statistics or by its own.

    Evaluation: x * s + t, where s = weight * rsqrt(running_var + eps), t = bias - running_mean * s.
    Training: c * rsqrt(mean(c * c) + eps) * weight + bias over all axes but 1, where
    c = x - mean(x). input: float[n, c, ...], the others: float[c] -> the same as input. `momentum`
    has no effect: tensors do not change; `nn.BatchNorm2d` keeps the running statistics. Raises
    ArgumentError where x has no channel axis or evaluation no statistics, ShapeError for other
    sizes.

    >>> import ingot
    >>> one, zero = ingot.ones(1), ingot.zeros(1)
    >>> ingot.batch_norm(ingot.tensor([[3.0], [5.0]]), zero, one, one, zero, eps=0.0)
    Tensor([[3.],
            [5.]], dtype=float32)
    """
    del momentum
    x, dtype = summable("batch_norm", input)
    if x.shape == (0,):  # no samples at all, as torch takes it
        return x
    if x.ndim < 2:
        raise ArgumentError(f"batch_norm: wrong rank: got {x.ndim}, expected [n, c, ...]")
    if training:
        axes = [0, *range(2, x.ndim)]
        y = standardized(x, axes, eps)
        return of_dtype(affine(y, per_channel(x, weight), per_channel(x, bias)), dtype)
    if running_mean is None or running_var is None:
        raise ArgumentError(
            "batch_norm: no statistics: got None, expected running_mean and running_var, "
            "or training=True"
        )
    scale = rsqrt(add(running_var, eps))
    scale = scale if weight is None else multiply(weight, scale)
    shift = multiply(running_mean, scale)
    shift = negative(shift) if bias is None else subtract(bias, shift)
    return of_dtype(affine(x, per_channel(x, scale), per_channel(x, shift)), dtype)


@overload
def per_channel(x: Tensor, values: TensorLike) -> Tensor: ...
@overload
def per_channel(x: Tensor, values: None) -> None: ...
def per_channel(x: Tensor, values: TensorLike | None) -> Tensor | None:
    """float[c] shaped to be broadcast along axis 1 of x."""
    if values is None:
        return None
    return as_tensor("per_channel", values).reshape((x.shape[1], *([1] * (x.ndim - 2))))
