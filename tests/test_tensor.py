"""Tensor: operators, promotion, indexing and conversion, eagerly and recorded alike."""

from __future__ import annotations

import copy
import pickle
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


def test_divmod_and_updating_operators_make_new_tensors() -> None:
    x = ingot.tensor([7, -7])
    quotient, rest = divmod(x, 3)
    assert (quotient.tolist(), rest.tolist()) == ([2, -3], [1, 2])
    assert [t.tolist() for t in divmod(10, ingot.tensor([3]))] == [[3], [1]]
    y = x
    y += 1
    y @= ingot.eye(2, dtype="int64")
    assert x.tolist() == [7, -7]
    assert y.tolist() == [8, -6]


METHODS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: x.sum(axis=(0, 2), keepdims=True),
    "max": lambda x: x.max(1),
    "mean": lambda x: x.mean(0),
    "std": lambda x: x.std(-1),
    "cumulative": lambda x: x.cumsum(1),
    "sort": lambda x: x.swapaxes(0, 2),
    "reshape": lambda x: x.reshape(4, 6),
    "ravel": lambda x: x.ravel(),
    "argmin": lambda x: x.argmin(2),
    "clip": lambda x: x.clip(3, 9),
    "repeat": lambda x: x.repeat(2, axis=1),
    "diagonal": lambda x: x.diagonal(0, 1, 2),
}


@pytest.mark.parametrize("f", METHODS.values(), ids=METHODS.keys())
def test_methods_are_functions_of_the_same_name(f: Callable[[Any], Any]) -> None:
    np.testing.assert_allclose(f(ingot.tensor(X)).numpy(), f(X), rtol=1e-6)
    np.testing.assert_allclose(ingot.compile(ingot.record(f, X))(X), f(X), rtol=1e-6)


def test_a_method_on_the_class_is_the_documented_function() -> None:
    assert ingot.Tensor.mean is ingot.mean
    missing = [n for n in dir(ingot.Tensor) if not n.startswith("__") and n != "_bound"]
    assert all(hasattr(ingot.tensor([[1.0]]), n) for n in missing)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "bool", "uint8", "int64"])
def test_pickles_and_copies_keep_everything(dtype: str) -> None:
    x = ingot.tensor([0, 1], dtype=dtype, name="w")
    if dtype == "float32":
        x.requires_grad = True
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert y is not x
        assert (y.dtype, y.name, y.requires_grad) == (x.dtype, "w", x.requires_grad)
        np.testing.assert_array_equal(y.numpy(), x.numpy())
        assert not y.numpy().flags.writeable
    with pytest.raises(ingot.RecordError, match="pickle"):
        ingot.record(pickle.dumps, x)


def test_repr_shows_the_shape_where_the_numbers_do_not() -> None:
    assert repr(ingot.tensor([1.5])) == "Tensor([1.5], dtype=float32)"
    assert "shape=(0, 3)" in repr(ingot.zeros((0, 3)))
    large = repr(ingot.zeros((100, 100)))
    assert "..." in large
    assert "shape=(100, 100), dtype=float32" in large
    assert len(large) < 600


def test_numbers_are_formatted_and_converted() -> None:
    x = ingot.tensor(2.75)
    assert f"{x:.1f}" == "2.8"
    assert f"{ingot.tensor([1, 2])}" == "Tensor([1, 2], dtype=int64)"
    assert (int(x), float(x), complex(x), bool(x)) == (2, 2.75, 2.75 + 0j, True)
    assert [10, 20, 30][ingot.tensor(1)] == 20
    for convert in (float, bool, int):
        with pytest.raises(ingot.ArgumentError, match="single element"):
            convert(ingot.tensor([1.0, 2.0]))
    with pytest.raises(ingot.DTypeError, match="integer"):
        [1, 2][ingot.tensor(1.0)]
    assert 2.0 in ingot.tensor([1.0, 2.0])


def test_numpy_takes_a_tensor_without_a_copy_where_it_can() -> None:
    x = ingot.tensor(X)
    assert np.asarray(x) is x.numpy()
    assert np.asarray(x, dtype="float64").dtype == np.float64
    assert not np.shares_memory(np.array(x, copy=True), x.numpy())
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype="float64", copy=False)


def test_a_dtype_is_applied_to_the_numbers_as_written() -> None:
    assert float(ingot.tensor(0.1, dtype="float64")) == 0.1
    assert ingot.tensor([2**63], dtype="uint64").tolist() == [2**63]
    assert ingot.tensor([0.1]).dtype == np.float32


def test_tensors_lie_on_the_cpu() -> None:
    x = ingot.tensor([1.0])
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    with pytest.raises(ingot.DeviceError):
        x.to_device("cuda")
    with pytest.raises(ingot.ArgumentError):
        x.to_device("cpu", stream=1)  # type: ignore[arg-type]
