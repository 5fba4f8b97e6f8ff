"""The stage in a real browser: nothing is cut at any size, the keys of a clicker move it, the teacher is live on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.present.settings import STEPS
from tests.browser.conftest import Visits, address, settled, studios, until

pytestmark = pytest.mark.browser

SIZES = ((1280, 720), (1920, 1080))
# Parts of the stage that lie beyond it, and texts that are larger than the place they have.
_CUT = """() => {
  const board = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.board')).find(Boolean);
  const edge = board.getBoundingClientRect(), found = [];
  const within = (box, place, slack) => box.left >= place.left - slack && box.right <= place.right + slack
    && box.top >= place.top - slack && box.bottom <= place.bottom + slack;
  const words = (part) => `${part.tagName}.${part.getAttribute('class')} ${part.textContent.slice(0, 40)}`;
  for (const part of board.querySelectorAll('*')) {
    const box = part.getBoundingClientRect();
    if (!box.width || part.closest('[hidden], defs') || /catch/.test(part.getAttribute('class'))) continue;
    if (!within(box, edge, 1)) found.push(`beyond: ${words(part)}`);
  }
  for (const part of board.querySelectorAll('h2, .side, .words, .number, .sight, .sight > *, .says, section')) {
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = part;
    if (scrollWidth > clientWidth + 2 || scrollHeight > clientHeight + 2) found.push(`cut: ${words(part)}`);
  }
  for (const part of board.querySelectorAll('.sight svg text')) {
    const place = part.closest('.sight').getBoundingClientRect();
    if (!within(part.getBoundingClientRect(), place, 2)) found.push(words(part));
  }
  return [edge.width > 0, found];
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("stage")
    with studios(folder) as studio:
        yield studio(folder / "store")


_OTHERS = ("cifar10-converged", "cifar10-poor-teacher", "handwritten-digits")


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        (SIZES[0], False),
        (SIZES[1], True),
        *(pytest.param(*each, marks=pytest.mark.long) for each in ((SIZES[0], True), (SIZES[1], False))),
    ],
)
@pytest.mark.parametrize(
    "run",
    [
        "fashion-long-tail",
        *(pytest.param(name, marks=pytest.mark.long) for name in _OTHERS),
    ],
)
def test_nothing_is_cut_on_any_step(demo: str, visit: Visits, run: str, size: tuple[int, int], dark: bool) -> None:
    page = visit(f"{demo}/present?run={run}&present=1", size=size, dark=dark)
    page.locator(".board > h2").wait_for()
    for _ in STEPS:
        page.wait_for_timeout(80)  # two frames
        there, cut = page.evaluate(_CUT)
        assert there
        assert cut == []
        page.keyboard.press("PageDown")


def test_a_clicker_moves_it_and_a_link_opens_its_step(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/present?present=1&story_step=map")
    title = page.locator(".board > h2")
    title.wait_for()
    settled(page)
    at_map = title.inner_text()
    page.keyboard.press("PageDown")
    at_step(page, "curves")
    page.keyboard.press("PageUp")
    assert title.inner_text() == at_map
    page.keyboard.press("End")
    at_step(page, "cost")
    page.keyboard.press("b")
    assert page.locator(".black").is_visible()
    page.keyboard.press(".")
    assert page.locator(".black").is_hidden()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Download").wait_for()
    until(page, lambda: "present" not in address(page))
    page.get_by_role("button", name="2 Trade-off").click()
    at_step(page, "tradeoff")


def test_the_teacher_is_live_on_the_stage(demo: str, visit: Visits) -> None:
    page = visit(f"{demo}/present?present=1&story_step=tradeoff")
    handle = page.get_by_role("slider", name="Teacher accuracy")
    handle.wait_for()
    says = page.locator(".says")
    before, line = says.inner_text(), page.locator(".waterline-line").get_attribute("y1")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + box["height"] / 2, steps=4)
    page.wait_for_function("([node, text]) => node.innerText !== text", arg=[says.element_handle(), before])
    assert page.locator(".waterline-line").get_attribute("y1") != line
    page.mouse.up()
    moved = says.inner_text()
    handle.press("ArrowRight")
    page.wait_for_function("([node, text]) => node.innerText !== text", arg=[says.element_handle(), moved])
    at_step(page, "tradeoff")  # the arrows of a handle are no clicker's


def at_step(page: Any, step: str) -> None:
    """Wait until the address is that of a step."""
    until(page, lambda: address(page).get("story_step") == step)
