"""What a node of a model says beside its operands: attributes, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingot.errors import UnsupportedError

from .package import package
from .tensors import array_of


def decoded(attribute: Any, folder: Path | None) -> Any:
    """An attribute as a Python value; a graph as it is."""
    types = package().AttributeProto
    kind = attribute.type
    if kind == types.TENSOR:
        return array_of(attribute.t, folder, f"attribute {attribute.name!r}")
    if kind == types.STRING:
        return attribute.s.decode("utf-8", "replace")
    if kind == types.STRINGS:
        return [s.decode("utf-8", "replace") for s in attribute.strings]
    simple = {
        types.INT: "i",
        types.FLOAT: "f",
        types.INTS: "ints",
        types.FLOATS: "floats",
        types.GRAPH: "g",
        types.TYPE_PROTO: "tp",
    }
    if kind not in simple:
        raise UnsupportedError(f"unsupported: the type of attribute {attribute.name!r}")
    value = getattr(attribute, simple[kind])
    return list(value) if kind in (types.INTS, types.FLOATS) else value


def origin_of(proto: Any, file: str, number: int) -> tuple[str, int]:
    """The source line that an Ingot export names, else the node's place in the model."""
    for prop in proto.metadata_props:
        if prop.key == "ingot.source":
            source, _, line = prop.value.rpartition(":")
            if source and line.isdecimal() and len(line) < 10:
                return source, int(line)
    return file, number


def plain_node(proto: Any, given: Mapping[str, Any]) -> Any:
    """The node with its attributes as they are here."""
    plain = package().NodeProto()
    plain.CopyFrom(proto)
    del plain.attribute[:]
    for name, attribute in given.items():
        added = plain.attribute.add()
        added.CopyFrom(attribute)
        added.name = name
    return plain
