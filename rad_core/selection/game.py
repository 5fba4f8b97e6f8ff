"""The max-min game between the buyer of labels and an adversary who decides where the teacher errs.

    maximize over q   V(q) = min over S, |S| <= k  of  sum over i not in S of q_i g_i
    subject to        0 <= q_i <= 1,  sum q = b

Baykal et al., Robust Active Distillation (arXiv:2210.01213); here with the box q_i <= 1 handled exactly, which makes
it a fractional knapsack with budgeted uncertainty (Bertsimas and Sim, 2004).

Both sides play a level. The buyer picks a *cap*: no point may be worth more than it to the adversary, so
q_i = min(1, cap / g_i) from the most informative point down, until the budget is spent. The adversary picks a
*waterline*: it corrupts point i with probability 1 - waterline / g_i, from the top down, until its k mistakes are
spent. The buyer's value as a function of the cap is concave and piecewise linear, so its maximum is found by bisection
over prefix sums of 1/g: O(log^2 N) look-ups in a list that is sorted only where they fall (see ordered.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import as_number, as_numbers
from rad_core.selection.arrays import Array, is_torch, to_numpy
from rad_core.selection.ordered import BLOCK, NO_GAIN, Descending, in_order

# Relative slack of comparisons between prefix sums, so that rounding cannot split a group of (nearly) equal gains.
_SLACK = 1e-12
_SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """Both optimal strategies of the game and its value.

    q: (N,) inclusion probabilities, sum = budget. attack: (N,) probability that the adversary corrupts each point,
    sum <= wrong. cap and waterline: the two levels, in units of gain. value: the informative-and-correct gain that is
    guaranteed in expectation whatever the adversary does. support: number of points with q > 0.
    q and attack have the kind, the device and the floating type of the gains.
    """

    q: Array
    cap: float
    waterline: float
    value: float
    support: int
    attack: Array
    budget: int
    wrong: int


def wrong_count(n: int, teacher_accuracy: float) -> int:
    """Number of the n pool points on which a teacher of this accuracy may be wrong: k = floor((1 - m) n)."""
    teacher_accuracy = as_number(teacher_accuracy, "teacher_accuracy", "it must lie between 0 and 1")
    if not 0.0 <= teacher_accuracy <= 1.0:
        raise InputError(f"teacher_accuracy is {teacher_accuracy!r}; it must lie between 0 and 1.")
    # (1 - 0.9) * 10 is 0.99999...8 in floating point and means 1.
    return min(n, math.floor((1.0 - teacher_accuracy) * n + 1e-9 * max(1, n) ** 0.5))


def solve_game(
    gains: Array, budget: int, *, teacher_accuracy: float | None = None, wrong: int | None = None
) -> Equilibrium:
    """Solve the game exactly: how likely each point should be bought, and what that guarantees.

    Points of equal gain are treated alike. Sums are accumulated in float64, and so are the probabilities where float32
    gains lie below its smallest normal number (1.2e-38, where it has fewer digits); float64 gains up to 1e-250 count as
    zero. A CUDA tensor is solved on its device. Source: arXiv:2210.01213, section 3, with the box constraint q <= 1
    added.

    Args:
        gains: (N,) array or tensor, finite and >= 0.
        budget: b, 1 <= b <= N.
        teacher_accuracy: m, between 0 and 1; k = floor((1 - m) N). Exactly one of this and wrong is given.
        wrong: k >= 0, the points on which the teacher may be wrong.

    Returns:
        Both optimal strategies, and the value of the game in units of gain.

    Raises:
        InputError: on bad input.
    """
    if is_torch(gains):
        if gains.device.type == "cuda":
            return _solve(gains, budget, teacher_accuracy, wrong)
        # numpy sorts several times faster than torch on a CPU, and the memory is shared.
        import torch

        solved = _solve(_floating(gains).cpu().numpy(), budget, teacher_accuracy, wrong)
        back = {name: torch.from_numpy(getattr(solved, name)).to(gains.device) for name in ("q", "attack")}
        return Equilibrium(**{**solved.__dict__, **back})
    return _solve(as_numbers(gains, "gains").values, budget, teacher_accuracy, wrong)


def game_value(q: Array, gains: Array, wrong: int) -> float:
    """Worst-case value V(q) of any inclusion probabilities: sort q_i g_i and drop the k largest.

    Args:
        q: (N,) inclusion probabilities, each between 0 and 1.
        gains: (N,) finite and >= 0.
        wrong: k >= 0, the points on which the teacher may be wrong.

    Returns:
        The value in units of gain, accumulated in float64.

    Raises:
        InputError: on bad input.
    """
    products = _products(q, gains, "q")
    n = len(products)
    if not _is_whole(wrong) or wrong < 0:
        raise InputError(f"wrong is {wrong!r}; it must be a whole number of points, 0 or more.")
    if wrong >= n:
        return 0.0
    if is_torch(products):
        return float(products.sort().values[: n - wrong].sum())
    if wrong > 0:
        products.partition(n - wrong)
    return float(products[: n - wrong].sum())


def attack_value(attack: Array, gains: Array, budget: int) -> float:
    """What the best answer to this attack is worth: the sum of the b largest residual gains g_i (1 - a_i).

    At the equilibrium it equals the value of the game: the certificate that both sides are optimal.
    """
    products = _products(1.0 - attack, gains, "attack")
    n = len(products)
    budget = min(budget, n)
    if is_torch(products):
        return float(products.sort(descending=True).values[:budget].sum())
    if budget < n:
        products.partition(n - budget)
    return float(products[n - budget :].sum())


def _products(weights: Array, gains: Array, name: str) -> Array:
    if is_torch(gains):
        import torch

        weights = torch.as_tensor(weights, dtype=torch.float64, device=gains.device)
        gains = gains.detach().double()
    else:
        weights = np.asarray(to_numpy(as_numbers(weights, name).values), np.float64)
        gains = np.asarray(as_numbers(gains, "gains").values, np.float64)
    if weights.ndim != 1 or weights.shape != gains.shape:
        raise InputError(f"{name} has shape {tuple(weights.shape)} and gains {tuple(gains.shape)}; both must be (N,).")
    if len(weights) and not (weights.min() >= -1e-6 and weights.max() <= 1 + 1e-6):  # but for rounding
        raise InputError(f"{name} runs from {float(weights.min())} to {float(weights.max())}; it must lie in [0, 1].")
    if len(gains) and not (gains.min() >= 0 and gains.max() < math.inf):
        raise InputError(
            f"gains run from {float(gains.min())} to {float(gains.max())}; every gain must be finite and 0 or more."
        )
    return weights * gains


# --- the solver -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Levels:
    cap: float
    waterline: float
    capped: int  # points at or above the cap: q = cap / g, the ones the adversary attacks
    bought: int  # points bought in full (capped ones at cap / g, the others for certain)


@dataclass(frozen=True)
class Filling:
    """What one side gives a point: min(1, level / g) above the edge (the adversary: 1 minus that), nothing below."""

    level: float
    edge: float  # one of the gains, exactly
    share: float  # of every point whose gain is the edge


def _solve(gains: Array, budget: int, teacher_accuracy: float | None, wrong: int | None) -> Equilibrium:
    gains = _floating(gains)
    n = len(gains)
    k = _checked_wrong(n, teacher_accuracy, wrong)
    if not _is_whole(budget) or not 1 <= budget <= n:
        raise InputError(f"budget is {budget!r}; it must be a whole number from 1 to the {n} points of the pool.")
    b = int(budget)
    pool = in_order(gains)
    if not (math.isfinite(pool.largest) and pool.smallest >= 0.0):
        raise InputError(f"gains run from {pool.smallest} to {pool.largest}; every gain must be finite and 0 or more.")
    if k >= pool.count:
        # The adversary can corrupt everything that is worth anything: no rule guarantees more than 0.
        q = _full_like(gains, b / n)
        attack = _where(gains > NO_GAIN, 1.0, gains)
        return Equilibrium(q, 0.0, 0.0, 0.0, n, attack, b, k)
    levels, value, support, buyer, spread = play(pool, b, k)
    adversary = _corruption(pool, levels, k)
    q = fill(gains, buyer, out=pool.spent())
    del pool
    if spread > 0.0:
        q += (1.0 - q) * spread
    attack = fill(gains, adversary, spared=True)
    return Equilibrium(q, levels.cap, levels.waterline, value, support, attack, b, k)


def play(
    pool: Descending, b: int, k: int, rises: Callable[[int], bool] | None = None
) -> tuple[_Levels, float, int, Filling, float]:
    """Levels, value, support, q and what it is raised by (see `_purchase`), for k below the number of positive gains.

    rises: a cheaper way to tell whether F still rises to the right of the gain at a place, where there is one.
    """
    levels = _closed_form(pool, b, k) or _boxed(pool, b, k, rises or (lambda i: slope(pool, pool.g(i), b, k) > 0))
    return (levels, *_purchase(pool, levels, b, k))


def _closed_form(pool: Descending, b: int, k: int) -> _Levels | None:
    """Levels when no q_i would exceed 1: K = argmax (j - k)/H_j, cap = b/H_K, waterline = (K - k)/H_K."""
    # (j - k)/H_j is a running mean of the gains: it rises while the next gain lies above it, then falls for good.
    # Of several best K the largest is taken: it has the lowest cap, and treats points of equal gain alike.
    count = pool.first(0, pool.count, lambda j: j - k > (1 + _SLACK) * pool.h(j) * pool.g(j))
    cap = b / pool.h(count)
    if cap > pool.g(count - 1) * (1 + _SLACK):
        return None
    return _Levels(cap, (count - k) / pool.h(count), count, count)


def _boxed(pool: Descending, b: int, k: int, rises: Callable[[int], bool]) -> _Levels:
    """Levels when some points are bought for certain: bisect the concave F(cap) over its breakpoints."""
    # The first position where F still rises to the right of cap = g: the best cap lies in (g(j), g(j - 1)].
    j = pool.first(0, pool.count, rises)
    h = pool.h(j)
    high = min(pool.g(j - 1), b / h)
    waterline = (j - k) / h
    bought = max(j, pool.above(waterline))
    cap = (b - (bought - j)) / h
    if cap <= high:
        return _Levels(cap, waterline, j, bought)
    # The cap stops at the gain of a point that is then attacked only in part; the waterline is the gain of the
    # last point that the budget reaches, and 0 if the budget reaches them all.
    rest = b - high * h
    tolerance = _SLACK * b
    last = j + math.ceil(rest - tolerance) - 1
    waterline = min(waterline, pool.g(last)) if last < pool.count else 0.0
    return _Levels(high, waterline, j, min(pool.count, j + math.floor(rest + tolerance)))


def slope(pool: Descending, cap: float, b: int, k: int) -> float:
    """Right-hand derivative of F at a cap that is one of the gains.

    Raising the cap pays (j - k) per unit for the j capped points and takes H_j per unit of budget away from the last
    point bought, whose gain is lost.
    """
    j = pool.above(cap)
    if cap * pool.h(j) >= b:  # the budget ends among the capped points
        j = pool.first(0, j, lambda s: cap * (pool.h(s) + 1.0 / pool.g(s)) >= b)
        last = j
    else:
        last = j + math.ceil(b - cap * pool.h(j)) - 1
    return (j - k) - pool.h(j) * (pool.g(last) if last < pool.count else 0.0)


def _purchase(pool: Descending, levels: _Levels, b: int, k: int) -> tuple[float, int, Filling, float]:
    """Value, support, q, and the share of the room left that the rest of the budget fills where no gain is left to buy.

    The last, partly served group of equal gains shares what is left.
    """
    cap, j, bought = levels.cap, levels.capped, levels.bought
    spent = cap * pool.h(j) + (bought - j)
    total = cap * min(j, bought) + pool.sum(j, bought)
    if bought < pool.count:
        last = bought if b - spent > _SLACK * b else bought - 1
        start, support = pool.ties(last)
        share = (b - cap * pool.h(min(start, j)) - max(0, start - j)) / (support - start)
        value = total + (b - spent) * pool.g(bought) - k * cap
        return max(0.0, value), support, Filling(cap, pool.g(last), min(1.0, max(0.0, share))), 0.0
    edge = pool.g(pool.count - 1)
    filling = Filling(cap, edge, min(1.0, cap / edge))
    value, leftover = max(0.0, total - k * cap), max(0.0, b - spent)
    if leftover <= _SLACK * b:
        return value, pool.count, filling, 0.0
    room = j - cap * pool.h(j) + pool.size - pool.count
    return value, pool.size, filling, min(1.0, leftover / room) if room > 0 else 0.0


def _corruption(pool: Descending, levels: _Levels, k: int) -> Filling:
    """The attack; the last group of equal gains shares what is left of the k mistakes."""
    start, end = pool.ties(levels.capped - 1)
    edge = pool.g(levels.capped - 1)
    share = (k - (start - levels.waterline * pool.h(start))) / (end - start)
    return Filling(levels.waterline, edge, max(0.0, min(1.0 - levels.waterline / edge, share)))


# --- numpy and torch ----------------------------------------------------------------------------------------------


def _checked_wrong(n: int, teacher_accuracy: float | None, wrong: int | None) -> int:
    if (teacher_accuracy is None) == (wrong is None):
        raise InputError("Give exactly one of teacher_accuracy (a share) and wrong (a number of points).")
    if teacher_accuracy is not None:
        return wrong_count(n, teacher_accuracy)
    if wrong is None or not _is_whole(wrong) or wrong < 0:
        raise InputError(f"wrong is {wrong!r}; it must be a whole number of points, 0 or more.")
    return min(n, int(wrong))


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _floating(gains: Array) -> Array:
    if gains.ndim != 1 or len(gains) == 0:
        raise InputError(f"gains has shape {tuple(gains.shape)}; it must be (N,) with N of 1 or more.")
    if is_torch(gains):
        import torch

        gains = gains.detach()
        return gains if gains.dtype in (torch.float32, torch.float64) else gains.double()
    if gains.dtype in (np.float32, np.float64):
        return gains
    if gains.dtype.kind not in "fiub":
        raise InputError(f"gains has type {gains.dtype}; it must hold numbers.")
    return gains.astype(np.float64)


def _full_like(gains: Array, value: float) -> Array:
    return gains.new_full((len(gains),), value) if is_torch(gains) else np.full_like(gains, value)


def _where(condition: Array, value: float, gains: Array) -> Array:
    return condition.to(gains.dtype) * value if is_torch(gains) else condition.astype(gains.dtype) * value


def fill(gains: Array, filling: Filling, spared: bool = False, out: Array = None) -> Array:
    """min(1, level / g) for gains above the edge (1 minus that if `spared`), the share on the edge, 0 below: (N,).

    out: where numpy values may be written.
    """
    # float32 has few digits for such a level, and no inverse for such a gain.
    tiny = 0.0 < min(filling.level or filling.edge, filling.edge) < _SMALLEST_NORMAL
    if is_torch(gains):
        at_least = gains.clamp(min=filling.edge)
        out = (filling.level / (at_least.double() if tiny else at_least)).clamp_(max=1.0)
        out = (out.neg_().add_(1.0) if spared else out).to(gains.dtype)
        return out.mul_(gains > filling.edge).masked_fill_(gains == filling.edge, filling.share)
    out = np.empty_like(gains) if out is None else out
    mask = np.empty(min(BLOCK, len(gains)), bool)
    factor = np.empty(len(mask), gains.dtype)
    edge, one = (gains.dtype.type(x) for x in (filling.edge, 1.0))
    precise = np.dtype(np.float64) if tiny else gains.dtype
    level = precise.type(filling.level)
    with np.errstate(over="ignore"):  # what is too large for the type is more than 1
        for start in range(0, len(gains), BLOCK):
            block, part = gains[start : start + BLOCK], out[start : start + BLOCK]
            chosen, kept = mask[: len(block)], factor[: len(block)]
            np.maximum(block, edge, out=part)  # no division by a gain of 0
            np.divide(level, part, out=part, dtype=precise, casting="same_kind")
            if level > edge:
                np.minimum(part, one, out=part)
            if spared:
                np.subtract(one, part, out=part)
            np.greater(block, edge, out=chosen)
            np.copyto(kept, chosen)
            part *= kept  # faster than to multiply by truth values, or to write zeros where a mask says so
            np.equal(block, edge, out=chosen)
            if chosen.any():
                part[chosen] = filling.share
    return out
