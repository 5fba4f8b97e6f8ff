"""The ledger of a campaign: what was asked, what was answered and what it costs, in entries that are only ever added.

One SQLite database, campaign.sqlite. A batch is one transaction and is on disk (synchronous = full) before anybody is
told that it is there. What is bought, what it cost and what the student learns from are worked out from the entries;
nothing of it is kept anywhere else. Several processes may write at once: each waits for its turn.

    points    id, in which part (pool, labeled, checked), label where it is known
    rounds    what was promised when a round was asked for (see rounds.py); round 0 is the one of the checked examples
    ledger    asked      cost is what is reserved; label and share are the student's class and its probability
              told       cost is what was billed, once for each question; later answers to it cost nothing
              corrected  another answer in place of the one of the same source
              withdrawn  cost is what is no longer reserved; the point is free again
              given      an answer of the teacher to a checked example that came with it and cost nothing
    scores    accuracies of the student, as measured by the user
    attempts  what was sent to a teacher that is called (see attempts.py); not there where none ever was
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rad_core import files
from rad_core.campaign.contents import Content
from rad_core.errors import DamagedError, InputError, StoreError
from rad_core.store.database import connect_to_read

SCHEMA = 2  # 1 has no attempts
DATABASE = "campaign.sqlite"
SOURCES = ("teacher", "person")
ANSWERS = ("told", "corrected", "given")
KINDS = ("asked", *ANSWERS, "withdrawn")
PATIENCE = 60.0  # seconds to wait for another process that writes

_TABLES = f"""
create table meta (key text primary key, value text not null) without rowid;
create table points (
    position integer primary key,
    id text not null unique,
    part text not null check (part in ('pool', 'labeled', 'checked')),
    label integer check ((label is null) = (part = 'pool'))
);
create table rounds (round integer primary key, time real not null, facts text not null);
create table ledger (
    entry integer primary key,
    time real not null,
    kind text not null check (kind in ('asked', 'told', 'corrected', 'withdrawn', 'given')),
    position integer not null references points,
    round integer not null references rounds,
    source text check (source in ('{SOURCES[0]}', '{SOURCES[1]}')),
    cost text not null,
    label integer,
    soft blob,
    gain real,
    probability real,
    share real
);
create index ledger_of_point on ledger (position, entry);
create table scores (
    number integer primary key, time real not null, round integer not null references rounds,
    labels integer not null, cost text not null, accuracy real not null, total integer
);
""" + "".join(
    f"create trigger {table}_{verb} before {verb} on {table} begin "
    f"select raise(abort, 'entries of the {table} are only added'); end;\n"
    for table in ("points", "rounds", "ledger", "scores")
    for verb in ("update", "delete")
)


class Entry(NamedTuple):
    """A row of the ledger, as it is written; the number of the entry comes with it."""

    time: float
    kind: str
    position: int
    round: int
    source: str | None
    cost: str
    label: int | None = None
    soft: bytes | None = None
    gain: float | None = None
    probability: float | None = None
    share: float | None = None


class Point(NamedTuple):
    """A row of the table of points. label: the number of its class, of labeled and checked examples."""

    position: int
    id: str
    part: str
    label: int | None


@dataclass
class Account:
    """What the ledger says of one point: its open or settled question, and the answers of each source."""

    asked: int = 0  # the number of the entry; 0 where it is free
    question: Entry | None = None  # the last one
    round: int = 0
    price: Decimal = Decimal(0)
    settled: bool = False
    withdrawn: bool = False
    answers: dict[str, Content] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """free, asked, answered or abstained."""
        if not self.answers:
            return "asked" if self.asked else "free"
        return "abstained" if all(content.abstains for content in self.answers.values()) else "answered"

    @property
    def target(self) -> tuple[str, Content] | None:
        """What the student learns, and from whom: a person's answer comes before the teacher's. None: nothing yet."""
        for source in ("person", "teacher"):
            content = self.answers.get(source)
            if content is not None and not content.abstains:
                return source, content
        return None

    def enter(self, number: int, entry: Entry) -> None:
        """Apply one entry, in order of their numbers."""
        if entry.kind == "asked":
            self.asked, self.question, self.settled = number, entry, False
            self.round, self.price = entry.round, Decimal(entry.cost)
        elif entry.kind == "withdrawn":
            self.asked, self.withdrawn = 0, True
        else:
            self.settled = True
            self.answers[str(entry.source)] = Content(entry.label, entry.soft)


@dataclass(frozen=True)
class Meter:
    """Money by the ledger alone. spent: answers that came, and requests without one that may have been billed.

    reserved: questions that are open.
    """

    spent: Decimal
    reserved: Decimal

    @property
    def committed(self) -> Decimal:
        """What may be billed in the end."""
        return self.spent + self.reserved


# --- opening --------------------------------------------------------------------------------------------------------


def create(
    folder: Path, meta: Mapping[str, str], points: Iterable[Point], entries: Sequence[Entry], now: float
) -> None:
    """Make the database of a new campaign, whole, with the answers that came with it; on disk when this returns."""
    with closing(_connect(folder)) as database:
        database.execute("pragma journal_mode = wal")
        database.executescript(_TABLES)
        database.execute(f"pragma user_version = {SCHEMA}")
        database.execute("begin immediate")
        database.executemany("insert into meta values (?, ?)", meta.items())
        database.executemany("insert into points values (?, ?, ?, ?)", points)
        database.execute("insert into rounds values (0, ?, '{}')", [now])
        add(database, entries)
        database.execute("commit")


def _connect(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / DATABASE, timeout=PATIENCE, isolation_level=None)
    database.execute("pragma synchronous = full")
    database.execute("pragma foreign_keys = on")
    return database


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """One consistent state of the ledger. Raises DamagedError where it cannot be read."""
    try:
        with closing(connect_to_read(_existing(folder))) as database:
            database.execute("begin")
            _check_schema(database, folder)
            yield database
    except sqlite3.Error as error:
        raise files.no_room(folder, error) or _damaged(folder, error) from error


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it counts, or nothing. It is on disk when the block is left.

    Nobody else writes meanwhile: what is read within the block still holds when the block is left. Raises DamagedError,
    and StoreError where another process writes too long or there is no room left.
    """
    path = _existing(folder)
    try:
        with files.writing(folder), closing(_connect(path.parent)) as database:
            _begin(database, folder)
            _check_schema(database, folder)
            yield database  # an error closes the database, which takes everything back
            database.execute("commit")
    except sqlite3.DatabaseError as error:  # what is no matter of writing
        raise _damaged(folder, error) from error


def _begin(database: sqlite3.Connection, folder: Path) -> None:
    """Wait for the others that write, and keep new ones out."""
    try:
        database.execute("begin immediate")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise StoreError(
                f"Campaign {folder.name} is being written by another process for more than {PATIENCE:.0f} seconds; "
                "nothing was written: try again."
            ) from error
        raise


def _existing(folder: Path) -> Path:
    path = folder / DATABASE
    if not path.is_file():
        raise _damaged(folder, "it is not there")
    return path


def _check_schema(database: sqlite3.Connection, folder: Path) -> None:
    version = database.execute("pragma user_version").fetchone()[0]
    if version > SCHEMA:
        raise InputError(
            f"Campaign {folder.name} was written by a newer version of RAD Studio (schema {version}, this one knows "
            f"{SCHEMA}); upgrade with pip install --upgrade rad-studio."
        )


def _damaged(folder: Path, why: object) -> DamagedError:
    return DamagedError(f"The ledger of campaign {folder.name} cannot be read ({why}); restore the folder {folder}.")


# --- writing and reading ----------------------------------------------------------------------------------------


def add(database: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Add entries, in order."""
    fields = Entry._fields
    marks = ", ".join("?" * len(fields))
    database.executemany(f"insert into ledger ({', '.join(fields)}) values ({marks})", entries)  # noqa: S608


_ROWS = f"select entry, {', '.join(Entry._fields)} from ledger"  # noqa: S608


def entries(database: sqlite3.Connection, part: str | None = None) -> Iterator[tuple[int, Entry]]:
    """All entries and their numbers, in order, or those about one part of the points."""
    of_part = " where position in (select position from points where part = ?)" if part else ""
    for number, *row in database.execute(f"{_ROWS}{of_part} order by entry", [part] if part else []):
        yield number, Entry(*row)


def with_points(database: sqlite3.Connection, kinds: Sequence[str], most: int | None) -> list[tuple[int, Entry, Point]]:
    """Entries of some kinds with their numbers and points, in order, the last `most` of them; None: all."""
    fields = ", ".join(f"l.{name}" for name in Entry._fields)
    marks = ", ".join("?" * len(kinds))
    query = (
        f"select l.entry, {fields}, p.id, p.part, p.label from ledger l join points p on p.position = l.position "  # noqa: S608
        f"where l.kind in ({marks}) order by l.entry desc limit ?"
    )
    rows = database.execute(query, [*kinds, -1 if most is None else most]).fetchall()
    wide = 1 + len(Entry._fields)
    return [(row[0], entry := Entry(*row[1:wide]), Point(entry.position, *row[wide:])) for row in reversed(rows)]


def account(database: sqlite3.Connection, position: int) -> Account:
    """What the ledger says of one point."""
    held = Account()
    for number, *row in database.execute(f"{_ROWS} where position = ? order by entry", [position]):
        held.enter(number, Entry(*row))
    return held


def accounts(database: sqlite3.Connection, part: str | None = None) -> dict[int, Account]:
    """What the ledger says of every point that it names, by position; of one part of the points alone, if asked."""
    held: dict[int, Account] = {}
    for number, entry in entries(database, part):
        held.setdefault(entry.position, Account()).enter(number, entry)
    return held


def point(database: sqlite3.Connection, name: str) -> Point | None:
    """The point of an id."""
    row = database.execute("select position, id, part, label from points where id = ?", [name]).fetchone()
    return None if row is None else Point(*row)


def names_of(database: sqlite3.Connection, positions: Sequence[int]) -> list[str]:
    """The ids of points by their positions."""
    query = "select id from points where position = ?"
    return [database.execute(query, [int(position)]).fetchone()[0] for position in positions]


def points(database: sqlite3.Connection, part: str | None = None) -> list[Point]:
    """All points, or those of one part, in order of their positions: those of the pool come first."""
    of_part = " where part = ?" if part else ""
    query = f"select position, id, part, label from points{of_part} order by position"  # noqa: S608
    return [Point(*row) for row in database.execute(query, [part] if part else [])]


def ids(database: sqlite3.Connection) -> tuple[list[str], int]:
    """The ids of all points in order of their positions, and how many of them are the pool's: the first ones."""
    names = [row[0] for row in database.execute("select id from points order by position")]
    return names, pool_size(database)


def pool_size(database: sqlite3.Connection) -> int:
    """How many points the pool has."""
    return int(database.execute("select count(*) from points where part = 'pool'").fetchone()[0])


def taken(database: sqlite3.Connection) -> list[int]:
    """The positions with a question that was not withdrawn, sorted."""
    query = (
        "select position from ledger where kind in ('asked', 'withdrawn') group by position "
        "having sum(kind = 'asked') > sum(kind = 'withdrawn') order by position"
    )
    return [row[0] for row in database.execute(query)]


def meter(database: sqlite3.Connection) -> Meter:
    """Money, exact: amounts are summed as decimals, each as often as it occurs."""
    totals = {kind: Decimal(0) for kind in ("asked", "told", "withdrawn")}
    query = "select kind, cost, count(*) from ledger where kind in ('asked', 'told', 'withdrawn') group by kind, cost"
    for kind, cost, count in database.execute(query):
        totals[kind] += Decimal(cost) * count
    unanswered = Decimal(0)
    if has_attempts(database):
        for cost, count in database.execute("select cost, count(*) from attempts group by cost"):
            unanswered += Decimal(cost) * count
    reserved = totals["asked"] - totals["told"] - totals["withdrawn"]
    return Meter(totals["told"] + unanswered, reserved)


def has_attempts(database: sqlite3.Connection) -> bool:
    """Whether a teacher was ever called."""
    return bool(database.execute("select 1 from sqlite_master where name = 'attempts'").fetchone())


def last_round(database: sqlite3.Connection) -> int:
    """The number of the last round that was asked for; 0 before the first."""
    return int(database.execute("select max(round) from rounds").fetchone()[0])


def meta(database: sqlite3.Connection) -> dict[str, str]:
    """The settings of a campaign by name."""
    return dict(database.execute("select key, value from meta"))
