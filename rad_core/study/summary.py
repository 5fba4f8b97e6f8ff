"""A study in tables: curves with intervals over seeds, labels needed, paired differences. Every number is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rad_core.errors import InputError

if TYPE_CHECKING:
    from rad_core.study.record import Study


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its two-sided t interval; low and high are NaN for a single seed."""

    mean: float
    low: float
    high: float
    n: int


def interval(values: Any, confidence: float = 0.95) -> Interval:
    """Mean and Student's t interval of independent values (one per seed)."""
    values = np.asarray(values, float)
    n = len(values)
    mean = float(values.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), n)
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


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
    for (strategy, round), group in table.groupby(["strategy", "round"], sort=False):
        found = interval(group[value].dropna())
        rows.append((strategy, round, group["labels"].mean(), found.mean, found.low, found.high, found.n))
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


def labels_needed(table: pd.DataFrame, target: float) -> pd.DataFrame:
    """Soft labels at which each cell first reaches an accuracy, interpolated linearly; NaN where it never does."""
    rows = []
    for (strategy, seed), group in table.groupby(["strategy", "seed"], sort=False):
        group = group.sort_values("round")
        needed = first_crossing(group["labels"].to_numpy(float), group["accuracy"].to_numpy(float), target)
        rows.append((strategy, seed, needed))
    return pd.DataFrame(rows, columns=["strategy", "seed", "labels"])


def first_crossing(labels: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """Where a measured curve first reaches a target, inside the measured range only."""
    reached = np.flatnonzero(accuracy >= target)
    if len(reached) == 0:
        return float("nan")
    i = int(reached[0])
    if i == 0:
        return float(labels[0])
    share = (target - accuracy[i - 1]) / (accuracy[i] - accuracy[i - 1])
    return float(labels[i - 1] + share * (labels[i] - labels[i - 1]))


def paired_differences(scores: pd.DataFrame, strategy: str = "rad", value: str = "final") -> pd.DataFrame:
    """`strategy` minus every other one, paired by seed: baseline, difference, low, high, n, verdict."""
    wide = scores.pivot(index="seed", columns="strategy", values=value)
    rows = []
    if strategy in wide:
        for baseline in dict.fromkeys(scores["strategy"]):
            if baseline != strategy:
                found = interval((wide[strategy] - wide[baseline]).dropna())
                rows.append((baseline, found.mean, found.low, found.high, found.n, verdict(found)))
    return pd.DataFrame(rows, columns=["baseline", "difference", "low", "high", "n", "verdict"])


def default_targets(table: pd.DataFrame) -> list[float]:
    """Accuracies worth asking for: halfway and nine tenths of the way from the start to the best mean seen."""
    found = curves(table[table["strategy"] != "oracle"])
    if found.empty:
        return []
    start, best = found.loc[found["round"] == 0, "mean"].mean(), found["mean"].max()
    return [round(float(start + share * (best - start)), 2) for share in (0.5, 0.9)] if best > start else []


def summarize(study: Study, targets: Sequence[float] | None = None) -> dict[str, Any]:
    """Everything `rad show` prints, as plain values."""
    info, config = study.info(), study.config
    table = complete(study.rounds_table(), config.rounds)
    result: dict[str, Any] = {
        "id": info.id,
        "name": info.name,
        "status": info.status,
        "message": info.message,
        "rounds_done": info.rounds_done,
        "rounds_total": info.rounds_total,
        "config": config.to_dict(),
        "references": references(study),
        "strategies": [],
        "differences": [],
    }
    if table.empty:
        return result
    for target in targets or []:
        if not 0 < target < 1:
            raise InputError(f"A target is {target}; accuracies lie between 0 and 1, for instance --targets 0.7,0.8.")
    wanted = list(targets) if targets else default_targets(table)
    scores = cell_scores(table)
    needed = {target: labels_needed(table, target) for target in wanted}
    right = table[table["round"] > 0]
    for strategy, cells in scores.groupby("strategy", sort=False):
        own = right[right["strategy"] == strategy]
        shares = own.groupby("seed")["teacher_right_share"].mean() if "teacher_right_share" in own else pd.Series()
        result["strategies"].append(
            {
                "strategy": strategy,
                "final": vars(interval(cells["final"])),
                "area": vars(interval(cells["area"])),
                "added": vars(interval(cells["added"])),
                "teacher_right_share": vars(interval(shares.dropna())),
                "labels_needed": {
                    f"{target:g}": _needed(rows.loc[rows["strategy"] == strategy, "labels"])
                    for target, rows in needed.items()
                },
            }
        )
    for value in ("final", "area"):
        for row in paired_differences(scores, "rad", value).to_dict("records"):
            result["differences"].append({"value": value, **row})
    return result


def _needed(labels: pd.Series) -> dict[str, Any]:
    """Mean over the seeds that reached the target, and how many did."""
    reached = labels.dropna()
    return {"mean": float(reached.mean()) if len(reached) else None, "reached": len(reached), "seeds": len(labels)}


def references(study: Study) -> dict[str, dict[str, Any]]:
    """The reference lines: teacher, student on the labeled set alone, student on the whole soft-labeled pool."""
    seeds = study.seeds()
    metrics = [study.seed_metrics(seed) for seed in seeds]
    found = {
        name: vars(interval([values[name] for values in metrics]))
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
        found["student_labeled_accuracy"] = vars(interval(firsts))
    return found
