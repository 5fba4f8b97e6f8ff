"""How far a study is and how long it will still take, told from its store alone."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Sequence

import attrs
import numpy as np

from rad_core.config import StudyConfig
from rad_core.store.database import reading
from rad_core.store.study import SHARED, Study, StudyInfo
from rad_core.study.answers import answered

_RECENT = 64  # rounds that tell how fast the work goes
_ALONGSIDE = 16  # batches that tell how many processes work
_INSTANT = 0.001  # seconds: batches that overlap by less follow one another


@attrs.frozen
class Progress:
    """A study on its way. done and total count rounds of all cells and the preparation of each seed."""

    done: int
    total: int
    seconds_left: float | None  # None while nothing is known, or nothing runs
    phase: str  # for people


def progress(study: Study) -> Progress:
    """Read how far a study is; cheap enough to be asked every second."""
    info, config = study.info(), study.config
    with reading(study.path) as database:
        query = "select strategy, seed, round, seconds, finished from rounds where strategy != ?"
        recent = database.execute(f"{query} order by finished desc limit ?", [SHARED, _RECENT]).fetchall()
        query = "select strategy, seed, count(*), max(finished) from rounds where strategy != ? group by strategy, seed"
        cells = {row[:2]: row[2:] for row in database.execute(query, [SHARED])}
        shared = database.execute("select seconds, finished from rounds where strategy = ?", [SHARED]).fetchall()
        seeds = {row[0] for row in database.execute("select seed from seeds")}
    left = None
    if info.status == "running" and recent:
        pace = Pace.of(recent, shared)
        newest = max(row[-1] for row in [*recent, *shared])
        left = pace.seconds_left(config, seeds, cells, newest, time.time())
    return Progress(
        done=info.rounds_done + len(seeds),
        total=info.rounds_total + config.seeds,
        seconds_left=left,
        phase=_phase(info, len(seeds), config, recent) + _answers(study, info),
    )


@attrs.frozen
class Pace:
    """How fast the work goes, in seconds.

    cells: of one round of a strategy, its share of what it did together with others. anything: the mean of those.
    preparation: of one seed, or None where nobody measured it. together: how many cells train as one batch. workers:
    how many batches are worked on at a time.
    """

    cells: dict[str, float]
    anything: float
    preparation: float | None
    together: int
    workers: int

    @classmethod
    def of(cls, recent: Sequence[tuple], shared: Sequence[tuple]) -> Pace:
        """recent: strategy, seed, round, seconds, finished of the last rounds. shared: seconds, finished of seeds."""
        spent: dict[str, list[float]] = {}
        batches: dict[float, list[float]] = {}  # cells that train together are stored together
        for strategy, _, _, seconds, finished in recent:
            share = sum(json.loads(seconds).values())
            spent.setdefault(strategy, []).append(share)
            batches.setdefault(finished, []).append(share)
        prepared = [sum(json.loads(seconds).values()) for seconds, _ in shared if seconds != "{}"]
        return cls(
            cells={strategy: float(np.mean(shares)) for strategy, shares in spent.items()},
            anything=float(np.mean([share for shares in spent.values() for share in shares])),
            preparation=float(np.mean(prepared)) if prepared else None,
            together=max(map(len, batches.values())),
            workers=_side_by_side({end: sum(shares) for end, shares in batches.items()}),
        )

    def seconds_left(
        self, config: StudyConfig, seeds: set[int], cells: dict[tuple, tuple], newest: float, now: float
    ) -> float | None:
        """Until all is done. seeds: those prepared. cells: rounds finished, and when the last was, by (strategy, seed).

        newest: when the last of all work was finished. Seconds since 1970.
        """
        unprepared = config.seeds - len(seeds)
        if unprepared and self.preparation is None:
            return None
        begun, waiting = [], [self.preparation or 0.0] * unprepared
        for seed in range(config.seeds):
            for first in range(0, len(config.strategies), self.together):
                names = config.strategies[first : first + self.together]
                rounds = {name: cells.get((name, seed), (0, newest)) for name in names}
                seconds = sum((config.rounds - rounds[name][0]) * self._of(name) for name in names)
                if not any(count for count, _ in rounds.values()):
                    waiting.append(seconds)
                elif seconds:
                    since = now - max(finished for _, finished in rounds.values())
                    begun.append(seconds - min(since, sum(map(self._of, names)), seconds))
        # A process without a round to its credit has begun with what comes next when the last work was finished.
        for place in range(min(len(waiting), max(0, self.workers - len(begun)))):
            waiting[place] -= min(now - newest, waiting[place])
        return _until_all_are_done([*begun, *waiting], self.workers)

    def _of(self, strategy: str) -> float:
        return self.cells.get(strategy, self.anything)


def _side_by_side(batches: dict[float, float]) -> int:
    """How many batches were in work at once. batches: when each ended, and how long it took."""
    latest = sorted(batches.items(), reverse=True)[:_ALONGSIDE]
    ends, seconds = np.array(latest).T
    starts = ends - seconds
    overlap = (starts[:, None] <= starts + _INSTANT) & (ends[:, None] > starts + _INSTANT)  # of row, when column began
    return int(overlap.sum(axis=0).max(initial=1))


def _until_all_are_done(tasks: Sequence[float], workers: int) -> float:
    """Seconds until tasks of so many seconds are done, if each of the workers takes the next one when it is free."""
    free = [0.0] * workers
    for seconds in tasks:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def _answers(study: Study, info: StudyInfo) -> str:
    """What a teacher from outside, which may take long, has answered so far."""
    if not study.config.outside or info.status != "running":
        return ""
    return f" {answered(study.path):,} answers of the teacher so far."


def _phase(info: StudyInfo, prepared: int, config: StudyConfig, recent: Sequence[tuple]) -> str:
    if info.status != "running":
        words = {
            "planned": "Not started yet.",
            "queued": "Waits for its turn.",
            "paused": "Paused.",
            "cancelled": "Cancelled.",
            "finished": "Finished.",
        }
        return info.message or words.get(info.status, info.status.capitalize() + ".")
    if info.rounds_done == info.rounds_total:
        return "Finishing."
    if prepared < config.seeds and info.rounds_done == prepared * (info.rounds_total // config.seeds):
        what = "Asking the teacher and training" if config.outside else "Training teachers and"
        seeds = "seed" if config.seeds == 1 else "seeds"
        return f"{what} first students: {prepared} of {config.seeds} {seeds} done."
    if not recent:
        return "Buying the first labels."
    strategy, seed, number, *_ = recent[0]
    return f"Last finished: {strategy}, seed {seed}, round {number}."
