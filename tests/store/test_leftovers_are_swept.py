"""What a killed process was writing goes at the next start of a command; what a living one is at stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rad_core import partials
from rad_core.inputs.writing import write_table
from rad_core.store.catalogue import HALF, NEW, TRASH, create_study, delete_study
from tests.conftest import tiny_config
from tests.helpers.sound_study import make_sound

ID = "made-study"
WRITER = """
import sys, time
from pathlib import Path
from rad_core import partials
with partials.beside(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""
FOLDERS = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from rad_core import partials
with ExitStack() as stack:
    for prefix in sys.argv[2:]:
        (stack.enter_context(partials.own_folder(Path(sys.argv[1]), prefix)) / "file").write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


@contextmanager
def writing(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun to write, and has not ended; it is gone afterwards."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def rad(*arguments: object, cwd: Path) -> None:
    command = [sys.executable, "-m", "rad_core.cli", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert ran.returncode == 0, ran.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        ("pack", ID, "-o", "out/other.rad.zip"),
        ("unpack", "out/packed.rad.zip"),
        ("export", ID, "-o", "out"),
        ("export", ID, "--to", "out/study.md"),
    ],
    ids=lambda words: " ".join(words[:1] + words[2:3]),
)
def test_a_command_sweeps_the_folder_that_it_works_on(store: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    make_sound(store, ID)
    out = tmp_path / "out"
    out.mkdir()
    rad("pack", ID, "-o", out / "packed.rad.zip", "--store", store, cwd=tmp_path)
    (out / "somebody.elses.partial").write_text("a download")
    with writing(WRITER, out / "dead.rad.zip") as dead, writing(WRITER, out / "living.rad.zip"):
        kill(dead)
        assert len(names(out)) == 4
        rad(*command, "--store", store, cwd=tmp_path)
        left = [name for name in names(out) if name.endswith(partials.ENDING)]
        assert len(left) == 2
        assert left[0].startswith("living.rad.zip.")
        assert left[1] == "somebody.elses.partial"


@pytest.mark.parametrize("command", [("runs",), ("show", ID), ("doctor",)], ids=" ".join)
def test_any_command_sweeps_its_store(store: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    make_sound(store, ID)
    with writing(FOLDERS, store, NEW, HALF, TRASH) as dead, writing(FOLDERS, store, NEW, HALF, TRASH):
        assert len(names(store)) == 7
        kill(dead)
        rad(*command, "--store", store, cwd=tmp_path)
        assert len(names(store)) == 4
    rad(*command, "--store", store, cwd=tmp_path)
    assert names(store) == [ID]


def test_a_command_on_a_study_sweeps_what_was_written_into_it(store: Path, tmp_path: Path) -> None:
    study = make_sound(store, ID)
    with writing(WRITER, study.path / "rad-0" / "round-3-gains.npy") as dead:
        kill(dead)
        assert list(study.path.rglob(f"*{partials.ENDING}"))
        rad("show", ID, "--store", store, cwd=tmp_path)
    assert not list(study.path.rglob(f"*{partials.ENDING}"))


def test_a_study_whose_deletion_was_killed_is_gone_at_the_next_command(store: Path, tmp_path: Path) -> None:
    make_sound(store, ID)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom rad_core.store import catalogue\n"
        "def stop(*arguments, **more):\n    print('writing', flush=True)\n    time.sleep(600)\n"
        "catalogue.shutil.rmtree = stop\n"
        f"catalogue.delete_study(Path(sys.argv[1]), {ID!r})"
    )
    with writing(code, store) as deleting:
        (trash,) = names(store)
        assert trash.startswith(TRASH)
        rad("runs", "--store", store, cwd=tmp_path)
        assert names(store) == [trash], "a living process is at it"
        kill(deleting)
    rad("runs", "--store", store, cwd=tmp_path)
    assert names(store) == []


def test_snapshots_of_killed_packs_leave_the_temporary_folder(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    (temporary / "rad-pack-of-mine").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    study = make_sound(store, ID)
    with writing(FOLDERS, temporary, "rad-pack-") as dead:
        kill(dead)
        assert len(names(temporary)) == 2
        rad("pack", study.id, "-o", tmp_path / "x.rad.zip", "--store", store, cwd=tmp_path)
    assert names(temporary) == ["rad-pack-of-mine"]


def test_a_table_of_picks_leaves_nothing_half_behind(tmp_path: Path) -> None:
    with writing(WRITER, tmp_path / "picks.csv") as dead:
        kill(dead)
    write_table(tmp_path / "picks.csv", {"id": np.arange(3)})
    assert names(tmp_path) == ["picks.csv"]


def test_writers_and_sweepers_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            partials.sweep_files(tmp_path)
            partials.sweep(tmp_path.glob(".own-*"))

    sweepers = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in sweepers:
        thread.start()
    try:
        for number in range(300):
            with partials.beside(tmp_path / f"{number}.txt", lasting=False) as file:
                file.write(b"whole")
            with partials.own_folder(tmp_path, ".own-") as folder:
                (folder / "file").write_text("whole")
                assert (folder / "file").read_text() == "whole"
    finally:
        over.set()
        for thread in sweepers:
            thread.join()
    assert len(names(tmp_path)) == 300
    assert all((tmp_path / name).read_bytes() == b"whole" for name in names(tmp_path))


def test_a_store_that_cannot_be_written_is_left_as_it_is(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sound(store, ID)
    left = store / f"{TRASH}x"
    left.mkdir()
    (left / "file").write_text("half")

    def refuse(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr(os, "rmdir", refuse)
    partials.sweep([left])
    assert (left / "file").exists()


def test_deleting_and_making_studies_at_once_leaves_no_trash(store: Path) -> None:
    def make_and_delete(number: int) -> None:
        for turn in range(5):
            create_study(store, tiny_config(), f"study-{number}-{turn}")
            delete_study(store, f"study-{number}-{turn}")

    threads = [threading.Thread(target=make_and_delete, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(store) == []
