"""Studies in every state that a page of results may meet, and what such a page says."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from app.present.settings import StorySettings
from app.results import shipped
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.study import Study
from tests.conftest import tiny_config

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
EVIL = "</script><script>alert(1)</script>\u2028&amp;<b>"
STORES = ("three", "one", "without rad", "begun", "half", "no thumbnails", "new", "empty")
# How a study is presented in the tests of exports.
SETTINGS = StorySettings(
    title=EVIL, price_per_label=0.5, currency="EUR", audience="technical", notes={"curves": "Say <i>this</i>\nand that"}
)


def make_studies(folder: Path) -> dict[str, Path]:
    """Stores by what is special about the study in them: copies of those that are made once for all tests."""
    base = folder.parent
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "studies-of-tests"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            _make(half := kept.with_name("half-made"))
            half.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return {name: folder / name for name in STORES}


def _make(folder: Path) -> None:
    real = {
        "three": {"strategies": ("rad", "uniform", "margin", "oracle"), "seeds": 3, "name": "Three seeds"},
        "one": {"strategies": ("rad", "unixkd"), "full_pool": False, "name": "<b>One</b> seed"},
        "without rad": {"strategies": ("margin", "uniform"), "seeds": 2},
    }
    for name, changes in real.items():
        run_study(create_study(folder / name, tiny_config(**changes), "study-of-tests"), workers=1)
    for name in ("begun", "half", "no thumbnails"):
        shutil.copytree(folder / "three", folder / name)
    change(folder / "begun", "delete from rounds where strategy != ''")
    change(folder / "half", "delete from rounds where round = 2")
    change(folder / "no thumbnails", """update seeds set arrays = replace(arrays, '"thumbnails"', '"labeled_ids"')""")
    create_study(folder / "new", tiny_config(), "study-of-tests")
    create_study(folder / "empty", tiny_config(), "study-of-tests")
    shutil.rmtree(folder / "empty" / "study-of-tests")


def change(store: Path, statement: str) -> None:
    """Change a study behind the program's back."""
    with closing(sqlite3.connect(store / "study-of-tests" / DATABASE)) as database:
        database.execute(statement)
        database.commit()


def study_in(store: Path) -> Study:
    return Study(store / "study-of-tests")


def open_page(monkeypatch: pytest.MonkeyPatch, store: Path, page: str, **parameters: str) -> AppTest:
    """A page on a store, opened by a link with these parameters; no shipped study beside it."""
    monkeypatch.setenv("RAD_STORE", str(store))
    monkeypatch.setattr(shipped, "archives", list)
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in parameters.items():
        at.query_params[name] = value
    at.switch_page(f"views/{page}.py")
    return at.run()


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


def words(at: AppTest) -> str:
    """Everything that is written on the page, charts and tables aside."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error")
    return " ".join(str(getattr(element, "value", "")) for kind in kinds for element in at.get(kind))


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
