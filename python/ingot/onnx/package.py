"""The package `onnx`, imported when a model is read, and its element types as NumPy's."""

from __future__ import annotations

import importlib
from typing import Any

from ingot.dtypes import DType, as_dtype
from ingot.errors import DeviceError, DTypeError, UnsupportedError

_NAMES = {  # TensorProto.DataType, where its name is not NumPy's
    "FLOAT": "float32",
    "DOUBLE": "float64",
}


def package(module: str = "") -> Any:
    """`onnx`, or a module of it. Raises DeviceError where it is not installed."""
    try:
        return importlib.import_module(f"onnx.{module}" if module else "onnx")
    except ImportError as error:
        raise DeviceError(
            f"onnx: the package `onnx` cannot be imported ({error}): "
            "expected it installed; use `pip install ingot[onnx]`"
        ) from None


def type_name(number: int) -> str:
    """FLOAT, INT64, ... for an element type."""
    types = package().TensorProto.DataType
    return str(types.Name(number)) if number in types.values() else f"number {number}"


def dtype_from(number: int, what: str) -> DType:
    """The NumPy dtype of an ONNX element type. Raises UnsupportedError for one that Ingot lacks."""
    name = type_name(number)
    try:
        return as_dtype(_NAMES.get(name, name.lower()))
    except DTypeError:
        raise UnsupportedError(f"onnx: unsupported element type of {what}: got {name}") from None
