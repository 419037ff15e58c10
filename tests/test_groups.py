"""Groups: what becomes one step, and that it keeps every bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.random_programs import check_program
from tests.random_rows import random_rows

import ingot
from ingot.nn import functional as F

Function = Callable[..., ingot.Tensor]
rng = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def kernels_and_bits(f: Function, *xs: np.ndarray) -> list[str]:
    """The kernels of the program's steps, whose outputs are those of no pass at all."""
    graph = ingot.record(f, *(ingot.Spec(x.shape, str(x.dtype)) for x in xs))
    program = ingot.compile(graph)
    plain = ingot.compile(graph, passes=[])
    np.testing.assert_array_equal(program(*xs).view(np.uint32), plain(*xs).view(np.uint32))
    return [step["kernel"] for step in program.plan().steps]


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 64), (70, 1), (1, 700), (9, 512), (2, 5000)])
def test_softmax_and_norms_are_one_step(shape: tuple[int, ...]) -> None:
    g, b = floats(shape[-1]), floats(shape[-1])

    def norms(x: ingot.Tensor, g: ingot.Tensor, b: ingot.Tensor) -> ingot.Tensor:
        y = ingot.softmax(ingot.layer_norm(x, (shape[-1],), g, b) * 0.7) + x
        return ingot.log_softmax(F.rms_norm(y, (shape[-1],), g))

    kernels = kernels_and_bits(norms, floats(*shape), g, b)
    assert kernels == ["pointwise"] or shape[-1] == 1


def test_rows_longer_than_a_cache_are_not_fused() -> None:
    kernels = kernels_and_bits(lambda x: ingot.softmax(x), floats(2, 70_000))
    assert kernels == ["max", "pointwise", "sum", "pointwise"]


@pytest.mark.parametrize(
    ("batch", "heads", "queries", "keys", "depth", "width"),
    [
        (1, 12, 64, 64, 64, 64),
        (2, 3, 5, 7, 9, 10),
        (1, 2, 1, 257, 64, 64),
        (1, 1, 33, 300, 17, 40),
        (2, 2, 64, 64, 64, 1),
        (1, 1, 300, 3, 0, 2),
    ],
)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_one_step(
    batch: int, heads: int, queries: int, keys: int, depth: int, width: int, masked: bool
) -> None:
    def attend(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
        q, k, v = (ingot.permute_dims(x, (0, 2, 1, 3)) for x in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=masked, scale=0.3)

    q = floats(batch, queries, heads, depth)
    k, v = floats(batch, keys, heads, depth), floats(batch, keys, heads, width)
    kernels = kernels_and_bits(attend, q, k, v)
    assert kernels.count("attention") == 1
    assert "matmul" not in kernels


def test_scores_that_others_read_stay_in_memory() -> None:
    def attend(q: ingot.Tensor, k: ingot.Tensor, v: ingot.Tensor) -> ingot.Tensor:
        weights = ingot.softmax(q @ k.mT)
        return weights @ v + ingot.sum(weights)

    kernels = kernels_and_bits(attend, floats(4, 8), floats(6, 8), floats(6, 3))
    assert "attention" not in kernels


@pytest.mark.parametrize("block", range(6))
def test_random_groups_keep_every_law(block: int) -> None:
    for seed in range(block * 20, block * 20 + 20):
        graph, arrays = random_rows(seed)
        assert check_program(graph.module, arrays) == "ran", f"seed {seed}"


@pytest.mark.parametrize("rows", [1, 2, 6, 7])
@pytest.mark.parametrize("k", [1, 3])
def test_results_of_few_rows_fit_where_the_group_runs(k: int, rows: int) -> None:
    """A short sum of few rows has the widest tiles, which lie in scratch."""
    rng = np.random.default_rng(rows)
    weights = rng.standard_normal((k, 40000), np.float32)
    shift = rng.standard_normal(40000, np.float32)
    x = rng.standard_normal((rows, k), np.float32)

    def f(x: ingot.Tensor) -> ingot.Tensor:
        return ingot.exp(ingot.maximum(x @ weights + shift, 0.0))

    graph = ingot.record(f, ingot.Spec(x.shape))
    assert same_bits(ingot.compile(graph)(x), ingot.compile(graph, passes=[])(x))


LIMITS = [0.0, -0.0, 6.0, -1.5, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize("level", [None, "avx2", "generic"])
@pytest.mark.parametrize("convolution", [False, True])
def test_limits_of_chains_keep_signs_of_zero_and_nan(convolution: bool, level: str | None) -> None:
    """maximum and minimum with a number, which kernels shorten by what the number is."""
    if level not in (None, *ingot._core.levels()):
        pytest.skip(f"this machine has no {level}")
    special = np.array([0.0, -0.0, 1e-40, -1e-40, 6, 7, -7, np.inf, -np.inf, np.nan], np.float32)
    x = np.tile(special, 64 * 33)[: 33 * 640].reshape(1, 33, 640, 1).transpose(0, 2, 3, 1)
    one = np.ones((640, 1, 1, 1), np.float32)
    for low in LIMITS:
        for high in LIMITS:

            def f(x: ingot.Tensor, low: float = low, high: float = high) -> ingot.Tensor:
                y = ingot.conv2d(x, one, groups=640) if convolution else x
                return ingot.minimum(ingot.maximum(y, low), high) - 0.0

            graph = ingot.record(f, ingot.Spec(x.shape))
            options = {} if level is None else {"level": level}
            got = ingot.compile(graph, **options)(x)
            plain = ingot.compile(graph, passes=[], **options)(x)
            assert same_bits(got, plain), (low, high)


PARTS = ["scale", "shift", "added", "raised", "lowered"]
ORDERS = [PARTS[:i] + PARTS[i + 1 :] for i in range(5)] + [
    PARTS,
    PARTS[:3] + PARTS[:2:-1],
    PARTS[::-1],
]


@pytest.mark.parametrize("level", [None, "avx2", "generic"])
@pytest.mark.parametrize("groups", [0, 376, 1])
@pytest.mark.parametrize("shift", [0.0, -0.0, 3.0])
def test_chains_of_the_common_form(shift: float, groups: int, level: str | None) -> None:
    """((x * scale + shift) + added) between limits, with steps left out, and in other orders.

    groups: of the convolution that comes before; 0: none does.
    """
    if level not in (None, *ingot._core.levels()):
        pytest.skip(f"this machine has no {level}")
    special = np.array([0.0, -0.0, 1e-40, -1e-40, 6, 7, -7, np.inf, -np.inf, np.nan], np.float32)
    x = np.tile(special, 40 * 17)[: 17 * 376].reshape(1, 17, 376, 1).transpose(0, 2, 3, 1)
    added = np.roll(x, 3, axis=3)
    row = np.full((376, 1, 1), shift, np.float32)
    weights = np.ones((376, 1, 1, 1), np.float32)
    if groups == 1:  # 0 * inf would be NaN everywhere
        x, weights = (
            np.where(np.isfinite(x), x, -5),
            np.eye(376, dtype=np.float32)[:, :, None, None],
        )
    row[::3] = -0.0
    for low, high in [(0.0, 6.0), (-0.0, 0.0), (2.0, 1.0), (0.0, -0.0), (-1.0, float("nan"))]:
        steps = {
            "scale": lambda y, _: y * row[::-1],
            "shift": lambda y, _: y + row,
            "added": lambda y, z: y + z,
            "raised": lambda y, _, low=low: ingot.maximum(y, low),
            "lowered": lambda y, _, high=high: ingot.minimum(y, high),
        }
        for order in ORDERS:

            def f(x: ingot.Tensor, z: ingot.Tensor, order=order, steps=steps) -> ingot.Tensor:
                y = ingot.conv2d(x, weights, groups=groups) if groups > 0 else x
                for name in order:
                    y = steps[name](y, z)
                return y

            graph = ingot.record(f, ingot.Spec(x.shape), ingot.Spec(x.shape))
            options = {} if level is None else {"level": level}
            got = ingot.compile(graph, **options)(x, added)
            plain = ingot.compile(graph, passes=[], **options)(x, added)
            assert same_bits(got, plain), (low, high, order)


def test_what_a_group_computes_from_one_product_alone_runs_on_that_product() -> None:
    a, b = rng.standard_normal((2, 40, 24)).astype(np.float32)
    scale, shift = rng.standard_normal((2, 24)).astype(np.float32)

    def f(x: ingot.Tensor, y: ingot.Tensor) -> ingot.Tensor:
        return ingot.maximum((x @ a) * scale + shift + ((y @ b) * shift - scale), 0.0)

    def shared(x: ingot.Tensor, y: ingot.Tensor) -> ingot.Tensor:
        first = x @ a
        return ingot.maximum((first * scale + shift) * first + y @ b, 0.0)

    x, y = rng.standard_normal((2, 17, 40)).astype(np.float32)
    for function, groups in (
        (f, [["multiply", "add"], ["multiply", "subtract", "add", "maximum"]]),
        (shared, [[], ["multiply", "add", "multiply", "add", "maximum"]]),
    ):
        graph = ingot.record(function, ingot.Spec(x.shape), ingot.Spec(y.shape))
        program = ingot.compile(graph)
        assert [step["group"] for step in program.plan().steps] == groups
        assert same_bits(program(x, y), ingot.compile(graph, passes=[])(x, y))


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Of NaN neither sign nor payload means anything."""
    both = np.isnan(a) & np.isnan(b)
    return bool(((a.view(np.uint32) == b.view(np.uint32)) | both).all())
