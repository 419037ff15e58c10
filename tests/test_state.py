"""States: what recorded functions read and assign, and what sessions keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ingot


class Counter:
    def __init__(self) -> None:
        self.count = ingot.State(0)

    def __call__(self, x: ingot.Tensor) -> ingot.Tensor:
        self.count.value = self.count + 1
        return x + self.count


def test_eager_reads_and_assignments() -> None:
    counter = Counter()
    assert [counter(ingot.tensor(10)).item() for _ in range(3)] == [11, 12, 13]
    assert counter.count.value.item() == 3


def test_a_recorded_state_is_named_after_what_holds_it_and_lives_in_sessions() -> None:
    counter = Counter()
    graph = ingot.record(counter, ingot.Spec((), "int64"))
    assert "state count: i64[] = zeros" in str(graph)
    assert counter.count.value.item() == 0  # recording changes nothing outside
    program = ingot.compile(graph)
    assert [program(10).item() for _ in range(3)] == [11, 12, 13]
    other = program.session()
    assert other(10).item() == 11
    assert program.default_session.state["count"].item() == 3
    program.default_session.reset()
    assert program(10).item() == 11


def test_the_last_assignment_is_the_update_and_reads_see_it() -> None:
    s = ingot.State([1.0, 2.0], name="s")

    def function(x: ingot.Tensor) -> ingot.Tensor:
        s.value = s * x
        before = s.value
        s.value = s + 1
        return before

    program = ingot.compile(ingot.record(function, ingot.Spec(())))
    np.testing.assert_array_equal(program(np.float32(3)), [3.0, 6.0])
    np.testing.assert_array_equal(program.default_session.state["s"], [4.0, 7.0])


def test_a_saved_session_starts_where_it_was(tmp_path: Path) -> None:
    program = ingot.compile(ingot.record(Counter(), ingot.Spec((), "int64")))
    program(0)
    program.default_session.save(tmp_path / "later.ingot")
    assert ingot.load(tmp_path / "later.ingot")(10).item() == 12


def test_graphs_of_one_file_share_states_and_params(tmp_path: Path) -> None:
    weight = ingot.tensor(np.arange(40, dtype=np.float32).reshape(4, 10), name="weight")
    cache = ingot.State(np.zeros((3, 4), np.float32), name="cache")

    def prefill(x: ingot.Tensor) -> ingot.Tensor:
        cache.value = x
        return x @ weight

    def decode(x: ingot.Tensor) -> ingot.Tensor:
        cache.value = ingot.concat([cache.value[1:], x[None]])
        return ingot.sum(cache.value, axis=0) @ weight

    one = ingot.record(prefill, ingot.Spec((3, 4)))
    two = ingot.record(decode, ingot.Spec((4,)))
    path = tmp_path / "model.ingot"
    ingot.save(path, prefill=one, decode=two)
    module = ingot.Module.load(str(path))
    assert len(module.params) == 1
    assert len(module.states) == 1
    program = ingot.load(path)
    program.prefill(np.ones((3, 4), np.float32))
    found = program.decode(np.full(4, 2, np.float32))
    np.testing.assert_array_equal(found, np.full(4, 4, np.float32) @ weight.numpy())


def test_a_named_scalar_param_keeps_rank_0() -> None:
    scale = ingot.tensor(3.0, name="scale")
    graph = ingot.record(lambda x: x * scale, ingot.Spec((2,)))
    assert "param scale: f32[]" in str(graph)


def test_gradients_reach_a_state_that_wants_them() -> None:
    weight = ingot.State([1.0, 2.0], name="weight", requires_grad=True)

    def step(x: ingot.Tensor) -> ingot.Tensor:
        loss = ingot.sum((weight * x) ** 2)
        loss.backward()
        assert weight.grad is not None
        weight.value = weight - 0.1 * weight.grad
        return loss

    program = ingot.compile(ingot.record(step, ingot.Spec((2,))))
    x = np.array([1.0, 3.0], np.float32)
    losses = [program(x).item() for _ in range(2)]
    eager = [step(ingot.tensor(x)).item() for _ in range(2)]
    assert losses == pytest.approx(eager)
    np.testing.assert_allclose(
        program.default_session.state["weight"], weight.value.numpy(), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (ingot.ones((3,)), ingot.ShapeError, r"state s: wrong shape: got \[3\], expected \[2\]"),
        (ingot.tensor([1, 2]), ingot.DTypeError, "state s: wrong dtype: got int64, expected float"),
        (1.0, ingot.ShapeError, r"state s: wrong shape: got \[\]"),
    ],
)
def test_an_assignment_keeps_the_type(value: object, error: type[Exception], message: str) -> None:
    s = ingot.State([1.0, 2.0], name="s")
    with pytest.raises(error, match=message):
        s.value = value


def test_items_of_a_state_cannot_be_assigned() -> None:
    with pytest.raises(ingot.ArgumentError, match="state s: items cannot be assigned"):
        ingot.State([1.0], name="s")[0] = 2.0
