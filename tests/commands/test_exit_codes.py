"""Every kind of error ends a command in one sentence and with an exit code of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rad_core import cli, errors
from rad_core.errors import DamagedError, InputError, RadError, StoreError, TrainingError, WorkerError, retold
from rad_core.running import engine, workers
from rad_core.store.catalogue import create_study
from rad_core.store.pack import pack
from tests.conftest import tiny_config
from tests.helpers.sound_study import make_sound

CODES = {RadError: 1, InputError: 2, DamagedError: 2, StoreError: 3, WorkerError: 4, TrainingError: 5}


def rad(*arguments: object, code: int, most: int = resource.RLIM_INFINITY) -> str:
    """What a command says that ends with this code; most: the bytes that a file of it may have, as on a full disk."""
    ran = subprocess.run(
        [sys.executable, "-m", "rad_core.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY)),
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("Error: ") == 1
    return ran.stderr


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn = [line.split() for line in (errors.__doc__ or "").splitlines() if line.strip().partition("Error ")[1]]
    assert {(words[0], int(words[1])) for words in drawn} == {(kind.__name__, code) for kind, code in CODES.items()}
    assert all(kind.exit_code == code for kind, code in CODES.items())
    assert issubclass(InputError, ValueError)
    assert not any(issubclass(kind, InputError) for kind in (StoreError, WorkerError, TrainingError))


@pytest.mark.parametrize("kind", CODES)
def test_the_command_line_knows_them_all(
    kind: type[RadError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**options: object) -> None:
        raise kind("It went\nwrong.")

    monkeypatch.setattr(cli, "cli", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == CODES[kind]
    assert capsys.readouterr().err == "Error: It went wrong.\n"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(2, InputError), (3, StoreError), (4, WorkerError), (5, TrainingError), (1, WorkerError), (-9, WorkerError)],
)
def test_the_error_of_another_process_is_told_again(code: int, kind: type[RadError]) -> None:
    assert type(retold(code, "It went wrong.")) is kind


def test_a_study_that_another_process_holds_is_no_bad_input(store: Path) -> None:
    study = make_sound(store, "made-study")
    with study.lock():
        assert "another process" in rad("delete", study.id, "--yes", "--store", store, code=3)


def test_a_full_disk_is_no_bad_input(store: Path, tmp_path: Path) -> None:
    study = make_sound(store, "made-study")
    arguments = ["pack", study.id, "-o", tmp_path / "made.rad.zip", "--store", store]
    assert "no room left" in rad(*arguments, code=3, most=100_000)
    assert not (tmp_path / "made.rad.zip").exists()


def test_a_damaged_archive_or_study_is_bad_input(store: Path, tmp_path: Path) -> None:
    study = make_sound(store, "made-study")
    archive = tmp_path / "made.rad.zip"
    pack(study, archive)
    archive.write_bytes(archive.read_bytes()[:-200])
    assert "damaged" in rad("unpack", archive, "--store", tmp_path / "other", code=2)
    (study.path / "study.sqlite").write_bytes(b"this is no database" * 100)
    assert "cannot be read" in rad("show", study.id, "--store", store, code=2)


def test_a_worker_that_dies_is_told_as_such(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = create_study(store, tiny_config(seeds=2))
    monkeypatch.setattr(workers, "_start_worker", _die)
    with pytest.raises(WorkerError, match="worker process ended unexpectedly"):
        engine.run_study(study, workers=2)
    assert (study.info().status, study.info().message[:16]) == ("failed", "A worker process")


def _die(*arguments: object) -> None:
    raise SystemExit(1)


def test_training_that_diverges_is_no_defect(store: Path) -> None:
    study = create_study(store, tiny_config(learning_rate=10.0, weight_decay=10.0, student_steps=200))
    with pytest.raises(TrainingError, match="diverged"):
        engine.run_study(study, workers=1)
    assert "diverged" in study.info().message
