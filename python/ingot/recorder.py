"""One recording in progress: turns tensors and arrays into values of a graph, and names them.

`bind` sends every op here while a recorder is active on the thread. A captured array becomes a
param (small unnamed ones a constant), once for each array, under the name by which the function
knows it.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .dtypes import Array
from .errors import RecordError
from .origin import at_user_line, user_frame, user_line
from .tensor import Holder, SizeLike, Tensor, eager_array, recorded_grads, wrap

MAX_CONSTANT_ELEMENTS = 16

_active: ContextVar[Recorder | None] = ContextVar("ingot_recorder", default=None)


def active_recorder() -> Recorder | None:
    """The recorder that takes the ops of this thread, if any."""
    return _active.get()


@contextmanager
def eagerly() -> Iterator[None]:
    """Ops inside are computed at once, also in the middle of a recording."""
    token = _active.set(None)
    try:
        yield
    finally:
        _active.reset(token)


@dataclass
class _Held:
    """A State in a recording: kept alive, with what it holds there."""

    state: Any
    tensor: Tensor
    assigned: bool = False


class Recorder:
    """Thread rule: one recording, one thread."""

    def __init__(self, name: str, function: Callable[..., Any] | None = None) -> None:
        self.name = name
        self.module = _core.Module()
        self.builder = _core.Builder(self.module, name)
        self._ranges: dict[str, tuple[int, int | None]] = {}
        # By id of the numbers: what is kept alive, its value, in how many regions it was captured.
        self._captured: dict[int, tuple[object, _core.Value, int]] = {}
        self._arrays: dict[int, tuple[Array, Tensor]] = {}  # plain arrays and what stands for them
        self._names = dict(named_arrays(function)) if function is not None else {}
        self._used: set[str] = set()
        self._calls: dict[str, int] = {}
        self._composite = ""
        self._states: dict[int, _Held] = {}
        self._params: dict[int, tuple[Any, Tensor]] = {}  # by id of the State, kept alive
        self._depth = 0  # of open regions

    @contextmanager
    def recording(self) -> Iterator[Recorder]:
        """Makes this the recorder of the thread."""
        token = _active.set(self)
        grads = recorded_grads.set({})
        try:
            yield self
        finally:
            recorded_grads.reset(grads)
            _active.reset(token)

    @contextmanager
    def composite(self, name: str) -> Iterator[None]:
        """Tags the nodes recorded inside as of one call, unless a call around it does."""
        if self._composite:
            yield
            return
        self._calls[name] = self._calls.get(name, 0) + 1
        self._composite = f"{name}.{self._calls[name]}"
        try:
            yield
        finally:
            self._composite = ""

    def declare_dim(self, name: str, lo: int, hi: int | None) -> None:
        """Declares a dim at its first use."""
        if name not in self._ranges:
            self.builder.declare_dim(name, lo, hi)
            self._ranges[name] = (lo, hi)

    def range_of(self, dim: str) -> tuple[int, int | None]:
        """(least, most) of a declared dim; most None: no upper bound."""
        return self._ranges[dim]

    def add_input(self, name: str, dtype: str, shape: Sequence[SizeLike]) -> Tensor:
        """Adds an input of the graph."""
        self._used.add(name)
        return Tensor(None, self.builder.add_input(name, dtype, shape), self)

    def add_node(self, op: str, operands: Sequence[Any], attrs: Mapping[str, Any]) -> list[Tensor]:
        """Appends one application of an op; operands are tensors, or arrays that become
        constants."""
        values = [self.value(x) for x in operands]
        file, line = user_line()
        results = self.builder.add_node(op, values, attrs, (file, line, self._composite))
        return [Tensor(None, value, self) for value in results]

    # Regions.

    def node(
        self, op: str, operands: Sequence[Any], attrs: Mapping[str, Any]
    ) -> AbstractContextManager[list[Tensor]]:
        """A node with regions, which are recorded inside the block; the list holds its results
        afterwards. An error inside leaves the recording as if the node had never been begun."""
        return self._node(op, operands, attrs, user_line())  # the block's entry has no user's line

    @contextmanager
    def _node(
        self, op: str, operands: Sequence[Any], attrs: Mapping[str, Any], origin: tuple[str, int]
    ) -> Iterator[list[Tensor]]:
        values = [self.value(x) for x in operands]
        results: list[Tensor] = []
        self.builder.begin_node(op, values, attrs, (*origin, self._composite))
        self._depth += 1
        try:
            yield results
        except BaseException:
            self.builder.abandon_node()
            # What was captured inside is gone.
            self._captured = {k: v for k, v in self._captured.items() if v[2] < self._depth}
            raise
        else:
            results += [Tensor(None, value, self) for value in self.builder.end_node()]
        finally:
            self._depth -= 1

    def begin_region(self, types: Sequence[tuple[str, Sequence[SizeLike]]]) -> list[Tensor]:
        """Opens the next region of the node begun last; gives its arguments."""
        return [Tensor(None, value, self) for value in self.builder.begin_region(types)]

    def end_region(self, returns: Sequence[Tensor]) -> None:
        """Closes the region."""
        self.builder.end_region([self.value(x) for x in returns])

    # States.

    def read_state(self, state: Any) -> Tensor:
        """What a State holds at this point of the recording."""
        if id(state) not in self._states:
            array = np.asarray(state.initial().numpy(), order="C")
            if state.name is None:
                state.name = self._unique(self._name_of(state) or "state")
            self._used.add(state.name)
            zeros = not array.tobytes().strip(b"\0")
            value = self.builder.add_state(state.name, array, zeros)
            held = Tensor(None, value, self)
            held._requires_grad = state.requires_grad
            self._states[id(state)] = _Held(state, held)
        return self._states[id(state)].tensor

    def write_state(self, state: Any, tensor: Tensor) -> None:
        """Assigns: later reads give `tensor`, and the last one becomes the update."""
        if self._depth:
            raise RecordError(
                f"{state}: assigned inside a branch or a loop: expected the value to be returned "
                f"from it and assigned outside{at_user_line()}"
            )
        self.read_state(state)
        held = self._states[id(state)]
        held.tensor, held.assigned = tensor, True

    def param_of(self, state: Any) -> Tensor:
        """What a State holds outside, captured as a param of its name."""
        if id(state) not in self._params:
            held = Tensor(state.initial().numpy(), name=state.name or self._name_of(state))
            held._requires_grad = state.requires_grad
            self._params[id(state)] = state, held
            self.value(held)
        return self._params[id(state)][1]

    def _name_of(self, holder: Any) -> str | None:
        return self._names.get(id(holder)) or _local_name(holder)

    def states(self) -> list[Any]:
        """Every State that was read or assigned."""
        return [held.state for held in self._states.values()]

    def add_updates(self) -> None:
        """Makes the last assignment of every state its update."""
        for held in self._states.values():
            if held.assigned:
                self.builder.add_update(held.state.name, self.value(held.tensor))

    def tensor_of(self, array: Array) -> Tensor:
        """The tensor that stands for a plain array: the same one as long as its numbers are."""
        known = self._arrays.get(id(array))
        if known is not None and known[1].numpy().tobytes() == array.tobytes():
            return known[1]
        tensor = wrap(eager_array("record", array).copy())
        if id(array) in self._names:
            self._names[id(tensor)] = self._names[id(array)]
        elif (name := _local_name(array)) is not None:
            self._names[id(tensor)] = name
        self._arrays[id(array)] = (array, tensor)
        return tensor

    def value(self, x: Tensor | Array) -> _core.Value:
        """The value of an operand: recorded here, or captured now."""
        if isinstance(x, Tensor) and x._value is not None:
            if x._recorder is not self:
                raise RecordError(
                    f"record: a tensor of another recording: got one of {x._recorder}, "
                    f"expected one of {self}"
                )
            return x._value
        numbers = x.numpy() if isinstance(x, Tensor) else x  # those that aliases share
        if id(numbers) not in self._captured:
            self._captured[id(numbers)] = (x, self._capture(x), self._depth)
        return self._captured[id(numbers)][1]

    def __str__(self) -> str:
        return f"the recording of {self.name!r}"

    def _capture(self, x: Tensor | Array) -> _core.Value:
        array = eager_array("record", x)
        given = x.name if isinstance(x, Tensor) else None
        small = array.size <= MAX_CONSTANT_ELEMENTS and array.dtype.kind != "c"
        if given is None and small:
            return self.builder.add_constant(array)
        name = given or self._names.get(id(x)) or _local_name(x) or "param"
        return self.builder.add_param(self._unique(name), np.asarray(array, order="C"))

    def _unique(self, name: str) -> str:
        """`name`, or name_2, name_3, ... (param0, param1, ... where there is no name)."""
        number = 0 if name == "param" else 2
        candidate = name if number else "param0"
        while candidate in self._used:
            number += 1
            candidate = f"{name}{number}" if name == "param" else f"{name}_{number - 1}"
        self._used.add(candidate)
        return candidate


def _local_name(x: object) -> str | None:
    """The name of the variable of the user's innermost function that holds `x`."""
    frame = user_frame()
    if frame is None:
        return None
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if value is x:
                return name
    return None


def named_arrays(function: Callable[..., Any]) -> Iterator[tuple[int, str]]:
    """(id, name) of the tensors and arrays that a function reaches through its closure, its
    globals, its `self` or itself as a callable object: w, layers.0.weight, ..."""
    seen: set[int] = set()
    found: dict[int, str] = {}
    for name, value in _roots(function):
        for key, path in _walk(value, name, seen, depth=6):
            found.setdefault(key, path)
    yield from found.items()


def _roots(function: Callable[..., Any]) -> Iterator[tuple[str, object]]:
    while isinstance(function, functools.partial):
        yield from function.keywords.items()
        function = function.func
    if isinstance(function, types.MethodType):
        yield "", function.__self__
        function = function.__func__
    if not isinstance(function, types.FunctionType):
        yield "", function
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a variable that is not set yet
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _walk(value: object, path: str, seen: set[int], depth: int) -> Iterator[tuple[int, str]]:
    if isinstance(value, (Tensor, np.ndarray, Holder)):
        yield id(value), path or "param"
        return
    if depth == 0 or id(value) in seen:
        return
    seen.add(id(value))
    prefix = f"{path}." if path else ""
    for key, item in _children(value):
        yield from _walk(item, f"{prefix}{key}", seen, depth - 1)


def _children(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from ((k, v) for k, v in value.items() if isinstance(k, (str, int)))
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif not isinstance(
        value, (type, types.ModuleType, types.FunctionType, str, bytes, int, float)
    ):
        yield from getattr(value, "__dict__", {}).items()
