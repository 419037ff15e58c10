"""Programs: a module ready to run, and the sessions that run it.

A program is immutable and shared between threads. A session owns one copy of every state and runs
one call at a time. `program(...)` uses the program's default session. All work is done by the
core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from os import PathLike
from typing import Any

from . import _core
from .dtypes import Array, DType, from_text
from .errors import ArgumentError
from .explain import Profile, StepTime, explain_text
from .in_place import require_in_place
from .inputs import arrange_outputs, input_array, lies_on_device, match_inputs
from .record import Graph, Spec, file_name, specs_of

Inputs = Mapping[str, Any] | Sequence[Any]


class Entry(_core.Caller):
    """One graph of a program, run in one session. Thread rule: as its session.

    Calling it runs it on arrays (or lists and scalars of the inputs' kinds), nested as they were
    recorded, and returns the only unnamed output alone, all named ones as a dict, else a tuple; the
    arrays belong to the caller. A program on a device takes arrays of that device too (of any
    library that speaks DLPack) and reads them in place; then the outputs are `DeviceArray`s.
    Raises ShapeError, DTypeError, ArgumentError for wrong inputs, RangeError, AbortError for what
    happens inside.
    """

    def __init__(self, program: Program, session: _core.Session, graph: int) -> None:
        super().__init__(session, graph)
        module = program.module
        self._program = program
        self._session = session
        self._graph = graph
        self._inputs: list[tuple[str, DType]] = [
            (name, from_text(value.dtype)) for name, value in module.inputs(graph)
        ]
        self._input_names = [name for name, _ in self._inputs]
        self._output_names = [name for name, _ in module.outputs(graph)]
        self._on_device = program.device != "cpu"
        self._profiled: tuple[list[tuple[int, int]], int] = ([], 0)

    @property
    def name(self) -> str:
        """The graph's name."""
        return self._program.module.graphs[self._graph]

    @property
    def inputs(self) -> list[Spec]:
        """What every input looks like, in order, with its name."""
        return specs_of(self._program.module.inputs(self._graph))

    @property
    def outputs(self) -> list[Spec]:
        """What every output looks like, in order; the name is "" where there is none."""
        return specs_of(self._program.module.outputs(self._graph))

    def _call(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """What a call does that is more than row-major arrays in order."""
        arrays = self._arrays(args, named)
        return arrange_outputs(self._output_names, self._session.run(self._graph, arrays))

    def run(self, inputs: Inputs, fetch: Sequence[str] | None = None, max_steps: int = 0) -> Any:
        """Runs on named inputs. Returns a dict: by output name (unnamed ones by position), or with
        `fetch` by the names given there: of outputs, inputs, params, or values as printed ("%3").

        Fetching changes no bits. max_steps: limit on steps, loops included (LimitError).
        """
        arrays = self._arrays(*_split(inputs))
        if fetch is None:
            results = self._session.run(self._graph, arrays, max_steps)
            names = [name if name else i for i, name in enumerate(self._output_names)]
            return dict(zip(names, results, strict=True))
        return self._fetch(arrays, list(fetch), max_steps)

    def _run_into(
        self, inputs: Inputs, outputs: Inputs, max_steps: int = 0, stream: int | None = None
    ) -> None:
        """What `run_into` does that is more than lists of such arrays."""
        if isinstance(inputs, Mapping):
            inputs = self._arrays((), inputs)
        if isinstance(outputs, Mapping):
            outputs = match_inputs(f"{self.name}: outputs", self._output_names, (), outputs)
        self._session.run_into(self._graph, inputs, outputs, max_steps, stream)

    def reserve(self, **dims: int) -> None:
        """Prepares everything for runs at these dims (upper bounds where not given)."""
        self._session.reserve(self._graph, dims)

    def plan(self, **dims: int) -> _core.Plan:
        """The plan in use, or the tight one for these dims."""
        return self._program.core.plan(self._graph, dims)

    def profile(self, *args: Any, runs: int = 10, **named: Any) -> Profile:
        """The time of every step over `runs` runs."""
        times = self._session.profile(self._graph, self._arrays(args, named), runs)
        self._profiled = (times, runs)
        best = self._program.core.least_times(self._graph)
        return Profile(
            runs,
            [
                StepTime(
                    i,
                    step["kernel"] or step["kind"],
                    tuple(step["origin"]),
                    calls,
                    total_ns,
                    step["threads"],
                    step["flops"],
                    step["bytes"],
                    at_best_ns,
                )
                for i, (step, (calls, total_ns), at_best_ns) in enumerate(
                    zip(self.plan().steps, times, best, strict=True)
                )
            ],
        )

    def explain(self, last: bool = False) -> str:
        """What runs together and what keeps its neighbours apart, the steps with their work, and
        memory; after `profile`, the time of each step beside what this machine could do at best.
        last=True: which inputs the last run had to copy."""
        copied = self._session.last_copied_inputs() if last else None
        return explain_text(self._program.core, self._graph, self._profiled, copied)

    def _arrays(self, args: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        values = match_inputs(self.name, self._input_names, args, named)
        return [
            value if self._on_device and lies_on_device(value) else input_array(name, dtype, value)
            for (name, dtype), value in zip(self._inputs, values, strict=True)
        ]

    def _fetch(self, arrays: list[Array], names: list[str], max_steps: int) -> dict[str, Array]:
        outputs = {name: i for i, name in enumerate(self._output_names) if name}
        inner = [name for name in names if name not in outputs]
        program = self._program.with_fetched(self._graph, tuple(inner))
        session, states = program.new_session(), self._program.module.states
        for state, _, _ in states:
            session.write_state(state, self._session.read_state(state))
        results = session.run(self._graph, arrays, max_steps)
        for state, _, _ in states:
            self._session.write_state(state, session.read_state(state))
        found = dict(zip(inner, results[len(self._output_names) :], strict=True))
        return {n: found[n] if n in found else results[outputs[n]] for n in names}


def _split(inputs: Inputs) -> tuple[Sequence[Any], Mapping[str, Any]]:
    return ((), inputs) if isinstance(inputs, Mapping) else (inputs, {})


class _Entries(_core.Caller):
    """What programs and sessions share: the calls, for the only graph or for one by its name.
    Calling one of them, and its `run_into`, are those of the only graph's Entry."""

    entry: Callable[
        ..., Entry
    ]  # the graph of a name ("": the only one); every subclass has its own

    def _target(self, program: _core.Program, session: _core.Session) -> None:
        """Calls go straight to the session where there is no choice of a graph."""
        if len(program.module.graphs) == 1:
            super().__init__(session, 0)

    def _call(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return self.entry()._call(args, named)

    def _run_into(
        self, inputs: Inputs, outputs: Inputs, max_steps: int = 0, stream: int | None = None
    ) -> None:
        self.entry()._run_into(inputs, outputs, max_steps, stream)

    def __getattr__(self, name: str) -> Entry:
        """p.decode: the graph "decode"."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.entry(name)
        except ArgumentError as error:
            raise AttributeError(str(error)) from None

    def run(self, inputs: Inputs, fetch: Sequence[str] | None = None, max_steps: int = 0) -> Any:
        """As `Entry.run`, of the only graph."""
        return self.entry().run(inputs, fetch, max_steps)

    def reserve(self, **dims: int) -> None:
        """As `Entry.reserve`, of the only graph."""
        self.entry().reserve(**dims)

    def plan(self, **dims: int) -> _core.Plan:
        """As `Entry.plan`, of the only graph."""
        return self.entry().plan(**dims)

    def profile(self, *args: Any, runs: int = 10, **named: Any) -> Profile:
        """As `Entry.profile`, of the only graph."""
        return self.entry().profile(*args, runs=runs, **named)

    def explain(self, last: bool = False) -> str:
        """As `Entry.explain`, of the only graph."""
        return self.entry().explain(last)

    @property
    def inputs(self) -> list[Spec]:
        """What every input of the only graph looks like."""
        return self.entry().inputs

    @property
    def outputs(self) -> list[Spec]:
        """What every output of the only graph looks like."""
        return self.entry().outputs


class Program(_Entries):
    """A module ready to run. Immutable; may be shared between threads.

    >>> import ingot
    >>> p = ingot.compile(ingot.record(lambda x: x + 1, ingot.Spec((2,))))
    >>> p([1.0, 2.0])
    array([2., 3.], dtype=float32)
    """

    def __init__(self, module: _core.Module | Graph | _core.Program, **options: Any) -> None:
        """Prepares a module; options: device, fast, num_threads, level, dims,
        max_memory, disabled_passes."""
        if isinstance(module, Graph):
            module = module.module
        self._options = options
        self.core = (
            module if isinstance(module, _core.Program) else _core.Program(module, **options)
        )
        self.module = self.core.module
        self._fetchers: dict[tuple[int, tuple[str, ...]], _core.Program] = {}
        self._default = Session(self)
        self._target(self.core, self._default.core)

    @property
    def graphs(self) -> list[str]:
        """The names of the graphs."""
        return self.module.graphs

    @property
    def optimized(self) -> _core.Module:
        """The module after the passes."""
        return self.core.optimized

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda:0"."""
        return self.core.device

    @property
    def fast(self) -> tuple[str, ...]:
        """What it may do besides computing the exact bits: names of `ingot.FAST`."""
        return self.core.fast

    @property
    def num_threads(self) -> int:
        """Threads that a run uses."""
        return self.core.num_threads

    @property
    def level(self) -> str:
        """The instruction-set level of the kernels."""
        return self.core.level

    @property
    def default_session(self) -> Session:
        """The session that program(...) uses."""
        return self._default

    def entry(self, name: str = "") -> Entry:
        """The graph of this name ("": the only one), in the default session."""
        return self._default.entry(name)

    def session(self) -> Session:
        """A new session, with states at their initial values."""
        return Session(self)

    def with_params(self, params: Mapping[str, Any]) -> Program:
        """A program over the same graphs with other values of these params (same types)."""
        types = {name: from_text(dtype) for name, dtype, _ in self.module.params}
        unknown = [name for name in params if name not in types]
        if unknown:
            raise ArgumentError(
                f"with_params: no param {unknown[0]!r}: expected one of {', '.join(types)}"
            )
        arrays = {name: input_array(name, types[name], value) for name, value in params.items()}
        changed = Program(self.core.with_params(arrays))
        changed._options = self._options
        return changed

    def with_fetched(self, graph: int, names: tuple[str, ...]) -> _core.Program:
        """For the package's own use: a program that also returns these values."""
        if (graph, names) not in self._fetchers:
            ids = {value.name: value.id for value in reversed(self.module.values(graph))}
            unknown = [name for name in names if name not in ids]
            if unknown:
                raise ArgumentError(
                    f"run: cannot fetch {unknown[0]!r}: expected the name of an output "
                    "or of a value as printed"
                )
            more = self.module.with_extra_outputs(graph, [ids[name] for name in names])
            self._fetchers[graph, names] = _core.Program(more, **self._options)
        return self._fetchers[graph, names]

    def __repr__(self) -> str:
        where = f"{self.level}, {self.num_threads} threads" if self.device == "cpu" else self.device
        return f"<ingot.Program {', '.join(self.graphs)}: {where}>"


class Session(_Entries):
    """One copy of every state of a program. Thread rule: one call at a time; a second one waits."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.core = program.core.new_session()
        self._entries: dict[int, Entry] = {}
        self._target(program.core, self.core)

    def entry(self, name: str = "") -> Entry:
        """The graph of this name ("": the only one)."""
        graph = self.program.core.graph_index(name)
        if graph not in self._entries:
            self._entries[graph] = Entry(self.program, self.core, graph)
        return self._entries[graph]

    @property
    def state(self) -> States:
        """The states by name: reading gives a copy, assigning writes."""
        return States(self.program, self.core)

    def reset(self) -> None:
        """Every state back to its initial value."""
        self.core.reset()

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the module with the states as they are now as initial values."""
        self.core.module_with_states().save(file_name("save", path))


class States(MutableMapping[str, Array]):
    """The states of one session, by name."""

    def __init__(self, program: Program, session: _core.Session) -> None:
        self._types = {name: from_text(dtype) for name, dtype, _ in program.module.states}
        self._session = session

    def __getitem__(self, name: str) -> Array:
        self._require(name)
        return self._session.read_state(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._require(name)
        self._session.write_state(name, input_array(name, self._types[name], value))

    def __delitem__(self, name: str) -> None:
        raise ArgumentError(f"state: {name!r} cannot be deleted: expected reset()")

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def _require(self, name: str) -> None:
        if name not in self._types:
            names = ", ".join(self._types) if self._types else "none"
            raise ArgumentError(f"state: no state {name!r}: expected one of: {names}")


def _fast_names(fast: bool | str | Sequence[str]) -> Sequence[str]:
    if isinstance(fast, bool):
        return _core.FAST if fast else ()
    return (fast,) if isinstance(fast, str) else fast


def compile(
    source: Graph | _core.Module,
    *,
    device: str = "cpu",
    fast: bool | str | Sequence[str] = (),
    num_threads: int = 0,
    level: str = "",
    dims: Mapping[str, int] | None = None,
    max_memory: int = 0,
    passes: Sequence[str] | None = None,
    in_place: Sequence[str] = (),
) -> Program:
    """Makes a program of a graph or a module.

    device: "cpu"; "cuda" or "cuda:1" (DeviceError where there is none); every bit of the results is
    the same. fast: names of `ingot.FAST` (True: all of them) that let a device compute other bits:
    "free_order" adds up products in any order, those of float16 and bfloat16 in float32; "tf32"
    rounds float32 operands of products to 10 bits as well. A program on the processor makes nothing
    of them; ArgumentError for an unknown name. num_threads: 0 for every processor of this process.
    level: an instruction-set level ("": the best). dims: fixes dims. max_memory: bytes of arena and
    states (0: 3/4 of the machine's, all of the device's).
    passes: run only these (None: all; an ArgumentError for an unknown name lists them).
    in_place: states whose updates must be written where the old
    value lies; ArgumentError names who reads that too late. Raises DTypeError naming a node that no
    kernel can run, LimitError, ArgumentError.

    >>> import ingot
    >>> p = ingot.compile(ingot.record(lambda x: x * x, ingot.Spec((2,))), num_threads=1)
    >>> p([2.0, 3.0])
    array([4., 9.], dtype=float32)
    """
    if not isinstance(device, str):
        raise ArgumentError(f"compile: device: got {type(device).__name__}, expected a str")
    known = _core.pipeline()
    unknown = [name for name in passes if name not in known] if passes is not None else []
    if unknown:
        raise ArgumentError(f"compile: no pass {unknown[0]!r}: expected some of {', '.join(known)}")
    disabled = [] if passes is None else [name for name in known if name not in passes]
    if not isinstance(source, (Graph, _core.Module)):
        raise ArgumentError(
            f"compile: not a graph: got {type(source).__name__}, expected a Graph or a Module"
        )
    program = Program(
        source,
        device=device,
        fast=_fast_names(fast),
        num_threads=num_threads,
        level=level,
        dims=dict(dims) if dims is not None else {},
        max_memory=max_memory,
        disabled_passes=disabled,
    )
    require_in_place(program.core, in_place)
    return program


def load(source: str | PathLike[str] | bytes, *, copy: bool = False, **options: Any) -> Program:
    """Makes a program of a file, by its path or its bytes; options as of `compile`.

    The file is mapped; copy=True reads it, for files that another process may truncate.
    Raises ArgumentError for what is neither, FileError for whatever breaks a rule of the format,
    DeviceError with the system's reason.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return compile(_core.Module.from_bytes(bytes(source)), **options)
    return compile(_core.Module.load(file_name("load", source), copy), **options)
