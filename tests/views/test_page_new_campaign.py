"""Campaigns made, run and deleted from the page, and what a studio refuses to visitors that it may not trust."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.campaign import counter
from rad_core import Campaign
from rad_core.campaign import watch
from rad_core.campaign.running import plan_of
from rad_core.errors import InputError, StoreError
from rad_core.running import campaigns as background
from tests.campaign.examples import CLASSES, make
from tests.helpers.result_pages import open_page, sound, words
from tests.views.test_page_campaign import press, upload

TEACHER = """
import time
def label(rows):
    time.sleep(0.4)
    return ["good" if int(row["id"][1:]) % 2 else "bad" for row in rows]
"""


def tables(folder: Path) -> dict[str, str]:
    """Files of a pool, labeled and checked examples, and a teacher of them, by role."""
    rng = np.random.default_rng(0)
    sizes = {"pool": 130, "labeled": 6, "checked": 20}
    paths = {}
    for role, size in sizes.items():
        rows = ["id,x,y" + ("" if role == "pool" else ",label") + (",teacher" if role == "checked" else "")]
        for at in range(size):
            label = "good" if at % 2 else "bad"
            x, y = rng.normal(size=2) + at % 2
            rest = ["" if role == "pool" else f",{label}", f",{label}" if role == "checked" else ""]
            rows.append(f"{role[0]}{at},{x},{y}{''.join(rest)}")
        paths[role] = str(folder / f"{role}.csv")
        Path(paths[role]).write_text("\n".join(rows))
    (folder / "teacher.py").write_text(TEACHER)
    return paths


def create(at: AppTest, folder: Path, **changes: str) -> AppTest:
    """Fill the form by paths and send it."""
    for role, path in tables(folder).items():
        at.text_input(key=f"campaign_{role}_path").input(path)
    wishes = {"name": "reviews", "price": "0.1", "currency": "EUR", "wall": "20", **changes}
    for key, value in wishes.items():
        at.text_input(key=f"campaign_{key}").input(value)
    at.selectbox(key="campaign_student").select("linear").run()
    at.text_input(key="campaign_teacher").input(f"python:{folder / 'teacher.py'}:label").run()
    return press(at, "campaign-create")


pytestmark = pytest.mark.filterwarnings("ignore:.*its features are columns")


@pytest.fixture
def form(store: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("RAD_FILES", "1")

    def opened(**parameters: str) -> AppTest:
        return sound(open_page(monkeypatch, store, "data", what_for="Campaign", **parameters))

    return opened


def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_campaign_is_created_run_stopped_and_run_to_its_end(
    store: Path, tmp_path: Path, form: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(create(form(campaign_from="This computer"), tmp_path))
    campaign = Campaign.open("reviews", store)
    settings = campaign.settings
    assert (settings.price, settings.currency, settings.max_cost) == (Decimal("0.1"), "EUR", Decimal(20))
    assert (settings.student, campaign.status().pool["free"]) == ("linear", 130)

    at = sound(open_page(monkeypatch, store, "explore", run="reviews"))
    (budget,) = [each for each in at.number_input if (each.key or "").startswith("run_budget")]
    budget.set_value(128).run()
    assert "at most 128 answers to come at 0.10 EUR, 12.80 EUR" in words(at)
    at = sound(press(at, "run-start"))
    assert "counter-stop" in {button.key for button in at.button}
    assert "ask" not in {button.key for button in at.button if not button.disabled}
    until(lambda: campaign.status().pool["answered"] > 0)
    at = sound(press(at, "counter-stop"))
    until(lambda: not watch.is_running(campaign.path))
    status = campaign.status()
    answered = status.pool["answered"]
    assert 0 < answered < 128, "it stops between two calls of the teacher"
    assert (status.open, status.attempts.in_flight) == (128 - answered, 0), "what was under way is answered"
    assert status.spent == answered * Decimal("0.1")
    assert "ended as you asked" in sound(at.run()).success[0].value

    background.start(campaign, plan_of(campaign, 1, 128, None))
    until(lambda: not watch.is_running(campaign.path))
    status = campaign.status()
    assert (status.pool["answered"], status.open, status.spent) == (128, 0, Decimal("12.8"))
    assert status.attempts.sent == 128, "nothing was asked twice"
    assert "ended by itself" in sound(at.run()).success[0].value
    assert campaign.verify() == []


def test_uploads_make_a_campaign_and_a_wrong_one_is_a_sentence_that_names_it(
    store: Path, tmp_path: Path, form: Callable[..., AppTest]
) -> None:
    paths, at = tables(tmp_path), form()
    for role in ("pool", "labeled"):
        at = sound(upload(at, f"campaign_{role}-", f"my {role}.csv", Path(paths[role]).read_bytes()))
    at = upload(at, "campaign_checked-", "checks.csv", b"id,label\nc0,good\nc0,bad\n")
    at = press(at, "campaign-create")
    assert not at.exception
    assert "checks.csv" in at.error[0].value
    assert str(tmp_path) not in at.error[0].value
    at = upload(at, "campaign_checked-", "checks.csv", Path(paths["checked"]).read_bytes())
    at = sound(press(at, "campaign-create"))
    status = Campaign.open("my-pool", store).status()
    assert (status.pool["free"], status.checked_answered, status.labeled) == (130, 20, 6)


def test_a_campaign_is_deleted_once_its_name_is_typed(
    store: Path, form: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    at = press(form(), "delete_campaign_reviews")
    assert at.button(key="campaign_do_delete").disabled
    at.text_input(key="campaign_typed").input("reviews").run()
    at = sound(press(at, "campaign_do_delete"))
    assert not (store / "reviews").exists()


@pytest.mark.long
def test_what_runs_is_not_deleted_nor_run_twice(store: Path, tmp_path: Path) -> None:
    campaign = Campaign.create("reviews", store=store, student="linear", **tables(tmp_path))
    plan = plan_of(campaign, 1, 64, f"python:{tmp_path / 'teacher.py'}:label")
    background.start(campaign, plan)
    with pytest.raises(StoreError, match="Another process runs"):
        background.start(campaign, plan)
    watch.ask_to_stop(campaign.path)
    until(lambda: not watch.is_running(campaign.path))
    run = watch.last_run(campaign.path)
    assert run is not None
    assert (run.stopped, run.failed) == (True, "")
    with pytest.raises(InputError, match="cannot be used"):
        background.start(campaign, plan_of(campaign, 1, 64, f"python:{tmp_path / 'teacher.py'}:nothing"))


def test_who_may_not_name_files_calls_no_teacher(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Campaign.create("reviews", store=store, student="linear", **tables(tmp_path))
    monkeypatch.setenv("RAD_FILES", "0")
    at = sound(open_page(monkeypatch, store, "explore", run="reviews"))
    assert "calls teachers" in words(at)
    assert "run_teacher" not in {field.key for field in at.text_input}
    plan = plan_of(campaign, 1, 5, f"python:{tmp_path / 'teacher.py'}:label")
    with pytest.raises(InputError, match="calls no teachers"):
        counter.start(campaign, plan)
    at = sound(open_page(monkeypatch, store, "data", what_for="Campaign"))
    assert "campaign_pool_path" not in {field.key for field in at.text_input}
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    at = sound(open_page(monkeypatch, store, "data", what_for="Campaign"))
    assert not {"campaign-create", "delete_campaign_reviews"} & {button.key for button in at.button}


def test_the_money_bar_says_its_numbers_and_takes_any_currency(store: Path) -> None:
    campaign = make(store, max_cost="20", currency='<b>"&')
    status = campaign.status()
    text = counter.money_bar(status, Decimal(20))
    assert "<b>" not in text
    assert 'aria-label="0.00 &lt;b&gt;&quot;&amp; spent' in text
    assert CLASSES[0] not in text
