"""Functions of other ops: no row, no kernel; each one's docstring states its steps."""

from __future__ import annotations

from . import index, network, numeric, shaping

__all__ = ["index", "network", "numeric", "shaping"]
