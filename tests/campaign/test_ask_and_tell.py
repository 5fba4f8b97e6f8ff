"""What was bought is never lost, never bought twice, and costs what the ledger says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from rad_core import Campaign
from rad_core.campaign.ledger import DATABASE
from rad_core.campaign.reading import scores_of
from rad_core.errors import InputError
from rad_core.selection.api import estimate_accuracy
from tests.campaign.examples import CLASSES, make, probabilities


def one_hot(*numbers: int) -> np.ndarray:
    return np.eye(3)[list(numbers)]


def test_it_needs_no_torch(tmp_path: Path) -> None:
    code = f"""
from rad_core import Campaign
import sys
checked = [("c", "a", "a"), ("d", "b", "b")]
campaign = Campaign.create("first", pool=["x", "y"], checked=checked, store={str(tmp_path)!r})
picks = campaign.ask([[0.5, 0.5], [0.9, 0.1]], 1)
campaign.tell(picks.ids, ["a"])
ids, targets = campaign.training_set()
assert len(ids) == 3, ids
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_point_is_asked_twice_until_the_pool_is_empty(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    asked: list[str] = []
    for budget in (7, 13, 20):
        picks = campaign.ask(probabilities(40), budget)
        assert len(picks.ids) == len(set(picks.ids)) == budget
        asked += picks.ids
    assert sorted(asked) == sorted(f"p{at}" for at in range(40))
    with pytest.raises(InputError, match="more than the 0 points that are free"):
        campaign.ask(probabilities(40), 1)


def test_what_is_withdrawn_is_free_again(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    first = campaign.ask(probabilities(40), 40)
    assert campaign.withdraw(first.ids[:5]) == 5
    assert campaign.status().pool == {"free": 5, "asked": 35, "answered": 0, "abstained": 0}
    again = campaign.ask(probabilities(40), 5)
    assert sorted(again.ids) == sorted(first.ids[:5])
    assert campaign.verify() == []


def test_the_game_gets_the_lower_bound_and_picks_come_in_random_order(tmp_path: Path) -> None:
    campaign = make(tmp_path, pool=400)
    picks = campaign.ask(probabilities(400), 200)
    bound = estimate_accuracy([1.0] * 24 + [0.0] * 6).lower_bound
    assert picks.facts is not None
    assert picks.facts.teacher_accuracy == bound
    assert picks.facts.wrong == int((1 - bound) * 400)
    assert abs(picks.facts.total_q - 200) < 1e-6
    halves = picks.q[:100].mean(), picks.q[100:].mean()  # sorted, the certain ones would come first
    assert abs(halves[0] - halves[1]) < 0.1


def test_the_same_campaign_draws_the_same_picks(tmp_path: Path) -> None:
    picks = [make(tmp_path / str(copy)).ask(probabilities(40), 9).ids for copy in range(2)]
    assert picks[0] == picks[1]
    assert make(tmp_path / "other", seed=1).ask(probabilities(40), 9).ids != picks[0]


def test_answers_come_in_parts_in_any_order_and_again(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    picks = campaign.ask(probabilities(40), 4)
    soft = probabilities(4, seed=3)
    assert campaign.tell(picks.ids[2:], soft[2:]).new == 2
    assert campaign.tell(picks.ids[::-1], soft[::-1] + 1e-9).again == 2
    examples = campaign.training_set(learn_from_checked=False)
    assert examples.ids == ["l0", "l1", *picks.ids]  # of asking, not of arrival
    assert examples.sources == ["labeled"] * 2 + ["teacher"] * 4
    np.testing.assert_allclose(examples.targets[2:], soft, atol=1e-8)
    assert campaign.status().spent == Decimal("0.4")


def test_abstentions_are_paid_for_and_teach_nothing(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    picks = campaign.ask(probabilities(40), 3)
    told = campaign.tell(picks.ids, np.array([[np.nan] * 3, [1, 0, 0], [0, 0.5, 0.5]]))
    assert (told.new, told.abstained) == (3, 1)
    assert campaign.status().pool["abstained"] == 1
    assert campaign.status().spent == Decimal("0.3")
    assert campaign.training_set(learn_from_checked=False).ids[2:] == picks.ids[1:]


def test_a_different_answer_is_a_correction_only_on_purpose(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    picks = campaign.ask(probabilities(40), 2)
    campaign.tell(picks.ids, ["bad", "good"])
    with pytest.raises(InputError, match="otherwise than before"):
        campaign.tell(picks.ids, ["bad", "fair"])
    assert campaign.correct(picks.ids, ["bad", "fair"]).corrected == 1
    np.testing.assert_array_equal(campaign.training_set().targets[-2:], one_hot(0, 1))
    assert campaign.status().spent == Decimal("0.2")


def test_a_person_replaces_the_teacher_and_is_not_counted_into_m(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    before = campaign.status().accuracy
    picks = campaign.ask(probabilities(40), 2)
    campaign.tell(picks.ids[:1], ["bad"], source="person")  # before the teacher's answer, which costs nothing more
    campaign.tell(picks.ids, ["good", "good"])
    campaign.tell(picks.ids[1:], [None], source="person")
    examples = campaign.training_set()
    assert examples.sources[-2:] == ["person", "teacher"]
    np.testing.assert_array_equal(examples.targets[-2:], one_hot(0, 2))
    assert campaign.status().accuracy == before
    assert campaign.status().spent == Decimal("0.2")


def test_checked_examples_without_an_answer_are_asked_about_first(tmp_path: Path) -> None:
    campaign = make(tmp_path, checked=[("c0", "bad"), ("c1", "good"), ("c2", "fair")], max_cost="0.5")
    with pytest.raises(InputError, match="Nobody knows yet how often the teacher is right"):
        campaign.ask(probabilities(40), 1)
    first = campaign.ask_checked()
    assert first.ids == ["c0", "c1", "c2"]
    assert campaign.status().reserved == Decimal("0.3")
    with pytest.raises(InputError, match="no checked example left"):
        campaign.ask_checked()
    campaign.tell(first.ids, ["bad", "bad", None])
    estimate = campaign.status().accuracy
    assert estimate is not None
    assert (estimate.right, estimate.total) == (1, 2)
    with pytest.raises(InputError, match="ask for at most 2"):
        campaign.ask(probabilities(40), 3)
    campaign.ask(probabilities(40), 2)


def test_the_wall_counts_what_is_open_and_is_exact(tmp_path: Path) -> None:
    campaign = make(tmp_path, max_cost="1.0")  # ten times 0.1, which as floats is less than 1
    first = campaign.ask(probabilities(40), 7)
    campaign.tell(first.ids[:3], probabilities(3))
    with pytest.raises(InputError, match=r"0\.30 EUR are spent and 0\.40 EUR reserved.*ask for at most 3"):
        campaign.ask(probabilities(40), 4)
    campaign.ask(probabilities(40), 3)
    with pytest.raises(InputError, match="no label fits any more"):
        campaign.ask(probabilities(40), 1)
    campaign.withdraw(first.ids[3:4])
    campaign.ask(probabilities(40), 1)
    assert campaign.verify() == []
    assert campaign.status().spent + campaign.status().reserved == Decimal("1.0")


def test_open_questions_are_written_again(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    picks = [campaign.ask(probabilities(40), 3) for _ in range(2)]
    campaign.tell(picks[0].ids[1:2], ["bad"])
    again = Campaign.open("reviews", tmp_path).open_questions()
    assert again.ids == [picks[0].ids[0], picks[0].ids[2], *picks[1].ids]
    assert again.rounds.tolist() == [1, 1, 2, 2, 2]
    np.testing.assert_allclose(again.q[2:], picks[1].q)


def test_scores_are_points_of_a_curve(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    campaign.score(0.5)
    campaign.tell(campaign.ask(probabilities(40), 4).ids, ["bad"] * 4)
    score = campaign.score(probabilities=one_hot(0, 1, 2, 2), labels=["bad", "fair", "good", "bad"])
    assert (score.accuracy, score.total, score.labels, score.cost) == (0.75, 4, 4, Decimal("0.4"))
    assert [each.accuracy for each in campaign.status().scores] == [0.5, 0.75]
    with pytest.raises(InputError, match="either an accuracy"):
        campaign.score()


def test_the_ledger_takes_nothing_back(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    campaign.ask(probabilities(40), 4)
    database = sqlite3.connect(campaign.path / DATABASE)
    for statement in ("delete from ledger", "update ledger set cost = '0'", "delete from rounds", "delete from points"):
        with pytest.raises(sqlite3.IntegrityError, match="only added"):
            database.execute(statement)
    database.close()


def test_verify_sees_what_was_changed(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    campaign.tell(campaign.ask(probabilities(40), 4).ids, ["bad"] * 4)
    assert campaign.verify() == []
    database = sqlite3.connect(campaign.path / DATABASE)
    database.execute("drop trigger ledger_update")
    database.execute("update ledger set cost = '0.05' where kind = 'told' and entry % 2")
    database.execute("update ledger set position = (select max(position) from ledger where round = 1) where entry = 31")
    database.commit()
    database.close()
    assert any("was due" in fault for fault in campaign.verify())
    gains = campaign.path / "round-1-gains.npy"
    values = np.load(gains)
    np.save(gains, np.where(np.isnan(values), values, values / 2))
    assert any("other digest" in fault for fault in campaign.verify())


def test_the_share_right_among_the_picks_is_that_of_a_simulation(tmp_path: Path) -> None:
    """A teacher that errs where the student is unsure: m is too optimistic for the picks, the weighted share is not."""
    rng = np.random.default_rng(1)
    checked, pool = 1500, 3000
    beliefs = rng.dirichlet([0.4] * 3, checked + pool)
    ranked = np.sort(beliefs, axis=1)
    right = rng.random(checked + pool) > 0.5 * (1 - (ranked[:, 2] - ranked[:, 1]))
    ids = [f"{'c' if row < checked else 'p'}{row}" for row in range(checked + pool)]
    examples = [(ids[row], "bad", "bad" if right[row] else "fair") for row in range(checked)]
    campaign = Campaign.create("shares", ids[checked:], classes=CLASSES, checked=examples, store=tmp_path)
    picks = campaign.ask(beliefs, 600, ids=ids, checked_unseen=True)
    true_share = np.mean([right[int(name[1:])] for name in picks.ids])
    (audited,) = campaign.status().rounds
    assert audited.right is not None
    assert audited.right.low < true_share < audited.right.high
    estimate = campaign.status().accuracy
    assert estimate is not None
    assert estimate.mean > true_share + 0.03
    assert 1 <= audited.right.effective <= audited.right.examples <= checked
    gains, flags = campaign.checked_gains(scores_of(beliefs, campaign.classes, ids), checked_unseen=True)
    assert flags.tolist() == right[:checked].tolist()
    np.testing.assert_allclose(gains, 1 - (ranked[:checked, 2] - ranked[:checked, 1]), atol=1e-6)
    assert len(campaign.checked_gains(scores_of(beliefs, campaign.classes, ids))[0]) == 0  # of whom nobody says so
    with pytest.raises(InputError, match="hold no checked example"):
        campaign.ask(beliefs[checked:], 5, checked_unseen=True)


def test_classes_are_those_that_occur(tmp_path: Path) -> None:
    campaign = Campaign.create("two", ["x"], labeled={"l": "no"}, checked=[("c", "yes", "no")], store=tmp_path)
    assert campaign.classes == ("no", "yes")
    assert sorted(CLASSES) == CLASSES
