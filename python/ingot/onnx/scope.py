"""Runs the nodes of a model on values: eagerly, or inside a recording, where they become nodes.

A scope is a graph or a function in the middle of a run: what its names stand for and which inputs
of the model each value depends on. Nodes that compute small numbers from known ones run at once in
a recording too, because shapes and axes are computed that way.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ingot.errors import FileError, IngotError, LimitError, UnsupportedError
from ingot.origin import located
from ingot.recorder import eagerly
from ingot.tensor import Tensor

from . import operators  # noqa: F401 (registers them)
from .attributes import decoded, origin_of, plain_node
from .node import Node
from .package import package
from .read import names_read
from .registry import find
from .schemas import Schema, body_of, check_node, check_types, is_too_old, schema_of
from .size_rules import sized
from .tensors import array_of
from .values import Sizes, TooLarge, Value, is_known, is_small, recording

Attributes = Mapping[str, Any]
Operand: TypeAlias = "tuple[Value | None, frozenset[str]]"  # with the model's inputs that decide it
_NOTHING: Operand = (None, frozenset())
_MAX_DEPTH = 64  # of graphs and functions in each other
_MAX_EXPANDED = 100_000  # nodes of bodies in one recording: functions may call others many times


@dataclass
class Context:
    """What is the same in all scopes of a model."""

    file: str  # for source lines
    folder: Path | None  # where external data lie
    functions: Mapping[tuple[str, str, str], Any]
    expanded: int = 0  # nodes of bodies recorded so far


@dataclass
class Scope:
    """A graph or a function being run. Names that it lacks are its parent's."""

    context: Context
    opsets: Mapping[str, int]
    parent: Scope | None = None
    attributes: Attributes = field(default_factory=dict)  # those of the call of a function
    values: dict[str, Value | None] = field(default_factory=dict)
    inputs: dict[str, frozenset[str]] = field(default_factory=dict)
    depth: int = 0

    def __post_init__(self) -> None:
        if self.depth > _MAX_DEPTH:
            raise LimitError(f"onnx: graphs nested deeper than {_MAX_DEPTH}")

    def set(self, name: str, value: Value | None, inputs: frozenset[str]) -> None:
        """Names a value; `inputs` of the model decide it, unless it is known."""
        self.values[name] = value
        known = isinstance(value, Sizes) or is_known(value)
        self.inputs[name] = frozenset() if known else inputs

    def find(self, name: str) -> Operand:
        """What a name stands for. Raises FileError for an unknown one."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name], scope.inputs[name]
            scope = scope.parent
        raise FileError(
            f"onnx: nothing gives {name!r}: expected an input, an initializer or a node"
        )

    def inner(self) -> Scope:
        """The scope of a graph inside a node."""
        return Scope(self.context, self.opsets, self, self.attributes, depth=self.depth + 1)

    def run(self, nodes: Iterable[Any]) -> None:
        """Runs nodes in order."""
        for number, proto in enumerate(nodes, 1):
            if self.depth:
                self._count()
                self._run_node(proto, "")
            else:
                with located(*origin_of(proto, self.context.file, number)):
                    self._run_node(proto, f", node {number}")

    def _count(self) -> None:
        self.context.expanded += recording()
        if self.context.expanded > _MAX_EXPANDED:
            raise LimitError(f"onnx: functions and loops of more than {_MAX_EXPANDED} nodes")

    def _run_node(self, proto: Any, where: str) -> None:
        try:
            self._apply(proto)
        except IngotError as error:
            if not getattr(error, "is_located", False):
                error.args = (f"onnx: {_label(proto)}{where}: {error}",)
                error.is_located = True  # type: ignore[attr-defined]
            raise
        except MemoryError as error:
            raise LimitError(f"onnx: {_label(proto)}{where}: out of memory: {error}") from None
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise FileError(
                f"onnx: {_label(proto)}{where}: operands or attributes do not fit: {error}"
            ) from error

    def _apply(self, proto: Any) -> None:
        operands = [self.find(name) if name else _NOTHING for name in proto.input]
        given = self._given(proto)
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        function = self.context.functions.get((domain, proto.op_type, proto.overload))
        if function is not None:
            results: Sequence[Operand] = self.call(
                function, operands, given, [bool(n) for n in proto.output]
            )
        else:
            results = self._apply_operator(domain, proto, operands, given)
        if len(proto.output) > len(results):
            raise FileError(f"too many outputs: got {len(proto.output)}, expected {len(results)}")
        for name, result in zip(proto.output, results, strict=False):
            if name:
                self.set(name, *result)

    def _decided_inside(self, given: Attributes) -> frozenset[str]:
        """The inputs that the graphs inside a node read."""
        names: set[str] = set()
        for attribute in given.values():
            if attribute.type == package().AttributeProto.GRAPH:
                names |= names_read(attribute.g)
        inputs = frozenset[str]()
        for name in names:
            scope: Scope | None = self
            while scope is not None and name not in scope.inputs:
                scope = scope.parent
            inputs |= scope.inputs[name] if scope is not None else frozenset()
        return inputs

    def _given(self, proto: Any) -> dict[str, Any]:
        """The node's attributes; those that name one of the function's are replaced by it."""
        given: dict[str, Any] = {}
        for attribute in proto.attribute:
            if attribute.ref_attr_name:
                value = self.attributes.get(attribute.ref_attr_name)
                if value is not None:
                    given[attribute.name] = value
            elif attribute.name in given:
                raise FileError(f"attribute {attribute.name!r} is given twice")
            else:
                given[attribute.name] = attribute
        return given

    def _apply_operator(
        self,
        domain: str,
        proto: Any,
        operands: Sequence[Operand],
        given: Attributes,
    ) -> Sequence[Operand]:
        values = [value for value, _ in operands]
        if domain not in self.opsets:
            raise FileError(f"no opset of the domain {domain!r} is imported")
        schema = schema_of(domain, proto.op_type, self.opsets[domain])
        function = find(domain, proto.op_type)
        if schema is None:
            raise UnsupportedError(
                f"unsupported: an operator that is not known in opset {self.opsets[domain]} "
                f"of domain {domain or 'ai.onnx'!r}"
            )
        if is_too_old(schema, domain, proto.op_type, self.opsets[domain]):
            raise UnsupportedError(f"unsupported: the operator as of opset {self.opsets[domain]}")
        check_node(schema, proto, given, len(proto.output))
        check_types(schema, values)
        if function is not None:
            decided = frozenset[str]().union(*(inputs for _, inputs in operands))
            decided |= self._decided_inside(given)
            found = self._call_operator(function, schema, proto, values, given, decided)
            return [(value, decided) for value in found]
        body = body_of(schema, plain_node(proto, given), values, self.opsets[domain])
        if body is None:
            raise UnsupportedError(f"unsupported: the operator {proto.op_type}")
        defaults = {k: v for k, v in schema.defaults.items() if k in body.attribute}
        return self.call(body, operands, {**defaults, **given}, [bool(n) for n in proto.output])

    def _call_operator(
        self,
        function: Any,
        schema: Schema,
        proto: Any,
        values: Sequence[Value | None],
        given: Attributes,
        decided: frozenset[str],
    ) -> Sequence[Value | None]:
        attributes = {**schema.defaults, **given}
        has_graphs = any(a.type == package().AttributeProto.GRAPH for a in given.values())
        node = Node(
            op=proto.op_type,
            version=schema.version,
            inputs=values,
            attrs={k: decoded(v, self.context.folder) for k, v in attributes.items()},
            outputs=len(proto.output),
            given=frozenset(given),
            names=list(proto.input),
            sources=lambda name: self.find(name)[1],
            run_graph=functools.partial(self.run_graph, decided),
            wanted=[bool(name) for name in proto.output],
        )
        if any(isinstance(v, Sizes) for v in values):
            found = sized(node)
            if found is not None:
                return [found]
        if recording() and not has_graphs and all(is_small(v) for v in values):
            try:
                node.folding = True
                with eagerly():
                    return [
                        _named(r, name)
                        for r, name in zip(_listed(function(node)), proto.output, strict=False)
                    ]
            except TooLarge:
                node.folding = False
        return _listed(function(node))

    def call(
        self,
        function: Any,
        operands: Sequence[Operand],
        given: Attributes,
        named: Sequence[bool],
    ) -> list[Operand]:
        """A FunctionProto applied to operands; `named` says which outputs are needed."""
        opsets = {
            o.domain if o.domain != "ai.onnx" else "": o.version for o in function.opset_import
        }
        opsets.setdefault("", self.opsets.get("", package("defs").onnx_opset_version()))
        defaults = {a.name: a for a in function.attribute_proto}
        scope = Scope(self.context, opsets, None, {**defaults, **given}, depth=self.depth + 1)
        if len(operands) > len(function.input):
            raise FileError(
                f"too many operands: got {len(operands)}, expected {len(function.input)}"
            )
        for i, name in enumerate(function.input):
            scope.set(name, *(operands[i] if i < len(operands) else _NOTHING))
        scope.run(function.node)
        # A body that depends on the call computes only the outputs that the call names.
        return [
            scope.find(n) if wanted else _NOTHING
            for n, wanted in zip(function.output, named, strict=False)
        ]

    def run_graph(
        self, decided: frozenset[str], graph: Any, arguments: Sequence[Value | None]
    ) -> list[Any]:
        """A graph inside a node, applied to values, which these inputs of the model decide."""
        scope = self.inner()
        if len(arguments) != len(graph.input):
            raise FileError(
                f"graph {graph.name!r} takes {len(graph.input)} inputs: got {len(arguments)}"
            )
        scope.add_initializers(graph)
        for info, value in zip(graph.input, arguments, strict=True):
            scope.set(info.name, value, decided)
        scope.run(graph.node)
        return [scope.find(info.name)[0] for info in graph.output]

    def add_initializers(self, graph: Any) -> None:
        """Names the graph's own tensors; floats that are no scalars keep their names as params."""
        if graph.sparse_initializer:
            raise UnsupportedError("onnx: unsupported: sparse initializers")
        for proto in graph.initializer:
            if proto.name in self.values:
                raise FileError(f"onnx: two tensors are called {proto.name!r}")
            array = array_of(proto, self.context.folder)
            array.flags.writeable = False
            is_weight = array.size > 1 and array.dtype.kind not in "iub"
            named = is_weight or array.size > 16
            tensor = Tensor(array, name=proto.name if named else None)
            self.set(proto.name, tensor, frozenset())


def _label(proto: Any) -> str:
    name = proto.name or next((o for o in proto.output if o), "")
    kind = proto.op_type if proto.op_type.isidentifier() else repr(proto.op_type)
    return f"{kind} {name!r}" if name else kind


def _listed(results: Any) -> Sequence[Value | None]:
    return results if isinstance(results, (tuple, list)) else [results]


def _named(result: Value | None, name: str) -> Value | None:
    """A folded tensor under its ONNX name, should it become a param."""
    if isinstance(result, Tensor) and result.name is None and result.numpy().size > 16:
        return Tensor(result.numpy(), name=name)
    return result
