"""How many labels to buy and by which rule, for an accuracy to reach or for money to spend. No Streamlit in here.

Nothing is recommended where buying labels is not shown to pay. The rule is the cheapest to run of those that none is
shown to beat, in accuracy or in labels needed; the numbers are those of `rad_core.results.needed`, never beyond what
was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rad_core.errors import InputError
from rad_core.results.needed import Need, curve, need, savings
from rad_core.results.sentences import Headline, headline
from rad_core.results.summary import Interval, share_interval
from rad_core.results.verdicts import Results, equals


@dataclass(frozen=True)
class Goal:
    """An accuracy to reach, or money to spend at a price per label."""

    target: float | None = None
    money: float | None = None
    price: float = 0.0

    def __post_init__(self) -> None:
        if (self.target is None) == (self.money is None):
            raise InputError("A goal is either a target or money; give one of them.")
        if self.target is not None and not 0 < self.target < 1:
            raise InputError(f"The target is {self.target!r}; it must be an accuracy between 0 and 1, such as 0.9.")
        if self.money is not None and not (self.money >= 0 and self.price > 0):
            raise InputError("Money buys labels only at a price per label above 0; give both.")

    @property
    def affordable(self) -> int:
        """Labels that the money buys."""
        return 0 if self.money is None else math.floor(self.money / self.price * (1 + 1e-12))


@dataclass(frozen=True, eq=False)
class Option:
    """What one rule needs for the target, or brings for the money. accuracy: with as many labels as are asked about."""

    rule: str
    need: Need | None
    accuracy: Interval


@dataclass(frozen=True, eq=False)
class Recommendation:
    """What to buy, if anything.

    goal: None where no accuracy can be asked for. headline: whether buying is shown to pay. rule: the one to buy by,
    None where nothing is recommended. labels: to buy. equals: the rules between which no difference is shown, the
    cheapest to run first. at: labels that the options' accuracies belong to. offered: labels that the money buys.
    """

    goal: Goal | None
    headline: Headline
    measured: Results
    options: tuple[Option, ...]
    rule: str | None = None
    labels: int = 0
    equals: tuple[str, ...] = ()
    at: float = math.nan
    offered: int = 0
    pool: int = 0

    @property
    def pays(self) -> bool:
        """Whether buying labels is shown to pay at all."""
        return self.headline.worth.answer == "yes"

    def option(self, rule: str) -> Option:
        return next(option for option in self.options if option.rule == rule)


def recommend(measured: Results, goal: Goal | None, pool: int) -> Recommendation:
    """The recommendation. pool: labels that can be bought at all."""
    options = tuple(Option(rule, None, measured.final(rule)) for rule in measured.finished)
    unbeaten = tuple(equals(measured))
    found = Recommendation(goal, headline(measured), measured, options, equals=unbeaten, at=measured.labels, pool=pool)
    if goal is None:
        return found
    return _for_target(found, goal.target) if goal.target is not None else _for_money(found, goal.affordable)


def _for_target(found: Recommendation, target: float) -> Recommendation:
    measured = found.measured
    needs = {rule: need(measured, target, rule) for rule in measured.finished}
    unbeaten = tuple(
        rule
        for rule in found.equals
        if not any(saving.tested.outcome == "behind" for saving in savings(measured, target, rule).values())
    )
    options = tuple(Option(rule, own, measured.final(rule)) for rule, own in needs.items())
    found = replace(found, options=options, equals=unbeaten)
    usable = [rule for rule in unbeaten if found.headline.worth.shown(rule) and needs[rule].known]
    return replace(found, rule=usable[0], labels=needs[usable[0]].shown) if usable else found


def _for_money(found: Recommendation, affordable: int) -> Recommendation:
    measured, labels = found.measured, min(affordable, found.pool)
    if math.isfinite(measured.labels):
        labels = min(labels, int(measured.labels))
    curves = {rule: curve(measured, rule) for rule in measured.finished}
    options = tuple(
        Option(rule, None, own.at(labels) if own is not None else share_interval([])) for rule, own in curves.items()
    )
    found = replace(found, options=options, at=float(labels), offered=affordable)
    return replace(found, rule=found.headline.rule, labels=labels) if found.pays and labels else found
