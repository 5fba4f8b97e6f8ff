"""How far a study is and how long it will still take, told from its store alone."""

from __future__ import annotations

import json
import time

import attrs
import numpy as np

from rad_core.study.database import reading
from rad_core.study.record import SHARED, Study, StudyInfo

_RECENT = 64  # rounds that tell how fast the work goes


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
        query = "select strategy, count(*) from rounds where strategy != ? group by strategy"
        done = dict(database.execute(query, [SHARED]).fetchall())
        seeds = database.execute("select count(*) from seeds").fetchone()[0]
    left = {name: config.seeds * config.rounds - done.get(name, 0) for name in config.strategies}
    trainings = 1 + config.full_pool + config.teacher_steps / config.student_steps  # in the preparation of a seed
    return Progress(
        done=info.rounds_done + seeds,
        total=info.rounds_total + config.seeds,
        seconds_left=_seconds_left(recent, left, (config.seeds - seeds) * trainings)
        if info.status == "running"
        else None,
        phase=_phase(info, seeds, config.seeds, recent),
    )


def _seconds_left(recent: list[tuple], left: dict[str, int], preparations: float) -> float | None:
    """The work left at the speed of the last rounds. preparations: of seeds, in rounds that take as long."""
    if not recent:
        return None
    spent = np.array([sum(json.loads(row[3]).values()) for row in recent])
    ended = np.array([row[4] for row in recent])
    mean = float(spent.mean())
    means = {name: spent[[row[0] == name for row in recent]] for name in left}
    work = preparations * mean + sum(
        count * (float(means[name].mean()) if len(means[name]) else mean) for name, count in left.items()
    )
    # The rounds that overlap in time tell how many run side by side; a pause between them does not count.
    side_by_side = max(1.0, float(spent.sum()) / max(_covered(ended - spent, ended), 1e-9))
    since = min(time.time() - float(ended.max()), mean)
    return max(0.0, work / side_by_side - max(0.0, since))


def _covered(starts: np.ndarray, ends: np.ndarray) -> float:
    """The length of the union of intervals."""
    order = np.argsort(starts)
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    gaps = np.maximum(starts[1:] - ends[:-1], 0)
    return float(ends[-1] - starts[0] - gaps.sum())


def _phase(info: StudyInfo, prepared: int, seeds: int, recent: list[tuple]) -> str:
    if info.status != "running":
        words = {
            "planned": "Not started yet.", "queued": "Waits for its turn.", "paused": "Paused.",
            "cancelled": "Cancelled.", "finished": "Finished.",
        }  # fmt: skip
        return info.message or words.get(info.status, info.status.capitalize() + ".")
    if info.rounds_done == info.rounds_total:
        return "Finishing."
    if not recent or (prepared < seeds and info.rounds_done == prepared * (info.rounds_total // seeds)):
        return f"Training the teacher and the first students of seed {prepared + 1} of {seeds}."
    strategy, seed, round, *_ = recent[0]
    return f"Last finished: {strategy}, seed {seed + 1} of {seeds}, round {round}."
