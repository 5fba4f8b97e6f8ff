"""The programs of the studio, found by their entry points: the engine knows none of its modules."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

from rad_core.errors import InputError

GROUP = "rad_studio"


def program(name: str) -> list[str]:
    """The words that start a program of the studio, to which its one argument is added; runs none of its code.

    What is installed runs, and not what the folder that it is called from may call the same.
    """
    for entry in entry_points(group=GROUP, name=name):
        return [sys.executable, "-P", "-m", entry.module]
    raise InputError("The studio is not installed beside the engine; install both with pip install rad-studio.")
