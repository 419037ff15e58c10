"""Programs: fetch, sessions, plans, params, explain, control flow from text, states, aborts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ingot
import ingot.testing
from ingot import _core

COUNTER = """ingot 1
numerics 1
state total: f32[2] = zeros
graph main(x: f32[2], stop: bool[]) {
  %0 = add(total, x) : f32[2]
  abort(stop, message="asked to stop")
  update total <- %0
  return %0 as sum
}
graph peek() {
  return total as total
}
"""
POWERS = """ingot 1
numerics 1
dim n in 1..9
graph main(x: f32[n], turns: i64[]) {
  %0, %1 = while(0:i64, x) : i64[], f32[n] {
    cond(%2: i64[], %3: f32[n]) {
      %4 = less(%2, turns) : bool[]
      return %4
    }
    body(%5: i64[], %6: f32[n]) {
      %7 = add(%5, 1) : i64[]
      %8 = multiply(%6, 2.0) : f32[n]
      return %7, %8
    }
  }
  %9, %10 = scan(0.0:f32, %1, carries=1, length=n) : f32[], f32[n] {
    body(%11: f32[], %12: i64[], %13: f32[]) {
      %14 = add(%11, %13) : f32[]
      return %14, %14
    }
  }
  return %1 as powers, %10 as running
}
"""


def program_of(text: str, **options: object) -> ingot.Program:
    return ingot.Program(_core.Module.parse(text), **options)  # type: ignore[arg-type]


def test_while_and_scan_run_from_text() -> None:
    program = program_of(POWERS)
    x = np.array([1, 2, 3], np.float32)
    result = program(x, np.array(3))
    np.testing.assert_array_equal(result["powers"], 8 * x)
    np.testing.assert_array_equal(result["running"], np.cumsum(8 * x))
    np.testing.assert_array_equal(program(x, np.array(0))["powers"], x)
    ingot.testing.check(program, [x, np.array(4)])


def test_a_loop_without_end_is_stopped_by_max_steps() -> None:
    session = program_of(POWERS).core.new_session()
    with pytest.raises(ingot.LimitError, match="max_steps"):
        session.run(0, [np.ones(2, np.float32), np.array(2**62)], max_steps=1000)


def test_states_outlive_runs_and_sessions_have_their_own() -> None:
    program = program_of(COUNTER)
    one, go = np.ones(2, np.float32), np.array(False)
    program.main(one, go)
    np.testing.assert_array_equal(np.asarray(program.main(one, go)["sum"]), [2, 2])
    other = program.session()
    np.testing.assert_array_equal(other.main(one, go)["sum"], [1, 1])
    other.reset()
    np.testing.assert_array_equal(other.state["total"], [0, 0])


def test_an_abort_leaves_the_state_as_it_was() -> None:
    session = program_of(COUNTER).session()
    session.main(np.ones(2, np.float32), np.array(False))
    with pytest.raises(ingot.AbortError, match="asked to stop"):
        session.main(np.ones(2, np.float32), np.array(True))
    np.testing.assert_array_equal(session.state["total"], [1, 1])


def test_a_session_is_saved_with_its_states(tmp_path: Path) -> None:
    session = program_of(COUNTER).session()
    session.main(np.full(2, 3, np.float32), np.array(False))
    session.save(tmp_path / "with_state.ingot")
    again = ingot.load(tmp_path / "with_state.ingot").session()
    np.testing.assert_array_equal(again.state["total"], [3, 3])


def test_fetching_changes_no_bits(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 5)).astype(np.float32)
    graph = ingot.record(lambda x: {"y": ingot.softmax(ingot.tanh(x), axis=-1)}, x)
    program = ingot.compile(graph)
    plain, fetched = program.run({"x": x}), program.run({"x": x}, fetch=["%0", "y"])
    np.testing.assert_array_equal(plain["y"], fetched["y"])
    np.testing.assert_allclose(fetched["%0"], np.tanh(x), rtol=1e-6)
    with pytest.raises(ingot.ArgumentError, match="%99"):
        program.run({"x": x}, fetch=["%99"])


def test_a_batch_position_and_a_thread_count_change_no_bits(rng: np.random.Generator) -> None:
    w = ingot.tensor(rng.standard_normal((300, 40)).astype(np.float32))
    spec = ingot.Spec((ingot.Dim("batch", 1, 64), 300), "float32")
    graph = ingot.record(lambda x: ingot.softmax(x @ w, axis=-1), spec)
    x = rng.standard_normal((64, 300)).astype(np.float32)
    whole = ingot.compile(graph, num_threads=1)(x)
    alone = ingot.compile(graph, num_threads=2)
    for i in (0, 17, 63):
        np.testing.assert_array_equal(alone(x[i : i + 1])[0], whole[i])


def test_the_plan_reports_arena_bound_and_steps() -> None:
    spec = ingot.Spec((ingot.Dim("batch", 1, 64), 32), "float32")
    program = ingot.compile(ingot.record(lambda x: ingot.softmax(x * 2, axis=0), spec))
    full, tight = program.plan(), program.plan(batch=8)
    assert full.arena_bytes >= full.lower_bound_bytes > 0
    assert tight.arena_bytes < full.arena_bytes
    assert len(full.steps) == len(tight.steps)
    assert "arena" in str(full)
    for a, first in enumerate(full.buffers):
        for second in full.buffers[a + 1 :]:
            apart = first[0] + first[1] <= second[0] or second[0] + second[1] <= first[0]
            assert apart or first[3] < second[2] or second[3] < first[2]


def test_with_params_replaces_weights() -> None:
    w = np.ones((3, 20), np.float32)
    graph = ingot.record(lambda x: x @ ingot.tensor(w, name="w"), ingot.Spec((2, 3), "float32"))
    program = ingot.compile(graph)
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(program.with_params({"w": 2 * w})(x), np.full((2, 20), 6.0))
    np.testing.assert_array_equal(program(x), np.full((2, 20), 3.0))
    with pytest.raises(ingot.ArgumentError, match="nope"):
        program.with_params({"nope": w})


def test_check_names_the_first_node_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    from ingot.op import OPS

    program = ingot.compile(ingot.record(lambda x: ingot.exp(x) + 1, ingot.Spec((3,), "float32")))
    x = np.ones(3, np.float32)
    ingot.testing.check(program, [x])
    monkeypatch.setattr(OPS["exp"], "reference", lambda a: np.exp(a) * 1.01)
    with pytest.raises(Exception, match="exp"):
        ingot.testing.check(program, [x])


def test_explain_profile_and_config_tell_something() -> None:
    program = ingot.compile(ingot.record(lambda x: ingot.exp(x) * 2, ingot.Spec((8,), "float32")))
    assert "exp" in program.explain()
    x = np.ones(8, np.float32)
    assert str(program.profile(x))
    program(np.ones(16, np.float32)[::2])
    assert ingot.show_config() is None or isinstance(ingot.show_config(), str)


def test_the_product_of_no_elements_is_one_behind_pointwise_ops_too() -> None:
    graph = ingot.record(lambda x: ingot.prod(x * 2, axis=1), ingot.Spec((3, 0), "float32"))
    for level in _core.levels():
        program = _core.Program(graph.module, level=level)
        assert program.new_session().run(0, [np.zeros((3, 0), np.float32)])[0].tolist() == [1, 1, 1]
