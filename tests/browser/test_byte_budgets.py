"""With 50,000 points a page and a move of a slider stay small enough to travel over a slow line.

The map's own budgets are in test_map_page.py, those of a running study in test_new_study.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Visits, settled, studios
from tests.helpers.big_study import make_big_study

pytestmark = pytest.mark.browser

PAGE_BYTES = 1_500_000
SLIDER_BYTES = 50_000
# The pages as they open, and what is largest of what can be asked of them by link.
PAGES = (
    *("", "tradeoff", "map", "curves", "present", "data", "studies", "method"),
    *("tradeoff?round=1&tradeoff_axis=Its+probability+of+the+true+class", "curves?curves_panel=Classes&curves_seeds=1"),
    *("?explore_panel=Overlap", "present?story_all=true"),
)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio on a study of 50,000 points."""
    folder = tmp_path_factory.mktemp("big")
    make_big_study(folder / "store")
    with studios(folder) as studio:
        yield studio(folder / "store", RAD_DATA=str(folder / "data"), RAD_READ_ONLY="1")


def quiet(visit: Visits, page: Any) -> int:
    """The bytes that the page has received, once no more come."""
    settled(page)
    before, end = -1, time.monotonic() + 30
    while (now := visit.received(page)) != before:
        assert time.monotonic() < end, "the page does not become quiet"
        before = now
        page.wait_for_timeout(300)
    return now


@pytest.mark.long
def test_every_page_opens_within_its_bytes(big: str, visit: Visits) -> None:
    page, sizes = visit(f"{big}/method"), {}
    for path in PAGES:
        before = visit.received(page)
        page.goto(f"{big}/{path}")
        sizes[path or "explore"] = quiet(visit, page) - before
        assert page.get_by_test_id("stAlertContentError").all_inner_texts() == [], path
    print("bytes per page:", sizes)
    assert {path: size for path, size in sizes.items() if not 0 < size <= PAGE_BYTES} == {}


def test_a_move_of_a_handle_or_a_slider_stays_within_its_bytes(big: str, visit: Visits) -> None:
    page, sizes = visit(big), {}
    for panel in ("Ways of choosing", "Overlap", "Cost"):
        page.get_by_role("radio", name=panel).click()
        for handle, key in ((re.compile("^Budget"), "ArrowRight"), ("Teacher accuracy", "ArrowLeft")):
            before, address = quiet(visit, page), page.evaluate("location.search")
            page.get_by_role("slider", name=handle).press(key)
            page.wait_for_function("address => location.search !== address", arg=address)
            sizes[f"{panel}: {key}"] = quiet(visit, page) - before
    page = visit(f"{big}/data?scores_from=Example")
    page.get_by_role("slider", name=re.compile("^Budget")).wait_for()
    before, address = quiet(visit, page), page.evaluate("location.search")
    page.get_by_role("slider", name=re.compile("^Budget")).press("ArrowRight")
    page.wait_for_function("address => location.search !== address", arg=address)
    sizes["own pool"] = quiet(visit, page) - before
    print("bytes per move:", sizes)
    assert {move: size for move, size in sizes.items() if not 0 < size <= SLIDER_BYTES} == {}
