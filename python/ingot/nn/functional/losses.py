"""Losses: the distance of an input from a target, for each element or as a mean or sum of all."""

from __future__ import annotations

from ingot.composite import expand_dims, full, ones_like, squeeze, zeros_like
from ingot.composite.calls import tagged
from ingot.composite.network import log_softmax
from ingot.composite.operands import floating
from ingot.composite.statistics import mean
from ingot.dtypes import is_float, kind_of
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.ops import abs, divide, exp, log, multiply, subtract, sum, take, take_along_axis, where
from ingot.ops.axes import as_tensor
from ingot.tensor import SizeLike, Tensor, TensorLike

from .activations import logsigmoid

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]


def _reduced(op: str, loss: Tensor, reduction: str, weight: Tensor | None = None) -> Tensor:
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
    return _reduced("mse_loss", multiply(d, d), reduction)


@tagged
def l1_loss(input: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """|input - target|.

    input, target: float[...], broadcast -> float[...], or a scalar for reduction "mean" or "sum".

    >>> import ingot
    >>> ingot.nn.functional.l1_loss(ingot.tensor([1.0, 2.0]), ingot.tensor([1.0, 4.0]))
    Tensor(1., dtype=float32)
    """
    return _reduced("l1_loss", abs(_difference("l1_loss", input, target)), reduction)


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
    return _reduced("smooth_l1_loss", d, reduction)


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
        return _reduced("huber_loss", loss, reduction)
    factor = as_tensor("huber_loss", weight)
    return _reduced("huber_loss", multiply(loss, factor), reduction, factor)


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
    _require_same_shape(op, x, t)
    likelihood = logsigmoid(x)
    if pos_weight is not None:
        likelihood = multiply(subtract(pos_weight, 1) * t + 1, likelihood)
    loss = (1 - t) * x - likelihood
    return _reduced(op, loss if weight is None else multiply(loss, weight), reduction)


def _require_same_shape(op: str, x: Tensor, target: Tensor) -> None:
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
    return _reduced("kl_div", loss, reduction)


@tagged
def nll_loss(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-weight[target] * input[target]: of each position the input of its class.

    input: float[n, c, ...] or float[c], logarithms of probabilities; target: int[n, ...] or int[],
    weight: float[c] -> float[n, ...], or a scalar for reduction "sum" or "mean" (the sum divided by
    the sum of weights). Positions whose target is ignore_index give 0 and count nothing. Raises
    RangeError for another target outside 0..c-1, ShapeError where the shapes do not fit.

    >>> import ingot
    >>> x = ingot.tensor([[-1.0, -2.0], [-3.0, -4.0]])
    >>> ingot.nn.functional.nll_loss(x, ingot.tensor([1, 0]))
    Tensor(2.5, dtype=float32)
    """
    x, classes = floating("nll_loss", input), _classes("nll_loss", input, target)
    loss, factor = _picked_loss(x, classes, weight, ignore_index)
    return _reduced("nll_loss", loss, reduction, factor)


def _classes(op: str, input: TensorLike, target: TensorLike) -> Tensor:
    """The target, of integers and without the class axis of the input."""
    x, t = as_tensor(op, input), as_tensor(op, target)
    if kind_of(t.dtype) not in ("int", "uint"):
        raise DTypeError(f"{op}: wrong target: got {t.dtype}, expected integers")
    expected = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    if x.ndim == 0 or t.shape != expected:
        raise ShapeError(
            f"{op}: shapes differ: got {list(x.shape)} and target {list(t.shape)}, "
            f"expected a target of {list(expected)}"
        )
    return t


def _picked_loss(
    x: Tensor, classes: Tensor, weight: TensorLike | None, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """For each position the negative input of its class, weighted, and the weight; both 0 where
    the class is to be ignored."""
    counts = classes != ignore_index
    known = where(counts, classes, 0)
    axis = _class_axis(x)
    found = -squeeze(take_along_axis(x, expand_dims(known, axis), axis=axis), axis)
    zero = zeros_like(found)
    if weight is None:
        return where(counts, found, zero), where(counts, ones_like(zero), zero)
    factor = where(counts, take(weight, known, axis=0), zero)
    return where(counts, multiply(found, factor), zero), factor


def _class_axis(x: Tensor) -> int:
    return 1 if x.ndim > 1 else 0


@tagged
def cross_entropy(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross entropy of log_softmax(input) over the class axis, from classes or probabilities.

    Classes (target: int[n, ...] or int[]): nll_loss. Probabilities (target: float, the input's
    shape): -sum(weight * target * log_softmax(input)) over the classes; reduction "mean" divides
    by the number of positions. label_smoothing s mixes the target with the uniform one: (1 - s)
    and s / c. input: float[n, c, ...] or float[c]. Raises as nll_loss does, ArgumentError for a
    label_smoothing outside 0..1.

    >>> import ingot
    >>> ingot.nn.functional.cross_entropy(ingot.tensor([[0.0, 0.0]]), ingot.tensor([1]))
    Tensor(0.6931472, dtype=float32)
    """
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            f"cross_entropy: wrong label_smoothing: got {label_smoothing}, expected 0..1"
        )
    x, t = floating("cross_entropy", input), as_tensor("cross_entropy", target)
    likelihood = log_softmax(x, _class_axis(x))
    if is_float(t.dtype):
        _require_same_shape("cross_entropy", x, t)
        return _soft_cross_entropy(likelihood, t, weight, reduction, label_smoothing)
    classes = _classes("cross_entropy", x, t)
    loss, factor = _picked_loss(likelihood, classes, weight, ignore_index)
    if label_smoothing > 0:
        uniform = -sum(_per_class(likelihood, weight), axis=_class_axis(x))
        uniform = where(classes != ignore_index, uniform, zeros_like(uniform))
        share = divide(uniform * label_smoothing, _number_of_classes(x))
        loss = loss * (1 - label_smoothing) + share
    return _reduced("cross_entropy", loss, reduction, factor)


def _soft_cross_entropy(
    likelihood: Tensor,
    target: Tensor,
    weight: TensorLike | None,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    if label_smoothing > 0:
        share = divide(full((), label_smoothing, target.dtype), _number_of_classes(likelihood))
        target = target * (1 - label_smoothing) + share
    axis = _class_axis(likelihood)
    loss = -sum(multiply(_per_class(likelihood, weight), target), axis=axis)
    return _reduced("cross_entropy", loss, reduction)


def _per_class(likelihood: Tensor, weight: TensorLike | None) -> Tensor:
    """likelihood * weight along the class axis."""
    if weight is None:
        return likelihood
    after = range(1, likelihood.ndim - _class_axis(likelihood))
    return multiply(likelihood, expand_dims(as_tensor("cross_entropy", weight), list(after)))


def _number_of_classes(x: Tensor) -> SizeLike:
    return x.shape[_class_axis(x)]
