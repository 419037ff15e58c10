"""Every row of the op table has everything an op needs; a failure names the op and the field."""

from __future__ import annotations

import numpy as np
import pytest

import ingot
from ingot import _core
from ingot.op import OPS

# The integers and floats of 8 and 16 bits by way of a wider dtype.
KERNEL_DTYPES = {
    "bool": ["bool"],
    "int": ["i8", "i16", "i32", "i64", "u8", "u16"],
    "float": ["f16", "bf16", "f32", "f64"],
}
ROWS = [row for row in _core.op_table() if "region" not in row.traits]
# Views, aborts and the rows that only read a size are steps or strides of the plan, not kernels.
WITHOUT_KERNEL = {"view", "effect"}


def test_every_row_has_a_record_and_every_record_a_row() -> None:
    assert sorted(OPS) == sorted(row.name for row in _core.op_table())


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_record_is_complete(row: _core.OpRow) -> None:
    record = OPS[row.name]
    rng = np.random.default_rng(0)
    assert record.function is not None, f"{row.name}: no function"
    assert record.doc.strip(), f"{row.name}: no docstring"
    assert ">>>" in record.doc, f"{row.name}: no example"
    assert record.reference is not None, f"{row.name}: no reference"
    assert record.samples is not None, f"{row.name}: no samples"
    assert record.samples(rng), f"{row.name}: no samples"
    assert record.errors is not None, f"{row.name}: no error cases"
    assert record.errors(), f"{row.name}: no error cases"
    assert record.bound.sentence, f"{row.name}: no bound"
    assert record.onnx is None or record.onnx, f"{row.name}: an empty ONNX name"


@pytest.mark.parametrize("level", _core.levels())
def test_every_row_has_kernels_at_every_level(level: str) -> None:
    missing = []
    for row in ROWS:
        if WITHOUT_KERNEL & set(row.traits):
            continue
        for dtype in [d for c in row.classes for d in KERNEL_DTYPES.get(c, [])]:
            if row.dtype_rule == "bits" and dtype != "i64":
                continue  # the state is i64 by rule
            produced = {"compare": "bool", "position": "i64", "bits": "i32"}
            result = produced.get(row.dtype_rule, dtype)
            if not _core.has_kernel(level, row.name, dtype, result):
                missing.append(f"{row.name}: no kernel for {dtype} -> {result}")
    assert missing == []


def test_region_ops_have_a_reference() -> None:
    for row in _core.op_table():
        if "region" in row.traits:
            assert OPS[row.name].reference is not None, row.name


def test_every_op_is_offered_by_its_name() -> None:
    missing = [row.name for row in ROWS if not callable(getattr(ingot, row.name, None))]
    assert missing == []
