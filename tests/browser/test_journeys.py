"""What people do with the studio in a real browser: look around, turn a control, pass a link on, present, download.

Everything on the shipped studies, in a store that is empty as on the first day.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from app.palette import strategy_style
from tests.browser.conftest import Studio, Visits, address, settled, studios, until
from tests.helpers.big_study import make_big_study

pytestmark = pytest.mark.browser

# For every page: its address, its heading, how many charts it draws, and words that it says of the
# shipped study or, where it needs none, to everybody.
PAGES = {
    "Explore": ("", re.compile(r"^Yes\. "), 0, "An example that ships with the program"),
    "Trade-off": ("tradeoff", "Trade-off", 4, "the teacher is right on"),
    "Map": ("map", "Map", 0, "points · seed 0"),
    "Curves": ("curves", "Curves", 2, "To compare, on the test set: the teacher itself"),
    "Present": ("present", "Fashion-MNIST, long tail", 0, "Study fashion-long-tail"),
    "Your data": ("data", "What do I label next?", 0, "Try with an example"),
    "Studies": ("studies", "Studies", 0, "275 of 275 rounds"),
    "Method": ("method", "Method", 0, "Buying just the best points could lose everything."),
}
LISTED = [title for title in PAGES if title != "Method"]  # a button opens that one
PHONE = (390, 844)
DIGITS = "handwritten-digits"  # the shipped study that holds the points of every seed

_TOO_WIDE = """() => {
  const main = document.querySelector('[data-testid="stMain"]'), edge = document.documentElement.clientWidth + 1;
  const scrolls = [document.documentElement, main].filter((box) => box.scrollWidth > box.clientWidth);
  const contained = (node) => node !== main
    && (getComputedStyle(node).overflowX !== 'visible' || contained(node.parentElement));
  const sticking = [...main.querySelectorAll('[data-testid="stElementContainer"]')].filter(
    (box) => box.getBoundingClientRect().right > edge && !contained(box.parentElement));
  return [...scrolls, ...sticking].map((box) => box.className + ': ' + box.innerText.slice(0, 60));
}"""
_DRAWN = """() => JSON.stringify(
  [...document.querySelectorAll('.js-plotly-plot')].map((chart) => chart.data),
  (name, value) => name === 'uid' ? undefined : ArrayBuffer.isView(value) ? [...value] : value)"""
_FOCUSED = """() => {
  let node = document.activeElement;
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const isIcon = (line) => /^[a-z_]*$/.test(line.trim());
  if (node === document.body) return '';
  return node.ariaLabel || node.innerText.split('\\n').find((line) => !isIcon(line)) || '';
}"""
_CURVES = """() => [...document.querySelectorAll('.js-plotly-plot')].slice(0, 1).flatMap((chart) =>
  (chart._fullData ?? []).filter((trace) => trace.legendgroup && chart.querySelector(`.trace${trace.uid} .js-line`))
    .map(({ legendgroup, uid }) => {
      const drawn = chart.querySelector(`.trace${uid}`);
      return [legendgroup, drawn.style.opacity, drawn.querySelector('.js-line').style.stroke];
    }))"""
_MAP = """() => {
  const view = globalThis.radStudioMap?.views?.get('pool-map');
  return view?.pool && view.loading.hidden && !view.frame;
}"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this file unpack the shipped study; nothing is there at first."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[str]:
    """The address of a studio with nothing but the shipped study; no test here changes anything in it."""
    folder = tmp_path_factory.mktemp("demo")
    with studios(folder) as studio:
        yield studio(folder / "store", RAD_DATA=str(data))


def sound(page: Any, title: str) -> None:
    """The page of this title shows its content, nothing went wrong on it, and nothing is wider than the window."""
    _, heading, charts, words = PAGES[title]
    page.get_by_role("heading", name=heading, exact=True, level=1).wait_for()
    page.get_by_test_id("stMain").get_by_text(words).first.wait_for()
    settled(page)
    assert page.locator(".js-plotly-plot").count() == charts, title
    if title == "Map":
        page.wait_for_function(_MAP)
    if title == "Explore":
        budget(page).wait_for()
    without_errors(page, title)
    assert page.evaluate(_TOO_WIDE) == [], title


def without_errors(page: Any, what: str) -> None:
    for mark in ("stException", "stAlertContentError"):
        assert page.get_by_test_id(mark).all_inner_texts() == [], what


def asks_for(page: Any, **wanted: str) -> None:
    """Wait until the address has these parameters, and the page is settled again."""
    until(page, lambda: wanted.items() <= address(page).items())
    settled(page)


def words(page: Any) -> str:
    return page.get_by_test_id("stMain").inner_text()


def figures(page: Any) -> str:
    """Everything that the charts of a page draw."""
    return page.evaluate(_DRAWN)


def budget(page: Any) -> Any:
    """The handle of the instrument that is moved for more labels."""
    return page.get_by_role("slider", name=re.compile("^Budget"))


def labels(page: Any) -> str:
    """How many labels the bar says are bought."""
    return page.get_by_role("spinbutton", name="Labels of this purchase").input_value()


def number(cell: str) -> float | str:
    """A cell's value: a table writes 40 where a file writes 40.0."""
    return float(cell) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell) else cell


def opens_the_same(visit: Visits, page: Any) -> Any:
    """A fresh browser shows at this address what this page shows."""
    other = visit(page.url)
    until(other, lambda: (words(other), figures(other)) == (words(page), figures(page)))
    assert address(other) == address(page)
    return other


# --- the first visit -----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_every_page_is_the_first_request_of_a_fresh_server(
    studio: Studio, visit: Visits, tmp_path: Path, data: Path
) -> None:
    page, port = None, None
    for title, (path, *_) in PAGES.items():
        url = studio(tmp_path / "store", port, RAD_DATA=str(data))
        port = urlsplit(url).port  # the same again: the browser keeps the program's scripts
        if page is None:
            page = visit(f"{url}/{path}")
        else:
            page.goto(f"{url}/{path}")
        sound(page, title)
        assert page.get_by_test_id("stSidebarNavLink").count() == len(LISTED)
        page.goto("about:blank")
        studio.kill(url)


@pytest.mark.parametrize(("dark", "size"), [(True, PHONE), pytest.param(False, (1280, 720), marks=pytest.mark.long)])
def test_every_page_is_reached_by_clicking(demo: str, visit: Visits, dark: bool, size: tuple[int, int]) -> None:
    page = visit(demo, dark=dark, size=size)
    sound(page, "Explore")
    for title in [*LISTED[1:], "Explore"]:
        opener, links = page.get_by_test_id("stExpandSidebarButton"), page.get_by_test_id("stSidebarNav")
        if opener.is_visible():  # on a phone the navigation is folded away
            opener.click()
        links.get_by_role("link", name=title, exact=True).click()
        sound(page, title)
    if opener.is_visible():
        opener.click()
    page.get_by_role("button", name="How it works").click()
    page.get_by_role("dialog").get_by_role("link", name="The setting, the limits, the sources").click()
    sound(page, "Method")
    background = page.get_by_test_id("stApp").evaluate("node => getComputedStyle(node).backgroundColor")
    assert background == ("rgb(14, 17, 23)" if dark else "rgb(255, 255, 255)")


def test_from_the_first_visit_to_a_report_in_the_hand(demo: str, visit: Visits, tmp_path: Path) -> None:
    """Verdict, drag, lasso, present, report: what a first visitor does to carry a decision to others."""
    page = visit(demo)
    assert page.get_by_role("heading", level=1).inner_text().startswith("Yes. 500 labels")
    handle, before = budget(page), labels(page)
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + box["height"] / 2, steps=6)
    until(page, lambda: labels(page) != before)  # while it is held
    page.mouse.up()
    bought = labels(page)
    asks_for(page, b=bought)

    page.get_by_test_id("stSidebarNavLink").get_by_text("Map").click()
    page.get_by_role("heading", name="Map", exact=True, level=1).wait_for()
    page.wait_for_function(_MAP)
    settled(page)
    assert labels(page) == bought
    canvas = page.locator(".st-key-pool-map canvas").first.bounding_box()
    left, top, width, height = (canvas[name] for name in ("x", "y", "width", "height"))
    page.keyboard.down("Alt")
    page.mouse.move(left + 0.1 * width, top + 0.3 * height)
    page.mouse.down()
    for across, down in ((0.6, 0.3), (0.6, 0.9), (0.1, 0.9), (0.1, 0.3)):
        page.mouse.move(left + across * width, top + down * height, steps=4)
    page.mouse.up()
    page.keyboard.up("Alt")
    page.get_by_text(re.compile("of 9,000 selected")).first.wait_for()

    page.get_by_test_id("stSidebarNavLink").get_by_text("Present").click()
    title = page.locator(".board > h2")
    title.wait_for()
    settled(page)
    page.get_by_role("button", name="Fill the window").click()
    page.wait_for_function("() => location.search.includes('present=1')")
    settled(page)
    told = []
    for _ in range(6):
        told.append(title.inner_text())
        page.keyboard.press("PageDown")
    assert len(set(told)) == 6
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as loading:
        page.get_by_role("button", name="Report (HTML)").click()
    report = tmp_path / "report.html"
    loading.value.save_as(report)
    without_network = visit.browser.new_context(offline=True)
    paper = without_network.new_page()
    paper.goto(report.as_uri())
    paper.wait_for_function("document.body.dataset.ready === 'true'")
    paper.keyboard.press("s")
    assert paper.locator(".board > h2").inner_text() == told[0]
    without_network.close()


# --- links ---------------------------------------------------------------------------------------------------------


def test_the_handles_move_by_keyboard_and_their_link_shows_the_same_numbers(demo: str, visit: Visits) -> None:
    page = visit(demo)
    teacher = page.get_by_role("slider", name="Teacher accuracy")
    after = []
    for handle, key in ((budget(page), "ArrowRight"), (teacher, "ArrowLeft")):
        before = handle.get_attribute("aria-valuenow")
        handle.press(key)
        until(page, lambda handle=handle, before=before: handle.get_attribute("aria-valuenow") != before)
        after.append(handle.get_attribute("aria-valuenow"))
    page.get_by_text("what if", exact=False).first.wait_for()
    until(page, lambda: address(page).get("b", "") == after[0] == labels(page))
    until(page, lambda: "m" in address(page))
    settled(page)
    other = opens_the_same(visit, page)
    there = (budget(other), other.get_by_role("slider", name="Teacher accuracy"))
    assert [handle.get_attribute("aria-valuenow") for handle in there] == after


@pytest.mark.parametrize(
    ("old", "title", "wanted"),
    [
        ("overview?round=2", "Explore", {"round": "2"}),
        pytest.param("budget?budget_b=77&budget_m=70", "Explore", {"b": "77", "m": "70"}, marks=pytest.mark.long),
        pytest.param("story?story_step=curves", "Present", {"story_step": "curves"}, marks=pytest.mark.long),
        ("scores?scores_gain=Entropy", "Your data", {"scores_gain": "Entropy"}),
        ("runs?compare=fashion-long-tail", "Studies", {"compare": "fashion-long-tail"}),
    ],
)
def test_links_made_before_lead_to_the_page_that_answers_now(
    demo: str, visit: Visits, old: str, title: str, wanted: dict[str, str]
) -> None:
    page = visit(f"{demo}/{old}")
    path, heading, *_ = PAGES[title]
    page.get_by_role("heading", name=heading, exact=True, level=1).wait_for()
    asks_for(page, **wanted)
    assert page.evaluate("location.pathname") == f"/{path}"
    assert not [name for name in address(page) if name.startswith("budget_")]
    without_errors(page, old)


@pytest.mark.long
def test_a_link_to_the_tradeoff_keeps_its_controls(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/tradeoff?run={DIGITS}")
    page.get_by_role("combobox", name="Repetition").select_option("2")
    asks_for(page, seed="2")
    page.get_by_role("combobox", name="Round of purchase").select_option("4")
    asks_for(page, round="4")
    page.get_by_role("radio", name="Its calibrated confidence").click()
    asks_for(page, tradeoff_axis="Its calibrated confidence")
    page.get_by_text("All seeds", exact=True).click()
    asks_for(page, tradeoff_all="false")
    page.get_by_text("over the labels of one seed").wait_for()
    settled(page)
    opens_the_same(visit, page)


@pytest.mark.long
def test_a_link_to_the_curves_keeps_its_controls(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/curves")
    for parameter, choice in (
        ("curves_x", "Rounds"),
        ("curves_y", "Agrees with the teacher"),
        ("curves_panel", "Who is ahead"),
        ("curves_value", "Mean over the curve"),
    ):
        page.get_by_role("radio", name=choice, exact=True).click()
        asks_for(page, **{parameter: choice})
    page.get_by_text("Single seeds", exact=True).click()
    asks_for(page, curves_seeds="true")
    opens_the_same(visit, page)


def test_a_curve_in_gray_stands_out_where_one_points_at_it(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/curves")
    page.wait_for_function(f"({_CURVES})().length")
    # Pixels of the last point of the curve of core-set, which is gray at first.
    at = page.evaluate("""() => {
      const chart = document.querySelector('.js-plotly-plot');
      const { uid } = chart._fullData.find((trace) => trace.legendgroup === 'coreset');
      const line = chart.querySelector(`.trace${uid} .js-line`), end = line.getPointAtLength(line.getTotalLength());
      const { x, y } = new DOMPoint(end.x, end.y).matrixTransform(line.getScreenCTM());
      return [x, y];
    }""")
    page.mouse.move(at[0] - 60, at[1] + 60)
    page.mouse.move(*at, steps=4)
    style = strategy_style("coreset")
    color = ", ".join(str(int(style.color[start : start + 2], 16)) for start in (1, 3, 5))
    page.get_by_text(style.label, exact=True).and_(page.locator(".hoverlayer *")).first.wait_for()
    lit = {group: (opacity, stroke) for group, opacity, stroke in page.evaluate(_CURVES)}
    assert lit.pop("coreset") == ("1", f"rgb({color})")
    assert {opacity for opacity, _ in lit.values()} == {"0.2"}
    page.mouse.move(5, 5)
    page.wait_for_function(f"({_CURVES})().every(([, opacity]) => opacity === '')")


def test_a_link_to_the_map_keeps_its_controls(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/map")
    for field, parameter, choice in (
        ("Color by", "map_color", "Informativeness (gain)"),
        ("Shown", "map_show", "Difference"),
    ):
        page.get_by_label(field, exact=True).click()
        page.get_by_role("option", name=choice, exact=True).click()
        asks_for(page, **{parameter: choice})
    page.get_by_role("combobox", name="Round of purchase").select_option("4")
    asks_for(page, round="4")
    page.wait_for_function("() => globalThis.radStudioMap?.views?.get('pool-map')?.round === 4")
    page.wait_for_function(_MAP)
    other = opens_the_same(visit, page)
    other.wait_for_function(_MAP)
    said = [each.locator("canvas.canvas").get_attribute("aria-label") for each in (page, other)]
    assert said[0] == said[1]
    assert "colored by Informativeness (gain). Labels bought up to round 4." in said[0]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("", {"b": "evil", "m": "NaN", "a": "<script>", "vs": "../x", "price": "-1", "budget_view": "<script>"}),
        ("tradeoff", {"tradeoff_axis": "evil", "seed": "-1", "tradeoff_strategies": "evil", "tradeoff_all": "2"}),
        ("map", {"map_color": "evil", "map_round": "1e9", "map_point": "-4", "map_sel": "umap-teacher.L9999"}),
        ("curves", {"curves_x": "evil", "curves_target": "9999", "curves_strategies": "evil", "curves_panel": "%00"}),
    ],
)
def test_nonsense_in_the_address_falls_back(demo: str, visit: Visits, path: str, parameters: dict[str, str]) -> None:
    page = visit(f"{demo}/{path}?{urlencode({'run': '../../etc', 'round': '999', **parameters})}")
    page.get_by_text("There is no study “../../etc” here").wait_for()
    title = next(title for title, (known, *_) in PAGES.items() if known == path)
    page.get_by_role("heading", name=PAGES[title][1], exact=True, level=1).wait_for()
    page.get_by_text(PAGES[title][3]).first.wait_for()
    settled(page)
    without_errors(page, path)
    asks_for(page, run="fashion-long-tail")


# --- presenting and taking away ------------------------------------------------------------------------------------


def test_presenting_by_link_hides_the_sidebar_until_one_leaves(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/?present=1")
    sound(page, "Explore")
    sidebar = page.get_by_test_id("stSidebar")
    assert not sidebar.is_visible()
    page.get_by_test_id("stTopNavLink").get_by_text("Trade-off").click()
    sound(page, "Trade-off")
    assert not sidebar.is_visible()
    assert address(page)["present"] == "1"
    page.get_by_role("button", name="Leave presentation").click()
    sidebar.get_by_role("button", name="Present").wait_for()
    settled(page)
    assert "present" not in address(page)
    sound(page, "Trade-off")


def test_the_camera_saves_an_svg_or_a_png(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/curves")
    chart = page.locator(".st-key-chart-curves-main")

    def picture() -> tuple[str, bytes]:
        chart.locator(".js-plotly-plot").hover()
        with page.expect_download() as loading:
            chart.get_by_label("Download plot").click()
        return loading.value.suggested_filename, Path(loading.value.path()).read_bytes()

    name, content = picture()
    assert name == "rad-studio-curves-main.svg"
    assert content.startswith(b"<svg")
    assert "Soft labels bought" in content.decode()
    page.get_by_test_id("stSidebar").get_by_role("button", name="View").click()
    page.get_by_role("radio", name="PNG").click()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="PNG").wait_for(state="hidden")
    settled(page)
    name, content = picture()
    assert name == "rad-studio-curves-main.png"
    assert content.startswith(b"\x89PNG\r\n")


def test_the_numbers_behind_a_chart_download_as_they_are_shown(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/curves")
    chart = page.locator(".st-key-chart-curves-main")
    chart.get_by_text("Numbers behind this chart").click()
    grid = chart.locator("canvas [role=grid]")  # what the canvas tells a screen reader
    grid.locator("[role=gridcell]").first.wait_for(state="attached")
    with page.expect_download() as loading:
        chart.get_by_role("button", name="Download CSV").click()
    assert loading.value.suggested_filename == "rad-studio-curves-main-data.csv"
    header, *rows = csv.reader(Path(loading.value.path()).read_text().splitlines())
    assert grid.locator("[role=columnheader]").all_text_contents() == header
    assert int(grid.get_attribute("aria-rowcount")) == 1 + len(rows)
    shown = [row.locator("[role=gridcell]").all_text_contents() for row in grid.locator("tbody tr").all()]
    assert len(shown) >= 5  # those in sight
    for row, expected in zip(shown, rows, strict=False):
        assert [number(cell) for cell in row] == [number(cell) for cell in expected]


# --- keyboard ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "controls"),
    [
        ("tradeoff", ["Study", "Is it right?", "All seeds", "RAD", "Numbers behind this chart", "Round of purchase"]),
        ("map", ["Color by", "Shown", "Options", "Select by lasso (Alt + drag)", "Download as CSV"]),
        ("", ["Study", "How it works", "Use this purchase", "Teacher accuracy", "Round of purchase", "Download CSV"]),
        pytest.param("method", ["Gain of point 1", "Labels you can pay for", "All alike"], marks=pytest.mark.long),
    ],
)
def test_tab_reaches_the_controls_of_a_page(demo: str, visit: Visits, path: str, controls: list[str]) -> None:
    page = visit(f"{demo}/{path}")
    if path == "map":
        page.wait_for_function(_MAP)
    reached: list[str] = []
    while len(reached) < 150 and reached.count("Skip to main content") < 2:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(_FOCUSED))
    places = [next((i for i, name in enumerate(reached) if name == wanted), None) for wanted in controls]
    assert None not in places, f"{dict(zip(controls, places, strict=True))}; reached: {reached}"
    assert places == sorted(places)  # in the order in which they are seen
    assert set(LISTED) <= set(reached)
    assert ("How it works" in reached) == (path != "method")


# --- others, and restarts ------------------------------------------------------------------------------------------


@pytest.mark.long
def test_two_browsers_on_two_studies_do_not_disturb_each_other(
    studio: Studio, visit: Visits, tmp_path: Path, data: Path
) -> None:
    own = make_big_study(tmp_path / "store", points=4000)
    url = studio(tmp_path / "store", RAD_DATA=str(data))
    theirs, mine = visit(f"{url}/?run={DIGITS}&b=77"), visit(f"{url}/?run={own.id}")
    before = words(theirs)
    assert labels(theirs) == "77"
    assert labels(mine) == "1000"
    budget(mine).press("ArrowLeft")
    mine.get_by_role("link", name="Curves", exact=True).click()  # both at once
    budget(theirs).press("ArrowRight")
    until(theirs, lambda: labels(theirs) != "77")
    mine.get_by_role("heading", name="Curves", exact=True).wait_for()
    for page, id in ((mine, own.id), (theirs, DIGITS)):
        settled(page)
        without_errors(page, id)
        assert address(page)["run"] == id
    field = theirs.get_by_role("spinbutton", name="Labels of this purchase")
    field.fill("77")
    field.press("Enter")
    until(theirs, lambda: words(theirs) == before)
    mine.get_by_role("link", name="Explore", exact=True).click()
    budget(mine).wait_for()
    settled(mine)
    assert labels(mine) not in ("1000", labels(theirs))


def test_a_tab_goes_on_when_the_server_is_back(studio: Studio, visit: Visits, tmp_path: Path, data: Path) -> None:
    url = studio(tmp_path / "store", RAD_DATA=str(data))
    page = visit(f"{url}/?run={DIGITS}&b=77&seed=3")
    budget(page).wait_for()
    before = words(page), labels(page), page.url
    studio.kill(url)
    app = page.get_by_test_id("stApp")
    until(page, lambda: app.get_attribute("data-test-connection-state") != "CONNECTED")
    assert words(page) == before[0]  # what was there stays to be read
    received = visit.received(page)
    studio(tmp_path / "store", urlsplit(url).port, RAD_DATA=str(data))
    until(
        page, lambda: visit.received(page) > received + 3_000, 60
    )  # the page again, without a click; most of it the tab still has
    settled(page)
    assert (words(page), labels(page), page.url) == before
    budget(page).press("ArrowRight")
    until(page, lambda: labels(page) != "77")
    until(page, lambda: address(page)["b"] == labels(page))
    settled(page)
    without_errors(page, "after the restart")
