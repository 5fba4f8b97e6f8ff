"""Tables as text: .csv and .tsv, read by pandas once the dialect is known, or refused with the line that is wrong."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.dialect import (
    SAMPLE_LINES,
    SPACES,
    Dialect,
    dialect_of,
    encoding_of,
    is_doubtful,
    records_of,
    separator_of,
    wrong_count_of_fields,
)
from rad_core.inputs.ids import is_id_name
from rad_core.inputs.sheets import Column, Sheet


def read_text(path: Path, name: str, exact: Collection[str] = ()) -> Sheet:
    """The columns of a table written as text. Ids and words are kept exactly; numbers are read as numbers.

    exact: names of columns that are kept as text whatever they hold: the class 3 is not 3.0 where another row has none.
    """
    dialect = dialect_of(path, name)
    positions = range(len(dialect.names))
    parsed = _parse(path, name, dialect)
    as_text = {at for at in positions if is_id_name(dialect.names[at]) or dialect.names[at] in exact}
    words = [at for at in positions if at in as_text or parsed[at].dtype.kind not in "fiub"]
    if len(dialect.names) == 1 and _missing(parsed[0]).any():
        words = [0]  # a blank line is a row without a value then
    if words:
        parsed |= _parse(path, name, dialect, words)
    columns, notes = _without_empty_rows([Column(dialect.names[at], parsed[at]) for at in positions], name)
    if len(columns[0].values) == 0:
        raise InputError(f"{name} names its columns but has no rows.")
    columns, more = _without_empty_columns(columns, dialect, path, name)

    def line_of(row: int) -> int:
        return next(itertools.islice(_lines(path, dialect), row, None))[0]

    notes = dialect.notes + notes + more
    return Sheet(name, tuple(columns), notes=notes, doubtful_heading=is_doubtful(dialect.names), line_of=line_of)


def read_lines(path: Path, name: str) -> tuple[list[str], tuple[str, ...]]:
    """The lines of a text file that are not blank, each as it is; what is unusual about the file."""
    encoding, notes = encoding_of(path, name)
    with path.open(encoding=encoding, newline="") as file:
        lines = re.split(r"\r\n|\n|\r", file.read())
    return [line for line in lines if line.strip()], notes


def single_column(path: Path, name: str) -> tuple[list[str], tuple[str, ...]]:
    """The cells of a table of one column that is not called id, the first line among them; [] for any other table."""
    encoding, notes = encoding_of(path, name)
    with path.open(encoding=encoding, newline="") as file:
        lines = file.readlines()
    records = records_of(lines, ",")
    if not records or any(len(record) > 1 for record in records) or is_id_name(records[0][0]):
        return [], ()
    if len(records_of(lines, separator_of(lines[:SAMPLE_LINES]))[0]) > 1:
        return [], ()
    return [record[0] for record in records], notes


# --- reading ------------------------------------------------------------------------------------------------------


def _parse(path: Path, name: str, dialect: Dialect, words: Sequence[int] | None = None) -> dict[int, np.ndarray]:
    """Columns by position: all of them, numbers where they are numbers; or some, as the text that they are."""
    import pandas as pd

    options: dict[str, Any] = {"sep": dialect.separator, "decimal": dialect.decimal, "header": None, "index_col": False}
    options |= {"names": range(len(dialect.names)), "low_memory": False, "skip_blank_lines": len(dialect.names) > 1}
    if words is not None:
        options |= {"usecols": words, "dtype": str, "keep_default_na": False}
    else:
        # Only to count their fields here: what looks like a number in an id must stay as it is.
        options["dtype"] = {at: str for at, column in enumerate(dialect.names) if is_id_name(column)}
    try:
        with _opened(path, dialect) as file:
            frame = pd.read_csv(file, **options)
    except (OSError, ValueError, csv.Error) as error:  # pandas' errors are kinds of these
        raise _explained(path, name, dialect, error) from error
    if words is not None and len(dialect.names) == 1:
        frame = frame.iloc[: len(frame) - int((frame[0][::-1] == "").cummin().sum())]  # the end of the file
    return {at: frame[at].to_numpy() for at in frame}


def _opened(path: Path, dialect: Dialect) -> IO[str]:
    """The file, open behind the line that names the columns."""
    file = path.open(encoding=dialect.encoding, newline="")
    for _ in range(dialect.skip):
        next(file)
    if dialect.separator == SPACES:
        next(file)
    else:
        next(csv.reader(file, delimiter=dialect.separator))
    return file


def _without_empty_rows(columns: list[Column], name: str) -> tuple[list[Column], tuple[str, ...]]:
    """Leave out rows at the end that hold nothing, as spreadsheets write them."""
    empty = np.logical_and.reduce([_missing(column.values) for column in columns])
    count = int(np.logical_and.accumulate(empty[::-1]).sum())
    if not count or len(columns) == 1:
        return columns, ()
    kept = [Column(column.name, column.values[: len(empty) - count]) for column in columns]
    return kept, (f"{name}: {_counted(count, 'empty row')} at the end left out.",)


def _without_empty_columns(
    columns: list[Column], dialect: Dialect, path: Path, name: str
) -> tuple[list[Column], tuple[str, ...]]:
    """Leave out unnamed last columns that hold nothing, and see that no row is short."""
    named = len(columns)
    while named > 1 and not columns[named - 1].name and _missing(columns[named - 1].values).all():
        named -= 1
    if named > 1 and not columns[named - 1].name:
        raise _explained(path, name, dialect, None, named=named - 1)
    if _missing(columns[named - 1].values).any():
        for line, record in _lines(path, dialect):
            if len(record) < named:
                raise InputError(wrong_count_of_fields(line, record, name, named))
    if named == len(columns):
        return columns, ()
    return columns[:named], (f"{name}: {_counted(len(columns) - named, 'empty last column')} left out.",)


def _counted(count: int, noun: str) -> str:
    return f"an {noun}" if count == 1 else f"{count} {noun}s"


def _missing(values: np.ndarray) -> np.ndarray:
    missing: np.ndarray = np.isnan(values) if values.dtype.kind == "f" else values == ""
    return missing


# --- what is wrong ------------------------------------------------------------------------------------------------


def _explained(
    path: Path, name: str, dialect: Dialect, error: Exception | None, named: int | None = None
) -> InputError:
    """The first line that has other fields than the first one names; else what pandas says."""
    named = len(dialect.names) if named is None else named
    try:
        for line, record in _lines(path, dialect):
            if len(record) > named:
                return InputError(wrong_count_of_fields(line, record, name, named))
    except (csv.Error, UnicodeDecodeError) as other:
        return InputError(f"{name} is not a readable table ({other}).")
    reason = str(error)
    if "EOF inside string" in reason:
        return InputError(f"{name} has a quotation mark that is never closed ({reason}).")
    return InputError(f"{name} is not a readable {path.suffix} table ({reason}).")


def _lines(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows below the first line, with their line numbers in the file, counted from 1."""
    with path.open(encoding=dialect.encoding, newline="") as file:
        for _ in range(dialect.skip):
            next(file)
        if dialect.separator == SPACES:
            records: Iterator[tuple[int, list[str]]] = ((at, line.split()) for at, line in enumerate(file, 1))
        else:
            reader = csv.reader(file, delimiter=dialect.separator)
            records = ((reader.line_num, record) for record in reader)
        next(records)
        yield from ((dialect.skip + line, record) for line, record in records if record)
