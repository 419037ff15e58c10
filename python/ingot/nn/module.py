"""Module: a function with weights; and Sequential."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ingot.dtypes import DTypeLike, convert, is_float
from ingot.errors import ArgumentError
from ingot.tensor import Tensor

from .parameters import Buffer, Parameter

__all__ = ["Module", "Sequential"]

Self = TypeVar("Self", bound="Module")


class Module:
    """A function with weights: subclasses set attributes and define `forward`.

    Attributes that are Parameters, Buffers or Modules, or lists, tuples or dicts of Modules, are
    found by the methods below, under dotted names. A new module is in training mode; call `eval()`
    before recording it for inference, so that its weights become params.
    Thread rule: as of States.

    >>> import ingot
    >>> class Scale(ingot.nn.Module):
    ...     def __init__(self):
    ...         self.factor = ingot.nn.Parameter([2.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = Scale()
    >>> model(ingot.tensor([3.0]))
    Tensor([6.], dtype=float32)
    >>> ingot.record(model.eval(), ingot.Spec((1,))).module.params
    [('factor', 'f32', (1,))]
    """

    training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What a call computes."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:  # inputs of a recording are named after it
        return inspect.signature(self.forward)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside it, each once."""
        seen: set[int] = set()
        for name, found in _walk(self, prefix):
            if isinstance(found, Module) and id(found) not in seen:
                seen.add(id(found))
                yield name, found

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Every parameter once, under the first of its names."""
        seen: set[int] = set()
        for name, found in _walk(self, prefix):
            if isinstance(found, Parameter) and id(found) not in seen:
                seen.add(id(found))
                yield name, found

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Buffer]]:
        """Every buffer that is no parameter."""
        for name, found in _walk(self, prefix):
            if isinstance(found, Buffer) and not isinstance(found, Parameter):
                yield name, found

    def state_dict(self) -> dict[str, Tensor]:
        """What parameters and buffers hold, by name."""
        return {n: x.initial().detach() for n, x in _walk(self, "") if isinstance(x, Buffer)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Sets parameters and buffers from arrays, or anything that NumPy reads, by name.

        Numbers are cast to what is there. Raises ArgumentError where names are missing or, with
        strict, unknown; ShapeError where a shape differs, before anything is set.
        """
        held = {name: x for name, x in _walk(self, "") if isinstance(x, Buffer)}
        missing = [name for name in held if name not in state]
        unknown = [name for name in state if name not in held]
        if strict and (missing or unknown):
            raise ArgumentError(
                f"load_state_dict: names differ: missing {', '.join(missing) or 'none'}, "
                f"unknown {', '.join(unknown) or 'none'}"
            )
        fitting = {
            name: x._fitting(convert(np.asarray(state[name]), x.dtype))
            for name, x in held.items()
            if name in state
        }
        for name, value in fitting.items():
            held[name].value = value

    def train(self: Self, mode: bool = True) -> Self:
        """Training mode, or with False evaluation mode, for everything inside."""
        for _, found in _walk(self, ""):
            found.training = mode
        return self

    def eval(self: Self) -> Self:
        """Evaluation mode: dropout and batch statistics are off, weights are recorded as params."""
        return self.train(False)

    def to(self: Self, dtype: DTypeLike) -> Self:
        """Casts all parameters and buffers of floats."""
        for _, found in _walk(self, ""):
            if isinstance(found, Buffer) and is_float(found.dtype):
                found.convert_to(dtype)
        return self

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.value.grad = None

    def __repr__(self) -> str:
        inside = [f"{name}={value!r}" for name, value in vars(self).items() if _holds(value)]
        return f"{type(self).__name__}({', '.join(inside)})"


def _holds(value: object) -> bool:
    """Whether modules may be found in it."""
    if isinstance(value, dict):
        value = list(value.values())
    many = isinstance(value, (list, tuple)) and any(isinstance(x, Module) for x in value)
    return many or isinstance(value, Module)


def _walk(value: object, name: str) -> Iterator[tuple[str, Any]]:
    """(dotted name, module or buffer) of everything in a module, itself first."""
    prefix = f"{name}." if name else ""
    if isinstance(value, Buffer):
        yield name, value
    elif isinstance(value, Module):
        yield name, value
        for key, item in vars(value).items():
            if isinstance(item, Buffer) or _holds(item):
                yield from _walk(item, f"{prefix}{key}")
    elif isinstance(value, (list, tuple, dict)):
        pairs: Iterable[tuple[Any, Any]] = enumerate(value)
        if isinstance(value, dict):
            pairs = value.items()
        for key, item in pairs:
            yield from _walk(item, f"{prefix}{key}")


class Sequential(Module):
    """Calls modules, or any functions, one after the other.

    >>> import ingot
    >>> model = ingot.nn.Sequential(ingot.nn.Linear(3, 4), ingot.nn.functional.relu)
    >>> model(ingot.ones((2, 3))).shape
    (2, 4)
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for number, layer in enumerate(layers):
            setattr(self, str(number), layer)
        self.layers = len(layers)

    def __getitem__(self, number: int) -> Callable[[Any], Any]:
        if not -self.layers <= number < self.layers:
            raise IndexError(f"Sequential: no layer {number}: expected up to {self.layers - 1}")
        layer: Callable[[Any], Any] = getattr(self, str(number % self.layers))
        return layer

    def __len__(self) -> int:
        return self.layers

    def forward(self, input: Any) -> Any:
        """The last layer's result."""
        for number in range(self.layers):
            input = self[number](input)
        return input
