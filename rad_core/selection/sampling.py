"""From inclusion probabilities to exactly b distinct points.

The draw is dependent rounding (DEPROUND of the paper) in its ordered form: pivotal sampling of points in an order that
is fixed before the first coin. Points meet in pairs, one after another: one of the two takes what both carry, up to 1,
and meets the next. Chauvet (2012) shows this to be the same design as drawing one place in every unit interval of the
cumulated q, where only a point that lies across the border of two intervals ties their draws together. So per point
nothing is done but a sum, and per point drawn a few steps that need no loop.
"""

from __future__ import annotations

import numpy as np

from rad_core.errors import InputError
from rad_core.selection.arrays import Array, is_torch, to_like, to_numpy
from rad_core.selection.ordered import NO_GAIN

_TOTAL = 2.0**61  # what all q come to as whole numbers, so that their sums are exact
_BLOCK = 1 << 14  # units of which the draw is worked out together: what it keeps of them stays in the cache


def sample(q: Array, rng: np.random.Generator, budget: int | None = None, order: Array = None) -> Array:
    """Draw exactly b distinct positions, position i with probability q_i.

    Dependent rounding: the marginals are q itself (to 1e-11), and being drawn is negatively associated, so that
    Chernoff's bounds hold for sums over the points drawn, as for independent draws. O(N), reproducible from the
    generator's state. Sources: Baykal et al., arXiv:2210.01213, algorithm 2; Deville and Tille, Biometrika 85, 1998;
    Chauvet, Bernoulli 18, 2012, arXiv:1211.5442; negative association: Dubhashi, Jonasson and Ranjan, 2007.

    Args:
        q: (N,) inclusion probabilities in [0, 1], numpy or torch, whose sum is a whole number b up to rounding.
        rng: the source of everything random.
        budget: b, where the caller knows it.
        order: (N,) int64, every position once, of the kind of array that q is; a random order by default. What stands
            close together in it is seldom drawn together. It must not depend on the numbers that rng gives here.

    Returns:
        (b,) int64 positions on q's device: those that are certain first, then the others, in the order given.

    Raises:
        InputError: if q holds what is no probability or does not sum to the budget, or if order is not as long as q.
    """
    if order is not None and len(order) != len(q):
        raise InputError(f"order has {len(order)} positions; it must have each of the {len(q)} positions of q once.")
    if is_torch(q) and q.device.type == "cuda":
        return _sample_tensor(q, rng, budget, order)
    order = None if order is None else to_numpy(order)
    return to_like(_sample_array(to_numpy(q), rng, budget, order), q)


def proportional(sizes: np.ndarray, budget: int) -> np.ndarray:
    """Inclusion probabilities proportional to size, capped at 1, that sum to the budget.

    Points without a size share what is left once every other point is certain. Source: designs with probability
    proportional to size, as in Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992.

    Args:
        sizes: (N,) finite, 0 or more.
        budget: from 1 to N.

    Returns:
        (N,) float64 in [0, 1].
    """
    sizes = np.where(sizes > NO_GAIN, sizes, 0).astype(np.float64)
    positive = int(np.count_nonzero(sizes))
    if positive <= budget:
        return np.where(sizes > 0, 1.0, (budget - positive) / max(1, len(sizes) - positive))
    ascending: np.ndarray = np.sort(sizes)
    largest = ascending[::-1][: budget + 1]
    tails: np.ndarray = np.cumsum(ascending)[::-1][: budget + 1]  # each of the largest together with all below it
    left = budget - np.arange(budget + 1)
    certain = int(np.argmax(left * largest < tails))  # so many of the largest
    return np.minimum(sizes * (left[certain] / tails[certain]), 1.0)


# --- the draw -------------------------------------------------------------------------------------------------------


def _sample_array(
    q: np.ndarray, rng: np.random.Generator, budget: int | None, order: np.ndarray | None = None
) -> np.ndarray:
    budget = _checked_budget(q.min(initial=0.0), q.max(initial=0.0), float(q.sum(dtype=np.float64)), budget)
    if order is None:
        order = np.flatnonzero(q > 0)
        rng.shuffle(order)
    else:
        order = order[q[order] > 0]
    return _pivotal(order, q, rng, budget)


def _sample_tensor(q: Array, rng: np.random.Generator, budget: int | None, order: Array = None) -> Array:
    """The same on a CUDA device, in an order of its own."""
    import torch

    budget = _checked_budget(float(q.min()), float(q.max()), float(q.double().sum()), budget)
    if order is None:
        generator = torch.Generator(q.device).manual_seed(int(rng.integers(2**62)))
        order = torch.randperm(len(q), generator=generator, device=q.device)
    order = order[q[order] > 0]
    return _pivotal(order, q, rng, budget)


def _pivotal(order: Array, q: Array, rng: np.random.Generator, budget: int) -> Array:
    """Positions drawn from order, (n,), all of q > 0; q is that of all positions. Both numpy or both torch."""
    xp = _namespace(order)
    block = budget if is_torch(order) else _BLOCK  # what a device does costs by the call
    carried = xp.asarray(q[order], dtype=xp.float64)
    certain, left = [order[:0]], budget

    def take(sure: Array, carried: Array) -> tuple[Array, Array]:
        nonlocal left
        certain.append(order[sure])
        left -= len(certain[-1])
        return order[~sure], carried[~sure]

    if float(q.max()) >= 1:
        order, carried = take(carried >= 1, carried)
    carried *= _TOTAL / (float(carried.sum()) or 1.0)
    parts = xp.asarray(carried, dtype=xp.int64)
    while left > 0:
        if len(parts) < left or int(parts.sum()) == 0:
            raise InputError(f"q is too small for a budget of {budget:,} beside its {budget - left:,} certain points.")
        # They come to a whole number of units by adding less than one for each unit.
        parts[: -int(parts.sum()) % left] += 1
        unit = int(parts.sum()) // left
        if int(parts.max()) < unit:
            xp.cumsum(parts, 0, out=parts)
            certain.append(order[to_like(_one_in_each(parts, left, unit, rng, block), order)])
            break
        order, parts = take(parts >= unit, parts)  # 1 but for rounding
    return xp.concatenate(certain)


def _one_in_each(ends: Array, units: int, unit: int, rng: np.random.Generator, block: int) -> np.ndarray:
    """(u,) int64, ascending and distinct: of points laid end to end, one for each unit of length.

    ends: (n,) int64, where each point's part ends; none is as long as a unit, and the last ends with the last unit.
    block: how many units are worked out together; the picks do not depend on it.
    """
    xp = _namespace(ends)

    def at(places: np.ndarray) -> np.ndarray:
        return to_numpy(xp.searchsorted(ends, to_like(places, ends), side="right"))

    def end_of(points: np.ndarray) -> np.ndarray:
        return to_numpy(ends[to_like(points, ends)])

    picked, drawn = np.empty(units, np.int64), np.zeros(1, bool)
    for first in range(0, units, block):
        borders = np.arange(first, min(first + block, units) + 1) * unit
        across = at(borders)  # the point across each border, or that begins there
        borders, begins, ends_in = borders[:-1], across[:-1], across[1:]
        inside = end_of(begins) - borders
        before = borders - np.where(begins > 0, end_of(np.maximum(begins - 1, 0)), 0)
        coins = rng.random((len(borders), 2))
        wins = coins[:, 0] * (unit - before) < inside  # it is drawn here, unless it was drawn in the unit before
        room = unit - inside
        other = at(borders + inside + np.minimum((coins[:, 1] * room).astype(np.int64), room - 1))

        # Is the point across the end of a unit drawn in it? That hangs on the unit before only where it is the other
        # one and the point across the beginning wins: then it is drawn if, and only if, that one was drawn before.
        reaches = other == ends_in
        settled = np.maximum.accumulate(np.where(reaches & wins, 0, np.arange(1, len(wins) + 1)))
        drawn = np.append(drawn[-1], reaches & ~wins)[np.append(0, settled)]
        picked[first : first + block] = np.where(wins & ~drawn[:-1], begins, other)
    return picked


def _namespace(array: Array) -> Array:
    if not is_torch(array):
        return np
    import torch

    return torch


def _checked_budget(smallest: float, largest: float, total: float, budget: int | None) -> int:
    if not (smallest >= 0 and largest <= 1 + 1e-6):
        raise InputError(f"q runs from {smallest} to {largest}; inclusion probabilities lie between 0 and 1.")
    if budget is None:
        budget = round(total)
    if budget < 1 or abs(total - budget) > 1e-4 * budget:
        raise InputError(f"q sums to {total:.6g}; inclusion probabilities must sum to the budget, a whole number >= 1.")
    return budget
