"""A study from the form to its curves in a real browser, across reloads and restarts, within the byte budget."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from rad_core.running.worker import start as start_study
from rad_core.store.catalogue import create_study, study_ids
from rad_core.store.study import Study
from tests.browser.conftest import Studio, Visits, settled
from tests.conftest import tiny_config

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

POLL_BYTES = 6_000  # a second, while a study runs


def only_study(store: Path) -> Study:
    [id] = study_ids(store)
    return Study(store / id)


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def until(condition: Any, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def set_number(page: Any, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def test_from_the_form_to_finished_curves_across_a_reload(studio: Studio, visit: Visits, store: Path) -> None:
    url = studio(store)
    page = visit(f"{url}/studies")
    button(page, "New study").click()
    page.get_by_role("heading", name="New study").wait_for()
    settled(page)
    button(page, "Sound comparison").click()
    page.get_by_text(re.compile("strategies x 5 seeds")).wait_for()
    button(page, "Quick look").click()
    page.get_by_text("5 strategies x 3 seeds").wait_for()
    set_number(page, "Seeds", 1)
    set_number(page, "Rounds", 3)
    set_number(page, "Budget per round", 0)
    page.get_by_text("budget is 0; it must be a whole number of 1 or more").wait_for()
    assert button(page, "Start the study").is_disabled()
    set_number(page, "Budget per round", 25)
    page.get_by_text("More settings").click()
    for label in ("Student steps", "Teacher steps"):  # a quick look that takes no minute
        set_number(page, label, 50)
    # 5 strategies, 1 seed, 3 rounds of 25 labels
    page.get_by_text("375", exact=True).wait_for()
    page.get_by_text(re.compile(r"^about \d+ (s|min)")).wait_for(timeout=120_000)
    page.get_by_text("Copy as command").click()
    page.get_by_test_id("stCode").filter(has_text="--budget 25").wait_for()

    button(page, "Start the study").click()
    page.get_by_text("What is running, what failed, what is there?").wait_for(timeout=60_000)
    study = only_study(store)
    page.wait_for_function(f"() => location.search.includes('run={study.id}')")
    button(page, "Pause").wait_for(timeout=60_000)

    until(lambda: study.info().rounds_done >= 1)
    page.reload()
    settled(page)
    # It is still running and watched again, has finished under the visitor's eyes, or before the page was there again.
    watched = button(page, "Pause").or_(button(page, "Open the results"))
    page.get_by_text("15 of 15 rounds").or_(watched).first.wait_for(timeout=60_000)
    until(lambda: study.info().status == "finished")
    main = page.get_by_test_id("stMain")  # the picker in the sidebar has an "Open" of its own
    opening = button(main, "Open").or_(button(main, "Open the results")).first
    opening.wait_for(timeout=60_000)
    page.get_by_test_id("stSidebar").get_by_text("finished").wait_for(timeout=60_000)
    settled(page)
    opening.click()
    page.wait_for_function("() => !location.pathname.includes('studies')")
    page.get_by_role("slider", name=re.compile("^Budget")).wait_for(timeout=60_000)
    page.wait_for_function(f"() => location.search.includes('run={study.id}')")
    assert study.info().rounds_done == study.info().rounds_total == 15


@pytest.mark.long
def test_watching_a_study_is_cheap_and_everybody_can_stop_it(studio: Studio, visit: Visits, store: Path) -> None:
    config = tiny_config(
        strategies=("rad", "margin", "uniform"), seeds=2, rounds=60, pool=1000, student_steps=150, full_pool=False
    )
    study = create_study(store, config)
    start_study(study, workers=1, with_map=False)
    url = studio(store)
    page = visit(f"{url}/studies")
    button(page, "Pause").wait_for(timeout=60_000)
    until(lambda: study.info().rounds_done >= 5)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)

    before, start, rounds = visit.received(page), time.monotonic(), study.info().rounds_done
    page.wait_for_timeout(12_000)  # curves stay for ten seconds
    rate = (visit.received(page) - before) / (time.monotonic() - start)
    assert study.info().rounds_done > rounds, "nothing came in that would have had to be sent"
    assert rate < POLL_BYTES, f"{rate:.0f} bytes a second"
    print(f"watching: {rate:.0f} bytes a second")

    other = visit(f"{url}/studies")
    button(other, "Cancel").click()
    button(other, "Cancel the study").click()
    page.get_by_text("Resume it if you change your mind").wait_for(timeout=60_000)
    assert study.info().status == "cancelled"


@pytest.mark.long
def test_a_study_outlives_its_studio(studio: Studio, visit: Visits, store: Path) -> None:
    first = studio(store)
    page = visit(
        f"{first}/studies?new=1&seeds=2&rounds=60&budget=20&strategies=rad,uniform&teacher_steps=20&student_steps=150"
    )
    button(page, "Start the study").click()
    button(page, "Pause").wait_for(timeout=60_000)
    study = only_study(store)
    studio.kill(first)
    done = study.info().rounds_done
    until(lambda: study.info().rounds_done > done)
    again = visit(f"{studio(store)}/studies")
    button(again, "Pause").click()
    button(again, "Resume").wait_for(timeout=60_000)
    assert study.info().status == "paused"


@pytest.mark.long
def test_deleting_results_asks_for_the_name(studio: Studio, visit: Visits, store: Path) -> None:
    url = studio(store)
    page = visit(f"{url}/studies?new=1&seeds=1&rounds=1&strategies=rad&student_steps=5&teacher_steps=5&name=Short")
    button(page, "Start the study").click()
    page.get_by_text("What is running, what failed, what is there?").wait_for(timeout=60_000)
    button(page, "Done").click(timeout=60_000)  # whoever sees a study finish has it in a card, until this
    settled(page)
    menu = page.locator(f".st-key-menu_{only_study(store).id}")  # the shipped study has one, too
    menu.get_by_role("button", name="More").click()
    page.get_by_text("Delete", exact=True).last.click()
    page.get_by_text("To confirm, type its name:").wait_for()
    assert page.get_by_test_id("stDialog").get_by_role("button", name="Delete").is_disabled()
    page.get_by_label("Name of the study").fill("Short")
    page.get_by_label("Name of the study").press("Enter")
    page.get_by_test_id("stDialog").locator("button:enabled", has_text="Delete").click()
    page.get_by_text("No study of your own yet").wait_for(timeout=30_000)
    assert study_ids(store) == []
