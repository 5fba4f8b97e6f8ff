"""Whatever is wrong is told in one sentence, and nothing in the ledger has changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core import Campaign
from rad_core.errors import DamagedError, InputError
from tests.campaign.examples import make, probabilities

FIRST = ["p0", "p1"]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """A campaign in which all of ten points but p9 are asked."""
    made = make(tmp_path, pool=10, max_cost=100)
    scores = pd.DataFrame(probabilities(9), columns=["bad", "fair", "good"]).assign(id=[f"p{at}" for at in range(9)])
    with pytest.warns(UserWarning, match="1 points of the pool have no probabilities"):
        made.ask(scores, 9)
    return made


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda c: c.tell(["p9"], ["bad"]), "p9, which was never asked"),
        (lambda c: c.tell(["p0", "q"], ["bad", "bad"]), "the id q, which is none of this campaign"),
        (lambda c: c.tell(["l0"], ["bad"]), "a labeled example"),
        (lambda c: c.tell(["c0"], ["bad"], source="person"), "a checked example, whose label is known"),
        (lambda c: c.tell(["p0", "p0"], ["bad", "good"]), "p0 twice, differently"),
        (lambda c: c.tell(FIRST, ["bad", "ugly"]), "'ugly', which is none of the classes bad, fair and good"),
        (lambda c: c.tell(FIRST, [[0.5, 0.5, 0.5], [1, 0, 0]]), "sums to 1.5"),
        (lambda c: c.tell(FIRST, [[0.5, 0.5], [1, 0]]), "one for each of the 3 classes"),
        (lambda c: c.tell(FIRST, np.full((2, 4), 0.25)), "one for each of the 3 classes"),
        (lambda c: c.tell(FIRST, ["bad"]), "2 ids and 1 answers"),
        (lambda c: c.tell([], []), "There are no answers"),
        (lambda c: c.tell(FIRST, ["bad", "bad"], source="robot"), "source is 'robot'"),
        (
            lambda c: c.tell({"id": FIRST, "bad": [1, 0], "good": [0, 1]}),
            "no column fair, but columns for bad and good",
        ),
        (lambda c: c.tell({"id": FIRST, "verdict": ["bad", "bad"]}), "neither a column label beside verdict"),
        (lambda c: c.tell(pd.DataFrame({"label": ["bad"]})), "no column id"),
        (lambda c: c.withdraw(["p9"]), "p9 is not asked"),
        (lambda c: c.ask(probabilities(10), 2), "more than the 1 points that are free"),
        (lambda c: c.ask(probabilities(10), 0), "budget is 0"),
        (lambda c: c.ask(probabilities(10), 1.5), "budget is 1.5"),
        (lambda c: c.ask(probabilities(11), 1), "11 rows, and the pool 10 points"),
        (lambda c: c.ask(probabilities(2), 1, ids=["p9", "other"]), "other, where its pool has p0"),
        (lambda c: c.ask(probabilities(1), 1, ids=["p0"]), "of which 0 have probabilities"),
        (lambda c: c.ask(probabilities(10)[:, :2], 1), "one for each of the classes bad, fair and good"),
        (lambda c: c.ask(probabilities(10) * 2, 1), "sums to"),
        (lambda c: c.ask(probabilities(10), 1, gain="luck"), "gain is 'luck'"),
        (lambda c: c.ask({"id": ["p9"], "bad": [1.0], "ugly": [0.0]}, 1), "no column fair and good"),
        (lambda c: c.score(1.2), "accuracy is 1.2"),
        (lambda c: Campaign.create("reviews", ["x"], classes=["a", "b"], store=c.path.parent), "already"),
    ],
)
def test_one_sentence_and_nothing_changes(campaign: Campaign, act: Callable[[Campaign], object], words: str) -> None:
    before = campaign.entries(), campaign.status()
    with pytest.raises(InputError, match=words) as told:
        act(campaign)
    assert "\n" not in str(told.value)
    assert (campaign.entries(), campaign.status()) == before
    assert campaign.verify() == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pool": []}, "pool is empty"),
        ({"pool": ["x", "x"]}, "rows 0 and 1 are both called x"),
        ({"pool": ["x", ""]}, "Row 1 of pool has no id"),
        ({"pool": {"id": ["x"], "label": ["a"]}}, "nothing to ask"),
        ({"pool": ["x", "l"]}, "The id l is in pool and in labeled"),
        ({"checked": [("l", "a", "a")]}, "The id l is in labeled and in checked"),
        ({"labeled": [("l", "c")]}, "'c', which is none of the classes"),
        ({"labeled": ["l"]}, "no label for l"),
        ({"classes": ["a"]}, "at least two classes"),
        ({"classes": ["a", "a"]}, "each needs a name of its own"),
        ({"classes": ["a", "weight"]}, "name of a column"),
        ({"price": -1}, "price is -1"),
        ({"price": "cheap"}, "price is 'cheap'"),
        ({"max_cost": "nan"}, "max_cost is nan"),
        ({"name": "Big Words"}, "lower-case letters"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_nothing_is_made_of_bad_input(tmp_path: Path, values: dict, words: str) -> None:
    sound = {"name": "first", "pool": ["x", "y"], "classes": ["a", "b"], "labeled": [("l", "a")]}
    with pytest.raises(InputError, match=words) as told:
        Campaign.create(**{**sound, **values}, store=tmp_path / "store")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "store").exists() or not list((tmp_path / "store").iterdir())


def test_a_withdrawn_question_takes_no_answer(campaign: Campaign) -> None:
    campaign.withdraw(["p3"])
    with pytest.raises(InputError, match="p3, which was withdrawn and is free again"):
        campaign.tell(["p3"], ["bad"])
    campaign.tell(["p4"], ["bad"])
    with pytest.raises(InputError, match="p4 is answered"):
        campaign.withdraw(["p4"])


def test_a_campaign_that_is_none(campaign: Campaign) -> None:
    store = campaign.path.parent
    with pytest.raises(InputError, match="did you mean reviews"):
        Campaign.open("review", store)
    with pytest.raises(InputError, match="There are none in"):
        Campaign.open("reviews", store / "elsewhere")
    (campaign.path / "campaign.sqlite").write_bytes(b"no database at all, but long enough to be read as one" * 99)
    for act in (lambda: Campaign.open("reviews", store), lambda: campaign.tell(["p0"], ["bad"])):
        with pytest.raises(DamagedError, match="ledger of campaign reviews cannot be read"):
            act()


def test_the_pool_kept_beside_the_ledger_may_not_change(tmp_path: Path) -> None:
    pool = tmp_path / "pool.csv"
    pool.write_text("id,text\np1,one\np2,two\n")
    campaign = Campaign.create("texts", str(pool), classes=["a", "b"], checked=[("c", "a", "a")], store=tmp_path)
    pool.write_text("id,text\np3,three\n")  # the user's own file may: the campaign has what it needs
    picks = campaign.ask([[0.5, 0.5], [0.6, 0.4]], 2)
    texts = {"p1": "one", "p2": "two"}
    assert campaign.shown(picks.ids) == {"text": [texts[key] for key in picks.ids]}
    kept = campaign.path / "pool.parquet"
    kept.write_bytes(kept.read_bytes() + b"more")
    with pytest.raises(DamagedError, match="was changed after campaign texts was made"):
        campaign.shown(picks.ids)
    assert any("was changed" in fault for fault in campaign.verify())


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger set soft = x'00' where kind = 'told'",
        "update ledger set label = 7, soft = null where kind = 'told'",
        "update rounds set facts = '{}' where round = 1",
        "update meta set value = 'much' where key = 'price'",
        "drop table scores",
    ],
)
def test_a_ledger_that_was_changed_is_said_to_be_damaged(campaign: Campaign, statement: str) -> None:
    campaign.tell(FIRST, [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])
    database = sqlite3.connect(campaign.path / "campaign.sqlite")
    for table in ("ledger", "rounds"):
        database.execute(f"drop trigger {table}_update")
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(DamagedError) as told:
        read_all(campaign.path.parent)
    assert "\n" not in str(told.value)


def read_all(store: Path) -> None:
    again = Campaign.open("reviews", store)
    again.status()
    again.training_set()
