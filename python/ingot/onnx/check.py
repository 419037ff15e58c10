"""check: one ONNX model in every runtime at hand, compared output by output.

Ingot runs it twice, eagerly and as a program; onnx.reference and ONNX Runtime run it where they are
installed. Where one of them differs from the program, all values of the model are compared, in the
order of its nodes, to find where that begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingot.bounds import epsilon
from ingot.dtypes import Array, is_float, kind_of
from ingot.errors import ArgumentError, IngotError, UnsupportedError
from ingot.program import compile
from ingot.record import Dim, Graph, Spec
from ingot.tensor import Size

from .load import Model
from .package import package
from .runtimes import RUNTIMES, CannotRunError, Runtime, Source

Inputs = Mapping[str, Array]
Results = dict[str, Any]  # by the outputs' names


@dataclass(frozen=True)
class Comparison:
    """One output of one runtime against the program's. largest: the largest difference; relative:
    over the largest value; agrees: within the tolerance, or equal, of integers and bools."""

    runtime: str
    output: str
    largest: float
    relative: float
    agrees: bool


@dataclass
class Report:
    """What a check found; printing gives a table."""

    comparisons: list[Comparison] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)  # runtime -> why it did not run
    begins: dict[str, str] = field(default_factory=dict)  # runtime -> the first node that differs

    @property
    def agrees(self) -> bool:
        """Whether all that ran agree."""
        return all(c.agrees for c in self.comparisons)

    def __str__(self) -> str:
        lines = [f"{'runtime':16} {'output':24} {'max error':>10} {'relative':>10}"]
        for c in self.comparisons:
            verdict = "" if c.agrees else "  DIFFERS"
            lines.append(
                f"{c.runtime:16} {c.output:24} {c.largest:10.3g} {c.relative:10.3g}{verdict}"
            )
        lines += [f"{name}: differs first at {where}" for name, where in self.begins.items()]
        lines += [f"{name}: did not run: {reason}" for name, reason in self.absent.items()]
        return "\n".join(lines)


def check(
    source: Source,
    inputs: Inputs | None = None,
    *,
    dims: Mapping[str, int] | None = None,
    seed: int = 0,
    tolerance: float = 1e-4,
) -> Report:
    """Runs a model everywhere and compares what comes out with Ingot's program.

    source: a path or the file's bytes. inputs: arrays by name; the others are random, normal floats
    and integers 0 and 1, of the sizes `dims` gives to symbolic dims (2 by default). tolerance: of
    floats, relative to the largest value of the output; of 16-bit floats at least two units in the
    last place. Raises ArgumentError for an unknown input,
    and what `load` raises.

    >>> import ingot, pytest
    >>> _ = pytest.importorskip("onnx")
    >>> graph = ingot.record(lambda x: {"y": ingot.exp(x)}, ingot.Spec((2, 3)))
    >>> ingot.onnx.check(graph.to_onnx().SerializeToString()).agrees
    True
    """
    model = Model(source)
    given = _inputs(model, dict(inputs or {}), dims or {}, np.random.default_rng(seed))
    program = _program_results(model, given)
    report = Report()
    for name, run in {"ingot, eager": _run_eagerly, **RUNTIMES}.items():
        try:
            results = run(source, given)
        except CannotRunError as error:
            report.absent[name] = str(error)
            continue
        compared = _compare(name, program, results, tolerance)
        report.comparisons += compared
        if not all(c.agrees for c in compared):
            report.begins[name] = _first_difference(source, run, given, tolerance)
    return report


def _inputs(
    model: Model, given: dict[str, Array], dims: Mapping[str, int], rng: np.random.Generator
) -> Inputs:
    unknown = sorted(set(given) - set(model.inputs))
    if unknown:
        known = ", ".join(model.inputs) if model.inputs else "no inputs"
        raise ArgumentError(f"check: no input {unknown[0]!r}: expected {known}")
    graph, sizes = _graph(model, given), dict(dims)
    return given | {s.name: _random(s, sizes, rng) for s in graph.inputs if s.name not in given}


def _graph(model: Model, given: Inputs) -> Graph:
    """The model recorded; inputs whose numbers decide a shape become constants."""
    values: dict[str, Array] = {}
    while True:
        try:
            return model.record(values=values)
        except UnsupportedError as error:
            needed = [n for n in error.inputs if n in given and n not in values]
            if not needed:
                raise
            values |= {name: given[name] for name in needed}


def _random(spec: Spec, dims: Mapping[str, int], rng: np.random.Generator) -> Array:
    sizes = [n.size if isinstance(n, Dim) else n for n in spec.shape]
    shape = [n if isinstance(n, int) else _number(n, dims) for n in sizes]
    kind = kind_of(spec.dtype)
    if kind in ("float", "complex"):
        return rng.standard_normal(shape).astype(spec.dtype)
    return rng.integers(0, 2, shape).astype(spec.dtype)


def _number(size: Size, dims: Mapping[str, int]) -> int:
    return size.evaluate({name: dims.get(name, 2) for name in size.dims})


def _run_eagerly(source: Source, given: Inputs) -> Results:
    model = Model(source)
    with np.errstate(all="ignore"):
        return dict(zip(model.outputs, model(*[given[n] for n in model.inputs]), strict=True))


def _program_results(model: Model, given: Inputs) -> Results:
    graph = _graph(model, given)
    program = compile(graph)
    results = program.run({spec.name: given[spec.name] for spec in graph.inputs})
    return dict(results)


def _compare(runtime: str, expected: Results, got: Results, tolerance: float) -> list[Comparison]:
    return [
        _compare_output(runtime, name, wanted, got.get(name), tolerance)
        for name, wanted in expected.items()
    ]


def _compare_output(
    runtime: str, name: str, expected: Array, got: Any, tolerance: float
) -> Comparison:
    if not isinstance(got, np.ndarray | np.generic) or (got.shape, got.dtype) != (
        expected.shape,
        expected.dtype,
    ):
        return Comparison(runtime, name, np.inf, np.inf, agrees=False)
    wide = np.complex128 if got.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        a, b = np.asarray(got).astype(wide), expected.astype(wide)
        same = (np.asarray(got) == expected) | (np.isnan(a) & np.isnan(b))
        distance = np.where(same, 0.0, np.abs(a - b))
        distance = np.where(np.isnan(distance), np.inf, distance)
    largest = float(distance.max(initial=0.0))
    size = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    relative = largest / size if size > 0 else largest
    exact = not is_float(expected.dtype) and expected.dtype.kind != "c"
    if is_float(expected.dtype) and expected.dtype.itemsize == 2:
        tolerance = max(tolerance, 4 * epsilon(expected.dtype))
    agrees = largest == 0 if exact else relative <= tolerance
    return Comparison(runtime, name, largest, relative, agrees=agrees)


# Where a difference begins.


def _first_difference(source: Source, run: Runtime, given: Inputs, tolerance: float) -> str:
    """The first node with an output of its own that differs."""
    try:
        data, nodes = _with_all_values(source)
        results = run(data, given)
        expected = _program_results(Model(data), given)
    except (CannotRunError, IngotError) as error:
        return f"no node that can be told: its values cannot be looked at: {error}"
    for node in nodes:
        for name in node.output:
            if name in expected:
                c = _compare_output("", name, expected[name], results.get(name), tolerance)
                if not c.agrees:
                    return _describe(node, c)
    return "no node: every value agrees when all are looked at"


def _describe(node: Any, c: Comparison) -> str:
    source = next((p.value for p in node.metadata_props if p.key == "ingot.source"), "")
    where = f" of {source}" if source else ""
    return (
        f"{node.op_type} {node.name!r}{where}, output {c.output!r}: "
        f"max error {c.largest:.3g}, relative {c.relative:.3g}"
    )


def _with_all_values(source: Source) -> tuple[bytes, list[Any]]:
    """The model with every tensor that a node of its outermost graph gives as an output, and these
    nodes in order."""
    onnx = package()
    model = onnx.load_model_from_string(source) if isinstance(source, bytes) else onnx.load(source)
    inferred = package("shape_inference").infer_shapes(model)
    types = {info.name: info for info in inferred.graph.value_info}
    known = {info.name for info in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            info = types.get(name)
            if name not in known and info is not None and info.type.HasField("tensor_type"):
                model.graph.output.append(info)
    if model.ByteSize() >= 2**31:
        raise CannotRunError("with its weights the model does not fit into one file")
    return model.SerializeToString(), list(model.graph.node)
