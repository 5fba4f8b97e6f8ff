"""Positive gains in descending order with prefix sums of 1/g, worked out only where somebody looks.

Whoever searches a sorted list for a threshold looks at a few places, so the list need not be sorted. A look at place i
moves the larger gains before it and the others behind it (one partition). The places looked at, the *knots*, cut the
list into stretches that are right as sets, whatever their order inside; a short one is sorted when it is looked into.
Bisection halves the stretch that is left at every look: all of them together cost about as much as one pass over the
pool and two partitions of it, several times less than sorting it and adding up. On a GPU, where a sort is cheap and a
look is dear, everything is sorted at once and fetched stretch by stretch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Protocol

import numpy as np

from rad_core.selection.arrays import Array

# A gain up to this counts as zero: 1/g and its prefix sums must stay finite in float64. Compared with float32 it is 0.
NO_GAIN = 1e-250
SHORT = 1 << 15  # gains in a stretch that is sorted whole
_FETCH = 1 << 12  # gains fetched from a GPU at once
BLOCK = 1 << 15  # gains worked on at a time, so that intermediate values stay in the processor's cache


class Descending(Protocol):
    """Gains in descending order, as the solver asks for them; see `Ordered`."""

    size: int
    count: int

    def g(self, i: int) -> float: ...
    def h(self, j: int) -> float: ...
    def above(self, level: float) -> int: ...
    def ties(self, i: int) -> tuple[int, int]: ...
    def sum(self, lo: int, hi: int) -> float: ...
    def first(self, lo: int, hi: int, holds: Callable[[int], bool]) -> int: ...


_LOOKED_AT = 1 << 11  # gains that tell whether many are equal


def in_order(gains: Array) -> Ordered | Runs:
    """The gains of a pool in descending order, in the way that suits them."""
    if isinstance(gains, np.ndarray) and len(gains) > SHORT:
        seen = gains[:: max(1, len(gains) // _LOOKED_AT)]
        if len(np.unique(seen)) < len(seen) // 2:
            return Runs(gains)
    return Ordered(gains)


class Runs:
    """The same where many gains are equal: they are sorted, which is quick then, and kept as runs of equal ones."""

    def __init__(self, gains: np.ndarray) -> None:
        self.size = len(gains)
        # Of negated gains the ascending order, which numpy knows, is the descending order of the gains.
        self._memory = np.negative(gains)
        self._memory.sort()
        self.largest, self.smallest = -float(self._memory[0]), -float(self._memory[-1])  # NaN is sorted to the end
        if np.isnan(self.smallest):
            self.largest = self.smallest
        self.count = int(np.searchsorted(self._memory, self._memory.dtype.type(-NO_GAIN), "left"))
        negated = self._memory[: self.count]
        starts = np.append(0, np.flatnonzero(negated[1:] != negated[:-1]) + 1) if self.count else np.empty(0, np.int64)
        levels = -negated[starts].astype(np.float64)
        lengths = np.diff(np.append(starts, self.count))
        self._levels = levels  # (U,) descending
        self._ends = np.append(starts, self.count)  # (U + 1,): run t holds the places from ends[t] to ends[t + 1] - 1
        self._inverses = np.append(0.0, np.cumsum(lengths / levels))
        self._sums = np.append(0.0, np.cumsum(lengths * levels))

    def g(self, i: int) -> float:
        """The gain at place i, counted from 0."""
        return float(self._levels[self._run(i)])

    def h(self, j: int) -> float:
        """H_j: the sum of 1/g over the j largest gains."""
        if j == self.count:
            return float(self._inverses[-1])
        run = self._run(j)
        return float(self._inverses[run] + (j - self._ends[run]) / self._levels[run])

    def above(self, level: float) -> int:
        """Number of positive gains > level."""
        return int(self._ends[np.searchsorted(-self._levels, -level, "left")])

    def ties(self, i: int) -> tuple[int, int]:
        """Half-open range of the places whose gain equals that of place i."""
        run = self._run(i)
        return int(self._ends[run]), int(self._ends[run + 1])

    def sum(self, lo: int, hi: int) -> float:
        """The sum of the gains at places lo to hi - 1."""
        return self._sum(hi) - self._sum(lo)

    def _sum(self, j: int) -> float:
        if j == self.count:
            return float(self._sums[-1])
        run = self._run(j)
        return float(self._sums[run] + (j - self._ends[run]) * self._levels[run])

    def spent(self) -> np.ndarray:
        """Memory for N numbers that is free once nobody looks any further."""
        return self._memory

    def first(self, lo: int, hi: int, holds: Callable[[int], bool]) -> int:
        """The first place in [lo, hi) from which on a condition holds, else hi."""
        return bisect_left(range(hi), True, lo, hi, key=holds)

    def _run(self, i: int) -> int:
        return int(np.searchsorted(self._ends, i, "right")) - 1


class Ordered:
    """The gains of a pool in descending order, as far as needed.

    count: P, the number of positive gains. size: N. smallest, largest: of all gains, NaN where one is NaN.
    """

    def __init__(self, gains: Array) -> None:
        self.size = len(gains)
        if isinstance(gains, np.ndarray):
            self._start(gains)
        else:
            self._start_sorted(gains)

    def _start(self, gains: np.ndarray) -> None:
        self.smallest, self.largest = float(gains.min()), float(gains.max())
        # Of negated gains the ascending order, which numpy knows, is the descending order of the gains.
        self._memory = np.negative(gains)
        self.count = self.size
        if not self.smallest > NO_GAIN:
            positive = gains > NO_GAIN
            self.count = count = int(np.count_nonzero(positive))
            # Positive gains from the end go where zeros stood; much less work than a partition.
            self._memory[np.flatnonzero(~positive[:count])] = self._memory[count:][positive[count:]]
        self._negated = self._memory[: self.count]
        self._open: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._places, self._levels = [0, self.count], [-self.largest, np.inf]
        self._sums: list[float | None] = [0.0, None]

    def _start_sorted(self, gains: Array) -> None:
        import torch

        self._descending = gains.sort(descending=True).values
        self.largest, self.smallest = self._descending[[0, -1]].tolist()
        self.count = int((self._descending > NO_GAIN).sum())
        self._prefix = self._descending[: self.count].double().reciprocal().cumsum(0)
        self._memory = self._negated = None
        self._open = {}
        knots = torch.arange(0, self.count, min(_FETCH, SHORT), device=gains.device)
        self._places = [*knots.tolist(), self.count]
        self._levels = [*(-self._descending[knots].double()).tolist(), np.inf]
        self._sums = [0.0, *self._prefix[knots[1:] - 1].tolist(), *self._prefix[-1:].tolist()]

    def g(self, i: int) -> float:
        """The gain at place i, counted from 0."""
        t = self._look(i)
        if self._places[t] == i:
            return -self._levels[t]
        return -float(self._open[self._places[t]][0][i - self._places[t]])

    def h(self, j: int) -> float:
        """H_j: the sum of 1/g over the j largest gains."""
        t = self._look(j)
        start = self._places[t]
        if start < j:
            return float(self._open[start][1][j - start - 1])
        total = self._sums[t]
        if total is None:  # the end of the list, which no look has reached
            before = self._places[t - 1]
            total = self._sums[t] = self._sums[t - 1] + sum_of_inverses(self._negated[before:start])  # type: ignore[operator]
        return total

    def above(self, level: float) -> int:
        """Number of positive gains > level."""
        return self._before(-level, bisect_left, np.less)

    def ties(self, i: int) -> tuple[int, int]:
        """Half-open range of the places whose gain equals that of place i."""
        level = self.g(i)
        return self.above(level), self._before(-level, bisect_right, np.less_equal)

    def sum(self, lo: int, hi: int) -> float:
        """The sum of the gains at places lo to hi - 1."""
        self._look(lo), self._look(hi)
        if self._negated is None:
            return float(self._descending[lo:hi].double().sum())
        return -float(np.sum(self._negated[lo:hi], dtype=np.float64))

    def spent(self) -> np.ndarray | None:
        """Memory for N numbers that is free once nobody looks any further; None on a GPU."""
        return self._memory

    def first(self, lo: int, hi: int, holds: Callable[[int], bool]) -> int:
        """The first place in [lo, hi) from which on a condition holds, else hi.

        It looks at knots before it makes new ones.
        """
        while lo < hi:
            left, right = bisect_left(self._places, lo), bisect_left(self._places, hi)
            middle = self._places[(left + right) // 2] if left < right else (lo + hi) // 2
            if holds(middle):
                hi = middle
            else:
                lo = middle + 1
        return lo

    def _look(self, i: int) -> int:
        """Make place i a knot or part of a sorted stretch; returns the number of the last knot at or before it."""
        t = bisect_right(self._places, i) - 1
        start = self._places[t]
        if start == i or start in self._open:
            return t
        stop = self._places[t + 1]
        if stop - start <= SHORT:
            self._sort(t)
            return t
        self._negated[start:stop].partition(i - start)
        self._places.insert(t + 1, i)
        self._levels.insert(t + 1, float(self._negated[i]))
        self._sums.insert(t + 1, self._sums[t] + sum_of_inverses(self._negated[start:i]))  # type: ignore[operator]
        return t + 1

    def _sort(self, t: int) -> None:
        """Sort the stretch behind knot t; a list of prefix sums goes with it."""
        start, stop = self._places[t], self._places[t + 1]
        if self._negated is None:
            values = -self._descending[start:stop].cpu().numpy()
            self._open[start] = values, self._prefix[start:stop].cpu().numpy()
            return
        values = self._negated[start:stop]
        values.sort()
        prefix = np.divide(-1.0, values, dtype=np.float64)
        np.cumsum(prefix, out=prefix)
        prefix += self._sums[t]
        self._open[start] = values, prefix

    def _before(self, level: float, search: Callable[[list[float], float], int], compare: np.ufunc) -> int:
        """Number of negated gains that lie before a level, by the knots and then within one stretch."""
        t = search(self._levels, level) - 1
        if t < 0 or t == len(self._places) - 1:
            return self._places[max(t, 0)]
        start, stop = self._places[t], self._places[t + 1]
        if start not in self._open and stop - start <= SHORT:
            self._sort(t)
        values = self._open[start][0] if start in self._open else self._negated[start:stop]
        # float32 values are compared with the level as it is, not with the level rounded to float32.
        rounded = values.dtype.type(level)
        if compare is np.less and float(rounded) < level:
            compare = np.less_equal
        return start + int(np.count_nonzero(compare(values, rounded)))


def sum_of_inverses(negated: np.ndarray) -> float:
    """The sum of -1/x in float64, block by block."""
    total, scratch = 0.0, np.empty(min(BLOCK, len(negated)))
    for start in range(0, len(negated), BLOCK):
        block = negated[start : start + BLOCK]
        inverse = np.divide(-1.0, block, out=scratch[: len(block)], dtype=np.float64)
        total += float(inverse.sum())
    return total
