"""What the namespace says of itself: `__array_namespace_info__` of the standard."""

from __future__ import annotations

from typing import Any

from ingot.composite.data_types import isdtype
from ingot.composite.operands import check_device
from ingot.dtypes import DType, dtype_of

# The standard's dtypes but the complex ones, which no op but movement and comparison takes.
DTYPES: dict[str, DType] = {
    name: dtype_of(name)
    for name in (
        "bool",
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        "float32",
        "float64",
    )
}
_MAX_RANK = 8


class Info:
    """Answers of the namespace about devices, dtypes and what is possible."""

    def capabilities(self) -> dict[str, Any]:
        """Eagerly everything; while recording sizes cannot be data."""
        return {
            "boolean indexing": True,
            "data-dependent shapes": True,
            "max dimensions": _MAX_RANK,
        }

    def default_device(self) -> str:
        """Where new tensors lie."""
        return "cpu"

    def devices(self) -> list[str]:
        """Where tensors can lie."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """The dtypes of Python numbers, and of indices."""
        check_device("default_dtypes", device)
        return {
            "real floating": dtype_of("float32"),
            "complex floating": dtype_of("complex64"),
            "integral": dtype_of("int64"),
            "indexing": dtype_of("int64"),
        }

    def dtypes(
        self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """The dtypes of a kind (of `isdtype`) by name, by default all."""
        check_device("dtypes", device)
        return {n: d for n, d in DTYPES.items() if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Info:  # noqa: N807 (the standard's name)
    """Answers about the namespace.

    >>> import ingot.array_api as xp
    >>> xp.__array_namespace_info__().default_device()
    'cpu'
    """
    return Info()
