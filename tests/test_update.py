"""x.at[key].set(value) and its like are what NumPy's assignments make of a copy."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.test_indexing import SHAPE, X, numpys, random_key

import ingot
import ingot.testing

HOW: dict[str, Callable[..., None]] = {
    "add": np.add.at,
    "multiply": np.multiply.at,
    "min": np.minimum.at,
    "max": np.maximum.at,
}


def updated(key: Any, value: Any, how: str) -> np.ndarray:
    result = X.copy()
    if how == "set":
        result[key] = value
    else:
        HOW[how](result, key, value)
    return result


@pytest.mark.parametrize("how", ["set", *HOW])
def test_random_updates_are_numpys(how: str, rng: np.random.Generator) -> None:
    choose, tensor = random.Random(how), ingot.tensor(X)
    for count in range(150):
        key = random_key(choose)
        chosen = numpys(key)
        if chosen is None:
            with pytest.raises(ingot.IngotError):
                getattr(tensor.at[key], how)(0)
            continue
        value = rng.integers(-3, 9, chosen.shape).astype(np.float32)
        value = choose.choice([value, value[..., :1] if value.ndim else value, np.float32(2)])
        expected = updated(key, value, how)
        np.testing.assert_array_equal(getattr(tensor.at[key], how)(value).numpy(), expected)
        if count % 10 == 0:
            graph = ingot.record(lambda x, key=key, v=value: getattr(x.at[key], how)(v), X)
            program = ingot.compile(graph)
            np.testing.assert_array_equal(program(X), expected)
            ingot.testing.check(program, [X])


def test_a_recorded_mask_updates_where_it_is_true() -> None:
    row = np.arange(5, dtype=np.float32)

    def update(x: Any) -> Any:
        return x.at[x > 60].multiply(-1).at[x[..., 0] < 9].set(row)

    expected = np.where(X > 60, -X, X)
    expected[X[..., 0] < 9] = row
    np.testing.assert_array_equal(ingot.compile(ingot.record(update, X))(X), expected)


def test_a_recorded_index_updates_by_data() -> None:
    spec = ingot.Spec((), "int32")
    program = ingot.compile(ingot.record(lambda x, i: x.at[:, i].set(0), X, spec))
    expected = X.copy()
    expected[:, 2] = 0
    np.testing.assert_array_equal(program(X, np.int32(-1)), expected)
    with pytest.raises(ingot.RangeError):
        program(X, np.int32(3))


def test_updates_take_symbolic_sizes() -> None:
    spec = ingot.Spec((ingot.Dim("n", 2, 9), *SHAPE[1:]))
    program = ingot.compile(ingot.record(lambda x: x.at[1:, ::-2].add(1).at[:, 0].set(7), spec))
    expected = X.copy()
    expected[1:, ::-2] += 1
    expected[:, 0] = 7
    np.testing.assert_array_equal(program(X), expected)


def test_values_are_cast_to_the_tensor() -> None:
    x = ingot.tensor([1, 2, 3])
    assert x.at[0].set(ingot.tensor(2.9)).tolist() == [2, 2, 3]
    assert x.at[0].set(7).dtype == np.int64
    assert x.at[1:].get().tolist() == [2, 3]


def test_gradients_go_around_what_was_set() -> None:
    x, v = ingot.tensor([1.0, 2.0, 3.0]), ingot.tensor([5.0])
    _, pull = ingot.vjp(lambda x, v: x.at[1:2].set(v) * x.at[ingot.tensor([0, 0])].add(v), x, v)
    of_x, of_v = pull(ingot.ones(3))
    assert of_x.tolist() == [12.0, 5.0, 6.0]
    assert of_v.tolist() == [4.0]


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros((2, 2, 3, 4, 5))])
def test_a_value_that_does_not_fit_is_a_shape_error(value: np.ndarray) -> None:
    with pytest.raises(ingot.ShapeError):
        ingot.tensor(X).at[0].set(value)
