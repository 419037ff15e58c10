"""What the package `onnx` knows of operators: defaults, operand counts and types, function
bodies."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingot.errors import FileError, UnsupportedError
from ingot.tensor import Tensor

from .package import package
from .read import OLDEST_OPSET
from .values import Items, Maybe, Sizes, Value

_TYPE_NAMES = {"float32": "float", "float64": "double"}


@dataclass(frozen=True)
class Schema:
    """An operator's definition in one version."""

    proto: Any  # OpSchema
    defaults: Mapping[str, Any]  # AttributeProto, by name
    attributes: Mapping[str, int]  # the type of each
    required: frozenset[str]

    @property
    def version(self) -> int:
        return int(self.proto.since_version)


@functools.cache
def schema_of(domain: str, name: str, opset: int) -> Schema | None:
    """The definition that an opset uses; None where the package knows none."""
    defs = package("defs")
    try:
        proto = defs.get_schema(name, opset, domain)
    except defs.SchemaError:
        return None
    attributes = proto.attributes
    kinds = {
        k: int(package().AttributeProto.AttributeType.Value(a.type.name))
        for k, a in attributes.items()
    }
    defaults = {k: a.default_value for k, a in attributes.items() if a.default_value.name}
    required = frozenset(k for k, a in attributes.items() if a.required)
    return Schema(proto, defaults, kinds, required)


def is_too_old(schema: Schema, domain: str, name: str, opset: int) -> bool:
    """Whether an operator's definition was replaced before the oldest opset that is read."""
    if domain or opset >= OLDEST_OPSET:
        return False
    later = schema_of(domain, name, OLDEST_OPSET)
    return later is None or later.version != schema.version


def check_node(schema: Schema, proto: Any, given: Mapping[str, Any], outputs: int) -> None:
    """Raises FileError for wrong counts and for missing, unknown or mistyped attributes."""
    count = len(proto.input)
    if not schema.proto.min_input <= count <= schema.proto.max_input:
        expected = f"{schema.proto.min_input} to {schema.proto.max_input}"
        raise FileError(f"wrong number of operands: got {count}, expected {expected}")
    if outputs > schema.proto.max_output:
        raise FileError(
            f"wrong number of outputs: got {outputs}, expected {schema.proto.max_output}"
        )
    for name, attribute in given.items():
        if name not in schema.attributes:
            raise FileError(f"unknown attribute {name!r}")
        if attribute.type != schema.attributes[name]:
            raise FileError(f"wrong type of attribute {name!r}")
    missing = sorted(schema.required - set(given))
    if missing:
        raise FileError(f"attribute {missing[0]!r} is missing")


def type_text(value: Value) -> str:
    """As definitions name types: tensor(float), seq(tensor(int64)), ..."""
    if isinstance(value, Items):
        inner = type_text(value.values[0]) if value.values else ""
        return f"seq({inner})" if inner else ""
    if isinstance(value, Maybe):
        inner = type_text(value.value) if value.value is not None else ""
        return f"optional({inner})" if inner else ""
    return f"tensor({_TYPE_NAMES.get(value.dtype.name, value.dtype.name)})"


def check_types(schema: Schema, values: Sequence[Value | None]) -> None:
    """Raises FileError for operands of a type that the definition does not take, or that differ
    where it wants equal ones."""
    formals = schema.proto.inputs
    allowed = {t.type_param_str: set(t.allowed_type_strs) for t in schema.proto.type_constraints}
    bound: dict[str, str] = {}
    for i, value in enumerate(values):
        if value is None:
            continue
        formal, text = formals[min(i, len(formals) - 1)], type_text(value)
        variable = formal.type_str
        if not text or text.startswith("optional"):
            continue
        choices = allowed.get(variable, {variable})
        if text not in choices and f"optional({text})" not in choices:
            raise FileError(f"wrong type of operand {i}: got {text}")
        one_type = variable in allowed and (formal.is_homogeneous or i < len(formals) - 1)
        if one_type and bound.setdefault(variable, text) != text:
            raise FileError(f"operands of different types: got {bound[variable]} and {text}")


def body_of(schema: Schema, proto: Any, values: Sequence[Value | None], opset: int) -> Any:
    """The operator as a FunctionProto of others; None where it has no such body."""
    onnx, found = package(), schema.proto
    if found.has_context_dependent_function:
        types = [_type_proto(v).SerializeToString() for v in values]
        try:
            data = found.get_context_dependent_function_with_opset_version(
                _version_in(found.context_dependent_function_opset_versions, opset),
                proto.SerializeToString(),
                types,
            )
        except Exception as error:
            raise UnsupportedError(f"unsupported: its function body: {error}") from None
    elif found.has_function:
        data = found.get_function_with_opset_version(
            _version_in(found.function_opset_versions, opset)
        )
    else:
        return None
    return onnx.FunctionProto.FromString(data) if data else None


def _version_in(versions: Sequence[int], opset: int) -> int:
    """The body for an opset: the newest that is not newer."""
    return max([v for v in versions if v <= opset] or [min(versions)])


def _type_proto(value: Value | None) -> Any:
    """The type of an operand, as functions that depend on it want it."""
    onnx = package()
    proto = onnx.TypeProto()
    if isinstance(value, Maybe):
        value = value.value
    if isinstance(value, Items) and value.values:
        proto.sequence_type.elem_type.CopyFrom(_type_proto(value.values[0]))
    elif isinstance(value, (Tensor, Sizes)):
        number = package("helper").np_dtype_to_tensor_dtype(np.dtype(value.dtype))
        proto.tensor_type.elem_type = number
        proto.tensor_type.shape.SetInParent()
        for n in value.shape:
            dim = proto.tensor_type.shape.dim.add()
            if isinstance(n, (int, np.integer)):
                dim.dim_value = int(n)
    return proto
