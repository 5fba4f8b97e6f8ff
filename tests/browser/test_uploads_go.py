"""What one visitor uploads costs the server about its size, and is given back a minute after the visitor has gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import Visits, settled
from tests.commands.test_app_command import Studio
from tests.commands.test_app_command import studio as rad_app

pytestmark = pytest.mark.browser

_ROWS, _CLASSES = 100_000, 100  # 80 MB
_VISIT = 15.0  # MB that one more visitor costs without any upload


def memory(server: Studio) -> float:
    """What the server holds, in MB."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def test_an_upload_costs_its_size_and_goes_with_its_visitor(visit: Visits, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.full((_ROWS, _CLASSES), 1 / _CLASSES))
    size = (tmp_path / "p.npy").stat().st_size / 1e6
    with rad_app(tmp_path) as server:
        warm = visit(f"http://127.0.0.1:{server.port}/data?scores_from=Example")  # loads what everybody needs
        for view in ("Budget lab", "Map"):
            warm.get_by_role("radio", name=view).click()
            settled(warm)
        before = memory(server)
        page = visit(f"http://127.0.0.1:{server.port}/data")
        field = page.get_by_test_id("stFileUploader").filter(has_text="The student's probabilities")
        field.locator("input[type=file]").set_input_files(tmp_path / "p.npy")
        page.get_by_text("Points to choose from").wait_for(timeout=120_000)
        settled(page)
        page.wait_for_timeout(1000)
        assert memory(server) - before < 1.5 * size + _VISIT, "the file, and half of it again as float32"
        page.context.close()
        warm.wait_for_timeout(75_000)
        assert memory(server) - before < 0.6 * size
