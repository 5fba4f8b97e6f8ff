"""How a table is written as text: encoding, separator, decimal mark, comments, and the line that names the columns."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.columns import COMMA_NUMBER, has_decimal_commas
from rad_core.inputs.ids import is_id_name
from rad_core.inputs.sheets import what_it_is

SAMPLE_LINES = 200
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SPACES = r"\s+"


@dataclass(frozen=True)
class Dialect:
    """How a table is written. skip: lines before the one that names the columns. notes: what is unusual about it."""

    encoding: str
    separator: str
    decimal: str
    skip: int
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def dialect_of(path: Path, name: str) -> Dialect:
    """How a table is written, by its first bytes and lines. Raises InputError where it does not name its columns."""
    encoding, notes = encoding_of(path, name)
    with path.open(encoding=encoding, newline="") as file:
        lines = list(itertools.islice(file, SAMPLE_LINES))
    if sum(line.count('"') for line in lines) % 2:  # the sample ends within quotation marks
        lines = lines[: max(at for at, line in enumerate(lines) if '"' in line)] or lines
    hint = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None
    heading = _heading_line(lines, 1 if hint else 0)
    if heading is None:
        raise InputError(f"{name} holds no rows; its first line must name the columns, and each further one is a row.")
    left_out = sum(line.startswith("#") for line in lines[:heading])
    if left_out:
        words = "a line that begins" if left_out == 1 else f"{left_out} lines that begin"
        notes += (f"{name}: {words} with # left out at the top.",)
    lines[heading] = re.sub(r"^#\s*", "", lines[heading])
    separator = hint.group(1) if hint else separator_of(lines[heading:])
    records = records_of(lines[heading:], separator)
    names = tuple(cell.strip() for cell in records[0])
    rows = records[1:]
    width = max((len(row) for row in rows), default=0)
    if width > len(names) + 1 and any(cell.strip() for row in rows for cell in row[len(names) :]):
        line, record = next((at, row) for at, row in enumerate(rows, heading + 2) if len(row) > len(names))
        raise InputError(wrong_count_of_fields(line, record, name, len(names)))
    names += ("",) * (width - len(names))  # the marks of commas at the end of each line; _without_empty_columns looks
    _check_heading(names, name)
    cells = [cell for row in rows for cell, column in zip(row, names, strict=False) if not is_id_name(column)]
    decimal = "," if has_decimal_commas(cells) else "."
    if separator != "," or decimal != ".":
        kind = "spaces" if separator == SPACES else _SEPARATORS.get(separator, repr(separator))
        notes += (f"{name}: columns separated by {kind}{', decimal commas' if decimal == ',' else ''}.",)
    return Dialect(encoding, separator, decimal, heading, names, notes)


def encoding_of(path: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """How a file's characters are written: as its first bytes say, else UTF-8, else as Windows does in the West."""
    with path.open("rb") as file:
        start = file.read(4096)
    kind = what_it_is(start)
    if kind is not None:
        raise InputError(f"{name} is {kind}, not a table of text; give the table itself, for instance as .csv.")
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", ()
    even, odd = (float((np.frombuffer(start[at::2], np.uint8) == 0).mean()) for at in (0, 1)) if start[1:] else (0, 0)
    wide = ""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        wide = "utf-16"
    elif max(even, odd) > 0.4:
        wide = "utf-16-le" if odd > even else "utf-16-be"
    if wide and _decodes(path, wide):
        return wide, (f"{name}: read as UTF-16.",)
    if wide or even or odd:
        raise InputError(f"{name} holds bytes that are no text; give the table as .csv, .parquet, .npy or .npz.")
    for encoding in ("utf-8", "cp1252"):
        if _decodes(path, encoding):
            return encoding, () if encoding == "utf-8" else (f"{name}: not UTF-8, read as Latin-1 (Windows-1252).",)
    return "latin-1", (f"{name}: not UTF-8, read as Latin-1.",)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _heading_line(lines: Sequence[str], start: int) -> int | None:
    """The line that names the columns: the first that is neither blank nor a comment.

    A comment right above a line of numbers, with as many fields, names them: numpy.savetxt writes its header so.
    """
    at = start
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith("#")):
        at += 1
    comment = lines[at - 1] if at > start else ""
    if comment.startswith("#"):
        separator = separator_of([comment.lstrip("# "), *lines[at : at + 1]])
        above = records_of([comment.lstrip("# ")], separator)
        below = records_of(lines[at : at + 1], separator)
        if below and len(above[0]) == len(below[0]) > 1 and any(map(_NUMBER.fullmatch, below[0])):
            return at - 1
    return at if at < len(lines) else None


def separator_of(lines: Sequence[str]) -> str:
    """What separates the columns: the sign that gives the most fields, and as many in each line as in the first."""
    fields: dict[str, int] = {}
    for separator in _SEPARATORS:
        counts = [len(record) for record in records_of(lines, separator)]
        # A comma at the end of every row makes one field more than there are names.
        if counts and counts[0] > 1 and max(counts) - counts[0] <= 1 and min(counts) >= counts[0] - 1:
            fields[separator] = counts[0]
    if fields:
        return max(fields, key=lambda separator: fields[separator])
    heading = {separator: len(record[0]) for separator in _SEPARATORS if (record := records_of(lines[:1], separator))}
    best = max(heading, key=lambda separator: heading[separator], default=",")
    return SPACES if heading.get(best, 1) == 1 and _in_spaces(lines) else best


def _in_spaces(lines: Sequence[str]) -> bool:
    """Whether lines hold numbers with spaces between them, and as many of them in each."""
    records = records_of(lines, SPACES)
    rows = [record for record in records[1:] if record]
    return (
        len(records[0]) > 1
        and bool(rows)
        and all(len(row) == len(records[0]) and all(map(_NUMBER.fullmatch, row)) for row in rows)
    )


def records_of(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The fields of lines that are not blank."""
    if separator == SPACES:
        return [line.split() for line in lines if line.strip()]
    return [record for record in csv.reader(lines, delimiter=separator) if record]


# --- the first line -----------------------------------------------------------------------------------------------


def _check_heading(names: Sequence[str], name: str) -> None:
    """Refuse a first line of numbers; but 0, 1, 2... and 1, 2, 3... may well be the names of classes."""
    named = [cell for cell in names if cell]
    numbers = [
        float(cell.replace(",", ".")) for cell in named if _NUMBER.fullmatch(cell) or COMMA_NUMBER.fullmatch(cell)
    ]
    if any(map(is_id_name, named)) or not numbers:
        return
    counted = [[float(first + at) for at in range(len(numbers))] for first in (0, 1)]
    if len(numbers) == len(named) and (len(named) == 1 or numbers not in counted):
        raise InputError(
            f"{name} begins with numbers; its first line must name the columns, for instance id and classes."
        )
    row = len(numbers) > 1 and abs(sum(numbers) - 1) < 0.01 and min(numbers) >= 0 and numbers not in counted
    if len(numbers) < len(named) and row:
        raise InputError(
            f"{name} begins with a row of numbers; its first line must name the columns, the first one id."
        )


def is_doubtful(names: Sequence[str]) -> bool:
    """Whether the first line, 0 and 1, may be two classes or the probabilities of a row."""
    cells = [cell for cell in names if cell.strip()]
    return all(map(_NUMBER.fullmatch, cells)) and [float(cell) for cell in cells] == [0, 1]


def wrong_count_of_fields(line: int, record: Sequence[str], name: str, named: int) -> str:
    """The sentence for a row that has other fields than the first line names, with what that often comes of."""
    count = f"{len(record)} field{'' if len(record) == 1 else 's'}"
    more = " (is the first one a name of rows? call it id)" if len(record) == named + 1 else ""
    more = " (decimal commas? then separate columns by semicolons)" if len(record) == 2 * named else more
    return f"Line {line} of {name} has {count}, but its first line names {named} columns{more}; give each row as many."
