"""How often the teacher was right among the picks of a round, as far as the checked examples tell.

A picked point is likelier to be a hard one, so that the teacher's accuracy on all checked examples is too optimistic.
They are weighted to look like the picks instead: by the probability with which a point of the pool with the gain of
this example was chosen. That gain must come of a student that did not learn from the example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEVEL = 0.95


@dataclass(frozen=True)
class ShareRight:
    """An estimate with its 95 % interval. examples: behind it; effective: as many equally weighted ones."""

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

    None where no checked example looks like a pick. The interval is that of Clopper and Pearson for as many examples as
    are effective. (A bootstrap knows nothing of mistakes that are rare: of 60 examples and a teacher that is right on
    99 % its interval holds the truth in 30 of 100 campaigns, this one in 99.) Source: Korn and Graubard, Confidence
    intervals for proportions with small expected number of positive counts, Survey Methodology 24, 1998.
    """
    weights, flags = np.array(chances, np.float64), np.array(right, np.float64)
    total = weights.sum()
    if total <= 0:
        return None
    from scipy.stats import beta

    share = float((weights * flags).sum() / total)
    effective = float(total**2 / (weights**2).sum())
    hits, misses = share * effective, (1 - share) * effective
    tail = (1 - _LEVEL) / 2
    none_hit, all_hit = not (weights * flags).any(), not (weights * (1 - flags)).any()
    return ShareRight(
        share=share,
        low=0.0 if none_hit else float(beta.ppf(tail, hits, misses + 1)),
        high=1.0 if all_hit else float(beta.ppf(1 - tail, hits + 1, misses)),
        examples=int(np.count_nonzero(weights)),
        effective=effective,
    )
