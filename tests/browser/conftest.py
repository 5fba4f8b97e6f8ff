"""A studio of its own and a real Chromium for every browser test.

`studio(store)` starts a server and gives its address; `visit(url)` opens it in a fresh browser. A test fails when a
page asks any host but 127.0.0.1 for anything, writes an error to the console, or shows an exception box.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rad_core.errors import InputError
from rad_core.store.catalogue import study_ids
from rad_core.store.study import Study
from tests.helpers.background import end_background

MAIN = Path(__file__).parents[2] / "app" / "main.py"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    # Nothing else can be reached. (Routes of Playwright do it too, but slow every request down and turn the cache off.)
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOCAL = "127.0.0.1"
# What a page says while its server is gone.
SERVER_GONE = (
    *("ERR_CONNECTION_REFUSED", "disconnected from server", "reaching server endpoint", "server is not responding"),
    *("ERR_CONNECTION_RESET", "Failed to fetch dynamically imported module"),
)
# Streamlit forgets the images of a run once the next one has its own: whoever clicks on before the browser has fetched
# one is told so. What matters is that no picture on the page is missing at the end.
_MISSING = """[...document.images].map((image) => image.complete && !image.naturalWidth ? image.src : '')
  .filter((source) => source.includes('/media/'))"""
# Below the root Streamlit looks for itself beside the page before it looks at the root.
PROBE = re.compile(r"(/\w+)+/_stcore/(health|host-config)")

# An exception box reports itself as a console error at the moment when it appears, even if it goes again.
_WATCH = """new MutationObserver(() => {
  for (const box of document.querySelectorAll('[data-testid="stException"]:not([data-seen])')) {
    box.dataset.seen = '1';
    console.error('exception box: ' + box.innerText.slice(0, 500));
  }
}).observe(document, {childList: true, subtree: true});"""

_SETTLED = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && document.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
  && !document.querySelector('[data-testid="stSkeleton"]')
  && [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].every(e => e.querySelector('.main-svg'))"""


def settled(page: Any, seconds: float = 60.0) -> None:
    """Wait until the page has content, nothing is running, and every chart is drawn."""
    page.wait_for_function(_SETTLED, timeout=1000 * seconds)


def until(page: Any, condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that the page will show; only while Playwright waits does it hear what the page receives."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        page.wait_for_timeout(50)


def address(page: Any) -> dict[str, str]:
    """The parameters in a page's address. Wait for what an action puts there: it comes a moment later."""
    query = page.evaluate("location.search")  # what page.url has to say about it comes later still
    return {name: values[0] for name, values in parse_qs(query[1:]).items()}


class Studio:
    """Starts studios, each a process group of its own, and ends them with whatever they started."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.stores: list[Path] = []
        self.data: list[Path] = []

    def __call__(self, store: Path, port: int | None = None, **environment: str) -> str:
        """The address of a studio on a store. environment: RAD_DATA, RAD_READ_ONLY, ... for the server."""
        port = port or _free_port()
        url = f"http://{LOCAL}:{port}"
        options = {
            "server.port": port,
            "server.address": LOCAL,
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        with (self.logs / f"studio-{port}.log").open("ab") as log:
            self.servers[url] = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(MAIN), *(f"--{k}={v}" for k, v in options.items())],
                env={**os.environ, "RAD_STORE": str(store), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.stores.append(store)
        self.data += [Path(folder) for name, folder in environment.items() if name == "RAD_DATA"]
        until_healthy(url, self.servers[url], self.logs / f"studio-{port}.log")
        return url

    def kill(self, url: str) -> None:
        """End one server; what it has started in the background goes on."""
        server = self.servers.pop(url)
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)

    def close(self) -> None:
        for url in list(self.servers):
            self.kill(url)
        for store in self.stores:
            _stop_studies(store)
        for folder in {*self.stores, *self.data}:
            end_background(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


def until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers; what it wrote to its log tells why it does not."""
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"The studio did not start:\n{log.read_text()[-2000:]}")


def _stop_studies(store: Path) -> None:
    """Cancel what still runs in the background: it must not outlive the test."""
    for id in study_ids(store):
        study = Study(store / id)
        end = time.monotonic() + 30
        while study.is_locked():
            assert time.monotonic() < end, f"study {id} does not stop"
            try:
                study.request("cancel")
            except InputError:  # a test may have damaged it on purpose
                break
            time.sleep(0.2)


class Visits:
    """Opens pages and keeps a record of what they did wrong and of how much they received and sent."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.contexts: list[Any] = []
        self.wrong: list[str] = []
        self._received: Counter[Any] = Counter()
        self._sent: Counter[Any] = Counter()

    def __call__(self, url: str, *, dark: bool = False, size: tuple[int, int] = (1280, 720)) -> Any:
        """A page in a fresh browser (no cookies, no cache) at an address, settled."""
        page = self.open(url, dark=dark, size=size)
        settled(page)
        return page

    def open(self, url: str, *, dark: bool = False, size: tuple[int, int] = (1280, 720), **options: Any) -> Any:
        """The same, of any page, as soon as it is there."""
        look = {"viewport": {"width": size[0], "height": size[1]}, "color_scheme": "dark" if dark else "light"}
        context = self.browser.new_context(**look, **options)
        self.contexts.append(context)
        context.add_init_script(_WATCH)
        context.on("request", lambda request: self._asked(request.url))
        page = context.new_page()
        page.on("console", lambda said: self._heard(said))
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("websocket", lambda socket: self._count(page, socket))
        page.goto(url)
        return page

    def received(self, page: Any) -> int:
        """Bytes that came over the page's websockets so far."""
        return self._received[page]

    def sent(self, page: Any) -> int:
        """Bytes that went over the page's websockets so far."""
        return self._sent[page]

    def _asked(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname != LOCAL:
            self.wrong.append(f"asked another host: {url}")

    def _heard(self, said: Any) -> None:
        where = said.location.get("url", "")
        gone = any(words in said.text for words in SERVER_GONE)  # a test may end the server on purpose
        probe = "status of 404" in said.text and PROBE.fullmatch(urlsplit(where).path)
        forgotten = "/media/" in where + said.text and ("status of 404" in said.text or "Image source" in said.text)
        if said.type == "error" and not gone and not probe and not forgotten:
            self.wrong.append(f"console error: {said.text} ({where})")

    def _count(self, page: Any, socket: Any) -> None:
        self._asked(socket.url)
        socket.on("framereceived", lambda data: self._received.update({page: len(data)}))
        socket.on("framesent", lambda data: self._sent.update({page: len(data)}))

    def close(self) -> None:
        for context in self.contexts:
            for page in context.pages:
                self.wrong += [f"no picture: {address}" for address in page.evaluate(_MISSING)]
            context.close()
        assert not self.wrong, "\n".join(self.wrong)


@contextmanager
def studios(folder: Path) -> Iterator[Studio]:
    """Starts studios, with their logs in a folder, and ends them at last: for fixtures of any scope."""
    logs = folder / "studio-logs"
    logs.mkdir()
    servers = Studio(logs)
    try:
        yield servers
    finally:
        servers.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """Starts studios: `studio(store) -> url`."""
    with studios(tmp_path) as servers:
        yield servers


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests: RAD_CHROMIUM, the system's own, or Playwright's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install .[test]")
    with playwright.sync_playwright() as driver:
        names = ("chromium", "chromium-browser", "google-chrome")
        found = [os.environ.get("RAD_CHROMIUM"), *map(shutil.which, names), driver.chromium.executable_path]
        path = next((path for path in found if path and Path(path).exists()), None)
        if path is None:
            pytest.skip("no Chromium: set RAD_CHROMIUM to one, or run `playwright install chromium`")
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visits]:
    """Opens pages: `visit(url) -> page`; afterwards nothing may have gone wrong on any of them."""
    visits = Visits(browser)
    yield visits
    visits.close()
