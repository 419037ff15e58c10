"""The kernels of every level sum in the order that ingot.reference_order states, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ingot import _core
from ingot.reference_order import fma, matmul_in_order, prod_in_order, sum_in_order

Array = npt.NDArray[Any]

NAMES = {np.float32: "f32", np.float64: "f64", np.int32: "i32", np.int64: "i64"}
DTYPES = list(NAMES)


def typed(x: Array) -> str:
    return f"{NAMES[x.dtype.type]}[{','.join(map(str, x.shape))}]"


def random_array(rng: np.random.Generator, shape: Sequence[int], dtype: type) -> Array:
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    return (rng.standard_normal(shape) * 2.0 ** rng.integers(-12, 13, shape)).astype(dtype)


def run_everywhere(text: str, inputs: Sequence[Array]) -> list[Array]:
    """The only output of the only graph, at every level of this machine, with 1 and 2 threads."""
    module = _core.Module.parse(text)
    return [
        _core.Program(module, level=level, num_threads=threads).new_session().run(0, inputs)[0]
        for level in _core.levels()
        for threads in (1, 2)
    ]


def assert_same_bits(results: Sequence[Array], expected: Array) -> None:
    for result in results:
        assert result.dtype == expected.dtype
        assert result.shape == expected.shape
        nan = np.isnan(expected)
        np.testing.assert_array_equal(np.isnan(result), nan)
        bits = np.dtype(f"u{expected.dtype.itemsize}")
        np.testing.assert_array_equal(result[~nan].view(bits), expected[~nan].view(bits))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((5, 37), (37, 18)),
        ((1, 700), (700, 33)),
        ((40, 300), (300, 1)),
        ((3, 2, 7, 513), (2, 513, 5)),
        ((2, 3, 9), (9, 4)),
        ((4, 0), (0, 3)),
    ],
)
def test_matmul_sums_in_the_stated_order(
    dtype: type, a_shape: tuple[int, ...], b_shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    if dtype == np.float64:  # whose fma is exact arithmetic in Python
        a_shape, b_shape = (*a_shape[:-2], min(a_shape[-2], 3), a_shape[-1]), b_shape
    a, b = random_array(rng, a_shape, dtype), random_array(rng, b_shape, dtype)
    expected = matmul_in_order(a, b)
    text = f"""ingot 1
numerics 1
graph main(a: {typed(a)}, b: {typed(b)}) {{
  %0 = matmul(a, b) : {typed(expected)}
  return %0
}}
"""
    assert_same_bits(run_everywhere(text, [a, b]), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["sum", "prod"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((7,), (0,)),
        ((5, 3000), (1,)),
        ((3000, 5), (0,)),
        ((40, 6, 50), (0, 2)),
        ((1537,), (0,)),
        ((3, 0, 2), (1,)),
        ((4, 5), ()),
    ],
)
def test_reductions_sum_in_the_stated_order(
    dtype: type, op: str, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    x = random_array(np.random.default_rng(2), shape, dtype)
    if op == "prod" and np.issubdtype(dtype, np.floating):
        x = (x / np.abs(x) * np.random.default_rng(3).uniform(0.9, 1.1, shape)).astype(dtype)
    expected = sum_in_order(x, axes) if op == "sum" else prod_in_order(x, axes)
    text = f"""ingot 1
numerics 1
graph main(x: {typed(x)}) {{
  %0 = {op}(x, axes=[{",".join(map(str, axes))}]) : {typed(expected)}
  return %0
}}
"""
    assert_same_bits(run_everywhere(text, [x]), expected)


def test_fma_of_float32_rounds_once() -> None:
    rng = np.random.default_rng(4)
    a, b, c = (random_array(rng, (20000,), np.float32) for _ in range(3))
    c[::3] = -(a * b)[::3]  # leaves what the product's own rounding lost
    c[1::3] *= np.float32(2.0**-30)
    a[::7] *= np.float32(2.0**-120)  # subnormal results
    c[::14] *= np.float32(2.0**-126)
    products = a.astype(np.float64) * b  # exact
    expected = np.array([round_sum_once(p, float(q)) for p, q in zip(products, c, strict=True)])
    np.testing.assert_array_equal(fma(a, b, c), expected.astype(np.float32))


def round_sum_once(p: float, q: float) -> float:
    """The float32 nearest to p + q, by comparing exact distances of the candidates."""
    exact = Fraction(p) + Fraction(q)
    near = np.float32(float(exact))
    candidates = [
        np.nextafter(near, np.float32(-np.inf)),
        near,
        np.nextafter(near, np.float32(np.inf)),
    ]
    distance = [abs(Fraction(float(x)) - exact) for x in candidates]
    best = [x for x, d in zip(candidates, distance, strict=True) if d == min(distance)]
    return float(best[0] if len(best) == 1 else next(x for x in best if not x.view(np.uint32) & 1))
