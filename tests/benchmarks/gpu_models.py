"""What gpu.py times: models as functions `fn(ops, params, *inputs)` over the op names of
gpu_runtimes.py.

Weights are random; sizes are those of the published models, or tiny ones that an emulated device
can compute.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

Array = np.ndarray
rng = np.random.default_rng(0)


@dataclass
class Model:
    """flops and moved_bytes: what no implementation can do without; 0 where nobody asks."""

    fn: Callable[..., Any]
    params: dict[str, Array]
    inputs: list[Array]
    flops: float = 0
    moved_bytes: float = 0
    dtype: str = "float32"  # that params and inputs of floats are cast to


def floats(*shape: int, scale: float = 1.0) -> Array:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def dispatch_100() -> Model:
    """A hundred small steps that nothing can fuse into one."""
    params = {f"w{i}": floats(64, 64, scale=1 / 8) for i in range(50)}

    def fn(ops: Any, p: Any, x: Any) -> Any:
        for i in range(50):
            x = ops.tanh(ops.matmul(x, getattr(p, f"w{i}")))
        return x

    return Model(fn, params, [floats(1, 64)])


def chain(n: int) -> Model:
    def fn(ops: Any, _p: Any, x: Any, y: Any) -> Any:
        t = ops.tanh(x * y + x) * 1.5
        return ops.maximum(ops.sigmoid(t) - y, x) + 1.0

    return Model(fn, {}, [floats(n), floats(n)], moved_bytes=3 * 4 * n)


def norm_softmax(rows: int, columns: int) -> Model:
    def fn(ops: Any, p: Any, x: Any) -> Any:
        return ops.softmax(ops.layer_norm(x, p.g, p.b, 1e-5)) + x

    params = {"g": floats(columns), "b": floats(columns)}
    return Model(fn, params, [floats(rows, columns)], moved_bytes=2 * 4 * rows * columns)


def matmul(n: int, dtype: str) -> Model:
    def fn(ops: Any, _p: Any, a: Any, b: Any) -> Any:
        return ops.matmul(a, b)

    scale = 1 / math.sqrt(n)
    inputs = [floats(n, n, scale=scale), floats(n, n, scale=scale)]
    return Model(fn, {}, inputs, flops=2.0 * n**3, dtype=dtype)


@dataclass(frozen=True)
class Transformer:
    layers: int
    heads: int
    width: int
    vocabulary: int
    positions: int


BERT_BASE = Transformer(12, 12, 768, 30522, 512)
GPT2 = Transformer(12, 12, 768, 50257, 1024)
TINY = Transformer(2, 2, 16, 50, 24)


def linear_params(params: dict[str, Array], name: str, inner: int, outer: int) -> None:
    params[f"{name}_w"] = floats(outer, inner, scale=1 / math.sqrt(inner))
    params[f"{name}_b"] = floats(outer, scale=0.02)


def norm_params(params: dict[str, Array], name: str, width: int) -> None:
    params[f"{name}_g"] = 1 + floats(width, scale=0.1)
    params[f"{name}_b"] = floats(width, scale=0.1)


def transformer_params(t: Transformer) -> dict[str, Array]:
    params = {
        "words": floats(t.vocabulary, t.width, scale=0.05),
        "positions": floats(t.positions, t.width, scale=0.05),
    }
    norm_params(params, "norm", t.width)
    for i in range(t.layers):
        linear_params(params, f"{i}_qkv", t.width, 3 * t.width)
        linear_params(params, f"{i}_out", t.width, t.width)
        linear_params(params, f"{i}_up", t.width, 4 * t.width)
        linear_params(params, f"{i}_down", 4 * t.width, t.width)
        norm_params(params, f"{i}_norm1", t.width)
        norm_params(params, f"{i}_norm2", t.width)
    return params


def linear(ops: Any, p: Any, x: Any, name: str) -> Any:
    return ops.linear(x, getattr(p, f"{name}_w"), getattr(p, f"{name}_b"))


def norm(ops: Any, p: Any, x: Any, name: str) -> Any:
    return ops.layer_norm(x, getattr(p, f"{name}_g"), getattr(p, f"{name}_b"), 1e-5)


def attend(
    ops: Any, p: Any, x: Any, t: Transformer, layer: int, causal: bool, past: Any = None
) -> tuple[Any, Any, Any]:
    """x: [batch, tokens, width]. The result, and the keys and values it used."""
    batch, tokens, width = x.shape

    def heads(y: Any) -> Any:
        split = ops.reshape(y, (batch, tokens, t.heads, width // t.heads))
        return ops.transpose(split, (0, 2, 1, 3))

    q, k, v = (heads(y) for y in ops.split3(linear(ops, p, x, f"{layer}_qkv")))
    if past is not None:
        k, v = ops.concat([past[0], k], 2), ops.concat([past[1], v], 2)
    y = ops.transpose(ops.attention(q, k, v, causal), (0, 2, 1, 3))
    return linear(ops, p, ops.reshape(y, (batch, tokens, width)), f"{layer}_out"), k, v


def transformer_flops(t: Transformer, batch: int, tokens: int, seen: int) -> float:
    per_token = 2 * 12 * t.width**2 + 4 * seen * t.width
    return float(batch * tokens * t.layers * per_token)


def bert(t: Transformer, batch: int, tokens: int) -> Model:
    def fn(ops: Any, p: Any, ids: Any) -> Any:
        x = norm(ops, p, ops.embedding(p.words, ids) + p.positions[:tokens], "norm")
        for i in range(t.layers):
            x = norm(ops, p, x + attend(ops, p, x, t, i, causal=False)[0], f"{i}_norm1")
            up = ops.gelu(linear(ops, p, x, f"{i}_up"))
            x = norm(ops, p, x + linear(ops, p, up, f"{i}_down"), f"{i}_norm2")
        return x

    ids = rng.integers(0, t.vocabulary, (batch, tokens))
    flops = transformer_flops(t, batch, tokens, tokens)
    return Model(fn, transformer_params(t), [ids], flops)


def gpt2(t: Transformer, tokens: int, past: int) -> Model:
    """past 0: prefill, the prompt at once. Else one call of decoding with a cache of so many."""

    def fn(ops: Any, p: Any, ids: Any, *cache: Any) -> Any:
        x = ops.embedding(p.words, ids) + p.positions[past : past + tokens]
        kept = []
        for i in range(t.layers):
            known = cache[2 * i : 2 * i + 2] if past else None
            given = norm(ops, p, x, f"{i}_norm1")
            y, k, v = attend(ops, p, given, t, i, causal=not past, past=known)
            kept += [k, v]
            x = x + y
            up = ops.gelu(linear(ops, p, norm(ops, p, x, f"{i}_norm2"), f"{i}_up"))
            x = x + linear(ops, p, up, f"{i}_down")
        last = norm(ops, p, x, "norm")[:, -1]
        return (ops.linear(last, p.words, None), *kept)

    inputs = [rng.integers(0, t.vocabulary, (1, tokens))]
    if past:
        shape = (1, t.heads, past, t.width // t.heads)
        inputs += [floats(*shape) for _ in range(2 * t.layers)]
    params = transformer_params(t)
    head = 2.0 * t.width * t.vocabulary
    flops = transformer_flops(t, 1, tokens, past + tokens) + head
    moved = sum(x.nbytes for name, x in params.items() if name != "positions")
    return Model(fn, params, inputs, flops, moved if past else 0)


@dataclass(frozen=True)
class Stage:
    blocks: int
    inner: int
    outer: int
    stride: int


RESNET50 = [
    Stage(3, 64, 256, 1),
    Stage(4, 128, 512, 2),
    Stage(6, 256, 1024, 2),
    Stage(3, 512, 2048, 2),
]
TINY_RESNET = [Stage(2, 4, 8, 1), Stage(1, 4, 16, 2)]


def convolutions(stages: list[Stage], stem: int) -> Iterator[tuple[str, int, int, int, int]]:
    """(name, channels in, channels out, kernel, stride) of each, in order."""
    yield "stem", 3, stem, 7, 2
    channels = stem
    for s, stage in enumerate(stages):
        for b in range(stage.blocks):
            stride = stage.stride if b == 0 else 1
            if b == 0:
                yield f"{s}_{b}_skip", channels, stage.outer, 1, stride
            yield f"{s}_{b}_a", channels, stage.inner, 1, 1
            yield f"{s}_{b}_b", stage.inner, stage.inner, 3, stride
            yield f"{s}_{b}_c", stage.inner, stage.outer, 1, 1
            channels = stage.outer


def resnet(stages: list[Stage], stem: int, batch: int, size: int) -> Model:
    params: dict[str, Array] = {}
    strides: dict[str, tuple[int, int]] = {}
    for name, inner, outer, kernel, stride in convolutions(stages, stem):
        scale = math.sqrt(2 / (inner * kernel * kernel))
        params[f"{name}_w"] = floats(outer, inner, kernel, kernel, scale=scale)
        norm_params(params, f"{name}_n", outer)
        params[f"{name}_m"] = floats(outer, scale=0.05)
        params[f"{name}_v"] = 1 + np.abs(floats(outer, scale=0.1))
        strides[name] = (stride, kernel // 2)
    linear_params(params, "head", stages[-1].outer, 1000)

    def conv(ops: Any, p: Any, x: Any, name: str) -> Any:
        get = SimpleNamespace(
            **{k: getattr(p, f"{name}_{k}") for k in ("w", "n_g", "n_b", "m", "v")}
        )
        x = ops.conv2d(x, get.w, *strides[name])
        return ops.batch_norm(x, get.n_g, get.n_b, get.m, get.v, 1e-5)

    def fn(ops: Any, p: Any, x: Any) -> Any:
        x = ops.max_pool(ops.relu(conv(ops, p, x, "stem")), 3, 2, 1)
        for s, stage in enumerate(stages):
            for b in range(stage.blocks):
                y = ops.relu(conv(ops, p, x, f"{s}_{b}_a"))
                y = ops.relu(conv(ops, p, y, f"{s}_{b}_b"))
                skip = conv(ops, p, x, f"{s}_{b}_skip") if b == 0 else x
                x = ops.relu(conv(ops, p, y, f"{s}_{b}_c") + skip)
        return linear(ops, p, ops.mean_of_pixels(x), "head")

    return Model(
        fn, params, [floats(batch, 3, size, size)], resnet_flops(stages, stem, batch, size)
    )


def resnet_flops(stages: list[Stage], stem: int, batch: int, size: int) -> float:
    flops, pixels = 0.0, size
    for name, inner, outer, kernel, stride in convolutions(stages, stem):
        after = -(-pixels // stride)
        flops += 2.0 * batch * inner * outer * kernel**2 * after**2
        if name == "stem":
            pixels = -(-after // 2)  # of the pooling behind it
        elif name.endswith("_b"):
            pixels = after
    return flops


MODELS: dict[str, tuple[Callable[[], Model], Callable[[], Model]]] = {  # on a device, and tiny
    "dispatch_100": (dispatch_100, dispatch_100),
    "chain_64m": (lambda: chain(64 << 20), lambda: chain(5000)),
    "norm_softmax": (lambda: norm_softmax(16384, 1024), lambda: norm_softmax(3, 100)),
    "matmul_f32_4096": (lambda: matmul(4096, "float32"), lambda: matmul(40, "float32")),
    "matmul_bf16_4096": (lambda: matmul(4096, "bfloat16"), lambda: matmul(40, "bfloat16")),
    "matmul_bf16_8192": (lambda: matmul(8192, "bfloat16"), lambda: matmul(33, "bfloat16")),
    "bert_base_b1": (lambda: bert(BERT_BASE, 1, 128), lambda: bert(TINY, 1, 5)),
    "bert_base_b32": (lambda: bert(BERT_BASE, 32, 128), lambda: bert(TINY, 3, 5)),
    "gpt2_prefill": (lambda: gpt2(GPT2, 512, 0), lambda: gpt2(TINY, 6, 0)),
    "gpt2_decode": (lambda: gpt2(GPT2, 1, 512), lambda: gpt2(TINY, 1, 7)),
    "resnet50_b1": (lambda: resnet(RESNET50, 64, 1, 224), lambda: resnet(TINY_RESNET, 4, 1, 16)),
    "resnet50_b32": (lambda: resnet(RESNET50, 64, 32, 224), lambda: resnet(TINY_RESNET, 4, 2, 16)),
}
