"""How runs become graphs of a device, seen on the emulated one: walked once, captured, replayed,
patched for arrays at addresses that were never seen. The bits are the same on every way."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.device import Counts, Emulator
from tests.op_samples import bits
from tests.test_dlpack import ManagedVersioned

import ingot

N = ingot.Dim("n", 1, 16)
DEPTH = 12


def deep(x: Any, i: Any) -> Any:
    """Steps of which only the first and the last touch what the caller brings; one can fail."""
    rng = np.random.default_rng(0)
    h = ingot.tanh(x)
    for _ in range(DEPTH):
        h = ingot.softmax(h @ ingot.tensor(rng.standard_normal((8, 8), np.float32)), axis=1)
    return ingot.take(h, i, axis=1) - x[:, :2]


GRAPH = ingot.record(deep, ingot.Spec((N, 8)), ingot.Spec((2,), "int64"))


@pytest.fixture(autouse=True)
def whole(emulator: Emulator) -> Iterator[None]:
    yield
    assert emulator.problem() == ""


def given(n: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, 8)).astype(np.float32), np.array([1, 6])]


class Shifted:
    """All but the first row of an array, moved by some elements: a view at an odd address."""

    def __init__(self, values: np.ndarray, by: int, device: str) -> None:
        flat = np.zeros((len(values) + 1, *values.shape[1:]), values.dtype)
        flat.reshape(-1)[by : by + values.size] = values.reshape(-1)
        self.array, self.by = ingot.to_device(flat, device), by

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options: Any) -> object:
        capsule = self.array.__dlpack__(**options)
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        tensor = ManagedVersioned.from_address(get(capsule, b"dltensor_versioned")).tensor
        tensor.byte_offset += self.by * tensor.dtype.bits // 8
        tensor.shape[0] -= 1
        return capsule


class Watch:
    """What the device did since the watch was made."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator, self.before = emulator, emulator.counts()

    def __getattr__(self, name: str) -> int:
        counts: Counts = self.emulator.counts()
        return int(getattr(counts, name) - getattr(self.before, name))


def check(found: Any, expected: Any) -> None:
    assert bits(np.asarray(found)) == bits(np.asarray(expected))


def test_fresh_arrays_at_every_call_patch_one_graph(cuda: str, emulator: Emulator) -> None:
    there, here = ingot.compile(GRAPH, device=cuda), ingot.compile(GRAPH)
    kept = []
    watch = Watch(emulator)
    for seed in range(10):
        arrays = given(5, seed)
        kept.append([ingot.to_device(a, cuda) for a in arrays])
        kept.append([there(*kept[-1])])
        check(kept[-1][0].numpy(), here(*arrays))
    assert watch.graph_instantiations == 1
    assert watch.graph_launches == 9
    assert watch.graph_patches == 2 * 8  # the first steps and the last ones
    before = Watch(emulator)
    x, i = (ingot.to_device(a, cuda) for a in given(5))
    there(x, i)
    assert before.allocations == 3  # the arrays themselves
    assert before.host_allocations == 0


def test_a_graph_takes_addresses_of_any_alignment(cuda: str, emulator: Emulator) -> None:
    there, here = ingot.compile(GRAPH, device=cuda), ingot.compile(GRAPH)
    watch = Watch(emulator)
    kept = []
    for by in [0, 1, 4, 2, 3, 8, 7, 4, 0, 5]:
        x, i = given(6, by)
        kept.append((Shifted(x, by, cuda), Shifted(i.reshape(2, 1)[:, 0], by % 2, cuda)))
        check(there(*kept[-1]).numpy(), here(x, i))
    assert watch.graph_launches == 9


def copies(x: Any) -> Any:
    """Steps whose kernels depend on how their operands are aligned."""
    turned = ingot.permute_dims(x, (1, 0))
    return ingot.concat([x, x], axis=1), turned, ingot.flip(x, axis=0)


def test_kernels_chosen_by_alignment_are_captured_anew(cuda: str) -> None:
    graph = ingot.record(copies, ingot.Spec((N, 16), "int8"))
    there, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    rng = np.random.default_rng(1)
    kept = []
    for by in [0, 1, 0, 8, 4, 16, 3, 0]:
        x = rng.integers(-128, 127, (9, 16)).astype(np.int8)
        kept.append(Shifted(x, by, cuda))
        for found, expected in zip(there(kept[-1]), here(x), strict=True):
            check(found.numpy(), expected)


def test_other_sizes_forget_the_graphs(cuda: str, emulator: Emulator) -> None:
    there, here = ingot.compile(GRAPH, device=cuda), ingot.compile(GRAPH)
    kept = []
    watch = Watch(emulator)
    for n in [4, 4, 4, 7, 7, 7, 4, 4, 4]:
        arrays = given(n, len(kept))
        kept.append([ingot.to_device(a, cuda) for a in arrays])
        check(there(*kept[-1]).numpy(), here(*arrays))
    assert watch.graph_launches == 6  # not the first of every size
    assert watch.graph_patches > 0


def test_callers_that_take_turns_keep_their_graphs(cuda: str, emulator: Emulator) -> None:
    there, here = ingot.compile(GRAPH, device=cuda), ingot.compile(GRAPH)
    arrays = [given(3, seed) for seed in range(4)]
    inputs = [[ingot.to_device(a, cuda) for a in pair] for pair in arrays]
    outputs = [ingot.to_device(np.zeros((3, 2), np.float32), cuda) for _ in arrays]

    def round_of_all() -> None:
        for pair, given_pair, output in zip(arrays, inputs, outputs, strict=True):
            there.run_into(given_pair, [output])
            check(output.numpy(), here(*pair))

    round_of_all()
    round_of_all()
    watch = Watch(emulator)
    round_of_all()
    assert watch.graph_launches == 4
    assert watch.graph_patches == watch.graph_instantiations == watch.graph_updates == 0


def counting(device: str) -> ingot.Program:
    total = ingot.State(np.zeros(2, np.float32), name="total")

    def add(x: Any, i: Any) -> Any:
        total.value = total.value + ingot.sum(deep(x, i), axis=0)
        return total.value

    return ingot.compile(
        ingot.record(add, ingot.Spec((4, 8)), ingot.Spec((2,), "int64")), device=device
    )


def test_faults_and_states_are_those_of_the_processor_in_patched_runs(
    cuda: str, emulator: Emulator
) -> None:
    there, here = counting(cuda), counting("cpu")
    kept = []
    watch = Watch(emulator)
    for seed in range(9):
        x, i = given(4, seed)
        i = i + (3 if seed % 3 == 2 else 0)
        kept.append((ingot.to_device(x, cuda), ingot.to_device(i, cuda)))

        def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
            try:
                return "", bits(np.asarray(call()))
            except ingot.RangeError as error:
                return str(error), None

        found, expected = outcome(lambda: there(*kept[-1])), outcome(lambda x=x, i=i: here(x, i))
        assert found == expected
        assert (found[0] != "") == (seed % 3 == 2)
    assert watch.graph_patches > 0
    check(there.default_session.state["total"], here.default_session.state["total"])


# ---- branches and loops that depend on data ----------------------------------------------------


def collatz(n: Any, x: Any) -> Any:
    """A loop around a branch; the carried matrix swaps two buffers."""

    def turn(state: Any) -> Any:
        k, value, m = state
        odd = ingot.remainder(value, 2) == 1
        value, m = ingot.cond(
            odd,
            lambda v, a: (v * 3 + 1, a @ x),
            lambda v, a: (v // 2, ingot.tanh(x @ a) * 0.5),
            value,
            m,
        )
        return k + 1, value, m

    return ingot.while_loop(lambda s: s[1] > 1, turn, (0, n, x + 1.0))


def nested(n: Any, x: Any) -> Any:
    """A loop inside of a loop, a counted one inside of that."""

    def inner(state: Any) -> Any:
        k, m = state
        m, _ = ingot.scan(lambda c, row: (c @ x * 0.3 + row, ()), m, x)
        return k + 1, ingot.tanh(m)

    def outer(state: Any) -> Any:
        k, m = state
        _, m = ingot.while_loop(lambda s: s[0] < k, inner, (0, m))
        return k + 1, m @ x

    k, m = ingot.while_loop(lambda s: s[0] < n, outer, (0, x))
    return k, m + x


@pytest.mark.parametrize("function", [collatz, nested])
def test_a_run_with_branches_and_loops_is_one_launch(
    function: Callable[..., Any], cuda: str, emulator: Emulator
) -> None:
    graph = ingot.record(function, ingot.Spec((), "int64"), ingot.Spec((3, 3)))
    there, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    rng = np.random.default_rng(0)
    results = [ingot.to_device(np.asarray(r), cuda) for r in here(3, np.zeros((3, 3), np.float32))]
    n, x = ingot.to_device(np.array(1), cuda), ingot.to_device(np.zeros((3, 3), np.float32), cuda)
    for _ in range(3):
        there.run_into([n, x], results)
    watch = Watch(emulator)
    for _ in range(3):
        there.run_into([n, x], results)
    assert watch.enqueued == watch.graph_launches == 3
    for start in (0, 1, 2, 5, 7, 3):
        x_now = rng.standard_normal((3, 3)).astype(np.float32)
        found, expected = there(np.array(start), x_now), here(np.array(start), x_now)
        for a, b in zip(found, expected, strict=True):
            check(a, b)


def test_fresh_arrays_patch_a_graph_around_its_loops(cuda: str, emulator: Emulator) -> None:
    def function(n: Any, x: Any) -> Any:
        _, m = ingot.while_loop(
            lambda s: s[0] < 4, lambda s: (s[0] + 1, ingot.tanh(s[1] @ s[1])), (n + 0, x * 2.0)
        )
        return m - x

    graph = ingot.record(function, ingot.Spec((), "int64"), ingot.Spec((3, 3)))
    there, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    rng = np.random.default_rng(0)
    kept = []
    watch = Watch(emulator)
    for start in (0, 1, 2, 3, 4, 0, 3):
        n, x = np.array(start), rng.standard_normal((3, 3)).astype(np.float32)
        kept.append((ingot.to_device(n, cuda), ingot.to_device(x, cuda)))
        kept.append(there(*kept[-1]))
        check(kept[-1].numpy(), here(n, x))
    assert watch.graph_instantiations == 1
    assert watch.graph_launches == 6


def test_arrays_that_move_inside_of_a_loop_are_walked(cuda: str, emulator: Emulator) -> None:
    graph = ingot.record(nested, ingot.Spec((), "int64"), ingot.Spec((3, 3)))
    there, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    rng = np.random.default_rng(0)
    kept = []
    watch = Watch(emulator)
    for _ in range(5):
        x = rng.standard_normal((3, 3)).astype(np.float32)
        kept.append(ingot.to_device(x, cuda))
        for a, b in zip(there(np.array(3), kept[-1]), here(np.array(3), x), strict=True):
            check(np.asarray(a), b)
    assert watch.graph_launches <= 1


def endless(n: Any) -> Any:
    return ingot.while_loop(lambda k: k < n, lambda k: ingot.remainder(k + 1, 1000), 0)


def test_ctrl_c_ends_a_loop_of_a_graph(cuda: str, emulator: Emulator) -> None:
    total = ingot.State(np.zeros((), np.int64), name="total")

    def add(n: Any) -> Any:
        total.value = total.value + endless(n)
        return total.value

    program = ingot.compile(ingot.record(add, ingot.Spec((), "int64")), device=cuda)
    for _ in range(3):
        program(np.array(5))
    watch = Watch(emulator)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            program(np.array(2000))
    finally:
        signal.signal(signal.SIGINT, before)
    timer.join()
    assert watch.graph_launches == 1
    assert program.default_session.state["total"].tolist() == 15
    assert program(np.array(7)).tolist() == 22
    with pytest.raises(ingot.LimitError, match="more steps than max_steps: got more than 50"):
        program.run({"n": np.array(2000)}, max_steps=50)


def test_a_fault_in_some_turn_is_that_of_the_processor(cuda: str, emulator: Emulator) -> None:
    total = ingot.State(np.zeros((), np.float32), name="total")

    def add(x: Any, n: Any) -> Any:
        _, found = ingot.while_loop(
            lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + x[s[0]]), (0, ingot.tensor(0.0))
        )
        ingot.abort(found > 100.0, "too much")
        total.value = total.value + found
        return total.value

    graph = ingot.record(add, ingot.Spec((6,)), ingot.Spec((), "int64"))
    there, here = ingot.compile(graph, device=cuda), ingot.compile(graph)
    x = np.arange(6, dtype=np.float32)
    watch = Watch(emulator)
    for n, factor in [(3, 1), (6, 1), (7, 1), (0, 1), (5, 100), (99, 1), (6, 2), (-4, 1)]:
        outcomes = []
        for program in (there, here):
            try:
                outcomes.append(
                    (bits(np.asarray(program(x * np.float32(factor), np.array(n)))), "")
                )
            except (ingot.RangeError, ingot.AbortError) as error:
                outcomes.append((None, f"{type(error).__name__}: {error}"))
        assert outcomes[0] == outcomes[1]
    assert watch.graph_launches == 7
    check(there.default_session.state["total"], here.default_session.state["total"])
