"""ONNX models become graphs: shapes that are computed become sizes, broken models one error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import ingot

onnx = pytest.importorskip("onnx")
helper = onnx.helper

FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def value(name: str, shape: Sequence[Any] | None, dtype: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def model_of(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    tensors: dict[str, np.ndarray] | None = None,
    opset: int = 17,
    **more: Any,
) -> bytes:
    tensors = tensors or {}
    initializers = [onnx.numpy_helper.from_array(a, name) for name, a in tensors.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, **more).SerializeToString()


def test_shapes_that_are_computed_become_sizes() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
    ]
    tensors = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1, 2])}
    model = model_of(nodes, [value("x", ["n", 6])], [value("y", None)], tensors)
    graph = ingot.onnx.load(model)
    assert [node.op for node in graph.module.nodes(0)] == ["reshape"]
    assert str(graph.outputs[0]) == "Spec([n, 3, 2], 'float32', name='y')"
    assert graph.module.dims == [("n", 1, None)]
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(ingot.compile(graph)(x)["y"], x.reshape(2, 3, 2))


def test_nodes_keep_their_place_in_the_model() -> None:
    nodes = [helper.make_node("Exp", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])]
    graph = ingot.onnx.load(model_of(nodes, [value("x", [2])], [value("y", [2])]))
    assert [node.origin[:2] for node in graph.module.nodes(0)] == [("g.onnx", 1), ("g.onnx", 2)]
