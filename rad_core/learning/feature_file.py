"""A data set of features (embeddings, columns of numbers) with labels, as float32 and never as bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import row_blocks
from rad_core.inputs.columns import id_column_of
from rad_core.inputs.examples import LABEL, Examples, labels_of, sheet_of
from rad_core.inputs.features import features_of, table_in
from rad_core.learning.dataset import Dataset, Extent


def load_features(path: Path) -> Dataset:
    """Read features and labels: .npz (x or features, y or labels) or any table with a column label.

    Rows without a label are left out, which is said. Raises InputError that names what is missing.
    """
    table = _read(path)
    values, _, notes = features_of(table)
    known = np.array([label is not None for label in table.labels])
    rows = np.flatnonzero(known)
    named = [label for label in table.labels if label is not None]
    classes = _classes(path, named)
    number = {name: at for at, name in enumerate(classes)}
    labels = np.array([number[name] for name in named], np.int64)
    left = len(known) - len(rows)
    said = (f"{path.name}: {left:,} rows without a label are left out; a campaign can buy theirs.",) if left else ()
    features = _finite(values, rows, path)[:, None, None, :]
    return Dataset(f"features:{path.name}", features, labels, classes, notes=(*table.notes, *notes, *said))


def measure_features(path: Path) -> Extent:
    """How many rows with a label and how many classes a file holds."""
    named = [label for label in _read(path).labels if label is not None]
    return Extent(len(named), None, len(_classes(path, named)), "rows")


def _read(path: Path) -> Examples:
    sheet = sheet_of(table_in(path), str(path), "features")
    named = [column for column in sheet.columns if column.name == LABEL]
    if len(named) != 1:
        held = f"{len(named)} columns called {LABEL}" if named else f"no column {LABEL}"
        raise InputError(
            f"{path} has {held}; a study knows the class of every row: name one column {LABEL}, in an .npz file one "
            "array y."
        )
    ids, _, notes = id_column_of(sheet)
    others = tuple(column for column in sheet.columns if column is not ids and column is not named[0])
    labels = labels_of(named[0], sheet.name)
    return Examples(sheet.name, [], labels, others, (*sheet.notes, *notes), has_labels=True)


def _classes(path: Path, named: list[str]) -> tuple[str, ...]:
    different = set(named)
    if len(different) < 2:
        held = f"only {named[0]}" if named else "none"
        raise InputError(f"The labels of {path} name {held}; a study needs two classes or more.")
    whole = all(name.isascii() and name.isdecimal() for name in different)
    return tuple(sorted(different, key=lambda name: (int(name), name)) if whole else sorted(different))


def _finite(values: np.ndarray, rows: np.ndarray, path: Path) -> np.ndarray:
    """The rows (n,) of features (N, D) as float32. Raises InputError for what is no finite number of that type."""
    kept = np.empty((len(rows), values.shape[1]), np.float32)
    for block in row_blocks(len(rows), values.shape[1]):
        with np.errstate(over="ignore"):
            kept[block] = values[rows[block]]
        bad = np.flatnonzero(~np.isfinite(kept[block]).all(axis=1))
        if len(bad):
            raise InputError(
                f"The features in row {int(rows[block][bad[0]]):,} of {path} (the first is 0) are no finite float32 "
                "numbers; give every row all of them."
            )
    return kept
