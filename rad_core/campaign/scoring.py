"""A point of the curve: the student's accuracy on test examples of the user's own, which no campaign ever buys from."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from rad_core.campaign.reading import class_numbers, scores_of
from rad_core.errors import InputError
from rad_core.inputs.arrays import Given, as_number
from rad_core.inputs.examples import examples_of, is_table, labels_of
from rad_core.inputs.ids import Purchases, row_of, shortened
from rad_core.inputs.records import column_of
from rad_core.inputs.sheets import Column
from rad_core.selection.api import AccuracyEstimate, estimate_accuracy


def score_of(
    accuracy: float | None, total: int | None, probabilities: Given, labels: Given, classes: Sequence[str]
) -> tuple[float, int | None]:
    """The accuracy, and on how many examples. Raises InputError."""
    if (accuracy is None) == (probabilities is None) or (probabilities is None) != (labels is None):
        raise InputError("Give either an accuracy, or probabilities and labels of test examples.")
    if accuracy is not None:
        value = as_number(accuracy, "accuracy", "it must lie between 0 and 1")
        if not 0 <= value <= 1:
            raise InputError(f"accuracy is {accuracy}; it must lie between 0 and 1.")
        if total is not None and operator.index(total) < 1:
            raise InputError(f"total is {total}; it is the number of test examples, 1 or more.")
        return value, total
    right = _right(probabilities, labels, classes)
    return float(right.mean()), len(right)


def interval_of(accuracy: float, total: int) -> AccuracyEstimate:
    """A measured accuracy with its interval (Clopper and Pearson) over so many test examples, 1 or more."""
    return estimate_accuracy(np.arange(total) < round(accuracy * total))


def _right(probabilities: Given, labels: Given, classes: Sequence[str]) -> np.ndarray:
    """(T,) bool: where the student's likeliest class is the label; rows matched by id where both have them."""
    scores = scores_of(probabilities, classes, name="test probabilities")
    if is_table(labels):
        truth = examples_of(labels, "test labels", "test labels")
        names, ids = truth.labels, truth.ids
    else:
        names = labels_of(Column("label", column_of(list(labels))), "test labels")
        ids = [str(row) for row in range(len(names))]
    without = next((key for key, name in zip(ids, names, strict=True) if name is None), None)
    if without is not None:
        raise InputError(f"The test labels have none for {shortened(without)}; give its class.")
    numbers = np.array(class_numbers(names, ids, classes, "test labels"), np.int64)
    if scores.ids is None or not is_table(labels):
        if len(scores.values) != len(numbers):
            raise InputError(
                f"There are {len(scores.values):,} rows of test probabilities and {len(numbers):,} labels; give both."
            )
        return np.asarray(scores.values.argmax(axis=1) == numbers)
    rows = {text: row for row, text in enumerate(scores.ids)}
    way = Purchases(ids, "test labels", "perhaps" if truth.escaped != scores.escaped else "never")
    places = [row_of(key, rows, way) for key in ids]
    missing = next((key for key, place in zip(ids, places, strict=True) if place is None), None)
    if missing is not None:
        raise InputError(f"The test probabilities have no row with the id {shortened(missing)} of the labels.")
    return np.asarray(scores.values[np.array(places, np.int64)].argmax(axis=1) == numbers)
