"""What the README and the pages beside it name exists, and what they tell to type works."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from rad_core import Campaign
from rad_core.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "assets").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
README = PAGES[0].read_text()

pages = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def blocks(text: str, language: str) -> list[str]:
    """What stands between the fences of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> list[list[str]]:
    """The words of every `rad` command, in blocks and within sentences."""
    inline = re.findall(r"`(rad [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    typed = "".join(blocks(text, "bash")).replace("\\\n", " ").splitlines()
    plain = [re.sub(r"(^|\s)#.*", "", line) for line in [*typed, *inline]]
    parts = [shlex.split(part) for line in plain for part in re.split(r"&&|[;|]|\bdo\b", line)]
    return [words[1:] for words in parts if words[:1] == ["rad"]]


@pages
def test_every_link_and_picture_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    relative = [target for target in targets if not target.startswith("https://")]
    assert [target for target in relative if not (page.parent / target).exists()] == []


@pages
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])(?:app|assets|rad_core|tests)/[\w./-]*\w", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pages
def test_every_module_that_is_to_be_run_can_be_found(page: Path) -> None:
    for name in re.findall(r"python -m ([\w.]+)", page.read_text()):
        found = importlib.util.find_spec(name)
        assert found is not None, name
        if found.submodule_search_locations is not None:
            assert importlib.util.find_spec(f"{name}.__main__") is not None, name


@pages
def test_every_command_has_the_options_that_it_is_given(page: Path) -> None:
    for name, *words in command_lines(page.read_text()):
        if name == "COMMAND":
            continue
        command = cli if name.startswith("-") else cli.get_command(click.Context(cli), name)
        assert command is not None, name
        words = [name, *words] if command is cli else words
        while isinstance(command, click.Group) and command is not cli and words[:1] and not words[0].startswith("-"):
            command, name, words = command.get_command(click.Context(command), words[0]), words[0], words[1:]
            assert command is not None, name
        # What is not known raises; what is left over has no argument to go to.
        _, left_over, _ = command.make_parser(click.Context(command, info_name=name)).parse_args(words)
        assert left_over == [], (name, words)


def test_commands_are_found_wherever_they_stand() -> None:
    typed = "pip install x && rad app  # then; rad nothing\nfor a in b; do\n  rad map ID \\\n  --seed 0; done\n"
    text = f"Try `rad show ID`.\n```bash\n{typed}```\n"
    assert command_lines(text) == [["app"], ["map", "ID", "--seed", "0"], ["show", "ID"]]
    assert len(command_lines(README)) > 8


def test_every_page_beside_the_readme_is_linked_from_it() -> None:
    linked = set(re.findall(r"\]\((assets/[^)]+\.md)\)", README))
    assert linked == {str(page.relative_to(ROOT)) for page in (ROOT / "assets").rglob("*.md")}


def test_the_readme_names_the_tests_that_a_change_must_pass() -> None:
    checks = re.findall(r"^pytest .+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert len(checks) == 1
    typed = [line.split("#")[0].strip() for block in blocks(README, "bash") for line in block.splitlines()]
    assert set(checks) <= set(typed)


def test_the_strategy_of_the_readme_runs_in_a_study_and_chooses_rows(tmp_path: Path) -> None:
    (example,) = (block for block in blocks(README, "python") if 'STRATEGIES["' in block)
    assert len(example.splitlines()) <= 15
    (name,) = re.findall(r'STRATEGIES\["(\w+)"\]', example)
    # In a copy, where every process has it, and which is gone afterwards.
    shutil.copytree(ROOT / "rad_core", tmp_path / "rad_core", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "rad_core" / "selection" / "strategies.py"
    before, after = module.read_text().split("\nORACLES = ")
    module.write_text(f"{before}\n\n{example}\nORACLES = {after}")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "RAD_STORE": str(tmp_path / "store")}

    def rad(line: str) -> str:
        words = [sys.executable, "-m", "rad_core.cli", *shlex.split(line)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    sizes = "--rounds 2 --budget 10 --pool 200 --test 100 --student-steps 20 --teacher-steps 20"
    shown = rad(f"run --strategies rad,{name} --seeds 1 {sizes} --device cpu --workers 1 --quiet")
    assert re.search(rf"^{name} +0\.\d", shown, re.MULTILINE)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    np.save(tmp_path / "p.npy", probabilities)
    rad(f"select --probs p.npy --budget 7 --teacher-accuracy 0.7 --strategy {name} -o picks.csv")
    picks = pd.read_csv(tmp_path / "picks.csv")
    top = np.sort(probabilities)
    margins = top[:, -1] - top[:, -2]
    assert picks["id"].nunique() == 7
    assert (margins[picks["id"]] <= np.median(margins)).all()


def test_the_teacher_of_the_readme_answers_a_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = (block for block in blocks(README, "python") if "def label(" in block)
    assert len(example.splitlines()) <= 12
    (script,) = (block for block in blocks(README, "bash") if "teacher.py" in block)
    monkeypatch.chdir(tmp_path)
    Path("teacher.py").write_text(example)
    notes = made_notes(320)
    notes[:60][["text", "label"]].to_csv("known.csv", index=False)
    notes[:60].to_parquet("labeled.parquet")
    notes[60:120].assign(teacher=lambda rows: rows["label"]).to_parquet("checked.parquet")
    notes[120:].drop(columns="label").to_parquet("notes.parquet")
    smaller = script.replace("--rounds 4 --budget 500", "--rounds 2 --budget 50")
    create, _, run = command_lines(f"```bash\n{smaller}```\n")
    for words in (create, run):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, result.output
    assert "2 rounds are finished" in result.output
    truth = dict(zip(notes["id"], notes["label"], strict=True))
    campaign = Campaign.open("notes")
    targets = [(key, target) for key, target in zip(*campaign.training_set(), strict=True) if int(key[1:]) >= 120]
    answered, abstained = (campaign.status().pool[state] for state in ("answered", "abstained"))
    assert (answered, answered + abstained) == (len(targets), 100)
    assert abstained > 0
    assert 0.7 < np.mean([campaign.classes[target.argmax()] == truth[key] for key, target in targets]) < 1


def made_notes(count: int) -> pd.DataFrame:
    """Notes of ten words that say more or less what they are about, with numbers that a student can learn from."""
    rng = np.random.default_rng(0)
    lean = rng.normal(0, 0.4, (count, 1)) + np.where(np.arange(count) % 2, 1, -1)[:, None]
    words = np.where(rng.random((count, 10)) < 1 / (1 + np.exp(-lean)), "goal", "vote")
    filler = rng.choice(["the", "a", "of", "it"], (count, 10))
    return pd.DataFrame(
        {
            "id": [f"n{at}" for at in range(count)],
            "text": [" ".join(row) for row in np.hstack([words, filler])],
            "label": np.where(np.arange(count) % 2, "sport", "politics"),
            "features": list(lean + rng.normal(0, 1, (count, 5))),
        }
    )


def test_the_example_of_the_library_runs() -> None:
    (example,) = blocks((ROOT / "assets" / "using.md").read_text(), "python")
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {"probabilities": rng.dirichlet(np.ones(4), 2000), "gains": rng.random(2000)}
    exec(example, values)
    assert len(set(values["ids"])) == 500
    assert {"q", "waterline", "cap", "value"} <= set(dir(values["game"]))


def test_the_unit_of_systemd_is_sound(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "assets" / "serving" / "rad-studio.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    assert program is not None
    (tmp_path / "rad-studio.service").write_text(unit.replace(program[1], shutil.which("true") or ""))
    checked = subprocess.run(["systemd-analyze", "verify", tmp_path / "rad-studio.service"], capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, b"")
