"""All that a page shows of a study is of one moment and of that study, whatever is written or put in its place."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.export import FORMATS
from app.results import reading
from app.shell import state
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.result_pages import change, figures, make_studies, open_page, sound, study_in, words

PAGES = ("explore", "curves", "present", "tradeoff", "map")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_studies(tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of another study of the same id, strategies, seeds and rounds."""
    store = tmp_path_factory.mktemp("remade")
    config = tiny_config(strategies=("rad", "uniform", "margin", "oracle"), seeds=3, pool=150, student_steps=10)
    run_study(create_study(store, config, "study-of-tests"), workers=1)
    return store


@pytest.fixture
def half(stores: dict[str, Path], tmp_path: Path) -> Path:
    """A store of a study whose second and last round is still to come."""
    return Path(shutil.copytree(stores["half"], tmp_path / "half"))


def finish(store: Path, stores: dict[str, Path]) -> None:
    """All rounds that are still to come come in, in one transaction as the engine writes them."""
    with closing(sqlite3.connect(store / "study-of-tests" / DATABASE)) as database:
        database.execute("attach ? as whole", [str(stores["three"] / "study-of-tests" / DATABASE)])
        database.execute("insert or ignore into rounds select * from whole.rounds")
        database.execute("update meta set value = value + 1 where key = 'version'")
        database.commit()


def put_in_place(store: Path, other: Path) -> None:
    """Another study under the same id, written just as often."""
    version = study_in(store).version()
    gone = store.with_name("gone")
    store.rename(gone)  # in one step, since a map of it may be in the making
    shutil.rmtree(gone, ignore_errors=True)
    shutil.copytree(other, store)
    change(store, f"update meta set value = '{version}' where key = 'version'")
    state.forget_list()


# --- a study at a moment -------------------------------------------------------------------------------------------


def readings(study: Study) -> list[Any]:
    """What the pages read of a study, as plain values."""
    seeds = study.seeds()
    return [
        study.info(),
        study.config,
        study.moment(),
        study.rounds_table().to_json(),
        study.seconds_table().to_json(),
        [study.seed_metrics(seed) for seed in seeds],
        [study.finished_rounds("rad", seed) for seed in seeds],
        reading.purchases(study).to_json(),
        study.content_digest(),
    ]


def test_a_snapshot_reads_like_the_study_and_opens_no_file_of_its_database(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_in(half)
    still, wanted = study.snapshot(), readings(study)
    opened: list[Any] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: opened.append(given) or connect(*given, **more))
    assert readings(still) == wanted
    assert not opened


def test_a_snapshot_stays_as_it_was_and_what_is_written_reaches_the_study(half: Path, stores: dict[str, Path]) -> None:
    study = study_in(half)
    still, before = study.snapshot(), readings(study)
    finish(half, stores)
    still.rename("A new name")
    assert readings(still) == before
    assert study.info().name == "A new name"
    assert study.info().rounds_done > still.info().rounds_done
    assert study.moment() != still.moment()


def test_a_snapshot_can_be_read_from_many_threads_at_once(half: Path) -> None:
    still = study_in(half).snapshot()
    wanted, found = still.rounds_table().to_json(), []
    threads = [
        threading.Thread(target=lambda: found.extend(still.rounds_table().to_json() for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 160


def test_a_snapshot_reads_what_is_still_in_the_log_of_the_database(half: Path) -> None:
    """A worker keeps its last transactions in a file beside the database."""
    with closing(sqlite3.connect(half / "study-of-tests" / DATABASE)) as worker:
        worker.execute("pragma wal_autocheckpoint = 0")
        worker.execute("update meta set value = 'In the log' where key = 'name'")
        worker.commit()
        assert (half / "study-of-tests" / f"{DATABASE}-wal").stat().st_size > 0
        assert study_in(half).snapshot().info().name == "In the log"


@pytest.mark.parametrize(("page", "most"), [("present", 8), ("explore", 8), ("tradeoff", 5), ("map", 5)])
def test_a_rerun_of_a_page_opens_the_database_a_few_times_however_many_cells_there_are(
    half: Path, monkeypatch: pytest.MonkeyPatch, page: str, most: int
) -> None:
    at = sound(open_page(monkeypatch, half, page, round="2", map_layout="pca"))
    opened: list[str] = []
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, *given, **more: opened.append(path) or connect(path, *given, **more)
    )
    sound(at.run())
    assert 0 < len(opened) <= most, opened


# --- pages that are held -------------------------------------------------------------------------------------------


def nothing(at: AppTest) -> None:
    """The page runs again, no more."""


def classes_panel(at: AppTest) -> None:
    at.session_state["curves_panel"] = "Classes"


def to_read(at: AppTest) -> None:
    at.session_state["story_all"] = True


@pytest.mark.parametrize(
    ("page", "name", "look_closer"),
    [("curves", "half", classes_panel), ("present", "half", to_read), ("explore", "begun", nothing)],
)
def test_a_held_page_is_of_the_moment_when_it_was_opened_also_in_what_is_read_later(
    stores: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    name: str,
    look_closer: Callable[[AppTest], None],
) -> None:
    undisturbed = sound(open_page(monkeypatch, stores[name], page))
    look_closer(undisturbed)
    sound(undisturbed.run())
    store = Path(shutil.copytree(stores[name], tmp_path / "store"))  # nothing of it is remembered yet
    at = sound(open_page(monkeypatch, store, page))
    finish(store, stores)
    look_closer(at)
    sound(at.run())
    assert figures(at) == figures(undisturbed)
    assert [table.value.to_json() for table in at.dataframe] == [one.value.to_json() for one in undisturbed.dataframe]
    assert [title.proto.body for title in at.title] == [title.proto.body for title in undisturbed.title]
    assert [title.proto.help for title in at.title] == [title.proto.help for title in undisturbed.title]
    assert any("refresh" in button.label for button in at.button), "what is new is offered"


def test_a_held_page_lets_nothing_of_later_into_what_others_see_of_its_moment(
    half: Path, stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, half, "curves"))
    held: state.View = at.session_state["curves_held"]
    finish(half, stores)
    classes_panel(at)
    sound(at.run())
    wanted = reading.class_picks(held.study)
    pd.testing.assert_frame_equal(held.read(reading.class_picks), wanted)
    now = state.view_of(study_in(half), demo=False)
    assert now.key != held.key
    assert now.read(reading.class_picks).to_numpy().sum() > wanted.to_numpy().sum()


def test_the_refresh_brings_in_all_that_was_held_back(
    half: Path, stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, half, "curves", curves_panel="Classes"))
    before = figures(at)
    finish(half, stores)
    sound(at.run())
    next(button for button in at.button if "refresh" in button.label).click()
    sound(at.run())
    fresh = sound(open_page(monkeypatch, half, "curves", curves_panel="Classes"))
    assert figures(at) == figures(fresh) != before
    assert not any("refresh" in button.label for button in at.button)


def test_files_of_a_held_story_hold_the_story_that_is_shown(
    half: Path, stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, half, "present"))
    held: state.View = at.session_state["story_held"]
    finish(half, stores)
    with zipfile.ZipFile(io.BytesIO(FORMATS[".zip"].make(held.study, None))) as bundle:
        rounds = pd.read_csv(bundle.open("data/rounds.csv"))
        plotted = pd.read_csv(bundle.open("charts/4-curves.csv"))
    assert rounds["round"].max() == 1
    assert plotted["Soft labels"].max() == 10


def test_a_story_that_begins_while_it_is_waited_for_appears_by_itself(
    stores: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Path(shutil.copytree(stores["begun"], tmp_path / "store"))
    at = sound(open_page(monkeypatch, store, "present"))
    assert "No story yet" in words(at)
    finish(store, stores)
    assert "No story yet" not in words(sound(at.run()))


# --- another study in its place ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_study_made_again_under_one_id_shows_its_own_results(
    stores: dict[str, Path], remade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    store = Path(shutil.copytree(stores["three"], tmp_path / "store"))
    at = sound(open_page(monkeypatch, store, page, map_layout="pca"))
    put_in_place(store, remade)
    sound(at.run())
    elsewhere = sound(open_page(monkeypatch, remade, page, map_layout="pca"))
    assert figures(at) == figures(elsewhere)
    assert words(at) == words(elsewhere)
    assert [table.value.to_json() for table in at.dataframe] == [one.value.to_json() for one in elsewhere.dataframe]


def test_a_light_copy_in_the_place_of_its_study_is_seen_as_one(stores: dict[str, Path], tmp_path: Path) -> None:
    """Both were made and written at the same moments."""
    from rad_core.running import maps

    study = study_in(Path(shutil.copytree(stores["three"], tmp_path / "store")))
    maps.make_map(study, 0, "teacher_features", "pca")
    pack(study, tmp_path / "light.rad.zip", light=1)
    whole = state.view_of(study, demo=False)
    assert whole.read(reading.light_copy.seeds_with_points) == [0, 1, 2]
    shutil.rmtree(study.path)
    unpack_into(tmp_path / "light.rad.zip", study.path.parent)
    assert study.version() == whole.study.version()
    assert state.view_of(study, demo=False).read(reading.light_copy.seeds_with_points) == [0]


def test_a_pool_of_another_study_has_another_key(stores: dict[str, Path], remade: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(stores["three"], tmp_path / "store"))
    before = reading.pool_before(study_in(store), "uniform", 0, 1).key
    assert reading.pool_before(study_in(store), "uniform", 0, 1).key == before
    put_in_place(store, remade)
    assert reading.pool_before(study_in(store), "uniform", 0, 1).key != before


# --- what is remembered under a function's name --------------------------------------------------------------------


def of_file(folder: Path, name: str, answer: str) -> Callable[[Study], str]:
    """A function `told` as a page has it: every page is a module called __main__."""
    source = folder / f"{name}.py"
    source.write_text(f"def told(study):\n    return {answer!r}\n")
    space = {"__name__": "__main__"}
    exec(compile(source.read_text(), str(source), "exec"), space)
    return space["told"]  # type: ignore[return-value]


def test_functions_of_one_name_in_two_pages_do_not_answer_for_each_other(tmp_path: Path) -> None:
    view = state.view_of(create_study(tmp_path / "store", tiny_config()), demo=False)
    one, other = of_file(tmp_path, "one", "of one"), of_file(tmp_path, "other", "of other")
    assert (view.read(one), view.read(other), view.read(one)) == ("of one", "of other", "of one")


def test_a_function_without_a_name_of_its_own_is_refused(tmp_path: Path) -> None:
    view = state.view_of(create_study(tmp_path / "store", tiny_config()), demo=False)
    with pytest.raises(ValueError, match="no name of its own"):
        view.read(lambda study: json.dumps(study.id))
