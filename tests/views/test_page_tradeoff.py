"""The Trade-off page: what it draws is what the study holds, what it says is what the numbers show, in every state."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rad_core.running.engine import run_study
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
    # One seed and one round, unless a test asks for more: the page itself opens with all of them.
    for name, value in {"tradeoff_all": "false", "tradeoff_so_far": "false", **parameters}.items():
        at.query_params[name] = value
    at.switch_page("views/tradeoff.py")
    return at.run()


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


def words(at: AppTest) -> str:
    """Everything that is written on the page, charts and tables aside."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error")
    return " ".join(str(element.value) for kind in kinds for element in at.get(kind))


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def traces(at: AppTest) -> dict[str, dict[str, Any]]:
    """The traces of the large chart by name."""
    return {trace.get("name", ""): trace for trace in figures(at)[0]["data"]}


def value(trace: dict[str, Any], axis: str) -> float:
    import base64

    return float(np.frombuffer(base64.b64decode(trace[axis]["bdata"]), np.float32)[0])


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


def study_in(store: Path) -> Study:
    return Study(next(path for path in store.iterdir() if path.is_dir()))


# --- what is drawn -------------------------------------------------------------------------------------------------


def test_every_strategy_is_a_point_at_what_it_bought(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, big, round="2"))
    study = study_in(big)
    for strategy, label in (("rad", "RAD"), ("margin", "Margin"), ("uniform", "Uniform")):
        metrics = study.round_metrics(strategy, 0, 2)
        assert value(traces(at)[label], "x") == pytest.approx(metrics["mean_gain"], rel=1e-5)
        assert value(traces(at)[label], "y") == pytest.approx(metrics["teacher_right_share"], rel=1e-5)
    assert len(figures(at)) == 4
    badges = words(at)
    assert "MEASURED" in badges
    assert "ESTIMATE" in badges


def test_all_rounds_and_all_seeds_put_every_label_into_the_point(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big, round="2")
    at.toggle(key="tradeoff_so_far").set_value(True).run()
    study = study_in(big)
    shares = [[study.round_metrics("rad", seed, r)["teacher_right_share"] for r in (1, 2)] for seed in (0, 1)]
    assert value(traces(sound(at))["RAD"], "y") == pytest.approx(np.mean(shares[0]), rel=1e-5)
    assert "within 1 seed" in words(at)
    at.toggle(key="tradeoff_all").set_value(True).run()
    assert value(traces(sound(at))["RAD"], "y") == pytest.approx(np.mean(shares), rel=1e-5)
    assert "over 2 seeds" in words(at)


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        ("right", "true labels, which the study keeps for evaluation"),
        ("probability", "probability that the teacher gives to the true class"),
        ("confidence", "isotonic regression on the labeled validation set"),
    ],
)
@pytest.mark.parametrize("all_seeds", [False, True])
def test_each_axis_explains_itself(
    big: Path, monkeypatch: pytest.MonkeyPatch, axis: str, says: str, all_seeds: bool
) -> None:
    at = open_page(monkeypatch, big)
    at.toggle(key="tradeoff_all").set_value(all_seeds)
    at.segmented_control(key="tradeoff_axis").set_value(axis).run()
    assert says in words(sound(at))
    shown = traces(at)
    # Without true labels nobody can color the pool by right and wrong.
    assert ("teacher wrong" in shown) == (axis != "confidence")


def test_the_paragraph_is_true_of_this_study(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = words(sound(open_page(monkeypatch, big, round="1")))
    # Here the teacher is right with probability 0.98 - 0.45 gain.
    assert "the teacher makes more mistakes exactly where labels would be most informative" in text
    assert "the teacher is more often right on the labels that RAD buys" in text
    assert "95% intervals of these differences" in text


def test_strategies_can_be_left_out_and_none_chosen_is_no_accident(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big)
    at.pills(key="tradeoff_strategies").set_value(["uniform"]).run()
    assert "RAD" not in traces(sound(at))
    assert "Uniform" in traces(at)
    at.pills(key="tradeoff_strategies").set_value([]).run()
    assert "Choose one or more strategies above" in words(sound(at))


def test_the_table_of_labels_is_sent_when_it_is_opened(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big)
    closed = len(at.dataframe)
    at.session_state["tradeoff-picks"] = True
    at.run()
    assert len(sound(at).dataframe) == closed + 1
    table = at.dataframe[-1].value
    assert len(table) == 1000
    assert set(table["Teacher"]) == {"right", "wrong"}
    assert "The first 1,000 of 3,000 rows" in words(at)


def test_the_pool_may_be_seen_through_the_eyes_of_another_student(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, big, round="3")
    before = figures(sound(at))[0]["data"][0]
    at.selectbox(key="tradeoff_student").set_value("margin").run()
    assert figures(sound(at))[0]["data"][0] != before


# --- links and states ----------------------------------------------------------------------------------------------


def test_a_link_opens_the_same_view(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"round": "2", "seed": "1", "tradeoff_axis": "Its calibrated confidence", "tradeoff_so_far": "true"}
    at = sound(open_page(monkeypatch, big, **link))
    assert at.segmented_control(key="tradeoff_axis").value == "confidence"
    assert at.toggle(key="tradeoff_so_far").value is True
    assert "Seed 1," in words(at)


@pytest.mark.parametrize(
    "link",
    [
        {"round": "0"},
        {"round": "99"},
        {"round": "x"},
        {"seed": "7"},
        {"tradeoff_axis": "<script>"},
        {"tradeoff_all": "perhaps"},
        {"tradeoff_student": "../../etc"},
        {"tradeoff_strategies": "none"},
        {"run": "../../etc"},
    ],
)
def test_a_bad_link_falls_back_to_the_defaults(
    big: Path, monkeypatch: pytest.MonkeyPatch, link: dict[str, str]
) -> None:
    at = sound(open_page(monkeypatch, big, **link))
    assert len(figures(at)) == 4


def test_one_seed_with_mixtures(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, tiny, round="2")
    assert "tradeoff_all" not in [toggle.key for toggle in sound(at).toggle]
    for axis in ("right", "probability", "confidence"):
        at.segmented_control(key="tradeoff_axis").set_value(axis).run()
        assert "UNIXKD" in traces(sound(at))
        assert "nan" not in words(at).lower().split()
    at.pills(key="tradeoff_strategies").set_value(["unixkd"]).run()
    sound(at)


def test_no_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, tmp_path / "none")
    assert not at.exception


def test_a_study_without_a_prepared_seed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_study(tmp_path / "store", tiny_config())
    at = open_page(monkeypatch, tmp_path / "store")
    assert not at.exception
    assert "No seed of this study is prepared yet" in at.error[0].value


def test_a_study_that_has_bought_nothing_yet_says_so(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = changed(big, tmp_path, "delete from rounds where strategy != ''")
    at = sound(open_page(monkeypatch, store))
    assert "No purchase yet" in words(at)
    assert not figures(at)


def test_a_strategy_and_a_seed_that_lag_behind_are_left_out(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = changed(
        big, tmp_path, "delete from rounds where (strategy = 'margin' or seed = 1 and strategy != '') and round > 1"
    )
    at = sound(open_page(monkeypatch, store, round="3", tradeoff_all="true"))
    assert at.pills(key="tradeoff_strategies").options == ["RAD", "Uniform"]
    assert "within 1 seed" in words(at)
    assert "Margin" not in traces(at)


def changed(store: Path, tmp_path: Path, statement: str) -> Path:
    """A copy of a store after a change to the database of its study."""
    copy = tmp_path / "changed"
    shutil.copytree(store, copy)
    with sqlite3.connect(study_in(copy).path / DATABASE) as database:
        database.execute(statement)
    return copy


def test_read_only_changes_nothing_here(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    sound(open_page(monkeypatch, big))
