"""What can be said of a campaign in a sentence. No Streamlit in here."""

from __future__ import annotations

from decimal import Decimal

from app.findings.words import number
from rad_core.campaign.money import money_text
from rad_core.campaign.status import Status
from rad_core.results.words import count, percent
from rad_core.selection.api import AccuracyEstimate


def amount(money: Decimal, status: Status) -> str:
    """An amount of the campaign's money."""
    return money_text(money, status.currency)


def bought(status: Status) -> str:
    """How far the campaign is: labels, money, what is open."""
    size = sum(status.pool.values())
    wall = "" if status.max_cost is None else f" of {amount(status.max_cost, status)}"
    answered = f"{status.pool['answered']:,} of {size:,} answered for {amount(status.spent, status)}{wall}"
    waiting = f", {status.open:,} open ({amount(status.reserved, status)} reserved)" if status.open else ""
    refused = status.pool["abstained"]
    return f"{answered}{waiting}{f', {refused:,} abstained' if refused else ''}"


def accuracy(estimate: AccuracyEstimate | None) -> str:
    """m with its interval, and what it was estimated on."""
    if estimate is None:
        return "the teacher has answered no checked example yet"
    interval = f"[{percent(estimate.low)}, {percent(estimate.high)}]"
    return f"teacher right on {percent(estimate.mean)} {interval} of {count(estimate.total, 'checked example')}"


def at_least(estimate: AccuracyEstimate, used: float, *, bound: bool, assumed: bool) -> str:
    """The accuracy that the game is played with."""
    if assumed:
        return f"an assumed {percent(used)}"
    on = f"estimated on {count(estimate.total, 'checked example')}"
    return f"at least {percent(used)} (95% lower bound, {on})" if bound else f"{percent(used)} ({on})"


def verdict(status: Status, labels: int, worth: float) -> str:
    """The next purchase and what it is certain to be worth."""
    if status.fits == 0 and status.max_cost is not None:
        return f"No further label fits below the {amount(status.max_cost, status)} that may be spent"
    price = f" for {amount(labels * status.price, status)}" if status.price else ""
    verb = "is" if labels == 1 else "are"
    return f"{count(labels, 'label')}{price} {verb} worth at least {number(worth)} fully informative, right ones"
