"""Answers entered in the ledger: new ones, the same ones again, and others in their place only where that is meant."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from rad_core.campaign import attempts, ledger
from rad_core.campaign.answers import Answers
from rad_core.campaign.contents import Content, same
from rad_core.campaign.ledger import Account, Entry, Point
from rad_core.campaign.money import plain
from rad_core.errors import InputError
from rad_core.inputs.examples import Examples
from rad_core.inputs.ids import Purchases, row_of, shortened


@dataclass(frozen=True)
class Told:
    """How many answers of a batch were new, told before (again), in place of another one, and how many abstained."""

    new: int
    again: int
    corrected: int
    abstained: int
    notes: tuple[str, ...] = ()


def tell(
    database: sqlite3.Connection,
    given: Answers,
    classes: int,
    source: str,
    correct: bool,
    now: float,
    called: bool = False,
) -> Told:
    """Enter answers, all of them or, after an InputError, none.

    called: whether they are the outcome of requests that were sent, which are closed with them. Refused are ids never
    asked, withdrawn or unknown, and other answers than before unless `correct`.
    """
    if source not in ledger.SOURCES:
        raise InputError(f"source is {source!r}; an answer is from a {' or a '.join(ledger.SOURCES)}.")
    accounts: dict[int, Account] = {}
    in_batch: dict[int, Content] = {}
    entries: list[Entry] = []
    new = again = corrected = abstained = 0
    points = points_of(database, given.ids, given.name, given.escaped)
    for point, content in zip(points, given.contents, strict=True):
        if point.position in in_batch:
            if not same(in_batch[point.position], content, classes):
                raise InputError(f"{given.name} answers {shortened(point.id)} twice, differently; give one answer.")
            continue
        in_batch[point.position] = content
        account = accounts.setdefault(point.position, ledger.account(database, point.position))
        _check_asked(point, account, given.name, source)
        before = account.answers.get(source)
        if before is not None and same(before, content, classes):
            again += 1
            continue
        if before is not None and not correct:
            raise InputError(
                f"{given.name} answers {shortened(point.id)} otherwise than before; correct it on purpose (--correct)."
            )
        kind = "told" if before is None else "corrected"
        cost = plain(account.price) if kind == "told" and not account.settled else "0"
        entries.append(Entry(now, kind, point.position, account.round, source, cost, content.label, content.soft))
        new += before is None
        corrected += before is not None
        abstained += content.abstains
    ledger.add(database, entries)
    if called:
        attempts.answered(database, list(in_batch), now)
    return Told(new, again, corrected, abstained, given.notes)


def _check_asked(point: Point, account: Account, name: str, source: str) -> None:
    if point.part == "labeled":
        raise InputError(f"{name} answers {shortened(point.id)}, a labeled example, which was never asked about.")
    if point.part == "checked" and source == "person":
        raise InputError(
            f"{name} answers {shortened(point.id)}, a checked example, whose label is known; only what the teacher "
            "says of it counts."
        )
    if account.asked or account.answers:
        return
    if account.withdrawn:
        raise InputError(
            f"{name} answers {shortened(point.id)}, which was withdrawn and is free again; nothing of {name} was "
            "entered: leave it out, or ask for it anew."
        )
    raise InputError(f"{name} answers {shortened(point.id)}, which was never asked; nothing of {name} was entered.")


def withdraw(database: sqlite3.Connection, given: Examples, now: float) -> int:
    """Take back open questions, all of them or, after an InputError, none: their points are free again."""
    entries = []
    for point in dict.fromkeys(points_of(database, given.ids, given.name, given.escaped)):
        account = ledger.account(database, point.position)
        if not account.asked or account.settled:
            why = "is answered" if account.settled else "is not asked"
            raise InputError(f"{shortened(point.id)} {why}; only an open question can be withdrawn.")
        entries.append(Entry(now, "withdrawn", point.position, account.round, None, plain(account.price)))
    ledger.add(database, entries)
    return len(entries)


def points_of(database: sqlite3.Connection, ids: Sequence[str], name: str, escaped: bool) -> list[Point]:
    """The points of ids, as text exactly; those of a .csv also without the apostrophe before a formula."""
    way = Purchases((), name, "perhaps" if escaped else "never")
    held: list[Point] = []
    for text in ids:
        point = ledger.point(database, text)
        if escaped and text.startswith("'"):
            rows = {other.id: other.position for other in (point, ledger.point(database, text[1:])) if other}
            row = row_of(text, rows, way)
            point = next((ledger.point(database, key) for key, at in rows.items() if at == row), None)
        if point is None:
            raise InputError(
                f"{name} holds the id {shortened(text)}, which is none of this campaign; ids are compared as text, "
                "exactly."
            )
        held.append(point)
    return held
