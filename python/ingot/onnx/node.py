"""One node of a model as the function of its operator sees it: operands, attributes, sizes.

What is wrong with the node raises FileError, what Ingot cannot do UnsupportedError; the caller puts
the node's name in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingot.dtypes import Array, DType
from ingot.errors import FileError, UnsupportedError
from ingot.tensor import Size, SizeLike, Tensor

from .package import dtype_from
from .values import Items, Maybe, Sizes, Value, check_small


@dataclass
class Node:
    """A node with its operands. `version` is that of the operator's definition; `attrs` holds the
    attributes that are given and the defaults of the others, as Python values."""

    op: str
    version: int
    inputs: Sequence[Value | None]
    attrs: Mapping[str, Any]
    outputs: int  # how many are named
    given: frozenset[str] = frozenset()  # the attributes that are not defaults
    names: Sequence[str] = ()  # of the operands
    sources: Callable[[str], frozenset[str]] = lambda _: frozenset()
    folding: bool = False  # only known operands, in the middle of a recording
    run_graph: Callable[[Any, Sequence[Value | None]], list[Value]] = lambda _graph, _values: []
    wanted: Sequence[bool] = ()  # which outputs are named

    # Operands.

    def has(self, i: int) -> bool:
        """Whether operand i is given."""
        return i < len(self.inputs) and self.inputs[i] is not None

    def value(self, i: int) -> Value:
        """Operand i as it is."""
        found = self.inputs[i] if i < len(self.inputs) else None
        if found is None:
            raise FileError(f"operand {i} is missing")
        return found

    def x(self, i: int = 0) -> Tensor:
        """Operand i, a tensor."""
        return tensor_of(self.value(i), f"operand {i}")

    def optional(self, i: int) -> Tensor | None:
        """Operand i, a tensor, where it is given."""
        return self.x(i) if self.has(i) else None

    def all(self) -> list[Tensor]:
        """Every operand, a tensor."""
        return [self.x(i) for i in range(len(self.inputs))]

    def items(self, i: int = 0) -> tuple[Value, ...]:
        """Operand i, a sequence."""
        found = self.value(i)
        if isinstance(found, Maybe) and found.value is not None:
            found = found.value
        if not isinstance(found, Items):
            raise FileError(f"operand {i} is no sequence")
        return found.values

    def dtype(self, i: int = 0) -> DType:
        """The element type of operand i."""
        found = self.value(i)
        return found.dtype if isinstance(found, Sizes) else self.x(i).dtype

    # Numbers that decide sizes.

    def known(self, i: int) -> Array:
        """The numbers of operand i. Raises UnsupportedError where only a run gives them."""
        found = self.value(i)
        if isinstance(found, Tensor) and not found.is_recorded:
            return found.numpy()
        raise self.unknown(i)

    def unknown(self, i: int) -> UnsupportedError:
        """The error for an operand whose numbers decide what a graph must know."""
        name = self.names[i] if i < len(self.names) else str(i)
        inputs = sorted(self.sources(name))
        error = UnsupportedError(
            f"unsupported: the result's type depends on the numbers of {name!r}"
            + (f", which come from {', '.join(inputs)}: expected values= for these" * bool(inputs))
        )
        error.inputs = tuple(inputs)
        return error

    def sizes(self, i: int) -> list[SizeLike]:
        """Operand i, a vector of integers or sizes."""
        found = self.value(i)
        if isinstance(found, Sizes):
            return list(found.array.ravel().tolist())
        return [int(n) for n in self.known(i).ravel().tolist()]

    def ints_at(self, i: int, otherwise: Sequence[int] | None = None) -> list[int]:
        """Operand i, a vector of known integers; `otherwise` where it is not given."""
        if otherwise is not None and not self.has(i):
            return list(otherwise)
        found = self.sizes(i)
        if any(isinstance(n, Size) for n in found):
            raise UnsupportedError(f"unsupported: operand {i} depends on sizes: got {found}")
        return [int(n) for n in found]  # type: ignore[arg-type]

    def number(self, i: int, *otherwise: Any) -> Any:
        """Operand i, one known number; `otherwise`, if there is one, where it is not given."""
        if otherwise and not self.has(i):
            return otherwise[0]
        array = self.known(i)
        if array.size != 1:
            raise FileError(f"operand {i} is no scalar: got shape {list(array.shape)}")
        return array.item()

    def small(self, shape: Sequence[SizeLike]) -> Sequence[SizeLike]:
        """The shape of a result that may be larger than the operands."""
        if any(isinstance(n, (int, np.integer)) and n < 0 for n in shape):
            raise FileError(f"a negative size: got {list(shape)}")
        check_small(shape, self.folding)
        return shape

    # Attributes.

    def attr(self, name: str, otherwise: Any = None) -> Any:
        """An attribute; where neither it nor a default is given, `otherwise`."""
        found = self.attrs.get(name)
        return otherwise if found is None else found

    def axis(self, name: str = "axis", rank: int | None = None, otherwise: int = 0) -> int:
        """An attribute that names an axis of operand 0, counted from the front."""
        return one_axis(int(self.attr(name, otherwise)), self.x().ndim if rank is None else rank)

    def data_type(self, name: str, otherwise: DType | None = None) -> DType:
        """An attribute that names an element type."""
        number = self.attrs.get(name)
        if not number:
            if otherwise is None:
                raise FileError(f"attribute {name!r} is missing")
            return otherwise
        return dtype_from(int(number), name)


def one_axis(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises FileError for one out of range."""
    if not -rank <= axis < rank:
        raise FileError(f"axis out of range: got {axis}, expected {-rank} <= axis < {rank}")
    return axis % rank if rank else 0


def many_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front, each once."""
    found = [one_axis(int(a), rank) for a in axes]
    if len(set(found)) != len(found):
        raise FileError(f"an axis is given twice: got {list(axes)}")
    return found


def tensor_of(value: Value, what: str = "operand") -> Tensor:
    """A value as a tensor. Raises FileError for a sequence or nothing."""
    if isinstance(value, Maybe) and value.value is not None:
        value = value.value
    if isinstance(value, Sizes):
        return value.tensor()
    if not isinstance(value, Tensor):
        raise FileError(f"{what} is no tensor: got {type(value).__name__}")
    return value


def known_size(n: SizeLike, what: str) -> int:
    """A size that must be a number. Raises UnsupportedError for a symbolic one."""
    if isinstance(n, Size):
        raise UnsupportedError(
            f"unsupported: {what} is symbolic: got {n}, expected a number; use dims="
        )
    return int(n)
