"""Recording: what a graph holds, what recording refuses, and where it says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ingot

SPEC = ingot.Spec((ingot.Dim("batch", 1, 8), 3), "float32")


def test_if_print_and_debugger_work_eagerly_and_are_refused_while_recording() -> None:
    def f(x: ingot.Tensor) -> ingot.Tensor:
        return x if x.sum() > 0 else -x

    np.testing.assert_array_equal(f(ingot.tensor([-1.0, -2.0])).numpy(), [1.0, 2.0])
    with pytest.raises(ingot.RecordError, match=r"test_record\.py:\d+"):
        ingot.record(f, SPEC)


@pytest.mark.parametrize("convert", [float, int, bool, np.asarray, list], ids=lambda f: f.__name__)
def test_a_recorded_tensor_has_no_value(convert: type) -> None:
    with pytest.raises(ingot.IngotError):
        ingot.record(lambda x: convert(ingot.sum(x)), SPEC)


@pytest.mark.parametrize("branch", [lambda n: n < 4, lambda n: n >= 4, bool])
def test_a_branch_on_a_symbolic_size_is_an_error(branch: Callable[[Any], bool]) -> None:
    def function(x: ingot.Tensor) -> ingot.Tensor:
        return x if branch(x.shape[0]) else -x

    with pytest.raises(ingot.RecordError, match=r"a symbolic size has no .* while recording"):
        ingot.record(function, ingot.Spec((ingot.Dim("n", 1, 8),)))


def test_symbolic_sizes_flow_through_shapes() -> None:
    graph = ingot.record(lambda x: ingot.reshape(x, (x.shape[0] * 3,)), SPEC)
    assert "f32[3*batch]" in str(graph)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(ingot.compile(graph)(x), x.reshape(6))


def test_two_ranges_for_one_dim_are_an_error() -> None:
    with pytest.raises(ingot.ArgumentError, match="batch"):
        ingot.record(
            lambda x, y: x + y[0], SPEC, ingot.Spec((ingot.Dim("batch", 2, 4),), "float32")
        )


def test_captured_tensors_become_params_once_and_small_ones_constants() -> None:
    w = ingot.tensor(np.ones((3, 17), np.float32), name="w")
    small = ingot.tensor(np.ones(3, np.float32))
    text = str(ingot.record(lambda x: (x + small) @ w + ingot.sum(w), SPEC))
    assert text.count("param ") == 1
    assert "param w: f32[3,17]" in text
    assert "{1.0, 1.0, 1.0}" in text


def test_text_parses_back_to_the_same_graph(tmp_path: Path) -> None:
    graph = ingot.record(lambda x: {"y": ingot.softmax(x, axis=-1)}, SPEC)
    graph.save(tmp_path / "g.ingot")
    assert str(ingot.load(tmp_path / "g.ingot").module.text()) == str(graph)


def test_evaluate_is_the_reference_node_by_node(rng: np.random.Generator) -> None:
    graph = ingot.record(lambda x: ingot.layer_norm(x, (3,)), SPEC)
    x = rng.standard_normal((4, 3)).astype(np.float32)
    expected = ingot.layer_norm(ingot.tensor(x), (3,)).numpy()
    np.testing.assert_allclose(np.asarray(graph.evaluate(x)), expected, rtol=1e-6)


def test_several_graphs_share_one_file(tmp_path: Path) -> None:
    w = ingot.tensor(np.full((3, 20), 2.0, np.float32), name="w")
    first = ingot.record(lambda x: x @ w, SPEC)
    second = ingot.record(lambda x: ingot.sum(x @ w, axis=1), SPEC)
    ingot.save(tmp_path / "two.ingot", first=first, second=second)
    program = ingot.load(tmp_path / "two.ingot")
    assert len(program.module.params) == 1
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(program.first(x), np.full((2, 20), 6.0))
    np.testing.assert_array_equal(program.second(x), np.full(2, 120.0))


def test_a_guard_is_recorded_and_checked() -> None:
    n, m = ingot.Dim("n", 1, 8), ingot.Dim("m", 1, 8)
    graph = ingot.record(
        lambda x, y: x + y, ingot.Spec((n,), "float32"), ingot.Spec((m,), "float32")
    )
    assert "guard" in str(graph)
    program = ingot.compile(graph)
    two, three = np.ones(2, np.float32), np.ones(3, np.float32)
    np.testing.assert_array_equal(program(two, two), [2, 2])
    with pytest.raises(ingot.ShapeError, match=r"n|m"):
        program(two, three)


def test_a_wrong_call_names_the_users_line() -> None:
    with pytest.raises(ingot.ShapeError, match=r"matmul: .*\(.*test_record\.py:\d+\)"):
        ingot.record(lambda x: x @ x, ingot.Spec((2, 3), "float32"))
