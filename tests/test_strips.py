"""Chains of convolutions and pools, strip by strip: which steps join; every bit is kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.random_programs import SeededChoose

import ingot
from ingot.nn import functional as F

Function = Callable[..., ingot.Tensor]
rng = np.random.default_rng(11)


def floats(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def conv(x: ingot.Tensor, outputs: int, kernel: int = 1, **options: object) -> ingot.Tensor:
    groups = int(str(options.get("groups", 1)))
    weights = floats(outputs, x.shape[1] // groups, kernel, kernel) / np.float32(kernel)
    return ingot.conv2d(x, weights, floats(outputs), **options)


def without_strips() -> list[str]:
    return [name for name in ingot._core.pipeline() if name != "strips"]


def check_bits(graph: ingot.Graph, *xs: np.ndarray) -> ingot.Program:
    """The program, whose outputs are those of the program without strips, and of no pass at all."""
    program = ingot.compile(graph)
    wanted = np.asarray(ingot.compile(graph, passes=[])(*xs))
    for options in (
        {"num_threads": 1},
        {"num_threads": 2},
        {"num_threads": 2, "passes": without_strips()},
        {"num_threads": 3, "level": "generic"},
    ):
        got = np.asarray(ingot.compile(graph, **options)(*xs))
        assert got.tobytes() == wanted.tobytes(), options
    return program


def strips_of(program: ingot.Program) -> list[int]:
    """Steps whose result lies in strips."""
    steps = program.plan().steps
    return [i for i, s in enumerate(steps) if any("strips" in text for text in s["outputs"])]


def block(x: ingot.Tensor, outputs: int, stride: int = 1) -> ingot.Tensor:
    """Widens, filters each channel, narrows: what is wide is large."""
    channels = x.shape[1]
    wide = F.relu6(conv(x, 6 * channels))
    deep = F.relu6(
        conv(wide, 6 * channels, 3, stride=(stride, stride), padding=(1, 1), groups=6 * channels)
    )
    y = conv(deep, outputs)
    return y + x if stride == 1 and outputs == channels else y


def test_an_inverted_residual_is_one_chain_and_takes_less_memory() -> None:
    graph = ingot.record(
        lambda x: ingot.sum(block(x, 16), axis=(2, 3)), ingot.Spec((1, 16, 64, 64))
    )
    x = floats(1, 16, 64, 64)
    program = check_bits(graph, x)
    assert len(strips_of(program)) == 2
    plain = ingot.compile(graph, passes=without_strips())
    assert strips_of(plain) == []
    wide = 6 * 16 * 64 * 64 * 4
    assert plain.plan().arena_bytes >= 2 * wide
    assert program.plan().arena_bytes < wide
    assert "strips" in str(program.plan())
    ingot.testing.check(program, [x])


def test_small_results_stay_whole() -> None:
    graph = ingot.record(lambda x: block(x, 16), ingot.Spec((1, 16, 24, 24)))
    assert strips_of(ingot.compile(graph)) == []


def test_what_something_else_reads_stays_whole() -> None:
    def f(x: ingot.Tensor) -> ingot.Tensor:
        wide = ingot.relu(conv(x, 96))
        return ingot.sum(conv(wide, 16, 3, padding=(1, 1)), axis=(1,)) + ingot.max(wide, axis=(1,))

    graph = ingot.record(f, ingot.Spec((1, 16, 64, 64)))
    assert strips_of(check_bits(graph, floats(1, 16, 64, 64))) == []


def test_a_pool_reads_strips() -> None:
    def f(x: ingot.Tensor) -> ingot.Tensor:
        y = ingot.relu(conv(x, 64, 7, stride=(2, 2), padding=(3, 3)))
        return ingot.max_pool2d(y, (3, 3), stride=(2, 2), padding=(1, 1))

    graph = ingot.record(lambda x: conv(f(x), 16), ingot.Spec((1, 3, 160, 160)))
    program = check_bits(graph, floats(1, 3, 160, 160))
    assert strips_of(program) == [0]
    work = [step["bytes"] for step in program.plan().steps]
    image, weights, biases, pooled = 3 * 160 * 160, 64 * 3 * 7 * 7, 64, 64 * 40 * 40
    assert work[:2] == [0, 4 * (image + weights + biases + 1 + pooled)]


@pytest.mark.parametrize("images", [1, 3])
def test_images_of_any_size_and_number(images: int) -> None:
    n, h = ingot.Dim("n", 1, 4), ingot.Dim("h", 33, 96)
    graph = ingot.record(lambda x: block(x, 16, 2), ingot.Spec((n, 16, h, 48)))
    program = ingot.compile(graph)
    assert len(strips_of(program)) > 0
    plain = ingot.compile(graph, passes=[])
    for height in (33, 96, 50):
        x = floats(images, 16, height, 48)
        assert program(x).tobytes() == plain(x).tobytes()


def test_a_loop_of_chains() -> None:
    def f(x: ingot.Tensor) -> ingot.Tensor:
        w, d, p = floats(96, 16, 1, 1), floats(96, 1, 3, 3), floats(16, 96, 1, 1) / np.float32(96)

        def turn(carry: ingot.Tensor, _: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
            wide = ingot.relu(ingot.conv2d(carry, w))
            deep = ingot.conv2d(wide, d, padding=(1, 1), groups=96)
            return ingot.conv2d(deep, p) * 0.1 + carry, carry[0, 0, 0, 0]

        return ingot.scan(turn, x, ingot.arange(3))[0]

    graph = ingot.record(f, ingot.Spec((1, 16, 48, 48)))
    check_bits(graph, floats(1, 16, 48, 48))


def random_chain(seed: int) -> tuple[Function, tuple[int, ...]]:
    """Some convolutions and pools of random windows one after the other, on large images."""
    choose = SeededChoose(seed)
    images, channels = choose.integer(1, 2), choose.integer(1, 24)
    height, width = choose.integer(30, 90), choose.integer(60, 90)

    def f(x: ingot.Tensor) -> ingot.Tensor:
        for _ in range(choose.integer(2, 5)):
            k, stride, dilation = choose.integer(1, 4), choose.integer(1, 2), choose.integer(1, 2)
            reach = (k - 1) * dilation + 1
            pad = choose.integer(0, reach - 1)
            if x.shape[2] + 2 * pad < reach or x.shape[3] + 2 * pad < reach:
                continue
            where = {"stride": (stride, stride), "padding": (pad, pad)}
            kind = choose.integer(0, 4)
            if kind == 0 and 2 * pad <= k:
                x = ingot.max_pool2d(x, (k, k), **where)
            elif kind == 1:
                x = conv(
                    x, x.shape[1], k, groups=x.shape[1], dilation=(dilation, dilation), **where
                )
            else:
                x = conv(x, choose.integer(1, 80), k, dilation=(dilation, dilation), **where)
            if choose.integer(0, 1):
                x = ingot.maximum(x, 0.0)
            if choose.integer(0, 2) == 0:
                x = x * 0.5 + ingot.sum(x, axis=(2,), keepdims=True) * 1e-3
        return ingot.max(x, axis=(3,)) if choose.integer(0, 1) else x

    return f, (images, channels, height, width)


@pytest.mark.parametrize("seed", range(16))
def test_random_chains(seed: int) -> None:
    f, shape = random_chain(seed)
    check_bits(ingot.record(f, ingot.Spec(shape)), floats(*shape))
