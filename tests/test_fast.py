"""What a caller allows besides the exact bits: names, what the processor makes of them, products by
a double of cuBLASLt on the emulated device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tests.cublaslt import MULTIPLY, NO_CALL, CublasLt
from tests.device import Emulator, emulated_plugin
from tests.installed import runner
from tests.op_samples import bits

import ingot

LINEAR = ingot.record(lambda x, w: x @ w, ingot.Spec((3, 5)), ingot.Spec((5, 4)))
BOUNDS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-21, "float64": 2.0**-50}


def array(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def leaves(results: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in (results if isinstance(results, tuple) else (results,))]


def check_near(found: np.ndarray, a: np.ndarray, b: np.ndarray, unit: float) -> None:
    """a @ b with sums in any order, rounded to units of its dtype."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    magnitude = np.abs(wide_a) @ np.abs(wide_b)
    assert np.all(np.abs(found.astype(np.float64) - wide_a @ wide_b) <= unit * (magnitude + 1e-30))


# ---- names ---------------------------------------------------------------------------------------


def test_the_freedoms_have_names() -> None:
    assert ingot.FAST == ("free_order", "tf32")
    assert ingot.compile(LINEAR).fast == ()
    assert ingot.compile(LINEAR, fast=False).fast == ()
    assert ingot.compile(LINEAR, fast=True).fast == ingot.FAST
    assert ingot.compile(LINEAR, fast="tf32").fast == ("tf32",)
    assert ingot.compile(LINEAR, fast=["free_order"]).fast == ("free_order",)


@pytest.mark.parametrize("fast", ["fma", ["free_order", "fma"]])
def test_an_unknown_freedom_is_an_error_that_lists_those_there_are(fast: Any) -> None:
    wanted = r"fast: no such freedom: got 'fma', expected some of free_order, tf32$"
    with pytest.raises(ingot.ArgumentError, match=wanted):
        ingot.compile(LINEAR, fast=fast)


@pytest.mark.parametrize("fast", [3, [3], None, 1.5])
def test_freedoms_that_are_no_names_are_an_error(fast: Any) -> None:
    with pytest.raises(ingot.ArgumentError, match="fast"):
        ingot.compile(LINEAR, fast=fast)


def test_the_processor_makes_nothing_of_them(tmp_path: Path) -> None:
    x, w = array(3, 5), array(5, 4)
    LINEAR.save(tmp_path / "linear.ingot")
    fast = ingot.load(tmp_path / "linear.ingot", fast=True)
    assert bits(fast(x, w)) == bits(ingot.compile(LINEAR)(x, w))
    assert "fast: free_order, tf32 (nothing on the processor)" in fast.explain()
    jitted = ingot.jit(lambda x, w: x @ w, fast=True)
    assert bits(np.asarray(jitted(ingot.tensor(x), ingot.tensor(w)))) == bits(fast(x, w))


def test_the_runner_takes_them(tmp_path: Path) -> None:
    LINEAR.save(tmp_path / "linear.ingot")
    words = [runner(), tmp_path / "linear.ingot", "--input", "x=rand", "--input", "w=rand"]
    done = subprocess.run([*words, "--fast", "free_order,tf32"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    wrong = subprocess.run([*words, "--fast=fma"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "no such freedom: got 'fma', expected some of free_order, tf32" in wrong.stderr


# ---- products by cuBLASLt ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((7, 33), (33, 5)),
        ((1, 300), (300, 1)),
        ((2, 3, 4, 9), (2, 3, 9, 6)),
        ((6, 4, 9), (9, 5)),
        ((4, 9), (3, 9, 5)),
        ((2, 1, 4, 9), (3, 9, 2)),
        ((4, 0), (0, 3)),
        ((0, 4), (4, 3)),
    ],
)
def test_products_are_within_bounds(
    dtype: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...], cublaslt: CublasLt
) -> None:
    of = {"bfloat16": ml_dtypes.bfloat16}.get(dtype, dtype)
    a, b = array(*a_shape, dtype=of), array(*b_shape, dtype=of, seed=1)
    program = ingot.compile(
        ingot.record(lambda a, b: a @ b, a, b), device="cuda", fast="free_order"
    )
    assert "(fast: free_order)" in program.explain()
    before = cublaslt.products()
    for _ in range(3):  # directly, captured, replayed
        found = np.asarray(program(a, b))
        assert found.dtype == a.dtype
        check_near(found, a, b, BOUNDS[dtype])
    if before is not None:
        assert (cublaslt.products() != before) == (found.size > 0 and a_shape[-1] > 0)


VIEWS = {
    "transposed": lambda a, b: ingot.matrix_transpose(b) @ ingot.matrix_transpose(a),
    "every_other": lambda a, b: a[:, ::2] @ b[::2],
    "backwards": lambda a, b: ingot.flip(a, axis=0) @ b,
    "columns": lambda a, b: a[:, 1:9] @ b[1:9, :3],
    "heads": lambda a, b: (
        ingot.permute_dims(ingot.reshape(a, (2, 3, 4, 3)), (2, 0, 1, 3))
        @ ingot.permute_dims(ingot.reshape(b, (2, 4, 3, 3)), (1, 0, 2, 3))
    ),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.usefixtures("cublaslt")
def test_products_of_views(view: str, dtype: str) -> None:
    of = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float32
    a, b = array(6, 12, dtype=of), array(12, 6, dtype=of, seed=1)
    graph = ingot.record(VIEWS[view], a, b)
    program = ingot.compile(graph, device="cuda", fast="free_order")
    found = np.asarray(program(a, b)).astype(np.float64)
    exact = np.asarray(ingot.compile(graph)(a, b)).astype(np.float64)
    assert np.all(np.abs(found - exact) <= 4 * BOUNDS[dtype] * 12 * np.abs(exact).max())
    assert "own kernel" not in program.explain()


@pytest.mark.usefixtures("cublaslt")
def test_narrow_products_stay_narrow_and_are_rounded_once() -> None:
    """1 + 2^-9 in bfloat16 is 1; in float32 the sum of 4 of them is 4.0078, in bfloat16 4."""
    a = np.full((1, 8), 1, ml_dtypes.bfloat16)
    b = np.array([1, 2.0**-9] * 4, ml_dtypes.bfloat16).reshape(8, 1)
    graph = ingot.record(lambda a, b: a @ b, a, b)
    program = ingot.compile(graph, device="cuda", fast="free_order")
    assert [step["kernel"] for step in program.plan().steps] == ["matmul"]
    assert len(ingot.compile(graph, device="cuda").plan().steps) > 1
    assert bits(np.asarray(program(a, b))) == bits(np.asarray(ingot.compile(graph)(a, b)))


def test_tf32_rounds_the_operands(cublaslt: CublasLt) -> None:
    a, b = array(40, 60), array(60, 30, seed=1)
    graph = ingot.record(lambda a, b: a @ b, a, b)
    program = ingot.compile(graph, device="cuda", fast="tf32")
    found = np.asarray(program(a, b))
    check_near(found, a, b, 2.0**-10)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert np.abs(found - exact).max() > 1e-4
    assert "(fast: tf32)" in program.explain()
    assert cublaslt.problem() == ""


def test_without_freedoms_the_bits_are_those_of_the_processor(cublaslt: CublasLt) -> None:
    before = cublaslt.products()
    for dtype in (np.float32, np.float64, ml_dtypes.bfloat16):
        a, b = array(20, 300, dtype=dtype), array(300, 7, dtype=dtype, seed=1)
        graph = ingot.record(lambda a, b: a @ b, a, b)
        there = ingot.compile(graph, device="cuda")
        assert bits(np.asarray(there(a, b))) == bits(np.asarray(ingot.compile(graph)(a, b)))
        assert "cuBLASLt" not in there.explain()
    assert cublaslt.products() == before


def test_what_cublaslt_refuses_has_the_exact_bits(cublaslt: CublasLt) -> None:
    for dtype in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16):
        a, b = array(3, 20, 300, dtype=dtype), array(300, 7, dtype=dtype, seed=1)
        graph = ingot.record(lambda a, b: a @ b, a, b)
        program = ingot.compile(graph, device="cuda", fast=True)
        cublaslt.fail(MULTIPLY)
        found = program(a, b)
        cublaslt.fail(NO_CALL)
        assert bits(np.asarray(found)) == bits(np.asarray(ingot.compile(graph)(a, b)))
        assert "cuBLASLt does not take it at the sizes of a run: own kernel" in program.explain()


def test_a_failure_of_cublaslt_is_a_device_error(cublaslt: CublasLt) -> None:
    program = ingot.compile(LINEAR, device="cuda", fast=True)
    cublaslt.fail(MULTIPLY, 13)
    with pytest.raises(ingot.DeviceError, match="run: device cuda:0: matmul: cuBLASLt failed: "):
        program(array(3, 5), array(5, 4))
    cublaslt.fail(NO_CALL)
    check_near(np.asarray(program(array(3, 5), array(5, 4))), array(3, 5), array(5, 4), 2.0**-9)


@pytest.mark.usefixtures("cublaslt")
def test_sizes_that_change_and_streams_that_run_late(emulator: Emulator) -> None:
    n = ingot.Dim("n", 1, 32)
    x, w = ingot.Spec((n, 16), "bfloat16"), array(16, 8, dtype=ml_dtypes.bfloat16)
    graph = ingot.record(lambda x: ingot.softmax(ingot.relu(x @ w), axis=1), x)
    program, exact = ingot.compile(graph, device="cuda", fast=True), ingot.compile(graph)
    for seed, size in enumerate([4, 4, 4, 32, 1, 1, 1, 7]):
        emulator.set_seed(seed)
        x = array(size, 16, dtype=ml_dtypes.bfloat16, seed=seed)
        found, expected = (np.asarray(p(x)).astype(np.float32) for p in (program, exact))
        np.testing.assert_allclose(found, expected, atol=0.02)
    emulator.set_seed(1)


def test_a_product_kept_in_a_state_that_a_fault_may_stop(cublaslt: CublasLt) -> None:
    total = ingot.State(np.zeros((4, 4), np.float32), name="total")

    def function(x: ingot.Tensor, i: ingot.Tensor) -> ingot.Tensor:
        total.value = x @ x
        return ingot.take(x, i, axis=0)

    x = array(4, 4)
    good, bad = np.array([1, 3], np.int32), np.array([1, 9], np.int32)
    program = ingot.compile(ingot.record(function, x, good), device="cuda", fast="free_order")
    with pytest.raises(ingot.RangeError):
        program(x, bad)
    assert not np.any(np.asarray(program.default_session.state["total"]))
    program(x, good)
    check_near(np.asarray(program.default_session.state["total"]), x, x, BOUNDS["float32"])
    assert cublaslt.problem() == ""


MISSING = """
import numpy as np, ingot
x = np.ones((3, 3), np.float32)
graph = ingot.record(lambda x: x @ x, x)
for dtype in ("float32", "float16"):
    x = np.ones((3, 3), dtype)
    graph = ingot.record(lambda x: x @ x, x)
    program = ingot.compile(graph, device="cuda", fast=True)
    assert program(x).tobytes() == ingot.compile(graph)(x).tobytes()
    print([s["code"] for s in program.plan().steps if "matmul" in s["code"]])
"""


@pytest.mark.parametrize("path", [None, "/no/such/file"])
def test_a_machine_without_cublaslt_computes_the_exact_bits(
    path: str | None, emulator: Emulator
) -> None:
    del emulator
    environment = {**os.environ, "INGOT_CUDA_PLUGIN": str(emulated_plugin())}
    environment.pop("INGOT_CUBLASLT", None)
    if path is not None:
        environment["INGOT_CUBLASLT"] = path
    command = [sys.executable, "-c", MISSING]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("matmul, own kernel: cuBLASLt was not found (") == 2
