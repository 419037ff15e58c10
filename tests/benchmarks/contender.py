"""Ingot as one contender of a benchmark suite of graph runtimes.

The suite has model functions over a small namespace of ops, `fn(ops, params, *inputs)`; this file
gives the namespace in Ingot's own functions, records the model, saves the file, loads it, and hands
back what the suite times: one run of the loaded program. The suite brings `contenders` (Base, Skip,
contender); it finds this file by the environment variable BENCH_CONTENDERS.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from contenders import Base, contender

import ingot
from ingot.nn import functional as F

Array = np.ndarray


class Ops:
    """The suite's op namespace."""

    tanh, exp, maximum = ingot.tanh, ingot.exp, ingot.maximum
    matmul, linear, relu, sigmoid = ingot.matmul, ingot.linear, ingot.relu, ingot.sigmoid
    reshape, transpose, concat = ingot.reshape, ingot.permute_dims, ingot.concat
    relu6 = staticmethod(F.relu6)

    @staticmethod
    def gelu_tanh(x: Any) -> Any:
        return ingot.gelu(x, approximate="tanh")

    @staticmethod
    def gelu_erf(x: Any) -> Any:
        return ingot.gelu(x)

    @staticmethod
    def layer_norm(x: Any, g: Any, b: Any, eps: float) -> Any:
        return ingot.layer_norm(x, g.shape, g, b, eps)

    @staticmethod
    def softmax(x: Any) -> Any:
        return ingot.softmax(x, axis=-1)

    @staticmethod
    def shape(x: Any) -> Any:
        return x.shape

    @staticmethod
    def split3(x: Any) -> Any:
        return ingot.split(x, 3, -1)

    @staticmethod
    def split4(x: Any) -> Any:
        return ingot.split(x, 4, -1)

    @staticmethod
    def embedding(w: Any, ids: Any) -> Any:
        return ingot.take(w, ids, axis=0)

    @staticmethod
    def slice0(w: Any, n: Any) -> Any:
        return w[:n]

    @staticmethod
    def take1(x: Any, i: int) -> Any:
        return x[:, i]

    @staticmethod
    def sdpa(q: Any, k: Any, v: Any, causal: bool) -> Any:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    @staticmethod
    def conv2d(x: Any, w: Any, stride: int, padding: int, groups: int) -> Any:
        return F.conv2d(x, w, None, stride, padding, 1, groups)

    @staticmethod
    def batch_norm(x: Any, g: Any, b: Any, m: Any, v: Any, eps: float) -> Any:
        return ingot.batch_norm(x, m, v, g, b, eps=eps)

    @staticmethod
    def max_pool(x: Any, k: int, s: int, p: int) -> Any:
        return F.max_pool2d(x, k, s, p)

    @staticmethod
    def mean_hw(x: Any) -> Any:
        return ingot.mean(x, axis=(2, 3))

    @staticmethod
    def scan(body: Callable[..., Any], carry: Any, xs: Any, _length: int) -> Any:
        return ingot.scan(body, carry, xs)


def spec_of(x: Array, dims: dict[int, Any]) -> ingot.Spec:
    return ingot.Spec(tuple(dims.get(i, n) for i, n in enumerate(x.shape)), str(x.dtype))


def record(wl: Any) -> ingot.Graph:
    """The workload as a graph: weights are params, a dynamic axis is a symbolic dim."""
    params = SimpleNamespace(**{k: ingot.tensor(v, name=k) for k, v in wl.params.items()})
    specs = []
    for i, x in enumerate(wl.inputs):
        dims = (wl.dyn or {}).get("ids", {}) if i == 0 else {}
        specs.append(spec_of(x, {axis: ingot.Dim(*dim) for axis, dim in dims.items()}))
    return ingot.record(lambda *xs: wl.fn(Ops, params, *xs), *specs)


def record_step(wl: Any) -> ingot.Graph:
    """Forward, backward and update as one graph over states."""
    states = {k: ingot.nn.Parameter(v.copy(), name=k) for k, v in wl.params.items()}
    optim: Any = ingot.optim.SGD(list(states.values()), lr=wl.lr)
    if getattr(wl, "optim", "sgd") == "adam":
        optim = ingot.optim.Adam(list(states.values()), lr=wl.lr, eps=wl.eps)

    def step(x: Any, y: Any) -> Any:
        optim.zero_grad()
        loss = F.cross_entropy(wl.fn(Ops, SimpleNamespace(**states), x)[0], y)
        loss.backward()
        optim.step()
        return loss

    return ingot.record(step, *(spec_of(x, {}) for x in wl.inputs))


@contender
class Ingot(Base):  # type: ignore[misc]
    name = "ingot"
    pkgs = ("ingot", "numpy", "numpy.libs")

    def prepare(self, wl: Any, _threads: int, d: str) -> None:
        graph = record_step(wl) if wl.kind == "train" else record(wl)
        graph.save(f"{d}/model.ingot")

    def _load(self, nt: int, d: str) -> ingot.Program:
        return ingot.load(f"{d}/model.ingot", num_threads=nt)

    def load(self, wl: Any, nt: int, d: str) -> Callable[[], Any]:
        program, inputs = self._load(nt, d), list(wl.inputs)
        if wl.name == "dispatch_1":  # the call that users type: fresh outputs
            return lambda: (program(*inputs),)
        entry = program.entry()
        outputs = [aligned(x) for x in program.core.new_session().run(0, inputs)]

        def run() -> list[Array]:
            entry.run_into(inputs, outputs)
            return outputs

        return run

    def load_dyn(self, _wl: Any, nt: int, d: str) -> Callable[[Array], Any]:
        return self._load(nt, d)

    def load_train(self, wl: Any, nt: int, d: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
        program, inputs = self._load(nt, d), list(wl.inputs)
        session = program.session()
        entry = session.entry()
        loss = np.empty((), np.float32)

        def step() -> Array:
            entry.run_into(inputs, [loss])
            return loss

        return step, lambda: {k: session.state[k].copy() for k in wl.params}


def aligned(x: Array) -> Array:
    """A copy whose first byte lies on a cache line, as the suite's inputs do."""
    block = np.empty(x.nbytes + 64, np.uint8)
    first = -block.ctypes.data % 64
    y = block[first : first + x.nbytes].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y
