"""ingot check: one ONNX model in every runtime at hand; and the command lines around ONNX."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ingot
from ingot.command import main
from ingot.errors import ArgumentError

onnx = pytest.importorskip("onnx")

from ingot.onnx import runtimes  # noqa: E402


def network() -> ingot.Graph:
    weight = np.random.default_rng(1).standard_normal((6, 4)).astype(np.float32)

    def classify(x: Any) -> Any:
        hidden = ingot.exp(x @ ingot.tensor(weight))
        return {"scores": ingot.softmax(hidden, axis=-1), "best": ingot.argmax(hidden, axis=-1)}

    return ingot.record(classify, ingot.Spec((ingot.Dim("batch", 1, 64), 6)))


@pytest.fixture
def model() -> bytes:
    return bytes(network().to_onnx().SerializeToString())


@pytest.fixture
def path(model: bytes, tmp_path: Path) -> str:
    file = tmp_path / "model.onnx"
    file.write_bytes(model)
    return str(file)


def broken(op: str) -> runtimes.Runtime:
    """A runtime that computes one op wrongly, and looks right otherwise."""

    def run(source: runtimes.Source, inputs: Mapping[str, Any]) -> dict[str, Any]:
        changed = onnx.load_model_from_string(source) if isinstance(source, bytes) else None
        changed = onnx.load(source) if changed is None else changed
        for node in changed.graph.node:
            if node.op_type == op:
                node.op_type = "Tanh"
        return runtimes.RUNTIMES["onnx.reference"](changed.SerializeToString(), inputs)

    return run


def test_a_model_agrees_everywhere(model: bytes) -> None:
    report = ingot.onnx.check(model, seed=3)
    assert report.agrees
    assert {c.output for c in report.comparisons} == {"scores", "best"}
    assert {c.runtime for c in report.comparisons} >= {"ingot, eager", "onnx.reference"}
    assert "DIFFERS" not in str(report)


def test_the_first_node_that_differs_is_named(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runtimes.RUNTIMES, "broken", broken("Exp"))
    report = ingot.onnx.check(model)
    assert not report.agrees
    assert list(report.begins) == ["broken"]
    assert report.begins["broken"].startswith("Exp 'exp_")
    assert "of test_onnx_check.py:" in report.begins["broken"]
    assert "DIFFERS" in str(report)


def test_a_runtime_that_is_not_there_is_said(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    report = ingot.onnx.check(model)
    assert report.absent["onnxruntime"] == "it is not installed"
    assert "onnxruntime: did not run: it is not installed" in str(report)


def test_a_runtime_that_fails_is_said(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> dict[str, Any]:
        raise runtimes.CannotRunError("no kernel")

    monkeypatch.setitem(runtimes.RUNTIMES, "broken", fails)
    assert ingot.onnx.check(model).absent["broken"] == "no kernel"


def test_given_inputs_and_dims_are_taken(model: bytes) -> None:
    report = ingot.onnx.check(model, {"x": np.full((3, 6), np.nan, np.float32)})
    assert all(c.largest == 0 for c in report.comparisons if c.output == "scores")
    assert ingot.onnx.check(model, dims={"batch": 7}).agrees


def test_an_unknown_input_is_an_error(model: bytes) -> None:
    with pytest.raises(ArgumentError, match=r"^check: no input 'z': expected x$"):
        ingot.onnx.check(model, {"z": np.zeros(2)})


def test_inputs_that_decide_a_shape_are_constants() -> None:
    edges = [
        onnx.helper.make_tensor_value_info("x", 1, [6]),
        onnx.helper.make_tensor_value_info("shape", 7, [2]),
        onnx.helper.make_tensor_value_info("y", 1, None),
    ]
    node = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    graph = onnx.helper.make_graph([node], "main", edges[:2], edges[2:])
    data = onnx.helper.make_model(graph).SerializeToString()
    assert ingot.onnx.check(data, {"shape": np.asarray([2, 3])}).agrees


# ---- the commands


def test_export_and_check_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "m.ingot", tmp_path / "m.onnx"
    network().save(source)
    assert main(["export", str(source), "-o", str(target)]) == 0
    onnx.checker.check_model(target, full_check=True)
    x = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "all.npz", x=x)
    for words in (
        [],
        ["--dim", "batch=5", "--seed", "2"],
        ["--input", f"x={tmp_path}/x.npy"],
        ["--input", f"{tmp_path}/all.npz"],
    ):
        assert main(["check", str(target), *words]) == 0
        assert "scores" in capsys.readouterr().out
    assert main(["check", str(target), "--tolerance", "0"]) == 1


def test_export_chooses_a_graph_and_where_weights_lie(tmp_path: Path) -> None:
    source, target = tmp_path / "m.ingot", tmp_path / "m.onnx"
    weight = np.ones((40, 40), np.float32)
    spec = ingot.Spec((40,))
    ingot.save(
        source,
        one=ingot.record(lambda x: ingot.tensor(weight) @ x, spec),
        two=ingot.record(lambda x: x + 1, spec),
    )
    words = ["export", str(source), "-o", str(target)]
    assert main([*words, "--graph", "two"]) == 0
    assert onnx.load(target).graph.name == "two"
    assert main([*words, "--graph", "one", "--external-data"]) == 0
    assert (tmp_path / "m.onnx.data").stat().st_size == 8192


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--input", "x"], 2, "check: --input: got 'x', expected NAME=FILE.npy or FILE.npz"),
        (["--dim", "batch"], 2, "check: --dim: got 'batch', expected NAME=N"),
        (["--input", "x=missing.npy"], 4, "check: cannot read 'missing.npy': No such file"),
        (["--input", "broken.npz"], 3, "check: 'broken.npz' holds no arrays: "),
        (["--input", "x=empty.npy"], 3, "check: 'empty.npy' holds no arrays: "),
        (["--input", "x=wrong.npy"], 2, "x: wrong dtype: got int64, expected float32"),
    ],
)
def test_wrong_usage_is_one_line(
    path: str,
    words: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.npz").write_bytes(b"PK\3\4 and no more")
    Path("empty.npy").write_bytes(b"")
    np.save("wrong.npy", np.zeros((2, 6), np.int64))
    assert main(["check", path, *words]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
