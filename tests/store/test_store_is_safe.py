"""The store: whole rounds or none, readable while written, closed to whoever would lead it astray."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rad_core import files
from rad_core.errors import InputError, StoreError
from rad_core.running import launch
from rad_core.store.catalogue import create_study, delete_study, list_studies, open_study
from rad_core.store.database import DATABASE, SCHEMA, writing
from rad_core.store.study import Best, Study
from tests.conftest import tiny_config

ID = "made-study"


def filled(store: Path) -> Study:
    study = create_study(store, tiny_config(), ID)
    study.put_seed(0, {"pool_labels": np.arange(5)}, {"teacher_accuracy": 0.7, "classes": ["a"]}, {"w": np.ones(2)})
    study.put_round("", 0, 0, {"gains": np.arange(5, dtype=np.uint16)}, {"accuracy": 0.5, "labels": 0.0}, {})
    for round in (1, 2):
        metrics = {"accuracy": 0.5 + round / 10, "labels": 10.0 * round}
        study.put_round("rad", 0, round, {"bought": np.arange(round)}, metrics, {"train": 1.0})
    return study


def test_what_is_put_is_got(store: Path) -> None:
    filled(store)
    study = open_study(store, ID)
    assert study.config == tiny_config().resolved()
    assert study.seeds() == [0]
    assert study.seed_metrics(0)["teacher_accuracy"] == 0.7
    np.testing.assert_array_equal(study.seed_array(0, "pool_labels"), np.arange(5))
    np.testing.assert_array_equal(study.teacher_state(0)["w"], np.ones(2))
    assert study.finished_rounds("rad", 0) == [0, 1, 2]
    assert study.finished_rounds("uniform", 0) == [0]
    assert study.round_metrics("rad", 0, 2)["accuracy"] == 0.7
    assert study.round_metrics("uniform", 0, 0)["accuracy"] == 0.5
    array = study.round_array("rad", 0, 2, "bought")
    np.testing.assert_array_equal(array, [0, 1])
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 3
    table = study.rounds_table()
    assert table[["strategy", "round"]].to_numpy().tolist() == [["rad", 0], ["rad", 1], ["rad", 2], ["uniform", 0]]


def test_writing_again_changes_nothing_but_the_clock(store: Path) -> None:
    study = filled(store)
    before, version = study.content_digest(), study.version()
    metrics = {"accuracy": 0.7, "labels": 20.0}
    study.put_round("rad", 0, 2, {"bought": np.arange(2)}, metrics, {"train": 9.0})
    study.log("a line")
    assert study.content_digest() == before
    assert study.version() > version
    study.put_round("rad", 0, 2, {"bought": np.arange(3)}, metrics, {})
    assert study.content_digest() != before


def finals(study: Study, accuracies: dict[str, list[float]]) -> None:
    """Last rounds of the first seeds of each strategy."""
    for strategy, of_seeds in accuracies.items():
        for seed, accuracy in enumerate(of_seeds):
            study.put_round(strategy, seed, study.config.rounds, {}, {"accuracy": accuracy, "labels": 20.0}, {})


def test_the_best_strategy_is_the_best_on_the_same_seeds(store: Path) -> None:
    """The first seed is an easy one: on it all are better than on the second."""
    study = create_study(store, tiny_config(strategies=("rad", "uniform", "oracle"), seeds=2), ID)
    assert study.best() is None
    finals(study, {"uniform": [0.8], "oracle": [1.0]})
    assert (study.best(), study.info().best) == (None, ""), "nothing to compare with yet"
    finals(study, {"rad": [0.9, 0.5]})
    assert study.best() == Best("rad", 0.9, 1)
    assert study.info().best == "rad", "uniform has 0.8 on the seed that both have finished"
    finals(study, {"uniform": [0.8, 0.7]})
    assert study.best() == Best("uniform", pytest.approx(0.75), 2)


def test_a_file_that_goes_while_it_is_looked_at_was_not_there(tmp_path: Path) -> None:
    """Another process deletes the lock that it gives up, the log of the study that it deletes, or a database's log."""
    path, over = tmp_path / "1.lock", threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            path.touch()
            path.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(5000):
            assert not files.is_locked(path)
            assert files.size_of(path) == 0
            launch.trim(path)
    finally:
        over.set()
        other.join()


def test_studies_are_found_by_prefix_and_as_latest(store: Path) -> None:
    create_study(store, tiny_config(), "abc-first-one")
    create_study(store, tiny_config(), "abd-second-one")
    assert open_study(store, "abd").id == "abd-second-one"
    assert open_study(store, "latest").id == "abd-second-one"
    with pytest.raises(InputError, match="it fits abc-first-one, abd-second-one"):
        open_study(store, "ab")
    with pytest.raises(InputError, match="no study 'xyz'"):
        open_study(store, "xyz")
    with pytest.raises(InputError, match="There are no studies"):
        open_study(store / "empty", "latest")


@pytest.mark.parametrize("id", ["../made-study", "..", "/etc", "made-study/../made-study", "UPPER-CASE", "", "a*"])
def test_no_id_leads_out_of_the_store(store: Path, id: str) -> None:
    filled(store)
    with pytest.raises(InputError):
        open_study(store, id)
    with pytest.raises(InputError):
        delete_study(store, id)
    with pytest.raises(InputError):
        create_study(store, tiny_config(), id or "x")
    assert open_study(store, ID).seeds() == [0]


def test_links_are_not_followed(store: Path, tmp_path: Path) -> None:
    study = filled(store)
    np.save(tmp_path / "secret.npy", np.arange(3))
    target = study.path / "seed-0" / "pool_labels.npy"
    target.unlink()
    target.symlink_to(tmp_path / "secret.npy")
    with pytest.raises(InputError, match="leads out"):
        study.seed_array(0, "pool_labels")
    (store / "linked-study").symlink_to(study.path)
    assert [info.id for info in list_studies(store)] == [ID]


def test_pickled_arrays_are_refused(store: Path) -> None:
    study = filled(store)
    np.save(study.path / "seed-0" / "pool_labels.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        study.seed_array(0, "pool_labels")


def test_a_newer_store_is_refused_and_left_alone(store: Path) -> None:
    study = filled(store)
    with sqlite3.connect(study.path / DATABASE) as database:
        database.execute(f"pragma user_version = {SCHEMA + 1}")
    for action in (study.seeds, lambda: study.set_status("paused"), lambda: study.put_round("rad", 0, 3, {}, {}, {})):
        with pytest.raises(InputError, match="newer version"):
            action()
    assert list_studies(store)[0].status == "unreadable"


def test_a_corrupt_study_says_why_and_hides_no_other(store: Path) -> None:
    filled(store)
    create_study(store, tiny_config(), "good-study")
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (store / ID / name).unlink(missing_ok=True)
    (store / ID / DATABASE).write_bytes(b"this is no database" * 100)
    found = {info.id: info for info in list_studies(store)}
    assert found[ID].status == "unreadable"
    assert "cannot be read" in found[ID].message
    assert found["good-study"].status == "planned"


def test_only_one_process_runs_a_study(store: Path) -> None:
    study = filled(store)
    code = (
        "import sys; from pathlib import Path; from rad_core.store.study import Study; Study(Path(sys.argv[1])).lock()"
    )
    with study.lock():
        assert Study(study.path).is_locked()
        ran = subprocess.run(
            [sys.executable, "-c", code + ".__enter__()", str(study.path)], capture_output=True, text=True
        )
        assert "being run by another process" in ran.stderr
        with pytest.raises(StoreError, match="another process"):
            delete_study(store, ID)
    assert not study.is_locked()


def test_a_running_study_whose_process_is_gone_is_lost(store: Path) -> None:
    study = filled(store)
    with study.lock():
        study.set_status("running")
        assert study.info().status == "running"
    assert study.info().status == "lost"


def test_deleting_leaves_nothing(store: Path) -> None:
    filled(store)
    delete_study(store, ID)
    assert list(store.iterdir()) == []


WRITER = """
import sys, numpy as np
from pathlib import Path
from rad_core.store.study import Study
study = Study(Path(sys.argv[1]))
for round in range(1, 10_000):
    arrays = {name: np.full(20_000, round) for name in ("bought", "gains")}
    study.put_round("rad", 0, round, arrays, {"accuracy": 0.5, "labels": float(round)}, {})
"""


def test_readers_see_whole_rounds_while_a_writer_writes_and_is_killed(store: Path) -> None:
    study = create_study(store, tiny_config(), ID)
    study.put_round("", 0, 0, {}, {"accuracy": 0.5, "labels": 0.0}, {})
    rng = np.random.default_rng(0)
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(study.path)])
        end = time.monotonic() + 0.8 + rng.random()
        while time.monotonic() < end:
            for round in study.finished_rounds("rad", 0)[-2:]:
                if round > 0:
                    for name in ("bought", "gains"):
                        array = study.round_array("rad", 0, round, name)
                        assert array.shape == (20_000,)
                        assert (array == round).all()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        table = study.rounds_table()
        assert table[table["strategy"] == "rad"]["round"].tolist() == study.finished_rounds("rad", 0)
    assert study.finished_rounds("rad", 0)[-1] > 3
    with study.lock():
        assert not list(study.path.rglob(f"*{files.PARTIAL}"))


def test_a_read_only_store_can_be_read(store: Path) -> None:
    study = filled(store)
    digest = study.content_digest()
    if os.geteuid() == 0:  # root writes everywhere; what is tested is the path taken when nothing can be written
        original = os.access
        os.access = lambda path, mode, **more: mode != os.W_OK and original(path, mode, **more)  # type: ignore[assignment]
        try:
            assert Study(study.path).content_digest() == digest
        finally:
            os.access = original
        return
    (study.path / DATABASE).chmod(0o444)
    study.path.chmod(0o555)
    try:
        assert Study(study.path).content_digest() == digest
    finally:
        study.path.chmod(0o755)


def test_an_unwritable_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be written.*--store"):
        create_study(tmp_path / "file" / "store", tiny_config())


def test_a_full_disk_is_named_and_loses_nothing(store: Path) -> None:
    """A limit on file sizes fails a write in the middle, as a full disk does."""
    study = filled(store)
    before = study.content_digest()
    code = """
import resource, signal, sys, numpy as np
from pathlib import Path
from rad_core.errors import StoreError
from rad_core.store.study import Study
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
metrics = {"accuracy": 1.0, "labels": 9.0}
try:
    Study(Path(sys.argv[1])).put_round("rad", 0, 3, {"gains": np.zeros(1_000_000)}, metrics, {})
except StoreError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", code, str(study.path)], capture_output=True, text=True)
    assert "no room left" in ran.stdout, ran.stderr
    assert study.content_digest() == before
    assert not list(study.path.rglob(f"*{files.PARTIAL}"))


def test_many_rounds_are_read_quickly(store: Path) -> None:
    config = tiny_config(strategies=("rad", "uniform", "margin", "entropy", "badge"), seeds=10, rounds=10)
    study = create_study(store, config, ID)
    with writing(study.path) as database:
        rows = [
            (strategy, seed, round, '{"accuracy": 0.5, "labels": 1.0}', "[]", "{}", 0.0)
            for strategy in config.strategies
            for seed in range(10)
            for round in range(1, 11)
        ]
        database.executemany("insert into rounds values (?, ?, ?, ?, ?, ?, ?)", rows)
    study.rounds_table()
    began = time.perf_counter()
    assert len(study.rounds_table()) == 500
    assert time.perf_counter() - began < 0.5
