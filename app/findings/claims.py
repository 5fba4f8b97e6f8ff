"""What pages and slides say beside the verdict: reference lines, the upper bound, mistakes bought, the worst case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.results import reading
from rad_core.results.summary import Interval, share_interval
from rad_core.results.verdicts import Results
from rad_core.results.words import listed, name, percent
from rad_core.selection.strategies import ORACLES
from rad_core.selection.whatif import RULES, guarantees, sort_gains
from rad_core.store.study import Study

_RULE_WORDS = {"uniform": "uniform", "greedy": "the most informative first"}


def upper_bound(measured: Results) -> str:
    """What the oracle reaches, named as what it is; empty where it did not run."""
    parts = [
        f"{name(oracle)}, which knows where the teacher is right, reaches {percent(final.mean)}"
        for oracle in ORACLES
        if (final := measured.final(oracle)).n
    ]
    return f"An upper bound, no competitor: the {'; the '.join(parts)}." if parts else ""


def references(levels: Mapping[str, float]) -> str:
    """The reference lines in a sentence; those that were not measured are named as such."""
    words = {
        "teacher": "the teacher itself",
        "student_full": "a student taught on the whole pool",
        "student_labeled": "a student without any bought label",
    }
    measured = {key: levels[key] for key in words if np.isfinite(levels.get(key, np.nan))}
    texts = [f"{words[key]} {percent(level)}" for key, level in measured.items()]
    missing = [text for key, text in words.items() if key not in measured]
    parts = [f"To compare, on the test set: {listed(texts)}."] if texts else []
    return " ".join([*parts, *([f"Not measured: {listed(missing)}."] if missing else [])])


def mistakes(table: pd.DataFrame) -> dict[str, Interval]:
    """Share of teacher mistakes among the labels bought, over seeds; n = 0 where it is undefined, as for mixtures."""
    if "teacher_right_share" not in table:
        return {}
    bought = table[table["round"] > 0]
    return {
        str(strategy): share_interval(1.0 - rows.groupby("seed")["teacher_right_share"].mean().dropna())
        for strategy, rows in bought.groupby("strategy", sort=False)
    }


# --- the worst case (an estimate) ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Guarantee:
    """Useful gain that a study's first purchase is sure to bring, whatever points the teacher gets wrong.

    values: by rule ("rad", "uniform", "greedy"), mean over seeds. budget: labels of that purchase.
    """

    values: Mapping[str, float]
    budget: int
    seeds: int

    @property
    def rad(self) -> float:
        return self.values["rad"]

    @property
    def rule(self) -> str:
        """The best other rule, in words."""
        return max(_RULE_WORDS.items(), key=lambda item: self.values[item[0]])[1]

    @property
    def other(self) -> float:
        """What that one guarantees."""
        return max(self.values[rule] for rule in _RULE_WORDS)

    @property
    def where(self) -> str:
        """Which purchase, in words."""
        repetitions = "1 repetition" if self.seeds == 1 else f"{self.seeds} repetitions, on average"
        return f"the first {self.budget:,} labels ({repetitions})"


def guarantee(study: Study) -> Guarantee | None:
    """What each rule guarantees for the first purchase, before which all rules share a student; None before any score.

    Worked out from the student's gains and the estimated accuracy of the teacher, without training.
    """
    values: dict[str, list[float]] = {rule: [] for rule in RULES}
    strategy = study.config.strategies[0]
    budget = 0
    for seed in study.seeds():
        if 0 not in study.finished_rounds(strategy, seed):
            continue
        pool = reading.pool_before(study, strategy, seed, 1)
        ordered, budget = sort_gains(pool.gains), min(pool.budget, pool.size)
        for rule in RULES:
            values[rule].append(float(guarantees(ordered, budget, pool.wrong(), rule)))
    if not budget:
        return None
    means = {rule: float(np.mean(each)) for rule, each in values.items()}
    return Guarantee(means, budget, len(values["rad"]))
