"""Tensor: operators, promotion, indexing and conversion, eagerly and recorded alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
I = np.array([1, 0, 1])  # noqa: E741

BASIC: dict[str, Callable[[Any], Any]] = {
    "int": lambda x: x[1],
    "negative int": lambda x: x[-1, -2],
    "slice": lambda x: x[:, 1:3],
    "step": lambda x: x[..., ::2],
    "negative step": lambda x: x[:, ::-1, 3:0:-1],
    "newaxis": lambda x: x[:, None, 0],
    "ellipsis": lambda x: x[..., 0],
    "empty": lambda x: x[:, 2:2],
    "integer array": lambda x: x[:, I],
    "transpose": lambda x: x.mT,
    "reshape": lambda x: x.reshape((6, 4)),
}
OPERATORS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: (x + 1) * 2 - x / 4,
    "reflected": lambda x: 1 - 2 * x,
    "power": lambda x: x**2,
    "floor and rest": lambda x: x // 3 + x % 3,
    "compare": lambda x: (x > 3) & ~(x == 5),
    "matmul": lambda x: x @ x.mT,
    "negative": lambda x: -abs(x),
}


@pytest.mark.parametrize("f", BASIC.values(), ids=BASIC.keys())
def test_indexing_means_what_it_means_in_numpy(f: Callable[[Any], Any]) -> None:
    expected = np.swapaxes(X, -1, -2) if f is BASIC["transpose"] else f(X)
    np.testing.assert_array_equal(f(ingot.tensor(X)).numpy(), expected)
    np.testing.assert_array_equal(ingot.compile(ingot.record(f, X))(X), expected)


@pytest.mark.parametrize("f", OPERATORS.values(), ids=OPERATORS.keys())
def test_operators_give_the_same_eagerly_and_recorded(f: Callable[[Any], Any]) -> None:
    eager = f(ingot.tensor(X))
    static = ingot.compile(ingot.record(f, X))(X)
    assert static.dtype == eager.dtype
    np.testing.assert_allclose(static, eager.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("int32", "int64", "int64"),
        ("float32", "float64", "float64"),
        ("int64", "float32", "float32"),
        ("bool", "float64", "float64"),
    ],
)
def test_promotion_follows_the_table(a: str, b: str, expected: str) -> None:
    x, y = ingot.tensor(np.ones(2, a)), ingot.tensor(np.ones(2, b))
    assert ingot.multiply(ingot.cast(x, dtype=expected), y).dtype == np.dtype(expected)
    if "bool" not in (a, b):
        assert (x + y).dtype == np.dtype(expected)


def test_python_numbers_are_weak() -> None:
    assert (ingot.tensor(np.ones(2, np.float32)) + 1.5).dtype == np.float32
    assert (ingot.tensor(np.ones(2, np.int32)) + 1).dtype == np.int32
    assert (ingot.tensor(np.ones(2, np.int32)) + 0.5).dtype == np.float32
    assert (ingot.tensor(np.ones(2, np.int64)) / 2).dtype == np.float32


def test_conversions_and_repr() -> None:
    x = ingot.tensor([1.0, 2.0])
    assert len(x) == 2
    assert [float(v) for v in x] == [1.0, 2.0]
    assert int(ingot.sum(x)) == 3
    assert bool(ingot.all(x > 0))
    assert "float32" in repr(x)
    np.testing.assert_array_equal(np.asarray(x), [1.0, 2.0])


def test_a_wrong_index_is_a_named_error() -> None:
    x = ingot.tensor(X)
    with pytest.raises(ingot.IngotError):
        x[5]
    with pytest.raises(ingot.IngotError):
        x[0, 0, 0, 0]
    with pytest.raises(ingot.IngotError):
        x["a"]
