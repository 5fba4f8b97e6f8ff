"""The benchmarks run, say what they measured against what, and judge by the measurement."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.bench.__main__ import TOPICS, main
from tests.bench.rows import Row, amount, missing, table

ROOT = Path(__file__).parent.parent
LONG, ELSEWHERE = (
    {"loop", "campaign", "cluster", "training"},
    {"maps"},
)  # elsewhere: beside the tests that compile a UMAP anyway


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in TOPICS if name not in ELSEWHERE],
)
def test_a_topic_gives_rows_of_finite_numbers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAD_TEST_IMAGES", raising=False)
    check_rows(list(import_module(f"tests.bench.{name}").rows(True)))


def check_rows(rows: list[Row]) -> None:
    """A topic measured something, and says in every row against what."""
    measured = [row for row in rows if row.ours is not None]
    assert len(measured) >= 3
    for row in rows:
        assert row.ours is not None or row.note, row.what
        for number in (row.ours, row.reference, row.value):
            assert number is None or math.isfinite(number), row.what
        assert (row.reference is None) or row.named, row.what
        assert row.line().count(" | ") == 5, row.line()


def sections(document: Path) -> dict[str, str]:
    """What stands under each title of second order."""
    parts = document.read_text().split("\n## ")[1:]
    return {title: text for title, _, text in (part.partition("\n") for part in parts)}


def test_one_command_measures_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def two_rows(quick: bool) -> list[Row]:
        assert quick
        return [Row(what, 1.0, "s", 2.0, "b") for what in "ab"]

    for name in TOPICS:
        monkeypatch.setattr(import_module(f"tests.bench.{name}"), "rows", two_rows)
    assert main(["--quick", "-o", str(tmp_path / "bench.md")]) == 0
    found = sections(tmp_path / "bench.md")
    assert list(found) == list(TOPICS.values())
    assert all(text.count("\n| ") == 2 + 2 for text in found.values()), "each with its rows under a head"


@pytest.mark.slow
def test_what_is_measured_is_written_down(tmp_path: Path) -> None:
    document = tmp_path / "bench.md"
    command = [sys.executable, "-m", "tests.bench", "game", "draw", "--quick", "-o", str(document)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text, found = document.read_text(), sections(document)
    assert list(found) == [TOPICS[name] for name in ("game", "draw")]
    for title, section in found.items():
        assert section.count("\n| ") >= 4, title
    for words in ("commit", "cores", "Python", "torch", "numpy", "met?"):
        assert words in text
    assert list(tmp_path.iterdir()) == [document]


def test_names_and_places_that_are_none_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["game", "speed"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'speed'" in error
    assert all(name in error for name in TOPICS)
    assert main(["game", "-o", str(tmp_path / "nowhere" / "bench.md")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_verdict_follows_from_the_numbers() -> None:
    assert Row("a", 1.4, "s", 1.0, "b", at_most=1.5).met is True
    assert Row("a", 1.6, "s", 1.0, "b", at_most=1.5).met is False
    assert Row("a", 1.0, "s", 39.0, "b", "times", at_least=40).met is False
    assert Row("a", 0.98, "", 0.984, "b", "difference", at_least=-0.005).met is True
    assert Row("a", 0.97, "", 0.984, "b", "difference", at_least=-0.005).met is False
    assert Row("a", 1.0, "s", 1.0, "b").met is None
    assert Row("a", note="not here").met is None
    line = Row("sorting", 0.0016, "s", 1e-3, "np.sort", at_most=1.5).line()
    assert line == "| sorting | 1.6 ms | 1 ms (np.sort) | 1.6 x | ≤ 1.5 x | **no** |"
    assert table([]).count("\n") == 1


def test_a_package_that_is_not_here_is_said_to_be_missing() -> None:
    assert missing("x", "numpy") is None
    row = missing("against nobody", "numpy", "no_such_package")
    assert row is not None
    assert "no_such_package not installed: pip install -e '.[bench]'" in row.line()


def test_amounts_are_readable() -> None:
    assert [amount(value, "s") for value in (2.5, 0.0123, 4.2e-6, 0.0)] == ["2.5 s", "12.3 ms", "4.2 µs", "0 µs"]
    assert amount(2754.4, "images/s") == "2,754 images/s"
