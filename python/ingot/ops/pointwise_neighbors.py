"""Signs and neighbors of floats, which are moves of bits: copysign and nextafter."""

from __future__ import annotations

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import ShapeError
from ingot.op import WrongCall, op, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import FLOATS, binary

__all__ = [
    "copysign",
    "nextafter",
]


def _misfit() -> list[WrongCall]:
    return [wrong(ShapeError, "3", np.zeros(2, np.float32), np.zeros(3, np.float32))]


@op(onnx=None, bound=EQUAL)
def copysign(a: TensorLike, b: TensorLike) -> Tensor:
    """The magnitude of a with the sign of b, of zeros and NaNs too.

    a, b: float[...], promoted and broadcast -> the same (integers give float32).

    >>> import ingot
    >>> ingot.copysign(ingot.tensor([1.0, -2.0]), ingot.tensor([-0.0, 3.0]))
    Tensor([-1.,  2.], dtype=float32)
    """
    return copysign.bind(a, b)


copysign.reference(np.copysign)
copysign.samples(lambda rng: binary(rng, FLOATS))
copysign.errors(_misfit)


def _same_sign(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The sign that was put on a; 0 at 0."""
    return g * call("sign", y) * call("sign", a)


copysign.vjp(_same_sign, lambda _g, _y, _a, b: call("zeros_like", b))


@op(onnx=None, bound=EQUAL)
def nextafter(a: TensorLike, b: TensorLike) -> Tensor:
    """The next number of the dtype after a in the direction of b; b where they are equal.

    a, b: float[...], promoted and broadcast -> the same (integers give float32). NaN where either
    is; after the largest number comes infinity.

    >>> import ingot
    >>> ingot.nextafter(ingot.tensor([1.0]), 2.0) - 1
    Tensor([1.1920929e-07], dtype=float32)
    """
    return nextafter.bind(a, b)


@nextafter.reference
def _nextafter(a: Array, b: Array) -> Array:
    return np.where(a == b, b, np.nextafter(a, b))  # NumPy takes a of two equal float16


nextafter.samples(lambda rng: binary(rng, FLOATS))
nextafter.errors(_misfit)
nextafter.vjp(lambda g, _y, a, b: g, lambda _g, _y, _a, b: call("zeros_like", b))
