"""jit: one program for each signature, the same results as the plain function."""

from __future__ import annotations

import numpy as np
import pytest

import ingot


def test_one_program_for_each_signature() -> None:
    calls: list[int] = []

    @ingot.jit(num_threads=1)
    def function(p: dict[str, ingot.Tensor], x: ingot.Tensor, mode: str = "sum") -> object:
        calls.append(1)
        y = x @ p["w"]
        return {"y": y, "total": (ingot.sum(y) if mode == "sum" else ingot.max(y), None)}

    w = np.ones((3, 2), np.float32)
    for n in (4, 4, 5):
        found = function({"w": w}, np.ones((n, 3), np.float32))
        assert found["total"][0].item() == n * 6
        assert found["total"][1] is None
    assert len(calls) == 2
    assert function({"w": w}, np.ones((4, 3), np.float32), mode="max")["total"][0].item() == 3
    assert len(function.programs) == 3


def test_numbers_are_arguments_and_not_part_of_the_signature() -> None:
    function = ingot.jit(lambda x, n: x * n)
    found = [function(ingot.tensor([1.0, 2.0]), n).tolist() for n in (2.0, 3.0)]
    assert found == [[2.0, 4.0], [3.0, 6.0]]
    assert len(function.programs) == 1


def test_states_move_on_at_every_call() -> None:
    count = ingot.State(0, name="count")

    @ingot.jit
    def step(x: ingot.Tensor) -> ingot.Tensor:
        count.value = count + 1
        return x + count

    assert [step(ingot.tensor(10)).item() for _ in range(2)] == [11, 12]
    count.value = 100
    assert step(ingot.tensor(10)).item() == 111
    assert count.value.item() == 101


def test_gradients_go_through_the_plain_function_or_inside() -> None:
    def square(x: ingot.Tensor) -> ingot.Tensor:
        return ingot.sum(x * x)

    x = ingot.tensor([1.0, 3.0])
    outside, inside = ingot.grad(ingot.jit(square)), ingot.jit(ingot.grad(square))
    np.testing.assert_array_equal(outside(x).numpy(), [2.0, 6.0])
    np.testing.assert_array_equal(inside(x).numpy(), [2.0, 6.0])
    assert len(inside.programs) == 1


def test_an_argument_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ingot.ArgumentError, match="neither an array nor hashable"):
        ingot.jit(lambda x, options: x)(ingot.tensor(1.0), {1, 2})
