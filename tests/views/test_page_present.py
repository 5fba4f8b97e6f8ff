"""The page Present in every state: its steps and their address, the panel of the presenter, what it may not do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.present.settings import STEPS, StorySettings, read_settings
from app.results import shipped
from rad_core.store.pack import pack
from tests.helpers.result_pages import MAIN, figures, make_studies, open_page, sound, study_in, words


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAD_DATA", str(tmp_path_factory.mktemp("data")))
        yield make_studies(tmp_path_factory.mktemp("stores"))


@pytest.fixture
def own(stores: dict[str, Path], tmp_path: Path) -> Path:
    """A store whose study may be changed."""
    return Path(shutil.copytree(stores["three"], tmp_path / "own"))


def story(monkeypatch: pytest.MonkeyPatch, store: Path, **parameters: str) -> AppTest:
    return sound(open_page(monkeypatch, store, "present", **parameters))


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def staged(at: AppTest) -> dict[str, Any]:
    """What the stage is given."""
    (data,) = (json.loads(each.proto.json) for each in at.get("bidi_component") if "stage" in each.proto.component_name)
    return data


def steps_told(at: AppTest) -> list[str]:
    return [step["name"] for step in staged(at)["scenes"]["steps"]]


def headings(at: AppTest) -> list[str]:
    return [header.value for header in at.header]


# --- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["three", "one", "without rad", "half", "no thumbnails"])
def test_every_state_shows_all_its_steps(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path], name: str) -> None:
    at = story(monkeypatch, stores[name], story_all="true")
    assert steps_told(at) == list(STEPS)
    assert len(headings(at)) == len(STEPS)
    assert len(figures(at)) >= 5
    assert "study-of-tests" in words(at)


def test_before_the_first_purchase_the_page_says_so(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    for name in ("new", "begun"):
        at = story(monkeypatch, stores[name])
        assert "No story yet" in words(at)
        assert not figures(at)


def test_without_a_study_the_page_says_so(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    at = open_page(monkeypatch, stores["empty"], "present")
    assert not at.exception
    assert "There is no study to show yet" in words(at)


def test_words_of_a_study_are_shown_letter_by_letter(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    at = story(monkeypatch, stores["one"])
    assert at.title[0].value == "\\<b>One\\</b> seed"


# --- steps ---------------------------------------------------------------------------------------------------------


def test_the_stage_has_a_finding_and_one_thing_to_see_for_every_step(
    monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]
) -> None:
    told = staged(story(monkeypatch, stores["three"]))
    kinds = {step["name"]: step["sight"]["kind"] for step in told["scenes"]["steps"]}
    assert list(kinds.values()) == ["picture", "live", "picture", "xy", "xy", "xy"]
    for step in told["scenes"]["steps"]:
        assert step["title"]
        assert sum(letter.isdigit() for letter in step["number"]) <= 3, step["number"]
        assert bool(step["number"]) == bool(step["numberWords"])


def test_a_link_opens_its_step(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    assert staged(story(monkeypatch, stores["three"], story_step="map"))["step"] == "map"


@pytest.mark.parametrize("value", ["", "intro", "../..", "all'--", "9"])
def test_a_bad_step_falls_back_to_the_first(
    monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path], value: str
) -> None:
    assert staged(story(monkeypatch, stores["three"], story_step=value))["step"] == "problem"


def test_presenting_shows_the_stage_alone(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    at = story(monkeypatch, stores["three"], present="1", story_step="curves")
    told = staged(at)
    assert (told["whole"], told["step"]) == (True, "curves")
    assert not at.text_input
    assert not at.title
    assert not figures(at)


# --- the panel -----------------------------------------------------------------------------------------------------


def test_edits_are_stored_with_the_study(monkeypatch: pytest.MonkeyPatch, own: Path) -> None:
    at = story(monkeypatch, own, story_all="true")
    at.text_input(key="story_edit_title").set_value("For the *board*")
    at.text_input(key="story_edit_currency").set_value("EUR")
    at.number_input(key="story_edit_price").set_value(0.5)
    at.radio(key="story_edit_goal").set_value("budget")
    at.number_input(key="story_edit_money").set_value(10.0)
    at.text_area(key="story_edit_note_cost").set_value("Ask <Ann>.")
    sound(button(at, "Save").click().run())
    stored = read_settings(study_in(own))
    assert stored == StorySettings(
        title="For the *board*", currency="EUR", price_per_label=0.5, budget=10.0, notes={"cost": "Ask <Ann>."}
    )
    assert at.title[0].value == "For the \\*board\\*"
    assert "Ask \\<Ann>." in words(at)
    assert "no cost to state" in words(at), "labels are not shown to pay in this study"
    again = story(monkeypatch, own)
    assert again.title[0].value == "For the \\*board\\*"


def test_a_hidden_step_is_not_told(monkeypatch: pytest.MonkeyPatch, own: Path) -> None:
    study_in(own).write_presentation(StorySettings(hidden=("map", "problem")).to_dict())
    at = story(monkeypatch, own, story_step="map")
    assert staged(at)["step"] == "tradeoff"
    assert steps_told(at) == [name for name in STEPS if name not in ("map", "problem")]


def test_an_impossible_edit_is_refused_in_a_sentence_and_stores_nothing(
    monkeypatch: pytest.MonkeyPatch, own: Path
) -> None:
    at = story(monkeypatch, own)
    at.radio(key="story_edit_goal").set_value("budget")
    at = button(at, "Save").click().run()
    assert not at.exception
    assert "give the price per label as well" in at.error[0].value
    assert study_in(own).read_presentation() == {}


def test_a_damaged_presentation_takes_no_story_away(monkeypatch: pytest.MonkeyPatch, own: Path) -> None:
    study_in(own).write_presentation({"of another": "version"})
    at = story(monkeypatch, own)
    assert "is not a setting of a story" in at.warning[0].value
    assert steps_told(at) == list(STEPS)


def test_read_only_offers_no_edits(monkeypatch: pytest.MonkeyPatch, stores: dict[str, Path]) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    at = story(monkeypatch, stores["three"])
    assert steps_told(at) == list(STEPS)
    assert not at.text_input


def test_edits_of_a_shipped_study_stay_in_the_session(
    monkeypatch: pytest.MonkeyPatch, own: Path, stores: dict[str, Path], tmp_path: Path
) -> None:
    monkeypatch.setenv("RAD_STORE", str(stores["empty"]))
    pack(study_in(own), tmp_path / "example.rad.zip")
    monkeypatch.setattr(shipped, "archives", lambda: [tmp_path / "example.rad.zip"])
    at = AppTest.from_file(MAIN, default_timeout=60)
    at.switch_page("views/present.py")
    sound(at.run())
    assert "edits stay in this browser session" in words(at)
    at.text_input(key="story_edit_title").set_value("Only here")
    sound(button(at, "Save").click().run())
    assert at.title[0].value == "Only here"
    assert study_in(own).read_presentation() == {}
