"""What callers pass to a graph: nested arguments to named leaves, and anything array-like to
arrays.

Nothing is cast silently: an array of another dtype is a DTypeError. Python scalars and lists take
the input's dtype where their kind allows it. Shapes are checked by the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .dtypes import Array, DType, convert, kind_of
from .errors import ArgumentError, DTypeError, RecordError
from .tensor import Tensor

_DLPACK_CUDA = 2  # kDLCUDA


def map_leaves(value: Any, name: str, function: Callable[[str, Any], Any]) -> Any:
    """The nested tuples, lists and dicts of `value` with every leaf replaced by function(name,
    leaf); names are joined with dots: w.0, w.key."""
    if isinstance(value, dict):
        return {k: map_leaves(v, f"{name}.{k}", function) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        fields = getattr(value, "_fields", range(len(value)))  # a named tuple has names
        pairs = zip(fields, value, strict=True)
        items = [map_leaves(v, f"{name}.{field}", function) for field, v in pairs]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return tuple(items) if isinstance(value, tuple) else items
    return function(name, value)


def match_inputs(
    what: str, names: Sequence[str], args: Sequence[Any], given: Mapping[str, Any]
) -> list[Any]:
    """One value for each input, from positional arguments (nested ones by dotted names) and named
    ones. Raises ArgumentError naming what is missing, unknown or given twice."""
    found = dict(_positional(what, names, args))
    for name, value in given.items():
        for leaf, item in _leaves(names, name, value):
            if leaf in found:
                raise ArgumentError(f"{what}: input given twice: got {leaf!r}")
            found[leaf] = item
    unknown = [name for name in found if name not in names]
    if unknown:
        raise ArgumentError(f"{what}: no input {unknown[0]!r}: expected {_list(names)}")
    missing = [name for name in names if name not in found]
    if missing:
        raise ArgumentError(f"{what}: no value for {_list(missing)}: expected {_list(names)}")
    return [found[name] for name in names]


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names) if names else "no inputs"


def _leaves(names: Sequence[str], name: str, value: Any) -> list[tuple[str, Any]]:
    if name in names or not isinstance(value, (tuple, list, dict)):
        return [(name, value)]
    leaves: list[tuple[str, Any]] = []
    map_leaves(value, name, lambda n, v: leaves.append((n, v)))
    return leaves


def _positional(what: str, names: Sequence[str], args: Sequence[Any]) -> list[tuple[str, Any]]:
    """Argument i goes to the i-th group: the inputs whose names are equal up to the first dot."""
    groups = list(dict.fromkeys(name.split(".")[0] for name in names))
    if len(args) == len(names) and len(groups) != len(args):
        return list(zip(names, args, strict=True))
    if len(args) > len(groups):
        raise ArgumentError(
            f"{what}: too many arguments: got {len(args)}, expected {len(groups)}: {_list(names)}"
        )
    pairs = zip(groups, args, strict=False)
    leaves = [leaf for group, value in pairs for leaf in _leaves(names, group, value)]
    if len(args) == len(names) and [n for n, _ in leaves] != list(names):
        return list(zip(names, args, strict=True))
    return leaves


def input_array(name: str, dtype: DType, value: Any) -> Array:
    """`value` as an array of `dtype`, without a copy where it is one. Raises DTypeError for another
    dtype or a foreign byte order, ArgumentError for what is no array."""
    if type(value) is np.ndarray and value.dtype == dtype and value.flags.aligned:
        return value
    if isinstance(value, Tensor):
        if value.is_recorded:
            raise RecordError(f"{name}: a recorded tensor has no numbers: expected an eager tensor")
        value = value.numpy()
    if isinstance(value, (bool, int, float, complex, list, tuple)) and not isinstance(
        value, np.generic
    ):
        return _from_python(name, dtype, value)
    array = _as_array(name, value)
    _require_dtype(name, array, dtype)
    return array if array.flags.aligned else array.copy()


def lies_on_device(value: Any) -> bool:
    """Whether the value says by DLPack that it lies in the memory of a CUDA device."""
    place = getattr(value, "__dlpack_device__", None)
    return place is not None and int(place()[0]) == _DLPACK_CUDA


def _require_dtype(name: str, array: Array, dtype: DType) -> None:
    if array.dtype == dtype:
        return
    if not array.dtype.isnative and array.dtype.newbyteorder("=") == dtype:
        raise DTypeError(
            f"{name}: not native byte order: got {array.dtype.str}, expected {dtype.str}; "
            f"use x.astype({dtype.name!r})"
        )
    raise DTypeError(f"{name}: wrong dtype: got {array.dtype}, expected {dtype}")


def _as_array(name: str, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        raise DTypeError(f"{name}: a masked array: expected a plain array")
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise ArgumentError(f"{name}: not an array: got {type(value).__name__}, expected an array")
    try:
        return np.asarray(value)
    except Exception as error:  # whatever the object's own __array__ raises
        raise ArgumentError(
            f"{name}: cannot be read as an array: got {type(value).__name__}: {error}"
        ) from None


_KINDS_OF_PYTHON = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}
_TAKES = {
    "bool": {"bool"},
    "int": {"int", "uint", "float", "complex"},
    "float": {"float", "complex"},
    "complex": {"complex"},
}


def _from_python(name: str, dtype: DType, value: Any) -> Array:
    array = _as_array(name, value)
    if array.size == 0 and array.dtype == np.float64:  # [] says nothing about a dtype
        return array.astype(dtype)
    kind = _KINDS_OF_PYTHON.get(array.dtype.kind, "")
    if kind_of(dtype) not in _TAKES.get(kind, ()):
        raise DTypeError(f"{name}: wrong kind: got {array.dtype} values, expected {dtype}")
    if kind_of(dtype) in ("int", "uint"):
        limits = np.iinfo(dtype)
        if array.size and (int(array.min()) < limits.min or int(array.max()) > limits.max):
            raise DTypeError(f"{name}: a value does not fit: got {array.dtype}, expected {dtype}")
    return convert(array, dtype)


def arrange_outputs(names: Sequence[str], arrays: Sequence[Any]) -> Any:
    """Outputs as a call returns them: the only unnamed one alone, all named ones as a dict, else a
    tuple."""
    if names and all(names):
        return dict(zip(names, arrays, strict=True))
    return arrays[0] if len(arrays) == 1 else tuple(arrays)
