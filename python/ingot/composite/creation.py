"""Composite functions that make tensors: of one value, of counts, from other libraries' arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ingot import _core
from ingot.dtypes import (
    DTypeLike,
    as_dtype,
    convert,
    default_dtype,
    is_float,
    kind_of,
    scalar_array,
)
from ingot.errors import ArgumentError
from ingot.ops.axes import as_tensor
from ingot.ops.creation import arange
from ingot.ops.movement import broadcast_to, reshape
from ingot.ops.pointwise_arithmetic import add, multiply, subtract
from ingot.ops.pointwise_compare import less, where
from ingot.ops.pointwise_math import cast
from ingot.tensor import SizeLike, Tensor, TensorLike, tensor, wrap

from .calls import composite
from .operands import check_device, of_dtype

__all__ = [
    "asarray",
    "empty",
    "empty_like",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

Shape: TypeAlias = "SizeLike | Sequence[SizeLike]"


@composite
def asarray(
    obj: object, *, dtype: DTypeLike = None, device: str | None = None, copy: bool | None = None
) -> Tensor:
    """`obj` as a tensor: a tensor as it is, or cast; anything else copied as by `ingot.tensor`.

    copy: False raises ArgumentError where a copy is needed; `ingot.from_dlpack` shares memory.
    True copies nothing more, as tensors are immutable.

    >>> import ingot
    >>> ingot.asarray([1, 2], dtype="float32")
    Tensor([1., 2.], dtype=float32)
    """
    check_device("asarray", device)
    if isinstance(obj, Tensor) and (dtype is None or obj.dtype == as_dtype(dtype)):
        return obj
    if copy is False:
        raise ArgumentError(
            f"asarray: needs a copy: got {type(obj).__name__}, expected a tensor of this dtype; "
            "use from_dlpack to share memory"
        )
    return cast(obj, dtype=dtype) if isinstance(obj, Tensor) else tensor(obj, dtype)


@composite
def from_dlpack(x: object, /, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__`, or of a DLPack capsule.

    Nothing is copied unless copy is True, and the memory stays alive as long as the tensor. Whoever
    writes to it afterwards changes a tensor that everybody else takes for immutable. Raises
    BufferError for memory of another device, of an unknown dtype, not aligned, or badly described.

    >>> import ingot
    >>> import numpy as np
    >>> ingot.from_dlpack(np.arange(3))
    Tensor([0, 1, 2], dtype=int64)
    """
    check_device("from_dlpack", device)
    if isinstance(x, Tensor):
        return x
    array = _core.from_dlpack(_capsule(x, copy))
    return wrap(array.copy() if copy else array)


def _capsule(x: object, copy: bool | None) -> object:
    """The capsule that x gives, a versioned one where it can; a capsule itself as it is."""
    give: Any = getattr(x, "__dlpack__", None)
    if give is None:
        return x
    place = getattr(x, "__dlpack_device__", None)
    if place is not None and place()[0] != 1:
        raise BufferError(f"from_dlpack: wrong device: got {place()}, expected the CPU, (1, 0)")
    try:
        return give(max_version=(1, 1), copy=copy)
    except TypeError:  # a producer that knows neither
        return give()


@composite
def full(
    shape: Shape, fill_value: TensorLike, dtype: DTypeLike = None, *, device: str | None = None
) -> Tensor:
    """A tensor of one value.

    -> any[shape]; dtype: the value's (of Python scalars bool, int64, float32, complex64), else the
    value is cast. Raises ArgumentError for an integer that does not fit.

    >>> import ingot
    >>> ingot.full((2,), 7)
    Tensor([7, 7], dtype=int64)
    """
    check_device("full", device)
    sizes = list(shape) if isinstance(shape, Sequence) else [shape]
    if isinstance(fill_value, (bool, int, float, complex)):
        target = default_dtype(fill_value) if dtype is None else as_dtype(dtype)
        if isinstance(fill_value, (bool, int)) and kind_of(target) in ("int", "uint"):
            return broadcast_to(wrap(scalar_array("full", fill_value, target)), sizes)
        return broadcast_to(wrap(convert(np.asarray(fill_value), target)), sizes)
    value = as_tensor("full", fill_value)
    return broadcast_to(value if dtype is None else cast(value, dtype=dtype), sizes)


@composite
def zeros(shape: Shape, dtype: DTypeLike = "float32", *, device: str | None = None) -> Tensor:
    """A tensor of zeros.

    >>> import ingot
    >>> ingot.zeros(2)
    Tensor([0., 0.], dtype=float32)
    """
    return full(shape, 0, float32_unless_given(dtype), device=device)


def float32_unless_given(dtype: DTypeLike) -> DTypeLike:
    return "float32" if dtype is None else dtype


@composite
def ones(shape: Shape, dtype: DTypeLike = "float32", *, device: str | None = None) -> Tensor:
    """A tensor of ones.

    >>> import ingot
    >>> ingot.ones((1, 2))
    Tensor([[1., 1.]], dtype=float32)
    """
    return full(shape, 1, float32_unless_given(dtype), device=device)


@composite
def empty(shape: Shape, dtype: DTypeLike = "float32", *, device: str | None = None) -> Tensor:
    """A tensor whose elements do not matter: zeros, as nothing here is ever left unset.

    >>> import ingot
    >>> ingot.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype, device=device)


@composite
def full_like(
    x: TensorLike, fill_value: TensorLike, dtype: DTypeLike = None, *, device: str | None = None
) -> Tensor:
    """A tensor of one value, of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.full_like(ingot.tensor([1, 2]), 7)
    Tensor([7, 7], dtype=int64)
    """
    x = as_tensor("full_like", x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype, device=device)


@composite
def zeros_like(x: TensorLike, dtype: DTypeLike = None, *, device: str | None = None) -> Tensor:
    """Zeros of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.zeros_like(ingot.tensor([1, 2]))
    Tensor([0, 0], dtype=int64)
    """
    return full_like(x, 0, dtype, device=device)


@composite
def ones_like(x: TensorLike, dtype: DTypeLike = None, *, device: str | None = None) -> Tensor:
    """Ones of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.ones_like(ingot.tensor([1.5, 2.5]))
    Tensor([1., 1.], dtype=float32)
    """
    return full_like(x, 1, dtype, device=device)


@composite
def empty_like(x: TensorLike, dtype: DTypeLike = None, *, device: str | None = None) -> Tensor:
    """As `empty`, of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.empty_like(ingot.tensor([1.5, 2.5])).shape
    (2,)
    """
    return zeros_like(x, dtype, device=device)


@composite
def linspace(
    start: float,
    stop: float,
    num: SizeLike,
    *,
    dtype: DTypeLike = None,
    device: str | None = None,
    endpoint: bool = True,
) -> Tensor:
    """num numbers at equal distances from start to stop; without endpoint stop is left out.

    -> float32[num], or of `dtype`. The first half counts up from start, the second half down from
    stop, so both are met exactly; integers are counted in float64 and truncated.

    >>> import ingot
    >>> ingot.linspace(0, 1, 5)
    Tensor([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    check_device("linspace", device)
    target = as_dtype(float32_unless_given(dtype))
    # Narrow floats could not count: they would round the positions.
    counted = (
        np.dtype(np.float32) if is_float(target) and target.itemsize < 8 else np.dtype(np.float64)
    )
    if isinstance(num, int) and num < 0:
        raise ArgumentError(f"linspace: wrong num: got {num}, expected >= 0")
    gaps = num - 1 if endpoint else num
    one_or_none = isinstance(gaps, int) and gaps <= 0
    count = arange(num, dtype=counted)
    width = subtract(wrap(np.asarray(stop, counted)), wrap(np.asarray(start, counted)))
    step = width if one_or_none else width / gaps
    up = add(start, multiply(count, step))
    down = subtract(stop, multiply(subtract(gaps, count), step))
    return of_dtype(up if one_or_none else where(less(count + count, gaps), up, down), target)


@composite
def meshgrid(*arrays: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """Vectors spread to the grid of all combinations: result i has the values of vector i along
    axis i ("ij"; "xy" exchanges the first two axes).

    arrays: any[n_i] -> a list of any[n_0, n_1, ...]. Raises ArgumentError for another rank or
    indexing.

    >>> import ingot
    >>> rows, columns = ingot.meshgrid(ingot.tensor([1, 2]), ingot.tensor([3, 4]), indexing="ij")
    >>> rows
    Tensor([[1, 1],
            [2, 2]], dtype=int64)
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: wrong indexing: got {indexing!r}, expected 'xy' or 'ij'")
    vectors = [reshape(as_tensor("meshgrid", x), (-1,)) for x in arrays]
    place = list(range(len(vectors)))  # the axis of each vector
    if indexing == "xy" and len(vectors) > 1:
        place[:2] = [1, 0]
    shape: list[Any] = [1] * len(vectors)
    for vector, axis in zip(vectors, place, strict=True):
        shape[axis] = vector.shape[0]
    result = []
    for vector, axis in zip(vectors, place, strict=True):
        own: list[Any] = [1] * len(vectors)
        own[axis] = vector.shape[0]
        result.append(broadcast_to(reshape(vector, own), shape))
    return result
