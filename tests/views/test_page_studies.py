"""The page Studies: every state of a study has its words and controls, and only what may be changed can be changed."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from app.results import shipped
from app.shell import state
from app.shell.frame import picker_names
from app.studies import actions, compare
from app.studies.list import Entry, spark
from rad_core.errors import InputError
from rad_core.folders import default_store
from rad_core.results import sentences
from rad_core.results.verdicts import results
from rad_core.results.words import about, count
from rad_core.running.engine import run_study
from rad_core.running.maps import STOPPED
from rad_core.store.catalogue import create_study, study_ids
from rad_core.store.pack import pack
from rad_core.store.study import Study, StudyInfo
from tests.conftest import tiny_config

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that ran to its end; tests copy it."""
    study = create_study(tmp_path_factory.mktemp("made"), tiny_config(name="Tiny *one*"), "tiny-finished")
    run_study(study, workers=1)
    return study.path


@pytest.fixture(autouse=True)
def no_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is shipped unless a test says so."""
    monkeypatch.setattr(shipped, "archives", list)
    state.forget_list()


def add(source: Path, id: str, *, root: Path | None = None, name: str | None = None) -> Study:
    root = default_store() if root is None else root
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, root / id)
    study = Study(root / id)
    if name is not None:
        study.rename(name)
    state.forget_list()
    return study


def planned(id: str, **changes: object) -> Study:
    study = create_study(default_store(), tiny_config(**changes), id)
    state.forget_list()
    return study


def open_page(**parameters: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30)
    for name, value in parameters.items():
        at.query_params[name] = value
    at.switch_page("views/studies.py").run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.subheader, *at.error, *at.title, *at.checkbox]
    return " ".join(str(getattr(part, "label", "") or part.value) for part in parts)


def keys(at: AppTest) -> set[str]:
    found = {*(button.key or "" for button in at.button), *(box.key or "" for box in at.checkbox)}
    return found | {"menu_" + menu.proto.id.partition("-menu_")[2] for menu in at.get("menu_button")}


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception
    return at


@pytest.fixture
def running() -> Iterator[Study]:
    """A study whose process is alive: this one, which holds its lock."""
    study = planned("tiny-running", name="Busy")
    with study.lock():
        study.set_status("running")
        state.forget_list()
        yield study


# --- states --------------------------------------------------------------------------------------------------------


def test_an_empty_store_calls_for_a_first_study() -> None:
    at = open_page()
    assert "No study of your own yet" in words(at)
    assert at.button(key="runs_first").label == "Start a first study (about a minute)"


def test_a_finished_study_shows_its_verdict_and_its_curve_and_opens(finished: Path) -> None:
    study = add(finished, "tiny-finished")
    at = open_page()
    head = sentences.headline(results(study))
    assert head.text in words(at).replace("\\", "")
    svg, text = spark(results(study), head.rule)
    accuracy = study.rounds_table().query("strategy == @head.rule and seed == 0").sort_values("round")["accuracy"]
    assert text == f"Accuracy from {accuracy.iloc[0]:.1%} to {accuracy.iloc[-1]:.1%}"
    assert svg.count(",") == len(accuracy), "a corner for every round"
    assert re.search(r"Digits, 1 repetition, \d+ \w+", words(at))
    assert "4 of 4 rounds" in words(at)
    assert r"Tiny \*one\*" in words(at), "a name is shown as it is, not as Markdown"
    assert "runs_first" not in keys(at)
    press(at, "open_tiny-finished")
    assert at.session_state["run"] == "tiny-finished"
    assert at.title[0].value != "Studies"


def test_a_study_without_a_finished_round_is_listed() -> None:
    planned("tiny-planned")
    at = open_page()
    assert "It was never started." in words(at)
    assert at.button(key="resume_tiny-planned").label == "Start"


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        ("paused", "", "Resume it to go on; 4 finished rounds are kept."),
        ("cancelled", "", "Resume it if you change your mind"),
        ("failed", "It ran out of memory (CUDA); start one with a smaller pool.", "Mend what is named above"),
    ],
)
def test_a_stopped_study_says_why_and_what_to_do(finished: Path, status: str, message: str, said: str) -> None:
    add(finished, "tiny-stopped").set_status(status, message)
    at = open_page()
    assert said in words(at)
    assert message.split(" (")[0] in words(at)
    assert {"resume_tiny-stopped", "open_tiny-stopped"} <= keys(at)


def test_a_study_whose_process_is_gone_is_lost_and_can_be_resumed(finished: Path) -> None:
    add(finished, "tiny-lost").set_status("running")
    at = open_page()
    assert "Its process is gone" in words(at).replace("\\", "")
    assert at.button(key="resume_tiny-lost").label == "Resume"


def test_an_unreadable_study_is_named_with_its_reason_and_can_only_be_deleted(finished: Path) -> None:
    (add(finished, "tiny-broken").path / "study.sqlite").write_bytes(b"no database")
    add(finished, "tiny-finished")
    at = open_page()
    assert "tiny-broken" in words(at).replace("\\", "")
    found = {key for key in keys(at) if "tiny-broken" in key}
    assert found == {"delete_tiny-broken"}
    assert "open_tiny-finished" in keys(at), "it hides no other study"
    press(at, "delete_tiny-broken")
    press(at, "runs_do_delete")
    assert study_ids(default_store()) == ["tiny-finished"]


def test_a_running_study_shows_progress_and_can_be_paused(running: Study) -> None:
    at = open_page()
    assert {"live_pause_tiny-running", "live_cancel_tiny-running"} <= keys(at)
    assert "open_tiny-running" not in keys(at), "it is not listed twice"
    press(at, "live_pause_tiny-running")
    assert running.requested() == "pause"
    assert "Asked to pause" in words(at)


def test_cancelling_asks_first(running: Study) -> None:
    at = press(open_page(), "live_cancel_tiny-running")
    assert running.requested() == "run"
    press(at, "runs_do_cancel")
    assert running.requested() == "cancel"


def test_a_map_on_its_way_is_listed_and_can_be_stopped(finished: Path) -> None:
    stem = add(finished, "tiny-mapped").path / "maps" / "teacher_features-umap-seed0"
    stem.parent.mkdir(exist_ok=True)
    with FileLock(stem.with_suffix(".lock")):  # as the process that computes it holds it
        stem.with_suffix(".progress").write_text("120000 1000000")
        at = open_page()
        at.button(key=f"stop-{stem}").click().run()
        assert not at.exception
        assert not at.error
        assert "120,000 of 1,000,000 points placed" in at.get("progress")[0].proto.text
        assert stem.with_suffix(".failed").read_text() == STOPPED
    assert "Maps on their way" not in [title.value for title in open_page().subheader]


def test_a_queued_study_says_that_it_waits(running: Study) -> None:
    running.set_status("queued", "Waits for its turn: another comes first.")
    state.forget_list()
    at = open_page()
    assert "live_cancel_tiny-running" in keys(at)


def test_curves_are_drawn_while_a_study_runs_and_stay_the_same_until_a_round_comes_in(finished: Path) -> None:
    study = add(finished, "tiny-finished")
    with study.lock():
        study.set_status("running")
        state.forget_list()
        at = open_page()
        first = at.get("plotly_chart")[0].proto.spec
        at.run()
        assert at.get("plotly_chart")[0].proto.spec == first
        kept = at.session_state["live_charts"]["tiny-finished"]
        at.run()
        assert at.session_state["live_charts"]["tiny-finished"] is kept


def test_a_study_that_finishes_under_the_eyes_of_the_visitor_stays_with_its_curves(finished: Path) -> None:
    study = add(finished, "tiny-finished")
    with study.lock():
        study.set_status("running")
        state.forget_list()
        at = open_page()
        study.set_status("finished")
    state.forget_list()
    at.run()
    assert "live_open_tiny-finished" in keys(at)
    assert at.get("plotly_chart")
    press(at, "live_done_tiny-finished")
    assert "open_tiny-finished" in keys(at)


# --- what may be changed -------------------------------------------------------------------------------------------


def test_a_shipped_study_cannot_be_changed(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = add(finished, "tiny-demo", root=tmp_path / "made")
    with closing(sqlite3.connect(study.path / "study.sqlite")) as database:
        database.execute("update meta set value = 'tiny-demo' where key = 'id'")
        database.commit()
    study.set_status("paused")
    pack(study, tmp_path / "tiny-demo.rad.zip")
    monkeypatch.setattr(shipped, "archives", lambda: [tmp_path / "tiny-demo.rad.zip"])
    at = open_page()
    found = {key for key in keys(at) if "tiny-demo" in key}
    assert found == {"open_tiny-demo", "compare_tiny-demo", "menu_tiny-demo"}
    assert list(at.get("menu_button")[0].proto.options) == ["Clone"]
    with pytest.raises(InputError, match="no study 'tiny-demo' among yours"):
        actions.own("tiny-demo")


def test_the_result_of_a_shipped_study_is_listed_without_unpacking_it(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(finished, "tiny-finished")  # in view
    study = add(finished, "tiny-demo", root=tmp_path / "made")
    with closing(sqlite3.connect(study.path / "study.sqlite")) as database:
        database.execute("update meta set value = 'tiny-demo' where key = 'id'")
        database.commit()
    pack(study, tmp_path / "tiny-demo.rad.zip")
    monkeypatch.setattr(shipped, "archives", lambda: [tmp_path / "tiny-demo.rad.zip"])
    at = open_page()
    verdict = sentences.headline(results(study)).text
    assert words(at).replace("\\", "").count(verdict) == 2, "its own and the shipped one's"
    assert not shipped.is_unpacked("tiny-demo")
    assert shipped.metrics_of("tiny-demo").rounds_table().equals(study.rounds_table())
    with pytest.raises(InputError, match="cannot be read"):
        shipped.metrics_of("tiny-demo").seed_array(0, "pool_labels")


def test_a_read_only_studio_offers_no_change_and_makes_none(
    finished: Path, running: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    add(finished, "tiny-finished")
    (add(finished, "tiny-broken").path / "study.sqlite").write_bytes(b"no database")
    add(finished, "tiny-failed").set_status("failed", "Why.")
    state.forget_list()
    at = open_page(new="1")
    assert at.title[0].value == "Studies", "the form of a new study does not open"
    allowed = ("open_", "compare_", "details_", "live_log_", "Present")
    mine = {key for key in keys(at) if "tiny" in key}
    assert all(key.startswith(allowed) for key in mine), mine
    assert "runs_new" not in keys(at)
    assert "this studio is read-only" in words(at)
    for action in (actions.own, actions.resume, lambda id: actions.request(id, "cancel")):
        with pytest.raises(InputError, match="only shows"):
            action("tiny-finished")
    with pytest.raises(InputError, match="starts none"):
        actions.start_new(tiny_config())


@pytest.mark.parametrize("id", ["../../etc", "tiny-other", "tiny-finished/../x", ""])
def test_an_id_that_is_not_in_the_list_is_refused(finished: Path, id: str) -> None:
    add(finished, "tiny-finished")
    with pytest.raises(InputError, match="no study"):
        actions.own(id)


def test_deleting_results_needs_the_name(finished: Path) -> None:
    add(finished, "tiny-finished", name="Keep me")
    at = open_page()
    at.session_state["runs_asked"] = ("delete", "tiny-finished")
    at.run()
    assert at.button(key="runs_do_delete").disabled
    at.text_input(key="runs_typed").input("keep").run()
    assert at.button(key="runs_do_delete").disabled
    at.text_input(key="runs_typed").input("Keep me").run()
    press(at, "runs_do_delete")
    assert study_ids(default_store()) == []
    assert "No study of your own yet" in words(at)


def test_renaming(finished: Path) -> None:
    study = add(finished, "tiny-finished")
    at = open_page()
    at.session_state["runs_asked"] = ("rename", "tiny-finished")
    at.run()
    at.text_input(key="runs_new_name").input("Another name")
    press(at, "runs_do_rename")
    assert study.info().name == "Another name"
    assert "**Another name**" in words(at)


def test_a_question_about_a_study_that_has_gone_is_dropped(finished: Path) -> None:
    add(finished, "tiny-finished")
    at = open_page()
    at.session_state["runs_asked"] = ("delete", "tiny-gone")
    at.run()
    assert not at.exception
    assert "runs_do_delete" not in keys(at)


def test_a_study_that_cannot_be_resumed_says_why(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = add(finished, "tiny-stopped")
    study.set_status("failed", "Why.")
    at = open_page()
    with study.lock():
        press(at, "resume_tiny-stopped")
    assert "already" in at.error[0].value


@pytest.mark.slow
def test_a_lost_study_goes_on_from_where_it_was(finished: Path) -> None:
    study = add(finished, "tiny-lost")
    study.set_status("running")
    press(open_page(), "resume_tiny-lost")
    assert study.info().status != "lost"
    end = time.monotonic() + 120
    while study.info().status != "finished":
        assert time.monotonic() < end
        time.sleep(0.2)


# --- many studies --------------------------------------------------------------------------------------------------


def test_many_studies_are_filtered_and_shown_in_parts(finished: Path) -> None:
    for number in range(18):
        add(finished, f"tiny-number-{number:02}", name=f"Study {number:02}")
    Study(default_store() / "tiny-number-03").set_status("failed", "Why.")
    state.forget_list()
    at = open_page()
    assert sum(key.startswith("open_") for key in keys(at)) == 15
    press(at, "runs_more")
    assert sum(key.startswith("open_") for key in keys(at)) == 18
    found = open_page(runs_status="failed")
    assert {key for key in keys(found) if key.startswith("open_")} == {"open_tiny-number-03"}
    found = open_page(runs_find="study 07")
    assert {key for key in keys(found) if key.startswith("open_")} == {"open_tiny-number-07"}
    assert "No study fits the filter" in words(open_page(runs_find="nothing like it"))
    assert sum(key.startswith("open_") for key in keys(open_page(runs_status="evil"))) == 15


# --- comparing -----------------------------------------------------------------------------------------------------


def test_two_ticked_studies_are_compared_on_one_scale(finished: Path) -> None:
    add(finished, "tiny-first", name="One")
    add(finished, "tiny-second", name="Two")
    at = open_page()
    at.checkbox(key="compare_tiny-first").check().run()
    assert "tick another" in words(at)
    at.checkbox(key="compare_tiny-second").check().run()
    assert not at.exception
    assert "Comparing 2 studies" in words(at)
    assert "None: equal settings" in words(at)
    assert set(at.query_params["compare"].split(",")) == {"tiny-first", "tiny-second"}
    for kind in ("curves", "tradeoff", "guarantee"):
        at.segmented_control(key="compare_kind").set_value(kind).run()
        assert not at.exception
        charts = [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
        assert len(charts) == 2
        ranges = [chart["layout"]["yaxis"]["range"] for chart in charts]
        assert kind == "guarantee" or ranges[0] == ranges[1]
    press(at, "compare_clear")
    assert "Comparing" not in words(at)


def test_a_link_ticks_the_studies_that_it_names_and_no_others(finished: Path) -> None:
    add(finished, "tiny-first")
    add(finished, "tiny-second")
    at = open_page(compare="tiny-first,tiny-second,../../etc,tiny-gone")
    assert "Comparing 2 studies" in words(at)


def test_a_comparison_with_a_study_without_results_shows_what_there_is(finished: Path) -> None:
    add(finished, "tiny-first")
    planned("tiny-planned", budget=7)
    planned("tiny-planned-2")
    at = open_page(compare="tiny-first,tiny-planned")
    assert len(at.get("plotly_chart")) == 1
    assert "no results to compare" in words(open_page(compare="tiny-planned,tiny-planned-2"))


def test_only_settings_that_differ_are_listed() -> None:
    one = tiny_config(budget=10).resolved()
    two = attrs.evolve(one, budget=20, strategies=("rad",), name="another")
    found = compare.differences({"One": one.to_dict(), "Two": two.to_dict()})
    assert found.to_dict("records") == [
        {"Setting": "strategies", "One": "rad, uniform", "Two": "rad"},
        {"Setting": "budget", "One": "10", "Two": "20"},
    ]


def test_headings_of_equal_names_are_told_apart() -> None:
    same = [Entry(StudyInfo("tiny-first", name="Same")), Entry(StudyInfo("tiny-second", name="Same"))]
    assert compare.titles(same) == ["Same (tiny-first)", "Same (tiny-second)"]


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 s"),
        (7.4, "7 s"),
        (22, "20 s"),
        (59.9, "1 min"),
        (60, "1 min"),
        (149, "2 min 30 s"),
        (179.9, "3 min"),
        (1234, "21 min"),
        (3594, "1 h"),
        (3595, "1 h"),
        (4000, "1 h 5 min"),
        (36_000, "10 h"),
        (100_000, "28 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert about(seconds) == said


def test_counts_take_the_right_form() -> None:
    assert [count(n, "strategy") for n in (1, 2)] == ["1 strategy", "2 strategies"]
    assert count(1200, "label") == "1,200 labels"


def test_the_picker_says_the_time_of_day_only_where_name_and_day_are_anothers_too() -> None:
    noon = time.mktime((time.localtime().tm_year, 3, 4, 12, 0, 0, 0, 0, -1))
    infos = [
        StudyInfo("a", "Tiny", "finished", created=noon),
        StudyInfo("b", "Tiny", "running", created=noon + 60),
        StudyInfo("c", "Tiny", "finished", created=noon + 86_400),
        StudyInfo("d", "Tiny", "finished", created=noon - 400 * 86_400),
        StudyInfo("e", "Tiny", "finished", created=noon),
    ]
    *names, old, example = picker_names(infos, {"e"}).values()
    assert names == ["Tiny, 4 Mar 12:00", "Tiny, 4 Mar 12:01 · running", "Tiny, 5 Mar"]
    assert old.endswith(str(time.localtime().tm_year - 1))
    assert example == "◇ Tiny"
