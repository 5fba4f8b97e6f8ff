"""What one visitor uploads costs the server about its size, and is given back some time after the visitor has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from app.data import visitors
from tests.browser.conftest import LOCAL, Visits, settled, until_healthy
from tests.commands.test_app_command import free_port

pytestmark = pytest.mark.browser

_ROWS, _CLASSES = 100_000, 100  # 80 MB
_VISIT = 15.0  # MB that one more visitor costs without any upload


# The program of `rad app`, with less patience.
_SERVER = """
from app import server
from app.data import visitors
visitors.PATIENCE, visitors._SECONDS = 3.0, 0.5
server.main()
"""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of a studio that gives back what was uploaded three seconds after its visitor."""
    port, log = free_port(), folder / "app.log"
    url, options = f"http://{LOCAL}:{port}", {"server.port": port, "server.address": LOCAL, "server.headless": True}
    with log.open("wb") as written:
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVER, json.dumps(options)],
            env={**os.environ, "RAD_STORE": str(folder / "store")},
            stdout=written,
            stderr=written,
        )
    try:
        until_healthy(url, server, log)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(30)


def memory(process: int, name: str = "VmRSS") -> float:
    """What a process holds, in MB; VmHWM: held at most, since it was set back."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def test_an_upload_costs_its_size_and_goes_with_its_visitor(visit: Visits, tmp_path: Path) -> None:
    assert visitors.PATIENCE + visitors._SECONDS <= 75, "about a minute"
    np.save(tmp_path / "p.npy", np.full((_ROWS, _CLASSES), 1 / _CLASSES))
    size = (tmp_path / "p.npy").stat().st_size / 1e6
    with serving(tmp_path) as (url, server):
        warm = visit(f"{url}/data?scores_from=Example")  # loads what everybody needs
        warm.get_by_role("slider", name="Teacher accuracy").wait_for()
        settled(warm)
        before = memory(server)
        page = visit(f"{url}/data")
        Path(f"/proc/{server}/clear_refs").write_text("5")  # the most that it held is counted from here
        field = page.get_by_test_id("stFileUploader").filter(has_text="The student's probabilities")
        field.locator("input[type=file]").set_input_files(tmp_path / "p.npy")
        page.get_by_text("Of 100,000 points").wait_for(timeout=120_000)
        settled(page)
        page.wait_for_timeout(1000)
        assert memory(server, "VmHWM") - before < 1.2 * size + _VISIT, "the file once, while it is read and afterwards"
        page.context.close()
        end = time.monotonic() + 15
        while memory(server) - before >= 0.6 * size:
            assert time.monotonic() < end, f"{memory(server) - before:.0f} MB more than before"
            warm.wait_for_timeout(200)
