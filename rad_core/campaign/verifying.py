"""Everything a ledger promises, made again: the equilibrium and draw of each round, and that its books are right."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from functools import partial
from pathlib import Path

from rad_core.campaign import features, ledger, rounds, shown
from rad_core.campaign.contents import Content, likeliest
from rad_core.campaign.ledger import Account, Entry
from rad_core.campaign.money import money_text
from rad_core.campaign.rounds import Facts
from rad_core.campaign.settings import Settings
from rad_core.errors import RadError
from rad_core.inputs.ids import shortened


def verify(database: sqlite3.Connection, folder: Path, settings: Settings) -> list[str]:
    """What does not hold, a sentence each; [] where everything does."""
    books, reached = _check_books(database, settings)
    return [
        *_check_points(database, folder, settings),
        *books,
        *_check_attempts(database, settings),
        *_check_rounds(database, folder, len(settings.classes)),
        *_check_scores(database, reached),
    ]


def _check_points(database: sqlite3.Connection, folder: Path, settings: Settings) -> list[str]:
    faults = []
    if shown.digest_of_ids([point.id for point in ledger.points(database)]) != settings.ids:
        faults.append("The points are not those that the campaign was made of.")
    audited = partial(shown.load, name=shown.CHECKED)
    for digest, load in (
        (settings.columns, shown.load),
        (settings.checked_columns, audited),
        (settings.features, features.load),
    ):
        try:
            if digest:
                load(folder, digest)
        except RadError as error:
            faults.append(str(error))
    return faults


def _check_books(database: sqlite3.Connection, settings: Settings) -> tuple[list[str], set[int]]:
    """Replay the ledger entry by entry: no point asked twice, every answer asked for, every cost the right one.

    Also every number of answered points of the pool that there ever was.
    """
    faults: list[str] = []
    pool, answered, reached = ledger.pool_size(database), 0, {0}
    accounts: dict[int, Account] = {}
    names = {point.position: shortened(point.id) for point in ledger.points(database)}
    committed = Decimal(0)
    for number, entry in ledger.entries(database):
        account = accounts.setdefault(entry.position, Account())
        cost, due = Decimal(entry.cost), Decimal(0)
        if entry.kind == "asked":
            due = settings.price
            committed += cost
            if account.asked:
                faults.append(f"Entry {number}: {names[entry.position]} is asked twice.")
            if settings.max_cost is not None and committed > settings.max_cost:
                most = money_text(settings.max_cost, settings.currency)
                faults.append(f"Entry {number}: the questions up to here may cost more than {most}.")
        elif entry.kind == "withdrawn":
            due = account.price
            committed -= cost
            if not account.asked or account.settled:
                faults.append(f"Entry {number}: {names[entry.position]} is withdrawn, but was no open question.")
        elif entry.kind == "told":
            due = Decimal(0) if account.settled else account.price
            if not account.asked and not account.settled:
                faults.append(f"Entry {number}: {names[entry.position]} is answered, but was never asked.")
        if cost != due:
            faults.append(f"Entry {number}: its cost is {cost}, but {due} was due.")
        before = account.state
        account.enter(number, entry)
        if entry.position < pool:
            answered += (account.state == "answered") - (before == "answered")
            reached.add(answered)
    return faults, reached


def _check_attempts(database: sqlite3.Connection, settings: Settings) -> list[str]:
    """Every outcome has a request before it, no cost is another than the price, and all of it is under the wall."""
    if not ledger.has_attempts(database):
        return []
    faults = []
    names = {point.position: shortened(point.id) for point in ledger.points(database)}
    in_flight: set[int] = set()
    for number, position, kind, text in database.execute(
        "select number, position, kind, cost from attempts order by number"
    ):
        due = {"failed": (Decimal(0), settings.price), "lost": (settings.price,)}.get(kind, (Decimal(0),))
        if Decimal(text) not in due:
            faults.append(f"Attempt {number}: its cost is {text}, which is none of {', '.join(map(str, due))}.")
        if (position in in_flight) == (kind == "sent"):
            why = "is sent while another request is under way" if kind == "sent" else f"is {kind}, but was not sent"
            faults.append(f"Attempt {number}: {names[position]} {why}.")
        in_flight ^= {position}
    spent = ledger.meter(database).spent
    if settings.max_cost is not None and spent > settings.max_cost:
        most = money_text(settings.max_cost, settings.currency)
        faults.append(f"{money_text(spent, settings.currency)} may have been billed, which is more than {most}.")
    return faults


def _check_rounds(database: sqlite3.Connection, folder: Path, classes: int) -> list[str]:
    faults = []
    questions: dict[int, list[Entry]] = {}
    for _, entry in ledger.entries(database):
        if entry.kind == "asked":
            questions.setdefault(entry.round, []).append(entry)
    known = _known_of_the_teacher(database, classes)
    for number, text in database.execute("select round, facts from rounds where round > 0 order by round").fetchall():
        try:
            facts = Facts.from_json(text)
            faults += rounds.check(folder, number, facts, questions.get(number, []))
            if known.get(number) != (facts.right, facts.total):
                faults.append(
                    f"Round {number}: the teacher is said to be right on {facts.right} of {facts.total} checked "
                    "examples, which is not what the ledger had when it was asked for."
                )
        except RadError as error:
            faults.append(f"Round {number} cannot be checked ({error}).")
    return faults


def _known_of_the_teacher(database: sqlite3.Connection, classes: int) -> dict[int, tuple[int, int]]:
    """On how many checked examples the teacher was right, and of how many, when each round was asked for."""
    labels = {point.position: point.label for point in ledger.points(database, "checked")}
    firsts = database.execute("select min(entry), round from ledger where kind = 'asked' group by round order by 1")
    waiting = firsts.fetchall()[::-1]
    flags: dict[int, bool] = {}
    known: dict[int, tuple[int, int]] = {}
    for number, entry in ledger.entries(database, "checked"):
        while waiting and waiting[-1][0] <= number:
            known[waiting.pop()[1]] = (sum(flags.values()), len(flags))
        if entry.kind in ledger.ANSWERS and entry.source == "teacher":
            content = Content(entry.label, entry.soft)
            flags.pop(entry.position, None)
            if not content.abstains:
                flags[entry.position] = likeliest(content, classes) == labels[entry.position]
    return known | dict.fromkeys((number for _, number in waiting), (sum(flags.values()), len(flags)))


def _check_scores(database: sqlite3.Connection, reached: set[int]) -> list[str]:
    """Every measured accuracy is one, after a number of answers that there was at a time."""
    faults = []
    for number, labels, accuracy, total in database.execute(
        "select number, labels, accuracy, total from scores order by number"
    ):
        if not 0 <= accuracy <= 1 or (total is not None and total < 1):
            faults.append(f"Measurement {number}: {accuracy} on {total} test examples is no accuracy.")
        if labels not in reached:
            faults.append(f"Measurement {number}: it is of {labels:,} answers, and there never were as many.")
    return faults
