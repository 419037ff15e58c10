"""Functions of floats that ONNX lacks, as formulas of those that it has.

The 16-bit floats are computed in float32 and rounded once.
"""

from __future__ import annotations

import math

from .registry import Call, exports
from .terms import Term


def _float_operands(call: Call) -> list[Term]:
    return [x.cast("f32") if x.dtype in ("f16", "bf16") else x for x in call.operands]


def _is_negative(x: Term) -> Term:
    """The sign bit, that of -0 included; of NaN: no."""
    return (x < 0) | (x.like(1.0) / x).equals(-math.inf)


def _with_sign(size: Term, sign: Term) -> Term:
    return _is_negative(sign).where(-size, size)


@exports("copysign")
def _copysign(call: Call) -> Term:
    a, b = _float_operands(call)
    return _with_sign(a.op("Abs"), b).cast(call.dtype)


@exports("rsqrt")
def _rsqrt(call: Call) -> Term:
    (a,) = _float_operands(call)
    return a.op("Sqrt").op("Reciprocal").cast(call.dtype)


@exports("trunc")
def _trunc(call: Call) -> Term:
    (a,) = _float_operands(call)
    return (a < 0).where(a.op("Ceil"), a.op("Floor")).cast(call.dtype)


@exports("erfc")
def _erfc(call: Call) -> Term:
    """1 - erf(a): where a is large, of the precision that 1 has."""
    (a,) = _float_operands(call)
    return (1 - a.op("Erf")).cast(call.dtype)


@exports("exp2")
def _exp2(call: Call) -> Term:
    (a,) = _float_operands(call)
    return a.like(2).op("Pow", a).cast(call.dtype)


@exports("expm1")
def _expm1(call: Call) -> Term:
    """tanh(a / 2) (exp(a) + 1), which keeps the precision of small a."""
    (a,) = _float_operands(call)
    return ((a * 0.5).op("Tanh") * (a.op("Exp") + 1)).cast(call.dtype)


@exports("log1p")
def _log1p(call: Call) -> Term:
    """log(u) a / (u - 1) with u = 1 + a rounded: the rounding errors of both factors cancel
    (Kahan)."""
    (a,) = _float_operands(call)
    u = a + 1
    small = u.equals(1) | u.equals(math.inf)
    return small.where(a, u.op("Log") * (a / (u - 1))).cast(call.dtype)


@exports("log2")
def _log2(call: Call) -> Term:
    (a,) = _float_operands(call)
    return (a.op("Log") / math.log(2)).cast(call.dtype)


@exports("log10")
def _log10(call: Call) -> Term:
    (a,) = _float_operands(call)
    return (a.op("Log") / math.log(10)).cast(call.dtype)


@exports("atan2")
def _atan2(call: Call) -> Term:
    """The angle in the first eighth of the circle, mirrored at the diagonal and at both axes."""
    y, x = _float_operands(call)
    high, wide = y.op("Abs"), x.op("Abs")
    steep = high > wide
    less, more = steep.where(wide, high), steep.where(high, wide)
    slope = less.equals(more).where(more.like(1), less / more)
    angle = more.equals(0).where(0, slope.op("Atan"))
    angle = steep.where(math.pi / 2 - angle, angle)
    angle = _is_negative(x).where(math.pi - angle, angle)
    lost = ~x.equals(x) | ~y.equals(y)
    return lost.where(math.nan, _with_sign(angle, y)).cast(call.dtype)
