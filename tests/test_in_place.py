"""in_place=: a declared update in place holds, or an error names who reads the old value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ingot

Tensor = ingot.Tensor


def cache() -> ingot.State:
    return ingot.State(np.arange(4, dtype=np.float32), name="cache")


def compiled(function: Callable[[Tensor], object], **options: object) -> ingot.Program:
    return ingot.compile(ingot.record(function, ingot.Spec((4,))), **options)


def test_an_update_in_place_is_accepted() -> None:
    state = cache()

    def function(x: Tensor) -> Tensor:
        state.value = ingot.dynamic_update_slice(state, x[:1], ingot.tensor([2]))
        return state.value * 2

    program = compiled(function, in_place=["cache"])
    found = program(np.full(4, 9, np.float32))
    np.testing.assert_array_equal(found, [0.0, 2.0, 18.0, 6.0])


def test_a_later_reader_of_the_old_value_is_named() -> None:
    state = cache()

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        old = state.value
        state.value = old + x
        return ingot.cumulative_sum(old), ingot.sum(state.value)

    message = (
        r"state 'cache' is not updated in place in graph 'function': cumulative_sum "
        r"\(.*test_in_place.py:\d+\) reads the old value after pointwise \(.*test_in_place"
    )
    with pytest.raises(ingot.ArgumentError, match=message):
        compiled(function, in_place=["cache"])
    compiled(function)  # undeclared, it is copied


def test_an_op_that_cannot_write_over_its_operand_is_named() -> None:
    state = cache()

    def function(x: Tensor) -> Tensor:
        state.value = ingot.cumulative_sum(ingot.flip(state.value))
        return x

    with pytest.raises(ingot.ArgumentError, match=r"cumulative_sum .* cannot write over what"):
        compiled(function, in_place=["cache"])


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(
        ingot.ArgumentError, match="in_place: no state 'kache': expected some of none"
    ):
        compiled(lambda x: x + 1, in_place=["kache"])
