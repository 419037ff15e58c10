"""The Python array API standard: its special cases, eagerly and as programs, and its namespace.

Each rule is a sentence of the standard: where it applies, and what the result is there. Hypothesis
draws operands of special and ordinary numbers; every rule is held wherever it applies.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ingot
import ingot.array_api as xp

INF, NAN, PI = np.inf, np.nan, np.pi
SIZE = 48

Where: TypeAlias = Callable[..., np.ndarray]
Rule: TypeAlias = "tuple[Where, float | Callable[..., np.ndarray]]"


def minus(x: np.ndarray) -> np.ndarray:
    """Negative, -0.0 too."""
    return np.signbit(x) & ~np.isnan(x)


def plus(x: np.ndarray) -> np.ndarray:
    return ~np.signbit(x) & ~np.isnan(x)


def zero(x: np.ndarray) -> np.ndarray:
    return x == 0


def odd(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x) & (np.abs(np.fmod(x, 2)) == 1)


def itself(x: np.ndarray, *_: np.ndarray) -> np.ndarray:
    return x


def at(value: float) -> Where:
    """Where x is this value, bit for bit."""
    if np.isnan(value):
        return np.isnan
    return lambda x: (x == value) & (np.signbit(x) == np.signbit(value))


def points(*pairs: tuple[float, float]) -> list[Rule]:
    """x -> y, one rule for each pair."""
    return [(at(x), y) for x, y in pairs]


def keeps(*values: float) -> list[Rule]:
    return points(*((v, v) for v in values))


WHOLE: list[Rule] = [
    *keeps(INF, -INF, NAN, 0.0, -0.0),
    (lambda x: np.isfinite(x) & (x == np.trunc(x)), itself),
]
UNARY: dict[str, list[Rule]] = {
    "abs": points((NAN, NAN), (-0.0, 0.0), (-INF, INF)),
    "acos": [*points((NAN, NAN), (1.0, 0.0)), (lambda x: np.abs(x) > 1, NAN)],
    "acosh": [*points((NAN, NAN), (1.0, 0.0), (INF, INF)), (lambda x: x < 1, NAN)],
    "asin": [*keeps(NAN, 0.0, -0.0), (lambda x: np.abs(x) > 1, NAN)],
    "asinh": keeps(NAN, 0.0, -0.0, INF, -INF),
    "atan": [*keeps(NAN, 0.0, -0.0), *points((INF, PI / 2), (-INF, -PI / 2))],
    "atanh": [
        *keeps(NAN, 0.0, -0.0),
        *points((1.0, INF), (-1.0, -INF)),
        (lambda x: np.abs(x) > 1, NAN),
    ],
    "ceil": [*WHOLE, (lambda x: (x > -1) & (x < 0), -0.0)],
    "cos": points((NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)),
    "cosh": points((NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF)),
    "exp": points((NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0)),
    "expm1": [*keeps(NAN, 0.0, -0.0, INF), (at(-INF), -1.0)],
    "floor": WHOLE,
    "isfinite": [(np.isfinite, 1.0), (lambda x: ~np.isfinite(x), 0.0)],
    "isinf": [(np.isinf, 1.0), (lambda x: ~np.isinf(x), 0.0)],
    "isnan": [(np.isnan, 1.0), (lambda x: ~np.isnan(x), 0.0)],
    "log": [
        *points((NAN, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)),
        (lambda x: x < 0, NAN),
    ],
    "log1p": [*keeps(NAN, 0.0, -0.0, INF), (at(-1.0), -INF), (lambda x: x < -1, NAN)],
    "log2": [
        *points((NAN, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)),
        (lambda x: x < 0, NAN),
    ],
    "log10": [
        *points((NAN, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)),
        (lambda x: x < 0, NAN),
    ],
    "reciprocal": points((NAN, NAN), (INF, 0.0), (-INF, -0.0), (0.0, INF), (-0.0, -INF)),
    "round": [*WHOLE, (at(0.5), 0.0), (at(2.5), 2.0), (at(-1.5), -2.0)],
    "sign": [(lambda x: x < 0, -1.0), (zero, 0.0), (lambda x: x > 0, 1.0), (np.isnan, NAN)],
    "signbit": [(minus, 1.0), (plus, 0.0)],
    "sin": [*keeps(NAN, 0.0, -0.0), *points((INF, NAN), (-INF, NAN))],
    "sinh": keeps(NAN, 0.0, -0.0, INF, -INF),
    "sqrt": [*keeps(NAN, 0.0, -0.0, INF), (lambda x: x < 0, NAN)],
    "square": points((NAN, NAN), (INF, INF), (-INF, INF), (-0.0, 0.0)),
    "tan": [*keeps(NAN, 0.0, -0.0), *points((INF, NAN), (-INF, NAN))],
    "tanh": [*keeps(NAN, 0.0, -0.0), *points((INF, 1.0), (-INF, -1.0))],
    "trunc": [*WHOLE, (lambda x: (x > -1) & (x < 0), -0.0), (lambda x: (x > 0) & (x < 1), 0.0)],
}


def any_nan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.isnan(x) | np.isnan(y)


def both(of_x: Where, of_y: Where) -> Where:
    return lambda x, y: of_x(x) & of_y(y)


def signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Infinity with the sign of the product."""
    return np.where(np.signbit(x) == np.signbit(y), INF, -INF)


def zeros(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Zero with the sign of the product."""
    return np.where(np.signbit(x) == np.signbit(y), 0.0, -0.0)


def finite(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x)


def nonzero(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x) & (x != 0)


BINARY: dict[str, list[Rule]] = {
    "add": [
        (any_nan, NAN),
        (both(at(INF), at(-INF)), NAN),
        (both(at(INF), finite), INF),
        (both(finite, at(-INF)), -INF),
        (both(at(-0.0), at(-0.0)), -0.0),
        (both(at(-0.0), at(0.0)), 0.0),
        (lambda x, y: np.isfinite(x) & (x != 0) & (y == -x), 0.0),
    ],
    "subtract": [(any_nan, NAN), (both(at(INF), at(INF)), NAN), (both(at(0.0), at(-0.0)), 0.0)],
    "atan2": [
        (any_nan, NAN),
        (lambda x, y: (x > 0) & (y == 0), PI / 2),
        (lambda x, y: (x < 0) & (y == 0), -PI / 2),
        (both(at(0.0), plus), 0.0),
        (both(at(-0.0), plus), -0.0),
        (both(at(0.0), minus), PI),
        (both(at(-0.0), minus), -PI),
        (both(at(INF), finite), PI / 2),
        (both(at(INF), at(INF)), PI / 4),
        (both(at(-INF), at(-INF)), -3 * PI / 4),
    ],
    "copysign": [(lambda x, y: ~np.isnan(x), lambda x, y: np.copysign(np.abs(x), y))],
    "divide": [
        (any_nan, NAN),
        (both(np.isinf, np.isinf), NAN),
        (both(zero, zero), NAN),
        (lambda x, y: (x > 0) & (y == 0), signs),
        (both(zero, nonzero), zeros),
        (both(np.isinf, finite), signs),
        (both(finite, np.isinf), zeros),
    ],
    "floor_divide": [
        (any_nan, NAN),
        (both(np.isinf, np.isinf), NAN),
        (both(zero, zero), NAN),
        (both(nonzero, zero), signs),
        (both(zero, nonzero), zeros),
        (lambda x, y: np.isfinite(x) & (x > 0) & (y == INF), 0.0),
        (lambda x, y: np.isfinite(x) & (x > 0) & (y == -INF), -1.0),
    ],
    "hypot": [
        (both(np.isinf, lambda y: y == y), INF),
        (lambda x, y: np.isinf(y), INF),
        (lambda x, y: any_nan(x, y) & ~np.isinf(x) & ~np.isinf(y), NAN),
        (both(zero, finite), lambda x, y: np.abs(y)),
    ],
    "logaddexp": [
        (any_nan, NAN),
        (lambda x, y: ((x == INF) | (y == INF)) & ~any_nan(x, y), INF),
    ],
    "maximum": [(any_nan, NAN), (lambda x, y: x > y, itself), (both(at(-0.0), at(0.0)), 0.0)],
    "minimum": [(any_nan, NAN), (lambda x, y: x < y, itself), (both(at(0.0), at(-0.0)), -0.0)],
    "multiply": [
        (any_nan, NAN),
        (both(np.isinf, zero), NAN),
        (both(np.isinf, np.isinf), signs),
        (both(np.isinf, nonzero), signs),
        (both(zero, finite), zeros),
    ],
    "nextafter": [
        (any_nan, NAN),
        (both(at(-0.0), at(0.0)), 0.0),
        (both(at(0.0), at(-0.0)), -0.0),
        (lambda x, y: x == y, lambda x, y: y),
    ],
    "pow": [
        (lambda x, y: np.isnan(x) & (y != 0), NAN),
        (lambda x, y: y == 0, 1.0),
        (lambda x, y: (x != 1) & np.isnan(y), NAN),
        (lambda x, y: x == 1, 1.0),
        (lambda x, y: (np.abs(x) > 1) & (y == INF), INF),
        (lambda x, y: (np.abs(x) > 1) & (y == -INF), 0.0),
        (lambda x, y: (np.abs(x) == 1) & np.isinf(y), 1.0),
        (lambda x, y: (np.abs(x) < 1) & (y == INF), 0.0),
        (lambda x, y: (np.abs(x) < 1) & (y == -INF), INF),
        (lambda x, y: (x == INF) & (y > 0), INF),
        (lambda x, y: (x == INF) & (y < 0), 0.0),
        (lambda x, y: (x == -INF) & (y > 0) & odd(y), -INF),
        (lambda x, y: (x == -INF) & (y > 0) & ~odd(y), INF),
        (lambda x, y: (x == -INF) & (y < 0) & odd(y), -0.0),
        (lambda x, y: (x == -INF) & (y < 0) & ~odd(y), 0.0),
        (lambda x, y: at(0.0)(x) & (y > 0), 0.0),
        (lambda x, y: at(0.0)(x) & (y < 0), INF),
        (lambda x, y: at(-0.0)(x) & (y > 0) & odd(y), -0.0),
        (lambda x, y: at(-0.0)(x) & (y > 0) & ~odd(y), 0.0),
        (lambda x, y: at(-0.0)(x) & (y < 0) & odd(y), -INF),
        (lambda x, y: at(-0.0)(x) & (y < 0) & ~odd(y), INF),
        (lambda x, y: np.isfinite(x) & (x < 0) & np.isfinite(y) & (y != np.trunc(y)), NAN),
    ],
    "remainder": [
        (any_nan, NAN),
        (lambda x, y: np.isinf(x), NAN),
        (lambda x, y: y == 0, NAN),
        (lambda x, y: (x == 0) & (y > 0), 0.0),
        (lambda x, y: (x == 0) & (y < 0), -0.0),
        (lambda x, y: np.isfinite(x) & (x > 0) & (y == INF), itself),
        (lambda x, y: np.isfinite(x) & (x > 0) & (y == -INF), lambda x, y: y),
    ],
}

SPECIAL = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 2.5, -1.5, 1e-40]
VECTORS = hnp.arrays(
    np.float32,
    SIZE,
    elements=st.sampled_from(SPECIAL) | st.floats(width=32),
    fill=st.nothing(),
)


@functools.cache
def program_of(name: str, operands: int) -> ingot.Program:
    return ingot.compile(ingot.record(getattr(xp, name), *[ingot.Spec((SIZE,))] * operands))


def hold_rules(name: str, rules: list[Rule], *operands: np.ndarray) -> None:
    """Eagerly and as a program every rule holds wherever it applies."""
    eager = getattr(xp, name)(*[ingot.tensor(x) for x in operands]).numpy()
    for got in (eager, program_of(name, len(operands))(*operands)):
        for number, (where, expected) in enumerate(rules):
            with np.errstate(invalid="ignore"):
                mask = where(*operands)
                value = expected(*operands) if callable(expected) else expected
            wanted = np.broadcast_to(np.asarray(value, got.dtype), got.shape)[mask]
            message = f"{name}, rule {number}, {[x[mask] for x in operands]}"
            np.testing.assert_allclose(got[mask], wanted, rtol=1e-6, err_msg=message)
            if got.dtype.kind == "f":
                is_zero = wanted == 0
                signs_agree = np.signbit(got[mask]) == np.signbit(wanted)
                assert signs_agree[is_zero].all(), message


@pytest.mark.parametrize("name", [n for n in UNARY if n in xp.__all__])
@given(x=VECTORS)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_special_cases_of_one_operand(name: str, x: np.ndarray) -> None:
    hold_rules(name, UNARY[name], x)


@pytest.mark.parametrize("name", [n for n in BINARY if n in xp.__all__])
@given(x=VECTORS, y=VECTORS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_special_cases_of_two_operands(name: str, x: np.ndarray, y: np.ndarray) -> None:
    hold_rules(name, BINARY[name], x, y)


def test_the_namespace_offers_what_it_lists() -> None:
    assert xp.__array_api_version__ == "2024.12"
    assert [n for n in xp.__all__ if not hasattr(xp, n)] == []
    assert [n for n in xp.linalg.__all__ if not callable(getattr(xp.linalg, n))] == []


def test_a_tensor_names_its_namespace() -> None:
    x = ingot.tensor([1.0])
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ingot.ArgumentError, match=r"2024\.12"):
        x.__array_namespace__(api_version="1999.01")


def test_the_namespace_answers_about_itself() -> None:
    info = xp.__array_namespace_info__()
    assert info.devices() == [info.default_device()] == ["cpu"]
    assert info.capabilities()["max dimensions"] == 8
    assert info.default_dtypes()["real floating"] == xp.float32
    assert set(info.dtypes(kind="unsigned integer")) == {"uint8", "uint16", "uint32", "uint64"}
    assert info.dtypes(kind=("bool", "real floating")).keys() == {"bool", "float32", "float64"}
    with pytest.raises(ingot.DeviceError):
        info.dtypes(device="gpu")


def test_functions_take_what_the_standard_says_more() -> None:
    x = ingot.tensor([[1, 2], [3, 4]])
    assert xp.concat([x, x[0]], axis=None).tolist() == [1, 2, 3, 4, 1, 2]
    assert xp.reshape(x, (4,), copy=True).tolist() == [1, 2, 3, 4]
    assert xp.arange(3, device="cpu").tolist() == [0, 1, 2]


def test_an_axis_out_of_range_is_an_index_error_too() -> None:
    with pytest.raises(IndexError):
        xp.expand_dims(xp.zeros(3), axis=5)


def test_dtypes_promote_as_the_standard_says() -> None:
    assert xp.result_type(xp.int8, xp.uint8) == xp.int16
    assert xp.result_type(xp.zeros(2), 1.5, True) == xp.float32
    assert xp.result_type(xp.int64, xp.float64) == xp.float64
    assert xp.can_cast(xp.uint8, xp.int16)
    assert not xp.can_cast(xp.int16, xp.uint8)
    assert not xp.can_cast(xp.uint64, xp.int64)
    assert xp.isdtype(xp.int8, ("integral", "bool"))
    assert xp.finfo(xp.float32).bits == 32
    assert ingot.finfo("bfloat16").max == 3.3895313892515355e38
    assert ingot.finfo("complex64").dtype == np.float32
    assert xp.iinfo(xp.zeros(1, dtype=xp.uint64)).max == 2**64 - 1
