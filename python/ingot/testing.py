"""check: holds a program against the reference, node by node, on the values that it computed
itself.

Every value is fetched; each node's reference runs in float64 on the node's own operands; the
result must lie within that op's bound. Regions are extracted and run turn by turn, and checked
inside the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _core
from .bounds import first_difference, same_bits
from .dtypes import Array, from_text
from .errors import AbortError, IngotError, RangeError
from .explain import origin_text
from .inputs import input_array, match_inputs
from .op import OPS
from .ops.control import RegionFunction
from .program import Program
from .reference import Evaluator, bind_dims, concrete, evaluate, node_attrs


class MismatchError(AssertionError):
    """A value outside the bound around its reference."""


@dataclass
class Report:
    """What a check saw: how many nodes of each op, or the error that program and reference
    share."""

    nodes: dict[str, int] = field(default_factory=dict)
    error: IngotError | None = None

    def count(self, op: str) -> None:
        """One more node was checked."""
        self.nodes[op] = self.nodes.get(op, 0) + 1


def check(
    program: Program,
    inputs: Sequence[Any] | Mapping[str, Any],
    graph: str = "",
    states: Mapping[str, Any] | None = None,
) -> Report:
    """Compares a program with the reference, node by node.

    inputs: as of `Program.run`. graph: "" for the only one. states: values to start from, by
    default the initial ones. Where the program raises RangeError or AbortError, the reference must
    raise it too. Raises MismatchError naming the first node that differs, with element, values and
    bound.

    >>> import ingot
    >>> p = ingot.compile(ingot.record(lambda x: ingot.exp(x) + 1, ingot.Spec((3,))))
    >>> ingot.testing.check(p, [[0.0, 1.0, 2.0]]).nodes
    {'exp': 1, 'add': 1}
    """
    module, index = program.module, program.core.graph_index(graph)
    arrays = _arrays(module, index, inputs)
    options = dict(program._options)
    dims = bind_dims(module, index, arrays, options.get("dims", {}))
    start = {name: module.state(name) for name, _, _ in module.states}
    types = {name: from_text(dtype) for name, dtype, _ in module.states}
    start.update({k: input_array(k, types[k], v) for k, v in (states or {}).items()})
    report = Report()
    try:
        plain = _run(program.core, index, arrays, start)
    except (AbortError, RangeError) as error:
        report.error = _same_error(error, module, index, arrays, start, dims)
        return report
    checked = _CheckedGraph(module, index, options, dims, report, "")
    outputs = checked.run(arrays, start)
    for (name, value), got, fetched in zip(module.outputs(index), plain, outputs, strict=True):
        if not same_bits(got, fetched):
            raise MismatchError(f"check: fetching changed the bits of output {name or value.name}")
    return report


def _arrays(
    module: _core.Module, graph: int, inputs: Sequence[Any] | Mapping[str, Any]
) -> list[Array]:
    named = module.inputs(graph)
    args, given = ((), inputs) if isinstance(inputs, Mapping) else (inputs, {})
    values = match_inputs(module.graphs[graph], [name for name, _ in named], args, given)
    return [
        input_array(name, from_text(value.dtype), x)
        for (name, value), x in zip(named, values, strict=True)
    ]


def _run(
    program: _core.Program, graph: int, inputs: Sequence[Array], states: Mapping[str, Array]
) -> list[Array]:
    session = program.new_session()
    for name, _, _ in program.module.states:
        session.write_state(name, states[name])
    return session.run(graph, [np.asarray(x) for x in inputs])


def _same_error(
    error: IngotError,
    module: _core.Module,
    graph: int,
    inputs: Sequence[Array],
    states: Mapping[str, Array],
    dims: Mapping[str, int],
) -> IngotError:
    try:
        evaluate(module, graph, inputs, states, dims)
    except IngotError as other:
        if type(other) is not type(error):
            raise MismatchError(
                f"check: the program raised {error!r}, the reference {other!r}"
            ) from None
        return error
    raise MismatchError(f"check: the program raised {error!r}, the reference nothing") from None


class _CheckedGraph:
    """One graph with every top-level value fetched; region nodes hold graphs of their own."""

    def __init__(
        self,
        module: _core.Module,
        graph: int,
        options: Mapping[str, Any],
        dims: Mapping[str, int],
        report: Report,
        place: str,
    ) -> None:
        self.module, self.graph, self.place = module, graph, place
        self.options, self.dims, self.report = options, dims, report
        self.body, self.nodes = module.body(graph), module.nodes(graph)
        self.table = {value.id: value for value in module.values(graph)}
        self.fetched = [v for n in self.body.nodes for v in self.nodes[n].results]
        declared = {name: dims[name] for name, _, _ in module.dims if name in dims}
        self.program = _core.Program(
            module.with_extra_outputs(graph, self.fetched), **{**options, "dims": declared}
        )
        self.regions: dict[tuple[int, int], tuple[_CheckedGraph, list[int]]] = {}

    def run(self, inputs: Sequence[Array], states: Mapping[str, Array]) -> list[Array]:
        """Runs, checks every node, returns the outputs."""
        results = _run(self.program, self.graph, inputs, states)
        count = len(self.body.returns)
        evaluator = Evaluator(self.module, self.graph, self.dims, states)
        evaluator.values.update(zip(self.body.args, inputs, strict=True))
        evaluator.values.update(zip(self.fetched, results[count:], strict=True))
        for node_id in self.body.nodes:
            self._check_node(node_id, evaluator, states)
        for value_id, got in zip(self.body.returns, results[:count], strict=True):
            if not same_bits(got, evaluator.value(value_id)):
                raise MismatchError(
                    f"check: {self.place}output {self._name(value_id)} is another value"
                )
        return results[:count]

    def _name(self, value_id: int) -> str:
        return self.table[value_id].name

    def _fail(self, node: _core.Node, what: str) -> MismatchError:
        results = ", ".join(self._name(v) for v in node.results)
        operands = ", ".join(self._name(v) for v in node.operands)
        head = f"{results} = " if results else ""
        return MismatchError(
            f"check: {self.place}{head}{node.op}({operands}){origin_text(node.origin)}: {what}"
        )

    def _check_node(self, node_id: int, evaluator: Evaluator, states: Mapping[str, Array]) -> None:
        node = self.nodes[node_id]
        operands = [evaluator.value(v) for v in node.operands]
        attrs = node_attrs(node, self.dims)
        self.report.count(node.op)
        for value_id in node.results:
            self._check_type(node, value_id, evaluator.value(value_id))
        if node.regions:
            self._check_regions(node_id, operands, attrs, evaluator, states)
            return
        try:
            expected = OPS[node.op].unrounded(operands, attrs)
        except (AbortError, RangeError) as error:
            raise self._fail(node, f"the reference raised {error!r}, the program nothing") from None
        if not node.results:
            return
        got = evaluator.value(node.results[0])
        difference = first_difference(OPS[node.op].bound, got, expected, operands, attrs)
        if difference is not None:
            raise self._fail(node, str(difference))

    def _check_type(self, node: _core.Node, value_id: int, got: Array) -> None:
        value = self.table[value_id]
        shape = tuple(concrete(n, self.dims) for n in value.shape)
        if got.dtype != from_text(value.dtype) or got.shape != shape:
            expected = f"{value.dtype}{list(shape)}"
            raise self._fail(
                node, f"wrong type: got {got.dtype}{list(got.shape)}, expected {expected}"
            )

    def _check_regions(
        self,
        node_id: int,
        operands: Sequence[Array],
        attrs: Mapping[str, Any],
        evaluator: Evaluator,
        states: Mapping[str, Array],
    ) -> None:
        """Drives the regions turn by turn as the reference does; the results must be the same
        bits."""
        node = self.nodes[node_id]
        functions = [
            self._region_function(node_id, region, evaluator, states)
            for region in range(len(node.regions))
        ]
        reference = OPS[node.op].reference
        assert reference is not None
        driven = evaluator.with_empty(node, reference(operands, attrs, functions))
        for value_id, expected in zip(node.results, driven, strict=True):
            if not same_bits(evaluator.value(value_id), expected):
                raise self._fail(
                    node, f"{self._name(value_id)} differs from what its regions give turn by turn"
                )

    def _region_function(
        self, node_id: int, region: int, evaluator: Evaluator, states: Mapping[str, Array]
    ) -> RegionFunction:
        def run(args: Sequence[Array]) -> list[Array]:
            checked, captured = self._region(node_id, region)
            return checked.run([*args, *[evaluator.value(v) for v in captured]], states)

        return run

    def _region(self, node_id: int, region: int) -> tuple[_CheckedGraph, list[int]]:
        if (node_id, region) not in self.regions:
            module, captured = self.module.extract_region(self.graph, node_id, region)
            node = self.nodes[node_id]
            where = f"{self.place}{node.op}{origin_text(node.origin)} region {region}: "
            checked = _CheckedGraph(module, 0, self.options, self.dims, self.report, where)
            self.regions[node_id, region] = checked, captured
        return self.regions[node_id, region]
