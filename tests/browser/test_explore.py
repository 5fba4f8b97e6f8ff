"""Explore in the hand: while a handle is held, all numbers hold, map and images follow, the server hears nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.results import reading, shipped
from rad_core.results.needed import curve
from rad_core.results.verdicts import results
from rad_core.selection.game import solve_game
from rad_core.selection.whatif import guarantees
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.browser.conftest import Studio, Visits, address, settled, studios, until

pytestmark = pytest.mark.browser

PRICE = 0.35
MOST_SENT = 2000  # bytes, on release


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study that opens first."""
    archive = shipped.assets() / "studies" / "fashion-long-tail.rad.zip"
    return unpack_into(archive, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def server(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with studios(tmp_path_factory.mktemp("logs")) as servers:
        yield servers(study.path.parent)


class Screen:
    """What stands on the instrument."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.budget = page.get_by_role("slider", name=re.compile("^Budget"))
        self.teacher = page.get_by_role("slider", name="Teacher accuracy")
        self.budget.wait_for()
        page.locator(".tile:not([hidden])").first.wait_for()

    def grab(self, handle: Any) -> tuple[float, float]:
        """Take a handle and keep it."""
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        return x, y

    def move(self, x: float, y: float) -> None:
        """Move what is held; returns after the browser has painted."""
        self.page.mouse.move(x, y, steps=5)
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    @property
    def b(self) -> int:
        return int(self.budget.get_attribute("aria-valuenow"))

    @property
    def m(self) -> float:
        return float(self.teacher.get_attribute("aria-valuenow")) / 100

    def bars(self) -> list[float]:
        return [float(text.replace(",", "")) for text in self.page.locator(".bars b").all_inner_texts()]

    def images(self) -> list[str]:
        return [tile.get_attribute("title") for tile in self.page.locator(".tile:not([hidden])").all()]

    def picture(self) -> str:
        """A digest of the picks on the map."""
        return hashlib.sha256(self.page.evaluate(_PICKS).encode()).hexdigest()


_PICKS = """() => {
  const find = (root) => root.querySelector('.stage canvas + canvas')
    ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
  return find(document).toDataURL();
}"""


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.\-]", "", text.replace("\u2212", "-")))


def check_numbers(screen: Screen, study: Study) -> None:
    """Every number on the screen against the engine."""
    pool = reading.pool_before(study, "rad", 0, 1)
    gains = np.asarray(pool.gains, np.float64)
    assumed = abs(screen.m - pool.teacher.used) > 0.0006
    wrong = pool.wrong(screen.m if assumed else None)
    game = solve_game(gains, screen.b, wrong=wrong)
    assert number(screen.text(".figure.labels strong")) == screen.b
    assert screen.text(".waterline .legend").startswith(f"{wrong:,} mistake")
    assert f"one more label is worth {game.waterline:.2f}" in screen.page.locator(".waterline svg").text_content()
    for shown, rule in zip(screen.bars(), ("rad", "uniform", "greedy"), strict=True):
        assert shown == pytest.approx(float(guarantees(gains, screen.b, wrong, rule)), rel=0.006, abs=0.0051)
    if not assumed:
        assert pool.right is not None
        mistakes = float(np.asarray(game.q, np.float64) @ ~pool.right)
        assert number(screen.text(".figure.wrongs strong")) == pytest.approx(mistakes, abs=0.51)
    assert number(screen.text(".figure.cost strong")) == pytest.approx(screen.b * PRICE, abs=0.51)
    own = curve(results(study), "rad")
    assert own is not None
    chart = screen.page.locator(".accuracy svg").text_content()
    if screen.b <= own.labels[-1]:
        accuracy, free = np.interp(screen.b, own.labels, own.mean), results(study).free.mean
        assert f"{100 * accuracy:.1f}% (+{100 * (accuracy - free):.1f} points)" in chart
        assert ("measured" if screen.b in own.labels else "between two measured rounds") in chart
    else:
        assert f"not measured beyond {own.labels[-1]:,.0f} labels" in chart


def test_everything_follows_a_handle_that_is_held(server: str, study: Study, visit: Visits) -> None:
    page = visit(f"{server}/?price={PRICE}")
    screen = Screen(page)
    check_numbers(screen, study)
    x, y = screen.grab(screen.budget)
    page.wait_for_timeout(500)
    before, seen = visit.sent(page), []
    for shift in (60, 140, -50):
        screen.move(x + shift, y)
        check_numbers(screen, study)
        seen.append((screen.b, screen.picture(), tuple(screen.images())))
    for place in range(3):
        assert len({each[place] for each in seen}) == 3, "labels, map and images are others at every place"
    assert visit.sent(page) == before, "the server hears nothing while the handle is held"
    screen.move(x + 90, y)
    page.mouse.up()
    settled(page)
    check_numbers(screen, study)
    until(page, lambda: address(page).get("b") == str(screen.b))
    assert 0 < visit.sent(page) - before <= MOST_SENT

    x, y = screen.grab(screen.teacher)
    for shift in (-60, 30):
        screen.move(x + shift, y)
        check_numbers(screen, study)
    page.mouse.up()
    settled(page)
    until(page, lambda: float(address(page).get("m", "nan")) == pytest.approx(100 * screen.m, abs=0.051))
    page.reload()
    settled(page)
    reopened = Screen(page)
    assert (reopened.b, reopened.m) == (screen.b, screen.m)
    page.get_by_role("button", name="back to the estimate").click()
    settled(page)
    check_numbers(reopened, study)


def test_handles_move_by_keyboard_and_numbers_can_be_typed(server: str, study: Study, visit: Visits) -> None:
    page = visit(f"{server}/?price={PRICE}")
    screen = Screen(page)
    screen.budget.focus()
    for key, more in (("ArrowRight", True), ("PageUp", True), ("ArrowLeft", False), ("PageDown", False)):
        before = screen.b
        page.keyboard.press(key)
        until(page, lambda before=before: screen.b != before)
        assert (screen.b > before) == more, key
        check_numbers(screen, study)
    screen.teacher.focus()
    before = screen.m
    page.keyboard.press("ArrowLeft")
    until(page, lambda: screen.m < before)
    check_numbers(screen, study)
    field = page.get_by_role("spinbutton", name="Labels of this purchase")
    field.fill("777")
    field.press("Enter")
    settled(page)
    assert screen.b == 777
    check_numbers(screen, study)
    field.fill("1e9")
    field.press("Enter")
    settled(page)
    assert screen.b == 9000, "no more than there is"
    page.get_by_role("combobox", name="Compared with").select_option("badge")
    settled(page)
    assert "BADGE, as bought" in page.locator(".places header").inner_text()
    until(page, lambda: address(page).get("vs") == "badge")


def test_a_lasso_on_the_map_chooses_the_images_and_points_are_linked(server: str, visit: Visits) -> None:
    page = visit(f"{server}/?b=400")
    screen = Screen(page)
    every = screen.images()
    box = page.locator(".stage").bounding_box()
    middle = (box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.75)
    page.mouse.move(middle[0] - 50, middle[1] - 50)
    page.mouse.down()
    for dx, dy in ((50, -50), (50, 50), (-50, 50), (-50, -48)):
        page.mouse.move(middle[0] + dx, middle[1] + dy, steps=4)
    page.mouse.up()
    page.wait_for_timeout(200)
    inside = screen.images()
    assert inside
    assert inside != every
    page.locator(".tile:not([hidden])").first.hover()
    page.wait_for_timeout(200)
    assert page.locator(".tile.lit").count() == 1
    assert page.locator(".place").first.get_attribute("visibility") == "visible"
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    page.wait_for_timeout(200)
    assert screen.images() == every


def test_one_entry_of_the_history_for_a_visit_of_a_page(server: str, visit: Visits) -> None:
    page = visit(server)
    screen = Screen(page)
    start = page.evaluate("history.length")
    screen.budget.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        settled(page)
    page.wait_for_function("() => [...radStudioExplore.views.values()].every((v) => v.data.sequence === v.sequence)")
    settled(page)
    assert page.evaluate("history.length") == start
    chosen = screen.b
    page.get_by_role("link", name="Curves").click()
    field = page.get_by_role("spinbutton", name="Labels of this purchase")
    page.get_by_role("heading", name="Curves").wait_for()
    settled(page)
    assert field.input_value() == str(chosen)
    assert page.evaluate("history.length") == start + 1
    field.fill("321")
    field.press("Enter")
    page.wait_for_function("() => location.search.includes('b=321')")
    settled(page)
    page.go_back()
    page.wait_for_function("() => location.pathname === '/'")
    settled(page)
    assert Screen(page).b == 321, "what was set on one page holds on the others"


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_the_instrument_fits_the_screen(server: str, visit: Visits, size: tuple[int, int]) -> None:
    page = visit(server, size=size)
    Screen(page)
    for part in ("waterline", "accuracy", "places", "purchase", "images"):
        box = page.locator(f"section.{part}").bounding_box()
        assert box["y"] >= 0, part
        assert box["y"] + box["height"] <= size[1], part
        assert box["x"] + box["width"] <= size[0], part
    bar = page.locator(".bar").bounding_box()
    assert bar["y"] + bar["height"] <= size[1]
    tall = page.locator("section.purchase").evaluate("(e) => e.scrollHeight - e.clientHeight")
    assert tall <= 1, "nothing of the purchase is cut"


def test_use_this_draws_exactly(server: str, visit: Visits) -> None:
    page = visit(f"{server}/?b=37")
    Screen(page)
    page.get_by_role("button", name="Use this purchase").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("37 labels", exact=True).wait_for()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "pool_index,gain,q,teacher_says,teacher_right"
    assert len({line.split(",")[0] for line in lines[1:]}) == 37


def test_states_without_a_pool_say_what_to_do(studio: Studio, visit: Visits, tmp_path: Path) -> None:
    page = visit(f"{studio(tmp_path / 'none')}/?run=nothing-of-that-name")
    assert "There is no study" in page.locator('[data-testid="stSidebar"]').inner_text()
    Screen(page)
