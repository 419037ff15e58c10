"""Writes a model to a file, and its weights beside it where they do not fit."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from onnx import GraphProto, ModelProto, StringStringEntryProto, TensorProto
from onnx.helper import tensor_dtype_to_np_dtype

from ingot.errors import DeviceError, LimitError

_LIMIT_BYTES = 2**31 - 2**24  # of a protobuf message, less room for everything but the weights
_SMALL_BYTES = 1024  # shapes and scalars stay in the model, where they are looked for
_PAGE_BYTES = 4096  # so that runtimes can map the weights


def write_model(model: ModelProto, path: str | PathLike[str], external: bool | None) -> None:
    """Writes the model; a file of its name is replaced when all of the new one is written.

    external: as of `to_onnx`. Raises LimitError where it is False and the weights do not fit,
    DeviceError with the system's reason.
    """
    target = Path(path)
    size = sum(_num_bytes(tensor) for tensor in model.graph.initializer)
    if external is None:
        external = size > _LIMIT_BYTES
    if external:
        weights = target.with_name(f"{target.name}.data")
        tensors = [t for t in model.graph.initializer if _num_bytes(t) > _SMALL_BYTES]
        _replace(weights, lambda file: _write_weights(file, tensors))
        model = _without_weights(model, weights.name)
    elif size > _LIMIT_BYTES:
        raise LimitError(
            f"export: {target}: the weights do not fit into one file: got {size} bytes, "
            f"expected at most {_LIMIT_BYTES}; use external_data"
        )
    data = model.SerializeToString()
    _replace(target, lambda file: file.write(data))


def _num_bytes(tensor: TensorProto) -> int:
    dtype = tensor_dtype_to_np_dtype(tensor.data_type)
    return int(math.prod(tensor.dims)) * dtype.itemsize


def _padded(count: int) -> int:
    return -(-count // _PAGE_BYTES) * _PAGE_BYTES


def _write_weights(file: BinaryIO, tensors: list[TensorProto]) -> None:
    for tensor in tensors:
        count = file.write(tensor.raw_data)
        file.write(bytes(_padded(count) - count))


def _without_weights(model: ModelProto, location: str) -> ModelProto:
    """A copy whose tensors lie in the file `location`, in order, each on pages of its own."""
    graph = model.graph
    tensors, offset = [], 0
    for tensor in graph.initializer:
        count = _num_bytes(tensor)
        if count > _SMALL_BYTES:
            tensor, offset = _outside(tensor, location, offset), offset + _padded(count)
        tensors.append(tensor)
    slim = GraphProto(
        name=graph.name,
        node=graph.node,
        initializer=tensors,
        input=graph.input,
        output=graph.output,
        value_info=graph.value_info,
    )
    return ModelProto(
        ir_version=model.ir_version,
        opset_import=model.opset_import,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
        graph=slim,
        metadata_props=model.metadata_props,
    )


def _outside(tensor: TensorProto, location: str, offset: int) -> TensorProto:
    place = {"location": location, "offset": str(offset), "length": str(_num_bytes(tensor))}
    return TensorProto(
        name=tensor.name,
        data_type=tensor.data_type,
        dims=tensor.dims,
        data_location=TensorProto.EXTERNAL,
        external_data=[StringStringEntryProto(key=k, value=v) for k, v in place.items()],
    )


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    """A file that is there whole or as it was."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("wb") as file:
                write(file)
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DeviceError(f"export: {target}: cannot be written: {error.strerror}") from None
