"""What would another budget or another teacher mean? Answered from stored gains, without training anything.

A *rule* here is a name for inclusion probabilities q over the pool: "rad" (the game's solution), "uniform", "greedy"
(the most informative points first) and "oracle" (the most informative points among those the teacher gets right).
Everything else that a strategy may be is not a function of the gains alone and has no what-if.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rad_core.errors import InputError
from rad_core.selection.arrays import Array, Given
from rad_core.selection.game import Equilibrium, game_value, solve_game, wrong_count
from rad_core.selection.ordered import NO_GAIN

RULES = ("rad", "uniform", "greedy")
ORACLE = "oracle"  # drawn like the strategy of that name
ALL_RULES = (*RULES, ORACLE)
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class SortedGains:
    """A pool's gains, sorted once, so that a whole curve of guarantees costs a few look-ups.

    descending: (N,) gains from the largest down. worth: (N + 1,) sums of the j largest gains. inverse: (P + 1,) sums
    of 1/g over the j largest of the P positive gains. All float64.
    """

    descending: np.ndarray
    worth: np.ndarray
    inverse: np.ndarray

    @property
    def size(self) -> int:
        return len(self.descending)

    @property
    def positive(self) -> int:
        return len(self.inverse) - 1


def sort_gains(gains: Array) -> SortedGains:
    """Sort gains once for many what-ifs. gains: (N,) finite and >= 0; a SortedGains is returned as it is."""
    if isinstance(gains, SortedGains):
        return gains
    array = np.asarray(gains)
    if array.ndim != 1 or len(array) == 0:
        raise InputError(f"gains has shape {array.shape}; it must be (N,) with N of 1 or more.")
    descending = np.sort(array)[::-1].astype(np.float64)
    # NaN sorts to the front of the reversed array, so the ends tell everything.
    if not (math.isfinite(descending[0]) and descending[-1] >= 0.0):
        raise InputError(
            f"gains run from {descending[-1]} to {descending[0]}; every gain must be finite and 0 or more."
        )
    positive = int(np.searchsorted(-descending, -NO_GAIN, side="left"))
    with_zero = np.zeros(1)
    worth = np.concatenate([with_zero, np.cumsum(descending)])
    inverse = np.concatenate([with_zero, np.cumsum(1.0 / descending[:positive])])
    return SortedGains(descending, worth, inverse)


# --- guarantees ---------------------------------------------------------------------------------------------------


def guarantees(gains: Array, budgets: Given, wrong: Given, rule: str = "rad") -> np.ndarray:
    """Worst-case informative-and-correct gain of a rule, for many budgets or numbers of teacher mistakes at once.

    Equal to `game_value` of the rule's q to rounding (about 1e-12 relative). Source: arXiv:2210.01213, section 3, with
    the box q <= 1.

    Args:
        gains: (N,) or SortedGains.
        budgets: a whole number or an array of them, 1 <= budget <= N; broadcasts against wrong.
        wrong: a whole number or an array of them, >= 0; broadcasts against budgets.
        rule: one of RULES.

    Returns:
        float64 in units of gain, in the broadcast shape.

    Raises:
        InputError: on bad input.
    """
    pool = sort_gains(gains)
    b, k = np.broadcast_arrays(_counts(budgets, "budget", 1, pool.size), _counts(wrong, "wrong", 0, None))
    k = np.minimum(k, pool.size)
    if rule == "rad":
        return _rad_values(pool, b.ravel(), k.ravel()).reshape(b.shape)
    if rule == "uniform":
        return b / pool.size * (pool.worth[pool.size] - pool.worth[k])
    if rule == "greedy":
        return _greedy_values(pool, b, k)
    raise InputError(f"rule is {rule!r}; a guarantee can be worked out for {', '.join(RULES)}.")


def wrong_counts(size: int, teacher_accuracies: Given) -> np.ndarray:
    """Number of points on which teachers of these accuracies may be wrong in a pool of this size, int64."""
    return np.array([wrong_count(size, float(m)) for m in np.ravel(teacher_accuracies)], np.int64)


def default_budgets(size: int, current: int | None = None, wrong: int | None = None, points: int = 41) -> np.ndarray:
    """Budgets for a curve, int64: equal steps from 1 label to well beyond the current budget and the mistakes.

    The current budget and the number of mistakes (where greedy choices begin to guarantee anything) are among them.
    """
    marks = [mark for mark in (current, wrong) if mark is not None and 1 <= mark <= size]
    most = max(4 * (current or 0), int(1.5 * (wrong or 0))) or size
    grid = np.linspace(1, min(size, max(most, 2)), points).round()
    return np.unique(np.append(grid, marks).astype(np.int64))


def default_accuracies(
    measured: float | None = None, size: int | None = None, budget: int | None = None, points: int = 41
) -> np.ndarray:
    """Teacher accuracies for a curve, up to 1: from 50 %, or lower if the measured one lies near that; denser near 1.

    The measured one is among them, and, where size and budget are given, the one at which the possible mistakes equal
    the budget.
    """
    low = 0.5 if measured is None or measured >= 0.6 else math.floor(max(0.0, measured - 0.15) * 10) / 10
    grid = 1.0 - (1.0 - low) * np.linspace(1.0, 0.0, points) ** 1.5
    marks = [] if measured is None else [measured]
    if size is not None and budget is not None and low <= 1.0 - budget / size:
        marks.append(1.0 - budget / size)
    return np.unique(np.append(grid, marks))


def _rad_values(pool: SortedGains, b: np.ndarray, k: np.ndarray) -> np.ndarray:
    """V* = max F over the cap; F is concave, so a golden-section search on the logarithm of the cap finds it."""
    out = np.zeros(b.shape)
    open_ = k < pool.positive
    if not open_.any():
        return out
    b, k = b[open_].astype(np.float64), k[open_].astype(np.float64)
    # Below the lower end every point is capped and budget is left: F still rises. Above the largest gain F only falls.
    low = np.log(np.minimum(b / pool.inverse[-1], pool.descending[pool.positive - 1]))
    high = np.full_like(low, math.log(pool.descending[0]))
    best = np.maximum(_buyer(pool, np.exp(low), b, k), _buyer(pool, np.exp(high), b, k))
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = _buyer(pool, np.exp(left), b, k), _buyer(pool, np.exp(right), b, k)
    while float(np.max(high - low)) > max(1e-14, 4.0 * float(np.max(np.spacing(np.abs(high))))):
        best = np.maximum(best, np.maximum(at_left, at_right))
        rising = at_left < at_right
        low, high = np.where(rising, left, low), np.where(rising, high, right)
        kept = np.where(rising, right, left)
        at_kept = np.where(rising, at_right, at_left)
        new = np.where(rising, low + _GOLDEN * (high - low), high - _GOLDEN * (high - low))
        at_new = _buyer(pool, np.exp(new), b, k)
        left, right = np.where(rising, kept, new), np.where(rising, new, kept)
        at_left, at_right = np.where(rising, at_kept, at_new), np.where(rising, at_new, at_kept)
    out[open_] = np.maximum(0.0, np.maximum(best, np.maximum(at_left, at_right)))
    return out


def _buyer(pool: SortedGains, cap: np.ndarray, b: np.ndarray, k: np.ndarray) -> np.ndarray:
    """F(cap): what is left when no point may be worth more than the cap, and k points of that worth are lost.

    Points of gain above the cap are bought with q = cap/g, from the top down until the budget is spent; what is left
    of it buys the next points for certain.
    """
    positive, g = pool.positive, pool.descending
    capped = np.searchsorted(-g[:positive], -cap, side="left")
    spent = cap * pool.inverse[capped]
    # The budget ends among the capped points ...
    full = np.minimum(np.searchsorted(pool.inverse, b / cap, side="right") - 1, capped)
    last = np.minimum(full, positive - 1)
    tight = full * cap + np.where(full < capped, (b - cap * pool.inverse[full]) * g[last], 0.0)
    # ... or behind them.
    rest = np.maximum(0.0, b - spent)
    whole = np.floor(rest)
    end = np.minimum(capped + whole.astype(np.int64), positive)
    part = np.where(end < positive, (rest - whole) * g[np.minimum(end, positive - 1)], 0.0)
    roomy = capped * cap + (pool.worth[end] - pool.worth[capped]) + part
    return np.where(spent >= b, tight, roomy) - k * cap


def _greedy_values(pool: SortedGains, b: np.ndarray, k: np.ndarray) -> np.ndarray:
    """V of the b largest gains; points that tie with the last one bought share what is left of the budget."""
    edge = pool.descending[b - 1]
    above = np.searchsorted(-pool.descending, -edge, side="left")
    tied = np.searchsorted(-pool.descending, -edge, side="right") - above
    shared = (b - above) / tied * edge
    lost = np.minimum(k, above)
    return pool.worth[above] - pool.worth[lost] + shared * np.maximum(0, tied - (k - lost))


def _counts(values: Given, name: str, least: int, most: int | None) -> np.ndarray:
    array = np.asarray(values)
    if array.size == 0 or array.dtype.kind not in "iu":
        raise InputError(f"{name} is {values!r}; it must be a whole number or an array of whole numbers.")
    if array.min() < least or (most is not None and array.max() > most):
        limit = f"from {least} to {most}" if most is not None else f"{least} or more"
        raise InputError(f"{name} runs from {array.min()} to {array.max()}; it must be {limit}.")
    return array.astype(np.int64)


# --- what a rule would buy ----------------------------------------------------------------------------------------


def inclusion(
    gains: Array, budget: int, wrong: int, rule: str, right: Given = None, game: Equilibrium | None = None
) -> np.ndarray:
    """Probability with which a rule buys each point: (N,) float64, sum = budget.

    Points of equal gain are treated alike. gains: (N,). right: (N,) bool, where the teacher is right; only the oracle
    needs it. game: the game of these gains, budget and mistakes where it is solved already; only "rad" needs it.
    """
    array = np.asarray(gains, np.float64)
    n = len(array)
    b = int(_counts(budget, "budget", 1, n))
    if rule == "rad":
        return np.asarray((game or solve_game(array, b, wrong=wrong)).q, np.float64)
    if rule == "uniform":
        return np.full(n, b / n)
    if rule == "greedy":
        return _top(array, b)
    if rule == ORACLE:
        if right is None:
            raise InputError("The oracle needs to know where the teacher is right; pass right, an (N,) array.")
        return _top(array * np.asarray(right, np.float64), b)
    raise InputError(f"rule is {rule!r}; it must be one of {', '.join(ALL_RULES)}.")


def _top(scores: np.ndarray, b: int) -> np.ndarray:
    edge = np.partition(scores, len(scores) - b)[len(scores) - b]
    above, equal = scores > edge, scores == edge
    q = above.astype(np.float64)
    q[equal] = (b - above.sum()) / equal.sum()
    return q


def expected_wrong(q: np.ndarray, right: Given) -> float:
    """Expected number of wrong labels bought: sum of q_i (1 - r_i). right: (N,) bool or probability r_i."""
    return float(np.sum(q * (1.0 - np.asarray(right, np.float64))))


def right_chance(right: Given, accuracy: float | None = None) -> np.ndarray:
    """Probability that each label is right if the teacher's accuracy on the pool were another: (N,) float64.

    right: (N,) bool or probability. A worse teacher makes the same mistakes and further ones anywhere at random; a
    better one is spared a part of its mistakes at random. None leaves it as it is.
    """
    chances = np.asarray(right, np.float64)
    now = float(chances.mean())
    if accuracy is None or accuracy == now:
        return chances
    if not 0.0 <= accuracy <= 1.0:
        raise InputError(f"accuracy is {accuracy!r}; it must lie between 0 and 1.")
    if accuracy < now:
        return chances * (accuracy / now)
    return 1.0 - (1.0 - chances) * ((1.0 - accuracy) / (1.0 - now))


def expected_gain(q: np.ndarray, gains: Array, right: Given = None) -> float:
    """Expected gain bought; with right ((N,) bool or probability), the expected informative-and-correct gain."""
    worth = q * np.asarray(gains, np.float64)
    return float(np.sum(worth if right is None else worth * np.asarray(right, np.float64)))


def class_coverage(q: np.ndarray, labels: Given, classes: int) -> np.ndarray:
    """Expected number of labels bought in each class: (C,) float64. labels: (N,) class numbers."""
    return np.bincount(np.asarray(labels, np.int64), weights=q, minlength=classes)


def overlap_matrix(rules: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Expected overlap of every pair of rules as a share of the budget: (S, S), rules as index and columns.

    The diagonal is the overlap of two independent draws of the same rule, 1 only where nothing is left to chance.
    """
    stacked = np.stack(list(rules.values()))
    common = stacked @ stacked.T
    budgets = stacked.sum(axis=1)
    names = list(rules)
    return pd.DataFrame(common / np.minimum.outer(budgets, budgets), index=names, columns=names)


@dataclass(frozen=True)
class WhatIf:
    """What one rule would buy and what that is worth, expected before anything is bought.

    labels, wrong_labels: numbers of labels. gain: sum of gains. useful_gain: the part of it whose label is right.
    guarantee: the same in the worst case. coverage: expected labels per class, empty where classes are unknown.
    wrong_labels and useful_gain are NaN where nothing is known of the teacher's correctness.
    """

    rule: str
    labels: int
    wrong_labels: float
    gain: float
    useful_gain: float
    guarantee: float
    cost: float
    seconds: float
    coverage: tuple[float, ...]

    @property
    def right_share(self) -> float:
        return 1.0 - self.wrong_labels / self.labels


def what_if(
    gains: Array,
    budget: int,
    wrong: int,
    rules: Sequence[str] = RULES,
    *,
    game: Equilibrium | None = None,
    right: Given = None,
    labels: Given = None,
    classes: int = 0,
    price: float = 0.0,
    latency: float = 0.0,
) -> list[WhatIf]:
    """What each rule would buy with this budget if the teacher were wrong on at most `wrong` points of the pool.

    gains: (N,). game: the game, where it is solved already. right: (N,) bool or calibrated probability that the teacher
    is right, if known. labels: (N,) class numbers, if known. price: per label. latency: seconds per label. Rules that
    need `right` may not be asked without.
    """
    array = np.asarray(gains, np.float64)
    answers = []
    for rule in rules:
        q = inclusion(array, budget, wrong, rule, right, game)
        judged = right is not None
        answers.append(
            WhatIf(
                rule=rule,
                labels=int(budget),
                wrong_labels=expected_wrong(q, right) if judged else math.nan,
                gain=expected_gain(q, array),
                useful_gain=expected_gain(q, array, right) if judged else math.nan,
                guarantee=game_value(q, array, wrong),
                cost=budget * price,
                seconds=budget * latency,
                coverage=tuple(class_coverage(q, labels, classes)) if labels is not None else (),
            )
        )
    return answers
