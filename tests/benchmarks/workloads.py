"""What is timed: functions over a namespace of array functions, which each library runs itself.

`Workload.f(xp, x)` uses the array API's names; weights are NumPy arrays that `xp.asarray` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
rng = np.random.default_rng(0)


@dataclass(frozen=True)
class Workload:
    f: Callable[[Any, Any], Any]
    x: Array


def floats(*shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def weights(*shape: int) -> Array:
    return floats(*shape) * np.float32(0.05)


def dispatch() -> Workload:
    return Workload(lambda xp, x: x + 1.0, np.zeros(4, np.float32))


def mlp() -> Workload:
    w1, b1, w2, b2 = weights(784, 512), weights(512), weights(512, 10), weights(10)

    def f(xp: Any, x: Any) -> Any:
        hidden = xp.maximum(x @ xp.asarray(w1) + xp.asarray(b1), xp.asarray(np.float32(0)))
        return hidden @ xp.asarray(w2) + xp.asarray(b2)

    return Workload(f, floats(64, 784))


def chain() -> Workload:
    def f(xp: Any, x: Any) -> Any:
        for _ in range(4):
            x = xp.maximum(xp.tanh(x) * 0.5 + 0.25, -x)
        return x

    return Workload(f, floats(1 << 18))


def softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def norm_softmax() -> Workload:
    g, b = weights(1024), weights(1024)

    def f(xp: Any, x: Any) -> Any:
        centred = x - xp.mean(x, axis=-1, keepdims=True)
        scale = xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)
        return softmax(xp, centred / scale * xp.asarray(g) + xp.asarray(b))

    return Workload(f, floats(128, 1024))


def attention() -> Workload:
    heads, depth = 8, 64
    w = [weights(heads * depth, heads * depth) for _ in range(4)]

    def f(xp: Any, x: Any) -> Any:
        def split(y: Any) -> Any:
            return xp.permute_dims(xp.reshape(y, (x.shape[0], heads, depth)), (1, 0, 2))

        q, k, v = (split(x @ xp.asarray(matrix)) for matrix in w[:3])
        scores = softmax(xp, q @ xp.permute_dims(k, (0, 2, 1)) * depth**-0.5)
        y = xp.permute_dims(scores @ v, (1, 0, 2))
        return xp.reshape(y, (x.shape[0], heads * depth)) @ xp.asarray(w[3])

    return Workload(f, floats(128, heads * depth))


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "dispatch": dispatch,
    "mlp": mlp,
    "chain": chain,
    "norm_softmax": norm_softmax,
    "attention": attention,
}
