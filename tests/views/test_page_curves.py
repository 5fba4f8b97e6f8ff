"""The Curves say which strategy is ahead and how sure that is, in every state of a study."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.figures import accuracy_curves
from app.results import reading
from rad_core.results import sentences
from rad_core.results.needed import targets
from rad_core.results.verdicts import results
from rad_core.selection.strategies import STRATEGIES
from rad_core.store.database import DATABASE
from tests.helpers.figure_examples import make_rounds
from tests.helpers.result_pages import change, figures, make_studies, open_page, sound, study_in, words

PANELS = ["Labels needed", "Who is ahead", "Round by round", "Classes"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_studies(tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("name", ["three", "one", "half", "begun", "new", "no thumbnails", "without rad"])
def test_every_panel_stands_in_every_state(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str, panel: str
) -> None:
    at = sound(open_page(monkeypatch, stores[name], "curves", curves_panel=panel))
    text = words(at).replace("\\", "")
    assert "nan" not in text.lower().split()
    if name == "new":
        assert "The first results are on their way" in text
        assert not figures(at)
    else:
        assert figures(at)
    if name == "one" and panel == "Who is ahead":
        assert "1 repetition: too few for an interval, and no comparison is claimed" in text
    if name in {"half", "begun"} and panel in PANELS[:2]:
        assert "No strategy has finished all 2 rounds yet" in text


def test_the_sentences_are_those_that_the_numbers_allow(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = results(study_in(stores["three"]))
    at = sound(open_page(monkeypatch, stores["three"], "curves", curves_panel="Who is ahead"))
    assert sentences.verdict(measured).text in words(at).replace("\\", "")
    assert "An upper bound, no competitor" in words(at)
    at.session_state["curves_value"] = "area"
    assert sentences.verdict(measured, value="area").text in words(sound(at.run())).replace("\\", "")
    at = sound(open_page(monkeypatch, stores["three"], "curves"))
    assert targets(measured).none_text in words(at).replace("\\", "")


@pytest.mark.parametrize("x", ["Labels", "Rounds", "Time"])
@pytest.mark.parametrize("measure", ["Right", "Agrees with the teacher"])
def test_every_axis_and_measure_can_be_linked_to(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, x: str, measure: str
) -> None:
    at = open_page(monkeypatch, stores["three"], "curves", curves_x=x, curves_y=measure, curves_seeds="true")
    axes = figures(sound(at))[0]["layout"]
    assert {"Labels": "Soft labels", "Rounds": "Round", "Time": "Computing"}[x] in axes["xaxis"]["title"]["text"]
    assert ("agrees" in axes["yaxis"]["title"]["text"]) == (measure != "Right")


def test_the_rules_in_view_stand_out_and_the_others_are_gray(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, stores["three"], "curves", a="margin", vs="rad"))
    chosen = at.session_state["curves_strategies"]
    assert {"rad", "margin"} <= set(chosen)
    assert "oracle" not in chosen
    lines = {trace["name"] for trace in figures(at)[0]["data"] if trace["line"]["width"] == 1.2}
    assert any("racle" in name for name in lines)


def test_bad_links_fall_back_to_the_defaults(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    bad = dict.fromkeys(
        ("curves_x", "curves_y", "curves_panel", "curves_seeds", "curves_target", "curves_other", "curves_strategies"),
        "<script>",
    )
    at = sound(open_page(monkeypatch, stores["three"], "curves", **bad))
    assert words(at) == words(open_page(monkeypatch, stores["three"], "curves"))


def test_no_strategy_and_a_single_one_are_answered(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, stores["three"], "curves"))
    at.session_state["curves_strategies"] = []
    assert "Choose a strategy" in words(sound(at.run()))
    for panel in ("needed", "ahead", "rounds", "classes"):
        at.session_state["curves_strategies"] = ["rad"]
        at.session_state["curves_panel"] = panel
        sound(at.run())


def test_agreement_is_counted_on_the_whole_pool(stores: dict[str, Path]) -> None:
    study = study_in(stores["three"])
    table = reading.agreement(study)
    row = table.query("strategy == 'margin' and seed == 1 and round == 2").iloc[0]
    said = study.seed_array(1, "teacher_pool_probabilities").argmax(1)
    assert row["agreement"] == np.mean(study.round_array("margin", 1, 2, "predictions") == said)
    starts = table[table["round"] == 0].groupby("seed")["agreement"].nunique()
    assert (starts == 1).all(), "all strategies start from the same student"


def test_classes_are_counted_per_seed_and_averaged(stores: dict[str, Path]) -> None:
    study = study_in(stores["three"])
    picks = reading.class_picks(study)
    assert picks.loc["uniform"].sum() == pytest.approx(20)
    accuracy = reading.class_accuracy(study)
    expected = []
    for seed in range(3):
        truth = np.array(study.seed_array(seed, "pool_labels"))
        right = study.round_array("rad", seed, 2, "predictions") == truth
        expected.append(right[truth == 4].mean())
    assert accuracy.loc["rad"].iloc[4] == pytest.approx(np.mean(expected))


def test_new_data_is_offered_and_does_not_replace_the_charts(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(stores["three"], tmp_path / "store"))
    study = study_in(store)
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        last = database.execute("select * from rounds where strategy = 'rad' and seed = 2 and round = 2").fetchone()
    change(store, "delete from rounds where strategy = 'rad' and seed = 2 and round = 2")
    study.set_status("running")
    with study.lock():
        at = sound(open_page(monkeypatch, store, "curves"))
        before = figures(at)
        with closing(sqlite3.connect(study.path / DATABASE)) as database:
            database.execute("insert into rounds values (?, ?, ?, ?, ?, ?, ?)", last)
            database.commit()
        study.set_status("running", "one more round")
        sound(at.run())
        assert figures(at) == before
        pill = next(button for button in at.button if "refresh" in button.label)
        assert pill.label == "1 new round: refresh"
        sound(pill.click().run())
        assert figures(at) != before
        assert not [button for button in at.button if "refresh" in button.label]


def test_results_that_arrive_on_an_empty_page_need_no_click(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(stores["three"], tmp_path / "store"))
    study = study_in(store)
    rows = {}
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        for name in ("rounds", "seeds"):
            rows[name] = database.execute(f"select * from {name}").fetchall()
            database.execute(f"delete from {name}")
        database.commit()
    study.set_status("running")
    with study.lock():
        at = sound(open_page(monkeypatch, store, "curves"))
        assert not figures(at)
        with closing(sqlite3.connect(study.path / DATABASE)) as database:
            for name, found in rows.items():
                database.executemany(f"insert into {name} values ({','.join('?' * len(found[0]))})", found)
            database.commit()
        study.set_status("running", "results")
        assert figures(sound(at.run()))


def test_the_page_is_light(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, stores["three"], "curves"))
    assert sum(len(json.dumps(figure)) for figure in figures(at)) < 300_000
    start = time.perf_counter()
    at.run()
    assert time.perf_counter() - start < 2.0  # about 0.1 s on an idle machine


def test_names_beside_the_curves_keep_apart_however_close_the_levels() -> None:
    close = {"teacher": 0.871, "student_full": 0.872, "student_labeled": 0.55}
    chart = accuracy_curves(make_rounds(), references=close, target=0.8705)
    low, high = chart.figure.layout.yaxis.range
    names = [trace for trace in chart.figure.data if trace.mode == "lines+text"]
    places = np.sort([float(trace.y[1]) for trace in names])
    assert len(names) == len(STRATEGIES) + len(close) + 1
    assert np.diff(places).min() > 0.9 * 19 * (high - low) / (chart.figure.layout.height - 170)
    assert low <= places[0] <= places[-1] <= high
    assert {line.y0 for line in chart.figure.layout.shapes} == {*close.values(), 0.8705}


def test_missing_reference_lines_leave_no_trace() -> None:
    chart = accuracy_curves(make_rounds(), references={"teacher": float("nan")})
    assert not chart.figure.layout.shapes
    assert "reference" not in chart.alt


def test_single_seeds_stay_inside_the_frame() -> None:
    rounds = make_rounds()
    rounds.loc[(rounds["seed"] == 1) & (rounds["round"] == 5), "accuracy"] -= 0.3
    rounds.loc[rounds["seed"] == 2, "seconds"] *= 3
    layout = accuracy_curves(rounds, "seconds", seeds=True).figure.layout
    assert layout.yaxis.range[0] < rounds["accuracy"].min()
    assert layout.xaxis.range[1] > rounds["seconds"].max()
