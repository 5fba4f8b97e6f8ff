"""The commands as people type them: results, help, and one clear sentence with exit code 2 for bad input."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import attrs
import numpy as np
import pandas as pd
import pytest

from rad_core.cli import COMMANDS
from rad_core.config import StudyConfig
from rad_core.store.catalogue import create_study, list_studies, open_study
from tests.conftest import tiny_config
from tests.running.test_endings import at_work, processes_of, until

RAD = [sys.executable, "-m", "rad_core.cli"]


def rad(*arguments: object, code: int = 0) -> str:
    ran = subprocess.run([*RAD, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout if code == 0 else ran.stderr


def refused(*arguments: object) -> str:
    """The sentence of an error, which comes with exit code 2."""
    error = rad(*arguments, code=2)
    assert error.count("Error:") == 1
    return error


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "study.toml"
    path.write_text(tiny_config(name="A tiny study").to_toml())
    return path


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, study_file: Path) -> Path:
    """A store with one finished study, made by the command itself."""
    store = tmp_path_factory.mktemp("shared") / "store"
    out = rad("run", study_file, "--store", store, "--workers", 1)
    assert "finished, 4 of 4 rounds" in out
    assert "RAD minus each other rule" in out
    return store


def test_help_has_examples_for_every_command() -> None:
    assert "rad run" in rad("--help")
    for name in COMMANDS:
        out = rad(name, "--help")
        assert "Example" in out, name
        assert f"rad {name}" in out, name


def test_help_appears_at_once() -> None:
    began = time.perf_counter()
    rad("--help")
    assert time.perf_counter() - began < 2


def test_runs_and_show_as_json(shared_store: Path) -> None:
    (info,) = json.loads(rad("runs", "--store", shared_store, "--json"))
    assert info["status"] == "finished"
    assert info["name"] == "A tiny study"
    found = json.loads(rad("show", "latest", "--store", shared_store, "--json", "--targets", "0.2,0.99"))
    assert {row["strategy"] for row in found["strategies"]} == {"rad", "uniform"}
    needed = found["strategies"][0]["labels_needed"]
    assert (needed["0.99"]["labels"], needed["0.99"]["reached"], needed["0.99"]["seeds"]) == (None, 0, 1)
    assert found["worth_it"]["answer"] == "unknown"
    assert found["worth_it"]["sentence"].startswith("Too few repetitions to tell (1).")
    assert found["strategies"][0]["final"]["low"] is None
    table = open_study(shared_store, "latest").rounds_table()
    final = table[(table["strategy"] == "rad") & (table["round"] == 2)]["accuracy"].item()
    assert next(row for row in found["strategies"] if row["strategy"] == "rad")["final"]["mean"] == final


def test_show_tells_what_the_labels_cost(study_file: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    create_study(store, attrs.evolve(StudyConfig.from_toml(study_file), price_per_label=0.25, latency_per_label=6.0))
    out = rad("show", "latest", "--store", store)
    assert "The 20 soft labels of one strategy and seed cost 5.00 USD and 2 min of the teacher's time." in out


def test_runs_in_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    assert "start one with rad run" in rad("runs", "--store", tmp_path / "none")


def test_export_writes_the_same_files_each_time(shared_store: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        rad("export", "latest", "-o", tmp_path / folder, "--store", shared_store)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"rounds.csv", "rounds.parquet", "purchases.csv", "seconds.csv", "study.toml"} <= names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    purchases = pd.read_parquet(tmp_path / "one" / "purchases.parquet")
    assert len(purchases) == 2 * 2 * 10
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one" / "purchases.csv"), purchases, check_dtype=False)
    assert not any("seconds" in column for column in pd.read_csv(tmp_path / "one" / "rounds.csv").columns)
    assert "--force" in refused("export", "latest", "-o", tmp_path / "one", "--store", shared_store)
    rad("export", "latest", "-o", tmp_path / "one", "--store", shared_store, "--force")


def test_dry_run_prints_the_plan_and_starts_nothing(study_file: Path, tmp_path: Path) -> None:
    arguments = ["run", study_file, "--dry-run", "--price-per-label", "0.5", "--store", tmp_path / "s"]
    out = rad(*arguments)
    assert "2 strategies x 1 seeds = 2" in out
    assert "Teacher queries   40" in out
    assert "20.00 USD" in out
    assert json.loads(rad(*arguments, "--json"))["teacher_queries"] == 40
    assert not (tmp_path / "s").exists()


def test_options_win_over_the_file(study_file: Path) -> None:
    plan = json.loads(rad("run", study_file, "--rounds", 1, "--strategies", "rad", "--dry-run", "--json"))
    assert plan["teacher_queries"] == 10
    assert plan["config"]["strategies"] == ["rad"]


def test_delete_asks_first(shared_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(shared_store, store)
    rad("delete", "latest", "--store", store, code=130)  # nobody there to say yes
    rad("delete", "latest", "--store", store, "--yes")
    assert json.loads(rad("runs", "--store", store, "--json")) == []


def test_a_study_that_cannot_be_read_is_refused_everywhere_and_can_be_deleted(
    shared_store: Path, study_file: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(shared_store, store)
    (folder,) = store.iterdir()
    with sqlite3.connect(folder / "study.sqlite") as database:
        database.execute("pragma user_version = 99")
    before = {path: path.read_bytes() for path in folder.rglob("*.npy")}
    for arguments in (["show", "latest"], ["resume", "latest"], ["export", "latest", "-o", tmp_path / "out"]):
        assert "newer version" in refused(*arguments, "--store", store)
    assert "newer version" in rad("runs", "--store", store)
    assert before == {path: path.read_bytes() for path in folder.rglob("*.npy")}
    rad("delete", "latest", "--store", store, "--yes")
    assert not folder.exists()


def test_doctor_tells_device_versions_and_folders(tmp_path: Path) -> None:
    found = json.loads(rad("doctor", "--json", "--store", tmp_path))
    assert found["store"]["writable"] is True
    assert found["packages"]["torch"]
    assert "cp" in found["device"] or "cuda" in found["device"]
    assert str(tmp_path) in rad("doctor", "--store", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "none.toml"], "no study file none.toml"),
        (["run", "--strategies", "rad,best"], "'best'"),
        (["run", "--rounds", "0"], "rounds is 0"),
        (["run", "--rounds", "x"], "Invalid value for '--rounds'"),
        (["run", "--dataset", "folder:/nowhere"], "no folder /nowhere"),
        (["run", "--budget", "5000"], "lower --rounds or --budget"),
        (["run", "--labeled", "5000", "--dry-run"], "lower one of them"),
        (["run", "--labeled", "5"], "10 classes"),
        (["run", "--workers", "0"], "workers is 0"),
        (["run", "--device", "mps"], "--device cpu"),
        (["run", "--device", "cuda:7", "--workers", "1"], "device is 'cuda:7'"),
        (["run", "--student", "resnet18"], "color images"),
        (["run", "--strategies", "rad", "--teacher", "table:none.npy"], "no file none.npy"),
        (["run", "--store", "/dev/null/store"], "cannot be written"),
        (["show", "nothing-here"], "There is no study 'nothing-here'"),
        (["show", "latest"], "There are no studies"),
        (["show", "latest", "--targets", "high"], "not a list of numbers"),
        (["resume", "latest"], "There are no studies"),
        (["export", "latest"], "Say where to write"),
        (["delete", "../x", "--yes"], "There is no study"),
        (["frobnicate"], "No such command"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list, words: str) -> None:
    assert words in refused(*arguments)


def test_an_impossible_study_leaves_nothing_behind(tmp_path: Path) -> None:
    for arguments in (
        ["--budget", 5000],
        ["--teacher", "mobilenet"],
        ["--teacher", "table:none.npy", "--strategies", "rad"],
    ):
        refused("run", "--store", tmp_path / "store", *arguments)
    assert json.loads(rad("runs", "--store", tmp_path / "store", "--json")) == []


# --- rad select ------------------------------------------------------------------------------------------------------


@pytest.fixture
def probabilities() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(4), 200)


def write_scores(path: Path, probabilities: np.ndarray) -> Path:
    frame = pd.DataFrame(probabilities, columns=["cat", "dog", "emu", "fox"])
    frame.insert(0, "id", [f"img-{row}" for row in range(len(frame))])
    if path.suffix == ".npy":
        np.save(path, probabilities)
    elif path.suffix == ".npz":
        np.savez(path, probabilities=probabilities, other=np.arange(3))
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
@pytest.mark.parametrize("out", ["picks.csv", "picks.parquet"])
def test_select_from_and_to_every_format(suffix: str, out: str, probabilities: np.ndarray, tmp_path: Path) -> None:
    from rad_core import select

    file = write_scores(tmp_path / f"p{suffix}", probabilities)
    said = rad("select", "--probs", file, "--budget", 20, "--teacher-accuracy", 0.7, "-o", tmp_path / out, "--seed", 3)
    assert "Picked 20 of 200" in said
    picks = pd.read_csv(tmp_path / out) if out.endswith("csv") else pd.read_parquet(tmp_path / out)
    expected = select(probabilities, 20, teacher_accuracy=0.7, seed=3)
    names = [f"img-{row}" for row in expected] if suffix in (".csv", ".parquet") else expected.tolist()
    assert picks["id"].tolist() == names
    assert picks.columns.tolist() == ["id", "gain", "probability"]
    assert picks["probability"].between(0, 1).all()


def test_select_estimates_the_accuracy_from_validation_flags(probabilities: np.ndarray, tmp_path: Path) -> None:
    file = write_scores(tmp_path / "p.npy", probabilities)
    pd.DataFrame({"right": [1] * 70 + [0] * 30}).to_csv(tmp_path / "v.csv", index=False)
    arguments = [
        "select",
        "--probs",
        file,
        "--budget",
        20,
        "--validation",
        tmp_path / "v.csv",
        "-o",
        tmp_path / "o.csv",
    ]
    assert "70 of 100 validation points: 0.700, 95 % interval 0.600 to 0.788" in rad(*arguments)
    found = json.loads(rad(*arguments, "--lower-bound", "--json"))
    assert found["teacher_accuracy"] == found["estimate"]["lower_bound"] < 0.7


@pytest.mark.parametrize("strategy", ["uniform", "margin", "coreset", "badge", "cluster_margin", "unixkd"])
def test_select_by_every_strategy(strategy: str, probabilities: np.ndarray, tmp_path: Path) -> None:
    file = write_scores(tmp_path / "p.npy", probabilities)
    np.save(tmp_path / "f.npy", np.random.default_rng(1).normal(size=(200, 6)))
    arguments = ["--probs", file, "--features", tmp_path / "f.npy", "--budget", 12, "--teacher-accuracy", 0.7]
    rad("select", *arguments, "--strategy", strategy, "-o", tmp_path / "o.csv")
    picks = pd.read_csv(tmp_path / "o.csv")
    assert picks["id"].is_unique
    assert len(picks) == 12
    assert ("partner" in picks) == (strategy == "unixkd")


def broken(kind: str, folder: Path) -> Path:
    path = folder / "p.npy"
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    if kind == "nan":
        rows[3, 0] = np.nan
    elif kind == "sums":
        rows[3] *= 2
    elif kind == "shape":
        rows = rows[0]
    elif kind == "pickle":
        np.save(path, np.array([{}], object), allow_pickle=True)
        return path
    elif kind == "text":
        path.write_text("not numpy")
        return path
    elif kind == "suffix":
        path = folder / "p.xlsx"
        path.write_text("x")
        return path
    elif kind == "no header":
        path = folder / "p.csv"
        rows[0] = 0.25
        np.savetxt(path, rows, delimiter=",")
        return path
    elif kind == "words":
        path = folder / "p.csv"
        pd.DataFrame({"a": ["x", "y"], "b": [0.5, 0.5]}).to_csv(path, index=False)
        return path
    elif kind == "missing":
        return folder / "missing.npy"
    elif kind == "ids":
        path = folder / "p.csv"
        pd.DataFrame({"id": [1, 1], "a": [0.5, 0.5], "b": [0.5, 0.5]}).to_csv(path, index=False)
        return path
    np.save(path, rows)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nan", "Row 3"),
        ("sums", "Row 3 of probabilities sums to 2"),
        ("shape", "shape"),
        ("pickle", "plain arrays"),
        ("text", "not a readable .npy file"),
        ("no header", "begins with numbers"),
        ("suffix", ".parquet"),
        ("words", "Column 'a'"),
        ("missing", "There is no file"),
        ("ids", "must be different"),
    ],
)
def test_select_refuses_bad_files_and_writes_nothing(kind: str, words: str, tmp_path: Path) -> None:
    file = broken(kind, tmp_path)
    arguments = ["--probs", file, "--budget", 1, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.csv"]
    assert words in refused("select", *arguments)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", 201, "--teacher-accuracy", 0.7], "200 rows"),
        (["--budget", 5], "exactly one of"),
        (["--budget", 5, "--teacher-accuracy", 1.7], "between 0 and 1"),
        (["--budget", 5, "--teacher-accuracy", 0.7, "--lower-bound"], "--validation"),
        (["--budget", 5, "--teacher-accuracy", 0.7, "--strategy", "badge"], "features"),
        (["--budget", 5, "--teacher-accuracy", 0.7, "--strategy", "best"], "rad, uniform"),
        (["--budget", 5, "--teacher-accuracy", 0.7, "-o", "/nowhere/o.csv"], "no folder /nowhere"),
        (["--budget", 5, "--teacher-accuracy", 0.7, "-o", "o.xlsx"], ".csv or .parquet"),
    ],
)
def test_select_refuses_bad_options(arguments: list, words: str, probabilities: np.ndarray, tmp_path: Path) -> None:
    file = write_scores(tmp_path / "p.npy", probabilities)
    output = [] if "-o" in arguments else ["-o", tmp_path / "o.csv"]
    assert words in refused("select", "--probs", file, *arguments, *output)


# --- interruptions ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_command_resumes_an_interrupted_study(study_file: Path, tmp_path: Path) -> None:
    from rad_core.running.engine import Event, StudyStopped, run_study

    study = create_study(tmp_path, StudyConfig.from_toml(study_file), "interrupted-one")

    def cancel(event: Event) -> None:
        study.request("cancel")

    with pytest.raises(StudyStopped):
        run_study(study, workers=1, on_event=cancel)
    rad("run", study_file, "--store", tmp_path, "--workers", 1)
    (info,) = json.loads(rad("runs", "--store", tmp_path, "--json"))
    assert (info["id"], info["status"]) == ("interrupted-one", "finished")
    rad("run", study_file, "--store", tmp_path, "--workers", 1, "--new", "--no-full-pool", "--rounds", 1)
    assert len(json.loads(rad("runs", "--store", tmp_path, "--json"))) == 2


@pytest.mark.slow
def test_ctrl_c_pauses_and_says_how_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(tiny_config(student_steps=20_000).to_toml())
    process = subprocess.Popen(
        [*RAD, "run", str(file), "--store", str(tmp_path / "s")], stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 120
    while [info.status for info in list_studies(tmp_path / "s")] != ["running"]:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "rad resume" in error
    assert "Traceback" not in error
    (info,) = json.loads(rad("runs", "--store", tmp_path / "s", "--json"))
    assert info["status"] == "paused"


@pytest.mark.slow
def test_workers_leave_with_a_killed_parent(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(tiny_config(student_steps=50_000).to_toml())
    process = subprocess.Popen([*RAD, "run", str(file), "--store", str(tmp_path / "s"), "--workers", "2", "--quiet"])
    until(lambda: [info.status for info in list_studies(tmp_path / "s")] == ["running"])
    until(lambda: at_work(process.pid) > 0)
    time.sleep(1)
    assert process.poll() is None
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    until(
        lambda: not processes_of(str(tmp_path)) and not any(Path(f"/proc/{worker}").exists() for worker in workers), 10
    )
    assert json.loads(rad("runs", "--store", tmp_path / "s", "--json"))[0]["status"] == "lost"
