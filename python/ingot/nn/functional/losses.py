"""Losses: the distance of an input from a target, for each element or as a mean or sum of all."""

from __future__ import annotations

from ingot.composite.calls import tagged
from ingot.composite.operands import floating
from ingot.composite.statistics import mean
from ingot.errors import ArgumentError, ShapeError
from ingot.ops import abs, divide, exp, log, multiply, subtract, sum, where
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

from .activations import logsigmoid

__all__ = [
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


def reduced(op: str, loss: Tensor, reduction: str, weight: Tensor | None = None) -> Tensor:
    """The losses themselves, their sum, or their mean (weighted: sum(loss) / sum(weight))."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return sum(loss)
    if reduction == "mean":
        return mean(loss) if weight is None else divide(sum(loss), sum(weight))
    raise ArgumentError(
        f"{op}: wrong reduction: got {reduction!r}, expected 'none', 'mean' or 'sum'"
    )


def _difference(op: str, input: TensorLike, target: TensorLike) -> Tensor:
    return subtract(floating(op, input), floating(op, target))


@tagged
def mse_loss(input: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """d * d, where d = input - target.

    input, target: float[...], broadcast -> float[...], or a scalar for reduction "mean" or "sum".

    >>> import ingot
    >>> ingot.nn.functional.mse_loss(ingot.tensor([1.0, 2.0]), ingot.tensor([1.0, 4.0]))
    Tensor(2., dtype=float32)
    """
    d = _difference("mse_loss", input, target)
    return reduced("mse_loss", multiply(d, d), reduction)


@tagged
def l1_loss(input: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """|input - target|.

    input, target: float[...], broadcast -> float[...], or a scalar for reduction "mean" or "sum".

    >>> import ingot
    >>> ingot.nn.functional.l1_loss(ingot.tensor([1.0, 2.0]), ingot.tensor([1.0, 4.0]))
    Tensor(1., dtype=float32)
    """
    return reduced("l1_loss", abs(_difference("l1_loss", input, target)), reduction)


@tagged
def smooth_l1_loss(
    input: TensorLike, target: TensorLike, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """d * d / (2 beta) where d < beta, else d - beta / 2, where d = |input - target|.

    input, target: float[...], broadcast -> float[...], or a scalar for reduction "mean" or "sum".
    beta 0 is l1_loss. Raises ArgumentError for a negative beta.

    >>> import ingot
    >>> x, target = ingot.tensor([1.0, 2.0]), ingot.tensor([1.5, 4.0])
    >>> ingot.nn.functional.smooth_l1_loss(x, target, reduction="none")
    Tensor([0.125, 1.5  ], dtype=float32)
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: wrong beta: got {beta}, expected >= 0")
    d = abs(_difference("smooth_l1_loss", input, target))
    if beta > 0:
        d = where(d < beta, multiply(multiply(d, d), 0.5 / beta), subtract(d, 0.5 * beta))
    return reduced("smooth_l1_loss", d, reduction)


@tagged
def huber_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: TensorLike | None = None,
) -> Tensor:
    """d * d / 2 where d < delta, else delta * (d - delta / 2), where d = |input - target|; times
    weight.

    input, target, weight: float[...], broadcast -> float[...], or a scalar for reduction "mean"
    (weighted: divided by the sum of weights) or "sum". Raises ArgumentError unless delta > 0.

    >>> import ingot
    >>> x, target = ingot.tensor([1.0, 2.0]), ingot.tensor([1.5, 4.0])
    >>> ingot.nn.functional.huber_loss(x, target, reduction="none")
    Tensor([0.125, 1.5  ], dtype=float32)
    """
    if delta <= 0:
        raise ArgumentError(f"huber_loss: wrong delta: got {delta}, expected > 0")
    d = abs(_difference("huber_loss", input, target))
    loss = where(d < delta, multiply(multiply(d, d), 0.5), (d - 0.5 * delta) * delta)
    if weight is None:
        return reduced("huber_loss", loss, reduction)
    factor = as_tensor("huber_loss", weight)
    return reduced("huber_loss", multiply(loss, factor), reduction, factor)


@tagged
def binary_cross_entropy_with_logits(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: str = "mean",
    pos_weight: TensorLike | None = None,
) -> Tensor:
    """weight * ((1 - target) * x - ((pos_weight - 1) * target + 1) * logsigmoid(x)).

    That is -log of the probability that sigmoid(x) gives to the target, which is 0, 1 or between.
    input, target: float[...] of one shape; weight, pos_weight: float, broadcast -> float[...], or
    a scalar for reduction "mean" or "sum". Raises ShapeError where the shapes differ.

    >>> import ingot
    >>> x, target = ingot.tensor([0.0, 1000.0]), ingot.tensor([1.0, 1.0])
    >>> ingot.nn.functional.binary_cross_entropy_with_logits(x, target, reduction="none")
    Tensor([0.6931472, 0.       ], dtype=float32)
    """
    op = "binary_cross_entropy_with_logits"
    x, t = floating(op, input), floating(op, target)
    require_same_shape(op, x, t)
    likelihood = logsigmoid(x)
    if pos_weight is not None:
        likelihood = multiply(subtract(pos_weight, 1) * t + 1, likelihood)
    loss = (1 - t) * x - likelihood
    return reduced(op, loss if weight is None else multiply(loss, weight), reduction)


def require_same_shape(op: str, x: Tensor, target: Tensor) -> None:
    if x.shape != target.shape:
        raise ShapeError(
            f"{op}: shapes differ: got {list(x.shape)} and target {list(target.shape)}, "
            "expected equal ones"
        )


@tagged
def kl_div(
    input: TensorLike, target: TensorLike, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """target * (log(target) - input), 0 where target is 0; log_target: exp(target) * (target -
    input).

    input: float[...], logarithms of probabilities; target: float[...], probabilities (log_target:
    their logarithms), broadcast -> float[...], or a scalar for reduction "mean", "sum" or
    "batchmean" (the sum over the first size).

    >>> import ingot
    >>> q, p = ingot.log(ingot.tensor([0.5, 0.5])), ingot.tensor([1.0, 0.0])
    >>> ingot.nn.functional.kl_div(q, p, reduction="sum")
    Tensor(0.6931472, dtype=float32)
    """
    x, t = floating("kl_div", input), floating("kl_div", target)
    if log_target:
        loss = multiply(exp(t), t - x)
    else:
        loss = t * log(where(t == 0, 1, t)) - t * x
    if reduction == "batchmean":
        return divide(sum(loss), x.shape[0] if x.ndim else 1)
    return reduced("kl_div", loss, reduction)
