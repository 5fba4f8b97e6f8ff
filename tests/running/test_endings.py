"""However a study is ended short of kill -9, it is paused; and no process outlives the study that it works for."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from rad_core.errors import StoreError
from rad_core.running import launch
from rad_core.running.maps import start_map
from rad_core.store.catalogue import create_study, delete_study, open_study
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.sound_study import make_sound

RAD = [sys.executable, "-m", "rad_core.cli"]


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def running(store: Path, workers: int) -> tuple[subprocess.Popen[str], Study]:
    """`rad run` of a study that never finishes, on its way."""
    create_study(store, tiny_config(student_steps=1_000_000, full_pool=False), "endless-study")
    command = [*RAD, "resume", "endless-study", "--store", str(store), "--workers", str(workers), "--quiet"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    study = open_study(store, "endless-study")
    until(lambda: study.info().status == "running")
    return process, study


def processes_of(text: str) -> list[int]:
    """The living processes whose command line holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # one that is just ending
            continue
    return found


def at_work(parent: int) -> int:
    """How many processes of a study compute already: they have loaded what they compute with."""
    found = 0
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):
            found += "libtorch_cpu" in Path(f"/proc/{child}/maps").read_text()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(  # every two of the three together
    ("ending", "whom", "workers"),
    [
        (signal.SIGTERM, "the process", 1),
        (signal.SIGTERM, "its whole group", 2),
        (signal.SIGHUP, "the process", 2),
        (signal.SIGHUP, "its whole group", 1),
    ],
)
def test_a_study_in_the_foreground_that_is_ended_is_paused(
    store: Path, ending: signal.Signals, whom: str, workers: int
) -> None:
    process, study = running(store, workers)
    if workers > 1:
        until(lambda: at_work(process.pid) > 0)
    time.sleep(1)
    if whom == "the process":
        process.send_signal(ending)
        process.send_signal(ending)
    else:
        os.killpg(process.pid, ending)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Paused; every finished round is kept. Go on with: rad resume endless-study" in said
    if ending == signal.SIGTERM:  # with a terminal that is closed goes Python's resource tracker, loudly, unread
        assert "Traceback" not in said
    assert study.info().status == "paused"
    until(lambda: not processes_of(str(store)), 20)


@pytest.mark.slow
def test_nohup_keeps_a_study_running(store: Path) -> None:
    create_study(store, tiny_config(student_steps=1_000_000, full_pool=False), "endless-study")
    study = open_study(store, "endless-study")
    command = [*RAD, "resume", "endless-study", "--store", str(store), "--workers", "1", "--quiet"]
    ignore = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", ignore, *command], stderr=subprocess.DEVNULL)
    until(lambda: study.info().status == "running")
    process.send_signal(signal.SIGHUP)
    time.sleep(2)
    assert process.poll() is None
    process.terminate()
    process.wait(60)
    assert study.info().status == "paused"


def test_only_the_first_signal_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    written = ""
    with launch.interrupted_by(signal.SIGTERM):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            written = "paused"
    assert written == "paused"
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_must_not_be_interrupted_is_finished_first() -> None:
    written = ""

    def start_a_process() -> None:
        nonlocal written
        with launch.uninterrupted(signal.SIGTERM):
            os.kill(os.getpid(), signal.SIGTERM)
            written = subprocess.check_output(["grep", "SigBlk", "/proc/self/status"], text=True)

    with launch.interrupted_by(signal.SIGTERM), pytest.raises(KeyboardInterrupt):
        start_a_process()
    assert int(written.split()[1], 16) >> (signal.SIGTERM - 1) & 1, "a process started meanwhile gets it"


def test_an_interrupt_that_is_lost_comes_again_until_it_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_AGAIN_SECONDS", 0.2)
    arrived = 0
    with launch.interrupted_by(signal.SIGTERM):
        for _ in range(3):
            try:
                if not arrived:
                    os.kill(os.getpid(), signal.SIGTERM)
                for _ in range(50):
                    time.sleep(0.1)  # an interrupt from another thread ends no sleep
            except KeyboardInterrupt:
                arrived += 1
                if arrived == 3:
                    launch.hear()
        time.sleep(1)
    assert arrived == 3


def test_an_interrupt_that_came_through_a_text_of_a_library_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from rad_core.running import launch\n"
        "try:\n"
        "    exec('raise KeyboardInterrupt')\n"
        "except KeyboardInterrupt:\n"
        "    launch.hear()\n"
        "sys.exit(130)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    command = [sys.executable, "-m", "interrupted"]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}).returncode == 130


@pytest.mark.slow
@pytest.mark.parametrize("moved", [False, True])
def test_a_map_that_is_being_computed_ends_with_its_study(store: Path, tmp_path: Path, moved: bool) -> None:
    study = make_sound(store, "made-study")
    points = np.random.default_rng(0).normal(size=(30_000, 32)).astype(np.float16)  # a minute of work
    np.save(study.path / "seed-0" / "teacher_features.npy", points)
    np.save(study.path / "seed-0" / "pool_labels.npy", np.zeros(len(points), np.int16))
    start_map(study, 0)
    (process,) = processes_of(f"rad_core.running.maps\0{store}")
    time.sleep(3)
    if moved:
        study.path.rename(tmp_path / "elsewhere")
    else:
        delete_study(store, study.id)
    until(lambda: not Path(f"/proc/{process}").exists(), 40)
    assert list(store.iterdir()) == []


def test_a_process_ends_when_its_folder_goes_or_another_takes_its_place(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from rad_core.running import launch\n"
        "launch._LOOK_SECONDS = 0.1\n"
        "launch.end_with(Path(sys.argv[1])); print('here', flush=True); time.sleep(60)"
    )
    for change in (shutil.rmtree, lambda folder: folder.rename(tmp_path / "moved")):
        folder = tmp_path / "folder"
        folder.mkdir()
        process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        time.sleep(0.5)
        assert process.poll() is None
        change(folder)
        folder.mkdir()
        assert process.wait(10) == 1
        process.stdout.close()
        folder.rmdir()


def test_a_study_that_is_being_deleted_cannot_be_started(store: Path) -> None:
    study = make_sound(store, "made-study")
    with study.lock(), pytest.raises(StoreError, match="another process"):
        delete_study(store, study.id)
