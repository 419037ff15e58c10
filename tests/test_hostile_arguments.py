"""Bad input from Python: the right answer or a named error, never a crash and never another
library's exception.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ingot


@pytest.fixture(scope="module")
def program() -> ingot.Program:
    batch = ingot.Dim("batch", 1, 8)
    specs = ingot.Spec((batch, 3), "float32"), ingot.Spec((batch, 3), "float32")

    def f(x, y):
        return {"sum": x + y, "product": x * y}

    return ingot.compile(ingot.record(f, *specs))


def x32(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


RIGHT: dict[str, np.ndarray] = {
    "transposed": x32(3, 4).T,
    "reversed": x32(4, 3)[::-1, ::-1],
    "every other": x32(8, 6)[::2, ::2],
    "broadcast": np.broadcast_to(x32(3), (4, 3)),
    "read-only": x32(4, 3),
    "fortran": np.asfortranarray(x32(4, 3)),
    "offset": x32(13)[1:].reshape(4, 3),
}
RIGHT["read-only"].flags.writeable = False


@pytest.mark.parametrize("kind", RIGHT)
def test_any_strided_input_gives_the_right_answer(program: ingot.Program, kind: str) -> None:
    x = RIGHT[kind]
    result = program(x, x)
    np.testing.assert_array_equal(result["sum"], x + x)
    np.testing.assert_array_equal(result["product"], x * x)


def test_an_unaligned_input_gives_the_right_answer(program: ingot.Program) -> None:
    raw = np.zeros(4 * 3 * 4 + 1, np.uint8)
    x = raw[1:].view(np.float32).reshape(4, 3)
    x[...] = x32(4, 3)
    np.testing.assert_array_equal(program(x, x)["sum"], x + x)


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "dtype": (np.zeros((4, 3)), ingot.DTypeError, "float64|f64"),
    "integer dtype": (np.zeros((4, 3), np.int32), ingot.DTypeError, "int32|i32"),
    "rank": (x32(12), ingot.ShapeError, "rank|shape"),
    "rank nine": (x32(1, 1, 1, 1, 1, 1, 1, 4, 3), ingot.ShapeError, "rank|shape"),
    "size": (x32(4, 5), ingot.ShapeError, "3"),
    "empty batch": (x32(0, 3), ingot.ShapeError, "batch"),
    "batch too large": (x32(9, 3), ingot.ShapeError, "batch"),
    "0-d": (np.float32(3), ingot.ShapeError, "rank|shape"),
    "object": (np.full((4, 3), None, object), ingot.DTypeError, "object"),
    "big-endian": (x32(4, 3).astype(">f4"), ingot.DTypeError, ">f4|byte order|endian"),
    "text": (np.full((4, 3), "a"), ingot.DTypeError, "U1|str"),
    "datetime": (np.zeros((4, 3), "M8[s]"), ingot.DTypeError, "datetime|M8"),
    "structured": (np.zeros((4, 3), [("a", "f4")]), ingot.DTypeError, "a"),
    "complex": (np.zeros((4, 3), np.complex64), ingot.DTypeError, "complex64|c64"),
    "ragged list": ([[1.0], [1.0, 2.0]], ingot.IngotError, "x"),
    "none": (None, ingot.IngotError, "x"),
    "dict": ({}, ingot.IngotError, "x"),
    "class": (int, ingot.IngotError, "x"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_input_is_a_named_error(program: ingot.Program, kind: str) -> None:
    value, error, words = WRONG[kind]
    with pytest.raises(error, match=words):
        program(value, x32(4, 3))


def test_disagreeing_dims_are_a_named_error(program: ingot.Program) -> None:
    with pytest.raises(ingot.ShapeError, match="batch"):
        program(x32(4, 3), x32(5, 3))


def test_a_missing_and_an_extra_input_are_named(program: ingot.Program) -> None:
    with pytest.raises(ingot.ArgumentError, match="y"):
        program(x32(4, 3))
    with pytest.raises(ingot.ArgumentError, match="2"):
        program(x32(4, 3), x32(4, 3), x32(4, 3))
    with pytest.raises(ingot.ArgumentError, match="z"):
        program.run({"x": x32(4, 3), "y": x32(4, 3), "z": x32(4, 3)})
    with pytest.raises(ingot.ArgumentError, match="y"):
        program.run({"x": x32(4, 3)})


def outputs() -> list[np.ndarray]:
    return [np.empty((4, 3), np.float32), np.empty((4, 3), np.float32)]


def test_run_into_writes_its_outputs(program: ingot.Program) -> None:
    x, ys = x32(4, 3), outputs()
    program.run_into([x, x], ys)
    np.testing.assert_array_equal(ys[0], x + x)
    np.testing.assert_array_equal(ys[1], x * x)


def bad_outputs() -> dict[str, tuple[list[Any], type[Exception]]]:
    read_only = outputs()
    read_only[0].flags.writeable = False
    one = np.empty((4, 3), np.float32)
    block = np.empty((7, 3), np.float32)
    return {
        "read-only": (read_only, ingot.ArgumentError),
        "the same twice": ([one, one], ingot.ArgumentError),
        "overlapping": ([block[:4], block[3:]], ingot.ArgumentError),
        "wrong shape": ([np.empty((4, 2), np.float32), one], ingot.ShapeError),
        "wrong dtype": ([np.empty((4, 3)), one], ingot.DTypeError),
        "strided": ([np.empty((4, 6), np.float32)[:, ::2], one], ingot.ArgumentError),
        "too few": ([one], ingot.ArgumentError),
        "a list": ([[[0.0] * 3] * 4, one], ingot.IngotError),
    }


@pytest.mark.parametrize("kind", bad_outputs())
def test_a_wrong_output_is_a_named_error(program: ingot.Program, kind: str) -> None:
    given, error = bad_outputs()[kind]
    with pytest.raises(error):
        program.run_into([x32(4, 3), x32(4, 3)], given)


def test_an_output_over_an_input_is_a_named_error(program: ingot.Program) -> None:
    x = x32(4, 3)
    with pytest.raises(ingot.ArgumentError, match="overlap"):
        program.run_into([x, x32(4, 3)], [x, np.empty((4, 3), np.float32)])


def test_a_bool_array_with_other_bytes_counts_as_true() -> None:
    program = ingot.compile(
        ingot.record(lambda m: ingot.where(m, 1.0, 2.0), ingot.Spec((4,), "bool"))
    )
    odd = np.array([0, 1, 2, 255], np.uint8).view(bool)
    np.testing.assert_array_equal(program(odd), np.array([2, 1, 1, 1], np.float32))


def test_an_index_out_of_range_is_an_index_error_with_its_place() -> None:
    graph = ingot.record(
        lambda x, i: ingot.take(x, i, axis=0),
        ingot.Spec((5,), "float32"),
        ingot.Spec((3,), "int64"),
    )
    program = ingot.compile(graph)
    np.testing.assert_array_equal(program(x32(5), np.array([0, -1, 4])), [0, 4, 4])
    with pytest.raises(
        ingot.RangeError, match=r"take: index out of range: got 5.*test_hostile_arguments.py:\d+"
    ):
        program(x32(5), np.array([0, 5, 9]))


def test_a_failed_run_leaves_a_usable_program(program: ingot.Program) -> None:
    with pytest.raises(ingot.IngotError):
        program(x32(4, 5), x32(4, 3))
    np.testing.assert_array_equal(program(x32(1, 3), x32(1, 3))["sum"], 2 * x32(1, 3))


def test_what_is_no_path_is_a_named_error(program: ingot.Program) -> None:
    graph = ingot.record(lambda x: x + 1, ingot.Spec((3,), "float32"))
    for wrong, got in ((graph, "Graph"), (5, "int"), (None, "NoneType"), (b"a.ingot", "bytes")):
        expected = rf"save: path: got {got}, expected a str or an os.PathLike\[str\]"
        for save in (ingot.save, graph.save, program.session().save):
            with pytest.raises(ingot.ArgumentError, match=expected):
                save(wrong)
    with pytest.raises(ingot.ArgumentError, match="load: path: got int, expected a str"):
        ingot.load(5)
    with pytest.raises(ingot.ArgumentError, match=r"'a\\x00b', expected a name without a null"):
        ingot.load("a\0b")
    with pytest.raises(ingot.ArgumentError, match="no graphs: expected at least one, as prefill=g"):
        ingot.save("a.ingot")
