"""Tangent and the inverse trigonometric functions, in radians.

Special values as C99 says. The runtime has its own functions, at most 1 unit in the last place off
(docs/numerics.md).
"""

from __future__ import annotations

import numpy as np

from ingot.bounds import ulps
from ingot.errors import DTypeError, ShapeError
from ingot.op import WrongCall, op, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import FLOATS, binary, unary

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "tan",
]


def _no_complex() -> list[WrongCall]:
    return [wrong(DTypeError, "c64", np.asarray([1j], np.complex64))]


@op(onnx="Acos", bound=ulps(1, 4))
def acos(a: TensorLike) -> Tensor:
    """The angle in [0, pi] whose cosine is a.

    a: float[...] -> the same (integers give float32). NaN outside of -1..1.

    >>> import ingot
    >>> ingot.acos(ingot.tensor([1.0, 0.0]))
    Tensor([0.       , 1.5707964], dtype=float32)
    """
    return acos.bind(a)


acos.reference(np.arccos)
acos.samples(lambda rng: unary(rng, FLOATS))
acos.errors(_no_complex)
acos.vjp(lambda g, _, a: -g * call("rsqrt", (1 - a) * (1 + a)))


@op(onnx="Asin", bound=ulps(1, 4))
def asin(a: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is a.

    a: float[...] -> the same (integers give float32). NaN outside of -1..1.

    >>> import ingot
    >>> ingot.asin(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 1.5707964], dtype=float32)
    """
    return asin.bind(a)


asin.reference(np.arcsin)
asin.samples(lambda rng: unary(rng, FLOATS))
asin.errors(_no_complex)
asin.vjp(lambda g, _, a: g * call("rsqrt", (1 - a) * (1 + a)))


@op(onnx="Atan", bound=ulps(1, 4))
def atan(a: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose tangent is a.

    a: float[...] -> the same (integers give float32). -pi/2 and pi/2 at the infinities.

    >>> import ingot
    >>> ingot.atan(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.7853982], dtype=float32)
    """
    return atan.bind(a)


atan.reference(np.arctan)
atan.samples(lambda rng: unary(rng, FLOATS))
atan.errors(_no_complex)
atan.vjp(lambda g, _, a: g / (1 + a * a))


@op(onnx=None, bound=ulps(1, 4))
def atan2(a: TensorLike, b: TensorLike) -> Tensor:
    """The angle in [-pi, pi] of the point with ordinate a and abscissa b.

    a, b: float[...], promoted and broadcast -> the same (integers give float32). Zeros keep their
    signs: atan2(-0.0, -1.0) is -pi; two infinities count as equal.

    >>> import ingot
    >>> ingot.atan2(ingot.tensor([1.0, 0.0]), ingot.tensor([1.0, -1.0]))
    Tensor([0.7853982, 3.1415927], dtype=float32)
    """
    return atan2.bind(a, b)


atan2.reference(np.arctan2)
atan2.samples(lambda rng: binary(rng, FLOATS))
atan2.errors(lambda: [wrong(ShapeError, "3", np.zeros(2, np.float32), np.zeros(3, np.float32))])
atan2.vjp(
    lambda g, _, a, b: g * (b / _square_of_distance(a, b)),
    lambda g, _, a, b: g * (-a / _square_of_distance(a, b)),
)


def _square_of_distance(a: Tensor, b: Tensor) -> Tensor:
    """a * a + b * b, and 1 at the origin, where no direction counts."""
    square = a * a + b * b
    return call("where", square == 0, call("ones_like", square), square)


@op(onnx="Tan", bound=ulps(1, 4))
def tan(a: TensorLike) -> Tensor:
    """The tangent of an angle.

    a: float[...] -> the same (integers give float32). NaN for infinities.

    >>> import ingot
    >>> ingot.tan(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 1.5574077], dtype=float32)
    """
    return tan.bind(a)


tan.reference(np.tan)
tan.samples(lambda rng: unary(rng, FLOATS))
tan.errors(_no_complex)
tan.vjp(lambda g, y, a: g * (1 + y * y))
