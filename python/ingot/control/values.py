"""Nested values of branches and loops as lists of tensors, and the checks that they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingot import tape
from ingot.composite.creation import zeros_like
from ingot.dtypes import convert, text_name
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.inputs import map_leaves
from ingot.ops.axes import as_tensor
from ingot.ops.pointwise_compare import not_equal
from ingot.origin import at_user_line
from ingot.tensor import SizeLike, Tensor, wrap

Type = tuple[str, tuple[SizeLike, ...]]


@dataclass(frozen=True)
class Values:
    """The leaves of one nested value; None stands for nothing."""

    what: str  # whose: "scan: the carried value"
    names: list[str]
    leaves: list[Tensor]
    rebuild: Callable[[Sequence[Any]], Any]


def flatten(what: str, value: Any) -> Values:
    """The leaves as tensors, with their dotted names."""
    names: list[str] = []
    leaves: list[Tensor] = []

    def add(name: str, leaf: Any) -> None:
        if leaf is not None:
            names.append(name)
            leaves.append(as_tensor(what, leaf))

    map_leaves(value, "", add)

    def rebuild(new: Sequence[Any]) -> Any:
        rest = iter(new)
        return map_leaves(value, "", lambda _, leaf: None if leaf is None else next(rest))

    return Values(what, names, leaves, rebuild)


def fitting(expected: Values, value: Any) -> list[Tensor]:
    """The leaves of a value that must be nested and typed as `expected`; Python numbers adapt."""
    leaves: dict[str, Any] = {}
    map_leaves(value, "", lambda n, leaf: leaves.update({n: leaf} if leaf is not None else {}))
    if list(leaves) != expected.names:
        raise ArgumentError(
            f"{expected.what} is nested differently: got {_list(list(leaves))}, "
            f"expected {_list(expected.names)}{at_user_line()}"
        )
    pairs = zip(leaves.items(), expected.leaves, strict=True)
    return [_fitting_leaf(expected.what, name, leaf, like) for (name, leaf), like in pairs]


def _fitting_leaf(what: str, name: str, leaf: Any, like: Tensor) -> Tensor:
    if isinstance(leaf, (bool, int, float)) and not isinstance(leaf, np.generic):
        leaf = wrap(convert(np.asarray(leaf), like.dtype))
    tensor = as_tensor(what, leaf)
    if tensor.dtype != like.dtype or tensor.shape != like.shape:
        error = DTypeError if tensor.dtype != like.dtype else ShapeError
        raise error(
            f"{what}{name} changes its type: got {type_text(tensor)}, "
            f"expected {type_text(like)}{at_user_line()}"
        )
    return tensor


def _list(names: Sequence[str]) -> str:
    if names == [""]:
        return "a tensor"
    return ", ".join(n.removeprefix(".") for n in names) if names else "nothing"


def type_of(x: Tensor) -> Type:
    """As the builder takes it."""
    return text_name(x.dtype), x.shape


def type_text(x: Tensor) -> str:
    return f"{text_name(x.dtype)}[{','.join(str(n) for n in x.shape)}]"


def truth_of(what: str, value: Any) -> Tensor:
    """A condition: one bool, or a number, of which 0 is false."""
    tensor = as_tensor(what, value)
    if tensor.shape != ():
        raise ShapeError(
            f"{what}: the condition is no scalar: got {type_text(tensor)}, "
            f"expected bool[]{at_user_line()}"
        )
    return tensor if tensor.dtype == np.bool_ else not_equal(tensor, 0)


def or_zeros(gradients: tape.Gradients, like: Sequence[Tensor]) -> list[Tensor]:
    """Gradients, with zeros where there are none."""
    return [zeros_like(x) if g is None else g for g, x in zip(gradients, like, strict=True)]


class Retrace(Exception):  # noqa: N818 (caught where it is raised for)
    """A body has to be recorded again, because more of its values want gradients."""


def marked(arguments: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
    """Region arguments, marked where their gradient is wanted."""
    for x, want in zip(arguments, wanted, strict=True):
        x._requires_grad = want
    return list(arguments)


def aliases(tensors: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
    """Aliases to differentiate a body by."""
    return [tape.alias(x, leaf=want) for x, want in zip(tensors, wanted, strict=True)]


def outside(outputs: Sequence[Tensor], since: int, inside: Sequence[Tensor]) -> list[Tensor]:
    """What outputs depend on differentiably, less a body's own arguments."""
    own = {id(x) for x in inside}
    return [x for x in tape.reached(outputs, since) if id(x) not in own]
