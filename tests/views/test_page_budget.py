"""The Budget lab as a page: it answers at once, says what is measured and what is estimated, and has no dead end."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.explore import numbers
from app.explore.panels import PANELS
from rad_core.running.engine import run_study
from rad_core.selection import whatif
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.big_study import make_big_study

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def open_page(monkeypatch: pytest.MonkeyPatch, store: Path, **parameters: str) -> AppTest:
    """The page on a store, opened by a link with these parameters."""
    monkeypatch.setenv("RAD_STORE", str(store))
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in parameters.items():
        at.query_params[name] = value
    at.switch_page("views/budget.py")
    return at.run()


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


def words(at: AppTest) -> str:
    """Everything that is written on the page, charts and tables aside."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "metric")
    parts = [element.value for kind in kinds for element in at.get(kind)]
    return " ".join([*map(str, parts), *(str(metric.delta) for metric in at.metric)])


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def chart_text(at: AppTest) -> str:
    return " ".join(note["text"] for figure in figures(at) for note in figure["layout"].get("annotations", []))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a study of two seeds and three rounds of 1,000."""
    root = tmp_path_factory.mktemp("big")
    make_big_study(root, 6000)
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a real study of one seed, with mixtures among its purchases."""
    root = tmp_path_factory.mktemp("tiny")
    run_study(create_study(root, tiny_config(strategies=("rad", "margin", "unixkd"), name="Tiny")), workers=1)
    return root


# --- the levers ----------------------------------------------------------------------------------------------------


def test_the_lab_opens_at_the_study_s_own_budget_and_teacher(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, big))
    assert at.metric[0].value == "1,000"
    assert at.number_input(key="budget_b").value == 1000
    assert at.select_slider(key="budget_steps").value == 1000
    assert at.slider(key="budget_m").value == pytest.approx(84.7, abs=3)
    assert "WHAT IF" not in words(at)
    assert at.metric[3].value.replace("\\", "") == "20.00 USD"
    assert at.metric[3].delta == "8 min 20 s wait"
    assert "budget_reset" not in [button.key for button in at.button]
    assert len(figures(at)) == 1, "one chart at a time: each that repaints with the slider costs time"


def test_slider_and_field_move_each_other(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big)
    at.select_slider(key="budget_steps").set_value(250).run()
    assert sound(at).number_input(key="budget_b").value == 250
    assert at.metric[0].value == "250"
    at.number_input(key="budget_b").set_value(777).run()
    assert sound(at).metric[0].value == "777"
    assert at.select_slider(key="budget_steps").value == 800
    at.select_slider(key="budget_steps").set_value(1).run()
    assert sound(at).metric[0].value == "1"


@pytest.mark.parametrize("panel", ["rules", "classes", "overlap", "cost"])
def test_a_move_of_a_slider_solves_the_game_once(big: Path, monkeypatch: pytest.MonkeyPatch, panel: str) -> None:
    at = sound(open_page(monkeypatch, big, budget_panel=PANELS[panel]))
    solved = []
    for module in (numbers, whatif):
        solve = module.solve_game
        monkeypatch.setattr(
            module, "solve_game", lambda *given, solve=solve, **more: solved.append(1) or solve(*given, **more)
        )
    at.select_slider(key="budget_steps").set_value(250).run()
    assert len(solved) == 1
    sound(at).slider(key="budget_m").set_value(60.0).run()
    assert len(solved) == 2


def test_another_teacher_is_marked_as_what_if_until_it_is_reset(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big)
    measured, guaranteed = at.slider(key="budget_m").value, float(at.metric[2].value)
    at.slider(key="budget_m").set_value(60.0).run()
    text = words(sound(at))
    assert "WHAT IF the teacher is right on 60.0%" in text
    assert float(at.metric[2].value) < guaranteed
    at.button(key="budget_reset").click().run()
    assert "WHAT IF" not in words(sound(at))
    assert at.slider(key="budget_m").value == measured
    assert float(at.metric[2].value) == guaranteed


def test_the_untouched_teacher_follows_the_seed_and_a_moved_one_stays(
    big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(monkeypatch, big)
    first = at.slider(key="budget_m").value
    at.session_state["seed"] = 1
    at.run()
    second = sound(at).slider(key="budget_m").value
    assert first != second
    assert "WHAT IF" not in words(at)
    at.slider(key="budget_m").set_value(50.0).run()
    at.session_state["seed"] = 0
    at.run()
    assert sound(at).slider(key="budget_m").value == 50.0
    assert "WHAT IF" in words(at)


def test_a_budget_larger_than_what_is_left_becomes_all_that_is_left(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big, round="1")
    at.number_input(key="budget_b").set_value(6000).run()
    assert sound(at).metric[0].value == "6,000"
    at.session_state["round"] = 3
    at.run()
    assert sound(at).metric[0].value == "4,000"


@pytest.mark.parametrize("accuracy", [0.0, 100.0])
@pytest.mark.parametrize("budget", [1, 4000])
def test_the_ends_of_both_levers_have_an_answer(
    big: Path, monkeypatch: pytest.MonkeyPatch, accuracy: float, budget: int
) -> None:
    at = open_page(monkeypatch, big)
    at.number_input(key="budget_b").set_value(budget)
    at.slider(key="budget_m").set_value(accuracy)
    for view in ("game", "labels", "teacher", "price"):
        at.segmented_control(key="budget_view").set_value(view)
        for panel in ("rules", "next", "classes", "overlap", "cost"):
            at.segmented_control(key="budget_panel").set_value(panel)
            sound(at.run())
    if accuracy == 0.0:
        assert at.metric[2].value == "0"
        assert at.metric[2].delta == "nothing is certain"


def test_a_link_opens_the_same_view(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"round": "2", "budget_b": "2500", "budget_m": "70", "budget_view": "A worse teacher", "budget_price": "0.5"}
    at = sound(open_page(monkeypatch, big, **link))
    assert at.metric[0].value == "2,500"
    assert "WHAT IF the teacher is right on 70.0%" in words(at)
    assert "assumed 70.0%" in chart_text(at)
    assert at.metric[3].value == "1,250 USD"
    assert "round 2, seed 0" in words(at)


@pytest.mark.parametrize(
    "link",
    [
        {"budget_b": "99999999"},
        {"budget_b": "-3"},
        {"budget_b": "many"},
        {"budget_m": "evil"},
        {"budget_m": "250"},
        {"budget_view": "<script>"},
        {"budget_panel": "none"},
        {"budget_student": "../.."},
        {"round": "99"},
        {"seed": "99"},
        {"run": "../../etc"},
        {"budget_price": "nan"},
        {"budget_price": "inf"},
    ],
)
def test_a_bad_link_falls_back_to_the_defaults(
    big: Path, monkeypatch: pytest.MonkeyPatch, link: dict[str, str]
) -> None:
    at = sound(open_page(monkeypatch, big, **link))
    assert at.metric[0].value == "1,000"
    assert "nan" not in words(at).lower().split()


# --- pictures and panels -------------------------------------------------------------------------------------------


def test_purchases_of_the_study_lie_over_the_guarantees(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big)
    for view in ("labels", "price", "teacher"):
        at.segmented_control(key="budget_view").set_value(view).run()
        names = [trace.get("name", "") for trace in figures(sound(at))[0]["data"]]
        assert {"RAD, measured", "Margin, measured", "Uniform, measured"} <= set(names)
    at.number_input(key="budget_b").set_value(500).run()  # the study never bought 500: nothing measured to show
    assert not any("measured" in trace.get("name", "") for trace in figures(sound(at))[0]["data"])


def test_what_the_next_labels_bought_is_measured_and_ends_where_the_study_ends(
    big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(monkeypatch, big, round="3")
    at.segmented_control(key="budget_panel").set_value("next").run()
    table = sound(at).dataframe[0].value
    assert set(table["Strategy"]) == {"RAD", "Margin", "Uniform"}
    assert table[["low (points)", "high (points)"]].isna().all(axis=None), "two seeds give no interval"
    assert "2 repetitions: too few for an interval" in words(at)
    assert not at.info
    at.number_input(key="budget_b").set_value(3000).run()
    assert "Nothing is extrapolated" in at.info[0].value
    assert "up to 3,000 bought labels" in at.info[0].value


def test_one_seed_shows_no_interval_and_says_so(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, tiny)
    at.segmented_control(key="budget_panel").set_value("next").run()
    assert "1 repetition: too few for an interval" in words(sound(at))


def test_mixtures_have_no_mistakes_to_count(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, tiny))
    bought = at.dataframe[1].value.set_index("Strategy")
    study = Study(next(path for path in tiny.iterdir() if path.is_dir()))
    mixed = (study.round_array("unixkd", 0, 2, "bought_correct") > 1).any()
    assert mixed, "the example must hold a mixture"
    assert bought.loc["UNIXKD", ["Teacher mistakes", "Useful gain"]].isna().all()
    wrong = (study.round_array("margin", 0, 2, "bought_correct") == 0).sum()
    assert bought.loc["Margin", "Teacher mistakes"] == wrong
    assert bought["Gain bought"].notna().all()


def test_no_price_is_not_a_price_of_zero(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, tiny, budget_panel="Cost"))
    assert at.metric[3].value == "no price"
    at.number_input(key="budget_price").set_value(0.25).run()
    assert sound(at).metric[3].value.replace("\\", "") == "2.50 USD"
    assert "2.50 USD" in set(at.dataframe[0].value["Money"])
    at.segmented_control(key="budget_panel").set_value("rules").run()
    assert sound(at).metric[3].value.replace("\\", "") == "2.50 USD", "the price stays when its panel is left"


def test_the_numbers_behind_a_chart_are_sent_when_somebody_opens_them(
    big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(monkeypatch, big)
    closed = len(at.dataframe)
    at.session_state["budget-game-numbers"] = True
    at.run()
    assert len(sound(at).dataframe) == closed + 1


# --- states --------------------------------------------------------------------------------------------------------


def test_no_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, tmp_path / "none")
    assert not at.exception


def test_a_study_without_a_prepared_seed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_study(tmp_path / "store", tiny_config())
    at = open_page(monkeypatch, tmp_path / "store")
    assert not at.exception
    assert "No seed of this study is prepared yet" in at.error[0].value


def test_a_study_that_has_just_begun_works_in_round_one_and_explains_the_others(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = begun(big, tmp_path)
    at = sound(open_page(monkeypatch, store, round="3"))
    assert "Choose an earlier round" in words(at)
    assert not at.metric
    at.session_state["round"] = 1
    at.run()
    assert sound(at).metric[0].value == "1,000"
    at.segmented_control(key="budget_panel").set_value("next").run()
    assert "Not measured yet" in words(sound(at))


def begun(big: Path, tmp_path: Path) -> Path:
    """A copy of the store whose study has prepared its first seed and bought nothing."""
    store = tmp_path / "begun"
    shutil.copytree(big, store)
    folder = next(path for path in store.iterdir() if path.is_dir())
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("delete from rounds where strategy != ''")
        database.execute("delete from seeds where seed > 0")
        database.execute("delete from rounds where seed > 0")
    assert Study(folder).seeds() == [0]
    return store


def test_a_strategy_whose_round_is_missing_is_left_out(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "missing"
    shutil.copytree(big, store)
    folder = next(path for path in store.iterdir() if path.is_dir())
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("delete from rounds where strategy = 'margin' and round > 1")
    at = sound(open_page(monkeypatch, store, round="3"))
    assert at.selectbox(key="budget_student").options == ["RAD", "Uniform"]
    assert set(at.dataframe[1].value["Strategy"]) == {"RAD", "Uniform"}


def test_read_only_changes_nothing_here(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    sound(open_page(monkeypatch, big))
