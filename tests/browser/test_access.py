"""What is written can be read, and what is read aloud is meant to be: contrast, accessible names, nothing cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.figures.base import INKS
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from tests.browser.conftest import Visits, settled, studios
from tests.conftest import tiny_config

pytestmark = pytest.mark.browser

PAGES = ("", "tradeoff", "map", "curves", "present", "data", "studies", "studies?new=1", "method")
ODD = "CIFAR-10, *two* teachers"  # a name that would be Markdown

# Every visible text and its contrast to what it stands on, as WCAG defines it: [contrast, pixels, bold, text]. Left out
# are disabled controls, as there, and the numbers above the handles of sliders, which lie outside what they stand in.
CONTRASTS = """() => {
  const linear = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const channels = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    if (text.startsWith('color(srgb')) return [...found.slice(0, 3).map((c) => 255 * c), found[3] ?? 1];
    return text.startsWith('rgb') ? [...found.slice(0, 3), found[3] ?? 1] : [0, 0, 0, 0];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const up = (node) => node.parentElement ?? node.getRootNode().host;
  const paper = (node) => {
    const layers = [];
    for (let at = node; at; at = up(at)) layers.push(channels(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = [];
  const look = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node; (node = walker.nextNode()); ) {
      if (node.shadowRoot) look(node.shadowRoot);
      const text = node.nodeType === Node.TEXT_NODE && node.textContent.trim();
      const at = node.parentElement;
      if (!text || !at || at.closest('style, script, noscript, svg, [data-testid="stSliderThumbValue"]')) continue;
      if (at.closest(':disabled, [aria-disabled="true"], [role="slider"]')) continue;
      const box = at.getBoundingClientRect();
      const style = getComputedStyle(at);
      if (box.width < 2 || box.height < 2 || style.visibility === 'hidden') continue;
      let seen = 1;
      for (let each = at; each; each = up(each)) seen *= getComputedStyle(each).opacity;
      if (seen < 0.05) continue;
      const below = paper(at);
      const color = channels(style.color);
      const drawn = over([...color.slice(0, 3), color[3] * seen], below);
      const [light, dark] = [luminance(drawn), luminance(below)].sort((a, b) => b - a);
      found.push([(light + 0.05) / (dark + 0.05), parseFloat(style.fontSize), style.fontWeight >= 700, text]);
    }
  };
  look(document.body);
  return found;
}"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with a finished study of its own, beside the shipped ones."""
    store = tmp_path_factory.mktemp("store")
    run_study(create_study(store, tiny_config(name=ODD, strategies=("rad", "uniform", "margin"), seeds=2)), workers=1)
    with studios(tmp_path_factory.mktemp("logs")) as studio:
        yield studio(store, RAD_DATA=str(tmp_path_factory.mktemp("data")))


# Where it is light, axe looks at every page.
@pytest.mark.parametrize("theme", [pytest.param(name, marks=[pytest.mark.long] * (name == "light")) for name in INKS])
def test_every_text_stands_out_from_what_it_stands_on(url: str, visit: Visits, theme: str) -> None:
    page = visit(f"{url}/", dark=theme == "dark")
    for path in PAGES:
        go(page, f"{url}/{path}")
        for _ in range(20):  # a part that is being computed anew is faded meanwhile
            texts = page.evaluate(CONTRASTS)
            assert len(texts) > 20, path
            faint = [row for row in texts if row[0] < (3 if row[1] >= 24 or (row[2] and row[1] >= 18.5) else 4.5)]
            if not faint:
                break
            page.wait_for_timeout(500)
        assert not faint, (path, faint)


def test_primary_buttons_can_be_read_while_they_are_pointed_at(url: str, visit: Visits) -> None:
    for dark in (False, True):
        page = visit(f"{url}/studies", dark=dark)
        page.get_by_role("button", name="New study").hover()
        page.wait_for_timeout(400)  # the color fades over
        assert min(row[0] for row in page.evaluate(CONTRASTS) if row[3] == "New study") >= 4.5


@pytest.mark.long
def test_no_name_of_an_icon_and_no_markdown_is_read_aloud(url: str, visit: Visits) -> None:
    page = visit(f"{url}/")
    for path in (*PAGES, "?run=cifar10-poor-teacher", "curves?curves_strategies=rad"):
        go(page, f"{url}/{path}")
        said = page.locator("body").aria_snapshot()
        lines = [line for line in said.splitlines() if re.search(r'img ".* icon"|:material|(?<!\w)\*\*|\\\\', line)]
        assert not lines, (path, lines)
        for name in ("Explore", "Trade-off", "Map", "Curves", "Present", "Your data", "Studies"):
            link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True)
            assert link.count() == 1, (path, name)


def test_studies_are_ticked_by_their_names(url: str, visit: Visits) -> None:
    page = visit(f"{url}/studies")
    for name in (ODD.replace("*", ""), "CIFAR-10, a poor teacher: when not to buy"):
        box = page.get_by_role("checkbox", name=f"Compare {name}", exact=True)
        box.check(force=True)
        settled(page)
        assert box.is_checked()
    page.get_by_role("heading", name="Comparing 2 studies").wait_for()


@pytest.mark.parametrize(
    "width", [390, 1024, *(pytest.param(width, marks=pytest.mark.long) for width in (768, 1280, 1600))]
)
def test_the_time_of_a_plan_is_never_cut(url: str, visit: Visits, width: int) -> None:
    page = visit(f"{url}/studies?new=1", size=(width, 900))
    values = page.locator('[data-testid="stMetricValue"]')
    for text in ("about 25 s", "about 24 min", "about 9 min 50 s", "about 9 h 55 min", "about 1,234.5 days"):
        cut = values.nth(1).evaluate(
            """(node, text) => {
              document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode().textContent = text;
              return [node, ...node.querySelectorAll('*')].some((part) => part.scrollWidth > part.clientWidth + 1);
            }""",
            text,
        )
        assert not cut, text


def go(page: Any, url: str) -> None:
    page.goto(url)
    settled(page)
