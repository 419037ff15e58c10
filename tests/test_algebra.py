"""Exact rewrites: what goes, what must stay, and that no bit changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import ingot

Function = Callable[[ingot.Tensor], ingot.Tensor]
ODD = np.array([0.0, -0.0, 1.5, -3.0, np.inf, -np.inf, np.nan, 1e-42], np.float32).reshape(2, 4)


def ops(
    f: Function, x: np.ndarray = ODD, passes: Sequence[str] = ("algebra", "dead_code")
) -> list[str]:
    """The ops of the optimized graph; the results are those of no pass at all."""
    graph = ingot.record(f, ingot.Spec(x.shape, str(x.dtype)))
    program, plain = (
        ingot.compile(graph, passes=passes),
        ingot.compile(graph, passes=[]),
    )
    got, expected = program(x), plain(x)
    same = (got.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(got) & np.isnan(expected))
    assert same.all()
    body = program.optimized.text().split("{", 1)[1]
    return [line.split("= ")[1].split("(")[0] for line in body.splitlines() if "= " in line]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 1.0,
        lambda x: 1.0 * x,
        lambda x: x / 1.0,
        lambda x: x - 0.0,
        lambda x: x + -0.0,
        lambda x: ingot.negative(-x),
        lambda x: ingot.maximum(x, x),
        lambda x: ingot.where(x > 0, x, x),
        lambda x: x.mT.mT,
        lambda x: x.reshape((2, 4)),
        lambda x: x[0:2],
        lambda x: ingot.broadcast_to(x, (2, 4)),
    ],
)
def test_what_changes_nothing_goes(f: Function) -> None:
    assert [op for op in ops(f) if op != "greater"] == []


@pytest.mark.parametrize(
    "f", [lambda x: x + 0.0, lambda x: x - x, lambda x: x * 0.0, lambda x: x / x]
)
def test_what_could_change_a_bit_stays(f: Function) -> None:
    assert len(ops(f)) == 1


def test_views_of_views_are_one() -> None:
    assert ops(lambda x: x.reshape((8,)).reshape((4, 2))) == ["reshape"]
    assert ops(lambda x: ingot.abs(-ingot.abs(x)))[-1] == "abs"


def test_a_transposed_product_is_computed_transposed() -> None:
    w = ingot.tensor(np.arange(12, dtype=np.float32).reshape(4, 3) / 7)
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    assert ops(lambda x: (x @ w).mT, x)[-1] == "matmul"
    assert ops(lambda x: (x.mT.mT @ w).mT * 2, x)[-2:] == ["matmul", "multiply"]
    # A second reader keeps the product as it is.
    assert ops(lambda x: (x @ w).mT @ (x @ w), x)[-1] == "matmul"


@pytest.mark.parametrize(
    ("f", "op"),
    [
        (lambda x: ingot.where(x <= 0.0, 0.0, x), "maximum"),
        (lambda x: ingot.where(x < 1.5, 1.5, x), "maximum"),
        (lambda x: ingot.where(x < -0.0, -0.0, x), "maximum"),
        (lambda x: ingot.where(x >= 1.5, 1.5, x), "minimum"),
        (lambda x: ingot.where(x > 0.0, 0.0, x), "minimum"),
        (lambda x: ingot.where(x >= -0.0, -0.0, x), "minimum"),
    ],
)
def test_a_limit_is_one_op(f: Function, op: str) -> None:
    assert ops(f) == [op]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ingot.where(ingot.logical_or(x > 0, False), x, 2.0),
        lambda x: ingot.where(ingot.logical_and(True, x > 0), x, 2.0),
    ],
)
def test_a_neutral_truth_value_goes(f: Function) -> None:
    assert ops(f) == ["greater", "where"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ingot.where(ingot.logical_or(x > 0, True), x, 2.0),
        lambda x: ingot.where(ingot.logical_and(x > 0, False), x, 2.0),
    ],
)
def test_a_truth_value_that_decides_stays(f: Function) -> None:
    assert ops(f) == ["greater", f.__code__.co_names[2], "where"]


def test_two_limits_are_two_ops() -> None:
    limited = ["maximum", "minimum"]
    assert ops(lambda x: ingot.clip(x, -0.5, 2.25)) == limited
    folded = ["fold_constants", "algebra", "dead_code"]
    given = ingot.tensor(-0.5), ingot.tensor(2.25)
    assert ops(lambda x: ingot.clip(x, *given), passes=folded) == limited
    assert ops(ingot.nn.functional.relu6) == ["minimum", "maximum"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ingot.where(x < 0.0, 0.0, x),
        lambda x: ingot.where(x <= -0.0, -0.0, x),
        lambda x: ingot.where(x > -0.0, -0.0, x),
        lambda x: ingot.where(x >= 0.0, 0.0, x),
        lambda x: ingot.where(x <= np.float32(np.nan), np.float32(np.nan), x),
        lambda x: ingot.where(x <= 1.0, 2.0, x),
        lambda x: ingot.where(x <= 0.0, 0.0, ingot.where(x >= 0.0, -0.0, x)),
    ],
)
def test_what_is_no_limit_stays(f: Function) -> None:
    assert ops(f)[-1] == "where"
