"""Class probabilities: accepted, mended where rounding explains it, or refused with what they probably are instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs import rounding
from rad_core.inputs.arrays import Array, Numbers, is_torch, row_blocks
from rad_core.inputs.mistakes import Case
from rad_core.inputs.rounding import ROW_SUM_TOLERANCE, Slack

HARD = (
    "All probabilities are 0 or 1: this looks like hard predictions. Every gain is 0, and nothing can be told apart; "
    "give the probabilities before the argmax."
)


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Class probabilities (N, C): rows of numbers of 0 or more that sum to 1. notes: what was done to make them so."""

    values: Array
    notes: tuple[str, ...] = ()


def check(
    numbers: Numbers, name: str = "probabilities", columns: Sequence[str] | None = None, *, owned: bool = False
) -> Probabilities:
    """Check that an array holds class probabilities.

    What rounding explains (see `rounding`) is mended: tiny negative numbers become 0, and every row is divided by its
    sum; that is told. Rows within 0.001 of 1 are left as they are. columns: what the classes are called, where that is
    known. owned: whether the array may be changed in place. Raises InputError with the likely mistake.
    """
    values = numbers.values
    check_shape(values, name)
    sums, smallest = row_sums(values), _smallest(values)
    if bool(((abs(sums - 1) <= ROW_SUM_TOLERANCE) & (smallest >= 0)).all()):
        return Probabilities(values, numbers.notes)
    array = values.cpu().numpy() if is_torch(values) else values
    sums, smallest = (np.asarray(x.cpu() if is_torch(x) else x, np.float64) for x in (sums, smallest))
    slack = _slack(array, sums, smallest, numbers)
    if slack is None:
        raise InputError(Case(array, sums, smallest, numbers, name, columns).sentence())
    mended, notes = _mended(array, sums, smallest, slack, name, in_place=owned and not is_torch(values))
    return Probabilities(_like(mended, values), numbers.notes + notes)


def hard_predictions(values: np.ndarray) -> str | None:
    """What to say where all probabilities are 0 or 1; None where they are not."""
    if not all(np.isin(values[block], (0, 1)).all() for block in row_blocks(*values.shape)):
        return None
    return HARD


# --- checking -----------------------------------------------------------------------------------------------------


def check_shape(values: Array, name: str) -> None:
    shape = tuple(values.shape)
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        flat = np.asarray(values.cpu() if is_torch(values) else values, np.float64).ravel()
        between = len(flat) and ((flat >= 0) & (flat <= 1)).all()
        both = " With two classes give both: numpy.column_stack([1 - p, p])." if between else ""
        raise InputError(
            f"{name} has one number per row (shape {shape}); two or more are needed, one per class, which is the shape "
            f"(N, C).{both}"
        )
    if len(shape) != 2 or shape[0] < 1 or shape[1] < 2:
        raise InputError(f"{name} has shape {shape}; it must be (N, C): one row per point, two or more classes.")


def _like(array: np.ndarray, values: Array) -> Array:
    """An array as the kind that the values are, on their device."""
    if not is_torch(values):
        return array
    import torch

    return torch.from_numpy(array).to(values.device)


def row_sums(values: Array) -> Array:
    if is_torch(values):
        return values.sum(1)
    sums = np.empty(len(values))
    for block in row_blocks(*values.shape):
        values[block].sum(axis=1, dtype=np.float64, out=sums[block])
    return sums


def _smallest(values: Array) -> Array:
    return values.amin(1) if is_torch(values) else values.min(axis=1)


def _slack(array: np.ndarray, sums: np.ndarray, smallest: np.ndarray, numbers: Numbers) -> Slack | None:
    """The first explanation of all rows, or None."""
    by_type = rounding.of_type(numbers.kind, numbers.spacing, array.shape[1])
    if not (np.isfinite(sums).all() and (smallest >= -by_type.below).all()):
        return None
    positive = np.maximum(sums, 0) if (smallest >= 0).all() else sums + clipped(array, smallest)
    if by_type.allows(positive).all():
        return by_type
    if np.abs(positive - 1).max() > rounding.MOST_SLACK + 1e-9:
        return None
    by_digits = rounding.of_digits(array, numbers.spacing)
    return next((slack for slack in by_digits if slack.allows(positive).all()), None)


def clipped(array: np.ndarray, smallest: np.ndarray) -> np.ndarray:
    """(N,) what setting negative numbers to 0 adds to the sums."""
    added = np.zeros(len(array))
    rows = np.flatnonzero(smallest < 0)
    added[rows] = -np.minimum(array[rows].astype(np.float64), 0).sum(axis=1)
    return added


def _mended(
    array: np.ndarray, sums: np.ndarray, smallest: np.ndarray, slack: Slack, name: str, in_place: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows without negative numbers, each divided by its sum; what was done."""
    mended = array if in_place else np.empty(array.shape, array.dtype)
    negative = 0
    for block in row_blocks(*array.shape):
        mended[block], count = divided(array[block])
        negative += count
    return mended, mending_notes(name, negative, float(smallest.min()), float(sums.min()), float(sums.max()), slack.why)


def divided(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows (n, C) without negative numbers, each divided by its sum, as float64; how many numbers were negative."""
    part = rows.astype(np.float64)
    negative = int((part < 0).sum())
    np.maximum(part, 0, out=part)
    part /= part.sum(axis=1, keepdims=True)
    return part, negative


def mending_notes(name: str, negative: int, lowest: float, low: float, high: float, why: str) -> tuple[str, ...]:
    """What was done to probabilities, of which so many were negative and whose rows summed to between low and high."""
    notes: tuple[str, ...] = ()
    if negative:
        count = f"{negative:,} number{'' if negative == 1 else 's'}"
        notes += (f"{name}: {count} below 0 (the lowest {lowest:.2g}) set to 0, and each row divided by its sum.",)
    if max(1 - low, high - 1) > ROW_SUM_TOLERANCE:
        between = f"between {low:.4g} and {high:.4g}"
        notes += (f"{name}: rows summed to {between}, as {why}; each was divided by its sum.",)
    return notes
