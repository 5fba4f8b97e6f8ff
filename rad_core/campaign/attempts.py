"""What was sent to a teacher that is called, attempt by attempt: written down before, and closed by its outcome.

    sent      a request goes out; the reservation of its question pays for it
    answered  its answer came, whose cost stands in the ledger
    failed    it is sure that nobody answered; cost is what was billed nevertheless
    lost      nobody knows: the process was killed, the connection cut; cost is what may have been billed

Rows are only ever added. One process at a time calls the teacher of a campaign (see running.py), so that what has no
outcome when a run begins was cut off by a kill.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from rad_core.campaign import ledger
from rad_core.campaign.money import money_text, plain
from rad_core.campaign.settings import Settings
from rad_core.errors import InputError

KINDS = ("sent", "answered", "failed", "lost")
_TABLE = f"""
create table attempts (
    number integer primary key,
    time real not null,
    position integer not null references points,
    kind text not null check (kind in {KINDS}),
    cost text not null,
    words text not null
);
create index attempts_of_point on attempts (position, number);
""" + "".join(
    f"create trigger attempts_{verb} before {verb} on attempts begin "
    "select raise(abort, 'attempts are only added'); end;\n"
    for verb in ("update", "delete")
)
# The last row of every point that has one.
_LAST = (
    "select position, kind from attempts where number in (select max(number) from attempts group by position) "
    "order by number"
)


@dataclass(frozen=True)
class Tally:
    """How many requests went out, were answered, failed, and were lost; what those without an answer may have cost."""

    sent: int
    answered: int
    failed: int
    lost: int
    cost: Decimal

    @property
    def in_flight(self) -> int:
        """Requests without an outcome: under way, or cut off and not yet named lost."""
        return self.sent - self.answered - self.failed - self.lost


class WallError(InputError):
    """No further request fits under the wall."""


class Calls(Protocol):
    """Where a teacher that is called writes down what it sends. Every method is on disk when it returns.

    stop: set by whoever wants it to end once what is under way has been answered.
    """

    stop: threading.Event

    def send(self, ids: Sequence[str]) -> None:
        """Write down that requests about these points go out now. Raises WallError where one might cross the wall."""

    def fail(self, ids: Sequence[str], words: str, *, billed: bool | None) -> None:
        """Write down that no answer came. billed: whether it costs all the same; None where nobody knows."""


class LedgerCalls:
    """The attempts of one run of a campaign, in its ledger."""

    def __init__(self, folder: Path, settings: Settings, stop: threading.Event | None = None) -> None:
        """Make room for attempts where the campaign has none, and name lost what an earlier run left in flight.

        stop: set by whoever wants the run to end once what is under way has been answered.
        """
        self.folder, self.settings = folder, settings
        self.stop = stop or threading.Event()
        with ledger.writing(folder) as database:
            make_room(database)
            cut_off = [position for position, kind in database.execute(_LAST).fetchall() if kind == "sent"]
            self.found_lost = len(cut_off)
            self._add(database, cut_off, "lost", settings.price, "The run was cut off before the answer came.")

    def send(self, ids: Sequence[str]) -> None:
        """Write down that requests about these points go out now. Raises WallError where one might cross the wall."""
        with ledger.writing(self.folder) as database:
            count = tally(database)
            settings = self.settings
            billed = ledger.meter(database).spent + (count.in_flight + len(ids)) * settings.price
            if settings.max_cost is not None and billed > settings.max_cost:
                most = money_text(settings.max_cost, settings.currency)
                raise WallError(f"No further request fits under {most}: what was sent and lost may have been billed.")
            self._add(database, self._positions(database, ids), "sent", Decimal(0), "")

    def fail(self, ids: Sequence[str], words: str, *, billed: bool | None) -> None:
        """Write down that no answer came. billed: whether it costs all the same; None where nobody knows."""
        cost = Decimal(0) if billed is False else self.settings.price
        with ledger.writing(self.folder) as database:
            kind = "lost" if billed is None else "failed"
            self._add(database, self._positions(database, ids), kind, cost, words[:500])

    @staticmethod
    def _positions(database: sqlite3.Connection, ids: Sequence[str]) -> list[int]:
        found = [ledger.point(database, key) for key in ids]
        return [point.position for point in found if point is not None]

    @staticmethod
    def _add(database: sqlite3.Connection, positions: Sequence[int], kind: str, cost: Decimal, words: str) -> None:
        now = time.time()
        rows = [(now, position, kind, plain(cost), words) for position in positions]
        database.executemany("insert into attempts (time, position, kind, cost, words) values (?, ?, ?, ?, ?)", rows)


def make_room(database: sqlite3.Connection) -> None:
    """Have the table, in a campaign of before there was one as well."""
    if not ledger.has_attempts(database):
        for statement in _TABLE.split(";\n"):
            if statement.strip():
                database.execute(statement)
        database.execute(f"pragma user_version = {ledger.SCHEMA}")


def answered(database: sqlite3.Connection, positions: Sequence[int], now: float) -> None:
    """Close the attempts about points whose answers are entered in this transaction."""
    rows = [(now, position, "answered", "0", "") for position in positions]
    database.executemany("insert into attempts (time, position, kind, cost, words) values (?, ?, ?, ?, ?)", rows)


def tally(database: sqlite3.Connection) -> Tally:
    """The attempts of a campaign in numbers; all 0 where no teacher was ever called."""
    counts, cost = dict.fromkeys(KINDS, 0), Decimal(0)
    if ledger.has_attempts(database):
        for kind, each, count in database.execute("select kind, cost, count(*) from attempts group by kind, cost"):
            counts[kind] += count
            cost += Decimal(each) * count
    return Tally(**counts, cost=cost)
