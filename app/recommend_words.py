"""A recommendation in sentences that cannot say more than was measured. Plain text; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from app.recommend import FURTHER, Recommendation, Rule, Versus, whole_labels
from app.wording import ONE_SEED, count, listed, name, percent, points, target_text
from rad_core.study.summary import Interval

_FEW = 3  # rules that a sentence names one by one
_CLEARLY = 1.02  # times as much is a difference that can be seen in the numbers shown


# --- money and time ------------------------------------------------------------------------------------------------


def money(amount: float, currency: str) -> str:
    """An amount of money; cents only where they matter."""
    return f"{amount:,.2f} {currency}".strip() if abs(amount) < 100 else f"{amount:,.0f} {currency}".strip()


def duration(seconds: float) -> str:
    """A time for people."""
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} seconds"


# --- what to buy ---------------------------------------------------------------------------------------------------


def title(found: Recommendation) -> str:
    """The recommendation in a few words."""
    rule = found.rule
    if rule is None:
        return "Nothing can be recommended yet"
    if not rule.known:
        return "No number of labels can be given"
    if found.labels == 0:
        return "No label needs to be bought" if found.goal.target is not None else "The money buys no label"
    about = "About " if rule.basis == "beyond" and found.goal.target is not None else "Buy "
    labels = count(found.labels, "label")
    return f"{about}{labels}, chosen by {name(rule.strategy)}"


def advice(found: Recommendation) -> str:
    """What to buy, in a sentence or two, with its uncertainty."""
    rule = found.rule
    if rule is None:
        return "No strategy has finished every round of this study, so nothing is recommended yet."
    return _for_target(found, rule) if found.goal.target is not None else _for_money(found, rule)


def _for_target(found: Recommendation, rule: Rule) -> str:
    target = target_text(found.goal.target or 0.0)
    if not rule.known:
        return _unreached(rule, target)
    if found.labels == 0:
        seeds = f" in every one of {count(rule.seeds, 'seed')}" if rule.seeds > 1 else f". {ONE_SEED}"
        return f"The student reaches {target} without any bought label{seeds}."
    who = f"chosen by {name(rule.strategy)}"
    if rule.basis == "measured":
        return f"Buy {count(found.labels, 'label')}, {who}, to reach {target} accuracy{_labels_range(rule)}."
    return (
        f"About {count(found.labels, 'label')}, {who}, should reach {target} accuracy{_labels_range(rule)}. This is an "
        f"extrapolation: {rule.reached} of {count(rule.seeds, 'seed')} reached it within the {rule.most:,.0f} labels "
        f"measured; for the others the curve is continued by at most {percent(FURTHER, 0)}. Curves flatten as a rule, "
        "so it may take more."
    )


def _labels_range(rule: Rule) -> str:
    if rule.seeds < 2:
        return f". {ONE_SEED}"
    low, high = max(0.0, rule.labels.low), rule.labels.high
    return f": 95% interval {low:,.0f} to {high:,.0f} over {count(rule.seeds, 'seed')}"


def _unreached(rule: Rule, target: str) -> str:
    who, most = name(rule.strategy, first=True), f"{rule.most:,.0f} labels measured"
    best = f"{who} comes to {percent(rule.best.mean)} there{_accuracy_range(rule.best)}"
    if rule.seeds == 1:
        return f"{target} is not reached within the {most}. {best}."
    if rule.reached == 0:
        return f"{target} is not reached within the {most}, by no seed. {best}."
    return (
        f"{target} is not reached by every seed within the {most}: {rule.reached} of {count(rule.seeds, 'seed')} reach "
        f"it. {best}. No number of labels is given."
    )


def _accuracy_range(found: Interval) -> str:
    if found.n < 2:
        return f" ({ONE_SEED})"
    return (
        f" (95% interval {percent(max(0.0, found.low))} to {percent(min(1.0, found.high))}, {count(found.n, 'seed')})"
    )


def _for_money(found: Recommendation, rule: Rule) -> str:
    if found.labels == 0:
        return "The money buys no label at this price; the student stays as it is."
    labels, who = count(found.labels, "label"), name(rule.strategy)
    brings = f"{percent(rule.accuracy.mean)} accuracy{_accuracy_range(rule.accuracy)}"
    if found.offered > found.labels:
        why = "the pool has no more" if found.labels == found.pool else "what more would bring was not measured"
        return f"The money buys {found.offered:,} labels, but {why}: {labels}, chosen by {who}, bring {brings}."
    if rule.basis == "beyond":
        return (
            f"The money buys {labels}; chosen by {who}, they should bring about {brings}. This is an extrapolation: "
            f"{rule.most:,.0f} labels were measured, and each curve is continued by at most {percent(FURTHER, 0)}. "
            "Curves flatten as a rule, so it may bring less."
        )
    return f"The money buys {labels}; chosen by {who}, they bring {brings}."


# --- which rule ----------------------------------------------------------------------------------------------------


def comparison(found: Recommendation) -> list[str]:
    """How the preferred rule compares with the others at this point."""
    if found.rule is None or found.preferred is None or (found.rule.known and not found.labels):
        return []
    ours = found.preferred.strategy
    if not found.versus:
        return [f"This study tries {name(ours)} alone, so no rule is compared."]
    said = [
        *_each(found, "behind", ours),
        *_each(found, "ahead", ours),
    ]
    ties, unknown = found.others("tie"), found.others("unknown")
    if ties:
        which = f"each of {_named(ties, 'other')}" if 1 < len(ties) <= _FEW else _named(ties, "other")
        choice = ", so any of them will do" if found.rule is found.preferred else ""
        said.append(f"Between {name(ours)} and {which} no difference is shown at this point{choice}.")
    if unknown:
        why = ONE_SEED if found.preferred.seeds == 1 else f"Too few seeds to compare with {_named(unknown, 'other')}"
        said.append(f"{why}, and no rule is claimed to be better.")
    return said


def _each(found: Recommendation, outcome: str, ours: str) -> list[str]:
    """Wins or losses at this point: the largest one with its interval, the others by name."""
    mine = [one for one in found.versus if one.outcome == outcome]
    if not mine:
        return []
    mine.sort(key=lambda one: (one.by != "labels", -abs(one.difference.mean)))
    first = next((one for one in mine if found.rule is not None and one.other == found.rule.strategy), mine[0])
    text = _size(first, ours, behind=outcome == "behind")
    rest = [one.other for one in mine if one is not first]
    if rest and outcome == "behind":
        text += f" {_upper(_named(rest, 'further'))} {'beats' if len(rest) == 1 else 'beat'} it as well."
    elif rest:
        text += f" {name(ours, first=True)} also does better than {_named(rest, 'further')}."
    return [text]


def _size(one: Versus, ours: str, *, behind: bool) -> str:
    winner, loser = (one.other, ours) if behind else (ours, one.other)
    low, high = sorted((abs(one.difference.low), abs(one.difference.high)))
    seeds = count(one.difference.n, "seed")
    if one.by == "labels":
        size = f"{abs(one.difference.mean):,.0f} fewer labels"
        limits = f"{low:,.0f} to {high:,.0f}"
        return f"{name(winner, first=True)} needs {size} here than {name(loser)} (95% interval {limits}, {seeds})."
    least = f"{100 * low:.1f}" if low >= 0.0005 else "just above 0"
    return (
        f"With {one.at:,.0f} labels, {name(winner)} is {points(one.difference.mean)} more accurate than {name(loser)} "
        f"(95% interval {least} to {100 * high:.1f}, {seeds})."
    )


def _named(strategies: Sequence[str], kind: str) -> str:
    if len(strategies) <= _FEW:
        return listed([name(strategy) for strategy in strategies])
    return f"{len(strategies)} {kind} rules"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the worst case and the ceiling --------------------------------------------------------------------------------


def worst_case(found: Recommendation, safe: Mapping[str, float]) -> str:
    """What each rule guarantees at this budget, and what that says for RAD. safe: from `safe_gains`."""
    if found.rule is None or not safe or not found.labels:
        return ""
    text = (
        f"Whichever points the teacher gets wrong, {count(found.labels, 'label')} chosen by RAD keep a useful gain of "
        f"at least {_gain(safe['rad'])}; chosen uniformly {_gain(safe['uniform'])}; the most informative first "
        f"{_gain(safe['greedy'])} (an estimate)."
    )
    best = safe["rad"] > max(safe["uniform"], safe["greedy"]) * _CLEARLY
    if not best:
        return text
    if "rad" not in [rule.strategy for rule in found.rules]:
        return f"{text} This study does not try RAD."
    if found.rule.strategy != "rad":
        return f"{text} Choosing otherwise gives this safety up."
    return f"{text} That safety is a reason to prefer RAD where no other difference is shown."


def _gain(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def ceiling(found: Recommendation, levels: Mapping[str, float]) -> str:
    """How far a student can be expected to come. levels: reference accuracies, as `reading.references` gives them."""
    words = {"teacher": "the teacher itself is right on", "student_full": "a student taught on the whole pool reaches"}
    known = {key: levels[key] for key in words if key in levels and np.isfinite(levels[key])}
    if not known:
        return "The teacher's own accuracy was not measured on the test set, so no ceiling is shown."
    text = _upper(f"{listed([f'{words[key]} {percent(level)}' for key, level in known.items()])} of the test set.")
    if "student_full" not in known:
        text += " A student taught on the whole pool was not trained."
    target = found.goal.target
    seen = [*known.values(), *(rule.best.mean for rule in found.rules)]
    if target is not None and target > max(seen):
        text += (
            f" {target_text(target)} is above every average measured here ({percent(max(seen))} at best): whether any "
            "number of labels from this teacher leads there is not known."
        )
    return text


# --- the cost ------------------------------------------------------------------------------------------------------


def cost(found: Recommendation, price: float, currency: str, latency: float) -> list[str]:
    """What the labels cost in money and in the teacher's time."""
    rule = found.rule
    if rule is None or not rule.known:
        return ["Without a number of labels there is no cost to state."]
    if not found.labels:
        return []
    several = rule.seeds > 1 and found.goal.target is not None
    low, high = max(0.0, rule.labels.low), rule.labels.high
    said = []
    if price > 0:
        limits = f": 95% interval {money(low * price, currency)} to {money(high * price, currency)}" if several else ""
        each = money(price, currency) if price >= 0.01 else f"{price:g} {currency}"
        said.append(
            f"{count(found.labels, 'label')} at {each} each cost {money(found.labels * price, currency)}{limits}."
        )
    else:
        said.append(f"{count(found.labels, 'label')}; no price per label is set.")
    if latency > 0:
        said.append(f"The teacher takes {duration(found.labels * latency)} for them.")
    return said


def table(found: Recommendation, price: float, currency: str) -> pd.DataFrame:
    """A row per rule: what it needs or brings, its interval, on what basis, and how it compares."""
    outcomes = {one.other: one.outcome for one in found.versus}
    rows = []
    for rule in sorted(found.rules, key=lambda rule: (not rule.known, rule.labels.mean if rule.known else 0.0)):
        row: dict[str, object] = {"Rule": name(rule.strategy, first=True)}
        if found.goal.target is not None:
            low, high = max(0.0, rule.labels.low), rule.labels.high
            row |= {
                "Labels": f"{whole_labels(rule):,}" if rule.known else "",
                "95% interval": _limits(low, high),
                "Basis": rule.basis,
            }
            if price > 0:
                row["Cost"] = money(whole_labels(rule) * price, currency) if rule.known else ""
        else:
            low, high = max(0.0, rule.accuracy.low), min(1.0, rule.accuracy.high)
            shown = f"{percent(low)} to {percent(high)}" if np.isfinite(rule.accuracy.low) else ""
            row |= {"Accuracy": percent(rule.accuracy.mean), "95% interval": shown, "Basis": rule.basis}
        if found.preferred is not None and len(found.rules) > 1:
            row[f"{name(found.preferred.strategy, first=True)} is"] = _OUTCOMES[outcomes.get(rule.strategy, "")]
        rows.append(row)
    return pd.DataFrame(rows)


_OUTCOMES = {
    "": "", "ahead": "better", "behind": "worse", "tie": "no difference shown", "unknown": "not compared",
    "mixed": "",
}  # fmt: skip


def _limits(low: float, high: float) -> str:
    return f"{low:,.0f} to {high:,.0f}" if np.isfinite(high) else ""
