"""Random graphs of what groups are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import ingot
from ingot.nn import functional as F


def random_rows(seed: int) -> tuple[ingot.Graph, list[np.ndarray]]:
    """A DAG of what groups are made of: pointwise ops, reductions of rows, products, scores."""
    draw = np.random.default_rng(seed)
    rows, n = int(draw.choice([1, 2, 5, 70])), int(draw.choice([1, 3, 16, 65, 520]))
    w = ingot.tensor((draw.standard_normal((n, n)) / np.sqrt(n)).astype(np.float32))
    bias = ingot.tensor(draw.standard_normal(n).astype(np.float32))
    batch = ingot.Dim("batch", 1, 3)

    def f(x: ingot.Tensor, r: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        values = [x, x * 0.5, x + r]

        def pick() -> ingot.Tensor:
            return values[int(draw.integers(max(0, len(values) - 4), len(values)))]

        choices: list[Callable[[], ingot.Tensor]] = [
            lambda: pick() + pick(),
            lambda: pick() * bias,
            lambda: ingot.tanh(pick()),
            lambda: ingot.maximum(pick(), 0.0),
            lambda: pick() - ingot.max(pick(), axis=-1, keepdims=True),
            lambda: pick() / (ingot.sum(ingot.abs(pick()), axis=-1, keepdims=True) + 1.0),
            lambda: pick() - ingot.mean(pick(), axis=(-2, -1), keepdims=True),
            lambda: ingot.softmax(pick()),
            lambda: ingot.layer_norm(pick(), (n,), bias),
            lambda: ingot.relu(pick() @ w + bias) + pick(),
            lambda: pick() @ w,
            lambda: ingot.softmax(pick() @ pick().mT * 0.1) @ pick(),
            lambda: F.scaled_dot_product_attention(pick(), pick(), pick(), is_causal=True),
            lambda: ingot.where(pick() > r, pick(), 0.0),
            lambda: ingot.sigmoid(pick()),
            lambda: F.silu(pick() @ w + bias),
            lambda: ingot.gelu(pick(), approximate="tanh"),
            lambda: ingot.sigmoid(ingot.mean(pick(), axis=-1, keepdims=True)) * pick(),
        ]
        for _ in range(int(draw.integers(2, 12))):
            values.append(choices[int(draw.integers(len(choices)))]())
        outputs = [values[-1], pick(), ingot.sum(pick(), axis=-1, keepdims=True)]
        return tuple(outputs[: int(draw.integers(1, 4))])

    graph = ingot.record(f, ingot.Spec((batch, rows, n)), ingot.Spec((batch, rows, 1)))
    b = int(draw.integers(1, 4))
    arrays = [draw.standard_normal((b, rows, k)).astype(np.float32) for k in (n, 1)]
    return graph, arrays
