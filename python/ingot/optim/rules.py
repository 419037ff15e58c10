"""One step of an optimizer for one parameter, as a function: tensors in, new tensors out."""

from __future__ import annotations

import math

from ingot.ops import cast, expm1, multiply, sqrt
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

__all__ = ["adam", "sgd"]


def sgd(
    parameter: TensorLike,
    gradient: TensorLike,
    velocity: TensorLike | None = None,
    *,
    lr: TensorLike,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gradient descent: v = momentum * v + g, p = p - lr * v (nesterov: g + momentum * v), where
    g = gradient + weight_decay * p.

    parameter, gradient, velocity (zeros by default): float[...] -> the new parameter and velocity.

    >>> import ingot
    >>> ingot.optim.sgd(ingot.tensor([1.0]), ingot.tensor([0.5]), lr=0.5)
    (Tensor([0.75], dtype=float32), Tensor([0.5], dtype=float32))
    """
    p, g = as_tensor("sgd", parameter), as_tensor("sgd", gradient)
    if weight_decay:
        g = g + p * weight_decay
    v = g if velocity is None or not momentum else multiply(velocity, momentum) + g
    step = g + v * momentum if nesterov else v
    return p - multiply(step, lr), v


def adam(
    parameter: TensorLike,
    gradient: TensorLike,
    mean: TensorLike,
    square: TensorLike,
    step: TensorLike,
    *,
    lr: TensorLike,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam (Kingma and Ba, 2015): m = b1 * m + (1 - b1) * g, v = b2 * v + (1 - b2) * g * g,
    p = p - lr * m' / (sqrt(v') + eps), where m' = m / (1 - b1 ** t), v' = v / (1 - b2 ** t).

    g = gradient + weight_decay * p; decoupled (Loshchilov and Hutter, 2019): instead p shrinks by
    lr * weight_decay first. parameter, gradient, mean, square: float[...]; step: int[], t, from 1
    -> the new parameter, mean and square. 1 - b ** t is computed as -expm1(t * log(b)).

    >>> import ingot
    >>> zero = ingot.tensor([0.0])
    >>> p, m, v = ingot.optim.adam(ingot.tensor([1.0]), ingot.tensor([2.0]), zero, zero, 1, lr=0.5)
    >>> p
    Tensor([0.5], dtype=float32)
    """
    p, g = as_tensor("adam", parameter), as_tensor("adam", gradient)
    if weight_decay and decoupled:
        p = p - multiply(p, lr) * weight_decay
    elif weight_decay:
        g = g + p * weight_decay
    m = multiply(mean, betas[0]) + g * (1 - betas[0])
    v = multiply(square, betas[1]) + g * g * (1 - betas[1])
    t = cast(as_tensor("adam", step), dtype=p.dtype)
    first, second = (-expm1(t * math.log(beta)) for beta in betas)
    return p - multiply(m / first, lr) / (sqrt(v / second) + eps), m, v
