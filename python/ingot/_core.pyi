"""The compiled core: module, builder, verifier, file, program. Users reach it through `ingot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, final

import numpy as np
import numpy.typing as npt

__version__: str
numerics_version: int
FAST: tuple[str, ...]

SizeLike: TypeAlias = "int | Size"
AnyArray: TypeAlias = Any  # a NumPy array, or what lies on the program's device and speaks DLPack

def register_errors(classes: Mapping[str, type[BaseException]]) -> None:
    """Maps each name of `error_names()` to the class raised for it."""

def error_names() -> list[tuple[str, str]]:
    """(name, sentence) of every error code."""

def dtype_names() -> list[tuple[str, str, int, str]]:
    """(text name, python name, bytes, kind); kind: bool, int, uint, float or complex."""

def to_dlpack(array: npt.NDArray[Any], versioned: bool, copied: bool) -> object:
    """A DLPack capsule over the array's memory, which it keeps alive."""

def from_dlpack(capsule: object) -> npt.NDArray[Any]:
    """A read-only array over the memory of a DLPack capsule, which is taken. BufferError for one
    that lies."""

@final
class DeviceArray:
    """An array in a device's memory, as runs return it where inputs lie there. Other libraries read
    it in place by DLPack (torch.from_dlpack(x)); numpy() copies it to the host."""
    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes."""
    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type, a NumPy dtype."""
    @property
    def ndim(self) -> int:
        """The number of axes."""
    @property
    def size(self) -> int:
        """The number of elements."""
    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
    @property
    def device(self) -> str:
        """ "cuda:0"."""
    def numpy(self) -> npt.NDArray[Any]:
        """A copy in the host's memory."""
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object: ...
    def __repr__(self) -> str: ...

def to_device(array: npt.NDArray[Any], device: str) -> DeviceArray:
    """A copy in a device's memory."""

@final
class Size:
    """A symbolic size. Arithmetic gives an int where the result is constant."""
    @staticmethod
    def dim(name: str) -> Size: ...
    @property
    def dims(self) -> list[str]: ...
    def evaluate(self, dims: Mapping[str, int]) -> int: ...
    def __add__(self, other: SizeLike) -> SizeLike: ...
    def __radd__(self, other: SizeLike) -> SizeLike: ...
    def __sub__(self, other: SizeLike) -> SizeLike: ...
    def __rsub__(self, other: SizeLike) -> SizeLike: ...
    def __mul__(self, other: SizeLike) -> SizeLike: ...
    def __rmul__(self, other: SizeLike) -> SizeLike: ...
    def __floordiv__(self, other: int) -> SizeLike: ...
    def __eq__(self, other: object) -> bool: ...
    # RecordError: a branch on a symbolic size would be recorded as if every run took it.
    def __lt__(self, other: object) -> NoReturn: ...
    def __le__(self, other: object) -> NoReturn: ...
    def __gt__(self, other: object) -> NoReturn: ...
    def __ge__(self, other: object) -> NoReturn: ...
    def __bool__(self) -> NoReturn: ...
    def __hash__(self) -> int: ...

@final
class AttrSpec:
    name: str
    kind: str  # int, float, bool, string, ints, size, sizes, dtype
    required: bool
    default: Any

@final
class OpRow:
    name: str
    operands: list[str]
    variadic: bool
    attrs: list[AttrSpec]
    dtype_rule: (
        str  # same, compare, select, convert, produce, position, bits, indexed, condition, region
    )
    classes: list[str]  # bool, int, float, complex
    traits: list[str]
    # pointwise, commutative, view, reduction, contraction, region, may_fail, effect,
    # updates_first, checks_first, any_order
    region_names: list[str]

def op_table() -> list[OpRow]: ...
def has_kernel(level: str, op: str, dtype: str, result_dtype: str) -> bool: ...
def levels() -> list[str]:
    """Levels this machine can run, slowest first."""

def infer(
    op: str,
    operands: Sequence[tuple[str, Sequence[SizeLike]]],
    attrs: Mapping[str, Any],
) -> tuple[str, tuple[SizeLike, ...]] | None:
    """(dtype text name, shape) of the result; None for an effect. Raises as recording would."""

@final
class Value:
    """A value of a graph: a handle."""
    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...  # input, param, state, constant, result, region_arg
    @property
    def dtype(self) -> str: ...  # text name
    @property
    def shape(self) -> tuple[SizeLike, ...]: ...
    @property
    def name(self) -> str: ...  # as printed: %3, x, w0; of a constant: its literal

@final
class Region:
    args: list[int]  # value ids
    nodes: list[int]  # node ids
    returns: list[int]

@final
class Node:
    op: str
    operands: list[int]
    results: list[int]
    attrs: dict[str, Any]  # dtype attributes by text name
    regions: list[Region]
    origin: tuple[str, int, str]  # file, line, composite

@final
class Module:
    def __init__(self) -> None: ...
    @staticmethod
    def parse(text: str, tensors: Mapping[str, npt.ArrayLike] = ...) -> Module:
        """Parses, attaches a tensor to every param and stored state, verifies."""
    @staticmethod
    def load(path: str, copy: bool = False) -> Module: ...
    @staticmethod
    def from_bytes(data: bytes) -> Module: ...
    @staticmethod
    def merge(graphs: Sequence[tuple[Module, int, str]]) -> Module: ...
    def text(self) -> str: ...
    def verify(self) -> None: ...
    def save(self, path: str) -> None: ...
    def to_bytes(self) -> bytes: ...
    def optimize(self, disabled: Sequence[str] = ...) -> Module:
        """An optimized copy."""
    def pack(self) -> Module:
        """A copy with params laid as programs of this processor read them."""
    def with_extra_outputs(self, graph: int, values: Sequence[int]) -> Module: ...
    def extract_region(self, graph: int, node: int, region: int) -> tuple[Module, list[int]]: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    @metadata.setter
    def metadata(self, value: Mapping[str, str]) -> None: ...
    @property
    def dims(self) -> list[tuple[str, int, int | None]]: ...
    @property
    def guards(self) -> list[str]: ...
    @property
    def params(
        self,
    ) -> list[tuple[str, str, tuple[int, ...]]]: ...  # name, dtype, shape; second names too
    @property
    def states(self) -> list[tuple[str, str, tuple[int, ...]]]: ...
    def param(
        self, name: str
    ) -> npt.NDArray[Any]: ...  # read-only, zero copy where the layout is row-major
    def state(self, name: str) -> npt.NDArray[Any]: ...  # initial value
    @property
    def graphs(self) -> list[str]: ...
    # of one graph, by index
    def graph_text(self, graph: int) -> str: ...
    def inputs(self, graph: int) -> list[tuple[str, Value]]: ...
    def outputs(self, graph: int) -> list[tuple[str, Value]]: ...  # name "" where unnamed
    def updates(self, graph: int) -> list[tuple[str, int]]: ...  # state name, value id
    def values(self, graph: int) -> list[Value]: ...
    def nodes(self, graph: int) -> list[Node]: ...  # every node, by node id
    def body(self, graph: int) -> Region: ...
    def constant(self, graph: int, value: int) -> npt.NDArray[Any]: ...

@final
class Builder:
    """Appends nodes to a new graph of `module`."""
    def __init__(self, module: Module, name: str) -> None: ...
    def declare_dim(self, name: str, lo: int, hi: int | None) -> None: ...
    def add_input(self, name: str, dtype: str, shape: Sequence[SizeLike]) -> Value: ...
    def add_param(self, name: str, array: npt.NDArray[Any]) -> Value: ...
    def add_param_alias(self, name: str, target: str) -> Value: ...
    def add_state(self, name: str, array: npt.NDArray[Any], zeros: bool) -> Value: ...
    def add_constant(self, array: npt.NDArray[Any]) -> Value: ...
    def add_node(
        self,
        op: str,
        operands: Sequence[Value],
        attrs: Mapping[str, Any],
        origin: tuple[str, int, str],
    ) -> list[Value]: ...
    def begin_node(
        self,
        op: str,
        operands: Sequence[Value],
        attrs: Mapping[str, Any],
        origin: tuple[str, int, str],
    ) -> None: ...
    def begin_region(self, args: Sequence[tuple[str, Sequence[SizeLike]]]) -> list[Value]: ...
    def end_region(self, returns: Sequence[Value]) -> None: ...
    def end_node(self) -> list[Value]: ...
    def abandon_node(self) -> None: ...  # takes back the node begun last, after an error
    def add_update(self, state: str, value: Value) -> None: ...
    def set_outputs(self, values: Sequence[Value], names: Sequence[str]) -> None: ...

@final
class Plan:
    @property
    def arena_bytes(self) -> int: ...
    @property
    def lower_bound_bytes(self) -> int: ...
    @property
    def schedule_free_bound_bytes(self) -> int: ...
    @property
    def optimal(self) -> bool: ...
    @property
    def steps(
        self,
    ) -> list[dict[str, Any]]: ...  # kind, kernel, inputs, outputs (as text), origin, group,
    # tiles, threads, flops, bytes, code
    @property
    def buffers(
        self,
    ) -> list[tuple[int, int, int, int]]: ...  # offset, bytes, first step, last step
    def svg(self) -> str:
        """Lifetimes over offsets: every buffer as a rectangle."""
    def __str__(self) -> str: ...

@final
class Program:
    """Immutable; shared between threads."""
    def __init__(
        self,
        module: Module,
        *,
        num_threads: int = 0,
        level: str = "",
        dims: Mapping[str, int] = ...,
        max_memory: int = 0,
        disabled_passes: Sequence[str] = ...,
        always_parallel: bool = False,
        device: str = "cpu",
        fast: Sequence[str] = ...,
    ) -> None: ...
    @property
    def module(self) -> Module: ...
    @property
    def optimized(self) -> Module: ...
    @property
    def num_threads(self) -> int: ...
    @property
    def device(self) -> str: ...
    @property
    def fast(self) -> tuple[str, ...]: ...
    @property
    def level(self) -> str: ...
    def graph_index(self, name: str) -> int: ...
    def plan(self, graph: int, dims: Mapping[str, int]) -> Plan: ...
    def explain(self, graph: int, profile: list[tuple[int, int]] = ..., runs: int = 0) -> str: ...
    def limits(self) -> tuple[float, float, float]:
        """Flops, bytes from cache and bytes from memory per nanosecond of one thread, measured."""
    def least_times(self, graph: int) -> list[float]:
        """Nanoseconds that one call of each step would take at best."""
    def new_session(self) -> Session: ...
    def with_params(self, params: Mapping[str, npt.NDArray[Any]]) -> Program: ...

@final
class Session:
    """One copy of every state; one call at a time."""
    def run(self, graph: int, inputs: Sequence[AnyArray], max_steps: int = 0) -> list[Any]:
        """Fresh outputs: DeviceArrays where an input lies on the program's device. Releases the
        interpreter lock while it works."""
    def run_into(
        self,
        graph: int,
        inputs: Sequence[AnyArray],
        outputs: Sequence[AnyArray],
        max_steps: int = 0,
        stream: int | None = None,
    ) -> None: ...
    def profile(self, graph: int, inputs: Sequence[AnyArray], runs: int) -> list[tuple[int, int]]:
        """(calls, total nanoseconds) of every step."""
    def reserve(self, graph: int, dims: Mapping[str, int]) -> None: ...
    def read_state(self, name: str) -> npt.NDArray[Any]: ...
    def write_state(self, name: str, value: npt.NDArray[Any]) -> None: ...
    def reset(self) -> None: ...
    def module_with_states(self) -> Module: ...
    def last_copied_inputs(self) -> list[str]: ...

class Caller:
    """Base of what is called like a function. Plain calls go to one graph of the session; others to
    the methods _call(args, named) and _run_into(inputs, outputs, max_steps, stream) of the deriving
    class."""
    def __init__(self, session: Session | None = None, graph: int = 0) -> None: ...
    def __call__(self, *args: Any, **named: Any) -> Any: ...
    def run_into(
        self,
        inputs: Mapping[str, Any] | Sequence[Any],
        outputs: Mapping[str, Any] | Sequence[Any],
        max_steps: int = 0,
        stream: int | None = None,
    ) -> None: ...

def pipeline() -> list[str]:
    """Names of the passes, in order."""

def config() -> dict[str, str]:
    """Version, compiler, levels, devices, threads: for ingot.show_config()."""
