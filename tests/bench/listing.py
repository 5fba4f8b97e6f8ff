"""What a thousand studies cost: the command that lists them, and every rerun of a page that shows them."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.measure import children_clock, medians
from tests.bench.rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds: of a whole fresh process, and of a page with the list read anew or just read."""
    number, repeats = (10, 1) if quick else (1_000, 7)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root, number)
        command = [sys.executable, "-m", "rad_core.cli", "runs", "--store", folder]
        _run(command)  # tidies what the copies left in their logs
        time.sleep(2.5)  # a database that has just changed is read again
        taken = medians({"runs": lambda: _run(command)}, repeats=repeats, clock=children_clock)["runs"]
        yield Row(f"`rad runs` with {number:,} studies", taken, "s", 1.0, "the bound")
        yield Row(f"the list of {number:,} studies, known already", _again(root, repeats), "s", 0.3, "the bound")
        yield Row(f"a page's rerun, for its list of {number:,} studies", _rerun(root, repeats), "s", 0.3, "the bound")


def _write(root: Path, number: int) -> None:
    """Studies of five strategies, five seeds and five rounds."""
    from rad_core.store.catalogue import create_study
    from rad_core.store.rounds import Round
    from tests.conftest import tiny_config

    config = tiny_config(strategies=("rad", "uniform", "margin", "entropy", "badge"), seeds=5, rounds=5)
    study = create_study(root, config, "study-0000")
    metrics = {"accuracy": 0.5, "loss": 0.1, "labels": 10.0, "pool": 200.0, "wrong": 50.0, "mean_gain": 0.5}
    cells = [(name, seed, round) for name in config.strategies for seed in range(5) for round in range(1, 6)]
    study.put_rounds([Round(*cell, {}, metrics, {}) for cell in cells])
    for copy in range(1, number):
        shutil.copytree(study.path, root / f"study-{copy:04}")


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _again(root: Path, repeats: int) -> float:
    """What a second look at a store costs in one process."""
    from rad_core.store.catalogue import list_studies

    return medians({"list": lambda: list_studies(root)}, repeats=repeats)["list"]


def _rerun(root: Path, repeats: int) -> float:
    """What reading the list again adds to a rerun of the page of studies."""
    before = os.environ.get("RAD_STORE")
    os.environ["RAD_STORE"] = str(root)
    try:
        return _rerun_page(repeats)
    finally:
        if before is None:
            del os.environ["RAD_STORE"]
        else:
            os.environ["RAD_STORE"] = before


def _rerun_page(repeats: int) -> float:
    from streamlit.testing.v1 import AppTest

    from app.shell import state

    page = AppTest.from_file(str(Path(__file__).parents[2] / "app" / "main.py"), default_timeout=60)
    page.switch_page("views/studies.py").run()

    def seconds(read: Callable[[], object]) -> float:
        read()
        began = time.process_time()
        page.run()
        assert not page.exception
        return time.process_time() - began

    return statistics.median(seconds(state.forget_list) - seconds(lambda: None) for _ in range(repeats))
