"""The device that tests run programs on: a real one, or the plugin on a device that is the CPU
(tests/cuda_on_host).
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from ingot import _core

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "tests" / "cuda_on_host"
LIBRARY = "libingot_cuda_on_host.so"
CUBLASLT = "libingot_cublaslt_on_host.so"


def host_compiler() -> str:
    """A C++ compiler of this machine; skips the test where there is none."""
    found = next((path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no C++ compiler is installed")
    return found


def build(folder: Path) -> None:
    """Builds the plugin on the emulated device; a minute, the first time."""
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed and INGOT_BUILD_DIR is not set")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    commands = [
        ["cmake", "-S", str(SOURCES), "-B", str(folder), *generator],
        ["cmake", "--build", str(folder), "--parallel", "2"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@functools.cache
def emulated_plugin() -> Path:
    """Of the build folder INGOT_BUILD_DIR where that is set, else built in build/cuda_on_host."""
    given = os.environ.get("INGOT_BUILD_DIR")
    if given is not None:
        path = Path(given) / LIBRARY
        if not path.exists():
            pytest.skip(f"{path} was not built")
        return path
    folder = ROOT / "build" / "cuda_on_host"
    build(folder)
    return folder / LIBRARY


class Counts(ctypes.Structure):
    """What the emulated device has done so far (struct CudaOnHostCounts)."""

    _fields_ = [
        (name, ctypes.c_int64)
        for name in (
            "allocations",
            "host_allocations",
            "live_bytes",
            "kernels",
            "enqueued",
            "graph_launches",
            "graph_instantiations",
            "graph_updates",
            "graph_patches",
        )
    ]


class Emulator:
    """The controls of the emulated device; see tests/cuda_on_host/emulator.h."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(emulated_plugin()))
        self.library.cuda_on_host_problem.restype = ctypes.c_char_p

    def counts(self) -> Counts:
        counts = Counts()
        self.library.cuda_on_host_counts(ctypes.byref(counts))
        return counts

    def set_seed(self, seed: int) -> None:
        """The order of threads and blocks, and how late streams run; 0: streams run at once."""
        self.library.cuda_on_host_set_seed(ctypes.c_uint64(seed))

    def set_bytes(self, num_bytes: int) -> None:
        """The memory of the device."""
        self.library.cuda_on_host_set_bytes(ctypes.c_int64(num_bytes))

    def problem(self) -> str:
        """What broke the device; "": nothing."""
        return str(self.library.cuda_on_host_problem().decode())


def devices() -> str:
    """What `device="cuda"` means in this process, or why it means nothing."""
    return str(_core.config()["devices"])


def open_emulator() -> None:
    """Makes the emulated device the one that `device="cuda"` means in this process, and a double
    the cuBLASLt that programs with `fast` open. What they keep goes with the process."""
    os.environ.setdefault("INGOT_CUBLASLT", str(emulated_plugin().parent / CUBLASLT))
    if "INGOT_CACHE" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="ingot-cache-")
        atexit.register(folder.cleanup)
        os.environ["INGOT_CACHE"] = folder.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INGOT_CUDA_PLUGIN", str(emulated_plugin()))
        patch.setenv("INGOT_CACHE", os.devnull)  # no folder: compiled code is not kept
        assert "cuda on host" in devices()
