"""Composites: each is what its docstring states, against formulas in float64 written out here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.testing

ERF = np.vectorize(math.erf)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def tanh_gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


CASES: dict[str, tuple[Callable[..., Any], Callable[[np.ndarray], Any]]] = {
    "relu": (ingot.relu, lambda x: np.maximum(x, 0)),
    "sigmoid": (ingot.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "silu": (ingot.silu, lambda x: x / (1 + np.exp(-x))),
    "gelu": (ingot.gelu, lambda x: 0.5 * x * (1 + ERF(x / math.sqrt(2)))),
    "gelu tanh": (lambda x: ingot.gelu(x, approximate="tanh"), tanh_gelu),
    "softmax": (ingot.softmax, softmax),
    "softmax axis 0": (lambda x: ingot.softmax(x, axis=0), lambda x: softmax(x.T).T),
    "log_softmax": (ingot.log_softmax, lambda x: np.log(softmax(x))),
    "layer_norm": (lambda x: ingot.layer_norm(x, 6), layer_norm),
    "square": (ingot.square, np.square),
    "reciprocal": (ingot.reciprocal, np.reciprocal),
    "mean": (lambda x: ingot.mean(x, axis=1, keepdims=True), lambda x: x.mean(1, keepdims=True)),
    "var": (lambda x: ingot.var(x, axis=0), lambda x: x.var(0)),
    "var corrected": (lambda x: ingot.var(x, correction=1), lambda x: x.var(ddof=1)),
    "std": (ingot.std, np.std),
    "clip": (lambda x: ingot.clip(x, -0.5, 1), lambda x: np.clip(x, -0.5, 1)),
    "clip below": (lambda x: ingot.clip(x, max=0), lambda x: np.minimum(x, 0)),
    "argmin": (lambda x: ingot.argmin(x, 1), lambda x: x.argmin(1)),
    "any": (lambda x: ingot.any(x > 1, axis=0), lambda x: (x > 1).any(0)),
    "all": (lambda x: ingot.all(x > -1, axis=1), lambda x: (x > -1).all(1)),
    "flatten": (ingot.flatten, np.ravel),
    "stack": (lambda x: ingot.stack([x, x + 1], axis=-1), lambda x: np.stack([x, x + 1], -1)),
    "split": (lambda x: ingot.split(x, 3, axis=1)[2], lambda x: np.split(x, 3, axis=1)[2]),
    "split at": (lambda x: ingot.split(x, [1, 4], 1)[1], lambda x: np.split(x, [1, 4], 1)[1]),
    "expand_dims": (lambda x: ingot.expand_dims(x, (0, -1)), lambda x: x[None, ..., None]),
    "full_like": (lambda x: ingot.full_like(x, 2) + x, lambda x: x + 2),
    "linear": (
        lambda x: ingot.linear(x, np.eye(3, 6, dtype=np.float32), np.ones(3, np.float32)),
        lambda x: x[:, :3] + 1,
    ),
    "batch_norm": (
        lambda x: ingot.batch_norm(x, *np.float32([[1] * 6, [4] * 6, [3] * 6, [2] * 6]), eps=0),
        lambda x: (x - 1) / 2 * 3 + 2,
    ),
    "matmul vector": (lambda x: x @ x[0], lambda x: x @ x[0]),
    "vector matmul": (lambda x: x[0] @ ingot.matrix_transpose(x), lambda x: x[0] @ x.T),
}


@pytest.mark.parametrize("name", CASES)
def test_a_composite_is_its_formula_eagerly_and_as_a_program(
    name: str, rng: np.random.Generator
) -> None:
    function, formula = CASES[name]
    x = rng.standard_normal((4, 6)).astype(np.float32)
    expected = np.asarray(formula(x.astype(np.float64)))
    eager = function(ingot.tensor(x))
    assert eager.shape == expected.shape
    np.testing.assert_allclose(eager.numpy(), expected, rtol=2e-6, atol=1e-6)
    batch = ingot.Dim("batch", 1, 9)
    for spec in (ingot.Spec((4, 6)), ingot.Spec((batch, 6))):
        program = ingot.compile(ingot.record(function, spec))
        np.testing.assert_allclose(program(x), expected, rtol=2e-6, atol=1e-6)
        ingot.testing.check(program, [x])


def test_reductions_over_nothing_are_total() -> None:
    nothing = ingot.zeros((0, 2))
    assert ingot.any(nothing, axis=0).tolist() == [False, False]
    assert ingot.all(nothing, axis=0).tolist() == [True, True]
    assert ingot.sum(nothing, axis=0).tolist() == [0.0, 0.0]
    assert np.isnan(ingot.mean(nothing, axis=0).numpy()).all()
    assert (
        ingot.softmax(nothing, axis=0).shape == ingot.log_softmax(nothing, axis=0).shape == (0, 2)
    )
    for f in (ingot.max, ingot.min, ingot.argmax, ingot.argmin):
        with pytest.raises(ingot.ShapeError, match="empty"):
            f(nothing, axis=0)


def test_argmin_of_the_extremes_has_no_overflow() -> None:
    for dtype in ("int8", "int32", "int64", "uint8"):
        limits = np.iinfo(dtype)
        x = ingot.tensor(np.array([0, limits.max, limits.min, limits.min], dtype))
        assert int(ingot.argmin(x)) == int(np.argmin(x.numpy()))
    assert int(ingot.argmin(ingot.tensor([1.0, math.nan, -1.0]))) == 1


def test_nan_and_infinity_are_told_apart() -> None:
    x = ingot.tensor([1.0, math.nan, math.inf, -math.inf])
    assert ingot.isnan(x).tolist() == [False, True, False, False]
    assert ingot.isinf(x).tolist() == [False, False, True, True]
    assert ingot.isfinite(x).tolist() == [True, False, False, False]
    assert ingot.isfinite(ingot.tensor([1, 2])).tolist() == [True, True]


WRONG: dict[str, tuple[Callable[[Any], Any], type[ingot.IngotError]]] = {
    "gelu": (lambda x: ingot.gelu(x, approximate="sigmoid"), ingot.ArgumentError),
    "softmax": (lambda x: ingot.softmax(x, axis=2), ingot.ArgumentError),
    "layer_norm": (lambda x: ingot.layer_norm(x, 5), ingot.ShapeError),
    "batch_norm": (lambda x: ingot.batch_norm(x[0], x, x, x, x), ingot.ArgumentError),
    "linear": (lambda x: ingot.linear(x, x[None]), ingot.ArgumentError),
    "squeeze": (lambda x: ingot.squeeze(x, 0), ingot.ShapeError),
    "split": (lambda x: ingot.split(x, 4, axis=1), ingot.ShapeError),
    "stack": (lambda x: ingot.stack([x, x[0]]), ingot.ShapeError),
    "stack nothing": (lambda _: ingot.stack([]), ingot.ArgumentError),
    "expand_dims": (lambda x: ingot.expand_dims(x, 7), ingot.ArgumentError),
    "flatten": (lambda x: ingot.flatten(x, 1, 0), ingot.ArgumentError),
    "matrix_transpose": (lambda x: x[0].mT, ingot.ArgumentError),
    "T": (lambda x: x[0].T, ingot.ArgumentError),
    "full": (lambda _: ingot.full((2,), 300, "int8"), ingot.ArgumentError),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_named_eagerly_and_with_its_line_while_recording(name: str) -> None:
    function, error = WRONG[name]
    x = np.ones((4, 6), np.float32)
    with pytest.raises(error):
        function(ingot.tensor(x))
    with pytest.raises(error, match=r"\(test_composite.py:\d+\)"):
        ingot.record(function, x)
