"""The user's line: the first frame outside this package, for recorded nodes and for error
messages."""

# os.path is several times faster than pathlib, and this runs once for every node.
# ruff: noqa: PTH100, PTH119, PTH120

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_PACKAGE = os.path.dirname(__file__) + os.sep

# Where a model that another program wrote says that its nodes come from.
_given: ContextVar[tuple[str, int] | None] = ContextVar("ingot_origin", default=None)


@contextmanager
def located(file: str, line: int) -> Iterator[None]:
    """Makes this the line of what is recorded inside, in place of the caller's own."""
    token = _given.set((file, line))
    try:
        yield
    finally:
        _given.reset(token)


@functools.cache
def _is_package_file(filename: str) -> bool:
    return filename.startswith(_PACKAGE)


@functools.cache
def _relative(filename: str, folder: str) -> str:
    """`filename` relative to the main script's folder; its base name when it lies elsewhere."""
    path = os.path.abspath(filename)
    if folder and path.startswith(folder + os.sep):
        return path[len(folder) + 1 :].replace(os.sep, "/")
    return os.path.basename(filename)


def _main_folder() -> str:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(main)) if main else ""


def user_frame() -> FrameType | None:
    """The innermost frame that is not this package's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_package_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_line() -> tuple[str, int]:
    """(file, line) of the user's code, or of what it imports; ("", 0) when there is none."""
    given = _given.get()
    if given is not None:
        return given
    frame = user_frame()
    if frame is None:
        return "", 0
    return _relative(frame.f_code.co_filename, _main_folder()), frame.f_lineno


def at_user_line() -> str:
    """The tail of a message: "  (model.py:12)"; empty when the line is unknown."""
    return _tail(*user_line())


def add_line(error: Exception) -> None:
    """Puts the tail of the user's innermost line behind the message of a caught error, once."""
    if not error.args or _TAIL.search(str(error)):
        return
    found: tuple[str, int] = ("", 0)
    trace = error.__traceback__
    while trace is not None:
        if not _is_package_file(trace.tb_frame.f_code.co_filename):
            found = _relative(trace.tb_frame.f_code.co_filename, _main_folder()), trace.tb_lineno
        trace = trace.tb_next
    error.args = (f"{error}{_tail(*found)}",)


_TAIL = re.compile(r"  \([^()]+:\d+\)$")


def _tail(file: str, line: int) -> str:
    return f"  ({file}:{line})" if file else ""
