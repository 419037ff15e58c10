"""Small ONNX models for the tests of reading and writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

FLOAT, INT64, BOOL = 1, 7, 9


def value(name: str, shape: Sequence[Any] | None, dtype: int = FLOAT) -> Any:
    """An input or output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op: str, inputs: str, outputs: str, **attrs: Any) -> Any:
    """Operands and outputs in one string each: node("Add", "a b", "y")."""
    return helper.make_node(op, inputs.split(), outputs.split(), **attrs)


def graph_of(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    tensors: Mapping[str, Any] | None = None,
    name: str = "g",
) -> Any:
    given = [numpy_helper.from_array(np.asarray(a), n) for n, a in (tensors or {}).items()]
    return helper.make_graph(nodes, name, inputs, outputs, given)


def model_of(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    tensors: Mapping[str, Any] | None = None,
    opset: int = 17,
    **more: Any,
) -> Any:
    """A ModelProto."""
    graph = graph_of(nodes, inputs, outputs, tensors)
    imports = [helper.make_opsetid("", opset), *more.pop("imports", [])]
    return helper.make_model(graph, opset_imports=imports, **more)


def bytes_of(model: onnx.ModelProto) -> bytes:
    return bytes(model.SerializeToString())
