"""Arrays in a device's memory."""

from __future__ import annotations

from . import _core
from .tensor import TensorLike, eager_array

DeviceArray = _core.DeviceArray


def to_device(x: TensorLike, device: str = "cuda") -> _core.DeviceArray:
    """A copy of an array in a device's memory, for programs that run there.

    x: any shape and dtype. Raises DeviceError where there is no such device, LimitError where it
    has not enough memory.

    >>> import ingot
    >>> x = ingot.to_device([1.0, 2.0])  # doctest: +SKIP
    >>> x.device, x.numpy()  # doctest: +SKIP
    ('cuda:0', array([1., 2.], dtype=float32))
    """
    return _core.to_device(eager_array("to_device", x), device)
