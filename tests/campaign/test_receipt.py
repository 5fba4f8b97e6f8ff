"""The receipt of a campaign: its figures follow from the rows of the ledger, and what was changed there is found."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from contextlib import closing
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import beta

from app.export.receipt import html_receipt
from rad_core import Campaign
from rad_core.campaign import demo, receipt_words
from rad_core.campaign.attempts import LedgerCalls
from rad_core.campaign.audit import share_right
from rad_core.campaign.ledger import DATABASE
from rad_core.campaign.receipt import Receipt, plain_receipt
from tests.campaign.examples import make, make_full, probabilities
from tests.campaign.test_files import rad
from tests.helpers.result_pages import open_page, sound, words


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The demo, two rounds of it."""
    return demo.run("demo", 2, tmp_path_factory.mktemp("demo") / "store", lambda text: None)


def rows(campaign: Campaign, query: str) -> list[tuple]:
    with closing(sqlite3.connect(campaign.path / DATABASE)) as database:
        return database.execute(query).fetchall()


def change(campaign: Campaign, table: str, statement: str) -> None:
    """Change the ledger behind the program's back."""
    with closing(sqlite3.connect(campaign.path / DATABASE)) as database:
        database.execute(f"drop trigger {table}_update")
        assert database.execute(statement).rowcount > 0
        database.commit()


def worst_case(gains: np.ndarray, budget: int, wrong: int) -> float:
    """The value of the game as a linear program: the sum of the k largest is the least k t + sum of max(0, x - t)."""
    n = len(gains)
    cost = np.concatenate([-gains, np.ones(n), [wrong]])  # q, excess, t
    above = np.hstack([np.diag(gains), -np.eye(n), -np.ones((n, 1))])
    spent = np.concatenate([np.ones(n), np.zeros(n + 1)])[None, :]
    bounds = [(0, 1)] * n + [(0, None)] * (n + 1)
    solved = linprog(cost, A_ub=above, b_ub=np.zeros(n), A_eq=spent, b_eq=[budget], bounds=bounds)
    return -float(solved.fun)


def clopper_pearson(right: float, total: float) -> tuple[float, float]:
    return float(beta.ppf(0.025, right, total - right + 1)), float(beta.ppf(0.975, right + 1, total - right))


# --- figures ---------------------------------------------------------------------------------------------------------


def test_the_figures_of_the_demo_follow_from_the_rows_of_its_ledger(played: Campaign) -> None:
    receipt = played.receipt()
    facts = {number: json.loads(text) for number, text in rows(played, "select round, facts from rounds where round")}
    kept = {number: np.load(played.path / f"round-{number}-gains.npy") for number in facts}
    m = float(beta.ppf(0.05, 59, 60 - 59 + 1))
    told = {row[0] for row in rows(played, "select position from ledger where kind = 'told'")}
    for each in receipt.rounds:
        number = each.status.number
        gains = kept[number][~np.isnan(kept[number])].astype(np.float64)
        wrong = math.floor((1 - m) * len(gains))
        assert each.status.facts is not None
        assert each.status.facts.value == pytest.approx(worst_case(gains, 60, wrong), rel=1e-6)
        picks = rows(played, f"select position, gain from ledger where kind = 'asked' and round = {number}")
        assert each.gain == pytest.approx(sum(gain for position, gain in picks if position in told))
        assert each.billed.total == Decimal("1.2")
    assert receipt.promised == pytest.approx(sum(each["value"] for each in facts.values()))
    assert receipt.billed.total == played.status().spent == Decimal("2.4")

    labels = dict(rows(played, "select position, label from points where part = 'checked'"))
    flags = {
        position: label == labels[position]
        for position, label in rows(played, "select position, label from ledger where kind = 'given'")
    }
    weights = dict.fromkeys(flags, 0.0)
    for each in facts.values():
        total = sum(chance for _, chance in each["audit"])
        for position, chance in each["audit"]:
            weights[position] += 60 * chance / total
    weight = np.array(list(weights.values()))
    right = float(weight @ np.array([flags[position] for position in weights])) / weight.sum()
    effective = weight.sum() ** 2 / (weight @ weight)
    assert receipt.right is not None
    assert receipt.right.share == pytest.approx(right)
    assert (receipt.right.low, receipt.right.high) == pytest.approx(clopper_pearson(right * effective, effective))

    (first, *_, last) = [row[0] for row in rows(played, "select accuracy from scores order by number")]
    assert receipt.change is not None
    assert receipt.change.mean == pytest.approx(last - first)
    before, after = (clopper_pearson(round(417 * value), 417) for value in (first, last))
    assert receipt.change.low == pytest.approx(last - first - math.hypot(last - after[0], before[1] - first))

    asked = [row[0] for row in rows(played, "select position from ledger where kind = 'asked'")]
    left = np.delete(kept[2], asked)
    assert receipt.next is not None
    assert (receipt.next.labels, receipt.next.wanted, receipt.next.cost) == (30, 60, Decimal("0.6")), "the wall"
    wrong = math.floor((1 - m) * len(left))
    assert receipt.next.value == pytest.approx(worst_case(left.astype(np.float64), 30, wrong), rel=1e-6)


def test_verify_prints_the_receipt_and_json_has_the_same_figures(played: Campaign) -> None:
    receipt = played.receipt()
    said = rad("verify", "demo", "--store", played.path.parent)
    assert "2 rounds and 300 entries of the ledger, all as promised" in said
    assert receipt_words.headline(receipt) in said
    for sentence in receipt_words.sentences(receipt).values():
        assert sentence in said
    values = json.loads(rad("verify", "demo", "--json", "--store", played.path.parent))
    assert values == {**json.loads(json.dumps(plain_receipt(receipt))), "faults": []}
    assert values["billed"]["answers"] == "2.4"


def test_money_without_an_answer_stands_in_the_round_that_it_was_asked_in(store: Path) -> None:
    campaign = make(store, pool=6)
    first = campaign.ask(probabilities(6), 3)
    calls = LedgerCalls(campaign.path, campaign.settings)
    calls.send(first.ids)
    calls.fail(first.ids[:1], "no class of these", billed=True)
    calls.fail(first.ids[1:2], "cut off", billed=None)
    calls.fail(first.ids[2:], "refused", billed=False)
    campaign.withdraw(first.ids[:2])
    campaign.tell(campaign.ask(probabilities(6), 5).ids, ["good"] * 5)
    receipt = campaign.receipt()
    one, two = receipt.rounds
    assert (one.billed.answers, one.billed.malformed, one.billed.lost) == (0, Decimal("0.1"), Decimal("0.1"))
    assert (two.billed.answers, two.billed.malformed, two.billed.lost) == (Decimal("0.5"), 0, 0)
    assert (one.withdrawn, one.status.open, two.withdrawn) == (2, 1, 0)
    assert receipt.billed.total == receipt.status.spent == Decimal("0.7")
    paid = receipt_words.paid(receipt)
    assert "0.10 EUR for malformed replies" in paid
    assert "0.10 EUR for requests whose outcome nobody knows" in paid
    assert "1 is still open and 2 are taken back" in receipt_words.promised(receipt)
    assert campaign.verify() == []


def bought(campaign: Campaign, *accuracies: float | None, total: int | None = 400) -> Receipt:
    """The receipt after rounds of ten labels, each measured, or not, once its answers are there; the first: before."""
    for number, accuracy in enumerate(accuracies):
        if number:
            picks = campaign.ask(probabilities(40, number), 10)
            if accuracies[number - 1] is not None:  # asked but not answered: nothing of this round is in it
                campaign.score(accuracies[number - 1], total=total)
            campaign.tell(picks.ids, ["good"] * 10)
        if accuracy is not None:
            campaign.score(accuracy, total=total)
    return campaign.receipt()


def test_what_was_measured_stands_at_the_round_whose_answers_it_knows(store: Path) -> None:
    receipt = bought(make(store), 0.5, 0.6, None, 0.7)
    changes = [None if each.change is None else round(each.change.mean, 9) for each in receipt.rounds]
    assert changes == [0.1, None, None], "a round beside one that was not measured has no change of its own"
    assert receipt.change is not None
    assert (receipt.change.mean, receipt.change.labels) == (pytest.approx(0.2), 30)
    assert receipt_words.verdict(receipt) == "Nobody knows"
    assert "What those of round 3 did nobody measured" in receipt_words.following(receipt)


@pytest.mark.parametrize(
    ("accuracies", "total", "verdict", "says"),
    [
        ((None, None), 400, "Nobody knows", "so nobody knows whether more are worth it"),
        ((0.5, None), 400, "Nobody knows", "so nobody knows whether more are worth it"),
        ((None, 0.7), 400, "Nobody knows", "so nobody knows whether more are worth it"),
        ((0.5, 0.7), None, "Nobody knows", "nobody knows without the number of test examples"),
        ((0.5, 0.51), 400, "Not shown", "that more of them help is not shown"),
        ((0.5, 0.7), 400, "The last ones helped", "they helped"),
        ((0.7, 0.5), 400, "The last ones hurt", "they did harm"),
    ],
)
def test_whether_more_are_worth_it_is_said_as_far_as_it_was_measured(
    store: Path, accuracies: tuple, total: int | None, verdict: str, says: str
) -> None:
    receipt = bought(make(store), *accuracies, total=total)
    assert receipt_words.verdict(receipt) == verdict
    assert says in receipt_words.following(receipt)
    assert ("nobody measured" in receipt_words.headline(receipt)) == (None in accuracies)


def test_nothing_more_is_offered_than_is_free_and_below_the_wall(store: Path) -> None:
    receipt = bought(make(store / "wall", max_cost="1"), None, None)
    assert receipt_words.verdict(receipt) == "No money left"
    assert "no further label fits below the wall" in receipt_words.following(receipt)
    receipt = bought(make(store / "pool", pool=10), None)
    campaign = Campaign.open("reviews", store / "pool")
    campaign.ask(probabilities(10), 10)
    assert receipt_words.verdict(campaign.receipt()) == "No label left"


def test_the_interval_of_the_share_right_holds_where_mistakes_are_rare() -> None:
    rng = np.random.default_rng(0)
    chances = rng.random(60)
    held = 0
    for _ in range(200):
        estimate = share_right(chances.tolist(), (rng.random(60) < 0.98).tolist())
        assert estimate is not None
        held += estimate.low <= 0.98 <= estimate.high
    assert held >= 190
    alike = share_right([0.5] * 60, [True] * 59 + [False])
    assert alike is not None
    assert (alike.low, alike.high) == pytest.approx(clopper_pearson(59, 60))
    sure = share_right([0.5] * 60, [True] * 60)
    assert sure is not None
    assert (sure.low, sure.high) == (pytest.approx(0.025 ** (1 / 60)), 1.0)


# --- what was changed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "statement", "says"),
    [
        ("rounds", "update rounds set facts = json_set(facts, '$.value', 99.0) where round = 2", "value is"),
        ("rounds", "update rounds set facts = json_set(facts, '$.right', 60) where round = 1", "give an m of"),
        (
            "rounds",
            "update rounds set facts = json_set(facts, '$.right', 47, '$.total', 60)",
            "not what the ledger had",
        ),
        ("rounds", "update rounds set facts = json_set(facts, '$.audit[3][1]', 0.777) where round = 1", "chance of"),
        ("ledger", "update ledger set gain = gain / 2 where kind = 'asked' and round = 1", "another gain"),
        ("ledger", "update ledger set probability = 0.9 where kind = 'asked' and round = 2", "another probability"),
        ("scores", "update scores set labels = 90 where number = 2", "there never were as many"),
        ("scores", "update scores set accuracy = 1.5 where number = 3", "is no accuracy"),
    ],
)
def test_a_figure_of_the_receipt_that_was_changed_is_found(store: Path, table: str, statement: str, says: str) -> None:
    campaign = make_full(store)
    change(campaign, table, statement)
    assert any(says in fault for fault in campaign.verify()), campaign.verify()
    assert "does not hold what it promised" in rad("verify", "reviews", "--store", store, code=2)
    assert "Receipt" not in rad("verify", "reviews", "--json", "--store", store, code=2)


# --- the page and the file -------------------------------------------------------------------------------------------


def test_the_page_of_the_demo_has_its_figures_and_a_file(played: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = played.entries()
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    at = sound(open_page(monkeypatch, played.path.parent, "present", run="demo"))
    receipt = played.receipt()
    assert at.title[0].value == receipt_words.headline(receipt)
    text = words(at).replace("\\", "")
    for figure in receipt_words.figures(receipt):
        assert f"**{figure.text}**" in text
    assert receipt_words.following(receipt) in text
    assert at.dataframe[0].value.to_numpy().tolist() == [list(row) for row in receipt_words.rows(receipt)]
    assert [button.proto.label for button in at.get("download_button")] == ["Receipt (HTML)"]
    assert played.entries() == entries


def test_the_page_of_a_campaign_without_measured_accuracy_says_nobody_knows(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store, checked=[(f"c{at}", "good", "good") for at in range(30)])
    campaign.tell(campaign.ask(probabilities(40), 10).ids[:4], ["good"] * 4)
    at = sound(open_page(monkeypatch, store, "present", run="reviews"))
    text = words(at).replace("\\", "")
    assert at.title[0].value == "4 labels for 0.40 EUR; what they did to accuracy nobody measured"
    for word in ("**not known**", "**not measured**", "**Nobody knows**", "6 are still open"):
        assert word in text


def test_the_file_is_plain_text_in_html_that_asks_nobody_for_anything(store: Path) -> None:
    campaign = make(store, currency="<img src=x>&\u2028")
    campaign.tell(campaign.ask(probabilities(40), 10).ids, ["good"] * 10)
    receipt = campaign.receipt()
    page = html_receipt(receipt).decode()
    assert len(page) < 20_000
    assert "script-src 'none'" in page
    elements: list[tuple[str, dict[str, str | None]]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: elements.append((tag, dict(attributes)))  # type: ignore[method-assign]
    reader.feed(page)
    assert not {"script", "img", "link", "iframe", "object", "base"} & {tag for tag, _ in elements}
    assert not [held for _, held in elements if {"src", "href", "style"} & set(held)]
    assert not re.search(r"url\(|@import", page)
    assert sum(tag == "tr" for tag, _ in elements) == 1 + len(receipt_words.rows(receipt))
