"""Broken ONNX models: each gives one error of one line, whatever is wrong with it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ingot

onnx = pytest.importorskip("onnx")
from tests.onnx_models import BOOL, INT64, bytes_of, graph_of, model_of, node, value  # noqa: E402

X, Y = value("x", [2, 3]), value("y", [2, 3])
Edit = Callable[[Any], Any]


def plain() -> Any:
    """y = x * w + x, a right model."""
    nodes = [node("Mul", "x w", "a"), node("Add", "a x", "y")]
    return model_of(nodes, [X], [Y], {"w": np.arange(3, dtype=np.float32)})


def tensor(model: Any) -> Any:
    return model.graph.initializer[0]


BROKEN: dict[str, tuple[Edit, type[Exception], str]] = {
    "an operand that nothing gives": (
        lambda m: m.graph.node[1].input.__setitem__(0, "b"),
        ingot.FileError,
        "Add '', node 2: nothing gives 'b'",
    ),
    "a missing initializer": (
        lambda m: m.graph.initializer.pop(),
        ingot.FileError,
        "Mul '', node 1: nothing gives 'w'",
    ),
    "a cycle": (
        lambda m: m.graph.node[0].input.__setitem__(1, "y"),
        ingot.FileError,
        "a cycle of nodes through",
    ),
    "a value given twice": (
        lambda m: m.graph.node[0].output.__setitem__(0, "y"),
        ingot.FileError,
        "'y' is given twice",
    ),
    "an output that nothing gives": (
        lambda m: m.graph.output.append(value("z", [1])),
        ingot.FileError,
        "nothing gives the output 'z'",
    ),
    "no outputs": (
        lambda m: m.graph.output.pop(),
        ingot.FileError,
        "without a graph that has outputs",
    ),
    "two inputs of one name": (
        lambda m: m.graph.input.append(X),
        ingot.FileError,
        "two inputs are called 'x'",
    ),
    "an input of another type": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", INT64),
        ingot.FileError,
        "operands of different types: got tensor(int64) and tensor(float)",
    ),
    "an output of another type": (
        lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", INT64),
        ingot.FileError,
        "wrong type of output 'y': got INT64",
    ),
    "an unknown element type": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 99),
        ingot.UnsupportedError,
        "element type of input 'x': got number 99",
    ),
    "a negative size of an input": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", -1),
        ingot.FileError,
        "a negative size of input 'x'",
    ),
    "a huge size of an input": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 2**62),
        ingot.ShapeError,
        "",
    ),
    "sizes that do not fit": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 4),
        ingot.ShapeError,
        "Mul 'a', node 1: multiply: shapes do not broadcast",
    ),
    "a tensor with too little data": (
        lambda m: setattr(tensor(m), "raw_data", b"1234"),
        ingot.FileError,
        "wrong length of tensor 'w': got 4 bytes, expected 12",
    ),
    "a tensor of negative size": (
        lambda m: tensor(m).dims.__setitem__(0, -3),
        ingot.FileError,
        "wrong sizes of tensor 'w'",
    ),
    "a tensor of huge size": (
        lambda m: tensor(m).dims.__setitem__(0, 2**62),
        ingot.FileError,
        "wrong sizes of tensor 'w'",
    ),
    "a tensor in fields of the wrong length": (
        lambda m: tensor(m).ClearField("raw_data"),
        ingot.FileError,
        "got 0 elements, expected 3",
    ),
    "an operator that does not exist": (
        lambda m: setattr(m.graph.node[0], "op_type", "Multiply"),
        ingot.UnsupportedError,
        "an operator that is not known in opset 17",
    ),
    "a domain that is not imported": (
        lambda m: setattr(m.graph.node[0], "domain", "my"),
        ingot.FileError,
        "no opset of the domain 'my' is imported",
    ),
    "an opset of the future": (
        lambda m: setattr(m.opset_import[0], "version", 1000),
        ingot.UnsupportedError,
        "opset 1000: expected 6 to",
    ),
    "too few operands": (
        lambda m: m.graph.node[1].input.pop(),
        ingot.FileError,
        "wrong number of operands: got 1",
    ),
    "too many operands": (
        lambda m: m.graph.node[1].input.append("x"),
        ingot.FileError,
        "wrong number of operands: got 3",
    ),
    "an unknown attribute": (
        lambda m: m.graph.node[1].attribute.append(onnx.helper.make_attribute("axis", 1)),
        ingot.FileError,
        "unknown attribute 'axis'",
    ),
    "a sparse initializer": (
        lambda m: m.graph.sparse_initializer.add(),
        ingot.UnsupportedError,
        "sparse initializers",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_model_is_one_error(case: str) -> None:
    edit, error, message = BROKEN[case]
    model = plain()
    ingot.onnx.load(bytes_of(model))
    edit(model)
    with pytest.raises(error) as caught:
        ingot.compile(ingot.onnx.load(bytes_of(model)), max_memory=1 << 30)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_model() -> None:
    data = bytes_of(plain())
    for wrong in (b"", b"no model at all", data[:-7], data + b"\xff"):
        with pytest.raises(ingot.FileError, match=r"^onnx: no model"):
            ingot.onnx.load(wrong)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ingot.DeviceError, match=r"onnx: cannot read '.*none\.onnx'"):
        ingot.onnx.load(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({}, "attribute 'axis' is missing"),
        ({"axis": 5}, "axis out of range: got 5, expected -2 <= axis < 2"),
        ({"axis": 0.5}, "wrong type of attribute 'axis'"),
    ],
)
def test_wrong_attributes(attrs: dict[str, Any], message: str) -> None:
    model = model_of([node("Concat", "x x", "y", **attrs)], [X], [value("y", None)])
    with pytest.raises(ingot.FileError) as caught:
        ingot.onnx.load(bytes_of(model))
    assert message in str(caught.value)


def external(folder: Path, location: str, length: int = 12, data: bytes = b"\0" * 12) -> Path:
    model = plain()
    tensor(model).ClearField("raw_data")
    tensor(model).data_location = onnx.TensorProto.EXTERNAL
    for key, text in {"location": location, "length": str(length)}.items():
        tensor(model).external_data.add(key=key, value=text)
    (folder / "weights").write_bytes(data)
    (folder / "m.onnx").write_bytes(bytes_of(model))
    return folder / "m.onnx"


@pytest.mark.parametrize(
    ("location", "length", "data", "message"),
    [
        ("../weights", 12, b"\0" * 12, "wrong place of tensor 'w'"),
        ("/etc/passwd", 12, b"\0" * 12, "wrong place of tensor 'w'"),
        ("", 12, b"\0" * 12, "wrong place of tensor 'w'"),
        ("nothing", 12, b"\0" * 12, "external data of tensor 'w'"),
        ("weights", 8, b"\0" * 12, "wrong length of tensor 'w'"),
        ("weights", 12, b"\0" * 4, "wrong length of tensor 'w': got 4 bytes"),
    ],
)
def test_wrong_external_data(
    tmp_path: Path, location: str, length: int, data: bytes, message: str
) -> None:
    with pytest.raises(ingot.FileError) as caught:
        ingot.onnx.load(external(tmp_path, location, length, data))
    assert message in str(caught.value)


def test_a_broken_body_of_a_loop_is_broken_not_of_an_unknown_kind() -> None:
    body = graph_of(
        [node("Identity", "on", "again"), node("Neg", "a a", "b")],
        [value("i", [], INT64), value("on", [], BOOL), value("a", [2, 3])],
        [value("again", [], BOOL), value("b", [2, 3])],
    )
    for turns in (4, 1):
        known = {"n": np.asarray(turns), "go": np.asarray(True)}
        model = model_of([node("Loop", "n go x", "y", body=body)], [X], [Y], known)
        with pytest.raises(ingot.FileError, match=r"Neg .*wrong number of operands: got 2"):
            ingot.onnx.load(bytes_of(model))


def test_a_loop_without_end_and_functions_that_call_themselves_are_limited() -> None:
    body = [node("Me", "x", "y", domain="f")]
    imports = [onnx.helper.make_opsetid("f", 1), onnx.helper.make_opsetid("", 17)]
    function = onnx.helper.make_function("f", "Me", ["x"], ["y"], body, imports)
    model = model_of(body, [X], [Y], imports=imports[:1], functions=[function])
    with pytest.raises(ingot.LimitError, match="graphs nested deeper than 64"):
        ingot.onnx.load(bytes_of(model))


def test_functions_that_multiply_are_limited() -> None:
    """f0 calls f1 twice, which calls f2 twice, ..."""
    opset, main = onnx.helper.make_opsetid("f", 1), onnx.helper.make_opsetid("", 17)
    functions = []
    for i in range(40):
        next_one = {"op": f"F{i + 1}", "domain": "f"} if i < 39 else {"op": "Neg"}
        body = [node(inputs=a, outputs=b, **next_one) for a, b in (("x", "t"), ("t", "y"))]
        function = onnx.helper.make_function("f", f"F{i}", ["x"], ["y"], body, [opset, main])
        functions.append(function)
    model = model_of(
        [node("F0", "x", "y", domain="f")], [X], [Y], imports=[opset], functions=functions
    )
    with pytest.raises(ingot.LimitError, match="functions and loops of more than 100000 nodes"):
        ingot.onnx.load(bytes_of(model))


def test_damaged_bytes_are_an_error_or_a_model() -> None:
    """Bytes of a model with a branch, a tensor and attributes, cut off and changed."""
    branch = graph_of([node("Identity", "x", "b")], [], [value("b", None)])
    nodes = [
        node("Mul", "x w", "a"),
        node("ReduceSum", "a", "s", keepdims=0),
        node("Cast", "s", "c", to=9),
        node("If", "c", "z", then_branch=branch, else_branch=branch),
        node("Transpose", "z", "y", perm=[1, 0]),
    ]
    data = bytes_of(model_of(nodes, [X], [value("y", None)], {"w": np.float32([1, 2, 3])}))
    ingot.onnx.load(data)
    choose = random.Random(0)
    messages = []
    for _ in range(400):
        damaged = bytearray(data[: choose.choice([len(data), choose.randrange(len(data))])])
        for _ in range(choose.randrange(4)):
            if damaged:
                damaged[choose.randrange(len(damaged))] = choose.randrange(256)
        try:
            ingot.onnx.load(bytes(damaged))
        except ingot.InternalError:
            raise
        except ingot.IngotError as error:
            messages.append(str(error))
    assert len(messages) > 200
    assert not [message for message in messages if "\n" in message]
