"""Random numbers: known answers, equal bits eagerly and in programs, distributions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ingot
from ingot import random

Draw = Callable[[random.Generator], ingot.Tensor]
DRAWS: dict[str, Draw] = {
    "uniform": lambda g: random.uniform((3, 50), -1.0, 2.0, generator=g),
    "uniform64": lambda g: random.uniform((151,), dtype="float64", generator=g),
    "uniform16": lambda g: random.uniform((99,), dtype="float16", generator=g),
    "randint": lambda g: random.randint((7, 11), -5, 1000, generator=g),
    "bernoulli": lambda g: random.bernoulli((64,), 0.3, generator=g),
    "permutation": lambda g: random.permutation(97, generator=g),
    "dropout": lambda g: random.dropout(ingot.ones((40,)), 0.25, generator=g),
}


def test_philox_gives_its_authors_known_answer() -> None:
    bits = ingot.random_bits(ingot.tensor([0, 0]), shape=(4,)).numpy().view(np.uint32)
    assert [f"{b:08x}" for b in bits] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", DRAWS)
def test_a_program_draws_the_numbers_of_eager_code(name: str, threads: int) -> None:
    eager = random.Generator(11)
    expected = [DRAWS[name](eager).numpy() for _ in range(3)]
    recorded = random.Generator(11)
    program = ingot.compile(ingot.record(lambda: DRAWS[name](recorded)), num_threads=threads)
    for want in expected:
        np.testing.assert_array_equal(program(), want)
    program.default_session.reset()
    np.testing.assert_array_equal(program(), expected[0])


def test_normal_numbers_of_a_program_are_eager_ones_within_rounding() -> None:
    g = random.Generator(3)
    program = ingot.compile(ingot.record(lambda: random.normal((500,), generator=g)))
    expected = random.normal((500,), generator=random.Generator(3)).numpy()
    np.testing.assert_allclose(program(), expected, rtol=1e-5, atol=1e-6)


def test_two_draws_never_share_bits() -> None:
    g = random.Generator(5)
    bits = np.concatenate([g.bits(n).numpy() for n in (5, 1, 8, 3)])
    whole = random.Generator(5).bits(32).numpy()
    np.testing.assert_array_equal(bits[:5], whole[:5])
    assert len(set(bits.tolist())) == bits.size
    assert g.state.value.numpy().tolist() == [5, 2 + 1 + 2 + 1]


def test_a_symbolic_shape_draws_as_many_as_it_means() -> None:
    g = random.Generator(2)

    def function(x: ingot.Tensor) -> ingot.Tensor:
        return x + random.uniform(x.shape, generator=g)

    program = ingot.compile(ingot.record(function, ingot.Spec((ingot.Dim("n", 0, 9), 3))))
    eager = random.Generator(2)
    for n in (2, 5, 0, 9):
        expected = random.uniform((n, 3), generator=eager).numpy()
        np.testing.assert_array_equal(program(np.zeros((n, 3), np.float32)), expected)


def test_uniform_numbers_are_uniform() -> None:
    x = random.uniform((200_000,), generator=random.Generator(1)).numpy()
    assert x.min() >= 0
    assert x.max() < 1
    counts, _ = np.histogram(x, 100, (0, 1))
    statistic = float(np.sum((counts - 2000.0) ** 2) / 2000)
    assert 60 < statistic < 150  # chi-square of 99 degrees: 1 in 1000 lies outside on each side
    wide = random.uniform((100_000,), dtype="float64", generator=random.Generator(1)).numpy()
    assert np.mean(wide) == pytest.approx(0.5, abs=0.005)


def test_normal_numbers_have_their_moments() -> None:
    x = random.normal((200_000,), 3.0, 2.0, generator=random.Generator(4)).numpy()
    z = (x - 3) / 2
    assert np.all(np.isfinite(x))
    assert np.mean(z) == pytest.approx(0, abs=0.01)
    assert np.mean(z**2) == pytest.approx(1, abs=0.02)
    assert np.mean(z**3) == pytest.approx(0, abs=0.03)
    assert np.mean(z**4) == pytest.approx(3, abs=0.1)


def test_integers_fill_their_range_evenly() -> None:
    x = random.randint((90_000,), -4, 5, generator=random.Generator(6)).numpy()
    counts = np.bincount(x + 4, minlength=9)
    assert counts.size == 9
    assert np.all(np.abs(counts - 10_000) < 400)
    small = random.randint((10,), 0, 2**31, dtype="int32", generator=random.Generator(6))
    assert small.dtype == np.int32


def test_seeding_starts_the_default_generator_anew() -> None:
    random.seed(42)
    first = random.uniform((5,)).numpy()
    random.seed(42)
    np.testing.assert_array_equal(random.uniform((5,)).numpy(), first)
    random.seed(-1)
    assert not np.array_equal(random.uniform((5,)).numpy(), first)


def test_dropout_keeps_the_mean_and_passes_its_gradient() -> None:
    x = ingot.ones((100_000,))
    y, pull = ingot.vjp(lambda t: random.dropout(t, 0.2, generator=random.Generator(9)), x)
    assert np.mean(y.numpy()) == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(pull(ingot.ones((100_000,)))[0].numpy(), y.numpy())
    assert random.dropout(x, 0.5, training=False) is x


def test_drawing_inside_a_loop_is_refused() -> None:
    g = random.Generator(0)

    def function(x: ingot.Tensor) -> ingot.Tensor:
        def step(c: ingot.Tensor, v: ingot.Tensor) -> tuple[ingot.Tensor, None]:
            return c + v * random.uniform(generator=g), None

        return ingot.scan(step, ingot.tensor(0.0), x)[0]

    with pytest.raises(ingot.RecordError, match="state random: assigned inside a branch or a loop"):
        ingot.record(function, ingot.Spec((4,)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.uniform((2,), dtype="int32"), ingot.DTypeError, "uniform: got int32"),
        (lambda: random.normal((2,), dtype="bool"), ingot.DTypeError, "normal: got bool"),
        (
            lambda: random.randint((2,), 3, 3),
            ingot.ArgumentError,
            "randint: wrong range: got 3 to 3",
        ),
        (
            lambda: random.randint((2,), 0, 2**32),
            ingot.ArgumentError,
            "expected 1 to 2.*31 numbers",
        ),
        (
            lambda: random.randint((2,), 0, 2, dtype="float32"),
            ingot.DTypeError,
            "randint: got float",
        ),
        (
            lambda: random.dropout(ingot.ones(2), 1.5),
            ingot.ArgumentError,
            "wrong probability: got 1.5",
        ),
        (lambda: random.permutation(ingot.tensor(1)), ingot.ArgumentError, "a tensor of rank 0"),
    ],
)
def test_misuse_says_what_is_wrong(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
