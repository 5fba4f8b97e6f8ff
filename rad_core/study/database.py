"""The database of a study: opened for reading without changing anything, written in transactions that count."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from rad_core.errors import InputError
from rad_core.study import files

SCHEMA = 1
DATABASE = "study.sqlite"
Reading = Callable[[], AbstractContextManager[sqlite3.Connection]]  # one consistent state, for reading alone

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
        with closing(_connect_to_read(files.inside(folder, folder / DATABASE))) as database:
            version = database.execute("pragma user_version").fetchone()[0]
            if version > SCHEMA:
                raise InputError(
                    f"Study {folder.name} was written by a newer version of RAD Studio (schema {version}, this one "
                    f"knows {SCHEMA}); upgrade with pip install --upgrade rad-studio."
                )
            database.execute("begin")
            yield database
    except (sqlite3.Error, OSError) as error:
        raise files.no_room(folder, error) or InputError(
            f"The database of study {folder.name} cannot be read ({error}); restore or delete the folder {folder}."
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


def _connect_to_read(path: Path) -> sqlite3.Connection:
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
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, Path(folder) / log.name)
        with closing(sqlite3.connect(copy)) as source:
            source.backup(memory)
    return memory
