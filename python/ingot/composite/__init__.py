"""Functions of other ops: no row, no kernel; each one's docstring states its steps."""

from __future__ import annotations

from . import (
    arithmetic,
    creation,
    data_types,
    diagonals,
    elementwise,
    joining,
    linear_algebra,
    network,
    repeating,
    searching,
    shaping,
    statistics,
    unique,
)
from .arithmetic import *
from .creation import *
from .data_types import *
from .diagonals import *
from .elementwise import *
from .index import index as index
from .joining import *
from .linear_algebra import *
from .network import *
from .repeating import *
from .searching import *
from .shaping import *
from .statistics import *
from .unique import *

__all__ = [
    *arithmetic.__all__,
    *creation.__all__,
    *data_types.__all__,
    *diagonals.__all__,
    *elementwise.__all__,
    *joining.__all__,
    *linear_algebra.__all__,
    *network.__all__,
    *repeating.__all__,
    *searching.__all__,
    *shaping.__all__,
    *statistics.__all__,
    *unique.__all__,
]
