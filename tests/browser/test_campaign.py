"""In a real browser: a campaign's budget dragged, labels asked for, answers given, the ledger and the money follow."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad_core import Campaign
from tests.browser.conftest import Studio, Visits, settled
from tests.browser.test_own_scores import drop
from tests.campaign.examples import CLASSES, make, probabilities
from tests.helpers.chat_server import chat_server

pytestmark = pytest.mark.browser


def write(path: Path, head: list[str], rows: Any) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def downloaded(page: Any, button: str, *, exact: bool = True) -> list[dict[str, str]]:
    with page.expect_download() as loading:
        page.get_by_role("button", name=button, exact=exact).first.click()
    with Path(loading.value.path()).open(newline="") as file:
        return list(csv.DictReader(file))


def test_labels_are_asked_for_answered_and_paid_from_the_page(
    studio: Studio, visit: Visits, store: Path, tmp_path: Path
) -> None:
    campaign = make(store, pool=300, max_cost="20")
    page = visit(f"{studio(store)}/studies")
    page.get_by_text("0 of 300 answered for 0.00 EUR of 20.00 EUR.").wait_for()
    page.locator(".st-key-campaign-reviews").get_by_role("button", name="Open").click()
    page.get_by_role("heading", name="What would the student learn most from?").wait_for()
    settled(page)
    rows = zip([f"p{at}" for at in range(300)], *probabilities(300).T.tolist(), strict=True)
    drop(page, "The student's probabilities", write(tmp_path / "student.csv", ["id", *CLASSES], rows))

    budget = page.get_by_role("slider", name=re.compile("^Budget"))
    budget.wait_for()
    before = int(budget.get_attribute("aria-valuenow"))
    box = budget.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=6)
    held = int(budget.get_attribute("aria-valuenow"))
    assert held > before, "it follows while it is held"
    page.mouse.up()
    page.get_by_role("heading", name=re.compile(f"^{held} labels for"), level=1).wait_for()
    settled(page)
    left = Decimal(20) - held * Decimal("0.1")
    page.get_by_text(f"leaves \N{EURO SIGN}{left:.2f} of").wait_for()

    page.get_by_role("button", name=f"Ask for these {held}").click()
    page.get_by_text(f"{held} questions are open, ").first.wait_for()
    settled(page)
    picks = downloaded(page, "CSV")
    assert [row["id"] for row in picks] == campaign.open_questions().ids
    assert len(picks) == held

    drop(page, "Answers", write(tmp_path / "bad.csv", ["id", "label"], [[picks[0]["id"], "excellent"]]))
    page.get_by_text("which is none of the classes").wait_for()
    settled(page)
    assert page.get_by_test_id("stAlert").count() == 1
    assert campaign.status().open == held, "nothing is lost"
    assert campaign.status().spent == 0

    told = [[row["id"], CLASSES[at % 3]] for at, row in enumerate(picks)]
    drop(page, "Answers", write(tmp_path / "answers.csv", ["id", "label"], told))
    page.get_by_text(f"{held} new").wait_for()
    settled(page)
    paid = held * Decimal("0.1")
    page.get_by_text(f"{held} of 300 answered for {paid:.2f} EUR of 20.00 EUR").wait_for()
    assert campaign.status().spent == paid, "the money went up"
    shown = page.get_by_test_id("stDataFrame")
    shown.scroll_into_view_if_needed()
    rows = 1 + held + 30  # the heading, and 30 answers that came with the pool
    shown.locator(f"table[role=grid][aria-rowcount='{rows}']").wait_for(state="attached")
    entries = downloaded(page, "Download CSV")
    answered = {row["id"]: row["label"] for row in entries if row["kind"] == "told"}
    assert answered == dict(told)
    assert sum(Decimal(row["cost"]) for row in entries if row["kind"] == "told") == paid


@pytest.mark.long
def test_a_pool_of_a_million_points_sends_no_more_than_it_shows(studio: Studio, visit: Visits, store: Path) -> None:
    size = 1_000_000
    features = np.random.default_rng(0).normal(size=(size, 4)).astype(np.float32)
    pool = {"id": [f"p{at}" for at in range(size)], "features": features}
    checked = {
        "id": [f"c{at}" for at in range(60)],
        "label": [CLASSES[at % 3] for at in range(60)],
        "teacher": [CLASSES[at % 3] for at in range(60)],
        "features": features[:60],
    }
    labeled = {"id": ["l0", "l1", "l2"], "label": CLASSES, "features": features[:3]}
    campaign: Campaign = make(store, pool=pool, checked=checked, labeled=labeled, student="linear")
    campaign.ask(np.random.default_rng(0).dirichlet([1, 1, 1], size), 500)
    url = studio(store)
    page = visit(f"{url}/map?run=reviews")
    page.get_by_text(re.compile(r"^(19|20),\d{3} of 1,000,000 points")).wait_for()
    settled(page)
    assert visit.received(page) < 2_000_000
    page = visit(f"{url}/?run=reviews")
    page.get_by_role("slider", name=re.compile("^Budget")).wait_for()
    settled(page)
    assert visit.received(page) < 8_000_000, "a gain and a row for each point"


def test_a_campaign_is_made_runs_by_itself_and_is_stopped(
    studio: Studio, visit: Visits, store: Path, tmp_path: Path
) -> None:
    rng, ids = np.random.default_rng(0), [f"p{at}" for at in range(200)]
    truth = {key: at % 2 for at, key in enumerate(ids)}
    features = rng.normal(size=(230, 2)) + np.arange(230)[:, None] % 2
    rows = [[key, f"what #{key}# says", *features[at]] for at, key in enumerate(ids)]
    pool = write(tmp_path / "pool.csv", ["id", "text", "x", "y"], rows)
    rows = [[f"c{at}", CLASSES[2 * (at % 2)], CLASSES[2 * (at % 2)], *features[200 + at]] for at in range(30)]
    checked = write(tmp_path / "checked.csv", ["id", "label", "teacher", "x", "y"], rows)
    with chat_server(truth, lambda key, number: "500" if number == 1 else "well", seconds=0.3) as server:
        page = visit(f"{studio(store)}/data?what_for=Campaign")
        drop(page, "Pool", pool)
        drop(page, "Checked", checked)
        for label, text in (("Price of an answer", "0.02"), ("Currency", "EUR"), ("The wall: spend at most", "2")):
            page.get_by_role("textbox", name=label).fill(text)
            page.get_by_role("textbox", name=label).press("Tab")
            settled(page)
        page.get_by_role("combobox", name="Student").click()
        page.get_by_role("option", name="linear, on the features").click()
        settled(page)
        page.get_by_role("button", name="Create the campaign").click()
        page.get_by_text("Created; nothing was asked yet.").wait_for(timeout=120_000)
        settled(page)
        assert server.requests.total() == 0

        page.get_by_role("button", name="Run by itself").click()
        page.get_by_role("textbox", name="Teacher").fill(f"openai:m@{server.url}")
        page.get_by_role("textbox", name="Teacher").press("Tab")
        page.get_by_role("spinbutton", name="Labels a round").fill("60")
        page.get_by_role("spinbutton", name="Labels a round").press("Tab")
        page.get_by_text("at most 60 answers to come at 0.02 EUR, 1.20 EUR, never more than 2.00 EUR").wait_for()
        settled(page)
        page.get_by_role("button", name="Start", exact=True).click()
        bar = page.get_by_role("img", name=re.compile("spent, .* reserved, of at most 2.00 EUR"))
        bar.wait_for()
        page.get_by_text(re.compile(r"Round 1 of 1: [1-9]\d* of 60 answered")).wait_for()
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text(re.compile("The run ended as you asked")).wait_for()
        settled(page)
        campaign = Campaign.open("pool", store)
        part = campaign.status()
        assert 0 < part.pool["answered"] < 60
        assert part.spent == Decimal("0.02") * server.billed.total()

        page.get_by_role("button", name="Run by itself").click()
        page.get_by_role("textbox", name="Teacher").fill(f"openai:m@{server.url}")
        page.get_by_role("textbox", name="Teacher").press("Tab")
        settled(page)
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("The run ended by itself").wait_for()
        assert set(server.billed.values()) == {1}, "nobody was paid twice"
    status = campaign.status()
    assert (status.pool["answered"], status.open, status.spent) == (60, 0, Decimal("1.2"))
