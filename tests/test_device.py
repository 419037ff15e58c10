"""Programs on a device from Python: the same bits, arrays that lie there, states, errors. On
machines without a device, on one of the plugins that stand in for it (conftest.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import stand_in
from tests.installed import runner

import ingot

N = ingot.Dim("n", 1, 16)


def mixture(x: Any, w: Any, i: Any) -> Any:
    """A product, groups, a gather that can fail, a counted loop."""
    h = ingot.softmax(ingot.matmul(x, w), axis=1)
    carry, rows = ingot.scan(lambda c, t: (c * 0.5 + t, c), ingot.sum(h, axis=0), h)
    return ingot.take(h, i, axis=1), rows, carry


def until_large(x: Any) -> Any:
    """A loop that depends on data."""
    return ingot.while_loop(
        lambda s: ingot.sum(s[1]) < 100.0, lambda s: (s[0] + 1, s[1] * 1.5 + 1.0), (0, x)
    )


MIXTURE = ingot.record(
    mixture, ingot.Spec((N, 4)), ingot.Spec((4, 5)), ingot.Spec((2,), "int64"), name="mixture"
)


def inputs(n: int, index: int = 3) -> list[Any]:
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 4), dtype=np.float32)
    return [x, rng.standard_normal((4, 5), dtype=np.float32), np.array([index, -1])]


def same_bits(got: Any, expected: Any) -> bool:
    return [np.asarray(g).tobytes() for g in got] == [np.asarray(e).tobytes() for e in expected]


@pytest.fixture(scope="module")
def program(cuda: str) -> ingot.Program:
    return ingot.compile(MIXTURE, device=cuda)


@pytest.fixture(scope="module")
def processor() -> ingot.Program:
    return ingot.compile(MIXTURE)


def test_a_program_says_where_it_runs(program: ingot.Program, processor: ingot.Program) -> None:
    assert (program.device, processor.device) == ("cuda:0", "cpu")
    assert repr(program) == "<ingot.Program mixture: cuda:0>"
    assert "device cuda:0" in program.explain()
    assert all(step["code"] for step in program.plan().steps if step["kind"] == "kernel")


def test_the_bits_are_those_of_the_processor(
    program: ingot.Program, processor: ingot.Program
) -> None:
    for n in (3, 3, 3, 16, 16, 16, 1, 3):
        assert same_bits(program(*inputs(n)), processor(*inputs(n)))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_wrap_inside_of_a_group(cuda: str, dtype: str) -> None:
    """A compiler that takes overflow for impossible would find these true without computing."""

    def claims(x: Any) -> Any:
        one, two = x * 0 + 1, x * 0 + 2
        return x + one > x, ingot.abs(x) >= 0, (x * two) // two == x, -x == x, x - one < x

    graph = ingot.record(claims, ingot.Spec((5,), dtype))
    limits = np.iinfo(dtype)
    x = np.array([limits.max, limits.min, limits.max - 1, 0, -7], dtype)
    assert same_bits(ingot.compile(graph, device=cuda)(x), ingot.compile(graph)(x))


def test_loops_that_depend_on_data(cuda: str) -> None:
    graph = ingot.record(until_large, ingot.Spec((5,)))
    on_device, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    for start in (0.0, 1.0, 50.0):
        x = np.full(5, start, np.float32)
        assert same_bits(on_device(x), here(x))
    with pytest.raises(ingot.LimitError, match="more steps than max_steps: got more than 20"):
        on_device.run({"x": np.zeros(5, np.float32)}, max_steps=20)


def test_a_load_takes_a_device(cuda: str, processor: ingot.Program, tmp_path: Path) -> None:
    MIXTURE.save(tmp_path / "m.ingot")
    loaded = ingot.load(tmp_path / "m.ingot", device=cuda, dims={"n": 3})
    assert same_bits(loaded(*inputs(3)), processor(*inputs(3)))


def test_jit_takes_a_device(cuda: str) -> None:
    @ingot.jit(device=cuda)
    def double(x: Any) -> Any:
        return x + x

    assert double(ingot.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert double.programs[0].device == "cuda:0"


# ---- arrays on the device ---------------------------------------------------------------------


class Foreign:
    """An array of another library: all that is known of it is DLPack."""

    def __init__(self, array: ingot.DeviceArray, knows_versions: bool) -> None:
        self.array, self.knows_versions = array, knows_versions
        self.streams: list[int] = []

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def __dlpack__(self, stream: int | None = None, **options: Any) -> object:
        if options and not self.knows_versions:
            raise TypeError("unexpected keyword argument")
        assert stream is not None
        self.streams.append(stream)
        return self.array.__dlpack__(stream=stream, **options)


class Copying(Foreign):
    """One that gives copies away."""

    def __dlpack__(self, stream: int | None = None, **options: Any) -> object:
        return self.array.__dlpack__(stream=stream, copy=True, **options)


def test_a_device_array_has_what_an_array_has(cuda: str) -> None:
    given = np.arange(6, dtype=np.int16).reshape(2, 3)
    x = ingot.to_device(given, cuda)
    assert (x.shape, x.dtype, x.ndim, x.size, x.nbytes) == ((2, 3), np.int16, 2, 6, 12)
    assert x.device == "cuda:0"
    assert repr(x) == "<ingot.DeviceArray i16[2,3] on cuda:0>"
    assert np.array_equal(x.numpy(), given)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert x.__dlpack_device__() == (2, 0)
    assert ingot.to_device(np.zeros((0, 3)), cuda).numpy().shape == (0, 3)
    with pytest.raises(ValueError, match="needs a copy"):
        np.array(x, copy=False)
    with pytest.raises(BufferError, match="another device"):
        x.__dlpack__(dl_device=(1, 0))
    copies = Copying(x, True)
    add = ingot.compile(ingot.record(lambda a: a + 1, ingot.Spec((2, 3), "int16")), device=cuda)
    assert np.array_equal(add(copies).numpy(), given + 1)
    with pytest.raises(ingot.DeviceError, match="got 'cpu', expected cuda or cuda:N"):
        ingot.to_device(given, "cpu")


@pytest.mark.parametrize("knows_versions", [True, False])
def test_arrays_of_the_device_are_read_in_place(
    cuda: str, program: ingot.Program, processor: ingot.Program, knows_versions: bool
) -> None:
    x, w, i = inputs(4)
    foreign = Foreign(ingot.to_device(x, cuda), knows_versions)
    for _ in range(3):
        results = program(foreign, w, i=ingot.to_device(i, cuda))
        assert all(isinstance(r, ingot.DeviceArray) for r in results)
        assert same_bits(results, processor(x, w, i))
    assert len(foreign.streams) == 3
    assert min(foreign.streams) > 2  # a stream of its own
    assert program.default_session.core.last_copied_inputs() == []


def test_run_into_writes_arrays_of_the_device_and_of_the_host(
    cuda: str, program: ingot.Program, processor: ingot.Program
) -> None:
    x, w, i = inputs(4)
    expected = processor(x, w, i)
    outputs: list[Any] = [np.zeros_like(e) for e in expected]
    outputs[1] = ingot.to_device(outputs[1], cuda)
    for _ in range(3):
        program.run_into([ingot.to_device(x, cuda), w, i], outputs)
        assert same_bits(outputs, expected)


def test_run_into_takes_its_place_in_the_order_of_a_stream(cuda: str) -> None:
    graph = ingot.record(lambda x: ingot.exp(x) * 2.0, ingot.Spec((4,)))
    on_device, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    x, y = ingot.to_device(np.arange(4.0, dtype=np.float32), cuda), np.zeros(4, np.float32)
    result = ingot.to_device(y, cuda)
    foreign = Foreign(x, True)
    for _ in range(3):
        on_device.run_into([foreign], [result], stream=0)
    on_device.run_into([x], [y], stream=0)  # waits: y lies in the host's memory
    assert set(foreign.streams) == {1}  # as DLPack calls the stream 0
    assert same_bits([result, y], [here(x), here(x)])
    with pytest.raises(ingot.ArgumentError, match="a stream is given: expected a program on a"):
        here.run_into([y], [y.copy()], stream=0)
    for wrong in (-1, 1.5, "0"):
        with pytest.raises((ingot.ArgumentError, TypeError), match="stream"):
            on_device.run_into([x], [y], stream=wrong)  # type: ignore[arg-type]


def test_sessions_run_side_by_side(program: ingot.Program, processor: ingot.Program) -> None:
    expected = {n: processor(*inputs(n)) for n in range(1, 9)}

    def work(n: int) -> bool:
        session = program.session()
        return all(same_bits(session(*inputs(n)), expected[n]) for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, expected))


def test_a_program_on_the_processor_copies_them_in(
    cuda: str, processor: ingot.Program, program: ingot.Program
) -> None:
    x, w, i = inputs(2)
    assert same_bits(processor(ingot.to_device(x, cuda), w, i), program(x, w, i))


def test_wrong_arrays_are_one_clear_error(cuda: str, program: ingot.Program) -> None:
    x, w, i = inputs(4)
    with pytest.raises(ingot.ShapeError, match=r"input x: got f32\[4,5\], expected f32\[n,4\]"):
        program(ingot.to_device(np.zeros((4, 5), np.float32), cuda), w, i)
    with pytest.raises(ingot.DTypeError, match="input x: got f64, expected f32"):
        program(ingot.to_device(x.astype(np.float64), cuda), w, i)

    class Elsewhere(Foreign):
        def __dlpack_device__(self) -> tuple[int, int]:
            return (10, 0)

    session = program.default_session.core
    with pytest.raises(ingot.ArgumentError, match="got Elsewhere of another kind of device"):
        session.run(0, [Elsewhere(ingot.to_device(x, cuda), True), w, i])
    with pytest.raises(ingot.ArgumentError, match="got float, expected an array"):
        session.run(0, [1.5, w, i])


# ---- states, errors, params -------------------------------------------------------------------


def counter(cuda: str) -> ingot.Program:
    total = ingot.State(np.zeros(3, np.float32), name="total")

    def add(x: Any, at: Any) -> Any:
        ingot.abort(ingot.sum(x) < 0.0, "negative sum")
        total.value = total.value + ingot.take(x, at, axis=0)
        return total.value

    return ingot.compile(
        ingot.record(add, ingot.Spec((4,)), ingot.Spec((3,), "int64")), device=cuda
    )


def test_states_live_on_the_device(cuda: str, tmp_path: Path) -> None:
    program = counter(cuda)
    x, at = np.arange(4, dtype=np.float32), np.array([1, 2, 3])
    for _ in range(4):
        program(x, at)
    session = program.default_session
    assert session.state["total"].tolist() == [4.0, 8.0, 12.0]
    assert program.session()(x, at).tolist() == [1.0, 2.0, 3.0]
    session.save(tmp_path / "m.ingot")
    assert ingot.load(tmp_path / "m.ingot")(x, at).tolist() == [5.0, 10.0, 15.0]
    session.state["total"] = [7.0, 7.0, 7.0]
    assert program(x, at).tolist() == [8.0, 9.0, 10.0]
    session.reset()
    assert program(x, at).tolist() == [1.0, 2.0, 3.0]


def test_errors_inside_are_those_of_the_processor(cuda: str) -> None:
    on_device, here = counter(cuda), counter("cpu")
    x, at = np.arange(4, dtype=np.float32), np.array([1, 2, 3])
    on_device(x, at)
    wrong: list[tuple[Any, Any, type[Exception]]] = [
        (-x, at, ingot.AbortError),
        (x, at + 1, ingot.RangeError),
        (-x, at + 1, ingot.AbortError),
    ]
    for _ in range(3):
        for a, b, kind in wrong:
            with pytest.raises(kind) as there:
                on_device(a, b)
            with pytest.raises(kind) as expected:
                here(a, b)
            assert str(there.value) == str(expected.value)
    assert on_device.default_session.state["total"].tolist() == [1.0, 2.0, 3.0]


def test_with_params_uploads_the_new_ones(cuda: str) -> None:
    w = ingot.tensor(np.eye(3, dtype=np.float32), name="w")
    program = ingot.compile(
        ingot.record(lambda x: ingot.matmul(x, w), ingot.Spec((2, 3))), device=cuda
    )
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(program(x), x)
    name = program.module.params[0][0]
    changed = program.with_params({name: 2 * np.eye(3, dtype=np.float32)})
    assert changed.device == "cuda:0"
    assert np.array_equal(changed(x), 2 * x)
    assert np.array_equal(program(x), x)


def test_profile_and_fetch(program: ingot.Program) -> None:
    x, w, i = inputs(4)
    profile = program.profile(x, w, i, runs=3)
    assert sum(step.total_ns for step in profile.steps) > 0
    assert all(step.at_best_ns > 0 for step in profile.steps if step.calls)
    assert "of the limit" in str(profile)
    assert "cuda:0 at best: " in program.explain()
    limits = program.core.limits()
    assert all(limit > 0 for limit in limits)
    assert program.core.limits() == limits  # measured once
    fetched = program.run({"x": x, "w": w, "i": i}, fetch=["%0"])["%0"]
    assert np.array_equal(
        fetched, ingot.compile(MIXTURE).run({"x": x, "w": w, "i": i}, ["%0"])["%0"]
    )


# ---- where there is no device, or a bad one ---------------------------------------------------


def child(code: str, **environment: object) -> str:
    """What a new process prints of the error that `code` raises."""
    lines = [
        "import ingot, numpy as np",
        "g = ingot.record(lambda x: ingot.cumulative_sum(x + 1, axis=0), ingot.Spec((1_000_000,)))",
        "x = np.zeros(1_000_000, np.float32)",
        f"try:\n    {code}",
        "except Exception as e:\n    print(f'{type(e).__name__}: {e}')",
    ]
    given = {k: v for k, v in os.environ.items() if k != "INGOT_CUDA_PLUGIN"}
    given |= {k: str(v) for k, v in environment.items()}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, env=given
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


COMPILE = "ingot.compile(g, device='cuda')"
RUN = "p = ingot.compile(g, device='cuda'); p(x)"


@pytest.fixture(scope="module")
def fake() -> Path:
    return stand_in("libingot_fake_device.so")


def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    said = child(COMPILE, INGOT_CUDA_PLUGIN=tmp_path / "none.so")
    assert said.startswith("DeviceError: device cuda: the plugin cannot be opened: ")
    assert "none.so" in said
    (tmp_path / "empty.so").write_bytes(b"")
    assert "cannot be opened" in child(COMPILE, INGOT_CUDA_PLUGIN=tmp_path / "empty.so")


def test_a_plugin_without_a_device_is_not_kept(fake: Path) -> None:
    code = (
        f"{COMPILE}\n"
        "except ingot.DeviceError: pass\n"
        "import os; os.environ['INGOT_CUDA_PLUGIN'] = 'none.so'\n"
        f"try:\n    {COMPILE}"
    )
    said = child(code, INGOT_CUDA_PLUGIN=fake, FAKE_DEVICE_COUNT=0)
    assert said.startswith("DeviceError: device cuda: the plugin cannot be opened: none.so")


def test_names_of_devices() -> None:
    graph = ingot.record(lambda x: x + 1, ingot.Spec((2,)))
    for name in ("gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:99999999999", "CUDA", "cuda0"):
        with pytest.raises(ingot.DeviceError, match="expected cpu, cuda or cuda:N"):
            ingot.compile(graph, device=name)
    with pytest.raises(ingot.ArgumentError, match="device: got int, expected a str"):
        ingot.compile(graph, device=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "code", "expected"),
    [
        ({"VERSION": 7}, COMPILE, "is not of this build: got 0.1.0 with interface 7, expected"),
        ({"COUNT": 0}, COMPILE, "DeviceError: compile: device cuda:0: no device: expected one"),
        ({"COUNT": 1}, COMPILE.replace("cuda", "cuda:1"), "got cuda:1, expected less than 1"),
        (
            {"WITHOUT": "cumulative_sum"},
            COMPILE,
            "DTypeError: cumulative_sum: no kernel: got f32, expected what device cuda:0 can",
        ),
        ({"MEMORY": 1000}, COMPILE, "LimitError: plan: the arena of graph main is too large"),
        ({"MEMORY": 10_000_000}, RUN, "LimitError: memory: device cuda:0 does not give"),
        ({"FAILS": 0}, RUN, "DeviceError: run: device cuda:0: a launch failed"),
    ],
)
def test_what_a_device_cannot_do(
    fake: Path, setting: dict[str, object], code: str, expected: str
) -> None:
    options = {f"FAKE_DEVICE_{name}": value for name, value in setting.items()}
    assert expected in child(code, INGOT_CUDA_PLUGIN=fake, **options)


def test_more_than_a_device_sorts(cuda: str) -> None:
    graph = ingot.record(lambda x: ingot.argsort(x, axis=0), ingot.Spec((2**32,)))
    expected = (
        "compile: device cuda:0: argsort: the axis is too long: got 4294967296 elements, expected "
        "less than 4294967295 of this dtype"
    )
    with pytest.raises(ingot.LimitError, match=f"^{expected}"):
        ingot.compile(graph, device=cuda)


@pytest.mark.parametrize("size", ["1GB", "-1", " 5", "99999999999999999999"])
def test_a_size_of_the_cache_that_is_none(fake: Path, size: str) -> None:
    said = child(COMPILE, INGOT_CUDA_PLUGIN=fake, INGOT_CACHE_BYTES=size)
    expected = f"INGOT_CACHE_BYTES: got '{size}', expected a number of bytes"
    assert said == f"ArgumentError: device cuda: {expected}"


def test_the_process_goes_on_without_memory(fake: Path) -> None:
    code = (
        "p = ingot.compile(g, device='cuda')\n"
        "    try: p(x)\n"
        "    except ingot.LimitError: pass\n"
        "    import os; os.environ['FAKE_DEVICE_MEMORY'] = '100000000'; print(int(p(x)[-1]))"
    )
    assert child(code, INGOT_CUDA_PLUGIN=fake, FAKE_DEVICE_MEMORY=10_000_000) == "1000000"


def test_the_runner_takes_a_device(fake: Path, tmp_path: Path, processor: ingot.Program) -> None:
    MIXTURE.save(tmp_path / "m.ingot")
    x, w, i = inputs(3)
    for name, value in (("x", x), ("w", w), ("i", i), ("y", processor(x, w, i)[2])):
        np.save(tmp_path / f"{name}.npy", value)
    command = [str(runner()), "m.ingot", "--device", "cuda:1", "--expect", "2=y.npy"]
    for name in "xwi":
        command += ["--input", f"{name}={name}.npy"]
    environment = os.environ | {"INGOT_CUDA_PLUGIN": str(fake)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "device cuda:1" in done.stdout


@pytest.mark.usefixtures("cuda")
def test_show_config_names_devices(capsys: pytest.CaptureFixture[str]) -> None:
    ingot.show_config()
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("devices: "))
    assert line.startswith("devices: cpu; cuda: cuda:0 ")
