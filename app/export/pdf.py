"""A report as PDF, printed by a browser that is installed here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

from app.export import stamp
from rad_core.errors import InputError

_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
    "microsoft-edge-stable",
)
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-background-networking"),
    *("--disable-component-update", "--disable-extensions", "--disable-quic", "--no-pdf-header-footer"),
    "--virtual-time-budget=20000",
)
_SECONDS = 180
_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:(\d{14})([^)]*)\)")
_NODES = re.compile(rb"\(node(\d{8})\)")


def find_browser() -> Path | None:
    """Chromium, Chrome or Edge: the one that CHROME names, or else one on PATH or in its usual place."""
    named = os.environ.get("CHROME", "").strip()
    candidates = [named] if named else [*_NAMES, *_PLACES]
    paths = (shutil.which(name) for name in candidates)
    return next((Path(path) for path in paths if path), None)


def missing() -> str:
    """Why there can be no PDF here, in a sentence; empty where there can."""
    if find_browser() is not None:
        return ""
    if named := os.environ.get("CHROME", "").strip():
        return f"The environment variable CHROME is {named!r}, and there is no such program; name a Chromium or Chrome."
    return (
        "No Chromium, Chrome or Edge is installed here to print a PDF with; export the HTML report, which prints well "
        "from any browser, or name a browser in the environment variable CHROME."
    )


def require_browser() -> Path:
    """The browser, or InputError where none is installed."""
    browser = find_browser()
    if browser is None:
        raise InputError(missing())
    return browser


def print_pdf(report: bytes) -> bytes:
    """Print an HTML report, on A4 paper. Raises InputError where no browser is installed or it fails."""
    browser = require_browser()
    at = stamp.moment()
    with tempfile.TemporaryDirectory(prefix="rad-pdf-") as name:
        folder = Path(name)
        page, target = folder / "report.html", folder / "report.pdf"
        page.write_bytes(report)
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium refuses otherwise
        command = [
            str(browser),
            *_FLAGS,
            *as_root,
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={target}",
            f"{page.as_uri()}#print",
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(_failed(browser, error)) from error
        if not target.exists() or done.returncode != 0:
            errors = done.stderr.decode(errors="replace").strip().splitlines()
            raise InputError(_failed(browser, errors[-1] if errors else f"it ended with code {done.returncode}"))
        return _restamped(target.read_bytes(), at)


def _failed(browser: Path, why: object) -> str:
    return f"{browser} could not print the report ({str(why)[:200]}); export the HTML report and print it by hand."


def _restamped(content: bytes, at: datetime) -> bytes:
    """The same file as if made at that moment, and its cells numbered from one, in the same order.

    The browser numbers table cells by what else it has happened to do. No byte moves, so the file's own table of places
    stays right.
    """
    content = _DATES.sub(
        lambda match: b"/%s (D:%s%s)" % (match[1], at.strftime("%Y%m%d%H%M%S").encode(), match[3]), content
    )
    numbers = {node: rank for rank, node in enumerate(sorted(set(_NODES.findall(content))), 1)}
    return _NODES.sub(lambda node: b"(node%08d)" % numbers[node[1]], content)
