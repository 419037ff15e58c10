"""Every op's samples run eagerly and as a program; every wrong call raises what it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.op_samples import IDS, RECORDS, WITHOUT_KERNELS, arrays_of, call, samples

import ingot
import ingot.testing
from ingot.op import OpRecord


@pytest.mark.parametrize("record", RECORDS, ids=IDS)
def test_samples_agree_between_eager_file_and_program(record: OpRecord) -> None:
    assert record.function is not None
    for sample in samples(record):
        arrays = arrays_of(sample)

        def f(*tensors: ingot.Tensor, sample: Any = sample) -> Any:
            return call(record, sample, tensors)

        try:
            eager = f(*[ingot.tensor(x) for x in arrays])
        except (ingot.RangeError, ingot.AbortError) as error:
            graph = ingot.record(lambda *t, f=f: (f(*t), t[0])[1], *arrays)
            with pytest.raises(type(error)):
                ingot.compile(graph)(*arrays)
            continue
        if record.row.dtype_rule == "condition":
            graph = ingot.record(lambda *t, f=f: (f(*t), t[0])[1], *arrays)
            ingot.compile(graph)(*arrays)
            continue
        if {str(x.dtype) for x in (eager, *arrays)} & WITHOUT_KERNELS:
            continue  # reference only
        graph = ingot.record(f, *arrays)
        program = ingot.compile(graph)
        result = np.asarray(program(*arrays))
        assert result.dtype == eager.dtype
        assert result.shape == tuple(eager.shape)
        ingot.testing.check(program, arrays)


@pytest.mark.parametrize("record", RECORDS, ids=IDS)
def test_wrong_calls_raise_their_error_eagerly_and_while_recording(record: OpRecord) -> None:
    assert record.errors is not None
    assert record.function is not None
    for wrong in record.errors():
        with pytest.raises(wrong.error) as caught:
            record.function(*wrong.args, **wrong.kwargs)
        assert wrong.message in str(caught.value)
        assert ": " in str(caught.value)


def test_integers_wrap_and_divide_totally() -> None:
    top = np.array([2**31 - 1], np.int32)
    low = np.array([-(2**31)], np.int32)
    zero, minus = np.array([0], np.int32), np.array([-1], np.int32)

    def f(top: Any, low: Any, zero: Any, minus: Any) -> dict[str, Any]:
        return {
            "wrapped": top + 1,
            "floor": ingot.floor_divide(top, zero),
            "rest": ingot.remainder(top, zero),
            "lowest": ingot.floor_divide(low, minus),
            "shift": ingot.bitwise_left_shift(top, np.int32(32)),
        }

    expected = {"wrapped": low, "floor": zero, "rest": zero, "lowest": low, "shift": zero}
    result = ingot.compile(ingot.record(f, top, low, zero, minus))(top, low, zero, minus)
    for name, value in expected.items():
        np.testing.assert_array_equal(result[name], value, err_msg=name)


def test_casts_of_floats_saturate_and_nan_gives_zero() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 3.9, -3.9, 1e30], np.float32)
    expected = np.array([0, 2**31 - 1, -(2**31), 3, -3, 2**31 - 1], np.int32)

    def f(x: Any) -> Any:
        return ingot.cast(x, dtype="int32")

    np.testing.assert_array_equal(f(x).numpy(), expected)
    np.testing.assert_array_equal(ingot.compile(ingot.record(f, x))(x), expected)
