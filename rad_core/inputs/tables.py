"""Score files of people who bring their own models, read for what they are given as: .npy, .npz, .parquet, .csv, .tsv.

The command line, the library and the studio read through this module, and so say the same words. Nothing is unpickled.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs import diagnosis
from rad_core.inputs.arrays import Given, Numbers, as_numbers, is_frame
from rad_core.inputs.columns import Content, content_of, id_column_of, ids_of, listed, numbers_of
from rad_core.inputs.flags import flags_of, gains_apart
from rad_core.inputs.ids import PICK_COLUMNS, ROW_NUMBERS, Ids, Purchases, make_ids, shortened
from rad_core.inputs.npy import read_arrays
from rad_core.inputs.rounding import MOST_SLACK
from rad_core.inputs.sheets import Column, Sheet, sheet_of_records

READABLE = (".npy", ".npz", ".parquet", ".csv", ".tsv")


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds, read for a role.

    values: probabilities (N, C), features (N, D), flags or labels (N,). ids: of its rows, or None where it names none.
    notes: one sentence for everything that was done to the data. gains: (V,) the student's, of flags that have them.
    """

    values: np.ndarray
    ids: Ids | None = None
    notes: tuple[str, ...] = ()
    gains: np.ndarray | None = None

    @property
    def naming(self) -> str:
        """Where the names of the rows come from, for people."""
        return ROW_NUMBERS if self.ids is None else self.ids.told()


@dataclass(frozen=True)
class Role:
    """What a file may be given as. what: for messages. read: what it must be, from its sheet. counted: its rows."""

    what: str
    read: Callable[[Sheet], Table]
    counted: str = "rows"


def read_table(role: str, path: Path, name: str | None = None) -> Table:
    """Read a file for a role, a key of ROLES. name: what messages call it, its path by default."""
    name = str(path) if name is None else name
    return ROLES[role].read(read_sheet(path, name, ROLES[role].what))


def read_sheet(
    path: Path, name: str, what: str, readable: Sequence[str] = READABLE, exact: Collection[str] = ()
) -> Sheet:
    """What a file holds, whatever it is for. exact: names of columns that are kept as text, where it is text."""
    wanted = check_readable(path, name, what, readable)
    suffix = path.suffix.lower()
    try:
        if suffix in (".npy", ".npz"):
            return _sheet_of_arrays(read_arrays(path, name), name)
        if suffix == ".parquet":
            from rad_core.inputs.arrow import read_parquet

            return read_parquet(path, name)
        from rad_core.inputs.text import read_text

        return read_text(path, name, exact)
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}); {wanted}.") from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory; give a part of it.") from error
    except csv.Error as error:
        raise InputError(f"{name} is not a readable {suffix} table ({error}).") from error


def check_readable(path: Path, name: str, what: str, readable: Sequence[str] = READABLE) -> str:
    """Raise InputError unless a path is that of a file to read; returns what is wanted, for a sentence."""
    wanted = f"give the {what} as {', '.join(readable)}"
    suffix = path.suffix.lower()
    if path.is_dir():
        raise InputError(f"{name} is a folder; {wanted}.")
    if not path.is_file():
        raise InputError(f"There is no file {name}; {wanted}.")
    if suffix not in readable:
        packed = ", which is packed; unpack it and" if suffix in (".gz", ".bz2", ".xz", ".zst", ".zip") else ";"
        raise InputError(f"{name} ends in {suffix or 'nothing'}{packed} {wanted}.")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{name} is empty; {wanted}.")
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}); {wanted}.") from error
    return wanted


def _sheet_of_arrays(arrays: dict[str, np.ndarray], name: str) -> Sheet:
    only = next(iter(arrays.values())) if len(arrays) == 1 else None
    if only is not None and only.dtype.names is not None:
        return sheet_of_records(only, name)
    return Sheet(name, tuple(Column(key, values) for key, values in arrays.items()), kind="arrays")


def read_given(given: Given, role: str, name: str) -> Numbers | Table:
    """What the library was given for a role: frames and files read as a table, anything else as numbers."""
    if isinstance(given, str | os.PathLike):
        return read_table(role, Path(given))
    if not is_frame(given):
        return as_numbers(given, name)
    if isinstance(given, np.ndarray):
        return ROLES[role].read(sheet_of_records(given, name))
    from rad_core.inputs.arrow import sheet_of_frame

    return ROLES[role].read(sheet_of_frame(given, name))


# --- roles --------------------------------------------------------------------------------------------------------


def meant(sheet: Sheet) -> tuple[Content, tuple[str, ...], Sheet]:
    """The columns of a sheet that hold probabilities and the one that names its rows; what was left out; the sheet."""
    if sheet.doubtful_heading:
        raise InputError(
            f"{sheet.name} begins with 0 and 1: these may be the names of two classes or the first row; begin with a "
            "line of words, for instance class 0 and class 1, or add a column id."
        )
    content, notes = _with_class_called_id(content_of(sheet, ("probabilities",), "probabilities"), sheet)
    return content, sheet.notes + content.notes + notes, sheet


def _probabilities(sheet: Sheet) -> Table:
    content, notes, _ = meant(sheet)
    values, names, converted = numbers_of(content.columns, sheet)
    numbers = as_numbers(values, sheet.name)
    checked = diagnosis.check(numbers, sheet.name, names, owned=sheet.kind == "arrays")
    ids, named = ids_of(content, len(checked.values), sheet.name)
    return Table(checked.values, ids, notes + converted + checked.notes + named)


def _with_class_called_id(content: Content, sheet: Sheet) -> tuple[Content, tuple[str, ...]]:
    """Read a column called id as a class where the rows sum to 1 with it, and less well without it."""
    column = content.id_column
    named = column is not None and any(column is other for other in sheet.columns)  # and not the index
    if column is None or not named or sheet.kind == "arrays" or column.values.ndim != 1:
        return content, ()
    try:
        share, _, _ = numbers_of([column], sheet)
        others, _, _ = numbers_of(content.columns, sheet)
    except InputError:  # words: ids, or told when they are read
        return content, ()
    without = others.sum(axis=1, dtype=np.float64) if others.ndim == 2 else np.full(len(share), np.nan)
    off_without, off_with = (float(np.abs(sums - 1).max(initial=0)) for sums in (without, without + share[:, 0]))
    if not (off_with < off_without and off_with <= MOST_SLACK and share.min(initial=0) >= 0):
        return content, ()
    class_ = Column(column.name, share[:, 0])
    columns = tuple(
        class_ if other is column else other
        for other in sheet.columns
        if other is column or any(other is kept for kept in content.columns)
    )
    note = f"{sheet.name}: {content.source} was read as a class: with it the rows sum to 1, without it less exactly."
    index = sheet.index[0] if len(sheet.index) == 1 else None
    return replace(content, columns=columns, id_column=index, source="the index"), (note,)


def _features(sheet: Sheet) -> Table:
    content = content_of(sheet, ("features",), "features")
    values, _, converted = numbers_of(content.columns, sheet)
    numbers = as_numbers(values, sheet.name)
    values = numbers.values
    if values.ndim != 2:
        raise InputError(
            f"{sheet.name} has shape {values.shape}; features must be (N, D), a row for each of the N points."
        )
    if not np.isfinite(values).all():
        row = int(np.isfinite(values).all(axis=1).argmin())
        raise InputError(f"{sheet.name} holds NaN or infinity in row {row}; every feature must be a number.")
    ids, named = ids_of(content, len(values), sheet.name)
    return Table(values, ids, sheet.notes + content.notes + converted + numbers.notes + named)


def _labels(sheet: Sheet) -> Table:
    content = content_of(sheet, ("labels", "label"), "true labels")
    values, _, converted = numbers_of(content.columns, sheet)
    numbers = as_numbers(values, sheet.name)
    values = numbers.values[:, 0] if numbers.values.ndim == 2 and numbers.values.shape[1] == 1 else numbers.values
    if values.ndim != 1 or len(values) == 0 or not np.all((values >= 0) & (values == np.floor(values))):
        raise InputError(f"{sheet.name} must be one column of class numbers 0, 1, 2, ..., a row per point of the pool.")
    ids, named = ids_of(content, len(values), sheet.name)
    return Table(values.astype(np.int64), ids, sheet.notes + content.notes + converted + numbers.notes + named)


def _flags(sheet: Sheet) -> Table:
    gains, flags = gains_apart(sheet)
    values, notes = flags_of(flags)
    return Table(values, None, sheet.notes + notes, gains)


ROLES = {
    "probabilities": Role("probabilities", _probabilities),
    "flags": Role("teacher-right flags", _flags),
    "features": Role("features", _features),
    "labels": Role("true labels", _labels, "labels"),
}


# --- files that go together ---------------------------------------------------------------------------------------


def in_order_of(role: str, table: Table, pool: Table, name: str, pool_name: str) -> Table:
    """The rows of a file in the order of the pool's: by their ids where both have them, else as they are."""
    rows, wanted, what, counted = len(table.values), len(pool.values), ROLES[role].what, ROLES[role].counted
    if table.ids is None or pool.ids is None:
        if rows != wanted:
            raise InputError(
                f"{name} has {rows:,} {counted}, but {pool_name} has {wanted:,}; give the {what} of the same points in "
                "the same order."
            )
        if table.ids is None:
            return table
        return replace(table, notes=(*table.notes, f"{name}: its ids are not used, since {pool_name} has none."))
    places = {text: row for row, text in enumerate(table.ids.text)}
    order = np.array([places.get(text, -1) for text in pool.ids.text], np.int64)
    if (order < 0).any():
        missing = pool.ids.text[int((order < 0).argmax())]
        raise InputError(
            f"{name} (ids from {table.ids.source}) has no row with the id {shortened(missing)} of {pool_name}, and "
            f"{int((order < 0).sum()):,} in all; ids are compared as text, exactly."
        )
    if np.array_equal(order, np.arange(rows)):
        return table
    left = f", {rows - wanted:,} others left out" if rows > wanted else ""
    note = f"{name}: its rows were put in the order of {pool_name} by their ids{left}."
    return Table(table.values[order], Ids(table.ids.values[order], table.ids.source), (*table.notes, note))


# --- ids already bought -------------------------------------------------------------------------------------------

_LISTS = (*READABLE, ".txt")


def read_purchases(path: Path, name: str | None = None) -> Purchases:
    """Ids of rows already bought: a column, index or array of ids, a single column, or a text file of one id a line."""
    name = str(path) if name is None else name
    suffix = path.suffix.lower()
    if path.is_file() and suffix in (".txt", ".csv", ".tsv") and path.stat().st_size:
        from rad_core.inputs.text import read_lines, single_column

        if suffix == ".txt":
            lines, notes = read_lines(path, name)
            return Purchases(lines, name, notes=notes)
        cells, notes = single_column(path, name)
        if cells:
            return Purchases(cells[1:], name, heading=cells[0], notes=notes)
    sheet = read_sheet(path, name, "ids already bought", _LISTS)
    column, source = _column_of_ids(sheet)
    ids, notes = make_ids(column.values, source, len(column.values), name, different=False)
    ours = tuple(other.name for other in sheet.columns[: len(PICK_COLUMNS)]) == PICK_COLUMNS
    text: Literal["always", "perhaps"] = "always" if ours else "perhaps"
    escaped = text if suffix in (".csv", ".tsv") else "never"
    return Purchases(list(ids.text), name, escaped, notes=sheet.notes + notes)


def _column_of_ids(sheet: Sheet) -> tuple[Column, str]:
    column, source, _ = id_column_of(sheet)
    if column is not None:
        return column, source
    if len(sheet.columns) > 1:
        held = listed([other.name for other in sheet.columns])
        raise InputError(f"{sheet.name} holds {held}; name the one with the ids already bought id.")
    kind = "array" if sheet.kind == "arrays" else "column"
    return sheet.columns[0], f"{kind} {sheet.columns[0].name}".strip()
