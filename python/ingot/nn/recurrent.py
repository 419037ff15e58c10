"""Layers that carry a state along a sequence, by `ingot.scan`: recorded, each is one loop.

Gates stand in torch's order: input, forget, cell, output (LSTM); reset, update, new (GRU).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ingot.composite import split, stack, zeros
from ingot.control import scan
from ingot.errors import ArgumentError
from ingot.ops import permute_dims
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

from . import functional as F
from . import init
from .module import Module
from .parameters import Parameter

__all__ = ["GRU", "LSTM", "GRUCell", "LSTMCell"]

State = Any  # (h, c) of an LSTM, h of a GRU
Step = Callable[[State, Tensor, Tensor, Tensor | None], State]


def _lstm_step(state: State, x: Tensor, weight: Tensor, bias: Tensor | None) -> State:
    """x: the projected input [n, 4 h] -> the new (h, c)."""
    h, c = state
    i, f, g, o = split(x + F.linear(h, weight, bias), 4, axis=-1)
    c = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(g)
    return F.sigmoid(o) * F.tanh(c), c


def _gru_step(state: State, x: Tensor, weight: Tensor, bias: Tensor | None) -> State:
    """x: the projected input [n, 3 h] -> the new h."""
    x_reset, x_update, x_new = split(x, 3, axis=-1)
    h_reset, h_update, h_new = split(F.linear(state, weight, bias), 3, axis=-1)
    update = F.sigmoid(x_update + h_update)
    new = F.tanh(x_new + F.sigmoid(x_reset + h_reset) * h_new)
    return new + update * (state - new)


class _Recurrent(Module):
    """The weights of layers: weight_ih_l0 [gates h, in], weight_hh_l0 [gates h, h] and biases."""

    gates = 0
    num_states = 0
    step: Step

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        suffixes: Sequence[str] | None = None,
    ) -> None:
        if num_layers < 1:
            raise ArgumentError(
                f"{type(self).__name__}: wrong num_layers: got {num_layers}, expected >= 1"
            )
        self.hidden_size = hidden_size
        self.suffixes = suffixes if suffixes is not None else [f"_l{k}" for k in range(num_layers)]
        bound = 1 / math.sqrt(max(hidden_size, 1))
        rows = self.gates * hidden_size
        for number, suffix in enumerate(self.suffixes):
            columns = hidden_size if number else input_size
            for name, shape in (
                ("weight_ih", (rows, columns)),
                ("weight_hh", (rows, hidden_size)),
                ("bias_ih", (rows,)),
                ("bias_hh", (rows,)),
            ):
                wanted = bias or name.startswith("weight")
                held = Parameter(init.uniform(shape, bound)) if wanted else None
                setattr(self, name + suffix, held)

    def _weights(self, which: str, suffix: str) -> tuple[Tensor, Tensor | None]:
        weight: Parameter = getattr(self, f"weight_{which}{suffix}")
        bias: Parameter | None = getattr(self, f"bias_{which}{suffix}")
        return weight.value, None if bias is None else bias.value

    def _projected(self, x: Tensor, suffix: str) -> Tensor:
        return F.linear(x, *self._weights("ih", suffix))

    def _zeros(self, x: Tensor, lead: Sequence[Any]) -> State:
        """The state that a sequence begins with."""
        empty = zeros((*lead, *x.shape[1:-1], self.hidden_size), x.dtype)
        return empty if self.num_states == 1 else (empty,) * self.num_states


class _Cell(_Recurrent):
    """One step of one layer."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, 1, bias, [""])

    def forward(self, input: TensorLike, hx: State = None) -> State:
        """input: float[n, in] or float[in] -> the new state, of float[n, h] or float[h]; hx: the
        state before, zeros by default."""
        x = as_tensor(type(self).__name__, input)
        if hx is None:
            hx = self._zeros(x.reshape((1, *x.shape)), [])
        return type(self).step(hx, self._projected(x, ""), *self._weights("hh", ""))


class _Layers(_Recurrent):
    """Layers over a sequence."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias)
        self.batch_first = batch_first

    def forward(self, input: TensorLike, hx: State = None) -> tuple[Tensor, State]:
        """input: float[l, n, in], with batch_first float[n, l, in], without a batch float[l, in] ->
        the last layer's h at every step, and the last state of all layers: float[layers, n, h].
        hx: the states before, zeros by default."""
        x = as_tensor(type(self).__name__, input)
        exchanged = self.batch_first and x.ndim == 3
        x = permute_dims(x, (1, 0, 2)) if exchanged else x
        if hx is None:
            hx = self._zeros(x, [len(self.suffixes)])
        last = []
        for number, suffix in enumerate(self.suffixes):
            start = tuple(s[number] for s in hx) if isinstance(hx, tuple) else hx[number]
            x, state = self._layer(x, start, suffix)
            last.append(state)
        output = permute_dims(x, (1, 0, 2)) if exchanged else x
        if self.num_states == 1:
            return output, stack(last)
        return output, tuple(stack(parts) for parts in zip(*last, strict=True))

    def _layer(self, x: Tensor, start: State, suffix: str) -> tuple[Tensor, State]:
        # All steps' inputs are projected at once; the loop multiplies by weight_hh alone.
        weights = self._weights("hh", suffix)

        def body(state: State, projected: Tensor) -> tuple[State, Tensor]:
            new = type(self).step(state, projected, *weights)
            return new, new[0] if isinstance(new, tuple) else new

        state, outputs = scan(body, start, self._projected(x, suffix))
        return outputs, state


class LSTMCell(_Cell):
    """One step of a long short-term memory: c = f * c + i * g, h = o * tanh(c).

    >>> import ingot
    >>> h, c = ingot.nn.LSTMCell(3, 4)(ingot.ones((2, 3)))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    gates, num_states, step = 4, 2, staticmethod(_lstm_step)


class GRUCell(_Cell):
    """One step of a gated recurrent unit: h = (1 - z) * n + z * h.

    >>> import ingot
    >>> ingot.nn.GRUCell(3, 4)(ingot.ones((2, 3))).shape
    (2, 4)
    """

    gates, num_states, step = 3, 1, staticmethod(_gru_step)


class LSTM(_Layers):
    """Layers of LSTMCell over a sequence.

    >>> import ingot
    >>> output, (h, c) = ingot.nn.LSTM(3, 4)(ingot.ones((5, 2, 3)))
    >>> output.shape, h.shape, c.shape
    ((5, 2, 4), (1, 2, 4), (1, 2, 4))
    """

    gates, num_states, step = 4, 2, staticmethod(_lstm_step)


class GRU(_Layers):
    """Layers of GRUCell over a sequence.

    >>> import ingot
    >>> output, h = ingot.nn.GRU(3, 4, num_layers=2)(ingot.ones((5, 2, 3)))
    >>> output.shape, h.shape
    ((5, 2, 4), (2, 2, 4))
    """

    gates, num_states, step = 3, 1, staticmethod(_gru_step)
