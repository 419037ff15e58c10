"""Makes an ONNX model of a graph.

Inputs and outputs keep their names and order. A state becomes one more input, whose default is the
state's first value, and an output with the value for the next run; `abort` an output that says
whether the run should have stopped.
"""

from __future__ import annotations

from collections.abc import Iterable

from onnx import (
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    StringStringEntryProto,
    ValueInfoProto,
)

from ingot import _core
from ingot.reference import plain_name
from ingot.tensor import Size

from .emitter import Emitter, value_info
from .regions import any_of
from .sizes import Sizes
from .terms import Term
from .view import View
from .walk import Walker

OPSET = 21  # with IR version 10 the first in which nodes carry metadata
IR_VERSION = 10


class _Interface:
    """The names of the model's inputs and outputs, each of them once."""

    def __init__(self, module: _core.Module, graph: int) -> None:
        self.names: list[str] = []
        values = module.values(graph)
        self.types = {value.id: (value.dtype, value.shape) for value in values}
        read = {plain_name(value.name): value for value in values if value.kind == "state"}
        updates = [(plain_name(name), value) for name, value in module.updates(graph)]
        used = read.keys() | {name for name, _ in updates}
        self.inputs = [
            (self._once(plain_name(name)), value) for name, value in module.inputs(graph)
        ]
        self.states = [
            (self._once(name), name, read.get(name), dtype, shape)
            for name, dtype, shape in module.states
            if name in used
        ]
        outputs = module.outputs(graph)
        plain = ["output"] if len(outputs) == 1 else [f"output_{i}" for i in range(len(outputs))]
        self.outputs = [
            (self._once(plain_name(name) if name else plain[i]), value.id)
            for i, (name, value) in enumerate(outputs)
        ]
        nexts = {name: (self._once(f"{name}.next"), value) for name, value in updates}
        self.outputs += nexts.values()
        self.updates = {
            given: nexts[name][0] if name in nexts else "" for given, name, *_ in self.states
        }

    def _once(self, name: str) -> str:
        """The name, with a number behind it if it is another's."""
        result, number = name, 0
        while result in self.names or not result:
            number += 1
            result = f"{name}.{number}"
        self.names.append(result)
        return result


def model_of(module: _core.Module, graph: int) -> ModelProto:
    """The graph as a model that holds all of its params.

    Raises UnsupportedError naming the node that ONNX cannot express.
    """
    interface = _Interface(module, graph)
    model = _empty_model(module, interface)
    emitter = Emitter(model, interface.names)
    inputs = {value.id: (name, value.dtype, value.shape) for name, value in interface.inputs}
    terms = {i: Term(emitter, *given) for i, given in inputs.items()}
    least = {name: low for name, low, _ in module.dims}
    sizes = Sizes(emitter, _dim_sources(terms.values()), least)
    view = View(module, graph)
    walker = Walker(view, emitter, sizes, {v: n for n, v in interface.outputs})
    walker.terms.update(terms)
    _add_states(walker, interface)
    walker.run(view.body)
    outputs = [value_info(name, *interface.types[v]) for name, v in interface.outputs]
    copies = _output_nodes(walker, interface)
    if emitter.aborts:
        emitter.prefix = "aborted"
        copies.append(_copy(any_of(emitter.aborts), emitter.unique("aborted")))
        outputs.append(value_info(copies[-1].name, "bool", ()))
    model.graph.name = module.graphs[graph]
    model.graph.node.extend([*sizes.body.nodes, *emitter.nodes, *copies])
    model.graph.input.extend(_input_types(interface))
    model.graph.output.extend(outputs)
    model.graph.value_info.extend(walker.infos)
    return model


def _dim_sources(inputs: Iterable[Term]) -> dict[str, tuple[Term, int]]:
    """For each dim the first axis of an input that is this dim."""
    sources: dict[str, tuple[Term, int]] = {}
    for term in inputs:
        for axis, size in enumerate(term.shape):
            if isinstance(size, Size) and [str(size)] == size.dims:
                sources.setdefault(str(size), (term, axis))
    return sources


def _add_states(walker: Walker, interface: _Interface) -> None:
    for name, state, value, dtype, shape in interface.states:
        walker.emitter.initializer(name, walker.view.module.state(state))
        if value is not None:
            walker.terms[value.id] = Term(walker.emitter, name, dtype, shape)


def _input_types(interface: _Interface) -> list[ValueInfoProto]:
    plain = [value_info(name, value.dtype, value.shape) for name, value in interface.inputs]
    return plain + [value_info(name, dtype, shape) for name, _, _, dtype, shape in interface.states]


def _output_nodes(walker: Walker, interface: _Interface) -> list[NodeProto]:
    """Copies under the names of outputs: of inputs, params, constants, and what is given twice."""
    terms = [(name, walker.term(value)) for name, value in interface.outputs]
    return [_copy(term, name) for name, term in terms if term.name != name]


def _copy(term: Term, name: str) -> NodeProto:
    return NodeProto(op_type="Identity", name=name, input=[term.name], output=[name])


def _empty_model(module: _core.Module, interface: _Interface) -> ModelProto:
    about = dict(module.metadata)
    about |= {f"ingot.state.{name}": output for name, output in interface.updates.items()}
    for name, low, high in module.dims:
        about[f"ingot.dim.{name}"] = f"{low}..{'' if high is None else high}"
    return ModelProto(
        ir_version=IR_VERSION,
        opset_import=[OperatorSetIdProto(domain="", version=OPSET)],
        producer_name="ingot",
        producer_version=_core.__version__,
        metadata_props=[StringStringEntryProto(key=k, value=v) for k, v in about.items()],
    )
