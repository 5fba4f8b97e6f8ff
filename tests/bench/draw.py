"""Drawing exactly b points with given probabilities: dependent rounding against systematic sampling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rad_core import solve_game
from rad_core.selection.sampling import sample
from tests.bench.measure import medians
from tests.bench.rows import Row

NAMED = "systematic sampling"


def systematic(q: np.ndarray, rng: np.random.Generator, order: np.ndarray | None = None) -> np.ndarray:
    """A comb of unit spacing over the points laid end to end (Madow, 1949), in a random order or the one given."""
    order = rng.permutation(len(q)) if order is None else order
    offset = rng.random()
    certain = order[q[order] >= 1]
    order = order[q[order] < 1]
    budget = round(float(q.sum(dtype=np.float64))) - len(certain)
    if budget <= 0:
        return certain
    ends = np.cumsum(q[order], dtype=np.float64)
    ends *= budget / ends[-1]
    last = np.searchsorted(ends, ends[-1])
    picked = np.minimum(np.searchsorted(ends, np.arange(budget) + offset, side="right"), last)
    return np.concatenate([certain, order[picked]])


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds in a random order, as every strategy draws; variance over draws of the right gain that is bought.

    The teacher is wrong the oftener the more informative a point is. Of draws that were independent of each other the
    variance, in brackets, is that of a number of labels which varies, too.
    """
    n = 100_000 if quick else 10_000_000
    rng = np.random.default_rng(0)
    gains = rng.random(n, dtype=np.float32)
    pools = {
        f"{n // 100:,} of {n:,} points, all equally likely": np.full(n, 0.01),
        f"{n // 100:,} of {n:,} points, as RAD buys": solve_game(gains, n // 100, wrong=n // 5).q,
        f"{n // 4:,} of {n:,} points, none certain": (0.5 * gains.astype(float))
        * (n // 4)
        / (0.5 * gains.sum(dtype=float)),
        f"{n // 2:,} of {n:,} points, as RAD buys": solve_game(gains, n // 2, wrong=n // 5).q,
    }
    for what, q in pools.items():
        yield _seconds(what, q)
    yield from _variances(200 if quick else 10_000)


def _seconds(what: str, q: np.ndarray) -> Row:
    rng = np.random.default_rng(1)
    taken = medians({"ours": lambda: sample(q, rng), "comb": lambda: systematic(q, rng)}, repeats=5)
    return Row(what, taken["ours"], "s", taken["comb"], NAMED, at_most=1.0)


def _variances(draws: int) -> Iterator[Row]:
    rng = np.random.default_rng(2)
    n, budget = 5_000, 200
    gains = rng.beta(1, 2, n)
    right = rng.random(n) < 1 - 0.5 * gains
    q = solve_game(gains, budget, wrong=int(n - right.sum())).q
    orders = {
        "in a random order": None,
        "in the order of the gain": np.argsort(gains),
        "as the pool lies": np.arange(n),
    }
    for name, order in orders.items():
        yield _variance(f"right gain, RAD's draw, {name}", q, gains * right, order, draws)
    # A pool whose files come in turn from 25 classes, one of which the teacher does not know, at one label in 25.
    turn = np.arange(n) % 25
    yield _variance("right gain, a pool in steps", np.full(n, budget / n), gains * (turn > 0), np.arange(n), draws)


def _variance(what: str, q: np.ndarray, worth: np.ndarray, order: np.ndarray | None, draws: int) -> Row:
    rng = np.random.default_rng(3)
    ours = [worth[sample(q, rng, order=order)].sum() for _ in range(draws)]
    comb = [worth[systematic(q, rng, order)].sum() for _ in range(draws)]
    independent = float((q * (1 - q) * worth**2).sum())
    note = f"over {draws:,} draws ({independent:.3g})"
    return Row(what, float(np.var(ours, ddof=1)), "", float(np.var(comb, ddof=1)), NAMED, note=note)
