"""What torch's conventions have in common: scalars that count as vectors, truth values that are
added and multiplied, factors in the kind of what they multiply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ingot
from ingot import Tensor

Function = Callable[..., Any]
TRANSLATED: dict[str, Function] = {}


def torch_name(function: Function) -> Function:
    """Makes a function below the translation of torch's function of its name."""
    TRANSLATED[function.__name__.replace("__", ".")] = function
    return function


def axes(x: Tensor, dim: Any) -> Any:
    """No axis and () mean all of them; a scalar may be asked for its axis 0, which it lacks."""
    return None if dim is None or x.ndim == 0 or dim in ((), []) else dim


def vector(x: Tensor) -> Tensor:
    """A scalar counts as a vector of one element where torch wants an axis."""
    return ingot.reshape(x, (1,)) if x.ndim == 0 else x


def same_shape(result: Tensor, x: Tensor) -> Tensor:
    """A result computed of `vector(x)`, as a scalar where x is one."""
    return ingot.reshape(result, x.shape)


def is_bool(*operands: Any) -> bool:
    """Whether all are truth values, whose sum is or and whose product is and."""
    return all(isinstance(x, Tensor) and x.dtype == bool for x in operands)


def scalar_of(x: Tensor, value: float) -> float:
    """A factor in the kind of x: that of integers is cut to an integer."""
    return value if x.dtype.kind == "f" else int(value)
