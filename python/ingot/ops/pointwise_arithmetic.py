"""Arithmetic, element by element: one record per row, in the order of their names.

References are total: integers wrap, x // 0 and x % 0 of integers are 0, NaN propagates.
"""

from __future__ import annotations

import numpy as np

from ingot.bounds import ROUNDED, ulps
from ingot.dtypes import Array, kind_of
from ingot.errors import DTypeError, ShapeError
from ingot.op import WrongCall, op, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call, no_slope
from .axes import as_tensor
from .samples import FLOATS, REALS, binary, unary

__all__ = [
    "abs",
    "add",
    "ceil",
    "divide",
    "floor",
    "floor_divide",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "pow",
    "remainder",
    "round",
    "sign",
    "subtract",
    "trunc",
]

_BOOLS = np.asarray([True, False])
_COMPLEX = np.asarray([1j, 2.0], np.complex64)


def _misfit() -> list[WrongCall]:
    return [wrong(ShapeError, "3", np.zeros(2, np.float32), np.zeros(3, np.float32))]


def _no_bools() -> list[WrongCall]:
    return [wrong(DTypeError, "bool", _BOOLS)]


def _no_complex() -> list[WrongCall]:
    return [wrong(DTypeError, "c64", _COMPLEX)]


def _winner(g: Tensor, a: Tensor, b: Tensor, lost: Tensor) -> Tensor:
    """g to the operand that was taken, half of it to each of two equal ones."""
    zero = call("zeros_like", g)
    return call("where", a == b, g * 0.5, call("where", lost, zero, g))


def _pow_base(g: Tensor, _y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    slope = g * (b * pow(a, b - 1))
    return call("where", b == 0, call("zeros_like", slope), slope)


def _pow_exponent(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    flat = call("logical_and", a == 0, b >= 0)  # 0 to any power but a negative one
    slope = g * (y * call("log", call("where", flat, call("ones_like", a), a)))
    return call("where", flat, call("zeros_like", slope), slope)


@op(onnx="Abs", bound=ROUNDED)
def abs(a: TensorLike) -> Tensor:
    """The absolute value.

    a: real[...] -> the same. The smallest integer wraps to itself; -0.0 gives 0.0; NaN stays NaN.

    >>> import ingot
    >>> ingot.abs(ingot.tensor([-2, 3]))
    Tensor([2, 3], dtype=int64)
    """
    return abs.bind(a)


abs.reference(np.abs)
abs.samples(lambda rng: unary(rng, REALS))
abs.errors(_no_bools)
abs.vjp(lambda g, _, a: g * call("sign", a))


@op(onnx="Add", bound=ROUNDED)
def add(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of two tensors.

    a, b: real[...], broadcast -> the same dtype. Integers wrap.

    >>> import ingot
    >>> ingot.add(ingot.tensor([1.0, 2.0]), 0.5)
    Tensor([1.5, 2.5], dtype=float32)
    """
    return add.bind(a, b)


add.reference(np.add)
add.samples(lambda rng: binary(rng, REALS))
add.errors(_misfit)
add.vjp(lambda g, _, a, b: g, lambda g, _, a, b: g)


@op(onnx="Ceil", bound=ROUNDED)
def ceil(a: TensorLike) -> Tensor:
    """The smallest whole number that is not less.

    a: float[...] -> the same (integers stay as they are). -0.5 gives -0.0.

    >>> import ingot
    >>> ingot.ceil(ingot.tensor([1.2, -1.2]))
    Tensor([ 2., -1.], dtype=float32)
    """
    a = as_tensor("ceil", a)
    return a if kind_of(a.dtype) in ("int", "uint") else ceil.bind(a)


ceil.reference(np.ceil)
ceil.samples(lambda rng: unary(rng, FLOATS))
ceil.errors(_no_complex)
ceil.vjp(no_slope)


@op(onnx="Div", bound=ROUNDED)
def divide(a: TensorLike, b: TensorLike) -> Tensor:
    """The quotient of two tensors.

    a, b: float[...], broadcast -> the same dtype; two integers give float32. x / 0 is inf or NaN.

    >>> import ingot
    >>> ingot.divide(ingot.tensor([1, 3]), 2)
    Tensor([0.5, 1.5], dtype=float32)
    """
    return divide.bind(a, b)


divide.reference(np.divide)
divide.samples(lambda rng: binary(rng, FLOATS))
divide.errors(_misfit)
divide.vjp(lambda g, _, a, b: g / b, lambda g, y, a, b: -g * (y / b))


@op(onnx="Floor", bound=ROUNDED)
def floor(a: TensorLike) -> Tensor:
    """The largest whole number that is not greater.

    a: float[...] -> the same (integers stay as they are).

    >>> import ingot
    >>> ingot.floor(ingot.tensor([1.7, -1.2]))
    Tensor([ 1., -2.], dtype=float32)
    """
    a = as_tensor("floor", a)
    return a if kind_of(a.dtype) in ("int", "uint") else floor.bind(a)


floor.reference(np.floor)
floor.samples(lambda rng: unary(rng, FLOATS))
floor.errors(_no_complex)
floor.vjp(no_slope)


@op(onnx=None, bound=ulps(2, 2))
def floor_divide(a: TensorLike, b: TensorLike) -> Tensor:
    """The quotient rounded toward minus infinity, as Python's //.

    a, b: real[...], broadcast -> the same dtype. Integers: x // 0 is 0.

    >>> import ingot
    >>> ingot.floor_divide(ingot.tensor([7, -7, 7]), ingot.tensor([2, 2, 0]))
    Tensor([ 3, -4,  0], dtype=int64)
    """
    return floor_divide.bind(a, b)


floor_divide.reference(np.floor_divide)
floor_divide.samples(lambda rng: binary(rng, REALS))
floor_divide.errors(_misfit)
floor_divide.vjp(no_slope, lambda _g, _y, _a, b: call("zeros_like", b))


@op(onnx="Max", bound=ROUNDED)
def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two elements.

    a, b: real[...], broadcast -> the same dtype. Also bool. NaN if either is NaN; of -0.0 and 0.0
    it is 0.0.

    >>> import ingot
    >>> ingot.maximum(ingot.tensor([-1.0, 2.0]), 0.0)
    Tensor([0., 2.], dtype=float32)
    """
    return maximum.bind(a, b)


@maximum.reference
def _maximum(a: Array, b: Array) -> Array:
    # On zeros of either sign the sum has the sign that the rule wants: -0 + +0 = +0.
    zeros = (a == 0) & (b == 0) if a.dtype.kind == "f" else np.False_
    return np.where(zeros, a + b, np.maximum(a, b))


maximum.samples(lambda rng: binary(rng, (*REALS, "bool")))
maximum.errors(_misfit)
maximum.vjp(lambda g, _, a, b: _winner(g, a, b, a < b), lambda g, _, a, b: _winner(g, a, b, b < a))


@op(onnx="Min", bound=ROUNDED)
def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two elements.

    a, b: real[...], broadcast -> the same dtype. Also bool. NaN if either is NaN; of -0.0 and 0.0
    it is -0.0.

    >>> import ingot
    >>> ingot.minimum(ingot.tensor([-1.0, 2.0]), 0.0)
    Tensor([-1.,  0.], dtype=float32)
    """
    return minimum.bind(a, b)


@minimum.reference
def _minimum(a: Array, b: Array) -> Array:
    if a.dtype.kind != "f":
        return np.asarray(np.minimum(a, b))
    return np.where((a == 0) & (b == 0), -(-a + -b), np.minimum(a, b))


minimum.samples(lambda rng: binary(rng, (*REALS, "bool")))
minimum.errors(_misfit)
minimum.vjp(lambda g, _, a, b: _winner(g, a, b, b < a), lambda g, _, a, b: _winner(g, a, b, a < b))


@op(onnx="Mul", bound=ROUNDED)
def multiply(a: TensorLike, b: TensorLike) -> Tensor:
    """The product of two tensors.

    a, b: real[...], broadcast -> the same dtype. Integers wrap.

    >>> import ingot
    >>> ingot.multiply(ingot.tensor([1, 2]), 3)
    Tensor([3, 6], dtype=int64)
    """
    return multiply.bind(a, b)


multiply.reference(np.multiply)
multiply.samples(lambda rng: binary(rng, REALS))
multiply.errors(_misfit)
multiply.vjp(lambda g, _, a, b: g * b, lambda g, _, a, b: g * a)


@op(onnx="Neg", bound=ROUNDED)
def negative(a: TensorLike) -> Tensor:
    """The negated element.

    a: real[...] -> the same. The smallest integer wraps to itself.

    >>> import ingot
    >>> ingot.negative(ingot.tensor([1, -2]))
    Tensor([-1,  2], dtype=int64)
    """
    return negative.bind(a)


negative.reference(np.negative)
negative.samples(lambda rng: unary(rng, REALS))
negative.errors(_no_bools)
negative.vjp(lambda g, _, a: -g)


@op(onnx="Pow", bound=ulps(1, 4))
def pow(a: TensorLike, b: TensorLike) -> Tensor:
    """a to the power of b.

    a, b: real[...], broadcast -> the same dtype. Integers wrap; a negative exponent of
    integers gives the quotient 1 // a**-b truncated: 0, or 1 and -1 where a is; 0 to it gives 0.
    Floats as C99 says: pow(x, 0) is 1 even for NaN.

    >>> import ingot
    >>> ingot.pow(ingot.tensor([2.0, 3.0]), 2)
    Tensor([4., 9.], dtype=float32)
    """
    return pow.bind(a, b)


@pow.reference
def _pow(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        # One exponent 1/2 for all is a square root to NumPy, which differs at -inf and -0: an
        # exponent for each element is not.
        shape = np.broadcast_shapes(a.shape, b.shape)
        exponents = np.array(np.broadcast_to(b, shape)).reshape(-1)
        powers: Array = np.power(np.broadcast_to(a, shape).reshape(-1), exponents)
        return powers.reshape(shape)
    power = np.power(a, np.maximum(b, 0))
    odd = (b & 1) == 1
    inverse = np.where(a == 1, 1, np.where(a == -1, np.where(odd, -1, 1), 0))
    return np.where(b < 0, inverse, power).astype(a.dtype)


pow.samples(lambda rng: binary(rng, REALS))
pow.errors(_misfit)
pow.vjp(_pow_base, _pow_exponent)


@op(onnx="Mod", bound=ulps(1, 1))
def remainder(a: TensorLike, b: TensorLike) -> Tensor:
    """The remainder of floor division, as Python's %: it has the sign of b.

    a, b: real[...], broadcast -> the same dtype. Integers: x % 0 is 0; floats: NaN.

    >>> import ingot
    >>> ingot.remainder(ingot.tensor([7, -7, 7]), ingot.tensor([3, 3, 0]))
    Tensor([1, 2, 0], dtype=int64)
    """
    return remainder.bind(a, b)


remainder.reference(np.remainder)
remainder.samples(lambda rng: binary(rng, REALS))
remainder.errors(_misfit)
remainder.vjp(lambda g, _, a, b: g, lambda g, _, a, b: -g * floor(a / b))


@op(onnx="Round", bound=ROUNDED)
def round(a: TensorLike) -> Tensor:
    """The nearest whole number, halves to even.

    a: float[...] -> the same (integers stay as they are).

    >>> import ingot
    >>> ingot.round(ingot.tensor([0.5, 1.5, -1.2]))
    Tensor([ 0.,  2., -1.], dtype=float32)
    """
    a = as_tensor("round", a)
    return a if kind_of(a.dtype) in ("int", "uint") else round.bind(a)


round.reference(np.rint)
round.samples(lambda rng: unary(rng, FLOATS))
round.errors(_no_complex)
round.vjp(no_slope)


@op(onnx="Sign", bound=ROUNDED)
def sign(a: TensorLike) -> Tensor:
    """-1, 0 or 1 as the element is negative, zero or positive.

    a: real[...] -> the same. NaN stays NaN.

    >>> import ingot
    >>> ingot.sign(ingot.tensor([-3, 0, 5]))
    Tensor([-1,  0,  1], dtype=int64)
    """
    return sign.bind(a)


sign.reference(np.sign)
sign.samples(lambda rng: unary(rng, REALS))
sign.errors(_no_bools)
sign.vjp(no_slope)


@op(onnx="Sub", bound=ROUNDED)
def subtract(a: TensorLike, b: TensorLike) -> Tensor:
    """The difference of two tensors.

    a, b: real[...], broadcast -> the same dtype. Integers wrap.

    >>> import ingot
    >>> ingot.subtract(1, ingot.tensor([1, 3]))
    Tensor([ 0, -2], dtype=int64)
    """
    return subtract.bind(a, b)


subtract.reference(np.subtract)
subtract.samples(lambda rng: binary(rng, REALS))
subtract.errors(_misfit)
subtract.vjp(lambda g, _, a, b: g, lambda g, _, a, b: -g)


@op(onnx=None, bound=ROUNDED)
def trunc(a: TensorLike) -> Tensor:
    """The whole part: rounds toward zero.

    a: float[...] -> the same (integers stay as they are).

    >>> import ingot
    >>> ingot.trunc(ingot.tensor([1.7, -1.7]))
    Tensor([ 1., -1.], dtype=float32)
    """
    a = as_tensor("trunc", a)
    return a if kind_of(a.dtype) in ("int", "uint") else trunc.bind(a)


trunc.reference(np.trunc)
trunc.samples(lambda rng: unary(rng, FLOATS))
trunc.errors(_no_complex)
trunc.vjp(no_slope)
