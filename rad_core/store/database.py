"""The database of a study: opened for reading without changing anything, written in transactions that count."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path

from rad_core import files, partials
from rad_core.errors import DamagedError, InputError

SCHEMA = 1
DATABASE = "study.sqlite"
Reading = Callable[[], AbstractContextManager[sqlite3.Connection]]  # one consistent state, for reading alone
SECONDS = 10.0  # that a question to a database may take: those of a study take a hundredth
_STEPS = 20_000  # of SQLite's machine between two looks at the clock
_MOST_CELL = 1 << 24  # bytes

_TABLES = """
create table meta (key text primary key, value text not null) without rowid;
create table seeds (seed integer primary key, metrics text not null, arrays text not null);
create table rounds (
    strategy text not null, seed integer not null, round integer not null,
    metrics text not null, arrays text not null, seconds text not null, finished real not null,
    primary key (strategy, seed, round)
) without rowid;
create table log (id integer primary key, time real not null, text text not null);
"""


def create_database(folder: Path, meta: Mapping[str, str]) -> None:
    """Make the database of a new study; it is on disk when this returns."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.executescript(_TABLES)
        database.execute(f"pragma user_version = {SCHEMA}")
        database.executemany("insert into meta values (?, ?)", meta.items())
        database.commit()


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """One consistent state of a study's database, without writing to it."""
    try:
        with closing(connect_to_read(_place(folder))) as database:
            _limit(database)
            database.execute("begin")
            version = database.execute("pragma user_version").fetchone()[0]
            if version > SCHEMA:
                raise InputError(
                    f"Study {folder.name} was written by a newer version of RAD Studio (schema {version}, this one "
                    f"knows {SCHEMA}); upgrade with pip install --upgrade rad-studio."
                )
            if _tables(database) != _own_tables():
                raise sqlite3.DatabaseError("it has other tables than a study")
            yield database
    except (sqlite3.Error, OSError) as error:
        words = "it takes too long" if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT" else error
        raise files.no_room(folder, error) or DamagedError(
            f"The database of study {folder.name} cannot be read ({words}); restore or delete the folder {folder}."
        ) from error


def in_memory(folder: Path) -> Reading:
    """A study's database as it stands now, copied whole: reads it from memory, in any thread, one at a time."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with reading(folder) as database:
        database.backup(memory)
    turn = threading.RLock()

    @contextmanager
    def read() -> Iterator[sqlite3.Connection]:
        with turn:
            yield memory

    return read


def _place(folder: Path) -> Path:
    try:
        return files.inside(folder, folder / DATABASE)
    except RuntimeError as error:  # links that lead in a circle
        raise DamagedError(f"The database of study {folder.name} cannot be read ({error}); delete the link.") from error


def _limit(database: sqlite3.Connection) -> None:
    """Whatever a database holds, a question to it ends, and no cell fills the memory."""
    end = time.monotonic() + SECONDS
    database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL)
    database.execute("pragma trusted_schema = off")


def _tables(database: sqlite3.Connection) -> set[tuple]:
    """What a database consists of; of one that has more than a study, a part."""
    return set(database.execute("select type, name, tbl_name, sql from sqlite_master limit 20"))


@cache
def _own_tables() -> frozenset[tuple]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_TABLES)
        return frozenset(_tables(database))


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it counts, or nothing. It is on disk when the block is left."""
    with reading(folder):  # refuses what is newer or no study
        pass
    with files.writing(folder), closing(sqlite3.connect(folder / DATABASE, timeout=60)) as database:
        database.execute("pragma synchronous = full")
        database.execute("begin immediate")
        yield database
        database.execute("update meta set value = value + 1 where key = 'version'")
        database.execute("update meta set value = ? where key = 'updated'", [repr(time.time())])
        database.commit()


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A database with a table meta, opened without writing to it, also where nothing can be written."""
    uri = path.absolute().as_uri()
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        return sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=60)
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if files.size_of(log) == 0:
        return sqlite3.connect(f"{uri}?immutable=1", uri=True)
    # Where nothing can be written, SQLite reads a database that another process writes through the index that this
    # process keeps, and cannot read one whose process was killed; its last transactions are in the log all the same.
    if index.exists():
        database = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=60)
        try:
            database.execute("select 1 from meta").fetchone()
            return database
        except sqlite3.OperationalError:
            database.close()
    return _read_copy(path, log)


def _read_copy(path: Path, log: Path) -> sqlite3.Connection:
    """The database with what its log holds, in memory."""
    memory = sqlite3.connect(":memory:")
    with partials.temporary_folder("rad-read") as folder:
        copy = folder / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, folder / log.name)
        with closing(sqlite3.connect(copy)) as source:
            source.backup(memory)
    return memory
