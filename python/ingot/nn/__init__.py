"""Neural networks: `functional` has the functions, under torch's names."""

from __future__ import annotations

from . import functional

__all__ = ["functional"]
