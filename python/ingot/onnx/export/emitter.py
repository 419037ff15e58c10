"""Collects the nodes of one ONNX model: fresh names, constants, nested graphs.

An `Emitter` knows ONNX and nothing of ops; exporters write formulas in `Term`s. Names are unique in
the whole model, so that a body may use every value around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    StringStringEntryProto,
    TensorProto,
    ValueInfoProto,
    helper,
)

from ingot.dtypes import Array, dtype_of, from_text, scalar_array, text_name
from ingot.tensor import SizeLike

from .terms import Term

_ELEMENT = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


def element_type(dtype: str) -> int:
    """The ONNX number of a dtype of the text form."""
    name = from_text(dtype).name
    return _ELEMENT[name] if name in _ELEMENT else int(TensorProto.DataType.Value(name.upper()))


def value_info(name: str, dtype: str, shape: Sequence[SizeLike] | None) -> ValueInfoProto:
    """A value's type; a symbolic size becomes a dim_param of its text. shape None: any."""
    sizes = None if shape is None else [n if isinstance(n, int) else str(n) for n in shape]
    return helper.make_tensor_value_info(name, element_type(dtype), sizes)


class Subgraph:
    """A body under construction. Its outputs are values of its own, each given once."""

    def __init__(self, emitter: Emitter, name: str) -> None:
        self.emitter = emitter
        self.name = name
        self.nodes: list[NodeProto] = []
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[ValueInfoProto] = []

    def input(self, hint: str, dtype: str, shape: Sequence[SizeLike] | None) -> Term:
        """A further argument of the body."""
        name = self.emitter.unique(f"{self.emitter.prefix}/{hint}")
        self.inputs.append(value_info(name, dtype, shape))
        return Term(self.emitter, name, dtype, tuple(shape) if shape is not None else ())

    def output(self, term: Term, shape: Sequence[SizeLike] | None) -> None:
        """A further result of the body."""
        made = {name for node in self.nodes for name in node.output}
        if term.name not in made or any(term.name == info.name for info in self.outputs):
            term = term.op("Identity")
        self.outputs.append(value_info(term.name, term.dtype, shape))

    @property
    def proto(self) -> GraphProto:
        """The finished body."""
        return GraphProto(name=self.name, node=self.nodes, input=self.inputs, output=self.outputs)


class Emitter:
    """The nodes, initializers and names of one model."""

    def __init__(self, model: ModelProto, reserved: Sequence[str]) -> None:
        """model: where initializers are stored at once, because no message of more than 2 GiB can
        be put into another. reserved: names that are taken."""
        self.model = model
        self.nodes: list[NodeProto] = []  # of the graph or body that is being written
        self.aborts: list[Term] = []  # conditions under which the graph or body stops the run
        self.prefix = "node"  # of the names of what is emitted now
        self.metadata: dict[str, str] = {}
        self._names = set(reserved)  # of values
        self._numbers: dict[str, int] = {}
        self._node_names: dict[str, int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def unique(self, hint: str) -> str:
        """A name that nothing has yet."""
        name, number = hint, self._numbers.get(hint, 0)
        while name in self._names:
            number += 1
            name = f"{hint}.{number}"
        self._numbers[hint] = number
        self._names.add(name)
        return name

    def require_opset(self, version: int) -> None:
        """Makes the model one of this opset at least."""
        opset = self.model.opset_import[0]
        opset.version = max(opset.version, version)
        self.model.ir_version = helper.find_min_ir_version_for([opset])

    def node_name(self, hint: str) -> str:
        """A name that no node has yet."""
        number = self._node_names.get(hint, 0)
        self._node_names[hint] = number + 1
        return f"{hint}.{number}" if number else hint

    def emit(self, op: str, *inputs: str, outputs: int = 1, **attrs: Any) -> list[str]:
        """Appends a node; the names of its results."""
        hint = f"{self.prefix}/{op}"
        results = [self.unique(hint) for _ in range(outputs)]
        node = NodeProto(op_type=op, name=self.node_name(hint), input=inputs, output=results)
        for name, value in attrs.items():
            node.attribute.append(_attribute(name, value))
        for key, text in self.metadata.items():
            node.metadata_props.append(StringStringEntryProto(key=key, value=text))
        self.nodes.append(node)
        return results

    def rename(self, nodes: Sequence[NodeProto], old: str, new: str) -> None:
        """Gives a value of `nodes`, which nothing else has read, another name."""
        for node in nodes:
            node.output[:] = [new if name == old else name for name in node.output]
            node.input[:] = [new if name == old else name for name in node.input]

    def constant(self, array: Array) -> Term:
        """A constant of the model; equal ones are stored once."""
        dtype = text_name(array.dtype)
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.unique("constant")
            self.initializer(self._constants[key], array)
        return Term(self, self._constants[key], dtype, array.shape, array)

    def scalar(self, value: bool | int | float, dtype: str) -> Term:
        """A constant of rank 0."""
        return self.constant(scalar_array("export", value, from_text(dtype)))

    def ints(self, values: Sequence[int]) -> Term:
        """A constant int64 vector: axes, shapes, starts."""
        return self.constant(np.asarray(values, dtype_of("int64")))

    def initializer(self, name: str, array: Array) -> None:
        """Stores an array under a name."""
        self.model.graph.initializer.add(
            name=name,
            data_type=element_type(text_name(array.dtype)),
            dims=array.shape,
            raw_data=np.ascontiguousarray(array).tobytes(),
        )

    @contextmanager
    def inside(self, body: Subgraph, prefix: str) -> Iterator[None]:
        """What is emitted meanwhile becomes nodes of `body`."""
        outer = self.nodes, self.prefix, self.metadata
        self.nodes, self.prefix = body.nodes, prefix
        try:
            yield
        finally:
            self.nodes, self.prefix, self.metadata = outer


def _attribute(name: str, value: Any) -> AttributeProto:
    if isinstance(value, list) and not value:
        return AttributeProto(name=name, type=AttributeProto.INTS)
    return helper.make_attribute(name, value)
