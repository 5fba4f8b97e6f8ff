"""Verdicts in sentences that cannot say more than was shown. Plain text, the same on pages, slides and in commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rad_core.results.needed import Saving
from rad_core.results.summary import FEWEST_SEEDS
from rad_core.results.verdicts import (
    OURS,
    Comparison,
    Outcome,
    Results,
    Value,
    Worth,
    cheapest_first,
    comparisons,
    equals,
    worth,
)
from rad_core.results.words import (
    capital,
    chosen_by,
    corrected,
    count,
    few,
    listed,
    name,
    percent,
    points,
    range_text,
    rounded,
    signed_range,
    step_of,
    target_text,
)

_FEW_NAMES = 3  # rules that a sentence names one by one


@dataclass(frozen=True)
class Claim:
    """A true sentence and what it says of a rule."""

    text: str
    outcome: Outcome | Literal["mixed"]


# --- is it worth it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Headline:
    """Whether buying is shown to pay: the sentence that heads every page, slide and command, and what stands behind it.

    rule: the one that it speaks of. details: intervals, their correction, the other rules.
    """

    text: str
    details: str
    worth: Worth
    rule: str


def headline(measured: Results) -> Headline:
    """The answer to "is it worth it?" in a sentence, always against buying nothing."""
    answer = worth(measured)
    rule = advised_rule(measured, answer)
    makers = {"yes": _yes, "no": _no, "not shown": _not_shown, "unknown": _not_known}
    return Headline(makers[answer.answer](measured, answer, rule), _details(measured, answer, rule), answer, rule)


def advised_rule(measured: Results, answer: Worth) -> str:
    """The rule to buy by: the cheapest to run of those that no other beats and whose labels are shown to pay.

    Where nothing is shown to pay, the rule that the study is about.
    """
    paying = [rule for rule in measured.finished if answer.shown(rule)]
    unbeaten = [rule for rule in equals(measured) if rule in paying]
    if unbeaten or paying:
        return (unbeaten or cheapest_first(paying))[0]
    return measured.ours if measured.ours in measured.finished else next(iter(measured.finished), measured.ours)


def _chosen(measured: Results, rule: str) -> str:
    return f"{measured.labels:,.0f} labels, {chosen_by(rule)},"


def _repetitions(measured: Results, answer: Worth) -> str:
    """How often it was measured, and whether more is to come."""
    if measured.seeds > answer.seeds:
        return f"({answer.seeds:,} of {count(measured.seeds, 'repetition')} so far)"
    return f"({count(answer.seeds, 'repetition')})"


def _free(measured: Results, rule: str) -> float:
    """Mean accuracy without any label, over the seeds that finished the rule."""
    return float((measured.by_seed(rule, "final") - measured.by_seed(rule, "added")).mean())


def _yes(measured: Results, answer: Worth, rule: str) -> str:
    rise = f"from {percent(_free(measured, rule))} to {percent(measured.final(rule).mean)}"
    return f"Yes. {_chosen(measured, rule)} raise accuracy {rise} {_repetitions(measured, answer)}."


def _no(measured: Results, answer: Worth, rule: str) -> str:
    fall = f"from {percent(_free(measured, rule))} to {percent(measured.final(rule).mean)}"
    return (
        f"No. {_chosen(measured, rule)} lower accuracy {fall}, and those of every other rule lower it too "
        f"{_repetitions(measured, answer)}."
        if len(answer.added) > 1
        else f"No. {_chosen(measured, rule)} lower accuracy {fall} {_repetitions(measured, answer)}."
    )


def _not_shown(measured: Results, answer: Worth, rule: str) -> str:
    difference, free = answer.added[rule].difference, percent(_free(measured, rule))
    added = f"added {signed_range(difference)} to the {free} that are free"
    if difference.mean < 0:
        added = f"changed accuracy by {signed_range(difference)} from the {free} that are free"
    return f"Not shown. {_chosen(measured, rule)} {added} {_repetitions(measured, answer)}."


def _not_known(measured: Results, answer: Worth, rule: str) -> str:
    if not answer.added:
        rounds = f"all {measured.rounds} rounds" if measured.rounds > 1 else "its round"
        return f"Not known yet. No rule has finished {rounds}."
    if answer.seeds >= FEWEST_SEEDS:
        return f"Not known. The {count(answer.seeds, 'repetition')} are too alike to tell how much results vary."
    after = measured.by_seed(rule, "final")
    before = after - measured.by_seed(rule, "added")
    steps = [f"from {percent(low)} to {percent(high)}" for low, high in zip(before, after, strict=True)]
    return f"Too few repetitions to tell ({answer.seeds:,}). {_chosen(measured, rule)} took accuracy {listed(steps)}."


def _details(measured: Results, answer: Worth, rule: str) -> str:
    """The intervals behind the answer, and how far they can be trusted."""
    if not answer.added:
        return ""
    if answer.seeds < FEWEST_SEEDS:
        return f"{capital(few(answer.seeds))}, and nothing is claimed. Three are the fewest that show how results vary."
    parts = []
    if answer.answer in ("yes", "no"):
        parts.append(f"{name(rule, first=True)} added {signed_range(answer.added[rule].difference)}.")
    paying = [each for each in answer.added if answer.shown(each) and each != rule]
    if answer.answer == "yes" and paying:
        parts.append(f"Labels chosen by {_named(paying)} are shown to pay as well.")
    if answer.answer == "not shown" and len(answer.added) > 1:
        best = answer.best
        most = f"The most was added by {name(best)}: {signed_range(answer.added[best].difference)}. "
        parts.append(f"{most if best != rule else ''}For no rule are the labels shown to add anything.")
    return " ".join([*parts, corrected(len(measured.rules))])


# --- which rule ----------------------------------------------------------------------------------------------------


def which_rule(measured: Results) -> str:
    """Which rules come out equal, the cheapest of them, and the one with a guarantee."""
    answer = worth(measured)
    if len(measured.rules) < 2 or len(measured.finished) < 2:
        return ""
    if answer.seeds < FEWEST_SEEDS:
        return f"{capital(few(answer.seeds))}, so no rule is said to be ahead."
    unbeaten = equals(measured)
    cheapest = unbeaten[0]
    if len(unbeaten) == 1:
        return f"No rule is shown to beat {name(cheapest)} after the last round, and every other rule is beaten."
    which = _named(unbeaten)
    if len(unbeaten) == len(measured.finished):
        which = which if len(unbeaten) <= _FEW_NAMES else f"any of the {len(unbeaten)} rules"
    text = f"No difference is shown between {which} after the last round"
    if cheapest == OURS:
        return f"{text}; RAD is the cheapest of them to run and the one with a guarantee."
    guarantee = ", RAD the one with a guarantee" if OURS in unbeaten else ""
    return f"{text}; {name(cheapest)} is the cheapest to run{guarantee}."


def verdict(measured: Results, ours: str = OURS, value: Value = "final", *, brief: bool = False) -> Claim:
    """A rule against all others in one sentence: losses first, then wins, then ties. brief: without the interval."""
    compared = comparisons(measured, ours, value)
    if not compared:
        return Claim(_not_compared(measured, ours), "unknown")
    by = {outcome: [row for row in compared if row.outcome == outcome] for outcome in ("behind", "ahead", "tie")}
    judged = sum(map(len, by.values()))
    if not judged:
        most = max(row.difference.n for row in compared)
        why = few(most) if most else "No repetition of two rules has finished yet"
        return Claim(f"{why}, and no comparison is claimed.", "unknown")
    parts = [text for text in (_behind(ours, by["behind"], brief), _ahead(ours, by["ahead"], brief)) if text]
    if by["tie"]:
        parts.append(f"no difference is shown between {name(ours)} and {_others(by['tie'], judged)}")
    labels = f"{measured.labels:,.0f} labels"
    opening = f"After {labels}" if value == "final" else f"On average over the first {labels}"
    text = f"{opening}, {'; '.join(parts)} ({_seeds(compared)})."
    if judged < len(compared):
        missing = [name(row.other) for row in compared if row.outcome == "unknown"]
        text += f" Too few repetitions yet to compare with {listed(missing)}."
    outcomes: dict[tuple[bool, bool], Outcome | Literal["mixed"]] = {
        (True, True): "mixed",
        (True, False): "behind",
        (False, True): "ahead",
        (False, False): "tie",
    }
    return Claim(text, outcomes[bool(by["behind"]), bool(by["ahead"])])


def _not_compared(measured: Results, ours: str) -> str:
    who = name(ours, first=True)
    if ours not in measured.strategies:
        return f"This study does not try {name(ours)}, so nothing is compared with it."
    if ours not in measured.finished:
        return f"{who} has not finished a repetition, so nothing is compared with it."
    why = "has finished" if len(measured.rules) > 1 else "was tried"
    return (
        f"{who} reaches {percent(measured.final(ours).mean)} ({range_text(measured.final(ours))}); no other rule {why}."
    )


# --- labels saved --------------------------------------------------------------------------------------------------


def saved(saving: Saving, compared: int) -> Claim:
    """What may be said of the labels that one rule saves against another. compared: comparisons in its family."""
    ours, other, difference = saving.ours, saving.other, saving.tested.difference
    target = target_text(ours.target)
    who, whom = name(ours.strategy), name(other.strategy)
    if saving.tested.outcome == "unknown":
        parts = [f"{capital(name(need.strategy))}: {need.text}" for need in (ours, other)]
        return Claim(f"No saving can be claimed for {target}. {'. '.join(parts)}.", "unknown")
    numbers = f"about {ours.shown:,} against {other.shown:,}"
    if saving.tested.outcome == "tie":
        text = f"No difference is shown between the labels that {who} and {whom} need for {target}: {numbers}"
        return Claim(f"{text} ({count(difference.n, 'repetition')}).", "tie")
    fewer = saving.tested.outcome == "ahead"
    first, last = (who, whom) if fewer else (whom, who)
    low, high = sorted((abs(difference.low), abs(difference.high)))
    step = step_of(abs(difference.mean), low, high)
    limits = f"{rounded(low, step):,} to {rounded(high, step):,} fewer, corrected for {count(compared, 'comparison')}"
    few, many = sorted((ours.shown, other.shown))
    text = f"{capital(first)} reaches {target} with fewer labels than {last}: about {few:,} against {many:,}; {limits}"
    return Claim(f"{text} ({count(difference.n, 'repetition')}).", saving.tested.outcome)


# --- parts of sentences --------------------------------------------------------------------------------------------


def _behind(ours: str, rows: Sequence[Comparison], brief: bool) -> str:
    if not rows:
        return ""
    verb = "beats" if len(rows) == 1 else "beat"
    return f"{listed([name(row.other) for row in rows])} {verb} {name(ours)} by {_size(rows, brief)}"


def _ahead(ours: str, rows: Sequence[Comparison], brief: bool) -> str:
    if not rows:
        return ""
    return f"{name(ours)} beats {listed([name(row.other) for row in rows])} by {_size(rows, brief)}"


def _size(rows: Sequence[Comparison], brief: bool) -> str:
    """One difference with its interval, or the range of several."""
    sizes = sorted(abs(row.difference.mean) for row in rows)
    if len(rows) > 1:
        return f"{100 * sizes[0]:.1f} to {points(sizes[-1])}"
    if brief:
        return points(sizes[0])
    least, most = sorted((abs(rows[0].difference.low), abs(rows[0].difference.high)))
    low = f"{100 * least:.1f}" if least >= 0.0005 else "just above 0"
    return f"{points(sizes[0])} (corrected interval {low} to {100 * most:.1f})"


def _others(rows: Sequence[Comparison], compared: int) -> str:
    """The other sides of ties: by name while they are few, else by their number."""
    if len(rows) <= _FEW_NAMES:
        return listed([name(row.other) for row in rows])
    return f"{'any of ' if len(rows) == compared else ''}the other {len(rows)} rules"


def _named(rules: Sequence[str]) -> str:
    if len(rules) <= _FEW_NAMES:
        return listed([name(rule) for rule in rules])
    return f"{len(rules)} rules ({', '.join(name(rule) for rule in rules)})"


def _seeds(rows: Iterable[Comparison]) -> str:
    numbers = sorted({row.difference.n for row in rows if row.difference.n >= FEWEST_SEEDS})
    most = count(numbers[-1], "repetition")
    return most if len(numbers) == 1 else f"{numbers[0]} to {most}"
