"""The compiled module under direct use: sizes, handles, builders, arrays, signals, threads."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import threading
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core

Size = _core.Size
GRAPH = """ingot 1
numerics 1
dim n in 0..64
param w: f32[2,3]
param "second name" = w
param packed: f32[3,18] layout panel16
state s: f32[3] = stored
state z: i64[2] = zeros
guard n - 1 >= 0
graph g(x: f32[n,2]) {
  %0 = matmul(x, w) : f32[n,3]  @ m.py:3 in linear.1
  %1 = add(%0, s) : f32[n,3]
  %2 = sum(%1, axes=[0]) : f32[3]
  %3 = slice(x, start=[n - 1,0], stop=[n,2], step=[1,1]) : f32[1,2]
  update s <- %2
  return %1 as y, %3
}
graph spin(x: i64[]) {
  %0 = while(x) : i64[] {
    cond(%1: i64[]) {
      %2 = equal(%1, %1) : bool[]
      return %2
    }
    body(%3: i64[]) {
      %4 = add(%3, 1) : i64[]
      return %4
    }
  }
  return %0
}
""".replace("guard n - 1 >= 0\n", "")
GRAPH = GRAPH.replace("dim n in 0..64\n", "dim n in 1..64\n")
W = np.arange(6, dtype=np.float32).reshape(2, 3)
PACKED = np.arange(54, dtype=np.float32).reshape(3, 18)
S = np.array([1, 2, 3], np.float32)


def module() -> _core.Module:
    return _core.Module.parse(GRAPH, {"w": W, "packed": PACKED, "s": S})


# ---- sizes


def test_constant_results_of_sizes_are_ints() -> None:
    n = Size.dim("n")
    assert isinstance(n - n, int)
    assert (n + 2) - n == 2
    assert (4 * n + 2) // 4 == n
    assert str(3 - 2 * n) == str((-2) * n + 3)
    assert (n * n + n).dims == ["n"]
    assert (2 * n + 1).evaluate({"n": 3}) == 7


def test_equal_sizes_hash_equal_and_nothing_else_equals_them() -> None:
    n, m = Size.dim("n"), Size.dim("m")
    assert hash(n * m + 1) == hash(m * n + 1)
    assert n * m + 1 == m * n + 1
    for other in (n + 1, m, 1, "n", None, 1.0, np.int64(1)):
        assert n != other
    assert len({n, Size.dim("n"), m}) == 2


@pytest.mark.parametrize("value", [1.5, True, "1", None, [1], np.float32(1)])
def test_a_size_refuses_what_is_no_integer(value: Any) -> None:
    n = Size.dim("n")
    for operation in (lambda: n + value, lambda: value - n, lambda: n // value):
        with pytest.raises((TypeError, ingot.IngotError)):
            operation()


def test_sizes_report_overflow_and_bad_divisors() -> None:
    n = Size.dim("n")
    with pytest.raises(ingot.ShapeError):
        (n * 2**62) * 4
    for divisor in (0, -1, n):
        with pytest.raises(ingot.ArgumentError):
            n // divisor
    with pytest.raises(ingot.ArgumentError, match="64 bits"):
        n + 2**64
    with pytest.raises(ingot.ArgumentError):
        n.evaluate({})


# ---- modules and handles


def test_text_round_trips_and_tables_say_what_it_says() -> None:
    m = module()
    assert m.text() == GRAPH
    assert m.dims == [("n", 1, 64)]
    assert m.params[1] == ("second name", "f32", (2, 3))
    assert m.states == [("s", "f32", (3,)), ("z", "i64", (2,))]
    assert m.graphs == ["g", "spin"]
    assert [(name, value.name, value.kind) for name, value in m.inputs(0)] == [("x", "x", "input")]
    assert [(name, value.name) for name, value in m.outputs(0)] == [("y", "%1"), ("", "%3")]
    assert m.updates(0) == [("s", m.nodes(0)[2].results[0])]
    node = m.nodes(0)[3]
    assert (node.op, node.attrs["step"]) == ("slice", (1, 1))
    assert node.attrs["start"] == (Size.dim("n") - 1, 0)
    assert m.nodes(0)[0].origin == ("m.py", 3, "linear.1")
    regions = next(node for node in m.nodes(1) if node.op == "while").regions
    assert [len(region.args) for region in regions] == [1, 1]
    constant = next(value for value in m.values(1) if value.kind == "constant")
    assert constant.name == "1:i64"
    np.testing.assert_array_equal(m.constant(1, constant.id), 1)


def test_params_are_read_only_views_that_keep_their_memory() -> None:
    m = module()
    view = m.param("second name")
    np.testing.assert_array_equal(view, W)
    np.testing.assert_array_equal(m.param("packed"), PACKED)
    np.testing.assert_array_equal(m.state("s"), S)
    np.testing.assert_array_equal(m.state("z"), [0, 0])
    assert m.param("w").ctypes.data == view.ctypes.data
    assert not view.flags.writeable
    assert not m.param("packed").flags.writeable
    with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
        view.flags.writeable = True
    del m
    gc.collect()
    np.testing.assert_array_equal(view, W)


def test_handles_keep_their_module() -> None:
    values, nodes, body = module().values(0), module().nodes(0), module().body(0)
    gc.collect()
    assert [v.name for v in values][:2] == ["x", "w"]
    assert nodes[0].op == "matmul"
    assert len(body.returns) == 2


def test_a_file_in_memory_is_the_module() -> None:
    m = module()
    m.metadata = {"author": "somebody", "licence": "ü"}
    again = _core.Module.from_bytes(m.to_bytes())
    assert again.text() == m.text()
    assert again.metadata == m.metadata
    np.testing.assert_array_equal(again.param("packed"), PACKED)
    with pytest.raises(ingot.ArgumentError, match="reserved"):
        m.metadata = {"ingot.module": ""}
    with pytest.raises(ingot.IngotError):
        m.metadata = {"a": 1}  # type: ignore[dict-item]


def test_tensors_of_a_parsed_module_must_fit() -> None:
    given = {"w": W, "packed": PACKED, "s": S}
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({}, ingot.ArgumentError),
        ({**given, "more": W}, ingot.ArgumentError),
        ({**given, "w": W[:1]}, ingot.ShapeError),
        ({**given, "w": W.astype(np.float64)}, ingot.DTypeError),
        ({**given, "w": W.astype(">f4")}, ingot.DTypeError),
        ({**given, "w": [[0.0] * 3] * 2}, ingot.ArgumentError),
    ]
    for tensors, error in wrong:
        with pytest.raises(error):
            _core.Module.parse(GRAPH, tensors)


def test_regions_and_more_outputs_become_modules() -> None:
    m = module()
    loop = next(i for i, node in enumerate(m.nodes(1)) if node.op == "while")
    body, captured = m.extract_region(1, loop, 1)
    assert [node.op for node in body.nodes(0)] == ["add"]
    assert captured == []
    more = m.with_extra_outputs(0, [m.nodes(0)[2].results[0]])
    assert len(more.outputs(0)) == 3
    for call in (
        lambda: m.extract_region(0, 99, 0),
        lambda: m.extract_region(0, 2**32 - 1, 0),
        lambda: m.extract_region(7, 0, 0),
        lambda: m.extract_region(1, loop, 2),
        lambda: m.with_extra_outputs(0, [99]),
        lambda: m.with_extra_outputs(9, []),
    ):
        with pytest.raises(ingot.ArgumentError):
            call()


# ---- builders


def relu_builder() -> tuple[_core.Module, _core.Builder, _core.Value]:
    m = _core.Module()
    b = _core.Builder(m, "f")
    b.declare_dim("n", 1, None)
    return m, b, b.add_input("x", "f32", (Size.dim("n"), 4))


ORIGIN = ("f.py", 1, "")


def test_a_built_module_verifies_runs_and_prints() -> None:
    m, b, x = relu_builder()
    zero = b.add_constant(np.zeros((), np.float32))
    (y,) = b.add_node("maximum", [x, zero], {}, ORIGIN)
    b.set_outputs([y], ["y"])
    m.verify()
    assert y.name == "%0"
    assert y.shape == (Size.dim("n"), 4)
    values = np.array([[-1, 0, 2, 3]], np.float32)
    (result,) = _core.Program(m).new_session().run(0, [values])
    np.testing.assert_array_equal(result, np.maximum(values, 0))
    assert _core.Module.parse(m.text()).text() == m.text()


def test_changing_a_module_leaves_its_programs_alone() -> None:
    m, b, x = relu_builder()
    (y,) = b.add_node("negative", [x], {}, ORIGIN)
    b.set_outputs([y], [""])
    session = _core.Program(m).new_session()
    other = _core.Builder(m, "g")
    other.add_param("p", np.ones(1000, np.float32))
    (result,) = session.run(0, [np.ones((2, 4), np.float32)])
    np.testing.assert_array_equal(result, -np.ones((2, 4)))
    with pytest.raises(ingot.ArgumentError):
        session.run(1, [])


def test_a_builder_names_what_is_wrong() -> None:
    m, b, x = relu_builder()
    stranger = relu_builder()[2]
    for call, error in [
        (lambda: b.add_node("nope", [x], {}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_node("add", [x, stranger], {}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_node("add", [x], {}, ORIGIN), ingot.IngotError),
        (lambda: b.add_node("sum", [x], {"axs": [0]}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_node("sum", [x], {"axes": [True]}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_node("sum", [x], {"axes": "0"}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_node("cast", [x], {"dtype": "float99"}, ORIGIN), ingot.DTypeError),
        (lambda: b.add_node("add", [x, 1], {}, ORIGIN), ingot.ArgumentError),
        (lambda: b.add_input("y", "f32", [1] * 9), ingot.ShapeError),
        (lambda: b.add_input("y", "f32", [-1]), ingot.IngotError),
        (lambda: b.declare_dim("n", 2, 3), ingot.ArgumentError),
        (lambda: b.declare_dim("a b", 2, 3), ingot.ArgumentError),
        (lambda: b.declare_dim("k", 3, 2), ingot.ArgumentError),
        (lambda: b.declare_dim("k", -1, 2), ingot.ArgumentError),
        (lambda: b.add_constant(np.zeros(17, np.float32)), ingot.IngotError),
        (lambda: b.add_param("p\n", W), ingot.ArgumentError),
        (lambda: b.add_param("p", np.array([None])), ingot.DTypeError),
        (lambda: b.add_param_alias("q", "p"), ingot.ArgumentError),
        (lambda: b.add_update("s", x), ingot.ArgumentError),
        (lambda: b.end_region([x]), ingot.IngotError),
        (lambda: b.end_node(), ingot.IngotError),
        (lambda: b.begin_region([]), ingot.IngotError),
        (lambda: b.set_outputs([x], []), ingot.IngotError),
        (lambda: _core.Builder(m, "f"), ingot.IngotError),
    ]:
        with pytest.raises(error):
            call()
    (y,) = b.add_node("negative", [x], {}, ORIGIN)
    b.set_outputs([y], ["y"])
    m.verify()


def test_a_region_node_is_built_step_by_step() -> None:
    m = _core.Module()
    b = _core.Builder(m, "count")
    x = b.add_input("x", "i64", [])
    ten, one = b.add_constant(np.array(10)), b.add_constant(np.array(1))
    b.begin_node("while", [x], {}, ORIGIN)
    (i,) = b.begin_region([("i64", [])])
    b.end_region(b.add_node("less", [i, ten], {}, ORIGIN))
    (i,) = b.begin_region([("i64", [])])
    (following,) = b.add_node("add", [i, one], {}, ORIGIN)
    b.end_region([following])
    (result,) = b.end_node()
    b.set_outputs([result], ["y"])
    m.verify()
    assert _core.Program(m).new_session().run(0, [np.array(3)])[0] == 10


def test_abandoned_values_are_refused() -> None:
    m = _core.Module()
    b = _core.Builder(m, "f")
    x = b.add_input("x", "f32", [2])
    b.begin_node("while", [x], {}, ORIGIN)
    (i,) = b.begin_region([("f32", [2])])
    b.end_region([i])  # not a bool
    b.end_region(b.begin_region([("f32", [2])]))
    with pytest.raises(ingot.IngotError):
        b.end_node()
    with pytest.raises(ingot.IngotError):
        b.add_node("negative", [i], {}, ORIGIN)
    with pytest.raises(ingot.IngotError):
        i.name  # noqa: B018
    b.set_outputs(b.add_node("negative", [x], {}, ORIGIN), [""])
    m.verify()


# ---- arrays


@pytest.mark.parametrize("dtype", [python for _, python, *_ in _core.dtype_names()])
def test_every_dtype_crosses_unchanged(dtype: str) -> None:
    import ml_dtypes

    numpy_dtype = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    m = _core.Module()
    b = _core.Builder(m, "f")
    array = np.array([[0, 1], [1, 0]]).astype(numpy_dtype)
    p = b.add_param("p", array)
    b.set_outputs([p], ["p"])
    stored = m.param("p")
    assert stored.dtype == numpy_dtype
    np.testing.assert_array_equal(stored, array)
    (result,) = _core.Program(m).new_session().run(0, [])
    assert result.dtype == numpy_dtype
    np.testing.assert_array_equal(result, array)
    result[...] = 0  # returned arrays belong to the caller
    np.testing.assert_array_equal(m.param("p"), array)


def session() -> _core.Session:
    return _core.Program(module()).new_session()


def test_inputs_of_any_layout_give_the_same_bits() -> None:
    x = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    raw = np.zeros(x.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(np.float32).reshape(5, 2)
    unaligned[...] = x
    within = np.zeros(5, np.dtype({"names": ["a"], "formats": ["2f4"], "itemsize": 9}))["a"]
    within[...] = x
    wanted = session().run(0, [x])[0].tobytes()
    for other in (
        np.asfortranarray(x),
        x[::-1][::-1],
        np.repeat(x, 2, 1)[:, ::2],
        unaligned,
        within,
    ):
        np.testing.assert_array_equal(other, x)
        assert session().run(0, [other])[0].tobytes() == wanted


@pytest.mark.parametrize(
    "inputs", [None, 3, "xx", np.zeros((2, 2), np.float32), {}, [None], [[1.0]]]
)
def test_inputs_must_be_a_list_of_arrays(inputs: Any) -> None:
    with pytest.raises((ingot.IngotError, TypeError)):
        session().run(0, inputs)


def test_states_are_read_written_and_reset() -> None:
    s = session()
    s.run(0, [np.ones((1, 2), np.float32)])
    moved = s.read_state("s")
    assert not np.array_equal(moved, S)
    np.testing.assert_array_equal(s.module_with_states().state("s"), moved)
    s.write_state("s", S * 2)
    np.testing.assert_array_equal(s.read_state("s"), S * 2)
    s.reset()
    np.testing.assert_array_equal(s.read_state("s"), S)
    for name, value, error in [
        ("none", S, ingot.ArgumentError),
        ("s", S[:2], ingot.ShapeError),
        ("s", S.astype(np.int32), ingot.DTypeError),
        ("s", None, ingot.ArgumentError),
    ]:
        with pytest.raises(error):
            s.write_state(name, value)  # type: ignore[arg-type]


def test_programs_with_other_params_share_nothing_that_changes() -> None:
    program = _core.Program(module(), num_threads=1)
    other = program.with_params({"w": W * 2})
    x, zero = np.ones((1, 2), np.float32), np.zeros(3, np.float32)
    sessions = program.new_session(), other.new_session()
    for s in sessions:
        s.write_state("s", zero)
    first, second = (s.run(0, [x])[0] for s in sessions)
    np.testing.assert_array_equal(second, 2 * first)
    for params in ({"nope": W}, {"w": W[:1]}, {"w": None}):
        with pytest.raises(ingot.IngotError):
            program.with_params(params)  # type: ignore[arg-type]


def test_wrong_options_of_a_program_are_named() -> None:
    m = module()
    for options in (
        {"level": "mmx"},
        {"num_threads": -1},
        {"max_memory": -1},
        {"dims": {"k": 3}},
        {"dims": {"n": 0}},
        {"dims": {"n": 1.5}},
        {"disabled_passes": ["nope"]},
    ):
        with pytest.raises(ingot.IngotError):
            _core.Program(m, **options)
    with pytest.raises(ingot.ArgumentError):
        _core.Program(m).graph_index("nope")
    with pytest.raises(ingot.ArgumentError):
        _core.Program(m).plan(5, {})


# ---- signals and threads


def test_ctrl_c_stops_a_run_that_does_not_end() -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals go to the main thread")
    s = session()
    # A process that a shell started in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            s.run(1, [np.array(0)])
    finally:
        signal.signal(signal.SIGINT, before)
    timer.join()
    assert s.run(0, [np.ones((1, 2), np.float32)])[0].shape == (1, 3)


def test_a_signal_handler_may_run_a_program_itself() -> None:
    results = []

    class StopError(Exception):
        pass

    def handler(*_: object) -> None:
        results.append(session().run(0, [np.ones((1, 2), np.float32)])[0])
        raise StopError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(StopError):
            session().run(1, [np.array(0)])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(results) == 1


def test_sessions_run_in_parallel_and_one_session_one_at_a_time() -> None:
    program = _core.Program(module(), num_threads=2)
    shared = program.new_session()
    x = np.ones((3, 2), np.float32)
    wanted = program.new_session().run(0, [x])[0].tobytes()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            own = program.new_session()
            for _ in range(200):
                own.reset()
                assert own.run(0, [x])[0].tobytes() == wanted
                shared.run(0, [x])
                own.read_state("s")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_the_interpreter_runs_on_while_a_graph_does() -> None:
    s, finished = session(), []

    def spin() -> None:
        with pytest.raises(ingot.LimitError):
            s.run(1, [np.array(0)], 300_000)
        finished.append(True)

    thread = threading.Thread(target=spin)
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
    assert finished
    assert turns > 10


# ---- errors


def test_the_error_table_is_complete_and_refuses_what_is_no_class() -> None:
    names = [name for name, _ in _core.error_names()]
    assert all(issubclass(getattr(ingot, name), ingot.IngotError) for name in names)
    classes = {name: getattr(ingot, name) for name in names}
    for wrong in (
        {},
        {**classes, "NopeError": ValueError},
        {**classes, names[0]: int},
        {**classes, names[0]: ValueError("an instance")},
        [],
    ):
        with pytest.raises(ingot.ArgumentError):
            _core.register_errors(wrong)  # type: ignore[arg-type]
    _core.register_errors(classes)


ODD: list[Any] = [
    *(None, True, 0, -1, 2**31, 2**63, 2**64, -(2**63), 1.5, float("nan"), object(), int),
    *("", "x", "\ud800", "a\0b", b"x", [], [1], (), {}, {"a": 1}, {1: 2}, range(3), iter([1])),
    *(("f32", (1,)), [("f32", (1,))], ("a", 1, ""), Size.dim("n"), np.float32(1), np.zeros(3)),
    *(np.zeros((1,) * 12), np.array([None]), np.zeros((2, 2), ">f4"), np.zeros(0, "S3")),
]


def targets() -> list[Any]:
    m = module()
    program = _core.Program(m, num_threads=1)
    made = [_core.Builder(module(), "h"), program, program.new_session(), program.plan(0, {})]
    handles = [m.values(0)[0], m.nodes(0)[0], m.body(0), Size.dim("n")]
    return [_core, m, *made, *handles, _core.Module, Size, _core.Builder, _core.Program]


def test_any_argument_of_any_function_gives_an_exception_or_a_result() -> None:
    r = random.Random(int(os.environ.get("INGOT_SEED", "0")))
    objects = targets()
    odd = [*ODD, *objects]
    skipped = {"register_errors", "save"}
    for _ in range(int(os.environ.get("INGOT_CALLS", "6000"))):
        target = r.choice(objects)
        names = [n for n in dir(target) if not n.startswith("_") and n not in skipped]
        is_class = target in (_core.Builder, _core.Program)
        name = r.choice([*names, "__init__"] if is_class else names)
        function = target if name == "__init__" else getattr(target, name)
        arguments = [r.choice(odd) for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4]))]
        if callable(function):
            with contextlib.suppress(Exception):
                function(*arguments)
