"""Powers of 2, logarithms of bases 2 and 10, and the forms that are exact near 0 and 1.

Special values as C99 says. The runtime has its own functions, at most 1 unit in the last place off
(docs/numerics.md).
"""

from __future__ import annotations

import math

import numpy as np

from ingot.bounds import ulps
from ingot.dtypes import Array
from ingot.errors import DTypeError
from ingot.op import WrongCall, op, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import FLOATS, unary

__all__ = [
    "erfc",
    "exp2",
    "expm1",
    "log1p",
    "log2",
    "log10",
]


def _no_complex() -> list[WrongCall]:
    return [wrong(DTypeError, "c64", np.asarray([1j], np.complex64))]


def _erfc(a: Array) -> Array:
    # The C library's erfc, element by element: at most 1 unit in the last place off in float64.
    return np.asarray(np.vectorize(math.erfc, otypes=[np.float64])(a))


@op(onnx=None, bound=ulps(1, 4))
def erfc(a: TensorLike) -> Tensor:
    """The complementary error function 1 - erf(a), without cancellation.

    a: float[...] -> the same (integers give float32). 2 and 0 at the infinities.

    >>> import ingot
    >>> ingot.erfc(ingot.tensor([0.0, 1.0]))
    Tensor([1.       , 0.1572992], dtype=float32)
    """
    return erfc.bind(a)


erfc.reference(_erfc)
erfc.samples(lambda rng: unary(rng, FLOATS))
erfc.errors(_no_complex)
erfc.vjp(lambda g, _, a: g * (call("exp", -a * a) * (-2 / math.sqrt(math.pi))))


@op(onnx=None, bound=ulps(1, 4))
def exp2(a: TensorLike) -> Tensor:
    """2 to the power of a: exact at integers.

    a: float[...] -> the same (integers give float32). inf where it overflows, 0 at -inf.

    >>> import ingot
    >>> ingot.exp2(ingot.tensor([0.0, 3.0, 0.5]))
    Tensor([1.       , 8.       , 1.4142135], dtype=float32)
    """
    return exp2.bind(a)


exp2.reference(np.exp2)
exp2.samples(lambda rng: unary(rng, FLOATS))
exp2.errors(_no_complex)
exp2.vjp(lambda g, y, a: g * (y * math.log(2)))


@op(onnx=None, bound=ulps(1, 4))
def expm1(a: TensorLike) -> Tensor:
    """exp(a) - 1, without cancellation near 0.

    a: float[...] -> the same (integers give float32). -1 at -inf; -0.0 stays.

    >>> import ingot
    >>> ingot.expm1(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 1.7182819], dtype=float32)
    """
    return expm1.bind(a)


expm1.reference(np.expm1)
expm1.samples(lambda rng: unary(rng, FLOATS))
expm1.errors(_no_complex)
expm1.vjp(lambda g, _, a: g * call("exp", a))  # y + 1 would lose the digits of small slopes


@op(onnx=None, bound=ulps(1, 4))
def log10(a: TensorLike) -> Tensor:
    """The logarithm of base 10.

    a: float[...] -> the same (integers give float32). -inf at 0, NaN below.

    >>> import ingot
    >>> ingot.log10(ingot.tensor([1.0, 1000.0]))
    Tensor([0., 3.], dtype=float32)
    """
    return log10.bind(a)


log10.reference(np.log10)
log10.samples(lambda rng: unary(rng, FLOATS))
log10.errors(_no_complex)
log10.vjp(lambda g, _, a: g / (a * math.log(10)))


@op(onnx=None, bound=ulps(1, 4))
def log1p(a: TensorLike) -> Tensor:
    """log(1 + a), without cancellation near 0.

    a: float[...] -> the same (integers give float32). -inf at -1, NaN below; -0.0 stays.

    >>> import ingot
    >>> ingot.log1p(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.6931472], dtype=float32)
    """
    return log1p.bind(a)


log1p.reference(np.log1p)
log1p.samples(lambda rng: unary(rng, FLOATS))
log1p.errors(_no_complex)
log1p.vjp(lambda g, _, a: g / (a + 1))


@op(onnx=None, bound=ulps(1, 4))
def log2(a: TensorLike) -> Tensor:
    """The logarithm of base 2: exact at powers of 2.

    a: float[...] -> the same (integers give float32). -inf at 0, NaN below.

    >>> import ingot
    >>> ingot.log2(ingot.tensor([1.0, 8.0]))
    Tensor([0., 3.], dtype=float32)
    """
    return log2.bind(a)


log2.reference(np.log2)
log2.samples(lambda rng: unary(rng, FLOATS))
log2.errors(_no_complex)
log2.vjp(lambda g, _, a: g / (a * math.log(2)))
