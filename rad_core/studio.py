"""What the engine has of the studio, found by its entry points: the engine knows none of its modules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rad_core.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "rad_studio"


def program(name: str) -> list[str]:
    """The words that start a program of the studio, to which its one argument is added; runs none of its code.

    What is installed runs, and not what the folder that it is called from may call the same.
    """
    return [sys.executable, "-P", "-m", _entry(name).module]


def chart(name: str) -> Callable[..., Any]:
    """The function of the studio that draws a chart of a study: (study, ...) -> a Plotly figure."""
    function: Callable[..., Any] = _entry(name).load()
    return function


def _entry(name: str) -> EntryPoint:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        return entry
    raise InputError("The studio is not installed beside the engine; install both with pip install rad-studio.")
