"""Prints version, compiler, instruction-set levels and threads of this installation."""

from __future__ import annotations

import argparse

from ingot.tools import show_config


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_given: argparse.Namespace) -> int:
    show_config()
    return 0
