"""What composites ask of their operands: a float dtype, truth values, a number of elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.dtypes import DType, is_float, kind_of
from ingot.errors import DeviceError
from ingot.ops.axes import as_tensor
from ingot.ops.pointwise_compare import equal, where
from ingot.ops.pointwise_math import cast, sqrt
from ingot.tensor import SizeLike, Tensor, TensorLike


def floating(op: str, x: TensorLike) -> Tensor:
    """x, cast to float32 unless it is float or complex: before any arithmetic could wrap."""
    tensor = as_tensor(op, x)
    is_inexact = kind_of(tensor.dtype) in ("float", "complex")
    return tensor if is_inexact else cast(tensor, dtype=np.float32)


def summable(op: str, x: TensorLike) -> tuple[Tensor, DType]:
    """x as floats that sums are taken of, and the dtype of the result: float16 and bfloat16 are
    added up, and divided, in float32, so that no partial sum overflows."""
    tensor = floating(op, x)
    is_narrow = is_float(tensor.dtype) and tensor.dtype.itemsize == 2
    return (cast(tensor, dtype=np.float32) if is_narrow else tensor), tensor.dtype


def of_dtype(x: Tensor, dtype: DType) -> Tensor:
    """x, cast unless it has that dtype."""
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def truth(op: str, x: TensorLike) -> Tensor:
    """Whether each element is not 0."""
    return of_dtype(as_tensor(op, x), np.dtype(np.bool_))


def count_of(x: Tensor, axes: Sequence[int]) -> SizeLike:
    """The number of elements along axes."""
    count: SizeLike = 1
    for axis in axes:
        count = count * x.shape[axis]
    return count


def sqrt_flat_at_zero(x: Tensor) -> Tensor:
    """The square root, with derivative 0 at 0: a sum of squares has its minimum there."""
    is_zero = equal(x, 0)
    return where(is_zero, 0, sqrt(where(is_zero, 1, x)))


def check_device(op: str, device: object) -> None:
    """Raises DeviceError unless device is None or "cpu", where eager and recorded tensors lie."""
    if device is not None and device != "cpu":
        raise DeviceError(f"{op}: wrong device: got {device!r}, expected 'cpu'")
