"""From the columns of a sheet to numbers: which ones are meant, which one holds ids, how each is read as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.ids import Ids, is_id_name, make_ids
from rad_core.inputs.sheets import Column, Sheet

COMMA_NUMBER = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*%?\s*")
_POINT_NUMBER = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*%?\s*")
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")  # or three decimals: nobody can tell
_PERCENT = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)\s*%\s*")


@dataclass(frozen=True, eq=False)
class Content:
    """The columns of a sheet that are meant, and the one that names its rows. notes: what was left out."""

    columns: tuple[Column, ...]
    id_column: Column | None
    source: str
    notes: tuple[str, ...] = ()


def content_of(sheet: Sheet, names: Sequence[str], what: str) -> Content:
    """The column or array that has one of these names, else all columns but the one of the ids."""
    id_column, source, notes = id_column_of(sheet)
    others = [column for column in sheet.columns if column is not id_column]
    called = {name: [column for column in others if column.name.strip().casefold() == name] for name in names}
    preferred = next((columns for columns in called.values() if columns), [])
    if len(preferred) > 1:
        raise InputError(f"{sheet.name} has {len(preferred)} columns called {preferred[0].name}; name one of them so.")
    if preferred:
        rest = [column.name for column in others if column is not preferred[0]]
        kind = "array" if sheet.kind == "arrays" else "column"
        if rest:
            hint = _names_of_rows([column for column in others if column is not preferred[0]], preferred[0])
            notes += (f"{sheet.name}: read the {kind} {preferred[0].name}, left out {listed(rest)}{hint}.",)
        return Content((preferred[0],), id_column, source, notes)
    if sheet.kind == "arrays" and len(others) != 1:
        held = ", ".join(column.name for column in sheet.columns) or "nothing"
        raise InputError(f"{sheet.name} holds the arrays {held}; name one of them {names[0]}.")
    if not others:
        raise InputError(f"{sheet.name} has no column of numbers for the {what}.")
    return Content(tuple(others), id_column, source, notes)


def _names_of_rows(left_out: Sequence[Column], content: Column) -> str:
    """A hint where one of the columns left out may name the rows."""
    for column in left_out:
        values = column.values
        fits = values.shape == content.values.shape[:1] and values.dtype.kind in "iuOUS"
        if fits and len({str(value) for value in values.tolist()}) == len(values):
            return f" (if {column.name} names the rows, call it ids)"
    return ""


def id_column_of(sheet: Sheet) -> tuple[Column | None, str, tuple[str, ...]]:
    """The column, array or index that names the rows, where it comes from, and what was left out for it."""
    called = [column for column in sheet.columns if is_id_name(column.name)]
    exact = [column for column in called if column.name == "id"] or called
    if len(exact) > 1:
        raise InputError(f"{sheet.name} has {len(exact)} columns of ids; name one of them id and the others otherwise.")
    levels = [_index_name(column) for column in sheet.index]
    if exact:
        kind = "array" if sheet.kind == "arrays" else "column"
        notes = (
            (f"{sheet.name}: left out {listed(levels)}; its ids are in the {kind} {exact[0].name}.",) if levels else ()
        )
        return exact[0], f"{kind} {exact[0].name.strip()}", notes
    if len(levels) > 1:
        raise InputError(f"{sheet.name} has an index of {len(levels)} levels, {listed(levels)}; give one column id.")
    return (sheet.index[0], levels[0], ()) if levels else (None, "", ())


def without_ids(sheet: Sheet) -> list[Column]:
    """The columns of a sheet but the one of the ids."""
    ids = id_column_of(sheet)[0]
    return [column for column in sheet.columns if column is not ids]


def _index_name(column: Column) -> str:
    named = column.name and not column.name.startswith("__index_level_")
    return f"index {column.name}" if named else "the index"


def ids_of(content: Content, rows: int, name: str) -> tuple[Ids | None, tuple[str, ...]]:
    """The ids of a sheet's rows, or None where it names none; what was converted."""
    if content.id_column is None:
        return None, ()
    return make_ids(content.id_column.values, content.source, rows, name)


# --- numbers ------------------------------------------------------------------------------------------------------


def numbers_of(columns: Sequence[Column], sheet: Sheet) -> tuple[np.ndarray, list[str] | None, tuple[str, ...]]:
    """Columns side by side as numbers (N, C), what they are called, and what was converted.

    A single column of lists, and an array of an .npz file, keep their own shape and have no names.
    """
    if len(columns) == 1 and (sheet.kind == "arrays" or columns[0].values.ndim > 1):
        values = columns[0].values
        if sheet.kind == "arrays":
            return values, None, ()
        count = f"{values.shape[1]} number{'' if values.shape[1] == 1 else 's'}"
        return values, None, (f"{sheet.name}: column {columns[0].name} holds lists of {count}, put side by side.",)
    lists = next((column for column in columns if column.values.ndim > 1), None)
    if lists is not None:
        others = listed([column.name for column in columns if column is not lists])
        raise InputError(f"{sheet.name} has a column of lists, {lists.name}, beside {others}; leave one of both out.")
    parts, notes = [], []
    for column in columns:
        values, how = _numbers(column, sheet)
        parts.append(values)
        notes.append((how, column.name))
    told = [
        f"{sheet.name}: {how} in {listed([name for other, name in notes if other == how], 'column')}."
        for how in dict.fromkeys(how for how, _ in notes if how)
    ]
    return np.column_stack(parts), [column.name for column in columns], tuple(told)


def _numbers(column: Column, sheet: Sheet) -> tuple[np.ndarray, str]:
    """One column as numbers, and how it was converted."""
    values = column.values
    if values.dtype.kind in "fiu":
        return values, ""
    if values.dtype.kind == "b":
        return values.astype(np.float64), "true and false read as 1 and 0"
    if values.dtype.kind not in "OUS":
        raise InputError(f"Column {column.name!r} of {sheet.name} holds {values.dtype} values, which are no numbers.")
    entries = [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in values.tolist()]
    if has_decimal_commas([entry for entry in entries if isinstance(entry, str)]):
        entries = [entry.replace(",", ".", 1) if isinstance(entry, str) else entry for entry in entries]
    parsed = [_number(entry) for entry in entries]
    wrong = next((row for row, number in enumerate(parsed) if number is None), None)
    if wrong is not None:
        raise InputError(_no_number(column, sheet, entries, parsed, wrong))
    text = [entry for entry in entries if isinstance(entry, str)]
    percent = any(map(_PERCENT.fullmatch, text))
    how = "percent signs read as hundredths" if percent else "text read as numbers" if text else ""
    return np.array(parsed, np.float64), how


def has_decimal_commas(cells: Sequence[str]) -> bool:
    """Whether commas are the decimal marks in cells of text: where points are not, and they mark no thousands."""
    with_commas = [cell for cell in cells if COMMA_NUMBER.fullmatch(cell)]
    return not all(map(_THOUSANDS.fullmatch, with_commas)) and not any(map(_POINT_NUMBER.fullmatch, cells))


def _number(entry: Any) -> float | None:
    """An entry as a number, NaN where it is missing, None where it is something else."""
    if entry is None or (isinstance(entry, str) and not entry.strip()):
        return float("nan")
    if isinstance(entry, str):
        percent = _PERCENT.fullmatch(entry)
        if percent:
            return float(percent.group(1)) / 100
        if "_" in entry:  # Python's own way to write numbers, nobody else's
            return None
    try:
        return float(entry)
    except (TypeError, ValueError, OverflowError):
        return None


def _no_number(column: Column, sheet: Sheet, entries: list[Any], parsed: list[float | None], row: int) -> str:
    """What a column holds instead of numbers: words throughout, or something odd in one row."""
    if sum(number is not None for number in parsed) >= 0.5 * len(parsed):
        line = f" (line {sheet.line_of(row)})" if sheet.line_of is not None else ""
        return (
            f"Row {row} of {sheet.name}{line} holds {str(entries[row])[:40]!r} in column {column.name!r}; every entry "
            "must be a number."
        )
    if not column.name.strip():
        return f"A column of {sheet.name} has no name and does not hold numbers; leave it out or name it id."
    lists = all(isinstance(entry, str) and entry.lstrip().startswith("[") for entry in entries)
    if lists:
        return f"Column {column.name!r} of {sheet.name} holds lists written as text; give one column per class."
    return f"Column {column.name!r} of {sheet.name} does not hold numbers; leave it out or name it id."


def listed(words: Sequence[str], noun: str = "") -> str:
    """Names for a sentence: the first five, and how many more."""
    named = [word or "one without a name" for word in words[:5]]
    if len(words) > 5:
        named.append(f"{len(words) - 5} more")
    joined = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{noun}{'s' if noun and len(words) > 1 else ''} {joined}".strip()
