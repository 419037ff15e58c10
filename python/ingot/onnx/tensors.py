"""Tensors of ONNX models as NumPy arrays: checked before they are read, external ones mapped."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ingot.dtypes import Array, DType
from ingot.errors import FileError

from .package import dtype_from, package

_FIELDS = {"float_data", "int32_data", "int64_data", "double_data", "uint64_data"}
_MAX_BYTES = 1 << 62


def array_of(proto: Any, folder: Path | None, what: str = "") -> Array:
    """The numbers of a TensorProto; external data lie beside the model, in `folder`.

    Raises FileError where sizes and data do not fit, UnsupportedError for an element type that
    Ingot lacks.
    """
    what = what or f"tensor {proto.name!r}"
    dtype = dtype_from(proto.data_type, what)
    shape = tuple(proto.dims)
    size_bytes = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or size_bytes > _MAX_BYTES:
        raise FileError(f"onnx: wrong sizes of {what}: got {list(shape)}")
    if proto.data_location == package().TensorProto.EXTERNAL:
        return _external(proto, dtype, size_bytes, folder, what).reshape(shape)
    if proto.HasField("raw_data"):
        if len(proto.raw_data) != size_bytes:
            raise _wrong_length(what, len(proto.raw_data), size_bytes)
        return _native(np.frombuffer(proto.raw_data, dtype.newbyteorder("<")), dtype).reshape(shape)
    _check_fields(proto, shape, what)
    return np.asarray(package("numpy_helper").to_array(proto)).astype(dtype).reshape(shape)


def _native(array: Array, dtype: DType) -> Array:
    """Without a copy where the bytes are already in order."""
    return array.view(dtype) if sys.byteorder == "little" else array.astype(dtype)


def _wrong_length(what: str, got: int, expected: int) -> FileError:
    return FileError(f"onnx: wrong length of {what}: got {got} bytes, expected {expected}")


def _check_fields(proto: Any, shape: tuple[int, ...], what: str) -> None:
    """Data in fields: as many elements as the sizes say."""
    found = sum(len(getattr(proto, name)) for name in _FIELDS)
    if found != math.prod(shape):
        raise FileError(
            f"onnx: wrong length of {what}: got {found} elements, expected {math.prod(shape)}"
        )


def _external(proto: Any, dtype: DType, size_bytes: int, folder: Path | None, what: str) -> Array:
    """A read-only map of the file's part."""
    entries = {entry.key: entry.value for entry in proto.external_data}
    location = Path(entries.get("location", ""))
    if folder is None:
        raise FileError(
            f"onnx: external data of {what}: got a model as bytes, expected the path of its file"
        )
    if not location.name or location.is_absolute() or ".." in location.parts:
        raise FileError(
            f"onnx: wrong place of {what}: got {str(location)!r}, expected a file beside the model"
        )
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size_bytes))
    except ValueError:
        offset, length = -1, -1
    if offset < 0 or length != size_bytes:
        raise _wrong_length(what, length, size_bytes)
    try:
        available = (folder / location).stat().st_size
        if available < offset + size_bytes:
            raise _wrong_length(what, max(available - offset, 0), size_bytes)
        if size_bytes == 0:
            return np.empty(0, dtype)
        data = np.memmap(folder / location, np.uint8, "r", offset, (size_bytes,))
    except OSError as error:
        raise FileError(f"onnx: external data of {what}: {error}") from None
    return data.view(np.ndarray).view(dtype)
