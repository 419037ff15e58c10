"""record: runs a function on stand-ins of its arguments while noting its ops. Gives a Graph.

Every op applied on the thread meanwhile becomes a node. What the function reads from elsewhere
(weights in its closure) is captured once, by value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np

from . import _core
from .dtypes import DType, DTypeLike, as_dtype, from_text, text_name
from .errors import ArgumentError, IngotError, RecordError
from .inputs import arrange_outputs, input_array, map_leaves, match_inputs
from .ops.axes import as_tensor
from .origin import add_line
from .recorder import Recorder
from .reference import evaluate
from .state import State
from .tensor import Holder, Size, SizeLike, Tensor

# Writers of other formats, which know this module and enter themselves: f(graph, path, **options).
WRITERS: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class Dim:
    """A named size with its range, both ends included; hi=None: no upper bound.

    >>> import ingot
    >>> ingot.Spec((ingot.Dim("batch", 1, 64), 784)).dtype
    dtype('float32')
    """

    name: str
    lo: int = 0
    hi: int | None = None

    @property
    def size(self) -> Size:
        """The dim as a size, for arithmetic: 2 * dim.size."""
        return Size.dim(self.name)


class Spec:
    """What an argument looks like: a shape of ints, Dims and sizes, a dtype, and (of a program's
    inputs and outputs) a name.

    >>> import ingot
    >>> ingot.Spec((2, 3), "int64")
    Spec([2, 3], 'int64')
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(
        self,
        shape: Sequence[int | Dim | Size] | int | Dim,
        dtype: DTypeLike = "float32",
        name: str = "",
    ) -> None:
        self.name = name
        self.shape: tuple[int | Dim | Size, ...] = (
            tuple(shape) if isinstance(shape, Sequence) else (shape,)
        )
        self.dtype: DType = as_dtype(dtype)
        for n in self.shape:
            if isinstance(n, bool) or not isinstance(n, (int, np.integer, Dim, Size)):
                raise ArgumentError(
                    f"Spec: wrong size: got {n!r}, expected an int, a Dim or a size"
                )

    def __repr__(self) -> str:
        sizes = ", ".join(n.name if isinstance(n, Dim) else str(n) for n in self.shape)
        name = f", name={self.name!r}" if self.name else ""
        return f"Spec([{sizes}], {self.dtype.name!r}{name})"

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Spec)
        return same and (self.shape, self.dtype) == (other.shape, other.dtype)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))


class Graph:
    """One recorded entry point, with the module that holds it. Immutable; may be shared.

    >>> import ingot
    >>> g = ingot.record(lambda x: x * 2, ingot.Spec((3,)))
    >>> g.evaluate([1.0, 2.0, 3.0])
    array([2., 4., 6.], dtype=float32)
    """

    def __init__(self, module: _core.Module, name: str = "") -> None:
        """The graph `name` of a module; "" is its only graph."""
        self.states: list[
            State
        ] = []  # the State objects that were recorded, if it was just recorded
        names = module.graphs
        if name not in names and not (name == "" and len(names) == 1):
            raise ArgumentError(f"graph: no graph {name!r}: expected one of {', '.join(names)}")
        self.module = module
        self.index = names.index(name) if name in names else 0

    @property
    def name(self) -> str:
        """The graph's name in the module."""
        return self.module.graphs[self.index]

    @property
    def inputs(self) -> list[Spec]:
        """What every input looks like, in order, with its name."""
        return specs_of(self.module.inputs(self.index))

    @property
    def outputs(self) -> list[Spec]:
        """What every output looks like, in order; the name is "" where the function gave none."""
        return specs_of(self.module.outputs(self.index))

    def __str__(self) -> str:
        return self.module.text()

    def __repr__(self) -> str:
        nodes = len(self.module.nodes(self.index))
        return f"<ingot.Graph {self.name!r}: {len(self.inputs)} inputs, {nodes} nodes>"

    def save(self, path: str | PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
        """Writes the module to a file, atomically; metadata (author, licence, ...) lies beside it.
        Raises ArgumentError for what is no path, DeviceError with the system's reason."""
        save_module(self.module, file_name("save", path), metadata)

    def to_onnx(
        self, path: str | PathLike[str] | None = None, *, external_data: bool | None = None
    ) -> Any:
        """The graph as an `onnx.ModelProto`, written to `path` if one is given: docs/onnx.md says
        how. external_data: whether weights lie beside it, by default where they must. Raises
        UnsupportedError naming the node that ONNX cannot express, DeviceError without the package
        `onnx` or with the system's reason."""
        return WRITERS["onnx"](self, path, external_data=external_data)

    def evaluate(self, *args: Any, **named: Any) -> Any:
        """The reference, node by node, in NumPy. Returns as a program does; states keep their
        initial values. Raises as a program does."""
        inputs = self.module.inputs(self.index)
        values = match_inputs(self.name, [name for name, _ in inputs], args, named)
        arrays = [
            input_array(name, from_text(value.dtype), given)
            for (name, value), given in zip(inputs, values, strict=True)
        ]
        outputs = evaluate(self.module, self.index, arrays).outputs
        return arrange_outputs([name for name, _ in self.module.outputs(self.index)], outputs)


def specs_of(values: Sequence[tuple[str, _core.Value]]) -> list[Spec]:
    """What inputs or outputs look like."""
    return [Spec(value.shape, from_text(value.dtype), name) for name, value in values]


def record(function: Callable[..., Any], *args: Any, name: str | None = None) -> Graph:
    """Records a function as a graph.

    args: for each argument a Spec, an array or a Tensor (whose shape and dtype count), or nested
    tuples, lists and dicts of these. Inputs are named after the parameters (w.0, w.key where
    nested). The function returns a tensor, a tuple or list of tensors, or a dict, whose keys name
    the outputs. Tensors that it reads from elsewhere become params, small ones constants. name:
    the graph's, by default the function's. Raises RecordError where the function needs numbers
    (if, print, float()), ArgumentError for wrong arguments, and what the ops raise, naming the
    line.

    >>> import ingot
    >>> def double(x):
    ...     return x + x
    >>> ingot.record(double, ingot.Spec((2,))).name
    'double'
    """
    if name is None:
        name = getattr(function, "__name__", "main")
        name = name if name.isidentifier() else "main"
    recorder = Recorder(name, function)
    ranges: dict[str, Dim] = {}

    def stand_in(leaf: str, given: Any) -> Tensor:
        return _add_input(recorder, ranges, leaf, given)

    with recorder.recording():
        arguments = [
            map_leaves(given, parameter, stand_in)
            for parameter, given in zip(_parameters(function, args), args, strict=True)
        ]
        try:
            returned = function(*arguments)
        except IngotError as error:
            add_line(error)
            raise
        _set_outputs(recorder, returned)
    graph = Graph(recorder.module, name)
    graph.states = recorder.states()
    return graph


def _parameters(function: Callable[..., Any], args: Sequence[Any]) -> list[str]:
    """The parameter that each positional argument goes to."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin says nothing
        return [f"arg{i}" for i in range(len(args))]
    try:
        signature.bind(*args)
    except TypeError as error:
        raise ArgumentError(f"record: wrong arguments: {error}") from None
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}.{i}" for i in range(len(args) - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return names[: len(args)]


def _add_input(recorder: Recorder, ranges: dict[str, Dim], name: str, given: Any) -> Tensor:
    if isinstance(given, Spec):
        shape = [_declared(recorder, ranges, n) for n in given.shape]
        return recorder.add_input(name, text_name(given.dtype), shape)
    if not isinstance(given, (Tensor, np.ndarray, np.generic)) and not hasattr(given, "__array__"):
        raise ArgumentError(
            f"record: wrong argument {name!r}: got {type(given).__name__}, expected a Spec, "
            "an array or a tensor; bind other values with functools.partial"
        )
    tensor = as_tensor("record", given)
    if tensor.is_recorded:
        raise RecordError(f"record: argument {name!r} is of another recording: expected numbers")
    return recorder.add_input(name, text_name(tensor.dtype), tensor.shape)


def _declared(recorder: Recorder, ranges: dict[str, Dim], n: int | Dim | Size) -> SizeLike:
    if isinstance(n, Size):
        return n
    if not isinstance(n, Dim):
        return int(n)
    known = ranges.setdefault(n.name, n)
    if known != n:
        raise ArgumentError(
            f"record: two ranges for dim {n.name!r}: got {known.lo}..{known.hi} and {n.lo}..{n.hi}"
        )
    recorder.declare_dim(n.name, n.lo, n.hi)
    return n.size


def _set_outputs(recorder: Recorder, returned: Any) -> None:
    if isinstance(returned, dict):
        names, tensors = [str(k) for k in returned], list(returned.values())
    elif isinstance(returned, (tuple, list)):
        names, tensors = [""] * len(returned), list(returned)
    else:
        names, tensors = [""], [returned]
    for tensor in tensors:
        if not isinstance(tensor, (Tensor, Holder, np.ndarray, np.generic, bool, int, float)):
            raise RecordError(
                f"record: wrong output of {recorder.name!r}: got {type(tensor).__name__}, "
                "expected a tensor, a tuple or list of tensors, or a dict of them"
            )
    values = [recorder.value(as_tensor("record", t)) for t in tensors]
    recorder.builder.set_outputs(values, names)
    recorder.add_updates()


def save(
    path: str | PathLike[str], metadata: Mapping[str, str] | None = None, **graphs: Graph
) -> None:
    """Writes several graphs into one file, under these names, with shared params and states.

    Params of equal name and content are stored once. Raises ArgumentError for what is no path
    and where dims or states of one name differ, DeviceError with the system's reason.
    """
    name = file_name("save", path)
    save_module(merge(graphs), name, metadata)


def file_name(what: str, path: Any) -> str:
    """The path of a file as text. Raises ArgumentError for what is none."""
    name = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(name, str):
        got = type(path).__name__
        raise ArgumentError(f"{what}: path: got {got}, expected a str or an os.PathLike[str]")
    if "\0" in name:
        raise ArgumentError(f"{what}: path: got {name!r}, expected a name without a null character")
    return name


def save_module(module: _core.Module, path: str, metadata: Mapping[str, str] | None) -> None:
    """Writes a module; metadata replaces the module's own in the file alone."""
    own = module.metadata
    if metadata is not None:
        module.metadata = metadata
    try:
        module.save(path)
    finally:
        module.metadata = own


def merge(graphs: Mapping[str, Graph]) -> _core.Module:
    """One module of several graphs, under these names."""
    for name, graph in graphs.items():
        if not isinstance(graph, Graph):
            raise ArgumentError(
                f"save: {name!r} is no graph: got {type(graph).__name__}, expected a Graph"
            )
    if not graphs:
        raise ArgumentError("save: no graphs: expected at least one, as prefill=graph")
    return _core.Module.merge([(g.module, g.index, name) for name, g in graphs.items()])
