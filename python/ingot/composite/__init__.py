"""Functions of other ops: no row, no kernel; each one's docstring states its steps."""

from __future__ import annotations

from . import (
    arithmetic,
    creation,
    data_types,
    diagonals,
    einstein,
    elementwise,
    index,
    joining,
    linear_algebra,
    network,
    norms,
    repeating,
    scans,
    searching,
    shaping,
    statistics,
    unique,
    update,
)
from .arithmetic import *
from .creation import *
from .data_types import *
from .diagonals import *
from .einstein import *
from .elementwise import *
from .index import *
from .joining import *
from .linear_algebra import *
from .network import *
from .norms import *
from .repeating import *
from .scans import *
from .searching import *
from .shaping import *
from .statistics import *
from .unique import *
from .update import *

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += creation.__all__
__all__ += data_types.__all__
__all__ += diagonals.__all__
__all__ += einstein.__all__
__all__ += elementwise.__all__
__all__ += index.__all__
__all__ += joining.__all__
__all__ += linear_algebra.__all__
__all__ += network.__all__
__all__ += norms.__all__
__all__ += repeating.__all__
__all__ += scans.__all__
__all__ += searching.__all__
__all__ += shaping.__all__
__all__ += statistics.__all__
__all__ += unique.__all__
__all__ += update.__all__
