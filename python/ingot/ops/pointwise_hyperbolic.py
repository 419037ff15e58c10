"""Hyperbolic functions and their inverses; tanh stands in pointwise_math.

Special values as C99 says. The runtime has its own functions, at most 1 unit in the last place off
(docs/numerics.md).
"""

from __future__ import annotations

import numpy as np

from ingot.bounds import ulps
from ingot.errors import DTypeError
from ingot.op import WrongCall, op, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import FLOATS, unary

__all__ = [
    "acosh",
    "asinh",
    "atanh",
    "cosh",
    "sinh",
]


def _no_complex() -> list[WrongCall]:
    return [wrong(DTypeError, "c64", np.asarray([1j], np.complex64))]


@op(onnx="Acosh", bound=ulps(1, 4))
def acosh(a: TensorLike) -> Tensor:
    """The number in [0, inf) whose hyperbolic cosine is a.

    a: float[...] -> the same (integers give float32). NaN below 1.

    >>> import ingot
    >>> ingot.acosh(ingot.tensor([1.0, 2.0]))
    Tensor([0.      , 1.316958], dtype=float32)
    """
    return acosh.bind(a)


acosh.reference(np.arccosh)
acosh.samples(lambda rng: unary(rng, FLOATS))
acosh.errors(_no_complex)
acosh.vjp(lambda g, _, a: g * call("rsqrt", (a - 1) * (a + 1)))


@op(onnx="Asinh", bound=ulps(1, 4))
def asinh(a: TensorLike) -> Tensor:
    """The number whose hyperbolic sine is a.

    a: float[...] -> the same (integers give float32). -0.0 stays.

    >>> import ingot
    >>> ingot.asinh(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.8813736], dtype=float32)
    """
    return asinh.bind(a)


asinh.reference(np.arcsinh)
asinh.samples(lambda rng: unary(rng, FLOATS))
asinh.errors(_no_complex)
asinh.vjp(lambda g, _, a: g * call("rsqrt", a * a + 1))


@op(onnx="Atanh", bound=ulps(1, 4))
def atanh(a: TensorLike) -> Tensor:
    """The number whose hyperbolic tangent is a.

    a: float[...] -> the same (integers give float32). -inf and inf at -1 and 1, NaN beyond.

    >>> import ingot
    >>> ingot.atanh(ingot.tensor([0.0, 0.5]))
    Tensor([0.        , 0.54930615], dtype=float32)
    """
    return atanh.bind(a)


atanh.reference(np.arctanh)
atanh.samples(lambda rng: unary(rng, FLOATS))
atanh.errors(_no_complex)
atanh.vjp(lambda g, _, a: g / ((1 - a) * (1 + a)))


@op(onnx="Cosh", bound=ulps(1, 4))
def cosh(a: TensorLike) -> Tensor:
    """The hyperbolic cosine, (exp(a) + exp(-a)) / 2.

    a: float[...] -> the same (integers give float32). inf where it overflows.

    >>> import ingot
    >>> ingot.cosh(ingot.tensor([0.0, 1.0]))
    Tensor([1.       , 1.5430807], dtype=float32)
    """
    return cosh.bind(a)


cosh.reference(np.cosh)
cosh.samples(lambda rng: unary(rng, FLOATS))
cosh.errors(_no_complex)
cosh.vjp(lambda g, _, a: g * call("sinh", a))


@op(onnx="Sinh", bound=ulps(1, 4))
def sinh(a: TensorLike) -> Tensor:
    """The hyperbolic sine, (exp(a) - exp(-a)) / 2.

    a: float[...] -> the same (integers give float32). -0.0 stays; infinities where it overflows.

    >>> import ingot
    >>> ingot.sinh(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 1.1752012], dtype=float32)
    """
    return sinh.bind(a)


sinh.reference(np.sinh)
sinh.samples(lambda rng: unary(rng, FLOATS))
sinh.errors(_no_complex)
sinh.vjp(lambda g, _, a: g * call("cosh", a))
