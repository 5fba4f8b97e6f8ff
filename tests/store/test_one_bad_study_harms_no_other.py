"""Whatever stands in the database of one study, the others are listed, compared and shown."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.results import shipped
from app.shell import state
from rad_core.errors import InputError
from rad_core.running.engine import run_study
from rad_core.store import rows
from rad_core.store.catalogue import create_study, list_studies, open_study
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.result_pages import MAIN, words

GOOD, BAD = "good-study", "bad-study-1"
# What was done to a study, by what is said of it; those of `SEEN` are found when the study is listed.
SEEN = {
    "its status is 'evil'": "update meta set value = 'evil' where key = 'status'",
    "its name is": "update meta set value = x'00ff' where key = 'name'",
    "its date created is 1e": "update meta set value = '1e30' where key = 'created'",
    "its date updated is nan": "update meta set value = 'nan' where key = 'updated'",
    "is asked to 'dance'": "update meta set value = 'dance' where key = 'control'",
    "its version is 'old'": "update meta set value = 'old' where key = 'version'",
    "its control is missing": "delete from meta where key = 'control'",
    "no JSON object": "update meta set value = '[]' where key = 'config'",
    "is not a setting": "update meta set value = '{\"evil\": 1}' where key = 'config'",
    "setting budget is missing": "update meta set value = json_set(value, '$.budget', null) where key = 'config'",
    "strategies holds 'evil'": "update meta set value = replace(value, '\"uniform\"', '\"evil\"') where key = 'config'",
    "other tables": "create view v as with recursive n(i) as (select 1 union all select i + 1 from n) select * from n",
    "other tables than": "alter table log rename to lag; create view log as select 1 as id, 2 as time, 3 as text",
}
UNSEEN = {
    "no JSON object": "update rounds set metrics = '[]' where round < 2",
    "which nobody measured": "update rounds set metrics = replace(metrics, '\"labels\": 10.0', '\"labels\": 1e999')",
    "which is no number": 'update rounds set metrics = replace(metrics, \'"labels": 10.0\', \'"labels": "ten"\')',
    "is no name of a number": "update rounds set metrics = replace(metrics, '\"labels\"', '\"seed\"')",
    "which are no names": "update rounds set arrays = '{}'",
    "which is none": "update rounds set round = 'first' where round = 1",
    "half a character": "update seeds set metrics = json_set(metrics, '$.classes', json('[\"\\ud800\", \"b\"]'))",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = create_study(tmp_path_factory.mktemp("made"), tiny_config(name="Good"), GOOD)
    run_study(study, workers=1)
    return study.path


@pytest.fixture
def root(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a good study and a second one, which is to be spoiled."""
    root = tmp_path / "store"
    shutil.copytree(finished, root / GOOD)
    shutil.copytree(finished, root / BAD)
    Study(root / BAD).rename("Bad")
    monkeypatch.setenv("RAD_STORE", str(root))
    monkeypatch.setattr(shipped, "archives", list)
    state.forget_list()
    return root


def spoil(root: Path, statement: str) -> Study:
    with closing(sqlite3.connect(root / BAD / DATABASE)) as database:
        database.executescript(statement)
    state.forget_list()
    return Study(root / BAD)


def rad(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "rad_core.cli", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout + ran.stderr


def open_page(page: str, **parameters: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in parameters.items():
        at.query_params[name] = value
    at.switch_page(f"views/{page}.py").run()
    assert not at.exception
    return at


@pytest.mark.parametrize("said", SEEN)
def test_a_study_that_cannot_be_read_is_listed_with_the_reason(root: Path, said: str) -> None:
    spoil(root, SEEN[said])
    infos = {info.id: info for info in list_studies(root)}
    assert infos[GOOD].status == "finished"
    assert infos[BAD].status == "unreadable"
    assert said in infos[BAD].message
    assert "\n" not in infos[BAD].message
    with pytest.raises(InputError, match=r"damaged|cannot be read|is not a setting|strategies holds"):
        open_study(root, BAD)


def test_commands_and_pages_go_on_beside_a_study_that_cannot_be_read(root: Path) -> None:
    for said in ("its name is", "its date created is 1e", "other tables"):
        spoil(root, SEEN[said])
        listed = rad("runs", "--store", root)
        assert said in listed
        assert GOOD in listed
        assert GOOD in rad("show", "latest", "--store", root)
        assert "Traceback" not in rad("show", BAD, "--store", root, code=2)
        for page in ("explore", "studies", "curves"):
            at = open_page(page)
            assert not at.error
        assert "unreadable" in str(at.query_params) or BAD not in str(at.query_params)
        shutil.copytree(root / GOOD, root / BAD, dirs_exist_ok=True)


@pytest.mark.parametrize("said", UNSEEN)
def test_what_is_wrong_with_a_rows_value_is_told_when_it_is_read(root: Path, said: str) -> None:
    study = spoil(root, UNSEEN[said])

    def read() -> None:
        study.rounds_table()
        list(study.each_purchase([]))
        study.seed_metrics(0)
        study.round_arrays("rad", 0, 1)

    with pytest.raises(InputError, match="is damaged") as caught:
        read()
    assert said in str(caught.value)


@pytest.mark.parametrize("said", ["no JSON object", "which nobody measured"])
def test_a_study_with_a_bad_row_is_gray_in_the_list_and_left_out_of_a_comparison(root: Path, said: str) -> None:
    spoil(root, UNSEEN[said])
    shutil.copytree(root / GOOD, root / "good-study-2")
    at = open_page("studies", compare=f"{GOOD},{BAD},good-study-2")
    text = words(at)
    assert not at.error
    assert f":gray[The database of study {BAD} is damaged" in text
    assert "Comparing 3 studies" in text
    assert "Accuracy on the test set after the last round" in text
    frames = [frame.value for frame in at.dataframe]
    assert any("Good (good-study)" in frame and "Good (good-study-2)" in frame for frame in frames)
    assert not any("Bad" in frame for frame in frames)


def test_a_bad_study_in_view_leaves_the_page_studies_and_the_way_to_another(root: Path) -> None:
    spoil(root, UNSEEN["no JSON object"])
    assert open_page("explore", run=BAD).error
    at = open_page("studies", run=BAD)
    assert at.checkbox(key=f"compare_{GOOD}").label == "Compare Good"
    at = open_page("explore", run=BAD)
    at.selectbox(key="picker").select(GOOD).run()
    assert not at.error
    assert not at.exception


def test_a_damaged_shipped_study_hides_no_other(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(Study(finished), tmp_path / "good.rad.zip")
    (tmp_path / "bad.rad.zip").write_bytes(b"damaged")
    monkeypatch.setattr(shipped, "archives", lambda: [tmp_path / "bad.rad.zip", tmp_path / "good.rad.zip"])
    infos = {info.id: info for info in shipped.infos()}
    assert (infos["bad"].status, infos[GOOD].status) == ("unreadable", "finished")
    for page in ("explore", "studies"):
        at = open_page(page)
        assert not at.error
    assert "is damaged" in words(at)


def test_an_endless_question_to_a_database_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rad_core.store import database

    monkeypatch.setattr(database, "SECONDS", 0.5)
    began = time.monotonic()
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    with pytest.raises(InputError, match="it takes too long"), database.reading(root / GOOD) as connection:
        connection.execute(endless).fetchone()
    assert time.monotonic() - began < 10


def test_a_cell_that_would_fill_the_memory_is_refused(root: Path) -> None:
    spoil(root, "update rounds set metrics = replace(hex(zeroblob(20000000)), '00', '1') where round = 1")
    with pytest.raises(InputError, match="too big"):
        Study(root / BAD).rounds_table()


def test_what_the_program_writes_is_what_it_reads(finished: Path) -> None:
    study = Study(finished)
    with closing(sqlite3.connect(finished / DATABASE)) as database:
        meta = rows.read_meta(database.execute("select key, value from meta"))
        assert rows.read_config(meta["config"]) == study.config
        for metrics, seconds in database.execute("select metrics, seconds from rounds"):
            assert rows.read_numbers(metrics, "metrics") == json.loads(metrics)
            assert rows.read_numbers(seconds, "seconds") == json.loads(seconds)


@pytest.fixture(autouse=True)
def fresh_list() -> Iterator[None]:
    yield
    state.forget_list()
