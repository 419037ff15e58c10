"""NVIDIA's driver by ctypes, as far as gpu.py needs it: streams and events to time every contender
with, graphs of empty kernels and copies to compare with. On the context that all libraries of the
process share.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from typing import Any

NOTHING = b"""
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing() { ret; }
"""
NON_BLOCKING = THREAD_LOCAL = 1  # flags of streams and of captures


class MissingError(Exception):
    """What this machine lacks."""


class Driver:
    """Errors of the driver are RuntimeErrors with its number."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise MissingError("there is no NVIDIA driver") from error
        self.call("cuInit", c_uint(0))
        device, context = c_int(), c_void_p()
        self.call("cuDeviceGet", byref(device), c_int(0))
        self.call("cuDevicePrimaryCtxRetain", byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name: str, *args: Any) -> None:
        code = getattr(self.library, name)(*args)
        if code != 0:
            raise RuntimeError(f"{name}: error {code} of the driver")

    def stream(self) -> int:
        stream = c_void_p()
        self.call("cuStreamCreate", byref(stream), c_uint(NON_BLOCKING))
        assert stream.value is not None
        return stream.value

    def synchronize(self, stream: int) -> None:
        self.call("cuStreamSynchronize", c_void_p(stream))

    def event(self) -> c_void_p:
        event = c_void_p()
        self.call("cuEventCreate", byref(event), c_uint(0))
        return event

    def record(self, event: c_void_p, stream: int) -> None:
        self.call("cuEventRecord", event, c_void_p(stream))

    def elapsed_us(self, begin: c_void_p, end: c_void_p) -> float:
        """Waits for the later one."""
        ms = c_float()
        self.call("cuEventSynchronize", end)
        self.call("cuEventElapsedTime", byref(ms), begin, end)
        return 1e3 * ms.value

    def free_bytes(self) -> int:
        free, total = c_size_t(), c_size_t()
        self.call("cuMemGetInfo_v2", byref(free), byref(total))
        return free.value

    def allocate(self, num_bytes: int) -> c_ulonglong:
        address = c_ulonglong()
        self.call("cuMemAlloc_v2", byref(address), c_size_t(num_bytes))
        return address

    def copy(self, to: c_ulonglong, source: c_ulonglong, num_bytes: int, stream: int) -> None:
        self.call("cuMemcpyDtoDAsync_v2", to, source, c_size_t(num_bytes), c_void_p(stream))

    def release(self, address: c_ulonglong) -> None:
        self.call("cuMemFree_v2", address)

    def empty_graph(self, launches: int, stream: int) -> c_void_p:
        """A graph of so many kernels that do nothing, one after the other."""
        code, kernel, graph, executable = c_void_p(), c_void_p(), c_void_p(), c_void_p()
        self.call("cuModuleLoadData", byref(code), c_char_p(NOTHING))
        self.call("cuModuleGetFunction", byref(kernel), code, c_char_p(b"nothing"))
        self.call("cuStreamBeginCapture_v2", c_void_p(stream), c_int(THREAD_LOCAL))
        one, none = c_uint(1), c_void_p()
        for _ in range(launches):
            size = (one, one, one, one, one, one, c_uint(0))
            self.call("cuLaunchKernel", kernel, *size, c_void_p(stream), none, none)
        self.call("cuStreamEndCapture", c_void_p(stream), byref(graph))
        self.call("cuGraphInstantiateWithFlags", byref(executable), graph, c_ulonglong(0))
        return executable

    def replay(self, executable: c_void_p, stream: int) -> None:
        self.call("cuGraphLaunch", executable, c_void_p(stream))


@functools.cache
def driver() -> Driver:
    """MissingError where there is none."""
    return Driver()
