"""What every teacher that is called has in common: the questions it gets, and how its answers are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rad_core.campaign.attempts import Calls
from rad_core.campaign.contents import ABSTENTION, Content, hard, soft
from rad_core.campaign.reading import checked_probabilities
from rad_core.errors import InputError, RadError

Part = list[tuple[str, Content]]


@dataclass(frozen=True)
class Question:
    """What a teacher is asked. shown: columns of the pool by name: text, image (a path) and whatever else it has."""

    id: str
    shown: Mapping[str, object]


class TeacherError(RadError):
    """A teacher that cannot go on; what it answered before counts."""


class Teacher(Protocol):
    """What can be asked by a program.

    counted: whether it sends requests that are written down. introduction: what it is told before any question, "" for
    nothing.
    """

    counted: bool
    introduction: str

    def ask(self, batch: Sequence[Question], calls: Calls) -> Iterator[Part]:
        """Yield answers by id as they come, in parts; a question that is in no part stays open.

        What is sent is written down in calls before, and so is a failure; the answers that are yielded close the rest.
        Raises TeacherError where it cannot go on, WallError where no further request fits under the wall.
        """

    def close(self) -> None:
        """Let go of what it holds."""


def content_of(given: object, classes: Sequence[str]) -> Content:
    """One answer: the name of a class, C probabilities, or None for an abstention. Raises InputError."""
    if given is None:
        return ABSTENTION
    if isinstance(given, str):
        if given not in classes:
            raise InputError(f"the class {given!r} is none of {', '.join(classes)}")
        return hard(list(classes).index(given))
    values, _ = checked_probabilities(np.asarray([given], np.float64), "the answer", classes)
    return ABSTENTION if np.isnan(values).all() else soft(values[0])
