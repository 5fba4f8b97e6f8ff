"""What a file holds before anybody says what it is for: named columns, an index, and what was done while reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rad_core.errors import InputError


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table, or one array of an .npz file. values: (N,) or (N, k), numbers, text or Python objects."""

    name: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns of a file or of a frame. name: what to call it. index: of pandas, where it names the rows.

    kind: a table of equally long columns, or arrays of any shape. doubtful_heading: whether the first line, read as
    the names of the columns, may be a row of numbers. line_of: the line of a row in a file of text.
    """

    name: str
    columns: tuple[Column, ...]
    index: tuple[Column, ...] = ()
    kind: Literal["table", "arrays"] = "table"
    notes: tuple[str, ...] = ()
    doubtful_heading: bool = False
    line_of: Callable[[int], int] | None = None


_STARTS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"(\xb5/\xfd", "compressed with zstd"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a file of numpy"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x02", "a pickle, which is never opened"),
    (b"\x80\x03", "a pickle, which is never opened"),
    (b"\x80\x04", "a pickle, which is never opened"),
    (b"\x80\x05", "a pickle, which is never opened"),
    (b"version https://git-lfs", "a pointer of git-lfs (git lfs pull fetches the file itself)"),
)


def what_it_is(start: bytes) -> str | None:
    """What a file really is by its first bytes, where that is none of text, and none where they do not tell."""
    page = start.lstrip()[:200].lower()
    if page.startswith((b"<!doctype html", b"<html", b"<head")):
        return "a page of HTML"
    text = not any(byte < 9 for byte in start)  # a table may begin with the name PAR1
    kind = next((kind for magic, kind in _STARTS if start.startswith(magic)), None)
    return None if text and kind is not None and "git-lfs" not in kind else kind


def sheet_of_records(records: np.ndarray, name: str, notes: tuple[str, ...] = ()) -> Sheet:
    """The fields of a numpy record array (N,) as columns."""
    if records.ndim != 1:
        raise InputError(f"{name} has shape {records.shape} with named fields; give one record per row, (N,).")
    fields = records.dtype.names or ()
    return Sheet(name, tuple(Column(field, np.asarray(records[field])) for field in fields), notes=notes)
