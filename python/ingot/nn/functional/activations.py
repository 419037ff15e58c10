"""Activations. Their derivatives at the corners are torch's: one side's, never a mean of both."""

from __future__ import annotations

from ingot import composite, ops
from ingot.composite import full, split
from ingot.composite.calls import tagged
from ingot.composite.network import gelu, relu, sigmoid, silu
from ingot.composite.operands import floating
from ingot.dtypes import DTypeLike
from ingot.errors import ArgumentError
from ingot.ops import abs, add, divide, exp, expm1, log1p, multiply, tanh, where
from ingot.ops.axes import as_tensor, one_axis
from ingot.tensor import Tensor, TensorLike

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


@tagged
def hardtanh(input: TensorLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """min_val where x <= min_val, max_val where x >= max_val, else x.

    input: real[...] -> the same. The derivative at both limits is 0.

    >>> import ingot
    >>> ingot.nn.functional.hardtanh(ingot.tensor([-2.0, 0.5, 2.0]))
    Tensor([-1. ,  0.5,  1. ], dtype=float32)
    """
    x = as_tensor("hardtanh", input)
    low, high = (full((), limit, x.dtype) for limit in (min_val, max_val))
    return where(x <= low, low, where(x >= high, high, x))


@tagged
def relu6(input: TensorLike) -> Tensor:
    """hardtanh(x, 0, 6).

    input: real[...] -> the same.

    >>> import ingot
    >>> ingot.nn.functional.relu6(ingot.tensor([-2.0, 0.5, 8.0]))
    Tensor([0. , 0.5, 6. ], dtype=float32)
    """
    return hardtanh(input, 0.0, 6.0)


@tagged
def hardsigmoid(input: TensorLike) -> Tensor:
    """relu6(x + 3) / 6.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.hardsigmoid(ingot.tensor([-4.0, 0.0, 4.0]))
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    return divide(relu6(add(floating("hardsigmoid", input), 3)), 6)


@tagged
def hardswish(input: TensorLike) -> Tensor:
    """x * relu6(x + 3) / 6.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.hardswish(ingot.tensor([-4.0, 1.0, 4.0]))
    Tensor([-0.       ,  0.6666667,  4.       ], dtype=float32)
    """
    x = floating("hardswish", input)
    return divide(multiply(x, relu6(add(x, 3))), 6)


@tagged
def leaky_relu(input: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else x * negative_slope.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.leaky_relu(ingot.tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5,  2. ], dtype=float32)
    """
    x = floating("leaky_relu", input)
    return where(x > 0, x, multiply(x, negative_slope))


@tagged
def prelu(input: TensorLike, weight: TensorLike) -> Tensor:
    """x where x > 0, else x * weight.

    input: float[n, c, ...] or float[c], weight: float[c], float[1] or a scalar -> the same as
    input. Raises ShapeError where the channels differ.

    >>> import ingot
    >>> ingot.nn.functional.prelu(ingot.tensor([[-1.0, -1.0]]), ingot.tensor([0.5, 0.25]))
    Tensor([[-0.5 , -0.25]], dtype=float32)
    """
    x, slope = floating("prelu", input), as_tensor("prelu", weight)
    if slope.ndim == 1 and slope.shape[0] == 1:
        slope = slope.reshape(())
    if slope.ndim == 1:
        slope = slope.reshape((slope.shape[0], *([1] * (x.ndim - 2))))
    return where(x > 0, x, multiply(x, slope))


def _elu(x: Tensor, scale: float, alpha: float, rate: float) -> Tensor:
    """scale * x where x > 0, else scale * alpha * expm1(x * rate)."""
    positive = x > 0
    # Where x > 0 the curve is not taken: at 0 it and its derivative cannot overflow.
    curve = multiply(expm1(multiply(where(positive, 0, x), rate)), scale * alpha)
    return where(positive, x if scale == 1 else multiply(x, scale), curve)


@tagged
def elu(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha * expm1(x).

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.elu(ingot.tensor([-1.0, 2.0]))
    Tensor([-0.63212055,  2.        ], dtype=float32)
    """
    return _elu(floating("elu", input), 1.0, alpha, 1.0)


@tagged
def celu(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha * expm1(x / alpha).

    input: float[...] -> the same (integers give float32). Raises ArgumentError for alpha 0.

    >>> import ingot
    >>> ingot.nn.functional.celu(ingot.tensor([-100.0, 2.0]), 2.0)
    Tensor([-2.,  2.], dtype=float32)
    """
    if alpha == 0:
        raise ArgumentError("celu: wrong alpha: got 0, expected another number")
    return _elu(floating("celu", input), 1.0, alpha, 1.0 / alpha)


_SELU_ALPHA = 1.6732632423543772848170429916717  # Klambauer et al., 2017
_SELU_SCALE = 1.0507009873554804934193349852946


@tagged
def selu(input: TensorLike) -> Tensor:
    """scale * x where x > 0, else scale * alpha * expm1(x), with the constants of Klambauer et al.
    (2017), which keep mean 0 and variance 1.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.selu(ingot.tensor([-1.0, 2.0]))
    Tensor([-1.1113307,  2.101402 ], dtype=float32)
    """
    return _elu(floating("selu", input), _SELU_SCALE, _SELU_ALPHA, 1.0)


@tagged
def softplus(input: TensorLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """x where x * beta > threshold, else log1p(exp(x * beta)) / beta.

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.softplus(ingot.tensor([0.0, 30.0]))
    Tensor([ 0.6931472, 30.       ], dtype=float32)
    """
    x = floating("softplus", input)
    scaled = multiply(x, beta)
    linear = scaled > threshold
    curve = divide(log1p(exp(where(linear, 0, scaled))), beta)  # 0: there exp cannot overflow
    return where(linear, x, curve)


@tagged
def mish(input: TensorLike) -> Tensor:
    """x * tanh(softplus(x)).

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.mish(ingot.tensor([0.0, 30.0]))
    Tensor([ 0., 30.], dtype=float32)
    """
    x = floating("mish", input)
    return multiply(x, tanh(softplus(x)))


@tagged
def logsigmoid(input: TensorLike) -> Tensor:
    """n - log1p(exp(-|x|)), where n is x where x < 0, else 0: the logarithm of sigmoid(x).

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.logsigmoid(ingot.tensor([0.0, -100.0]))
    Tensor([  -0.6931472, -100.       ], dtype=float32)
    """
    x = floating("logsigmoid", input)
    below = x < 0
    return where(below, x, 0) - log1p(exp(where(below, x, -x)))


@tagged
def softsign(input: TensorLike) -> Tensor:
    """x / (1 + |x|).

    input: float[...] -> the same (integers give float32).

    >>> import ingot
    >>> ingot.nn.functional.softsign(ingot.tensor([-1.0, 3.0]))
    Tensor([-0.5 ,  0.75], dtype=float32)
    """
    x = floating("softsign", input)
    return divide(x, add(abs(x), 1))


@tagged
def glu(input: TensorLike, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the halves of x along an axis.

    input: float[..., 2 n, ...] -> float[..., n, ...]. Raises ShapeError for an odd size.

    >>> import ingot
    >>> ingot.nn.functional.glu(ingot.tensor([3.0, 0.0]))
    Tensor([1.5], dtype=float32)
    """
    x = floating("glu", input)
    a, b = split(x, 2, axis=one_axis("glu", dim, x.ndim))
    return multiply(a, sigmoid(b))


def softmax(input: TensorLike, dim: int = -1, dtype: DTypeLike = None) -> Tensor:
    """`ingot.softmax` under torch's argument names; `dtype` casts before.

    >>> import ingot
    >>> ingot.nn.functional.softmax(ingot.tensor([[0.0, 0.0]]), dim=1)
    Tensor([[0.5, 0.5]], dtype=float32)
    """
    x = as_tensor("softmax", input)
    return composite.softmax(x if dtype is None else ops.cast(x, dtype=dtype), dim)


def log_softmax(input: TensorLike, dim: int = -1, dtype: DTypeLike = None) -> Tensor:
    """`ingot.log_softmax` under torch's argument names; `dtype` casts before.

    >>> import ingot
    >>> ingot.nn.functional.log_softmax(ingot.tensor([[0.0, 0.0]]), dim=1)
    Tensor([[-0.6931472, -0.6931472]], dtype=float32)
    """
    x = as_tensor("log_softmax", input)
    return composite.log_softmax(x if dtype is None else ops.cast(x, dtype=dtype), dim)
