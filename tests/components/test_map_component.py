"""The map: its geometry is exact, what travels is small, and user and page never overrule each other by accident."""

from __future__ import annotations

import contextlib
import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app import palette
from app.components import script
from app.components.map import MapColoring, MapEvent, MapLayer, Selection, fallback_chart, resolve
from app.components.map.component import _SCRIPTS
from app.components.map.geometry import CELLS, QUANTA, difference, quantize
from app.components.map.model import MISSING, STEPS, SYMBOLS
from app.components.map.wire import colors_blob, layers_blob, points_blob
from rad_core.errors import InputError

SCRIPT = script(Path(str(files("app.components.map"))) / "js", _SCRIPTS)


def cloud(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32) * [3, 1] + [10, -4]


def crossings(polygon: list[tuple[float, float]], x: float, y: float) -> bool:
    """Even-odd rule as in a textbook, for one point."""
    odd = False
    for (xi, yi), (xj, yj) in zip(polygon, [polygon[-1], *polygon[:-1]], strict=True):
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            odd = not odd
    return odd


def unpack(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What map.js does with a blob."""
    length = int.from_bytes(data[:4], "little")
    header, at, parts = json.loads(data[4 : 4 + length]), 4 + length, []
    for kind, count in header["parts"]:
        parts.append(np.frombuffer(data, f"<{kind}", count, at))
        at += parts[-1].nbytes + -parts[-1].nbytes % 4
    assert at == len(data)
    return header, parts


# --- geometry ------------------------------------------------------------------------------------------------------


def test_points_move_by_half_a_quantum_at_most_and_keep_their_shape() -> None:
    points = cloud(2000)
    pool = quantize(points)
    assert pool.grid.max() == QUANTA
    assert np.abs(pool.grid * pool.scale + pool.origin - points).max() <= 0.51 * pool.scale


def test_points_in_one_place_are_one_place() -> None:
    assert (quantize(np.ones((5, 2), np.float32)).grid == 0).all()


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(4), np.array([[0, np.nan]]), [[0, np.inf]]]
)
def test_points_that_cannot_be_drawn_are_refused(bad: Any) -> None:
    with pytest.raises(InputError, match="points"):
        quantize(bad)


corner = st.tuples(st.floats(-2, 2, width=32), st.floats(-2, 2, width=32))


@settings(max_examples=150, deadline=None)
@given(st.lists(corner, min_size=3, max_size=12))
def test_a_selection_holds_the_points_of_the_even_odd_rule(polygon: list[tuple[float, float]]) -> None:
    points = np.random.default_rng(3).uniform(-1.5, 1.5, (300, 2)).astype(np.float32)
    pool = quantize(points)
    on_grid = [((x - pool.origin[0]) / pool.scale, (y - pool.origin[1]) / pool.scale) for x, y in polygon]
    expected = [i for i, (x, y) in enumerate(pool.grid) if crossings(on_grid, float(x), float(y))]
    assert resolve(points, Selection("lasso", tuple(polygon))).tolist() == expected


def test_a_box_holds_what_lies_between_its_corners() -> None:
    points = cloud(5000)
    found = resolve(points, Selection.box(8, -5, 12, -3.5))
    assert found.dtype == np.int32
    inside = (points[:, 0] > 8) & (points[:, 0] < 12) & (points[:, 1] > -5) & (points[:, 1] < -3.5)
    quantum = quantize(points).scale
    near = np.abs(points[:, [0, 0, 1, 1]] - [8, 12, -5, -3.5]).min(axis=1) < quantum
    assert np.array_equal(np.isin(np.arange(5000), found)[~near], inside[~near])


# --- selections in addresses ---------------------------------------------------------------------------------------


@given(st.lists(corner, min_size=3, max_size=60), st.sampled_from(["box", "lasso"]))
def test_a_selection_survives_an_address(polygon: list[tuple[float, float]], kind: Any) -> None:
    selection = Selection(kind, tuple(polygon))
    text = selection.to_text()
    assert Selection.from_text(text) == selection
    assert len(text) <= 11 * len(polygon) + 2
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.one_of(st.text(max_size=80), st.text("blAQ-_9=", max_size=80)))
def test_garbage_in_an_address_is_a_selection_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert len(Selection.from_text(text).polygon) >= 3


def test_regions_are_added_and_taken_away_in_the_order_in_which_they_were_drawn() -> None:
    points = cloud(5000)
    wide, within, again = ((8, -5, 12, -3.5), (9, -4.6, 11, -4), (9.5, -4.4, 10, -4.2))
    inside = [set(resolve(points, Selection.box(*box)).tolist()) for box in (wide, within, again)]
    corners = [Selection.box(*box).polygon for box in (wide, within, again)]
    drawn = Selection.of_regions([("box", corners[0], False), ("box", corners[1], True), ("lasso", corners[2], False)])
    assert drawn is not None
    assert set(resolve(points, drawn).tolist()) == inside[0] - inside[1] | inside[2]
    assert Selection.from_text(drawn.to_text()) == drawn
    with pytest.raises(InputError, match="regions"):
        Selection.of_regions([("box", corners[0], False)] * 21)


def test_a_difference_is_of_the_sign_of_who_bought_more_there_and_none_where_nobody_did() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (20_000, 2))
    left, right = np.flatnonzero(points[:, 0] < 0.25), np.flatnonzero(points[:, 0] > 0.75)
    found = difference(points, left[::5], right[::5], ("RAD", "Margin"))
    codes = found.codes[4:-4]
    assert found.codes.shape == (CELLS, CELLS)
    assert (codes[:, 4:12] > 128).all()
    assert (codes[:, 24:40] == 128).all()
    assert (codes[:, 52:60] < 128).all()
    assert 10 < found.most < 20 + 15  # a fifth of the points; by chance more in some cells
    swapped = difference(points, right[::5], left[::5], ("Margin", "RAD"))
    assert np.array_equal(256 - swapped.codes.astype(int), found.codes)
    assert (difference(points, left, left, ("a", "b")).codes == 128).all()


@pytest.mark.parametrize("text", ["", "b", "x" * 30, "b" + "A" * 21, "l" + "A" * 100_000, "b" + "_" * 32])
def test_damaged_addresses_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Selection.from_text(text)


# --- what is drawn -------------------------------------------------------------------------------------------------


def test_every_symbol_of_the_palette_can_be_drawn() -> None:
    styles = [style.symbol for style in palette.STRATEGY_STYLES.values()]
    verdicts = [palette.RIGHT_SYMBOL, palette.WRONG_SYMBOL, palette.UNDEFINED_SYMBOL]
    spare = [palette.strategy_style(f"made up {i}").symbol for i in range(60)]
    assert set(styles + verdicts + spare) <= set(SYMBOLS)


def test_values_become_codes_and_missing_ones_are_marked() -> None:
    coloring = MapColoring.of_values([0.0, 0.5, 1.0, np.nan, 7.0], ("#000000", "#FFFFFF"), "gain", (0.0, 1.0))
    assert coloring.codes.tolist() == [0, 7, 14, MISSING, 14]
    assert coloring.colors_of_codes()[7] == "#808080"
    assert len(coloring.colors_of_codes()) == STEPS + 1
    assert MapColoring.of_values([2.0, 2.0], ("#000000", "#FFFFFF"), "same").codes.tolist() == [7, 7]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MapColoring([0, 2], ["a", "b"], ["#000000", "#111111"], "class"),
        lambda: MapColoring([0], ["a"], ["red;}"], "class"),
        lambda: MapColoring([0], ["a"], ["#000000"], "class", ["smiley"]),
        lambda: MapColoring([0.5], ["a"], ["#000000"], "class"),
        lambda: MapColoring.of_values([np.inf], ["#000000", "#111111"], "gain"),
        lambda: MapColoring.of_values([1.0], ["#000000"], "gain"),
        lambda: MapLayer("rad", "RAD", "#000000", "circle", [-1]),
        lambda: MapLayer("rad", "RAD", "#000000", "circle", [1, 2], [1]),
        lambda: Selection("circle", ((0, 0), (1, 0), (1, 1))),  # type: ignore[arg-type]
        lambda: Selection("lasso", ((0, 0), (1, float("nan")), (1, 1))),
        lambda: Selection("lasso", ((0, 0), (1, 1e300), (1, 1))),
    ],
)
def test_bad_input_is_told_in_one_sentence(make: Any) -> None:
    with pytest.raises(InputError) as told:
        make()
    assert "\n" not in str(told.value)


# --- what travels --------------------------------------------------------------------------------------------------


def layer(positions: Any, rounds: Any = None, label: str = "RAD") -> MapLayer:
    return MapLayer("rad", label, "#D55E00", "circle", np.asarray(positions, int), rounds)


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (STEPS + 1, 4), (17, 8)])
@pytest.mark.parametrize("n", [1, 7, 8, 50_001])
def test_colors_travel_in_as_few_bits_as_they_need(count: int, bits: int, n: int) -> None:
    codes = np.random.default_rng(count).integers(0, count, n).astype(np.uint8)
    codes[0] = count - 1
    blob = colors_blob(codes)
    header, (packed,) = unpack(blob.data)
    assert (header["bits"], header["n"]) == (bits, n)
    at = np.arange(n)
    assert np.array_equal((packed[at * bits // 8] >> (at * bits % 8).astype(np.uint8)) & (2**bits - 1), codes)
    assert len(blob.data) <= -(-n * bits // 8) + 200


def test_a_point_travels_in_four_bytes_once() -> None:
    blob = points_blob(quantize(cloud(50_000)))
    assert len(blob.data) < 4 * 50_000 + 300
    assert blob == points_blob(quantize(cloud(50_000)))


@pytest.mark.parametrize("count", [0, 3, 10_000])
@pytest.mark.parametrize("rounds", [None, 7, "many"])
def test_layers_arrive_as_they_were_sent(count: int, rounds: Any) -> None:
    rng = np.random.default_rng(count)
    positions = rng.permutation(50_000)[:count]
    bought = {None: None, 7: np.full(count, 7), "many": rng.integers(1, 300, count)}[rounds]
    blob = layers_blob([layer([5, 1, 5]), layer(positions, bought)], 50_000)
    header, parts = unpack(blob.data)
    assert header["digest"] == blob.digest
    assert parts[0].tolist() == [1, 5, 5]  # bought twice, so not one bit a point
    sent = parts[2]
    if header["layers"][1]["mask"]:
        sent = np.flatnonzero(np.unpackbits(parts[2], bitorder="little", count=50_000))
    assert sent.tolist() == sorted(positions)
    same = header["layers"][1]["round"]
    known = np.zeros(count) if bought is None else bought[np.argsort(positions)]
    assert (np.full(count, same) if same is not None else parts[3]).tolist() == known.tolist()


def test_ten_thousand_picks_in_rounds_travel_in_less_than_twenty_kilobytes() -> None:
    rng = np.random.default_rng(0)
    blob = layers_blob([layer(rng.permutation(50_000)[:10_000], rng.integers(1, 21, 10_000))], 50_000)
    assert len(blob.data) < 20_000


def test_the_script_asks_no_other_host_and_reads_no_text_as_html() -> None:
    assert SCRIPT.count("://") == SCRIPT.count("http://www.w3.org/2000/svg") == 1
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "import("):
        assert word not in SCRIPT


# --- on a page -----------------------------------------------------------------------------------------------------


def page() -> None:
    """A page that draws the map with the arguments in its session state and keeps what comes back."""
    import numpy as np
    import streamlit as st

    from app.components.map import MapColoring, MapLayer
    from app.components.map.component import map_event, pool_map

    state = st.session_state
    points = np.random.default_rng(state.get("pool", 0)).normal(size=(100, 2)).astype(np.float32)
    picks = MapLayer("rad", "<script>", "#D55E00", "circle", np.arange(10), np.arange(10))
    coloring = MapColoring(np.arange(100) % 2, ["a", "<b>"], ["#000000", "#111111"], "class")
    state["before"] = map_event("map")
    arguments = {name: state.get(name) for name in ("selection", "primary")}
    state["event"] = pool_map(points, coloring, (picks,), key="map", round=9, **arguments)
    for name in ("selection", "primary"):
        state[name] = getattr(state["event"], name)


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back the main module that a page from a function leaves behind: a process started later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


BOX, LASSO = Selection.box(0, 0, 1, 1), Selection("lasso", ((0, 0), (1, 0), (0, 1)))


def user_does(page: AppTest, **event: Any) -> MapEvent:
    """An event as the browser reports it, and what the page makes of it."""
    region = event.get("selection")
    said = {"id": str(np.random.default_rng().integers(1 << 60)), "selection": None, "primary": None}
    if region is not None:
        event["selection"] = [{"kind": region.kind, "polygon": [list(corner) for corner in region.polygon]}]
    page.session_state["map"] = {"event": said | event}
    return run(page)


def run(page: AppTest, **arguments: Any) -> MapEvent:
    for name, value in arguments.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    return page.session_state["event"]


def test_without_a_browser_a_page_gets_an_empty_event() -> None:
    assert run(AppTest.from_function(page)) == MapEvent()


def test_what_the_user_did_last_holds() -> None:
    app = AppTest.from_function(page)
    run(app)
    assert user_does(app, selection=BOX, primary=3) == MapEvent(BOX, 3)
    assert run(app) == MapEvent(BOX, 3)
    assert app.session_state["before"] == MapEvent(BOX, 3)
    assert user_does(app, selection=LASSO).selection == LASSO
    assert user_does(app).selection is None


def test_a_page_that_passes_back_what_it_got_never_undoes_the_user() -> None:
    app = AppTest.from_function(page)
    assert run(app, selection=BOX, primary=None) == MapEvent(BOX)
    assert user_does(app, selection=LASSO) == MapEvent(LASSO)
    assert user_does(app, selection=BOX) == MapEvent(BOX)
    assert run(app) == MapEvent(BOX)


def test_a_page_can_set_and_clear() -> None:
    app = AppTest.from_function(page)
    run(app, selection=None, primary=None)
    user_does(app, selection=LASSO, primary=3)
    assert run(app, selection=None, primary=7) == MapEvent(None, 7)
    assert run(app, selection=BOX) == MapEvent(BOX, 7)
    assert run(app) == MapEvent(BOX, 7)


def test_what_was_done_on_another_pool_comes_too_late() -> None:
    app = AppTest.from_function(page)
    run(app)
    late = user_does(app, selection=BOX, points="another pool")
    assert late.selection is None


def test_no_webgl_is_reported_and_leaves_the_rest_alone() -> None:
    app = AppTest.from_function(page)
    run(app, selection=BOX)
    app.session_state["map"] = {"event": {"id": "1", "webgl": False}}
    assert run(app) == MapEvent(BOX, webgl=False)


# --- without WebGL -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["category", "continuous"])
def test_the_still_picture_tells_the_same_in_less(kind: str) -> None:
    n, rng = 20_000, np.random.default_rng(0)
    points, classes = cloud(n), rng.integers(0, 2, n)
    coloring = (
        MapColoring(classes, ["cat", "<script>"], ["#4958AB", "#F3A027"], "class")
        if kind == "category"
        else MapColoring.of_values(rng.random(n), ("#00204D", "#FFEA46"), "gain")
    )
    picks = layer(rng.permutation(n)[:5000], rng.integers(1, 6, 5000), "RAD")
    chart = fallback_chart(points, coloring, (picks,), round=3, selection=Selection.box(8, -5, 12, -3))
    bought = int((picks.rounds <= 3).sum()) if picks.rounds is not None else 0
    drawn = [trace for trace in chart.figure.data if trace.name and trace.name.startswith("RAD")]
    assert len(drawn[0].x) == 1000
    assert chart.table["RAD"].sum() == bought
    assert chart.table["points"].sum() == n
    assert chart.table["selected"].sum() == len(resolve(points, Selection.box(8, -5, 12, -3)))
    assert f"{bought:,}" in chart.alt
    text = chart.figure.to_json()
    assert "<script>" not in text
    assert len(text) < 300_000
    again = fallback_chart(points, coloring, (picks,), round=3, selection=Selection.box(8, -5, 12, -3))
    assert again.figure.to_json() == text
