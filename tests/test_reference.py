"""The reference: right against the math library, total, strict about what it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core
from ingot.bounds import EQUAL, ROUNDED, first_difference, fold_depth, same_bits, ulps
from ingot.op import OPS
from ingot.reference import bind_dims, evaluate

NESTED = """ingot 1
numerics 1
dim n in 1..9
state seen: i64[] = zeros
graph main(x: f32[n,2], flag: bool[]) {
  %0 = if(flag) : f32[2] {
    then() {
      %1 = scan(0.0:f32, x, carries=1, length=n, reverse=true) : f32[] {
        body(%2: f32[], %3: i64[], %4: f32[2]) {
          %5 = sum(%4, axes=[0]) : f32[]
          %6 = multiply(%2, 0.5) : f32[]
          %7 = add(%6, %5) : f32[]
          return %7
        }
      }
      %8 = broadcast_to(%1, shape=[2]) : f32[2]
      return %8
    }
    else() {
      %9 = sum(x, axes=[0]) : f32[2]
      return %9
    }
  }
  %10 = add(seen, 1) : i64[]
  update seen <- %10
  return %0
}
"""


def test_regions_states_and_updates_are_evaluated() -> None:
    module = _core.Module.parse(NESTED)
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    folded = 0.0
    for row in x[::-1]:
        folded = folded * 0.5 + row.sum()
    taken = evaluate(module, 0, [x, np.asarray(True)])
    np.testing.assert_array_equal(taken.outputs[0], np.full(2, folded, np.float32))
    other = evaluate(module, 0, [x, np.asarray(False)], {"seen": np.asarray(41)})
    np.testing.assert_array_equal(other.outputs[0], x.sum(0))
    assert int(taken.states["seen"]) == 1
    assert int(other.states["seen"]) == 42
    assert taken.dims == {"n": 3}


def test_a_scan_of_no_turns_stacks_nothing() -> None:
    text = """ingot 1
numerics 1
dim n in 0..9
graph main(x: f32[n]) {
  %0, %1 = scan(7.0:f32, x, carries=1, length=n) : f32[], i64[n] {
    body(%2: f32[], %3: i64[], %4: f32[]) {
      %5 = add(%2, %4) : f32[]
      return %5, %3
    }
  }
  return %0, %1
}
"""
    module = _core.Module.parse(text)
    last, stacked = evaluate(module, 0, [np.zeros(0, np.float32)]).outputs
    assert float(last) == 7.0
    assert stacked.shape == (0,)
    assert stacked.dtype == np.int64


def guarded() -> _core.Module:
    n, m = ingot.Dim("n", 2, 8), ingot.Dim("m", 1, 8)
    return ingot.record(lambda x, y: x + y, ingot.Spec((n,)), ingot.Spec((m,))).module


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(3,), (4,)], "guard"),
        ([(9,), (9,)], "dim n out of range"),
        ([(1,), (1,)], "dim n out of range"),
        ([(3, 1), (3,)], "rank"),
    ],
)
def test_sizes_are_checked_before_anything_runs(shapes: list[tuple[int, ...]], words: str) -> None:
    arrays = [np.ones(shape, np.float32) for shape in shapes]
    with pytest.raises(ingot.ShapeError, match=words):
        bind_dims(guarded(), 0, arrays, {})
    with pytest.raises(ingot.ShapeError):
        ingot.Program(guarded())(*arrays)


def test_an_error_inside_names_the_recorded_line() -> None:
    graph = ingot.record(lambda x, i: ingot.take(x, i), ingot.Spec((3,)), ingot.Spec((1,), "int64"))
    with pytest.raises(ingot.RangeError, match=r"got 3, expected -3..2  \(test_reference.py:\d+\)"):
        graph.evaluate([1.0, 2.0, 3.0], [3])


TRUE: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "erf": math.erf,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
}


@pytest.mark.parametrize("name", TRUE)
def test_elementary_functions_agree_with_the_math_library(
    name: str, rng: np.random.Generator
) -> None:
    x = rng.uniform(0.01, 8.0, 200)
    expected = np.array([TRUE[name](v) for v in x])
    got = OPS[name].unrounded([x], {})
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=1e-16)


SPECIAL: list[tuple[str, list[Any], Any]] = [
    ("maximum", [-0.0, 0.0], 0.0),
    ("maximum", [0.0, -0.0], 0.0),
    ("minimum", [0.0, -0.0], -0.0),
    ("maximum", [math.nan, 1.0], math.nan),
    ("minimum", [1.0, math.nan], math.nan),
    ("pow", [math.nan, 0.0], 1.0),
    ("pow", [-8.0, 1 / 3], math.nan),
    ("sign", [math.nan], math.nan),
    ("sign", [-0.0], 0.0),
    ("round", [2.5], 2.0),
    ("round", [-0.5], -0.0),
    ("remainder", [-1.0, math.inf], math.inf),
    ("remainder", [-7.0, 2.0], 1.0),
    ("remainder", [1.0, 0.0], math.nan),
    ("floor_divide", [-7.0, 2.0], -4.0),
    ("floor_divide", [1.0, 0.0], math.inf),
    ("exp", [-math.inf], 0.0),
    ("log", [0.0], -math.inf),
    ("log", [-1.0], math.nan),
    ("rsqrt", [0.0], math.inf),
    ("erf", [-math.inf], -1.0),
    ("tanh", [math.inf], 1.0),
    ("abs", [-0.0], 0.0),
    ("sqrt", [-0.0], -0.0),
]


@pytest.mark.parametrize(("name", "operands", "expected"), SPECIAL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values_are_what_the_docs_say_eagerly_and_in_a_program(
    name: str, operands: list[float], expected: float, dtype: type
) -> None:
    arrays = [np.full(3, v, dtype) for v in operands]
    function = OPS[name].function
    assert function is not None
    wanted = np.full(3, expected, dtype)
    assert same_bits(function(*arrays).numpy(), wanted)
    assert same_bits(ingot.compile(ingot.record(function, *arrays))(*arrays), wanted)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_integer_ops_are_total_eagerly_and_in_a_program(dtype: type) -> None:
    limits = np.iinfo(dtype)
    values = [0, 1, -1, 2, -2, 7, 63, -64, limits.max, limits.min]
    a, b = (v.ravel() for v in np.meshgrid(np.array(values, dtype), np.array(values, dtype)))
    bits = limits.bits

    def wrapped(value: int) -> int:
        return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)

    laws: dict[str, Callable[[int, int], int]] = {
        "add": lambda x, y: wrapped(x + y),
        "multiply": lambda x, y: wrapped(x * y),
        "floor_divide": lambda x, y: wrapped(x // y) if y else 0,
        "remainder": lambda x, y: x % y if y else 0,
        "bitwise_left_shift": lambda x, y: wrapped(x << y) if 0 <= y < bits else 0,
        "bitwise_right_shift": lambda x, y: x >> y if 0 <= y < bits else -(x < 0),
        "pow": lambda x, y: (
            wrapped(pow(x, y, 2**bits)) if y >= 0 else {1: 1, -1: (-1) ** (y & 1)}.get(x, 0)
        ),
    }
    for name, law in laws.items():
        function = OPS[name].function
        assert function is not None
        expected = np.array([law(int(x), int(y)) for x, y in zip(a, b, strict=True)], dtype)
        np.testing.assert_array_equal(function(a, b).numpy(), expected, err_msg=name)
        static = ingot.compile(ingot.record(function, a, b))(a, b)
        np.testing.assert_array_equal(static, expected, err_msg=name)


def test_convolution_is_the_sum_that_its_docstring_says(rng: np.random.Generator) -> None:
    x, w = rng.standard_normal((2, 4, 6, 5)), rng.standard_normal((6, 2, 3, 2))
    got = ingot.conv2d(x, w, stride=(2, 1), padding=(1, 0, 2, 1), dilation=(1, 2), groups=2).numpy()
    padded = np.pad(x, [(0, 0), (0, 0), (1, 2), (0, 1)])
    expected = np.zeros_like(got)
    for n, o, i, j in np.ndindex(*got.shape):
        first = o // 3 * 2  # the first channel of the group
        for c, p, q in np.ndindex(2, 3, 2):
            expected[n, o, i, j] += w[o, c, p, q] * padded[n, first + c, 2 * i + p, j + 2 * q]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


# Bounds.


def test_an_exact_bound_tells_signed_zeros_apart_and_nans_together() -> None:
    plus, minus, nan = (np.array([v], np.float32) for v in (0.0, -0.0, math.nan))
    assert first_difference(EQUAL, nan, -nan, [], {}) is None
    found = first_difference(EQUAL, plus, minus, [], {})
    assert found is not None
    assert found.index == (0,)


def test_rounding_to_infinity_is_no_difference() -> None:
    got = np.array([np.inf], np.float32)
    assert first_difference(ROUNDED, got, np.array([3.5e38]), [], {}) is None
    assert first_difference(ROUNDED, got, np.array([3.3e38]), [], {}) is not None


@pytest.mark.parametrize("value", [1.0, 3e38, 1e-42, 1e-20, 0.75])
def test_units_in_the_last_place_are_counted_at_every_magnitude(value: float) -> None:
    x = np.float32(value)
    near, far = np.nextafter(x, np.float32(0)), x
    for _ in range(3):
        far = np.nextafter(far, np.float32(0))
    expected = np.array([float(x)])
    assert first_difference(ulps(1, 1), np.array([near]), expected, [], {}) is None
    assert first_difference(ulps(1, 1), np.array([far]), expected, [], {}) is not None


def test_the_depth_of_a_sum_grows_with_the_logarithm_of_its_blocks() -> None:
    assert fold_depth(1) <= fold_depth(32) <= fold_depth(512) < fold_depth(513)
    assert fold_depth(512 * 1024) == fold_depth(512) + 10
