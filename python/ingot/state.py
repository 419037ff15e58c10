"""State: a tensor with a name that can be assigned, in eager code and in recorded functions.

While recording, the recorder keeps what a state holds: reading gives the state's value in the
module, assigning becomes the module's update.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import DType, convert, kind_of
from .errors import ArgumentError, DTypeError, RecordError, ShapeError
from .origin import at_user_line
from .recorder import active_recorder
from .tensor import Holder, SizeLike, Tensor, eager_array, tensor, wrap

_NUMBERS = (bool, int, float, complex)


class State(Holder):
    """A tensor that outlives a run: a cache, running statistics, a counter, weights in training.

    `state.value` reads and assigns; a State also stands for its value as an operand. In a recorded
    function the state becomes one of the module, with its value of now as initial value, and the
    last assignment its update: the program's sessions hold its further life (`session.state`).
    Shape and dtype never change. Gradients do not pass through an assignment.

    init: an array, a tensor or nested lists. name: of the module's state; by default the variable
    or attribute that holds it when it is first recorded. requires_grad: as of a tensor.
    Thread rule: one thread at a time assigns.

    >>> import ingot
    >>> count = ingot.State(0, name="count")
    >>> def step(x):
    ...     count.value = count + 1
    ...     return x * count
    >>> step(ingot.tensor(10))
    Tensor(10, dtype=int64)
    >>> program = ingot.compile(ingot.record(step, ingot.Spec((), "int64")))
    >>> [int(program(10)), int(program(10)), int(program.default_session.state["count"])]
    [20, 30, 3]
    """

    __slots__ = ("__weakref__", "_requires_grad", "_tensor", "name")

    def __init__(
        self, init: object, name: str | None = None, *, requires_grad: bool = False
    ) -> None:
        self.name = name
        self._requires_grad = requires_grad
        self._tensor = self._own(tensor(init))

    @property
    def value(self) -> Tensor:
        """What it holds now."""
        recorder = active_recorder()
        return self._tensor if recorder is None else recorder.read_state(self)

    @value.setter
    def value(self, new: Any) -> None:
        recorder = active_recorder()
        held = self._fitting(new)
        if recorder is not None:
            recorder.write_state(self, self._own(held.detach()))
        elif held.is_recorded:
            raise RecordError(
                f"{self}: a recorded tensor outside its recording: expected an eager tensor"
            )
        else:
            self._tensor = self._own(held.detach())

    @property
    def requires_grad(self) -> bool:
        """Whether ops on the value are noted for its gradient."""
        return self._requires_grad

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has summed up for the value held now."""
        return self.value.grad

    @property
    def shape(self) -> tuple[SizeLike, ...]:
        """The sizes, all constant."""
        return self._tensor.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._tensor.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._tensor.ndim

    def initial(self) -> Tensor:
        """What it holds outside every recording."""
        return self._tensor

    def _own(self, held: Tensor) -> Tensor:
        if self._requires_grad:
            held.requires_grad = True
        return held

    def _fitting(self, new: Any) -> Tensor:
        """`new` as a tensor of this state's type; Python numbers and arrays of them adapt."""
        if isinstance(new, Holder):
            new = new.value
        if isinstance(new, _NUMBERS) and not isinstance(new, np.generic):
            new = wrap(convert(np.asarray(new), self.dtype)) if _adapts(new, self.dtype) else new
        if not isinstance(new, Tensor):
            new = wrap(eager_array("state", new).copy())
        if new.dtype != self.dtype:
            raise DTypeError(
                f"{self}: wrong dtype: got {new.dtype}, expected {self.dtype}{at_user_line()}"
            )
        if new.shape != self.shape:
            raise ShapeError(
                f"{self}: wrong shape: got {_text(new.shape)}, "
                f"expected {_text(self.shape)}{at_user_line()}"
            )
        held: Tensor = new
        return held

    def __setitem__(self, key: object, value: object) -> None:
        raise ArgumentError(
            f"{self}: items cannot be assigned: expected state.value = state.value.at[...].set(...)"
        )

    def __str__(self) -> str:
        return f"state {self.name}" if self.name else "state"

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"State({self.value!r}{name})"


def _adapts(number: bool | int | float | complex, dtype: DType) -> bool:
    order = ["bool", "int", "float", "complex"]
    kind = kind_of(dtype).removeprefix("u")
    given = {bool: 0, int: 1, float: 2, complex: 3}[type(number)]
    return given <= order.index(kind)


def _text(shape: tuple[SizeLike, ...]) -> str:
    return "[" + ",".join(str(n) for n in shape) + "]"
