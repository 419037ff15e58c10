"""Random networks over images: convolutions, pools, residuals, branches that are joined, and what
reads their results: permutations, reshapes, reductions, products, outputs. They exist for the
orders in which results lie in memory, so sizes are odd and every value may also be an output.

    python tests/random_networks.py --count 5000 --seed 1      # the long version of the test
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from tests.random_programs import NUMPY, ORIGIN, Choose, SeededChoose, check_program

import ingot
from ingot import _core

Value = Any


class NetworkGenerator:
    """Grows one network; `images` are the values of four axes so far, `others` all others."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.module = _core.Module()
        self.builder = _core.Builder(self.module, "main")
        self.dtype = choose.pick(["f32", "f32", "f64"])
        self.rng = np.random.default_rng(choose.integer(0, 2**31))
        self.batch = choose.integer(1, 3)
        self.images: list[Value] = []
        self.others: list[Value] = []
        self.num_params = 0

    def array(self, shape: list[int]) -> np.ndarray:
        values: np.ndarray = np.round(self.rng.standard_normal(shape) * 4) / 4
        return values.astype(NUMPY[self.dtype])

    def weight(self, shape: list[int]) -> Value:
        self.num_params += 1
        return self.builder.add_param(f"w{self.num_params}", self.array(shape))

    def add(self, op: str, operands: list[Value], **attrs: Any) -> Value | None:
        """The result, or None where the op's rules refuse it."""
        try:
            (result,) = self.builder.add_node(op, operands, attrs, ORIGIN)
        except ingot.IngotError:
            return None
        sizes = [self.batch if not isinstance(n, int) else n for n in result.shape]
        if int(np.prod(sizes)) > 60_000:
            return result
        (self.images if len(sizes) == 4 else self.others).append(result)
        return result

    def image(self) -> Value:
        """Mostly a young one, so that chains grow."""
        last = len(self.images) - 1
        return self.images[max(self.choose.integer(0, last), self.choose.integer(0, last))]

    def add_conv(self) -> None:
        choose, x = self.choose, self.image()
        channels = x.shape[1]
        if not isinstance(channels, int) or not all(isinstance(n, int) for n in x.shape[2:]):
            return
        groups = choose.pick([1, 1, 1, channels, *[g for g in (2, 3, 4) if channels % g == 0]])
        outputs = groups * choose.integer(1, 40 // groups + 1)
        if groups == channels and choose.integer(0, 1):
            outputs = channels
        kernel = [choose.pick([1, 1, 2, 3, 3, 5]) for _ in range(2)]
        if choose.integer(0, 2) == 0:
            kernel = [1, 1]
        padding = [choose.integer(0, kernel[i % 2] - 1) for i in range(4)]
        self.add(
            "conv2d",
            [x, self.weight([outputs, channels // groups, *kernel])],
            stride=[choose.pick([1, 1, 2, 3]) for _ in range(2)],
            padding=padding,
            dilation=[choose.pick([1, 1, 1, 2]) for _ in range(2)],
            groups=groups,
        )

    def add_pool(self) -> None:
        choose = self.choose
        window = {
            "kernel": [choose.integer(1, 3) for _ in range(2)],
            "stride": [choose.integer(1, 2) for _ in range(2)],
            "padding": [choose.integer(0, 1) for _ in range(4)],
        }
        if choose.integer(0, 1):
            self.add("max_pool2d", [self.image()], **window, dilation=[choose.integer(1, 2), 1])
        else:
            self.add(
                "avg_pool2d", [self.image()], **window, count_include_pad=choose.integer(0, 1) == 1
            )

    def add_affine(self) -> None:
        """A scale and a shift for each channel, then an activation: what batch norm leaves."""
        x = self.image()
        if not isinstance(x.shape[1], int):
            return
        for op in ("multiply", "add"):
            x = self.add(op, [x, self.weight([1, x.shape[1], 1, 1])])
        if self.choose.integer(0, 2):
            self.add("maximum", [x, self.builder.add_constant(np.zeros((), NUMPY[self.dtype]))])

    def add_residual(self) -> None:
        x = self.image()
        same = [y for y in self.images if list(y.shape) == list(x.shape)]
        self.add(self.choose.pick(["add", "subtract", "multiply"]), [x, self.choose.pick(same)])

    def add_concat(self) -> None:
        x, axis = self.image(), self.choose.pick([1, 1, 0, 2, 3])
        fits = [
            y for y in self.images if all(x.shape[i] == y.shape[i] for i in range(4) if i != axis)
        ]
        parts = [x, *[self.choose.pick(fits) for _ in range(self.choose.integer(1, 2))]]
        self.add("concat", parts, axis=axis)

    def add_view(self) -> None:
        choose, x = self.choose, self.image()
        kind = choose.integer(0, 4)
        if kind == 0:
            self.add(
                "permute_dims",
                [x],
                axes=choose.pick([[0, 2, 3, 1], [0, 3, 1, 2], [1, 0, 2, 3], [0, 1, 3, 2]]),
            )
        elif kind == 1:
            n, c, h, w = x.shape
            self.add(
                "reshape",
                [x],
                shape=choose.pick([[n, c * h * w], [n, c, h * w], [n, c * h, w], [n * c, 1, h, w]]),
            )
        elif kind == 2:
            stop = list(x.shape)
            start = [
                0,
                *[choose.integer(0, 1) if isinstance(s, int) and s > 1 else 0 for s in stop[1:]],
            ]
            self.add(
                "slice",
                [x],
                start=start,
                stop=stop,
                step=[1, *[choose.pick([1, 1, 2]) for _ in range(3)]],
            )
        elif kind == 3:
            self.add("flip", [x], axes=[choose.integer(0, 3)])
        else:
            self.add("negative", [x])

    def add_reduction(self) -> None:
        axes = self.choose.pick([[2, 3], [2, 3], [1], [1, 2, 3], [0], [3]])
        op = self.choose.pick(["sum", "sum", "max"])
        self.add(op, [self.image()], axes=axes, keepdims=self.choose.integer(0, 1) == 1)

    def add_product(self) -> None:
        flat = [x for x in self.others if len(x.shape) >= 2 and isinstance(x.shape[-1], int)]
        if not flat:
            return
        x = self.choose.pick(flat)
        self.add("matmul", [x, self.weight([x.shape[-1], self.choose.integer(1, 9)])])

    def run(self) -> tuple[_core.Module, list[np.ndarray]]:
        choose = self.choose
        shape = [
            self.batch,
            choose.pick([1, 3, 4, 8, 17, 32]),
            choose.integer(1, 17),
            choose.integer(1, 30),
        ]
        declared: list[Any] = list(shape)
        if choose.integer(0, 1):
            self.builder.declare_dim("n", 1, 4)
            declared[0] = _core.Size.dim("n")
        self.images.append(self.builder.add_input("x", self.dtype, declared))
        steps = [
            *[self.add_conv] * 5,
            *[self.add_affine] * 2,
            self.add_pool,
            self.add_residual,
            self.add_concat,
            self.add_view,
            self.add_reduction,
            self.add_product,
        ]
        self.add_conv()
        for _ in range(choose.integer(1, 12)):
            choose.pick(steps)()
        made = [*self.images[1:], *self.others] or self.images
        outputs = [choose.pick(made) for _ in range(choose.integer(1, 3))] + [self.image()]
        self.builder.set_outputs(outputs, ["" for _ in outputs])
        return self.module, [self.array(shape)]


def build_network(choose: Choose) -> tuple[_core.Module, list[np.ndarray]]:
    return NetworkGenerator(choose).run()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        try:
            check_program(*build_network(SeededChoose(seed)))
        except Exception:
            print("seed", seed)
            raise
    print(options.count, "networks")


if __name__ == "__main__":
    main()
