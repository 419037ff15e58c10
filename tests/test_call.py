"""Calling a program: the short way of plain arrays gives what the long way gives, results and
errors alike."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core

F32 = "float32"
SPEC = ingot.Spec((3, 4), F32)


def careful(program: ingot.Program, *inputs: np.ndarray) -> list[np.ndarray]:
    """The same run without the short way."""
    return program.core.new_session().run(0, inputs)


def add_program(**options: Any) -> ingot.Program:
    return ingot.compile(ingot.record(lambda x, y: x + 2 * y, SPEC, SPEC), **options)


def growing_program() -> ingot.Program:
    spec = ingot.Spec((ingot.Dim("n", 1), 4), F32)
    return ingot.compile(ingot.record(lambda x: ingot.softmax(x, axis=0), spec))


def layouts() -> dict[str, np.ndarray]:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    odd = np.zeros(49, np.uint8)[1:].view(np.float32).reshape(3, 4)
    odd[...] = x
    return {
        "rows": x,
        "columns": np.asfortranarray(x),
        "stepped": np.repeat(x, 2, axis=1)[:, ::2],
        "reversed": x[::-1][::-1],
        "broadcast": np.broadcast_to(x[:1], (3, 4)),
        "unaligned": odd,
        "read only": np.frombuffer(x.tobytes(), np.float32).reshape(3, 4),
        "list": x.tolist(),  # type: ignore[dict-item]
        "tensor": ingot.tensor(x),  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_gives_the_same_bits(layout: str) -> None:
    program, x = add_program(), layouts()[layout]
    plain = np.ascontiguousarray(np.asarray(x, np.float32))
    for _ in range(2):
        np.testing.assert_array_equal(program(x, plain), careful(program, plain, plain)[0])
        np.testing.assert_array_equal(program(plain, y=x), careful(program, plain, plain)[0])


def test_outputs_are_fresh_and_belong_to_the_caller() -> None:
    program, x = add_program(), np.ones((3, 4), np.float32)
    first = program(x, x)
    first[...] = 7
    second = program(x, x)
    assert not np.shares_memory(first, second)
    assert second.flags.owndata
    np.testing.assert_array_equal(second, 3 * x)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("named", [False, True])
def test_outputs_are_arranged_alike_by_both_ways(count: int, named: bool) -> None:
    def f(x: ingot.Tensor) -> Any:
        values = [x + i for i in range(count)]
        return {f"y{i}": y for i, y in enumerate(values)} if named and count else tuple(values)

    program = ingot.compile(ingot.record(f, SPEC))
    x = np.ones((3, 4), np.float32)
    program(x)
    short, long = program(x), program(x=x)
    assert type(short) is type(long)
    assert type(short) is (
        np.ndarray if count == 1 and not named else dict if named and count else tuple
    )
    if isinstance(short, dict):
        assert list(short) == list(long) == [f"y{i}" for i in range(count)]
        short, long = tuple(short.values()), tuple(long.values())
    np.testing.assert_array_equal(np.asarray(short), np.asarray(long))


WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = {
    "dtype": (
        (np.ones((3, 4)),),
        {},
        ingot.DTypeError,
        "x: wrong dtype: got float64, expected float32",
    ),
    "byte order": ((np.ones((3, 4), ">f4"),), {}, ingot.DTypeError, "not native byte order"),
    "shape": (
        (np.ones((4, 3), np.float32),),
        {},
        ingot.ShapeError,
        r"got f32\[4,3\], expected f32\[3,4\]",
    ),
    "rank": ((np.ones(3, np.float32),), {}, ingot.ShapeError, "got rank 1"),
    "count": ((1, 2, 3), {}, ingot.ArgumentError, "too many arguments: got 3, expected 1"),
    "none": ((), {}, ingot.ArgumentError, "no value for 'x'"),
    "name": ((), {"z": 1}, ingot.ArgumentError, "no input 'z': expected 'x'"),
    "twice": ((1,), {"x": 1}, ingot.ArgumentError, "input given twice: got 'x'"),
    "masked": ((np.ma.ones((3, 4), np.float32),), {}, ingot.DTypeError, "a masked array"),
    "object": ((object(),), {}, ingot.DTypeError, "wrong dtype: got object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_reported_before_and_after_a_good_call(case: str) -> None:
    args, named, error, message = WRONG[case]
    program = ingot.compile(ingot.record(lambda x: x + 1, SPEC))
    for _ in range(2):
        with pytest.raises(error, match=message):
            program(*args, **named)
        program(np.ones((3, 4), np.float32))


def test_subclasses_of_arrays_are_read_as_arrays() -> None:
    class Tagged(np.ndarray):
        pass

    x = np.ones((3, 4), np.float32)
    assert type(add_program()(x.view(Tagged), x)) is np.ndarray


def test_bools_that_are_neither_0_nor_1_count_as_true() -> None:
    program = ingot.compile(ingot.record(lambda b: b.astype("int32"), ingot.Spec((3,), "bool")))
    clean, dirty = np.array([True, False, True]), np.array([2, 0, 255], np.uint8).view(np.bool_)
    for _ in range(2):
        np.testing.assert_array_equal(program(clean), [1, 0, 1])
        np.testing.assert_array_equal(program(dirty), [1, 0, 1])
    assert program.explain(last=True).endswith(": b")
    program(clean)
    assert program.explain(last=True).endswith(": none")


def test_dims_change_from_call_to_call_and_outgrow_the_plan(rng: np.random.Generator) -> None:
    program = growing_program()
    for n in (1, 5, 3, 5, 200, 7):
        x = rng.standard_normal((n, 4)).astype(np.float32)
        for _ in range(2):
            np.testing.assert_array_equal(program(x), careful(program, x)[0])
        y = np.empty_like(x)
        program.run_into([x], [y])
        np.testing.assert_array_equal(y, program(x))
    with pytest.raises(ingot.ShapeError, match="with n in 1"):
        program(np.ones((0, 4), np.float32))


def test_run_into_refuses_what_it_cannot_write() -> None:
    program, x = add_program(), np.ones((3, 4), np.float32)
    y = np.empty((3, 4), np.float32)
    program.run_into((x, x), (y,))
    frozen = y.copy()
    frozen.flags.writeable = False
    wrong: list[tuple[list[Any], type[Exception], str]] = [
        ([x], ingot.ArgumentError, "input x and output 0 overlap in memory"),
        ([frozen], ingot.ArgumentError, "run: output 0: the array is read-only"),
        ([np.asfortranarray(y)], ingot.ArgumentError, "run: output 0: the array is not contiguous"),
        ([np.empty((4, 3), np.float32)], ingot.ShapeError, "run: output 0: got f32"),
        ([np.empty((3, 4))], ingot.DTypeError, "run: output 0: got f64, expected f32"),
        ([], ingot.ArgumentError, "got 0 outputs, expected 1"),
        ([None], ingot.ArgumentError, "run: output 0: got NoneType, expected a numpy array"),
    ]
    for outputs, error, message in wrong:
        with pytest.raises(error, match=message):
            program.run_into([x, x], outputs)
    program.run_into({"x": x, "y": x}, [y])
    np.testing.assert_array_equal(y, 3 * x)
    with pytest.raises(ingot.ArgumentError, match="max_steps: got -1"):
        program.run_into([x, x], [y], max_steps=-1)
    program.run_into([x, x], [y], max_steps=1000)
    with pytest.raises(TypeError):
        program.run_into([x, x])  # type: ignore[call-arg]


def test_two_overlapping_outputs_are_refused() -> None:
    program = ingot.compile(ingot.record(lambda x: (x + 1, x + 2), ingot.Spec((4,), F32)))
    x, block = np.ones(4, np.float32), np.zeros(7, np.float32)
    for _ in range(2):
        with pytest.raises(ingot.ArgumentError, match="output 0 and output 1 overlap"):
            program.run_into([x], [block[:4], block[3:]])
        program.run_into([x], [block[:4].copy(), block[3:]])


def test_more_arrays_than_a_short_call_takes() -> None:
    specs = [ingot.Spec((2,), F32)] * 70
    program = ingot.compile(ingot.record(lambda *xs: tuple(x + 1 for x in xs), *specs))
    xs = [np.full(2, i, np.float32) for i in range(70)]
    for _ in range(2):
        np.testing.assert_array_equal(np.asarray(program(*xs)), np.asarray(xs) + 1)


def test_a_failure_of_a_short_run_is_raised_and_the_next_one_works() -> None:
    graph = ingot.record(
        lambda x, i: ingot.take(x, i, axis=0), ingot.Spec((5,), F32), ingot.Spec((2,), "int64")
    )
    program = ingot.compile(graph)
    x = np.arange(5, dtype=np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(program(x, np.array([1, -1])), [1, 4])
        with pytest.raises(ingot.RangeError, match="index out of range: got 7"):
            program(x, np.array([0, 7]))


def test_several_graphs_are_called_by_name_alone() -> None:
    one = ingot.record(lambda x: x + 1, SPEC)
    two = ingot.record(lambda x: x + 2, SPEC)
    program = ingot.compile(_core.Module.merge([(one.module, 0, "one"), (two.module, 0, "two")]))
    x = np.zeros((3, 4), np.float32)
    np.testing.assert_array_equal(program.one(x), x + 1)
    np.testing.assert_array_equal(program.session().two(x), x + 2)
    with pytest.raises(ingot.ArgumentError, match="expected one of one, two"):
        program(x)
    with pytest.raises(ingot.ArgumentError, match="expected one of one, two"):
        program.run_into([x], [x.copy()])


def test_threads_that_share_a_session_take_turns(rng: np.random.Generator) -> None:
    """Short and long runs of one session: no thread waits for ever, all results are right."""
    program = growing_program()
    xs = [rng.standard_normal((n, 4)).astype(np.float32) for n in (1, 3, 4000, 20000)]
    expected = [careful(program, x)[0] for x in xs]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(30):
            if not np.array_equal(program(xs[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(xs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong


def test_a_caller_needs_a_session() -> None:
    with pytest.raises(ingot.ArgumentError, match="Caller: got int, expected a Session"):
        _core.Caller(3)  # type: ignore[arg-type]
    with pytest.raises(ingot.ArgumentError, match="there is no graph 5"):
        _core.Caller(add_program().core.new_session(), 5)
    with pytest.raises(AttributeError, match="_call"):
        _core.Caller()()
