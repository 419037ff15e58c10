"""Evaluates a graph node by node with the NumPy references: what every program is compared with.

Takes a module and arrays, gives the outputs, the updated states and every value. It shares no code
with the runtime but the module's introspection.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _core
from .bind import reference_attrs
from .dtypes import Array, from_text
from .errors import ArgumentError, IngotError, InternalError, ShapeError
from .op import OPS, ROWS
from .ops.control import RegionFunction
from .tensor import Size, SizeLike


@dataclass
class Evaluation:
    """The result of one evaluation. `values`: by value id, of the top level."""

    outputs: list[Array]
    states: dict[str, Array]
    values: dict[int, Array] = field(repr=False)
    dims: dict[str, int]


def evaluate(
    module: _core.Module,
    graph: int,
    inputs: Sequence[Array],
    states: Mapping[str, Array] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Evaluation:
    """Runs one graph of a module. inputs: in the graph's order, of the right dtypes.

    states: values to start from, instead of the initial ones. dims: sizes that no input shows.
    Raises as a program would: ShapeError for sizes that do not fit, RangeError, AbortError.
    """
    bound = bind_dims(module, graph, inputs, dims if dims is not None else {})
    evaluator = Evaluator(module, graph, bound, states if states is not None else {})
    for (_, value), array in zip(module.inputs(graph), inputs, strict=True):
        evaluator.values[value.id] = array
    outputs = evaluator.run_region(module.body(graph))
    updated = {name: evaluator.state(name) for name, _, _ in module.states}
    for name, value_id in module.updates(graph):
        updated[name] = evaluator.value(value_id)
    return Evaluation(outputs, updated, evaluator.values, bound)


def bind_dims(
    module: _core.Module, graph: int, inputs: Sequence[Array], dims: Mapping[str, int]
) -> dict[str, int]:
    """The value of every dim, from the inputs' shapes; checks ranks, sizes, ranges and guards."""
    result = dict(dims)
    named = module.inputs(graph)
    if len(named) != len(inputs):
        raise ArgumentError(f"inputs: wrong count: got {len(inputs)}, expected {len(named)}")
    for (name, value), array in zip(named, inputs, strict=True):
        if array.ndim != len(value.shape):
            raise ShapeError(f"{name}: wrong rank: got {array.ndim}, expected {len(value.shape)}")
        for size, n in zip(value.shape, array.shape, strict=True):
            if isinstance(size, Size) and len(size.dims) == 1 and str(size) == size.dims[0]:
                result.setdefault(size.dims[0], n)
    for (name, value), array in zip(named, inputs, strict=True):
        wanted = tuple(concrete(size, result) for size in value.shape)
        if wanted != array.shape:
            raise ShapeError(
                f"{name}: wrong shape: got {list(array.shape)}, expected {list(wanted)}"
            )
    _check_ranges(module, result)
    return result


def _check_ranges(module: _core.Module, dims: Mapping[str, int]) -> None:
    for name, lo, hi in module.dims:
        if name in dims and not (lo <= dims[name] and (hi is None or dims[name] <= hi)):
            high = "" if hi is None else hi
            raise ShapeError(f"dim {name} out of range: got {dims[name]}, expected {lo}..{high}")
    for guard in module.guards:
        if not _holds(guard, dims):
            raise ShapeError(f"guard does not hold: {guard}: got {dict(dims)}")


def _holds(guard: str, dims: Mapping[str, int]) -> bool:
    """Evaluates "2*n - m == 0", "floordiv(h + 3, 2) >= 0"; true where a dim has no value."""
    condition = ast.parse(guard, mode="eval").body
    if not isinstance(condition, ast.Compare):
        raise InternalError(f"guard: not a comparison: got {guard!r}")
    names = {n.id for n in ast.walk(condition) if isinstance(n, ast.Name)} - {"floordiv"}
    if not names <= set(dims):
        return True
    difference = _number(condition.left, dims)
    return difference == 0 if isinstance(condition.ops[0], ast.Eq) else difference >= 0


def _number(node: ast.AST, dims: Mapping[str, int]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return dims[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, dims)
    if isinstance(node, ast.Call):
        numerator, divisor = (_number(a, dims) for a in node.args)
        return numerator // divisor
    if isinstance(node, ast.BinOp):
        a, b = _number(node.left, dims), _number(node.right, dims)
        return (
            a * b
            if isinstance(node.op, ast.Mult)
            else (a - b if isinstance(node.op, ast.Sub) else a + b)
        )
    raise InternalError(f"guard: cannot be read: got {ast.dump(node)}")


def concrete(size: SizeLike, dims: Mapping[str, int]) -> int:
    """A size as a number."""
    return size if isinstance(size, int) else size.evaluate(dims)


def node_attrs(node: _core.Node, dims: Mapping[str, int]) -> dict[str, Any]:
    """A node's attributes as a reference takes them, sizes as numbers."""
    attrs = reference_attrs(node.attrs, ROWS[node.op])
    for name, value in attrs.items():
        if isinstance(value, Size):
            attrs[name] = value.evaluate(dims)
        elif isinstance(value, (list, tuple)):
            attrs[name] = [concrete(v, dims) for v in value]
    return attrs


class Evaluator:
    """The state of one evaluation: values by id, regions sharing one table. One thread."""

    def __init__(
        self,
        module: _core.Module,
        graph: int,
        dims: Mapping[str, int],
        states: Mapping[str, Array],
    ) -> None:
        self.module = module
        self.graph = graph
        self.dims = dims
        self.values: dict[int, Array] = {}
        self._states = states
        self._table = {value.id: value for value in module.values(graph)}
        self._nodes = module.nodes(graph)

    def state(self, name: str) -> Array:
        """A state as it was when the run began."""
        return self._states[name] if name in self._states else self.module.state(name)

    def value(self, value_id: int) -> Array:
        """The array of a value: computed, or a param, state or constant."""
        if value_id not in self.values:
            value = self._table[value_id]
            if value.kind == "constant":
                self.values[value_id] = self.module.constant(self.graph, value_id)
            elif value.kind == "param":
                self.values[value_id] = self.module.param(plain_name(value.name))
            elif value.kind == "state":
                self.values[value_id] = self.state(plain_name(value.name))
            else:
                raise InternalError(f"evaluate: {value.name} is used before it is computed")
        return self.values[value_id]

    def run_region(self, region: _core.Region) -> list[Array]:
        """Evaluates the nodes of a region whose args have values."""
        for node_id in region.nodes:
            self.run_node(self._nodes[node_id])
        return [self.value(v) for v in region.returns]

    def run_node(self, node: _core.Node) -> None:
        """Evaluates one node on the values of its operands."""
        operands = [self.value(v) for v in node.operands]
        try:
            if node.regions:
                results = self._region_results(node, operands)
            else:
                results = self._plain_results(node, operands)
        except IngotError as error:
            file, line, _ = node.origin
            where = f"  ({file}:{line})" if file and not str(error).endswith(")") else ""
            raise type(error)(f"{error}{where}") from None
        for value_id, array in zip(node.results, results, strict=True):
            self._check(node, value_id, array)
            self.values[value_id] = array

    def _plain_results(self, node: _core.Node, operands: list[Array]) -> list[Array]:
        attrs, record = node_attrs(node, self.dims), OPS[node.op]
        if not node.results:
            record.unrounded(operands, attrs)
            return []
        dtype = from_text(self._table[node.results[0]].dtype)
        return [record.evaluate(operands, attrs, dtype)]

    def _region_results(self, node: _core.Node, operands: list[Array]) -> list[Array]:
        reference = OPS[node.op].reference
        if reference is None:
            raise InternalError(f"{node.op}: the record has no reference")
        functions = [self._region_function(region) for region in node.regions]
        results: list[Array] = reference(operands, node_attrs(node, self.dims), functions)
        return self.with_empty(node, results)

    def with_empty(self, node: _core.Node, results: list[Array]) -> list[Array]:
        """Results of a scan of no turns: the stacked ones are empty, of their declared type."""
        missing = [self._table[v] for v in node.results[len(results) :]]
        return results + [
            np.zeros([concrete(n, self.dims) for n in v.shape], from_text(v.dtype)) for v in missing
        ]

    def _region_function(self, region: _core.Region) -> RegionFunction:
        def run(args: Sequence[Array]) -> list[Array]:
            self.values.update(zip(region.args, args, strict=True))
            return self.run_region(region)

        return run

    def _check(self, node: _core.Node, value_id: int, array: Array) -> None:
        value = self._table[value_id]
        dtype, shape = from_text(value.dtype), tuple(concrete(n, self.dims) for n in value.shape)
        if array.dtype != dtype or array.shape != shape:
            raise InternalError(
                f"{node.op}: the reference disagrees with {value.name}: "
                f"got {array.dtype}{list(array.shape)}, expected {dtype}{list(shape)}"
            )


def plain_name(printed: str) -> str:
    """A name as it is, from how it is printed: JSON quotes taken off."""
    if printed.startswith('"'):
        import json

        return str(json.loads(printed))
    return printed
