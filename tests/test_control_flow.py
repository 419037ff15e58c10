"""Control flow: eager equals recorded, errors name what differs, gradients to second order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ingot
from ingot import testing

Tensor = ingot.Tensor
X = np.array([0.5, -1.25, 2.0, 0.25])


def both(function: Callable[..., Any], *args: np.ndarray) -> list[np.ndarray]:
    """Runs eagerly and as a program, checked node by node; both give the same within rounding."""
    eager = function(*[ingot.tensor(a) for a in args])
    expected = list(eager) if isinstance(eager, (tuple, list)) else [eager]
    program = ingot.compile(ingot.record(function, *args))
    testing.check(program, list(args))
    found = program(*args)
    results = list(found) if isinstance(found, tuple) else [found]
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-9, atol=1e-12)
    return results


def nodes_of(function: Callable[..., Any], *args: Any) -> list[str]:
    graph = ingot.record(function, *args)
    return [node.op for node in graph.module.nodes(0)]


# ---- branches


def test_cond_records_one_node_and_takes_either_branch() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.cond(ingot.sum(x) > 0, lambda y: y * 2, lambda y: y - 1, x)

    assert nodes_of(function, X).count("if") == 1
    np.testing.assert_array_equal(both(function, X)[0], X * 2)
    np.testing.assert_array_equal(both(function, -X)[0], -X - 1)


def test_a_condition_known_while_recording_is_decided_at_once() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.cond(ingot.tensor(False), lambda: x / 0, lambda: x)

    assert nodes_of(function, X) == []


def test_switch_takes_the_nearest_branch() -> None:
    branches = [lambda x, k=k: x * k for k in range(5)]

    def function(i: Tensor, x: Tensor) -> Tensor:
        return ingot.switch(i, branches, x)

    program = ingot.compile(ingot.record(function, ingot.Spec((), "int64"), X))
    for i, k in [(-3, 0), (0, 0), (1, 1), (3, 3), (4, 4), (9, 4)]:
        np.testing.assert_array_equal(program(i, X), X * k)
        eager = function(ingot.tensor(i), ingot.tensor(X)).numpy()
        np.testing.assert_array_equal(eager, X * k)


def test_a_region_node_names_the_users_line() -> None:
    graph = ingot.record(
        lambda x: ingot.scan(lambda c, v: (c + v, None), ingot.tensor(0.0, dtype="float64"), x)[0],
        X[:2],
    )
    (scan,) = [node for node in graph.module.nodes(0) if node.op == "scan"]
    assert scan.origin[0].endswith("test_control_flow.py")


# ---- loops


def test_while_loop_carries_nested_values() -> None:
    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        value = ingot.while_loop(
            lambda v: ingot.max(v["x"]) < 100,
            lambda v: {"x": v["x"] * v["x"] + 1, "n": v["n"] + 1},
            {"x": x, "n": 0},
        )
        return value["x"], value["n"]

    assert both(function, X)[1] == 3


def test_fori_loop_with_known_bounds_is_a_scan_and_a_while_loop_otherwise() -> None:
    def known(x: Tensor) -> Tensor:
        return ingot.fori_loop(2, 6, lambda i, v: v + i, x)

    def unknown(x: Tensor, n: Tensor) -> Tensor:
        return ingot.fori_loop(2, n, lambda i, v: v + i, x)

    assert "scan" in nodes_of(known, X)
    assert "while" in nodes_of(unknown, X, ingot.Spec((), "int64"))
    np.testing.assert_array_equal(both(known, X)[0], X + 14)
    np.testing.assert_array_equal(both(unknown, X, np.asarray(6))[0], X + 14)
    np.testing.assert_array_equal(both(unknown, X, np.asarray(-1))[0], X)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 5])
def test_scan_goes_along_the_first_axis(length: int, reverse: bool) -> None:
    xs = np.linspace(-1, 1, length * 3).reshape(length, 3)

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        def step(c: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
            return c * 0.5 + row, ingot.tanh(c) * row

        return ingot.scan(step, ingot.zeros(3, dtype="float64"), x, reverse=reverse)

    last, ys = both(function, xs)
    assert last.shape == (3,)
    assert ys.shape == (length, 3)


def test_scan_over_a_symbolic_length() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.scan(lambda c, row: (c + row, None), 0.0, x)[0]

    program = ingot.compile(ingot.record(function, ingot.Spec((ingot.Dim("n", 0, 9),))))
    for n in (0, 1, 7):
        assert program(np.ones(n, np.float32)) == n


def test_regions_nest() -> None:
    def function(x: Tensor) -> Tensor:
        def row(c: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            grown = ingot.while_loop(lambda t: t < 10, lambda t: t * 2 + ingot.abs(c), v + 3)
            taken = ingot.cond(grown > 15, lambda: grown - c, lambda: grown + v)
            return taken, taken * x[0]

        return ingot.scan(row, ingot.tensor(1.0, dtype="float64"), x)[1]

    both(function, X)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 6), st.booleans())
def test_random_scans_agree(seed: int, length: int, reverse: bool) -> None:
    rng = np.random.default_rng(seed)
    weights, xs = rng.standard_normal((2, 2)), rng.standard_normal((length, 2))

    def function(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        def step(c: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
            after = ingot.cond(
                ingot.sum(c) > ingot.sum(row), lambda: ingot.tanh(w @ c), lambda: row - c
            )
            return after, after * row

        return ingot.scan(step, ingot.ones(2, dtype="float64"), x, reverse=reverse)

    both(function, xs, weights)


# ---- gradients


def check_gradient(function: Callable[..., Tensor], *args: np.ndarray) -> None:
    """First order: recorded, eager and differences agree; second order: recorded and eager."""
    count = list(range(len(args)))
    first = ingot.grad(function, count)
    tensors = [ingot.tensor(a) for a in args]
    eager = [g.numpy() for g in first(*tensors)]
    program = ingot.compile(ingot.record(first, *args))
    found = program(*args)
    for a, b in zip(found if isinstance(found, tuple) else [found], eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(a.shape) for a in args]
    h = 1e-6
    ends = [
        function(*[ingot.tensor(a + t * d) for a, d in zip(args, directions, strict=True)]).item()
        for t in (h, -h)
    ]
    slope = sum(float(np.sum(g * d)) for g, d in zip(eager, directions, strict=True))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5, abs=1e-6)

    def slope_along(*xs: Tensor) -> Tensor:
        total = ingot.tensor(0.0, dtype="float64")
        for g, d in zip(first(*xs), directions, strict=True):
            total = total + ingot.sum(g * d)
        return total

    second = ingot.grad(slope_along, count)
    expected = [g.numpy() for g in second(*tensors)]
    found = ingot.compile(ingot.record(second, *args))(*args)
    for a, b in zip(found if isinstance(found, tuple) else [found], expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_gradient_of_cond() -> None:
    def function(x: Tensor, w: Tensor) -> Tensor:
        y = ingot.cond(x[0] > 0, lambda v: ingot.sin(v) * w, lambda v: v * v * v, x)
        return ingot.sum(y * y)

    check_gradient(function, X, X[::-1].copy())
    check_gradient(function, -X, X)


def test_gradient_of_scan() -> None:
    def function(x: Tensor, w: Tensor) -> Tensor:
        def step(c: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
            after = ingot.tanh(w @ c + row)
            return after, after * row

        last, ys = ingot.scan(step, ingot.ones(2, dtype="float64"), x)
        return ingot.sum(last * last) + ingot.sum(ys)

    rng = np.random.default_rng(1)
    check_gradient(function, rng.standard_normal((5, 2)), rng.standard_normal((2, 2)))


def test_gradient_of_a_reversed_scan_with_integer_carry() -> None:
    def function(x: Tensor) -> Tensor:
        def step(c: dict[str, Tensor], row: Tensor) -> tuple[dict[str, Tensor], Tensor]:
            after = ingot.sin(c["v"] * row) + c["n"]
            return {"v": after, "n": c["n"] + 1}, after * c["v"]

        last, ys = ingot.scan(step, {"v": 0.5 * x[0], "n": 0}, x, reverse=True)
        return last["v"] * ingot.sum(ys)

    check_gradient(function, X)


def test_gradient_of_while_loop_with_a_bound() -> None:
    def function(x: Tensor, w: Tensor) -> Tensor:
        value = ingot.while_loop(
            lambda v: ingot.sum(v[0] * v[0]) < 50,
            lambda v: (v[0] * 1.5 + ingot.sin(w), v[1] + 1),
            (x, 0),
            max_trips=20,
        )
        return ingot.sum(value[0] ** 3) * 0.01

    check_gradient(function, X, X * 0.5)


def test_gradient_of_fori_loop() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.sum(ingot.fori_loop(1, 4, lambda i, v: ingot.sin(v) * i + x, x))

    check_gradient(function, X)


def test_gradient_of_nested_regions() -> None:
    def function(x: Tensor, w: Tensor) -> Tensor:
        def row(c: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            inner = ingot.fori_loop(0, 3, lambda i, t: ingot.tanh(t * w[0]) + c * i, v)
            taken = ingot.cond(inner > 0, lambda: inner * c, lambda: inner - w[1] * v)
            return taken, taken * v

        last, ys = ingot.scan(row, ingot.tensor(0.7, dtype="float64"), x)
        return last + ingot.sum(ys)

    check_gradient(function, X, X[:2] + 0.1)


def test_inference_keeps_nothing_for_gradients() -> None:
    def function(x: Tensor) -> Tensor:
        def step(c: Tensor, row: Tensor) -> tuple[Tensor, None]:
            return ingot.scan(lambda d, v: (d + v, None), c, row)[0], None

        return ingot.scan(step, ingot.tensor(0.0), x)[0]

    graph = ingot.record(function, ingot.Spec((3, 4)))
    scans = [n for n in graph.module.nodes(0) if n.op == "scan"]
    assert [len(n.results) for n in scans] == [1, 1]


def test_a_recorded_while_loop_without_a_bound_has_no_gradient() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.sum(ingot.while_loop(lambda v: ingot.sum(v) < 9, lambda v: v * 2, x))

    assert ingot.grad(function)(ingot.tensor(X)).shape == X.shape  # eagerly there is no need
    with pytest.raises(ingot.ArgumentError, match="no gradient of a recorded loop without a bound"):
        ingot.record(ingot.grad(function), X)


def test_more_turns_than_the_bound_abort() -> None:
    def function(x: Tensor) -> Tensor:
        return ingot.while_loop(lambda v: v < 100, lambda v: v * 2, x, max_trips=3)

    message = "while_loop: more turns than max_trips=3"
    with pytest.raises(ingot.AbortError, match=message):
        function(ingot.tensor(1))
    program = ingot.compile(ingot.record(function, ingot.Spec((), "int64")))
    assert program(20).item() == 160
    with pytest.raises(ingot.AbortError, match=message):
        program(1)


# ---- errors


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda x: ingot.cond(x[0] > 0, lambda: x, lambda: x[1:]),
            ingot.ShapeError,
            r"cond: the result changes its type: got f32\[3\], expected f32\[4\].*control_flow",
        ),
        (
            lambda x: ingot.cond(x[0] > 0, lambda: (x, x), lambda: x),
            ingot.ArgumentError,
            "cond: the result is nested differently: got a tensor, expected 0, 1",
        ),
        (
            lambda x: ingot.cond(x > 0, lambda: x, lambda: x),
            ingot.ShapeError,
            r"cond: the condition is no scalar: got bool\[4\]",
        ),
        (
            lambda x: ingot.while_loop(lambda v: v[0] < 3, lambda v: v.astype("float64"), x),
            ingot.DTypeError,
            r"while_loop: the value changes its type: got f64\[4\], expected f32\[4\]",
        ),
        (
            lambda x: ingot.scan(lambda c, v: ({"h": c["h"][None]}, v), {"h": x}, x),
            ingot.ShapeError,
            r"scan: the carried value.h changes its type: got f32\[1,4\], expected f32\[4\]",
        ),
        (
            lambda x: ingot.scan(lambda c, v: c, x, x),
            ingot.ArgumentError,
            "wrong result of the bod",
        ),
        (lambda x: ingot.scan(lambda c, v: (c, v), x), ingot.ArgumentError, "scan: no length"),
        (
            lambda x: ingot.scan(lambda c, v: (c, v), x, (x, x[1:])),
            ingot.ShapeError,
            "scan: lengths differ: got 4, 3",
        ),
        (
            lambda x: ingot.switch(x[0], [lambda: x]),
            ingot.DTypeError,
            "switch: wrong index: got fl",
        ),
        (lambda x: ingot.switch(0, []), ingot.ArgumentError, "switch: no branches"),
        (lambda x: ingot.fori_loop(0.5, 3, lambda i, v: v, x), ingot.DTypeError, "wrong bound"),
    ],
)
def test_misuse_names_what_differs(
    function: Callable[[Tensor], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ingot.record(function, ingot.Spec((4,)))


def test_a_value_of_a_region_stays_in_it() -> None:
    leaked: list[Tensor] = []

    def function(x: Tensor) -> Tensor:
        ingot.cond(x[0] > 0, lambda: leaked.append(x * 2) or x, lambda: x)
        return leaked[0] + 1

    with pytest.raises(ingot.RecordError, match=r"(?s)control_flow"):
        ingot.record(function, ingot.Spec((4,)))


def test_an_error_in_a_body_leaves_the_recording_usable() -> None:
    def function(x: Tensor) -> Tensor:
        with contextlib.suppress(ingot.IngotError):
            ingot.scan(lambda c, v: (c @ v, v), x, x)
        return x + 1

    assert nodes_of(function, ingot.Spec((4,))) == ["add"]


def test_a_state_is_assigned_outside_of_regions() -> None:
    s = ingot.State(0.0, name="s")

    def function(x: Tensor) -> Tensor:
        def step(c: Tensor, v: Tensor) -> tuple[Tensor, None]:
            s.value = c
            return c + v, None

        return ingot.scan(step, s.value, x)[0]

    with pytest.raises(ingot.RecordError, match="state s: assigned inside a branch or a loop"):
        ingot.record(function, ingot.Spec((4,)))
