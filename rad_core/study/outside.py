"""A teacher from outside in a simulated study: asked about what is bought and the validation set, and nothing twice."""

from __future__ import annotations

import weakref
from functools import cached_property, partial

import numpy as np
from filelock import FileLock

from rad_core.campaign.called import Question, TeacherError
from rad_core.campaign.called import Teacher as Called
from rad_core.campaign.teachers import make_teacher
from rad_core.errors import InputError
from rad_core.learning.data import Dataset
from rad_core.learning.inputs import Inputs
from rad_core.learning.teachers import Teacher, parse_teacher
from rad_core.store.study import Study
from rad_core.study.answers import Answers

_BATCH = 200  # questions that a teacher is handed at once
_LOCK = "answers.lock"


class OutsideTeacher(Teacher):
    """Asks what nobody has asked before in this study; a row of NaN stands for an abstention."""

    def __init__(self, study: Study, dataset: Dataset) -> None:
        super().__init__()
        self.study, self.dataset = study, dataset
        self.answers = Answers(study.path, len(dataset.classes))
        self.answers.begin(partial(_bought, study))

    def query(self, ids: np.ndarray) -> np.ndarray:
        """Buy the soft labels (b, C) float32 of these rows; NaN where it abstains.

        Raises TeacherError where questions stay open; what was answered is kept.
        """
        self.queries += len(ids)
        # One process at a time asks: what another one buys meanwhile is there when its turn is over.
        with FileLock(self.study.path / _LOCK):
            self._ask(ids[~self.answers.read(ids)[1]])
            return self.answers.read(ids)[0]

    def query_images(self, images: Inputs) -> np.ndarray:
        """Nobody outside knows them: answers belong to rows of the data set."""
        raise InputError("A teacher from outside cannot label mixed images; leave out the strategies that mix.")

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What it has answered so far, NaN elsewhere; nothing is asked."""
        return self.answers.read(ids)[0], None

    @cached_property
    def _called(self) -> Called:
        teacher = make_teacher(self.study.config.teacher, self.dataset.classes)
        weakref.finalize(self, teacher.close)
        if teacher.introduction:
            self.study.log(f"Every request begins with: {' / '.join(teacher.introduction.splitlines())}")
        return teacher

    def _ask(self, rows: np.ndarray) -> None:
        if not len(rows):
            return
        if cut_off := self.answers.name_lost():
            self.study.log(f"{cut_off:,} questions were cut off last time; they are asked again, and may cost twice.")
        questions = [Question(str(row), {shown_as(self.dataset): shown(self.dataset, row)}) for row in rows.tolist()]
        for start in range(0, len(questions), _BATCH):
            for part in self._called.ask(questions[start : start + _BATCH], self.answers):
                self.answers.enter(part)
        still = int((~self.answers.read(rows)[1]).sum())
        if still:
            words = self.answers.last_words().rstrip(".")
            raise TeacherError(
                f"{still:,} of {len(rows):,} questions to {self.study.config.teacher} stayed without an answer "
                f"({words}); what was answered is kept: mend it and go on with rad resume {self.study.id}."
            )


def shown_as(dataset: Dataset) -> str:
    """Under which name a teacher is shown a row."""
    return "image" if dataset.has_images else "features"


def shown(dataset: Dataset, row: int) -> str | np.ndarray:
    """What a teacher is shown of a row: the path of its image, the image (H, W, C) uint8, or its features (D,)."""
    if dataset.path is not None:
        return str(dataset.path(row))
    return np.asarray(dataset.images[row]) if dataset.has_images else np.asarray(dataset.images[row]).ravel()


def check_outside(spec: str, dataset: Dataset) -> None:
    """Raise InputError where a teacher from outside cannot be asked about a data set; nothing is sent."""
    if parse_teacher(spec)[0] == "openai" and not dataset.has_images:
        raise InputError(
            f"The teacher {spec} is shown images, and the rows of {dataset.name} are features; take "
            "python:FILE.py:FUNCTION, which gets them as arrays."
        )
    make_teacher(spec, dataset.classes).close()


def _bought(study: Study) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the arrays of a study hold of answers: rows of the data set and (n, C) soft labels."""
    parts = []
    for seed in study.seeds():
        pool = np.asarray(study.seed_array(seed, "pool_ids"))
        checked = np.asarray(study.seed_array(seed, "validation_ids"))
        parts.append((checked, np.asarray(study.seed_array(seed, "teacher_validation_probabilities"))))
        for strategy in study.config.strategies:
            for number in study.finished_rounds(strategy, seed)[1:]:
                bought = np.asarray(study.round_array(strategy, seed, number, "bought"))
                parts.append((pool[bought], np.asarray(study.round_array(strategy, seed, number, "soft_labels"))))
    return parts
