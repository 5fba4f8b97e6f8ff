"""The page Map in a real browser: from a lasso to its images, and back from a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from app import map_layout, map_view
from app.components.map import resolve
from rad_core.study.engine import run_study
from rad_core.study.store import Study, create_study
from tests.big_study import make_big_study
from tests.browser.conftest import Studio, Visits, settled
from tests.conftest import tiny_config

pytestmark = pytest.mark.browser

VIEW = "globalThis.radStudioMap?.views?.get('pool-map')"
DRAWN = f"() => {VIEW}?.pool && {VIEW}.loading.hidden && !{VIEW}.frame"
WITHOUT_WEBGL = """const original = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
};"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study in a store of its own."""
    study = create_study(tmp_path_factory.mktemp("store"), tiny_config(name="Tiny", strategies=("rad", "margin")))
    run_study(study)
    return study


def drawn(page: Any) -> None:
    page.wait_for_function(DRAWN)
    settled(page)


def drag(page: Any, path: list[tuple[float, float]], key: str) -> None:
    """Drag along a path over the first panel of the map, in shares of its width and height, with a key held."""
    canvas = page.locator("canvas.canvas")
    canvas.evaluate("node => node.scrollIntoView({block: 'center'})")
    box = canvas.bounding_box()
    panels = page.evaluate(f"() => {VIEW}.data.panels.length")
    places = [(box["x"] + x * box["width"] / panels, box["y"] + y * box["height"]) for x, y in path]
    page.keyboard.down(key)
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    page.keyboard.up(key)


LASSO = [(0.3, 0.3), (0.75, 0.35), (0.7, 0.6), (0.5, 0.5), (0.35, 0.7), (0.31, 0.33)]


def address(page: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def select(page: Any) -> str:
    """Draw the lasso; its text in the address."""
    drag(page, LASSO, "Alt")
    page.get_by_role("heading", name="Selected on the map").wait_for()
    settled(page)
    return address(page)["map_sel"]


def shown_cards(page: Any) -> list[int]:
    """The pool positions of all cards, page by page."""
    found: list[int] = []
    while True:
        items = page.locator(".item")
        items.first.wait_for()
        found += items.evaluate_all("items => items.map((item) => Number(item.dataset.position))")
        following = page.get_by_role("button", name="Next page")
        if not following.count() or following.is_disabled():
            return found
        first = found[-items.count()]
        following.click()
        page.wait_for_function(
            "first => [...document.querySelectorAll('*')].some((host) => host.shadowRoot?.querySelector('.item')"
            " && Number(host.shadowRoot.querySelector('.item').dataset.position) !== first)",
            arg=first,
        )
        settled(page)


def test_a_lasso_shows_exactly_its_images_and_its_link_opens_them_again(
    study: Study, studio: Studio, visit: Visits
) -> None:
    url = studio(study.path.parent, RAD_READ_ONLY="1")
    page = visit(f"{url}/map")
    drawn(page)
    layout, region = map_view.read_link(select(page))
    assert layout == "pca-teacher"
    expected = resolve(map_layout.pca(study, 0, "teacher_features"), region)
    assert len(expected) > 5
    page.get_by_text(f"{len(expected)} of 200 selected").wait_for()
    cards = shown_cards(page)
    assert sorted(cards) == list(expected)

    page.locator(".item button").first.click()
    page.get_by_text("The teacher's soft label").wait_for()
    settled(page)
    point = address(page)["map_point"]
    assert int(point) in cards

    again = visit(page.url)  # another browser
    drawn(again)
    again.get_by_text(f"{len(expected)} of 200 selected").wait_for()
    again.get_by_text(f"Point {point}").first.wait_for()
    assert address(again) == address(page)
    again.locator("canvas.canvas").press("Escape")
    again.get_by_role("heading", name="Bought by RAD in round 2").wait_for()
    settled(again)
    assert "map_sel" not in address(again)


def test_the_round_follows_the_slider_of_the_map_on_every_page(study: Study, studio: Studio, visit: Visits) -> None:
    url = studio(study.path.parent, RAD_READ_ONLY="1")
    page = visit(f"{url}/map")
    drawn(page)
    page.get_by_role("heading", name="Bought by RAD in round 2").wait_for()
    page.get_by_label("Round", exact=True).press("ArrowLeft")
    page.get_by_role("heading", name="Bought by RAD in round 1").wait_for()
    settled(page)
    assert address(page)["map_round"] == "1"
    page.reload()
    drawn(page)
    page.get_by_role("heading", name="Bought by RAD in round 1").wait_for()
    page.get_by_role("link", name="Budget lab").click()
    page.get_by_text("Round of purchase").wait_for()
    settled(page)
    assert address(page)["round"] == "1"
    page.get_by_role("link", name="Map", exact=True).click()
    page.get_by_role("heading", name="Bought by RAD in round 1").wait_for()


def test_another_color_and_one_panel_leave_zoom_and_selection_alone(
    study: Study, studio: Studio, visit: Visits
) -> None:
    url = studio(study.path.parent, RAD_READ_ONLY="1")
    page = visit(f"{url}/map")
    drawn(page)
    assert page.locator("svg.overlay").count() == 2
    select(page)
    page.get_by_label("Zoom in (+)").click()
    camera = page.evaluate(f"() => {VIEW}.camera")
    selected = page.evaluate(f"() => {VIEW}.selected")
    page.get_by_label("Color by").click()
    page.get_by_role("option", name="Teacher right or wrong").click()
    page.get_by_role("button", name="teacher wrong").wait_for()
    drawn(page)
    assert page.evaluate(f"() => {VIEW}.camera") == camera
    assert page.evaluate(f"() => {VIEW}.selected") == selected
    page.get_by_label("and by").click()
    page.get_by_role("option", name="nobody else").click()
    page.wait_for_function(f"() => {VIEW}.data.panels.length === 1")
    drawn(page)
    assert page.locator("svg.overlay").count() == 1
    assert page.evaluate(f"() => {VIEW}.selected") == selected


def test_without_webgl_a_picture_is_shown(study: Study, studio: Studio, visit: Visits) -> None:
    url = studio(study.path.parent, RAD_READ_ONLY="1")
    page = visit(f"{url}/method")
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(f"{url}/map")
    page.get_by_text("This browser offers no WebGL 2").wait_for()
    page.locator(".js-plotly-plot").nth(1).wait_for()
    settled(page)
    page.get_by_role("heading", name="Bought by RAD in round 2").wait_for()


def test_the_map_changes_over_to_umap_when_that_is_ready(tmp_path: Path, studio: Studio, visit: Visits) -> None:
    config = tiny_config(name="Few", pool=15, budget=3, strategies=("rad", "margin"))  # so few that UMAP takes no time
    study = create_study(tmp_path / "store", config)
    run_study(study)
    page = visit(f"{studio(study.path.parent)}/map")
    drawn(page)
    page.get_by_text("UMAP of the teacher's features").wait_for(timeout=120_000)
    drawn(page)
    assert not page.get_by_text("is being computed").count()


@pytest.mark.slow
def test_a_map_of_50_000_points_keeps_within_its_bytes(tmp_path: Path, studio: Studio, visit: Visits) -> None:
    study = make_big_study(tmp_path / "store")
    page = visit(f"{studio(study.path.parent, RAD_READ_ONLY='1')}/map")
    drawn(page)
    assert visit.received(page) <= 1_500_000
    before = visit.received(page)
    page.get_by_label("Round", exact=True).press("ArrowLeft")
    page.get_by_role("heading", name="Bought by RAD in round 2").wait_for()
    drawn(page)
    assert visit.received(page) - before <= 50_000
    before = visit.received(page) + visit.sent(page)
    _, region = map_view.read_link(select(page))
    expected = resolve(map_layout.pca(study, 0, "teacher_features"), region)
    page.get_by_text(f"{len(expected):,} of 50,000 selected").wait_for()
    assert visit.received(page) + visit.sent(page) - before <= 250_000
    assert np.all(np.diff(expected) > 0)
