"""Random programs keep every law; hypothesis looks for the smallest one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.random_networks import build_network
from tests.random_programs import SeededChoose, build, check_program

T = TypeVar("T")


class DrawnChoose:
    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integer(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]


@settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_random_programs_keep_every_law(data: st.DataObject) -> None:
    check_program(*build(DrawnChoose(data)))


def test_seeded_random_programs_keep_every_law() -> None:
    outcomes = [check_program(*build(SeededChoose(seed))) for seed in range(400)]
    assert outcomes.count("ran") > len(outcomes) / 2


def test_seeded_random_networks_keep_every_law() -> None:
    outcomes = [check_program(*build_network(SeededChoose(seed))) for seed in range(150)]
    assert outcomes.count("ran") > len(outcomes) * 0.9
