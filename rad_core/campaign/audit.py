"""How often the teacher was right among the picks of a round, as far as the checked examples tell.

A picked point is likelier to be a hard one, so that the teacher's accuracy on all checked examples is too optimistic.
They are weighted to look like the picks instead: by the probability with which a point of the pool with the gain of
this example was chosen. That gain must come of a student that did not learn from the example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000


@dataclass(frozen=True)
class ShareRight:
    """An estimate with its 95 % bootstrap interval. examples: behind it; effective: as many equally weighted ones."""

    share: float
    low: float
    high: float
    examples: int
    effective: float


def chances_at(wanted: np.ndarray, gains: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(V,) the probability of being chosen of the pool's point whose gain is nearest. wanted: (V,); gains, q: (n,)."""
    order = np.argsort(gains, kind="stable")
    ascending = gains[order]
    above = np.clip(np.searchsorted(ascending, wanted), 0, len(gains) - 1)
    below = np.maximum(above - 1, 0)
    nearer = np.where(np.abs(ascending[below] - wanted) < np.abs(ascending[above] - wanted), below, above)
    return np.asarray(q[order[nearer]], np.float64)


def share_right(chances: Sequence[float], right: Sequence[bool]) -> ShareRight | None:
    """The estimate of a round. chances: (V,) as `chances_at` gives them; right: (V,) was the teacher right there?

    None where no checked example looks like a pick.
    """
    weights, flags = np.array(chances, np.float64), np.array(right, np.float64)
    total = weights.sum()
    if total <= 0:
        return None
    rng = np.random.default_rng(0)  # the same interval whenever it is looked at
    drawn = rng.integers(len(weights), size=(_RESAMPLES, len(weights)))
    totals = weights[drawn].sum(axis=1)
    shares = ((weights * flags)[drawn].sum(axis=1) / np.where(totals > 0, totals, np.nan))[totals > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    return ShareRight(
        share=float((weights * flags).sum() / total),
        low=float(low),
        high=float(high),
        examples=int(np.count_nonzero(weights)),
        effective=float(total**2 / (weights**2).sum()),
    )
