"""What a teacher from outside was asked and answered, kept with the study: an answer is on disk before it counts.

Answers belong to rows of the data set, whichever strategy or seed bought them first. One process at a time asks
(see outside.py), so that a request without an outcome was cut off by a kill.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.campaign.contents import Content, vector
from rad_core.errors import DamagedError

FILE = "answers.sqlite"
_TABLES = """
create table if not exists answers (row integer primary key, time real not null, label integer, soft blob);
create table if not exists attempts (
    number integer primary key, time real not null, row integer not null, kind text not null, words text not null
);
create index if not exists attempts_of_row on attempts (row, number);
"""
# The rows whose last attempt is still without an outcome.
_OPEN = (
    "select row from attempts where kind = 'sent' and number in (select max(number) from attempts group by row) "
    "order by number"
)


def answered(folder: Path) -> int:
    """How many answers are kept in a study's folder, abstentions among them; nothing is written."""
    path = folder / FILE
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as database:
            held = database.execute("select 1 from sqlite_master where name = 'answers'").fetchone()
            return database.execute("select count(*) from answers").fetchone()[0] if held else 0
    except sqlite3.DatabaseError as error:
        raise DamagedError(f"The answers in {path} cannot be read ({error}); restore the file.") from error


class Answers:
    """The answers kept in a study's folder, and the requests that were sent for them.

    It is where a teacher writes down what it sends (campaign.attempts.Calls); ids are rows of the data set as text.
    """

    def __init__(self, folder: Path, classes: int) -> None:
        self.folder, self.classes = folder, classes
        self.stop = threading.Event()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk when the block is left, or nothing."""
        path = self.folder / FILE
        try:
            with files.writing(self.folder), closing(sqlite3.connect(path, timeout=60)) as database:
                database.execute("pragma synchronous = full")
                database.executescript(_TABLES)
                database.execute("begin immediate")
                yield database
                database.commit()
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"The answers in {path} cannot be read ({error}); restore the file.") from error

    # --- answers ---

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Soft labels (n, C) float32, NaN without an answer, and (n,) bool: answered or abstained, hence not open."""
        with self._database() as database:
            kept = database.execute("select row, label, soft from answers")
            held = {row: Content(label, soft) for row, label, soft in kept}
        soft_labels = np.full((len(rows), self.classes), np.nan, np.float32)
        for place, row in enumerate(rows.tolist()):
            if row in held and not held[row].abstains:
                soft_labels[place] = vector(held[row], self.classes)
        return soft_labels, np.array([row in held for row in rows.tolist()], bool)

    def enter(self, part: Sequence[tuple[str, Content]]) -> None:
        """Keep answers, and close the requests that they answer."""
        now = time.time()
        with self._database() as database:
            rows = [(int(key), now, content.label, content.soft) for key, content in part]
            database.executemany("insert or ignore into answers values (?, ?, ?, ?)", rows)
            self._add(database, [key for key, _ in part], "answered")

    def begin(self, bought: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]) -> None:
        """Once: keep the answers that the study's arrays hold, as of a copy that came without its file of answers.

        bought: gives rows (n,) and soft labels (n, C), NaN for an abstention. After a kill it is as if never begun.
        """
        with self._database() as database:
            if database.execute("pragma user_version").fetchone()[0]:
                return
            for rows, soft_labels in bought():
                values = [
                    (row, time.time(), None, None if np.isnan(given).any() else np.asarray(given, "<f8").tobytes())
                    for row, given in zip(rows.tolist(), soft_labels, strict=True)
                ]
                database.executemany("insert or ignore into answers values (?, ?, ?, ?)", values)
            database.execute("pragma user_version = 1")

    # --- requests ---

    def send(self, ids: Sequence[str]) -> None:
        """Write down that requests about these rows go out now."""
        with self._database() as database:
            self._add(database, ids, "sent")

    def fail(self, ids: Sequence[str], words: str, *, billed: bool | None) -> None:
        """Write down that no answer came. billed: whether it costs all the same; None where nobody knows."""
        with self._database() as database:
            self._add(database, ids, "failed" if billed is False else "lost", words[:500])

    def name_lost(self) -> int:
        """Name the requests lost that a killed process left without an outcome; returns how many."""
        with self._database() as database:
            cut_off = [str(row) for (row,) in database.execute(_OPEN)]
            self._add(database, cut_off, "lost", "The study was cut off before the answer came.")
        return len(cut_off)

    def last_words(self) -> str:
        """Why the last request failed, "" where none has."""
        with self._database() as database:
            query = "select words from attempts where words != '' order by number desc limit 1"
            row = database.execute(query).fetchone()
        return row[0] if row else ""

    @staticmethod
    def _add(database: sqlite3.Connection, ids: Sequence[str], kind: str, words: str = "") -> None:
        rows = [(time.time(), int(key), kind, words) for key in ids]
        database.executemany("insert into attempts (time, row, kind, words) values (?, ?, ?, ?)", rows)
