"""One call for people who bring their own models: from the student's probabilities to the rows to have labeled."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError, tell
from rad_core.inputs.arrays import as_number, as_numbers, row_blocks
from rad_core.inputs.tables import Table, read_given
from rad_core.selection.arrays import Array, Given, is_torch, to_like, to_numpy
from rad_core.selection.gains import GAINS, check_probabilities
from rad_core.selection.game import wrong_count
from rad_core.selection.strategies import STRATEGIES, USABLE, Selection, Snapshot


@dataclass(frozen=True)
class AccuracyEstimate:
    """A share of right answers with its two-sided interval and one-sided lower bound (Clopper and Pearson, 1934)."""

    mean: float
    low: float
    high: float
    lower_bound: float
    right: int
    total: int


def estimate_accuracy(flags: Given, confidence: float = 0.95) -> AccuracyEstimate:
    """Estimate the teacher's accuracy from flags that say where it was right on validation points.

    Args:
        flags: (V,) of 0/1 or bool, or a frame or file that holds such a column, or the two columns truth and answer.
        confidence: of the exact binomial interval, between 0 and 1.

    Returns:
        The share that was right, with its interval and its lower bound.

    Raises:
        InputError: on bad input.
    """
    given = read_given(flags, "flags", "flags")
    tell(given.notes if isinstance(given, Table) else ())  # true and false are what flags are
    flags = to_numpy(given.values)
    if flags.ndim != 1 or len(flags) == 0:
        raise InputError(f"Teacher-right flags have shape {flags.shape}; they must be (V,) with V of 1 or more.")
    if not np.all((flags == 0) | (flags == 1)):
        raise InputError("Teacher-right flags must be 0 or 1, one per validation point.")
    confidence = as_number(confidence, "confidence", "it must lie between 0 and 1, for instance 0.95")
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it must lie between 0 and 1, for instance 0.95.")
    from scipy.stats import binomtest

    total, right = len(flags), int(flags.sum())
    both = binomtest(right, total).proportion_ci(confidence, method="exact")
    least = binomtest(right, total, alternative="greater").proportion_ci(confidence, method="exact").low
    return AccuracyEstimate(right / total, float(both.low), float(both.high), float(least), right, total)


def select(
    probabilities: Array,
    budget: int,
    *,
    teacher_accuracy: float,
    strategy: str = "rad",
    gain: str = "margin",
    features: Array = None,
    labeled_features: Array = None,
    exclude: Given = None,
    seed: int = 0,
) -> Array:
    """Choose exactly `budget` distinct rows whose labels to buy from the teacher.

    Warns with an InputNote of what was done to the data (renormalized, converted).

    Args:
        probabilities: (N, C), the student's class probabilities on the unlabeled pool: an array of numpy, torch or
            others, a frame, nested lists, or the path of a file, read as `rad select` does.
        budget: labels to buy, from 1 to N.
        teacher_accuracy: between 0 and 1, measured on validation data (see `estimate_accuracy`).
        strategy: the rule to choose by, one of `rad_core.selection.strategies.USABLE`.
        gain: how informative a row is, one of `rad_core.selection.gains.GAINS`.
        features: (N, D), for strategies that need them, such as badge.
        labeled_features: (L, D), features of what is labeled already, which coreset covers with its picks.
        exclude: numbers of rows that were bought earlier; they are not chosen again, and count as labeled for coreset.
        seed: of everything random, 0 or more.

    Returns:
        (b,) int64 row numbers.

    Raises:
        InputError: on bad input.
    """
    values = check_probabilities(probabilities)
    rows = remaining_rows(len(values), exclude)
    snapshot = take_snapshot(
        values, budget, teacher_accuracy, strategy, gain, features, labeled_features=labeled_features, rows=rows
    )
    positions = choose(snapshot, budget, strategy, seed).positions
    return positions if rows is None else to_like(rows[to_numpy(positions)], positions)


def choose(snapshot: Snapshot, budget: int, strategy: str, seed: int) -> Selection:
    """The full Selection behind `select`: picks, scores, inclusion probabilities, equilibrium."""
    return STRATEGIES[strategy](snapshot, operator.index(budget), np.random.default_rng(checked_seed(seed)))


def pick_columns(snapshot: Snapshot, selection: Selection, ids: np.ndarray) -> dict[str, np.ndarray]:
    """What to hand out of a choice, b rows: id, gain, probability of being selected (NaN where there is none).

    ids: (N,) names of the snapshot's rows. A strategy that mixes adds partner and weight of the image to mix in. numpy
    only.
    """
    picks = selection.positions
    columns = {"id": ids[picks], "gain": snapshot.gains[picks]}
    columns["probability"] = np.full(len(picks), np.nan) if selection.q is None else selection.q[picks]
    if selection.mix is not None:
        columns |= {"partner": ids[selection.partners], "weight": selection.mix}
    return columns


def take_snapshot(
    probabilities: Array,
    budget: int,
    teacher_accuracy: float,
    strategy: str,
    gain: str,
    features: Array,
    *,
    labeled_features: Array = None,
    rows: np.ndarray | None = None,
    owned: bool = False,
) -> Snapshot:
    """Check everything a user may get wrong and gather it for a strategy.

    rows: numbers of the rows that may be chosen, all by default. The snapshot holds these alone, and the features of
    the others count as labeled. owned: whether the array of probabilities may be overwritten, which saves a copy of it.
    """
    for name, value, choices in (("strategy", strategy, USABLE), ("gain", gain, GAINS)):
        if not isinstance(value, str) or value not in choices:
            raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
    probabilities = check_probabilities(probabilities)
    n = len(probabilities) if rows is None else len(rows)
    if not is_whole(budget) or not 1 <= budget <= n:
        raise InputError(f"budget is {budget!r}; it must be a whole number from 1 to the {n} rows of the pool.")
    wrong = wrong_count(n, teacher_accuracy)
    if features is not None:
        features = _check_features(features, probabilities)
    if labeled_features is not None:
        labeled_features = _check_labeled_features(labeled_features, features, probabilities)
    if rows is not None:
        labeled_features = _with_bought(features, labeled_features, rows)
        probabilities = _moved_up(probabilities, rows) if owned else probabilities[rows]
        features = None if features is None else features[rows]
    return Snapshot(probabilities, GAINS[gain](probabilities), wrong, features, labeled_features)


def remaining_rows(rows: int, exclude: Given) -> np.ndarray | None:
    """(n,) int64, sorted: the numbers of the rows that are not excluded; None where none is.

    exclude: row numbers from 0, in any order, or None.
    """
    if exclude is None:
        return None
    numbers = excluded_rows(exclude)
    if len(numbers) == 0:
        return None
    if numbers[-1] >= rows:
        odd = numbers[numbers >= rows][0]
        raise InputError(f"exclude holds the row {odd:.0f}; the {rows} rows of the pool are numbered from 0.")
    return np.setdiff1d(np.arange(rows), numbers)


def excluded_rows(exclude: Given) -> np.ndarray:
    """(k,) int64, ascending and distinct: row numbers that were given in any order, or None for none.

    Raises InputError where these are no row numbers.
    """
    if exclude is None:
        return np.empty(0, np.int64)
    given = as_numbers(exclude, "exclude")
    numbers = to_numpy(given.values)
    if given.kind == "bool":
        raise InputError("exclude holds true and false; give row numbers: numpy.flatnonzero(mask).")
    if numbers.ndim != 1:
        raise InputError(f"exclude has shape {numbers.shape}; it must be a list of row numbers, (k,).")
    if not (numbers == np.floor(numbers)).all():  # not NaN, either
        odd = numbers[numbers != np.floor(numbers)][0]
        raise InputError(f"exclude holds {odd}; it must hold row numbers, from 0.")
    if numbers.min(initial=0) < 0:
        odd = numbers[numbers < 0][0]
        raise InputError(f"exclude holds the row {odd:.0f}; the rows of the pool are numbered from 0.")
    return np.unique(numbers.astype(np.int64))


def _moved_up(values: Given, rows: np.ndarray) -> Array:
    """The rows (n,) of an array, in ascending order, moved to its beginning: no second copy of a large pool."""
    if is_torch(values) or not values.flags.writeable:
        return values[rows]
    for block in row_blocks(len(rows), values.shape[1]):
        values[block] = values[rows[block]]  # no row moves down, so that none is overwritten before it has moved
    return values[: len(rows)]


# --- checks -------------------------------------------------------------------------------------------------------


def _check_features(features: Array, probabilities: Array) -> Array:
    """Features as the kind of array that the probabilities are, on their device."""
    features = _rows_of_numbers(features, "features")
    n, shape = len(probabilities), tuple(features.shape)
    if len(shape) != 2 or shape[0] != n:
        raise InputError(f"features has shape {shape}; it must be ({n}, D), a row for each row of probabilities.")
    return _finite(features, "features", probabilities)


def _check_labeled_features(labeled: Given, features: Array, probabilities: Array) -> Array:
    if features is None:
        raise InputError("labeled_features says nothing without features; give the features of the pool as well.")
    labeled = _rows_of_numbers(labeled, "labeled_features")
    shape, width = tuple(labeled.shape), features.shape[1]
    if len(shape) != 2 or shape[1] != width:
        raise InputError(f"labeled_features has shape {shape}; it must be (L, {width}), as many columns as features.")
    return _finite(labeled, "labeled_features", probabilities)


def _rows_of_numbers(given: Given, name: str) -> Array:
    read = read_given(given, "features", name)
    tell(read.notes)
    return read.values


def _finite(features: Array, name: str, probabilities: Array) -> Array:
    """Features without NaN or infinity, as the kind of array that the probabilities are."""
    if not bool((features.isfinite() if is_torch(features) else np.isfinite(features)).all()):
        raise InputError(f"{name} holds NaN or infinity; every feature must be a number.")
    if is_torch(probabilities):
        return features.to(probabilities.device) if is_torch(features) else to_like(features, probabilities)
    return to_numpy(features)


def _with_bought(features: Array, labeled: Given, rows: np.ndarray) -> Array:
    """The features of what is labeled, and of the rows that are not among those to choose from."""
    if features is None:
        return labeled
    bought = features[np.setdiff1d(np.arange(len(features)), rows)]
    if labeled is None:
        return bought
    if is_torch(bought):
        import torch

        return torch.cat([labeled.to(bought.dtype), bought])
    return np.concatenate([labeled, bought])


def is_whole(value: object) -> bool:
    """Whether a value is a whole number of Python, numpy or torch."""
    return hasattr(value, "__index__") and not isinstance(value, bool | np.bool) and getattr(value, "shape", ()) == ()


def checked_seed(seed: Given) -> int:
    """A seed as a number of Python. Raises InputError unless it is whole, 0 or more."""
    if not is_whole(seed) or operator.index(seed) < 0:
        raise InputError(f"seed is {seed!r}; it must be a whole number, 0 or more.")
    return operator.index(seed)
