"""The operators of Tensor: each names a function.

The functions register themselves in `operations` where they are defined, so that this module, and
`tensor`, know none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dtypes import Array
    from .tensor import Tensor, TensorLike

# Functions by name, filled by the modules that define them.
operations: dict[str, Callable[..., Any]] = {}


def call(name: str, *args: Any, **kwargs: Any) -> Tensor:
    """Calls the function of this name, which gives one tensor."""
    result: Tensor = operations[name](*args, **kwargs)
    return result


class Operators:
    """x + y and its like. `x += y` binds x to a new tensor: tensors are immutable."""

    __slots__ = ()

    def __add__(self, other: TensorLike) -> Tensor:
        return call("add", self, other)

    def __radd__(self, other: TensorLike) -> Tensor:
        return call("add", other, self)

    def __sub__(self, other: TensorLike) -> Tensor:
        return call("subtract", self, other)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return call("subtract", other, self)

    def __mul__(self, other: TensorLike) -> Tensor:
        return call("multiply", self, other)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return call("multiply", other, self)

    def __truediv__(self, other: TensorLike) -> Tensor:
        return call("divide", self, other)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return call("divide", other, self)

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return call("floor_divide", self, other)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return call("floor_divide", other, self)

    def __mod__(self, other: TensorLike) -> Tensor:
        return call("remainder", self, other)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return call("remainder", other, self)

    def __divmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return call("floor_divide", self, other), call("remainder", self, other)

    def __rdivmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return call("floor_divide", other, self), call("remainder", other, self)

    def __pow__(self, other: TensorLike) -> Tensor:
        return call("pow", self, other)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return call("pow", other, self)

    def __matmul__(self, other: Tensor | Array) -> Tensor:
        return call("matmul", self, other)

    def __rmatmul__(self, other: Tensor | Array) -> Tensor:
        return call("matmul", other, self)

    def __and__(self, other: TensorLike) -> Tensor:
        return call("bitwise_and", self, other)

    def __rand__(self, other: TensorLike) -> Tensor:
        return call("bitwise_and", other, self)

    def __or__(self, other: TensorLike) -> Tensor:
        return call("bitwise_or", self, other)

    def __ror__(self, other: TensorLike) -> Tensor:
        return call("bitwise_or", other, self)

    def __xor__(self, other: TensorLike) -> Tensor:
        return call("bitwise_xor", self, other)

    def __rxor__(self, other: TensorLike) -> Tensor:
        return call("bitwise_xor", other, self)

    def __lshift__(self, other: TensorLike) -> Tensor:
        return call("bitwise_left_shift", self, other)

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return call("bitwise_left_shift", other, self)

    def __rshift__(self, other: TensorLike) -> Tensor:
        return call("bitwise_right_shift", self, other)

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return call("bitwise_right_shift", other, self)

    def __neg__(self) -> Tensor:
        return call("negative", self)

    def __pos__(self) -> Tensor:
        return call("positive", self)

    def __abs__(self) -> Tensor:
        return call("abs", self)

    def __invert__(self) -> Tensor:
        return call("bitwise_invert", self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return call("equal", self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return call("not_equal", self, other)

    def __lt__(self, other: TensorLike) -> Tensor:
        return call("less", self, other)

    def __le__(self, other: TensorLike) -> Tensor:
        return call("less_equal", self, other)

    def __gt__(self, other: TensorLike) -> Tensor:
        return call("greater", self, other)

    def __ge__(self, other: TensorLike) -> Tensor:
        return call("greater_equal", self, other)

    __hash__ = object.__hash__

    def __getitem__(self, key: object) -> Tensor:
        return call("index", self, key)
