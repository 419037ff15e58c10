"""Tensor: an eager NumPy array, or the handle of a value that is being recorded.

A recorded tensor has a shape and a dtype, but no numbers. Operators (operators.py) and most methods
(methods.py) only name functions, which register themselves in `operations`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

import numpy as np

from . import _core
from .dtypes import Array, DType, DTypeLike, as_dtype, convert, from_text, is_float, text_name
from .errors import ArgumentError, DeviceError, DTypeError, RecordError
from .methods import Methods
from .operators import Operators
from .operators import operations as operations
from .origin import at_user_line

Size = _core.Size
SizeLike: TypeAlias = "int | _core.Size"
Axes: TypeAlias = "int | Sequence[int] | None"
TensorLike: TypeAlias = "Tensor | Holder | Array | np.generic | bool | int | float | complex | Size"

_MAX_SHOWN_ELEMENTS = 200
_DLPACK_CPU = (1, 0)  # kDLCPU, the only CPU

# What NumPy reads from Python's own numbers, and what they mean here.
_DEFAULT_OF: dict[DType, DType] = {
    np.dtype(np.float64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.complex64),
}

# While recording: gradients that the recorded function has summed up, by the tensor's id.
recorded_grads: ContextVar[dict[int, tuple[Tensor, Tensor]] | None] = ContextVar(
    "ingot_recorded_grads", default=None
)


class Holder(Operators):
    """What holds a tensor and stands for it as an operand."""

    __slots__ = ()
    __array_ufunc__ = None
    __hash__ = object.__hash__

    @property
    def value(self) -> Tensor:
        """The tensor held now."""
        raise NotImplementedError

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        return self.value.__array__(dtype, copy)


class Tensor(Operators, Methods):
    """An n-dimensional array: eager (numbers now) or recorded (a value of a graph).

    Immutable. Thread rule: an eager tensor may be shared; a recorded one belongs to its recording.

    >>> import ingot
    >>> ingot.tensor([1.0, 2.0]) + 1
    Tensor([2., 3.], dtype=float32)
    """

    __slots__ = (
        "_array",
        "_grad",
        "_node",
        "_position",
        "_recorder",
        "_requires_grad",
        "_value",
        "name",
    )
    __array_ufunc__ = None  # so that ndarray + Tensor asks Tensor

    def __init__(
        self,
        array: Array | None,
        value: _core.Value | None = None,
        recorder: object = None,
        name: str | None = None,
    ) -> None:
        """For the package's own use: users call `ingot.tensor`."""
        self._array = array
        self._value = value
        self._recorder = recorder
        self._node: Any = None  # of tape.GradNode; what the tensor was computed from
        self._position = 0  # among the outputs of the node
        self._requires_grad = False
        self._grad: Tensor | None = None
        self.name = name

    # What it is.

    @property
    def is_recorded(self) -> bool:
        """True for a value that is being recorded: it has no numbers yet."""
        return self._array is None

    @property
    def shape(self) -> tuple[SizeLike, ...]:
        """Sizes; a symbolic one is a `Size`."""
        if self._value is not None:
            return self._value.shape
        return self._numbers("shape").shape

    @property
    def dtype(self) -> DType:
        """The element type, a NumPy dtype."""
        return from_text(self._value.dtype) if self._value else self._numbers("dtype").dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def device(self) -> str:
        """Where the numbers lie: "cpu"."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Tensor:
        """This tensor, which lies on the only device that eager tensors have.

        Raises DeviceError for another one, ArgumentError for a stream, which "cpu" has none of.
        """
        if device != "cpu":
            raise DeviceError(f"to_device: got {device!r}, expected 'cpu'")
        if stream is not None:
            raise ArgumentError(f"to_device: a stream on the CPU: got {stream!r}, expected None")
        return self

    @property
    def size(self) -> SizeLike:
        """The number of elements."""
        count: SizeLike = 1
        for n in self.shape:
            count = count * n
        return count

    # Derivatives.

    @property
    def requires_grad(self) -> bool:
        """Whether ops on this tensor are noted for its gradient. Settable on floats.

        >>> import ingot
        >>> x = ingot.tensor([1.0, 3.0])
        >>> x.requires_grad = True
        >>> ingot.sum(x * x).backward()
        >>> x.grad
        Tensor([2., 6.], dtype=float32)
        """
        return self._requires_grad or self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not is_float(self.dtype):
            raise DTypeError(f"requires_grad: got {self.dtype}, expected a float dtype")
        if self._node is not None:
            raise ArgumentError("requires_grad: a computed tensor: use detach() for a new one")
        self._requires_grad = bool(wanted)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has summed up so far; None before. A recorded function sees
        only its own."""
        recorded = recorded_grads.get()
        if recorded is None:
            return self._grad
        return recorded[id(self)][1] if id(self) in recorded else None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        recorded = recorded_grads.get()
        if recorded is None:
            self._grad = value
        elif value is None:
            recorded.pop(id(self), None)
        else:
            recorded[id(self)] = self, value

    def backward(self, gradient: TensorLike | None = None, create_graph: bool = False) -> None:
        """Adds the gradient of this tensor to `.grad` of every tensor with requires_grad that it
        was computed from.

        gradient: of this tensor's shape; without one it must be a scalar. create_graph: whether the
        gradients themselves can be differentiated. Raises ArgumentError where there is nothing to
        differentiate, ShapeError where `gradient` does not fit.
        """
        operations["backward"](self, gradient, create_graph)

    def detach(self) -> Tensor:
        """The same numbers, computed from nothing."""
        return Tensor(self._array, self._value, self._recorder, self.name)

    # Reading the numbers.

    def _numbers(self, what: str) -> Array:
        if self._array is None:
            raise RecordError(
                f"{what}: a recorded tensor has no numbers: got {self!r}, "
                "expected an eager tensor; compute with ingot functions "
                "(ingot.where for a choice, ingot.abort for a check)"
                f"{at_user_line()}"
            )
        return self._array

    def numpy(self) -> Array:
        """The numbers as a read-only array that shares this tensor's memory."""
        return self._numbers("numpy()")

    def item(self) -> Any:
        """The only element as a Python scalar."""
        array = self._numbers("item()")
        if array.size != 1:
            raise ArgumentError(f"item: not a single element: got shape {array.shape}, expected 1")
        return array.item()

    def tolist(self) -> Any:
        """The numbers as nested lists of Python scalars."""
        return self._numbers("tolist()").tolist()

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        array = self._numbers("numpy array")
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ArgumentError(
                    f"numpy array: needs a copy: got {array.dtype}, expected {dtype}"
                )
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack_device__(self) -> tuple[int, int]:
        """(device type, device id) of DLPack: the CPU."""
        return _DLPACK_CPU

    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """A DLPack capsule: over this tensor's own memory, marked read-only, or over a copy where
        asked for, or where a consumer knows only the old capsules, which cannot say read-only.

        Raises BufferError for another device, for a stream, or where `copy` is False and a copy is
        needed; RecordError for a recorded tensor.
        """
        array = self._numbers("__dlpack__")
        if stream is not None or dl_device not in (None, _DLPACK_CPU):
            raise BufferError(
                f"__dlpack__: got device {dl_device}, stream {stream!r}, "
                f"expected {_DLPACK_CPU} and none"
            )
        versioned = max_version is not None and max_version[0] >= 1
        needs_copy = bool(copy) or not versioned
        if needs_copy and copy is False:
            raise BufferError("__dlpack__: an unversioned capsule of read-only memory needs a copy")
        return _core.to_dlpack(array.copy() if needs_copy else array, versioned, needs_copy)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The module that holds the functions of the Python array API standard."""
        namespace: Any = importlib.import_module("ingot.array_api")
        return namespace.of_version(api_version)

    def __copy__(self) -> Tensor:
        return _restored(self.numpy(), self.name, self._requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        memo[id(self)] = copy = self.__copy__()  # the numbers are shared: nobody writes them
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._numbers("pickle"), self.name, self._requires_grad)

    def __bool__(self) -> bool:
        return bool(self._scalar("if / bool()"))

    def __float__(self) -> float:
        return float(self._scalar("float()"))

    def __int__(self) -> int:
        return int(self._scalar("int()"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex()"))

    def __index__(self) -> int:
        number = self._scalar("index")
        if not isinstance(number, int):
            raise DTypeError(f"index: not an integer: got {self.dtype}, expected an integer dtype")
        return number

    def _scalar(self, what: str) -> Any:
        array = self._numbers(what)
        if array.size != 1:
            raise ArgumentError(
                f"{what}: not a single element: got shape {array.shape}, expected one; "
                "use ingot.any or ingot.all"
            )
        return array.item()

    def __len__(self) -> int:
        if not self.shape:
            raise ArgumentError("len: a tensor of rank 0 has no length")
        length = self.shape[0]
        if not isinstance(length, int):
            raise RecordError(
                f"len: the size is symbolic: got {length}, expected a constant; "
                f"use x.shape[0]{at_user_line()}"
            )
        return length

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(len(self)):
            yield self[i]

    def __contains__(self, value: TensorLike) -> bool:
        return bool(operations["any"](self == value))

    def __repr__(self) -> str:
        if self._array is None:
            sizes = ", ".join(str(n) for n in self.shape)
            return f"Tensor({self.dtype}[{sizes}], recorded)"
        body = np.array2string(
            self._array, separator=", ", prefix="Tensor(", threshold=_MAX_SHOWN_ELEMENTS
        )
        hidden = self._array.size > _MAX_SHOWN_ELEMENTS or self._array.size == 0
        shape = f"shape={self._array.shape}, " if hidden else ""
        return f"Tensor({body}, {shape}dtype={self._array.dtype})"

    def __str__(self) -> str:
        self._numbers("print / str()")
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __setitem__(self, key: object, value: object) -> None:
        raise ArgumentError(
            "tensors are immutable: got an assignment to x[...], expected a new tensor, "
            f"x.at[...].set(value) or ingot.where{at_user_line()}"
        )


def tensor(data: object, dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """An eager tensor that holds a copy of `data`.

    data: an array, a Python scalar, nested lists of scalars, a Tensor or anything that NumPy reads.
    dtype: kept from arrays; from Python scalars: bool, int64, float32, complex64.
    name: what a recorded param that holds it is called.
    Raises DTypeError for a dtype that the table lacks, ArgumentError for ragged lists.

    >>> import ingot
    >>> ingot.tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    wanted = None if dtype is None else as_dtype(dtype)
    array = eager_array("tensor", data, wanted)
    return Tensor(_frozen(np.array(array, order="C")), name=name)


def _restored(array: Array, name: str | None, requires_grad: bool) -> Tensor:
    """A leaf of its own over the numbers of a copied or pickled tensor."""
    result = Tensor(_frozen(array), name=name)
    result._requires_grad = requires_grad
    return result


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


def wrap(array: Array) -> Tensor:
    """An eager tensor over an array that nobody else writes."""
    return Tensor(_frozen(array))


def eager_array(op: str, data: object, dtype: DType | None = None) -> Array:
    """`data` as a native array of `dtype`, by default its own (of Python floats float32)."""
    if isinstance(data, Holder):
        data = data.value
    if isinstance(data, Tensor):
        return data.numpy() if dtype is None else convert(data.numpy(), dtype)
    if isinstance(data, np.ma.MaskedArray):
        raise DTypeError(f"{op}: a masked array: got {type(data).__name__}, expected a plain array")
    has_dtype = hasattr(data, "dtype")
    try:
        array = np.asarray(data)
    except RecordError:
        raise RecordError(
            f"{op}: a list of recorded tensors: expected one tensor; "
            f"use ingot.stack{at_user_line()}"
        ) from None
    except Exception as error:
        raise ArgumentError(
            f"{op}: cannot be read as an array: got {type(data).__name__}: {error}"
        ) from None
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    text_name(array.dtype)  # DTypeError for object, str, float128, ...
    if dtype is None and not has_dtype:
        dtype = _DEFAULT_OF.get(array.dtype)
    return array if dtype is None else convert(array, dtype)
