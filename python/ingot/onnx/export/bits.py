"""Ops on the bits of numbers. They make the model one of opset 26: before that ONNX reads no bits
as another type."""

from __future__ import annotations

import numpy as np

from ingot.dtypes import from_text, is_float

from .emitter import element_type
from .pointwise import computed
from .registry import Call, exports
from .terms import Term

_OPSET = 26


def _read_as(a: Term, dtype: str) -> Term:
    if dtype == a.dtype:
        return a
    a.emitter.require_opset(_OPSET)
    return a.op("BitCast", dtype=dtype, to=element_type(dtype))


def _width(dtype: str) -> int:
    return from_text(dtype).itemsize * 8


def _bits(a: Term) -> Term:
    """The bits as a number of int32, or of int64 where there are so many."""
    width = _width(a.dtype)
    return _read_as(a, f"i{width}").cast("i64" if width == 64 else "i32")


def _from_bits(bits: Term, dtype: str) -> Term:
    return _read_as(bits.cast(f"i{_width(dtype)}"), dtype)


@exports("bitcast")
def _bitcast(call: Call) -> Term:
    """Every NaN is the quiet one without a sign."""
    (a,) = call.operands
    if not is_float(from_text(a.dtype)):
        return _read_as(a, call.dtype)
    x = computed(a)
    quiet = np.asarray(np.nan, np.float32).astype(from_text(a.dtype))
    number = int(quiet.view(f"i{quiet.dtype.itemsize}"))
    return _from_bits((~x.equals(x)).where(number, _bits(a)), call.dtype)


@exports("nextafter")
def _nextafter(call: Call) -> Term:
    """One more or one less, as an integer; from 0 to the least number of b's sign."""
    a, b = call.operands
    x, y = (t.cast("f32") if t.dtype in ("f16", "bf16") else t for t in (a, b))
    bits = _bits(a)
    outward = ~((y > x) ^ (x > 0))
    moved = outward.where(bits + 1, bits - 1)
    least = (y < 0).where(bits.like(1 - 2 ** (_width(a.dtype) - 1)), bits.like(1))
    result = _from_bits(x.equals(0).where(least, moved), a.dtype).cast(x.dtype)
    # x + y is NaN where one is; y, where both are equal, says the sign of zero.
    lost = ~x.equals(x) | ~y.equals(y)
    return lost.where(x + y, x.equals(y).where(y, result)).cast(a.dtype)
