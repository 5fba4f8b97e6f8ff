"""The numbers beside the instrument: what each rule would buy, what a study measured. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.palette import strategy_label
from app.results import reading
from rad_core.results.increments import next_labels
from rad_core.selection.game import Equilibrium, solve_game
from rad_core.selection.whatif import ALL_RULES, RULES, WhatIf, inclusion, right_chance, what_if
from rad_core.store.study import Study

COLUMNS = ["strategy", "labels", "wrong", "gain", "useful_gain", "guarantee"]  # of purchases


@dataclass(frozen=True)
class Levers:
    """How the lab is set: labels to buy, the teacher's accuracy, and whether that is not the measured one."""

    budget: int
    accuracy: float
    assumed: bool
    wrong: int  # on how many points of the pool the teacher may be wrong


@dataclass(frozen=True)
class Measured:
    """What a study really bought and learned, to be laid over the estimates.

    bought: one row per strategy for the purchase in view: strategy, labels, wrong, gain, useful_gain, guarantee (NaN
    where undefined). rounds: all metrics, as from `Study.rounds_table`. start: labels bought before this purchase.
    where: which purchase, in words.
    """

    bought: pd.DataFrame
    rounds: pd.DataFrame
    start: int
    where: str


def set_levers(pool: reading.Pool, budget: int, accuracy: float | None) -> Levers:
    """The levers for a budget, and the teacher's accuracy where one is assumed."""
    used = pool.teacher.used if accuracy is None else accuracy
    return Levers(min(budget, pool.size), used, accuracy is not None, pool.wrong(used))


def solve(pool: reading.Pool, levers: Levers) -> Equilibrium:
    """The game between us and the teacher's mistakes, at the levers' budget and accuracy."""
    return solve_game(np.asarray(pool.gains, np.float64), levers.budget, wrong=levers.wrong)


def chance_of_right(pool: reading.Pool, levers: Levers) -> np.ndarray | None:
    """Where the teacher is right, or how likely with the accuracy assumed; None where nobody knows."""
    if pool.right is None:
        return None
    return right_chance(pool.right, levers.accuracy if levers.assumed else None)


def answers(pool: reading.Pool, levers: Levers, game: Equilibrium | None = None) -> list[WhatIf]:
    """What RAD, uniform and greedy choices would buy, and the oracle where the truth about this teacher is known.

    game: as from `solve`, which is asked for it otherwise.
    """
    labels = pool.labels if pool.classes else None
    return what_if(
        pool.gains,
        levers.budget,
        levers.wrong,
        _rules(pool, levers),
        game=game or solve(pool, levers),
        right=chance_of_right(pool, levers),
        labels=labels,
        classes=len(pool.classes),
        price=pool.price,
        latency=pool.latency,
    )


def chances(pool: reading.Pool, levers: Levers, game: Equilibrium) -> dict[str, np.ndarray]:
    """The probability of buying every point by each rule that `answers` tells of."""
    right = chance_of_right(pool, levers)
    return {
        rule: inclusion(pool.gains, levers.budget, levers.wrong, rule, right, game) for rule in _rules(pool, levers)
    }


def _rules(pool: reading.Pool, levers: Levers) -> tuple[str, ...]:
    """The oracle needs the truth about this very teacher."""
    return RULES if pool.right is None or levers.assumed else ALL_RULES


def rule_label(rule: str) -> str:
    """A rule in plain words."""
    return "Most informative first" if rule == "greedy" else strategy_label(rule).split(" (")[0]


def as_strategy(rule: str, gain_name: str) -> str:
    """The strategy whose name and color a rule has: the most informative first is what margin does with its gain."""
    return gain_name if rule == "greedy" else rule


def comparison(found: Sequence[WhatIf]) -> pd.DataFrame:
    """The answers as a table for people."""
    rows = [
        (rule_label(each.rule), each.labels, each.wrong_labels, each.gain, each.useful_gain, each.guarantee)
        for each in found
    ]
    return for_people(pd.DataFrame(rows, columns=COLUMNS), "How we choose").dropna(axis=1, how="all")


def bought_table(measured: Measured) -> pd.DataFrame:
    """What a study bought as a table for people, with how many labels."""
    bought = measured.bought.assign(strategy=measured.bought["strategy"].map(strategy_label))
    table = for_people(bought, "Strategy")
    table.insert(1, "Labels bought", bought["labels"])
    return table


def for_people(purchases: pd.DataFrame, who: str) -> pd.DataFrame:
    """Purchases (COLUMNS) in words and with the share of mistakes. who: what the first column says."""
    return pd.DataFrame(
        {
            who: purchases["strategy"],
            "Teacher mistakes": purchases["wrong"],
            "Share of mistakes": purchases["wrong"] / purchases["labels"],
            "Gain bought": purchases["gain"],
            "Useful gain": purchases["useful_gain"],
            "Guaranteed useful gain": purchases["guarantee"],
        }
    )


# --- measured ------------------------------------------------------------------------------------------------------


def purchases_in_round(study: Study, seed: int, round_: int) -> pd.DataFrame:
    """One row per strategy that has finished this purchase: strategy, labels, wrong, gain, useful_gain, guarantee."""
    rows = []
    for strategy in study.config.strategies:
        if round_ not in study.finished_rounds(strategy, seed):
            continue
        gain = every = study.round_array(strategy, seed, round_, "bought_gain").astype(np.float64)
        right = study.round_array(strategy, seed, round_, "bought_correct").astype(np.float64)
        if study.config.outside:  # an abstention is neither right nor wrong, and teaches nothing
            gain, right = gain[right <= 1], right[right <= 1]
        known = right.max(initial=0) <= 1  # a mixture of two images is neither right nor wrong
        value = study.round_metrics(strategy, seed, round_).get("strategy_value", np.nan)
        wrong, useful = (float((1 - right).sum()), float((gain * right).sum())) if known else (np.nan, np.nan)
        rows.append((strategy, len(every), wrong, float(every.sum()), useful, value))
    return pd.DataFrame(rows, columns=COLUMNS)


def measured(study: Study, seed: int, round_: int) -> Measured:
    """What a study bought in one round of a seed, and everything that it has measured so far."""
    table = study.rounds_table()
    where = f"round {round_}, seed {seed}"
    start = (round_ - 1) * study.config.budget
    return Measured(purchases_in_round(study, seed, round_), table, start, where)


def next_table(measured: Measured, labels: int) -> tuple[pd.DataFrame, float]:
    """What the next labels bought, a row per strategy, in percentage points; and up to how many it was measured.

    All rows end at the same number of labels, the furthest that every strategy with results has reached.
    """
    table = measured.rounds
    reached = table.groupby("strategy")["labels"].max() if len(table) else pd.Series(dtype=float)
    reached = reached[reached > measured.start]
    if reached.empty:
        return pd.DataFrame(), float(measured.start)
    end = min(float(reached.min()), measured.start + labels)
    rows = []
    for strategy in reached.index:
        found = next_labels(table, strategy, measured.start, end - measured.start)
        if found is None or found.end < end:
            continue
        gained, each = found.gained, found.per_label
        rows.append(
            {
                "Strategy": strategy_label(strategy),
                "Accuracy before": found.from_accuracy,
                "Accuracy after": found.to_accuracy,
                "Gained (points)": 100 * gained.mean,
                "low (points)": 100 * gained.low,
                "high (points)": 100 * gained.high,
                "Per 100 labels (points)": 1e4 * each.mean,
                "Seeds": gained.n,
            }
        )
    return pd.DataFrame(rows).sort_values("Gained (points)", ascending=False, ignore_index=True), end
