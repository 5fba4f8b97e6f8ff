"""Text is text in the terminal: no name, message or path is read for markup, moves the cursor or forges a line."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rad_core.commands.common import with_interval
from rad_core.store.catalogue import create_study
from rad_core.text import one_line
from tests.conftest import tiny_config
from tests.helpers.hostile_study import BAIT, TEXT, make_hostile

COMMANDS = Path(__file__).parents[2] / "rad_core" / "commands"
RAD = [sys.executable, "-m", "rad_core.cli"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("hostile") / "store [red]\x1b[31m"
    make_hostile(store)
    return store


def said(*arguments: object, code: int | tuple[int, ...] = 0, input: str = "") -> str:
    """Everything that a command writes into a pipe. code: how it ends, one of several if it may be refused."""
    ran = subprocess.run([*RAD, *map(str, arguments)], capture_output=True, input=input.encode(), timeout=300)
    text = (ran.stdout + ran.stderr).decode()
    assert ran.returncode in (code if isinstance(code, tuple) else (code,)), text
    assert "Traceback" not in text
    return text


def on_a_terminal(*arguments: object) -> str:
    """What a command writes where it believes that a person looks, colors aside."""
    leader, follower = os.openpty()
    with subprocess.Popen(
        [*RAD, *map(str, arguments)],
        stdout=follower,
        stderr=follower,
        stdin=follower,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "4000", "TERM": "xterm"},
    ) as ran:
        os.close(follower)
        parts = []
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:  # the other end is closed
            pass
        os.close(leader)
    assert ran.returncode == 0
    text = b"".join(parts).decode().replace("\r\n", "\n")
    return re.sub(r"\x1b\[[01]m", "", text)  # the title of a table is bold


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def harmless(text: str) -> str:
    assert all(char.isprintable() or char == "\n" for char in text), [c for c in text if not c.isprintable()]
    return text


def test_brackets_in_a_name_are_brackets_in_the_list(tmp_path: Path) -> None:
    for number, name in enumerate(("a [/b]", "[v2] of it", "[red]", ":smile:", "\\[x]")):
        create_study(tmp_path, tiny_config(name=name), f"study-{number}")
        assert f" {name} " in said("runs", "--store", tmp_path)


@pytest.mark.slow
def test_hostile_studies_are_listed_letter_by_letter(hostile: Path) -> None:
    out = harmless(said("runs", "--store", hostile))
    assert lines(out) == lines(on_a_terminal("runs", "--store", hostile))
    rows = out.splitlines()
    assert [row.split()[0].rstrip(":") for row in rows if row.startswith("hostile-finished")] == ["hostile-finished"]
    assert f"{BAIT[-1]} {BAIT[0]}" in out
    assert TEXT in out, "the message of the failed study"
    assert "\\x1b[31mred" in out


@pytest.mark.slow
@pytest.mark.parametrize("id", ["hostile-finished", "hostile-failed"])
def test_every_command_shows_a_hostile_study_as_text(hostile: Path, id: str, tmp_path: Path) -> None:
    shown = harmless(said("show", id, "--store", hostile))
    assert BAIT[-1] in shown
    assert TEXT in shown
    harmless(said("pack", id, "--store", hostile, "-o", tmp_path / "[bold]\x1b[1m.rad.zip", code=2))
    harmless(said("delete", id, "--store", hostile, input="n\n", code=130))
    harmless(said("doctor", "--store", hostile))
    for unknown in ("nothing-\x1b[31m[/b]", "hostile"):
        harmless(said("show", unknown, "--store", hostile, code=2))
    harmless(said("show", "--\x1b[31m", "--store", hostile, code=2))


@pytest.mark.slow
def test_exports_are_named_in_text(hostile: Path, tmp_path: Path) -> None:
    for ending in (".md", ".zip"):
        target = tmp_path / f"[bold]\x1b[1m{ending}"
        assert "[bold]\\x1b[1m" in harmless(said("export", "hostile-failed", "--store", hostile, "--to", target))
        harmless(said("export", "hostile-failed", "--store", hostile, "--to", target, code=2))
    harmless(said("export", "hostile-failed", "--store", hostile, "-o", tmp_path / "[bold]\x1b[1m"))


@pytest.mark.slow
def test_a_study_that_may_be_refused_is_refused_in_text(hostile: Path) -> None:
    harmless(said("show", "hostile-strategy", "--store", hostile, code=(0, 2)))
    harmless(said("resume", "hostile-strategy", "--store", hostile, code=2))
    harmless(said("resume", "hostile-failed", "--store", hostile, code=2))


@pytest.mark.slow
def test_the_plan_and_the_progress_of_a_hostile_study_are_text(tmp_path: Path) -> None:
    name = "[/b] [v2] **x**"
    settings = [
        "--currency",
        "[/b]\u202e",
        "--price-per-label",
        "1",
        "--name",
        name,
        "--seeds",
        "1",
        "--rounds",
        "1",
        "--strategies",
        "rad",
        "--student-steps",
        "5",
        "--teacher-steps",
        "5",
        "--budget",
        "5",
    ]
    assert "[/b]\\u202e" in harmless(said("run", *settings, "--dry-run", "--store", tmp_path / "s\x1b[31m"))
    assert name in harmless(said("run", *settings, "--store", tmp_path / "s\x1b[31m"))


def test_a_table_that_goes_into_a_pipe_is_whole(tmp_path: Path) -> None:
    create_study(tmp_path, tiny_config(name="n" * 100, dataset="folder:/" + "d" * 200), "study-of-long-names")
    (row,) = [row for row in said("runs", "--store", tmp_path).splitlines() if row.startswith("study-of-long-names")]
    assert "n" * 100 in row
    assert "d" * 200 in row
    assert "…" not in row


def test_what_rounds_to_zero_has_no_minus() -> None:
    values = {"mean": -0.0004, "low": -0.0012, "high": 0.0003}
    assert with_interval(values, signed=True) == "+0.000 [-0.001, +0.000]"
    assert with_interval(values) == "0.000 [-0.001, 0.000]"
    assert with_interval({"mean": -0.0, "low": None, "high": None}) == "0.000"


def test_what_is_printable_stays_and_what_is_not_is_named() -> None:
    for text in ("a [/b]", "Größe · 雪 · می‌خواهم · 👩‍🔬", "", "100 %"):
        assert one_line(text) == text
    assert one_line("a\nb\tc\u2028d\xa0e") == "a b c d e"
    assert one_line("\x1b[31m\x07\x9b\x7f\u202e\u2066\ud800") == r"\x1b[31m\x07\x9b\x7f\u202e\u2066\ud800"
    assert one_line(Path("/tmp/a\x1bb")) == r"/tmp/a\x1bb"


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_commands_print_through_one_place(path: Path) -> None:
    if path.stem == "common":
        return
    names = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not names & {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
