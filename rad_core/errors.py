"""The one exception that means: the input was wrong, and here is what to do about it; and the one warning beside it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence


class InputError(ValueError):
    """Bad input, told in one sentence: what came, what was wanted, what to do.

    The command line prints it and exits with code 2; the studio shows it. It never hides a defect of the program
    itself, which keeps its own traceback.
    """


class InputNote(UserWarning):
    """What a library call did to the data that it was given, in one sentence: converted, clipped, renormalized."""


def tell(notes: Sequence[str]) -> None:
    """Warn of what was done to the data, pointing at the line outside of this package that gave it."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("rad_core."):
        depth, frame = depth + 1, frame.f_back
    for note in notes:
        warnings.warn(note, InputNote, stacklevel=depth)
