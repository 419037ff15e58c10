"""Losses of classes: the negative log likelihood and the cross entropy."""

from __future__ import annotations

from ingot.composite import expand_dims, full, ones_like, squeeze, zeros_like
from ingot.composite.calls import tagged
from ingot.composite.network import log_softmax
from ingot.composite.operands import floating
from ingot.dtypes import is_float, kind_of
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.ops import divide, multiply, sum, take, take_along_axis, where
from ingot.ops.axes import as_tensor
from ingot.tensor import SizeLike, Tensor, TensorLike

from .losses import reduced, require_same_shape

__all__ = ["cross_entropy", "nll_loss"]


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
    return reduced("nll_loss", loss, reduction, factor)


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
        require_same_shape("cross_entropy", x, t)
        return _soft_cross_entropy(likelihood, t, weight, reduction, label_smoothing)
    classes = _classes("cross_entropy", x, t)
    loss, factor = _picked_loss(likelihood, classes, weight, ignore_index)
    if label_smoothing > 0:
        uniform = -sum(_per_class(likelihood, weight), axis=_class_axis(x))
        uniform = where(classes != ignore_index, uniform, zeros_like(uniform))
        share = divide(uniform * label_smoothing, _number_of_classes(x))
        loss = loss * (1 - label_smoothing) + share
    return reduced("cross_entropy", loss, reduction, factor)


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
    return reduced("cross_entropy", loss, reduction)


def _per_class(likelihood: Tensor, weight: TensorLike | None) -> Tensor:
    """likelihood * weight along the class axis."""
    if weight is None:
        return likelihood
    after = range(1, likelihood.ndim - _class_axis(likelihood))
    return multiply(likelihood, expand_dims(as_tensor("cross_entropy", weight), list(after)))


def _number_of_classes(x: Tensor) -> SizeLike:
    return x.shape[_class_axis(x)]
