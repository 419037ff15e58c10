"""Graphs as ONNX models: accepted by onnx.checker, and run by other runtimes with equal results."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.op_samples import RECORDS, applications, module_of

import ingot
from ingot import _core
from ingot.bind import reference_attrs
from ingot.errors import DeviceError, LimitError, UnsupportedError
from ingot.op import OPS, OpRecord

onnx = pytest.importorskip("onnx")

from tests import random_exports, random_functions, random_networks  # noqa: E402
from tests.onnx_engines import ENGINES, LacksError, is_too_new, near, open_to_runtimes  # noqa: E402
from tests.random_programs import SeededChoose  # noqa: E402

from ingot.onnx.export.model import OPSET  # noqa: E402
from ingot.onnx.export.registry import EXPORTERS  # noqa: E402

Array = Any
WITH_RESULTS = [r for r in RECORDS if "effect" not in r.row.traits]


def export(function: Any, *args: Any) -> Any:
    model = ingot.record(function, *args).to_onnx()
    onnx.checker.check_model(model, full_check=True)
    return model


def results(model: Any, inputs: Sequence[Array]) -> dict[str, list[Array]]:
    """What every runtime gives that can run the model."""
    found = {}
    for name, engine in ENGINES.items():
        try:
            found[name] = engine(model, inputs)
        except LacksError:
            continue
    assert found, "no runtime runs the model"
    return found


def compare(graph: ingot.Graph, *inputs: Array, tolerance: float = 1e-5) -> Any:
    """Exports, checks and runs; the outputs agree with the reference. Returns the model."""
    model = graph.to_onnx()
    onnx.checker.check_model(model, full_check=True)
    expected = graph.evaluate(*inputs)
    values = list(expected.values()) if isinstance(expected, dict) else expected
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    states = random_exports.state_values(model, graph.module)
    for engine, got in results(model, [*inputs, *states]).items():
        for x, wanted in zip(got, values, strict=False):  # what follows are states
            assert (x.dtype, x.shape) == (wanted.dtype, wanted.shape), engine
            np.testing.assert_allclose(x, wanted, rtol=tolerance, atol=tolerance, err_msg=engine)
    return model


# ---- every op


def test_every_row_is_exported() -> None:
    missing = [name for name, record in OPS.items() if not record.onnx and name not in EXPORTERS]
    assert missing == []


def test_names_of_records_are_onnx_ops_of_the_exported_version() -> None:
    version = OPSET
    for record in OPS.values():
        if record.onnx is not None:
            schema = onnx.defs.get_schema(record.onnx, version)
            assert not schema.deprecated, record.name


@pytest.mark.parametrize("record", WITH_RESULTS, ids=[r.name for r in WITH_RESULTS])
def test_samples_are_exported_and_agree_with_the_reference(record: OpRecord) -> None:
    for application in applications(record):
        model = ingot.Graph(module_of(application)).to_onnx()
        if is_too_new(model):
            continue
        onnx.checker.check_model(model, full_check=True)
        operands = application.operands
        attrs = reference_attrs(application.attrs, record.row)
        expected = record.unrounded(operands, attrs)
        for name, engine in ENGINES.items():
            try:
                (got,) = engine(model, operands)
            except LacksError:
                continue
            difference = near(got, expected, record.bound, operands, attrs)
            if difference is not None and not open_to_runtimes(record.name, operands, name):
                raise AssertionError(f"{name}, {application.attrs}: {difference}\n{operands}")


@pytest.mark.parametrize("number", range(60))
def test_random_programs_agree_in_every_runtime(number: int) -> None:
    module, inputs = random_exports.build(random_exports.FiniteChoose(number))
    random_exports.check_export(module, inputs, ENGINES)


def test_most_random_programs_are_run() -> None:
    counts: Counter[str] = Counter()
    for number in range(100, 160):
        module, inputs = random_exports.build(random_exports.FiniteChoose(number))
        counts += random_exports.check_export(module, inputs, ENGINES)
    assert counts["onnx.reference agrees"] >= 30
    assert counts["ingot agrees"] >= 30


@pytest.mark.parametrize("number", range(10))
def test_random_networks_agree_in_every_runtime(number: int) -> None:
    module, inputs = random_networks.build_network(SeededChoose(number))
    random_exports.check_export(module, inputs, ENGINES)


@pytest.mark.parametrize("seed", range(8))
def test_gradients_of_random_functions_agree(seed: int) -> None:
    function, arrays = random_functions.random_function(seed)
    graph = ingot.record(random_functions.gradient(function, len(arrays)), *arrays)
    compare(graph, *arrays, tolerance=1e-6)


def test_a_convolution_of_no_channels_gives_zeros() -> None:
    g = ingot.record(
        lambda x, w: ingot.conv2d(x, w, padding=1),
        ingot.Spec((2, 0, 4, 5)),
        ingot.Spec((3, 0, 2, 2)),
    )
    compare(g, np.zeros((2, 0, 4, 5), np.float32), np.zeros((3, 0, 2, 2), np.float32))


# ---- examples


@pytest.mark.parametrize("example", ["digits", "networks", "loops", "decoder"])
def test_recorded_examples_agree(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if example == "digits":
        pytest.importorskip("sklearn")
    modules: list[_core.Module] = []
    record = sys.modules["ingot.record"]
    save = record.save_module  # type: ignore[attr-defined]
    monkeypatch.setattr(record, "save_module", lambda m, *rest: (modules.append(m), save(m, *rest)))
    monkeypatch.chdir(tmp_path)
    examples = Path(__file__).parent.parent / "examples"
    monkeypatch.syspath_prepend(str(examples))
    runpy.run_path(str(examples / f"{example}.py"), run_name="__main__")
    assert modules
    for module in modules:
        for name in module.graphs:
            graph = ingot.Graph(module, name)
            rng = np.random.default_rng(1)
            compare(graph, *[_draw(spec, rng) for spec in graph.inputs], tolerance=1e-4)


def _draw(spec: ingot.Spec, rng: np.random.Generator) -> Array:
    shape = [n if isinstance(n, int) else 3 for n in spec.shape]
    if spec.dtype.kind in "iu":
        return rng.integers(0, 4, shape).astype(spec.dtype)
    return rng.standard_normal(shape).astype(spec.dtype)


# ---- regions


def test_branches_and_loops_agree() -> None:
    def f(x: Any, count: Any) -> Any:
        chosen = ingot.cond(ingot.sum(x) > 0, lambda x: x * 2, lambda x: x - 1, x)

        def body(i: Any, y: Any) -> Any:
            inner = ingot.cond(i % 2 == 0, lambda y: y + chosen, lambda y: y * 0.5, y)
            return i + 1, inner

        turns, y = ingot.while_loop(
            lambda v: v[0] < count, lambda v: body(*v), (ingot.tensor(0), x)
        )
        return turns, y

    g = ingot.record(f, ingot.Spec((3,)), ingot.Spec((), "int64"))
    for sign in (1, -1):
        for count in (0, 1, 5):
            compare(g, np.asarray([1, 2, 3], np.float32) * sign, np.asarray(count))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_agrees_in_both_directions(reverse: bool) -> None:
    def f(x: Any) -> Any:
        def turn(carry: Any, row: Any) -> Any:
            return carry * 0.5 + row, ingot.sum(carry)

        return ingot.scan(turn, ingot.zeros(2), x, reverse=reverse)

    g = ingot.record(f, ingot.Spec((ingot.Dim("n", 1, 9), 2)))
    model = compare(g, np.arange(8, dtype=np.float32).reshape(4, 2))
    assert [n.op_type for n in model.graph.node].count("Scan") == 1


def test_a_scan_of_no_turns_gives_its_first_values() -> None:
    g = ingot.record(
        lambda x: ingot.scan(lambda c, row: (c + row, c), ingot.ones(2), x), np.zeros((0, 2), "f4")
    )
    compare(g, np.zeros((0, 2), np.float32))


def test_fused_groups_are_exported_as_what_is_in_them() -> None:
    g = ingot.record(lambda x: ingot.exp(x) * 2 + 1, ingot.Spec((4,)))
    optimized = g.module.optimize()
    assert "fused" in optimized.text()
    compare(ingot.Graph(optimized), np.linspace(-1, 1, 4, dtype=np.float32))


# ---- sizes


def test_sizes_follow_the_inputs() -> None:
    n, m = ingot.Dim("n", 1, 64), ingot.Dim("m", 1, 64)

    def f(x: Any, y: Any) -> Any:
        rows, columns = x.shape[0], y.shape[0]
        return (
            ingot.reshape(x, (rows * 3,)),
            ingot.arange((rows - 3) // 2 + 1 + 1),  # floordiv of a size that may be negative
            ingot.broadcast_to(ingot.reshape(y, (1, columns)), (rows, columns)),
            ingot.pad(y, low=[rows], high=[0])[:rows],
            ingot.size(rows * columns - 1, dtype="float32"),
        )

    g = ingot.record(f, ingot.Spec((n, 3)), ingot.Spec((m,)))
    for rows, columns in ((1, 1), (2, 5), (7, 3)):
        rng = np.random.default_rng(rows)
        x, y = rng.standard_normal((rows, 3)), rng.standard_normal(columns)
        compare(g, x.astype(np.float32), y.astype(np.float32))


def test_symbolic_dims_are_dim_params_and_ranges_are_metadata() -> None:
    n = ingot.Dim("batch", 1, 64)
    model = export(lambda x: ingot.reshape(x, (x.shape[0] * 6,)), ingot.Spec((n, 2, 3)))
    shapes = [
        [d.dim_param or d.dim_value for d in edge.type.tensor_type.shape.dim]
        for edge in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [["batch", 2, 3], ["6*batch"]]
    assert {p.key: p.value for p in model.metadata_props} == {"ingot.dim.batch": "1..64"}


def test_a_reshape_that_keeps_a_symbolic_dim_needs_no_arithmetic() -> None:
    n, m = ingot.Dim("n", 1), ingot.Dim("m", 1)
    g = ingot.record(
        lambda x: ingot.reshape(x, (x.shape[0], x.shape[1] * 4)), ingot.Spec((n, m, 4))
    )
    model = compare(g, np.ones((2, 3, 4), np.float32))
    assert [node.op_type for node in model.graph.node] == ["Reshape"]


def test_a_reshape_of_dims_that_may_be_empty_says_every_size() -> None:
    n, m = ingot.Dim("n"), ingot.Dim("m")
    g = ingot.record(
        lambda x: ingot.reshape(x, (x.shape[0], x.shape[1] * 4)), ingot.Spec((n, m, 4))
    )
    for rows, columns in ((2, 3), (0, 3), (2, 0), (0, 0)):
        compare(g, np.ones((rows, columns, 4), np.float32))


def test_a_dim_that_no_input_shows_is_an_error() -> None:
    module = _core.Module.parse(
        "ingot 1\nnumerics 1\ndim n in 1..4\ngraph main(x: f32[2*n]) {\n"
        "  %0 = arange(stop=n, dtype=i64) : i64[n]\n  return %0\n}\n"
    )
    with pytest.raises(UnsupportedError, match=r"^export: no input shows dim 'n': expected"):
        ingot.Graph(module).to_onnx()


# ---- states


def test_states_are_inputs_with_defaults_and_outputs() -> None:
    total = ingot.State(np.asarray([1, 2], np.float32), name="total")

    def f(x: Any) -> Any:
        total.value = total.value + x
        return total.value * 2

    g = ingot.record(f, ingot.Spec((2,)))
    model = compare(g, np.ones(2, np.float32))
    assert [i.name for i in model.graph.input] == ["x", "total"]
    assert [o.name for o in model.graph.output] == ["output", "total.next"]
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == [1, 2]
    x = np.ones(2, np.float32)
    for engine, got in results(model, [x, x * 5]).items():
        if engine == "ingot":  # where it is a state again
            continue
        assert [y.tolist() for y in got] == [[12, 12], [6, 6]]


def test_an_abort_becomes_an_output_that_says_whether_the_run_should_have_stopped() -> None:
    def f(x: Any, limit: Any) -> Any:
        def turn(carry: Any, row: Any) -> Any:
            ingot.abort(row > limit, "a large row")
            return carry + row, carry

        last, _ = ingot.scan(turn, ingot.zeros(()), x)

        def step(v: Any) -> Any:
            ingot.abort(v > 40, "more than 40")
            return v + 1  # for ever, if nothing stops it

        def small(v: Any) -> Any:
            ingot.abort(v > 25, "more than 25")
            return v

        never = ingot.while_loop(lambda v: v > 30, step, last)
        return last, ingot.cond(last > 20, small, lambda v: v, never)

    g = ingot.record(f, ingot.Spec((4,)), ingot.Spec(()))
    for x, limit, aborted in (
        ([1, 2, 3, 4], 5, False),
        ([1, 2, 3, 4], 3, True),
        ([5, 5, 5, 6], 9, False),
        ([5, 5, 5, 11], 90, True),
        ([5, 5, 5, 17], 90, True),
    ):
        inputs = [np.asarray(x, np.float32), np.asarray(limit, np.float32)]
        model = g.to_onnx()
        onnx.checker.check_model(model, full_check=True)
        assert [o.name for o in model.graph.output] == ["output_0", "output_1", "aborted"]
        for total, _, stopped in results(model, inputs).values():
            assert total == sum(x)
            assert stopped == aborted
        if aborted:
            with pytest.raises(ingot.AbortError):
                g.evaluate(*inputs)


# ---- names and origins


def test_inputs_outputs_and_params_keep_their_names() -> None:
    weight = np.ones((30, 2), np.float32)
    module = _core.Module()
    builder = _core.Builder(module, "named")
    x = builder.add_input("the input", "f32", [1, 30])
    w = builder.add_param("layer.0/weight", weight)
    (y,) = builder.add_node("matmul", [x, w], {}, ("model.py", 12, "linear.1"))
    (z,) = builder.add_node("exp", [y], {}, ("model.py", 13, ""))
    builder.set_outputs([z, x, z, w], ["probability", "the input", "", "layer.0/weight"])
    model = compare(ingot.Graph(module), np.ones((1, 30), np.float32))
    assert model.graph.name == "named"
    assert [i.name for i in model.graph.input] == ["the input"]
    assert [t.name for t in model.graph.initializer] == ["layer.0/weight.1"]
    outputs = [o.name for o in model.graph.output]
    assert outputs == ["probability", "the input.1", "output_2", "layer.0/weight"]
    matmul, exp = model.graph.node[:2]
    assert (matmul.name, exp.name) == ("linear.1/matmul_2", "exp_3")
    assert {p.key: p.value for p in matmul.metadata_props} == {
        "ingot.source": "model.py:12",
        "ingot.composite": "linear.1",
    }
    assert [v.name for v in model.graph.value_info] == ["linear.1/matmul_2"]


def test_metadata_of_the_module_is_the_models() -> None:
    g = ingot.record(lambda x: x + 1, ingot.Spec((2,)))
    g.module.metadata = {"author": "A. Writer"}
    assert {p.key: p.value for p in g.to_onnx().metadata_props} == {"author": "A. Writer"}


def test_the_same_graph_gives_the_same_bytes() -> None:
    def f(x: Any) -> Any:
        return ingot.softmax(x, axis=-1), ingot.arange(x.shape[0] * 2)

    spec = ingot.Spec((ingot.Dim("n"), 3))
    first, second = (ingot.record(f, spec).to_onnx().SerializeToString() for _ in range(2))
    assert first == second


def test_a_packed_module_is_exported_as_it_was() -> None:
    weight = np.random.default_rng(1).standard_normal((64, 48)).astype(np.float32)
    g = ingot.record(lambda x: x @ ingot.tensor(weight), ingot.Spec((4, 64)))
    packed = ingot.Graph(g.module.pack())
    assert "panel16" in packed.module.text()
    assert packed.to_onnx().SerializeToString() == g.to_onnx().SerializeToString()


# ---- files


def test_a_model_is_written_whole_or_with_its_weights_beside_it(tmp_path: Path) -> None:
    weight = np.random.default_rng(1).standard_normal((300, 40)).astype(np.float32)
    g = ingot.record(lambda x: ingot.tensor(weight).mT @ x + 1, ingot.Spec((300, 2)))
    one, two = tmp_path / "one.onnx", tmp_path / "two.onnx"
    model = g.to_onnx(one)
    g.to_onnx(two, external_data=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.onnx", "two.onnx", "two.onnx.data"]
    assert two.stat().st_size < 2000
    assert (tmp_path / "two.onnx.data").stat().st_size % 4096 == 0
    for path in (one, two):
        onnx.checker.check_model(path, full_check=True)
        read = onnx.load(path)
        assert read.graph.initializer[0].raw_data == model.graph.initializer[0].raw_data


def test_weights_that_do_not_fit_into_one_file_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = ingot.record(lambda x: ingot.tensor(np.ones((30, 30), "f4")) @ x, ingot.Spec((30,)))
    monkeypatch.setattr("ingot.onnx.export.write._LIMIT_BYTES", 3000)
    with pytest.raises(LimitError, match=r"^export: .*: the weights do not fit into one file: got"):
        g.to_onnx(tmp_path / "one.onnx", external_data=False)
    assert list(tmp_path.iterdir()) == []
    g.to_onnx(tmp_path / "two.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["two.onnx", "two.onnx.data"]


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    g = ingot.record(lambda x: x + 1, ingot.Spec((2,)))
    with pytest.raises(DeviceError, match=r"^export: .*: cannot be written: No such file"):
        g.to_onnx(tmp_path / "no folder" / "x.onnx")
    with pytest.raises(DeviceError, match="Is a directory"):
        g.to_onnx(tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- what ONNX cannot express


def test_complex_numbers_are_refused_with_the_op_and_the_line() -> None:
    g = ingot.record(lambda x: ingot.reshape(x, (4,)), ingot.Spec((2, 2), "complex64"))
    message = r"^export: reshape: ONNX has no arithmetic of complex numbers  \(.*\.py:\d+\)$"
    with pytest.raises(UnsupportedError, match=message):
        g.to_onnx()


def test_only_ops_on_bits_ask_for_a_later_opset() -> None:
    plain = ingot.record(lambda x: ingot.exp(x), ingot.Spec((2,))).to_onnx()
    bits = ingot.record(lambda x: ingot.bitcast(x, dtype="int32"), ingot.Spec((2,))).to_onnx()
    assert (plain.opset_import[0].version, plain.ir_version) == (21, 10)
    assert (bits.opset_import[0].version, bits.ir_version) == (26, 13)


def test_without_the_package_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    g = ingot.record(lambda x: x + 1, ingot.Spec((2,)))
    with pytest.raises(DeviceError, match=r"pip install ingot\[onnx\]"):
        g.to_onnx()
