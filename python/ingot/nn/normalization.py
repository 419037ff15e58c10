"""Layers of normalization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.composite import mean, var
from ingot.composite.operands import count_of
from ingot.errors import ArgumentError
from ingot.ops.axes import as_tensor
from ingot.tape import grad_mode
from ingot.tensor import Tensor, TensorLike

from . import functional
from .module import Module
from .parameters import Buffer, Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm"]


def _ones(shape: Sequence[int]) -> Parameter:
    return Parameter(np.ones(tuple(shape), np.float32))


def _zeros(shape: Sequence[int]) -> Parameter:
    return Parameter(np.zeros(tuple(shape), np.float32))


class LayerNorm(Module):
    """`functional.layer_norm` with weight and bias of the normalized shape.

    >>> import ingot
    >>> ingot.nn.LayerNorm(2, eps=0.0)(ingot.tensor([[-2.0, 2.0]]))
    Tensor([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        given = normalized_shape
        self.normalized_shape = (given,) if isinstance(given, int) else tuple(given)
        self.eps = eps
        self.weight = _ones(self.normalized_shape) if elementwise_affine else None
        self.bias = _zeros(self.normalized_shape) if elementwise_affine and bias else None

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[..., *normalized_shape] -> the same."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    """`functional.rms_norm` with a weight of the normalized shape.

    >>> import ingot
    >>> ingot.nn.RMSNorm(2)(ingot.tensor([[-2.0, 2.0]]))
    Tensor([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        given = normalized_shape
        self.normalized_shape = (given,) if isinstance(given, int) else tuple(given)
        self.eps = eps
        self.weight = _ones(self.normalized_shape) if elementwise_affine else None

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[..., *normalized_shape] -> the same."""
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """`functional.group_norm` with weight and bias for each channel.

    >>> import ingot
    >>> ingot.nn.GroupNorm(1, 2, eps=0.0)(ingot.tensor([[-2.0, 2.0]]))
    Tensor([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        self.num_groups, self.eps = num_groups, eps
        self.weight = _ones((num_channels,)) if affine else None
        self.bias = _zeros((num_channels,)) if affine else None

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[n, c, ...] -> the same."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class _BatchNorm(Module):
    """In training by the batch's own statistics, whose running means evaluation uses."""

    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        self.eps, self.momentum = eps, momentum
        self.weight = _ones((num_features,)) if affine else None
        self.bias = _zeros((num_features,)) if affine else None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if track_running_stats:
            self.running_mean = Buffer(np.zeros(num_features, np.float32))
            self.running_var = Buffer(np.ones(num_features, np.float32))
            self.num_batches_tracked = Buffer(0)

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[n, c, ...] -> the same. In training it updates the running statistics."""
        x = as_tensor("batch_norm", input)
        if x.ndim not in self.ranks:
            expected = " or ".join(map(str, self.ranks))
            raise ArgumentError(
                f"{type(self).__name__}: wrong rank: got {x.ndim}, expected {expected}"
            )
        if self.training:
            self._track(x.detach())
        own = self.training or self.running_mean is None
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, own, 0.0, self.eps
        )

    def _track(self, x: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        axes = [0, *range(2, x.ndim)]
        with grad_mode(False):
            spread = var(x, axes, correction=0 if count_of(x, axes) == 1 else 1)
            self.running_mean.value = self._moved(self.running_mean, mean(x, axes))
            self.running_var.value = self._moved(self.running_var, spread)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.value = self.num_batches_tracked + 1

    def _moved(self, running: Buffer, new: Tensor) -> Tensor:
        return running * (1 - self.momentum) + new * self.momentum


class BatchNorm1d(_BatchNorm):
    """`functional.batch_norm` of float[n, c] or float[n, c, l].

    >>> import ingot
    >>> layer = ingot.nn.BatchNorm1d(1, momentum=0.5)
    >>> layer(ingot.tensor([[0.0], [2.0]])).shape
    (2, 1)
    >>> layer.running_mean.value
    Tensor([0.5], dtype=float32)
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """`functional.batch_norm` of float[n, c, h, w].

    >>> import ingot
    >>> ingot.nn.BatchNorm2d(3)(ingot.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    ranks = (4,)
