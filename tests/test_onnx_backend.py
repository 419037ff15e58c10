"""The cases that ship with the package `onnx`, by its own runner: each model is recorded, compiled
and run. A case may be skipped only for what docs/onnx.md says is unsupported."""

from __future__ import annotations

import re
import unittest
import warnings
from typing import Any

import numpy as np
import pytest

import ingot

onnx = pytest.importorskip("onnx")
base = pytest.importorskip("onnx.backend.base")
TYPES = onnx.TensorProto.DataType

# What programs do not compute: these element types, and values that are no tensors.
WITHOUT_KERNELS = {"UINT32", "UINT64", "STRING"}
WITHOUT_KERNELS |= {name for name, _ in TYPES.items() if re.search("FLOAT[48]|INT[24]$", name)}
# Sizes that depend on numbers, parts counted by a symbolic size, random numbers, training, text,
# pictures.
UNSUPPORTED = {"NonMaxSuppression", "Unique", "NonZero", "SplitToSequence"}
UNSUPPORTED |= {"RandomUniformLike", "Bernoulli", "Dropout"}
UNSUPPORTED |= {"Adagrad", "Adam", "Gradient", "Momentum"}
UNSUPPORTED |= {"ImageDecoder", "TfIdfVectorizer", "TreeEnsemble", "Binarizer"}
UNSUPPORTED |= {"ArrayFeatureExtractor"}
# Expected to the last bit of another way to round: 16-bit floats between the ops of an attention,
# and the noise of a transform where the exact result is 0.
INEXACT = r"test_attention_4d_causal_fp16|test_dft_inverse"


def all_nodes(graph: Any) -> list[Any]:
    """Nodes, also those of graphs inside them."""
    found = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            found += all_nodes(attribute.g) if attribute.HasField("g") else []
    return found


def may_be_skipped(model: Any) -> bool:
    nodes = all_nodes(model.graph)
    if {node.op_type for node in nodes} & UNSUPPORTED:
        return True
    infos = [*model.graph.input, *model.graph.output]
    if any(info.type.WhichOneof("value") != "tensor_type" for info in infos):
        return True
    types = {info.type.tensor_type.elem_type for info in infos}
    types |= {a.i for n in nodes for a in n.attribute if a.name in ("to", "output_dtype")}
    return bool({TYPES.Name(t) for t in types if t in TYPES.values()} & WITHOUT_KERNELS)


def specialized(model: Any, inputs: dict[str, Any]) -> list[Any]:
    """The outputs of a program in which the inputs that decide a shape are fixed."""
    fixed: set[str] = set()
    while True:
        values = {name: inputs[name] for name in fixed}
        try:
            program = ingot.compile(model.record(values=values), num_threads=1)
        except ingot.UnsupportedError as error:
            more = fixed | set(error.inputs)
            if more == fixed or (len(more) == len(inputs) and decides_nothing(inputs)):
                raise
            fixed = more
            continue
        rest = {name: x for name, x in inputs.items() if name not in fixed}
        return list(program.run(rest).values())


def decides_nothing(inputs: dict[str, Any]) -> bool:
    """Whether there are numbers that a graph computes with, and does not only shape by."""
    return any(getattr(x, "ndim", 0) and x.dtype.kind == "f" for x in inputs.values())


class Prepared(base.BackendRep):
    """One model."""

    def __init__(self, proto: Any) -> None:
        self.proto = proto

    def run(self, inputs: Any, **_: Any) -> list[Any]:
        try:
            model = ingot.onnx.Model(self.proto.SerializeToString())
            return specialized(model, dict(zip(model.inputs, inputs, strict=True)))
        except (ingot.UnsupportedError, ingot.DTypeError) as error:
            if isinstance(error, ingot.DTypeError) and "no kernel" not in str(error):
                raise
            if not may_be_skipped(self.proto):
                raise
            raise unittest.SkipTest("unsupported, as docs/onnx.md says") from None


class Backend(base.Backend):
    """Ingot, on the CPU."""

    @classmethod
    def prepare(cls, model: Any, _device: str = "CPU", **_: Any) -> Prepared:
        return Prepared(model)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


def make_cases() -> dict[str, type[unittest.TestCase]]:
    """The runner's test classes, but those that download models, and those of other devices."""
    runner = pytest.importorskip("onnx.backend.test")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of the functions that make the expected numbers
        found = runner.BackendTest(Backend, __name__).exclude(INEXACT).test_cases
    found.pop("OnnxBackendRealModelTest", None)
    found.pop("OnnxBackendRealTest", None)
    for case in found.values():
        for name in [n for n in vars(case) if n.endswith("_cuda")]:
            delattr(case, name)
    return dict(found)


globals().update(make_cases())
