"""One record per row of the core's table, grouped in files by kind."""

from __future__ import annotations

from . import (
    along_axis,
    contraction,
    control,
    creation,
    cumulative,
    indexing,
    movement,
    pointwise_arithmetic,
    pointwise_compare,
    pointwise_math,
    pooling,
    reduction,
    sorting,
)
from .along_axis import *
from .contraction import *
from .control import *
from .creation import *
from .cumulative import *
from .indexing import *
from .movement import *
from .pointwise_arithmetic import *
from .pointwise_compare import *
from .pointwise_math import *
from .pooling import *
from .reduction import *
from .sorting import *

__all__ = [
    *along_axis.__all__,
    *contraction.__all__,
    *control.__all__,
    *creation.__all__,
    *cumulative.__all__,
    *indexing.__all__,
    *movement.__all__,
    *pointwise_arithmetic.__all__,
    *pointwise_compare.__all__,
    *pointwise_math.__all__,
    *pooling.__all__,
    *reduction.__all__,
    *sorting.__all__,
]
