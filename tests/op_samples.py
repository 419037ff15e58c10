"""The samples of the records as calls, and as single applications of their rows on arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import ingot
from ingot import _core
from ingot.dtypes import is_float, text_name
from ingot.op import OPS, OpRecord, Sample
from ingot.reference import evaluate

Array = Any
RECORDS = [record for record in OPS.values() if record.function is not None]
IDS = [record.name for record in RECORDS]
WITHOUT_KERNELS = {"uint32", "uint64", "complex64", "complex128"}


def samples(record: OpRecord) -> list[Sample]:
    """The record's samples, the same in every run."""
    assert record.samples is not None
    return record.samples(np.random.default_rng(zlib.crc32(record.name.encode())))


def is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, ingot.Tensor))


def arrays_of(sample: Sample) -> list[Array]:
    """The arrays among the arguments, those in lists included, in order."""
    flat = [x for arg in sample.args for x in (arg if isinstance(arg, (list, tuple)) else [arg])]
    return [np.asarray(x) for x in flat if is_array(x)]


def call(record: OpRecord, sample: Sample, tensors: Sequence[Any]) -> Any:
    """The sample's call on other tensors in the place of its arrays."""
    rest = list(tensors)
    args = [
        [rest.pop(0) if is_array(x) else x for x in arg]
        if isinstance(arg, (list, tuple))
        else (rest.pop(0) if is_array(arg) else arg)
        for arg in sample.args
    ]
    assert record.function is not None
    return record.function(*args, **sample.kwargs)


@dataclass(frozen=True)
class Application:
    """One node: a row, its operands and all its attributes, sizes as numbers."""

    row: _core.OpRow
    operands: list[Array]
    attrs: Mapping[str, Any]


def applications(record: OpRecord) -> Iterator[Application]:
    """Every application of the row in a sample that has kernels and raises nothing."""
    for sample in samples(record):
        arrays = arrays_of(sample)
        graph = ingot.record(lambda *t, s=sample: (call(record, s, t), t[:1])[0], *arrays)
        module = graph.module
        try:
            values = evaluate(module, 0, arrays).values
        except ingot.IngotError:
            continue
        dtypes = {str(x.dtype) for x in values.values()}
        for node in module.nodes(0):
            if node.op == record.name and not dtypes & WITHOUT_KERNELS:
                yield Application(record.row, [values[v] for v in node.operands], node.attrs)


def module_of(
    application: Application, neighbors: bool = False, param: int | None = None
) -> _core.Module:
    """A module of this one node. With neighbors: every operand and the result pass through
    maximum(x, x), which changes no bit and is pointwise, so that there is something to fuse.
    param: this operand is one, and no input."""
    module = _core.Module()
    builder = _core.Builder(module, "main")

    def through(value: _core.Value) -> _core.Value:
        return builder.add_node("maximum", [value, value], {}, ("", 0, ""))[0]

    operands = []
    for i, x in enumerate(application.operands):
        if i == param:
            operands.append(builder.add_param(f"x{i}", x))
            continue
        value = builder.add_input(f"x{i}", text_name(x.dtype), list(x.shape))
        operands.append(through(value) if neighbors else value)
    results = builder.add_node(application.row.name, operands, application.attrs, ("", 0, ""))
    builder.set_outputs([through(r) if neighbors else r for r in results], [""] * len(results))
    return module


def run(module: _core.Module, operands: Sequence[Array], **options: Any) -> list[Array]:
    """The outputs of the module's only graph."""
    return _core.Program(module, **options).new_session().run(0, operands)


def bits(x: Array) -> bytes:
    """The bytes of an array, every NaN made the same one."""
    return (
        np.where(np.isnan(x), x.dtype.type(np.nan), x).tobytes()
        if is_float(x.dtype)
        else x.tobytes()
    )
