"""A link to the form of a new study tells nobody what lies where: its files are looked at once somebody asks."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import Studio, Visits, settled
from tests.commands.test_app_command import studio as rad_app

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("named", "answer"),
    [
        ({"dataset": "folder:{}/nothing"}, "nothing"),
        ({"dataset": "folder:{}"}, "image"),
        ({"teacher": "table:{}/soft.npy", "strategies": "rad"}, "soft.npy"),
    ],
)
@pytest.mark.long
def test_a_link_looks_at_nothing(
    named: dict[str, str], answer: str, studio: Studio, visit: Visits, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    data = tmp_path / "data"
    asked = urlencode({"new": "1", **{name: value.format(there) for name, value in named.items()}})
    page = visit(f"{studio(tmp_path / 'store', RAD_DATA=str(data))}/studies?{asked}")
    page.wait_for_timeout(4000)  # a plan is asked for after less than one
    assert page.locator("[data-testid=stAlert]").count() == 0
    assert not list(tmp_path.rglob("plans")), "no plan was made"
    page.get_by_role("button", name="Look at them").click()
    alert = page.locator("[data-testid=stAlert]")
    alert.wait_for(timeout=60_000)
    assert answer in alert.inner_text()


def test_visitors_from_elsewhere_cannot_name_files(visit: Visits, tmp_path: Path) -> None:
    with rad_app(tmp_path, "--host", "0.0.0.0") as server:
        page = visit(f"http://127.0.0.1:{server.port}/studies?new=1&dataset=folder:/etc&budget=77")
        assert "start it with rad app --files" in page.inner_text("body")
        assert "/etc" not in page.locator(".st-key-new-plan").inner_text()
        page.locator(".st-key-new_dataset input").click()
        settled(page)
        assert page.get_by_role("option", name="fashion_mnist").count() == 1
        assert page.get_by_role("option", name="folder of your images").count() == 0
