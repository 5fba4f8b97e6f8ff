"""Rows with ids and, where there are any, labels: files, frames, mappings and plain lists are all read here.

Files are .csv, .tsv, .parquet, .jsonl, .npz, or a folder of Parquet files. Ids are text, exactly as given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import Given, is_frame
from rad_core.inputs.arrow import sheet_of_frame
from rad_core.inputs.columns import id_column_of, listed
from rad_core.inputs.ids import make_ids
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
