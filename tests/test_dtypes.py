"""Promotion and conversion: the array API's table, weak Python scalars, total casts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import ingot
from ingot import dtypes

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]


def result_of(a: str, b: str) -> np.dtype:
    return dtypes.promote("test", np.dtype(a), np.dtype(b))


@pytest.mark.parametrize(("a", "b"), list(itertools.product(INTS, INTS)))
def test_integers_promote_as_numpys_do_or_not_at_all(a: str, b: str) -> None:
    if {a[0], b[0]} == {"i", "u"} and "uint64" in (a, b):
        with pytest.raises(ingot.DTypeError, match="no integer dtype holds both"):
            result_of(a, b)
    else:
        assert result_of(a, b) == np.promote_types(a, b)


@pytest.mark.parametrize(("low", "high"), list(itertools.product([*INTS, "bool"], FLOATS)))
def test_an_integer_or_bool_with_a_float_gives_the_float(low: str, high: str) -> None:
    assert result_of(low, high) == result_of(high, low) == np.dtype(high)


def test_promotion_is_commutative_and_idempotent() -> None:
    names = ["bool", *INTS, "float16", "bfloat16", *FLOATS, "complex64", "complex128"]
    known = [dtypes.dtype_of(name) for name in names]
    for a, b in itertools.product(known, known):
        try:
            result = dtypes.promote("test", a, b)
        except ingot.DTypeError:
            continue
        assert result == dtypes.promote("test", b, a)
        assert dtypes.promote("test", result, a) == dtypes.promote("test", result, b) == result


def test_the_two_16_bit_floats_meet_in_float32() -> None:
    assert dtypes.promote("test", np.dtype("float16"), dtypes.dtype_of("bfloat16")) == np.float32


def test_double_floats_with_single_complex_give_double_complex() -> None:
    assert result_of("float64", "complex64") == np.complex128
    assert result_of("float32", "complex64") == np.complex64


@pytest.mark.parametrize(
    ("dtype", "scalar", "expected"),
    [
        ("float16", 1.5, "float16"),
        ("float64", 1, "float64"),
        ("int8", 1, "int8"),
        ("int8", True, "int8"),
        ("int64", 0.5, "float32"),
        ("bool", 1, "int64"),
        ("float64", 1j, "complex128"),
        ("float32", 1j, "complex64"),
    ],
)
def test_python_scalars_take_the_tensors_dtype_unless_their_kind_is_higher(
    dtype: str, scalar: complex, expected: str
) -> None:
    assert dtypes.promote_weak(np.dtype(dtype), scalar) == np.dtype(expected)


def test_numpy_scalars_are_not_weak() -> None:
    x = ingot.tensor(np.ones(2, np.float32))
    assert (x * np.float64(2)).dtype == np.float64
    assert (x * 2.0).dtype == np.float32


def test_a_scalar_that_does_not_fit_is_a_named_error() -> None:
    with pytest.raises(ingot.ArgumentError, match="300"):
        ingot.tensor(np.ones(2, np.int8)) + 300


def test_functions_of_floats_take_integers_as_float32() -> None:
    x = ingot.tensor([1, 2, 3], dtype="uint8")
    for f in (ingot.exp, ingot.softmax, ingot.gelu, ingot.sigmoid, ingot.silu, ingot.mean):
        as_float = f(x.astype("float32"))
        assert f(x).dtype == np.float32
        np.testing.assert_array_equal(f(x).numpy(), as_float.numpy())


def test_sums_of_narrow_integers_do_not_wrap_unless_asked_to() -> None:
    x = ingot.tensor(np.full(4, 100, np.int8))
    assert ingot.sum(x).dtype == np.int64
    assert int(ingot.sum(x)) == 400
    assert int(ingot.sum(x, dtype="int8")) == 400 - 512
    assert ingot.sum(ingot.tensor(np.full(4, 100, np.uint8))).dtype == np.uint64
    assert int(ingot.sum(ingot.tensor([True, True]))) == 2


@pytest.mark.parametrize("target", INTS)
@pytest.mark.parametrize("source", ["float16", "float32", "float64", "bfloat16"])
def test_float_to_integer_saturates_truncates_and_nan_gives_zero(source: str, target: str) -> None:
    values = [np.nan, np.inf, -np.inf, 1.9, -1.9, 1e30, -1e30, 127.5, -128.5, 255.5, -0.0]
    with np.errstate(over="ignore"):
        x = np.asarray(values).astype(dtypes.dtype_of(source))
    limits = np.iinfo(target)
    for value, got in zip(x.astype(np.float64), dtypes.convert(x, np.dtype(target)), strict=True):
        if np.isnan(value):
            expected = 0
        elif np.isinf(value):
            expected = limits.max if value > 0 else limits.min
        else:
            expected = min(max(int(value), limits.min), limits.max)
        assert int(got) == expected


@pytest.mark.parametrize("given", [float, complex, None, "float7", object, ">f4", "float128"])
def test_an_unknown_dtype_is_a_dtype_error(given: object) -> None:
    with pytest.raises(ingot.DTypeError):
        dtypes.as_dtype(given)


def test_every_dtype_is_an_attribute_of_the_package() -> None:
    for name in dtypes.NAMES:
        assert getattr(ingot, name).name == name
