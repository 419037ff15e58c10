"""Pointwise ops, one to one where ONNX has them, and those over bools, bits and integers.

Integers narrower than 32 bits are computed in int32 and bfloat16 in float32, between casts: the
same numbers, and runtimes need no kernels for them.
"""

from __future__ import annotations

import numpy as np

from ingot.dtypes import from_text, is_float
from ingot.op import OPS

from .emitter import Subgraph
from .registry import Call, exports
from .terms import Term

_COMPUTED_IN = {"i8": "i32", "i16": "i32", "u8": "i32", "u16": "i32", "bf16": "f32"}


def computed_in(dtype: str) -> str:
    """The dtype in which arithmetic on `dtype` is exported."""
    return _COMPUTED_IN.get(dtype, dtype)


def wide_operands(call: Call) -> list[Term]:
    """The operands in the dtypes in which they are computed."""
    return [x.cast(computed_in(x.dtype)) for x in call.operands]


def one_to_one(call: Call) -> Term:
    """The ONNX op of the record, on the operands in order."""
    name = OPS[call.op].onnx
    assert name is not None
    first, *rest = wide_operands(call)
    return first.op(name, *rest, dtype=computed_in(call.dtype)).cast(call.dtype)


@exports("cast")
def _cast(call: Call) -> Term:
    (a,) = call.operands
    if call.dtype == "bool" and a.dtype != "bool":
        return ~computed(a).equals(0)
    if is_float(from_text(a.dtype)) and np.issubdtype(from_text(call.dtype), np.integer):
        return _saturated(computed(a), call.dtype)
    return a.cast(call.dtype)


def _saturated(a: Term, dtype: str) -> Term:
    """ONNX says nothing of NaN and of what the integers do not hold: NaN is made 0, and the nearest
    integer is taken, in float64 where float32 does not have it."""
    limits = np.iinfo(from_text(dtype))
    number = a.op("IsNaN", dtype="bool").where(0.0, a)
    if limits.bits >= 32 or a.dtype == "f16":
        number = number.cast("f64")
    inside = number.op("Clip", number.like(float(limits.min)), number.like(float(limits.max)))
    if limits.bits < 64:
        return inside.cast(dtype)
    above = number >= float(limits.max)  # which float64 rounds up
    largest = a.emitter.scalar(limits.max, dtype)
    return above.where(largest, above.where(0.0, inside).cast(dtype))


def computed(a: Term) -> Term:
    """The term in the dtype in which it is computed."""
    return a.cast(computed_in(a.dtype))


@exports("negative")
def _negative(call: Call) -> Term:
    a = computed(call.operands[0])
    negated = 0 - a if a.dtype in ("u32", "u64") else -a
    return negated.cast(call.dtype)


@exports("not_equal")
def _not_equal(call: Call) -> Term:
    a, b = wide_operands(call)
    return ~a.equals(b)


def _ordered(call: Call) -> Term:
    """A comparison; ONNX compares no bools."""
    name = OPS[call.op].onnx
    assert name is not None
    a, b = (x.cast("i32") if x.dtype == "bool" else x for x in wide_operands(call))
    return a.op(name, b, dtype="bool")


exports("less")(_ordered)
exports("less_equal")(_ordered)
exports("greater")(_ordered)
exports("greater_equal")(_ordered)


@exports("maximum")
def _maximum(call: Call) -> Term:
    a, b = call.operands
    return a | b if a.dtype == "bool" else one_to_one(call)


@exports("minimum")
def _minimum(call: Call) -> Term:
    a, b = call.operands
    return a & b if a.dtype == "bool" else one_to_one(call)


@exports("where")
def _where(call: Call) -> Term:
    condition, a, b = call.operands
    if a.dtype == "bool":  # runtimes lack it
        return (condition & a) | (~condition & b)
    return condition.where(computed(a), computed(b)).cast(call.dtype)


# ---- bits


@exports("bitwise_and")
def _bitwise_and(call: Call) -> Term:
    a, b = call.operands
    return a & b


@exports("bitwise_or")
def _bitwise_or(call: Call) -> Term:
    a, b = call.operands
    return a | b


@exports("bitwise_xor")
def _bitwise_xor(call: Call) -> Term:
    a, b = call.operands
    return a ^ b


@exports("bitwise_invert")
def _bitwise_invert(call: Call) -> Term:
    return ~call.operands[0]


def _power_of_two(exponent: Term) -> Term:
    """2**exponent, which is 0..width-1; the last of them wraps."""
    bits = from_text(exponent.dtype).itemsize * 8
    last = -(2 ** (bits - 1)) if exponent.dtype.startswith("i") else 2 ** (bits - 1)
    powers = [2**i for i in range(bits - 1)] + [last]
    table = exponent.emitter.constant(np.asarray(powers, from_text(exponent.dtype)))
    return table.op("Gather", exponent.cast("i64"))


def shifted_right(a: Term, exponent: Term) -> Term:
    """a / 2**exponent rounded down, the exponent being 0..width-1: a quotient of numbers that are
    not negative, in two steps whose divisors the dtype holds. Of a negative number the bits, turned
    over, are one that is not."""
    first = exponent / 2
    negative = a < 0
    positive = negative.where(~a, a)
    quotient = positive / _power_of_two(first) / _power_of_two(exponent - first)
    return negative.where(~quotient, quotient)


# Shifts are products and quotients: BitShift takes unsigned numbers, which few runtimes have.


def _inside(call: Call, exponent: Term) -> Term:
    width = from_text(call.dtype).itemsize * 8
    return ~((exponent < 0) | (exponent > width - 1))


@exports("bitwise_left_shift")
def _bitwise_left_shift(call: Call) -> Term:
    a, b = wide_operands(call)
    inside = _inside(call, b)
    return inside.where(a * _power_of_two(inside.where(b, 0)), 0).cast(call.dtype)


@exports("bitwise_right_shift")
def _bitwise_right_shift(call: Call) -> Term:
    a, b = wide_operands(call)
    inside = _inside(call, b)
    moved = shifted_right(a, inside.where(b, 0))
    sign = (a < 0).where(a.like(-1) if a.dtype.startswith("i") else a.like(0), a.like(0))
    return inside.where(moved, sign).cast(call.dtype)


# ---- integers, where ONNX leaves something open


def _is_integer(call: Call) -> bool:
    return np.issubdtype(from_text(call.operands[0].dtype), np.integer)


def _divisor(b: Term) -> Term:
    """b, but 1 where dividing by it could trap: at 0 and -1."""
    unsafe = b.equals(0)
    if not b.dtype.startswith("u"):
        unsafe = unsafe | b.equals(-1)
    return unsafe.where(1, b)


@exports("remainder")
def _remainder(call: Call) -> Term:
    a, b = wide_operands(call)
    if _is_integer(call):
        return a.op("Mod", _divisor(b), fmod=0).cast(call.dtype)  # x % 0 = x % -1 = x % 1 = 0
    return float_remainder(a, b).cast(call.dtype)


def float_remainder(a: Term, b: Term) -> Term:
    """Mod of ONNX with fmod has the sign of a; this one has b's."""
    rest = a.op("Mod", b, fmod=1)
    other_sign = (rest < 0) ^ (b < 0)
    zero = (b < 0).where(b.like(-0.0), b.like(0.0))
    return rest.equals(0).where(zero, other_sign.where(rest + b, rest))


@exports("floor_divide")
def _floor_divide(call: Call) -> Term:
    a, b = wide_operands(call)
    if not _is_integer(call):
        return _float_floor_divide(a, b).cast(call.dtype)
    divisor = _divisor(b)
    quotient = a / divisor  # truncated
    rest = a - quotient * divisor
    if a.dtype.startswith("u"):
        return b.equals(0).where(0, quotient)
    below = ~rest.equals(0) & ((rest < 0) ^ (divisor < 0))
    quotient = quotient - below.cast(a.dtype)
    return b.equals(0).where(0, b.equals(-1).where(-a, quotient)).cast(call.dtype)


def _float_floor_divide(a: Term, b: Term) -> Term:
    """As NumPy has it: what is left is taken off first, so that the quotient is nearly whole."""
    rest = a.op("Mod", b, fmod=1)
    below = ~rest.equals(0) & ((rest < 0) ^ (b < 0))
    quotient = (a - rest) / b
    whole = below.where(quotient - 1, quotient).op("Round")
    return b.equals(0).where(a / b, whole)


@exports("pow")
def _pow(call: Call) -> Term:
    a, b = wide_operands(call)
    if not _is_integer(call):
        return a.op("Pow", b).cast(call.dtype)
    zero = a - a
    power = _integer_power(a, (b < 0).where(0, b))
    odd = (b & b.like(1)).equals(1)
    inverse = a.equals(1).where(zero + 1, a.equals(-1).where(odd.where(zero - 1, 1), zero))
    return (b < 0).where(inverse, power).cast(call.dtype)


def _integer_power(a: Term, b: Term) -> Term:
    """By squaring, bit for bit of the exponent, so that it wraps: a Loop of as many turns as the
    exponent has bits."""
    emitter = a.emitter
    carried = [(a - a) + (b - b) + 1, a + (b - b), b]
    body = Subgraph(emitter, "power")
    with emitter.inside(body, emitter.prefix):
        body.input("turn", "i64", ())
        going = body.input("going", "bool", ())
        power, square, rest = (body.input(n, a.dtype, None) for n in ("power", "square", "rest"))
        odd = (rest & rest.like(1)).equals(1)
        halved = rest.op("Div", rest.like(2))
        for term in (going, odd.where(power * square, power), square * square, halved):
            body.output(term, () if term is going else None)
    bits, yes = emitter.scalar(63 if a.dtype == "i64" else 31, "i64"), emitter.scalar(True, "bool")
    results = emitter.emit(
        "Loop", bits.name, yes.name, *[x.name for x in carried], outputs=3, body=body.proto
    )
    return Term(emitter, results[0], a.dtype)
