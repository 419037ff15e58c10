"""What names stand for while a model runs or is recorded: tensors, sizes, sequences, optionals.

`Sizes` are integers that are made of the sizes of inputs: exporters compute shapes with ordinary
ops, which `size_rules.py` follows, so that a recorded reshape gets sizes, not data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ingot.composite.joining import stack
from ingot.dtypes import DType
from ingot.ops.creation import size
from ingot.ops.movement import reshape
from ingot.recorder import active_recorder
from ingot.tensor import Size, SizeLike, Tensor, wrap

MAX_FOLDED_ELEMENTS = 4096


class Sizes:
    """An integer tensor of known numbers and symbolic sizes.

    array: of objects, int or Size. dtype: int64 or int32.
    """

    __slots__ = ("array", "dtype")

    def __init__(self, array: Any, dtype: DType | None = None) -> None:
        self.array = np.asarray(array, dtype=object)
        self.dtype = np.dtype(np.int64) if dtype is None else dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def tensor(self) -> Tensor:
        """As a recorded tensor."""
        parts = [size(n, dtype=self.dtype) for n in self.array.ravel().tolist()]
        if not parts:
            return wrap(np.zeros(self.shape, self.dtype))
        return reshape(stack(parts), self.shape) if self.shape else parts[0]


@dataclass(frozen=True)
class Items:
    """A sequence."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Maybe:
    """An optional: a value, or None for nothing."""

    value: Value | None


Value: TypeAlias = "Tensor | Sizes | Items | Maybe"


def integers(values: Sequence[SizeLike], dtype: DType | None = None) -> Tensor | Sizes:
    """Sizes as a vector: a tensor where every one is known."""
    return folded(Sizes(np.array([*values, None], dtype=object)[:-1], dtype))


def folded(sizes: Sizes) -> Tensor | Sizes:
    """The same, as a tensor where every number is known."""
    if any(isinstance(n, Size) for n in sizes.array.ravel().tolist()):
        return sizes
    return wrap(np.array(sizes.array.tolist(), sizes.dtype).reshape(sizes.shape))


def is_known(value: Value | None) -> bool:
    """Whether its numbers are there."""
    if isinstance(value, Items):
        return all(is_known(v) for v in value.values)
    if isinstance(value, Maybe):
        return is_known(value.value)
    return value is None or (isinstance(value, Tensor) and not value.is_recorded)


def is_small(value: Value | None) -> bool:
    """Whether it is known and cheap to compute with while recording."""
    if isinstance(value, Items):
        return all(is_small(v) for v in value.values)
    if isinstance(value, Maybe):
        return is_small(value.value)
    if not is_known(value):
        return False
    return value is None or (isinstance(value, Tensor) and value.numpy().size <= _MAX_OPERAND)


_MAX_OPERAND = 1024


class TooLarge(Exception):  # noqa: N818 (caught where it is raised for)
    """A known result that should be computed by the program, not kept as a constant."""


def check_small(shape: Sequence[SizeLike], folding: bool) -> None:
    """Raises TooLarge where a known result of this shape would be large."""
    known = [n for n in shape if not isinstance(n, Size)]
    if folding and math.prod(known) > MAX_FOLDED_ELEMENTS:
        raise TooLarge


def recording() -> bool:
    return active_recorder() is not None
