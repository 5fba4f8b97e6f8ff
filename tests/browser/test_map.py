"""The map in a real browser: what travels, what survives a rerun, which points browser and server select."""

from __future__ import annotations

import inspect
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest

from app.components.map import Selection
from tests.browser.conftest import FLAGS, Visits, settled

pytestmark = pytest.mark.browser

VIEW = "globalThis.radStudioMap?.views?.get('map')"
DRAWN = f"() => {VIEW}?.pool && {VIEW}.loading.hidden && !{VIEW}.frame"
BOX = Selection.box(-5, -5, 0.5, 1)


def map_page() -> None:
    """A page around one map: the pool's size and selection come from the address."""
    import zlib

    import numpy as np
    import streamlit as st

    from app.components.map import MapColoring, MapLayer, Selection, fallback_chart, resolve
    from app.components.map.component import map_event, pool_map

    asked, state = st.query_params, st.session_state
    st.set_page_config(layout="wide")
    n, rng = int(asked.get("n", 50_000)), np.random.default_rng(0)
    classes = rng.integers(0, 3, n)
    centers = np.array([[-5, -3], [4, -4], [0, 5]])
    points = (centers[classes] + rng.normal(size=(n, 2)) * [1.5, 1]).astype(np.float32)
    gain = rng.random(n)
    state.setdefault("selection", Selection.from_text(asked["sel"]) if "sel" in asked else None)
    budget = st.slider("Budget", 100, 5000, 5000, 100)
    by_gain = st.checkbox("Color by gain")
    if st.button("Server clears"):
        state["selection"] = None
    if by_gain:
        coloring = MapColoring.of_values(gain, ("#00204D", "#FFEA46"), "gain", (0, 1))
    else:
        names = ("cat", "<script>alert(1)</script>", "dog")
        palette = ("#4958AB", "#F3A027", "#06A263")
        coloring = MapColoring(classes, names, palette, "class", quiet="quiet" in asked)
    budget = min(budget, n // 10)
    picks = rng.permutation(n)[:budget], np.arange(budget) % 10 + 1
    layers = [MapLayer("uniform", "Uniform", "#757575", "square", *picks)]
    if st.checkbox("Show map", True):
        round_ = st.slider("Up to round", 1, 10, 10)
        names = [["a <b>name</b>", 30_000, 30_000, 0]]
        event = pool_map(
            points,
            coloring,
            layers,
            key="map",
            height=400,
            round=round_,
            selection=state["selection"],
            primary=map_event("map").primary,
            names=names,
        )
        state["selection"] = event.selection
        chosen = resolve(points, event.selection) if event.selection else np.empty(0, np.int32)
        st.text(f"{len(chosen)} chosen, sum {zlib.crc32(chosen.tobytes())}")
        st.text(f"point {event.primary}, webgl {event.webgl}")
        if not event.webgl:
            st.plotly_chart(fallback_chart(points, coloring, layers, selection=event.selection).figure)
    state["runs"] = state.get("runs", 0) + 1
    st.text(f"run {state['runs']} budget {budget}")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for map_page."""
    folder = tmp_path_factory.mktemp("map")
    script = folder / "page.py"
    script.write_text(
        "from __future__ import annotations\n" + textwrap.dedent(inspect.getsource(map_page)) + "map_page()\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--server.address=127.0.0.1", "--server.headless=true", "--server.fileWatcherType=none")
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", *options]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, "--browser.gatherUsageStats=false"], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                break
            except (URLError, ConnectionError):
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


class Map:
    """One visit to map_page: what a user does, and what the browser holds."""

    def __init__(self, visit: Visits, url: str, query: str = "", **options: Any) -> None:
        self.visit = visit
        self.page = visit(f"{url}/?{query}", size=(1280, 900), **options)
        self.page.wait_for_function(DRAWN)
        settled(self.page)

    def get(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {{ const view = {VIEW}; return {expression}; }}")

    def says(self, text: str) -> None:
        """Wait for the server to say something, and for the map to be drawn."""
        self.page.get_by_text(text, exact=False).first.wait_for()
        settled(self.page)
        self.page.wait_for_function(DRAWN)

    def received(self) -> int:
        """Bytes that have come since this was asked last."""
        settled(self.page)
        self.page.wait_for_timeout(300)
        total = self.visit.received(self.page)
        fresh, self._last = total - getattr(self, "_last", 0), total
        return fresh

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place on the page of a point in data coordinates, ."""
        return tuple(
            self.page.evaluate(
                f"""([x, y]) => {{
                    const view = {VIEW}, box = view.stage.getBoundingClientRect(), eye = view.eye;
                    const {{width, height}} = view.size, [qx, qy] = view.toQuanta([x, y]);
                    return [box.left + width / 2 + (qx - eye.x) * eye.k, box.top + height / 2 - (qy - eye.y) * eye.k];
                }}""",
                [x, y],
            )
        )

    def drag(self, places: list[tuple[float, float]], key: str | None = None) -> None:
        """Press at the first place (data coordinates), move through the others, release."""
        where = [self.at(*place) for place in places]
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.move(*where[0])
        self.page.mouse.down()
        for place in where[1:]:
            self.page.mouse.move(*place, steps=3)
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)

    def chosen(self) -> np.ndarray:
        """Positions that the browser highlights."""
        return np.array(self.get("Array.from(view.flags.keys()).filter((i) => view.flags[i])"), np.int32)

    def agrees_with_server(self) -> int:
        """Wait until the server has chosen exactly the points that the browser highlights; their number."""
        chosen = self.chosen()
        self.says(f"{len(chosen)} chosen, sum {zlib.crc32(chosen.tobytes())}")
        assert self.get("view.status.textContent") == f"{len(chosen):,} of {self.get('view.pool.n'):,} selected"
        return len(chosen)

    def ink(self) -> float:
        """Share of the drawing's pixels that are not empty."""
        return self.get(
            """(() => { view.paint(); const {gl} = view, {width, height} = view.canvas;
              const pixels = new Uint8Array(width * height * 4);
              gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
              if (gl.getError()) throw new Error('WebGL error');
              return pixels.filter((value, i) => i % 4 === 3 && value > 0).length / (width * height); })()"""
        )


LOOP = [(-6, -4), (-2, -5), (3, -3), (1, 4), (-1, 0), (-4, 3), (-7, -1)]


def test_only_what_changes_travels(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    assert shown.received() < 400_000  # 50,000 points: 1,500,000 is the limit of a whole page
    assert shown.ink() > 0.02

    shown.page.get_by_text("Color by gain").click()
    shown.page.wait_for_function(
        f"() => {VIEW}.data.coloring.title === 'gain' && {VIEW}.blobs.colors.digest === {VIEW}.data.colors"
    )
    assert shown.received() < 35_000  # half a byte a point
    shown.page.get_by_text("Color by gain").click()
    shown.page.wait_for_function(f"() => {VIEW}.data.coloring.title === 'class'")
    assert shown.received() < 30_000  # Streamlit remembers the last coloring

    slider = shown.page.locator("[data-testid=stSlider] input").first
    slider.focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.says("budget 4900")
    assert shown.received() < 50_000

    shown.page.locator("[data-testid=stSlider] input").nth(1).focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.page.wait_for_function(f"() => {VIEW}.round === 9")
    assert shown.received() < 50_000
    shown.drag(LOOP, "Alt")
    shown.agrees_with_server()
    assert shown.received() < 50_000
    assert visit.sent(shown.page) < 20_000


def test_colors_arrive_as_they_were_sent(visit: Visits, url: str) -> None:
    shown = Map(visit, url, "n=5001")
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 5001)  # the first that map_page draws
    assert shown.get("Array.from(view.codes)") == classes.tolist()
    shown.page.get_by_text("Color by gain").click()
    shown.page.wait_for_function(
        f"() => {VIEW}.data.coloring.title === 'gain' && {VIEW}.codes.some((code) => code > 3)"
    )
    rng.normal(size=(5001, 2))
    assert shown.get("Array.from(view.codes)") == np.rint(14 * rng.random(5001)).astype(int).tolist()


def test_browser_and_server_select_the_same_points(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    shown.drag(LOOP, "Alt")
    lasso = shown.agrees_with_server()
    assert 1000 < lasso < 49_000
    shown.page.get_by_role("button", name="Select a box").click()
    shown.drag([(-7, -6), (0.25, 2)], "Shift")  # added to it
    more = shown.agrees_with_server()
    assert more > lasso
    shown.drag([(-6, -5), (-4, -2)], "Control")  # taken away
    less = shown.agrees_with_server()
    assert 0 < less < more
    assert shown.page.locator(".overlay .selection").count() == 3
    shown.page.get_by_role("button", name="Select by lasso").click()
    shown.drag([(-5, -5), (5, 5), (5, -5), (-5, 5)])  # crosses itself, in place of them
    assert shown.agrees_with_server() not in (0, lasso, more, less)
    assert shown.page.locator(".overlay .selection").count() == 1
    shown.page.locator("canvas.canvas").focus()
    shown.page.keyboard.press("Escape")
    shown.says("0 chosen")
    assert len(shown.chosen()) == 0
    assert shown.get("view.status.textContent") == "50,000 points"


def test_a_selection_comes_from_the_address_and_goes_when_the_server_says_so(visit: Visits, url: str) -> None:
    shown = Map(visit, url, "sel=" + BOX.to_text())
    assert shown.agrees_with_server() > 1000
    shown.page.get_by_role("button", name="Server clears").click()
    shown.says("0 chosen")
    assert len(shown.chosen()) == 0


def test_zoom_selection_and_round_survive_reruns_and_leaving_the_page(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    x, y = shown.at(-5, -3)
    shown.page.mouse.move(x, y)
    shown.page.mouse.wheel(0, -500)
    shown.page.wait_for_function(f"() => {VIEW}.camera")
    under = shown.at(-5, -3)
    assert np.hypot(under[0] - x, under[1] - y) < 1  # zooms around the cursor
    shown.page.get_by_role("button", name="Select a box").click()
    shown.drag([(-5.5, -3.5), (-4.5, -2.5)])
    count = shown.agrees_with_server()
    camera = shown.get("view.camera")
    shown.page.locator("[data-testid=stSlider] input").first.focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.says("budget 4900")
    shown.page.get_by_text("Color by gain").click()
    shown.page.wait_for_function(f"() => {VIEW}.data.coloring.title === 'gain'")
    box = shown.page.get_by_text("Show map")
    box.click()
    shown.page.wait_for_function(f"() => !{VIEW}")
    box.click()
    shown.page.wait_for_function(DRAWN)
    assert shown.agrees_with_server() == count
    assert shown.get("view.camera") == camera
    shown.page.get_by_role("button", name="Show the whole map").click()
    assert shown.get("view.camera") is None


def test_the_round_says_how_many_picks_there_are_so_far(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    assert shown.page.locator(".picks small").inner_text() == "5,000"
    shown.page.locator("[data-testid=stSlider] input").nth(1).focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.page.wait_for_function(f"() => {VIEW}.round === 9")
    assert shown.page.locator(".picks small").inner_text() == "4,500"
    assert "up to round 9" in shown.page.locator("canvas.canvas").get_attribute("aria-label")


def test_a_quiet_pool_is_gray_but_for_the_class_whose_name_is_under_the_cursor(visit: Visits, url: str) -> None:
    shown = Map(visit, url, "quiet=1")
    assert shown.get("new Set(view.colors.map(String)).size") == 1
    assert shown.page.locator(".legend .chip").count() == 0
    name = shown.page.locator(".names span")
    assert name.inner_text() == "a <b>name</b>"
    name.hover()
    assert shown.get("view.colors[0]") == [0x49, 0x58, 0xAB]
    assert shown.get("String(view.colors[1])") == shown.get("String(view.gray)")
    shown.page.mouse.move(5, 5)
    assert shown.get("new Set(view.colors.map(String)).size") == 1


def test_the_keyboard_reaches_everything(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    canvas = shown.page.locator("canvas.canvas")
    for name in ("Move the map", "Select a box", "Select by lasso", "Zoom in", "Zoom out", "Show the whole map"):
        assert shown.page.get_by_role("button", name=name).is_visible()
    box = shown.page.get_by_role("button", name="Select a box")
    box.focus()
    shown.page.keyboard.press("Enter")
    assert box.get_attribute("aria-pressed") == "true"
    canvas.focus()
    shown.page.keyboard.press("+")
    shown.page.keyboard.press("ArrowRight")
    zoomed = shown.get("[view.camera.x - view.home.x, view.camera.k / view.home.k]")
    assert zoomed[0] > 0
    assert zoomed[1] == pytest.approx(1.4)
    shown.page.keyboard.press("0")
    assert shown.get("view.camera") is None
    label = canvas.get_attribute("aria-label")
    assert "Map of 50,000 points colored by class" in label
    assert "Uniform: 5,000" in label


def test_categories_hide_and_stand_alone_and_their_names_are_text(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    everything = shown.ink()
    chip = shown.page.locator(".legend .chip", has_text="<script>alert(1)</script>")
    shown.page.locator(".picks .chip").click()  # the picks lie on all classes
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    assert 0.3 < shown.ink() / everything < 0.9
    chip.click(modifiers=["Shift"])
    assert shown.get("[...view.hiddenCodes]") == [0, 2]
    shown.page.get_by_role("button", name="Select a box").click()
    shown.drag([(-7, -7), (7, 7)])
    shown.says("chosen")
    assert "of them hidden" in shown.get("view.status.textContent")
    chip.click(modifiers=["Shift"])
    assert shown.get("[...view.hiddenCodes]") == []


def test_a_click_picks_a_point_and_a_double_click_only_resets_the_view(visit: Visits, url: str) -> None:
    shown = Map(visit, url, "n=300")
    i = 42
    place = shown.at(*shown.get(f"view.toData([view.pool.xy[{2 * i}], view.pool.xy[{2 * i + 1}]])"))
    shown.page.mouse.move(*place)
    shown.page.locator(".tooltip", has_text=f"Point {i}").wait_for()
    shown.page.mouse.click(*place)
    shown.says(f"point {i}, webgl")
    assert shown.page.locator(".overlay .primary").count() == 1
    runs = shown.page.get_by_text("budget").last.inner_text()
    shown.page.get_by_role("button", name="Zoom in").click()
    shown.page.mouse.dblclick(*shown.at(0, 0))
    assert shown.get("view.camera") is None
    shown.page.wait_for_timeout(600)  # longer than the map waits for a second click
    assert shown.page.get_by_text("budget").last.inner_text() == runs
    assert shown.get("view.primary") == i


def test_two_hundred_thousand_points_and_more_stay_usable(visit: Visits, url: str) -> None:
    shown = Map(visit, url, "n=200000")
    assert shown.received() < 1_300_000
    assert shown.ink() > 0.02
    crowd = Map(visit, url, "n=300000")
    assert crowd.get("view.visible().length") == 0  # a density
    assert crowd.ink() > 0.02
    crowd.drag(LOOP, "Alt")
    crowd.agrees_with_server()
    for _ in range(5):
        crowd.page.get_by_role("button", name="Zoom in").click()
    crowd.page.wait_for_function(DRAWN)
    assert crowd.get("view.visible().length") > 0


def test_a_lost_context_is_drawn_again(visit: Visits, url: str) -> None:
    shown = Map(visit, url)
    before = shown.ink()
    shown.page.evaluate(
        f"() => {{ globalThis.lost = {VIEW}.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); }}"
    )
    shown.page.wait_for_function(f"() => {VIEW}.gl.isContextLost()")
    shown.page.evaluate("() => lost.restoreContext()")
    shown.page.wait_for_function(f"() => !{VIEW}.gl.isContextLost() && !{VIEW}.frame")
    assert shown.ink() == pytest.approx(before, rel=0.02)


def test_without_webgl_the_page_draws_a_still_picture(browser: Any, url: str) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [os.environ.get("RAD_CHROMIUM"), *map(shutil.which, names), browser.browser_type.executable_path]
    path = next(path for path in found if path and Path(path).exists())
    blind = browser.browser_type.launch(executable_path=path, args=[*FLAGS, "--disable-webgl", "--disable-3d-apis"])
    visits = Visits(blind)
    try:
        page = visits(f"{url}/?sel={BOX.to_text()}")
        page.get_by_text("webgl False").wait_for()
        page.get_by_text("This browser offers no WebGL").wait_for()
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        assert page.get_by_text("0 chosen, sum 0", exact=True).count() == 0  # the address still holds
        visits.close()
    finally:
        blind.close()
