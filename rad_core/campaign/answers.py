"""Answers as they come back: classes, class probabilities or abstentions, from arrays, tables and labeling tools."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core.campaign import tools
from rad_core.campaign.contents import ABSTENTION, Content, hard, soft
from rad_core.campaign.reading import checked_probabilities, class_columns, class_numbers, matrix_of
from rad_core.errors import InputError
from rad_core.inputs.arrays import Given
from rad_core.inputs.columns import listed
from rad_core.inputs.examples import LABEL, TEACHER, Examples, examples_of, labels_of
from rad_core.inputs.records import column_of
from rad_core.inputs.sheets import Column


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered about N points, which may come several times. name: what messages call it.

    escaped: whether an id may have the apostrophe that a .csv puts before what a spreadsheet would run.
    """

    name: str
    ids: list[str]
    contents: list[Content]
    notes: tuple[str, ...] = ()
    escaped: bool = False


def answers_of(ids: Given, answers: Given, classes: Sequence[str]) -> Answers:
    """Answers given as arrays, or as one table or file where `answers` is None.

    ids: N names. answers: (N, C) probabilities, a row of NaN for an abstention; or N names of classes, None for an
    abstention. Raises InputError: unknown classes, another number of them, rows that do not sum to 1.
    """
    if answers is None:
        return _of_table(ids, classes)
    names = [str(entry) for entry in (ids.tolist() if hasattr(ids, "tolist") else list(ids))]
    entries = answers.detach().cpu().numpy() if hasattr(answers, "detach") else answers
    if not isinstance(entries, np.ndarray):
        entries = list(entries)
    if len(entries) != len(names):
        raise InputError(f"There are {len(names):,} ids and {len(entries):,} answers; give one answer for each id.")
    if not names:
        raise InputError("There are no answers; give at least one.")
    if _are_labels(entries):
        labels = labels_of(Column(LABEL, column_of(list(entries))), "answers")
        return Answers("answers", names, _of_labels(names, labels, classes, "answers"))
    width = len(classes)
    rows = [np.full(width, np.nan) if row is None else np.asarray(row, np.float64) for row in entries]
    odd = next((at for at, row in enumerate(rows) if row.shape != (width,)), None)
    if odd is not None:
        raise InputError(
            f"The answer to {names[odd]} has {rows[odd].size} numbers; give one for each of the {width} classes "
            f"{listed(list(classes))}."
        )
    contents, notes = _of_matrix(np.stack(rows), classes, "answers")
    return Answers("answers", names, contents, notes)


def teachers_answers(checked: Examples, classes: Sequence[str]) -> tuple[list[Content | None], tuple[str, ...]]:
    """What the teacher said of checked examples: of a column teacher, or one column per class called teacher_CLASS.

    None where it was not asked yet.
    """
    named = [column for column in checked.others if column.name == TEACHER]
    if named:
        labels = labels_of(named[0], checked.name)
        contents = _of_labels(checked.ids, labels, classes, checked.name)
        return [None if content.abstains else content for content in contents], ()
    columns, _ = class_columns(checked.others, classes, checked.name, f"{TEACHER}_")
    if not columns:
        return [None] * len(checked.ids), ()
    values, notes = matrix_of(columns, checked.name)
    contents, more = _of_matrix(values, classes, checked.name)
    return [None if content.abstains else content for content in contents], (*notes, *more)


def _of_table(given: Given, classes: Sequence[str]) -> Answers:
    if isinstance(given, str | os.PathLike) and Path(given).suffix.lower() == ".json":
        name = str(given)
        votes = tools.read_export(Path(given), name)
        return Answers(name, [key for key, _ in votes], [_of_votes(key, cast, classes, name) for key, cast in votes])
    table = examples_of(given, "answers", "answers", different=False)
    columns, rest = class_columns(table.others, classes, table.name)
    if columns:
        values, notes = matrix_of(columns, table.name)
        contents, more = _of_matrix(values, classes, table.name)
        return Answers(table.name, table.ids, contents, (*table.notes, *notes, *more), table.escaped)
    if not table.has_labels:
        held = f" beside {listed(rest)}" if rest else ""
        raise InputError(
            f"{table.name} has neither a column label{held} nor one for each of the classes {listed(list(classes))}."
        )
    contents = _of_labels(table.ids, table.labels, classes, table.name)
    return Answers(table.name, table.ids, contents, table.notes, table.escaped)


def _of_labels(ids: Sequence[str], labels: Sequence[str | None], classes: Sequence[str], name: str) -> list[Content]:
    return [ABSTENTION if number < 0 else hard(number) for number in class_numbers(labels, ids, classes, name)]


def _of_matrix(values: np.ndarray, classes: Sequence[str], name: str) -> tuple[list[Content], tuple[str, ...]]:
    """Rows of probabilities (N, C); a row that is empty throughout is an abstention."""
    rows = np.flatnonzero(~np.isnan(values).all(axis=1))
    contents = [ABSTENTION] * len(values)
    if len(rows) == 0:
        return contents, ()
    checked, notes = checked_probabilities(values[rows], name, classes)
    for row, probabilities in zip(rows.tolist(), checked.astype(np.float64), strict=True):
        contents[row] = soft(probabilities)
    return contents, notes


def _of_votes(key: str, votes: Sequence[str], classes: Sequence[str], name: str) -> Content:
    """One vote is a class; several that differ are shares; none is an abstention."""
    numbers = class_numbers(list(votes), [key] * len(votes), classes, name)
    if len(set(numbers)) <= 1:
        return hard(numbers[0]) if numbers else ABSTENTION
    return soft(np.bincount(numbers, minlength=len(classes)) / len(numbers))


def _are_labels(entries: np.ndarray | list[Given]) -> bool:
    """Whether answers are names of classes, a text or a whole number each, rather than rows of probabilities."""
    if isinstance(entries, np.ndarray):
        return entries.ndim == 1 and not (entries.dtype == object and any(np.ndim(entry) for entry in entries))
    return all(entry is None or np.ndim(entry) == 0 for entry in entries) and any(
        entry is not None for entry in entries
    )
