"""Inputs of an ONNX model that are states: each keeps, for the next run, what an output gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ingot.errors import ArgumentError, FileError, UnsupportedError
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
    model: Any, initializers: Mapping[str, Any], given: Mapping[str, str] | None
) -> dict[str, ModelState]:
    """A State for each input that is one, by its name. initializers: the model's tensors by name.
    given: input -> output; None: those that the model itself declares.

    A state begins with the input's initializer, or with zeros. Raises ArgumentError for an unknown
    input or output (FileError where the model names it), UnsupportedError where the input's size is
    not fixed.
    """
    wanted = declared(model) if given is None else given
    failure = FileError if given is None else ArgumentError
    inputs = {info.name: info for info in model.graph.input}
    outputs = [info.name for info in model.graph.output]
    found: dict[str, ModelState] = {}
    for name, output in wanted.items():
        if name not in inputs:
            raise failure(f"onnx: states: no input {name!r}: expected one of {', '.join(inputs)}")
        if output and output not in outputs:
            raise failure(
                f"onnx: states: no output {output!r}: expected one of {', '.join(outputs)}, "
                "each of them once"
            )
        if output:
            outputs.remove(output)
        first = initializers.get(name)
        array = first.numpy() if isinstance(first, Tensor) else _zeros(inputs[name])
        found[name] = ModelState(State(array, name=name), output)
    return found


def _zeros(info: Any) -> Any:
    tensor = info.type.tensor_type
    dtype = dtype_from(tensor.elem_type, f"input {info.name!r}")
    if not tensor.HasField("shape") or not all(d.HasField("dim_value") for d in tensor.shape.dim):
        raise UnsupportedError(
            f"onnx: unsupported: the state {info.name!r} has no fixed size: expected constant dims"
        )
    return np.zeros([d.dim_value for d in tensor.shape.dim], dtype)
