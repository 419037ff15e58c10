"""Comparisons, logic, bits and `where`, element by element.

Comparisons with NaN are false, but not_equal is true. Shifts by the width or more give 0 (to the
right: the sign).
"""

from __future__ import annotations

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import INTS, REALS, binary, draw, unary

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "where",
]

_ALL = (*REALS, "bool")
_BITS = (*INTS, np.bool_)
_HALVES = np.asarray([0.5, 1.5], np.float32)


def _misfit() -> list[WrongCall]:
    return [wrong(ShapeError, "3", np.zeros(2, np.float32), np.zeros(3, np.float32))]


def _no_floats() -> list[WrongCall]:
    return [wrong(DTypeError, "f32", _HALVES, _HALVES)]


def _no_float() -> list[WrongCall]:
    return [wrong(DTypeError, "f32", _HALVES)]


@op(onnx="BitwiseAnd", bound=EQUAL)
def bitwise_and(a: TensorLike, b: TensorLike) -> Tensor:
    """The bits that both have.

    a, b: int[...] or bool[...], broadcast -> the same dtype.

    >>> import ingot
    >>> ingot.bitwise_and(ingot.tensor([6, 3]), 2)
    Tensor([2, 2], dtype=int64)
    """
    return bitwise_and.bind(a, b)


bitwise_and.reference(np.bitwise_and)
bitwise_and.samples(lambda rng: binary(rng, _BITS))
bitwise_and.errors(_no_floats)
bitwise_and.nondifferentiable()


@op(onnx="BitwiseNot", bound=EQUAL)
def bitwise_invert(a: TensorLike) -> Tensor:
    """Every bit flipped; of a bool: not.

    a: int[...] or bool[...] -> the same.

    >>> import ingot
    >>> ingot.bitwise_invert(ingot.tensor([0, 5]))
    Tensor([-1, -6], dtype=int64)
    """
    return bitwise_invert.bind(a)


bitwise_invert.reference(np.bitwise_not)
bitwise_invert.samples(lambda rng: unary(rng, _BITS))
bitwise_invert.errors(_no_float)
bitwise_invert.nondifferentiable()


@op(onnx="BitShift", bound=EQUAL)
def bitwise_left_shift(a: TensorLike, b: TensorLike) -> Tensor:
    """a * 2**b: the bits moved up, zeros moved in.

    a, b: int[...], broadcast -> the same dtype. b outside 0..width-1 gives 0.

    >>> import ingot
    >>> ingot.bitwise_left_shift(ingot.tensor([1, 1]), ingot.tensor([3, 64]))
    Tensor([8, 0], dtype=int64)
    """
    return bitwise_left_shift.bind(a, b)


@bitwise_left_shift.reference
def _bitwise_left_shift(a: Array, b: Array) -> Array:
    inside = (b >= 0) & (b < 8 * a.dtype.itemsize)
    return np.where(inside, np.left_shift(a, np.where(inside, b, 0)), 0).astype(a.dtype)


bitwise_left_shift.samples(lambda rng: binary(rng, INTS))
bitwise_left_shift.errors(_no_floats)
bitwise_left_shift.nondifferentiable()


@op(onnx="BitwiseOr", bound=EQUAL)
def bitwise_or(a: TensorLike, b: TensorLike) -> Tensor:
    """The bits that either has.

    a, b: int[...] or bool[...], broadcast -> the same dtype.

    >>> import ingot
    >>> ingot.bitwise_or(ingot.tensor([6, 3]), 8)
    Tensor([14, 11], dtype=int64)
    """
    return bitwise_or.bind(a, b)


bitwise_or.reference(np.bitwise_or)
bitwise_or.samples(lambda rng: binary(rng, _BITS))
bitwise_or.errors(_no_floats)
bitwise_or.nondifferentiable()


@op(onnx="BitShift", bound=EQUAL)
def bitwise_right_shift(a: TensorLike, b: TensorLike) -> Tensor:
    """floor(a / 2**b): the bits moved down, the sign moved in.

    a, b: int[...], broadcast -> the same dtype. b outside 0..width-1 gives 0, or -1 where a < 0.

    >>> import ingot
    >>> ingot.bitwise_right_shift(ingot.tensor([8, -8]), ingot.tensor([2, 64]))
    Tensor([ 2, -1], dtype=int64)
    """
    return bitwise_right_shift.bind(a, b)


@bitwise_right_shift.reference
def _bitwise_right_shift(a: Array, b: Array) -> Array:
    inside = (b >= 0) & (b < 8 * a.dtype.itemsize)
    sign = np.where(a < 0, -1, 0)
    return np.where(inside, np.right_shift(a, np.where(inside, b, 0)), sign).astype(a.dtype)


bitwise_right_shift.samples(lambda rng: binary(rng, INTS))
bitwise_right_shift.errors(_no_floats)
bitwise_right_shift.nondifferentiable()


@op(onnx="BitwiseXor", bound=EQUAL)
def bitwise_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """The bits that one of both has.

    a, b: int[...] or bool[...], broadcast -> the same dtype.

    >>> import ingot
    >>> ingot.bitwise_xor(ingot.tensor([6, 3]), 2)
    Tensor([4, 1], dtype=int64)
    """
    return bitwise_xor.bind(a, b)


bitwise_xor.reference(np.bitwise_xor)
bitwise_xor.samples(lambda rng: binary(rng, _BITS))
bitwise_xor.errors(_no_floats)
bitwise_xor.nondifferentiable()


@op(onnx="Equal", bound=EQUAL)
def equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a == b.

    a, b: any dtype, broadcast -> bool[...]. False for NaN.

    >>> import ingot
    >>> ingot.equal(ingot.tensor([1, 2, 3]), 2)
    Tensor([False,  True, False], dtype=bool)
    """
    return equal.bind(a, b)


equal.reference(np.equal)
equal.samples(lambda rng: binary(rng, _ALL))
equal.errors(_misfit)
equal.nondifferentiable()


@op(onnx="Greater", bound=EQUAL)
def greater(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a > b.

    a, b: any real dtype or bool, broadcast -> bool[...]. False for NaN.

    >>> import ingot
    >>> ingot.greater(ingot.tensor([1, 2, 3]), 2)
    Tensor([False, False,  True], dtype=bool)
    """
    return greater.bind(a, b)


greater.reference(np.greater)
greater.samples(lambda rng: binary(rng, _ALL))
greater.errors(_misfit)
greater.nondifferentiable()


@op(onnx="GreaterOrEqual", bound=EQUAL)
def greater_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a >= b.

    a, b: any real dtype or bool, broadcast -> bool[...]. False for NaN.

    >>> import ingot
    >>> ingot.greater_equal(ingot.tensor([1, 2, 3]), 2)
    Tensor([False,  True,  True], dtype=bool)
    """
    return greater_equal.bind(a, b)


greater_equal.reference(np.greater_equal)
greater_equal.samples(lambda rng: binary(rng, _ALL))
greater_equal.errors(_misfit)
greater_equal.nondifferentiable()


@op(onnx="Less", bound=EQUAL)
def less(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a < b.

    a, b: any real dtype or bool, broadcast -> bool[...]. False for NaN.

    >>> import ingot
    >>> ingot.less(ingot.tensor([1, 2, 3]), 2)
    Tensor([ True, False, False], dtype=bool)
    """
    return less.bind(a, b)


less.reference(np.less)
less.samples(lambda rng: binary(rng, _ALL))
less.errors(_misfit)
less.nondifferentiable()


@op(onnx="LessOrEqual", bound=EQUAL)
def less_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a <= b.

    a, b: any real dtype or bool, broadcast -> bool[...]. False for NaN.

    >>> import ingot
    >>> ingot.less_equal(ingot.tensor([1, 2, 3]), 2)
    Tensor([ True,  True, False], dtype=bool)
    """
    return less_equal.bind(a, b)


less_equal.reference(np.less_equal)
less_equal.samples(lambda rng: binary(rng, _ALL))
less_equal.errors(_misfit)
less_equal.nondifferentiable()


@op(onnx="And", bound=EQUAL)
def logical_and(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether both hold.

    a, b: bool[...], broadcast -> bool[...].

    >>> import ingot
    >>> ingot.logical_and(ingot.tensor([True, False]), True)
    Tensor([ True, False], dtype=bool)
    """
    return logical_and.bind(a, b)


logical_and.reference(np.logical_and)
logical_and.samples(lambda rng: binary(rng, (np.bool_,)))
logical_and.errors(_no_floats)
logical_and.nondifferentiable()


@op(onnx="Or", bound=EQUAL)
def logical_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether at least one holds.

    a, b: bool[...], broadcast -> bool[...].

    >>> import ingot
    >>> ingot.logical_or(ingot.tensor([True, False]), True)
    Tensor([ True,  True], dtype=bool)
    """
    return logical_or.bind(a, b)


logical_or.reference(np.logical_or)
logical_or.samples(lambda rng: binary(rng, (np.bool_,)))
logical_or.errors(_no_floats)
logical_or.nondifferentiable()


@op(onnx="Xor", bound=EQUAL)
def logical_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether exactly one holds.

    a, b: bool[...], broadcast -> bool[...].

    >>> import ingot
    >>> ingot.logical_xor(ingot.tensor([True, False]), True)
    Tensor([False,  True], dtype=bool)
    """
    return logical_xor.bind(a, b)


logical_xor.reference(np.logical_xor)
logical_xor.samples(lambda rng: binary(rng, (np.bool_,)))
logical_xor.errors(_no_floats)
logical_xor.nondifferentiable()


@op(onnx="Not", bound=EQUAL)
def logical_not(a: TensorLike) -> Tensor:
    """Whether the element does not hold.

    a: bool[...] -> bool[...].

    >>> import ingot
    >>> ingot.logical_not(ingot.tensor([True, False]))
    Tensor([False,  True], dtype=bool)
    """
    return logical_not.bind(a)


logical_not.reference(np.logical_not)
logical_not.samples(lambda rng: unary(rng, (np.bool_,)))
logical_not.errors(_no_float)
logical_not.nondifferentiable()


@op(onnx=None, bound=EQUAL)
def not_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Whether a != b.

    a, b: any dtype, broadcast -> bool[...]. True for NaN.

    >>> import ingot
    >>> ingot.not_equal(ingot.tensor([1, 2]), 2)
    Tensor([ True, False], dtype=bool)
    """
    return not_equal.bind(a, b)


not_equal.reference(np.not_equal)
not_equal.samples(lambda rng: binary(rng, _ALL))
not_equal.errors(_misfit)
not_equal.nondifferentiable()


@op(onnx="Where", bound=EQUAL)
def where(c: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """a where c holds, else b.

    c: bool[...]; a, b: any dtype, promoted; all broadcast. Both are computed before the choice.
    Raises DTypeError when c is not bool.

    >>> import ingot
    >>> x = ingot.tensor([-1.0, 2.0])
    >>> ingot.where(x > 0, x, 0.0)
    Tensor([0., 2.], dtype=float32)
    """
    return where.bind(c, a, b)


where.reference(np.where)


@where.samples
def _where_samples(rng: np.random.Generator) -> list[Sample]:
    conditions = [draw(rng, shape, np.bool_) for shape in ((3, 5), (3, 1), (), (0, 5))]
    return [
        sample(c, draw(rng, (3, 5) if c.size else (0, 5), dtype), draw(rng, (1, 5), dtype))
        for c in conditions
        for dtype in _ALL
    ]


@where.errors
def _where_errors() -> list[WrongCall]:
    x = np.zeros(2, np.float32)
    return [wrong(DTypeError, "bool", x, x, x), *_misfit_where(x)]


where.vjp(
    None,
    lambda g, _, condition, a, b: where(condition, g, call("zeros_like", g)),
    lambda g, _, condition, a, b: where(condition, call("zeros_like", g), g),
)


def _misfit_where(x: Array) -> list[WrongCall]:
    return [wrong(ShapeError, "3", np.zeros(3, np.bool_), x, x)]
