"""What can go wrong and is told in one sentence: what came, what was wanted, what to do; and the one warning beside it.

    RadError                 1   never raised itself: what every boundary catches
      InputError             2   bad input; a ValueError as well
        DamagedError         2   something that the user named (a study, an archive) is stored and cannot be read
      StoreError             3   what is stored cannot be read or written now: no room left, held by another process
        DamagedError         2
      WorkerError            4   a process that worked beside this one has died
      TrainingError          5   training failed, though the input was sound: it diverged, or the GPU is too small

The number is the exit code of a command that ends with the error: the command line prints the sentence, the studio
shows it. A defect of the program is none of these and keeps its own traceback.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence


class RadError(Exception):
    """What is told in one sentence, without a traceback."""

    exit_code = 1


class InputError(RadError, ValueError):
    """Bad input."""

    exit_code = 2


class StoreError(RadError):
    """What is stored cannot be read or written now."""

    exit_code = 3


class DamagedError(InputError, StoreError):
    """What the user named is stored and cannot be read."""


class WorkerError(RadError):
    """A process that worked beside this one has died."""

    exit_code = 4


class TrainingError(RadError):
    """Training failed, though the input was sound."""

    exit_code = 5


def retold(exit_code: int | None, sentence: str) -> RadError:
    """The error of another process, by the code that it ended with; any other end is that of a dead worker."""
    kinds = (InputError, StoreError, TrainingError)
    return next((kind for kind in kinds if kind.exit_code == exit_code), WorkerError)(sentence)


class InputNote(UserWarning):
    """What a library call did to the data that it was given, in one sentence: converted, clipped, renormalized."""


def tell(notes: Sequence[str]) -> None:
    """Warn of what was done to the data, pointing at the line outside of this package that gave it."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("rad_core."):
        depth, frame = depth + 1, frame.f_back
    for note in notes:
        warnings.warn(note, InputNote, stacklevel=depth)
