"""The draw of `sampling` for a pool that is larger than memory: the same design, the rows in the order they come in.

The ordered form of dependent rounding needs of every point the sum of q before it, and of every point drawn two places:
where its unit of the cumulated q begins, and a place in that unit that a coin chooses. Both are known before the points
at these places come by, so that one pass over the pool draws them, whatever lies in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from rad_core.errors import InputError

_TOTAL = 2.0**61  # what all q come to as whole numbers, so that their sums are exact

# Row numbers (n,) int64, ascending, and their q (n,) float64: the pool in parts, the same at every call.
Parts = Iterable[tuple[np.ndarray, np.ndarray]]


def draw(parts: Callable[[], Parts], budget: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Exactly b distinct rows, each with its q, by dependent rounding in the order of the pool.

    The same design as `sampling.sample` with that order, and from the same generator the same rows, but for rounding.
    Source: Chauvet, Bernoulli 18, 2012, arXiv:1211.5442. Reads the pool twice, seldom more often.

    Args:
        parts: reads the pool: q in [0, 1], whose sum is the budget up to rounding.
        budget: b, 1 or more.
        rng: the source of everything random.

    Returns:
        (b,) int64 rows, and how many of these are certain: they come first. Both kinds are in the order of the pool.

    Raises:
        InputError: if q does not sum to the budget.
    """
    scale = _TOTAL / budget
    limit = int(scale)  # as a whole number, what q is so large that its point is certain
    while True:
        certain, points, total, largest = _counted(parts(), scale, limit)
        left = budget - certain
        if left == 0:
            more, unit = 0, 0
            break
        if points < left or total == 0 or left < 0:
            raise InputError(f"q is too small for a budget of {budget:,} beside its {certain:,} certain points.")
        more = -total % left  # a whole number of units by adding less than one for each unit
        unit = (total + more) // left
        if largest < unit - 1:
            break
        limit = unit - 1  # 1 but for rounding
    units = _Units(left, unit, rng)
    sure: list[np.ndarray] = []
    for rows, sizes in _whole(parts(), scale):
        if int(sizes.max(initial=0)) >= limit:
            sure.append(rows[sizes >= limit])
            uncertain = sizes < limit
            rows, sizes = rows[uncertain], sizes[uncertain]
        if more:
            sizes[:more] += 1
            more = max(0, more - len(sizes))
        if left and len(sizes):
            units.take(rows, sizes)
    return np.concatenate([*sure, *units.finished()]), certain


def _whole(parts: Parts, scale: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows with q > 0, and q as whole numbers."""
    for rows, q in parts:
        positive = np.flatnonzero(q > 0)
        if len(positive) < len(q):
            rows, q = rows[positive], q[positive]
        yield rows, _sizes(q, scale)


def _sizes(q: np.ndarray, scale: float) -> np.ndarray:
    return (q * scale).astype(np.int64)


def _counted(parts: Parts, scale: float, limit: int) -> tuple[int, int, int, int]:
    """How many points are certain, how many are not; the sum and the largest of what these have."""
    certain, points, total, largest = 0, 0, 0, 0
    for _, q in parts:  # those with no chance do no harm
        sizes = _sizes(q, scale)
        most = int(sizes.max(initial=0))
        uncertain = sizes if most < limit else sizes[sizes < limit]
        certain += len(sizes) - len(uncertain)
        points += int(np.count_nonzero(q)) - (len(sizes) - len(uncertain))
        total += int(uncertain.sum())
        largest = max(largest, most if most < limit else int(uncertain.max(initial=0)))
    return certain, points, total, largest


class _Units:
    """One point for each unit of length of points laid end to end, which come in parts.

    units: how many. unit: their length, more than any point's.
    """

    def __init__(self, units: int, unit: int, rng: np.random.Generator) -> None:
        self._units, self._unit, self._rng = units, unit, rng
        self._end, self._next, self._drawn = 0, 0, False
        nothing = np.empty(0, np.int64)
        # Units that have begun and are not decided: the row across the beginning, whether it wins there, the place
        # that the other coin chose and the row at it, -1 until it came by.
        self._open = (nothing, np.empty(0, bool), nothing, nothing)
        self._picks: list[np.ndarray] = []

    def take(self, rows: np.ndarray, sizes: np.ndarray) -> None:
        """The next points: rows (n,) and their lengths (n,)."""
        ends = self._end + np.cumsum(sizes)
        self._end = int(ends[-1])
        stop = min(self._units, -(-self._end // self._unit))
        numbers = np.arange(self._next, stop)
        self._next = max(self._next, stop)
        borders = numbers * self._unit
        across = np.searchsorted(ends, borders, "right")
        inside = ends[across] - borders
        before = sizes[across] - inside
        coins = self._rng.random((len(numbers), 2))
        wins = coins[:, 0] * (self._unit - before) < inside
        room = self._unit - inside
        places = borders + inside + np.minimum((coins[:, 1] * room).astype(np.int64), room - 1)
        new = (rows[across], wins, places, np.full(len(numbers), -1))
        begins, wins, places, others = (np.concatenate(pair) for pair in zip(self._open, new, strict=True))
        here = (others < 0) & (places < self._end)
        others[here] = rows[np.searchsorted(ends, places[here], "right")]
        self._open = (begins, wins, places, others)
        if len(begins) > 1:
            self._decide(begins[:-1], wins[:-1], others[:-1], begins[1:])
            self._open = (begins[-1:], wins[-1:], places[-1:], others[-1:])

    def finished(self) -> list[np.ndarray]:
        """The rows drawn, once all points have come."""
        begins, wins, _, others = self._open
        if len(begins):
            self._decide(begins, wins, others, np.full(len(begins), -1))
        return self._picks

    def _decide(self, begins: np.ndarray, wins: np.ndarray, others: np.ndarray, ends_in: np.ndarray) -> None:
        """As in `sampling`: a point across the end of a unit was drawn in it or not, which the next unit must know."""
        reaches = others == ends_in
        settled = np.maximum.accumulate(np.where(reaches & wins, 0, np.arange(1, len(wins) + 1)))
        drawn = np.append(self._drawn, reaches & ~wins)[np.append(0, settled)]
        self._picks.append(np.where(wins & ~drawn[:-1], begins, others))
        self._drawn = bool(drawn[-1])
