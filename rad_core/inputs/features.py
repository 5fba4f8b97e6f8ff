"""Features (embeddings, columns of numbers) in a file: an array per file, several by name, or columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import Given
from rad_core.inputs.columns import listed
from rad_core.inputs.examples import EXACT, TEACHER, Examples
from rad_core.inputs.npy import read_arrays
from rad_core.inputs.sheets import Column

FEATURES = "features"  # the column of lists
_NAMES = {"id": ("id", "ids"), "label": ("label", "labels", "y"), FEATURES: (FEATURES, "x")}  # in an .npz file


def table_in(path: Path) -> Given:
    """A file of features as a table: .npy and .npz as columns by name, of any other the path. Raises InputError."""
    if path.suffix.lower() not in (".npy", ".npz"):
        return str(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; {FEATURES}:FILE needs a file of features.")
    return _npy(path) if path.suffix.lower() == ".npy" else _npz(path)


def _npy(path: Path) -> dict[str, Given]:
    """An array (N, D), memory-mapped; the ids are the numbers of its rows."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        values = read_arrays(path)[""]  # says what the file is instead
    return {"id": list(range(len(_matrix(values, str(path))))), FEATURES: values}


def _npz(path: Path) -> dict[str, Given]:
    arrays = read_arrays(path)
    held = {key: next((arrays[name] for name in names if name in arrays), None) for key, names in _NAMES.items()}
    values = held[FEATURES]
    if values is None:
        raise InputError(f"{path} holds {listed(list(arrays)) if arrays else 'nothing'}; name one array {FEATURES}.")
    rows = len(_matrix(values, str(path)))
    if held["id"] is None:
        held["id"] = np.array(list(range(rows)), object)
    labels = held["label"]
    if labels is not None and labels.dtype.kind == "i":  # a class is 0 or more, as scikit-learn has it
        held["label"] = np.array([None if label < 0 else label for label in labels.ravel().tolist()], object)
    given = {key: array for key, array in held.items() if array is not None}
    odd = next((key for key, array in given.items() if len(array) != rows), None)
    if odd is not None:
        raise InputError(f"{path} has {rows:,} rows of features and {len(given[odd]):,} of {odd}; give one for each.")
    return given


def _matrix(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim != 2 or values.dtype.kind not in "fiu" or 0 in values.shape:
        raise InputError(
            f"The features in {name} have shape {values.shape} and type {values.dtype}; give numbers, a row per point."
        )
    return values


def features_of(table: Examples) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Features (N, D) of a table, the names of their columns, and what to say of it.

    They are the one column of lists called features, else every column of numbers but id, label and the teacher's.
    Raises InputError where there are none.
    """
    stacked = [column for column in table.others if column.name == FEATURES]
    if stacked:
        return _matrix(stacked[0].values, table.name), (FEATURES,), ()
    columns = [column for column in table.others if _is_feature(column)]
    if not columns:
        raise InputError(
            f"{table.name} has no features for a student of ours; give a column {FEATURES} of lists, or columns of "
            "numbers."
        )
    names = tuple(column.name for column in columns)
    values = np.column_stack([column.values for column in columns])
    return values, names, (f"{table.name}: its features are {listed(list(names), 'column')}.",)


def _is_feature(column: Column) -> bool:
    own = column.name in EXACT or column.name.startswith(f"{TEACHER}_")
    return not own and bool(column.name) and column.values.ndim == 1 and column.values.dtype.kind in "fiu"


def alike(parts: Sequence[tuple[Examples, np.ndarray, tuple[str, ...]]]) -> None:
    """Raise InputError unless all tables (with features and their names) have the features of the first one."""
    first, values, names = parts[0]
    for table, other, own in parts[1:]:
        if own != names or other.shape[1] != values.shape[1]:
            raise InputError(
                f"{table.name} has {other.shape[1]:,} features ({listed(list(own))}), and {first.name} "
                f"{values.shape[1]:,} ({listed(list(names))}); give all tables the same ones, in the same order."
            )
