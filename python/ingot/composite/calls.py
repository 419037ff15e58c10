"""The decorators of functions of other ops, whose nodes carry the call they came from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ingot.recorder import active_recorder
from ingot.tensor import operations

P = ParamSpec("P")
R = TypeVar("R")

COMPOSITES: dict[str, Callable[..., object]] = {}


def tagged(function: Callable[P, R]) -> Callable[P, R]:
    """Tags the nodes that a call records as "name.N" (free of meaning); eagerly it only calls."""
    name = function.__name__

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        recorder = active_recorder()
        if recorder is None:
            return function(*args, **kwargs)
        with recorder.composite(name):
            return function(*args, **kwargs)

    return call


def composite(function: Callable[P, R]) -> Callable[P, R]:
    """Tags its nodes and makes it one of the operations, which others find by name."""
    call = tagged(function)
    operations[function.__name__] = call
    COMPOSITES[function.__name__] = call
    return call
