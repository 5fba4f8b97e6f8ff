"""The pages of a campaign: asked, answered and corrected from the page; nothing is said that nobody knows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.campaign import figures, ledger, offer, places, reading, uploads
from app.shell import campaigns
from rad_core import Campaign
from rad_core.campaign.ledger import DATABASE
from rad_core.errors import InputError
from rad_core.selection.game import solve_game, wrong_count
from tests.campaign.examples import CHECKED, CLASSES, make, probabilities
from tests.helpers.result_pages import open_page, sound, words

PAGES = ("explore", "tradeoff", "map", "curves", "present")
EVIL = "![x](http://evil/x.png) <b>*p*</b> :red[r] $y$"


def page(monkeypatch: pytest.MonkeyPatch, store: Path, name: str = "explore", **parameters: str) -> AppTest:
    return open_page(monkeypatch, store, name, run="reviews", **parameters)


def table(values: np.ndarray, ids: list[str]) -> bytes:
    lines = [",".join(["id", *CLASSES])]
    lines += [",".join([name, *map(repr, row)]) for name, row in zip(ids, values.tolist(), strict=True)]
    return "\n".join(lines).encode()


def upload(at: AppTest, key: str, name: str, content: bytes) -> AppTest:
    (field,) = [each for each in at.file_uploader if (each.key or "").startswith(key)]
    field.upload(name, content)
    return at.run()


def give(at: AppTest, pool: int = 40) -> AppTest:
    """The student's probabilities for the pool."""
    return sound(
        upload(at, "campaign_probs", "student.csv", table(probabilities(pool), [f"p{k}" for k in range(pool)]))
    )


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return at.run()


def asked(monkeypatch: pytest.MonkeyPatch, store: Path, **parameters: str) -> AppTest:
    """Some labels were asked for, on the page."""
    return sound(press(give(page(monkeypatch, store, **parameters)), "ask"))


def answers(campaign: Campaign, label: str = "good") -> bytes:
    return "\n".join(["id,label", *(f"{name},{label}" for name in campaign.open_questions().ids)]).encode()


# --- every page, in every state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_new_campaign_says_what_is_not_there_yet(
    store: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(store)
    at = sound(page(monkeypatch, store, name))
    missing = {
        "explore": "What would the student learn most from?",
        "tradeoff": "Nothing was bought yet",
        "map": "A map needs features",
        "curves": "No accuracy was measured yet",
        "present": "The receipt begins with the first round",
    }
    assert missing[name] in words(at)
    assert at.session_state["run"] == "reviews"


@pytest.mark.parametrize("name", PAGES)
def test_a_damaged_campaign_is_a_sentence_on_every_page(
    store: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(store)
    (store / "reviews" / DATABASE).write_bytes(b"not a database, and long enough to be looked at" * 100)
    at = page(monkeypatch, store, name)
    assert not at.exception
    (error,) = at.error
    assert "The ledger of campaign reviews cannot be read" in error.value


def test_ids_texts_and_names_are_never_read_as_markdown(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(
        store,
        classes=[EVIL, "fair", "good"],
        pool=[EVIL, "b", "c"],
        labeled=None,
        checked=[("k", "good", "good")],
        currency="*E*",
    )
    campaign.ask(np.full((3, 3), 1 / 3), 3)
    campaign.tell([EVIL], [EVIL])
    for name in PAGES:
        text = words(sound(page(monkeypatch, store, name)))
        assert "![x](" not in text
        assert ":red[" not in text.replace("\\:red", "")
        assert "*E*" not in text
    refused = upload(page(monkeypatch, store), "answers", f"{EVIL.replace('/', '_')}.csv", b"id,label\nnobody,good\n")
    (error,) = refused.error
    assert "![x](" not in error.value


# --- the purchase ----------------------------------------------------------------------------------------------------


def test_the_verdict_is_the_worth_of_the_purchase_at_the_lower_bound(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store)
    at = give(page(monkeypatch, store, b="7"))
    estimate = campaign.status().accuracy
    assert estimate is not None
    top = np.sort(probabilities(40), axis=1)
    game = solve_game(1 - (top[:, -1] - top[:, -2]), 7, wrong=wrong_count(40, estimate.lower_bound))
    assert at.title[0].value.startswith("7 labels for 0.70 EUR are worth at least ")
    assert f"{game.value:.3g}"[:4] in at.title[0].value
    at.checkbox(key="campaign_mean").check()
    more = sound(at.run())
    assert solve_game(1 - (top[:, -1] - top[:, -2]), 7, wrong=wrong_count(40, estimate.mean)).value > game.value
    assert more.title[0].value != at.title[0].value or "80.0%" in words(more)


def test_asking_from_the_page_enters_the_questions_and_reserves_their_money(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store)
    asked(monkeypatch, store, b="7")
    status = campaign.status()
    assert (status.open, status.pool["asked"], status.reserved) == (7, 7, Decimal("0.7"))
    (round_,) = status.rounds
    assert round_.facts is not None
    assert round_.facts.lower_bound
    assert round_.facts.budget == 7


def test_a_typed_accuracy_cannot_be_asked_with(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(store)
    at = give(page(monkeypatch, store, m="99"))
    assert at.button(key="ask").disabled
    assert "an assumed 99.0%" in words(at).replace("\\", "")


def test_more_than_the_wall_lets_through_cannot_be_asked_for(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(store, max_cost="0.5")
    assert not give(page(monkeypatch, store)).button(key="ask").disabled, "it opens within the wall"
    assert give(page(monkeypatch, store, b="6")).button(key="ask").disabled
    assert not give(page(monkeypatch, store, b="5")).button(key="ask").disabled


def test_the_gains_of_the_last_round_are_shown_and_nothing_can_be_asked_by_them(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store)
    picks = campaign.ask(probabilities(40), 10)
    at = sound(page(monkeypatch, store))
    assert at.button(key="ask").disabled
    assert "of the student that chose round 1" in words(at)
    found = offer.of_last_round(campaign, campaign.status(), "key")
    assert found is not None
    names = campaign.names_of(found.rows.tolist())
    assert sorted([*names, *picks.ids]) == sorted(f"p{at}" for at in range(40))


def test_probabilities_of_another_pool_are_a_sentence_and_what_was_given_stays(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    at = give(page(monkeypatch, store, b="7"))
    at = upload(at, "campaign_probs", "other.csv", table(probabilities(2), ["p0", "q1"]))
    (error,) = at.error
    assert "1 of the 2 ids of the probabilities are none of this campaign" in error.value.replace("\\", "")
    assert at.title[0].value.startswith("7 labels for 0.70 EUR")


def test_m_is_asked_for_first(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store, checked=[(name, label) for name, label, _ in CHECKED])
    at = sound(press(page(monkeypatch, store), "ask-checked"))
    assert campaign.status().open == 30
    content = "\n".join(["id,label", *(f"{name},{said}" for name, _, said in CHECKED)]).encode()
    sound(upload(at, "answers", "answers.csv", content))
    estimate = campaign.status().accuracy
    assert estimate is not None
    assert (estimate.right, estimate.total) == (24, 30)


def test_probabilities_that_were_given_outlive_a_reload(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    give(page(monkeypatch, store))
    at = sound(press(page(monkeypatch, store, b="5"), "ask"))  # another visit
    assert "of the student in student.csv" in words(at)
    assert campaign.status().open == 5
    (store / "reviews" / offer.KEPT).write_bytes(b"no archive")
    at = page(monkeypatch, store)
    assert "cannot be read" in at.error[0].value
    assert not at.exception


def test_a_read_only_studio_shows_and_changes_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    campaign.ask(probabilities(40), 10)
    campaign.tell(campaign.open_questions().ids[:3], ["good"] * 3)
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    at = sound(page(monkeypatch, store))
    assert not at.file_uploader
    assert not {"ask", "withdraw"} & {button.key for button in at.button}
    assert "Choose a row" not in words(at)


def test_open_questions_are_taken_back(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    at = asked(monkeypatch, store, b="7")
    sound(press(at, "withdraw"))
    status = campaign.status()
    assert (status.open, status.pool["free"], status.reserved) == (0, 40, 0)
    accounts = campaign.accounts()
    assert {reading.state_of(account) for account in accounts.values()} == {"withdrawn"}


# --- answers ---------------------------------------------------------------------------------------------------------


def test_uploaded_answers_are_in_the_ledger_and_paid(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    at = asked(monkeypatch, store, b="7")
    at = sound(upload(at, "answers", "answers.csv", answers(campaign)))
    assert "7 new" in at.success[0].value
    status = campaign.status()
    assert (status.pool["answered"], status.spent, status.reserved) == (7, Decimal("0.7"), 0)
    shown = at.dataframe[0].value
    assert (shown["Answer"] == "good").sum() >= 7
    assert shown["Price (EUR)"].sum() == pytest.approx(0.7)
    assert not at.get("file_uploader") or all(not (f.key or "").startswith("answers") for f in at.file_uploader)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,label\nnobody,good\n", "none of this campaign"),
        (b"id,label\np0,excellent\n", "none of the classes"),
        (b"id,bad,fair,good\np0,0.9,0.9,0.9\n", "sum"),
        (b"\x00\x01\x02", "answers.csv"),
        (b"", "answers.csv"),
    ],
)
def test_a_bad_file_of_answers_is_one_sentence_and_loses_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    campaign = make(store)
    at = asked(monkeypatch, store, b="7")
    before = campaign.status()
    at = upload(at, "answers", "answers.csv", content)
    assert not at.exception
    (error,) = at.error
    assert says in error.value.replace("\\", "")
    assert "rad-upload" not in error.value, "the name that it was given with"
    assert campaign.status() == before
    sound(upload(at, "answers", "answers.csv", answers(campaign)))
    assert campaign.status().open == 0


def test_other_answers_than_before_are_refused_unless_they_are_meant(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store)
    at = asked(monkeypatch, store, b="7")
    first = campaign.open_questions().ids[0]
    campaign.tell([first], ["good"])
    at = upload(at, "answers", "other.csv", f"id,label\n{first},bad\n".encode())
    assert "otherwise than before" in at.error[0].value
    at.checkbox(key="answers_correct").check()
    sound(upload(at.run(), "answers", "other.csv", f"id,label\n{first},bad\n".encode()))
    assert campaign.status().spent == Decimal("0.1"), "a correction costs nothing"


def test_a_file_is_read_by_its_ending_alone_and_its_folder_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,label\np0,good\n")
    with path.open("rb") as file:
        read = uploads.read_answers("../../etc/mine.csv", file, CLASSES)
    assert (read.name, read.ids) == ("mine.csv", ["p0"])
    with path.open("rb") as file, pytest.raises(InputError, match=r"^x.exe ends in .exe; give one of .csv"):
        uploads.read_answers("x.exe", file, CLASSES)


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_a_person_corrects_an_answer_from_the_ledger(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    picks = campaign.ask(probabilities(40), 5)
    campaign.tell(picks.ids, ["good"] * 5)
    at = page(monkeypatch, store)
    name = at.dataframe[0].value["Id"][0]
    newest = at.dataframe[0].value["Entry"][0]
    at.session_state[f"ledger-table-{newest}"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at = sound(at.run())
    at.selectbox(key="correction_class").select("fair")
    (enter,) = [button for button in at.button if button.label == "Enter it"]
    enter.click()
    at = sound(at.run())
    examples = campaign.training_set()
    row = examples.ids.index(name)
    assert examples.sources[row] == "person"
    assert examples.targets[row].tolist() == [0, 1, 0]
    assert campaign.status().spent == Decimal("0.5"), "a person's answer costs nothing"
    assert "Choose a row" in words(at), "no other row has become the chosen one"


def test_the_table_of_the_ledger_holds_every_answer_with_its_price_and_source(store: Path) -> None:
    campaign = make(store)
    picks = campaign.ask(probabilities(40), 4)
    campaign.tell(picks.ids, [[0.2, 0.7, 0.1], [np.nan] * 3, [1, 0, 0], [0, 0, 1]])
    campaign.correct(picks.ids[:1], ["bad"], source="person")
    rows = ledger.table(campaign.entries(kinds=("told", "corrected")), campaign.classes, "EUR")
    assert rows["Id"].tolist() == [*picks.ids, picks.ids[0]]
    assert rows["Answer"].tolist() == ["fair", "(abstains)", "bad", "good", "bad"]
    assert rows["Confidence"].fillna(-1).tolist() == [0.7, -1, 1.0, 1.0, -1]
    assert rows["Price (EUR)"].tolist() == [0.1] * 4 + [0.0]
    assert rows["From"].tolist() == ["teacher"] * 4 + ["person"]
    assert [number for number, *_ in campaign.entries(most=2)] == [number for number, *_ in campaign.entries()[-2:]]


# --- curves, trade-off, map ------------------------------------------------------------------------------------------


def test_curves_have_money_and_labels_along_and_say_what_was_measured(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store)
    campaign.score(0.5, total=100)
    picks = campaign.ask(probabilities(40), 10)
    campaign.tell(picks.ids, ["good"] * 10)
    campaign.score(0.75, total=100)
    at = sound(page(monkeypatch, store, "curves"))
    text = words(at).replace("\\", "")
    assert "After 10 labels for 1.00 EUR the student is right on 75.0%" in text
    assert "+25.0 points over no bought label" in text
    (by_money,) = figures_of(at)
    assert by_money["layout"]["xaxis"]["title"]["text"] == "Money spent (EUR)"
    (by_labels,) = figures_of(sound(page(monkeypatch, store, "curves", campaign_x="Labels")))
    assert by_labels["layout"]["xaxis"]["title"]["text"] == "Labels bought"
    scores = reading.scores(campaign.status())
    assert scores["cost"].tolist() == [0.0, 1.0]
    assert scores["labels"].tolist() == [0, 10]
    assert (scores["low"] < scores["accuracy"]).all()
    assert (scores["accuracy"] < scores["high"]).all()


def test_a_currency_is_text_on_the_chart(store: Path) -> None:
    campaign = make(store, currency="<b>E</b>")
    campaign.score(0.5)
    chart = figures.measured(reading.scores(campaign.status()), "cost", campaign.settings.currency, "light")
    assert chart.figure.layout.xaxis.title.text == "Money spent (&lt;b&gt;E&lt;/b&gt;)"


def figures_of(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def soft_checked(count: int, wrong: int) -> dict[str, list]:
    """Checked examples with soft answers: the wrong ones are the less sure ones."""
    sure = np.linspace(0.5, 0.98, count)
    labels = ["bad" if at < wrong else "good" for at in range(count)]
    rest = (1 - sure) / 2
    return {
        "id": [f"c{at}" for at in range(count)],
        "label": labels,
        **{f"teacher_{name}": (sure if name == "good" else rest).tolist() for name in CLASSES},
    }


def test_correctness_is_two_estimates_with_intervals_and_never_a_count_of_mistakes(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make(store, checked=soft_checked(60, 12))
    ids = [*(f"p{at}" for at in range(40)), *(f"c{at}" for at in range(60))]
    picks = campaign.ask(probabilities(100), 10, ids=ids, checked_unseen=True)
    campaign.tell(picks.ids, np.tile([0.1, 0.1, 0.8], (10, 1)))
    at = sound(page(monkeypatch, store, "tradeoff"))
    text = words(at).replace("\\", "")
    assert "teacher right on 80.0%" in text
    assert "nothing here counts mistakes" in text
    status = campaign.status()
    shown = reading.estimates(status)
    right = status.rounds[-1].right
    assert right is not None
    assert shown["about"].tolist() == ["All checked", "Round 1"]
    assert shown["share"].tolist() == [0.8, right.share]
    assert (shown["low"] < shown["share"]).all()
    chance = reading.chance(campaign, reading.bought(campaign))
    assert chance is not None
    assert chance.share == pytest.approx(float(chance.fitted(0.8)))
    assert chance.low <= chance.share <= chance.high


def test_few_wrong_checked_answers_say_nothing_of_single_labels(store: Path) -> None:
    campaign = make(store, checked=soft_checked(60, reading.FEWEST - 1))
    picks = campaign.ask(probabilities(40), 10)
    campaign.tell(picks.ids, np.tile([0.1, 0.1, 0.8], (10, 1)))
    assert reading.chance(campaign, reading.bought(campaign)) is None


def test_hard_answers_have_no_confidence(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    picks = campaign.ask(probabilities(40), 10)
    campaign.tell(picks.ids, ["good"] * 10)
    assert "10 answers are single classes" in words(sound(page(monkeypatch, store, "tradeoff")))


def featured(store: Path, pool: int = 40, times: int = 1) -> Campaign:
    """times: so often are the checked examples there."""
    rng = np.random.default_rng(0)

    def rows(prefix: str, count: int, **more: list[str]) -> dict:
        return {"id": [f"{prefix}{at}" for at in range(count)], "features": rng.normal(size=(count, 5)), **more}

    labels = [label for _, label, _ in CHECKED * times]
    return make(
        store,
        pool=rows("p", pool),
        labeled=rows("l", 3, label=CLASSES),
        checked=rows("c", 30 * times, label=labels, teacher=[said for *_, said in CHECKED * times]),
        student="linear",
    )


def test_the_map_shows_every_state_where_there_are_features(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = featured(store)
    picks = campaign.ask(probabilities(40), 8)
    campaign.tell(picks.ids[:3], ["good", "bad", None])
    campaign.withdraw(picks.ids[3:5])
    sample = reading.sample(campaign, 40, 20_000)
    names = campaign.names_of(sample.rows.tolist())
    states = dict(zip(names, sample.states.tolist(), strict=True))
    wanted = ["answered", "answered", "abstained", "withdrawn", "withdrawn", "asked", "asked", "asked"]
    assert [states[name] for name in picks.ids] == wanted
    assert sum(state == "free" for state in states.values()) == 32
    text = words(sound(page(monkeypatch, store, "map")))
    assert "A map needs features" not in text
    assert "All 40 points" in text


def test_of_a_large_pool_the_map_has_a_sample_with_every_point_that_was_asked(store: Path) -> None:
    campaign = make(store, pool=500)
    picks = campaign.ask(probabilities(500), 30)
    sample = reading.sample(campaign, 500, 100)
    assert len(sample.rows) <= 100
    assert len(sample.rows) > 90
    assert set(picks.ids) <= set(campaign.names_of(sample.rows.tolist()))
    assert len(reading.sample(campaign, 500, 10).rows) <= 10


@pytest.mark.long
def test_a_umap_is_computed_when_it_is_asked_for_and_kept(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = featured(store)
    at = sound(page(monkeypatch, store, "map", campaign_layout="UMAP"))
    assert "PCA of their features" in words(at)
    at.button(key="campaign-umap").click()
    assert "UMAP of their features" in words(sound(at.run(timeout=300)))
    kept = places.umap(campaign)
    assert kept is not None
    assert kept[0].tolist() == list(range(40))
    assert kept[1].shape == (40, 2)
    (campaign.path / places.MAP).write_bytes(b"PK damaged")
    assert "PCA of their features" in words(sound(page(monkeypatch, store, "map", campaign_layout="UMAP")))


@pytest.mark.slow
def test_a_student_of_ours_is_trained_when_it_is_asked_for_and_asks_with_its_checks(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = featured(store)
    at = sound(press(page(monkeypatch, store, b="6"), "campaign-train"))
    assert at.title[0].value.startswith("6 labels")
    at.session_state["campaign-matters"] = True
    assert "settings of ours came out as expected" in words(sound(at.run()))
    sound(press(at, "ask"))
    status = campaign.status()
    assert status.open == 6
    assert status.rounds[-1].right is not None, "students that did not see the checked examples scored them"


def test_a_rehearsal_says_what_it_takes_and_a_read_only_studio_has_none(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    at = sound(page(monkeypatch, store))
    assert at.button(key="rehearse").disabled
    assert "It takes a student of ours and features" in words(at)
    featured(store / "few")
    at = sound(page(monkeypatch, store / "few"))
    assert at.button(key="rehearse").disabled
    assert "It takes 40 checked examples with the teacher's answer, of which there are 30" in words(at)
    monkeypatch.setenv("RAD_READ_ONLY", "1")
    assert "rehearse" not in {button.key for button in sound(page(monkeypatch, store)).button}


@pytest.mark.long
def test_a_rehearsal_is_played_when_it_is_asked_for_and_kept_until_the_campaign_changes(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = featured(store, times=2)
    entries = campaign.entries()
    at = page(monkeypatch, store)
    assert "Rehearsed" not in words(at)
    at.button(key="rehearse").click()
    at = sound(at.run(timeout=300))
    assert "Rehearsed 10 times: 3 labeled examples to learn from, 30 checked ones as the pool" in words(at)
    assert "That it matters which are chosen is " in words(at)
    shown = at.dataframe[-1].value
    assert shown["Rule"].tolist() == ["RAD", "RAD", "Margin", "Margin", "Uniform", "Uniform"]
    assert shown["Labels"].tolist() == [7, 15] * 3
    assert campaign.entries() == entries
    assert "Rehearsed" in words(sound(at.run())), "it is kept"
    campaign.score(0.5)
    assert "Rehearsed" not in words(sound(at.run()))


# --- where campaigns are listed --------------------------------------------------------------------------------------


def test_studies_lists_campaigns_and_a_damaged_one_hides_no_other(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    picks = campaign.ask(probabilities(40), 10)
    campaign.tell(picks.ids[:4], ["good"] * 4)
    Campaign.create("broken", ["a"], classes=CLASSES, store=store)
    (store / "broken" / DATABASE).write_bytes(b"x" * 5000)
    at = sound(open_page(monkeypatch, store, "studies"))
    text = words(at).replace("\\", "")
    assert "4 of 40 answered for 0.40 EUR, 6 open (0.60 EUR reserved)." in text
    assert "Teacher right on 80.0%" in text
    assert "The ledger of campaign broken cannot be read" in text
    at = sound(press(at, "open_campaign_reviews"))
    assert at.session_state["run"] == "reviews"


def test_a_campaign_is_picked_like_a_study_and_each_keeps_its_own_purchase(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    Campaign.create("other", [f"o{at}" for at in range(30)], classes=CLASSES, checked=CHECKED, store=store)
    at = give(page(monkeypatch, store, b="7"))
    picker = at.selectbox(key="picker")
    assert {"reviews · campaign", "other · campaign"} <= set(picker.options)
    picker.select("other")
    at = sound(at.run())
    assert at.session_state["run"] == "other"
    assert "b" not in at.query_params


def test_a_standing_changes_with_every_transaction(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make(store)
    monkeypatch.setenv("RAD_STORE", str(store))
    first = campaigns.standing("reviews")
    assert campaigns.standing("reviews").key == first.key
    campaign.ask(probabilities(40), 3)
    second = campaigns.standing("reviews")
    assert second.key != first.key
    assert (first.status.open, second.status.open) == (0, 3)
