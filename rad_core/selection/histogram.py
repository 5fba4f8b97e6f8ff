"""The gains of a pool that is larger than memory, in descending order: known by bins, exactly where somebody looks.

The bits of a float32 that is not negative, read as a whole number, are in the order of the numbers: its *key*. A bin
holds the gains whose keys begin alike. Of every bin the number of gains, the sum of g, the sum of 1/g and the largest
gain are known; where a place within a bin is asked for, the gains are read once more and those of that bin counted key
by key, for a bin has few different ones. So nothing grows with the pool, however many of its gains are equal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

SHIFT = 14  # bits of a key that a bin does not tell: gains of one bin differ by at most 1 part in 512
WIDTH = 1 << SHIFT
_BINS = (0x7F800000 >> SHIFT) + 1  # of all finite numbers
_NEAR = 4  # bins to both sides that are counted in the same pass


class Histogram:
    """What is known of gains before any bin is opened; gains come in chunks of float32, NaN where there is none.

    size: N, gains that are numbers, zeros among them.
    """

    def __init__(self) -> None:
        self.size, self.zeros = 0, 0
        self.counts = np.zeros(_BINS, np.int64)
        self.tops = np.zeros(_BINS, np.int64)  # what the largest key of each bin has behind the bin's own bits
        self._behind = np.zeros(_BINS)  # the sum of the same over all gains: whole numbers, exact
        self._beyond = np.zeros(_BINS)  # the sum of 1/g beyond that of so many gains at the lower edge
        self._inverse = np.divide(1.0, edges(), out=np.zeros(_BINS), where=edges() > 0)

    def add(self, gains: np.ndarray) -> None:
        """Count a chunk (n,) of float32, each 0 or more, or NaN."""
        keys = gains.view(np.int32)
        if np.isnan(gains.max(initial=0)):
            gains = gains[~np.isnan(gains)]
            keys = gains.view(np.int32)
        if len(keys) == 0:
            return
        self.size += len(keys)
        self.zeros += int(np.count_nonzero(keys == 0))
        bins = (keys >> SHIFT).astype(np.intp)
        low, high = int(bins.min()), int(bins.max()) + 1
        behind = (keys & (WIDTH - 1)).astype(np.int64)
        inverse = np.divide(1.0, gains, out=np.zeros(len(gains)), where=keys > 0, dtype=np.float64)
        inverse -= self._inverse[bins]
        bins -= low
        part = slice(low, high)
        self.counts[part] += np.bincount(bins, minlength=high - low)
        self._behind[part] += np.bincount(bins, behind, high - low)
        self._beyond[part] += np.bincount(bins, inverse, high - low)
        np.maximum.at(self.tops[part], bins, behind)

    def sums(self, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sums of g and of 1/g over the positive gains of bins, float64."""
        step = np.ldexp(1.0, np.maximum(bins >> (23 - SHIFT), 1) - 150)  # from one float32 to the next
        positive = self.counts[bins] - np.where(bins == 0, self.zeros, 0)
        return (
            self.counts[bins] * edges()[bins] + step * self._behind[bins],
            positive * self._inverse[bins] + self._beyond[bins],
        )


def edges() -> np.ndarray:
    """(bins,) float64: the smallest number of each bin."""
    return number(np.arange(_BINS) << SHIFT)


def number(keys: np.ndarray) -> np.ndarray:
    """The numbers of keys, as float64; that of the last bin's edge is infinite."""
    numbers: np.ndarray = keys.astype(np.int32).view(np.float32).astype(np.float64)
    return numbers


@dataclass(frozen=True, eq=False)
class _Opened:
    """The gains of one bin: different ones, descending; the places where each ends; H up to there."""

    start: int
    gains: np.ndarray
    ends: np.ndarray
    h: np.ndarray

    def sum(self, lo: int, hi: int) -> float:
        """The sum of the gains at places lo to hi - 1, of those that lie in this bin."""
        begins = np.append(self.start, self.ends[:-1])
        held = np.minimum(self.ends, hi) - np.maximum(begins, lo)
        return float(np.maximum(held, 0) @ self.gains)


class Binned:
    """Positive gains in descending order, as `ordered.Ordered` has them, from a histogram and a file to look into.

    count: P, the number of positive gains. size: N. largest: of all gains. passes: how often all gains were read.
    """

    def __init__(self, histogram: Histogram, chunks: Callable[[], Iterable[np.ndarray]]) -> None:
        self.size, self.count = histogram.size, histogram.size - histogram.zeros
        self.passes = 0
        self._chunks = chunks
        counts = histogram.counts.copy()
        counts[0] -= histogram.zeros
        self._bins = np.flatnonzero(counts)[::-1]
        sums, inverses = histogram.sums(self._bins)
        self._starts = [0, *np.cumsum(counts[self._bins]).tolist()]
        self._tops: list[float] = number((self._bins << SHIFT) + histogram.tops[self._bins]).tolist()
        # Many bins are added up one after another: where the machine has longer numbers, in these.
        self._h = [0.0, *np.cumsum(inverses, dtype=np.longdouble).astype(np.float64).tolist()]
        self._sums = sums
        self.largest = self._tops[0] if self._tops else 0.0
        self._open: dict[int, _Opened] = {}

    def g(self, i: int) -> float:
        """The gain at place i, counted from 0."""
        t = bisect_right(self._starts, i) - 1
        if self._starts[t] == i:
            return self._tops[t]
        opened = self._look(t)
        return float(opened.gains[np.searchsorted(opened.ends, i, "right")])

    def between(self, i: int) -> tuple[float, float]:
        """Two numbers between which the gain at place i lies, without a look at the file; zeros beyond the last."""
        if i >= self.count:
            return 0.0, 0.0
        t = bisect_right(self._starts, i) - 1
        if self._starts[t] == i or t in self._open:
            return self.g(i), self.g(i)
        return float(number(self._bins[t : t + 1] << SHIFT)[0]), self._tops[t]

    def knots(self, i: int) -> tuple[int, int]:
        """The places of the first gain of the bin that place i lies in, and of the first behind that bin."""
        t = bisect_right(self._starts, i) - 1
        return self._starts[t], self._starts[t + 1]

    def h(self, j: int) -> float:
        """H_j: the sum of 1/g over the j largest gains."""
        t = bisect_left(self._starts, j)
        if self._starts[t] == j:
            return self._h[t]
        opened = self._look(t - 1)
        group = int(np.searchsorted(opened.ends, j, "left"))
        return float(opened.h[group]) - float(opened.ends[group] - j) / float(opened.gains[group])

    def sum(self, lo: int, hi: int) -> float:
        """The sum of the gains at places lo to hi - 1."""
        # Never as a difference of two sums from the beginning, beside which this one may be tiny.
        total, left, right = 0.0, bisect_left(self._starts, lo), bisect_right(self._starts, hi) - 1
        if left <= right:
            total += float(self._sums[left:right].sum())
            edges_inside = {(left - 1, lo < self._starts[left]), (right, hi > self._starts[right])}
        else:
            edges_inside = {(right, hi > lo)}
        return total + sum(self._look(t).sum(lo, hi) for t, some in edges_inside if some)

    def above(self, level: float) -> int:
        """Number of positive gains > level."""
        if level < 0:
            return self.count
        if level >= self.largest:
            return 0
        rounded = np.float32(level)
        if float(rounded) > level:  # compared with the level as it is, not with the level rounded to float32
            rounded = np.nextafter(rounded, np.float32(0))
        holding = int(rounded.view(np.int32)) >> SHIFT
        t = len(self._bins) - int(np.searchsorted(self._bins[::-1], holding, "right"))  # the first bin at or below it
        if t == len(self._bins) or self._bins[t] != holding or float(rounded) >= self._tops[t]:
            return self._starts[t]
        opened = self._look(t)
        more = int(np.count_nonzero(opened.gains > float(rounded)))
        return int(opened.ends[more - 1]) if more else self._starts[t]

    def ties(self, i: int) -> tuple[int, int]:
        """Half-open range of the places whose gain equals that of place i."""
        t = bisect_right(self._starts, i) - 1
        opened = self._look(t)
        group = int(np.searchsorted(opened.ends, i, "right"))
        return int(opened.ends[group - 1]) if group else self._starts[t], int(opened.ends[group])

    def first(self, lo: int, hi: int, holds: Callable[[int], bool]) -> int:
        """The first place in [lo, hi) from which on a condition holds, else hi. It looks at the edges of bins first."""
        while lo < hi:
            left, right = bisect_left(self._starts, lo), bisect_left(self._starts, hi)
            middle = self._starts[(left + right) // 2] if left < right else (lo + hi) // 2
            if holds(middle):
                hi = middle
            else:
                lo = middle + 1
        return lo

    def first_knot(self, hi: int, holds: Callable[[int], bool]) -> int:
        """Of the places up to hi where bins begin the first at which a condition holds, else hi."""
        t = bisect_left(range(bisect_left(self._starts, hi)), True, key=lambda t: holds(self._starts[t]))
        return min(self._starts[t], hi)

    def _look(self, t: int) -> _Opened:
        """Bin t with every gain of it; one pass over all gains serves those beside it as well."""
        if t not in self._open:
            first, last = max(0, int(self._bins[t]) - _NEAR), min(int(self._bins[t]) + _NEAR, _BINS - 1)
            base, width = first << SHIFT, (last - first + 1) << SHIFT
            counts = np.zeros(width, np.int64)
            self.passes += 1
            for gains in self._chunks():
                behind = gains.view(np.uint32) - np.uint32(base)  # what lies below the base becomes very large
                behind = behind[behind < width]
                if len(behind):
                    counts += np.bincount(behind, minlength=width)
            near = range(max(0, t - 2 * _NEAR), min(len(self._bins), t + 2 * _NEAR + 1))
            for other in near:
                if first <= self._bins[other] <= last and other not in self._open:
                    start = (int(self._bins[other]) - first) << SHIFT
                    self._open[other] = self._opened(other, counts[start : start + WIDTH])
        return self._open[t]

    def _opened(self, t: int, counts: np.ndarray) -> _Opened:
        keys = np.flatnonzero(counts)[::-1]
        gains = number((int(self._bins[t]) << SHIFT) + keys)
        keys, gains = keys[gains > 0], gains[gains > 0]
        held = counts[keys]
        start = self._starts[t]
        return _Opened(start, gains, start + np.cumsum(held), self._h[t] + np.cumsum(held / gains))
