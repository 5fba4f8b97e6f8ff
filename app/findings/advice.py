"""A recommendation in sentences that cannot say more than was measured. Plain text; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from app.findings.claims import Guarantee
from app.findings.recommend import Recommendation
from rad_core.results.needed import targets
from rad_core.results.summary import FEWEST_SEEDS, Interval
from rad_core.results.verdicts import OURS, cheapest_first
from rad_core.results.words import (
    capital,
    chosen_by,
    count,
    duration,
    few,
    listed,
    money,
    name,
    percent,
    range_text,
    target_text,
)

_FEW = 3  # rules that a sentence names one by one
_CLEARLY = 1.02  # times as much is a difference that can be seen in the numbers shown


# --- what to buy ---------------------------------------------------------------------------------------------------


def title(advice: Recommendation) -> str:
    """The recommendation in a few words."""
    if not advice.pays:
        return {
            "no": "Buying labels does not pay here",
            "not shown": "It is not shown that buying labels pays",
            "unknown": "Nothing can be recommended yet",
        }[advice.headline.worth.answer]
    if advice.goal is None:
        return "Labels pay, but for no accuracy that can be asked for"
    if advice.rule is None:
        spent = advice.goal.money is not None
        return "The money buys no label" if spent else "No number of labels can be given"
    if advice.labels == 0:
        return "No label needs to be bought"
    about = "about " if advice.goal.target is not None else ""
    return f"Buy {about}{count(advice.labels, 'label')}, {chosen_by(advice.rule)}"


def sentence(advice: Recommendation) -> str:
    """What to buy, in a sentence or two, with its uncertainty."""
    if not advice.pays:
        return advice.headline.text
    if advice.goal is None:
        return f"{advice.headline.text} {targets(advice.measured).none_text}"
    return _for_target(advice, advice.goal.target) if advice.goal.target is not None else _for_money(advice)


def _for_target(advice: Recommendation, target: float) -> str:
    wanted = target_text(target)
    if advice.rule is None:
        reached = [option.need.text for option in advice.options if option.need and option.rule == advice.headline.rule]
        return f"{wanted} accuracy by {name(advice.headline.rule)}: {''.join(reached)}. No number of labels is given."
    own = advice.option(advice.rule).need
    assert own is not None
    if own.labels == 0:
        return f"The student reaches {wanted} on average without any bought label."
    told = f"{own.interval_text}; {own.reached_text} within {own.most:,.0f}"
    return (
        f"Buy about {count(advice.labels, 'label')}, {chosen_by(advice.rule)}, to reach {wanted} accuracy on average "
        f"({told})."
    )


def _for_money(advice: Recommendation) -> str:
    assert advice.goal is not None
    if advice.rule is None:
        return "The money buys no label at this price; the student stays as it is."
    accuracy = advice.option(advice.rule).accuracy
    free = f"{percent(advice.headline.worth.free.mean)} are free"
    brings = f"bring {percent(accuracy.mean)} accuracy ({_range(accuracy)}) where {free}"
    labels = f"{count(advice.labels, 'label')}, {chosen_by(advice.rule)},"
    if advice.offered > advice.labels:
        why = "the pool has no more" if advice.labels == advice.pool else "what more would bring was not measured"
        return f"The money buys {advice.offered:,} labels, but {why}: {labels} {brings}."
    return f"The money buys {labels.removesuffix(',')}: they {brings}."


def _range(accuracy: Interval) -> str:
    return range_text(accuracy) if accuracy.n < FEWEST_SEEDS else f"95% interval {range_text(accuracy)}"


# --- which rule ----------------------------------------------------------------------------------------------------


def comparison(advice: Recommendation) -> str:
    """Which rules are as good, which is the cheapest of them, and what RAD has beside."""
    if advice.rule is None or not advice.equals:
        return ""
    seeds = advice.headline.worth.seeds
    if seeds < FEWEST_SEEDS:
        return f"{capital(few(seeds))}, so no rule is said to be ahead."
    others = [rule for rule in advice.equals if rule != advice.rule]
    if not others:
        if len(advice.options) == 1:
            return "This study tries no other rule."
        return f"Every other rule is shown to be behind another one; {name(advice.rule)} is not."
    which = [name(rule) for rule in others] if len(others) <= _FEW else [f"{len(others)} other rules"]
    text = f"No difference is shown between {listed([name(advice.rule), *which])}"
    if advice.rule == OURS:
        return f"{text}; RAD is the one with a guarantee."
    own = advice.option(OURS).need if OURS in advice.equals and advice.goal and advice.goal.target else None
    if OURS not in advice.equals:
        return f"{text}; {name(advice.rule)} is the cheapest to run."
    number = f", and needs {own.text}" if own is not None else ""
    return f"{text}; {name(advice.rule)} is the cheapest to run. RAD is the one with a guarantee{number}."


# --- the worst case and the ceiling --------------------------------------------------------------------------------


def worst_case(safe: Guarantee | None, rules: tuple[str, ...]) -> str:
    """What each rule guarantees for the first purchase, and what that says for RAD. rules: that the study tries."""
    if safe is None:
        return ""
    text = (
        f"Whichever points the teacher gets wrong, {safe.where} chosen by RAD keep a useful gain of at least "
        f"{_gain(safe.values['rad'])}; chosen uniformly {_gain(safe.values['uniform'])}; the most informative first "
        f"{_gain(safe.values['greedy'])} (an estimate)."
    )
    if safe.rad <= safe.other * _CLEARLY:
        return text
    if OURS not in rules:
        return f"{text} This study does not try RAD."
    return f"{text} That is the reason to choose RAD where no other difference is shown; it says nothing of accuracy."


def _gain(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def ceiling(advice: Recommendation, levels: Mapping[str, float]) -> str:
    """How far a student can be expected to come. levels: reference accuracies, as `reading.references` gives them."""
    words = {"teacher": "the teacher itself is right on", "student_full": "a student taught on the whole pool reaches"}
    measured = {key: levels[key] for key in words if key in levels and np.isfinite(levels[key])}
    if not measured:
        return "The teacher's own accuracy was not measured on the test set, so no ceiling is shown."
    text = capital(f"{listed([f'{words[key]} {percent(level)}' for key, level in measured.items()])} of the test set.")
    if "student_full" not in measured:
        text += " A student taught on the whole pool was not trained."
    target = advice.goal.target if advice.goal is not None else None
    seen = [*measured.values(), *(option.accuracy.mean for option in advice.options if option.accuracy.n)]
    if target is not None and target > max(seen):
        text += (
            f" {target_text(target)} is above every average measured here ({percent(max(seen))} at best): whether any "
            "number of labels from this teacher leads there is not known."
        )
    return text


# --- the cost ------------------------------------------------------------------------------------------------------


def cost(advice: Recommendation, price: float, currency: str, latency: float) -> list[str]:
    """What the labels cost in money and in the teacher's time."""
    if advice.rule is None:
        return ["Without a number of labels there is no cost to state."]
    if not advice.labels:
        return []
    texts = []
    if price > 0:
        each = money(price, currency) if price >= 0.01 else f"{price:g} {currency}"
        spent = money(advice.labels * price, currency)
        own = advice.option(advice.rule).need
        ends = own.ends if own is not None else None
        limits = (
            f": 95% interval {money(ends[0] * price, currency)} to {money(ends[1] * price, currency)}" if ends else ""
        )
        texts.append(f"{count(advice.labels, 'label')} at {each} each cost {spent}{limits}.")
    else:
        texts.append(f"{count(advice.labels, 'label')}; no price per label is set.")
    if latency > 0:
        texts.append(f"The teacher takes {duration(advice.labels * latency)} for them.")
    return texts


# --- a table -------------------------------------------------------------------------------------------------------


def table(advice: Recommendation, price: float, currency: str) -> pd.DataFrame:
    """A row per rule, the cheapest to run first: what it needs or brings, with its interval."""
    rows = []
    for rule in cheapest_first([option.rule for option in advice.options]):
        option = advice.option(rule)
        row: dict[str, object] = {"Rule": name(rule, first=True)}
        if option.need is not None:
            known = option.need.known
            row |= {
                "Labels": f"{option.need.shown:,}" if known else "not reached",
                "Interval": option.need.interval_text if known else "",
                "Reached by": f"{option.need.reached:,} of {option.need.seeds:,}",
            }
            if price > 0:
                row["Cost"] = money(option.need.shown * price, currency) if known else ""
        else:
            row |= _accuracy_columns(option.accuracy)
        row["Paid off"] = _PAID[advice.headline.worth.added[rule].outcome]
        rows.append(row)
    return pd.DataFrame(rows)


_PAID = {"ahead": "yes", "behind": "no", "tie": "not shown", "unknown": "too few repetitions"}


def _accuracy_columns(accuracy: Interval) -> dict[str, object]:
    return {"Accuracy": percent(accuracy.mean), "Interval": range_text(accuracy)}
