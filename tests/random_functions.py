"""Random differentiable functions: the same seed draws the same ops at every call, so that one
function can be run eagerly, recorded, and differentiated.

Compares the gradient that a recorded graph computes with the eager one, and second derivatives
with differences of first ones.

    python tests/random_functions.py --count 10000 --seed 1      # the long version of the test
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import ingot

Tensor = ingot.Tensor
Unary = Callable[[Tensor, random.Random], Tensor]


def axis_of(x: Tensor, r: random.Random) -> int:
    return r.randrange(x.ndim)


def pieces(x: Tensor, r: random.Random) -> Tensor:
    """A window with a step along every axis."""
    keys = []
    for n in x.shape:
        begin = r.randrange(n)
        keys.append(slice(begin, r.randint(begin + 1, n), r.choice([1, 1, 2])))
    return x[tuple(keys)]


def shuffled(x: Tensor, r: random.Random) -> Tensor:
    axes = list(range(x.ndim))
    r.shuffle(axes)
    return ingot.permute_dims(x, axes)


def taken(x: Tensor, r: random.Random) -> Tensor:
    axis = axis_of(x, r)
    indices = [r.randrange(-x.shape[axis], x.shape[axis]) for _ in range(r.randint(1, 4))]
    return ingot.take(x, ingot.tensor(indices), axis=axis)


def padded(x: Tensor, r: random.Random) -> Tensor:
    low, high = ([r.randint(0, 1) for _ in x.shape] for _ in range(2))
    return ingot.pad(x, 0.5, low=low, high=high)


def scanned(x: Tensor, r: random.Random) -> Tensor:
    weight = r.uniform(0.2, 0.9)

    def step(carry: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        after = ingot.tanh(carry * weight + row)
        return after, after * row

    last, rows = ingot.scan(step, ingot.zeros_like(x[0]), x, reverse=r.random() < 0.5)
    return rows + last


def branched(x: Tensor, r: random.Random) -> Tensor:
    level = r.uniform(-1, 1)
    return ingot.cond(ingot.mean(x) > level, lambda y: ingot.sin(y) * y, lambda y: y * level + 1, x)


UNARY: list[Unary] = [
    lambda x, _: ingot.sin(x),
    lambda x, _: ingot.tanh(x),
    lambda x, _: ingot.exp(ingot.tanh(x)),
    lambda x, _: ingot.log(x * x + 1),
    lambda x, _: ingot.sqrt(x * x + 0.5),
    lambda x, _: ingot.erf(x),
    lambda x, _: ingot.atan(x),
    lambda x, _: ingot.asinh(x),
    lambda x, _: ingot.log1p(ingot.exp2(x)),
    lambda x, _: ingot.abs(x),
    lambda x, _: ingot.relu(x - 0.1),
    lambda x, _: ingot.sigmoid(x) ** 3,
    lambda x, r: ingot.sum(x, axis=axis_of(x, r), keepdims=True),
    lambda x, r: ingot.mean(x, axis=axis_of(x, r), keepdims=True),
    lambda x, r: ingot.max(x, axis=axis_of(x, r), keepdims=True),
    lambda x, r: ingot.var(x, axis=axis_of(x, r), keepdims=True),
    lambda x, r: ingot.prod(ingot.tanh(x), axis=axis_of(x, r), keepdims=True),
    lambda x, r: ingot.softmax(x, axis=axis_of(x, r)),
    lambda x, r: ingot.log_softmax(x, axis=axis_of(x, r)),
    lambda x, r: ingot.cumulative_sum(x, axis=axis_of(x, r)),
    lambda x, r: ingot.cumulative_prod(ingot.tanh(x), axis=axis_of(x, r)),
    lambda x, r: ingot.sort(x, axis=axis_of(x, r)),
    lambda x, r: ingot.flip(x, axis=axis_of(x, r)),
    lambda x, _: x.reshape(1, -1),
    lambda x, _: x @ ingot.matrix_transpose(x),
    pieces,
    shuffled,
    taken,
    padded,
    scanned,
    branched,
]
BINARY: list[Callable[[Tensor, Tensor], Tensor]] = [
    ingot.add,
    ingot.subtract,
    ingot.multiply,
    lambda a, b: a / (b * b + 1),
    ingot.maximum,
    ingot.minimum,
    lambda a, b: ingot.atan2(a, b),
    lambda a, b: ingot.where(a < b, a * 2, b),
    lambda a, b: (a * a + 1) ** ingot.tanh(b),
]


def random_function(seed: int) -> tuple[Callable[..., Tensor], list[np.ndarray]]:
    """A scalar function of one to three float64 matrices, and arguments for it."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    shape = [int(n) for n in rng.integers(1, 5, 2)]
    arguments = [rng.standard_normal(shape) for _ in range(count)]

    def function(*xs: Tensor) -> Tensor:
        r = random.Random(seed)
        pool: list[Tensor] = list(xs)
        for _ in range(r.randint(2, 8)):
            if r.random() < 0.35:
                a, b = r.choice(pool), r.choice(pool)
                if a.shape == b.shape or (
                    1 in (a.shape[0], b.shape[0]) and a.shape[1:] == b.shape[1:]
                ):
                    pool.append(r.choice(BINARY)(a, b))
                    continue
            x = r.choice(UNARY)(r.choice(pool[-3:]), r)
            if np.prod(x.shape) <= 400:
                pool.append(x)
        total = ingot.sum(ingot.tanh(pool[-1]))
        for x in pool[len(xs) : -1]:
            total = total + ingot.mean(x) * 0.1
        return total

    return function, arguments


def gradient(function: Callable[..., Tensor], count: int) -> Callable[..., Any]:
    return ingot.grad(function, argnums=list(range(count)))


def relative_error(got: Sequence[Any], expected: Sequence[Any]) -> float:
    """The largest difference over the largest magnitude; 0 where both are not finite alike."""
    worst = 0.0
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert np.array_equal(np.isfinite(a), np.isfinite(b))
        if np.all(np.isfinite(b)) and b.size:
            scale = 1e-3 + np.max(np.abs(b))
            worst = max(worst, float(np.max(np.abs(a - b)) / scale))
    return worst


def check_first_order(seed: int) -> float:
    """The recorded gradient, compiled, against the eager one."""
    function, arguments = random_function(seed)
    step = gradient(function, len(arguments))
    expected = step(*[ingot.tensor(x) for x in arguments])
    program = ingot.compile(ingot.record(step, *arguments))
    found = program(*arguments)
    found = found if isinstance(found, tuple) else (found,)
    return relative_error(found, [g.numpy() for g in expected])


def check_second_order(seed: int) -> float:
    """A second derivative along a direction, against a difference of gradients along it."""
    function, arguments = random_function(seed)
    count = len(arguments)
    rng = np.random.default_rng(seed)
    directions = [rng.standard_normal(x.shape) for x in arguments]

    def slope(*xs: Tensor) -> Tensor:
        products = zip(gradient(function, count)(*xs), directions, strict=True)
        total = ingot.zeros((), dtype="float64")
        for g, d in products:
            total = total + ingot.sum(g * d)
        return total

    found = gradient(slope, count)(*[ingot.tensor(x) for x in arguments])
    h = 1e-6
    ends = []
    for t in (h, -h):
        moved = [ingot.tensor(x + t * d) for x, d in zip(arguments, directions, strict=True)]
        ends.append([g.numpy() for g in gradient(function, count)(*moved)])
    differences = [(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]
    return relative_error([g.numpy() for g in found], differences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    begin, worst = time.perf_counter(), 0.0
    for seed in range(given.seed, given.seed + given.count):
        error = check_first_order(seed)
        worst = max(worst, error)
        if error > 1e-9:
            print(f"seed {seed}: recorded and eager gradients differ by {error:.2e}")
    print(f"{given.count} functions, worst {worst:.2e}, {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
