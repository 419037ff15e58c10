"""Inputs of an ONNX model that are states: each keeps, for the next run, what an output gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ingot.errors import ArgumentError, UnsupportedError
from ingot.state import State
from ingot.tensor import Tensor

from .package import dtype_from

PREFIX = "ingot.state."  # metadata of a model that Ingot wrote: input -> output, "" where none


class ModelState(NamedTuple):
    """A state and the output that updates it; "": none does."""

    state: State
    output: str


def declared(model: Any) -> dict[str, str]:
    """The states that the model's metadata name, where Ingot wrote it."""
    if model.producer_name != "ingot":
        return {}
    named = {p.key: p.value for p in model.metadata_props if p.key.startswith(PREFIX)}
    return {key.removeprefix(PREFIX): output for key, output in named.items()}


def make_states(
    graph: Any, initializers: Mapping[str, Any], wanted: Mapping[str, str]
) -> dict[str, ModelState]:
    """A State for each wanted input, by its name. initializers: the model's tensors by name.

    A state begins with the input's initializer, or with zeros. Raises ArgumentError for an unknown
    input or output, UnsupportedError where the input's size is not fixed.
    """
    inputs = {info.name: info for info in graph.input}
    outputs = {info.name for info in graph.output}
    found = {}
    for name, output in wanted.items():
        if name not in inputs:
            raise ArgumentError(
                f"onnx: states: no input {name!r}: expected one of {', '.join(inputs)}"
            )
        if output and output not in outputs:
            raise ArgumentError(
                f"onnx: states: no output {output!r}: expected one of {', '.join(sorted(outputs))}"
            )
        given = initializers.get(name)
        first = given.numpy() if isinstance(given, Tensor) else _zeros(inputs[name])
        found[name] = ModelState(State(first, name=name), output)
    return found


def _zeros(info: Any) -> Any:
    tensor = info.type.tensor_type
    dtype = dtype_from(tensor.elem_type, f"input {info.name!r}")
    if not tensor.HasField("shape") or not all(d.HasField("dim_value") for d in tensor.shape.dim):
        raise UnsupportedError(
            f"onnx: unsupported: the state {info.name!r} has no fixed size: expected constant dims"
        )
    return np.zeros([d.dim_value for d in tensor.shape.dim], dtype)
