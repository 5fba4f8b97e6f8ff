"""`rad select` reads folders and patterns of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from rad_core.cli import cli
from rad_core.errors import InputError
from rad_core.inputs import pool
from tests.selection.test_stream import probabilities, write

CLASSES = [f"class {number}" for number in range(5)]


def run(*words: object) -> Any:
    return CliRunner().invoke(cli, ["select", *map(str, words)])


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_reads_a_pattern_and_excludes_by_text(tmp_path: Path) -> None:
    ids = [f"={number:05}" for number in range(3000)]
    write(tmp_path / "pool", probabilities(3000), 4, ids)
    asked = ["--probs", tmp_path / "pool" / "*.parquet", "--budget", 100, "--teacher-accuracy", 0.7]
    first = run(*asked, "-o", tmp_path / "first.csv", "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["pool"], told["files"], told["ids"]) == (3000, 4, "ids from column id, first =00000")
    assert told["guaranteed_gain"] > 0
    second = run(*asked, "--exclude", tmp_path / "first.csv", "-o", tmp_path / "second.parquet", "--json")
    assert second.exit_code == 0, second.output
    assert json.loads(second.stdout)["pool"] == 2900
    bought = set(pd.read_csv(tmp_path / "first.csv")["id"].str.removeprefix("'"))
    picks = pd.read_parquet(tmp_path / "second.parquet")
    assert len(picks) == 100
    assert set(picks["id"]) <= set(ids) - bought
    (tmp_path / "bad.txt").write_text("=00001\nx\n")
    refused = run(*asked, "--exclude", tmp_path / "bad.txt", "-o", tmp_path / "third.csv")
    assert "1 of the 2 ids in" in str(refused.exception)
    assert "where the pool has =00000" in str(refused.exception)


def test_the_ids_are_those_of_the_rows(tmp_path: Path) -> None:
    values = probabilities(1000)
    write(tmp_path / "named", values, 3, [f"x{number}" for number in range(1000)])
    write(tmp_path / "numbered", values, 3)
    for place in ("named", "numbered"):
        done = run(
            "--probs", tmp_path / place, "--budget", 50, "--teacher-accuracy", 0.7, "-o", tmp_path / f"{place}.csv"
        )
        assert done.exit_code == 0, done.output
    named, numbered = (pd.read_csv(tmp_path / f"{place}.csv") for place in ("named", "numbered"))
    assert (named["id"] == [f"x{row}" for row in numbered["id"]]).all()


def test_repeated_ids_among_the_picks_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "pool", probabilities(100), 2, [str(number % 50) for number in range(100)])
    done = run("--probs", tmp_path / "pool", "--budget", 100, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.csv")
    assert isinstance(done.exception, InputError)
    assert "must be different" in str(done.exception)
    assert "part-001.parquet are both called" in str(done.exception)
    assert not (tmp_path / "o.csv").exists()


def test_picks_are_not_written_over_the_pool(tmp_path: Path) -> None:
    folder = write(tmp_path / "pool", probabilities(100), 2)
    done = run("--probs", folder, "--budget", 5, "--teacher-accuracy", 0.7, "-o", folder / "part-000.parquet")
    assert "is read here as well" in str(done.exception)


def test_files_of_any_kind_and_naming_are_read(tmp_path: Path) -> None:
    values = probabilities(600)
    frame = pd.DataFrame(values, columns=CLASSES)
    (tmp_path / "csv").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "indexed").mkdir()
    for number, rows in enumerate(np.array_split(np.arange(600), 3)):
        part = frame.iloc[rows]
        part.to_csv(tmp_path / "csv" / f"{number}.csv", index=False)
        lists = pd.DataFrame({"probabilities": list(values[rows]), "note": "x", "id": rows + 1000})
        lists.to_parquet(tmp_path / "lists" / f"{number}.parquet")
        part.set_axis([f"n{row}" for row in rows]).to_parquet(tmp_path / "indexed" / f"{number}.parquet")
    (tmp_path / "csv" / "_SUCCESS").touch()
    (tmp_path / "csv" / ".hidden.csv").write_text("nothing")
    picks = {}
    for place in ("csv", "lists", "indexed"):
        out = tmp_path / f"{place}.parquet"
        done = run("--probs", tmp_path / place, "--budget", 40, "--teacher-accuracy", 0.7, "-o", out)
        assert done.exit_code == 0, done.exception
        picks[place] = pd.read_parquet(out)["id"].tolist()
    assert picks["lists"] == [row + 1000 for row in picks["csv"]]
    assert picks["indexed"] == [f"n{row}" for row in picks["csv"]]


def test_a_large_file_is_read_in_passes_where_the_rule_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LARGE", 1000)
    np.save(tmp_path / "p.npy", probabilities(500))
    asked = ["--probs", tmp_path / "p.npy", "--budget", 5, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.csv"]
    assert "read in passes" in run(*asked).stderr
    done = run(*asked, "--features", tmp_path / "p.npy", "--strategy", "badge")
    assert done.exit_code == 0
    assert "read in passes" not in done.stderr


def test_features_of_many_files_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "pool", probabilities(100), 2)
    asked = ["--probs", folder, "--budget", 5, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.csv"]
    done = run(*asked, "--features", folder / "part-000.parquet")
    assert "--features needs the whole pool in memory" in str(done.exception)


def test_an_id_that_is_missing_is_named_with_its_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "pool", probabilities(100), 2, [None if row == 70 else f"x{row}" for row in range(100)])
    done = run("--probs", folder, "--budget", 100, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.csv")
    assert f"Row 20 of {folder / 'part-001.parquet'} has no id in column id" in str(done.exception)


def test_empty_files_are_left_out_and_numbered_ids_excluded(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    frame = pd.DataFrame(probabilities(300), columns=CLASSES).assign(id=np.arange(300) * 7)
    for name, part in (("a", frame[:0]), ("b", frame[:100]), ("c", frame[:0]), ("d", frame[100:])):
        part.to_parquet(folder / f"{name}.parquet", index=False)
    (tmp_path / "bought.txt").write_text("\n".join(str(row * 7) for row in range(0, 300, 2)))
    asked = ["--probs", folder, "--budget", 150, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.parquet"]
    done = run(*asked, "--exclude", tmp_path / "bought.txt")
    assert done.exit_code == 0, done.exception
    assert sorted(pd.read_parquet(tmp_path / "o.parquet")["id"]) == [row * 7 for row in range(1, 300, 2)]


def test_an_index_that_goes_on_from_file_to_file_is_the_number_of_the_row(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    frame = pd.DataFrame(probabilities(300), columns=CLASSES)
    for number in range(3):
        frame[100 * number : 100 * (number + 1)].to_parquet(folder / f"{number}.parquet")
    done = run("--probs", folder, "--budget", 300, "--teacher-accuracy", 0.7, "-o", tmp_path / "o.parquet")
    assert "rows numbered from 0" in done.stderr
    assert sorted(pd.read_parquet(tmp_path / "o.parquet")["id"]) == list(range(300))
