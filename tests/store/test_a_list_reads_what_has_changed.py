"""A list of studies is read from their databases once, and again for those that have changed; it is always right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rad_core.folders import data_folder
from rad_core.store import glances
from rad_core.store.catalogue import create_study, delete_study, list_studies
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.sound_study import make_sound


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What has just been written counts as settled: nothing in a test waits for the clock of the file system."""
    monkeypatch.setattr(glances, "_SETTLED", 0.0)
    yield
    glances._known.clear()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the studies whose databases were read, in order."""
    found: list[str] = []
    original = Study.stored_info

    def stored_info(study: Study) -> object:
        found.append(study.id)
        return original(study)

    monkeypatch.setattr(Study, "stored_info", stored_info)
    return found


def settle() -> None:
    time.sleep(0.02)  # the clock of the file system goes in steps of some milliseconds


def in_a_new_process() -> None:
    glances._known.clear()


def test_what_has_not_changed_is_not_read_again(store: Path, reads: list[str]) -> None:
    for number in range(3):
        create_study(store, tiny_config(), f"study-{number}")
    settle()
    first = list_studies(store)
    assert sorted(reads) == ["study-0", "study-1", "study-2"]
    assert list_studies(store) == first
    assert len(reads) == 3
    in_a_new_process()
    assert list_studies(store) == first
    assert len(reads) == 3


def test_every_change_is_seen_at_once(store: Path, reads: list[str]) -> None:
    study = make_sound(store, "study-0", rounds=1)
    other = make_sound(store, "study-1", rounds=1)
    settle()
    list_studies(store)
    for name in ("a", "b", "c"):  # of one length: no size changes
        study.rename(name)
        assert {info.id: info.name for info in list_studies(store)}["study-0"] == name
        settle()
    before = list(reads)
    list_studies(store)
    assert set(reads[len(before) :]) <= {"study-0"}
    delete_study(store, other.id)
    assert [info.id for info in list_studies(store)] == ["study-0"]
    make_sound(store, "study-1", rounds=2)
    assert {info.id: info.rounds_done for info in list_studies(store)}["study-1"] == 2


def test_what_has_just_changed_is_not_kept(store: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "_SETTLED", 60.0)
    create_study(store, tiny_config(), "study-0")
    list_studies(store)
    list_studies(store)
    assert reads == ["study-0", "study-0"]


def test_a_process_that_is_gone_is_found_out_though_its_database_never_changed(store: Path) -> None:
    study = create_study(store, tiny_config(), "study-0")
    with study.lock():
        study.set_status("running")
        settle()
        assert list_studies(store)[0].status == "running"
        assert list_studies(store)[0].status == "running"
    assert list_studies(store)[0].status == "lost"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"format": 1}', '{"format": 1, "studies": {"study-0": [1, 2]}}', "[" * 100_000, "wrong types"],
    ids=range(7),
)
def test_a_damaged_list_is_read_anew(store: Path, content: str) -> None:
    study = create_study(store, tiny_config(name="Mine"), "study-0")
    settle()
    right = list_studies(store)
    (kept,) = (data_folder() / "lists").iterdir()
    if content == "wrong types":
        values = json.loads(kept.read_text())
        values["studies"][study.id][1]["created"] = "yesterday"
        content = json.dumps(values)
    kept.write_text(content)
    in_a_new_process()
    assert list_studies(store) == right


def test_where_no_list_can_be_kept_all_is_read(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_study(store, tiny_config(), "study-0")
    data_folder().parent.mkdir(parents=True, exist_ok=True)
    data_folder().write_text("in the way")
    assert [info.id for info in list_studies(store)] == ["study-0"]


# --- a thousand studies --------------------------------------------------------------------------------------------
