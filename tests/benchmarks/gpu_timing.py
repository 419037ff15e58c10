"""One rule of timing for everybody: calls are enqueued back to back, some milliseconds of them, and
the time of one is that of all divided by their number; the median of many such batches counts.

A batch lies between two events on the contender's stream. A contender whose stream nobody can get
at (JAX), and everything on the emulated device, is timed by the host's clock, from an idle device
until it is idle again: in some milliseconds of calls the difference is nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .gpu_driver import driver

BATCH_US = 5000.0
MOST_CALLS = 200  # of a batch
LEAST_BATCHES = 5


def nothing() -> None:
    """Who has no need to wait, or nothing to wait for."""


@dataclass
class Contender:
    """enqueue: one call, from arrays on the device to results there. wait: until all that was
    enqueued has ended. results: those of the last call, for numpy_of. stream: the CUDA stream that
    calls go to, as a number (0: the default one); None: unknown."""

    enqueue: Callable[[], Any]
    wait: Callable[[], Any] = nothing
    results: Callable[[], list[Any]] = list
    stream: int | None = None


def batch_us(contender: Contender, calls: int) -> float:
    contender.wait()
    if contender.stream is None:
        begin = time.perf_counter()
        for _ in range(calls):
            contender.enqueue()
        contender.wait()
        return (time.perf_counter() - begin) * 1e6
    events = driver().event(), driver().event()
    driver().record(events[0], contender.stream)
    for _ in range(calls):
        contender.enqueue()
    driver().record(events[1], contender.stream)
    elapsed = driver().elapsed_us(*events)
    for event in events:
        driver().call("cuEventDestroy_v2", event)
    return elapsed


def median_us(contender: Contender, seconds: float) -> float:
    """Of one call. Three calls before do not count."""
    for _ in range(3):
        contender.enqueue()
    one = max(batch_us(contender, 1), 1e-3)
    calls = max(1, min(MOST_CALLS, round(BATCH_US / one)))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_BATCHES or time.perf_counter() < end:
        times.append(batch_us(contender, calls) / calls)
    return statistics.median(times)


def empty_replay_us(launches: int, seconds: float) -> float:
    """The replay of a graph of so many kernels that do nothing."""
    stream = driver().stream()
    graph = driver().empty_graph(launches, stream)
    return median_us(
        Contender(
            enqueue=lambda: driver().replay(graph, stream),
            wait=lambda: driver().synchronize(stream),
            stream=stream,
        ),
        seconds,
    )


def copy_bandwidth(seconds: float, num_bytes: int = 1 << 30) -> float:
    """Bytes a second that a copy reads and writes."""
    stream = driver().stream()
    x, y = driver().allocate(num_bytes), driver().allocate(num_bytes)
    contender = Contender(
        enqueue=lambda: driver().copy(y, x, num_bytes, stream),
        wait=lambda: driver().synchronize(stream),
        stream=stream,
    )
    elapsed = median_us(contender, seconds)
    driver().release(x)
    driver().release(y)
    return 2 * num_bytes / (elapsed * 1e-6)
