"""A campaign played on the user's own labeled and checked examples, before anything is bought.

The checked examples, whose label and teacher's answer are known, are parted at random again and again: one half is a
small pool to buy from, the other half tests the student and tells m. What comes of it says whether labels of this
teacher help this student, and whether it matters which are chosen; it is small, and its intervals say how small.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from rad_core.campaign import features, ledger, training
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.contents import vector
from rad_core.campaign.ledger import Account
from rad_core.campaign.students import train
from rad_core.errors import InputError
from rad_core.results.words import listed, name
from rad_core.selection.api import AccuracyEstimate, estimate_accuracy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import solve_game, wrong_count
from rad_core.selection.sampling import sample

RULES = ("rad", "margin", "uniform")
LEAST = 40  # checked examples with the teacher's answer
_LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """A mean over repeats that share their examples, and its interval, corrected for that and for looking at several.

    All intervals of a rehearsal of one kind hold at once with 95 %.
    """

    mean: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether it is more than chance, as far as this can be told."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Line:
    """A rule at a number of labels: mean accuracy, and how far it is ahead of no label and of labels at random."""

    rule: str
    labels: int
    accuracy: float
    over_nothing: Difference
    over_uniform: Difference | None


@dataclass(frozen=True)
class Rehearsal:
    """What came of it. pool, tested: checked examples of each repeat. start: accuracy without any bought label.

    learned: labeled examples that every student learns from. accuracy: m. more: (checked examples, half the width of
    the 95 % interval of m with so many).
    """

    pool: int
    tested: int
    learned: int
    repeats: int
    start: float
    lines: tuple[Line, ...]
    accuracy: AccuracyEstimate
    more: tuple[tuple[int, float], ...]


def to_json(played: Rehearsal) -> str:
    """A rehearsal as text, for the process that asked for it."""
    return json.dumps(asdict(played))


def from_json(text: str) -> Rehearsal:
    """The rehearsal that such a text holds."""
    values = json.loads(text)
    lines = [
        Line(
            **{
                **line,
                "over_nothing": Difference(**line["over_nothing"]),
                "over_uniform": None if line["over_uniform"] is None else Difference(**line["over_uniform"]),
            }
        )
        for line in values["lines"]
    ]
    more = [(int(count), float(by)) for count, by in values["more"]]
    accuracy = AccuracyEstimate(**values["accuracy"])
    return Rehearsal(**{**values, "lines": tuple(lines), "accuracy": accuracy, "more": tuple(more)})


def introduction(played: Rehearsal) -> str:
    """How it was played, and how large it is."""
    return (
        f"Rehearsed {played.repeats} times: {played.learned:,} labeled examples to learn from, {played.pool:,} checked "
        f"ones as the pool, {played.tested:,} others to test on; {played.start:.3f} right without any bought label."
    )


def findings(played: Rehearsal) -> list[str]:
    """What it shows and what it does not, a sentence each: do labels help, how many, which ones, what is m worth."""
    helping = [line for line in played.lines if line.over_nothing.low > 0]
    compared = [(line, line.over_uniform) for line in played.lines if line.over_uniform is not None]
    fewest = min((line.labels for line in helping), default=0)
    known = ", ".join(f"{count:,} know m to \N{PLUS-MINUS SIGN}{100 * by:.1f} points" for count, by in played.more)
    rules = [
        f"{name(line.rule)} at {line.labels:,} is {'ahead of' if over.mean > 0 else 'behind'} labels at random"
        for line, over in compared
        if over.shown
    ]
    return [
        "That labels of this teacher help is "
        + (f"shown, from {fewest:,} labels on." if helping else "not shown at this size."),
        "That it matters which are chosen is " + (f"shown: {listed(rules)}." if rules else "not shown at this size."),
        "Intervals hold at once with 95 % in each column, and are widened because the repeats share their examples. A "
        "pool of thousands leaves more to choose from than this one.",
        f"Teacher right on {played.accuracy.right} of {played.accuracy.total} checked examples; {known}.",
    ]


def rehearse(campaign: Campaign, repeats: int = 10, student: str | None = None) -> Rehearsal:
    """Play it. Nothing is asked, told or kept. Raises InputError where the examples do not suffice."""
    network = student or campaign.settings.student
    if not network:
        raise InputError(f"Campaign {campaign.name} has no student of ours to rehearse with; create it with --student.")
    if repeats < 3:
        raise InputError(f"repeats is {repeats}; give 3 or more, of which there is an interval.")
    held = features.load(campaign.path, campaign.settings.features)
    size = len(campaign.classes)
    with ledger.reading(campaign.path) as database:
        examples = training.training_set(database, campaign.classes, learn_from_checked=False)
        accounts = ledger.accounts(database, "checked")
        checked = ledger.points(database, "checked")
    known = np.array([source == "labeled" for source in examples.sources], bool)
    rows, targets = examples.positions[known], examples.targets[known]
    answers = {point.position: accounts.get(point.position, Account()).answers.get("teacher") for point in checked}
    told = [
        (point.position, point.label, vector(content, size))
        for point in checked
        if (content := answers[point.position]) is not None and not content.abstains and point.label is not None
    ]
    if len(told) < LEAST or len(rows) == 0:
        raise InputError(
            f"A rehearsal takes {LEAST} checked examples with the teacher's answer and a labeled one beside them; "
            f"there are {len(told)} and {len(rows)}."
        )
    positions = np.array([position for position, _, _ in told])
    labels = np.array([label for _, label, _ in told])
    soft = np.stack([answer for *_, answer in told])
    half = len(told) // 2
    budgets = sorted({max(1, half // 4), max(1, half // 2)})
    starts: list[float] = []
    reached: dict[tuple[str, int], list[float]] = {(rule, budget): [] for rule in RULES for budget in budgets}
    for repeat in range(repeats):
        rng = np.random.default_rng([campaign.settings.seed, repeat])
        pool, test = np.split(rng.permutation(len(told)), [half])
        seed = int(rng.integers(2**31))

        def accuracy(bought: np.ndarray, seed: int = seed, test: np.ndarray = test) -> float:
            all_rows, all_targets = np.append(rows, positions[bought]), np.concatenate([targets, soft[bought]])
            said = train(network, held, all_rows, all_targets, seed)(held[positions[test]])
            return float(np.mean(said.argmax(axis=1) == labels[test]))

        gains = np.asarray(GAINS["margin"](train(network, held, rows, targets, seed)(held[positions[pool]])))
        right = soft[test].argmax(axis=1) == labels[test]
        wrong = wrong_count(half, estimate_accuracy(right).lower_bound)
        starts.append(accuracy(pool[:0]))
        for rule, budget in reached:
            reached[rule, budget].append(accuracy(pool[_choose(rule, gains, budget, wrong, rng)]))
    tested = len(told) - half
    lines = [
        Line(
            rule,
            budget,
            float(np.mean(values)),
            difference(np.subtract(values, starts), half, tested, len(reached)),
            None
            if rule == "uniform"
            else difference(np.subtract(values, reached["uniform", budget]), half, tested, len(reached) - len(budgets)),
        )
        for (rule, budget), values in reached.items()
    ]
    everything = estimate_accuracy(soft.argmax(axis=1) == labels)
    return Rehearsal(
        *(half, tested, len(rows), repeats, float(np.mean(starts)), tuple(lines), everything),
        tuple((count, half_width(everything.mean, count)) for count in (len(told), 4 * len(told), 16 * len(told))),
    )


def _choose(rule: str, gains: np.ndarray, budget: int, wrong: int, rng: np.random.Generator) -> np.ndarray:
    """(b,) positions among gains (n,)."""
    if rule == "rad":
        return sample(solve_game(gains, budget, wrong=wrong).q, rng, budget)
    if rule == "margin":
        return np.argsort(-gains, kind="stable")[:budget]
    return rng.choice(len(gains), budget, replace=False)


def difference(values: Sequence[float] | np.ndarray, learned: int, tested: int, together: int = 1) -> Difference:
    """The mean of paired differences (S,) over random partings of the same examples, with its 95 % interval.

    The partings overlap, so that the plain t interval is too narrow: the variance of the mean is s^2 (1/S + tested /
    learned). Source: Nadeau and Bengio, Inference for the generalization error, Machine Learning 52, 2003. together:
    how many such intervals are to hold at once (Bonferroni).
    """
    array = np.asarray(values, np.float64)
    spread = math.sqrt(array.var(ddof=1) * (1 / len(array) + tested / learned))
    by = float(stats.t.ppf(1 - (1 - _LEVEL) / 2 / together, len(array) - 1)) * spread
    return Difference(float(array.mean()), float(array.mean()) - by, float(array.mean()) + by)


def half_width(accuracy: float, count: int) -> float:
    """Half the width of the 95 % Clopper-Pearson interval of m, were the teacher right on this share of so many."""
    right = round(accuracy * count)
    flags = np.arange(count) < right
    estimate = estimate_accuracy(flags)
    return (estimate.high - estimate.low) / 2
