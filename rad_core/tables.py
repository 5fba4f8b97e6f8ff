"""Score files of people who bring their own models: .npy, .npz, .parquet, .csv in; .csv, .parquet out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core import partials
from rad_core.errors import InputError
from rad_core.npy import read_arrays

READABLE = (".npy", ".npz", ".parquet", ".csv")
WRITABLE = (".csv", ".parquet")
FLAG_NAMES = ("right", "correct", "teacher_right")


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers read from a file: values (N, columns), and the ids of its rows where it names them."""

    values: np.ndarray
    ids: np.ndarray | None


def read_table(path: Path, what: str, names: Sequence[str] = ()) -> Table:
    """Read the rows of a file. names: which array of an .npz file, or column of a table, to prefer.

    In .csv and .parquet files a column "id" names the rows and every other column holds numbers. Never unpickles.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}; give the {what} as {', '.join(READABLE)}.")
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise InputError(f"{path} ends in {suffix or 'nothing'}; give the {what} as {', '.join(READABLE)}.")
    found = _pick_array(path, names) if suffix in (".npy", ".npz") else _read_frame(path, names)
    if found.values.dtype.kind not in "fiub":
        raise InputError(f"{path} holds {found.values.dtype} values; the {what} must be numbers.")
    return found


def _pick_array(path: Path, names: Sequence[str]) -> Table:
    arrays = read_arrays(path)
    if len(arrays) == 1 and "id" not in arrays:
        return Table(next(iter(arrays.values())), None)
    name = next((name for name in names if name in arrays), None)
    if name is None:
        raise InputError(f"{path} holds the arrays {', '.join(arrays) or 'nothing'}; name one of them {names[0]}.")
    return Table(arrays[name], arrays.get("id"))


def _read_frame(path: Path, names: Sequence[str]) -> Table:
    import pandas as pd

    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError, NotImplementedError) as error:  # pyarrow's errors are kinds of these
        raise InputError(f"{path} is not a readable {path.suffix} table ({error}).") from error
    if path.suffix.lower() == ".csv" and _lacks_header(path):
        raise InputError(
            f"{path} begins with numbers; its first line must name the columns, for instance id and classes."
        )
    ids = frame.pop("id").to_numpy() if "id" in frame else None
    named = [name for name in names if name in frame]
    if named:
        frame = frame[named[:1]]
    if len(frame) == 0:
        raise InputError(f"{path} names its columns but has no rows.")
    words = [str(name) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise InputError(f"Column {words[0]!r} of {path} does not hold numbers; leave it out or name it id.")
    if frame.shape[1] == 0:
        raise InputError(f"{path} has no column of numbers.")
    return Table(frame.to_numpy(), ids)


def _lacks_header(path: Path) -> bool:
    """Whether the first line holds numbers; but 0, 1, 2... and 1, 2, 3... may well be the names of classes."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    if not all(_is_number(name) for name in names):
        return False
    counted = [[str(first + i) for i in range(len(names))] for first in (0, 1)]
    return len(names) == 1 or names not in counted


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_features(path: Path, rows: int) -> np.ndarray:
    """Features (N, D), as many rows as the probabilities."""
    return as_features(read_table(path, "features", ("features",)).values, rows, path)


def as_features(values: np.ndarray, rows: int, name: object) -> np.ndarray:
    """Features (N, D) float32 out of what a file of this name held, as many rows as the probabilities."""
    if values.ndim != 2 or len(values) != rows:
        raise InputError(
            f"{name} has shape {values.shape}; features must be ({rows}, D), a row for each row of probabilities."
        )
    if not np.isfinite(values).all():
        raise InputError(f"{name} holds NaN or infinity; every feature must be a number.")
    return values.astype(np.float32)


def read_flags(path: Path) -> np.ndarray:
    """Teacher-right flags (V,)."""
    return one_column(read_table(path, "teacher-right flags", FLAG_NAMES).values)


def one_column(values: np.ndarray) -> np.ndarray:
    """The only column of a table as (N,); anything else as it is."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def row_ids(ids: np.ndarray | None, rows: int, name: object) -> np.ndarray:
    """What the rows of a file are called: its own ids, all different, or their numbers from 0."""
    if ids is None:
        return np.arange(rows)
    if ids.shape != (rows,) or len(np.unique(ids.astype(str))) < rows:
        raise InputError(f"The ids in {name} must be different, one for each of its {rows} rows.")
    return ids


def table_bytes(columns: dict[str, np.ndarray], suffix: str) -> bytes:
    """Columns as the contents of a .csv or .parquet file."""
    import io

    import pandas as pd

    frame, file = pd.DataFrame(columns), io.BytesIO()
    if suffix == ".csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    return file.getvalue()


def write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write columns as .csv or .parquet, whole or not at all."""
    check_output(path)
    content = table_bytes(columns, path.suffix.lower())
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
