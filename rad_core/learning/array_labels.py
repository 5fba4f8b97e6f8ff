"""Labels as people save them, made numbers or names: columns, one-hot rows, whole floating numbers, bytes."""

from __future__ import annotations

import numpy as np

from rad_core.errors import InputError


def label_count(y: np.ndarray) -> int:
    """How many images an array of labels speaks of."""
    return 0 if y.ndim == 0 else y.shape[1] if y.ndim == 2 and y.shape[0] == 1 else y.shape[0]


def read_labels(y: np.ndarray, name: str, count: int) -> tuple[np.ndarray, list[str]]:
    """Labels (count,) as int64 or as text, and what was done to them. Raises InputError with what is wanted."""
    notes = []
    if y.ndim == 2 and y.size == count and 1 in y.shape:
        notes.append(f"{name} of shape {y.shape} is read as {count:,} labels.")
        y = y.ravel()
    elif y.ndim == 2 and len(y) == count and y.dtype.kind in "biuf":
        y = _of_one_hot(y, name)
        notes.append(f"{name} is one-hot: the column of each 1 is the class.")
    if y.shape != (count,) or y.dtype.kind not in "biufUS":
        raise InputError(
            f"{name} has shape {y.shape} and type {y.dtype}; it must be {count:,} class numbers or names, one for each "
            "image."
        )
    if y.dtype.kind in "US":
        return _text(y, name, notes), notes
    return _whole(y, name, notes), notes


def _of_one_hot(y: np.ndarray, name: str) -> np.ndarray:
    ones, zeros = y == 1, y == 0
    odd = ~((ones | zeros).all(1) & (ones.sum(1) == 1))
    if odd.any():
        row = int(odd.argmax())
        what = f"{int(ones[row].sum())} classes" if (ones | zeros)[row].all() else "other values than 0 and 1"
        raise InputError(
            f"{name} has shape {y.shape}, and row {row} has {what}; give one class number or name for each image, for "
            f"instance {name}.argmax(1)."
        )
    return y.argmax(1)


def _text(y: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
            notes.append(f"{name} holds bytes, read as text in UTF-8.")
        except UnicodeDecodeError:
            y = np.char.decode(y, "latin-1")
            notes.append(f"{name} holds bytes that are no UTF-8, read as text in Latin-1.")
    if (empty := y == "").any():
        raise InputError(f"{name} has no label in row {int(empty.argmax())}; label it or leave the image out.")
    return y


def _whole(y: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
    if y.dtype.kind == "f":
        odd = ~np.isfinite(y) | (y != np.round(y)) | (np.abs(y) >= 2**53)
        if odd.any():
            row = int(odd.argmax())
            raise InputError(f"{name} is {y[row]} in row {row}; class numbers are whole.")
        notes.append(f"{name} holds whole floating numbers, read as class numbers.")
    elif y.dtype.kind == "b":
        notes.append(f"{name} holds true and false, read as the classes 1 and 0.")
    elif y.dtype.kind == "u" and len(y) and y.max() >= 2**63:
        raise InputError(f"{name} holds {y.max()}; class numbers must be below 2 to the power of 63.")
    return y.astype(np.int64)
