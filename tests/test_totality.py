"""Every op is total: on every dtype a defined result or a named error, the same eagerly and as a
program.

Integers are held against Python's own, wrapped to the width; floats against the reference within
the op's bound, from which NaN, infinities and empty arrays are not exempt.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.testing
from ingot import _core
from ingot.bounds import same_bits
from ingot.dtypes import convert, dtype_of
from ingot.op import OPS

Array = Any
INTS = ["int8", "uint8", "int16", "uint16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
DTYPES = ["bool", *INTS, *FLOATS]
CLASS = {"bool": "bool", **dict.fromkeys(INTS, "int"), **dict.fromkeys(FLOATS, "float")}


def static(function: Callable[..., Any], *arrays: Array) -> Array:
    """What a program gives, checked node by node against the reference."""
    program = ingot.compile(ingot.record(function, *arrays))
    ingot.testing.check(program, arrays)
    return np.asarray(program(*arrays))


def both(function: Callable[..., Any], *arrays: Array) -> Array:
    """The result, which is the same bits eagerly and as a program."""
    eager = function(*[ingot.tensor(x) for x in arrays]).numpy()
    result = static(function, *arrays)
    assert same_bits(result, eager)
    return result


# ---- integers, against Python's


def extremes(dtype: str) -> list[int]:
    """Every number of 8 bits; of more the ends, powers of two, widths and small numbers."""
    limits = np.iinfo(dtype)
    if limits.bits == 8:
        return list(range(limits.min, limits.max + 1))
    near = [0, 1, 2, 3, 5, 7, 10, limits.bits - 1, limits.bits, limits.bits + 1, 31, 32, 33, 64]
    powers = [2**k + d for k in range(limits.bits) for d in (-1, 0, 1)]
    values = {s * x for x in (*near, *powers) for s in (1, -1)} | {limits.min, limits.min + 1}
    return sorted(x for x in values if limits.min <= x <= limits.max)


def wrapped(value: int, dtype: str) -> int:
    bits = np.iinfo(dtype).bits
    low = value & ((1 << bits) - 1)
    return low - (1 << bits) if np.iinfo(dtype).min < 0 and low >> (bits - 1) else low


def integer_power(a: int, b: int, bits: int) -> int:
    if b >= 0:
        return pow(a, b, 1 << bits)
    return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


def shift_left(a: int, b: int, bits: int) -> int:
    return a << b if 0 <= b < bits else 0


def shift_right(a: int, b: int, bits: int) -> int:
    return a >> (b if 0 <= b < bits else bits)


# What the op gives before it wraps: (a, b, width in bits) -> integer.
BINARY: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda a, b, _: a + b,
    "subtract": lambda a, b, _: a - b,
    "multiply": lambda a, b, _: a * b,
    "floor_divide": lambda a, b, _: a // b if b else 0,
    "remainder": lambda a, b, _: a % b if b else 0,
    "pow": integer_power,
    "maximum": lambda a, b, _: max(a, b),
    "minimum": lambda a, b, _: min(a, b),
    "bitwise_and": lambda a, b, _: a & b,
    "bitwise_or": lambda a, b, _: a | b,
    "bitwise_xor": lambda a, b, _: a ^ b,
    "bitwise_left_shift": shift_left,
    "bitwise_right_shift": shift_right,
}
UNARY: dict[str, Callable[[int], int]] = {
    "abs": abs,
    "negative": operator.neg,
    "bitwise_invert": operator.invert,
    "sign": lambda a: (a > 0) - (a < 0),
}


def pointwise_rows(operands: int) -> set[str]:
    """Rows that compute integers from so many integers."""
    return {
        row.name
        for row in _core.op_table()
        if {"pointwise"} <= set(row.traits)
        and row.dtype_rule == "same"
        and "int" in row.classes
        and len(row.operands) == operands
    }


def test_every_op_on_integers_is_held_against_pythons() -> None:
    assert pointwise_rows(1) == set(UNARY)
    assert pointwise_rows(2) == set(BINARY)


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize("op", list(BINARY))
def test_two_integers_give_what_python_gives_wrapped(op: str, dtype: str) -> None:
    values, bits = extremes(dtype), np.iinfo(dtype).bits
    exact = [[wrapped(BINARY[op](a, b, bits), dtype) for b in values] for a in values]
    a = np.asarray(values, dtype)
    got = both(getattr(ingot, op), a[:, None], a[None, :])
    np.testing.assert_array_equal(got, np.asarray(exact, dtype))


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize("op", list(UNARY))
def test_an_integer_gives_what_python_gives_wrapped(op: str, dtype: str) -> None:
    values = extremes(dtype)
    exact = [wrapped(UNARY[op](a), dtype) for a in values]
    got = both(getattr(ingot, op), np.asarray(values, dtype))
    np.testing.assert_array_equal(got, np.asarray(exact, dtype))


@pytest.mark.parametrize("dtype", INTS)
def test_sums_products_and_matmuls_of_integers_wrap(dtype: str) -> None:
    values = extremes(dtype)[:400]
    x = np.asarray(values, dtype)
    assert int(both(lambda t: ingot.sum(t, dtype=dtype), x)) == wrapped(sum(values), dtype)
    odd = [v for v in values if v % 2][:50]
    product = both(lambda t: ingot.prod(t, dtype=dtype), np.asarray(odd, dtype))
    assert int(product) == wrapped(math.prod(odd), dtype)
    assert int(both(lambda t: t @ t, x)) == wrapped(sum(v * v for v in values), dtype)
    steps = list(itertools.accumulate(values))
    cumulated = both(lambda t: ingot.cumulative_sum(t, dtype=dtype), x)
    np.testing.assert_array_equal(cumulated, [wrapped(v, dtype) for v in steps])


# ---- casts


def cast_of(value: Any, dtype: str) -> Any:
    """One number cast as docs/numerics.md says; to a float: left to NumPy, but rounding once."""
    if dtype == "bool":
        return value != 0
    if dtype in FLOATS:
        return value
    if isinstance(value, float):
        limits = np.iinfo(dtype)
        if math.isnan(value):
            return 0
        return (
            limits.max if value >= limits.max else limits.min if value <= limits.min else int(value)
        )
    return wrapped(int(value), dtype)


def interesting(dtype: str) -> Array:
    if dtype == "bool":
        return np.asarray([False, True])
    if dtype in INTS:
        return np.asarray(extremes(dtype), dtype)
    ends = [float(np.iinfo(t).max) + d for t in INTS for d in (-1.5, -0.5, 0, 0.5, 1, 1.5)]
    small = [0.0, 0.5, 0.99, 1.0, 1.5, 2.5, 1e-40, 1e-300, 65504.0, 65519.9, 65520.0, 3.4e38, 1e300]
    values = [s * v for v in (*ends, *small, math.inf) for s in (1, -1)]
    return convert(np.asarray([*values, math.nan]), dtype_of(dtype))


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
def test_every_number_has_a_cast_to_every_dtype(source: str, target: str) -> None:
    x = interesting(source)
    got = both(lambda t: ingot.cast(t, dtype=target), x)
    values = [float(v) for v in x] if source in FLOATS else [int(v) for v in x]
    if target in FLOATS:
        exact = np.asarray(values, np.float64) if source in FLOATS else x
        assert same_bits(got, convert(exact, dtype_of(target)))
    else:
        expected = np.asarray([cast_of(v, target) for v in values], target)
        np.testing.assert_array_equal(got, expected)


# ---- floats


def float_rows() -> list[Any]:
    return [
        OPS[row.name]
        for row in _core.op_table()
        if "pointwise" in row.traits
        and row.dtype_rule in ("same", "compare")
        and "float" in row.classes
    ]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("record", float_rows(), ids=lambda record: record.name)
def test_every_pair_of_special_floats_is_within_the_bound(record: Any, dtype: str) -> None:
    x = interesting(dtype)
    if len(record.row.operands) == 1:
        static(record.function, x)
    else:
        static(record.function, x[:, None], x[None, :])


@pytest.mark.parametrize("dtype", FLOATS)
def test_one_exponent_for_all_is_no_square_root(dtype: str) -> None:
    x = np.asarray([-np.inf, -0.0, -1.0]).astype(dtype_of(dtype))
    expected = np.asarray([np.inf, 0.0, np.nan]).astype(x.dtype)
    assert same_bits(both(lambda t: t**0.5, x), expected)
    assert same_bits(both(lambda t: t[0] ** 0.5, x), expected[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_goes_through_extrema_and_is_found_first(dtype: str) -> None:
    x = np.asarray([[1, np.nan, -2], [np.nan, np.inf, 0]]).astype(dtype_of(dtype))
    assert np.isnan(both(lambda t: ingot.max(t, axis=1), x).astype(np.float64)).all()
    assert np.isnan(both(lambda t: ingot.min(t, axis=1), x).astype(np.float64)).all()
    assert both(lambda t: ingot.argmax(t, axis=1), x).tolist() == [1, 0]
    image = x.reshape(1, 1, 2, 3)
    assert np.isnan(static(lambda t: ingot.max_pool2d(t, 2), image).astype(np.float64)).all()


# ---- empty arrays


@pytest.mark.parametrize("dtype", DTYPES)
def test_ops_on_no_elements_give_no_elements_or_their_identity(dtype: str) -> None:
    empty = np.zeros((0, 3), dtype_of(dtype))
    for record in OPS.values():
        row = record.row
        if "pointwise" not in row.traits or CLASS[dtype] not in row.classes:
            continue
        if row.dtype_rule not in ("same", "compare"):
            continue
        assert record.function is not None
        assert both(record.function, *[empty] * len(row.operands)).shape == (0, 3)
    if dtype == "bool":
        return
    zeros, ones = np.zeros(3, empty.dtype), np.ones(3, empty.dtype)
    assert same_bits(both(lambda t: ingot.sum(t, axis=0, dtype=dtype), empty), zeros)
    assert same_bits(both(lambda t: ingot.prod(t, axis=0, dtype=dtype), empty), ones)
    assert same_bits(both(lambda t: t.mT @ t, empty), np.zeros((3, 3), empty.dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["max", "min", "argmax"])
def test_the_extremum_of_nothing_is_a_named_error(op: str, dtype: str) -> None:
    x = np.zeros((2, 0), dtype_of(dtype))
    with pytest.raises(ingot.ShapeError, match=f"^{op}: "):
        getattr(ingot, op)(ingot.tensor(x), axis=1)
    with pytest.raises(ingot.ShapeError, match=rf"^{op}: .*test_totality\.py:\d+\)$"):
        ingot.record(lambda t: getattr(ingot, op)(t, axis=1), x)


# ---- indices out of range


def indexed_calls(x: ingot.Tensor, i: ingot.Tensor) -> dict[str, Callable[[], ingot.Tensor]]:
    """A call of every row that may fail, with indices i (one number, as a vector)."""
    at = ingot.concat([i, i])
    return {
        "take": lambda: ingot.take(x, i, axis=0),
        "take_along_axis": lambda: ingot.take_along_axis(x, i.reshape((1, 1)), axis=0),
        "scatter": lambda: ingot.scatter(x, x[:1, :1], i.reshape((1, 1)), axis=0),
        "scatter_reduce": lambda: ingot.scatter_reduce(
            x, x[:1, :1], i.reshape((1, 1)), axis=0, reduce="max"
        ),
        "dynamic_slice": lambda: ingot.dynamic_slice(x, at, sizes=[1, 1]),
        "dynamic_update_slice": lambda: ingot.dynamic_update_slice(x, x[:1, :1], at),
    }


MAY_FAIL = sorted(
    row.name
    for row in _core.op_table()
    if "may_fail" in row.traits and row.dtype_rule != "condition"
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", MAY_FAIL)
def test_an_index_out_of_range_names_op_index_and_line(op: str, dtype: str) -> None:
    if CLASS[dtype] not in OPS[op].row.classes:
        return
    x = np.zeros((3, 3), dtype_of(dtype))

    def f(t: ingot.Tensor, i: ingot.Tensor) -> ingot.Tensor:
        return indexed_calls(t, i)[op]()

    for width in ("int32", "int64"):
        program = ingot.compile(ingot.record(f, x, np.zeros(1, width)))
        limits = np.iinfo(width)
        for index in (3, -4, limits.max, limits.min):
            i = np.asarray([index], width)
            with pytest.raises(ingot.RangeError, match=rf"^{op}: .*{index}"):
                f(ingot.tensor(x), ingot.tensor(i))
            with pytest.raises(
                ingot.RangeError, match=rf"^{op}: .*{index}.*test_totality\.py:\d+\)"
            ):
                program(x, i)
        for index in (-1, 0, 2):
            ingot.testing.check(program, [x, np.asarray([index], width)])


def test_every_op_that_may_fail_is_called_with_indices_out_of_range() -> None:
    x, i = ingot.zeros((3, 3)), ingot.tensor([0])
    assert sorted(indexed_calls(x, i)) == MAY_FAIL


# ---- dtypes without kernels


@pytest.mark.parametrize("dtype", ["uint32", "uint64", "complex64", "complex128"])
def test_a_dtype_that_programs_do_not_compute_is_named(dtype: str) -> None:
    refused = []
    for row in _core.op_table():
        takes = {"u": "int", "c": "complex"}[dtype[0]] in row.classes
        if not takes or "pointwise" not in row.traits or row.name == "where":
            continue
        x = np.ones(2, dtype)
        function = OPS[row.name].function
        assert function is not None
        named = {"convert": "float32", "reinterpret": dtype}.get(row.dtype_rule)
        attrs = {} if named is None else {"dtype": named}
        graph = ingot.record(lambda *t, f=function, a=attrs: f(*t, **a), *[x] * len(row.operands))
        with pytest.raises(ingot.DTypeError, match=f"^{row.name}: no kernel: got ") as caught:
            ingot.compile(graph)
        assert "test_totality.py:" in str(caught.value)
        refused.append(row.name)
    assert {"equal", "cast"} <= set(refused)
