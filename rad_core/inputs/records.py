"""Tables that are no single file of columns: lines of JSON, and folders of Parquet files as data sets are published."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.columns import listed
from rad_core.inputs.sheets import Column, Sheet
from rad_core.inputs.tables import READABLE, read_sheet

TABLES = (*READABLE, ".jsonl")


def read_any(path: Path, name: str, what: str, exact: Collection[str] = ()) -> Sheet:
    """A table as a file of any readable kind, as lines of JSON, or as a folder of Parquet files.

    what: what it is wanted for, for messages. exact: names of columns that are kept as text. Raises InputError.
    """
    if path.is_dir():
        return _read_folder(path, name, what)
    if path.suffix.lower() == ".jsonl" and path.is_file():
        return read_json_lines(path, name)
    return read_sheet(path, name, what, TABLES, exact)


def read_json_lines(path: Path, name: str) -> Sheet:
    """A table of one JSON object a line."""
    records: list[Mapping[str, object]] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise InputError(f"Line {number} of {name} is no JSON object; give one object with an id a line.")
                records.append(record)
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text ({error.reason}); write it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"Line {number} of {name} is no JSON ({error}); give one object with an id a line.") from error
    return sheet_of_mappings(records, name)


def sheet_of_mappings(records: Sequence[Mapping[str, object]], name: str) -> Sheet:
    """Records as columns; what a record does not have is missing there."""
    if not records:
        raise InputError(f"{name} has no rows.")
    keys = dict.fromkeys(key for record in records for key in record)
    return Sheet(name, tuple(Column(key, column_of([record.get(key) for record in records])) for key in keys))


def column_of(entries: Sequence[object]) -> np.ndarray:
    """Entries as a column: (N,) numbers where they are numbers, (N, k) where they are lists of k, else objects."""
    kinds = {type(entry) for entry in entries}
    if kinds == {bool} or kinds == {int}:
        try:
            return np.array(entries)
        except OverflowError:  # whole numbers beyond 64 bits
            pass
    elif kinds <= {int, float, type(None)} and float in kinds:
        return np.array([np.nan if entry is None else entry for entry in entries], np.float64)
    elif kinds == {list}:
        try:
            stacked = np.array(entries)
        except ValueError:  # of different lengths
            stacked = np.empty(0)
        if stacked.ndim > 1 and stacked.dtype.kind in "fiu":
            return stacked
    column = np.empty(len(entries), object)
    column[:] = entries
    return column


def _read_folder(path: Path, name: str, what: str) -> Sheet:
    """The rows of all Parquet files of a folder, in the order of their names."""
    paths = sorted(path.rglob("*.parquet"))
    if not paths:
        raise InputError(f"{name} is a folder without a .parquet file; give the {what} as {', '.join(TABLES)}.")
    sheets = [read_sheet(part, str(part), what, (".parquet",)) for part in paths]
    names = [column.name for column in sheets[0].columns]
    for sheet in sheets[1:]:
        if [column.name for column in sheet.columns] != names:
            held = listed([column.name for column in sheet.columns])
            raise InputError(f"{sheet.name} holds {held}, but {sheets[0].name} {listed(names)}; give one table.")
    columns = [
        Column(column, np.concatenate([sheet.columns[at].values for sheet in sheets]))
        for at, column in enumerate(names)
    ]
    notes = (f"{name}: {len(paths):,} Parquet files were read as one table.",) if len(paths) > 1 else ()
    return Sheet(name, tuple(columns), notes=notes)
