"""What may be said of a campaign by its ledger: points, money, m, rounds, measured accuracies; no truth of the pool."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from rad_core.campaign import ledger
from rad_core.campaign.attempts import Tally, tally
from rad_core.campaign.audit import ShareRight, share_right
from rad_core.campaign.contents import likeliest
from rad_core.campaign.ledger import Account, Meter
from rad_core.campaign.money import plain
from rad_core.campaign.rounds import Facts
from rad_core.campaign.settings import Settings
from rad_core.selection.api import AccuracyEstimate, estimate_accuracy


@dataclass(frozen=True)
class RoundStatus:
    """A round: labels asked for, how many were answered, abstained from and are open, what they cost, the promise.

    right: how often the teacher was right among the picks, where the student's gains of checked examples were given.
    """

    number: int
    asked: int
    answered: int
    abstained: int
    open: int
    cost: Decimal
    facts: Facts | None
    right: ShareRight | None


@dataclass(frozen=True)
class Score:
    """A measured accuracy of the student. round, labels and cost: what had been bought by then. total: tested on."""

    time: float
    round: int
    labels: int
    cost: Decimal
    accuracy: float
    total: int | None


@dataclass(frozen=True)
class Status:
    """A campaign at a glance. pool: points by state. checked_answered: of the checked, those behind `accuracy`.

    accuracy: m with its interval, None where the teacher answered no checked example. attempts: requests that were sent
    to a teacher that is called.
    """

    name: str
    classes: tuple[str, ...]
    pool: Mapping[str, int]
    labeled: int
    checked: int
    checked_answered: int
    accuracy: AccuracyEstimate | None
    price: Decimal
    currency: str
    max_cost: Decimal | None
    spent: Decimal
    reserved: Decimal
    rounds: tuple[RoundStatus, ...]
    scores: tuple[Score, ...]
    attempts: Tally
    created: float

    @property
    def open(self) -> int:
        """Questions without an answer, those about checked examples among them."""
        return sum(each.open for each in self.rounds)

    @property
    def left(self) -> Decimal | None:
        """Money that may still be spent or reserved; None where there is no wall."""
        return None if self.max_cost is None else self.max_cost - self.spent - self.reserved

    @property
    def fits(self) -> int | None:
        """How many labels the wall lets through; None for as many as one likes."""
        return None if self.left is None or not self.price else max(0, int(self.left // self.price))


def teacher_right(database: sqlite3.Connection, classes: int) -> dict[int, bool]:
    """Whether the teacher was right, by position of each checked example that it answered and did not abstain from."""
    accounts = ledger.accounts(database, "checked")
    flags = {}
    for point in ledger.points(database, "checked"):
        content = accounts[point.position].answers.get("teacher") if point.position in accounts else None
        if content is not None and not content.abstains:
            flags[point.position] = likeliest(content, classes) == point.label
    return flags


def estimate_of(flags: Mapping[int, bool]) -> AccuracyEstimate | None:
    """m with its interval and lower bound; None where there is nothing to estimate it from."""
    return estimate_accuracy([float(flag) for flag in flags.values()]) if flags else None


def status_of(database: sqlite3.Connection, accounts: Mapping[int, Account] | None = None) -> Status:
    """A campaign at a glance. accounts: of all points, where they were read in this transaction."""
    settings = Settings.of(ledger.meta(database))
    classes = settings.classes
    accounts = ledger.accounts(database) if accounts is None else accounts
    flags = teacher_right(database, len(classes))
    parts = Counter(dict(database.execute("select part, count(*) from points group by part").fetchall()))
    states = Counter(account.state for position, account in accounts.items() if position < parts["pool"])
    states["free"] = parts["pool"] - states["asked"] - states["answered"] - states["abstained"]
    money: Meter = ledger.meter(database)
    return Status(
        name=settings.name,
        classes=classes,
        pool={state: states[state] for state in ("free", "asked", "answered", "abstained")},
        labeled=parts["labeled"],
        checked=parts["checked"],
        checked_answered=len(flags),
        accuracy=estimate_of(flags),
        price=settings.price,
        currency=settings.currency,
        max_cost=settings.max_cost,
        spent=money.spent,
        reserved=money.reserved,
        rounds=tuple(_rounds(database, accounts, flags)),
        scores=tuple(
            Score(time, number, labels, Decimal(cost), accuracy, total)
            for time, number, labels, cost, accuracy, total in database.execute(
                "select time, round, labels, cost, accuracy, total from scores order by number"
            )
        ),
        attempts=tally(database),
        created=settings.created,
    )


def _rounds(
    database: sqlite3.Connection, accounts: Mapping[int, Account], flags: Mapping[int, bool]
) -> list[RoundStatus]:
    """Round 0 is there where checked examples were asked about."""
    by_round: dict[int, list[Account]] = {}
    for account in accounts.values():
        if account.asked:
            by_round.setdefault(account.round, []).append(account)
    rows = database.execute("select round, facts from rounds order by round").fetchall()
    return [
        _round(number, by_round.get(number, []), Facts.from_json(facts) if number else None, flags)
        for number, facts in rows
        if number or number in by_round
    ]


def _round(number: int, accounts: Sequence[Account], facts: Facts | None, flags: Mapping[int, bool]) -> RoundStatus:
    states = Counter(account.state for account in accounts)
    audit = [(chance, flags[position]) for position, chance in facts.audit if position in flags] if facts else []
    return RoundStatus(
        number=number,
        asked=len(accounts),
        answered=states["answered"],
        abstained=states["abstained"],
        open=states["asked"],
        cost=sum((account.price for account in accounts if account.settled), Decimal(0)),
        facts=facts,
        right=share_right(*zip(*audit, strict=True)) if audit else None,
    )


def plain_values(status: Status) -> dict[str, object]:
    """A status as plain values for JSON; amounts of money are text, exact."""
    return {key: plainly(value) for key, value in {**asdict(status), "open": status.open}.items()}


def plainly(value: object) -> object:
    """A value, or what it holds, as JSON has it; amounts of money are text, exact."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(key): plainly(held) for key, held in value.items()}
    return [plainly(held) for held in value] if isinstance(value, list | tuple) else value
