"""Who gpu.py times: each takes a model and gives a Contender.

A call reads arrays that lie on the device already and leaves its results there. A library that is
not installed, or sees no device, raises MissingError.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

import ingot
from ingot.nn import functional as F

from .gpu_driver import MissingError, driver
from .gpu_models import Array, Model
from .gpu_timing import Contender, nothing


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} is not installed") from error


INGOT = SimpleNamespace(
    tanh=ingot.tanh,
    sigmoid=ingot.sigmoid,
    relu=ingot.relu,
    gelu=ingot.gelu,
    maximum=ingot.maximum,
    matmul=ingot.matmul,
    linear=lambda x, w, b: ingot.linear(x, w, b) if b is not None else ingot.linear(x, w),
    softmax=lambda x: ingot.softmax(x, axis=-1),
    layer_norm=lambda x, g, b, eps: ingot.layer_norm(x, g.shape, g, b, eps),
    reshape=ingot.reshape,
    transpose=ingot.permute_dims,
    concat=ingot.concat,
    split3=lambda x: ingot.split(x, 3, -1),
    embedding=lambda w, ids: ingot.take(w, ids, axis=0),
    attention=lambda q, k, v, causal: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
    conv2d=lambda x, w, stride, padding: F.conv2d(x, w, None, stride, padding),
    batch_norm=lambda x, g, b, m, v, eps: ingot.batch_norm(x, m, v, g, b, eps=eps),
    max_pool=lambda x, k, s, p: F.max_pool2d(x, k, s, p),
    mean_of_pixels=lambda x: ingot.mean(x, axis=(2, 3)),
)


def torch_ops(torch: Any) -> SimpleNamespace:
    f = torch.nn.functional
    return SimpleNamespace(
        tanh=torch.tanh,
        sigmoid=torch.sigmoid,
        relu=torch.relu,
        gelu=f.gelu,
        maximum=torch.maximum,
        matmul=torch.matmul,
        linear=f.linear,
        softmax=lambda x: f.softmax(x, -1),
        layer_norm=lambda x, g, b, eps: f.layer_norm(x, g.shape, g, b, eps),
        reshape=torch.reshape,
        transpose=torch.permute,
        concat=torch.cat,
        split3=lambda x: x.chunk(3, -1),
        embedding=lambda w, ids: f.embedding(ids, w),
        attention=lambda q, k, v, causal: f.scaled_dot_product_attention(q, k, v, is_causal=causal),
        conv2d=lambda x, w, stride, padding: f.conv2d(x, w, None, stride, padding),
        batch_norm=lambda x, g, b, m, v, eps: f.batch_norm(x, m, v, g, b, eps=eps),
        max_pool=f.max_pool2d,
        mean_of_pixels=lambda x: x.mean((2, 3)),
    )


def jax_ops(jax: Any) -> SimpleNamespace:
    np_, lax = jax.numpy, jax.lax

    def layer_norm(x: Any, g: Any, b: Any, eps: float) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + eps) * g + b

    def attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
        scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
        if causal:
            scores = np_.where(np_.tril(np_.ones(scores.shape[-2:], bool)), scores, -np_.inf)
        return jax.nn.softmax(scores, -1) @ v

    def conv2d(x: Any, w: Any, stride: int, padding: int) -> Any:
        form = ("NCHW", "OIHW", "NCHW")
        around = [(padding, padding)] * 2
        return lax.conv_general_dilated(x, w, (stride, stride), around, dimension_numbers=form)

    def batch_norm(x: Any, g: Any, b: Any, m: Any, v: Any, eps: float) -> Any:
        scale = g * lax.rsqrt(v + eps)
        return x * scale[:, None, None] + (b - m * scale)[:, None, None]

    def max_pool(x: Any, k: int, s: int, p: int) -> Any:
        around = [(0, 0), (0, 0), (p, p), (p, p)]
        return lax.reduce_window(x, -np_.inf, lax.max, (1, 1, k, k), (1, 1, s, s), around)

    return SimpleNamespace(
        tanh=np_.tanh,
        sigmoid=jax.nn.sigmoid,
        relu=jax.nn.relu,
        gelu=lambda x: jax.nn.gelu(x, approximate=False),
        maximum=np_.maximum,
        matmul=np_.matmul,
        linear=lambda x, w, b: x @ w.T if b is None else x @ w.T + b,
        softmax=lambda x: jax.nn.softmax(x, -1),
        layer_norm=layer_norm,
        reshape=np_.reshape,
        transpose=np_.transpose,
        concat=np_.concatenate,
        split3=lambda x: np_.split(x, 3, -1),
        embedding=lambda w, ids: np_.take(w, ids, axis=0),
        attention=attention,
        conv2d=conv2d,
        batch_norm=batch_norm,
        max_pool=max_pool,
        mean_of_pixels=lambda x: x.mean((2, 3)),
    )


def cast(x: Array, dtype: str) -> Array:
    return x.astype(ingot.dtypes.dtype_of(dtype)) if x.dtype.kind == "f" else x


def torch_device(torch: Any) -> str:
    if not torch.cuda.is_available():
        raise MissingError("torch sees no device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return "cuda"


def listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


class Last:
    """A call that keeps what it gave last."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.value: Any = None

    def __call__(self) -> None:
        self.value = self.call()

    def results(self) -> list[Any]:
        return listed(self.value)


def in_torch(mode: str | None) -> Callable[[Model], Contender]:
    """mode: of torch.compile; None: eager."""

    def make(model: Model) -> Contender:
        torch = module("torch")
        device, dtype = torch_device(torch), getattr(torch, model.dtype)

        def there(x: Array) -> Any:
            tensor = torch.from_numpy(x).to(device)
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        ops = torch_ops(torch)
        params = SimpleNamespace(**{name: there(x) for name, x in model.params.items()})
        inputs = [there(x) for x in model.inputs]

        def fn(*xs: Any) -> Any:
            return model.fn(ops, params, *xs)

        call = fn if mode is None else torch.compile(fn, mode=mode)

        def run() -> Any:
            with torch.inference_mode():
                return call(*inputs)

        last, stream = Last(run), torch.cuda.current_stream().cuda_stream
        return Contender(last, torch.cuda.synchronize, last.results, stream)

    return make


def in_jax(model: Model) -> Contender:
    jax = module("jax")
    if jax.default_backend() not in ("gpu", "cuda"):
        raise MissingError("jax sees no device")
    jax.config.update("jax_default_matmul_precision", "highest")

    def there(x: Array) -> Any:
        return jax.device_put(cast(x, model.dtype))

    ops = jax_ops(jax)
    params = SimpleNamespace(**{name: there(x) for name, x in model.params.items()})
    inputs = [there(x) for x in model.inputs]
    call = jax.jit(lambda *xs: model.fn(ops, params, *xs))
    last = Last(lambda: jax.tree.leaves(call(*inputs)))
    return Contender(last, lambda: jax.block_until_ready(last.value), last.results)


def in_onnxruntime(model: Model) -> Contender:
    """The graph as an ONNX model, with its arrays bound to the device."""
    module("onnx")
    library = module("onnxruntime")
    if "CUDAExecutionProvider" not in library.get_available_providers():
        raise MissingError("onnxruntime sees no device")
    stream = driver().stream()
    given = {"user_compute_stream": str(stream), "use_tf32": "0"}
    session = library.InferenceSession(
        record(model).to_onnx().SerializeToString(), providers=[("CUDAExecutionProvider", given)]
    )
    binding, options = session.io_binding(), library.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    for slot, x in zip(session.get_inputs(), model.inputs, strict=True):
        value = library.OrtValue.ortvalue_from_numpy(cast(x, model.dtype), "cuda", 0)
        binding.bind_ortvalue_input(slot.name, value)
    for slot in session.get_outputs():
        binding.bind_output(slot.name, "cuda")
    return Contender(
        enqueue=lambda: session.run_with_iobinding(binding, options),
        wait=lambda: driver().synchronize(stream),
        results=binding.copy_outputs_to_cpu,
        stream=stream,
    )


def record(model: Model) -> ingot.Graph:
    params = SimpleNamespace(
        **{name: ingot.tensor(cast(x, model.dtype), name=name) for name, x in model.params.items()}
    )
    specs = [ingot.Spec(x.shape, str(cast(x, model.dtype).dtype)) for x in model.inputs]
    return ingot.record(lambda *xs: model.fn(INGOT, params, *xs), *specs)


@dataclass
class OnDevice:
    """launches: steps that run code, all of which one CUDA graph holds."""

    contender: Contender
    launches: int
    program: ingot.Program


def on_device(model: Model, emulated: bool = False, fast: tuple[str, ...] = ()) -> OnDevice:
    """In the order of a stream of the caller's; the emulated device has none to give."""
    program = ingot.compile(record(model), device="cuda", fast=fast)
    inputs = [ingot.to_device(cast(x, model.dtype), "cuda") for x in model.inputs]
    outputs = listed(program(*inputs))
    entry = program.entry()
    stream = None if emulated else driver().stream()
    contender = Contender(
        enqueue=lambda: entry.run_into(inputs, outputs, stream=stream),
        wait=nothing if stream is None else lambda: driver().synchronize(stream),
        results=lambda: outputs,
        stream=stream,
    )
    return OnDevice(contender, sum(bool(step["code"]) for step in program.plan().steps), program)


def in_fast_ingot(model: Model, emulated: bool) -> Contender:
    """Products in any order, where cuBLASLt computes any."""
    ours = on_device(model, emulated, ("free_order",))
    codes = [step["code"] for step in ours.program.plan().steps if "cuBLASLt" in step["code"]]
    if not any("by cuBLASLt" in code for code in codes):
        raise MissingError(codes[0] if codes else "no product is cuBLASLt's")
    return ours.contender


def numpy_of(x: Any) -> Array:
    """A result of any of them, in double precision."""
    if hasattr(x, "detach"):
        x = x.detach().cpu().double().numpy()
    return np.asarray(x).astype(np.float64)
