"""Tables that are written for other programs: .csv, safe for spreadsheets, and .parquet; whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from rad_core import partials
from rad_core.errors import InputError
from rad_core.inputs.ids import escaped

WRITABLE = (".csv", ".parquet")


def table_bytes(columns: dict[str, np.ndarray], suffix: str) -> bytes:
    """Columns as the contents of a .csv or .parquet file. In a .csv, text is escaped as `inputs.ids` describes."""
    import io

    import pandas as pd

    file = io.BytesIO()
    if suffix != ".csv":
        pd.DataFrame(columns).to_parquet(file, index=False)
        return file.getvalue()
    text = {name: [escaped(str(cell)) for cell in values] for name, values in columns.items() if is_text(values)}
    # Only quotation marks keep a cell whole where a spreadsheet separates by semicolons or tabs, or a line ends so.
    split = any(sign in cell for cells in text.values() for cell in cells for sign in ";\t\r")
    pd.DataFrame(columns | text).to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC if split else csv.QUOTE_MINIMAL)
    return file.getvalue()


def is_text(values: np.ndarray) -> bool:
    """Whether a column holds text."""
    return values.dtype.kind in "OUS"


def escaped_cells(columns: dict[str, np.ndarray]) -> int:
    """In how many cells a .csv differs from the columns, so that no spreadsheet runs them as formulas."""
    cells = [str(cell) for values in columns.values() if is_text(values) for cell in values]
    return sum(escaped(cell) != cell for cell in cells)


def write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write columns as .csv or .parquet, whole or not at all."""
    check_output(path)
    write_whole(path, table_bytes(columns, path.suffix.lower()))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    partials.sweep_files(path.parent)
    try:
        with partials.beside(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); choose another place with -o."
        ) from error


def check_output(path: Path) -> None:
    """Raise InputError unless a table may be written to this path."""
    if path.suffix.lower() not in WRITABLE:
        raise InputError(f"{path} ends in {path.suffix or 'nothing'}; the output is {' or '.join(WRITABLE)}.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for the output; make it or choose another with -o.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file, for instance {path / 'picks.csv'}.")
