"""The HTML report in a real browser without any network: drawn, walked through by keys, printed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from app.export import pdf
from app.export.html import html_report
from app.present.model import Story
from app.present.settings import StorySettings
from app.present.tell import tell
from rad_core.store.study import Study
from tests.helpers.result_pages import make_studies, study_in

pytestmark = pytest.mark.browser

SETTINGS = StorySettings(
    title="A <b>title</b> </script>", price_per_label=0.5, audience="technical", notes={"curves": "Say this."}
)
_DRAWN = """() => document.body.dataset.ready === 'true'
  && [...document.querySelectorAll('.chart')].every(e => !e.clientWidth || e.querySelector('.main-svg'))"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_in(make_studies(tmp_path_factory.mktemp("report"))["three"])


@pytest.fixture(scope="module")
def story(study: Study) -> Story:
    return tell(study, SETTINGS)


@pytest.fixture(scope="module")
def file(story: Story, study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "report.html"
    path.write_bytes(html_report(story, tell(study, SETTINGS, "dark")))
    return path


class Reader:
    """Opens a file in a browser that is cut off from every network, and remembers what went wrong."""

    def __init__(self, browser: Any) -> None:
        self.browser, self.contexts, self.wrong = browser, list[Any](), list[str]()
        self.asked: list[str] = []

    def __call__(self, file: Path, *, dark: bool = False, size: tuple[int, int] = (1280, 720), anchor: str = "") -> Any:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light", offline=True
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.goto(f"{file.as_uri()}{anchor}")
        page.wait_for_function(_DRAWN)
        return page


@pytest.fixture
def read(browser: Any) -> Iterator[Reader]:
    reader = Reader(browser)
    yield reader
    for context in reader.contexts:
        context.close()
    # Inline pictures are no requests; the file itself is the only thing that may be asked for.
    assert [url for url in reader.asked if not url.startswith(("data:", "blob:"))] == [
        url for url in reader.asked if url.startswith("file:") and url.split("#")[0].endswith("report.html")
    ]
    assert reader.wrong == []


def shown(page: Any) -> str:
    """The title of the step on the stage; empty where there is none."""
    title = page.locator(".board > h2")
    return title.inner_text() if title.count() else ""


def sizes(page: Any) -> list[list[float]]:
    """Width of every drawing, and of the place it has."""
    return page.evaluate(
        "[...document.querySelectorAll('.chart')].filter(e => e.clientWidth).map("
        "e => [e.querySelector('.main-svg').getBoundingClientRect().width, e.getBoundingClientRect().width])"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_the_report_draws_everything_without_a_network(read: Reader, file: Path, story: Story, dark: bool) -> None:
    page = read(file, dark=dark)
    charts = [chart for step in story.steps for chart in step.charts]
    assert page.locator(".chart .main-svg >> visible=true").count() >= len(charts)
    assert page.locator("h1").inner_text() == SETTINGS.title
    assert page.title() == SETTINGS.title
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('.chart .xtitle')).fill")
    assert paper == ("rgb(14, 17, 23)" if dark else "rgb(255, 255, 255)")
    assert ink == ("rgb(242, 244, 248)" if dark else "rgb(27, 31, 39)")
    assert page.locator(".modebar-btn[data-title*='loud'], .modebar-btn[data-title*='Share']").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.get_by_text("Numbers behind this chart").first.click()
    assert page.locator("details[open] td").first.is_visible()


def test_a_figure_answers_the_pointer_and_hides_a_curve(read: Reader, file: Path) -> None:
    page = read(file)
    curves = page.locator(".chart", has=page.locator(".legendtext", has_text="RAD")).last
    curves.scroll_into_view_if_needed()
    before = curves.locator(".scatterlayer .trace").count()
    curves.locator(".legendtoggle").first.click()
    page.wait_for_timeout(600)  # Plotly waits for a second click
    assert curves.locator(".scatterlayer .trace").count() < before


def test_the_stage_goes_by_the_keys_of_a_clicker(read: Reader, file: Path, story: Story) -> None:
    page = read(file)
    page.keyboard.press("ArrowRight")
    assert shown(page) == ""  # the page scrolls as pages do
    page.keyboard.press("s")
    for step in story.steps:
        assert shown(page) == re.sub(r"\s+", " ", step.title)
        page.keyboard.press("PageDown")
    assert shown(page) == story.steps[-1].title
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    assert shown(page) == story.steps[0].title
    black = page.locator(".black")
    page.keyboard.press("b")
    assert black.is_visible()
    page.keyboard.press("b")
    assert not black.is_visible()
    page.keyboard.press("Escape")
    assert shown(page) == ""
    assert page.locator(".chart .main-svg >> visible=true").count() > 0


def test_a_narrow_screen_scrolls_charts_and_not_the_page(read: Reader, file: Path) -> None:
    page = read(file, size=(390, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_paper_gets_light_figures_of_its_own_width(read: Reader, file: Path) -> None:
    page = read(file, dark=True, anchor="#print")
    page.emulate_media(media="print")
    assert page.locator(".bar").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.chart .xtitle')).fill") == "rgb(27, 31, 39)"
    for drawing, place in sizes(page):
        assert drawing == pytest.approx(place, abs=2)


def test_printing_from_the_stage_prints_the_whole_report(read: Reader, file: Path) -> None:
    page = read(file, dark=True)
    page.keyboard.press("s")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert all(drawing == pytest.approx(860, abs=2) for drawing, _ in sizes(page))
    page.emulate_media(media="print")
    assert page.locator(".board").is_hidden()
    assert page.locator(".step:visible").count() > 4


def test_nothing_that_a_study_says_can_run(read: Reader, story: Story, tmp_path: Path) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    steps = tuple(
        attrs.evolve(step, title=evil, sentences=(evil,), note=evil, number=evil, number_words=evil)
        for step in story.steps
    )
    path = tmp_path / "report.html"
    path.write_bytes(html_report(attrs.evolve(story, steps=steps, subtitle=evil)))
    page = read(path)
    assert page.title() == story.title
    assert evil in page.locator(".words").first.inner_text()
    page.keyboard.press("s")
    for _ in steps:
        assert shown(page) == evil
        page.keyboard.press("PageDown")
    assert page.title() == story.title
    assert page.locator("img[src=x]").count() == 0


def test_cells_of_a_pdf_are_numbered_in_their_order_whatever_the_browser_did_before() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = [
        b"/CreationDate (D:20261129000000+00'00') /ID (node%08d) /ID (node%08d) /Headers [(node%08d)]"
        % (first + 90, first, first + 90)
        for first in (12, 99_999)
    ]
    first, second = (pdf._restamped(content, at) for content in made)
    assert first == second
    assert first.endswith(b"/ID (node00000002) /ID (node00000001) /Headers [(node00000002)]")
    assert [len(first)] * 2 == [len(content) for content in made]


@pytest.mark.usefixtures("browser")
def test_the_pdf_has_every_step_and_is_the_same_every_time(
    story: Story, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pdf.missing():
        pytest.skip(pdf.missing())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    first = pdf.print_pdf(file.read_bytes())
    assert first.startswith(b"%PDF")
    assert b"D:20260101000000" in first
    assert first == pdf.print_pdf(file.read_bytes())
    target = tmp_path / "report.pdf"
    target.write_bytes(first)
    try:
        text = subprocess.run(["pdftotext", str(target), "-"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("the words of the PDF are read with pdftotext (poppler-utils)")
    words = re.sub(r"\s+", "", text)
    for step in story.steps:
        assert re.sub(r"\s+", "", step.title) in words
    assert "Accuracyonthetestset" in words
