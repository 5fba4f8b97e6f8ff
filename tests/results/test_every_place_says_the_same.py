"""Every number that stands in two places agrees: pages, story, report, slides, `rad show`, on all shipped studies."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from pptx import Presentation

from app.export.html import html_report
from app.export.slides import slides
from app.findings import claims
from app.present.settings import StorySettings
from app.present.tell import tell
from app.results import shipped
from rad_core.cli import cli
from rad_core.results import sentences
from rad_core.results.needed import need, savings, targets
from rad_core.results.verdicts import Results, difference_table, results
from rad_core.results.words import estimated_on, percent
from rad_core.running.engine import run_study
from rad_core.selection.strategies import STRATEGIES
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.result_pages import figures, open_page, sound, words

STUDIES = (
    "fashion-long-tail",
    "cifar10-converged",
    "cifar10-poor-teacher",
    pytest.param("handwritten-digits", marks=pytest.mark.long),
    "two seeds",
)


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """Each shipped study in a store of its own, and a new one with two seeds."""
    store = tmp_path_factory.mktemp("store")
    if request.param == "two seeds":
        config = tiny_config(strategies=("rad", "uniform", "margin"), seeds=2)
        run_study(create_study(store, config, "study-of-tests"), workers=1)
        yield Study(store / "study-of-tests")
        return
    (archive,) = [path for path in shipped.archives() if path.name.startswith(request.param)]
    yield unpack_into(archive, store)


@pytest.fixture
def measured(study: Study) -> Results:
    return results(study)


def page(monkeypatch: pytest.MonkeyPatch, study: Study, name: str, **parameters: str) -> tuple[str, Any]:
    """The words of a page without the marks of Markdown, help texts included, and the page itself."""
    at = sound(open_page(monkeypatch, study.path.parent, name, **parameters))
    text = " ".join([words(at), *(str(getattr(each.proto, "help", "")) for each in at.title)])
    return text.replace("\\", ""), at


def shown(study: Study, *options: str) -> str:
    run = CliRunner().invoke(cli, ["show", study.id, "--store", str(study.path.parent), *options])
    assert run.exit_code == 0, run.output
    return run.output


def deck_text(study: Study, settings: StorySettings) -> list[str]:
    """The words of each slide."""
    deck = Presentation(io.BytesIO(slides(tell(study, settings))))
    return [" ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame) for slide in deck.slides]


def test_the_answer_heads_every_place_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch, study: Study, measured: Results
) -> None:
    answer = sentences.headline(measured).text
    settings = StorySettings(price_per_label=0.35)
    story = tell(study, settings)
    places = {
        "Explore": page(monkeypatch, study, "explore")[0],
        "Present": page(monkeypatch, study, "present", story_all="true")[0],
        "report": html.unescape(html_report(story).decode()),
        "slides": " ".join(deck_text(study, settings)),
        "rad show": shown(study),
    }
    for place, text in places.items():
        assert answer in text, place
    assert story.subtitle == answer
    if not answer.startswith("Yes."):
        for place, text in places.items():
            body = text.partition('<script type="application/json"')[0].partition("</head>")[2] or text
            assert not re.search(r"\b[Bb]uy (about )?[\d,]+ labels", body), place


def test_labels_needed_are_the_same_number_everywhere(
    monkeypatch: pytest.MonkeyPatch, study: Study, measured: Results
) -> None:
    options = targets(measured)
    if options.default is None:
        assert options.none_text in shown(study)
        assert options.none_text in page(monkeypatch, study, "curves", curves_panel="Labels needed")[0]
        return
    target = options.default
    needs = {each: need(measured, target, each) for each in measured.finished}
    curves, at = page(monkeypatch, study, "curves", curves_panel="Labels needed")
    drawn = str(figures(at)[-1]["layout"]["annotations"])
    printed = shown(study, "--targets", str(target))
    for each, own in needs.items():
        row = next(line for line in printed.splitlines() if re.match(rf"{each} ", line))
        number = f"{own.shown:,}" if own.known else "not reached"
        assert row.rstrip().endswith(f"{number} ({own.reached} of {own.seeds} seeds)"), each
        assert (f"<b>{own.shown:,}</b>" if own.known else f"best mean {percent(own.best)}") in drawn, each
    saving = savings(measured, target, measured.ours).get("uniform")
    if saving is not None:
        assert sentences.saved(saving, len(measured.rules) - 1).text in curves
    steps = {step.name: step for step in tell(study, StorySettings(target=target)).steps}
    table = steps["cost"].table
    assert table is not None
    numbers = dict(zip(table["Rule"].str.lower(), table["Labels"], strict=True))
    for each, own in needs.items():
        assert numbers[STRATEGIES[each].short_label.lower()] == (f"{own.shown:,}" if own.known else "not reached")


def test_who_is_ahead_is_the_same_on_curves_story_and_the_command_line(
    monkeypatch: pytest.MonkeyPatch, study: Study, measured: Results
) -> None:
    sentence = sentences.verdict(measured).text
    curves, _ = page(monkeypatch, study, "curves", curves_panel="Who is ahead")
    assert sentence in curves
    steps = {step.name: step for step in tell(study, StorySettings(audience="technical")).steps}
    assert sentence in steps["curves"].sentences
    printed = shown(study).partition("RAD minus")[2]
    for row in difference_table(measured).to_dict("records"):
        line = next(line for line in printed.splitlines() if line.startswith(f"{row['baseline']} "))
        assert f"{row['difference']:+.3f}" in line
        assert row["verdict"] in line
    which = sentences.which_rule(measured)
    assert which in page(monkeypatch, study, "explore")[0]
    assert which in shown(study)


def test_the_worst_case_and_the_teachers_accuracies_have_one_value_for_one_context(
    study: Study,
) -> None:
    safe = claims.guarantee(study)
    assert safe is not None
    steps = {step.name: " ".join(step.sentences) for step in tell(study, StorySettings()).steps}
    assert safe.where in steps["recommendation"]
    for gain in safe.values.values():
        assert (f"{gain:,.1f}" if gain < 1000 else f"{gain:,.0f}") in steps["recommendation"]
    printed = shown(study)
    on_pool = re.search(r"([\d.]+)(?: \[[^]]*\])? on the whole pool", printed)
    estimated = re.search(rf"([\d.]+)(?: \[[^]]*\])? {estimated_on(study.config.validation)}", printed)
    on_test = re.search(r"test set: Teacher ([\d.]+)", printed)
    assert on_pool is not None
    assert estimated is not None
    assert on_test is not None
    wrong = re.search(r"wrong on ([\d.]+)% of the images that could be bought \(the whole pool\)", steps["problem"])
    assert wrong is not None
    assert 100 - float(wrong[1]) == pytest.approx(100 * float(on_pool[1]), abs=0.11)
    told = re.search(rf"{estimated_on(study.config.validation)}, is ([\d.]+)%", steps["cost"])
    assert told is not None
    assert float(told[1]) == pytest.approx(100 * float(estimated[1]), abs=0.11)
    itself = re.search(r"the teacher itself ([\d.]+)%", steps["curves"])
    assert itself is not None
    assert float(itself[1]) == pytest.approx(100 * float(on_test[1]), abs=0.11)


def test_fewer_than_three_seeds_show_no_interval_anywhere(monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
    if study.config.seeds >= 3:
        assert re.search(r"\[\d", shown(study))
        return
    printed = shown(study)
    assert "too few" in printed.lower()
    assert not re.search(r"\[[+-]?\d", printed)
    for name, parameters in (("explore", {}), ("curves", {"curves_panel": "Who is ahead"})):
        text, _ = page(monkeypatch, study, name, **parameters)
        assert "too few" in text.lower(), name
        assert not re.search(r"\d+\.\d% to \d+\.\d% over", text), name
