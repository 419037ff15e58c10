"""Composites that ONNX has as one op are exported as that op; whatever only looks like one is
not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core

onnx = pytest.importorskip("onnx")

from tests.onnx_engines import ENGINES, LacksError  # noqa: E402

F = ingot.nn.functional
WEIGHT = np.linspace(0.5, 1.5, 8, dtype=np.float32)
BIAS = np.linspace(-1, 1, 8, dtype=np.float32)
X = np.random.default_rng(1).standard_normal((3, 4, 8)).astype(np.float32) * 3


def op_types(graph: ingot.Graph) -> list[str]:
    model = graph.to_onnx()
    onnx.checker.check_model(model, full_check=True)
    return [node.op_type for node in model.graph.node]


CASES: list[tuple[str, Callable[[Any], Any], list[str]]] = [
    ("relu", F.relu, ["Relu"]),
    ("sigmoid", ingot.sigmoid, ["Sigmoid"]),
    ("silu", F.silu, ["Sigmoid", "Mul"]),
    ("gelu", F.gelu, ["Gelu"]),
    ("gelu tanh", lambda x: F.gelu(x, "tanh"), ["Gelu"]),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.3), ["LeakyRelu"]),
    ("elu", F.elu, ["Elu"]),
    ("elu of alpha", lambda x: F.elu(x, 0.25), ["Elu"]),
    ("hardsigmoid", F.hardsigmoid, ["HardSigmoid"]),
    ("hardswish", F.hardswish, ["HardSwish"]),
    ("clip", lambda x: ingot.clip(x, -0.5, 2.25), ["Clip"]),
    ("clip to integers", lambda x: ingot.clip(x, -1, 2), ["Clip"]),
    ("clip to tensors", lambda x: ingot.clip(x, ingot.tensor(-0.5), ingot.tensor(2.25)), ["Clip"]),
    ("relu6", F.relu6, ["Clip"]),
    ("hardtanh", lambda x: F.hardtanh(x, -0.5, 0.75), ["Clip"]),
    ("softmax", lambda x: ingot.softmax(x, axis=1), ["Softmax"]),
    ("log_softmax", lambda x: ingot.log_softmax(x, axis=-1), ["LogSoftmax"]),
    ("mean", lambda x: ingot.mean(x, axis=(1, 2)), ["ReduceMean"]),
    ("mean of one axis", lambda x: ingot.mean(x, axis=-1, keepdims=True), ["ReduceMean"]),
    ("layer_norm", lambda x: F.layer_norm(x, (8,), WEIGHT, BIAS), ["LayerNormalization"]),
    ("layer_norm of weights", lambda x: F.layer_norm(x, (8,), WEIGHT), ["LayerNormalization"]),
    ("layer_norm eps", lambda x: F.layer_norm(x, (8,), WEIGHT, BIAS, 0.5), ["LayerNormalization"]),
    (
        "attention",
        lambda x: F.scaled_dot_product_attention(x, x, x),
        ["Transpose", "MatMul", "Mul", "Softmax", "MatMul"],
    ),
]


@pytest.mark.parametrize(
    ("function", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_composites_are_one_op_and_agree(
    function: Callable[[Any], Any], expected: list[str]
) -> None:
    graph = ingot.record(function, ingot.Spec((ingot.Dim("n", 1, 9), 4, 8)))
    assert op_types(graph) == expected
    wanted = graph.evaluate(X)
    model = graph.to_onnx()
    for name, engine in ENGINES.items():
        try:
            (got,) = engine(model, [X])
        except LacksError:
            continue
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6, err_msg=name)


def test_names_and_lines_are_those_of_the_call() -> None:
    model = ingot.record(lambda x: ingot.exp(F.relu(x)), ingot.Spec((3,))).to_onnx()
    relu = model.graph.node[0]
    assert (relu.name, list(relu.output)) == ("relu.1", ["relu.1"])
    about = {p.key: p.value for p in relu.metadata_props}
    assert about["ingot.composite"] == "relu.1"
    assert about["ingot.source"].startswith("test_onnx_patterns.py:")


def test_a_value_inside_that_is_read_elsewhere_keeps_the_steps() -> None:
    graph = ingot.record(lambda x: ingot.softmax(x, axis=-1), ingot.Spec((2, 3)))
    inner = graph.module.nodes(0)[1].results
    fetched = ingot.Graph(graph.module.with_extra_outputs(0, inner))
    assert op_types(fetched) == ["ReduceMax", "Sub", "Exp", "ReduceSum", "Div"]


def test_other_numbers_keep_the_steps() -> None:
    def nearly(x: Any) -> Any:
        return x * 0.5 * (ingot.erf(x * 0.7) + 1.0)

    def exactly(x: Any) -> Any:
        return (x * 0.5) * (ingot.erf(x * np.float32(0.5**0.5)) + 1.0)

    assert "Gelu" not in op_types(ingot.record(nearly, ingot.Spec((3,))))
    assert op_types(ingot.record(exactly, ingot.Spec((3,)))) == ["Gelu"]


def test_other_wiring_keeps_the_steps() -> None:
    def f(x: Any, y: Any) -> Any:
        return ingot.where(x <= 0, 0.0, y)  # the ops of relu, on two operands

    graph = ingot.record(f, ingot.Spec((3,)), ingot.Spec((3,)))
    assert op_types(graph) == ["LessOrEqual", "Where"]


def test_other_axes_keep_the_steps() -> None:
    def f(x: Any) -> Any:
        e = ingot.exp(x - ingot.max(x, axis=-1, keepdims=True))
        return e / ingot.sum(e, axis=0, keepdims=True)

    assert "Softmax" not in op_types(ingot.record(f, ingot.Spec((3, 3))))


def test_the_name_of_a_call_decides_nothing() -> None:
    module = _core.Module()
    builder = _core.Builder(module, "main")
    x = builder.add_input("x", "f32", [3])
    (y,) = builder.add_node("exp", [x], {}, ("model.py", 1, "softmax.1"))
    builder.set_outputs([y], ["y"])
    assert op_types(ingot.Graph(module)) == ["Exp"]


def test_a_dtype_that_runtimes_lack_keeps_the_steps() -> None:
    assert "Gelu" not in op_types(ingot.record(F.gelu, ingot.Spec((3,), "float64")))


def test_sixteen_bit_floats_that_are_computed_in_float32_are_one_op_too() -> None:
    assert op_types(ingot.record(F.gelu, ingot.Spec((3,), "bfloat16"))) == ["Cast", "Gelu", "Cast"]


def test_a_limit_that_is_nan_or_infinite() -> None:
    for limit in (float("nan"), float("inf"), float("-inf")):
        graph = ingot.record(lambda x, n=limit: ingot.clip(x, n, 1.0), ingot.Spec((3,)))
        wanted = graph.evaluate(X[0, 0, :3])
        for engine in ENGINES.values():
            (got,) = engine(graph.to_onnx(), [X[0, 0, :3]])
            np.testing.assert_array_equal(got, wanted)


def test_nodes_that_change_nothing_are_left_out() -> None:
    def f(x: Any) -> Any:
        same = ingot.cast(x, dtype="float32")
        y = ingot.reshape(ingot.exp(same), (3,))
        return ingot.broadcast_to(y, (3,)), same

    graph = ingot.record(f, ingot.Spec((3,)))
    assert op_types(graph) == ["Exp", "Identity"]  # the input is an output under another name
    (y, same), x = graph.evaluate(X[0, 0, :3]), X[0, 0, :3]
    for engine in ENGINES.values():
        got = engine(graph.to_onnx(), [x])
        np.testing.assert_allclose(got[0], y, rtol=1e-6)
        np.testing.assert_array_equal(got[1], same)
