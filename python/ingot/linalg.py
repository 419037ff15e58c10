"""Linear algebra under the names of the array API's extension, short of decompositions."""

from __future__ import annotations

from .composite.diagonals import diagonal, trace
from .composite.linear_algebra import cross, matrix_power, outer, tensordot, vecdot
from .composite.norms import matrix_norm, vector_norm
from .composite.shaping import matrix_transpose
from .ops.contraction import matmul

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
