"""Statistics of a study: intervals over seeds, curves, scores, reference lines. Every number is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from rad_core.store.study import Study


FEWEST_SEEDS = 3  # that say something of the spread between seeds


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its two-sided t interval; low and high are NaN for fewer than three seeds."""

    mean: float
    low: float
    high: float
    n: int


def interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean and Student's t interval of independent values (one per seed)."""
    values = np.asarray(values, float)
    n = len(values)
    mean = float(values.mean()) if n else float("nan")
    if n < FEWEST_SEEDS:
        return Interval(mean, float("nan"), float("nan"), n)
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def share_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """The interval of shares, which lie between 0 and 1 and so do its ends."""
    wide = interval(values, confidence)
    low, high = np.clip([wide.low, wide.high], 0.0, 1.0)
    return Interval(wide.mean, float(low), float(high), wide.n)


def verdict(difference: Interval) -> str:
    """What an interval of a difference allows to say: higher, lower, or no difference shown.

    Seeds that agree to the last digit, as two small ones may, leave the spread unknown: nothing is shown by them.
    """
    if difference.high - difference.low < 1e-9:
        return "no difference shown"
    if difference.low > 0:
        return "higher"
    return "lower" if difference.high < 0 else "no difference shown"


def complete(table: pd.DataFrame, rounds: int) -> pd.DataFrame:
    """The rows of the cells that have finished every round."""
    if table.empty:
        return table
    return table[table.groupby(["strategy", "seed"])["round"].transform("max") == rounds]


def curves(table: pd.DataFrame, value: str = "accuracy") -> pd.DataFrame:
    """Mean and 95 % interval over seeds, a row per strategy and round: strategy, round, labels, mean, low, high, n."""
    rows = []
    for (strategy, round_), group in table.groupby(["strategy", "round"], sort=False):
        interval = share_interval(group[value].dropna())
        rows.append((strategy, round_, group["labels"].mean(), interval.mean, interval.low, interval.high, interval.n))
    return pd.DataFrame(rows, columns=["strategy", "round", "labels", "mean", "low", "high", "n"])


def cell_scores(table: pd.DataFrame) -> pd.DataFrame:
    """One row per strategy and seed: the last accuracy, the area under the accuracy curve, what all labels added.

    The area is the trapezoid over soft labels bought divided by their number: a mean accuracy over the budget. Added is
    the last accuracy minus that of the same student without any soft label.
    """
    rows = []
    for (strategy, seed), group in table.groupby(["strategy", "seed"], sort=False):
        group = group.sort_values("round")
        labels, accuracy = group["labels"].to_numpy(float), group["accuracy"].to_numpy(float)
        span = labels[-1] - labels[0]
        area = float(np.trapezoid(accuracy, labels) / span) if span > 0 else float("nan")
        rows.append((strategy, seed, accuracy[-1], area, accuracy[-1] - accuracy[0]))
    return pd.DataFrame(rows, columns=["strategy", "seed", "final", "area", "added"])


@dataclass(frozen=True)
class Asked:
    """What a teacher from outside was asked: points of the data set, each once, and from how many it abstained."""

    points: int
    abstained: int


def teacher_asked(study: Study) -> Asked | None:
    """How much a teacher from outside was asked; None for any other, which knows the whole pool."""
    if not study.config.outside:
        return None
    answered: dict[int, bool] = {}  # by row of the data set
    pools = {}
    for seed in study.seeds():
        pools[seed] = np.asarray(study.seed_array(seed, "pool_ids"))
        given = study.seed_array(seed, "teacher_validation_probabilities")
        answered |= _answered(study.seed_array(seed, "validation_ids"), given)
    for _, seed, _, (positions, given) in study.each_purchase(["bought", "soft_labels"]):
        answered |= _answered(pools[seed][positions], given)
    return Asked(len(answered), len(answered) - sum(answered.values()))


def _answered(rows: np.ndarray, given: np.ndarray) -> dict[int, bool]:
    return dict(zip(np.asarray(rows).tolist(), (~np.isnan(given).any(1)).tolist(), strict=True))


def references(study: Study) -> dict[str, dict[str, Any]]:
    """The reference lines: teacher, student on the labeled set alone, student on the whole soft-labeled pool."""
    seeds = study.seeds()
    metrics = [study.seed_metrics(seed) for seed in seeds]
    levels = {
        name: vars(share_interval([values[name] for values in metrics]))
        for name in (
            "teacher_accuracy",
            "teacher_accuracy_pool",
            "teacher_accuracy_test",
            "student_full_accuracy",
        )
        if metrics and all(name in values for values in metrics)
    }
    if seeds:
        firsts = [study.round_metrics("", seed, 0)["accuracy"] for seed in seeds]
        levels["student_labeled_accuracy"] = vars(share_interval(firsts))
    return levels
