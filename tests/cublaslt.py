"""cuBLASLt as tests see it: its double, which the emulated device has."""

from __future__ import annotations

import ctypes

import pytest

NO_CALL, CREATE, SEARCH, CHECK, MULTIPLY = range(5)


class Counts(ctypes.Structure):
    """struct CublasLtOnHostCounts."""

    _fields_ = [
        (name, ctypes.c_int64)
        for name in (
            "handles",
            "descriptions",
            "layouts",
            "preferences",
            "searches",
            "products",
            "biases",
        )
    ]


class CublasLt:
    """cuBLASLt: the real one on a real device, else the double with its controls
    (tests/cuda_on_host/cublaslt/controls.h)."""

    def __init__(self, path: str | None) -> None:
        self.library = None if path is None else ctypes.CDLL(path)
        if self.library is not None:
            self.library.cublaslt_on_host_problem.restype = ctypes.c_char_p

    def counts(self) -> Counts | None:
        """So far; None where they are not known."""
        if self.library is None:
            return None
        counts = Counts()
        self.library.cublaslt_on_host_counts(ctypes.byref(counts))
        return counts

    def products(self) -> int | None:
        counts = self.counts()
        return None if counts is None else int(counts.products)

    def biases(self) -> int | None:
        """Products that a vector was added to."""
        counts = self.counts()
        return None if counts is None else int(counts.biases)

    def fail(self, call: int, status: int = 15) -> None:
        if self.library is None:
            pytest.skip("only the double of cuBLASLt fails on demand")
        self.library.cublaslt_on_host_fail(call, status)

    def problem(self) -> str:
        """What was wrong with what it was given."""
        return "" if self.library is None else str(self.library.cublaslt_on_host_problem().decode())
