"""Functions of other ops: no row, no kernel; each one's docstring states its steps."""

from __future__ import annotations

from . import index, network, numeric, shaping  # noqa: F401 (index serves x[...])
from .network import *
from .numeric import *
from .shaping import *

__all__ = [
    *network.__all__,
    *numeric.__all__,
    *shaping.__all__,
]
