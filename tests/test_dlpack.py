"""DLPack: memory is shared both ways, lives as long as anybody reads it, and capsules that lie are
refused."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core

DTYPES = ["bool", "float16", "float32", "float64"]
DTYPES += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


def numbers(dtype: str) -> np.ndarray:
    return np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)


class Foreign:
    """A producer that knows nothing of versions, devices and copies."""

    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __dlpack__(self) -> object:
        return self.capsule


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_and_ingot_share_memory_both_ways(dtype: str) -> None:
    array = numbers(dtype)
    tensor = ingot.from_dlpack(array)
    assert tensor.dtype == array.dtype
    assert np.shares_memory(tensor.numpy(), array)
    back = np.from_dlpack(tensor)
    assert np.shares_memory(back, array)
    assert not back.flags.writeable
    np.testing.assert_array_equal(back, array)


def test_strides_and_offsets_are_kept() -> None:
    array = np.arange(60.0).reshape(3, 4, 5)[::-2, 1:, ::2].transpose(2, 0, 1)
    tensor = ingot.from_dlpack(array)
    assert np.shares_memory(tensor.numpy(), array)
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal(np.from_dlpack(tensor), array)
    np.testing.assert_array_equal((tensor * 2).numpy(), array * 2)


def test_bfloat16_passes_to_torch_and_back() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    ours = ingot.from_dlpack(theirs)
    assert ours.dtype.name == "bfloat16"
    assert ours.numpy().ctypes.data == theirs.data_ptr()
    assert torch.from_dlpack(ours).data_ptr() == theirs.data_ptr()


def test_memory_lives_as_long_as_its_last_reader() -> None:
    array = np.arange(1000.0)
    before = sys.getrefcount(array)
    tensor = ingot.from_dlpack(array)
    view = np.from_dlpack(tensor)
    assert sys.getrefcount(array) > before
    del tensor
    gc.collect()
    assert view[999] == 999.0
    del view
    gc.collect()
    assert sys.getrefcount(array) == before


def test_a_capsule_that_nobody_takes_frees_its_tensor() -> None:
    array = np.arange(10.0)
    before = sys.getrefcount(array)
    for versioned in (False, True):
        capsule = _core.to_dlpack(array, versioned, False)
        held = sys.getrefcount(array)
        del capsule
        after = sys.getrefcount(array)
        assert (held, after) == (before + 1, before)


def test_a_consumer_of_old_capsules_gets_a_copy() -> None:
    tensor = ingot.tensor([1.0, 2.0])
    array = _core.from_dlpack(tensor.__dlpack__())
    assert not np.shares_memory(array, tensor.numpy())
    with pytest.raises(BufferError, match="copy"):
        tensor.__dlpack__(copy=False)
    copied = _core.from_dlpack(tensor.__dlpack__(max_version=(1, 1), copy=True))
    assert not np.shares_memory(copied, tensor.numpy())


def test_other_devices_and_streams_are_refused() -> None:
    tensor = ingot.tensor([1.0])
    assert tensor.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match="device"):
        tensor.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="stream"):
        tensor.__dlpack__(stream=1)  # type: ignore[arg-type]
    with pytest.raises(ingot.RecordError):
        ingot.record(lambda x: x.__dlpack__(), tensor)
    with pytest.raises(ingot.DeviceError):
        ingot.from_dlpack(np.zeros(1), device="gpu")


def test_a_capsule_is_taken_once() -> None:
    capsule = np.zeros(3).__dlpack__()
    ingot.from_dlpack(Foreign(capsule))
    with pytest.raises(BufferError, match="taken"):
        ingot.from_dlpack(Foreign(capsule))
    for other in (None, 3, object(), np.zeros(1).__class__):
        with pytest.raises((BufferError, TypeError)):
            ingot.from_dlpack(other)


def test_a_shared_tensor_is_an_operand_and_a_param() -> None:
    array = np.arange(20, dtype=np.float32)
    tensor = ingot.from_dlpack(array)
    program = ingot.compile(ingot.record(lambda x: x + tensor, ingot.Spec((20,))))
    np.testing.assert_array_equal(program(array), array * 2)


class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class DataType(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    ]


class TensorStruct(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class ManagedVersioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("flags", ctypes.c_uint64),
        ("tensor", TensorStruct),
    ]


def int64s(*values: int) -> Any:
    return (ctypes.c_int64 * len(values))(*values)


MEMORY = np.arange(8.0)


def managed(change: Callable[[ManagedVersioned], None], deleted: list[int]) -> ManagedVersioned:
    """A right tensor of 8 doubles, then changed."""

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def deleter(address: int) -> None:
        deleted.append(address)

    tensor = TensorStruct(
        MEMORY.ctypes.data, Device(1, 0), 1, DataType(2, 64, 1), int64s(8), int64s(1), 0
    )
    result = ManagedVersioned(1, 1, None, deleter, 0, tensor)
    change(result)
    return result


def capsule_of(struct: ManagedVersioned) -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    return new(ctypes.addressof(struct), b"dltensor_versioned", None)


def set_tensor(**fields: Any) -> Callable[[ManagedVersioned], None]:
    def change(struct: ManagedVersioned) -> None:
        for name, value in fields.items():
            setattr(struct.tensor, name, value)

    return change


LIES: dict[str, Callable[[ManagedVersioned], None]] = {
    "version": lambda s: setattr(s, "major", 2),
    "device": set_tensor(device=Device(2, 0)),
    "negative rank": set_tensor(ndim=-1),
    "huge rank": set_tensor(ndim=1000),
    "no shape": set_tensor(shape=None),
    "negative size": set_tensor(shape=int64s(-8)),
    "sizes overflow": set_tensor(ndim=2, shape=int64s(2**40, 2**40), strides=None),
    "strides overflow": set_tensor(strides=int64s(2**62)),
    "reach overflows": set_tensor(ndim=2, shape=int64s(2, 2), strides=int64s(2**59, 2**60 - 1)),
    "below the first address": set_tensor(strides=int64s(-(2**59))),
    "above the last address": set_tensor(strides=int64s(2**57), shape=int64s(2), data=2**64 - 64),
    "byte offset": set_tensor(byte_offset=2**64 - 8),
    "not aligned": set_tensor(byte_offset=4),
    "no memory": set_tensor(data=None),
    "lanes": set_tensor(dtype=DataType(2, 64, 4)),
    "unknown code": set_tensor(dtype=DataType(9, 64, 1)),
    "unknown width": set_tensor(dtype=DataType(2, 128, 1)),
    "float8": set_tensor(dtype=DataType(10, 8, 1)),
}


@pytest.mark.parametrize("name", LIES)
def test_a_capsule_that_lies_is_refused_and_left_alone(name: str) -> None:
    deleted: list[int] = []
    struct = managed(LIES[name], deleted)
    with pytest.raises(BufferError, match="from_dlpack"):
        ingot.from_dlpack(Foreign(capsule_of(struct)))
    assert deleted == []


def test_the_deleter_is_called_once_when_the_last_reader_goes() -> None:
    deleted: list[int] = []
    struct = managed(lambda _: None, deleted)
    tensor = ingot.from_dlpack(Foreign(capsule_of(struct)))
    assert tensor.tolist() == list(range(8))
    rest = tensor.numpy()[4:]
    del tensor
    assert deleted == []
    del rest
    assert deleted == [ctypes.addressof(struct)]


def test_an_empty_tensor_needs_no_memory() -> None:
    struct = managed(set_tensor(shape=int64s(0), data=None), [])
    assert ingot.from_dlpack(Foreign(capsule_of(struct))).shape == (0,)
