"""Tensor: an eager NumPy array, or the handle of a value that is being recorded.

Methods and operators only name functions; the functions register themselves in `operations`, so
that this module knows none of them. A recorded tensor has a shape and a dtype, but no numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

import numpy as np

from . import _core
from .dtypes import Array, DType, DTypeLike, as_dtype, convert, from_text, is_float, text_name
from .errors import ArgumentError, DTypeError, RecordError
from .origin import at_user_line

Size = _core.Size
SizeLike: TypeAlias = "int | _core.Size"
Axes: TypeAlias = "int | Sequence[int] | None"
TensorLike: TypeAlias = "Tensor | Array | np.generic | bool | int | float | complex | Size"

# Functions by name, filled by the modules that define them.
operations: dict[str, Callable[..., Any]] = {}

# While recording: gradients that the recorded function has summed up, by the tensor's id.
recorded_grads: ContextVar[dict[int, tuple[Tensor, Tensor]] | None] = ContextVar(
    "ingot_recorded_grads", default=None
)


class Tensor:
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
            return array.astype(dtype)
        return array.copy() if copy else array

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
        body = np.array2string(self._array, separator=", ", prefix="Tensor(")
        return f"Tensor({body}, dtype={self._array.dtype})"

    def __str__(self) -> str:
        self._numbers("print / str()")
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __setitem__(self, key: object, value: object) -> None:
        raise ArgumentError(
            "tensors are immutable: got an assignment to x[...], expected a new tensor from "
            f"ingot.where, ingot.concat or ingot.dynamic_update_slice{at_user_line()}"
        )

    # Operators.

    def __add__(self, other: TensorLike) -> Tensor:
        return _call("add", self, other)

    def __radd__(self, other: TensorLike) -> Tensor:
        return _call("add", other, self)

    def __sub__(self, other: TensorLike) -> Tensor:
        return _call("subtract", self, other)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return _call("subtract", other, self)

    def __mul__(self, other: TensorLike) -> Tensor:
        return _call("multiply", self, other)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return _call("multiply", other, self)

    def __truediv__(self, other: TensorLike) -> Tensor:
        return _call("divide", self, other)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return _call("divide", other, self)

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return _call("floor_divide", self, other)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return _call("floor_divide", other, self)

    def __mod__(self, other: TensorLike) -> Tensor:
        return _call("remainder", self, other)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return _call("remainder", other, self)

    def __pow__(self, other: TensorLike) -> Tensor:
        return _call("pow", self, other)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return _call("pow", other, self)

    def __matmul__(self, other: Tensor | Array) -> Tensor:
        return _call("matmul", self, other)

    def __rmatmul__(self, other: Tensor | Array) -> Tensor:
        return _call("matmul", other, self)

    def __and__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_and", self, other)

    def __rand__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_and", other, self)

    def __or__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_or", self, other)

    def __ror__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_or", other, self)

    def __xor__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_xor", self, other)

    def __rxor__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_xor", other, self)

    def __lshift__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_left_shift", self, other)

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_left_shift", other, self)

    def __rshift__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_right_shift", self, other)

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return _call("bitwise_right_shift", other, self)

    def __neg__(self) -> Tensor:
        return _call("negative", self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return _call("abs", self)

    def __invert__(self) -> Tensor:
        return _call("bitwise_invert", self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return _call("equal", self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return _call("not_equal", self, other)

    def __lt__(self, other: TensorLike) -> Tensor:
        return _call("less", self, other)

    def __le__(self, other: TensorLike) -> Tensor:
        return _call("less_equal", self, other)

    def __gt__(self, other: TensorLike) -> Tensor:
        return _call("greater", self, other)

    def __ge__(self, other: TensorLike) -> Tensor:
        return _call("greater_equal", self, other)

    __hash__ = object.__hash__

    def __getitem__(self, key: object) -> Tensor:
        return _call("index", self, key)

    # Methods that are functions of the same name.

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ArgumentError(
                f"T: wrong rank: got {self.ndim}, expected 2; use mT or permute_dims"
            )
        return _call("permute_dims", self, (1, 0))

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes exchanged."""
        return _call("matrix_transpose", self)

    def astype(self, dtype: DTypeLike) -> Tensor:
        """As `ingot.cast`."""
        return _call("cast", self, dtype=dtype)

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.sum`."""
        return _call("sum", self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.prod`."""
        return _call("prod", self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.max`."""
        return _call("max", self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.min`."""
        return _call("min", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.mean`."""
        return _call("mean", self, axis=axis, keepdims=keepdims)

    def any(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.any`."""
        return _call("any", self, axis=axis, keepdims=keepdims)

    def all(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """As `ingot.all`."""
        return _call("all", self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """As `ingot.argmax`."""
        return _call("argmax", self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: SizeLike | Sequence[SizeLike]) -> Tensor:
        """As `ingot.reshape`; the sizes may be given one by one."""
        return _call("reshape", self, _spread(shape))

    def permute_dims(self, *axes: int | Sequence[int]) -> Tensor:
        """As `ingot.permute_dims`; the axes may be given one by one."""
        return _call("permute_dims", self, _spread(axes))

    def flatten(self, start_axis: int = 0, end_axis: int = -1) -> Tensor:
        """As `ingot.flatten`."""
        return _call("flatten", self, start_axis, end_axis)

    def squeeze(self, axis: int | Sequence[int]) -> Tensor:
        """As `ingot.squeeze`."""
        return _call("squeeze", self, axis)


def _call(name: str, *args: Any, **kwargs: Any) -> Tensor:
    result: Tensor = operations[name](*args, **kwargs)
    return result


def _spread(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """f(2, 3) and f((2, 3)) mean the same."""
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        return tuple(given[0])
    return given


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
    array = eager_array("tensor", data)
    if dtype is not None:
        wanted = as_dtype(dtype)
        array = array if array.dtype == wanted else convert(array, wanted)
    return Tensor(_frozen(np.array(array, order="C")), name=name)


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


def wrap(array: Array) -> Tensor:
    """An eager tensor over an array that nobody else writes."""
    return Tensor(_frozen(array))


def eager_array(op: str, data: object) -> Array:
    """`data` as a native array of a known dtype; Python floats become float32."""
    if isinstance(data, Tensor):
        return data.numpy()
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
    if not has_dtype and array.dtype == np.float64:
        array = array.astype(np.float32)
    elif not has_dtype and array.dtype == np.complex128:
        array = array.astype(np.complex64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    text_name(array.dtype)  # DTypeError for object, str, float128, ...
    return array
