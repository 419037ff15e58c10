"""`python -m ingot`: the command line, see command/."""

from __future__ import annotations

import sys

from .command import main

sys.exit(main())
