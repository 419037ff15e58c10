"""load: an ONNX model as a graph. Model: one that has been read, to record or to run eagerly."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from ingot.dtypes import convert, text_name
from ingot.errors import ArgumentError, FileError, UnsupportedError
from ingot.record import Graph
from ingot.recorder import Recorder
from ingot.tensor import SizeLike, Tensor, eager_array, wrap

from .dims import Dims, ranges_of
from .node import tensor_of
from .package import dtype_from, type_name
from .read import checked_order, functions_of, opsets_of, parse
from .scope import Context, Scope
from .states import make_states
from .values import Items, Maybe, Sizes, Value


def load(
    source: str | PathLike[str] | bytes,
    *,
    dims: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    states: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Graph:
    """Reads an ONNX model and records it.

    source: a path or the file's bytes; external data lie beside the file. dims: what symbolic dims
    are: {"batch": 8}, {"batch": (1, 64)} or a Dim; by default at least 1. values: numbers for
    inputs, which the graph then lacks; needed where an input's numbers decide a shape. states:
    inputs that become states, each with the output that it holds in the next run, {"past":
    "present"}; by default those that Ingot exported. name: the graph's, by default the model's.
    Initializers become params. Raises FileError for a broken model, UnsupportedError, naming the
    node, for what Ingot cannot do, ArgumentError for an unknown input or output, DeviceError where
    the package `onnx` is not installed.

    >>> import ingot, numpy, pytest
    >>> helper = pytest.importorskip("onnx.helper")
    >>> x, y = (helper.make_tensor_value_info(n, 1, ["n"]) for n in "xy")
    >>> node = helper.make_node("Softplus", ["x"], ["y"])
    >>> model = helper.make_model(helper.make_graph([node], "soft", [x], [y]))
    >>> graph = ingot.onnx.load(model.SerializeToString())
    >>> graph.evaluate(numpy.zeros(2, numpy.float32))["y"]
    array([0.6931472, 0.6931472], dtype=float32)
    """
    return Model(source).record(dims=dims, values=values, states=states, name=name)


class Model:
    """An ONNX model that has been read and checked for its order. `inputs` and `outputs` are
    names."""

    def __init__(self, source: str | PathLike[str] | bytes) -> None:
        self.proto, self.path = parse(source)
        graph = self.proto.graph
        self.nodes = checked_order(graph)
        given = {t.name for t in graph.initializer}
        self._infos = [info for info in graph.input if info.name not in given]
        self.inputs = [info.name for info in self._infos]
        self.outputs = [info.name for info in graph.output]
        self._context = Context(
            self.path.name if self.path is not None else f"{graph.name or 'model'}.onnx",
            self.path.parent if self.path is not None else None,
            functions_of(self.proto),
        )

    def _scope(self) -> Scope:
        scope = Scope(self._context, opsets_of(self.proto))
        scope.add_initializers(self.proto.graph)
        return scope

    def _results(self, scope: Scope) -> list[Value | None]:
        scope.run(self.nodes)
        found = [scope.find(name)[0] for name in self.outputs]
        for info, value in zip(self.proto.graph.output, found, strict=True):
            _check_output(info, value)
        return found

    # Eagerly.

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs, computed eagerly: arrays, lists for sequences, None for nothing. An input
        is an array, a list for a sequence, or None for an empty optional."""
        if len(inputs) != len(self._infos):
            raise ArgumentError(
                f"onnx: wrong number of inputs: got {len(inputs)}, expected {len(self._infos)} "
                f"({', '.join(self.inputs)})"
            )
        scope = self._scope()
        for info, given in zip(self._infos, inputs, strict=True):
            scope.set(info.name, _given_value(info, given), frozenset([info.name]))
        return [_plain(value) for value in self._results(scope)]

    # Recorded.

    def record(
        self,
        *,
        dims: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        states: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> Graph:
        """The model as a graph; arguments and errors as of `load`."""
        values = values or {}
        unknown = sorted(set(values) - set(self.inputs))
        if unknown:
            raise ArgumentError(
                f"onnx: no input {unknown[0]!r}: expected one of {', '.join(self.inputs)}"
            )
        own = self.proto.graph.name
        graph_name = name if name is not None else own if own.isidentifier() else "main"
        self._context.expanded = 0
        recorder = Recorder(graph_name)
        known_dims = Dims(dims, ranges_of(self.proto))
        with recorder.recording():
            scope = self._scope()
            held = make_states(self.proto, scope.values, states)
            for key, (state, _) in held.items():
                scope.set(key, state.value, frozenset([key]))
            infos = [info for info in self._infos if info.name not in held]
            shapes = {
                info.name: _input_type(info, known_dims)
                for info in infos
                if info.name not in values
            }
            known_dims.check_given()
            for dim in known_dims.declared():
                recorder.declare_dim(dim.name, dim.lo, dim.hi)
            for info in infos:
                value = (
                    _given_value(info, values[info.name])
                    if info.name in values
                    else recorder.add_input(info.name, *shapes[info.name])
                )
                scope.set(info.name, value, frozenset([info.name]))
            results = {
                output: _recorded(output, value)
                for output, value in zip(self.outputs, self._results(scope), strict=True)
            }
            for state, output in held.values():
                if output:
                    state.value = results.pop(output)
            values_out = [recorder.value(t) for t in results.values()]
            recorder.builder.set_outputs(values_out, list(results))
            recorder.add_updates()
        graph = Graph(recorder.module, graph_name)
        graph.states = recorder.states()
        return graph


def _input_type(info: Any, dims: Dims) -> tuple[str, list[SizeLike]]:
    """(dtype, shape) of a recorded input."""
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        raise UnsupportedError(
            f"onnx: unsupported: the input {info.name!r} is a {str(kind).removesuffix('_type')}: "
            "expected a tensor, or its value in values="
        )
    tensor = info.type.tensor_type
    dtype = text_name(dtype_from(tensor.elem_type, f"input {info.name!r}"))
    if not tensor.HasField("shape"):
        raise UnsupportedError(f"onnx: unsupported: the input {info.name!r} has no rank")
    shape: list[SizeLike] = []
    for i, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value"):
            if dim.dim_value < 0:
                raise FileError(
                    f"onnx: a negative size of input {info.name!r}: got {dim.dim_value}"
                )
            shape.append(dim.dim_value)
        else:
            shape.append(dims.size(dim.dim_param or f"{info.name}_{i}"))
    return dtype, shape


def _given_value(info: Any, given: Any) -> Value:
    """What a caller gave for an input."""
    kind = info.type.WhichOneof("value")
    if kind == "optional_type":
        return Maybe(None if given is None else _value(given))
    if kind == "sequence_type":
        return Items(tuple(_value(v) for v in given))
    if kind != "tensor_type":
        raise UnsupportedError(f"onnx: unsupported: the type of input {info.name!r}")
    dtype = dtype_from(info.type.tensor_type.elem_type, f"input {info.name!r}")
    if isinstance(given, (bool, int, float)):
        given = convert(np.asarray(given), dtype)
    value = wrap(eager_array(f"onnx: input {info.name!r}", given).copy())
    if value.dtype != dtype:
        raise FileError(f"onnx: input {info.name!r} is of {dtype}: got {value.dtype}")
    return value


def _value(given: Any) -> Value:
    if isinstance(given, (list, tuple)):
        return Items(tuple(_value(v) for v in given))
    return wrap(eager_array("onnx", given).copy())


def _check_output(info: Any, value: Value | None) -> None:
    """Raises FileError for an output of another element type than the model says."""
    if info.type.WhichOneof("value") != "tensor_type" or value is None:
        return
    number = info.type.tensor_type.elem_type
    tensor_dtype = value.dtype if isinstance(value, (Tensor, Sizes)) else None
    if number and tensor_dtype is not None and dtype_from(number, info.name) != tensor_dtype:
        raise FileError(
            f"onnx: wrong type of output {info.name!r}: got {type_name(number)}, "
            f"expected that of its numbers, {tensor_dtype}"
        )


def _recorded(name: str, value: Value | None) -> Tensor:
    if value is None or isinstance(value, (Items, Maybe)):
        raise UnsupportedError(f"onnx: unsupported: the output {name!r} is no tensor")
    return tensor_of(value)


def _plain(value: Value | None) -> Any:
    if isinstance(value, Items):
        return [_plain(v) for v in value.values]
    if isinstance(value, Maybe):
        return _plain(value.value)
    return None if value is None else tensor_of(value).numpy()
