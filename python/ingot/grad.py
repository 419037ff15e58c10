"""Reverse-mode derivatives: backward, grad, value_and_grad, vjp.

They walk the tape (tape.py) that ops leave behind, eagerly or while recording: a recorded function
that calls them yields one graph with the forward and the backward pass in it. The method is
reverse accumulation (Griewank and Walther, Evaluating Derivatives, 2008, chapter 3).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from . import tape
from .composite.creation import ones_like, zeros_like
from .dtypes import is_float
from .errors import ArgumentError, DTypeError, ShapeError
from .inputs import map_leaves
from .ops.axes import as_tensor
from .tape import is_grad_enabled
from .tensor import Tensor, operations

__all__ = ["grad", "is_grad_enabled", "no_grad", "value_and_grad", "vjp"]

Function = Callable[..., Any]


class no_grad(contextlib.ContextDecorator):  # noqa: N801 (torch's name)
    """Inside the block, or the decorated function, no op is noted for gradients.

    >>> import ingot
    >>> x = ingot.tensor([1.0])
    >>> x.requires_grad = True
    >>> with ingot.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __enter__(self) -> no_grad:
        self._mode = tape.grad_mode(False)
        self._mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)

    def _recreate_cm(self) -> no_grad:  # a decorated function may call itself
        return no_grad()


def backward(y: Tensor, gradient: Tensor | None = None, create_graph: bool = False) -> None:
    """Adds the gradient of `y` to `.grad` of every leaf that it was computed from."""
    if not y.requires_grad:
        raise ArgumentError(
            "backward: nothing to differentiate: no tensor that it was computed from "
            "has requires_grad"
        )
    start = _cotangent("backward", y, gradient)
    walk = tape.Walk(None)
    with tape.grad_mode(create_graph):
        walk.add(y, start)
        walk.run()
        for leaf, found in walk.leaves.values():
            if leaf._requires_grad:
                leaf.grad = found if leaf.grad is None else operations["add"](leaf.grad, found)


operations["backward"] = backward


def _cotangent(what: str, y: Tensor, gradient: Any) -> Tensor:
    if gradient is None:
        if y.shape != ():
            raise ShapeError(
                f"{what}: not a scalar: got shape {list(y.shape)}, "
                "expected [] or the gradient of the result"
            )
        return ones_like(y)
    given = as_tensor(what, gradient)
    if given.shape != y.shape:
        raise ShapeError(
            f"{what}: wrong shape of the gradient: got {list(given.shape)}, "
            f"expected {list(y.shape)}"
        )
    if given.dtype != y.dtype:
        raise DTypeError(
            f"{what}: wrong dtype of the gradient: got {given.dtype}, expected {y.dtype}"
        )
    return given


def vjp(function: Function, *args: Any) -> tuple[Any, Function]:
    """The result of function(*args), and the function that pulls a gradient of the result back.

    args: tensors, arrays, or nested tuples, lists and dicts of them. The second function takes the
    gradient of the result, nested like it (None: ones, for a scalar), and returns a tuple with the
    gradient of each argument, nested like it; for integers it is None.

    >>> import ingot
    >>> y, pull = ingot.vjp(lambda x: x * x, ingot.tensor([1.0, 2.0]))
    >>> pull(ingot.tensor([1.0, 10.0]))
    (Tensor([ 2., 40.], dtype=float32),)
    """
    inputs, outputs, result = _apply("vjp", function, args, range(len(args)))

    def pull(gradient: Any = None) -> tuple[Any, ...]:
        given = [None] if gradient is None else _leaves(gradient)
        if len(given) != len(outputs):
            raise ArgumentError(
                f"vjp: wrong number of gradients: got {len(given)}, expected {len(outputs)}"
            )
        pairs = zip(outputs, given, strict=True)
        starts = [_cotangent("vjp", y, g) if y.requires_grad else None for y, g in pairs]
        return tuple(_gradients(inputs, outputs, starts))

    return result, pull


def value_and_grad(
    function: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """A function that returns function(*args) and its gradient.

    function: gives a scalar, or with has_aux a pair of a scalar and anything. argnums: which
    arguments to differentiate: one number gives one gradient, a sequence a tuple of them, each
    nested like its argument. Raises ShapeError where the result is no scalar, DTypeError where
    an argument holds integers.

    >>> import ingot
    >>> ingot.value_and_grad(lambda x: ingot.sum(x * x))(ingot.tensor([1.0, 3.0]))
    (Tensor(10., dtype=float32), Tensor([2., 6.], dtype=float32))
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        numbers = [argnums] if isinstance(argnums, int) else list(argnums)
        for number in numbers:
            if not -len(args) <= number < len(args):
                raise ArgumentError(
                    f"grad: no argument {number}: got {len(args)} positional arguments"
                )
        places = [number % len(args) for number in numbers]

        def call(*inner: Any) -> Any:
            return function(*inner, **kwargs)

        inputs, _, result = _apply("grad", call, args, places, strict=True)
        value = result[0] if has_aux else result
        y = as_tensor("grad", value)
        start = _cotangent("grad", y, None) if y.requires_grad else None
        if start is None and y.shape != ():
            _cotangent("grad", y, None)  # not a scalar
        found = _gradients([inputs[i] for i in places], [y], [start])
        return result, found[0] if isinstance(argnums, int) else tuple(found)

    return differentiated


def grad(function: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of a scalar function; see `value_and_grad`.

    With has_aux it returns the pair of the gradient and what the function gave beside the scalar.

    >>> import ingot
    >>> cube = lambda x: x * x * x
    >>> ingot.grad(ingot.grad(cube))(ingot.tensor(2.0))
    Tensor(12., dtype=float32)
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        result, found = value_and_grad(function, argnums, has_aux)(*args, **kwargs)
        return (found, result[1]) if has_aux else found

    return differentiated


def _apply(
    what: str, function: Function, args: Sequence[Any], places: Sequence[int], strict: bool = False
) -> tuple[list[Any], list[Tensor], Any]:
    """Calls the function on aliases of the arguments at `places`. Gives the arguments with the
    aliases in them, the leaves of the result, and the result."""

    def stand_in(_: str, leaf: Any) -> Any:
        x = as_tensor(what, leaf)
        if strict:
            tape.require_float(what, x)
        return tape.alias(x, leaf=is_float(x.dtype))

    inputs = [map_leaves(a, "", stand_in) if i in places else a for i, a in enumerate(args)]
    with tape.grad_mode(True):
        result = function(*inputs)
    return inputs, [x for x in _leaves(result) if isinstance(x, Tensor)], result


def _leaves(value: Any) -> list[Any]:
    found: list[Any] = []
    map_leaves(value, "", lambda _, leaf: found.append(leaf))
    return found


def _gradients(inputs: Sequence[Any], outputs: Sequence[Tensor], starts: tape.Gradients) -> Any:
    """Gradients nested like `inputs`: zeros where nothing depends on one, None for integers."""
    targets = [x for x in _leaves(list(inputs)) if x.requires_grad]
    found = tape.pull_back(outputs, starts, targets)
    by_id = {id(t): g for t, g in zip(targets, found, strict=True)}

    def gradient(_: str, x: Tensor) -> Tensor | None:
        if not x.requires_grad:
            return None
        g = by_id[id(x)]
        return zeros_like(x) if g is None else g

    return map_leaves(list(inputs), "", gradient)
