"""x[key] means what NumPy means, for random keys, eagerly, recorded and on symbolic sizes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import ingot

SHAPE = (2, 3, 4, 5)
X = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
SYMBOLIC = ingot.Spec(tuple(ingot.Dim(name, 1, 9) for name in "abcd"))


def random_key(choose: random.Random) -> tuple[Any, ...]:
    """Integers, slices, None, ..., index arrays that broadcast and masks, legal or not."""
    key: list[Any] = []
    axis = 0
    while axis < 4 and choose.randint(0, 6):
        n, kind = SHAPE[axis], choose.randint(0, 11)
        axis += kind not in (7, 8)
        if kind < 2:
            key.append(choose.randint(-n, n - 1))
        elif kind < 7:
            ends = [choose.choice([None, choose.randint(-n - 2, n + 2)]) for _ in range(2)]
            key.append(slice(*ends, choose.choice([None, 1, 2, 3, -1, -2, -3])))
        elif kind == 7:
            key.append(None)
        elif kind == 8:
            if not any(k is Ellipsis for k in key):
                key.append(Ellipsis)
                axis += choose.randint(0, 1)
        elif kind < 11:
            shape = choose.choice([(), (3,), (1,), (2, 1), (0,)] if kind == 9 else [(3,)])
            numbers = [choose.randint(-2, 1) for _ in range(int(np.prod(shape)))]
            key.append(
                np.array(numbers, choose.choice([np.int64, np.int32, np.int8])).reshape(shape)
            )
        else:
            key.append(np.array([choose.random() < 0.5 for _ in range(n)]))
    return tuple(key)


def numpys(key: tuple[Any, ...]) -> np.ndarray | None:
    try:
        return X[key]
    except IndexError:
        return None


@pytest.mark.parametrize("seed", range(20))
def test_random_keys_give_what_numpy_gives(seed: int) -> None:
    choose, tensor = random.Random(seed), ingot.tensor(X)
    for count in range(100):
        key = random_key(choose)
        expected = numpys(key)
        if expected is None:
            with pytest.raises(ingot.IngotError):
                tensor[key]
            continue
        got = tensor[key].numpy()
        np.testing.assert_array_equal(got, expected, err_msg=str(key))
        if count % 10 == 0:
            static = ingot.compile(ingot.record(lambda x, key=key: x[key], X))(X)
            np.testing.assert_array_equal(static, expected, err_msg=str(key))


@pytest.mark.parametrize("seed", range(20))
def test_keys_on_symbolic_sizes_are_right_or_refused(seed: int) -> None:
    choose, accepted = random.Random(seed), 0
    for _ in range(20):
        key = random_key(choose)
        try:
            program = ingot.compile(ingot.record(lambda x, key=key: x[key], SYMBOLIC))
            got = program(X)
        except ingot.IngotError:
            continue  # never clamped: what may lie outside is refused, or a guard that fails
        accepted += 1
        np.testing.assert_array_equal(got, numpys(key), err_msg=str(key))
    assert accepted


def test_a_slice_beyond_a_symbolic_size_becomes_a_guard() -> None:
    graph = ingot.record(lambda x: x[:3], ingot.Spec((ingot.Dim("n", 1, 9),)))
    assert graph.module.guards
    program = ingot.compile(graph)
    np.testing.assert_array_equal(program(np.arange(5, dtype=np.float32)), [0, 1, 2])
    with pytest.raises(ingot.ShapeError):
        program(np.zeros(2, np.float32))


def test_sizes_are_keys_too() -> None:
    graph = ingot.record(lambda x: x[1 : x.shape[0] - 1], ingot.Spec((ingot.Dim("n", 2, 9),)))
    np.testing.assert_array_equal(
        ingot.compile(graph)(np.arange(5, dtype=np.float32)), [1.0, 2.0, 3.0]
    )


def test_a_mask_works_eagerly_and_is_refused_while_recording() -> None:
    x = ingot.tensor([[1.0, -2.0], [-3.0, 4.0]])
    np.testing.assert_array_equal(x[x > 0].numpy(), [1.0, 4.0])
    np.testing.assert_array_equal(x[np.array([False, True])].numpy(), [[-3.0, 4.0]])
    with pytest.raises(ingot.RangeError, match="mask"):
        x[np.array([True])]
    with pytest.raises(ingot.RecordError, match=r"where.*\(test_indexing.py:\d+\)"):
        ingot.record(lambda x: x[x > 0], x)


def test_masks_stand_among_other_keys() -> None:
    columns, rows = np.array([True, False, True]), np.array([[True, False, True]] * 2)
    x = ingot.tensor(X)
    for key in (
        (slice(None), columns),
        (0, columns, ..., np.array([0, -1])),
        (rows, slice(None), [1, 2, 3, 4]),
        (np.array(True), 1),
        (np.array(False), 1),
    ):
        np.testing.assert_array_equal(x[key].numpy(), X[key])
        static = ingot.compile(ingot.record(lambda x, key=key: x[key], X))(X)
        np.testing.assert_array_equal(static, X[key])


def test_several_recorded_tensors_select_element_by_element() -> None:
    def pick(x: Any, i: Any, j: Any) -> Any:
        return x[:, i, ..., j]

    spec = ingot.Spec((2,), "int32")
    program = ingot.compile(ingot.record(pick, SYMBOLIC, spec, spec))
    i, j = np.array([-1, 0], np.int32), np.array([1, -5], np.int32)
    np.testing.assert_array_equal(program(X, i, j), X[:, i, ..., j])
    with pytest.raises(ingot.RangeError):
        program(X, i + 3, j)
    with pytest.raises(ingot.RangeError):
        program(X, i, j - 1)


def test_a_known_index_out_of_range_is_refused_while_recording() -> None:
    with pytest.raises(ingot.RangeError, match=r"axis 1: got 3, expected -3..2  \(test_indexing"):
        ingot.record(lambda x: x[:, np.array([0, 3])], X)


def test_a_slice_between_recorded_numbers_is_refused() -> None:
    with pytest.raises(ingot.RecordError, match="dynamic_slice"):
        ingot.record(lambda x, i: x[i : i + 2], X, np.int32(0))


def test_a_recorded_tensor_is_an_index() -> None:
    graph = ingot.record(lambda x, i: x[i], ingot.Spec((4, 2)), ingot.Spec((), "int32"))
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    np.testing.assert_array_equal(ingot.compile(graph)(x, np.int32(-1)), x[-1])
    with pytest.raises(ingot.RangeError):
        ingot.compile(graph)(x, np.int32(4))


@pytest.mark.parametrize("key", [True, 1.5, "a", {}, (0, 0, 0, 0, 0), (..., ...), slice(0, 1, 0)])
def test_a_key_that_means_nothing_is_a_named_error(key: Any) -> None:
    with pytest.raises(ingot.IngotError):
        ingot.tensor(X)[key]


def test_tensors_are_immutable() -> None:
    x = ingot.tensor(X)
    with pytest.raises(ingot.ArgumentError, match=r"immutable.*\.at\["):
        x[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 1
    source = X.copy()
    kept = ingot.tensor(source)
    source[...] = 0
    np.testing.assert_array_equal(kept.numpy(), X)
