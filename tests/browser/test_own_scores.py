"""In a real browser: own scores uploaded, picks downloaded and equal to `rad select`'s; the game's bars dragged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.data import example
from tests.browser.conftest import Visits, settled, studios

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio with nothing but the shipped studies; no test here changes anything in it."""
    folder = tmp_path_factory.mktemp("scores")
    with studios(folder) as studio:
        yield studio(folder / "store", RAD_DATA=str(folder / "data"))


def drop(page: Any, label: str, path: Path) -> None:
    """Give a file to the field of this name."""
    field = page.get_by_test_id("stFileUploader").filter(has_text=label)
    field.locator("input[type=file]").set_input_files(str(path))
    settled(page)


def test_own_scores_uploaded_picks_downloaded(url: str, visit: Visits, tmp_path: Path) -> None:
    page = visit(f"{url}/data")
    page.get_by_text("What to bring").wait_for()
    files = example.folder()
    drop(page, "The student's probabilities", files / "probabilities.npy")
    page.get_by_text("Points to choose from").wait_for()
    drop(page, "Teacher right or wrong", files / "teacher_was_right.csv")
    page.get_by_text("95 % interval").wait_for()
    budget = page.get_by_role("spinbutton", name="Labels to buy")
    budget.fill("77")
    budget.press("Enter")
    page.get_by_text("77 of 1,537 rows").wait_for()
    settled(page)
    assert "scores_b=77" in page.url
    command = (
        page.get_by_test_id("stCode").locator("code", has_text="rad select").inner_text().replace("\n", "").split()
    )
    for ending, words in ((".csv", "Download picks as CSV"), (".parquet", "Download as Parquet")):
        with page.expect_download() as loading:
            page.get_by_role("button", name=words).click()
        output = tmp_path / f"expected{ending}"
        arguments = [*command[1:-1], str(output)]
        subprocess.run([sys.executable, "-m", "rad_core.cli", *arguments], cwd=files, check=True)
        assert Path(loading.value.path()).read_bytes() == output.read_bytes()


def test_a_bad_upload_is_told_and_a_good_one_mends_it(url: str, visit: Visits, tmp_path: Path) -> None:
    page = visit(f"{url}/data")
    logits = tmp_path / "logits.npy"
    np.save(logits, np.random.default_rng(0).normal(size=(50, 3)))
    drop(page, "The student's probabilities", logits)
    page.get_by_text("look like logits").wait_for()
    drop(page, "The student's probabilities", example.folder() / "probabilities.npy")
    page.get_by_text("5 of 1,537 rows").or_(page.get_by_text("153 of 1,537 rows")).wait_for()
    assert page.get_by_text("look like logits").count() == 0


def test_a_link_opens_the_example_with_its_map_in_a_fresh_browser(url: str, visit: Visits) -> None:
    address = "scores?scores_from=Example&scores_show=Map&scores_b=60&scores_strategy=Uniform"
    page = visit(f"{url}/{address}")
    page.get_by_text("Uniform: picks").wait_for()
    assert page.locator("canvas").count() >= 1


def test_bars_are_dragged_and_moved_by_keys(url: str, visit: Visits) -> None:
    page = visit(f"{url}/method")
    first, third = (page.get_by_role("slider", name=f"Gain of point {n}", exact=True) for n in (1, 3))
    first.wait_for()
    before = visit.received(page)
    first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => location.search.includes('game_g=93.88.80.')")
    assert visit.received(page) - before < 50_000
    box = third.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 100
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y + 10 * step)
    page.mouse.up()
    settled(page)
    gain = round(100 * float(third.get_attribute("aria-valuenow")))
    assert 20 < gain < 60
    page.wait_for_function(f"() => location.search.includes('game_g=93.88.{gain}.')")
    copied = visit(page.url).get_by_role("slider", name="Gain of point 3", exact=True)
    copied.wait_for()
    assert round(100 * float(copied.get_attribute("aria-valuenow"))) == gain
    page.get_by_role("button", name="All alike").click()
    from playwright.sync_api import expect

    expect(third).to_have_attribute("aria-valuenow", "0.60")
    assert "game_g=60.60.60." in page.url
