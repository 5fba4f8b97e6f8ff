"""A run of a campaign as others see it, from another process: what it is at, how it ended; and how they stop it.

The file says what was started and what was said last; the lock on the campaign's folder says whether it still runs.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rad_core import files
from rad_core.errors import RadError, StoreError

FILE, STOP, LOG = "run.json", "run.stop", "run.log"
_LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Run:
    """The last run of a campaign.

    rounds, budget, teacher: its plan, see `running.Plan`. began, ended: seconds since 1970; ended is None while
    it runs, and where it was killed. words: what it said last. failed: the sentence of the error that ended it, "" for
    none. stopped: whether somebody wanted it to end.
    """

    rounds: int
    budget: int
    teacher: str
    began: float
    words: str = ""
    ended: float | None = None
    failed: str = ""
    stopped: bool = False


def last_run(folder: Path) -> Run | None:
    """The last run of a campaign, by its folder. None where there was none. Raises StoreError where it is damaged."""
    try:
        values = json.loads((folder / FILE).read_text("utf-8"))
        return Run(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{folder / FILE} cannot be read ({error}); delete it: answers are kept elsewhere.") from error


def is_running(folder: Path) -> bool:
    """Whether a process runs the campaign in this folder now."""
    return (folder / FILE).exists() and files.is_locked(folder)


def ask_to_stop(folder: Path) -> None:
    """Have a run end once the requests under way are answered; it sees this within a second."""
    with files.writing(folder):
        (folder / STOP).touch()


class Record:
    """What a run writes down for those who look on."""

    def __init__(self, folder: Path, begun: Run) -> None:
        self._folder, self._run = folder, begun
        self._write()

    def say(self, words: str) -> None:
        """What it is at."""
        self._run = replace(self._run, words=words)
        self._write()

    def end(self, failed: str, *, stopped: bool) -> None:
        """It ends now."""
        self._run = replace(self._run, ended=time.time(), failed=failed, stopped=stopped)
        self._write()

    def _write(self) -> None:
        text = json.dumps(asdict(self._run), indent=1)
        files.replace(self._folder / FILE, lambda file: file.write(text.encode()))  # type: ignore[arg-type]


@contextmanager
def recorded(folder: Path, begun: Run, stop: threading.Event) -> Iterator[Record]:
    """Write down that a run begins and how it ends, and set `stop` once somebody asks for that."""
    (folder / STOP).unlink(missing_ok=True)
    record, over = Record(folder, begun), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            if (folder / STOP).exists():
                stop.set()

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    failed = ""
    try:
        yield record
    except RadError as error:
        failed = str(error)
        raise
    finally:
        over.set()
        watcher.join()
        (folder / STOP).unlink(missing_ok=True)
        record.end(failed, stopped=stop.is_set())
