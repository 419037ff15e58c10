"""ONNX models become graphs: shapes that are computed become sizes, loops regions, and so on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import command

onnx = pytest.importorskip("onnx")
from tests.onnx_models import (  # noqa: E402
    BOOL,
    FLOAT,
    INT64,
    bytes_of,
    graph_of,
    model_of,
    node,
    value,
)

X, Y = value("x", [2, 3]), value("y", None)
ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def load(*args: Any, **more: Any) -> ingot.Graph:
    loading = {k: more.pop(k) for k in ("dims", "values") if k in more}
    return ingot.onnx.load(bytes_of(model_of(*args, **more)), **loading)


def ops_of(graph: ingot.Graph) -> list[str]:
    return [n.op for n in graph.module.nodes(0)]


def run(graph: ingot.Graph, *inputs: Any) -> Any:
    """The only output, which the reference agrees with."""
    found = ingot.compile(graph)(*inputs)
    np.testing.assert_allclose(found["y"], graph.evaluate(*inputs)["y"], rtol=1e-6)
    return found["y"]


# Shapes and dims.


def test_shapes_that_are_computed_become_sizes() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "n"),
        node("Unsqueeze", "n axis", "n1"),
        node("Concat", "n1 rest", "wanted", axis=0),
        node("Reshape", "x wanted", "y"),
    ]
    tensors = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1, 2])}
    graph = load(nodes, [value("x", ["n", 6])], [Y], tensors)
    assert ops_of(graph) == ["reshape"]
    assert str(graph.outputs[0]) == "Spec([n, 3, 2], 'float32', name='y')"
    assert graph.module.dims == [("n", 1, None)]
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(run(graph, x), x.reshape(2, 3, 2))


def test_arithmetic_of_sizes_is_followed() -> None:
    nodes = [
        node("Shape", "x", "n", start=0, end=1),
        node("Mul", "n three", "a"),
        node("Sub", "a n", "b"),
        node("Div", "b two", "c"),
        node("Concat", "c minus", "d", axis=0),
        node("Equal", "d minus2", "e"),
        node("Where", "e ones d", "f"),
        node("Expand", "one f", "y"),
    ]
    tensors = {"three": [3], "two": [2], "minus": [-1], "minus2": [-1, -1], "ones": [1, 1]}
    graph = load(nodes, [value("x", ["n"])], [Y], tensors | {"one": np.float32(1)})
    assert str(graph.outputs[0].shape) == "(n, 1)"
    assert run(graph, np.zeros(5, np.float32)).shape == (5, 1)


def test_a_choice_by_a_size_is_made_by_its_range() -> None:
    """As exporters write a squeeze of an axis that may be 1."""
    branches = {
        "then_branch": graph_of([node("Squeeze", "x axis", "a")], [], [value("a", None)]),
        "else_branch": graph_of([node("Identity", "x", "b")], [], [value("b", None)]),
    }
    nodes = [
        node("Shape", "x", "s", start=0, end=1),
        node("Max", "s one", "n"),
        node("Less", "n two", "c"),
        node("If", "c", "y", **branches),
    ]
    tensors = {"one": [1], "two": [2], "axis": [0]}
    inputs = [value("x", ["n", 3])]
    assert ops_of(load(nodes, inputs, [Y], tensors, dims={"n": (2, None)})) == []
    assert ops_of(load(nodes, inputs, [Y], tensors, dims={"n": 1})) == ["reshape"]
    with pytest.raises(
        ingot.UnsupportedError,
        match="If 'y', node 4: unsupported: branches that only a run decides on: onnx: Squeeze 'a'",
    ):
        load(nodes, inputs, [Y], tensors)


def test_dims_are_given_and_expressions_are_read() -> None:
    inputs = [value("x", ["batch", "past + 1"]), value("z", ["batch", 1])]
    graph = load([node("Add", "x z", "y")], inputs, [Y], dims={"batch": (1, 8), "past": 4})
    assert [str(i.shape) for i in graph.inputs] == ["(batch, 5)", "(batch, 1)"]
    assert graph.module.dims == [("batch", 1, 8)]
    with pytest.raises(ingot.ArgumentError, match="no dim 'bacth': expected one of batch, past"):
        load([node("Add", "x z", "y")], inputs, [Y], dims={"bacth": 3})
    with pytest.raises(ingot.ArgumentError, match="wrong dim 'batch': got 'all'"):
        load([node("Add", "x z", "y")], inputs, [Y], dims={"batch": "all"})


def test_an_input_that_decides_a_shape_is_named_and_can_be_fixed() -> None:
    inputs = [X, value("shape", [2], INT64)]
    nodes = [node("Reshape", "x shape", "y")]
    with pytest.raises(ingot.UnsupportedError, match="come from shape: expected values=") as caught:
        load(nodes, inputs, [Y])
    assert caught.value.inputs == ("shape",)
    graph = load(nodes, inputs, [Y], values={"shape": np.array([3, -1])})
    assert [i.name for i in graph.inputs] == ["x"]
    assert run(graph, ROWS).shape == (3, 2)
    with pytest.raises(ingot.ArgumentError, match="no input 'form': expected one of x, shape"):
        load(nodes, inputs, [Y], values={"form": np.array([3, -1])})


def test_nodes_keep_their_place_in_the_model() -> None:
    graph = load([node("Exp", "x", "a"), node("Neg", "a", "y")], [X], [Y])
    assert [n.origin[:2] for n in graph.module.nodes(0)] == [("g.onnx", 1), ("g.onnx", 2)]


def test_weights_are_params_and_scalars_constants() -> None:
    tensors = {"w": np.ones(3, np.float32), "two": np.float32(2)}
    graph = load([node("Mul", "x w", "a"), node("Mul", "a two", "y")], [X], [Y], tensors)
    assert graph.module.params == [("w", "f32", (3,))]


def test_external_data_are_read_beside_the_model(tmp_path: Path) -> None:
    model = model_of([node("Mul", "x w", "y")], [X], [Y], {"w": np.float32([1, 2, 3])})
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    graph = ingot.onnx.load(tmp_path / "m.onnx")
    assert np.array_equal(run(graph, ROWS), ROWS * [1, 2, 3])


# Control flow, functions, sequences.


def test_a_branch_on_numbers_is_a_region_and_a_known_one_is_chosen() -> None:
    branches = {
        "then_branch": graph_of([node("Exp", "x", "a")], [], [value("a", None)]),
        "else_branch": graph_of([node("Neg", "x", "b")], [], [value("b", None)]),
    }
    choose = [node("If", "c", "y", **branches)]
    graph = load(choose, [X, value("c", [], BOOL)], [Y])
    assert "if" in ops_of(graph)
    assert np.array_equal(run(graph, ROWS, np.array(False)), -ROWS)
    assert ops_of(load(choose, [X], [Y], {"c": np.array(False)})) == ["negative"]


def loop_body(*nodes: Any, stacked: bool = False, shape: Any = (2, 3)) -> Any:
    inputs = [value("i", [], INT64), value("go", [], BOOL), value("s", shape)]
    outputs = [value("on", [], BOOL), value("t", shape)] + [value("row", None)] * stacked
    return graph_of(nodes, inputs, outputs, name="body")


def test_a_counted_loop_is_a_scan() -> None:
    body = loop_body(
        node("Identity", "go", "on"), node("Add", "s x", "t"), node("Neg", "t", "row"), stacked=True
    )
    nodes = [node("Loop", "m  x", "last y", body=body)]
    nodes[0].input[:] = ["m", "", "x"]
    graph = load(nodes, [X], [Y], {"m": np.array(3)})
    assert ops_of(graph).count("scan") == 1
    assert np.array_equal(run(graph, ROWS), -np.stack([2 * ROWS, 3 * ROWS, 4 * ROWS]))


def test_a_loop_with_a_condition_is_a_while() -> None:
    body = loop_body(
        node("Add", "s s", "t"),
        node("ReduceSum", "t", "n", keepdims=0),
        node("Less", "n most", "on"),
    )
    nodes = [node("Loop", "m c x", "y", body=body)]
    graph = load(nodes, [X], [Y], {"m": np.array(99), "c": np.array(True), "most": np.float32(100)})
    assert "while" in ops_of(graph)
    assert np.array_equal(run(graph, ROWS), ROWS * 8)


def test_a_loop_whose_value_grows_is_unrolled() -> None:
    body = loop_body(node("Identity", "go", "on"), node("Concat", "s x", "t", axis=0), shape=None)
    nodes = [node("Loop", "m c x", "y", body=body)]
    graph = load(nodes, [X], [Y], {"m": np.array(2), "c": np.array(True)})
    assert ops_of(graph) == ["concat", "concat"]
    assert np.array_equal(run(graph, ROWS), np.concatenate([ROWS] * 3))


def test_a_scan_goes_along_axes_and_backward() -> None:
    body = graph_of(
        [node("Add", "s row", "t"), node("Identity", "t", "out")],
        [value("s", [2]), value("row", [2])],
        [value("t", [2]), value("out", [2])],
    )
    attrs = {"scan_input_axes": [1], "scan_input_directions": [1], "scan_output_axes": [1]}
    nodes = [node("Scan", "s0 x", "last y", body=body, num_scan_inputs=1, **attrs)]
    graph = load(nodes, [X], [Y], {"s0": np.zeros(2, np.float32)})
    assert np.array_equal(run(graph, ROWS), np.cumsum(ROWS[:, ::-1], axis=1))


def test_functions_of_the_model_are_expanded() -> None:
    imports = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("my", 1)]
    double = node("Add", "a a", "t")
    scale = node("LeakyRelu", "t", "b")
    kind = onnx.AttributeProto.FLOAT
    scale.attribute.add(name="alpha", ref_attr_name="slope", type=kind)
    function = onnx.helper.make_function(
        "my", "F", ["a"], ["b"], [double, scale], imports, ["slope"]
    )
    nodes = [node("F", "x", "y", domain="my", slope=0.25)]
    graph = load(nodes, [X], [Y], imports=imports[1:], functions=[function], ir_version=8)
    assert np.allclose(run(graph, -ROWS), -ROWS * 0.5)


def test_sequences_are_resolved_while_reading() -> None:
    nodes = [
        node("SequenceConstruct", "x x", "s"),
        node("SequenceInsert", "s z", "t"),
        node("SequenceAt", "t last", "y"),
    ]
    nodes.insert(0, node("Neg", "x", "z"))
    assert ops_of(load(nodes, [X], [Y], {"last": np.array(-1)})) == ["negative"]
    sequence = onnx.helper.make_tensor_sequence_value_info("y", FLOAT, None)
    with pytest.raises(ingot.UnsupportedError, match="the output 'y' is no tensor"):
        load([node("SequenceConstruct", "x", "y")], [X], [sequence])


def test_quantized_products_are_exact() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-128, 128, s).astype(np.int8) for s in ((1, 3, 6, 6), (4, 3, 3, 3)))
    nodes = [node("ConvInteger", "x w", "y", pads=[1, 1, 1, 1])]
    graph = load(nodes, [value("x", x.shape, 3)], [value("y", None, 6)], {"w": w})
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x.astype(np.int32), [(0, 0), (0, 0), (1, 1), (1, 1)]), (3, 3), (2, 3)
    )
    assert np.array_equal(
        run(graph, x), np.einsum("ncijkl,ockl->noij", windows, w.astype(np.int32))
    )


# The model, eagerly; the command; the package.


def test_a_model_runs_eagerly() -> None:
    model = ingot.onnx.Model(bytes_of(model_of([node("Exp", "x", "y")], [X], [Y])))
    assert (model.inputs, model.outputs) == (["x"], ["y"])
    assert np.allclose(model(ROWS)[0], np.exp(ROWS))
    with pytest.raises(
        ingot.ArgumentError, match=r"wrong number of inputs: got 2, expected 1 \(x\)"
    ):
        model(ROWS, ROWS)
    with pytest.raises(ingot.FileError, match="input 'x' is of float32: got int64"):
        model(np.arange(6))


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = [value("x", ["n", 6]), value("shape", [2], INT64)]
    model = model_of([node("Reshape", "x shape", "y")], inputs, [Y])
    onnx.save(model, tmp_path / "m.onnx")
    np.save(tmp_path / "shape.npy", np.array([-1, 3]))
    given = ["import", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "m.ingot")]
    fixed = f"shape={tmp_path / 'shape.npy'}"
    assert command.main([*given, "--dim", "n=1..8", "--value", fixed]) == 0
    program = ingot.load(tmp_path / "m.ingot")
    assert program(np.zeros((2, 6), np.float32))["y"].shape == (4, 3)
    assert command.main(given) == 2  # the shape is not known
    assert command.main([*given, "--dim", "n=many"]) == 2
    assert command.main([*given, "--value", "shape"]) == 2
    assert "expected NAME=" in capsys.readouterr().err


def test_ingot_does_not_import_onnx_and_says_what_is_missing() -> None:
    script = (
        "import sys; sys.modules['onnx'] = None; import ingot, ingot.onnx\n"
        "try: ingot.onnx.load(b'')\n"
        "except ingot.DeviceError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "use `pip install ingot[onnx]`" in found.stdout
