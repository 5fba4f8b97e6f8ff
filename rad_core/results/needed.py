"""How many labels does a rule need for an accuracy, and which accuracies can be asked for? One definition for all.

Through the mean accuracy over seeds goes the best curve that never falls (isotonic regression), round 0 included; the
labels needed are where it first reaches the target, linear between measured rounds, never beyond the last one. (Where a
raw curve first crosses a target comes too early: noise takes it there.) Intervals are a bootstrap over seeds, widened
for small numbers of seeds as Hesterberg (The American Statistician 69, 2015, section 4.3) does, so that they cover as
Student's t does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rad_core.errors import InputError
from rad_core.results.summary import FEWEST_SEEDS, Interval, share_interval
from rad_core.results.verdicts import OURS, Results, Tested, equals, holm
from rad_core.results.words import count, few, percent, rounded, step_of

_ALL_RESAMPLES = 5  # seeds up to which every resample is taken: 5 to the 5th are 3,125
_RESAMPLES = 4000


# --- curves --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curve:
    """The measured accuracies of one rule: labels (K,) bought by round, accuracy (S, K) by seed, seeds (S,)."""

    labels: np.ndarray
    accuracy: np.ndarray
    seeds: tuple[int, ...]

    @cached_property
    def mean(self) -> np.ndarray:
        """(K,) mean accuracy over seeds."""
        return np.asarray(self.accuracy.mean(0))

    def at(self, labels: float) -> Interval:
        """Accuracy with so many labels, linear between measured rounds; n = 0 beyond the last."""
        if not 0 <= labels <= self.labels[-1]:
            return share_interval([])
        return share_interval([float(np.interp(labels, self.labels, row)) for row in self.accuracy])


def curve(measured: Results, strategy: str) -> Curve | None:
    """The curve of the seeds that finished every round, or None where there is none."""
    rows = measured.done[measured.done["strategy"] == strategy]
    if rows.empty:
        return None
    accuracy = rows.pivot(index="seed", columns="round", values="accuracy").sort_index(axis=1)
    labels = rows.groupby("round")["labels"].mean().to_numpy(float)
    return Curve(labels, accuracy.to_numpy(float), tuple(int(seed) for seed in accuracy.index))


def never_falling(curves: np.ndarray) -> np.ndarray:
    """(..., K) isotonic regression of every row, all points of equal weight: max over starts of min over ends of means.

    The minimax form of Robertson, Wright and Dykstra, Order Restricted Statistical Inference (1988), theorem 1.4.4.
    """
    size = curves.shape[-1]
    sums = np.concatenate([np.zeros((*curves.shape[:-1], 1)), np.cumsum(curves, -1)], -1)
    starts, ends = np.arange(size)[:, None], np.arange(size)[None, :]
    lengths = np.maximum(ends - starts + 1, 1)
    means = (sums[..., None, 1:] - sums[..., :-1, None]) / lengths  # (..., start, end)
    means = np.where(ends >= starts, means, np.inf)
    least = np.minimum.accumulate(means[..., ::-1], -1)[..., ::-1]  # (..., start, k): over ends from k on
    least = np.where(starts <= ends, least, -np.inf)
    return np.asarray(least.max(-2))


def crossings(labels: np.ndarray, curves: np.ndarray, target: float) -> np.ndarray:
    """(...,) labels at which curves (..., K) that never fall first reach a target; infinity where they do not."""
    reached = curves >= target - 1e-12
    after = reached.argmax(-1)
    before = np.maximum(after - 1, 0)
    high = np.take_along_axis(curves, after[..., None], -1)[..., 0]
    low = np.take_along_axis(curves, before[..., None], -1)[..., 0]
    share = np.divide(target - low, high - low, out=np.ones_like(high), where=high > low)
    at = labels[before] + np.clip(share, 0, 1) * (labels[after] - labels[before])
    return np.where(reached.any(-1), np.where(after == 0, labels[0], at), np.inf)


# --- labels needed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """The labels that one rule needs for a target accuracy.

    labels: on the curve of the mean, NaN where that does not reach the target. low and high: 95 % interval, NaN with
    fewer than three seeds; high is infinite where it ends beyond what was measured. reached: of the seeds, how many
    reach the target by themselves. most: labels bought at most. best: the highest mean accuracy.
    """

    strategy: str
    target: float
    seeds: int
    reached: int
    labels: float
    low: float
    high: float
    most: float
    best: float

    @property
    def known(self) -> bool:
        return math.isfinite(self.labels)

    @property
    def shown(self) -> int:
        """The number to print, with the digits that the interval bears."""
        return rounded(self.labels, self._step) if self.known else 0

    @property
    def _step(self) -> float:
        return step_of(self.labels, self.low, self.high)

    @property
    def ends(self) -> tuple[int, int] | None:
        """The ends of the interval, rounded alike; None where there is none or it ends beyond the last round."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return None
        return rounded(self.low, self._step), rounded(self.high, self._step)

    @property
    def interval_text(self) -> str:
        """The interval in words, or why there is none."""
        if self.seeds < FEWEST_SEEDS:
            return few(self.seeds)
        if not math.isfinite(self.low):
            return f"95% interval wholly beyond the {self.most:,.0f} measured"
        high = f"{rounded(self.high, self._step):,}" if math.isfinite(self.high) else f"beyond {self.most:,.0f}"
        return f"95% interval {rounded(self.low, self._step):,} to {high}"

    @property
    def reached_text(self) -> str:
        """How many seeds reach the target by themselves."""
        return f"{self.reached:,} of {count(self.seeds, 'repetition')} reached it"

    @property
    def text(self) -> str:
        """The number of labels, or that it is not known: never extrapolated."""
        if self.seeds == 0:
            return "not measured"
        if not self.known:
            return f"not reached within {self.most:,.0f} labels (best mean {percent(self.best)}); {self.reached_text}"
        return f"about {self.shown:,} labels ({self.interval_text}; {self.reached_text})"


def need(measured: Results, target: float, strategy: str) -> Need:
    """The labels that a rule needs for a target accuracy, read off its measured curve."""
    own = curve(measured, strategy)
    if own is None:
        nan = math.nan
        return Need(strategy, target, 0, 0, nan, nan, nan, nan, nan)
    labels = float(crossings(own.labels, never_falling(own.mean), target))
    reached = int(np.isfinite(crossings(own.labels, never_falling(own.accuracy), target)).sum())
    low, high = _bootstrap(own, target) if len(own.seeds) >= FEWEST_SEEDS else (math.nan, math.nan)
    return Need(
        strategy,
        target,
        len(own.seeds),
        reached,
        labels if math.isfinite(labels) else math.nan,
        low,
        high,
        float(own.labels[-1]),
        float(own.mean.max()),
    )


def labels_by_seed(measured: Results, target: float, strategy: str) -> np.ndarray:
    """The labels that single seeds need, those that reach the target by themselves, ascending."""
    own = curve(measured, strategy)
    each = crossings(own.labels, never_falling(own.accuracy), target) if own is not None else np.empty(0)
    return np.sort(each[np.isfinite(each)])


def _bootstrap(own: Curve, target: float) -> tuple[float, float]:
    """The 95 % interval of the labels needed: percentiles over resamples of seeds, infinite beyond the last round."""
    from scipy.stats import norm, t

    seeds = len(own.seeds)
    means = own.accuracy[_resamples(seeds)].mean(1)
    needed = np.sort(crossings(own.labels, never_falling(means), target))
    tail = float(norm.sf(math.sqrt(seeds / (seeds - 1)) * t.ppf(0.975, seeds - 1)))
    last = len(needed) - 1
    low, high = float(needed[math.floor(tail * last)]), float(needed[math.ceil((1 - tail) * last)])
    return low, high


def _resamples(seeds: int) -> np.ndarray:
    """(B, S) rows of seeds drawn with replacement: all there are while they are few, else a fixed sample of them."""
    if seeds <= _ALL_RESAMPLES:
        return np.array(list(itertools.product(range(seeds), repeat=seeds)))
    return np.random.default_rng(seeds).integers(seeds, size=(_RESAMPLES, seeds))


# --- labels saved --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saving:
    """How many labels one rule needs less than another for a target.

    tested: labels of the other minus labels of ours, so that a positive number is saved; Holm over the comparisons of
    our rule. Unknown unless both reach the target in every seed.
    """

    ours: Need
    other: Need
    tested: Tested

    @property
    def share(self) -> float:
        """Of the other's labels, how many are saved; negative where more are needed, NaN where unknown."""
        reached = self.ours.known and self.other.known and self.other.labels > 0
        return 1.0 - self.ours.labels / self.other.labels if reached else math.nan


def savings(measured: Results, target: float, ours: str = OURS) -> dict[str, Saving]:
    """What a rule saves against every other one that has finished; fewer labels are better.

    The spread of a difference of two crossings is the jackknife's over the seeds that both have, judged by Student's t.
    """
    own = curve(measured, ours)
    needs = {rule: need(measured, target, rule) for rule in measured.finished}
    others = [rule for rule in measured.finished if rule != ours]
    samples = {other: _pseudo_values(own, curve(measured, other), target) for other in others}
    tested = holm(samples, len(measured.rules) - 1)
    need_of_ours = needs.get(ours) or need(measured, target, ours)
    return {other: Saving(need_of_ours, needs[other], tested[other]) for other in others}


def _pseudo_values(ours: Curve | None, other: Curve | None, target: float) -> Sequence[float]:
    """The jackknife's values of labels(other) - labels(ours), one per seed, centered on the difference itself.

    Their mean is the difference of the two numbers of labels that are printed, and their standard error that of the
    jackknife. Empty unless both rules reach the target in every seed.
    """
    if ours is None or other is None:
        return []
    seeds = [seed for seed in ours.seeds if seed in other.seeds]
    pair = [
        Curve(each.labels, each.accuracy[[each.seeds.index(seed) for seed in seeds]], tuple(seeds))
        for each in (ours, other)
    ]
    if not seeds or not all(
        np.isfinite(crossings(each.labels, never_falling(each.accuracy), target)).all() for each in pair
    ):
        return []

    def difference(rows: list[int]) -> float:
        own, theirs = (
            float(crossings(each.labels, never_falling(each.accuracy[rows].mean(0)), target)) for each in pair
        )
        return theirs - own

    every = list(range(len(seeds)))
    whole = difference(every)
    if len(every) < FEWEST_SEEDS:
        return [whole] * len(every)
    without = np.array([difference([row for row in every if row != left_out]) for left_out in every])
    return list(whole + (len(every) - 1) * (without.mean() - without))


# --- targets -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Targets:
    """Accuracies worth asking for: above what is free, and reached by the mean of a rule.

    offered: ascending, possibly none. free: what a student without any bought label reaches at best, and start on
    average. best: the highest that the mean of a rule reaches. common: that every rule reaches which no other beats.
    """

    offered: tuple[float, ...]
    free: float
    start: float
    best: float
    common: float

    @property
    def default(self) -> float | None:
        """Nine tenths of the way from what is free to what all unbeaten rules reach, or the nearest that is offered."""
        return self._towards(0.9)

    @property
    def two(self) -> list[float]:
        """Half and nine tenths of the way."""
        chosen = [target for target in (self._towards(0.5), self.default) if target is not None]
        return sorted(set(chosen))

    @property
    def none_text(self) -> str:
        """Why no target is offered."""
        return (
            f"No accuracy can be asked for: the mean of the best rule reaches {percent(self.best)}, and a student "
            f"without any bought label up to {percent(self.free)}."
        )

    def _towards(self, share: float) -> float | None:
        if not self.offered:
            return None
        wanted = self.start + share * (self.common - self.start) + 1e-9
        return max((target for target in self.offered if target <= wanted), default=self.offered[0])


def targets(measured: Results) -> Targets:
    """The accuracies that can be asked for: above every seed's free accuracy and the interval of its mean."""
    ends, frees = {}, []
    for rule in measured.finished:
        if (own := curve(measured, rule)) is not None:
            ends[rule] = float(never_falling(own.mean)[-1])
            frees.append(float(own.accuracy[:, 0].max()))
    if not ends:
        return Targets((), math.nan, math.nan, math.nan, math.nan)
    free = max([*frees, *([measured.free.high] if math.isfinite(measured.free.high) else [])])
    best = max(ends.values())
    common = min(ends[rule] for rule in equals(measured))
    step = next((step for step in (0.01, 0.005, 0.001) if best - free >= 4 * step), 0.001)
    first, last = math.floor(free / step + 1e-9) + 1, math.floor(best / step + 1e-9)
    offered = tuple(round(number * step, 4) for number in range(first, last + 1) if number * step < 1)
    return Targets(offered, free, measured.free.mean, best, common)


def check_target(target: float) -> float:
    """The target itself, or InputError where it is no accuracy."""
    if not 0 < target < 1:
        raise InputError(f"A target is {target}; accuracies lie between 0 and 1, for instance --targets 0.7,0.8.")
    return target
