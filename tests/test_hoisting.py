"""What leaves a loop, and that it keeps every bit."""

from __future__ import annotations

import numpy as np
import pytest

import ingot

rng = np.random.default_rng(5)


def floats(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def check(graph: ingot.Graph, *xs: np.ndarray) -> str:
    """The optimized text, after comparing the results with those of no pass at all."""
    program, plain = ingot.compile(graph), ingot.compile(graph, passes=[])
    for got, expected in zip(program(*xs), plain(*xs), strict=True):
        np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))
    return program.optimized.text()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 7])
def test_a_product_of_slices_is_computed_for_all_turns_at_once(turns: int, reverse: bool) -> None:
    wx, wh, bias = floats(4, 6), floats(6, 6), floats(6)

    def lstm(x: ingot.Tensor, h: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        def body(h: ingot.Tensor, xt: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
            weights = ingot.tensor(wx) * 2  # the same in every turn
            h = ingot.tanh(xt @ weights + h @ wh + bias)
            return h, h * xt.sum()

        h, ys = ingot.scan(body, h, x, reverse=reverse)
        return h, ys

    graph = ingot.record(lstm, ingot.Spec((ingot.Dim("n", 0, 9), 2, 4)), ingot.Spec((2, 6)))
    text = check(graph, floats(turns, 2, 4), floats(2, 6))
    before, after = text.split("scan(")
    assert "matmul" in before
    assert after.count("matmul") == 1


def test_what_does_not_change_leaves_nested_loops() -> None:
    def nested(x: ingot.Tensor, w: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        def inner(_: int, y: ingot.Tensor) -> ingot.Tensor:
            return ingot.tanh(y + ingot.exp(w) @ w)

        def outer(_: int, y: ingot.Tensor) -> ingot.Tensor:
            return ingot.fori_loop(0, 3, inner, y)

        return ingot.fori_loop(0, 2, outer, x), x

    graph = ingot.record(nested, ingot.Spec((3, 3)), ingot.Spec((3, 3)))
    text = check(graph, floats(3, 3), floats(3, 3))
    for loop in ("while(", "scan("):
        if loop in text:
            assert "matmul" in text.split(loop)[0]
            assert "matmul" not in text.split(loop, 1)[1]


def test_what_may_fail_stays_in_a_loop_that_may_not_turn() -> None:
    def picks(x: ingot.Tensor, i: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        def body(total: ingot.Tensor, row: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
            return total + ingot.take(x[0], i, axis=0).sum(), row

        return ingot.scan(body, ingot.zeros(()), x)

    graph = ingot.record(picks, ingot.Spec((ingot.Dim("n", 0, 4), 3)), ingot.Spec((1,), "int64"))
    with pytest.raises(ingot.IngotError, match="out of range"):
        ingot.compile(graph)(floats(1, 3), np.array([7]))


def test_a_loop_without_turns_computes_nothing_that_could_fail() -> None:
    def picks(x: ingot.Tensor, t: ingot.Tensor, i: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        def body(total: ingot.Tensor, row: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
            return total + ingot.take(t, i, axis=0).sum(), row

        return ingot.scan(body, ingot.zeros(()), x)

    n = ingot.Dim("n", 0, 4)
    graph = ingot.record(picks, ingot.Spec((n, 3)), ingot.Spec((3,)), ingot.Spec((1,), "int64"))
    total, _ = ingot.compile(graph)(floats(0, 3), floats(3), np.array([7]))
    assert total == 0
