"""Ingot behind the interface of an outside suite: op(name) gives a callable that takes torch's
arguments as NumPy arrays, vjp(...) the gradients of one call.

`Ingot` calls eagerly. `IngotStatic` records every call, saves it, loads the file and runs it.
Names and arguments are translated by torch_names; no numbers are computed here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch_names

import ingot

try:
    from adapter import Unsupported
except ImportError:  # outside of that suite

    class Unsupported(Exception):  # type: ignore[no-redef]  # noqa: N818 (that suite's name)
        """The runtime says beforehand that it does not do this."""


Arrays = list[np.ndarray]
Function = Callable[..., Any]
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # files there need no disk


def map_arrays(value: Any, function: Callable[[Any], Any]) -> Any:
    """Nested arguments with every array or tensor replaced."""
    if isinstance(value, (np.ndarray, np.generic, ingot.Tensor)):
        return function(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map_arrays(v, function) for v in value)
    if isinstance(value, dict):
        return {k: map_arrays(v, function) for k, v in value.items()}
    return value


def arrays_of(value: Any) -> list[Any]:
    """The arrays or tensors of nested arguments, in order."""
    found: list[Any] = []
    map_arrays(value, found.append)
    return found


def with_arrays(value: Any, arrays: Iterator[Any]) -> Any:
    """Nested arguments with these arrays or tensors in place of theirs."""
    return map_arrays(value, lambda _: next(arrays))


def results_of(value: Any) -> list[Any]:
    """A result, or its parts, in one list."""
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in results_of(item)]
    return [] if value is None else [value]


def function_of(name: str) -> Function:
    """Ingot's function of a torch name. Raises Unsupported where it has none."""
    function = torch_names.find(name)
    if function is None:
        raise Unsupported(name)
    return function


def declared(function: Function, *args: Any) -> Any:
    """A call, whose UnsupportedError becomes that of the suite."""
    try:
        return function(*args)
    except ingot.UnsupportedError as error:
        raise Unsupported(str(error)) from None


class Ingot:
    """Eager calls."""

    name = "ingot"
    version = ingot.__version__

    def load_onnx(self, model: bytes) -> Callable[[Arrays], Arrays]:
        """A function from the inputs of an ONNX model to its outputs."""
        loaded = declared(ingot.onnx.Model, model)
        return lambda inputs: declared(loaded, *inputs)

    def op(self, name: str) -> Function:
        """The function of a torch name, from arrays to arrays."""
        function = function_of(name)
        return lambda *args, **kwargs: self.call(function, *self.prepared(name, args, kwargs))

    def prepared(self, name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """The arguments as this way of calling needs them."""
        return args, kwargs

    def vjp(
        self, name: str, args: Any, kwargs: Any, cotangents: Arrays, wrt: Sequence[bool]
    ) -> list[np.ndarray | None]:
        """The gradient of each array in args; None where `wrt` does not ask for it."""
        function = function_of(name)
        args, kwargs = self.prepared(name, args, kwargs)
        constant = False  # whether no result depends on what is asked for

        def gradients(args: Any, kwargs: Any, cotangents: Any) -> Any:
            inputs = arrays_of(args)

            def of_wanted(*values: Any) -> Any:
                wanted = iter(values)
                mixed = [next(wanted) if w else x for x, w in zip(inputs, wrt, strict=True)]
                y = results_of(function(*with_arrays(args, iter(mixed)), **kwargs))
                return [part for part in y if part.dtype.kind == "f"]

            wanted = [x for x, w in zip(inputs, wrt, strict=True) if w]
            y, pull = ingot.vjp(of_wanted, *wanted)
            nonlocal constant
            constant = not any(part.requires_grad for part in y)
            return wanted if constant else pull(cotangents)

        found = iter(self.call(gradients, (args, kwargs, cotangents), {}))
        return [None if constant or not w else next(found) for w in wrt]

    def call(self, function: Function, args: Any, kwargs: Any) -> Arrays:
        """The results of one call."""
        args, kwargs = map_arrays((args, kwargs), ingot.tensor)
        return [np.asarray(y) for y in results_of(function(*args, **kwargs))]


class IngotStatic(Ingot):
    """Every call through record, save, load and run."""

    name = "ingot-static"

    def prepared(self, name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """With the sizes of results said in numbers."""
        return torch_names.with_known_sizes(name, args, kwargs)

    def call(self, function: Function, args: Any, kwargs: Any) -> Arrays:
        """The results of one program. Every array is an input, all else is recorded."""
        inputs = arrays_of((args, kwargs))

        def recorded(*tensors: Any) -> Any:
            a, k = with_arrays((args, kwargs), iter(tensors))
            return results_of(function(*a, **k))

        try:
            graph = ingot.record(recorded, *inputs)
        except ingot.RecordError as error:
            if "is data" in str(error):  # the size of the result
                raise Unsupported(str(error)) from None
            raise
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            path = Path(folder) / "case.ingot"
            graph.save(path)
            results = ingot.load(path, num_threads=1)(*inputs)
        return list(results) if isinstance(results, tuple) else [results]

    def load_onnx(self, model: bytes) -> Callable[[Arrays], Arrays]:
        """A program. Inputs whose numbers decide a shape are fixed at the first call, as the error
        names them, unless nothing but numbers would remain."""
        loaded = declared(ingot.onnx.Model, model)
        try:
            program = compiled(loaded, {})
        except ingot.UnsupportedError as error:
            if not error.inputs:
                raise Unsupported(str(error)) from None
            program = None

        def run(inputs: Arrays) -> Arrays:
            named = dict(zip(loaded.inputs, inputs, strict=True))
            return program(named) if program is not None else specialized(loaded, named)

        return run


def specialized(model: Any, inputs: dict[str, Any]) -> Arrays:
    """The outputs of a program in which inputs are fixed, one after the other, until it has a
    graph."""
    fixed: set[str] = set()
    while True:
        values = {name: inputs[name] for name in fixed}
        rest = {name: x for name, x in inputs.items() if name not in fixed}
        try:
            return compiled(model, values)(rest)
        except ingot.UnsupportedError as error:
            more = fixed | set(error.inputs)
            floats = [x.dtype.kind == "f" and x.ndim > 0 for x in inputs.values()]
            if more == fixed or (len(more) == len(inputs) and any(floats)):
                raise Unsupported(str(error)) from None
            fixed = more


def compiled(model: Any, values: Any) -> Callable[[dict[str, Any]], Arrays]:
    """The model recorded, saved, loaded; from inputs by name to outputs."""
    graph = model.record(values=values)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder) / "model.ingot"
        graph.save(path)
        try:
            program = ingot.load(path, num_threads=1)
        except ingot.DTypeError as error:  # of a dtype that only the reference computes
            raise Unsupported(str(error)) from None
    return lambda inputs: list(program.run(inputs).values())
