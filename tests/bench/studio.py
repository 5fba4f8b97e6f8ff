"""How fast the studio paints and answers in a real browser: `python -m tests.bench.studio [-o FILE]`.

Measures, in headless Chromium with software rendering, against a server of its own: first paint of every page with the
shipped study and with one of 50,000 points; from the end of a move of the budget slider to the repainted chart; bytes
over the websocket; the browser's memory after minutes of use; ten browsers at once. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.helpers.big_study import make_big_study

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--js-flags=--expose-gc", "--enable-precise-memory-info"),
]
PAGES = {
    "": "Overview",
    "tradeoff": "Trade-off",
    "map": "Map",
    "curves": "Curves",
    "budget": "Budget lab",
    "scores": "Your scores",
    "runs": "Runs",
    "method": "Method",
}
MAIN = Path(__file__).parents[2] / "app" / "main.py"
SIZE = {"width": 1280, "height": 720}

# The heading of the page is there and nothing is running or still a placeholder.
_PAINTED = """() => document.querySelector('[data-testid="stMain"] h1')"""
_SETTLED = """() => document.querySelector('[data-testid="stMain"] h1')
  && document.querySelector('[data-testid="stApp"]').getAttribute('data-test-script-state') !== 'running'
  && !document.querySelector('[data-testid="stSkeleton"]')
  && [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].every(e => e.querySelector('.main-svg'))"""


@contextmanager
def server(store: Path, data: Path) -> Iterator[str]:
    """A studio of its own on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(MAIN), "--server.port", str(port)]
    environment = {**os.environ, "RAD_STORE": str(store), "RAD_DATA": str(data)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


class Wire:
    """Bytes over a page's websocket."""

    def __init__(self, page: Page) -> None:
        self.received = self.sent = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", lambda payload: self._add("received", payload))
        socket.on("framesent", lambda payload: self._add("sent", payload))

    def _add(self, name: str, payload: bytes | str) -> None:
        setattr(self, name, getattr(self, name) + len(payload))


def open_page(browser: Browser, url: str) -> tuple[Page, Wire, float, float]:
    """Open a page with an empty browser cache: seconds to its heading and until everything is drawn."""
    page = browser.new_context(viewport=SIZE).new_page()
    wire = Wire(page)
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_function(_PAINTED, timeout=120_000)
    heading = time.perf_counter() - start
    page.wait_for_function(_SETTLED, timeout=120_000)
    return page, wire, heading, time.perf_counter() - start


def first_paints(browser: Browser, url: str, study: str) -> Iterator[tuple[str, float, float, int]]:
    """For each page: its name, the median of three of seconds to the heading and until settled, bytes received."""
    for name in PAGES:
        times = []
        for _ in range(3):
            page, wire, heading, settled = open_page(browser, f"{url}/{name}?run={study}")
            times.append((heading, settled))
            received = wire.received
            page.context.close()
        yield PAGES[name], statistics.median(t[0] for t in times), statistics.median(t[1] for t in times), received


def slider_moves(browser: Browser, url: str, study: str, moves: int = 12) -> tuple[list[float], float]:
    """Seconds from each key press on the budget slider to the repainted chart, and bytes received per move."""
    page, wire, *_ = open_page(browser, f"{url}/budget?run={study}")
    main = page.locator('[data-testid="stMain"] [data-testid="stSlider"]').first
    slider = main.locator("input[type=range], [role=slider]").first
    slider.focus()
    seconds, before = [], wire.received
    for move in range(moves):
        page.evaluate(_WATCH)
        slider.press("ArrowRight" if move % 4 < 2 else "ArrowLeft")
        page.wait_for_function("() => window.painted > 0", timeout=30_000)
        seconds.append(page.evaluate("() => (window.painted - window.pressed) / 1000"))
        page.wait_for_timeout(700)
    received = (wire.received - before) / moves
    page.context.close()
    return seconds, received


# Notes when a key was pressed and when, after it, a chart of the page was drawn anew and the browser painted it.
_WATCH = """() => {
  window.pressed = window.painted = 0
  addEventListener('keydown', () => { window.pressed = performance.now() }, {once: true, capture: true})
  const main = document.querySelector('[data-testid="stMain"]')
  const watch = new MutationObserver(changes => {
    const drawn = changes.some(c => [...c.addedNodes].some(n => n.nodeType === 1
      && (n.closest('.js-plotly-plot') || n.querySelector?.('.main-svg'))))
    if (window.pressed && drawn) {
      watch.disconnect()
      requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = performance.now() }))
    }
  })
  watch.observe(main, {childList: true, subtree: true})
}"""


def memory_after(browser: Browser, url: str, study: str, minutes: float) -> tuple[float, float]:
    """Megabytes of JavaScript heap after opening and after minutes of walking through the pages and moving sliders."""
    page, *_ = open_page(browser, f"{url}/?run={study}")
    first = _heap(page)
    end = time.perf_counter() + 60 * minutes
    while time.perf_counter() < end:
        for title in PAGES.values():
            page.locator('[data-testid="stSidebarNav"] a').filter(has_text=title).click()
            page.wait_for_function(_SETTLED, timeout=60_000)
            page.wait_for_timeout(500)
            slider = page.locator('[data-testid="stMain"] [data-testid="stSlider"]').locator(
                "input[type=range], [role=slider]"
            )
            if slider.count():
                slider.first.focus()
                for _ in range(3):
                    slider.first.press("ArrowRight")
                    page.wait_for_timeout(400)
    last = _heap(page)
    page.context.close()
    return first, last


def _heap(page: Page) -> float:
    return float(page.evaluate("() => { window.gc && gc(); return performance.memory.usedJSHeapSize / 1e6 }"))


def ten_at_once(browser: Browser, url: str, study: str, count: int = 10) -> list[float]:
    """Seconds until each of several visitors who open the same page at the same moment sees all of it."""
    pages = [browser.new_context(viewport=SIZE).new_page() for _ in range(count)]
    start = time.perf_counter()
    for page in pages:
        page.goto(f"{url}/?run={study}", wait_until="commit")
    seconds = []
    for page in pages:
        page.wait_for_function(_SETTLED, timeout=180_000)
        seconds.append(time.perf_counter() - start)
    for page in pages:
        page.context.close()
    return seconds


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="Also write the tables to this file.")
    parser.add_argument("--minutes", type=float, default=5.0, help="Minutes of use before memory is read.")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    arguments = parser.parse_args()
    lines: list[str] = []

    def say(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder) / "store"
        big = make_big_study(store).id
        os.environ["RAD_DATA"] = str(Path(folder) / "data")
        from app.results import shipped

        small = shipped.infos()[0].id
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        with server(store, Path(folder) / "data") as url:
            say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, software rendering")
            say()
            say("| page | study | heading, s | all drawn, s | received, kB |")
            say("| --- | --- | ---: | ---: | ---: |")
            for label, study in (("shipped", small), ("50,000 points", big)):
                for name, heading, settled, received in first_paints(browser, url, study):
                    say(f"| {name} | {label} | {heading:.2f} | {settled:.2f} | {received / 1e3:,.0f} |")
            say()
            for label, study in (("shipped", small), ("50,000 points", big)):
                seconds, received = slider_moves(browser, url, study)
                middle, worst = 1000 * statistics.median(seconds), 1000 * max(seconds)
                say(
                    f"Budget slider, {label}: {middle:.0f} ms (median of {len(seconds)}, worst {worst:.0f} ms) from "
                    f"key to repainted chart, {received / 1e3:.1f} kB a move."
                )
            first, last = memory_after(browser, url, big, arguments.minutes)
            say(f"JavaScript heap: {first:.0f} MB at first, {last:.0f} MB after {arguments.minutes:g} minutes of use.")
            waited = ten_at_once(browser, url, big)
            say(f"Ten browsers at once: the first drawn after {min(waited):.1f} s, the last after {max(waited):.1f} s.")
        browser.close()
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
