"""The receipt of a campaign: what was promised, bought, paid and measured, and whether as much again is worth it.

Worked out from the ledger and the gains that are kept of the last round, and from nothing else; no truth of the pool.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from rad_core.campaign import asking, ledger
from rad_core.campaign.audit import ShareRight, share_right
from rad_core.campaign.ledger import Account
from rad_core.campaign.rounds import Facts
from rad_core.campaign.scoring import interval_of
from rad_core.campaign.status import RoundStatus, Score, Status, plainly, status_of, teacher_right
from rad_core.selection.game import solve_game, wrong_count

# The round of an attempt is that of the last question about its point before it; the first one's if a clock went back.
_UNANSWERED = """
select coalesce(
    (select l.round from ledger l where l.position = a.position and l.kind = 'asked' and l.time <= a.time
     order by l.entry desc limit 1),
    (select min(l.round) from ledger l where l.position = a.position and l.kind = 'asked'), 0
), a.kind, a.cost, count(*) from attempts a where a.kind in ('failed', 'lost') group by 1, 2, 3
"""


@dataclass(frozen=True)
class Billed:
    """Money of answers and abstentions that came, of malformed replies, and of requests whose outcome nobody knows."""

    answers: Decimal = Decimal(0)
    malformed: Decimal = Decimal(0)
    lost: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """What may have been billed."""
        return self.answers + self.malformed + self.lost

    def __add__(self, other: Billed) -> Billed:
        return Billed(self.answers + other.answers, self.malformed + other.malformed, self.lost + other.lost)


@dataclass(frozen=True)
class Measured:
    """An accuracy of the student. labels: bought by then. low, high: 95 %, over the test examples; None: not told."""

    accuracy: float
    low: float | None
    high: float | None
    total: int | None
    labels: int


@dataclass(frozen=True)
class Change:
    """A difference of two measured accuracies, after so many more labels. low, high: 95 %; None where none is known.

    The interval takes the test examples of both for different ones. Of the same ones it is too wide, never too narrow
    where a student tends to be right where the one before was.
    """

    mean: float
    low: float | None
    high: float | None
    labels: int

    @property
    def verdict(self) -> str:
        """higher, lower, not shown, or unknown where nobody said on how many examples it was measured."""
        if self.low is None or self.high is None:
            return "unknown"
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "not shown"


@dataclass(frozen=True)
class RoundReceipt:
    """A round: its status, questions taken back, the gains of its answered picks in all, money, accuracy around it.

    before: as measured when this round was not answered yet, and every one before it was; after: with its answers.
    """

    status: RoundStatus
    withdrawn: int
    gain: float
    billed: Billed
    before: Measured | None
    after: Measured | None

    @property
    def change(self) -> Change | None:
        """What was measured after it over before it."""
        return change_of(self.before, self.after)


@dataclass(frozen=True)
class Next:
    """As many labels again as the last round had, of what is free and below the wall. cost: of `labels`.

    wanted: what the last round had. first: what one more label was worth in round 1 (its waterline). worth, value: what
    one more is worth now, and all of them in the worst case, by the gains of the student that chose the last round and
    by m as it is known today; 0 where nothing can be bought.
    """

    labels: int
    wanted: int
    cost: Decimal
    first: float
    worth: float
    value: float


@dataclass(frozen=True)
class Receipt:
    """A campaign in all. checks: what asking about checked examples came to; None where nobody was asked.

    promised: the guaranteed values of all rounds, in expectation over their draws; gain: of all answered picks, which
    is what they are worth if every answer is right. right: of the picks of the rounds `audited`. before: without any
    bought label. after: the last one with some. next: None before the first round.
    """

    status: Status
    rounds: tuple[RoundReceipt, ...]
    checks: RoundReceipt | None
    promised: float
    gain: float
    right: ShareRight | None
    audited: tuple[int, ...]
    billed: Billed
    before: Measured | None
    after: Measured | None
    next: Next | None

    @property
    def answered(self) -> int:
        """Points of the pool with an answer."""
        return self.status.pool["answered"]

    @property
    def change(self) -> Change | None:
        """What all labels together did, as measured."""
        return change_of(self.before, self.after)


def receipt_of(database: sqlite3.Connection, folder: Path) -> Receipt:
    """The receipt of a campaign as it stands. Raises DamagedError where what is kept of it cannot be read."""
    accounts = ledger.accounts(database)
    status = status_of(database, accounts)
    billed = _billed(database)
    gains = _gains(accounts)
    measured = _by_round(status)
    rounds = tuple(
        RoundReceipt(
            status=each,
            withdrawn=0 if each.facts is None else each.facts.budget - each.asked,
            gain=gains.get(each.number, 0.0),
            billed=billed.get(each.number, Billed()),
            before=measured.get(each.number - 1),
            after=measured.get(each.number) if each.number else None,
        )
        for each in status.rounds
    )
    bought = tuple(each for each in rounds if each.status.facts is not None)
    right, audited = _right_in_all(bought, teacher_right(database, len(status.classes)))
    return Receipt(
        status=status,
        rounds=bought,
        checks=next((each for each in rounds if each.status.facts is None), None),
        promised=math.fsum(_facts(each).value for each in bought),
        gain=math.fsum(each.gain for each in bought),
        right=right,
        audited=audited,
        billed=sum(billed.values(), Billed()),
        before=measured.get(0),
        after=measured[last] if (last := max(measured, default=0)) else None,
        next=_next(database, folder, status, [_facts(each) for each in bought]),
    )


def _facts(each: RoundReceipt) -> Facts:
    assert each.status.facts is not None, "a round that was bought has facts"
    return each.status.facts


def _billed(database: sqlite3.Connection) -> dict[int, Billed]:
    """Money by round: of the ledger what answers cost, of the attempts what those without an answer may have cost."""
    held: dict[int, Billed] = {}
    query = "select round, cost, count(*) from ledger where kind = 'told' group by round, cost"
    for number, cost, count in database.execute(query):
        held[number] = held.get(number, Billed()) + Billed(answers=Decimal(cost) * count)
    if ledger.has_attempts(database):
        for number, kind, cost, count in database.execute(_UNANSWERED):
            amount = Decimal(cost) * count
            more = Billed(lost=amount) if kind == "lost" else Billed(malformed=amount)
            held[number] = held.get(number, Billed()) + more
    return held


def _gains(accounts: Mapping[int, Account]) -> dict[int, float]:
    """The gains of answered picks in all, by round."""
    gains: dict[int, list[float]] = {}
    for account in accounts.values():
        if account.state == "answered" and account.question is not None and account.question.gain is not None:
            gains.setdefault(account.round, []).append(account.question.gain)
    return {number: math.fsum(values) for number, values in gains.items()}


# --- the share right ------------------------------------------------------------------------------------------------


def _right_in_all(
    rounds: Sequence[RoundReceipt], flags: Mapping[int, bool]
) -> tuple[ShareRight | None, tuple[int, ...]]:
    """The share right among the picks of all rounds that have one, each counting by its picks; and their numbers.

    One estimate over the checked examples that they share, whose interval allows for that.
    """
    weights: dict[int, float] = {}
    audited = [each for each in rounds if each.status.right is not None and each.status.asked]
    for each in audited:
        chances = {position: chance for position, chance in _facts(each).audit if position in flags}
        total = math.fsum(chances.values())
        for position, chance in chances.items():
            weights[position] = weights.get(position, 0.0) + each.status.asked * chance / total
    if not weights:
        return None, ()
    share = share_right(list(weights.values()), [flags[position] for position in weights])
    return share, tuple(each.status.number for each in audited)


# --- accuracy -------------------------------------------------------------------------------------------------------


def _by_round(status: Status) -> dict[int, Measured]:
    """The last accuracy that was measured with answers of a round and of none after it, by the number of the round.

    0: without any bought label.
    """
    answered = {each.number: each.answered for each in status.rounds if each.facts is not None}
    return {_reached(score, answered): _measured(score) for score in status.scores}


def _reached(score: Score, answered: Mapping[int, int]) -> int:
    """The last round of which an accuracy knows an answer: what was asked by then, and how many answers there were."""
    level = before = 0
    for number in sorted(answered):
        if number <= score.round and score.labels > before:
            level = number
        before += answered[number]
    return level


def _measured(score: Score) -> Measured:
    interval = interval_of(score.accuracy, score.total) if score.total else None
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return Measured(score.accuracy, low, high, score.total, score.labels)


def change_of(before: Measured | None, after: Measured | None) -> Change | None:
    """The difference of two measured accuracies; None where one of them is missing.

    Its interval comes of theirs: each end is as far off as the two ends beside it together, in squares. Source: Zou
    and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27, 2008.
    """
    if before is None or after is None:
        return None
    mean, labels = after.accuracy - before.accuracy, after.labels - before.labels
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return Change(mean, None, None, labels)
    down = math.hypot(after.accuracy - after.low, before.high - before.accuracy)
    up = math.hypot(after.high - after.accuracy, before.accuracy - before.low)
    return Change(mean, mean - down, mean + up, labels)


# --- the next purchase ----------------------------------------------------------------------------------------------


def _next(database: sqlite3.Connection, folder: Path, status: Status, facts: Sequence[Facts]) -> Next | None:
    """As much again as in the last round, by the gains that are kept of it."""
    last = asking.last_gains(database, folder)
    if last is None or not facts or status.accuracy is None:
        return None
    _, rows, gains = last
    wanted, first = facts[-1].budget, facts[0].waterline
    labels = min(wanted, len(rows), len(rows) if status.fits is None else status.fits)
    if labels == 0:
        return Next(0, wanted, Decimal(0), first, 0.0, 0.0)
    accuracy = status.accuracy.lower_bound if facts[-1].lower_bound else status.accuracy.mean
    game = solve_game(gains, labels, wrong=wrong_count(len(rows), accuracy))
    return Next(labels, wanted, labels * status.price, first, float(game.waterline), float(game.value))


# --- as plain values ------------------------------------------------------------------------------------------------


def plain_receipt(receipt: Receipt) -> dict[str, object]:
    """A receipt as plain values for JSON; amounts of money are text, exact. Its status is that of `rad campaign show`
    without what stands in the receipt.
    """
    values = asdict(receipt)
    status = values.pop("status")
    for name in ("rounds", "scores"):
        status.pop(name)
    for part, each in zip(values["rounds"], receipt.rounds, strict=True):
        part["change"] = _plain_change(each.change)
        part["status"]["facts"].pop("audit")
    held = {**status, **values, "change": _plain_change(receipt.change)}
    return {key: plainly(value) for key, value in held.items()}


def _plain_change(change: Change | None) -> dict[str, object] | None:
    return None if change is None else {**asdict(change), "verdict": change.verdict}
