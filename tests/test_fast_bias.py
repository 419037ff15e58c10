"""A bias that cuBLASLt adds to a product: the bits are those of the product and an add in steps of
their own, and what is no such bias stays a step of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tests.cublaslt import CHECK, MULTIPLY, NO_CALL, SEARCH, CublasLt
from tests.device import devices
from tests.op_samples import bits
from tests.test_cuda_graphs import Shifted, Watch

import ingot
from ingot import _core

APART = [name for name in _core.pipeline() if name != "fuse_contractions"]

pytestmark = pytest.mark.usefixtures("cublaslt")


def array(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def compile_fast(graph: ingot.Graph, **options: Any) -> ingot.Program:
    return ingot.compile(graph, device="cuda", **{"fast": "free_order", **options})


def kernels(program: ingot.Program) -> list[str]:
    return [step["kernel"] for step in program.plan().steps]


def codes(program: ingot.Program) -> str:
    return "; ".join(step["code"] for step in program.plan().steps)


def check_same(found: Any, expected: Any) -> None:
    """The double takes the same algorithm with a bias and without, a real cuBLASLt the fastest."""
    found, expected = np.asarray(found), np.asarray(expected)
    if "cuda on host" in devices():
        assert bits(found) == bits(expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-1)


def check_together(
    function: Callable[..., Any], *arrays: np.ndarray, fast: Any = "free_order"
) -> None:
    """One step computes product and bias, with the bits of two."""
    graph = ingot.record(function, *arrays)
    together = compile_fast(graph, fast=fast)
    apart = compile_fast(graph, fast=fast, passes=APART)
    assert kernels(together).count("matmul") == 1
    assert "pointwise" not in kernels(together)
    assert kernels(apart).count("pointwise") == 1
    assert "with its bias (fast: " in codes(together)
    expected = apart(*arrays)
    for _ in range(3):  # directly, captured, replayed
        check_same(together(*arrays), expected)
    assert "own kernel" not in together.explain()


def check_apart(function: Callable[..., Any], *arrays: np.ndarray, cublaslt: CublasLt) -> None:
    """What is behind the product is a step of its own."""
    before = cublaslt.biases()
    program = compile_fast(ingot.record(function, *arrays))
    assert kernels(program).count("pointwise") >= 1
    assert "by cuBLASLt" in codes(program)
    assert "bias" not in codes(program)
    program(*arrays)
    assert cublaslt.biases() == before


@pytest.mark.parametrize(
    ("x_shape", "w_shape"),
    [
        ((7, 33), (33, 5)),
        ((1, 40), (40, 24)),
        ((9, 4), (4, 1)),
        ((1, 1), (1, 6)),
        ((1, 1), (1, 1)),
        ((2, 3, 4, 9), (2, 3, 9, 6)),
        ((6, 4, 9), (9, 5)),
        ((4, 9), (3, 9, 5)),
        ((2, 1, 4, 9), (3, 9, 2)),
    ],
)
@pytest.mark.parametrize("fast", ["free_order", "tf32"])
def test_the_bits_are_those_of_separate_steps(
    fast: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], cublaslt: CublasLt
) -> None:
    x, w, b = array(*x_shape), array(*w_shape, seed=1), array(w_shape[-1], seed=2)
    before = cublaslt.biases()
    check_together(lambda x, w, b: x @ w + b, x, w, b, fast=fast)
    check_together(lambda x, w, b: b + x @ w, x, w, b, fast=fast)
    if before is not None:
        assert cublaslt.biases() >= before + 4  # a replayed graph asks no library


VIEWS: dict[str, Callable[..., Any]] = {
    "weight_transposed": lambda x, w, b: x @ ingot.matrix_transpose(w) + b[:6],
    "both_transposed": lambda x, w, b: (
        ingot.matrix_transpose(x) @ ingot.matrix_transpose(w[:, :6]) + b[:6]
    ),
    "every_other_row": lambda x, w, b: x[:, ::2] @ ingot.matrix_transpose(w)[::2] + b[:6],
    "every_other_of_the_bias": lambda x, w, b: x @ ingot.matrix_transpose(w) + b[::2],
    "bias_backwards": lambda x, w, b: x @ ingot.matrix_transpose(w) + ingot.flip(b[6:]),
    "bias_not_aligned": lambda x, w, b: x @ ingot.matrix_transpose(w) + b[3:9],
    "bias_of_axes_of_one": lambda x, w, b: (
        x @ ingot.matrix_transpose(w) + ingot.reshape(b[:6], (1, 6))
    ),
    "bias_computed": lambda x, w, b: x @ ingot.matrix_transpose(w) + ingot.sum(x, axis=0)[:6],
}


@pytest.mark.parametrize("view", VIEWS)
def test_operands_lie_in_any_way(view: str) -> None:
    x, w, b = array(6, 12), array(6, 12, seed=1), array(12, seed=2)
    function = VIEWS[view]
    graph = ingot.record(function, x, w, b)
    together, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    assert "with its bias" in codes(together)
    for _ in range(3):
        check_same(together(x, w, b), apart(x, w, b))
    assert "own kernel" not in together.explain()


def test_a_bias_that_may_lie_where_the_result_comes() -> None:
    """A single row could take the place of what is added to it."""
    x, w = array(1, 12), array(12, 6, seed=1)

    def function(x: Any, w: Any) -> Any:
        bias = ingot.sum(ingot.reshape(x, (2, 6)), axis=0, keepdims=True)
        return ingot.cumulative_sum(x @ w + bias, axis=1)

    graph = ingot.record(function, x, w)
    together, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    assert "with its bias" in codes(together)
    check_same(together(x, w), apart(x, w))


OTHERS: dict[str, Callable[..., Any]] = {
    "along_the_rows": lambda p, b: p + ingot.reshape(b, (6, 1)),
    "of_all_elements": lambda p, b: p + ingot.reshape(b, (6, 1)) * b,
    "a_number": lambda p, b: p + 2.0,
    "per_batch": lambda p, b: p + ingot.stack([b, b], axis=0)[:, None, :],
    "subtracted": lambda p, b: p - b,
    "scaled": lambda p, b: p * b,
    "relu": lambda p, b: ingot.relu(p + b),
    "gelu": lambda p, b: ingot.gelu(p + b),
    "twice": lambda p, b: p + b + b,
    "itself": lambda p, b: p + p,
    "read_elsewhere": lambda p, b: (p + b, p),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_bias_stays_apart(other: str, cublaslt: CublasLt) -> None:
    x, w, b = array(2, 6, 12), array(12, 6, seed=1), array(6, seed=2)
    check_apart(lambda x, w, b: OTHERS[other](x @ w, b), x, w, b, cublaslt=cublaslt)


def test_explain_says_why_it_stays_apart() -> None:
    x, w, b = array(6, 12), array(12, 6, seed=1), array(6, seed=2)
    program = compile_fast(ingot.record(lambda x, w, b: ingot.relu(x @ w + b), x, w, b))
    words = "fast gives matmul to the device's library, which adds nothing but a float32 bias"
    assert words in program.explain()


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_of_other_dtypes_it_stays_apart(dtype: Any, cublaslt: CublasLt) -> None:
    """Separate steps round a narrow product before they add."""
    x, w, b = (array(*s, dtype=dtype, seed=i) for i, s in enumerate([(6, 12), (12, 8), (8,)]))
    check_apart(lambda x, w, b: x @ w + b, x, w, b, cublaslt=cublaslt)


def test_nothing_is_added_in_cublaslt_without_freedoms(cublaslt: CublasLt) -> None:
    before = cublaslt.products()
    x, w, b = array(6, 12), array(12, 8, seed=1), array(8, seed=2)
    graph = ingot.record(lambda x, w, b: x @ w + b, x, w, b)
    there = ingot.compile(graph, device="cuda")
    assert bits(np.asarray(there(x, w, b))) == bits(np.asarray(ingot.compile(graph)(x, w, b)))
    assert cublaslt.products() == before


@pytest.mark.parametrize("call", [SEARCH, CHECK, MULTIPLY])
def test_what_cublaslt_refuses_has_the_exact_bits(call: int, cublaslt: CublasLt) -> None:
    x, w, b = array(3, 20, 300), array(300, 7, seed=1), array(7, seed=2)
    graph = ingot.record(lambda x, w, b: x @ w + b, x, w, b)
    program = compile_fast(graph, fast="tf32")
    assert "matmul by cuBLASLt" in codes(program)
    cublaslt.fail(call)
    found = program(x, w, b)
    cublaslt.fail(NO_CALL)
    assert bits(np.asarray(found)) == bits(np.asarray(ingot.compile(graph)(x, w, b)))
    words = (
        "matmul with its bias: cuBLASLt does not take it at the sizes of a run: own kernel there"
    )
    assert words in program.explain()


@pytest.mark.parametrize(("rows", "depth"), [(0, 4), (4, 0), (1, 0), (0, 0)])
def test_empty_products(rows: int, depth: int) -> None:
    x, w, b = array(rows, depth), array(depth, 6), array(6, seed=2)
    program = compile_fast(ingot.record(lambda x, w, b: x @ w + b, x, w, b))
    for _ in range(3):
        np.testing.assert_array_equal(np.asarray(program(x, w, b)), np.broadcast_to(b, (rows, 6)))


def test_sizes_that_change() -> None:
    n, k = ingot.Dim("n", 0, 40), ingot.Dim("k", 0, 40)
    specs = ingot.Spec((n, 16)), ingot.Spec((16, k)), ingot.Spec((k,))
    graph = ingot.record(lambda x, w, b: x @ w + b, *specs)
    together, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    assert "with its bias" in codes(together)
    for seed, (rows, columns) in enumerate(
        [(4, 8), (4, 8), (40, 1), (1, 40), (0, 3), (7, 0), (3, 3)]
    ):
        given = array(rows, 16, seed=seed), array(16, columns), array(columns, seed=seed)
        check_same(together(*given), apart(*given))


def test_arrays_that_move_patch_the_graph(cuda: str, emulator: Any) -> None:
    """The vector's address is one of the launch, as those of the matrices are."""
    specs = ingot.Spec((5, 8)), ingot.Spec((8, 12)), ingot.Spec((12,))
    graph = ingot.record(lambda x, w, b: x @ w + b, *specs)
    together, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    watch, kept = Watch(emulator), []
    for seed in range(6):
        arrays = [array(*s, seed=seed) for s in ((5, 8), (8, 12), (12,))]
        kept.append([ingot.to_device(a, cuda) for a in arrays])
        kept.append([together(*kept[-1])])
        check_same(kept[-1][0].numpy(), apart(*arrays))
    assert watch.graph_patches >= 4
    for by in [0, 1, 1, 0, 1]:  # what is not aligned is copied
        x, w, b = (array(*s, seed=by) for s in ((5, 8), (8, 12), (12,)))
        kept.append([ingot.to_device(x, cuda), ingot.to_device(w, cuda), Shifted(b, by, cuda)])
        check_same(together(*kept[-1]).numpy(), apart(x, w, b))


def test_a_state_that_a_fault_may_stop() -> None:
    total = ingot.State(np.zeros((4, 4), np.float32), name="total")

    def function(x: ingot.Tensor, b: ingot.Tensor, i: ingot.Tensor) -> ingot.Tensor:
        total.value = x @ x + b
        return ingot.take(x, i, axis=0)

    x, b = array(4, 4), array(4, seed=1)
    good, bad = np.array([1, 3], np.int32), np.array([1, 9], np.int32)
    graph = ingot.record(function, x, b, good)
    program, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    assert "with its bias (fast: free_order), copied into a state" in codes(program)
    for _ in range(3):
        with pytest.raises(ingot.RangeError):
            program(x, b, bad)
        assert not np.any(np.asarray(program.default_session.state["total"]))
    program(x, b, good)
    apart(x, b, good)
    check_same(*(p.default_session.state["total"] for p in (program, apart)))


def test_a_state_that_is_its_own_bias() -> None:
    row = ingot.State(array(1, 6), name="row")

    def function(x: ingot.Tensor) -> ingot.Tensor:
        row.value = row.value + x @ ingot.matrix_transpose(x) @ ingot.ones((1, 6))
        return x

    x = array(1, 12)
    graph = ingot.record(function, x)
    program, apart = compile_fast(graph), compile_fast(graph, passes=APART)
    for _ in range(4):
        program(x)
        apart(x)
        check_same(*(p.default_session.state["row"] for p in (program, apart)))
