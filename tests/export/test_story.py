"""The story of a study in every state: steps, sentences, charts, picture; its settings and where they are kept."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.export.html import html_report
from app.figures import Chart
from app.present.model import Step, Story
from app.present.picture import Mistakes, describe, draw
from app.present.settings import STEPS, StorySettings, read_settings
from app.present.tell import tell
from app.results import shipped
from rad_core.errors import InputError
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.study import LONGEST_PRESENTATION, Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.result_pages import make_studies, study_in


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAD_DATA", str(tmp_path_factory.mktemp("data")))
        yield make_studies(tmp_path_factory.mktemp("stores"))


def told(stores: dict[str, Path], name: str, **settings: Any) -> Story:
    return tell(study_in(stores[name]), StorySettings(**settings))


def step(story: Story, name: str) -> Step:
    return next(each for each in story.steps if each.name == name)


def text(story: Story) -> str:
    return " ".join(
        [story.title, story.subtitle, *(line for each in story.steps for line in (each.title, *each.sentences))]
    )


# --- what is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["three", "one", "without rad", "half", "no thumbnails"])
@pytest.mark.parametrize("audience", ["executive", "technical"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_of_a_study_has_six_sound_steps(
    stores: dict[str, Path], name: str, audience: str, theme: Any
) -> None:
    story = tell(study_in(stores[name]), StorySettings(audience=audience, price_per_label=0.5), theme)
    assert [each.name for each in story.steps] == list(STEPS)
    assert "nan" not in text(story).lower().replace("finance", "")
    assert "**" not in text(story)
    for each in story.steps:
        assert each.title
        assert each.sentences
        assert all(isinstance(chart, Chart) and chart.alt for chart in each.charts)
        assert each.charts or each.picture
        assert bool(each.picture) == bool(each.picture_alt)


def test_three_seeds_are_told_with_their_interval(stores: dict[str, Path]) -> None:
    story = told(stores, "three")
    said = text(story)
    assert "3 repetitions" in said
    assert "too few" not in said
    assert "Only 3 repetitions were measured" in said
    assert "oracle, which knows where the teacher is right" in said
    assert story.title == "Three seeds"


def test_one_seed_shows_no_uncertainty_and_claims_no_winner(stores: dict[str, Path]) -> None:
    said = text(told(stores, "one"))
    assert "Too few repetitions to tell (1)." in said
    assert "measured once (1 repetition)" in said
    assert "Buy" not in said
    assert " beats " not in said
    assert "A student taught on the whole pool was not trained" in said


def test_a_study_without_rad_or_oracle_says_what_is_missing(stores: dict[str, Path]) -> None:
    story = told(stores, "without rad")
    assert "chosen by RAD, to reach" not in text(story)
    assert "RAD" not in "".join(each.title for each in story.steps)
    assert "uniform and margin" in text(story)
    assert "upper bound" not in text(story)


def test_a_study_without_a_finished_seed_recommends_nothing(stores: dict[str, Path]) -> None:
    story = told(stores, "half")
    assert story.subtitle == "Not known yet. No rule has finished all 2 rounds."
    assert step(story, "recommendation").title == "Nothing can be recommended yet"
    assert "there is no cost to state" in step(story, "cost").sentences[0]


@pytest.mark.parametrize("name", ["new", "begun"])
def test_before_the_first_purchase_there_is_nothing_to_tell(stores: dict[str, Path], name: str) -> None:
    with pytest.raises(InputError, match="has not finished a round of purchase yet"):
        told(stores, name)


def test_the_same_study_gives_the_same_story(stores: dict[str, Path]) -> None:
    one, other = told(stores, "three"), told(stores, "three")
    assert text(one) == text(other)
    for a, b in zip(one.steps, other.steps, strict=True):
        assert a.picture == b.picture
        assert [chart.figure.to_json() for chart in a.charts] == [chart.figure.to_json() for chart in b.charts]


def test_facts_say_where_the_numbers_come_from(stores: dict[str, Path]) -> None:
    facts = told(stores, "three").facts
    assert facts["Data set"] == "digits"
    assert facts["Seeds"] == "3"
    assert facts["Study"] == "study-of-tests"
    assert "RAD Studio" in facts
    assert "Study study-of-tests" in told(stores, "three").provenance


# --- what the presenter chose --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study in which labels are shown to pay."""
    return unpack_into(shipped.assets() / "studies" / "fashion-long-tail.rad.zip", tmp_path_factory.mktemp("store"))


def test_whose_images_are_shown_is_said(paying: Study) -> None:
    assert "Images Fashion-MNIST by Zalando Research, MIT licence" in tell(paying, StorySettings()).provenance
    assert b"MIT licence" in html_report(tell(paying, StorySettings()))


def test_choices_change_the_story(paying: Study) -> None:
    settings = StorySettings(
        title="For the board",
        hidden=("map", "tradeoff"),
        notes={"cost": "Ask Ann."},
        price_per_label=2.0,
        currency="EUR",
        budget=20.0,
    )
    story = tell(paying, settings)
    assert story.title == "For the board"
    assert [each.name for each in story.steps] == ["problem", "curves", "recommendation", "cost"]
    assert step(story, "cost").note == "Ask Ann."
    assert "The money buys 10 labels" in step(story, "recommendation").sentences[0]
    assert "10 labels at 2.00 EUR each cost 20.00 EUR" in step(story, "cost").sentences[0]


def test_a_target_of_the_presenter_is_the_goal(paying: Study) -> None:
    first = step(tell(paying, StorySettings(target=0.999)), "recommendation").sentences[0]
    assert "99.9%" in first
    assert "not reached" in first


def test_where_buying_is_not_shown_to_pay_no_goal_makes_the_story_say_buy(stores: dict[str, Path]) -> None:
    for goal in ({}, {"target": 0.2}, {"budget": 20.0, "price_per_label": 2.0}):
        story = told(stores, "three", **goal)
        assert "Not shown. 20 labels, chosen by RAD, " in story.subtitle
        assert step(story, "recommendation").title == "It is not shown that buying labels pays"
        assert "there is no cost to state" in step(story, "cost").sentences[0]


def test_technical_people_see_every_strategy_and_the_method(stores: dict[str, Path]) -> None:
    plain, full = told(stores, "three"), told(stores, "three", audience="technical")
    assert "isotonic" not in text(plain)
    assert "isotonic" in text(full)
    assert step(plain, "recommendation").table is None
    assert len(step(full, "recommendation").table) == 3  # the oracle is no rule to buy by


# --- the picture ---------------------------------------------------------------------------------------------------


def test_the_picture_holds_mistakes_only_and_can_be_left_out(stores: dict[str, Path]) -> None:
    shown, hidden = step(told(stores, "three"), "problem"), step(told(stores, "three", thumbnails=False), "problem")
    assert shown.picture is not None
    assert Image.open(io.BytesIO(shown.picture)).format == "PNG"
    pairs = [pair.split(" taken for ") for pair in shown.picture_alt.partition(": ")[2].rstrip(".").split("; ")]
    assert pairs
    assert all(truth != said for truth, said in pairs)
    assert hidden.picture is None
    assert len(hidden.charts) == 1
    assert step(told(stores, "no thumbnails"), "problem").picture is None


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (1, 64, 40, 3), (10, 30, 31, 3)])
def test_a_picture_is_drawn_of_any_thumbnails_and_names(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    names = tuple("<b>\N{CJK UNIFIED IDEOGRAPH-732B} a very long name of a class</b>" for _ in images)
    found = Mistakes(images, names, names, shape[0], 100)
    picture = Image.open(io.BytesIO(draw(found, "dark")))
    assert picture.width > 200
    assert len(np.unique(np.asarray(picture))) > 50
    assert names[0] in describe(found, 0)


# --- settings ------------------------------------------------------------------------------------------------------


def test_settings_survive_json() -> None:
    settings = StorySettings(
        title="T",
        currency="€",
        price_per_label=0.25,
        target=0.9,
        hidden=("cost", "map"),
        notes={"map": "a\nb", "cost": ""},
        audience="technical",
        thumbnails=False,
    )
    assert StorySettings.from_json(settings.to_json()) == settings
    assert settings.hidden == ("map", "cost")
    assert settings.notes == {"map": "a\nb"}


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x" * 121},
        {"title": "a\nb"},
        {"title": 3},
        {"currency": "x" * 13},
        {"price_per_label": -1},
        {"price_per_label": float("nan")},
        {"price_per_label": "1"},
        {"target": 0.0},
        {"target": 1.0},
        {"target": 90},
        {"budget": 5.0},
        {"budget": -1.0, "price_per_label": 1},
        {"target": 0.5, "budget": 5.0, "price_per_label": 1},
        {"hidden": ["intro"]},
        {"hidden": list(STEPS)},
        {"hidden": "map"},
        {"notes": {"intro": "x"}},
        {"notes": ["x"]},
        {"notes": {"map": "x" * 2001}},
        {"notes": {"map": 1}},
        {"notes": {"map": "\ud800"}},
        {"audience": "all"},
        {"thumbnails": 1},
        {"colour": "red"},
    ],
)
def test_bad_settings_are_refused_in_a_sentence(values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        StorySettings.from_mapping(values)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_settings_that_are_no_json_object_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        StorySettings.from_json(text)


# --- where they are kept -------------------------------------------------------------------------------------------


@pytest.fixture
def own(store: Path) -> Study:
    study = create_study(store, tiny_config(price_per_label=0.75, currency="CHF"), "own-study")
    run_study(study, workers=1)
    return study


def test_settings_are_stored_with_the_study_and_change_no_result(own: Study, tmp_path: Path) -> None:
    assert read_settings(own) == StorySettings(currency="CHF", price_per_label=0.75)
    before, version = own.content_digest(), own.version()
    wanted = StorySettings(title="Mine", notes={"map": "look here"})
    own.write_presentation(wanted.to_dict())
    assert read_settings(Study(own.path)) == wanted
    assert own.content_digest() == before
    assert own.version() > version
    assert tell(own).title == "Mine"
    pack(own, tmp_path / "a.rad.zip")
    assert read_settings(unpack_into(tmp_path / "a.rad.zip", tmp_path / "elsewhere")) == wanted
    own.write_presentation({})
    assert read_settings(own).currency == "CHF"


def test_too_much_is_not_stored(own: Study) -> None:
    with pytest.raises(InputError, match="shorten its notes"):
        own.write_presentation({"title": "x" * LONGEST_PRESENTATION})
    assert own.read_presentation() == {}


@pytest.mark.parametrize("text", ["{", "[1]", "null", json.dumps({"title": "x" * LONGEST_PRESENTATION}), "[" * 90_000])
def test_a_damaged_presentation_is_told_in_a_sentence(own: Study, text: str) -> None:
    with closing(sqlite3.connect(own.path / DATABASE)) as database:
        database.execute("insert or replace into meta values ('presentation', ?)", [text])
        database.commit()
    with pytest.raises(InputError, match="presentation stored with study own-study is damaged"):
        own.read_presentation()
