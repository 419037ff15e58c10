"""Exception classes, one per error code of the core, each also the builtin that a Python user
expects.

`CLASSES` maps the core's names to them; the package registers it with `_core` at import.
"""

from __future__ import annotations


class IngotError(Exception):
    """Base of every error that a caller, a file or the machine can cause."""


class ShapeError(IngotError, ValueError):
    """Sizes that do not fit together."""


class DTypeError(IngotError, TypeError):
    """A dtype that an op, a kernel or an input does not take."""


class ArgumentError(IngotError, ValueError):
    """A wrong name, count, attribute or option."""


class AxisError(ArgumentError, IndexError):
    """An axis out of range; an IndexError too, as the array API wants and NumPy has it."""


class RecordError(IngotError, RuntimeError):
    """Something that recording cannot capture."""


class UnsupportedError(RecordError, NotImplementedError):
    """Something of another format that has no equal here, or the other way round. `inputs` names
    those whose numbers would have to be known."""

    inputs: tuple[str, ...] = ()


class FileError(IngotError, ValueError):
    """Text or bytes that break a rule of the format."""


class RangeError(IngotError, IndexError):
    """An index out of range at run time."""


class AbortError(IngotError, RuntimeError):
    """An `abort` whose condition held."""


class LimitError(IngotError, RuntimeError):
    """A budget (memory, steps, nodes, nesting) is exceeded."""


class StateError(IngotError, RuntimeError):
    """A session that must be reset before it can run again."""


class DeviceError(IngotError, RuntimeError):
    """A device, file system or operating system failure."""


class InternalError(IngotError, RuntimeError):
    """A broken invariant of this library: always a bug."""


CLASSES: dict[str, type[IngotError]] = {
    cls.__name__: cls
    for cls in (
        ShapeError,
        DTypeError,
        ArgumentError,
        RecordError,
        FileError,
        RangeError,
        AbortError,
        LimitError,
        StateError,
        DeviceError,
        InternalError,
    )
}
