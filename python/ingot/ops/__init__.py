"""One record per row of the core's table, grouped in files by kind."""

from __future__ import annotations

from . import (
    contraction,
    control,
    creation,
    indexing,
    movement,
    pointwise_arithmetic,
    pointwise_compare,
    pointwise_math,
    pooling,
    reduction,
)
from .contraction import *
from .control import *
from .creation import *
from .indexing import *
from .movement import *
from .pointwise_arithmetic import *
from .pointwise_compare import *
from .pointwise_math import *
from .pooling import *
from .reduction import *

__all__ = [
    *contraction.__all__,
    *control.__all__,
    *creation.__all__,
    *indexing.__all__,
    *movement.__all__,
    *pointwise_arithmetic.__all__,
    *pointwise_compare.__all__,
    *pointwise_math.__all__,
    *pooling.__all__,
    *reduction.__all__,
]
