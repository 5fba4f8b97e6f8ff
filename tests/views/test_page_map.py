"""The page Map: what is known of every point, colorings, picks, links; and the page in each of its states."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import palette
from app.atlas import cards, detail
from app.atlas.facts import (
    COLORINGS,
    LONGEST_LINK,
    Facts,
    bought_among,
    bought_layers,
    chance_of_buying,
    class_names,
    coloring,
    contrast,
    every_purchase,
    gather,
    link_text,
    picks,
    read_link,
    table,
)
from app.atlas.layout import SOURCES
from app.atlas.session import KEY
from app.components.map import Selection, quantize, resolve
from app.components.map.model import MISSING, STEPS
from app.results import reading
from rad_core.errors import InputError
from rad_core.running import maps
from rad_core.running.engine import run_study
from rad_core.selection.game import solve_game, wrong_count
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config

STRATEGIES = ("rad", "margin", "unixkd")
PAIR = ("rad", "margin")  # that is shown unless somebody asks for another


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of two rounds, one of its strategies buying mixtures."""
    study = create_study(tmp_path_factory.mktemp("store"), tiny_config(name="Tiny", strategies=STRATEGIES))
    run_study(study, workers=1)
    return study


def reader(study: Study) -> Callable[..., Any]:
    return lambda function, *arguments: function(study, *arguments)


def facts_of(study: Study, strategy: str = "rad", round: int = 2) -> Facts:
    return gather(reader(study), 0, strategy, round, STRATEGIES)


# --- facts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("round", [0, 1, 2])
def test_gains_are_those_that_decided_the_round_and_predictions_those_after_it(
    finished: Study, strategy: str, round: int
) -> None:
    facts = facts_of(finished, strategy, round)
    before = max(round - 1, 0)
    assert (facts.decided_after, facts.trained_after) == (before, round)
    assert np.array_equal(facts.gains, reading.gains_after(finished, strategy, 0, before))
    assert np.array_equal(facts.student_says, reading.predictions_after(finished, strategy, 0, round))
    probabilities = reading.teacher_probabilities(finished, 0)
    assert np.array_equal(facts.teacher_right, reading.teacher_right(finished, 0))
    assert np.array_equal(facts.truth_probability, probabilities[np.arange(200), facts.labels])
    if round:
        picks = reading.bought(finished, strategy, 0, round)
        assert np.allclose(facts.gains[picks], finished.round_array(strategy, 0, round, "bought_gain"), atol=1e-5)
        assert set(np.flatnonzero(facts.bought[strategy] == round)) == set(picks)
    assert max(rounds.max() for rounds in facts.bought.values()) == round


def test_q_is_the_one_that_rad_bought_with_and_none_where_nothing_is_for_sale(finished: Study) -> None:
    for round in (1, 2):
        q = chance_of_buying(finished, "rad", 0, round)
        picks = reading.bought(finished, "rad", 0, round)
        assert np.allclose(q[picks], finished.round_array("rad", 0, round, "bought_q"), atol=2e-3)
        sold = reading.round_of_purchase(finished, "rad", 0, round - 1) > 0
        assert np.isnan(q[sold]).all()
        assert q[~sold].sum() == pytest.approx(finished.config.budget, rel=1e-5)
        left = np.flatnonzero(~sold)
        gains = reading.gains_after(finished, "rad", 0, round - 1)[left]
        wrong = wrong_count(len(left), finished.seed_metrics(0)["teacher_accuracy_used"])
        assert np.allclose(q[left], solve_game(gains, 10, wrong=wrong).q)


def test_where_a_strategy_has_not_come_so_far_its_last_round_stands_in(finished: Study, tmp_path: Path) -> None:
    study = half_done(finished, tmp_path)
    facts = facts_of(study, "rad", 2)
    assert (facts.decided_after, facts.trained_after) == (1, 1)
    assert facts.bought["rad"].max() == 1
    assert facts.bought["margin"].max() == 2


def half_done(finished: Study, folder: Path) -> Study:
    """The finished study as it was when rad had finished one round of two."""
    copy = folder / finished.id
    shutil.copytree(finished.path, copy)
    with closing(sqlite3.connect(copy / "study.sqlite")) as database, database:
        database.execute("delete from rounds where strategy = 'rad' and round = 2")
    return Study(copy)


# --- colorings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", COLORINGS)
@pytest.mark.parametrize("round", [0, 2])
def test_every_coloring_has_a_code_for_every_point(finished: Study, by: str, round: int) -> None:
    facts = facts_of(finished, round=round)
    for theme in ("light", "dark"):
        colored = coloring(facts, by, theme)  # type: ignore[arg-type]
        assert colored.codes.shape == (200,)
        assert colored.title == COLORINGS["class" if by == "none" else by]


def test_colorings_show_what_they_say(finished: Study) -> None:
    facts = facts_of(finished)
    right = coloring(facts, "teacher", "light")
    assert np.array_equal(right.codes == 0, facts.teacher_right)
    assert len(set(right.symbols)) == 2
    student = coloring(facts, "student", "light")
    assert np.array_equal(student.codes == 0, facts.student_right)
    gain = coloring(facts, "gain", "light")
    assert np.abs(gain.codes / (STEPS - 1) - facts.gains).max() <= 0.5 / (STEPS - 1) + 1e-6
    assert gain.limits == (0.0, 1.0)
    q = coloring(facts, "q", "light")
    assert np.array_equal(q.codes == MISSING, np.isnan(facts.q))
    rounds = coloring(facts, "round", "light")
    assert rounds.labels == ("not bought", "round 1", "round 2")
    assert np.array_equal(rounds.codes, facts.bought["rad"])


def test_of_many_classes_twelve_stand_out_and_the_others_share_a_gray(finished: Study) -> None:
    names = tuple(f"class {i}" for i in range(100))
    labels = np.arange(200, dtype=np.int16) % 100
    facts = replace(facts_of(finished), classes=names, labels=labels)
    colored = coloring(facts, "class", "light", ("class 99", "class 3"))
    assert colored.labels == ("class 3", "class 99", "other classes")
    assert (colored.codes == 2).sum() == 196
    assert np.array_equal(np.flatnonzero(colored.codes == 1), [99, 199])
    assert len(coloring(facts, "class", "light").labels) == 13


# --- picks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [("rad", "margin"), ("margin", "unixkd"), ("rad",)])
def test_the_first_rule_is_filled_the_second_a_ring_and_crosses_lie_on_wrong_labels(
    finished: Study, pair: tuple[str, ...]
) -> None:
    *layers, crosses = picks(reader(finished), 0, pair, colored=False)
    assert [layer.name for layer in layers] == list(pair)
    assert [layer.symbol for layer in layers] == ["circle", "circle-open"][: len(pair)]
    wrong = set()
    for layer, name in zip(layers, pair, strict=True):
        bought = {(p, r) for r in (1, 2) for p in reading.bought(finished, name, 0, r)}
        assert set(zip(layer.positions, layer.rounds, strict=True)) == bought
        assert layer.color == palette.strategy_style(name).color
        correct = {r: finished.round_array(name, 0, r, "bought_correct") for r in (1, 2)}  # 255: a mixture, neither
        wrong |= {(p, r) for r in (1, 2) for p in reading.bought(finished, name, 0, r)[correct[r] == 0]}
    assert wrong
    assert set(zip(crosses.positions, crosses.rounds, strict=True)) == wrong


def test_on_a_pool_in_color_the_picks_are_black_and_white(finished: Study) -> None:
    *layers, _ = picks(reader(finished), 0, ("rad", "margin"), colored=True)
    assert {(layer.color, layer.outline) for layer in layers} == {("#FFFFFF", "#000000")}


def test_a_layer_holds_what_its_rule_bought_and_when(finished: Study) -> None:
    for layer, name in zip(bought_layers(reader(finished), 0, ("rad", "margin")), ("rad", "margin"), strict=True):
        first = layer.positions[layer.rounds == 1]
        assert set(first) == set(reading.bought(finished, name, 0, 1))


def test_the_difference_of_a_rule_with_itself_is_none(finished: Study) -> None:
    facts, points = facts_of(finished), np.random.default_rng(0).normal(size=(200, 2))
    assert (contrast(facts, points, ("rad", "rad")).codes == 128).all()
    found = contrast(facts, points, ("rad", "margin"))
    assert found.labels == ("RAD", "Margin")
    assert np.array_equal(256 - contrast(facts, points, ("margin", "rad")).codes.astype(int), found.codes)


def test_names_of_classes_lie_among_their_points_and_light_them_up(finished: Study) -> None:
    facts, points = facts_of(finished), layout_of(finished)
    colors = coloring(facts, "none", "light")
    assert colors.quiet
    assert np.array_equal(colors.codes, coloring(facts, "class", "light").codes)
    names = class_names(facts, points, colors)
    assert sorted(label for label, *_ in names) == sorted(facts.classes[c] for c in np.unique(facts.labels))
    grid = quantize(points).grid.astype(int)
    for label, x, y, code in names:
        assert colors.labels[code] == label
        own = grid[facts.labels == facts.classes.index(label)]
        assert np.abs(own - (x, y)).max(axis=1).min() < 3000
    assert {code for *_, code in class_names(facts, points, coloring(facts, "gain", "light"))} == {None}


# --- selections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rad", "margin"])
@pytest.mark.parametrize("round", [1, 2])
def test_what_a_rule_bought_in_numbers(finished: Study, name: str, round: int) -> None:
    purchases, facts = every_purchase(finished, name, 0), facts_of(finished, round=round)
    gains, right = (
        np.concatenate([np.asarray(finished.round_array(name, 0, r, array), float) for r in range(1, round + 1)])
        for array in ("bought_gain", "bought_correct")
    )
    found = bought_among(purchases, facts, None)
    assert (found.labels, found.wrong) == (10 * round, (right == 0).sum())
    assert found.gain == pytest.approx(gains.mean(), rel=1e-5)
    assert found.worth == pytest.approx(gains[right == 1].sum(), rel=1e-5)
    some = np.sort(reading.bought(finished, name, 0, 1)[:4])
    inside = bought_among(purchases, facts, some)
    assert inside.labels == 4
    assert inside.worth == pytest.approx((gains * right)[np.isin(np.arange(len(gains)), np.arange(4))].sum(), rel=1e-4)
    nothing = bought_among(purchases, facts, np.empty(0, int))
    assert nothing.labels == 0
    assert np.isnan(nothing.worth)


def test_labels_of_mixtures_are_neither_right_nor_wrong(finished: Study) -> None:
    found = bought_among(every_purchase(finished, "unixkd", 0), facts_of(finished), None)
    mixed = any((finished.round_array("unixkd", 0, r, "bought_correct") == 255).any() for r in (1, 2))
    assert mixed
    assert np.isnan([found.wrong, found.worth]).all()
    assert found.labels == 20


def test_the_table_of_a_selection_has_every_column_for_every_point(finished: Study) -> None:
    facts = facts_of(finished)
    points = np.random.default_rng(0).normal(size=(200, 2))
    picks = reading.bought(finished, "rad", 0, 2)
    rows = table(facts, picks, points)
    assert list(rows["pool_index"]) == list(picks)
    assert list(rows["dataset_row"]) == list(finished.seed_array(0, "pool_ids")[picks])
    assert (rows["round_bought_by_rad"] == 2).all()
    assert {f"round_bought_by_{name}" for name in STRATEGIES} < set(rows.columns)
    assert list(rows["teacher_right"]) == list(facts.teacher_right[picks])
    assert rows["rad_q"].notna().all()
    assert table(facts, np.arange(200), points)["round_bought_by_rad"].isna().sum() == 180


def test_a_link_opens_the_same_selection_and_a_damaged_one_is_refused() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1000, 2)).astype(np.float32)
    lasso = Selection("lasso", tuple((float(x), float(y)) for x, y in rng.normal(size=(200, 2))))
    text = link_text("umap-teacher", lasso)
    assert text is not None
    assert len(text) < LONGEST_LINK
    layout, again = read_link(text)
    assert layout == "umap-teacher"
    assert np.array_equal(resolve(points, again), resolve(points, lasso))
    assert link_text("umap-teacher", None) is None
    long = Selection("lasso", tuple((float(i % 7), float(i % 5)) for i in range(500)))
    assert link_text("umap-teacher", long) is None
    for bad in ("", "umap-teacher", "umap-teacher.", "umap-teacher.zzz", text[:-3], text + "A" * 5000, "a.b.c", "☃.☃"):
        with pytest.raises(InputError, match="select again"):
            read_link(bad)


# --- the page ------------------------------------------------------------------------------------------------------

MAIN = Path(__file__).parents[2] / "app" / "main.py"


@pytest.fixture
def shown(finished: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The finished study in the user's store, in a studio that starts nothing."""
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    folder = Path(os.environ["RAD_STORE"]) / finished.id
    shutil.copytree(finished.path, folder)
    return Study(folder)


def open_map(**address: str) -> AppTest:
    """The page at an address."""
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in {"vs": "margin", **address}.items():  # uniform is no rule of this study
        app.query_params[name] = value
    app.switch_page("views/map.py")
    return look(app.run())


def look(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def do(app: AppTest, key: str = KEY, **said: Any) -> AppTest:
    """What the browser reports of the map (an event) or of the cards (a pick)."""
    what = {"id": str(time.monotonic_ns()), "selection": None, "primary": None} | said
    if isinstance(region := said.get("selection"), Selection):
        regions = region.regions
        what["selection"] = [{"kind": r.kind, "polygon": r.polygon, "removes": r.removes} for r in regions]
    app.session_state[key] = {"event": what}
    return look(app.run())


def asked(app: AppTest, name: str) -> str:
    """A value in the address, whether the test or the page put it there."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def texts(app: AppTest) -> str:
    """Everything that is written on the page."""
    parts = [*app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts)


def layout_of(study: Study, source: str = "teacher") -> np.ndarray:
    return reading.pca(study, 0, SOURCES[source])


def middle(points: np.ndarray) -> Selection:
    """The box in which the middle half of the points lies, in x and in y."""
    left, right = np.quantile(points[:, 0], [0.25, 0.75])
    bottom, top = np.quantile(points[:, 1], [0.25, 0.75])
    return Selection.box(float(left), float(bottom), float(right), float(top))


def test_the_page_opens_with_the_round_of_all_pages_and_says_what_the_map_is_made_of(shown: Study) -> None:
    app = open_map(round="2")
    assert not app.error
    said = texts(app)
    assert "PCA of the teacher's features · mlp · 200 points · seed 0" in said
    assert "Bought by RAD in round 2" in said
    assert "All 10 images" in said
    assert "The UMAP of this pool is not computed yet" in said  # read-only: nothing was started
    assert not (shown.path / "maps").exists()
    assert "Bought by RAD in round 1" in texts(open_map())


def test_the_pair_of_rules_and_the_round_are_those_of_all_pages(shown: Study) -> None:
    app = open_map(a="margin", vs="unixkd", round="2")
    said = texts(app)
    assert "Bought by Margin in round 2" in said
    assert "|  | Margin | UNIXKD |" in said
    assert "Bought up to round 2" in said
    assert "Bought by RAD in round 2" in texts(open_map(map_round="2"))  # as links said it before
    other = open_map(a="margin", vs="uniform")  # no rule of this study
    assert "|  | Margin |" in texts(other)
    assert "Uniform bought nothing in this study" in texts(other)
    assert "map_show" not in [box.key for box in other.selectbox]


def test_every_coloring_and_every_display_is_drawn(shown: Study) -> None:
    app = open_map()
    for color in COLORINGS:
        look(app.selectbox(key="map_color").set_value(color).run())
        assert not app.error
    for display in ("one", "difference"):
        look(app.selectbox(key="map_show").set_value(display).run())
        assert not app.error


def test_a_selection_shows_exactly_the_points_in_it_and_can_be_linked(shown: Study) -> None:
    points = layout_of(shown)
    region = middle(points)
    expected = resolve(points, region)
    app = do(open_map(), selection=region)
    said = texts(app)
    assert "Selected on the map" in said
    facts = facts_of(shown)
    assert f"{len(expected)} of 200 selected; teacher right on {facts.teacher_right[expected].mean():.1%}" in said
    found = [bought_among(every_purchase(shown, name, 0), facts_of(shown, round=1), expected) for name in PAIR]
    assert f"| Labels bought | **{found[0].labels}** | **{found[1].labels}** |" in said
    link = asked(app, "map_sel")
    layout, again = read_link(link)
    assert (layout, again) == ("pca-teacher", region)

    opened = open_map(map_sel=link, round="1", map_point=str(expected[0]))
    assert f"{len(expected)} of 200 selected" in texts(opened)
    assert f"**Point {expected[0]:,}**" in texts(opened)
    cleared = do(opened)
    assert "map_sel" not in cleared.query_params
    assert "Bought by RAD in round 1" in texts(cleared)


def test_a_region_without_points_says_so(shown: Study) -> None:
    app = do(open_map(), selection=Selection.box(1e6, 1e6, 2e6, 2e6))
    assert "0 of 200 selected" in texts(app)


def test_regions_added_and_taken_away_are_in_the_link(shown: Study) -> None:
    points = layout_of(shown)
    whole = Selection.box(-1e6, -1e6, 1e6, 1e6)
    rest = replace(middle(points), removes=True, before=whole)
    app = do(open_map(), selection=rest)
    left = 200 - len(resolve(points, middle(points)))
    assert f"{left} of 200 selected" in texts(app)
    assert read_link(asked(app, "map_sel")) == ("pca-teacher", rest)
    assert f"{left} of 200 selected" in texts(open_map(map_sel=asked(app, "map_sel")))


def test_a_click_shows_a_point_and_its_card_does_the_same(shown: Study) -> None:
    facts = facts_of(shown)
    wrong = int(np.flatnonzero(~facts.teacher_right)[0])
    app = do(open_map(), primary=wrong)
    said = texts(app)
    assert f"**Point {wrong}** · truly **{facts.classes[facts.labels[wrong]]}**" in said
    assert f"Teacher says **{facts.classes[facts.teacher_says[wrong]]}** :red[**wrong**]" in said
    assert asked(app, "map_point") == str(wrong)
    look(app.button(key="map-close").click().run())
    assert "**Point" not in texts(app)
    assert "map_point" not in app.query_params
    app.session_state[detail.CARDS] = {"pick": {"position": 7, "turn": 1}}
    app.session_state["map-wanted"] = 7
    assert "**Point 7**" in texts(look(app.run()))


def test_a_selection_drawn_on_another_map_is_not_lost_and_not_misread(shown: Study) -> None:
    region = middle(layout_of(shown))
    link = link_text("umap-teacher", region)
    assert link is not None
    app = open_map(map_sel=link)
    assert "selection drawn on the UMAP of the teacher" in texts(app)
    assert asked(app, "map_sel") == link
    assert "Selected on the map" not in texts(app)

    app = do(open_map(), selection=region)
    look(app.segmented_control(key="map_features").set_value("student").run())
    assert "PCA of the student's features" in texts(app)
    assert "Selected on the map" not in texts(app)
    assert "selection drawn on the PCA of the teacher" in texts(app)
    look(app.segmented_control(key="map_features").set_value("teacher").run())
    assert "Selected on the map" in texts(app)


@pytest.mark.parametrize(
    "address",
    [
        {"map_sel": "x"},
        {"map_sel": "pca-teacher.<script>"},
        {"map_point": "99999"},
        {"map_point": "-1"},
        {"round": "77"},
        {"map_round": "\u0663"},
        {"map_a": "nobody", "map_b": "../etc", "map_color": "evil", "map_show": "x", "map_features": "y"},
        {"map_order": "evil", "seed": "8", "map_layout": "z", "map_classes": "perhaps"},
    ],
)
def test_bad_values_in_the_address_fall_back(shown: Study, address: dict[str, str]) -> None:
    app = open_map(**{"round": "2"} | address)
    assert not app.error
    assert re.search(r"Bought by RAD in round [12]", texts(app))


def test_a_study_without_thumbnails_shows_words_and_says_why(shown: Study) -> None:
    with closing(sqlite3.connect(shown.path / "study.sqlite")) as database, database:
        database.execute("update seeds set arrays = replace(arrays, '\"thumbnails\",', '')")
        database.execute("update seeds set arrays = replace(arrays, '\"thumbnails\", ', '')")
    assert "thumbnails" not in shown.seed_arrays(0)
    app = do(open_map(), primary=3)
    assert "keeps no thumbnails" in texts(app)
    assert "**Point 3**" in texts(app)


def test_a_study_that_has_just_started_shows_its_pool_without_picks(
    finished: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    folder = Path(os.environ["RAD_STORE"]) / finished.id
    shutil.copytree(finished.path, folder)
    with closing(sqlite3.connect(folder / "study.sqlite")) as database, database:
        database.execute("delete from rounds where round > 0")
    app = open_map()
    assert not app.error
    assert "0 of 2 rounds finished so far" in texts(app)
    assert "No labels bought yet" in texts(app)
    for color in COLORINGS:
        look(app.selectbox(key="map_color").set_value(color).run())


def test_strategies_that_have_come_differently_far_are_shown_together(
    finished: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    half_done(finished, Path(os.environ["RAD_STORE"]))
    app = open_map(round="2")
    assert not app.error
    assert "No labels bought yet" in texts(app)  # by rad in round 2


def test_without_a_prepared_seed_a_sentence_stands_there() -> None:
    create_study(Path(os.environ["RAD_STORE"]), tiny_config())
    app = open_map()
    assert "No seed of this study is prepared yet" in texts(app)


@pytest.mark.long
def test_the_umap_is_computed_in_the_background_and_shown_when_it_is_ready() -> None:
    # So many points that a real UMAP takes seconds: the page is there before it.
    study = create_study(
        Path(os.environ["RAD_STORE"]), tiny_config(name="Tiny", pool=60, budget=3, strategies=("rad", "margin"))
    )
    run_study(study, workers=1)
    app = open_map()
    end = time.monotonic() + 240
    assert "PCA of the teacher's features" in texts(app)
    assert "is being computed" in texts(app)
    while maps.map_state(study, 0) != "ready":
        assert time.monotonic() < end
        time.sleep(0.1)
    look(app.run())
    look(app.run())
    assert "UMAP of the teacher's features" in texts(app)
    assert [toast.value for toast in app.toast] or "is being computed" not in texts(app)


def test_a_umap_of_minutes_is_offered_with_its_time_and_starts_when_asked_for(
    shown: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAD_READ_ONLY")
    started: list[int] = []
    monkeypatch.setattr(maps, "map_state", lambda *_: "computing" if started else "absent")
    monkeypatch.setattr(maps, "read_map", lambda *_, **__: None)
    monkeypatch.setattr(maps, "start_map", lambda study, seed, source: started.append(seed))
    monkeypatch.setattr(maps, "map_seconds", lambda *_: 250.0)
    app = open_map()
    app.run()
    assert not started
    offer = app.button(key="map-compute")
    assert offer.label == "Compute the UMAP (about 4 min 10 s)"
    offer.click().run()
    assert started == [0]
    assert "is being computed (about 4 min 10 s)" in texts(app)


def test_many_cards_come_in_pages(shown: Study) -> None:
    everything = Selection.box(-1e6, -1e6, 1e6, 1e6)
    app = do(open_map(), selection=everything)
    assert "200 of 200 selected" in texts(app)
    assert "All 200 images" in texts(app)
    for order in cards.ORDERS:
        look(app.selectbox(key="map_order").set_value(order).run())
