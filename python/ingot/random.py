"""Random numbers: the same eagerly, in a program, and at any number of threads.

A Generator is a State that holds a key and a counter; every draw reads it and moves the counter on.
In a recorded function it becomes a state of the module: each run of a session continues where the
last one ended, and `session.reset()` starts over. All functions take the shape first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from .composite.joining import stack
from .dtypes import Array, DTypeLike, as_dtype, is_float, kind_of
from .errors import ArgumentError, DTypeError
from .ops.axes import as_tensor
from .ops.creation import size
from .ops.indexing import take
from .ops.philox import random_bits
from .ops.pointwise_arithmetic import multiply
from .ops.pointwise_compare import bitwise_and, bitwise_right_shift, less, where
from .ops.pointwise_math import cast, cos, log, sqrt
from .ops.sorting import argsort
from .state import State
from .tensor import Size, SizeLike, Tensor, TensorLike

__all__ = [
    "Generator",
    "bernoulli",
    "dropout",
    "normal",
    "permutation",
    "randint",
    "seed",
    "uniform",
]

Shape: TypeAlias = "SizeLike | Sequence[SizeLike]"
_PRECISION = {"float16": 11, "bfloat16": 8, "float32": 24}
_MAX_RANGE = 2**31


class Generator:
    """A stream of random numbers, made of a seed.

    seed: any integer; 64 bits of it count. name: of the state in a module.
    Thread rule: one thread at a time draws.

    >>> import ingot
    >>> g = ingot.random.Generator(1)
    >>> ingot.random.randint((3,), 0, 10, generator=g).shape
    (3,)
    """

    def __init__(self, seed: int = 0, name: str = "random") -> None:
        self.state = State(_start(seed), name=name)

    def bits(self, count: SizeLike) -> Tensor:
        """int32[count] of random bits; moves the counter on by ceil(count / 4)."""
        state = self.state.value
        blocks = (count + 3) // 4
        if isinstance(blocks, Size):
            step = stack([as_tensor("random", np.asarray(0)), size(blocks)])
        else:
            step = as_tensor("random", np.asarray([0, blocks]))
        self.state.value = state + step
        return random_bits(state, shape=(count,))


def _start(seed: int) -> Array:
    return np.asarray([seed % 2**64, 0], np.uint64).view(np.int64)


_default = Generator()


def seed(number: int) -> None:
    """Starts the default generator anew.

    >>> import ingot
    >>> ingot.random.seed(0)
    >>> ingot.random.uniform((2,))
    Tensor([0.39904642, 0.88052016], dtype=float32)
    """
    _default.state.value = _start(number)


def _sizes(shape: Shape) -> tuple[SizeLike, ...]:
    return tuple(shape) if isinstance(shape, Sequence) else (shape,)


def _words(shape: Shape, number: int, generator: Generator | None) -> list[Tensor]:
    """`number` arrays of 32 random bits of this shape."""
    sizes = _sizes(shape)
    count: SizeLike = 1
    for n in sizes:
        count = count * n
    bits = (generator if generator is not None else _default).bits(count * number)
    return [bits[i * count : (i + 1) * count].reshape(sizes) for i in range(number)]


def _top_bits(word: Tensor, number: int) -> Tensor:
    """The highest bits as a number, without a sign."""
    return bitwise_and(bitwise_right_shift(word, 32 - number), (1 << number) - 1)


def uniform(
    shape: Shape = (),
    low: TensorLike = 0.0,
    high: TensorLike = 1.0,
    *,
    dtype: DTypeLike = "float32",
    generator: Generator | None = None,
) -> Tensor:
    """Numbers evenly spread over [low, high): low + (high - low) * u, u a multiple of
    2**-24 (float64: 2**-53, float16: 2**-11, bfloat16: 2**-8).

    -> dtype[shape]. Raises DTypeError for a dtype that is no float.

    >>> import ingot
    >>> ingot.random.uniform((2, 3)).shape
    (2, 3)
    """
    target = as_dtype(dtype)
    if not is_float(target):
        raise DTypeError(f"uniform: got {target}, expected a float dtype")
    if target == np.float64:
        first, second = _words(shape, 2, generator)
        whole = cast(_top_bits(first, 27), dtype=target) * 2.0**26
        unit = (whole + cast(_top_bits(second, 26), dtype=target)) * 2.0**-53
    else:
        digits = _PRECISION[target.name]
        (word,) = _words(shape, 1, generator)
        unit = cast(_top_bits(word, digits), dtype=target) * 2.0**-digits
    if isinstance(low, float) and isinstance(high, float) and (low, high) == (0.0, 1.0):
        return unit
    return multiply(unit, as_tensor("uniform", high) - low) + low


def normal(
    shape: Shape = (),
    mean: TensorLike = 0.0,
    std: TensorLike = 1.0,
    *,
    dtype: DTypeLike = "float32",
    generator: Generator | None = None,
) -> Tensor:
    """Normally distributed numbers: mean + std * sqrt(-2 log(1 - u)) cos(2 pi v) of two uniform
    ones (Box and Muller, 1958).

    -> dtype[shape]. float16 and bfloat16 are drawn in float32 and rounded. Raises DTypeError for a
    dtype that is no float.

    >>> import ingot
    >>> ingot.random.normal((2,), dtype="float64").dtype
    dtype('float64')
    """
    target = as_dtype(dtype)
    if not is_float(target):
        raise DTypeError(f"normal: got {target}, expected a float dtype")
    drawn = target if target == np.float64 else np.dtype(np.float32)
    u = uniform(shape, dtype=drawn, generator=generator)
    v = uniform(shape, dtype=drawn, generator=generator)
    standard = sqrt(log(1 - u) * -2) * cos(v * (2 * math.pi))
    rounded = standard if target == drawn else cast(standard, dtype=target)
    return rounded * std + mean


def randint(
    shape: Shape,
    low: int,
    high: int,
    *,
    dtype: DTypeLike = "int64",
    generator: Generator | None = None,
) -> Tensor:
    """Integers from low up to but without high, all nearly equally likely: low + (r * n >> 32) of
    32 random bits r, n = high - low, so no two probabilities differ by more than 2**-32.

    -> dtype[shape]. Raises ArgumentError unless 0 < n <= 2**31, DTypeError for a dtype that is no
    integer.

    >>> import ingot
    >>> bool(ingot.all(ingot.random.randint((100,), -2, 3) < 3))
    True
    """
    target = as_dtype(dtype)
    if kind_of(target) not in ("int", "uint"):
        raise DTypeError(f"randint: got {target}, expected an integer dtype")
    count = high - low
    if not 0 < count <= _MAX_RANGE:
        raise ArgumentError(
            f"randint: wrong range: got {low} to {high}, expected 1 to 2**31 numbers"
        )
    (word,) = _words(shape, 1, generator)
    number = bitwise_and(cast(word, dtype="int64"), 0xFFFFFFFF)
    return cast(bitwise_right_shift(number * count, 32) + low, dtype=target)


def bernoulli(
    shape: Shape = (), p: TensorLike = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """True with probability p: uniform() < p.

    p: a float or a tensor that broadcasts with shape -> bool[shape].

    >>> import ingot
    >>> ingot.random.bernoulli((3,), 1.0)
    Tensor([ True,  True,  True], dtype=bool)
    """
    return less(uniform(shape, generator=generator), p)


def permutation(x: int | TensorLike, *, generator: Generator | None = None) -> Tensor:
    """The numbers 0..x-1, or the slices of a tensor along its first axis, in random order: the
    order of as many random integers.

    >>> import ingot
    >>> ingot.sort(ingot.random.permutation(4))
    Tensor([0, 1, 2, 3], dtype=int64)
    """
    if isinstance(x, int):
        return argsort(_words(x, 1, generator)[0])
    tensor = as_tensor("permutation", x)
    if tensor.ndim == 0:
        raise ArgumentError("permutation: a tensor of rank 0: expected an axis, or an integer")
    return take(tensor, argsort(_words(tensor.shape[0], 1, generator)[0]), axis=0)


def dropout(
    x: TensorLike, p: float = 0.5, training: bool = True, *, generator: Generator | None = None
) -> Tensor:
    """x with every element set to 0 with probability p and the others divided by 1 - p; x itself
    unless training (Srivastava et al., 2014).

    x: float[...] -> the same. Raises ArgumentError unless 0 <= p <= 1.

    >>> import ingot
    >>> ingot.random.dropout(ingot.ones((2,)), 1.0)
    Tensor([0., 0.], dtype=float32)
    """
    tensor = as_tensor("dropout", x)
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout: wrong probability: got {p}, expected 0..1")
    if not training or p == 0:
        return tensor
    if p == 1:
        return where(False, tensor, 0)
    keep = bernoulli(tensor.shape, 1 - p, generator=generator)
    return where(keep, tensor / (1 - p), 0)
