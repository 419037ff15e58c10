"""The elementary functions against mpmath, in units of the last place: float64 2, float32 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot

mp: Any = pytest.importorskip("mpmath")
mp.mp.prec = 120

# name -> (mpmath's function, magnitude of the arguments, smallest and largest of them)
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {
    "acos": (mp.acos, 1, -1, 1),
    "acosh": (mp.acosh, 50, 1, 1e300),
    "asin": (mp.asin, 1, -1, 1),
    "asinh": (mp.asinh, 50, -1e300, 1e300),
    "atan": (mp.atan, 20, -1e300, 1e300),
    "atanh": (mp.atanh, 1, -1, 1),
    "cos": (mp.cos, 100, -1e300, 1e300),
    "cosh": (mp.cosh, 50, -709, 709),
    "erf": (mp.erf, 5, -7, 7),
    "erfc": (mp.erfc, 8, -7, 26),
    "exp": (mp.exp, 50, -700, 700),
    "exp2": (lambda x: mp.mpf(2) ** x, 50, -1000, 1000),
    "expm1": (mp.expm1, 5, -700, 700),
    "log": (mp.log, 3, 1e-300, 1e300),
    "log10": (mp.log10, 3, 1e-300, 1e300),
    "log1p": (mp.log1p, 3, -1 + 1e-15, 1e300),
    "log2": (lambda x: mp.log(x, 2), 3, 1e-300, 1e300),
    "sin": (mp.sin, 100, -1e300, 1e300),
    "sinh": (mp.sinh, 5, -709, 709),
    "tan": (mp.tan, 100, -1e300, 1e300),
    "tanh": (mp.tanh, 3, -30, 30),
}
SAMPLES = 400


def arguments(most: float, low: float, high: float) -> np.ndarray:
    """Evenly spread ones, and ones of every exponent of the range."""
    rng = np.random.default_rng(5)
    reach = math.log2(max(abs(low), abs(high)))
    scaled = rng.choice([-1, 1], SAMPLES) * 2.0 ** rng.uniform(-40, reach, SAMPLES)
    x = np.concatenate([rng.uniform(-most, most, SAMPLES), scaled])
    return x[(x >= low) & (x <= high)]


def units_off(got: float, exact: Any) -> float:
    """The error in units of the last place of the exact value."""
    return float(abs(mp.mpf(got) - exact) / mp.mpf(math.ulp(float(exact))))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_is_within_two_units_in_the_last_place(name: str) -> None:
    exact, most, low, high = FUNCTIONS[name]
    x = arguments(most, low, high)
    found = ingot.compile(ingot.record(getattr(ingot, name), x))(x)
    worst = max(units_off(y, exact(mp.mpf(v))) for v, y in zip(x.tolist(), found, strict=True))
    assert worst <= 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_within_one_unit_in_the_last_place(name: str) -> None:
    exact, most, low, high = FUNCTIONS[name]
    x = arguments(most, max(low, -80), min(high, 80)).astype(np.float32)
    found = ingot.compile(ingot.record(getattr(ingot, name), x))(x)
    for v, y in zip(x.tolist(), found, strict=True):
        true = exact(mp.mpf(v))
        smallest = np.finfo(np.float32).smallest_subnormal
        unit = max(float(np.spacing(abs(np.float32(float(true))))), float(smallest))
        assert abs(mp.mpf(float(y)) - true) <= unit


@pytest.mark.parametrize("name", ["atan2", "pow"])
def test_functions_of_two_are_within_two_units_in_the_last_place(name: str) -> None:
    rng = np.random.default_rng(6)
    a, b = (np.exp(rng.uniform(-9, 9, SAMPLES)) for _ in range(2))
    b = b % 60 if name == "pow" else b * rng.choice([-1, 1], SAMPLES)
    exact = mp.atan2 if name == "atan2" else mp.power
    found = ingot.compile(ingot.record(getattr(ingot, name), a, b))(a, b)
    values = zip(a.tolist(), b.tolist(), found, strict=True)
    assert max(units_off(y, exact(mp.mpf(p), mp.mpf(q))) for p, q, y in values) <= 2
