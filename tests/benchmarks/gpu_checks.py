"""What gpu.py checks before it times anything: on a GPU, or in part on the emulated device.

Each check is a process of its own, so that none can bring down the rest:

    python -m tests.benchmarks.gpu_checks reference     # one of them alone, on the device there is
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.device import Emulator, devices, open_emulator
from tests.op_samples import RECORDS, Application, applications, module_of
from tests.random_programs import SeededChoose, build, check_on_device

import ingot
import ingot.testing
from ingot import _core

from .gpu_driver import driver
from .gpu_models import MODELS
from .gpu_runtimes import numpy_of, on_device

ROOT = Path(__file__).parents[2]
TOOLS = ["memcheck", "racecheck", "initcheck"]
MOST_SECONDS = 3600  # of one check


@dataclass
class Outcome:
    """said: the last line of what it printed, or why there was nothing to check."""

    name: str
    verdict: str  # "ok", "failed", "skipped"
    said: str
    seconds: float


def is_emulated() -> bool:
    return "cuda on host" in devices()


def samples(tiny: bool) -> Iterator[Application]:
    """Of every op, conditions of regions apart; tiny: a few of some."""
    for record in RECORDS[:: 8 if tiny else 1]:
        if record.row.dtype_rule == "condition":
            continue
        for i, application in enumerate(applications(record)):
            if i < (3 if tiny else 1000):
                yield application


# ---- in processes of their own ----------------------------------------------------------------


def reference(tiny: bool) -> str:
    """Op samples and random programs agree with the NumPy reference within the stated bounds;
    random programs besides with the processor, bit by bit and error by error."""
    count = ran = 0
    for application in samples(tiny):
        program = ingot.Program(module_of(application), device="cuda")
        ingot.testing.check(program, application.operands)
        count += 1
    programs = 30 if tiny else 2000
    for seed in range(programs):
        module, inputs = build(SeededChoose(seed))
        if check_on_device(module, inputs, "cuda") == "ran":
            ingot.testing.check(ingot.Program(module, device="cuda"), inputs)
            ran += 1
    return f"{count} applications of ops, {programs} random programs of which {ran} ran to the end"


def digest(tiny: bool) -> str:
    """Of the bits of every op sample and every tiny model; each runs walked, captured, replayed."""
    all_bits = hashlib.sha256()
    for application in samples(tiny):
        session = _core.Program(module_of(application), device="cuda").new_session()
        runs = [[x.tobytes() for x in session.run(0, application.operands)] for _ in range(4)]
        assert all(run == runs[0] for run in runs), f"{application.row.name}: bits differ"
        for one in runs[0]:
            all_bits.update(one)
    for name in ["matmul_bf16_4096", "bert_base_b1", "resnet50_b1"]:
        contender = on_device(MODELS[name][1 if tiny else 0](), is_emulated()).contender
        found = []
        for _ in range(4):
            contender.enqueue()
            contender.wait()
            found.append([numpy_of(x).tobytes() for x in contender.results()])
        assert all(run == found[0] for run in found), f"{name}: bits differ"
        for one in found[0]:
            all_bits.update(one)
    return all_bits.hexdigest()


def allocations(tiny: bool) -> str:
    """The first run allocates; a hundred more, of every model, leave the device's memory alone."""
    for name, makers in MODELS.items():
        contender = on_device(makers[1 if tiny else 0](), is_emulated()).contender
        for _ in range(3):
            contender.enqueue()
        contender.wait()
        before = held()
        for _ in range(3 if tiny else 100):
            contender.enqueue()
        contender.wait()
        assert held() == before, f"{name}: from {before} to {held()}"
    return f"{len(MODELS)} models: nothing after the first runs"


def held() -> tuple[int, ...]:
    """What changes when the device's memory does."""
    if is_emulated():
        counts = Emulator().counts()
        return counts.allocations, counts.host_allocations, counts.live_bytes
    return (driver().free_bytes(),)


def fill(num_bytes: int) -> list[ingot.DeviceArray]:
    """Arrays of so many bytes, until no other one fits."""
    arrays: list[ingot.DeviceArray] = []
    while True:
        try:
            arrays.append(ingot.to_device(np.zeros(num_bytes, np.uint8), "cuda"))
        except ingot.LimitError:
            return arrays


def out_of_memory(tiny: bool) -> str:
    """A plan that is too large, and a run that finds the memory full, are LimitErrors; the same
    program then runs where there is room."""
    if is_emulated():
        Emulator().set_bytes(4 << 20)

    def program(size: int) -> ingot.Program:
        graph = ingot.record(
            lambda x: ingot.sum(ingot.cumulative_sum(x, axis=0)), ingot.Spec((size,))
        )
        return ingot.compile(graph, device="cuda")

    try:
        program(1 << 42)
        raise AssertionError("16 TiB fit")
    except ingot.LimitError as error:
        too_large = str(error)
    num_bytes = 1 << 18 if tiny else 1 << 32
    fits, x = program(num_bytes // 16), np.ones(num_bytes // 16, np.float32)
    held = [*fill(num_bytes), *fill(num_bytes // 16)]
    try:
        fits(x)
        raise AssertionError("the memory is not full")
    except ingot.LimitError as error:
        full = str(error)
    held.clear()
    found = float(np.asarray(fits(x)))
    assert found == float(np.asarray(ingot.compile(fits.module)(x))), "other bits"
    return f"{too_large}; {full}"


ALONE: dict[str, Callable[[bool], str]] = {
    "reference": reference,
    "digest": digest,
    "allocations": allocations,
    "out_of_memory": out_of_memory,
}

# ---- all of them ------------------------------------------------------------------------------


def python(*arguments: str, before: tuple[str, ...] = ()) -> str:
    """The last line that the process printed; AssertionError with the last lines if it failed."""
    command = [*before, sys.executable, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=MOST_SECONDS, check=False
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode == 0, f"exit status {done.returncode}: " + " / ".join(lines[-4:])
    return done.stdout.strip().splitlines()[-1]


def alone(name: str, tiny: bool) -> str:
    return python("-m", "tests.benchmarks.gpu_checks", name, *(["--tiny"] if tiny else []))


def suite(tiny: bool) -> tuple[str, ...]:
    """The tests of test_cuda.py, which compare bits with the processor's."""
    only = ("-k", "bits_of_the_processor and (take or softmax)") if tiny else ()
    return (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "cuda",
        "tests/test_cuda.py",
        *only,
    )


def sanitized(tool: str, tiny: bool) -> str:
    path = shutil.which("compute-sanitizer") or shutil.which(
        "compute-sanitizer", path="/usr/local/cuda/bin"
    )
    if path is None:
        return "skipped: compute-sanitizer was not found"
    if tiny:
        return "skipped: the emulated device checks by itself"
    options = ("--tool", tool, "--error-exitcode", "99", "--target-processes", "all")
    return python(*suite(tiny), before=(path, *options))


def repeated(tiny: bool) -> str:
    first, second = (alone("digest", tiny) for _ in range(2))
    assert first == second, f"two processes: {first} and {second}"
    return f"digest {first[:16]} in two processes"


def checks(tiny: bool) -> dict[str, Callable[[], str]]:
    return {
        "the reference": lambda: alone("reference", tiny),
        "the processor's bits": lambda: python(*suite(tiny)),
        "same bits run to run": lambda: repeated(tiny),
        "no allocations": lambda: alone("allocations", tiny),
        "out of memory": lambda: alone("out_of_memory", tiny),
        **{tool: lambda tool=tool: sanitized(tool, tiny) for tool in TOOLS},  # type: ignore[misc]
    }


def run_checks(tiny: bool, only: list[str]) -> list[Outcome]:
    """Of the checks whose name has one of these in it. Printed as they end."""
    outcomes = []
    for name, check in checks(tiny).items():
        if not any(part in name for part in only):
            continue
        begin = time.perf_counter()
        try:
            said = check()
            verdict = "skipped" if said.startswith("skipped: ") else "ok"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            said, verdict = str(error), "failed"
        outcomes.append(Outcome(name, verdict, said, time.perf_counter() - begin))
        print(f"{name}: {verdict} in {outcomes[-1].seconds:.0f} s: {said}", flush=True)
    return outcomes


def main() -> None:
    name, tiny = sys.argv[1], "--tiny" in sys.argv
    if tiny or "cuda:0" not in devices():
        open_emulator()
    print(ALONE[name](tiny))


if __name__ == "__main__":
    main()
