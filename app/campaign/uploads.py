"""Files that somebody gives a campaign: read at once under a name of our own, and gone from the disk again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from rad_core import partials
from rad_core.campaign.answers import Answers, answers_of
from rad_core.campaign.reading import Scores, scores_of
from rad_core.errors import InputError
from rad_core.text import one_line

PROBABILITIES = ("csv", "tsv", "parquet", "jsonl", "npz")
ANSWERS = ("csv", "tsv", "parquet", "jsonl", "json")
MOST_MEGABYTES = 200  # of one file: text takes several times its size while it is read
_PIECE = 1 << 20  # bytes


def read_scores(name: str, content: BinaryIO, classes: Sequence[str]) -> Scores:
    """The student's probabilities of a file. name: as it was given. Raises InputError that calls it so."""
    with on_disk(name, content, PROBABILITIES) as path:
        scores = scores_of(str(path), classes)
        return replace(scores, notes=tuple(note.replace(str(path), _called(name)) for note in scores.notes))


def read_answers(name: str, content: BinaryIO, classes: Sequence[str]) -> Answers:
    """The answers of a file. name: as it was given. Raises InputError that calls it so."""
    with on_disk(name, content, ANSWERS) as path:
        answers = answers_of(str(path), None, classes)
        notes = tuple(note.replace(str(path), _called(name)) for note in answers.notes)
        return replace(answers, name=_called(name), notes=notes)


def _called(name: str) -> str:
    return Path(one_line(name)).name or "The file"


@contextmanager
def on_disk(name: str, content: BinaryIO, endings: Sequence[str]) -> Iterator[Path]:
    """A file of our own with what was uploaded, for as long as the block; an InputError in it calls it by its name."""
    ending = Path(_called(name)).suffix.lower()
    if ending.removeprefix(".") not in endings:
        allowed = ", ".join(f".{each}" for each in endings)
        raise InputError(f"{_called(name)} ends in {ending or 'nothing'}; give one of {allowed}.")
    with partials.temporary_folder("rad-upload") as folder:
        path = folder / f"given{ending}"
        with path.open("wb") as file:
            while piece := content.read(_PIECE):
                file.write(piece)
        try:
            yield path
        except InputError as error:
            raise InputError(str(error).replace(str(path), _called(name))) from error
