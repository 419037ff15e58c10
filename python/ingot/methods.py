"""The methods of Tensor that are functions of the same name, with the tensor as first operand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .operators import call, operations

if TYPE_CHECKING:
    from .tensor import Tensor


class Method:
    """x.name(...) is ingot.name(x, ...); on the class it is the function itself, so that
    help(Tensor.name) shows its signature and docstring."""

    def __init__(self, function: str = "") -> None:
        """function: its name, where it is not the method's."""
        self._function = function

    def __set_name__(self, owner: type, name: str) -> None:
        self._function = self._function or name

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Tensor]:
        return self._bound(instance)

    def _bound(self, instance: object) -> Callable[..., Any]:
        function = operations[self._function]
        return function if instance is None else functools.partial(function, instance)


class MethodOfMany(Method):
    """A method that gives several tensors."""

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        return self._bound(instance)


class Methods:
    """Names of the array API and NumPy, and the usual ones of torch."""

    __slots__ = ()

    # Element by element.
    abs = Method()
    astype = Method()
    ceil = Method()
    clamp = Method("clip")
    clip = Method()
    cos = Method()
    exp = Method()
    floor = Method()
    isfinite = Method()
    isinf = Method()
    isnan = Method()
    log = Method()
    masked_fill = Method()
    pow = Method()
    reciprocal = Method()
    relu = Method()
    round = Method()
    rsqrt = Method()
    sigmoid = Method()
    sign = Method()
    sin = Method()
    sqrt = Method()
    square = Method()
    tanh = Method()
    trunc = Method()

    # Over axes.
    all = Method()
    amax = Method("max")
    amin = Method("min")
    any = Method()
    argmax = Method()
    argmin = Method()
    argsort = Method()
    count_nonzero = Method()
    cumprod = Method("cumulative_prod")
    cumsum = Method("cumulative_sum")
    cumulative_prod = Method()
    cumulative_sum = Method()
    log_softmax = Method()
    logsumexp = Method()
    max = Method()
    mean = Method()
    min = Method()
    nonzero = MethodOfMany()
    prod = Method()
    softmax = Method()
    sort = Method()
    std = Method()
    sum = Method()
    topk = MethodOfMany()
    var = Method()

    # Rearranged.
    broadcast_to = Method()
    chunk = MethodOfMany()
    diagonal = Method()
    expand_dims = Method()
    flatten = Method()
    flip = Method()
    index_select = Method()
    movedim = Method("moveaxis")
    narrow = Method()
    ravel = Method()
    repeat = Method()
    roll = Method()
    split = MethodOfMany()
    squeeze = Method()
    swapaxes = Method()
    take = Method()
    tile = Method()
    trace = Method()
    tril = Method()
    triu = Method()
    unbind = MethodOfMany()
    unflatten = Method()
    unsqueeze = Method("expand_dims")

    # Contracted.
    dot = Method()
    matmul = Method()

    def reshape(self, *shape: Any) -> Tensor:
        """As `ingot.reshape`; the sizes may be given one by one."""
        return call("reshape", self, _spread(shape))

    view = reshape

    def permute_dims(self, *axes: Any) -> Tensor:
        """As `ingot.permute_dims`; the axes may be given one by one."""
        return call("permute_dims", self, _spread(axes))

    permute = permute_dims

    @property
    def at(self) -> Any:
        """x.at[key].set(value) is x with other elements at x[key]; see `ingot.at`."""
        return operations["at"](self)

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The transpose of a matrix."""
        ndim = len(self.shape)  # type: ignore[attr-defined]
        if ndim != 2:
            raise ArgumentError(f"T: wrong rank: got {ndim}, expected 2; use mT or permute_dims")
        return call("permute_dims", self, (1, 0))

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes exchanged."""
        return call("matrix_transpose", self)


def _spread(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """f(2, 3) and f((2, 3)) mean the same."""
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        return tuple(given[0])
    return given
