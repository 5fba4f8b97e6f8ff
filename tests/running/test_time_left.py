"""How long a study will still take: what is told is what comes, whatever trains together, however many work on it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rad_core.commands.time_left import TimeLeft
from rad_core.running.engine import Event, run_study
from rad_core.running.progress import progress
from rad_core.store.catalogue import create_study
from rad_core.store.rounds import Round
from rad_core.store.study import Study
from tests.conftest import tiny_config

PREPARED = 7.0  # seconds for a seed


def begun(store: Path, seeds: int, prepared: int, **changes: object) -> Study:
    """A study with some seeds prepared, at once and long ago."""
    study = create_study(store, tiny_config(seeds=seeds, rounds=10, **changes))
    for seed in range(prepared):
        study.put_round("", seed, 0, {}, {"accuracy": 0.5}, {"prepare": PREPARED})
        study.put_seed(seed, {}, {}, {})
    return study


def put(study: Study, seed: int, round: int, shares: Mapping[str, float]) -> None:
    """A round of cells that trained together, each with its share of the seconds."""
    study.put_rounds(
        [Round(name, seed, round, {}, {"accuracy": 0.5}, {"train": part}) for name, part in shares.items()]
    )


@contextmanager
def running(study: Study, ago: Mapping[tuple[int, int], float]) -> Iterator[None]:
    """The study as it is while it runs, at one moment. ago: seconds since the round of a seed was finished."""
    now = float(int(time.time()))
    with (
        study.lock(),
        closing(sqlite3.connect(study.path / "study.sqlite")) as database,
        pytest.MonkeyPatch.context() as at,
    ):
        at.setattr(time, "time", lambda: now)
        database.execute("update rounds set finished = ?", [now - 1e6])
        for (seed, round), seconds in ago.items():
            query = "update rounds set finished = ? where seed = ? and round = ?"
            database.execute(query, [now - seconds, seed, round])
        database.execute("update meta set value = 'running' where key = 'status'")
        database.commit()
        yield


def left(study: Study) -> float:
    found = progress(study).seconds_left
    assert found is not None
    return found


FOUR = ("rad", "uniform", "margin", "entropy")


def test_cells_that_train_together_are_no_processes_side_by_side(store: Path) -> None:
    study = begun(store, 1, 1, strategies=FOUR)
    for round in (1, 2, 3, 4):
        put(study, 0, round, dict.fromkeys(FOUR, 2.0))
    with running(study, {(0, round): 8.0 * (4 - round) for round in (1, 2, 3, 4)}):
        assert left(study) == pytest.approx(48), "six rounds of eight seconds"


def test_what_waits_for_a_process_is_not_spread_over_all_of_them(store: Path) -> None:
    """Three seeds for two processes: the third comes after the first two, in one of them alone."""
    study = begun(store, 3, 3)
    for round in (1, 2, 3, 4, 5):
        for seed, seconds in ((0, 2.0), (1, 2.0001)):
            put(study, seed, round, {"rad": seconds, "uniform": seconds})
    ago = {(seed, round): 4.0 * (5 - round) + 0.5 * seed for seed in (0, 1) for round in (1, 2, 3, 4, 5)}
    with running(study, ago):
        assert left(study) == pytest.approx(60, abs=1), "20 seconds until the first two are done, and 40 for the third"


def test_seeds_that_are_not_prepared_count_with_what_the_others_took(store: Path) -> None:
    study = begun(store, 2, 1)
    for round in range(1, 11):
        put(study, 0, round, {"rad": 1.0, "uniform": 1.0})
    with running(study, {(0, round): 2.0 * (10 - round) for round in range(1, 11)}):
        assert left(study) == pytest.approx(PREPARED + 20)


def test_the_work_in_hand_counts_down_and_never_below_nothing(store: Path) -> None:
    study = begun(store, 1, 1)
    for round in range(1, 10):
        put(study, 0, round, {"rad": 5.0, "uniform": 5.0})
    with running(study, {(0, round): 6 + 10.0 * (9 - round) for round in range(1, 10)}):
        assert left(study) == pytest.approx(4)
    with running(study, {(0, round): 600 + 10.0 * (9 - round) for round in range(1, 10)}):
        assert left(study) == 0


@pytest.mark.parametrize("prepared", [0, 1, 2])
def test_no_more_seeds_are_named_than_there_are(store: Path, prepared: int) -> None:
    study = begun(store, 2, prepared)
    with running(study, {}):
        phase = progress(study).phase
    ready = "Buying the first labels."
    assert phase == (ready if prepared else "Training teachers and first students: 0 of 2 seeds done.")


def test_the_progress_bar_tells_what_the_studio_tells(store: Path) -> None:
    study = begun(store, 1, 1, strategies=FOUR)
    column = TimeLeft(study)
    assert column.render(None).plain == "", "nothing is known yet"  # type: ignore[arg-type]
    for round in (1, 2, 3, 4):
        put(study, 0, round, dict.fromkeys(FOUR, 2.0))
    with running(study, {(0, round): 8.0 * (4 - round) for round in (1, 2, 3, 4)}):
        assert TimeLeft(study).render(None).plain == "about 50 s left"  # type: ignore[arg-type]


def test_what_is_told_of_a_real_study_is_what_comes(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five students train together. Time is counted in seconds of the processor: a busy machine changes nothing."""
    began = time.time()
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    monkeypatch.setattr(time, "time", lambda: began + time.process_time())
    strategies = ("rad", "uniform", "margin", "entropy", "oracle")
    study = create_study(store, tiny_config(strategies=strategies, seeds=2, rounds=5, student_steps=80))
    told: list[tuple[float, float]] = []

    def listen(event: Event) -> None:
        found = progress(study)
        if found.seconds_left:
            told.append((time.time(), found.seconds_left))

    run_study(study, workers=1, on_event=listen)
    came = [(time.time() - moment, seconds) for moment, seconds in told]
    assert len(came) > 20
    for seconds, said in came[:-10]:  # of the last rounds little is left, and every tenth of a second counts
        assert 0.5 < seconds / said < 2.0, f"{said:.2f} s were told and {seconds:.2f} s came"
