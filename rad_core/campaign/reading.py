"""Classes and probabilities that people hand over for a campaign, read exactly.

Rows are matched by their ids, as text exactly as given, and classes by their names: never by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs import diagnosis
from rad_core.inputs.arrays import Given, as_numbers, is_torch
from rad_core.inputs.columns import id_column_of, listed, numbers_of
from rad_core.inputs.examples import is_table, is_text_file, sheet_of
from rad_core.inputs.ids import make_ids, shortened
from rad_core.inputs.sheets import Column, Sheet


@dataclass(frozen=True, eq=False)
class Scores:
    """Class probabilities of N rows. ids: (N,) text, or None: the rows are the pool's, in its order.

    unseen: positions (V,) of checked examples and the probabilities (V, C) of students that did not learn from them.
    """

    values: np.ndarray
    ids: list[str] | None
    notes: tuple[str, ...] = ()
    escaped: bool = False
    unseen: tuple[np.ndarray, np.ndarray] | None = None


def class_numbers(labels: Sequence[str | None], ids: Sequence[str], classes: Sequence[str], name: str) -> list[int]:
    """The numbers of the classes that labels name; -1 where there is none. Raises InputError for an unknown class."""
    numbers = {text: number for number, text in enumerate(classes)}
    unknown = next((row for row, text in enumerate(labels) if text is not None and text not in numbers), None)
    if unknown is not None:
        raise InputError(
            f"{name} calls {shortened(ids[unknown])} {shortened(labels[unknown])!r}, which is none of the classes "
            f"{listed(list(classes))}."
        )
    return [-1 if text is None else numbers[text] for text in labels]


def class_columns(
    others: Sequence[Column], classes: Sequence[str], name: str, prefix: str = ""
) -> tuple[list[Column], list[str]]:
    """The columns of the classes, by their names and in the order of the classes, and the names of those left out.

    prefix: before the name of every class. [] where none is there. Raises InputError where some are missing.
    """
    by_name: dict[str, list[Column]] = {}
    for column in others:
        by_name.setdefault(column.name, []).append(column)
    wanted = [f"{prefix}{text}" for text in classes]
    held = [text for text in wanted if text in by_name]
    if not held:
        return [], [column.name for column in others]
    missing = [text for text in wanted if text not in by_name]
    if missing:
        raise InputError(
            f"{name} has no column {listed(missing)}, but columns for {listed(held)}; give one for each of the "
            f"{len(classes)} classes."
        )
    twice = next((text for text in wanted if len(by_name[text]) > 1), None)
    if twice is not None:
        raise InputError(f"{name} has {len(by_name[twice])} columns called {twice}; give one for each class.")
    rest = [column.name for column in others if column.name not in set(wanted)]
    return [by_name[text][0] for text in wanted], rest


def matrix_of(columns: Sequence[Column], name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Columns side by side as numbers (N, C), NaN where empty, and what was converted."""
    values, _, notes = numbers_of(columns, Sheet(name, tuple(columns)))
    return values, notes


def checked_probabilities(values: Given, name: str, classes: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class probabilities (N, C) once they are sure to be that, and what was done to them. Raises InputError."""
    numbers = as_numbers(values, name)
    array = numbers.values.numpy(force=True) if is_torch(numbers.values) else numbers.values
    if array.ndim != 2 or array.shape[1] != len(classes):
        raise InputError(
            f"{name} has shape {tuple(array.shape)}; give a row per point with {len(classes)} numbers, one for each of "
            f"the classes {listed(list(classes))}."
        )
    checked = diagnosis.check(numbers, name, list(classes))
    result = checked.values.numpy(force=True) if is_torch(checked.values) else checked.values
    return result, (*numbers.notes, *checked.notes)


def scores_of(given: Given, classes: Sequence[str], ids: Given = None, name: str = "probabilities") -> Scores:
    """The student's class probabilities; what was read before as it is. ids: names of the rows of an array.

    Raises InputError.
    """
    if isinstance(given, Scores) and ids is None:
        return given
    if not is_table(given):
        values, notes = checked_probabilities(given, name, classes)
        if ids is None:
            return Scores(values, None, notes)
        named, more = make_ids(np.asarray(ids, object), "ids", len(values), name)
        return Scores(values, list(named.text), (*notes, *more))
    if ids is not None:
        raise InputError(f"{name} has ids of its own; leave out the argument ids.")
    sheet = sheet_of(given, name, "probabilities")
    column, source, notes = id_column_of(sheet)
    if column is None:
        raise InputError(f"{sheet.name} has no column id; rows of probabilities are matched by the ids of the pool.")
    others = [other for other in sheet.columns if other is not column]
    values, rest, more = _probabilities(sheet, others, classes)
    named, converted = make_ids(column.values, source, len(column.values), sheet.name)
    if rest:
        more = (*more, f"{sheet.name}: left out {listed(rest, 'column')}.")
    return Scores(values, list(named.text), (*sheet.notes, *notes, *more, *converted), is_text_file(given))


def _probabilities(
    sheet: Sheet, others: Sequence[Column], classes: Sequence[str]
) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    stacked = [other for other in others if other.values.ndim == 2]
    if len(stacked) == 1:
        values, notes = checked_probabilities(stacked[0].values, sheet.name, classes)
        return values, [other.name for other in others if other is not stacked[0]], notes
    columns, rest = class_columns(others, classes, sheet.name)
    if not columns:
        raise InputError(
            f"{sheet.name} holds {listed(rest) if rest else 'nothing beside ids'}; give one column for each of the "
            f"classes {listed(list(classes))}."
        )
    values, notes = matrix_of(columns, sheet.name)
    checked, more = checked_probabilities(values, sheet.name, classes)
    return checked, rest, (*notes, *more)
