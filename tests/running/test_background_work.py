"""Studies in the background: they outlive who started them, wait for their turn, stop when asked, and fail in words."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import attrs
import pytest

from rad_core.config import StudyConfig
from rad_core.errors import InputError, WorkerError
from rad_core.folders import queue_folder
from rad_core.running import worker
from rad_core.running.engine import run_study
from rad_core.running.maps import map_state, read_map
from rad_core.running.plan import outline
from rad_core.running.plan_job import PlanJob, request_plan
from rad_core.running.progress import progress
from rad_core.running.queue import turn
from rad_core.running.worker import OUTPUT, read_output
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config

OVER = ("paused", "cancelled", "failed", "finished", "lost")


def start(study: Study, workers: int | None = None) -> None:
    worker.start(study, workers, with_map=False)


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def until_over(study: Study, seconds: float = 120.0) -> str:
    until(lambda: study.info().status in OVER, seconds)
    return study.info().status


def until_status(study: Study, status: str, seconds: float = 120.0) -> None:
    until(lambda: study.info().status == status, seconds)


def until_rounds(study: Study, count: int) -> None:
    until(lambda: study.info().rounds_done >= count)


def process_of(study: Study) -> int:
    """The process that runs a study in the background: it leads a session, and its command line names the study."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # one that is just ending
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if study.id.encode() in words and os.getsid(int(folder.name)) == int(folder.name):
                return int(folder.name)
    raise AssertionError("nothing runs the study")


def long_config(**changes: object) -> StudyConfig:
    """A study that is not over by the time a test has looked at it."""
    return tiny_config(**{"rounds": 10, "student_steps": 30, "full_pool": False, **changes})


def endless_config() -> StudyConfig:
    """A study that never finishes a round while a test waits."""
    return long_config(student_steps=1_000_000)


def in_another_process(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_study_outlives_the_process_that_started_it(store: Path) -> None:
    study = create_study(store, tiny_config())
    in_another_process(
        "from pathlib import Path; from rad_core.store.catalogue import open_study\n"
        "from rad_core.running.worker import start\n"
        f"start(open_study(Path({str(store)!r}), {study.id!r}), workers=1, with_map=False)\n"
        "import sys; assert 'torch' not in sys.modules\n"
        f"assert open_study(Path({str(store)!r}), {study.id!r}).info().status in ('queued', 'running')"
    )
    assert until_over(study) == "finished"
    assert study.info().rounds_done == 4
    assert "rad, seed 0, round 2" in " ".join(text for _, text in study.read_log())
    assert read_output(study) == ""


@pytest.mark.slow
def test_in_the_background_the_result_is_the_same(store: Path) -> None:
    here, there = create_study(store, tiny_config(), "in-front"), create_study(store, tiny_config(), "behind")
    run_study(here, workers=1)
    start(there, workers=1)
    assert until_over(there) == "finished"
    assert here.content_digest() == there.content_digest()
    with pytest.raises(InputError, match="is finished; there is nothing left to run"):
        start(there)


def test_a_study_is_started_once_leaves_no_zombie_and_stops_in_the_middle_of_a_round(store: Path) -> None:
    study = create_study(store, endless_config())
    start(study, workers=1)
    with pytest.raises(InputError, match="already"):
        start(study)
    until_status(study, "running")
    process = process_of(study)
    study.request("cancel")
    assert until_over(study, 15) == "cancelled"
    assert study.info().rounds_done == 0
    until(lambda: not Path(f"/proc/{process}").exists(), 10)


def test_they_queue_in_the_order_of_coming_and_leave_the_queue_when_asked(store: Path) -> None:
    first, second, third, fourth = (create_study(store, endless_config(), f"study-{n}") for n in range(4))
    for study in (first, second, third, fourth):
        start(study, workers=1)
        assert study.info().status in ("queued", "running")
    until(lambda: "study-2 comes first" in fourth.info().message)
    assert [study.info().status for study in (second, third, fourth)] == ["queued"] * 3
    asked = time.monotonic()
    third.request("pause")
    second.request("cancel")
    assert (until_over(second), until_over(third)) == ("cancelled", "paused")
    assert time.monotonic() - asked < 1.5
    assert first.info().status == "running"
    assert fourth.info().status == "queued"
    until(lambda: "study-0 comes first" in fourth.info().message)
    assert progress(fourth).phase.startswith("Waits for its turn")
    first.request("pause")
    assert until_over(first) == "paused"
    until_status(fourth, "running")
    fourth.request("cancel")
    assert until_over(fourth) == "cancelled"


@pytest.mark.slow
def test_a_killed_study_gives_up_its_turn_and_ends_with_the_same_result(store: Path) -> None:
    whole, killed = create_study(store, long_config(), "the-whole"), create_study(store, long_config(), "the-killed")
    start(killed, workers=1)
    until_rounds(killed, 2)
    start(whole, workers=1)
    assert whole.info().status == "queued"
    process = process_of(killed)
    os.kill(process, signal.SIGKILL)
    until_status(killed, "lost", 5)
    assert killed.info().rounds_done < 20
    start(killed, workers=1)
    assert until_over(whole) == "finished"
    assert until_over(killed) == "finished"
    assert killed.content_digest() == whole.content_digest()


@pytest.mark.slow
def test_a_killed_study_takes_its_processes_with_it(store: Path) -> None:
    study = create_study(store, long_config(student_steps=300))
    start(study)
    until_rounds(study, 1)
    process = process_of(study)
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    assert len(children) >= 2
    os.kill(process, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 10)


def test_terminating_a_study_pauses_it(store: Path) -> None:
    study = create_study(store, endless_config())
    start(study, workers=1)
    until_status(study, "running")
    os.kill(process_of(study), signal.SIGTERM)
    assert until_over(study, 15) == "paused"
    assert "every finished round is kept" in study.info().message


def test_what_the_user_can_mend_is_told_in_one_sentence(store: Path) -> None:
    study = create_study(store, tiny_config(pool=100_000))
    start(study, workers=1)
    assert until_over(study) == "failed"
    assert study.info().message.startswith("digits has 1697 images")
    assert "Traceback" not in read_output(study)


def test_a_defect_is_told_in_one_sentence_and_its_traceback_is_in_the_log(store: Path) -> None:
    study = create_study(store, tiny_config())
    with sqlite3.connect(study.path / "study.sqlite") as database:  # a seed that claims to be there and is not right
        database.execute("insert into seeds values (0, '{}', '[\"labeled_ids\"]')")
    (study.path / "seed-0").mkdir()
    (study.path / "seed-0" / "labeled_ids.npy").symlink_to(study.path / "seed-0" / "labeled_ids.npy")
    start(study, workers=1)
    assert until_over(study) == "failed"
    message = study.info().message
    assert message.startswith("It stopped over a defect of the program: RuntimeError: ")
    assert "Traceback" not in message
    until(lambda: "Traceback" in read_output(study), 5)


def test_a_start_that_fails_at_once_says_why(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = create_study(store, tiny_config())
    broken = tmp_path / "broken" / "filelock"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('filelock is broken here')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    with pytest.raises(WorkerError, match="filelock is broken here"):
        start(study)
    assert study.info().status == "planned"


@pytest.mark.slow
def test_the_log_does_not_grow_without_bound(store: Path) -> None:
    study = create_study(store, tiny_config(rounds=1))
    (study.path / OUTPUT).write_bytes(b"x" * 3_000_000)
    start(study, workers=1)
    assert until_over(study) == "finished"
    assert (study.path / OUTPUT).stat().st_size < 10_000


def test_a_turn_frees_itself_when_its_holder_dies(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from pathlib import Path; from rad_core.running.queue import turn\n"
            f"with turn(Path({str(tmp_path)!r}), 'holder', lambda: 'cpu', print):\n"
            "    print('mine', flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "mine\n"
    waited = []

    def waits_for(other: str) -> None:
        waited.append(other)
        holder.kill()
        holder.wait()

    with turn(tmp_path, "other device", lambda: "cuda", lambda other: pytest.fail("another device is free")):
        pass
    with turn(tmp_path, "waiter", lambda: "cpu", waits_for):
        assert waited == ["holder"]
    holder.stdout.close()


@pytest.mark.slow
def test_progress_counts_and_estimates(store: Path) -> None:
    study = create_study(store, long_config())
    assert progress(study).phase == "Not started yet."
    assert (progress(study).done, progress(study).total) == (0, 21)
    start(study, workers=1)
    until_status(study, "running")
    assert progress(study).seconds_left is None or study.info().rounds_done
    assert "0 of 1 seed" in progress(study).phase
    until_rounds(study, 4)
    found, now = progress(study), time.monotonic()
    assert found.done >= 5
    assert found.seconds_left is not None
    began = time.perf_counter()
    for _ in range(10):
        progress(study)
    assert time.perf_counter() - began < 0.5
    assert until_over(study) == "finished"
    took = time.monotonic() - now
    assert abs(found.seconds_left - took) < 0.6 * took + 2.0
    assert (progress(study).done, progress(study).seconds_left, progress(study).phase) == (21, None, "Finished.")


def test_the_time_left_counts_rounds_side_by_side_and_no_pauses(store: Path) -> None:
    study = create_study(store, tiny_config(rounds=10, full_pool=False))
    study.put_seed(0, {}, {}, {})
    study.put_round("", 0, 0, {}, {"accuracy": 0.5}, {})
    for round in (1, 2, 3, 4):
        for strategy in ("rad", "uniform"):
            study.put_round(strategy, 0, round, {}, {"accuracy": 0.5}, {"train": 8.0, "score": 2.0})
    now = time.time()
    with study.lock(), sqlite3.connect(study.path / "study.sqlite") as database:
        # Two at a time, ten seconds a round, and a pause of an hour in the middle.
        for round, ago in ((1, 3630), (2, 3620), (3, 10), (4, 0)):
            for strategy, later in (("rad", 0.0), ("uniform", 0.1)):  # in two processes: stored at two moments
                row = [now - ago - later, strategy, round]
                database.execute("update rounds set finished = ? where strategy = ? and round = ?", row)
        database.execute("update meta set value = 'running' where key = 'status'")
        database.commit()
        found = progress(study)
    assert (found.done, found.total) == (9, 21)
    assert found.phase.startswith("Last finished: ")
    assert found.seconds_left is not None
    assert 55 < found.seconds_left <= 60


def wait_for(job: PlanJob) -> None:
    until(lambda: job.poll() is not None)


def test_a_plan_is_measured_beside_this_process_and_remembered() -> None:
    config = tiny_config(price_per_label=2.0)
    began = time.perf_counter()
    job = request_plan(config)
    assert time.perf_counter() - began < 0.5
    assert job.poll() is None
    assert request_plan(config) is job
    wait_for(job)
    found = job.poll()
    assert found is not None
    assert (found.cells, found.teacher_queries, found.price, found.pool) == (2, 40, 80.0, 200)
    assert found.estimated_seconds is not None
    assert 0 < found.estimated_seconds < 300
    dearer = attrs.evolve(config, price_per_label=3.0, name="dearer")
    known = request_plan(dearer).poll()
    assert known == dataclasses.replace(found, price=120.0)
    assert list((queue_folder() / "plans").iterdir())


def test_who_waits_for_a_plan_gets_it_though_another_visitor_waits_no_more() -> None:
    config = tiny_config(budget=11)
    gone, staying = request_plan(config, visitor="gone"), request_plan(config, visitor="staying")
    gone.cancel("gone")
    wait_for(staying)
    found = staying.poll()
    assert found is not None
    assert found.teacher_queries == 44


def test_nothing_is_measured_that_nobody_waits_for() -> None:
    config = tiny_config(budget=12)
    jobs = {name: request_plan(config, visitor=name) for name in ("one", "two")}
    for name, job in jobs.items():
        assert not job.is_over
        job.cancel(name)
    assert all(job.is_over for job in jobs.values())
    again = request_plan(config, visitor="one")
    assert not again.is_over, "measured anew"
    again.cancel("one")


@pytest.mark.slow
@pytest.mark.long
def test_many_visitors_ask_for_plans_and_leave_at_the_same_time() -> None:
    first = tiny_config(budget=13, seeds=2)
    wait_for(request_plan(first))
    [known] = (queue_folder() / "plans").iterdir()
    configs = [tiny_config(budget=13, seeds=2, name=f"study {number}") for number in range(40)]  # of the same time
    problems: list[BaseException] = []

    def visit(visitor: int) -> None:
        try:
            for turn in range(3000):
                job = request_plan(configs[(7 * visitor + turn) % len(configs)], visitor=visitor)
                assert job.poll() is not None
                job.cancel(visitor)
        except BaseException as problem:
            problems.append(problem)

    visitors = [threading.Thread(target=visit, args=[number]) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    finally:
        sys.setswitchinterval(interval)
    assert problems == []
    assert [known] == list((queue_folder() / "plans").iterdir()), "nothing else was measured"


def test_what_arithmetic_tells_of_a_plan_needs_no_measuring() -> None:
    found = outline(tiny_config(price_per_label=0.5, latency_per_label=2.0))
    assert (found.cells, found.trainings, found.teacher_queries) == (2, 6, 40)
    assert (found.price, found.teacher_seconds, found.estimated_seconds) == (20.0, 80.0, None)


@pytest.mark.slow
def test_a_plan_that_cannot_be_says_why_each_time_it_is_asked() -> None:
    job = request_plan(tiny_config(pool=100_000))
    for _ in range(2):
        with pytest.raises(InputError, match="digits has 1697 images"):
            wait_for(job)
    assert request_plan(tiny_config(pool=100_000)) is job
    assert request_plan(tiny_config(pool=100_000), again=True) is not job


def test_a_plan_that_takes_too_long_is_given_up() -> None:
    job = PlanJob(tiny_config(seeds=2).resolved(), None, timeout=0.0)
    with pytest.raises(WorkerError, match="took too long"):
        wait_for(job)


@pytest.mark.slow
@pytest.mark.long
def test_a_finished_study_has_its_map(store: Path) -> None:
    study = create_study(store, tiny_config())
    worker.start(study, workers=1)
    assert until_over(study) == "finished"
    assert not study.is_locked()
    until(lambda: map_state(study, 0) == "ready", 200)
    places = read_map(study, 0)
    assert places is not None
    assert places.shape == (200, 2)
