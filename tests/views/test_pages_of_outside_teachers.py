"""Of a teacher from outside pages say what was bought and checked, nothing of the rest of the pool, and never fall."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.atlas import cards, facts
from app.explore import payload, picks
from app.export import html, paper, slides
from app.present.tell import tell
from app.results import reading
from app.shell import state
from app.studies import actions, plan
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.running.plan import outline
from rad_core.store.study import Study
from tests.helpers.outside import copy_of, taught
from tests.helpers.result_pages import MAIN, open_page, sound, words


@pytest.fixture
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return taught(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize(
    ("page", "parameters", "told"),
    [
        ("explore", {"a": "oracle"}, "without an answer"),
        ("tradeoff", {"round": "2", "tradeoff_axis": "confidence"}, "nowhere else in the pool"),
        (
            "curves",
            {"curves_y": "agreement"},
            "Not measured: the teacher itself and a student taught",
        ),
        ("map", {"map_features": "teacher"}, "PCA of the student's features"),
        ("present", {"story_all": "true"}, "examples that it was checked on"),
        ("studies", {}, "All studies"),
    ],
)
def test_every_page_has_a_state_for_it(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, parameters: dict[str, str], told: str
) -> None:
    copy = copy_of(study, tmp_path / "store")
    at = sound(open_page(monkeypatch, copy.path.parent, page, run=study.id, **parameters))
    assert told in words(at)
    assert "Agrees with the teacher" not in words(at)


def test_correctness_is_known_where_something_was_bought_alone(study: Study) -> None:
    bought = np.zeros(len(reading.labels(study, 0)), bool)
    for strategy in study.config.strategies:
        bought |= reading.round_of_purchase(study, strategy, 0) > 0
    says = reading.teacher_says(study, 0)
    assert (says[~bought] == -1).all()
    assert 0 < (says[bought] == -1).sum() < bought.sum() / 2  # abstentions
    assert reading.teacher_right(study, 0) is None
    assert reading.pool_before(study, "rad", 0, 1).right is None
    names = study.config.strategies
    known = facts.gather(lambda function, *rest: function(study, *rest), 0, "rad", 2, names)
    colors = facts.coloring(known, "teacher", "light")
    assert colors.labels == ("teacher right", "teacher wrong", facts.UNANSWERED)
    np.testing.assert_array_equal(colors.codes == 2, says < 0)
    points = np.flatnonzero(says < 0)[:1]
    assert ["teacher: no answer"] in cards.make_cards(known, points)[0]["lines"]
    table = facts.table(known, np.arange(known.size), np.zeros((known.size, 2)))
    assert (table["teacher_right"].isna() == (says < 0)).all()
    assert (table["teacher_says"].to_numpy()[says < 0] == "").all()


def test_what_a_link_names_is_run_when_somebody_asks_and_for_no_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    at = AppTest.from_file(MAIN, default_timeout=30)
    at.query_params |= {"new": "1", "teacher": "python:/nowhere/teacher.py:label"}
    at.switch_page("views/studies.py").run()
    assert "Look at these files?" in [each.value for each in at.subheader]
    monkeypatch.setattr(state, "files_allowed", lambda: False)
    with pytest.raises(InputError, match="asks no teacher from outside for its visitors"):
        actions.refuse_files({"dataset": "digits", "teacher": "openai:m"})


def test_a_preset_with_the_oracle_is_offered_beside_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    known = StudyConfig(teacher="python:teacher.py:label", strategies=("rad",))
    answer = replace(outline(known), estimated_seconds=1.0)
    monkeypatch.setattr(plan.st, "session_state", {plan._PLAN: {"key": known.to_json(), "answer": answer}})
    assert plan.seconds_like(known) == 1.0
    assert plan.seconds_like(StudyConfig(strategies=("rad", "oracle"))) is None


def test_a_drawn_purchase_invents_no_answer(study: Study) -> None:
    table = picks.draw(study, "rad", 0, 1, "rad", 20, None)
    says = reading.teacher_says(study, 0)[table["pool_index"]]
    assert (table["teacher_right"].isna() == (says < 0)).all()
    assert isinstance(table["teacher_right"].dtype, pd.BooleanDtype)
    with pytest.raises(InputError, match="no function of the gains"):
        picks.draw(study, "rad", 0, 1, "oracle", 20, None)
    assert b'"wrong"' not in payload.pool_blob(study, "rad", 0, 1, None).data[:2000]


def test_reports_slides_and_paragraphs_are_written(study: Study) -> None:
    told = tell(study)
    assert [step.name for step in told.steps] == ["problem", "tradeoff", "map", "curves", "recommendation", "cost"]
    assert "without an answer" in told.facts["Teacher"]
    assert len(slides.slides(told)) > 10_000
    assert b"from outside" in html.html_report(told)
    assert "asked about the points bought and the validation set alone" in paper.methods_paragraph(study)
