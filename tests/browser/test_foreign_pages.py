"""Another page in the same browser cannot read or steer the studio, whatever name it goes by."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import settled
from tests.commands.test_app_command import studio

pytestmark = pytest.mark.browser

# Tries what an attacker's page would: a session of its own.
ATTACK = """port => new Promise(done => {
  const line = new WebSocket(`ws://127.0.0.1:${port}/_stcore/stream`, ['streamlit']);
  line.onopen = () => done('open');
  line.onclose = () => done('refused');
})"""


class Page(http.server.BaseHTTPRequestHandler):
    """A page of somebody else's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Mine</h1>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def foreign() -> Iterator[int]:
    """The port of another web server on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def rebound(browser: Any) -> Iterator[Any]:
    """A browser for which evil.example leads to this machine, as if its owner had said so in the DNS."""
    path = browser.browser_type.executable_path
    args = [
        "--headless",
        "--no-sandbox",
        "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    chromium = browser.browser_type.launch(executable_path=chromium_path() or path, args=args)
    yield chromium
    chromium.close()


def chromium_path() -> str | None:
    import os
    import shutil

    found = [os.environ.get("RAD_CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    return next((path for path in found if path), None)


def test_pages_of_others_get_no_session(rebound: Any, foreign: int, tmp_path: Path) -> None:
    with studio(tmp_path) as server:
        for name in ("127.0.0.1", "localhost", "evil.example"):
            page = rebound.new_page()
            page.goto(f"http://{name}:{foreign}/")
            assert page.inner_text("h1") == "Mine"
            assert page.evaluate(ATTACK, server.port) == "refused"
        page = rebound.new_page()
        page.goto(f"http://evil.example:{server.port}/")
        assert "does not answer to the name evil.example" in page.inner_text("body")
        assert page.evaluate(ATTACK, server.port) == "refused"
        for name in ("127.0.0.1", "localhost"):
            page = rebound.new_page()
            page.goto(f"http://{name}:{server.port}/method")
            settled(page)
            assert "What do these words mean" in page.inner_text("body") or "Method" in page.inner_text("h1")
            assert page.evaluate(ATTACK, server.port) == ("open" if name == "127.0.0.1" else "refused")
        assert server.asked == []
