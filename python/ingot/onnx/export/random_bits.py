"""random_bits in integer arithmetic: Philox 4x32-10, as `ingot.ops.philox` has it.

In int64, whose sums and products have the same bits as those of uint64 and which runtimes have.
"""

from __future__ import annotations

import functools
import operator

from .pointwise import shifted_right
from .registry import Call, exports
from .terms import Term

_WORD = 0xFFFFFFFF
_ROUNDS = 10


def _low(x: Term) -> Term:
    return x & x.like(_WORD)


def _high(x: Term) -> Term:
    return _low(shifted_right(x, x.like(32)))


@exports("random_bits")
def _random_bits(call: Call) -> Term:
    (state,), ints = call.operands, call.emitter.ints
    count = functools.reduce(operator.mul, call.shape, 1)
    zero, one = (call.emitter.scalar(n, "i64") for n in (0, 1))
    blocks = zero.op("Range", call.sizes.scalar((count + 3) // 4), one)
    counter = blocks + state.op("Gather", one)
    words = _philox(counter, state.op("Gather", zero))
    columns = [word.op("Unsqueeze", ints([1])) for word in words]
    joined = columns[0].op("Concat", *columns[1:], axis=1).op("Reshape", ints([-1]))
    drawn = joined.op("Slice", ints([0]), call.sizes.vector([count]), ints([0]))
    # The bits of 32, as a number with a sign.
    signed = (drawn > 2**31 - 1).where(drawn - 2**32, drawn).cast("i32")
    return signed.op("Reshape", call.sizes.vector(call.shape), allowzero=1)


def _philox(counter: Term, key: Term) -> list[Term]:
    """Four words of 32 bits for each counter, in int64."""
    zero = counter - counter
    a, b, c, d = _low(counter), _high(counter), zero, zero
    k, l = _low(key), _high(key)  # noqa: E741
    for _ in range(_ROUNDS):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = _high(q) ^ b ^ k, _low(q), _high(p) ^ d ^ l, _low(p)
        k, l = _low(k + 0x9E3779B9), _low(l + 0xBB67AE85)  # noqa: E741
    return [a, b, c, d]
