"""Layers of convolution. Weights are drawn uniformly from -1 / sqrt(n) .. 1 / sqrt(n), n the number
of inputs of one output."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ingot.errors import ArgumentError
from ingot.tensor import Tensor, TensorLike

from . import functional, init
from .functional.convolution import Ints
from .module import Module
from .parameters import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d"]


def _kernel(value: Ints, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * axes


class _Convolution(Module):
    """What the layers below hold."""

    def __init__(
        self, shape: Sequence[int], out_channels: int, bias: bool, groups: int, channels: int
    ) -> None:
        if groups < 1 or channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{type(self).__name__}: wrong groups: got {groups}, expected a divisor of "
                f"{channels} and {out_channels}"
            )
        bound = 1 / math.sqrt(max(math.prod(shape[1:]), 1))
        self.groups = groups
        self.weight = Parameter(init.uniform(shape, bound))
        self.bias = Parameter(init.uniform((out_channels,), bound)) if bias else None


class Conv1d(_Convolution):
    """`functional.conv1d` with weight [out, in / groups, k] and bias [out].

    >>> import ingot
    >>> ingot.nn.Conv1d(2, 4, 3, padding="same")(ingot.ones((1, 2, 8))).shape
    (1, 4, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self.stride, self.padding, self.dilation = stride, padding, dilation
        shape = (out_channels, in_channels // max(groups, 1), *_kernel(kernel_size, 1))
        super().__init__(shape, out_channels, bias, groups, in_channels)

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[n, in, l] -> float[n, out, ol]."""
        attributes = self.stride, self.padding, self.dilation, self.groups
        return functional.conv1d(input, self.weight, self.bias, *attributes)


class Conv2d(_Convolution):
    """`functional.conv2d` with weight [out, in / groups, kh, kw] and bias [out].

    >>> import ingot
    >>> ingot.nn.Conv2d(3, 8, 3, stride=2, padding=1)(ingot.ones((1, 3, 8, 8))).shape
    (1, 8, 4, 4)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self.stride, self.padding, self.dilation = stride, padding, dilation
        shape = (out_channels, in_channels // max(groups, 1), *_kernel(kernel_size, 2))
        super().__init__(shape, out_channels, bias, groups, in_channels)

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[n, in, h, w] -> float[n, out, oh, ow]."""
        attributes = self.stride, self.padding, self.dilation, self.groups
        return functional.conv2d(input, self.weight, self.bias, *attributes)


class ConvTranspose2d(_Convolution):
    """`functional.conv_transpose2d` with weight [in, out / groups, kh, kw] and bias [out].

    >>> import ingot
    >>> ingot.nn.ConvTranspose2d(3, 8, 2, stride=2)(ingot.ones((1, 3, 4, 4))).shape
    (1, 8, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
    ) -> None:
        self.stride, self.padding = stride, padding
        self.output_padding, self.dilation = output_padding, dilation
        shape = (in_channels, out_channels // max(groups, 1), *_kernel(kernel_size, 2))
        super().__init__(shape, out_channels, bias, groups, in_channels)

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[n, in, h, w] -> float[n, out, oh, ow]."""
        attributes = self.stride, self.padding, self.output_padding, self.groups, self.dilation
        return functional.conv_transpose2d(input, self.weight, self.bias, *attributes)
