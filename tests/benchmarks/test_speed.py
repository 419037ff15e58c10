"""Eager NumPy, the static program and, where it is installed, torch, side by side: `make bench`.

Every benchmark asserts the answer as well as taking the time; ratios within one group of one run
are what counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot

Workload = tuple[Callable[[ingot.Tensor], ingot.Tensor], np.ndarray]
rng = np.random.default_rng(0)


def weights(*shape: int) -> ingot.Tensor:
    return ingot.tensor((rng.standard_normal(shape) * 0.05).astype(np.float32))


def mlp() -> Workload:
    w1, b1, w2, b2 = weights(784, 512), weights(512), weights(512, 10), weights(10)
    return lambda x: ingot.relu(x @ w1 + b1) @ w2 + b2, rng.standard_normal((64, 784)).astype(
        np.float32
    )


def chain() -> Workload:
    def f(x: ingot.Tensor) -> ingot.Tensor:
        for _ in range(4):
            x = ingot.maximum(x * 0.5 + 0.25, -x)
        return x

    return f, rng.standard_normal(1 << 18).astype(np.float32)


def norm_softmax() -> Workload:
    g, b = weights(1024), weights(1024)
    return lambda x: ingot.softmax(
        ingot.layer_norm(x, (1024,), g, b), axis=-1
    ), rng.standard_normal((128, 1024)).astype(np.float32)


def dispatch() -> Workload:
    return lambda x: x + 1.0, np.zeros(4, np.float32)


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "mlp": mlp,
    "chain": chain,
    "norm_softmax": norm_softmax,
    "dispatch": dispatch,
}


@pytest.mark.parametrize("runtime", ["eager", "static", "static_2_threads"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_speed(benchmark: Any, workload: str, runtime: str) -> None:
    benchmark.group = workload
    f, x = WORKLOADS[workload]()
    expected = f(ingot.tensor(x)).numpy()
    if runtime == "eager":
        result = benchmark(lambda: f(ingot.tensor(x)).numpy())
    else:
        graph = ingot.record(f, ingot.Spec(x.shape, "float32"))
        program = ingot.compile(graph, num_threads=2 if runtime.endswith("threads") else 1)
        result = benchmark(program, x)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
