"""Runs ONNX models in whatever other runtimes are installed, ONNX Runtime and onnx.reference, and
in Ingot, which reads them again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.reference

import ingot
import ingot.onnx
from ingot.bounds import EQUAL, Bound, Difference, epsilon, first_difference
from ingot.dtypes import convert, is_float

Array = Any
Engine = Callable[[onnx.ModelProto, Sequence[Array]], list[Array]]

try:
    import onnxruntime
except ImportError:
    onnxruntime = None
else:
    onnxruntime.set_default_logger_severity(4)  # failures are raised; warnings are of no use here


class LacksError(Exception):
    """The runtime says, or is known, not to do this."""


# What onnx.reference says of itself, or does wrong: (exception, piece of its message).
_REFERENCE_LACKS = [
    (RuntimeError, "Scan is not implemented for other"),
    (RuntimeError, "Scan with zero scan-input length"),
    (ValueError, "at most 64 array objects"),
    (ValueError, "all dimensions of index and self should be the same size"),
]


def is_too_new(model: onnx.ModelProto) -> bool:
    """Whether the installed package does not know the model's opset."""
    return bool(model.opset_import[0].version > onnx.defs.onnx_opset_version())


def _feeds(model: onnx.ModelProto, inputs: Sequence[Array]) -> dict[str, Array]:
    return dict(zip([i.name for i in model.graph.input], inputs, strict=True))


def run_reference(model: onnx.ModelProto, inputs: Sequence[Array]) -> list[Array]:
    """The outputs that onnx.reference gives."""
    for node in model.graph.node:
        pads = next((list(a.ints) for a in node.attribute if a.name == "pads"), [])
        if node.op_type == "MaxPool" and len(set(pads)) > 1:
            raise LacksError("MaxPool whose sides differ: it takes them in another order")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = onnx.reference.ReferenceEvaluator(model)
            return [np.asarray(x) for x in session.run(None, _feeds(model, inputs))]
    except (RuntimeError, ValueError) as error:
        if any(isinstance(error, kind) and text in str(error) for kind, text in _REFERENCE_LACKS):
            raise LacksError(str(error)) from None
        raise


def near(
    got: Array, expected: Array, bound: Bound | None, operands: Sequence[Array], attrs: Any
) -> Difference | None:
    """The first element that lies further from the reference than other runtimes may: four times
    the op's bound, and what a formula for an op that ONNX lacks loses beside 1. The sign of zero is
    theirs. bound None: of a region, whose roundings add up."""

    def tolerance(operands: Any, attrs: Any, expected: Array, dtype: Any) -> Array:
        unit = 8 * epsilon(dtype) * np.maximum(1, np.abs(expected))
        if bound is None:  # and some functions of float64 are computed in float32
            return unit * 64 + 1e-6 * np.abs(expected)
        return (
            unit
            if bound.tolerance is None
            else unit + 4 * bound.tolerance(operands, attrs, expected, dtype)
        )

    if not is_float(got.dtype):
        return first_difference(EQUAL, got, expected, operands, attrs)
    exact = bound is not None and bound.tolerance is None
    wider = Bound("near", widen=True, tolerance=None if exact else tolerance)
    zero = np.zeros((), got.dtype)
    return first_difference(wider, got + zero, convert(expected, got.dtype) + zero, operands, attrs)


def _without_bfloat16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with inputs and outputs of float32 in the place of bfloat16, which NumPy arrays of
    ONNX Runtime cannot be: no number changes."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph, half = result.graph, onnx.TensorProto.BFLOAT16
    edges = {i.name for i in graph.input}  # a default would keep the type
    kept = [t for t in graph.initializer if t.name not in edges or t.data_type != half]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    casts = []
    for edge in [*graph.input, *graph.output]:
        if edge.type.tensor_type.elem_type == half:
            edge.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
            inner, edge.name = edge.name, f"{edge.name} as float32"
            names = ([edge.name], [inner]) if edge in list(graph.input) else ([inner], [edge.name])
            to = half if edge in list(graph.input) else onnx.TensorProto.FLOAT
            casts.append(onnx.helper.make_node("Cast", *names, to=to))
    nodes = list(graph.node)
    del graph.node[:]
    inputs = {i.name for i in graph.input}
    graph.node.extend([c for c in casts if c.input[0] in inputs])
    graph.node.extend(nodes)
    graph.node.extend([c for c in casts if c.input[0] not in inputs])
    return result


def run_onnxruntime(model: onnx.ModelProto, inputs: Sequence[Array]) -> list[Array]:
    """The outputs that ONNX Runtime gives, with its optimizations off: they are its own matter."""
    outputs = [o.type.tensor_type.elem_type for o in model.graph.output]
    model = _without_bfloat16(model)
    inputs = [x.astype(np.float32) if x.dtype.name == "bfloat16" else x for x in inputs]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error):
            raise LacksError(str(error)) from None
        raise
    results = session.run(None, _feeds(model, inputs))
    types = [onnx.helper.tensor_dtype_to_np_dtype(t) for t in outputs]
    return [np.asarray(x).astype(t) for x, t in zip(results, types, strict=True)]


def run_reimported(model: onnx.ModelProto, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of the program that reading the model again gives."""
    read = ingot.onnx.Model(model.SerializeToString())
    try:
        program = ingot.compile(read.record(states={}))
    except ingot.UnsupportedError as error:
        raise LacksError(str(error)) from None
    given = {k: x for k, x in _feeds(model, inputs).items() if k in read.inputs}
    results = program.run(given)
    return [np.asarray(results[o.name]) for o in model.graph.output]


# onnx.reference marks padding of averages with NaN.
_OPEN_TO_NAN = {
    "argmax",
    "argsort",
    "avg_pool2d",
    "copysign",
    "max",
    "max_pool2d",
    "min",
    "sign",
}


def open_to_runtimes(op: str, operands: Sequence[Array], engine: str) -> bool:
    """Whether ONNX leaves these operands open, and the runtime decides otherwise."""
    lost = any(is_float(x.dtype) and np.isnan(x.astype(np.float64)).any() for x in operands)
    if lost and op in _OPEN_TO_NAN:
        return True
    # It keeps chains of 16-bit floats in float32, without the roundings between.
    if engine == "onnxruntime" and any(
        is_float(x.dtype) and x.dtype.itemsize == 2 for x in operands
    ):
        return True
    if engine == "onnx.reference" and op in ("erf", "erfc"):  # an approximation in float32
        return operands[0].dtype == np.float64
    # Products of integers go through floats there, so that they do not wrap.
    return engine == "onnxruntime" and op == "prod" and not is_float(operands[0].dtype)


ENGINES: dict[str, Engine] = {"onnx.reference": run_reference, "ingot": run_reimported}
if onnxruntime is not None:
    ENGINES["onnxruntime"] = run_onnxruntime
