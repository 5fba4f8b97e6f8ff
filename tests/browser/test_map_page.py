"""The page Map in a real browser: from a lasso to its images, and back from a link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app.atlas import facts
from app.components.map import resolve
from app.results import reading
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.browser.conftest import Studio, Visits, settled, studios, until
from tests.conftest import tiny_config
from tests.helpers.big_study import make_big_study

pytestmark = pytest.mark.browser

VIEW = "globalThis.radStudioMap?.views?.get('pool-map')"
DRAWN = f"() => {VIEW}?.pool && {VIEW}.loading.hidden && !{VIEW}.frame"
WITHOUT_WEBGL = """const original = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
};"""

# The images that the browser keeps because they have an address.
KEPT_IMAGES = """globalThis.keptImages = new Set();
const [create, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (blob) => {
  const url = create.call(URL, blob);
  if (blob.type.startsWith('image/')) keptImages.add(url);
  return url;
};
URL.revokeObjectURL = (url) => { keptImages.delete(url); revoke.call(URL, url); };"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study in a store of its own."""
    study = create_study(tmp_path_factory.mktemp("store"), tiny_config(name="Tiny", strategies=("rad", "margin")))
    run_study(study, workers=1)
    return study


@pytest.fixture(scope="module")
def url(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio that shows this study and may not change anything."""
    with looking_at(study, tmp_path_factory.mktemp("server")) as address:
        yield address


@contextmanager
def looking_at(study: Study, folder: Path) -> Iterator[str]:
    with studios(folder) as studio:
        yield studio(study.path.parent, RAD_READ_ONLY="1", RAD_DATA=str(folder / "data"))


def drawn(page: Any) -> None:
    page.wait_for_function(DRAWN)
    settled(page)


def drag(page: Any, path: list[tuple[float, float]], key: str) -> None:
    """Drag along a path over the map, in shares of its width and height, with a key held."""
    page.locator("canvas.canvas").evaluate("node => node.scrollIntoView({block: 'center'})")
    box = page.locator("svg.overlay").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
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


def choose(page: Any, label: str, option: str) -> None:
    """Choose an option above the map. A list that is open closes when the page is scrolled, so that comes first."""
    page.get_by_label(label, exact=True).evaluate("node => node.scrollIntoView({block: 'center'})")
    settled(page)
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


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
        items = page.locator(".item[data-position]")
        items.first.wait_for()
        found += items.evaluate_all("items => items.map((item) => Number(item.dataset.position))")
        following = page.get_by_role("button", name="Next page")
        if not following.count() or following.is_disabled():
            return found
        first = found[-items.count()]
        following.click()
        page.wait_for_function(
            "first => [...document.querySelectorAll('*')].some((host) => {"
            " const item = host.shadowRoot?.querySelector('.item[data-position]');"
            " return item && Number(item.dataset.position) !== first; })",
            arg=first,
        )
        settled(page)


def test_a_lasso_shows_exactly_its_images_and_its_link_opens_them_again(study: Study, url: str, visit: Visits) -> None:
    page = visit(f"{url}/map?vs=margin")
    drawn(page)
    layout, region = facts.read_link(select(page))
    assert layout == "pca-teacher"
    expected = resolve(reading.pca(study, 0, "teacher_features"), region)
    assert len(expected) > 5
    page.get_by_text(f"{len(expected)} of 200 selected", exact=True).wait_for()
    cards = shown_cards(page)
    assert sorted(cards) == list(expected)

    page.locator(".item button").first.click()
    page.get_by_text("The teacher's soft label").wait_for()
    settled(page)
    point = address(page)["map_point"]
    assert int(point) in cards

    again = visit(page.url)  # another browser
    drawn(again)
    again.get_by_text(f"{len(expected)} of 200 selected", exact=True).wait_for()
    again.get_by_text(f"Point {point}").first.wait_for()
    assert address(again) == address(page)
    again.locator("canvas.canvas").press("Escape")
    again.get_by_role("heading", name="Bought by RAD in round 1").wait_for()
    settled(again)
    assert "map_sel" not in address(again)


def test_the_bar_changes_round_and_rules_of_the_map(url: str, visit: Visits) -> None:
    page = visit(f"{url}/map?vs=margin")
    drawn(page)
    page.get_by_role("heading", name="Bought by RAD in round 1").wait_for()
    page.get_by_role("combobox", name="Round of purchase").select_option("2")
    page.get_by_role("heading", name="Bought by RAD in round 2").wait_for()
    drawn(page)
    assert page.evaluate(f"() => [{VIEW}.round, ...{VIEW}.data.picks.map(({{label}}) => label)]")[:3] == [
        2,
        "RAD",
        "Margin",
    ]
    assert address(page)["round"] == "2"
    page.reload()
    drawn(page)
    page.get_by_role("heading", name="Bought by RAD in round 2").wait_for()


def test_the_map_fills_the_window_with_the_gallery_beside_it(url: str, visit: Visits) -> None:
    page = visit(f"{url}/map?vs=margin", size=(1280, 720))
    drawn(page)
    stage, card = (
        page.locator("canvas.canvas").bounding_box(),
        page.locator(".item[data-position]").first.bounding_box(),
    )
    assert stage["height"] > 400
    assert stage["y"] + stage["height"] < 700
    assert card["x"] > stage["x"] + stage["width"]
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.wait_for_function(f"() => {VIEW}.size.height > {stage['height']} + 250")


def test_another_color_and_the_difference_leave_zoom_and_selection_alone(study: Study, url: str, visit: Visits) -> None:
    page = visit(f"{url}/map?vs=margin")
    drawn(page)
    select(page)
    page.get_by_label("Zoom in (+)").click()
    camera = page.evaluate(f"() => {VIEW}.camera")
    selected = page.evaluate(f"() => {VIEW}.selected")
    choose(page, "Color by", "Teacher right or wrong")
    page.get_by_role("button", name="teacher wrong").last.wait_for()
    drawn(page)
    assert page.evaluate(f"() => {VIEW}.camera") == camera
    assert page.evaluate(f"() => {VIEW}.selected") == selected
    choose(page, "Shown", "Difference")
    page.wait_for_function(f"() => {VIEW}.blobs.density && !{VIEW}.data.picks.length")
    page.get_by_text("labels more per 100 points of the pool nearby").wait_for()
    drawn(page)
    assert page.evaluate(f"() => {VIEW}.selected") == selected


def test_the_card_of_the_point_in_view_is_marked(url: str, visit: Visits) -> None:
    page = visit(f"{url}/map")
    drawn(page)
    items = page.locator(".item[data-position]")
    items.nth(4).wait_for()
    first, second = (int(items.nth(i).get_attribute("data-position")) for i in (1, 4))
    items.nth(1).locator("button").click()
    page.get_by_text(f"Point {first}").first.wait_for()
    marked(page, [first])

    page.locator("canvas.canvas").evaluate("node => node.scrollIntoView({block: 'center'})")
    place = page.evaluate(
        f"""(i) => {{
            const view = {VIEW}, box = view.stage.getBoundingClientRect(), eye = view.eye, {{xy}} = view.pool;
            const [x, y] = [(xy[2 * i] - eye.x) * eye.k, (xy[2 * i + 1] - eye.y) * eye.k];
            return [box.left + view.size.width / 2 + x, box.top + view.size.height / 2 - y];
        }}""",
        second,
    )
    page.mouse.click(*place)  # a point on the map marks its card, wherever it is
    page.get_by_text(f"Point {second}").first.wait_for()
    marked(page, [second])
    page.get_by_role("button", name="Close").click()
    page.get_by_text("Click a point or a card").wait_for()
    marked(page, [])


def marked(page: Any, positions: list[int]) -> None:
    """Wait until the cards of these positions are marked, and no others."""
    pressed = page.locator(".item:has(button[aria-pressed=true])")
    read = "items => items.map((item) => Number(item.dataset.position))"
    until(page, lambda: pressed.evaluate_all(read) == positions)


def test_leaving_the_map_frees_its_thumbnails(url: str, visit: Visits) -> None:
    page = visit(url)
    page.add_init_script(KEPT_IMAGES)
    page.reload()
    settled(page)
    for _ in range(2):
        page.get_by_role("link", name="Map").click()
        drawn(page)
        page.wait_for_function("() => keptImages.size > 0")
        page.get_by_role("link", name="Curves").click()
        page.get_by_role("heading", name="Curves", exact=True).wait_for()
        settled(page)
        assert page.evaluate("keptImages.size") == 0


def test_a_narrow_screen_shows_the_map_above_the_gallery(url: str, visit: Visits) -> None:
    page = visit(f"{url}/map?vs=margin", size=(390, 800))
    drawn(page)
    stage, card = (
        page.locator("canvas.canvas").bounding_box(),
        page.locator(".item[data-position]").first.bounding_box(),
    )
    assert stage["y"] + stage["height"] < card["y"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_without_webgl_a_picture_is_shown(url: str, visit: Visits) -> None:
    page = visit(f"{url}/method")
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(f"{url}/map")
    page.get_by_text("This browser offers no WebGL 2").wait_for()
    page.locator(".js-plotly-plot").wait_for()
    settled(page)
    page.get_by_role("heading", name="Bought by RAD in round 1").wait_for()


def test_the_map_changes_over_to_umap_when_that_is_ready(tmp_path: Path, studio: Studio, visit: Visits) -> None:
    config = tiny_config(name="Few", pool=15, budget=3, strategies=("rad", "margin"))  # so few that UMAP takes no time
    study = create_study(tmp_path / "store", config)
    run_study(study, workers=1)
    page = visit(f"{studio(study.path.parent)}/map")
    drawn(page)
    page.get_by_text("UMAP of the teacher's features").wait_for(timeout=120_000)
    drawn(page)
    assert not page.get_by_text("is being computed").count()


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of 50,000 points in a store of its own."""
    return make_big_study(tmp_path_factory.mktemp("big"))


@pytest.fixture(scope="module")
def big_url(big: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio that shows it."""
    with looking_at(big, tmp_path_factory.mktemp("big-server")) as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize(
    "color", [pytest.param(color, marks=[pytest.mark.long] * (color != "class")) for color in facts.COLORINGS]
)
def test_a_map_of_50_000_points_keeps_within_its_bytes(big: Study, big_url: str, visit: Visits, color: str) -> None:
    name = facts.COLORINGS[color]
    page = visit(f"{big_url}/map?{urlencode({'map_color': name, 'round': 3})}")
    drawn(page)
    assert page.evaluate(f"() => {VIEW}.data.coloring.title") == facts.COLORINGS["class" if color == "none" else color]
    assert visit.received(page) <= 1_500_000
    for round in (2, 1):
        before, colors = visit.received(page), page.evaluate(f"() => {VIEW}.blobs.colors.digest")
        page.get_by_role("combobox", name="Round of purchase").select_option(str(round))
        page.get_by_role("heading", name=f"Bought by RAD in round {round}").wait_for()
        drawn(page)
        page.wait_for_function(f"() => {VIEW}.blobs.colors.digest === {VIEW}.data.colors")
        page.wait_for_timeout(300)
        assert visit.received(page) - before <= 50_000
        follows = color in ("gain", "q", "student", "round")
        assert (page.evaluate(f"() => {VIEW}.blobs.colors.digest") != colors) == follows
    before = visit.received(page) + visit.sent(page)
    _, region = facts.read_link(select(page))
    expected = resolve(reading.pca(big, 0, "teacher_features"), region)
    page.get_by_text(f"{len(expected):,} of 50,000 selected", exact=True).wait_for()
    assert len(expected) > 1000
    assert visit.received(page) + visit.sent(page) - before <= 250_000
