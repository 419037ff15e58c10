"""Random programs: op DAGs over every row of the table, nested regions, states, updates, symbolic
dims.

`build(choose)` makes one module through the core's builder; whatever the op table refuses is simply
not added, so the generator needs no copy of any shape rule. `check_program` holds it against every
law at once: file round trip, the reference node by node, equal bits between levels, thread counts
and pass settings.

    python -m tests.random_programs --count 20000 --seed 1          # the long version of the test
    python -m tests.random_programs --count 2000 --device         # of the one in test_cuda.py
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from tests.device import devices, open_emulator

import ingot
import ingot.testing
from ingot import _core
from ingot.dtypes import dtype_of, is_float

T = TypeVar("T")
KINDS = {
    "bool": ["bool"],
    "int": ["i32", "i64", "i8", "i16", "u8", "u16"],
    "float": ["f32", "f64", "f16", "bf16"],
    "complex": [],
}
DTYPES = [dtype for dtypes in KINDS.values() for dtype in dtypes]
NUMPY = {text: dtype_of(name) for text, name, _, _ in _core.dtype_names() if text in DTYPES}
ORIGIN = ("random.py", 1, "")
ROWS = {row.name: row for row in _core.op_table()}
PLAIN_ROWS = [row for row in _core.op_table() if "region" not in row.traits and row.name != "abort"]


class Choose(Protocol):
    """Where choices come from: a seeded generator here, hypothesis in the tests."""

    def integer(self, low: int, high: int) -> int: ...
    def pick(self, options: Sequence[T]) -> T: ...


class SeededChoose:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def pick(self, options: Sequence[T]) -> T:
        return self.random.choice(options)


def array(choose: Choose, dtype: str, shape: Sequence[int]) -> np.ndarray:
    """Small values, special ones among them: exact in f32, so that sums stay comparable."""
    rng = np.random.default_rng(choose.integer(0, 2**31))
    size = int(np.prod(shape))
    if dtype == "bool":
        flat = rng.integers(0, 2, size) == 1
    elif dtype in KINDS["int"]:
        flat = rng.integers(-5, 6, size)
    else:
        flat = np.round(rng.standard_normal(size) * 4) / 4
        if choose.integer(0, 9) == 0 and size:
            flat[rng.integers(0, size)] = choose.pick([np.nan, np.inf, -np.inf, -0.0, 1e-40, 3e38])
    with np.errstate(over="ignore"):
        return flat.astype(NUMPY[dtype]).reshape(shape)


class Generator:
    """Grows one graph. `scopes` holds the values visible at each nesting level."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.module = _core.Module()
        self.builder = _core.Builder(self.module, "main")
        self.scopes: list[list[_core.Value]] = [[]]
        self.inputs: list[np.ndarray] = []
        self.batch = choose.integer(1, 4)
        # A few, so that operands of equal dtype are found.
        self.dtypes = ["bool", "i64", *[choose.pick(DTYPES) for _ in range(3)]]
        self.effects = False

    # ---- leaves

    def shape(self) -> list[int]:
        choose = self.choose
        return [choose.pick([0, 1, 1, 2, 3, 4, 5, 17]) for _ in range(choose.integer(0, 4))]

    def add_leaves(self) -> None:
        choose, builder = self.choose, self.builder
        symbolic = choose.integer(0, 2) == 0
        if symbolic:
            builder.declare_dim("n", 1, 6)
        for i in range(choose.integer(1, 3)):
            dtype, shape = choose.pick(self.dtypes), self.shape()
            declared: list[Any] = list(shape)
            if symbolic and (i == 0 or choose.integer(0, 1)):
                shape, declared = [self.batch, *shape[:3]], [_core.Size.dim("n"), *shape[:3]]
            self.scopes[0].append(builder.add_input(f"x{i}", dtype, declared))
            self.inputs.append(array(choose, dtype, shape))
        for i in range(choose.integer(0, 2)):
            dtype, shape = choose.pick(self.dtypes), self.shape()
            self.scopes[0].append(builder.add_param(f"w{i}", array(choose, dtype, shape)))
        for i in range(choose.integer(0, 2)):
            dtype, shape = choose.pick(self.dtypes), self.shape()
            zeros = choose.integer(0, 1) == 0
            value = np.zeros(shape, NUMPY[dtype]) if zeros else array(choose, dtype, shape)
            self.scopes[0].append(builder.add_state(f"s{i}", value, zeros))

    def constant(self, dtype: str, shape: Sequence[int] = ()) -> _core.Value:
        return self.builder.add_constant(array(self.choose, dtype, shape))

    def visible(self) -> list[_core.Value]:
        return [value for scope in self.scopes for value in scope]

    def value_of(self, accept: Callable[[_core.Value], bool]) -> _core.Value | None:
        options = [value for value in self.visible() if accept(value)]
        return self.choose.pick(options) if options else None

    # ---- one node of the table

    def operand_dtypes(self, row: _core.OpRow, count: int) -> list[str]:
        choose = self.choose
        taken = [d for c in row.classes for d in KINDS[c]]
        dtype = choose.pick([d for d in taken if d in self.dtypes] or taken)
        if row.dtype_rule == "select":
            return ["bool", *[dtype] * (count - 1)]
        if row.dtype_rule == "indexed":
            return [*[dtype] * (count - 1), choose.pick(["i32", "i64"])]
        return [dtype] * count

    def operands(self, row: _core.OpRow) -> list[_core.Value] | None:
        count = self.choose.integer(1, 3) if row.variadic else len(row.operands)
        found: list[_core.Value] = []
        for position, dtype in enumerate(self.operand_dtypes(row, count)):
            is_index = row.dtype_rule == "indexed" and position == count - 1
            if row.name == "pad" and position == 1:
                found.append(self.constant(dtype))
            elif is_index:
                found.append(self.index_operand(row, dtype, found))
            else:
                value = self.value_of(lambda v, d=dtype: v.dtype == d)
                rare = self.choose.integer(0, 5) == 0
                found.append(self.constant(dtype) if value is None or rare else value)
        return found

    def index_operand(
        self, row: _core.OpRow, dtype: str, before: Sequence[_core.Value]
    ) -> _core.Value:
        """Mostly small numbers, which are in range; of a rank that the row takes."""
        x = before[0].shape
        if row.operands[-1] == "start":
            shape = [len(x)]
        elif row.name == "take":
            shape = self.shape()[:2]
        else:
            shape = list(before[-1].shape)  # of the updates, or of x
        small = all(isinstance(n, int) for n in shape) and int(np.prod(shape)) <= 16
        if small and self.choose.integer(0, 3):
            return self.small_index(dtype, shape)
        value = self.value_of(
            lambda v: v.dtype == dtype and (row.name == "take" or len(v.shape) == len(shape))
        )
        return self.constant(dtype) if value is None else value

    def small_index(self, dtype: str, shape: Sequence[int]) -> _core.Value:
        rng = np.random.default_rng(self.choose.integer(0, 2**31))
        return self.builder.add_constant(rng.integers(-1, 2, shape).astype(NUMPY[dtype]))

    def attribute(self, name: str, kind: str, operands: Sequence[_core.Value]) -> Any:
        choose = self.choose
        shape = list(operands[0].shape) if operands else []
        rank = len(shape)
        if kind == "bool":
            return choose.integer(0, 1) == 1
        if kind == "dtype":
            return choose.pick(self.dtypes)
        if name == "axes":
            order = sorted(range(rank), key=lambda _: choose.integer(0, 99))
            return order if choose.integer(0, 1) else sorted(order[: choose.integer(0, rank)])
        if name == "axis":
            return choose.integer(0, max(rank - 1, 0))
        if name == "shape":
            return self.new_shape(shape)
        if name in ("stop", "value") and kind == "size":
            return choose.pick([0, 1, 3, *shape[:1]])
        if name == "start":
            return [choose.pick([0, 0, 1]) for _ in shape]
        if name in ("stop", "sizes"):
            return [
                s
                if choose.integer(0, 1) or not isinstance(s, int)
                else max(s - choose.integer(0, 1), 0)
                for s in shape
            ]
        if name == "step":
            return [choose.pick([1, 1, 2]) for _ in shape]
        if name in ("low", "high"):
            return [choose.integer(0, 2) for _ in shape]
        if name == "padding":
            return [choose.integer(0, 1) for _ in range(4)]
        if name in ("kernel", "stride", "dilation"):
            return [choose.integer(1, 2) for _ in range(2)]
        return 1

    def new_shape(self, shape: list[Any]) -> list[Any]:
        choose = self.choose
        result = list(shape)
        for _ in range(choose.integer(1, 2)):
            change = choose.integer(0, 3)
            if change == 0:
                result.insert(choose.integer(0, len(result)), 1)
            elif change == 1 and len(result) >= 2:
                at = choose.integer(0, len(result) - 2)
                result[at : at + 2] = [result[at] * result[at + 1]]
            elif change == 2:
                result.insert(0, choose.integer(1, 3))
            else:
                result = [choose.integer(2, 3) if s == 1 else s for s in result]
        return result

    def add_plain_node(self) -> None:
        row = self.choose.pick(PLAIN_ROWS)
        operands = self.operands(row)
        if operands is None:
            return
        attrs = {a.name: self.attribute(a.name, a.kind, operands) for a in row.attrs}
        try:
            results = self.builder.add_node(row.name, operands, attrs, ORIGIN)
        except ingot.IngotError:
            return  # the table's own rules say what is legal
        self.scopes[-1].extend(results)

    # ---- regions

    def region(
        self,
        args: Sequence[_core.Value],
        returns: Callable[[Sequence[_core.Value]], list[_core.Value]],
        depth: int,
    ) -> None:
        types = [(value.dtype, value.shape) for value in args]
        inner = self.builder.begin_region(types)
        self.scopes.append(list(inner))
        self.add_nodes(self.choose.integer(0, 3), depth + 1)
        self.builder.end_region(returns(inner))
        self.scopes.pop()

    def same_type(self, like: _core.Value) -> _core.Value:
        found = self.value_of(lambda v: v.dtype == like.dtype and v.shape == like.shape)
        assert found is not None
        return found

    def add_if(self, depth: int) -> None:
        condition = self.value_of(lambda v: v.dtype == "bool" and not v.shape) or self.constant(
            "bool"
        )
        results = [self.choose.pick(self.visible()) for _ in range(self.choose.integer(1, 2))]
        self.builder.begin_node("if", [condition], {}, ORIGIN)
        for _ in range(2):
            self.region([], lambda _: [self.same_type(r) for r in results], depth)
        self.scopes[-1].extend(self.builder.end_node())

    def add_while(self, depth: int) -> None:
        choose = self.choose
        carried = [choose.pick(self.visible()) for _ in range(choose.integer(0, 2))]
        counter = self.builder.add_constant(np.array(0))
        trips = self.builder.add_constant(np.array(choose.integer(0, 4)))
        one = self.builder.add_constant(np.array(1))
        self.builder.begin_node("while", [counter, *carried], {}, ORIGIN)
        args = self.builder.begin_region([("i64", ()), *[(v.dtype, v.shape) for v in carried]])
        self.builder.end_region(self.builder.add_node("less", [args[0], trips], {}, ORIGIN))

        def returns(inner: Sequence[_core.Value]) -> list[_core.Value]:
            (advanced,) = self.builder.add_node("add", [inner[0], one], {}, ORIGIN)
            return [advanced, *[self.same_type(v) for v in inner[1:]]]

        self.region([counter, *carried], returns, depth)
        self.scopes[-1].extend(self.builder.end_node())

    def add_scan(self, depth: int) -> None:
        choose = self.choose
        carried = [choose.pick(self.visible()) for _ in range(choose.integer(0, 2))]
        x = self.value_of(lambda v: len(v.shape) >= 1)
        if x is None:
            return
        xs = [x, *[v for v in self.visible() if v.shape[:1] == x.shape[:1]][:1]]
        attrs = {
            "carries": len(carried),
            "length": x.shape[0],
            "reverse": choose.integer(0, 1) == 1,
        }
        self.builder.begin_node("scan", [*carried, *xs], attrs, ORIGIN)
        types = [
            *[(v.dtype, v.shape) for v in carried],
            ("i64", ()),
            *[(v.dtype, v.shape[1:]) for v in xs],
        ]
        inner = self.builder.begin_region(types)
        self.scopes.append(list(inner))
        self.add_nodes(choose.integer(0, 3), depth + 1)
        small = [v for v in self.visible() if len(v.shape) < 8]
        stacked = [choose.pick(small) for _ in range(choose.integer(0, 2))] if small else []
        self.builder.end_region([*[self.same_type(v) for v in inner[: len(carried)]], *stacked])
        self.scopes.pop()
        self.scopes[-1].extend(self.builder.end_node())

    def add_nodes(self, count: int, depth: int) -> None:
        for _ in range(count):
            kind = self.choose.integer(0, 11)
            if kind == 0 and depth < 3:
                self.choose.pick([self.add_if, self.add_while, self.add_scan])(depth)
            elif kind == 1 and depth == 0 and self.choose.integer(0, 3) == 0:
                self.builder.add_node(
                    "abort", [self.constant("bool")], {"message": "random"}, ORIGIN
                )
            else:
                self.add_plain_node()

    def finish(self) -> None:
        top = self.scopes[0]
        for name, dtype, shape in self.module.states:
            value = self.value_of(
                lambda v, d=dtype, s=shape: v.dtype == d and tuple(v.shape) == tuple(s)
            )
            if value is not None and self.choose.integer(0, 2):
                self.builder.add_update(name, value)
        outputs = [self.choose.pick(top) for _ in range(self.choose.integer(1, 3))] + top[-2:]
        self.builder.set_outputs(outputs, ["" if i % 2 else f"y{i}" for i in range(len(outputs))])


def build(choose: Choose) -> tuple[_core.Module, list[np.ndarray]]:
    """A random valid module with one graph, and inputs for it."""
    generator = Generator(choose)
    generator.add_leaves()
    generator.add_nodes(choose.integer(1, 14), 0)
    generator.finish()
    return generator.module, generator.inputs


def bits(arrays: Sequence[np.ndarray]) -> list[bytes]:
    """The arrays' bytes with every NaN made the same one."""
    return [
        np.where(a != a, np.full_like(a, np.nan), a).tobytes() if is_float(a.dtype) else a.tobytes()
        for a in arrays
    ]


CONFIGURATIONS = [
    {
        "level": level,
        "num_threads": threads,
        "disabled_passes": passes,
        "always_parallel": threads > 1,
    }
    for level, threads, passes in [
        (_core.levels()[0], 1, []),
        (_core.levels()[-1], 1, _core.pipeline()),
        *[(level, 2, []) for level in _core.levels()[1:]],
    ]
]


def outcome(module: _core.Module, inputs: Sequence[np.ndarray], options: dict[str, Any]) -> Any:
    """Two runs' outputs and the states after them, or the error and the states after it."""
    session = _core.Program(module, **options).new_session()
    results: list[Any] = []
    for _ in range(2):
        try:
            results.append(bits(session.run(0, inputs)))
        except ingot.IngotError as error:
            results.append((type(error).__name__, str(error)))
    return results, bits([session.read_state(name) for name, _, _ in module.states])


def check_program(module: _core.Module, inputs: Sequence[np.ndarray]) -> str:
    """Holds one program against every law; "ran", or the class of the error all of them raised."""
    data = module.to_bytes()
    loaded = _core.Module.from_bytes(data)
    assert loaded.to_bytes() == data, "save, load, save changes the bytes"
    text = module.text()
    assert loaded.text() == text, "the text does not survive the file"
    outcomes = [outcome(loaded, inputs, options) for options in CONFIGURATIONS]
    for options, other in zip(CONFIGURATIONS[1:], outcomes[1:], strict=True):
        assert other == outcomes[0], f"{options} differs from {CONFIGURATIONS[0]}:\n{text}"
    first = outcomes[0][0][0]
    if isinstance(first, tuple):
        return str(first[0])
    ingot.testing.check(ingot.Program(loaded), inputs)
    return "ran"


def check_on_device(module: _core.Module, inputs: Sequence[np.ndarray], device: str) -> str:
    """Holds one program on a device against the processor: outputs, states, errors word by word."""
    expected = outcome(module, inputs, {"device": "cpu"})
    assert outcome(module, inputs, {"device": device}) == expected, f"differs:\n{module.text()}"
    first = expected[0][0]
    return str(first[0]) if isinstance(first, tuple) else "ran"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first program's number")
    parser.add_argument("--device", action="store_true", help="compare a device with the processor")
    options = parser.parse_args()
    if options.device and "cuda:0" not in devices():
        open_emulator()
    counts: Counter[str] = Counter()
    begin = time.perf_counter()
    for number in range(options.seed, options.seed + options.count):
        module, inputs = build(SeededChoose(number))
        try:
            if options.device:
                counts[check_on_device(module, inputs, "cuda")] += 1
            else:
                counts[check_program(module, inputs)] += 1
        except Exception:
            print(f"program {number} failed:\n{module.text()}", file=sys.stderr)
            raise
    elapsed = time.perf_counter() - begin
    print(f"{options.count} programs in {elapsed:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main()
