"""random_bits: counter-based random numbers, a pure function of a key and a counter.

Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, wrong
from ingot.tensor import SizeLike, Tensor, TensorLike

__all__ = [
    "random_bits",
]

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@op(onnx=None, bound=EQUAL)
def random_bits(state: TensorLike, *, shape: Sequence[SizeLike]) -> Tensor:
    """32 random bits in every element, the same for the same state.

    state: int64[2], key and counter -> int32[shape]. Element i (row-major) is word i mod 4 of block
    counter + i // 4, so a further draw starts at counter + ceil(n / 4); `ingot.random` keeps count.
    Raises DTypeError, ShapeError for another state.

    >>> import ingot
    >>> ingot.random_bits(ingot.tensor([0, 0]), shape=(4,)).numpy().view("uint32")
    array([1713891541, 3781805453, 3159862348, 2600524760], dtype=uint32)
    """
    return random_bits.bind(state, shape=shape)


@random_bits.reference
def _random_bits(state: Array, shape: Sequence[int]) -> Array:
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        counter = state[1].astype(np.uint64) + np.arange(-(-count // 4), dtype=np.uint64)
    key = state[0].astype(np.uint64)
    words = np.stack(_philox(counter, key), axis=-1).astype(np.uint32)
    return words.reshape(-1)[:count].view(np.int32).reshape(tuple(shape))


def _philox(counter: Array, key: Array) -> list[Array]:
    """Four 32-bit words for each counter, in uint64."""
    zero = np.zeros_like(counter)
    a, b, c, d = counter & _WORD, counter >> _HALF, zero, zero
    k, l = key & _WORD, key >> _HALF  # noqa: E741
    for _ in range(10):
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (q >> _HALF) ^ b ^ k, q & _WORD, (p >> _HALF) ^ d ^ l, p & _WORD
        k, l = (k + np.uint64(0x9E3779B9)) & _WORD, (l + np.uint64(0xBB67AE85)) & _WORD  # noqa: E741
    return [a, b, c, d]


random_bits.nondifferentiable()


@random_bits.samples
def _samples(rng: np.random.Generator) -> list[Sample]:
    states = [rng.integers(-(2**63), 2**63, 2), np.asarray([7, -3])]
    return [sample(s, shape=shape) for s in states for shape in ((), (5,), (3, 0), (2, 3, 2000))]


@random_bits.errors
def _errors() -> list[WrongCall]:
    return [
        wrong(DTypeError, "expected i64", np.zeros(2, np.int32), shape=(3,)),
        wrong(DTypeError, "f32", np.zeros(2, np.float32), shape=(3,)),
        wrong(ShapeError, "expected i64[2]", np.zeros(3, np.int64), shape=(3,)),
    ]
