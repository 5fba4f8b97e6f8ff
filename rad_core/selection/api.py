"""One call for people who bring their own models: from the student's probabilities to the rows to have labeled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.selection.arrays import is_torch, to_like, to_numpy
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


def estimate_accuracy(flags: Any, confidence: float = 0.95) -> AccuracyEstimate:
    """Estimate the teacher's accuracy from flags that say where it was right on validation points.

    flags: (V,) of 0/1 or bool. Exact binomial interval at this confidence.
    """
    flags = np.asarray(flags)
    if flags.ndim != 1 or len(flags) == 0:
        raise InputError(f"Teacher-right flags have shape {flags.shape}; they must be (V,) with V of 1 or more.")
    if flags.dtype.kind not in "biuf" or not np.all((flags == 0) | (flags == 1)):
        raise InputError("Teacher-right flags must be 0 or 1, one per validation point.")
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it must lie between 0 and 1, for instance 0.95.")
    from scipy.stats import beta

    total, right = len(flags), int(flags.sum())

    def lower(tail: float) -> float:
        return float(beta.ppf(tail, right, total - right + 1)) if right > 0 else 0.0

    high = float(beta.isf((1 - confidence) / 2, right + 1, total - right)) if right < total else 1.0
    return AccuracyEstimate(right / total, lower((1 - confidence) / 2), high, lower(1 - confidence), right, total)


def select(
    probabilities: Any,
    budget: int,
    *,
    teacher_accuracy: float,
    strategy: str = "rad",
    gain: str = "margin",
    features: Any = None,
    seed: int = 0,
) -> Any:
    """Choose exactly `budget` distinct rows whose labels to buy from the teacher.

    probabilities: (N, C), the student's class probabilities on the unlabeled pool, numpy or torch. teacher_accuracy:
    between 0 and 1, measured on validation data (see `estimate_accuracy`). features: (N, D), for strategies that need
    them, such as badge. Returns (b,) int64 row numbers. Raises InputError on bad input.
    """
    snapshot = take_snapshot(probabilities, budget, teacher_accuracy, strategy, gain, features)
    return choose(snapshot, budget, strategy, seed).positions


def choose(snapshot: Snapshot, budget: int, strategy: str, seed: int) -> Selection:
    """The full Selection behind `select`: picks, scores, inclusion probabilities, equilibrium."""
    return STRATEGIES[strategy](snapshot, budget, np.random.default_rng(seed))


def pick_columns(snapshot: Snapshot, selection: Selection, ids: np.ndarray) -> dict[str, np.ndarray]:
    """What to hand out of a choice, b rows: id, gain, probability of being selected (NaN where there is none).

    ids: (N,) names of the rows. A strategy that mixes adds partner and weight of the image to mix in. numpy only.
    """
    picks = selection.positions
    columns = {"id": ids[picks], "gain": snapshot.gains[picks]}
    columns["probability"] = np.full(len(picks), np.nan) if selection.q is None else selection.q[picks]
    if selection.mix is not None:
        columns |= {"partner": ids[selection.partners], "weight": selection.mix}
    return columns


def take_snapshot(
    probabilities: Any, budget: int, teacher_accuracy: float, strategy: str, gain: str, features: Any
) -> Snapshot:
    """Check everything a user may get wrong and gather it for a strategy."""
    for name, value, choices in (("strategy", strategy, USABLE), ("gain", gain, GAINS)):
        if value not in choices:
            raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
    probabilities = check_probabilities(probabilities)
    n = len(probabilities)
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or not 1 <= budget <= n:
        raise InputError(f"budget is {budget!r}; it must be a whole number from 1 to the {n} rows of the pool.")
    if features is not None:
        features = _check_features(features, probabilities)
    return Snapshot(probabilities, GAINS[gain](probabilities), wrong_count(n, teacher_accuracy), features)


def _check_features(features: Any, probabilities: Any) -> Any:
    """Features as the kind of array that the probabilities are, on their device."""
    features = features if is_torch(features) else np.asarray(features)
    n, shape = len(probabilities), tuple(features.shape)
    if len(shape) != 2 or shape[0] != n:
        raise InputError(f"features has shape {shape}; it must be ({n}, D), a row for each row of probabilities.")
    if not is_torch(features) and features.dtype.kind not in "fiub":
        raise InputError(f"features has type {features.dtype}; it must hold numbers.")
    if not bool((features.isfinite() if is_torch(features) else np.isfinite(features)).all()):
        raise InputError("features holds NaN or infinity; every feature must be a number.")
    if is_torch(probabilities):
        return features.to(probabilities.device) if is_torch(features) else to_like(features, probabilities)
    return to_numpy(features)
