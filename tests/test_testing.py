"""testing.check: accepts what the runtime computes, and names the first node of a wrong one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.testing
from ingot import _core
from ingot.op import OPS
from ingot.testing import MismatchError, check

LOOP = """ingot 1
numerics 1
state total: f32[] = zeros
graph main(x: f32[4], turns: i64[]) {
  %0, %1 = while(0:i64, x) : i64[], f32[4] {
    cond(%2: i64[], %3: f32[4]) {
      %4 = less(%2, turns) : bool[]
      return %4
    }
    body(%5: i64[], %6: f32[4]) {
      %7 = add(%5, 1) : i64[]
      %8 = sin(%6) : f32[4]  @ model.py:9
      %9 = add(%8, x) : f32[4]
      return %7, %9
    }
  }
  %10 = sum(%1, axes=[0]) : f32[]
  %11 = add(%10, total) : f32[]
  update total <- %11
  return %11 as y
}
"""


def loop() -> ingot.Program:
    return ingot.Program(_core.Module.parse(LOOP))


def replace_reference(
    monkeypatch: pytest.MonkeyPatch, name: str, reference: Callable[..., Any]
) -> None:
    monkeypatch.setitem(OPS, name, dataclasses.replace(OPS[name], reference=reference))


def test_a_right_program_passes_and_every_node_is_counted() -> None:
    report = check(loop(), [np.ones(4, np.float32), np.asarray(3)])
    assert report.error is None
    assert report.nodes == {"while": 1, "less": 4, "add": 7, "sin": 3, "sum": 1}


def test_inputs_and_states_may_be_given_by_name() -> None:
    inputs = {"turns": 2, "x": [1.0, 2.0, 3.0, 4.0]}
    assert check(loop(), inputs, graph="main", states={"total": 5.0}).error is None


def test_the_first_node_that_differs_is_named_with_line_and_element(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace_reference(monkeypatch, "exp", lambda a: np.exp(a) * np.where(a > 1, 1.001, 1))
    program = ingot.compile(ingot.record(lambda x: ingot.log(ingot.exp(x)), ingot.Spec((3,))))
    check(program, [[0.0, 0.5, 1.0]])
    words = r"%0 = exp\(x\)  @ test_testing.py:\d+: element \[2\]: got .*, expected .*"
    with pytest.raises(MismatchError, match=words):
        check(program, [[0.0, 0.5, 2.0]])


def test_a_wrong_node_inside_a_loop_is_named_with_its_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace_reference(monkeypatch, "sin", np.cos)
    with pytest.raises(MismatchError, match=r"while region 1: .* = sin\(.*\)  @ model.py:9"):
        check(loop(), [np.ones(4, np.float32), np.asarray(3)])
    assert check(loop(), [np.ones(4, np.float32), np.asarray(0)]).error is None


def test_a_loop_must_give_what_its_regions_give_turn_by_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_turn(operands: Any, _attrs: Any, regions: Any) -> Any:
        return regions[1](list(operands))

    replace_reference(monkeypatch, "while", one_turn)
    with pytest.raises(MismatchError, match="turn by turn"):
        check(loop(), [np.ones(4, np.float32), np.asarray(3)])


def test_an_error_of_the_program_must_be_the_references_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = ingot.record(lambda x, i: ingot.take(x, i), ingot.Spec((3,)), ingot.Spec((1,), "int64"))
    program = ingot.compile(graph)
    assert isinstance(check(program, [np.ones(3, np.float32), [7]]).error, ingot.RangeError)
    replace_reference(monkeypatch, "take", lambda x, indices, axis: x[indices % 3])
    with pytest.raises(MismatchError, match="the reference nothing"):
        check(program, [np.ones(3, np.float32), [7]])


def test_a_program_that_passes_over_an_abort_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(condition: np.ndarray, message: str) -> None:  # noqa: ARG001
        raise ingot.AbortError(message)

    def f(x: ingot.Tensor) -> ingot.Tensor:
        ingot.abort(ingot.any(x < 0), "negative")
        return x

    program = ingot.compile(ingot.record(f, ingot.Spec((2,))))
    assert isinstance(check(program, [[-1.0, 1.0]]).error, ingot.AbortError)
    replace_reference(monkeypatch, "abort", refuse)
    with pytest.raises(MismatchError, match="abort"):
        check(program, [[1.0, 1.0]])


def test_symbolic_dims_reach_the_regions() -> None:
    text = """ingot 1
numerics 1
dim n in 1..9
graph main(x: f32[n,2]) {
  %0 = scan(x, carries=0, length=n) : f32[n,3] {
    body(%1: i64[], %2: f32[2]) {
      %3 = size(value=n, dtype=f32) : f32[]
      %4 = reshape(%3, shape=[1]) : f32[1]
      %5 = concat(%2, %4, axis=0) : f32[3]
      return %5
    }
  }
  return %0
}
"""
    program = ingot.Program(_core.Module.parse(text))
    for n in (1, 4):
        assert check(program, [np.ones((n, 2), np.float32)]).nodes["size"] == n
