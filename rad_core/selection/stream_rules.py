"""The rules of `strategies` whose inclusion probability depends on a point's gain alone: they need no pool in memory.

Each is a function (gains in descending order, budget, wrong) -> `Plan`, and an entry in STREAMS. A rule that looks at
the features of all points, or at pairs of points, has no entry, and is refused for a pool that is read in passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rad_core.selection.game import Filling, fill, play, slope
from rad_core.selection.histogram import Binned

Chances = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Guarantee:
    """The buyer's side of the game and its value, in units of gain; see `game.Equilibrium`."""

    cap: float
    waterline: float
    value: float
    support: int
    budget: int
    wrong: int


@dataclass(frozen=True)
class Plan:
    """What a rule makes of a pool. q: gains (n,) float32 to inclusion probabilities (n,) float64, whose sum over the
    pool is the budget. descending: whether the picks that are certain are handed out by descending gain."""

    q: Chances
    guarantee: Guarantee | None = None
    descending: bool = False


@dataclass(frozen=True)
class Stream:
    """plan: (gains, budget, wrong) -> Plan. gain: the gain that it goes by, one of GAINS; "" is the one asked for."""

    plan: Callable[[Binned, int, int], Plan]
    gain: str = ""


def rad(pool: Binned, budget: int, wrong: int) -> Plan:
    """The equilibrium of `game.solve_game`, of which q is a function of the gain."""
    if wrong >= pool.count:  # no rule guarantees more than 0
        return Plan(_constant(budget / pool.size), Guarantee(0.0, 0.0, 0.0, pool.size, budget, wrong))
    levels, value, support, buyer, spread = play(pool, budget, wrong, lambda i: _rises(pool, i, budget, wrong))
    return Plan(
        lambda gains: _filled(gains, buyer, spread),
        Guarantee(levels.cap, levels.waterline, value, support, budget, wrong),
    )


def uniform(pool: Binned, budget: int, wrong: int) -> Plan:
    """Every point is equally likely."""
    return Plan(_constant(budget / pool.size))


def greedy(pool: Binned, budget: int, wrong: int) -> Plan:
    """The largest gains; equal ones at the edge share what is left."""
    if budget > pool.count:
        share = (budget - pool.count) / (pool.size - pool.count)
        return Plan(lambda gains: np.where(gains > 0, 1.0, share), descending=True)
    edge, (above, end) = pool.g(budget - 1), pool.ties(budget - 1)
    share = (budget - above) / (end - above)
    return Plan(lambda gains: (gains > edge) + share * (gains == edge), descending=True)


def proportional(pool: Binned, budget: int, wrong: int) -> Plan:
    """`sampling.proportional`: in proportion to the gain, none above 1."""
    if pool.count <= budget:
        share = (budget - pool.count) / max(1, pool.size - pool.count)
        return Plan(lambda gains: np.where(gains > 0, 1.0, share))

    def left_below(certain: int) -> float:
        return pool.sum(certain, pool.count)

    certain = pool.first(0, budget, lambda c: (budget - c) * pool.g(c) < left_below(c))
    factor = (budget - certain) / left_below(certain)
    return Plan(lambda gains: np.minimum(gains * np.float64(factor), 1.0))


STREAMS: dict[str, Stream] = {
    "rad": Stream(rad),
    "uniform": Stream(uniform),
    "margin": Stream(greedy, "margin"),
    "entropy": Stream(greedy, "entropy"),
    "least_confidence": Stream(greedy, "least_confidence"),
    "mraru": Stream(proportional),
}


def _constant(chance: float) -> Chances:
    return lambda gains: np.full(len(gains), chance)


def _filled(gains: np.ndarray, buyer: Filling, spread: float) -> np.ndarray:
    q: np.ndarray = fill(gains.astype(np.float64), buyer)
    if spread > 0.0:
        q += (1.0 - q) * spread
    return q


def _rises(pool: Binned, i: int, budget: int, wrong: int) -> bool:
    """Whether `game.slope` at the gain of place i is positive, by bounds where these settle it, since a look costs."""
    cap = pool.g(i)
    j = pool.above(cap)
    h = pool.h(j)
    if cap * h < budget:
        low, high = pool.between(j + int(np.ceil(budget - cap * h)) - 1)
        least, most = j - wrong - h * high, j - wrong - h * low
    else:
        # The budget ends in one bin. The slope at a place there, place - wrong - H g, grows from place to place.
        after = pool.first_knot(j, lambda s: cap * (pool.h(s) + 1.0 / pool.g(s)) >= budget)
        first = pool.knots(max(0, after - 1))[0]
        least, most = (s - wrong - pool.h(s) * pool.between(s)[1] for s in (first, after))
    if least > 0 or most <= 0:
        return least > 0
    return slope(pool, cap, budget, wrong) > 0
