"""The Trade-off page in one plain paragraph, made from the numbers: it claims only what their intervals show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.findings.calibration import Axis
from app.findings.deciles import difference_of_shares, summarize_picks
from app.palette import strategy_label
from rad_core.results.summary import Interval, interval, verdict
from rad_core.results.words import MINUS, few, percent

# Strategies that buy the most informative labels first, by what they take for it.
GREEDY = ("margin", "entropy", "least_confidence")
_SUBJECT: dict[Axis, str] = {
    "right": "the teacher is right on",
    "probability": "the teacher gives the true class, on average, a probability of",
    "confidence": "the teacher's calibrated confidence is, on average,",
}
_MORE: dict[Axis, str] = {
    "right": "makes more mistakes",
    "probability": "gives less probability to the true class",
    "confidence": "is less sure",
}
_PICKED: dict[Axis, str] = {
    "right": "labels of which the teacher got right",
    "probability": "a mean probability of the true class of",
    "confidence": "a mean calibrated confidence of",
}
_BETTER: dict[Axis, str] = {
    "right": "often right on",
    "probability": "inclined to the true class on",
    "confidence": "sure of",
}


@dataclass(frozen=True)
class Paragraph:
    """The paragraph, the intervals on which its claims rest, and its first sentence, which is about the pool alone."""

    text: str
    intervals: str
    about_pool: str


def story(
    groups: pd.DataFrame, gap: Interval, picks: pd.DataFrame, axis: Axis, seeds: int, of: str = "the pool"
) -> Paragraph:
    """What the page shows, for somebody who sees it for the first time.

    groups: tenths of gain as from `deciles`. gap: the last tenth minus the first. picks: as for `tradeoff_chart`.
    seeds: whose pools the tenths are of; the picks may be of more. of: what the tenths are of.
    """
    sentences, intervals = [_about_pool(groups, gap, axis, of)], [f"most minus least informative tenth {_limits(gap)}"]
    judged = picks[picks["right"].notna()]
    over, names = _over(seeds), set(judged["strategy"])
    greedy = next((name for name in GREEDY if name in names), None)
    others = [name for name in (greedy, "uniform") if name is not None and name in names] if "rad" in names else []
    for name in others:
        rad, other = _Point(judged, "rad"), _Point(judged, name)
        difference = _difference(judged, name, rad, other)
        if name == greedy:
            sentences.append(_about_picks(strategy_label(name), rad, other, difference, axis))
        else:
            sentences.append(_about_uniform(rad, other, difference, axis, opening=greedy is None))
        intervals.append(f"RAD minus {strategy_label(name)} {_limits(difference)}")
    if others and (counted := judged["seed"].nunique()) != seeds:
        intervals = [f"{text}, {_over(counted if i else seeds)}" for i, text in enumerate(intervals)]
        over = ""
    rests_on = f"95% intervals of these differences{over and f', {over}'}: {'; '.join(intervals)}."
    return Paragraph(" ".join(sentences), rests_on, sentences[0])


def _over(seeds: int) -> str:
    return "within 1 seed" if seeds == 1 else f"over {seeds} seeds"


def _about_pool(groups: pd.DataFrame, gap: Interval, axis: Axis, of: str) -> str:
    first, last = groups["share"].iloc[0], groups["share"].iloc[-1]
    ends = {
        "lower": f"the teacher {_MORE[axis]} exactly where labels would be most informative.",
        "higher": "here the teacher is even better where labels would be most informative.",
        "no difference shown": "a difference that these data cannot tell from chance.",
    }
    return (
        f"On the most informative tenth of {of}, where the student is least sure, {_SUBJECT[axis]} "
        f"**{percent(last)}**; on the least informative tenth, **{percent(first)}**: {ends[verdict(gap)]}"
    )


def _about_picks(name: str, rad: _Point, other: _Point, difference: Interval, axis: Axis) -> str:
    ends = {
        "higher": f"the teacher is more {_BETTER[axis]} the labels that RAD buys.",
        "lower": f"the teacher is less {_BETTER[axis]} the labels that RAD buys.",
        "no difference shown": "a difference in correctness that these data cannot tell from chance.",
    }
    return (
        f"{name}, which buys the most informative labels first, bought a mean gain of {other.gain:.2f} with "
        f"{_PICKED[axis]} **{percent(other.right)}**; RAD bought {rad.gain:.2f} with **{percent(rad.right)}**: "
        f"{ends[verdict(difference)]}"
    )


def _about_uniform(rad: _Point, other: _Point, difference: Interval, axis: Axis, *, opening: bool) -> str:
    """RAD beside a choice that looks at nothing. opening: whether RAD's own numbers have not been told yet."""
    price = "for labels that would teach more, RAD accepts" if rad.gain > other.gain else "RAD's labels have"
    ends = {
        "lower": f"{price} more mistakes of the teacher.",
        "higher": "RAD's labels are right even more often.",
        "no difference shown": "a difference to RAD in correctness that these data cannot tell from chance.",
    }
    own = f"; RAD bought {rad.gain:.2f} with **{percent(rad.right)}**" if opening else ""
    return (
        f"Uniform, which looks at nothing, bought a mean gain of {other.gain:.2f} with {_PICKED[axis]} "
        f"**{percent(other.right)}**{own}: {ends[verdict(difference)]}"
    )


class _Point:
    """Where the picks of a strategy lie: mean gain, and the share right with its limits."""

    def __init__(self, judged: pd.DataFrame, strategy: str) -> None:
        row = summarize_picks(judged[judged["strategy"] == strategy]).to_dict("records")[0]
        self.gain, self.right = float(row["gain"]), float(row["right"])
        self.limits = (self.right, float(row["right_low"]), float(row["right_high"]))


def _limits(interval: Interval) -> str:
    if not np.isfinite(interval.low):
        return few(interval.n)
    return f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f} points".replace("-", MINUS)


def _difference(judged: pd.DataFrame, greedy: str, rad: _Point, other: _Point) -> Interval:
    """RAD minus the greedy strategy: paired by seed, or of two independent sets of labels with a single seed."""
    means = judged.groupby(["seed", "strategy"])["right"].mean().unstack("strategy")
    both = (means["rad"] - means[greedy]).dropna()
    return interval(both) if len(both) > 1 else difference_of_shares(rad.limits, other.limits)
