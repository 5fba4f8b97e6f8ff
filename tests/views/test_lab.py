"""The lab on the page Your data: it answers at once, says what is estimated and what assumed, and has no dead end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.explore import numbers
from app.explore.panels import PANELS
from rad_core.selection import whatif
from tests.helpers.result_pages import figures, sound, words

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
SIZE, OWN = 1537, 153  # of the example: points, and labels to buy unless somebody asks for others


def open_lab(**parameters: str) -> AppTest:
    """The lab on the example, opened by a link with these parameters."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in {"scores_from": "Example", "scores_show": "Budget lab", **parameters}.items():
        at.query_params[name] = value
    return sound(at.switch_page("views/data.py").run())


def chart_text(at: AppTest) -> str:
    return " ".join(note["text"] for figure in figures(at) for note in figure["layout"].get("annotations", []))


def metric(at: AppTest, label: str) -> Any:
    (found,) = [each for each in at.metric if each.label == label]
    return found


def bought(at: AppTest) -> str:
    return metric(at, "Labels bought").value


def guaranteed(at: AppTest) -> float:
    return float(metric(at, "Guaranteed useful gain").value)


def test_the_lab_opens_at_the_budget_and_the_teacher_of_the_page() -> None:
    at = open_lab()
    assert bought(at) == str(OWN)
    assert at.number_input(key="lab_b").value == OWN
    assert at.select_slider(key="lab_steps").value == OWN
    assert f"{at.slider(key='lab_m').value:.1f}%" == metric(at, "Teacher right").value
    assert "WHAT IF" not in words(at)
    assert metric(at, "Cost").value == "no price"
    assert "lab_reset" not in [button.key for button in at.button]
    assert len(figures(at)) == 1, "one chart at a time: each that repaints with the slider costs time"


def test_slider_and_field_move_each_other() -> None:
    at = open_lab()
    at.select_slider(key="lab_steps").set_value(250).run()
    assert sound(at).number_input(key="lab_b").value == 250
    assert bought(at) == "250"
    at.number_input(key="lab_b").set_value(777).run()
    assert bought(sound(at)) == "777"
    assert at.select_slider(key="lab_steps").value == 800
    at.select_slider(key="lab_steps").set_value(1).run()
    assert bought(sound(at)) == "1"


@pytest.mark.parametrize("panel", ["rules", "classes", "overlap", "cost"])
def test_a_move_of_a_slider_solves_the_game_once(monkeypatch: pytest.MonkeyPatch, panel: str) -> None:
    at = open_lab(lab_panel=PANELS[panel])
    solved = []
    for module in (numbers, whatif):
        solve = module.solve_game
        monkeypatch.setattr(
            module, "solve_game", lambda *given, solve=solve, **more: solved.append(1) or solve(*given, **more)
        )
    at.select_slider(key="lab_steps").set_value(250).run()
    assert len(solved) == 1
    sound(at).slider(key="lab_m").set_value(60.0).run()
    assert len(solved) == 2


def test_another_teacher_is_marked_as_what_if_until_it_is_reset() -> None:
    at = open_lab()
    measured, own = at.slider(key="lab_m").value, guaranteed(at)
    at.slider(key="lab_m").set_value(60.0).run()
    assert "WHAT IF the teacher is right on 60.0%" in words(sound(at))
    assert guaranteed(at) < own
    at.button(key="lab_reset").click().run()
    assert "WHAT IF" not in words(sound(at))
    assert at.slider(key="lab_m").value == measured
    assert guaranteed(at) == own


@pytest.mark.parametrize("accuracy", [0.0, 100.0])
@pytest.mark.parametrize("budget", [1, SIZE])
def test_the_ends_of_both_levers_have_an_answer(accuracy: float, budget: int) -> None:
    at = open_lab()
    at.number_input(key="lab_b").set_value(budget)
    at.slider(key="lab_m").set_value(accuracy)
    for view in ("game", "labels", "teacher", "price"):
        at.segmented_control(key="lab_view").set_value(view)
        for panel in at.segmented_control(key="lab_panel").options:
            at.segmented_control(key="lab_panel").set_value({v: k for k, v in PANELS.items()}[panel])
            sound(at.run())
    if accuracy == 0.0:
        assert metric(at, "Guaranteed useful gain").value == "0"
        assert metric(at, "Guaranteed useful gain").delta == "nothing is certain"


def test_a_link_opens_the_same_view() -> None:
    at = open_lab(lab_b="250", lab_m="70", lab_view="A worse teacher", lab_price="0.5", lab_latency="2")
    assert bought(at) == "250"
    assert "WHAT IF the teacher is right on 70.0%" in words(at)
    assert "assumed 70.0%" in chart_text(at)
    assert metric(at, "Cost").value.split()[0] in ("125", "125.00", "125\\.00")
    assert metric(at, "Cost").delta == "8 min 20 s wait"


@pytest.mark.parametrize(
    "link",
    [
        {"lab_b": "99999999"},
        {"lab_b": "-3"},
        {"lab_b": "many"},
        {"lab_m": "evil"},
        {"lab_m": "250"},
        {"lab_view": "<script>"},
        {"lab_panel": "none"},
        {"lab_price": "nan"},
        {"lab_price": "inf"},
    ],
    ids=str,
)
def test_a_bad_link_falls_back_to_the_defaults(link: dict[str, str]) -> None:
    at = open_lab(**link)
    assert bought(at) == str(OWN)
    assert "nan" not in words(at).lower().split()


def test_no_price_is_not_a_price_of_zero() -> None:
    at = open_lab(lab_panel="Cost")
    assert metric(at, "Cost").value == "no price"
    at.number_input(key="lab_price").set_value(0.5).run()
    cost = metric(sound(at), "Cost").value.replace("\\", "")
    assert cost.startswith("76.5")
    assert cost in set(at.dataframe[-1].value["Money"])
    at.segmented_control(key="lab_panel").set_value("rules").run()
    assert metric(sound(at), "Cost").value.replace("\\", "") == cost, "the price stays when its panel is left"


def test_the_numbers_behind_a_chart_are_sent_when_somebody_opens_them() -> None:
    at = open_lab()
    closed = len(at.dataframe)
    at.session_state["lab-game-numbers"] = True
    at.run()
    assert len(sound(at).dataframe) == closed + 1
