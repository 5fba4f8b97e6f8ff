"""No serious or critical violation of ours on any page, light and dark, by axe-core; and the whole way by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Visits, settled, studios
from tests.campaign.examples import make_full

pytestmark = pytest.mark.browser

PAGES = {
    "Explore": "",
    "Trade-off": "tradeoff",
    "Map": "map",
    "Curves": "curves",
    "Present": "present",
    "Your data": "data",
    "Studies": "studies",
    "New study": "studies?new=1",
    "Method": "",  # its dialog, over Explore
}
# What Streamlit brings, by rule: a part of its own markup, and why it is not ours to mend.
STREAMLITS = {
    "list": ("ul[data-testid=stSidebarNavItems]", "its navigation puts a div around the pages of each section"),
    "listitem": ("ul[data-testid=stSidebarNavItems] > div > li", "so its items are no children of the list"),
}
_SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with the shipped studies."""
    folder = tmp_path_factory.mktemp("axe")
    with studios(folder) as studio:
        yield studio(folder / "store", RAD_DATA=str(folder / "data"))


@pytest.fixture(scope="module")
def campaign_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with a campaign that has features, soft answers, measured accuracies and open questions."""
    folder = tmp_path_factory.mktemp("axe-campaign")
    make_full(folder / "store")
    with studios(folder) as studio:
        yield studio(folder / "store", RAD_DATA=str(folder / "data"))


def violations(page: Any) -> tuple[list[str], set[str]]:
    """Elements that violate a rule of weight: of ours the rule, where, and what is wrong; of Streamlit's the rules."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install .[test]")
    ours, theirs = [], set()
    for broken in axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]:
        for node in broken["nodes"]:
            if broken["id"] in STREAMLITS and _matches(page, node["target"], STREAMLITS[broken["id"]][0]):
                theirs.add(broken["id"])
            elif broken["impact"] in _SERIOUS:
                ours.append(f"{broken['id']} at {node['target']}: {node['html'][:300]} {node['failureSummary'][:200]}")
    return ours, theirs


def _matches(page: Any, target: list[Any], part: str) -> bool:
    """Whether an element that axe names is such a part; what lies in a frame or shadow root never is."""
    look = "([at, part]) => document.querySelector(at).matches(part)"
    return len(target) == 1 and isinstance(target[0], str) and page.evaluate(look, [target[0], part])


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("title", PAGES)
def test_a_page_has_no_serious_violation_of_ours(url: str, visit: Visits, title: str, dark: bool) -> None:
    page = visit(f"{url}/{PAGES[title]}", dark=dark)
    if title in ("Explore", "Method"):
        page.get_by_role("slider", name=re.compile("^Budget")).wait_for()
    if title == "Method":
        page.get_by_role("button", name="How it works").click()
        page.get_by_role("dialog").get_by_role("slider").first.wait_for()
    settled(page)
    page.wait_for_timeout(1000)  # what fades in is faint until then
    found, _ = violations(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.long)])
# Of three the parts are those of a study's pages.
@pytest.mark.parametrize(
    "name",
    ["", "present", "studies", *(pytest.param(name, marks=pytest.mark.long) for name in ("tradeoff", "map", "curves"))],
)
def test_a_page_of_a_campaign_has_no_serious_violation_of_ours(
    campaign_url: str, visit: Visits, name: str, dark: bool
) -> None:
    page = visit(f"{campaign_url}/{name}?run=reviews", dark=dark)
    if not name:
        page.get_by_role("slider", name=re.compile("^Budget")).wait_for()
    settled(page)
    page.wait_for_timeout(1000)
    found, _ = violations(page)
    assert not found, "\n".join(found)


def test_what_is_left_to_streamlit_is_there_and_what_is_not_is_found(url: str, visit: Visits) -> None:
    page = visit(f"{url}/studies")
    assert violations(page) == ([], set(STREAMLITS))
    page.evaluate("document.querySelector('[data-testid=stMain]').append(document.createElement('button'))")
    (found,) = violations(page)[0]
    assert found.startswith("button-name at")


# --- by keyboard alone -----------------------------------------------------------------------------------------------

# The element with the focus, through shadow roots; its name, and whether one sees that it has the focus: whether
# anything about it, what it stands in or what is in it looks otherwise without.
_STOP = """async () => {
  let node = document.activeElement;
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  if (node === document.body) return ['', '', true];
  const near = [node, ...[...node.querySelectorAll('*')].slice(0, 30)];
  for (let at = node, i = 0; at && i < 9; i++) near.push(at = at.parentElement ?? at.getRootNode().host);
  const shown = ['outlineStyle', 'outlineColor', 'outlineWidth', 'boxShadow', 'borderColor', 'borderWidth', 'color',
    'backgroundColor', 'opacity', 'stroke', 'strokeWidth', 'fill', 'visibility', 'textDecorationLine'];
  const looks = () => JSON.stringify(near.filter(Boolean).map((each) => ['', '::before', '::after'].map((part) => {
    const style = getComputedStyle(each, part || null);
    return shown.map((name) => style[name]);
  })));
  const drawn = () => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 50));
  const grid = node.closest('[data-testid="stDataFrame"]');
  const box = (grid ?? node).getBoundingClientRect();
  let seen = box.bottom > 0 && box.top < innerHeight;
  if (!grid) {
    await drawn();
    const focused = looks();
    node.blur();
    await drawn();
    seen &&= looks() !== focused;
    node.focus();
  }
  const name = node.ariaLabel || node.innerText?.split('\\n').find((line) => !/^[a-z_]*$/.test(line.trim())) || '';
  return [name.trim(), node.getAttribute('role') ?? node.localName, seen];
}"""


class Keyboard:
    """Goes through a page with Tab, and sees to it that the focus can be seen wherever it stops."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.unseen: list[str] = []

    def go_to(self, name: str, role: str = "") -> None:
        """Press Tab until something of this name has the focus."""
        stops = []
        for _ in range(150):
            self.page.keyboard.press("Tab")
            found, kind, seen = self.page.evaluate(_STOP)
            stops.append(found)
            if not seen:
                self.unseen.append(f"{found} ({kind})")
            if re.match(name, found) and role in ("", kind):
                return
        raise AssertionError(f"{name} is not reached; reached: {stops}")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def follow(self, link: str, heading: str | re.Pattern[str]) -> None:
        """Go to another page."""
        self.go_to(f"^{link}$", "a")
        self.press("Enter")
        self.page.get_by_role("heading", name=heading, level=1).wait_for()
        settled(self.page)


def test_the_whole_way_can_be_gone_by_keyboard_with_the_focus_in_sight(url: str, visit: Visits) -> None:
    page = visit(f"{url}/")
    budget = page.get_by_role("slider", name=re.compile("^Budget"))
    labels = page.get_by_role("spinbutton", name="Labels of this purchase")
    budget.wait_for()
    assert page.get_by_role("heading", level=1).inner_text().startswith(("Yes.", "No", "Not shown"))
    keys = Keyboard(page)
    keys.go_to("^Budget", "slider")
    before = budget.get_attribute("aria-valuenow")
    for _ in range(3):
        keys.press("ArrowRight")
    assert float(budget.get_attribute("aria-valuenow")) > float(before)
    keys.go_to("^Labels of this purchase")
    page.keyboard.press("Control+a")
    page.keyboard.type("137")
    keys.press("Enter")
    page.wait_for_function("() => new URLSearchParams(location.search).get('b') === '137'")
    settled(page)
    keys.go_to("^Use this purchase$")
    keys.press("Enter")
    page.get_by_role("dialog").wait_for()
    settled(page)
    keys.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    settled(page)
    keys.follow("Map", "Map")
    keys.follow("Present", re.compile("."))
    keys.follow("Explore", re.compile("^(Yes|No)"))
    budget.wait_for()
    assert labels.input_value() == "137"
    assert not keys.unseen, "; ".join(keys.unseen)
