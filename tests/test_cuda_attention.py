"""Attention on a device: one step with the bits of the processor, which never holds all scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.device import Emulator, host_compiler
from tests.op_samples import bits
from tests.random_programs import check_on_device
from tests.random_rows import random_rows

import ingot
from ingot.nn import functional as F

LENGTHS = [1, 2, 15, 16, 17, 64, 255, 256, 257, 512, 1000]
WIDTHS = [1, 8, 32, 64, 80, 128]

Function = Callable[..., ingot.Tensor]


def check(device: str, graph: ingot.Graph, *calls: list[np.ndarray]) -> ingot.Program:
    there, here = ingot.compile(graph, device=device), ingot.compile(graph)
    kernels = [step["kernel"] for step in there.plan().steps]
    assert kernels.count("attention") == 1 or calls[0][1].shape[-2] == 1  # a row of one is none
    for arrays in calls:
        assert bits(np.asarray(there(*arrays))) == bits(np.asarray(here(*arrays)))
    return there


def specs(arrays: list[np.ndarray]) -> list[ingot.Spec]:
    return [ingot.Spec(x.shape, str(x.dtype)) for x in arrays]


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("number", range(len(LENGTHS)))
def test_lengths_and_widths(number: int, cuda: str, rng: np.random.Generator) -> None:
    length, width = LENGTHS[number], WIDTHS[number % len(WIDTHS)]
    other = 70 if length < 256 else 19
    for queries, keys in [(length, other), (other, length), (1, length)]:
        arrays = [floats(rng, 2, n, width) for n in (queries, keys, keys)]
        graph = ingot.record(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v), *specs(arrays)
        )
        check(cuda, graph, arrays)


def causal(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def of_heads(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
    q, k, v = (ingot.permute_dims(x, (0, 2, 1, 3)) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, scale=0.3)


def backwards(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
    q, k, v = (ingot.flip(x, axis=axis) for x, axis in zip((q, k, v), (1, 2, 3), strict=True))
    return F.scaled_dot_product_attention(q, k, v)


def of_logarithms(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
    return ingot.log_softmax(ingot.tanh(q @ k.mT) * 3.0) @ v


def of_norms(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
    """What is computed once and read in two walks over a row, beside the scores themselves."""
    scores = q @ k.mT
    exps = ingot.exp(scores * 0.1)
    return (exps / ingot.sum(exps, axis=-1, keepdims=True) + ingot.sign(scores)) @ v


@pytest.mark.parametrize("function", [causal, of_heads, backwards, of_logarithms, of_norms])
def test_what_lies_between_and_around_the_products(
    function: Function, cuda: str, rng: np.random.Generator
) -> None:
    for shape in [(2, 3, 21, 8), (1, 2, 80, 16), (3, 2, 4, 1), (2, 66, 5, 12)]:
        arrays = [floats(rng, *shape) for _ in range(3)]
        check(cuda, ingot.record(function, *specs(arrays)), arrays)


@pytest.mark.parametrize("shape", [(2, 3, 20, 33), (2, 1, 1, 33), (33,), (3, 20, 1)])
@pytest.mark.parametrize("dtype", [np.bool_, np.float32])
def test_masks_of_any_shape(
    shape: tuple[int, ...], dtype: type, cuda: str, rng: np.random.Generator
) -> None:
    arrays = [floats(rng, 2, 3, n, 16) for n in (20, 33, 33)]
    arrays.append((rng.standard_normal(shape) > 0.3).astype(dtype))

    def attend(
        q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor, mask: ingot.Tensor
    ) -> ingot.Tensor:
        return F.scaled_dot_product_attention(q, k, v, mask)

    check(cuda, ingot.record(attend, *specs(arrays)), arrays)


def test_operands_that_are_the_same_for_many(cuda: str, rng: np.random.Generator) -> None:
    def attend(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
        return ingot.softmax(q @ k) @ ingot.broadcast_to(v, (4, 3, 9, 5))

    arrays = [floats(rng, 3, 6, 7), floats(rng, 4, 1, 7, 9), floats(rng, 9, 5)]
    check(cuda, ingot.record(attend, *specs(arrays)), arrays)


def test_sizes_that_calls_bring_along(cuda: str, rng: np.random.Generator) -> None:
    rows, keys, batch = (
        ingot.Dim("rows", 0, 90),
        ingot.Dim("keys", 1, 300),
        ingot.Dim("batch", 0, 4),
    )
    graph = ingot.record(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
        ingot.Spec((batch, rows, 16)),
        ingot.Spec((batch, keys, 16)),
        ingot.Spec((batch, keys, 24)),
    )
    sizes = [
        (1, 1, 1),
        (4, 90, 300),
        (0, 3, 3),
        (2, 0, 5),
        (3, 17, 256),
        (3, 65, 257),
        (3, 65, 257),
    ]
    calls = [[floats(rng, b, n, d) for n, d in ((r, 16), (k, 16), (k, 24))] for b, r, k in sizes]
    check(cuda, graph, *calls)


@pytest.mark.parametrize("block", range(3))
def test_random_groups(block: int, cuda: str) -> None:
    for seed in range(block * 20, block * 20 + 20):
        graph, arrays = random_rows(seed)
        assert check_on_device(graph.module, arrays, cuda) == "ran", f"seed {seed}"


def test_scores_in_several_rounds(cuda: str, rng: np.random.Generator) -> None:
    """66 rows of 65536 scores are more than 16 MB."""
    arrays = [floats(rng, 2, 33, 1), floats(rng, 2, 1, 65536), floats(rng, 2, 65536, 2)]

    def attend(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
        scores = q @ k
        return (scores - ingot.max(scores, axis=-1, keepdims=True)) @ v

    check(cuda, ingot.record(attend, *specs(arrays)), arrays)


def test_memory_does_not_grow_with_the_square_of_the_length(cuda: str, emulator: Emulator) -> None:
    x = ingot.Spec((16, 8192, 64))
    graph = ingot.record(lambda q, k, v: F.scaled_dot_product_attention(q, k, v), x, x, x)
    before = emulator.counts().live_bytes
    session = ingot.compile(graph, device=cuda).session()
    session.reserve()
    scores, operand = 4 * 16 * 8192 * 8192, 4 * 16 * 8192 * 64
    assert emulator.counts().live_bytes - before < 4 * operand + scores // 64


@pytest.fixture
def compiler(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A compiler in NVRTC's place."""
    monkeypatch.setenv("INGOT_CUDA_ON_HOST_COMPILER", host_compiler())
    return emulator


def check_launches(
    device: str, emulator: Emulator, graph: ingot.Graph, *calls: tuple[int, list[np.ndarray]]
) -> None:
    """Each call's bits, and how many kernels it takes at least and, being one, at most."""
    there, here = ingot.compile(graph, device=device), ingot.compile(graph)
    for launches, arrays in calls:
        before = emulator.counts().kernels
        assert bits(np.asarray(there(*arrays))) == bits(np.asarray(here(*arrays)))
        kernels = emulator.counts().kernels - before
        assert kernels == 1 if launches == 1 else kernels >= launches


def test_tiles_of_scores_of_any_size(
    cuda: str, compiler: Emulator, rng: np.random.Generator
) -> None:
    """One kernel where 64 rows of scores fit into shared memory, else a round."""
    batch, rows, keys = (
        ingot.Dim("batch", 1, 3),
        ingot.Dim("rows", 1, 200),
        ingot.Dim("keys", 1, 900),
    )
    graph = ingot.record(
        lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask),
        *(ingot.Spec((batch, *shape)) for shape in [(rows, 17), (keys, 17), (keys, 80)]),
        ingot.Spec((rows, keys)),
    )
    sizes = [(1, 33, 1), (2, 64, 17), (3, 65, 64), (1, 128, 65), (1, 130, 255), (1, 70, 257)]
    sizes += [(2, 40, 512), (1, 33, 520), (1, 33, 752)]
    single = [(1, [*operands(rng, *size), floats(rng, *size[1:])]) for size in sizes]
    others = [(1, 32, 20), (1, 40, 780), (1, 1, 900)]
    rounds = [(3, [*operands(rng, *size), floats(rng, *size[1:])]) for size in others]
    check_launches(cuda, compiler, graph, *single, *rounds)


def operands(rng: np.random.Generator, b: int, r: int, k: int) -> list[np.ndarray]:
    return [floats(rng, b, r, 17), floats(rng, b, k, 17), floats(rng, b, k, 80)]


@pytest.mark.parametrize("function", [causal, of_heads, backwards, of_logarithms, of_norms])
def test_groups_on_tiles_of_scores(
    function: Function, cuda: str, compiler: Emulator, rng: np.random.Generator
) -> None:
    arrays = [floats(rng, 2, 40, 36, 8) for _ in range(3)]
    check_launches(cuda, compiler, ingot.record(function, *specs(arrays)), (1, arrays))
