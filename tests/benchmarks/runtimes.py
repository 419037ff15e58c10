"""Who is timed: each takes a workload and threads, and gives a call from array to array.

A library that is not installed is skipped by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import ingot

from .workloads import Array, Workload

Call = Callable[[Array], Any]

# ingot's functions under the names that the workloads use.
INGOT = SimpleNamespace(
    asarray=ingot.tensor,
    exp=ingot.exp,
    max=ingot.max,
    maximum=ingot.maximum,
    mean=ingot.mean,
    permute_dims=ingot.permute_dims,
    reshape=ingot.reshape,
    sqrt=ingot.sqrt,
    sum=ingot.sum,
    tanh=ingot.tanh,
)


def record(workload: Workload) -> ingot.Graph:
    return ingot.record(
        lambda x: workload.f(INGOT, x), ingot.Spec(workload.x.shape, str(workload.x.dtype))
    )


def eager(workload: Workload, threads: int) -> Call:
    del threads  # NumPy's own
    return lambda x: workload.f(INGOT, ingot.tensor(x)).numpy()


def static(workload: Workload, threads: int) -> Call:
    return ingot.compile(record(workload), num_threads=threads)


def onnxruntime(workload: Workload, threads: int) -> Call:
    pytest.importorskip("onnx")
    library = pytest.importorskip("onnxruntime")
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    model = record(workload).to_onnx()
    session = library.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def openvino(workload: Workload, threads: int) -> Call:
    pytest.importorskip("onnx")
    library = pytest.importorskip("openvino")
    core = library.Core()
    model = core.read_model(record(workload).to_onnx().SerializeToString(), b"")
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(model, "CPU", settings)
    return lambda x: compiled(x)[0]


def torch_namespace(torch: Any) -> SimpleNamespace:
    return SimpleNamespace(
        asarray=torch.asarray,
        exp=torch.exp,
        max=lambda x, axis, keepdims: torch.amax(x, dim=axis, keepdim=keepdims),
        maximum=torch.maximum,
        mean=lambda x, axis, keepdims: torch.mean(x, dim=axis, keepdim=keepdims),
        permute_dims=torch.permute,
        reshape=torch.reshape,
        sqrt=torch.sqrt,
        sum=lambda x, axis, keepdims: torch.sum(x, dim=axis, keepdim=keepdims),
        tanh=torch.tanh,
    )


def torch(workload: Workload, threads: int) -> Call:
    library = pytest.importorskip("torch")
    library.set_num_threads(threads)
    xp = torch_namespace(library)

    def call(x: Array) -> Array:
        with library.inference_mode():
            return np.asarray(workload.f(xp, library.from_numpy(x)))

    return call


def jax(workload: Workload, threads: int) -> Call:
    library = pytest.importorskip("jax")
    cores = len(os.sched_getaffinity(0))
    if threads != cores:
        pytest.skip(f"jax uses all {cores} cores of the process")
    compiled = library.jit(lambda x: workload.f(library.numpy, x))
    return lambda x: np.asarray(compiled(x))


RUNTIMES: dict[str, Callable[[Workload, int], Call]] = {
    "eager": eager,
    "static": static,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "torch": torch,
    "jax": jax,
}
