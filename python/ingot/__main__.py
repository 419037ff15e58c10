"""`python -m ingot`: see tools.py."""

from __future__ import annotations

import sys

from .tools import main

sys.exit(main())
