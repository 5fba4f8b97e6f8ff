"""What a study says of its purchases, made again from what it keeps: the guarantees, the mistakes allowed, the picks.

A study keeps gains as 16-bit fractions, so that its numbers cannot be made again to the last digit. No value of the
game changes by more than b times what a gain changes by: for any q, V(q) sums at most b of them. That is the tolerance,
and it is proven, not tuned. Draws cannot be made again; that no point was bought twice can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rad_core.selection.game import attack_value, game_value, solve_game, wrong_count
from rad_core.store.study import SHARED, Study

STEPS = 65535  # of the fractions that gains are kept as
_GAIN_OFF = 0.5 / STEPS + 1e-6  # half a step, and the rounding of float32 before it
_LIGHT_OFF = 1e-3  # of gains of what was bought, which light copies round


@dataclass(frozen=True)
class Checked:
    """faults: what does not hold, a sentence each. rounds: looked at. games: of them, with an equilibrium made again.

    without: rounds whose gains are not kept, as in light copies.
    """

    faults: tuple[str, ...]
    rounds: int
    games: int
    without: int


def verify_study(study: Study) -> Checked:
    """Make again what can be. Raises DamagedError where a part cannot be read."""
    faults: list[str] = []
    rounds = games = without = 0
    config = study.config
    for seed in study.seeds():
        pool = len(study.seed_array(seed, "pool_labels"))
        accuracy = study.seed_metrics(seed)["teacher_accuracy_used"]
        for strategy in config.strategies:
            taken = np.zeros(pool, bool)
            for number in study.finished_rounds(strategy, seed):
                if number == 0:
                    continue
                title = f"Round {number} of {strategy}, seed {seed}"
                metrics = study.round_metrics(strategy, seed, number)
                bought = np.asarray(study.round_array(strategy, seed, number, "bought"), np.int64)
                remaining = np.flatnonzero(~taken)
                rounds += 1
                faults += _check_books(title, metrics, bought, taken, wrong_count(len(remaining), accuracy))
                gains = _gains(study, strategy, seed, number - 1)
                if gains is None:
                    without += 1
                else:
                    names = study.round_arrays(strategy, seed, number)
                    if "bought_gain" in names:
                        kept = np.asarray(study.round_array(strategy, seed, number, "bought_gain"), np.float64)
                        faults += _check_bought(title, kept, gains[bought])
                    games += "value" in metrics
                    faults += _check_game(title, metrics, gains[remaining], config.budget)
                taken[bought] = True
    return Checked(tuple(faults), rounds, games, without)


def _gains(study: Study, strategy: str, seed: int, number: int) -> np.ndarray | None:
    """(N,) float64 of the student after a round, which the next purchase was chosen by; None where they are gone."""
    cell = SHARED if number == 0 else strategy
    if "gains" not in study.round_arrays(cell, seed, number):
        return None
    return np.asarray(study.round_array(cell, seed, number, "gains"), np.float64) / STEPS


def _check_books(
    title: str, metrics: dict[str, float], bought: np.ndarray, taken: np.ndarray, wrong: int
) -> Iterator[str]:
    twice = bought[taken[bought]]
    if len(twice) or len(np.unique(bought)) < len(bought):
        yield f"{title}: a point is bought twice."
    left = int(np.count_nonzero(~taken))
    if metrics["pool"] != left:
        yield f"{title}: {left:,} points were left, but {metrics['pool']:g} are said."
    if metrics["wrong"] != wrong:
        yield f"{title}: m allows {wrong:,} mistakes, but the game got {metrics['wrong']:g}."


def _check_bought(title: str, kept: np.ndarray, gains: np.ndarray) -> Iterator[str]:
    off = float(np.abs(kept - gains).max(initial=0.0))
    if off > _GAIN_OFF + _LIGHT_OFF:
        yield f"{title}: the gain of a pick is {off:.3g} off that of the pool."


def _check_game(title: str, metrics: dict[str, float], gains: np.ndarray, budget: int) -> Iterator[str]:
    """The equilibrium by both of its sides, and that no rule is said to guarantee more."""
    if "value" not in metrics and "strategy_value" not in metrics:
        return
    game = solve_game(gains, budget, wrong=int(metrics["wrong"]))
    ours = game_value(game.q, gains, game.wrong)
    theirs = attack_value(game.attack, gains, budget)
    if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9):
        yield f"{title}: the two sides of its certificate are {ours:.9g} and {theirs:.9g}."
    room = budget * _GAIN_OFF
    if "value" in metrics and abs(metrics["value"] - game.value) > room:
        yield f"{title}: the guarantee is {game.value:.6g} +- {room:.2g}, but {metrics['value']:.6g} was promised."
    if metrics.get("strategy_value", 0.0) > game.value + room:
        yield f"{title}: its rule is said to guarantee {metrics['strategy_value']:.6g}, more than any can."
