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
from tests.browser.conftest import Visits, address, settled, studios, until

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
    page.wait_for_function(
        "label => [...document.querySelectorAll('[data-testid=stFileUploader]')]"
        ".filter(e => e.textContent.includes(label)).length === 1",
        arg=label,
    )  # a field that was used stands beside the new one for a moment
    field.locator("input[type=file]").set_input_files(str(path))
    settled(page)


def test_own_scores_uploaded_picks_downloaded(url: str, visit: Visits, tmp_path: Path) -> None:
    page = visit(f"{url}/data")
    page.get_by_text("What to bring").wait_for()
    files = example.folder()
    drop(page, "The student's probabilities", files / "probabilities.npy")
    page.get_by_role("heading", name="Of 1,537 points", level=1).wait_for()
    settled(page)
    drop(page, "Teacher right or wrong", files / "teacher_was_right.csv")
    page.get_by_text("estimated on 200 checked examples").wait_for()
    budget = page.get_by_role("spinbutton", name="Labels of this purchase")
    budget.fill("77")
    budget.press("Enter")
    page.get_by_role("heading", name="Of 1,537 points, 77 labels", level=1).wait_for()
    settled(page)
    until(page, lambda: address(page).get("b") == "77")
    page.get_by_role("button", name="Use this purchase").click()
    page.get_by_text("77 of 1,537 rows").wait_for()
    settled(page)
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
    page.get_by_role("heading", name="Of 1,537 points", level=1).wait_for()
    page.get_by_text("look like logits").wait_for(state="detached")


def test_a_link_opens_the_example_with_its_map_in_a_fresh_browser(url: str, visit: Visits) -> None:
    page = visit(f"{url}/scores?scores_from=Example&b=60&a=uniform&vs=rad")
    page.get_by_role("img", name="Map of the pool: Uniform would buy 60 points, RAD 60 points.").wait_for()
    page.get_by_role("heading", name="Of 1,537 points, 60 labels", level=1).wait_for()


def test_the_handles_move_what_is_said_and_the_address(url: str, visit: Visits) -> None:
    page = visit(f"{url}/data?scores_from=Example")
    title = page.get_by_role("heading", level=1)
    teacher = page.get_by_role("slider", name="Teacher accuracy")
    teacher.wait_for()
    before = title.inner_text()
    teacher.press("ArrowLeft")
    page.wait_for_function("before => document.querySelector('h1').innerText !== before", arg=before)
    until(page, lambda: "m" in address(page))
    page.get_by_role("slider", name="Budget: labels of this purchase").press("PageUp")
    page.wait_for_function("() => location.search.includes('b=')")
    page.get_by_text("What is a purchase certain to be worth?").wait_for()
    assert page.get_by_text("How accurate does the student become?").count() == 0


@pytest.mark.long
def test_an_upload_outlives_a_reload_and_another_start_of_the_server(visit: Visits, tmp_path: Path) -> None:
    for start in ("first", "second"):
        (tmp_path / start).mkdir()
    with studios(tmp_path / "first") as studio:
        page = visit(f"{studio(tmp_path / 'store')}/data")
        drop(page, "The student's probabilities", example.folder() / "probabilities.npy")
        title = page.get_by_role("heading", name="Of 1,537 points", level=1)
        title.wait_for()
        page.wait_for_function("() => location.search.includes('upload=')")
        page.reload()
        title.wait_for()
        asked = page.evaluate("location.search")
        page.context.close()
    with studios(tmp_path / "second") as studio:
        page = visit(f"{studio(tmp_path / 'store')}/data{asked}")
        page.get_by_role("heading", name="Of 1,537 points", level=1).wait_for()
        page.get_by_role("slider", name="Teacher accuracy").wait_for()
        page.get_by_text("Your files: probabilities.npy").click()
        page.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_text("What to bring").wait_for()
        gone = visit(f"{page.url.split('?')[0]}{asked}")
        gone.get_by_text("The files of this link are gone").wait_for()


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
    until(page, lambda: address(page).get("game_g", "").startswith("60.60.60."))
