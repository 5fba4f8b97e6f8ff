"""A strategy or a gain is added by one function and one entry in one file; everything else comes from the entry.

The program is copied, and the lines are written into the copy, so that every process of it has them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]

GAIN = '''
def collision(probabilities: Any) -> Any:
    """One minus the chance that two draws of the class agree: high where many classes compete."""
    classes = probabilities.shape[1]
    gains = (1 - (probabilities * probabilities).sum(1)) * (classes / (classes - 1))
    return gains.clamp(0, 1) if is_torch(gains) else np.clip(gains, 0, 1)


'''
GAIN_ENTRY = '    "collision": Gain(collision, "Collision", "the chance that two guesses of the student differ"),\n'

STRATEGY = '''
def halves(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """Points drawn at random, every second one of them mixed half and half with another one."""
    n = len(snapshot.gains)
    picks, partners = rng.choice(n, budget, replace=False), rng.integers(n, size=budget)
    weight = np.where(np.arange(budget) % 2, 0.5, 0.0).astype(np.float32)
    like = snapshot.gains
    return Selection(to_like(picks, like), like * 0, partners=to_like(partners, like), mix=to_like(weight, like))


'''
STRATEGY_ENTRY = '    "halves": Strategy(halves, "Halves", mixes=True, phrase="mixing of random halves"),\n'

STRATEGIES = "rad,halves,uniform,oracle"
SETTINGS = {
    "dataset": "digits",
    "strategies": STRATEGIES,
    "gain": "collision",
    "seeds": 2,
    "rounds": 4,
    "budget": 10,
    "pool": 200,
    "test": 100,
    "student-steps": 60,
    "teacher-steps": 20,
    "device": "cpu",
    "workers": 1,
}

# For every page: what it says is wrong, once as it opens and once with all strategies and the added ones chosen.
PAGES = """
import json, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
from app.results import shipped
shipped.archives = list

def wrong(at):
    return [each.value for each in at.exception] + [each.value for each in at.error]

def opened(page):
    at = AppTest.from_file("app/main.py", default_timeout=120)
    at.query_params["run"] = "whole-study"
    if page.stem == "data":
        at.query_params["scores_from"] = "Example"
    return at.switch_page(f"views/{page.name}").run()

found, seen = {}, set()
for page in sorted(Path("app/views").glob("[a-z]*.py")):
    at = opened(page)
    found[page.stem] = wrong(at)
    offered = [
        (kind, element.key, name)
        for kind in ("selectbox", "pills")
        for element in at.get(kind)
        for name in ("Halves", "Collision")
        if name in element.options
    ]
    for kind, key, name in offered:
        seen.add((page.stem, key))
        at = opened(page)
        value = name.lower() if kind == "selectbox" else ["rad", "halves", "oracle"]
        found[page.stem] += wrong(getattr(at, kind)(key=key).set_value(value).run())
at = AppTest.from_file("app/main.py", default_timeout=120)
at.query_params["new"] = "1"
at.query_params["strategies"] = "halves,rad"
at.query_params["gain"] = "collision"
at.switch_page("views/studies.py").run()
found["new study"] = wrong(at)
print(json.dumps({"wrong": found, "seen": sorted(seen), "command": at.code[0].value}))
"""

# Commands of the command line, one after the other in one process: their exit statuses, and all that they write.
COMMANDS = """
import contextlib, io, json, sys
from rad_core import cli
said = []
for words in json.loads(sys.argv[1]):
    sys.argv, written, status = ["rad", *words], io.StringIO(), 0
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
    said.append([status, written.getvalue()])
print(json.dumps(said))
"""

# A study in every format, each by the program behind `rad export --to`.
EXPORTS = """
import json, os, sys
from pathlib import Path
from app.export import FORMATS, pdf
from app.export.__main__ import export
from rad_core.store.study import Study
endings = [ending for ending in FORMATS if ending != ".pdf" or not pdf.missing()]
for ending in endings:
    export(Study(Path(os.environ["RAD_STORE"]) / "whole-study"), Path(sys.argv[1]) / f"study{ending}", {})
print(json.dumps(endings))
"""

# What two studies have in common, and the mixtures of each.
COMPARE = """
import json, os
from pathlib import Path
from rad_core.study.rounds import read_history
from rad_core.store.study import Study
studies = [Study(Path(os.environ["RAD_STORE"]) / name) for name in ("whole-study", "killed-study")]
mixes = [
    [[part.mix.tolist(), part.partners.tolist()] for seed in range(2) for part in read_history(study, "halves", seed)]
    for study in studies
]
print(json.dumps({"digests": [study.content_digest() for study in studies], "mixes": mixes}))
"""


def insert(path: Path, before: str, text: str) -> None:
    source = path.read_text()
    assert source.count(before) == 1
    path.write_text(source.replace(before, text + before))


class Copy:
    """A copy of the program with the additions, and a study run by it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder / "program", folder / "store"
        for package in ("app", "rad_core"):
            shutil.copytree(ROOT / package, self.folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "assets").symlink_to(ROOT / "assets")
        selection = self.folder / "rad_core" / "selection"
        insert(selection / "gains.py", "@dataclass(frozen=True)\nclass Gain:", GAIN)
        insert(selection / "gains.py", '    "entropy": Gain(\n', GAIN_ENTRY)
        insert(selection / "strategies.py", "STRATEGIES: dict[str, Strategy] = {\n", STRATEGY)
        insert(selection / "strategies.py", '    "oracle": Strategy(', STRATEGY_ENTRY)
        own = {"PYTHONPATH": self.folder, "RAD_STORE": self.store, "RAD_DATA": folder / "data"}
        self.environment = {**os.environ, **{name: str(place) for name, place in own.items()}}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def python(self, code: str, argument: str = "") -> Any:
        """What a program prints as JSON in its last line."""
        process = self.start("-c", code, argument)
        out, errors = process.communicate(timeout=280)
        assert process.returncode == 0, errors
        return json.loads(out.splitlines()[-1])

    def rad(self, *words: str, status: int = 0) -> str:
        process = self.start("-m", "rad_core.cli", *words)
        out, errors = process.communicate(timeout=280)
        assert process.returncode == status, errors
        return out + errors

    def commands(self, *commands: list[str], status: int = 0) -> list[str]:
        """What each of several commands says; all of them end with this status."""
        ended = self.python(COMMANDS, json.dumps(commands))
        assert [code for code, _ in ended] == [status] * len(commands), ended
        return [words for _, words in ended]

    def run(self, id: str) -> list[str]:
        options = [word for name, value in SETTINGS.items() for word in (f"--{name}", str(value))]
        return ["run", *options, "--id", id, "--new", "--quiet"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("added"))
    said = made.rad(*made.run("whole-study"))
    assert "halves" in said
    return made


def rounds_of_halves(study: Path) -> int:
    if not (study / "study.sqlite").exists():
        return 0
    with closing(sqlite3.connect(f"file:{study / 'study.sqlite'}?mode=ro", uri=True, timeout=60)) as database:
        return int(database.execute("select count(*) from rounds where strategy = 'halves'").fetchone()[0])


@pytest.mark.slow
@pytest.mark.long
def test_a_killed_and_resumed_study_keeps_its_mixtures_and_ends_as_the_uninterrupted_one(copy: Copy) -> None:
    process, study, end = copy.start("-m", "rad_core.cli", *copy.run("killed-study")), copy.store / "killed-study", 280
    until = time.monotonic() + end
    while rounds_of_halves(study) < 2:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 2 <= rounds_of_halves(study) < 8
    copy.rad("resume", "killed-study", "--workers", "1", "--quiet")
    found = copy.python(COMPARE)
    whole, killed = found["mixes"]
    assert len(whole) == 2 * 4
    assert all(mix == [0, 0.5] * 5 for mix, _ in whole)
    assert killed == whole
    assert found["digests"][0] == found["digests"][1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_page_shows_what_was_added(copy: Copy) -> None:
    found = copy.python(PAGES)
    assert found["wrong"] == {page: [] for page in found["wrong"]}
    assert {"explore", "tradeoff", "map", "curves", "present", "data", "studies", "method", "new study"} <= set(
        found["wrong"]
    )
    assert {page for page, _ in found["seen"]} >= {"tradeoff", "curves", "data"}
    assert ["data", "scores_gain"] in found["seen"]
    assert "--strategies rad,halves" in found["command"]
    assert "--gain collision" in found["command"]


@pytest.mark.slow
@pytest.mark.long
def test_every_export_tells_of_what_was_added(copy: Copy, tmp_path: Path) -> None:
    endings = copy.python(EXPORTS, str(tmp_path))
    assert {".html", ".pptx", ".zip", ".md", ".bib"} <= set(endings)
    for ending in endings:
        assert (tmp_path / f"study{ending}").stat().st_size > 0
    said = (tmp_path / "study.md").read_text()
    assert "mixing of random halves" in said
    assert "by its gain, the chance that two guesses of the student differ, and" in said
    assert "Halves" in (tmp_path / "study.html").read_text()
    *_, shown = copy.commands(
        ["export", "whole-study", "--to", str(tmp_path / "asked.md")],
        ["export", "whole-study", "-o", str(tmp_path / "tables")],
        ["pack", "whole-study", "-o", str(tmp_path / "whole.rad.zip")],
        ["unpack", str(tmp_path / "whole.rad.zip"), "--store", str(tmp_path / "other")],
        ["show", "whole-study", "--store", str(tmp_path / "other")],
    )
    assert (tmp_path / "asked.md").read_text() == said
    assert "halves" in set(pd.read_csv(tmp_path / "tables" / "purchases.csv")["strategy"])
    assert "halves" in shown


@pytest.mark.slow
def test_a_study_without_the_mixtures_that_it_should_have_is_not_packed(copy: Copy, tmp_path: Path) -> None:
    spoiled = tmp_path / "store" / "whole-study"
    shutil.copytree(copy.store / "whole-study", spoiled)
    with closing(sqlite3.connect(spoiled / "study.sqlite")) as database:
        query = (
            "update rounds set arrays = replace(arrays, '\"partners\", ', '') where (strategy, round) = ('halves', 2)"
        )
        assert database.execute(query).rowcount == 2
        database.commit()
    said = copy.rad("pack", "whole-study", "--store", str(spoiled.parent), "-o", str(tmp_path / "x.rad.zip"), status=2)
    assert "round 2 of halves, seed 0 has no partners" in said


@pytest.mark.slow
def test_every_command_takes_what_was_added_and_names_it_in_its_help_and_errors(copy: Copy, tmp_path: Path) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    np.save(tmp_path / "p.npy", probabilities)
    select = ["select", "--probs", str(tmp_path / "p.npy"), "--budget", "7", "--teacher-accuracy", "0.7"]
    shown, _, *helps = copy.commands(
        ["show", "whole-study", "--json"],
        [*select, "--gain", "collision", "--strategy", "halves", "-o", str(tmp_path / "picks.csv")],
        ["run", "--help"],
        ["select", "--help"],
    )
    assert [row["strategy"] for row in json.loads(shown)["strategies"]] == STRATEGIES.split(",")
    picks = pd.read_csv(tmp_path / "picks.csv")
    assert picks["weight"].tolist() == [0, 0.5, 0, 0.5, 0, 0.5, 0]
    gains = (1 - (probabilities**2).sum(1)) * 4 / 3
    np.testing.assert_allclose(picks["gain"], gains[picks["id"]])
    for said in helps:
        words = " ".join(said.split())
        assert "halves" in words
        assert "collision" in words
    misspelled, refused, impossible = copy.commands(
        ["run", "--strategies", "halfs"],
        [*select, "--strategy", "evil", "-o", str(tmp_path / "no.csv")],
        ["run", "--strategies", "rad,halves", "--teacher", "table:x.npy"],
        status=2,
    )
    assert "did you mean halves?" in misspelled
    assert "halves" in refused
    assert "oracle" not in refused, "nobody can buy like it"
    assert "leave out halves" in impossible
