"""Rules that turn measured tables into true sentences: who is ahead, what is saved, when nothing can be said.

A difference is claimed only where its 95 % interval over seeds, paired by seed, excludes zero; a saving of labels only
where, besides, every seed of both strategies reaches the target inside what was measured. No Streamlit in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from app.wording import ONE_SEED, count, listed, name, percent, points, range_text, target_text
from rad_core.selection.strategies import ORACLES
from rad_core.study import summary
from rad_core.study.summary import Interval, interval
from rad_core.study.whatif import RULES, guarantees

OURS = "rad"
Value = Literal["final", "area"]
# unknown: fewer than two seeds to compare, or results missing; it is never called a tie.
Outcome = Literal["ahead", "behind", "mixed", "tie", "unknown"]

_OUTCOMES: dict[str, Outcome] = {"higher": "ahead", "lower": "behind", "no difference shown": "tie"}


@dataclass(frozen=True)
class Claim:
    """A true sentence and what it says of our strategy."""

    text: str
    outcome: Outcome


@dataclass(frozen=True)
class Comparison:
    """One strategy minus another in accuracy (0 to 1), paired by seed."""

    ours: str
    other: str
    value: Value
    difference: Interval
    outcome: Outcome


@dataclass(frozen=True)
class Need:
    """The labels one strategy needs for a target accuracy.

    reached: how many of its seeds reach it. labels: over all seeds, undefined unless every seed reaches it. most:
    labels bought at most. best: its best mean accuracy.
    """

    strategy: str
    target: float
    seeds: int
    reached: int
    labels: Interval
    most: float
    best: float

    @property
    def complete(self) -> bool:
        return self.seeds > 0 and self.reached == self.seeds

    @property
    def text(self) -> str:
        """The number of labels, or that it is not known: never extrapolated."""
        if self.complete:
            return f"{self.labels.mean:,.0f} labels"
        if self.seeds == 0:
            return "not measured"
        who = "not reached" if self.reached == 0 else f"reached by {self.reached} of {count(self.seeds, 'seed')}"
        return f"{who} within {self.most:,.0f} labels (best {percent(self.best)})"


@dataclass(frozen=True)
class Saving:
    """How many labels one strategy saves against another at a target, and whether that may be claimed.

    difference: labels of ours minus labels of the other, paired by seed. share: of the other's labels that are saved
    (negative: needed in addition), NaN where undefined.
    """

    ours: Need
    other: Need
    difference: Interval
    share: float
    claim: Claim


# --- who is ahead --------------------------------------------------------------------------------------------------


def competitors(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of strategies that anybody could use; an oracle is an upper bound."""
    return table[~table["strategy"].isin(ORACLES)]


def comparisons(finished: pd.DataFrame, ours: str = OURS, value: Value = "final") -> tuple[Comparison, ...]:
    """Our strategy against every competitor, the one that is furthest ahead of ours first.

    finished: rows of the cells that have finished every round (`summary.complete`). value: accuracy after the last
    round, or its mean over the labels bought ("area").
    """
    if finished.empty:
        return ()
    found = []
    scores = summary.cell_scores(competitors(finished))
    for row in summary.paired_differences(scores, ours, value).to_dict("records"):
        difference = Interval(row["difference"], row["low"], row["high"], int(row["n"]))
        found.append(Comparison(ours, str(row["baseline"]), value, difference, outcome_of(difference)))
    return tuple(sorted(found, key=lambda one: (not np.isfinite(one.difference.mean), one.difference.mean)))


def outcome_of(difference: Interval) -> Outcome:
    """What may be said of ours minus another's, paired by seed, where more is better."""
    return _OUTCOMES[summary.verdict(difference)] if _judged(difference) else "unknown"


def verdict(found: Sequence[Comparison], labels: float, *, brief: bool = False) -> Claim:
    """All comparisons in one sentence: losses first, then wins, then ties.

    labels: bought by the end. brief: without the interval, for a headline.
    """
    if not found:
        return Claim("There is no other strategy to compare with yet.", "unknown")
    ours, value = found[0].ours, found[0].value
    by = {outcome: [one for one in found if one.outcome == outcome] for outcome in ("behind", "ahead", "tie")}
    known = sum(map(len, by.values()))
    if not known:
        return Claim(f"{_few(found)} and no comparison is claimed.", "unknown")
    parts = [text for text in (_behind(ours, by["behind"], brief), _ahead(ours, by["ahead"], brief)) if text]
    if by["tie"]:
        parts.append(f"no difference is shown between {name(ours)} and {_others(by['tie'], known)}")
    opening = f"After {labels:,.0f} labels" if value == "final" else f"On average over the first {labels:,.0f} labels"
    text = f"{opening}, {'; '.join(parts)} ({_seeds(found)})."
    if known < len(found):
        missing = [name(one.other) for one in found if one.outcome == "unknown"]
        text += f" Too few seeds yet to compare with {listed(missing)}."
    outcomes: dict[tuple[bool, bool], Outcome] = {
        (True, True): "mixed", (True, False): "behind", (False, True): "ahead", (False, False): "tie",
    }  # fmt: skip
    return Claim(text, outcomes[bool(by["behind"]), bool(by["ahead"])])


def headline(table: pd.DataFrame, rounds: int, ours: str = OURS) -> Claim:
    """The result of a study in one sentence. table: all its metrics; rounds: how many are planned."""
    done = summary.complete(table, rounds)
    if done.empty:
        wanted = f"all {rounds} rounds" if rounds > 1 else "its round"
        return Claim(f"No strategy has finished {wanted} yet, so there is nothing to compare.", "unknown")
    labels = float(done["labels"].max())
    mine = final(done, ours)
    if mine.n == 0 or not np.isfinite(mine.mean):
        tried = ours in set(table["strategy"])
        why = f"{name(ours, first=True)} has not finished a seed" if tried else f"This study does not try {name(ours)}"
        return Claim(f"{why}, so nothing is compared with it.", "unknown")
    reaches = f"{name(ours, first=True)} reaches {percent(mine.mean)} after {labels:,.0f} labels"
    found = comparisons(done, ours)
    if not found:
        return Claim(f"{reaches} ({range_text(mine)}); no other strategy has finished.", "unknown")
    claim = verdict(found, labels, brief=True)
    return claim if claim.outcome != "unknown" else Claim(f"{reaches}. {claim.text}", "unknown")


def final(finished: pd.DataFrame, strategy: str) -> Interval:
    """Accuracy of a strategy after its last round, over seeds; n = 0 where it has none."""
    mine = finished[finished["strategy"] == strategy]
    return interval(summary.cell_scores(mine)["final"].dropna() if len(mine) else [])


def upper_bound(finished: pd.DataFrame) -> str:
    """What the oracle reaches, named as what it is; empty where it did not run."""
    found = {oracle: final(finished, oracle) for oracle in ORACLES} if len(finished) else {}
    parts = [
        f"{name(oracle)}, which knows where the teacher is right, reaches {percent(own.mean)}"
        for oracle, own in found.items()
        if own.n
    ]
    return f"An upper bound, no competitor: the {'; the '.join(parts)}." if parts else ""


def references(levels: Mapping[str, float]) -> str:
    """The reference lines in a sentence; those that were not measured are named as such."""
    words = {
        "teacher": "the teacher itself",
        "student_full": "a student taught on the whole pool",
        "student_labeled": "a student without any bought label",
    }
    known = [f"{text} {percent(levels[key])}" for key, text in words.items() if _measured(levels, key)]
    missing = [text for key, text in words.items() if not _measured(levels, key)]
    parts = [f"To compare: {listed(known)}."] if known else []
    return " ".join([*parts, *([f"Not measured: {listed(missing)}."] if missing else [])])


def mistakes(table: pd.DataFrame) -> dict[str, Interval]:
    """Share of teacher mistakes among the labels bought, over seeds; n = 0 where it is undefined, as for mixtures."""
    if "teacher_right_share" not in table:
        return {}
    bought = table[table["round"] > 0]
    found = {}
    for strategy, rows in bought.groupby("strategy", sort=False):
        shares = 1.0 - rows.groupby("seed")["teacher_right_share"].mean().dropna()
        found[str(strategy)] = interval(shares)
    return found


# --- labels saved --------------------------------------------------------------------------------------------------


def need(finished: pd.DataFrame, target: float, strategy: str) -> Need:
    """The labels that a strategy needs for a target accuracy, read off its measured curves."""
    mine = finished[finished["strategy"] == strategy].dropna(subset=["accuracy"]) if len(finished) else finished
    if mine.empty:
        return Need(strategy, target, 0, 0, interval([]), float("nan"), float("nan"))
    labels = summary.labels_needed(mine, target)["labels"]
    whole = bool(labels.notna().all())
    best = float(mine.groupby("round")["accuracy"].mean().max())
    return Need(
        strategy, target, len(labels), int(labels.notna().sum()), interval(labels if whole else []),
        float(mine["labels"].max()), best,
    )  # fmt: skip


def saving(finished: pd.DataFrame, target: float, other: str = "uniform", ours: str = OURS) -> Saving:
    """How many labels our strategy saves against another one on the way to a target accuracy.

    finished: rows of the cells that have finished every round.
    """
    mine, theirs = need(finished, target, ours), need(finished, target, other)
    if not (mine.complete and theirs.complete):
        return Saving(mine, theirs, interval([]), float("nan"), _unreached(mine, theirs))
    pair = finished[finished["strategy"].isin((ours, other))].dropna(subset=["accuracy"])
    wide = summary.labels_needed(pair, target).pivot(index="seed", columns="strategy", values="labels").dropna()
    difference = interval(wide[ours] - wide[other])
    means = float(wide[ours].mean()), float(wide[other].mean())
    share = 1.0 - means[0] / means[1] if means[1] > 0 else float("nan")
    return Saving(mine, theirs, difference, share, _saved(mine, theirs, difference, means))


def _saved(mine: Need, theirs: Need, difference: Interval, means: tuple[float, float]) -> Claim:
    """What may be said where every seed of both reaches the target. difference: labels, ours minus theirs."""
    target, seeds = target_text(mine.target), count(difference.n, "seed")
    if difference.n == 0:
        return Claim(f"No seed of both {name(mine.strategy)} and {name(theirs.strategy)} has finished yet.", "unknown")
    numbers = f"{means[0]:,.0f} against {means[1]:,.0f}"
    if not _judged(difference):
        both = f"{name(mine.strategy, first=True)} and {name(theirs.strategy)}: {numbers} labels for {target}"
        why = ONE_SEED if difference.n == 1 else f"Only {seeds}"
        return Claim(f"{both}. {why} and no saving is claimed.", "unknown")
    fewer = summary.verdict(difference)
    if fewer == "no difference shown":
        both = f"{name(mine.strategy)} and {name(theirs.strategy)}"
        return Claim(
            f"No difference is shown between the labels that {both} need for {target}: {numbers}, over {seeds}.", "tie"
        )
    outcome: Outcome = "ahead" if fewer == "lower" else "behind"
    (first, few), (last, many) = sorted(zip((mine, theirs), means, strict=True), key=lambda one: one[1])
    size = sorted((abs(difference.low), abs(difference.high)))
    apart = f"{few:,.0f} against {many:,.0f}, {size[0]:,.0f} to {size[1]:,.0f} fewer, over {seeds}"
    ratio = percent(1.0 - few / many, 0) if 1.0 - few / many >= 0.005 else "under 1%"
    who = f"{name(first.strategy, first=True)} reaches {target} with {ratio} fewer labels"
    return Claim(f"{who} than {name(last.strategy)}: {apart}.", outcome)


def _unreached(mine: Need, theirs: Need) -> Claim:
    parts = [f"{name(one.strategy, first=one is mine)}: {one.text}" for one in (mine, theirs)]
    return Claim(f"No saving can be claimed for {target_text(mine.target)}. {'; '.join(parts)}.", "unknown")


# --- the worst case (an estimate) ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Guarantee:
    """Useful gain that is safe whatever points the teacher gets wrong: RAD's, and that of the best other rule."""

    rad: float
    other: float
    rule: str

    @property
    def value(self) -> str:
        """By how much more RAD guarantees, as a short text."""
        if self.rad <= 0:
            return "nothing"
        if self.other <= 0 or self.rad / self.other >= 100:
            return "over 100 times" if self.other > 0 else "only RAD"
        return f"+{percent(self.rad / self.other - 1, 0)}"


def guarantee(gains: np.ndarray, budget: int, wrong: int) -> Guarantee:
    """What RAD guarantees on a pool and what the best other rule does, worked out from gains without training.

    gains: (N,). budget: labels to buy. wrong: on how many points the teacher may be wrong.
    """
    values = {rule: float(guarantees(gains, min(budget, len(gains)), wrong, rule)) for rule in RULES}
    others = {rule: value for rule, value in values.items() if rule != "rad"}
    best = max(others, key=lambda rule: others[rule])
    words = {"uniform": "uniform", "greedy": "the most informative first"}
    return Guarantee(values["rad"], others[best], words[best])


# --- parts of sentences --------------------------------------------------------------------------------------------


def _behind(ours: str, found: Sequence[Comparison], brief: bool) -> str:
    if not found:
        return ""
    verb = "beats" if len(found) == 1 else "beat"
    return f"{listed([name(one.other) for one in found])} {verb} {name(ours)} by {_size(found, brief)}"


def _ahead(ours: str, found: Sequence[Comparison], brief: bool) -> str:
    if not found:
        return ""
    return f"{name(ours)} beats {listed([name(one.other) for one in found])} by {_size(found, brief)}"


def _size(found: Sequence[Comparison], brief: bool) -> str:
    """One difference with its interval, or the range of several."""
    sizes = sorted(abs(one.difference.mean) for one in found)
    if len(found) > 1:
        return f"{100 * sizes[0]:.1f} to {points(sizes[-1])}"
    if brief:
        return points(sizes[0])
    least, most = sorted((abs(found[0].difference.low), abs(found[0].difference.high)))
    low = f"{100 * least:.1f}" if least >= 0.0005 else "just above 0"
    return f"{points(sizes[0])} (95% interval {low} to {100 * most:.1f})"


def _others(found: Sequence[Comparison], compared: int) -> str:
    """The other sides of ties: by name while they are few, else by their number."""
    if len(found) <= 3:
        return listed([name(one.other) for one in found])
    return f"{'any of ' if len(found) == compared else ''}the other {len(found)} strategies"


def _seeds(found: Iterable[Comparison]) -> str:
    numbers = sorted({one.difference.n for one in found if one.difference.n > 1})
    most = count(numbers[-1], "seed")
    return most if len(numbers) == 1 else f"{numbers[0]} to {most}"


def _few(found: Iterable[Comparison]) -> str:
    if max(one.difference.n for one in found) == 1:
        return ONE_SEED
    return "No seed of two strategies has finished yet"


def _judged(difference: Interval) -> bool:
    """Whether seeds can tell: there are two at least, and they do not agree so exactly that their spread is unknown."""
    return difference.n > 1 and (difference.high - difference.low > 1e-9 or abs(difference.mean) < 1e-9)


def _measured(levels: Mapping[str, float], key: str) -> bool:
    return key in levels and bool(np.isfinite(levels[key]))
