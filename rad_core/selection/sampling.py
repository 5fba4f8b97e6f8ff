"""From inclusion probabilities to exactly b distinct points."""

from __future__ import annotations

from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.selection.arrays import is_torch


def sample(q: Any, rng: np.random.Generator, budget: int | None = None) -> Any:
    """Draw exactly b distinct positions, position i with probability q_i.

    q: (N,) inclusion probabilities in [0, 1] whose sum is a whole number b up to rounding. budget: b, where the caller
    knows it. Returns (b,) int64 in random order, on q's device. Systematic sampling over a random permutation (Madow,
    1949): the points are laid end to end as intervals of length q_i, in random order, and a comb of unit spacing with
    a random offset picks b of them. O(N), reproducible from the generator's state.
    """
    if is_torch(q) and q.device.type == "cuda":
        return _sample_tensor(q, rng, budget)
    positions = _sample_array(q.cpu().numpy() if is_torch(q) else np.asarray(q), rng, budget)
    if is_torch(q):
        import torch

        return torch.from_numpy(positions)
    return positions


def _sample_array(q: np.ndarray, rng: np.random.Generator, budget: int | None) -> np.ndarray:
    budget = _checked_budget(q.min(initial=0.0), q.max(initial=0.0), float(q.sum(dtype=np.float64)), budget)
    order = rng.permutation(len(q))
    offset = rng.random()
    certain = order[q[order] >= 1]
    order = order[q[order] < 1]
    return np.concatenate([certain, order[_comb(q[order], budget - len(certain), offset)]])


def _comb(q: np.ndarray, budget: int, offset: float) -> np.ndarray:
    """Systematic sample of `budget` intervals of length q, in the order given."""
    if budget <= 0:
        return np.empty(0, np.int64)
    ends = np.cumsum(q, dtype=np.float64)
    # The sum misses the budget by rounding alone; the miss is spread over all intervals, so that b teeth fit.
    ends *= budget / ends[-1]
    last = np.searchsorted(ends, ends[-1])  # beyond it there are only intervals of length 0
    picked = np.minimum(np.searchsorted(ends, np.arange(budget) + offset, side="right"), last)
    return _distinct(picked, q)


def _distinct(picked: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Mend the one accident that rounding allows: two teeth in one interval of length just below 1.

    The likeliest of the points not yet picked take the places of the repeats.
    """
    if np.all(np.diff(picked) > 0):
        return picked
    taken = np.unique(picked)
    missing = len(picked) - len(taken)
    left = np.ones(len(q), bool)
    left[taken] = False
    candidates = np.flatnonzero(left & (q > 0))
    best = candidates[np.argsort(-q[candidates], kind="stable")[:missing]]
    return np.sort(np.concatenate([taken, best]))


def _sample_tensor(q: Any, rng: np.random.Generator, budget: int | None) -> Any:
    """The same on a CUDA device."""
    import torch

    budget = _checked_budget(float(q.min()), float(q.max()), float(q.double().sum()), budget)
    generator = torch.Generator(q.device).manual_seed(int(rng.integers(2**62)))
    order = torch.randperm(len(q), generator=generator, device=q.device)
    offset = rng.random()
    certain, order = order[q[order] >= 1], order[q[order] < 1]
    budget -= len(certain)
    if budget <= 0:
        return certain
    ends = q[order].double().cumsum(0)
    ends *= budget / ends[-1]
    teeth = torch.arange(budget, device=q.device, dtype=torch.float64) + offset
    picked = torch.searchsorted(ends, teeth, right=True).minimum(torch.searchsorted(ends, ends[-1:]))
    if not bool((picked.diff() > 0).all()):
        picked = torch.from_numpy(_distinct(picked.cpu().numpy(), q[order].cpu().numpy())).to(q.device)
    return torch.cat([certain, order[picked]])


def _checked_budget(smallest: float, largest: float, total: float, budget: int | None) -> int:
    if not (smallest >= 0 and largest <= 1 + 1e-6):
        raise InputError(f"q runs from {smallest} to {largest}; inclusion probabilities lie between 0 and 1.")
    if budget is None:
        budget = round(total)
    if budget < 1 or abs(total - budget) > 1e-4 * budget:
        raise InputError(f"q sums to {total:.6g}; inclusion probabilities must sum to the budget, a whole number >= 1.")
    return budget
