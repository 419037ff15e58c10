"""Elementary functions, `cast` and `bitcast`, element by element.

Functions cast integers to float32 first. Special values as C99 says. The runtime has its own
functions, at most 1 unit in the last place off.
"""

from __future__ import annotations

import math

import numpy as np

from ingot.bounds import EQUAL, ROUNDED, ulps
from ingot.dtypes import Array, DType, DTypeLike, as_dtype, convert, kind_of
from ingot.errors import DTypeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call
from .samples import FLOATS, INTS, REALS, draw, special_floats, special_ints, unary

__all__ = [
    "bitcast",
    "cast",
    "cos",
    "erf",
    "exp",
    "log",
    "rsqrt",
    "sin",
    "sqrt",
    "tanh",
]


def _no_complex() -> list[WrongCall]:
    return [wrong(DTypeError, "c64", np.asarray([1j], np.complex64))]


_QUIET = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}


@op(onnx=None, bound=EQUAL)  # BitCast, but only since opset 26
def bitcast(a: TensorLike, *, dtype: DTypeLike) -> Tensor:
    """The same bits read as another dtype of the same width.

    a: real[...] -> dtype[...], an integer or float dtype. Every NaN counts as the quiet one without
    a sign. Raises DTypeError for widths that differ.

    >>> import ingot
    >>> ingot.bitcast(ingot.tensor([1.0, -0.0]), dtype="int32")
    Tensor([ 1065353216, -2147483648], dtype=int32)
    """
    return bitcast.bind(a, dtype=dtype)


@bitcast.reference
def _bitcast(a: Array, dtype: DType) -> Array:
    bits = np.ascontiguousarray(a).reshape(a.shape).view(f"u{a.dtype.itemsize}")
    if kind_of(a.dtype) == "float":
        is_bfloat16 = a.dtype.name == "bfloat16"
        quiet = 0x7FC0 if is_bfloat16 else _QUIET[a.dtype.itemsize]
        bits = np.where(np.isnan(a), bits.dtype.type(quiet), bits)
    return np.asarray(bits).view(dtype)


@bitcast.samples
def _bitcast_samples(rng: np.random.Generator) -> list[Sample]:
    sources = [special_floats(t) for t in FLOATS] + [special_ints(t) for t in INTS]
    sources += [draw(rng, (2, 3)), draw(rng, (0,)), draw(rng, (), np.float64)]
    return [
        sample(a, dtype=t)
        for a in sources
        for t in REALS
        if a.dtype.itemsize == as_dtype(t).itemsize
    ]


@bitcast.errors
def _bitcast_errors() -> list[WrongCall]:
    return [
        wrong(DTypeError, "widths differ", np.zeros(2, np.float32), dtype="int64"),
        wrong(DTypeError, "bool", np.zeros(2, np.int8), dtype="bool"),
    ]


bitcast.nondifferentiable()


@op(onnx="Cast", bound=EQUAL)
def cast(a: TensorLike, *, dtype: DTypeLike) -> Tensor:
    """The same numbers in another dtype.

    a: any[...] -> dtype[...]. Integers wrap; floats to integers truncate and saturate, NaN gives
    0; to bool is a != 0; complex to real drops the imaginary part; all else rounds to nearest
    even. Raises DTypeError for an unknown dtype.

    >>> import ingot
    >>> ingot.cast(ingot.tensor([1.7, -1.7, 1e20]), dtype="int32")
    Tensor([         1,         -1, 2147483647], dtype=int32)
    """
    return cast.bind(a, dtype=dtype)


@cast.reference
def _cast(a: Array, dtype: DType) -> Array:
    return convert(a, dtype)


@cast.samples
def _cast_samples(rng: np.random.Generator) -> list[Sample]:
    dtypes = (*REALS, "bool")
    sources = [special_floats(t) for t in FLOATS] + [special_ints(t) for t in INTS]
    sources += [draw(rng, (2, 3), np.bool_), draw(rng, (0,)), draw(rng, (), np.float64) * 1e10]
    return [sample(a, dtype=t) for a in sources for t in dtypes]


@cast.errors
def _cast_errors() -> list[WrongCall]:
    return [wrong(DTypeError, "float7", np.zeros(2, np.float32), dtype="float7")]


cast.vjp(lambda g, _, a, dtype: cast(g, dtype=a.dtype))


@op(onnx="Cos", bound=ulps(1, 4))
def cos(a: TensorLike) -> Tensor:
    """The cosine of an angle in radians.

    a: float[...] -> the same (integers give float32). NaN for infinities.

    >>> import ingot
    >>> ingot.cos(ingot.tensor([0.0]))
    Tensor([1.], dtype=float32)
    """
    return cos.bind(a)


cos.reference(np.cos)
cos.samples(lambda rng: unary(rng, FLOATS))
cos.errors(_no_complex)
cos.vjp(lambda g, _, a: -g * call("sin", a))


def _erf(a: Array) -> Array:
    # The C library's erf, element by element: at most 1 unit in the last place off in float64.
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(a))


@op(onnx="Erf", bound=ulps(1, 4))
def erf(a: TensorLike) -> Tensor:
    """The error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to a.

    a: float[...] -> the same (integers give float32). -1 and 1 at the infinities.

    >>> import ingot
    >>> ingot.erf(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.8427008], dtype=float32)
    """
    return erf.bind(a)


erf.reference(_erf)
erf.samples(lambda rng: unary(rng, FLOATS))
erf.errors(_no_complex)
erf.vjp(lambda g, _, a: g * (call("exp", -a * a) * (2 / math.sqrt(math.pi))))


@op(onnx="Exp", bound=ulps(1, 4))
def exp(a: TensorLike) -> Tensor:
    """e to the power of a.

    a: float[...] -> the same (integers give float32). inf where it overflows, 0 at -inf.

    >>> import ingot
    >>> ingot.exp(ingot.tensor([0.0, 1.0]))
    Tensor([1.       , 2.7182817], dtype=float32)
    """
    return exp.bind(a)


exp.reference(np.exp)
exp.samples(lambda rng: unary(rng, FLOATS))
exp.errors(_no_complex)
exp.vjp(lambda g, y, a: g * y)


@op(onnx="Log", bound=ulps(1, 4))
def log(a: TensorLike) -> Tensor:
    """The natural logarithm.

    a: float[...] -> the same (integers give float32). -inf at 0, NaN below.

    >>> import ingot
    >>> ingot.log(ingot.tensor([1.0, 10.0]))
    Tensor([0.       , 2.3025851], dtype=float32)
    """
    return log.bind(a)


log.reference(np.log)
log.samples(lambda rng: unary(rng, FLOATS))
log.errors(_no_complex)
log.vjp(lambda g, _, a: g / a)


def _rsqrt(a: Array) -> Array:
    return np.asarray(1.0 / np.sqrt(a))


@op(onnx=None, bound=ulps(2, 4))
def rsqrt(a: TensorLike) -> Tensor:
    """The reciprocal of the square root.

    a: float[...] -> the same (integers give float32). inf at 0, NaN below.

    >>> import ingot
    >>> ingot.rsqrt(ingot.tensor([4.0]))
    Tensor([0.5], dtype=float32)
    """
    return rsqrt.bind(a)


rsqrt.reference(_rsqrt)
rsqrt.samples(lambda rng: unary(rng, FLOATS))
rsqrt.errors(_no_complex)
rsqrt.vjp(lambda g, y, a: g * -0.5 * (y * y * y))


@op(onnx="Sin", bound=ulps(1, 4))
def sin(a: TensorLike) -> Tensor:
    """The sine of an angle in radians.

    a: float[...] -> the same (integers give float32). NaN for infinities.

    >>> import ingot
    >>> ingot.sin(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.84147096], dtype=float32)
    """
    return sin.bind(a)


sin.reference(np.sin)
sin.samples(lambda rng: unary(rng, FLOATS))
sin.errors(_no_complex)
sin.vjp(lambda g, _, a: g * call("cos", a))


@op(onnx="Sqrt", bound=ROUNDED)
def sqrt(a: TensorLike) -> Tensor:
    """The square root.

    a: float[...] -> the same (integers give float32). NaN below 0; -0.0 stays.

    >>> import ingot
    >>> ingot.sqrt(ingot.tensor([4.0, 2.0]))
    Tensor([2.       , 1.4142135], dtype=float32)
    """
    return sqrt.bind(a)


sqrt.reference(np.sqrt)
sqrt.samples(lambda rng: unary(rng, FLOATS))
sqrt.errors(_no_complex)
sqrt.vjp(lambda g, y, a: g / (y * 2))


@op(onnx="Tanh", bound=ulps(1, 4))
def tanh(a: TensorLike) -> Tensor:
    """The hyperbolic tangent.

    a: float[...] -> the same (integers give float32). -1 and 1 at the infinities.

    >>> import ingot
    >>> ingot.tanh(ingot.tensor([0.0, 1.0]))
    Tensor([0.       , 0.7615942], dtype=float32)
    """
    return tanh.bind(a)


tanh.reference(np.tanh)
tanh.samples(lambda rng: unary(rng, FLOATS))
tanh.errors(_no_complex)
tanh.vjp(lambda g, y, a: g * (1 - y * y))
