"""How fast the studio paints and answers in a real browser: `python -m tests.bench.studio [-o FILE]`.

Measures, in headless Chromium with software rendering, against a server of its own: first paint of every page with the
shipped study and with one of 50,000 points; the gaps between frames and the script in each while a handle of Explore is
held, at 50,000, 200,000 and 1,000,000 points; bytes over the websocket; the browser's memory after minutes of use; a
crowd of browsers, or of one among visitors who compute nothing, and what it costs the server (--crowd: that alone).
Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import math
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from tests.helpers.big_study import make_big_study

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--js-flags=--expose-gc", "--enable-precise-memory-info"),
]
PAGES = {
    "": "Explore",
    "tradeoff": "Trade-off",
    "map": "Map",
    "curves": "Curves",
    "data": "Your data",
    "studies": "Studies",
    "method": "Method",
}
SIZE = {"width": 1280, "height": 720}

# The heading of the page is there and nothing is running or still a placeholder.
_PAINTED = """() => document.querySelector('[data-testid="stMain"] h1')"""
_SETTLED = """() => document.querySelector('[data-testid="stMain"] h1')
  && document.querySelector('[data-testid="stApp"]').getAttribute('data-test-script-state') !== 'running'
  && !document.querySelector('[data-testid="stSkeleton"]')
  && [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].every(e => e.querySelector('.main-svg'))"""


@contextmanager
def server(store: Path, data: Path) -> Iterator[tuple[str, int]]:
    """A studio as `rad app` starts it, on a free port; gives its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rad_core.cli", "app", "--headless", "--port", str(port), "--store", str(store)]
    environment = {**os.environ, "RAD_DATA": str(data)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield url, process.pid
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


# Notes the time of every frame of the display, and how long the instrument's script took in each that it drew.
_COUNT_FRAMES = """() => {
  const view = radStudioExplore.views.get('explore')
  const draw = view.draw.bind(view)
  window.gaps = []; window.spent = []; window.counting = true
  view.draw = () => { draw(); spent.push(view.spent) }
  let before = performance.now()
  const frame = (now) => { gaps.push(now - before); before = now; if (counting) requestAnimationFrame(frame) }
  requestAnimationFrame((now) => { before = now; requestAnimationFrame(frame) })
}"""


@dataclass(frozen=True)
class Held:
    """A handle held: 95th percentile of ms from frame to frame, median and 95th of ms of script in each, bytes."""

    gap: float
    script: float
    slow_script: float
    sent_held: int
    sent_released: int
    payload: int


def held(browser: Browser, url: str, study: str, handle: str, seconds: float = 4.0) -> Held:
    """Move a handle of Explore to and fro without letting go, then let go. handle: how its name begins."""
    page, wire, *_ = open_page(browser, f"{url}/?run={study}")
    slider = page.get_by_role("slider", name=handle)
    slider.wait_for(timeout=120_000)
    page.wait_for_timeout(1500)
    payload = wire.received
    box = slider.bounding_box()
    assert box is not None, "the handle is not drawn"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_COUNT_FRAMES)
    before, start = wire.sent, time.perf_counter()
    while (now := time.perf_counter() - start) < seconds:
        page.mouse.move(x + 45 * math.sin(2 * math.pi * now / 1.7), y)
        page.wait_for_timeout(6)
    gaps, spent = page.evaluate("() => { counting = false; return [gaps, spent] }")
    sent_held = wire.sent - before
    page.mouse.up()
    page.wait_for_timeout(1500)
    sent_released = wire.sent - before - sent_held
    page.context.close()
    worst, slow = (float(np.percentile(values, 95)) for values in (gaps[5:], spent[2:]))
    return Held(worst, statistics.median(spent[2:]), slow, sent_held, sent_released, payload)


def memory_after(browser: Browser, url: str, study: str, minutes: float) -> tuple[float, float]:
    """Megabytes of JavaScript heap after opening and after minutes of walking through the pages and moving sliders."""
    page, *_ = open_page(browser, f"{url}/?run={study}")
    first = _heap(page)
    end = time.perf_counter() + 60 * minutes
    while time.perf_counter() < end:
        for name, title in PAGES.items():
            if name == "method":  # stands in no menu
                continue
            page.locator('[data-testid="stSidebarNav"] a').filter(has_text=title).click()
            page.wait_for_function(_SETTLED, timeout=60_000)
            page.wait_for_timeout(500)
            slider = page.locator('[data-testid="stMain"]').locator("input[type=range], [role=slider]")
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


@dataclass(frozen=True)
class Crowd:
    """Browsers, and visitors who compute nothing, at once: seconds until each browser sees all of the page, and each
    visitor has it; what the server held, in MB, and computed, in s.
    """

    browsers: list[float]
    visitors: list[float]
    before: float
    peak: float
    after: float
    spent: float

    def __str__(self) -> str:
        words = [
            f"{len(seconds)} {what} {statistics.median(seconds):.1f} s (median) and {max(seconds):.1f} s (worst)"
            for seconds, what in (
                (self.browsers, "browsers on the cores of the server saw it whole after"),
                (self.visitors, "visitors who compute nothing had it all after"),
            )
            if seconds
        ]
        return (
            f"At once: {', '.join(words)}. The server computed "
            f"{self.spent / (len(self.browsers) + len(self.visitors)):.2f} s for each and held {self.before:.0f} MB "
            f"before, {self.peak:.0f} MB at the peak, {self.after:.0f} MB a minute after."
        )


# Notes when the page is all there, the instrument's first frame included.
_NOTE_DRAWN = f"""(() => {{
  const settled = {_SETTLED}
  const timer = setInterval(() => {{
    if (!settled() || !globalThis.radStudioExplore?.views.get('explore')?.spent) return
    window.drawnAfter = (Date.now() - performance.timeOrigin) / 1000
    clearInterval(timer)
  }}, 50)
}})()"""


def crowd(browser: Browser, url: str, study: str, process: int, browsers: int, visitors: int) -> Crowd:
    """Those who open Explore at the same moment, and are gone once all of them have it."""
    open_page(browser, f"{url}/?run={study}")[0].context.close()  # loads what everybody needs
    time.sleep(10)
    before, spent = memory(process), computed(process)
    Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak is that of the crowd
    pages = [browser.new_context(viewport=SIZE).new_page() for _ in range(browsers)]
    moment = time.time() + 6  # until then the visitors have read what they import
    command = [sys.executable, "-m", "tests.bench.visitors", url, study, str(visitors), str(moment)]
    others = subprocess.Popen(command, stdout=subprocess.PIPE, text=True) if visitors else None
    for page in pages:
        page.add_init_script(_NOTE_DRAWN)
        there = [f"{url}/?run={study}", 1000 * moment]
        page.evaluate("([url, moment]) => setTimeout(() => location.assign(url), moment - Date.now())", there)
    for page in pages:
        page.wait_for_function("() => window.drawnAfter", timeout=300_000)
    seconds = [float(page.evaluate("() => window.drawnAfter")) for page in pages]
    told: list[float] = json.loads(others.communicate()[0]) if others else []
    spent, peak = computed(process) - spent, memory(process, "VmHWM")
    for page in pages:
        page.context.close()
    time.sleep(60)
    return Crowd(seconds, told, before, peak, memory(process), spent)


def memory(process: int, name: str = "VmRSS") -> float:
    """What a process holds, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1e3


def computed(process: int) -> float:
    """Seconds that a process has computed so far, on all cores."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="Also write the tables to this file.")
    parser.add_argument("--minutes", type=float, default=5.0, help="Minutes of use before memory is read.")
    parser.add_argument("--sizes", type=int, nargs="*", default=[200_000, 1_000_000], help="Of further made-up pools.")
    parser.add_argument(
        "--crowd",
        type=int,
        nargs=2,
        metavar=("N", "V"),
        help="Print what N browsers and V visitors cost, nothing else.",
    )
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    arguments = parser.parse_args()
    lines: list[str] = []

    def say(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder) / "store"
        os.environ["RAD_DATA"] = str(Path(folder) / "data")
        from app.results import shipped

        small = shipped.infos()[0].id
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        if arguments.crowd:
            with server(store, Path(folder) / "data") as (url, process):
                print(crowd(browser, url, small, process, *arguments.crowd))
            browser.close()
            return
        big = make_big_study(store).id
        with server(store, Path(folder) / "data") as (url, process):
            say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, software rendering")
            say()
            say("| page | study | heading, s | all drawn, s | received, kB |")
            say("| --- | --- | ---: | ---: | ---: |")
            for label, study in (("shipped", small), ("50,000 points", big)):
                for name, heading, settled, received in first_paints(browser, url, study):
                    say(f"| {name} | {label} | {heading:.2f} | {settled:.2f} | {received / 1e3:,.0f} |")
            say()
            say("| handle | study | frame to frame, 95th percentile, ms | script a frame, median and 95th, ms |")
            say("| --- | --- | ---: | ---: |")
            studies = {"shipped": small, "50,000 points": big}
            studies |= {f"{size:,} points": make_big_study(store, size).id for size in arguments.sizes}
            for handle in ("Budget", "Teacher accuracy"):
                for label, study in studies.items():
                    seen = held(browser, url, study, handle)
                    say(f"| {handle} | {label} | {seen.gap:.1f} | {seen.script:.1f}, {seen.slow_script:.1f} |")
                    bytes_sent = f"{seen.sent_held} bytes sent while held, {seen.sent_released} on release"
                    print(f"  {bytes_sent}, {seen.payload / 1e6:.2f} MB received for the page")
            say()
            first, last = memory_after(browser, url, big, arguments.minutes)
            say(f"JavaScript heap: {first:.0f} MB at first, {last:.0f} MB after {arguments.minutes:g} minutes of use.")
            for browsers, visitors in ((20, 0), (1, 19)):
                say(str(crowd(browser, url, small, process, browsers, visitors)))
        browser.close()
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
