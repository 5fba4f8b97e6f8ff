"""How many labels to buy and by which rule, for an accuracy to reach or for money to spend. No Streamlit in here.

Read off the measured curves: through the accuracies of each seed goes the best line that never falls (isotonic
regression), and the numbers of the seeds give a mean and its 95 % t interval. A line is continued beyond what was
measured by a quarter at most, only with several seeds, and never silently.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from app import reading
from app.claims import OURS, Outcome, competitors, outcome_of
from rad_core.errors import InputError
from rad_core.study.record import Study
from rad_core.study.summary import Interval, first_crossing, interval
from rad_core.study.whatif import RULES, guarantees, sort_gains

FURTHER = 0.25  # how far a line is continued beyond what was measured, as a share of that
_NOTHING = Interval(float("nan"), float("nan"), float("nan"), 0)

# measured: every seed is inside what was measured. beyond: some are on the continued line. not reached: some seed
# leads to no number, or the interval ends beyond the limit. unknown: nothing was measured.
Basis = Literal["measured", "beyond", "not reached", "unknown"]


# --- one seed ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Fit:
    """The best line that never falls through one seed's accuracies.

    labels: (K,) ascending. accuracy: (K,) on the line. measured: (K,) as it was.
    """

    labels: np.ndarray
    accuracy: np.ndarray
    measured: np.ndarray

    @property
    def most(self) -> float:
        """Labels measured at most."""
        return float(self.labels[-1])

    @property
    def limit(self) -> float:
        """Labels up to which the line may be continued."""
        return self.most + FURTHER * (self.most - float(self.labels[0]))

    @property
    def slope(self) -> float:
        """Accuracy per label over the last quarter of what was measured."""
        width = self.limit - self.most
        return float(self.accuracy[-1] - self.at(self.most - width)) / width if width > 0 else 0.0

    def at(self, labels: float) -> float:
        """Accuracy with so many labels, at most 1; NaN beyond the limit."""
        if labels <= self.most:
            return float(np.interp(labels, self.labels, self.accuracy))
        reached = float(self.accuracy[-1]) + self.slope * (labels - self.most)
        return min(1.0, reached) if labels <= self.limit else float("nan")

    def compared(self, labels: float) -> float:
        """Accuracy with so many labels for a comparison: as measured at the end of a round, else on the line."""
        exact = np.flatnonzero(self.labels == labels)
        return float(self.measured[exact[0]]) if len(exact) else self.at(labels)

    def needed(self, target: float) -> float:
        """Labels at which the line first reaches an accuracy; NaN where it does not up to the limit."""
        inside = first_crossing(self.labels, self.accuracy, target)
        if math.isfinite(inside) or self.slope <= 0 or target > 1:
            return inside
        outside = self.most + (target - float(self.accuracy[-1])) / self.slope
        return outside if outside <= self.limit else float("nan")


def fit(labels: np.ndarray, accuracy: np.ndarray) -> Fit:
    """The fit of one seed. labels: (K,) bought, in any order, distinct. accuracy: (K,) measured."""
    order = np.argsort(labels, kind="stable")
    measured = np.asarray(accuracy, np.float64)[order]
    return Fit(np.asarray(labels, np.float64)[order], np.asarray(isotonic_regression(measured).x), measured)


Fits = Mapping[str, Mapping[int, Fit]]  # by strategy and seed


def fit_all(finished: pd.DataFrame) -> dict[str, dict[int, Fit]]:
    """The fits of all strategies that anybody could use. finished: rows of the cells that finished every round."""
    found: dict[str, dict[int, Fit]] = {}
    if finished.empty:
        return found
    table = competitors(finished).dropna(subset=["accuracy"])
    for strategy in dict.fromkeys(table["strategy"]):
        mine = table[table["strategy"] == strategy]
        found[strategy] = {
            seed: fit(rows["labels"].to_numpy(float), rows["accuracy"].to_numpy(float))
            for seed in mine["seed"].unique().tolist()
            for rows in [mine[mine["seed"] == seed]]
        }
    return found


def fitted(finished: pd.DataFrame) -> pd.DataFrame:
    """The rows of `fit_all` with the accuracy on the line instead of the measured one, for charts of labels needed."""
    parts = [
        pd.DataFrame({"strategy": strategy, "seed": seed, "round": range(len(line.labels)), "labels": line.labels,
                      "accuracy": line.accuracy})
        for strategy, lines in fit_all(finished).items() for seed, line in lines.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else finished


# --- one rule ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """What one rule needs for a target, or brings for money.

    labels and accuracy: over seeds; labels has n = 0 unless basis is measured or beyond. reached: seeds that reach the
    target inside what was measured. spread: the least and the most labels of a seed. most: labels measured. best: mean
    accuracy at most labels.
    """

    strategy: str
    seeds: int
    basis: Basis
    labels: Interval
    accuracy: Interval
    reached: int
    spread: tuple[float, float]
    most: float
    best: Interval

    @property
    def known(self) -> bool:
        return self.basis in ("measured", "beyond")


def rule_for_target(strategy: str, lines: Mapping[int, Fit], target: float, pool: float = math.inf) -> Rule:
    """The labels that a rule needs for an accuracy. pool: labels that can be bought at all."""
    needed = np.array([line.needed(target) for line in lines.values()])
    most = min(line.most for line in lines.values())
    limit = min(pool, *(line.limit for line in lines.values()))
    inside = np.array([bool(value <= line.most) for value, line in zip(needed, lines.values(), strict=True)])
    found = interval(needed) if np.isfinite(needed).all() else _NOTHING
    basis: Basis = "not reached"
    if inside.all():
        basis = "measured"
    elif len(lines) > 1 and found.n and found.high <= limit:
        basis = "beyond"
    return Rule(
        strategy, len(lines), basis, found if basis != "not reached" else _NOTHING,
        Interval(target, target, target, len(lines)), int(inside.sum()),
        (float(needed.min()), float(needed.max())), most, interval([line.accuracy[-1] for line in lines.values()]),
    )  # fmt: skip


def rule_for_labels(strategy: str, lines: Mapping[int, Fit], labels: float) -> Rule:
    """The accuracy that so many labels bring by a rule."""
    reached = np.array([line.at(labels) for line in lines.values()])
    most = min(line.most for line in lines.values())
    beyond_allowed = len(lines) > 1 and bool(np.isfinite(reached).all())
    basis: Basis = "measured" if labels <= most else "beyond" if beyond_allowed else "not reached"
    exact = Interval(labels, labels, labels, len(lines))
    return Rule(
        strategy, len(lines), basis, exact if basis != "not reached" else _NOTHING,
        interval(reached) if basis != "not reached" else _NOTHING, len(lines) if labels <= most else 0,
        (labels, labels), most, interval([line.accuracy[-1] for line in lines.values()]),
    )  # fmt: skip


def whole_labels(rule: Rule) -> int:
    """The labels of a rule that is known, rounded as charts round them; never down to none."""
    return max(math.ceil(min(rule.labels.mean, 1.0)), round(rule.labels.mean))


# --- rules against each other --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Versus:
    """The preferred rule against another one at the point in question, paired by seed.

    by: what is compared, labels needed or accuracy at a number of labels. difference: preferred minus other. outcome:
    of the preferred rule.
    """

    other: str
    by: Literal["labels", "accuracy"]
    at: float
    difference: Interval
    outcome: Outcome


def _versus(ours: Rule, theirs: Rule, fits: Fits, target: float | None) -> Versus:
    mine, others = fits[ours.strategy], fits[theirs.strategy]
    seeds = [seed for seed in mine if seed in others]
    if target is not None and ours.basis == theirs.basis == "measured":
        difference = interval([mine[seed].needed(target) - others[seed].needed(target) for seed in seeds])
        fewer = interval([others[seed].needed(target) - mine[seed].needed(target) for seed in seeds])
        return Versus(theirs.strategy, "labels", float("nan"), difference, outcome_of(fewer))
    wanted = next((rule.labels.mean for rule in (ours, theirs) if rule.known), math.inf)
    # Beyond what was measured a difference would be one of continued lines: it is taken where both were measured.
    at = min([wanted, *(line.most for lines in (mine, others) for line in lines.values())])
    difference = interval([mine[seed].compared(at) - others[seed].compared(at) for seed in seeds])
    return Versus(theirs.strategy, "accuracy", at, difference, outcome_of(difference))


# --- the recommendation --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Goal:
    """An accuracy to reach, or money to spend at a price per label."""

    target: float | None = None
    money: float | None = None
    price: float = 0.0

    def __post_init__(self) -> None:
        if (self.target is None) == (self.money is None):
            raise InputError("A goal is either a target or money; give one of them.")
        if self.target is not None and not 0 < self.target < 1:
            raise InputError(f"The target is {self.target!r}; it must be an accuracy between 0 and 1, such as 0.9.")
        if self.money is not None and not (self.money >= 0 and self.price > 0):
            raise InputError("Money buys labels only at a price per label above 0; give both.")

    @property
    def affordable(self) -> int:
        """Labels that the money buys."""
        return 0 if self.money is None else math.floor(self.money / self.price * (1 + 1e-12))


@dataclass(frozen=True, eq=False)
class Recommendation:
    """Which rule, and how many labels. rule is None where no strategy has finished every round.

    preferred: RAD where it ran, else the rule that comes out best; the rule is another one only where that is better by
    its paired interval. offered: labels that the money buys, more than labels where the pool or what was measured is
    smaller.
    """

    goal: Goal
    rule: Rule | None
    preferred: Rule | None
    rules: tuple[Rule, ...]
    versus: tuple[Versus, ...]
    offered: int = 0
    pool: int = 0

    @property
    def labels(self) -> int:
        """Labels to buy; 0 where no number can be given."""
        return whole_labels(self.rule) if self.rule is not None and self.rule.known else 0

    def others(self, outcome: Outcome) -> list[str]:
        """The rules against which the preferred one came out so."""
        return [one.other for one in self.versus if one.outcome == outcome]


def recommend(finished: pd.DataFrame, goal: Goal, pool: int, ours: str = OURS) -> Recommendation:
    """The recommendation. finished: rows of the cells that finished every round. pool: labels that can be bought."""
    fits = fit_all(finished)
    if not fits:
        return Recommendation(goal, None, None, (), ())
    offered = min(goal.affordable, pool)
    if goal.target is not None:
        rules = {name: rule_for_target(name, lines, goal.target, pool) for name, lines in fits.items()}
    else:
        at = _usable(fits, offered)
        rules = {name: rule_for_labels(name, lines, at) for name, lines in fits.items()}
    preferred = rules.get(ours) or min(rules.values(), key=_badness)
    versus = tuple(
        _versus(preferred, other, fits, goal.target) for name, other in rules.items() if name != preferred.strategy
    )
    better = [rules[one.other] for one in versus if one.outcome == "behind"]
    rule = min(better, key=_badness) if better else preferred
    return Recommendation(goal, rule, preferred, tuple(rules.values()), versus, goal.affordable, pool)


def _usable(fits: Fits, labels: int) -> float:
    """Labels whose effect can be told: all, or, beyond the limit, as many as every seed of every rule has measured."""
    lines = [line for lines in fits.values() for line in lines.values()]
    several = min(len(lines) for lines in fits.values()) > 1
    limit = min(line.limit if several else line.most for line in lines)
    return float(labels) if labels <= limit else min(line.most for line in lines)


def _badness(rule: Rule) -> tuple[bool, float, float]:
    """Sorts the best first: fewest labels, then highest accuracy."""
    accuracy = rule.accuracy.mean if rule.known else rule.best.mean
    return (not rule.known, rule.labels.mean if rule.known else 0.0, -accuracy)


def safe_gains(study: Study, labels: int) -> dict[str, float]:
    """Useful gain that is safe whatever points the teacher gets wrong, by rule: an estimate, mean over seeds.

    For one purchase of so many labels from the whole pool by the student that has bought none: "rad", "uniform" and
    "greedy" (the most informative first).
    """
    found: dict[str, list[float]] = {rule: [] for rule in RULES}
    any_strategy = study.config.strategies[0]
    for seed in (seed for seed in study.seeds() if study.finished_rounds(any_strategy, seed)):
        pool = reading.pool_before(study, any_strategy, seed, 1)
        ordered = sort_gains(pool.gains)
        for rule in RULES:
            budget = max(1, min(labels, pool.size))
            found[rule].append(float(guarantees(ordered, budget, pool.wrong(), rule)))
    return {rule: float(np.mean(values)) for rule, values in found.items() if values}
