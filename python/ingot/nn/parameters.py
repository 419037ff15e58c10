"""What modules hold: parameters, which training changes, and buffers, which it does not.

Both are States. Recorded in training mode they become states of the recorded module, which its
programs update; in evaluation mode params, whose values programs may fold and pack.
"""

from __future__ import annotations

from typing import Any

from ingot.dtypes import DTypeLike
from ingot.errors import RecordError
from ingot.origin import at_user_line
from ingot.recorder import active_recorder
from ingot.state import State
from ingot.tensor import Tensor

__all__ = ["Buffer", "Parameter"]


class Buffer(State):
    """Numbers that a module keeps and no gradient changes, such as running statistics.

    >>> import ingot
    >>> count = ingot.nn.Buffer([0.0])
    >>> count.value = count + 1
    >>> count.value
    Tensor([1.], dtype=float32)
    """

    __slots__ = ("training",)

    def __init__(self, init: object, name: str | None = None, **options: Any) -> None:
        super().__init__(init, name, **options)
        self.training = True  # set by Module.train and Module.eval

    @property
    def value(self) -> Tensor:
        """What it holds now."""
        recorder = active_recorder()
        if recorder is None or self.training:
            return super().value
        return recorder.param_of(self)

    @value.setter
    def value(self, new: Any) -> None:
        if active_recorder() is not None and not self.training:
            raise RecordError(
                f"{self}: assigned in evaluation mode, where it is recorded as a param: "
                f"expected train(){at_user_line()}"
            )
        State.value.__set__(self, new)  # type: ignore[attr-defined]

    def convert_to(self, dtype: DTypeLike) -> None:
        """Casts what it holds outside every recording."""
        self._tensor = self._own(self.initial().detach().astype(dtype).detach())


class Parameter(Buffer):
    """A weight: it requires a gradient, and an optimizer assigns it.

    >>> import ingot
    >>> weight = ingot.nn.Parameter([1.0, 2.0])
    >>> ingot.sum(weight * weight).backward()
    >>> weight.grad
    Tensor([2., 4.], dtype=float32)
    """

    __slots__ = ()

    def __init__(self, init: object, name: str | None = None) -> None:
        super().__init__(init, name, requires_grad=True)
