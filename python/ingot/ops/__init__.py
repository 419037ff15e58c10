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
    philox,
    pointwise_arithmetic,
    pointwise_compare,
    pointwise_exponential,
    pointwise_hyperbolic,
    pointwise_math,
    pointwise_neighbors,
    pointwise_trigonometric,
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
from .philox import *
from .pointwise_arithmetic import *
from .pointwise_compare import *
from .pointwise_exponential import *
from .pointwise_hyperbolic import *
from .pointwise_math import *
from .pointwise_neighbors import *
from .pointwise_trigonometric import *
from .pooling import *
from .reduction import *
from .sorting import *

__all__: list[str] = []
__all__ += along_axis.__all__
__all__ += contraction.__all__
__all__ += control.__all__
__all__ += creation.__all__
__all__ += cumulative.__all__
__all__ += indexing.__all__
__all__ += movement.__all__
__all__ += philox.__all__
__all__ += pointwise_arithmetic.__all__
__all__ += pointwise_compare.__all__
__all__ += pointwise_exponential.__all__
__all__ += pointwise_hyperbolic.__all__
__all__ += pointwise_math.__all__
__all__ += pointwise_neighbors.__all__
__all__ += pointwise_trigonometric.__all__
__all__ += pooling.__all__
__all__ += reduction.__all__
__all__ += sorting.__all__
