"""States of ONNX models: of those that Ingot exported, and of any other by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ingot
from ingot.errors import ArgumentError, FileError, UnsupportedError

onnx = pytest.importorskip("onnx")


def test_states_are_states_again_when_the_model_is_read() -> None:
    total = ingot.State(np.asarray([1, 2], np.float32), name="total")
    scale = ingot.State(np.asarray(3, np.float32), name="scale")  # read, never assigned

    def f(x: Any) -> Any:
        total.value = total.value + x * scale
        return {"y": total.value * 2}

    g = ingot.record(f, ingot.Spec((2,)))
    model = g.to_onnx()
    assert {p.key: p.value for p in model.metadata_props} == {
        "ingot.state.total": "total.next",
        "ingot.state.scale": "",
    }
    read = ingot.onnx.load(model.SerializeToString())
    assert read.module.states == g.module.states
    assert [s.name for s in read.outputs] == ["y"]
    session, other = ingot.compile(g).session(), ingot.compile(read).session()
    for x in ([1, 1], [2, 3]):
        given = np.asarray(x, np.float32)
        assert session(given)["y"].tolist() == other(given)["y"].tolist()


def cache_model(*sizes: Any) -> bytes:
    """y = past + x, given twice: as y and as the cache for the next run."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Add", ["past", "x"], ["present"]),
            onnx.helper.make_node("Identity", ["present"], ["y"]),
        ],
        "main",
        [value("x", 1, [2]), value("past", 1, list(sizes))],
        [value("y", 1, [2]), value("present", 1, [2])],
    )
    return bytes(onnx.helper.make_model(graph).SerializeToString())


def test_inputs_become_states_by_name() -> None:
    graph = ingot.onnx.load(cache_model(2), states={"past": "present"})
    assert [s.name for s in graph.inputs] == ["x"]
    assert [s.name for s in graph.outputs] == ["y"]
    session = ingot.compile(graph).session()
    x = np.asarray([1, 2], np.float32)
    assert session(x)["y"].tolist() == [1, 2]
    assert session(x)["y"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"cache": "present"}, "onnx: states: no input 'cache': expected one of x, past"),
        (
            {"past": "next"},
            "onnx: states: no output 'next': expected one of y, present, each of them once",
        ),
        (
            {"past": "y", "x": "y"},
            "onnx: states: no output 'y': expected one of present, each of them once",
        ),
    ],
)
def test_unknown_states_are_errors(states: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        ingot.onnx.load(cache_model(2), states=states)
    assert str(caught.value) == message


def test_a_state_without_a_fixed_size_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="the state 'past' has no fixed size: expected"):
        ingot.onnx.load(cache_model("n"), states={"past": "present"})


def test_a_model_that_names_a_wrong_state_is_an_invalid_file() -> None:
    model = onnx.load_model_from_string(cache_model(2))
    model.producer_name = "ingot"
    model.metadata_props.add(key="ingot.state.nothing", value="")
    with pytest.raises(FileError, match="onnx: states: no input 'nothing': expected"):
        ingot.onnx.load(model.SerializeToString())
