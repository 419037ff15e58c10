"""Reads the bytes of a model, and puts its nodes in order."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ingot.errors import DeviceError, FileError, UnsupportedError

from .package import package

OLDEST_OPSET = 6


def parse(source: str | PathLike[str] | bytes) -> tuple[Any, Path | None]:
    """(ModelProto, path). Raises FileError for bytes that are no model, DeviceError for a file that
    cannot be read."""
    onnx = package()
    path = None if isinstance(source, (bytes, bytearray, memoryview)) else Path(source)
    try:
        data = bytes(source) if path is None else path.read_bytes()  # type: ignore[arg-type]
    except OSError as error:
        raise DeviceError(f"onnx: cannot read {str(path)!r}: {error.strerror}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        raise FileError(
            f"onnx: no model: {len(data)} bytes that cannot be parsed: {error}"
        ) from None
    _check_text(model)
    if not model.HasField("graph") or not model.graph.output:
        raise FileError(f"onnx: no model: {len(data)} bytes without a graph that has outputs")
    return model, path


def _check_text(message: Any) -> None:
    """Raises FileError for a name that is no UTF-8, which is parsed as bytes."""
    for field, value in message.ListFields():
        is_list = hasattr(value, "__len__") and not isinstance(value, (str, bytes))
        values = value if is_list else [value]
        if field.type == field.TYPE_MESSAGE:
            for part in values:
                _check_text(part)
        elif field.type == field.TYPE_STRING and any(isinstance(v, bytes) for v in values):
            raise FileError(f"onnx: no model: a {field.name} that is no UTF-8")


def opsets_of(model: Any) -> dict[str, int]:
    """The opset version of every domain. Raises UnsupportedError for one that the package `onnx`
    does not know."""
    found = {"" if o.domain == "ai.onnx" else o.domain: int(o.version) for o in model.opset_import}
    newest = package("defs").onnx_opset_version()
    if not 1 <= found.setdefault("", 1) <= newest:
        raise UnsupportedError(
            f"onnx: unsupported: opset {found['']}: expected {OLDEST_OPSET} to {newest}"
        )
    return found


def functions_of(model: Any) -> Mapping[tuple[str, str, str], Any]:
    """The model's own functions, by domain, name and overload."""
    return {
        ("" if f.domain == "ai.onnx" else f.domain, f.name, f.overload): f for f in model.functions
    }


def checked_order(graph: Any) -> list[Any]:
    """The graph's nodes, each after those that it takes values from.

    Raises FileError where a value is given twice or by nothing, or where nodes form a cycle.
    """
    known = {i.name for i in graph.input} | {t.name for t in graph.initializer}
    known |= {t.values.name for t in graph.sparse_initializer} | {""}
    given: dict[str, Any] = {}
    for info in graph.input:
        if not info.name or given.setdefault(info.name, info) is not info:
            raise FileError(f"onnx: two inputs are called {info.name!r}")
    makers = _makers(graph, {i.name for i in graph.input} | {t.name for t in graph.initializer})
    ordered = _in_order(graph, makers, known)
    for info in graph.output:
        if info.name not in makers and info.name not in known:
            raise FileError(f"onnx: nothing gives the output {info.name!r}")
    return ordered


def _makers(graph: Any, known: set[str]) -> dict[str, int]:
    """The node that gives each name."""
    makers: dict[str, int] = {}
    for i, node in enumerate(graph.node):
        for name in node.output:
            if name and (name in makers or name in known):
                raise FileError(f"onnx: {name!r} is given twice: expected one node for each value")
            if name:
                makers[name] = i
    return makers


def _reads(node: Any) -> list[str]:
    inner: list[str] = []
    for attribute in node.attribute:
        if attribute.type == package().AttributeProto.GRAPH:
            inner += sorted(names_read(attribute.g))
    return [*node.input, *inner]


def _in_order(graph: Any, makers: Mapping[str, int], known: set[str]) -> list[Any]:
    """Depth first, without recursion, in the order of the file wherever that is right."""
    nodes = list(graph.node)
    needs = [_reads(node) for node in nodes]
    state = [0] * len(nodes)  # 1: being visited, 2: done
    ordered: list[Any] = []
    for first in range(len(nodes)):
        stack = [first]
        while stack:
            i = stack[-1]
            if state[i] == 2:
                stack.pop()
                continue
            state[i] = 1
            waiting = []
            for name in needs[i]:
                if name in known:
                    continue
                maker = makers.get(name)
                if maker is None:
                    raise FileError(
                        f"onnx: {nodes[i].op_type} {nodes[i].name!r}, node {i + 1}: nothing gives "
                        f"{name!r}: expected an input, an initializer or the output of a node"
                    )
                if state[maker] == 1:
                    raise FileError(
                        f"onnx: {nodes[i].op_type} {nodes[i].name!r}, node {i + 1}: a cycle of "
                        f"nodes through {name!r}"
                    )
                if state[maker] == 0:
                    waiting.append(maker)
            if waiting:
                stack.append(waiting[0])
                continue
            state[i] = 2
            ordered.append(nodes[i])
            stack.pop()
    return ordered


def names_read(graph: Any) -> set[str]:
    """The names that a graph's nodes read from outside of it."""
    own = {i.name for i in graph.input} | {t.name for t in graph.initializer}
    read: set[str] = set()
    for node in graph.node:
        read |= {name for name in node.input if name and name not in own}
        for attribute in node.attribute:
            if attribute.type == package().AttributeProto.GRAPH:
                read |= names_read(attribute.g) - own
        own |= set(node.output)
    read |= {o.name for o in graph.output if o.name not in own}
    return read
