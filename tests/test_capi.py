"""The C and C++ APIs as a user of the installed package meets them: the examples are built with
find_package and run, and the C API is called with wrong arguments, which must never crash it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.installed import PACKAGE, build, c_compiler, library, tool

from ingot import _core
from ingot.dtypes import dtype_of

EXAMPLES = Path(__file__).parent.parent / "examples"
W = np.arange(12, dtype=np.float32).reshape(4, 3) - 5
GRAPH = """ingot 1
numerics 1
dim n in 1..64
param w: f32[4,3]
state count: f32[2] = zeros
graph g(x: f32[n,4]) {
  %0 = matmul(x, w) : f32[n,3]
  %1 = add(count, 1.0) : f32[2]
  update count <- %1
  return %0 as y, %1
}
graph h(i: i64[2]) {
  %0 = take(w, i, axis=0) : f32[2,3]
  return %0
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
"""
STATUS = {"ok": 0, "shape": 1, "dtype": 2, "argument": 3, "file": 5, "range": 6, "abort": 7}
STATUS |= {"limit": 8, "device": 10}
F32, I64 = 11, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capi") / "m.ingot"
    _core.Module.parse(GRAPH, {"w": W}).save(str(path))
    return path


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_an_example_builds_with_find_package_and_runs(
    language: str, model: Path, tmp_path: Path
) -> None:
    cmake = tool("cmake")
    if language == "cpp":
        tool("c++", "g++", "clang++")
    folder = subprocess.run(
        [sys.executable, "-m", "ingot", "--cmake"], capture_output=True, text=True, check=False
    )
    if folder.returncode != 0:
        pytest.skip("the package was installed without its CMake config")
    options = ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={folder.stdout.strip()}"]
    build([cmake, "-S", str(EXAMPLES / language), "-B", str(tmp_path / "build"), *options])
    build([cmake, "--build", str(tmp_path / "build")])
    command = [tmp_path / "build" / "run_ingot", model, "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "input x: f32[n,4]" in done.stdout
    assert "f32[2,3]" in done.stdout
    if language == "c":  # its input is ones
        assert f"first {W.sum(0)[0]:.9g}" in done.stdout
    command[1] = Path("none.ingot")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_the_c_example_builds_with_the_one_line_of_its_comment(model: Path, tmp_path: Path) -> None:
    lib, program = library().parent, tmp_path / "run_ingot"
    flags = [f"-I{PACKAGE / 'include'}", f"-L{lib}", f"-Wl,-rpath,{lib}", "-lingot"]
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    source = EXAMPLES / "c" / "main.c"
    build([c_compiler(), *warnings, str(source), *flags, "-o", str(program)])
    done = subprocess.run([program, model], capture_output=True, text=True, timeout=60, check=True)
    assert "f32[1,3]" in done.stdout


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("size_bytes", ctypes.c_size_t),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
    ]


class Info(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_char_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * 8),
    ]


class RunOptions(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("max_steps", ctypes.c_int64),
        ("interrupted", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
        ("unknown", ctypes.c_int64),  # a field of a later version
    ]


RUN_OPTIONS_SIZE = RunOptions.unknown.offset


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("max_memory_bytes", ctypes.c_int64),
        ("num_threads", ctypes.c_int32),
        ("copy_file", ctypes.c_int32),
        ("level", ctypes.c_char_p),
        ("dims", ctypes.c_void_p),
        ("num_dims", ctypes.c_size_t),
        ("disabled_passes", ctypes.c_void_p),
        ("num_disabled_passes", ctypes.c_size_t),
        ("device", ctypes.c_char_p),
        ("fast", ctypes.POINTER(ctypes.c_char_p)),
        ("num_fast", ctypes.c_size_t),
    ]


def sizes(*values: int) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * max(len(values), 1))(*values)


def tensor(array: np.ndarray, dtype: int = F32, strides: bool = False) -> Tensor:
    steps = sizes(*array.strides) if strides else None
    return Tensor(array.ctypes.data, sizes(*array.shape), steps, 0, dtype, array.ndim)


class Api:
    """The library with a program and a session open. Calls answer with the status."""

    def __init__(self, model: Path) -> None:
        self.lib = ctypes.CDLL(str(library()))
        for name in ["last_error", "version", "status_name", "dtype_name", "program_graph_name"]:
            getattr(self.lib, f"ingot_{name}").restype = ctypes.c_char_p
        for name in ["num_graphs", "num_inputs", "num_outputs", "num_states"]:
            getattr(self.lib, f"ingot_program_{name}").restype = ctypes.c_size_t
        self.program, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        path = str(model).encode()
        assert self.lib.ingot_program_load(path, None, ctypes.byref(self.program)) == 0
        assert self.lib.ingot_session_new(self.program, ctypes.byref(self.session)) == 0

    def close(self) -> None:
        self.lib.ingot_program_free(self.program)
        self.lib.ingot_session_free(self.session)

    def error(self) -> str:
        return self.lib.ingot_last_error().decode()

    def run(
        self, inputs: list[Tensor], outputs: list[Tensor], graph: int = 0, options: object = None
    ) -> int:
        ins, outs = (
            (Tensor * max(len(inputs), 1))(*inputs),
            (Tensor * max(len(outputs), 1))(*outputs),
        )
        return self.lib.ingot_session_run(
            self.session,
            ctypes.c_size_t(graph),
            ins,
            ctypes.c_size_t(len(inputs)),
            outs,
            ctypes.c_size_t(len(outputs)),
            options,
        )


@pytest.fixture
def api(model: Path):
    api = Api(model)
    yield api
    api.close()


def x_y() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    return x, np.zeros((2, 3), np.float32), np.zeros(2, np.float32)


def test_a_run_writes_its_outputs_and_keeps_its_state(api: Api) -> None:
    x, y, count = x_y()
    for turn in (1, 2):
        assert api.run([tensor(x)], [tensor(y), tensor(count)]) == STATUS["ok"], api.error()
        np.testing.assert_allclose(y, x @ W, rtol=1e-5)
        np.testing.assert_array_equal(count, [turn, turn])
    flipped = x[:, ::-1]
    status = api.run([tensor(flipped, strides=True)], [tensor(y), tensor(count)])
    assert status == STATUS["ok"]
    np.testing.assert_allclose(y, flipped @ W, rtol=1e-5)
    back = np.zeros(2, np.float32)
    read = api.lib.ingot_session_read_state
    assert (
        read(api.session, b"count", back.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(8)) == 0
    )
    np.testing.assert_array_equal(back, [3, 3])
    assert api.lib.ingot_session_reset(api.session) == 0
    assert api.run([tensor(x)], [tensor(y), tensor(count)]) == 0
    np.testing.assert_array_equal(count, [1, 1])


def test_the_session_outlives_the_program(model: Path) -> None:
    api = Api(model)
    api.lib.ingot_program_free(api.program)
    x, y, count = x_y()
    assert api.run([tensor(x)], [tensor(y), tensor(count)]) == 0
    api.lib.ingot_session_free(api.session)


def test_introspection_names_everything(api: Api) -> None:
    lib, program = api.lib, api.program
    assert lib.ingot_program_num_graphs(program) == 3
    assert lib.ingot_program_graph_name(program, ctypes.c_size_t(1)) == b"h"
    assert lib.ingot_program_graph_name(program, ctypes.c_size_t(3)) is None
    assert lib.ingot_program_num_inputs(program, ctypes.c_size_t(0)) == 1
    assert lib.ingot_program_num_outputs(program, ctypes.c_size_t(0)) == 2
    assert lib.ingot_program_num_inputs(program, ctypes.c_size_t(9)) == 0
    assert lib.ingot_program_num_states(program) == 1
    info = Info(size=ctypes.sizeof(Info))
    zero = ctypes.c_size_t(0)
    assert lib.ingot_program_input(program, zero, zero, ctypes.byref(info)) == 0
    assert (info.name, info.type, info.dtype, info.rank) == (b"x", b"f32[n,4]", F32, 2)
    assert list(info.shape) == [-1, 4, 0, 0, 0, 0, 0, 0]
    found = ctypes.c_size_t(7)
    assert lib.ingot_program_find_graph(program, b"h", ctypes.byref(found)) == 0
    assert found.value == 1
    assert lib.ingot_program_find_graph(program, b"k", ctypes.byref(found)) == STATUS["argument"]
    assert found.value == 1
    arena = ctypes.c_int64(-1)
    assert lib.ingot_program_arena_bytes(program, zero, ctypes.byref(arena)) == 0
    assert arena.value >= 0
    assert lib.ingot_version().decode() == _core.__version__
    names = [lib.ingot_dtype_name(number).decode() for number in range(15)]
    assert names == [text for text, *_ in _core.dtype_names()]
    assert lib.ingot_dtype_name(15) is None
    assert lib.ingot_status_name(1) == b"ShapeError"
    assert lib.ingot_status_name(99) == b"unknown"


COMPUTED = ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "f16", "bf16", "f32", "f64"]


@pytest.mark.parametrize("name", COMPUTED)
def test_a_run_computes_on_the_dtype_that_its_number_says(name: str, tmp_path: Path) -> None:
    names = [text for text, *_ in _core.dtype_names()]
    number, python = names.index(name), _core.dtype_names()[names.index(name)][1]
    text = f"""ingot 1
numerics 1
graph g(a: {name}[3], b: {name}[3]) {{
  %0 = maximum(a, b) : {name}[3]
  return %0
}}
"""
    path = tmp_path / "maximum.ingot"
    _core.Module.parse(text).save(str(path))
    a, b = (np.asarray(x).astype(dtype_of(python)) for x in ([0, 5, 1], [1, 2, 0]))
    y = np.zeros_like(a)
    api = Api(path)
    status = api.run([tensor(a, number), tensor(b, number)], [tensor(y, number)])
    assert status == STATUS["ok"], api.error()
    api.close()
    np.testing.assert_array_equal(y, np.maximum(a, b))


def test_output_shapes_are_concrete(api: Api) -> None:
    x, _, _ = x_y()
    infos = (Info * 2)(Info(size=ctypes.sizeof(Info)), Info(size=ctypes.sizeof(Info)))
    shapes = api.lib.ingot_session_output_shapes
    zero, one, two = map(ctypes.c_size_t, range(3))
    assert shapes(api.session, zero, ctypes.byref(tensor(x)), one, infos, two) == 0
    assert (infos[0].name, infos[0].rank, list(infos[0].shape[:2])) == (b"y", 2, [2, 3])
    assert shapes(api.session, zero, ctypes.byref(tensor(x)), one, infos, one) == STATUS["argument"]


def bad_calls() -> dict[str, tuple[dict[str, object], str]]:
    """Fields of the input tensor to replace, and the status this must give."""
    return {
        "null data": ({"data": None}, "argument"),
        "null shape": ({"shape": None}, "argument"),
        "negative rank": ({"rank": -1}, "shape"),
        "rank nine": ({"rank": 9}, "shape"),
        "wrong rank": ({"rank": 1}, "shape"),
        "negative size": ({"shape": sizes(-2, 4)}, "shape"),
        "overflowing size": ({"shape": sizes(1 << 62, 1 << 62)}, "shape"),
        "size out of range": ({"shape": sizes(65, 4)}, "shape"),
        "unknown dtype": ({"dtype": 15}, "dtype"),
        "negative dtype": ({"dtype": -1}, "dtype"),
        "wrong dtype": ({"dtype": 12}, "dtype"),
        "stride within an element": ({"strides": sizes(16, 2)}, "argument"),
        "small buffer": ({"size_bytes": 31}, "argument"),
    }


@pytest.mark.parametrize("kind", bad_calls())
def test_a_wrong_tensor_is_a_status_with_a_message(api: Api, kind: str) -> None:
    x, y, count = x_y()
    fields, status = bad_calls()[kind]
    given = tensor(x)
    for name, value in fields.items():
        setattr(given, name, value)
    assert api.run([given], [tensor(y), tensor(count)]) == STATUS[status], api.error()
    assert api.error()
    assert "\n" not in api.error()
    assert api.run([tensor(x)], [tensor(y), tensor(count)]) == 0


def test_unaligned_data_is_a_status(api: Api) -> None:
    x, y, count = x_y()
    raw = np.zeros(x.nbytes + 1, np.uint8)
    given = tensor(x)
    given.data = raw.ctypes.data + 1
    assert api.run([given], [tensor(y), tensor(count)]) == STATUS["argument"]


def test_wrong_counts_graphs_and_overlaps_are_statuses(api: Api) -> None:
    x, y, count = x_y()
    good = [tensor(y), tensor(count)]
    assert api.run([], good) == STATUS["argument"]
    assert api.run([tensor(x)] * 2, good) == STATUS["argument"]
    assert api.run([tensor(x)], good[:1]) == STATUS["argument"]
    assert api.run([tensor(x)], good, graph=3) == STATUS["argument"]
    assert api.run([tensor(x)], [tensor(x[:, :3]), tensor(count)]) == STATUS["argument"]
    index, rows = np.array([0, 4]), np.zeros((2, 3), np.float32)
    assert api.run([tensor(index, I64)], [tensor(rows)], graph=1) == STATUS["range"]
    assert "out of range" in api.error()


def test_options_of_another_version_are_told_apart(api: Api) -> None:
    x, y, count = x_y()
    good = [tensor(x)], [tensor(y), tensor(count)]
    for size, unknown, status in [
        (RUN_OPTIONS_SIZE, 0, "ok"),
        (ctypes.sizeof(RunOptions), 0, "ok"),
        (ctypes.sizeof(RunOptions), 1, "argument"),
        (0, 0, "argument"),
        (1 << 40, 0, "argument"),
    ]:
        options = RunOptions(size=size, unknown=unknown)
        assert api.run(*good, options=ctypes.byref(options)) == STATUS[status], (size, unknown)


@pytest.mark.parametrize(
    ("device", "size", "status"),
    [
        (None, ctypes.sizeof(Options), "ok"),
        (b"cpu", ctypes.sizeof(Options), "ok"),
        (b"gpu", ctypes.sizeof(Options), "device"),
        (b"gpu", Options.device.offset, "ok"),  # a caller that was built before there were devices
    ],
)
def test_a_program_is_loaded_for_a_device(
    api: Api, model: Path, device: bytes | None, size: int, status: str
) -> None:
    options = Options(size=size, device=device)
    program = ctypes.c_void_p()
    path = str(model).encode()
    got = api.lib.ingot_program_load(path, ctypes.byref(options), ctypes.byref(program))
    assert got == STATUS[status], api.error()
    api.lib.ingot_program_free(program)
    if status != "ok":
        assert "got 'gpu', expected cpu, cuda or cuda:N" in api.error()


@pytest.mark.parametrize(
    ("names", "status", "message"),
    [
        ([b"free_order", b"tf32"], "ok", ""),
        ([b"fma"], "argument", "no such freedom: got 'fma', expected some of free_order, tf32"),
        ([None], "argument", "the name of a freedom"),
    ],
)
def test_a_program_is_loaded_with_freedoms(
    api: Api, model: Path, names: list[bytes | None], status: str, message: str
) -> None:
    array = (ctypes.c_char_p * len(names))(*names)
    options = Options(size=ctypes.sizeof(Options), fast=array, num_fast=len(names))
    program = ctypes.c_void_p()
    path = str(model).encode()
    got = api.lib.ingot_program_load(path, ctypes.byref(options), ctypes.byref(program))
    assert got == STATUS[status], api.error()
    api.lib.ingot_program_free(program)
    assert status == "ok" or message in api.error()


def test_an_endless_run_ends_by_its_limit_or_when_interrupted(api: Api) -> None:
    start, end = np.zeros((), np.int64), np.zeros((), np.int64)
    call = [tensor(start, I64)], [tensor(end, I64)], 2
    options = RunOptions(RUN_OPTIONS_SIZE, 1000)
    assert api.run(*call, options=ctypes.byref(options)) == STATUS["limit"]
    asked = []
    ask = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(lambda _: asked.append(1) or 1)
    options = RunOptions(RUN_OPTIONS_SIZE, 0, ctypes.cast(ask, ctypes.c_void_p))
    assert api.run(*call, options=ctypes.byref(options)) == STATUS["abort"]
    assert asked == [1]


def test_every_null_argument_is_a_status(api: Api) -> None:
    lib, zero, null = api.lib, ctypes.c_size_t(0), ctypes.c_void_p()
    calls = [
        (lib.ingot_program_load, b"x", None, None),
        (lib.ingot_program_load, None, None, ctypes.byref(null)),
        (lib.ingot_program_load_bytes, None, zero, None, ctypes.byref(null)),
        (lib.ingot_program_load_bytes, b"x", ctypes.c_size_t(1), None, None),
        (lib.ingot_program_find_graph, None, b"g", ctypes.byref(zero)),
        (lib.ingot_program_find_graph, api.program, b"g", None),
        (lib.ingot_program_input, None, zero, zero, None),
        (lib.ingot_program_input, api.program, zero, zero, None),
        (lib.ingot_program_output, None, zero, zero, None),
        (lib.ingot_program_state, None, zero, None),
        (lib.ingot_program_arena_bytes, None, zero, None),
        (lib.ingot_session_new, None, ctypes.byref(null)),
        (lib.ingot_session_new, api.program, None),
        (lib.ingot_session_reset, None),
        (lib.ingot_session_run, None, zero, None, zero, None, zero, None),
        (lib.ingot_session_run, api.session, zero, None, ctypes.c_size_t(1), None, zero, None),
        (lib.ingot_session_output_shapes, None, zero, None, zero, None, zero),
        (lib.ingot_session_reserve, None, zero, None, zero),
        (lib.ingot_session_reserve, api.session, zero, None, ctypes.c_size_t(1)),
        (lib.ingot_session_read_state, None, b"count", None, zero),
        (lib.ingot_session_read_state, api.session, None, None, zero),
        (lib.ingot_session_read_state, api.session, b"count", None, ctypes.c_size_t(8)),
        (lib.ingot_session_write_state, None, b"count", None),
        (lib.ingot_session_write_state, api.session, b"count", None),
        (lib.ingot_session_save, None, b"x"),
        (lib.ingot_session_save, api.session, None),
    ]
    for function, *arguments in calls:
        assert function(*arguments) == STATUS["argument"], function.__name__
        assert "null" in api.error(), function.__name__
    lib.ingot_program_free(None)
    lib.ingot_session_free(None)
    assert lib.ingot_program_num_graphs(None) == 0
    assert lib.ingot_program_graph_name(None, zero) is None


def test_bad_files_are_statuses(api: Api, tmp_path: Path) -> None:
    program = ctypes.c_void_p()
    load = api.lib.ingot_program_load
    missing = str(tmp_path / "none").encode()
    assert load(missing, None, ctypes.byref(program)) == STATUS["device"]
    (tmp_path / "bad").write_bytes(bytes(100))
    assert load(str(tmp_path / "bad").encode(), None, ctypes.byref(program)) == STATUS["file"]
    assert program.value is None


def test_a_saved_session_carries_its_states(api: Api, tmp_path: Path) -> None:
    x, y, count = x_y()
    assert api.run([tensor(x)], [tensor(y), tensor(count)]) == 0
    given = np.array([5, 6], np.float32)
    write = api.lib.ingot_session_write_state
    assert write(api.session, b"count", ctypes.byref(tensor(given))) == 0
    path = tmp_path / "saved.ingot"
    assert api.lib.ingot_session_save(api.session, str(path).encode()) == 0
    np.testing.assert_array_equal(_core.Module.load(str(path)).state("count"), given)
    other = Api(path)
    assert other.run([tensor(x)], [tensor(y), tensor(count)]) == 0
    np.testing.assert_array_equal(count, [6, 7])
    other.close()
