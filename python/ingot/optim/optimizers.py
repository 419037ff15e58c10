"""Optimizers with torch's names and arguments. What they keep between steps are States, so that a
recorded step becomes one program that updates weights and moments in place."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ingot.errors import ArgumentError
from ingot.grad import no_grad
from ingot.state import State
from ingot.tensor import Tensor, TensorLike

from .rules import adam, sgd

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]


class Optimizer:
    """Steps of gradient descent on States that require a gradient, such as nn.Parameters.

    lr: a number, or a State that a program or its caller changes. Thread rule: as of States.
    Raises ArgumentError where there is nothing to optimize.
    """

    def __init__(self, params: Iterable[State], lr: TensorLike) -> None:
        self.params = list(params)
        self.lr = lr
        if not self.params:
            raise ArgumentError(f"{type(self).__name__}: no parameters: expected at least one")
        for p in self.params:
            if not isinstance(p, State) or not p.requires_grad:
                raise ArgumentError(
                    f"{type(self).__name__}: wrong parameter: got {p!r}, expected States that "
                    "require a gradient"
                )

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for p in self.params:
            p.value.grad = None

    def step(self) -> None:
        """One step for every parameter that has a gradient."""
        with no_grad():
            self._begin()
            for number, p in enumerate(self.params):
                gradient = p.grad
                if gradient is not None:
                    p.value = self._stepped(number, p.value, gradient)

    def _begin(self) -> None:
        """What happens once a step."""

    def _stepped(self, number: int, value: Tensor, gradient: Tensor) -> Tensor:
        """The new value of a parameter."""
        raise NotImplementedError

    def _zeros(self) -> list[State]:
        """A State of zeros like each parameter."""
        return [State(np.zeros(p.initial().numpy().shape, p.dtype)) for p in self.params]


class SGD(Optimizer):
    """Gradient descent with momentum: `sgd` for every parameter.

    >>> import ingot
    >>> weight = ingot.nn.Parameter([1.0])
    >>> optimizer = ingot.optim.SGD([weight], lr=0.25)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.value
    Tensor([0.5], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[State],
        lr: TensorLike = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        if nesterov and not momentum:
            raise ArgumentError("SGD: nesterov without momentum: expected one above 0")
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov
        self.velocities = self._zeros() if momentum else []

    def _stepped(self, number: int, value: Tensor, gradient: Tensor) -> Tensor:
        velocity = self.velocities[number] if self.velocities else None
        new, moved = sgd(
            value,
            gradient,
            velocity,
            lr=self.lr,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
        )
        if velocity is not None:
            velocity.value = moved
        return new


class Adam(Optimizer):
    """`adam` for every parameter, with weight decay as part of the gradient.

    >>> import ingot
    >>> weight = ingot.nn.Parameter([1.0])
    >>> optimizer = ingot.optim.Adam([weight], lr=0.25)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.value
    Tensor([0.75], dtype=float32)
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[State],
        lr: TensorLike = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.count = State(0)
        self.means, self.squares = self._zeros(), self._zeros()

    def _begin(self) -> None:
        self.count.value = self.count + 1

    def _stepped(self, number: int, value: Tensor, gradient: Tensor) -> Tensor:
        mean, square = self.means[number], self.squares[number]
        new, mean.value, square.value = adam(
            value,
            gradient,
            mean,
            square,
            self.count,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled=self.decoupled,
        )
        return new


class AdamW(Adam):
    """`adam` for every parameter, with weight decay apart from the gradient.

    >>> import ingot
    >>> weight = ingot.nn.Parameter([1.0])
    >>> optimizer = ingot.optim.AdamW([weight], lr=0.25, weight_decay=1.0)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.value
    Tensor([0.5], dtype=float32)
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[State],
        lr: TensorLike = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
