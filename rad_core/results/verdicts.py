"""Is it worth it, and which rule is ahead? Claims that hold for a whole study, corrected for their number.

Every comparison is paired by seed and made after the last round, with Student's t; those of one family are tested
together as Holm (1979) does, and an interval is the one at the level at which its comparison was tested. The family
belongs to the study: what a page shows of it, or has seen finish so far, changes no verdict. Fewer than three seeds
give no interval and no winner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from rad_core.results import summary
from rad_core.results.summary import FEWEST_SEEDS, Interval, interval, share_interval
from rad_core.selection.strategies import ORACLES

if TYPE_CHECKING:
    from rad_core.store.study import Study

OURS = "rad"
ERROR_RATE = 0.05  # chance that a family without any difference is said to have one
# From the cheapest to run to the dearest: nothing to score, one sort, a sort and a draw, the game, all features,
# clusters, mixed images.
CHEAPEST_FIRST = (
    "uniform",
    "margin",
    "least_confidence",
    "entropy",
    "mraru",
    "rad",
    "coreset",
    "badge",
    "cluster_margin",
    "unixkd",
)

Value = Literal["final", "area"]
# unknown: too few seeds, results missing, or seeds so alike that their spread is unknown; it is never called a tie.
Outcome = Literal["ahead", "behind", "tie", "unknown"]
Answer = Literal["yes", "no", "not shown", "unknown"]


# --- the measured rounds of a study --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Results:
    """What a study measured, and what it set out to compare.

    table: rows as from `Study.rounds_table`: strategy, seed, round, labels, accuracy, ... strategies: all that the
    study tries, finished or not. rounds and seeds: how many are planned; seeds is 0 where that is not known.
    """

    table: pd.DataFrame
    strategies: tuple[str, ...]
    rounds: int
    seeds: int = 0

    @cached_property
    def done(self) -> pd.DataFrame:
        """The rows of the cells that have finished every round and measured an accuracy in each."""
        if self.table.empty or "accuracy" not in self.table:
            return self.table.iloc[:0]
        done = summary.complete(self.table, self.rounds)
        measured = done["accuracy"].notna().groupby([done["strategy"], done["seed"]]).transform("all")
        return done[measured.astype(bool)]

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """The strategies that anybody could use; an oracle is an upper bound."""
        return tuple(strategy for strategy in self.strategies if strategy not in ORACLES)

    @cached_property
    def finished(self) -> tuple[str, ...]:
        """The rules of which a seed has finished every round."""
        names = set(self.done["strategy"]) if len(self.done) else set()
        return tuple(rule for rule in self.rules if rule in names)

    @cached_property
    def ours(self) -> str:
        """The rule that a study is about: RAD where it ran."""
        return OURS if OURS in self.rules or not self.rules else self.rules[0]

    @cached_property
    def labels(self) -> float:
        """Labels bought by the end of the last round, NaN before any cell has finished."""
        return float(self.done["labels"].max()) if len(self.done) else math.nan

    @cached_property
    def free(self) -> Interval:
        """Accuracy of the student without any bought label, over the seeds that have finished a rule."""
        return share_interval(self._first.to_numpy())

    @cached_property
    def _first(self) -> pd.Series:
        """By seed: accuracy without any bought label."""
        if self.done.empty:
            return pd.Series(dtype=float)
        return self.done[self.done["round"] == 0].groupby("seed")["accuracy"].mean()

    def final(self, strategy: str) -> Interval:
        """Accuracy of a strategy after the last round, over seeds; n = 0 where it has none."""
        return share_interval(self.by_seed(strategy, "final"))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per finished cell, as from `summary.cell_scores`."""
        return summary.cell_scores(self.done)

    def by_seed(self, strategy: str, value: str) -> pd.Series:
        """A score of every finished seed of a strategy."""
        wide = self._wide[value]
        return wide[strategy].dropna() if strategy in wide else pd.Series(dtype=float)

    @cached_property
    def _wide(self) -> dict[str, pd.DataFrame]:
        """By score: a row per seed, a column per strategy."""
        return {
            value: self.scores.pivot(index="seed", columns="strategy", values=value)
            for value in ("final", "area", "added")
        }


def results(study: Study) -> Results:
    """What a study has measured so far."""
    config = study.config
    return Results(study.rounds_table(), tuple(config.strategies), config.rounds, config.seeds)


# --- many comparisons ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tested:
    """A mean difference over seeds, its interval at the level at which it was tested, and what may be said."""

    difference: Interval
    outcome: Outcome


def holm(samples: Mapping[str, Sequence[float] | np.ndarray], comparisons: int) -> dict[str, Tested]:
    """Test whether each mean differs from zero, all together at most `ERROR_RATE` of the time in error (Holm, 1979).

    samples: paired differences, one per seed, by comparison. comparisons: in the family; those that cannot be tested
    yet count. The interval of a comparison that was rejected excludes zero; those that were not rejected share the
    level at which the procedure stopped, and contain it.
    """
    p_values = {name: p for name, values in samples.items() if not math.isnan(p := _p_value(values))}
    order = sorted(p_values, key=p_values.__getitem__)
    family = max(comparisons, len(samples), 1)
    rejected = 0
    while rejected < len(order) and p_values[order[rejected]] <= ERROR_RATE / (family - rejected):
        rejected += 1
    tested = {}
    for name, values in samples.items():
        place = min(order.index(name), rejected) if name in p_values else rejected
        difference = interval(values, 1 - ERROR_RATE / max(family - place, 1))
        tested[name] = Tested(difference, _outcome(difference, name in order[:rejected], name in p_values))
    return tested


def _p_value(values: Sequence[float] | np.ndarray) -> float:
    """Two-sided, of Student's t test that the mean is zero; NaN where seeds cannot tell."""
    array = np.asarray(values, float)
    if len(array) < FEWEST_SEEDS:
        return math.nan
    spread = float(array.std(ddof=1))
    if spread < 1e-9:  # seeds that agree to the last digit leave the spread unknown, unless nothing differs at all
        return 1.0 if abs(float(array.mean())) < 1e-9 else math.nan
    from scipy.stats import t

    return float(2 * t.sf(abs(float(array.mean())) / (spread / math.sqrt(len(array))), len(array) - 1))


def _outcome(difference: Interval, rejected: bool, testable: bool) -> Outcome:
    if not testable:
        return "unknown"
    if not rejected:
        return "tie"
    return "ahead" if difference.mean > 0 else "behind"


# --- is it worth it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worth:
    """Whether buying labels is shown to pay, against buying none.

    added: by rule, accuracy after the last round minus that without any bought label, Holm over all rules of the study.
    labels: bought by the end. free: accuracy without any. seeds: of the rule with the most.
    """

    answer: Answer
    added: dict[str, Tested]
    labels: float
    free: Interval
    seeds: int

    def shown(self, rule: str) -> bool:
        """Whether this rule's labels are shown to have added accuracy."""
        return rule in self.added and self.added[rule].outcome == "ahead"

    @property
    def best(self) -> str:
        """The rule whose labels added the most on average."""
        return max(self.added, key=lambda rule: self.added[rule].difference.mean)


def worth(measured: Results) -> Worth:
    """Yes where the corrected interval of a rule lies above 0, no where all lie below, else not shown."""
    samples = {rule: measured.by_seed(rule, "added").to_numpy() for rule in measured.finished}
    added = holm(samples, len(measured.rules))
    seeds = max((len(values) for values in samples.values()), default=0)
    outcomes = [tested.outcome for tested in added.values()]
    answer: Answer = "not shown"
    if "ahead" in outcomes:
        answer = "yes"
    elif outcomes and len(outcomes) == len(measured.rules) and set(outcomes) == {"behind"}:
        answer = "no"
    elif seeds < FEWEST_SEEDS or set(outcomes) <= {"unknown"}:
        answer = "unknown"
    return Worth(answer, added, measured.labels, measured.free, seeds)


# --- which rule ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """One rule minus another in accuracy (0 to 1), paired by seed, Holm over the comparisons of the first."""

    ours: str
    other: str
    value: Value
    difference: Interval
    outcome: Outcome


def comparisons(measured: Results, ours: str = OURS, value: Value = "final") -> tuple[Comparison, ...]:
    """A rule against every other one of the study, the one that is furthest ahead of it first.

    value: accuracy after the last round, or its mean over the labels bought ("area").
    """
    if ours not in measured.finished:
        return ()
    own = measured.by_seed(ours, value)
    samples = {
        other: (own - measured.by_seed(other, value)).dropna().to_numpy()
        for other in measured.finished
        if other != ours
    }
    tested = holm(samples, len(measured.rules) - 1)
    listed = [Comparison(ours, other, value, test.difference, test.outcome) for other, test in tested.items()]
    return tuple(sorted(listed, key=lambda row: (not np.isfinite(row.difference.mean), row.difference.mean)))


def cheapest_first(rules: Sequence[str]) -> list[str]:
    """Rules by what it takes to run them; those that nobody has ranked last."""
    places = {rule: place for place, rule in enumerate(CHEAPEST_FIRST)}
    return sorted(rules, key=lambda rule: (places.get(rule, len(places)), rule))


def equals(measured: Results) -> list[str]:
    """The rules that no other one is shown to beat after the last round, the cheapest to run first."""
    return cheapest_first(
        [rule for rule in measured.finished if not any(row.outcome == "behind" for row in comparisons(measured, rule))]
    )


def difference_table(measured: Results, ours: str = OURS, value: Value = "final") -> pd.DataFrame:
    """`comparisons` as a table: baseline, difference, low, high, n, verdict; in the study's order of rules."""
    rows = [
        (row.other, row.difference.mean, row.difference.low, row.difference.high, row.difference.n, WORDS[row.outcome])
        for row in comparisons(measured, ours, value)
    ]
    table = pd.DataFrame(rows, columns=["baseline", "difference", "low", "high", "n", "verdict"])
    order = {rule: place for place, rule in enumerate(measured.rules)}
    return table.sort_values("baseline", key=lambda names: names.map(order), ignore_index=True)


WORDS: dict[Outcome, str] = {
    "ahead": "higher",
    "behind": "lower",
    "tie": "no difference shown",
    "unknown": "too few seeds",
}
