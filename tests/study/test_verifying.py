"""`rad verify` of a study: sound ones hold, and whatever is changed in one is found."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.layout import round_file
from rad_core.store.study import Study
from rad_core.study.verifying import verify_study
from tests.campaign.test_files import rad
from tests.conftest import tiny_config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that was run: rad and two more, two seeds."""
    root = tmp_path_factory.mktemp("verified")
    study = create_study(root, tiny_config(strategies=("rad", "margin", "uniform"), seeds=2, rounds=3), "sound-study")
    run_study(study)
    return study


def test_a_study_that_was_run_holds_what_it_promised(run: Study) -> None:
    checked = verify_study(run)
    assert checked.faults == ()
    assert (checked.rounds, checked.games, checked.without) == (18, 6, 0)
    assert "18 rounds, of which 6 equilibria were made again" in rad("verify", run.id, "--store", run.path.parent)


def change(study: Study, **changes: float) -> None:
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        for name, by in changes.items():
            database.execute(
                f"update rounds set metrics = json_set(metrics, '$.{name}', json_extract(metrics, '$.{name}') + ?) "
                "where strategy = 'rad' and seed = 0 and round = 2",
                [by],
            )
        database.commit()


@pytest.mark.parametrize(
    ("name", "by", "words"),
    [
        ("value", 0.01, "was promised"),
        ("value", -0.01, "was promised"),
        ("wrong", 1, "the game got"),
        ("pool", 1, "points were left"),
        ("strategy_value", 0.01, "more than any can"),
    ],
)
def test_what_is_changed_is_found(run: Study, tmp_path: Path, name: str, by: float, words: str) -> None:
    copy = Study(Path(shutil.copytree(run.path, tmp_path / run.id)))
    change(copy, **{name: by})
    assert any(words in fault and "Round 2 of rad, seed 0" in fault for fault in verify_study(copy).faults)
    assert "does not hold what it promised" in rad("verify", run.id, "--store", tmp_path, code=2)


def test_gains_and_picks_that_are_changed_are_found(run: Study, tmp_path: Path) -> None:
    copy = Study(Path(shutil.copytree(run.path, tmp_path / run.id)))
    path = copy.path / round_file("rad", 0, 1, "gains")
    gains = np.load(path)
    np.save(path, (gains // 2).astype(np.uint16))
    assert any("the gain of a pick is" in fault for fault in verify_study(copy).faults)
