"""A setting's row says what was known before and what came, is not played twice, and is measured again on demand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.findings.foresight import atlas_of
from tests.studies import choosing

TINY = {
    **{"dataset": "digits", "strategies": choosing.RULES, "seeds": 3, "rounds": 1, "budget": 10, "labeled": 20},
    **{"validation": 40, "pool": 200, "test": 100, "student_steps": 20, "teacher_steps": 20, "full_pool": False},
    **{"device": "cpu"},
}


def test_a_setting_is_played_once_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "choosing.csv"
    monkeypatch.setattr(choosing, "features_of", lambda folder: None)
    monkeypatch.setattr(choosing, "settings", lambda folder: {"tiny": TINY})
    monkeypatch.setattr(sys, "argv", ["choosing", "-o", str(target)])
    choosing.main()
    (row,) = pd.read_csv(target).to_dict("records")
    assert row["setting"] == "tiny"
    assert np.isfinite([row[name] for name in choosing.KNOWN]).all()
    assert row["rad low"] <= row["rad"] <= row["rad high"]
    others = [{**row, "rad": 2.0, "rad shown": 1, "fall": 0.8 + 0.1 * number} for number in range(3)]
    assert atlas_of(pd.DataFrame([row, *others])).differ.tolist() == [False, True, True, True]

    monkeypatch.setattr(choosing, "run", lambda *given: pytest.fail("it was played again"))
    before = target.read_bytes()
    choosing.main()
    assert target.read_bytes() == before

    pd.DataFrame([row]).drop(columns="closeness").to_csv(target, index=False)
    monkeypatch.setattr(sys, "argv", ["choosing", "-o", str(target), "--again"])
    choosing.main()
    (again,) = pd.read_csv(target).to_dict("records")
    assert {name: again[name] for name in choosing.KNOWN} == pytest.approx({name: row[name] for name in choosing.KNOWN})


def test_the_settings_are_forty_or_more_and_all_make_a_study(tmp_path: Path) -> None:
    made = choosing.settings(tmp_path)
    assert len(made) >= 40
    for config in made.values():
        choosing.StudyConfig.from_mapping(dict(config))
