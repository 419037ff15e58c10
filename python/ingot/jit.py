"""jit: a function that is recorded once for each signature of its arguments, then runs as a
program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from .errors import ArgumentError
from .inputs import map_leaves
from .program import Program, compile
from .record import record
from .recorder import active_recorder
from .state import State
from .tape import is_grad_enabled
from .tensor import Holder, Tensor, eager_array, wrap

P = ParamSpec("P")
R = TypeVar("R")
_NUMBERS = (bool, int, float, complex, np.generic)


@dataclass
class _Entry:
    """One signature: its program, how its results nest, and the states that it reads."""

    program: Program
    rebuild: Callable[[list[Tensor]], Any]
    states: list[State]


class Jitted(Generic[P, R]):
    """What `jit` gives. Thread rule: one call at a time."""

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._options = options
        self._entries: dict[Hashable, _Entry] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        tensors: list[Tensor] = []
        shape: list[Hashable] = []

        def visit(name: str, leaf: Any) -> None:
            if isinstance(leaf, (Tensor, Holder, np.ndarray, *_NUMBERS)):
                tensor = leaf.value if isinstance(leaf, Holder) else leaf
                tensor = (
                    tensor
                    if isinstance(tensor, Tensor)
                    else wrap(eager_array("jit", tensor).copy())
                )
                tensors.append(tensor)
                shape.append((name, tensor.dtype, tensor.shape))
            else:
                shape.append((name, leaf))

        map_leaves([args, kwargs], "", visit)
        differentiated = is_grad_enabled() and any(x.requires_grad for x in tensors)
        if active_recorder() is not None or differentiated:
            return self._function(*args, **kwargs)
        try:
            entry = self._entries.get(tuple(shape))
        except TypeError:
            raise ArgumentError(
                "jit: an argument that is neither an array nor hashable: "
                "expected tensors, arrays, numbers, or values that can be compared"
            ) from None
        if entry is None:
            entry = self._entries[tuple(shape)] = self._record((args, kwargs), tensors)
        result: R = _run(entry, tensors)
        return result

    @property
    def programs(self) -> list[Program]:
        """The programs made so far, one for each signature."""
        return [entry.program for entry in self._entries.values()]

    def _record(self, given: Any, tensors: list[Tensor]) -> _Entry:
        template: list[Any] = []

        def flat(*arguments: Tensor) -> list[Tensor]:
            rest = iter(arguments)
            kinds = (Tensor, Holder, np.ndarray, *_NUMBERS)
            args, kwargs = map_leaves(
                given, "", lambda _, leaf: next(rest) if isinstance(leaf, kinds) else leaf
            )
            template[:] = [self._function(*args, **kwargs)]
            leaves: list[Tensor] = []
            map_leaves(template[0], "", lambda _, x: leaves.append(x) if x is not None else None)
            return leaves

        graph = record(flat, *tensors, name=getattr(self._function, "__name__", "main"))

        def rebuild(results: list[Tensor]) -> Any:
            rest = iter(results)
            return map_leaves(template[0], "", lambda _, x: None if x is None else next(rest))

        return _Entry(compile(graph, **self._options), rebuild, graph.states)


def _run(entry: _Entry, tensors: list[Tensor]) -> Any:
    """States go into the session before the run, and come back after it."""
    held = entry.program.default_session.state
    for state in entry.states:
        held[str(state.name)] = state.value.numpy()
    found = entry.program.entry().run([x.numpy() for x in tensors])
    for state in entry.states:
        state.value = held[str(state.name)]
    return entry.rebuild([wrap(x) for x in found.values()])


@overload
def jit(function: Callable[P, R], **options: Any) -> Jitted[P, R]: ...
@overload
def jit(function: None = None, **options: Any) -> Callable[[Callable[P, R]], Jitted[P, R]]: ...


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Makes a function that records itself once for each signature and then runs as a program.

    A signature is the nesting of the arguments, the shapes and dtypes of arrays and numbers among
    them, and the values of all else, which must be hashable. options: as of `compile`. Results are
    tensors, nested as the function nests them. What the function reads from outside is captured
    when it is recorded; States are read and assigned at every call. Inside a recording, and for
    arguments that want gradients, the plain function is called: differentiate inside
    (`jit(grad(f))`).

    >>> import ingot
    >>> @ingot.jit
    ... def double(x):
    ...     return x + x
    >>> double(ingot.tensor([1.0, 2.0]))
    Tensor([2., 4.], dtype=float32)
    >>> len(double.programs)
    1
    """
    if function is None:
        return lambda wrapped: Jitted(wrapped, options)
    return Jitted(function, options)
