"""What can be seen of an emulated device alone: the order of threads, memory that runs out, what is
allocated and launched, machines without a device, generated code."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.device import Emulator, emulated_plugin, host_compiler
from tests.installed import runner
from tests.op_samples import bits
from tests.random_networks import build_network
from tests.random_programs import SeededChoose, build, check_on_device

import ingot

N = ingot.Dim("n", 1, 64)
GRAPH = ingot.record(
    lambda x, w: ingot.softmax(ingot.tanh(x) @ w, axis=1), ingot.Spec((N, 8)), ingot.Spec((8, 8))
)


def arrays(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    return [rng.standard_normal(shape).astype(np.float32) for shape in ((n, 8), (8, 8))]


@pytest.fixture(autouse=True)
def whole(emulator: Emulator) -> Iterator[None]:
    """Nothing breaks the device, and every test finds it as it is by default."""
    yield
    emulator.set_seed(1)
    emulator.set_bytes(8 << 30)
    assert emulator.problem() == ""


@pytest.mark.parametrize("seed", [0, 2, 3, 4, 5])
def test_the_order_of_threads_changes_no_bit(seed: int, cuda: str, emulator: Emulator) -> None:
    emulator.set_seed(seed)
    for number in range(1000 * seed, 1000 * seed + 40):
        check_on_device(*build(SeededChoose(number)), cuda)
    for number in range(1000 * seed, 1000 * seed + 15):
        check_on_device(*build_network(SeededChoose(number)), cuda)


def test_further_runs_allocate_nothing_and_are_one_launch(cuda: str, emulator: Emulator) -> None:
    program = ingot.compile(GRAPH, device=cuda)
    given = [ingot.to_device(x, cuda) for x in arrays(8)]
    result = ingot.to_device(np.zeros((8, 8), np.float32), cuda)
    for _ in range(3):
        program.run_into(given, [result])
    before = emulator.counts()
    for _ in range(5):
        program.run_into(given, [result])
    after = emulator.counts()
    assert after.allocations == before.allocations
    assert after.host_allocations == before.host_allocations
    assert after.graph_launches == before.graph_launches + 5
    assert after.graph_instantiations == before.graph_instantiations
    assert after.enqueued == before.enqueued + 5
    assert bits(result.numpy()) == bits(np.asarray(ingot.compile(GRAPH)(*arrays(8))))


def test_other_addresses_change_a_graph_in_place(cuda: str, emulator: Emulator) -> None:
    program = ingot.compile(GRAPH, device=cuda)
    for _ in range(3):
        program(*arrays(8))
    before = emulator.counts()
    given = [ingot.to_device(x, cuda) for x in arrays(8)]
    result = ingot.to_device(np.zeros((8, 8), np.float32), cuda)
    for _ in range(3):
        program.run_into(given, [result])
    after = emulator.counts()
    assert after.graph_updates + after.graph_instantiations > before.graph_updates
    assert bits(result.numpy()) == bits(np.asarray(ingot.compile(GRAPH)(*arrays(8))))


def test_what_programs_held_is_given_back(cuda: str, emulator: Emulator) -> None:
    gc.collect()
    before = emulator.counts().live_bytes
    for _ in range(3):
        ingot.compile(GRAPH, device=cuda)(*arrays(5))
        ingot.to_device(np.zeros(100), cuda)
    gc.collect()
    assert emulator.counts().live_bytes == before


def test_the_process_goes_on_where_memory_ran_out(cuda: str, emulator: Emulator) -> None:
    program = ingot.compile(GRAPH, device=cuda)
    emulator.set_bytes(emulator.counts().live_bytes + 100)
    with pytest.raises(ingot.LimitError):
        program(*arrays(64))
    with pytest.raises(ingot.LimitError):
        ingot.to_device(np.zeros(1000), cuda)
    emulator.set_bytes(8 << 30)
    found, expected = program(*arrays(64)), ingot.compile(GRAPH)(*arrays(64))
    assert bits(np.asarray(found)) == bits(np.asarray(expected))


def test_sessions_run_at_the_same_time(cuda: str) -> None:
    program, here = ingot.compile(GRAPH, device=cuda), ingot.compile(GRAPH)
    expected = [bits(np.asarray(here(*arrays(n)))) for n in range(1, 9)]
    wrong: list[int] = []

    def work(first: int) -> None:
        session = program.session()
        for i in range(first, first + 60):
            if bits(np.asarray(session(*arrays(i % 8 + 1)))) != expected[i % 8]:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 3, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# ---- in processes of their own ----------------------------------------------------------------


def child(code: str, **environment: str) -> str:
    given = os.environ | {"INGOT_CUDA_PLUGIN": str(emulated_plugin())} | environment
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=given,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TRY = """
import ingot
try:
    ingot.compile(ingot.record(lambda x: x + 1, ingot.Spec((2,))), device="cuda")
except ingot.DeviceError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("devices", "said"),
    [("0", "no CUDA device was found: expected"), ("-1", "no NVIDIA driver was found: expected")],
)
def test_a_machine_without_a_device(devices: str, said: str) -> None:
    assert said in child(TRY, INGOT_CUDA_ON_HOST_DEVICES=devices)


TWO_DEVICES = """
import numpy as np
import ingot
specs = ingot.Spec((3, 4)), ingot.Spec((4, 5))
graph = ingot.record(lambda x, w: ingot.softmax(x @ w, axis=1), *specs)
x, w = np.ones((3, 4), np.float32), np.full((4, 5), 0.5, np.float32)
here = ingot.compile(graph)(x, w)
first, second = (ingot.compile(graph, device=f"cuda:{i}") for i in (0, 1))
for program in (second, first, second, second):
    assert program(x, w).tobytes() == here.tobytes()
there = [[ingot.to_device(a, f"cuda:{i}") for a in (x, w)] for i in (0, 1)]
print([a.__dlpack_device__() for arrays in there for a in arrays])
y = second(*there[1])
print(y.device, y.__dlpack_device__(), y.numpy().tobytes() == here.tobytes())
print(ingot.DeviceArray.__name__, first(*there[0]).device)
for program, arrays in ((first, there[1]), (second, there[0])):
    try:
        program(*arrays)
    except ingot.IngotError as error:
        print(f"{type(error).__name__}: {error}")
try:
    second.run_into((x, w), (first(*there[0]),))
except ingot.IngotError as error:
    print(f"{type(error).__name__}: {error}")
try:
    ingot.compile(graph, device="cuda:2")
except ingot.IngotError as error:
    print(f"{type(error).__name__}: {error}")
"""


def test_two_devices() -> None:
    assert child(TWO_DEVICES, INGOT_CUDA_ON_HOST_DEVICES="2").splitlines() == [
        "[(2, 0), (2, 0), (2, 1), (2, 1)]",
        "cuda:1 (2, 1) True",
        "DeviceArray cuda:0",
        "ArgumentError: run: input x: lies on device 1, expected the host or cuda:0",
        "ArgumentError: run: input x: lies on device 0, expected the host or cuda:1",
        "ArgumentError: run: output 0: lies on device 0, expected the host or cuda:1",
        "DeviceError: compile: no such device: got cuda:2, expected less than 2",
    ]


GENERATED = """
from tests.random_networks import build_network
from tests.random_programs import SeededChoose, build, check_on_device
import ingot
for seed in range(6):
    check_on_device(*build_network(SeededChoose(seed)), "cuda")
p = ingot.compile(ingot.record(lambda x: ingot.tanh(x) * 2 + 1, ingot.Spec((2,))), device="cuda")
print(p.explain())
shapes = [(70, 20), (20, 36), (36,)]
layer = ingot.record(lambda x, w, b: ingot.relu(x @ w + b), *map(ingot.Spec, shapes))
print(ingot.compile(layer, device="cuda").explain())
"""


def test_generated_groups_have_the_bits_of_the_processor(tmp_path: Path) -> None:
    compiler = host_compiler()
    cache = str(tmp_path / "cache")
    said = child(GENERATED, INGOT_CUDA_ON_HOST_COMPILER=compiler, INGOT_CACHE=cache)
    assert "group of 3 ops, generated" in said
    assert "matmul with a group of 2 ops, generated" in said
    kept = sorted(Path(cache).iterdir())
    assert kept
    child(GENERATED, INGOT_CUDA_ON_HOST_COMPILER=compiler, INGOT_CACHE=cache)
    assert sorted(Path(cache).iterdir()) == kept


def test_the_benchmark_of_devices_runs_dry(tmp_path: Path) -> None:
    only = "chain,norm,f32,gpt2_decode,reference,memory,allocations,memcheck"
    command = ["-m", "tests.benchmarks.gpu", "--dry-run", "--only", only]
    command += ["--json", str(tmp_path / "gpu.json")]
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| chain_64m |")]
    assert len(rows) == 2  # as it is measured, and in the table
    kept = json.loads((tmp_path / "gpu.json").read_text())
    assert {check["name"]: check["verdict"] for check in kept["checks"]} == {
        "the reference": "ok",
        "no allocations": "ok",
        "out of memory": "ok",
        "memcheck": "skipped",
    }
    assert len(kept["rows"]) == 4


def test_the_runner_computes_on_the_device(tmp_path: Path) -> None:
    GRAPH.save(tmp_path / "m.ingot")
    x, w = arrays(3)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "w.npy", w)
    np.save(tmp_path / "y.npy", ingot.compile(GRAPH)(x, w))
    command = [runner(), "m.ingot", "--device", "cuda", "--expect", "0=y.npy", "--repeat", "4"]
    command += ["--input", "x=x.npy", "--input", "w=w.npy"]
    environment = os.environ | {"INGOT_CUDA_PLUGIN": str(emulated_plugin())}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
