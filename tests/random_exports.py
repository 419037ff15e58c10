"""Random programs, exported to ONNX and run by every other runtime that is installed.

Every value of the outermost graph is fetched; each node must be what the reference makes of the
operands that the runtime itself had, so that no rounding is amplified by the nodes after it.

    python tests/random_exports.py --count 2000 --seed 1      # the long version of the test
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import onnx
from tests.onnx_engines import ENGINES, Engine, LacksError, is_too_new, near, open_to_runtimes
from tests.random_programs import SeededChoose, build

import ingot
from ingot import _core
from ingot.dtypes import from_text
from ingot.errors import UnsupportedError
from ingot.onnx.export import to_onnx
from ingot.op import OPS
from ingot.reference import Evaluator, bind_dims, concrete, evaluate, node_attrs

T = TypeVar("T")
Array = Any


class FiniteChoose(SeededChoose):
    """No NaN and no infinity among the inputs: much of ONNX says nothing of them."""

    def pick(self, options: Sequence[T]) -> T:
        special = isinstance(options[0], float) and np.isnan(options[0])
        return super().pick([2.5] if special else options)


class DifferenceError(AssertionError):
    """A node that a runtime computes otherwise."""


def check_node(
    node: _core.Node, evaluator: Evaluator, types: dict[int, _core.Value], engine: str
) -> None:
    """Holds the results of one node, as the runtime gave them, against the reference."""
    operands = [evaluator.value(v) for v in node.operands]
    got = [evaluator.value(v) for v in node.results]
    for value_id, x in zip(node.results, got, strict=True):
        value = types[value_id]
        shape = tuple(concrete(n, evaluator.dims) for n in value.shape)
        if (x.dtype, x.shape) != (from_text(value.dtype), shape):
            raise DifferenceError(
                f"{node.op}: got {x.dtype}{x.shape}, expected {value.dtype}{shape}"
            )
    if not node.results:
        return
    if node.regions:
        functions = [evaluator._region_function(region) for region in node.regions]
        reference = OPS[node.op].reference
        assert reference is not None
        expected = reference(operands, node_attrs(node, evaluator.dims), functions)
        expected = evaluator.with_empty(node, expected)
        bound = None
    else:
        attrs = node_attrs(node, evaluator.dims)
        expected, bound = [OPS[node.op].unrounded(operands, attrs)], OPS[node.op].bound
    for x, wanted in zip(got, expected, strict=True):
        attrs = node_attrs(node, evaluator.dims)
        difference = near(x, wanted, bound, operands, attrs)
        if difference is not None and not open_to_runtimes(node.op, operands, engine):
            raise DifferenceError(f"{node.op}{node.attrs}: {difference}\noperands {operands}")


def check_values(
    module: _core.Module,
    inputs: Sequence[Array],
    fetched: Sequence[int],
    values: Sequence[Array],
    engine: str,
) -> None:
    """Every node of the outermost graph, on the values that a runtime gave for `fetched`."""
    states = {name: module.state(name) for name, _, _ in module.states}
    evaluator = Evaluator(module, 0, bind_dims(module, 0, inputs, {}), states)
    body, nodes = module.body(0), module.nodes(0)
    types = {value.id: value for value in module.values(0)}
    evaluator.values.update(zip(body.args, inputs, strict=True))
    evaluator.values.update(zip(fetched, values, strict=True))
    for node_id in body.nodes:
        check_node(nodes[node_id], evaluator, types, engine)


def state_values(model: onnx.ModelProto, module: _core.Module) -> list[Array]:
    """First values for the inputs that states have become."""
    names = [i.name for i in model.graph.input[len(module.inputs(0)) :]]
    first = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    return [first[name] for name in names]


def check_export(
    module: _core.Module, inputs: Sequence[Array], engines: dict[str, Engine]
) -> Counter[str]:
    """Exports one program and compares every runtime with the reference; what became of it."""
    nodes = module.nodes(0)
    fetched = [v for n in module.body(0).nodes for v in nodes[n].results]
    try:
        model = to_onnx(ingot.Graph(module.with_extra_outputs(0, fetched)))
    except UnsupportedError:
        return Counter(["refused"])
    if is_too_new(model):
        return Counter(["too new"])
    onnx.checker.check_model(model, full_check=True)
    try:
        evaluate(module, 0, inputs)
    except ingot.IngotError:  # an index out of range, of which ONNX says nothing
        return Counter(["raises"])
    given = [*inputs, *state_values(model, module)]
    counts: Counter[str] = Counter()
    first = len(module.outputs(0))
    for name, engine in engines.items():
        try:
            results = engine(model, given)
        except LacksError:
            counts[f"{name} lacks"] += 1
            continue
        check_values(module, inputs, fetched, results[first : first + len(fetched)], name)
        counts[f"{name} agrees"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="the first program's number")
    parser.add_argument("--keep-going", action="store_true", help="count differences, do not stop")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    begin = time.perf_counter()
    for number in range(options.seed, options.seed + options.count):
        module, inputs = build(FiniteChoose(number))
        try:
            counts += check_export(module, inputs, ENGINES)
        except Exception as error:
            print(
                f"program {number}: {type(error).__name__}: {error}\n{module.text()}",
                file=sys.stderr,
            )
            if not options.keep_going:
                raise
            counts["FAILED"] += 1
    elapsed = time.perf_counter() - begin
    print(f"{options.count} programs in {elapsed:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main()
