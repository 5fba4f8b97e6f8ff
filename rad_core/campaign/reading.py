"""What people hand over for a campaign, read exactly: pools, examples with known classes, the student's probabilities.

Files (.csv, .tsv, .parquet, .jsonl, .npz, a folder of Parquet files), frames, mappings and plain lists are all read
here. Rows are matched by their ids, as text exactly as given, and classes by their names: never by position.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs import diagnosis
from rad_core.inputs.arrays import Given, as_numbers, is_frame, is_torch
from rad_core.inputs.arrow import sheet_of_frame
from rad_core.inputs.columns import id_column_of, listed, numbers_of
from rad_core.inputs.ids import make_ids, shortened
from rad_core.inputs.records import column_of, read_any
from rad_core.inputs.sheets import Column, Sheet, sheet_of_records

LABEL, TEACHER = "label", "teacher"
EXACT = (LABEL, TEACHER, "text", "image", "rad_id")  # columns that are text, whatever they look like


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with ids, N of them. labels: (N,) names of classes, None where there is none. others: further columns.

    has_labels: whether there is a column of labels at all. escaped: whether an id may have the apostrophe that a .csv
    puts before what a spreadsheet would run.
    """

    name: str
    ids: list[str]
    labels: list[str | None]
    others: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    has_labels: bool = False
    escaped: bool = False


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


def sheet_of(given: Given, name: str, what: str) -> Sheet:
    """The columns of a file, a frame, or a mapping of names to columns. Raises InputError."""
    if isinstance(given, str | os.PathLike):
        return read_any(Path(given), str(given), what, EXACT)
    if isinstance(given, np.ndarray) and given.dtype.names is not None:
        return sheet_of_records(given, name)
    if is_frame(given):
        return sheet_of_frame(given, name)
    if isinstance(given, Mapping):
        columns = tuple(
            Column(str(key), values if getattr(values, "ndim", 1) == 2 else column_of(list(values)))
            for key, values in given.items()
        )
        if len({len(column.values) for column in columns}) > 1:
            raise InputError(f"{name} has columns of different lengths; give every row all of them.")
        return Sheet(name, columns)
    raise InputError(f"{name} is {type(given).__name__}; give the {what} as a file, a frame or columns by name.")


def is_table(given: Given) -> bool:
    """Whether something names its own rows and columns."""
    return isinstance(given, str | os.PathLike | Mapping) or is_frame(given)


def examples_of(given: Given, name: str, what: str, *, different: bool = True) -> Examples:
    """Rows with ids and, where there are any, labels: of a table, a list of ids, or id -> label.

    different: whether no id may come twice. Raises InputError: a missing or repeated id, naming the row.
    """
    if isinstance(given, Mapping) and "id" not in given:
        given = {"id": list(given), LABEL: list(given.values())}
    elif not is_table(given):
        given = _columns_of_rows(given, name)
    sheet = sheet_of(given, name, what)
    column, source, notes = id_column_of(sheet)
    if column is None:
        held = listed([other.name for other in sheet.columns])
        raise InputError(f"{sheet.name} has no column id, only {held}; every row needs an id of its own.")
    ids, more = make_ids(column.values, source, len(column.values), sheet.name, different=different)
    named = [other for other in sheet.columns if other.name == LABEL]
    if len(named) > 1:
        raise InputError(f"{sheet.name} has {len(named)} columns called {LABEL}; name one of them so.")
    labels: list[str | None] = labels_of(named[0], sheet.name) if named else [None] * len(ids.text)
    others = tuple(other for other in sheet.columns if other is not column and other not in named)
    notes = (*sheet.notes, *notes, *more)
    return Examples(sheet.name, list(ids.text), labels, others, notes, bool(named), is_text_file(given))


def _columns_of_rows(given: Given, name: str) -> dict[str, list[object]]:
    """A list of ids, of (id, label) or of (id, label, teacher's class), as columns."""
    rows = given.tolist() if hasattr(given, "tolist") else list(given)
    if not rows:
        raise InputError(f"{name} is empty; give an id for every row.")
    if not isinstance(rows[0], list | tuple):
        return {"id": rows}
    names = ("id", LABEL, TEACHER)[: len(rows[0])]
    odd = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if odd is not None:
        raise InputError(f"Row {odd} of {name} has {len(rows[odd])} entries and row 0 has {len(names)}; give as many.")
    return {key: [row[at] for row in rows] for at, key in enumerate(names)}


def is_text_file(given: Given) -> bool:
    """Whether something is a table of text, in which a spreadsheet may have seen formulas."""
    return isinstance(given, str | os.PathLike) and Path(given).suffix.lower() in (".csv", ".tsv")


def labels_of(column: Column, name: str) -> list[str | None]:
    """A column of names of classes; None where it is empty. A whole number is its digits, in whatever type it came."""
    if column.values.ndim != 1:
        raise InputError(f"Column {column.name} of {name} holds several values per row; a label is one class.")
    return [_label(entry) for entry in column.values.tolist()]


def _label(entry: object) -> str | None:
    if entry is None or entry != entry or type(entry).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(entry, float) and entry.is_integer():
        return str(int(entry))
    text = str(entry)
    return text if text.strip() else None


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
