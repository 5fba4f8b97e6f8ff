"""A study whose every text is hostile harms nobody: no page or report asks another host, or makes anything of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.export.html import html_report
from app.present.tell import tell
from rad_core.store.study import Study
from tests.browser.conftest import Studio, Visits, settled, studios
from tests.browser.test_text_is_text import seen
from tests.helpers.hostile_study import BAIT, HOST, TEXT, make_hostile

pytestmark = pytest.mark.browser

_LINK = "%21%5Bx%5D(http%3A%2F%2Fevil.example%2Fb.png)+http%3A%2F%2Fevil.example+%3Cb%3Ebold%3C%2Fb%3E"  # in an address
PAGES = {
    "explore": "/?run=hostile-finished",
    "trade-off": "/tradeoff?run=hostile-finished",
    "map": "/map?run=hostile-finished&map_color=class&map_point=3",
    "curves, classes": "/curves?run=hostile-finished&curves_panel=Classes",
    "curves, ahead": "/curves?run=hostile-finished&curves_panel=Who+is+ahead&curves_seeds=true",
    "explore, classes": "/?run=hostile-finished&explore_panel=Classes&price=1",
    "explore, cost": "/?run=hostile-finished&explore_panel=Cost&price=1",
    "present": "/present?run=hostile-finished&story_all=true",
    "presented": "/present?run=hostile-finished&story_step=map&present=1",
    "studies": "/studies?run=hostile-finished&compare=hostile-finished,hostile-failed",
    "your data": "/data?run=hostile-finished",
    "method": "/method?run=hostile-finished",
    "a failed study": "/?run=hostile-failed",
    "a hostile strategy": "/?run=hostile-strategy",
    "its curves": "/curves?run=hostile-strategy",
    "its trade-off": "/tradeoff?run=hostile-strategy",
    "a hostile purchase": f"/?run=hostile-finished&b={_LINK}&a={_LINK}&vs={_LINK}&round={_LINK}",
    "a study that is not there": f"/?run={_LINK}",
    "a hostile form": f"/studies?new=1&seeds={_LINK}&name={_LINK}&currency={_LINK}&dataset=folder:{_LINK}",
    "a hostile teacher": f"/studies?new=1&teacher=table:{_LINK}&device={_LINK}",
    "a hostile map": f"/map?run=hostile-finished&map_sel={_LINK}&map_color={_LINK}",
}
# Once more what other pages show as well.
AGAIN = (
    "curves, ahead",
    "explore, classes",
    "explore, cost",
    "presented",
    "method",
    "its curves",
    "its trade-off",
    "a hostile teacher",
)
FOLDED = ("explore", "map", "curves, classes", "explore, classes", "present", "studies", "a hostile form")
# What a page must never make of the bait. Our own bold words and the links to papers are no bait.
_MADE = """words => {
  const all = selector => [...document.querySelectorAll(selector)];
  const address = e => String((e.src ?? e.href ?? e.data)?.baseVal ?? e.src ?? e.href ?? e.data ?? '');
  const ours = url => !url || /^(data:|blob:|#)/.test(url) || url.startsWith('https://arxiv.org/abs/')
    || url.startsWith(location.protocol === 'file:' ? location.pathname : location.origin);
  const marks = 'b, strong, i, em, u, del, s, code, sub, sup, span[class*=Colored], span[class*=Badge], span[role=img]';
  const loads = 'a, area, img, image, video, audio, iframe, embed, object, source, link, script';
  return [
    ...all(loads).filter(e => !ours(address(e))),
    ...all('[onerror], [onload], img[alt=x]'), ...all('.katex').filter(e => e.textContent.includes('x^2')),
    ...all(marks).filter(e => words.includes(e.textContent.trim())),
    ...all('svg tspan').filter(e => ['bold', 'u'].includes(e.textContent.trim())),
  ].map(e => e.outerHTML.slice(0, 200));
}"""
_SMILE = "\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}"
_WORDS = ["bold", "strong", "em", "red", "code", "gone", "x", "l", "a", "u", "i", "home", "smile", _SMILE]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    return make_hostile(tmp_path_factory.mktemp("hostile") / "store")


@pytest.fixture(scope="module")
def url(studies: dict[str, Study], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("servers")
    with studios(folder) as start:
        yield start(studies["hostile-finished"].path.parent, RAD_DATA=str(folder / "data"))


def harmless(page: Any) -> str:
    """What stands on a page of which nothing was made; what it asked for is watched by the one who opened it."""
    assert page.evaluate(_MADE, _WORDS) == []
    text = seen(page.inner_text("body"))
    assert _SMILE not in text
    assert "a \N{RIGHTWARDS ARROW} b" not in text
    return text


def open_everything(page: Any) -> None:
    """Open what is folded up: expanders stay open, popovers and menus close again."""
    for summary in page.locator("[data-testid=stExpander] summary").all():
        summary.click()
    settled(page)
    for button in page.locator("[data-testid=stPopoverButton], [data-testid=stMenuButtonButton]").all():
        if button.is_visible():
            button.click()
            harmless(page)
            page.keyboard.press("Escape")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in AGAIN)) for name in PAGES])
def test_nothing_is_made_of_hostile_text(url: str, visit: Visits, name: str) -> None:
    page = visit(f"{url}{PAGES[name]}")
    page.on("dialog", lambda dialog: visit.wrong.append(f"a dialog: {dialog.message}"))
    text = harmless(page)
    if "run=hostile" in PAGES[name] and name not in ("presented", "your data", "method"):
        assert TEXT in text, "the data set stands beside every page of a study, letter by letter"
    if name in FOLDED:
        open_everything(page)
        harmless(page)


def test_names_and_messages_stand_letter_by_letter(url: str, visit: Visits) -> None:
    assert seen(f"{BAIT[-1]} {BAIT[0]} {BAIT[4]}") in harmless(visit(f"{url}/studies"))
    story = harmless(visit(f"{url}/present?run=hostile-finished&story_all=true"))
    assert f"{BAIT[0]} {BAIT[4]} {BAIT[7]} {BAIT[8]}" in story
    assert f"# {TEXT}" in story


def test_what_hovers_over_a_chart_is_text(url: str, visit: Visits) -> None:
    page = visit(f"{url}/curves?run=hostile-finished&curves_panel=Classes", size=(1280, 1600))
    plot = page.locator(".st-key-chart-curves-classes .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    hovered = set()
    for column in range(10):
        page.mouse.move(box["x"] + box["width"] * (column + 0.5) / 10, box["y"] + box["height"] * 0.5)
        page.wait_for_selector(".st-key-chart-curves-classes .hovertext")
        hovered.add(seen(page.locator(".st-key-chart-curves-classes .hovertext").first.text_content()))
        harmless(page)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 40)
        page.wait_for_selector(".st-key-chart-curves-classes .hovertext", state="detached")
    for bait in (BAIT[0], BAIT[1], BAIT[6], BAIT[7]):
        assert any(bait in text for text in hovered), hovered


def test_questions_about_a_hostile_study_are_text(url: str, visit: Visits) -> None:
    page = visit(f"{url}/studies")
    for choice in ("Rename", "Delete"):
        page.locator(".st-key-row-hostile-failed").get_by_role("button", name="More").click()
        page.get_by_text(choice, exact=True).last.click()
        page.wait_for_selector("[role=dialog]")
        harmless(page)
        page.keyboard.press("Escape")
        page.wait_for_selector("[role=dialog]", state="detached")


def test_a_hostile_report_is_text_and_asks_for_nothing(studies: dict[str, Study], browser: Any, tmp_path: Path) -> None:
    study, asked, wrong = studies["hostile-finished"], list[str](), list[str]()
    file = tmp_path / "report.html"
    file.write_bytes(html_report(tell(study), tell(study, theme="dark")))
    for dark in (False, True):
        with browser.new_context(color_scheme="dark" if dark else "light") as context:
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
            page.on("dialog", lambda dialog: wrong.append(dialog.message))
            page.goto(file.as_uri())
            page.wait_for_function("document.body.dataset.ready === 'true'")
            for summary in page.locator("summary").all():
                summary.click()
            text = harmless(page)
            assert f"{BAIT[0]} {BAIT[4]} {BAIT[7]} {BAIT[8]}" in text
            assert f"# {TEXT}" in text
    assert [url for url in asked if not url.startswith(("data:", "blob:", "file:"))] == []
    assert wrong == []


def test_the_bait_is_taken_where_nothing_is_escaped(
    studio: Studio, visit: Visits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """These tests can fail: a page that shows the same texts as Markdown is found out."""
    from tests.browser import conftest

    script = tmp_path / "naive.py"
    script.write_text(
        "import streamlit as st\nfrom tests.helpers.hostile_study import BAIT\nfor text in BAIT: st.markdown(text)"
    )
    monkeypatch.setattr(conftest, "MAIN", script)
    page = visit(studio(tmp_path / "store"))
    made = " ".join(page.evaluate(_MADE, _WORDS))
    for trace in ("b.png", f"http://{HOST}/a", "www.", "mailto:", "strong", "katex", "code", "red"):
        assert trace in made
    assert any("asked another host" in one for one in visit.wrong)
    visit.wrong.clear()
