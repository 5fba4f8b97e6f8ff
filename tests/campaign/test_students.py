"""A campaign with a student of ours scores its pool itself; a run goes by itself, and goes on after a kill."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core import Campaign
from rad_core.campaign.rehearsing import (
    Difference,
    Line,
    Rehearsal,
    difference,
    findings,
    from_json,
    half_width,
    to_json,
)
from rad_core.campaign.running import plan_of, run
from rad_core.campaign.settings import Manner
from rad_core.errors import DamagedError, InputError, StoreError
from rad_core.partials import holding
from rad_core.selection.api import estimate_accuracy
from tests.campaign.test_files import rad

CLASSES = ["left", "right"]
KILLS = int(os.environ.get("RAD_RUN_KILLS", "4"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two clouds that overlap; a pool of 200, 40 checked examples, a teacher that answers all but one of the pool."""
    rng = np.random.default_rng(0)
    side = rng.integers(2, size=240)
    features = rng.normal(size=(240, 3)).astype(np.float32)
    features[:, 0] += 2 * side
    ids = np.array([f"p{at}" for at in range(200)] + [f"c{at}" for at in range(40)])
    teacher = np.where(rng.random(240) < 0.9, side, 1 - side)
    labels = np.full(200, "", object)
    labels[:4] = np.array(CLASSES, object)[side[:4]]
    np.savez(tmp_path / "pool.npz", features=features[:200], ids=ids[:200], labels=labels.astype(str))
    frame = pd.DataFrame(features[200:], columns=["f0", "f1", "f2"]).assign(id=ids[200:])
    frame["label"] = np.array(CLASSES)[side[200:]]
    frame["teacher"] = np.array(CLASSES)[teacher[200:]]
    frame.to_csv(tmp_path / "checked-columns.csv", index=False)
    lists = frame.drop(columns=["f0", "f1", "f2"]).assign(features=list(features[200:]))
    lists.to_parquet(tmp_path / "checked.parquet")
    lists.drop(columns="teacher").to_parquet(tmp_path / "unasked.parquet")
    answers = pd.DataFrame({"id": ids, "label": np.array(CLASSES)[teacher]})
    answers[answers["id"] != "p9"].to_csv(tmp_path / "answers.csv", index=False)
    np.save(tmp_path / "truth.npy", side)
    return tmp_path


def create(place: Path, **changes: object) -> Campaign:
    values: dict = {
        "pool": f"features:{place / 'pool.npz'}",
        "checked": str(place / "checked.parquet"),
        "price": "0.1",
        "student": "linear",
        "teacher": f"table:{place / 'answers.csv'}",
        "store": place / "store",
        **changes,
    }
    return Campaign.create(values.pop("name", "clouds"), **values)


@pytest.mark.parametrize("student", ["linear", "mlp"])
def test_a_student_of_ours_scores_the_pool(place: Path, student: str) -> None:
    campaign = create(place, student=student)
    assert campaign.status().labeled == 4  # an empty label means: not labeled
    probabilities = campaign.probabilities()
    truth = np.load(place / "truth.npy")[4:200]
    assert probabilities.shape == (196, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == truth) > 0.75
    np.testing.assert_array_equal(probabilities, campaign.probabilities())
    picks = campaign.ask(budget=20)
    assert len(set(picks.ids)) == 20
    assert campaign.verify() == []


def test_the_checked_examples_are_learned_from_unless_told_otherwise(place: Path) -> None:
    assert "checked" in create(place).training_set().sources
    campaign = create(place, name="apart", learn_from_checked=False)
    assert set(campaign.training_set().sources) == {"labeled"}
    assert "checked" in campaign.training_set(learn_from_checked=True).sources
    alone = campaign.probabilities()
    assert np.abs(alone - create(place, name="both").probabilities()).max() > 1e-3
    campaign.ask(budget=10)
    assert Campaign.open("apart", place / "store").verify() == []


def test_the_share_right_comes_of_students_that_did_not_learn_from_the_example(place: Path) -> None:
    campaign = create(place)
    scores = campaign.own_scores()
    assert scores.unseen is not None
    positions, unseen = scores.unseen
    assert len(positions) == 40
    from rad_core.campaign import features, students

    held = features.load(campaign.path, campaign.settings.features)
    examples = campaign.training_set()
    seen = students.train("linear", held, examples.positions, examples.targets, 0)(held[positions])
    assert np.abs(seen - unseen).max() > 1e-3
    facts = campaign.ask(budget=10).facts
    assert facts is not None
    assert [position for position, _ in facts.audit] == positions.tolist()
    assert campaign.status().rounds[0].right is not None


def test_features_come_as_numbers_of_rows_columns_and_lists(place: Path) -> None:
    arrays = np.load(place / "pool.npz")
    np.save(place / "pool.npy", arrays["features"])
    campaign = create(place, pool=f"features:{place / 'pool.npy'}", classes=CLASSES)
    assert campaign.ask(budget=200).ids[0].isdigit()
    frame = pd.DataFrame(arrays["features"], columns=["f0", "f1", "f2"]).assign(id=arrays["ids"])
    frame.to_csv(place / "pool.csv", index=False)
    said = rad(
        *("campaign", "create", "columns", "--pool", place / "pool.csv", "--student", "linear"),
        *("--checked", place / "checked-columns.csv", "--store", place / "store"),
    )
    assert "its features are columns f0, f1 and f2" in said
    assert "20 questions" in rad(
        "ask", "columns", "--budget", 20, "-o", place / "picks.csv", "--store", place / "store"
    )


def test_a_folder_of_images_is_a_pool(place: Path) -> None:
    for folder, names in (("unlabeled", "abc"), ("cat", "d"), ("dog", "ef")):
        (place / "photos" / folder).mkdir(parents=True)
        for name in names:
            (place / "photos" / folder / f"{name}.png").write_bytes(b"")
    campaign = Campaign.create("photos", f"folder:{place / 'photos'}", store=place / "store")
    status = campaign.status()
    assert (status.pool["free"], status.labeled, status.classes) == (3, 3, ("cat", "dog"))
    assert campaign.shown(["unlabeled/a.png"])["image"] == [str(place / "photos" / "unlabeled" / "a.png")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"student": "forest"}, "choose one of linear, mlp"),
        ({"teacher": "oracle:x"}, "a campaign can call table:FILE"),
        ({"votes": 3}, "votes is 3"),
        ({"rounds": 0}, "rounds is 0"),
        ({"pool": "features:nowhere.npy"}, "There is no file nowhere.npy"),
        ({"pool": "folder:nowhere"}, "There is no folder nowhere"),
        ({"checked": "checked-columns.csv"}, "give all tables the same ones"),
        ({"pool": ["a", "b"]}, "has no features"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(place: Path, changes: dict, words: str) -> None:
    if "checked" in changes:
        changes = {"checked": str(place / changes["checked"])}
    with pytest.raises(InputError, match=words):
        create(place, **changes)
    assert not (place / "store" / "clouds").exists()


def test_features_that_are_no_numbers_or_changed_are_refused(place: Path) -> None:
    arrays = dict(np.load(place / "pool.npz"))
    arrays["features"][7, 1] = np.nan
    np.savez(place / "holes.npz", **arrays)
    with pytest.raises(InputError, match="The features of p7 are no finite numbers"):
        create(place, pool=f"features:{place / 'holes.npz'}")
    campaign = create(place)
    kept = np.load(campaign.path / "features.npy")
    kept[0] += 1
    np.save(campaign.path / "features.npy", kept)
    with pytest.raises(DamagedError, match="was changed"):
        campaign.ask(budget=1)
    assert any("was changed" in fault for fault in campaign.verify())


def test_a_run_goes_until_its_rounds_are_finished(place: Path) -> None:
    create(place, checked=str(place / "unasked.parquet"), rounds=3)
    said = rad("campaign", "run", "clouds", "--budget", 20, "--store", place / "store")
    assert "Checked examples: 40 asked" in said
    assert "3 rounds are finished." in said
    campaign = Campaign.open("clouds", place / "store")
    status = campaign.status()
    assert status.pool["asked"] == 0
    assert status.pool["answered"] + status.pool["abstained"] == 60
    assert status.spent == Decimal("10.0")
    assert campaign.verify() == []
    again = rad("campaign", "run", "clouds", "--budget", 20, "--store", place / "store")
    assert "0 answers" not in again.splitlines()[1]
    assert campaign.status().spent == Decimal("10.0")


def test_a_run_ends_at_the_wall_and_at_the_end_of_the_pool(place: Path) -> None:
    said: list[str] = []
    campaign = create(place, max_cost="3.05")
    status = run(campaign, plan_of(campaign, 9, 20, None), said.append)
    assert [each.asked for each in status.rounds] == [20, 10]
    assert any("The money is over" in line for line in said)
    whole = Campaign.create(
        "whole", f"features:{place / 'pool.npz'}", checked=str(place / "checked.parquet"), student="linear", store=place
    )
    status = run(whole, plan_of(whole, 9, 150, f"table:{place / 'answers.csv'}"), said.append)
    assert (status.pool["answered"], status.pool["abstained"]) == (195, 1)  # p9 is missing in the table
    assert any("The whole pool is asked about" in line for line in said)


def test_a_teacher_that_leaves_questions_open_ends_the_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rad_core.campaign import teachers
    from rad_core.campaign.contents import hard

    class Half:
        counted, introduction = False, ""

        def __init__(self, argument: str, classes: list[str], manner: Manner) -> None: ...

        def ask(self, batch, calls):
            yield [(question.id, hard(0)) for question in batch[: len(batch) // 2]]

        def close(self) -> None: ...

    create(place)
    monkeypatch.setitem(teachers.TEACHERS, "half", ("x", Half))
    arguments = ["campaign", "run", "clouds", "--budget", "10", "--teacher", "half:x", "--store", str(place / "store")]
    from click.testing import CliRunner

    from rad_core.cli import cli

    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 1
    assert "5 questions stay open" in result.output
    assert Campaign.open("clouds", place / "store").status().spent == Decimal("0.5")


def test_two_runs_at_once_are_refused_and_what_is_missing_is_named(place: Path) -> None:
    campaign = create(place)
    with holding(campaign.path), pytest.raises(StoreError, match="Another process runs"):
        run(campaign, plan_of(campaign, 1, 5, None), print)
    outside = create(place, student=None, store=place / "outside")
    assert outside.status().pool["free"] == 196
    arguments = ["campaign", "run", "clouds", "--budget", 5, "--store"]
    assert "no student of ours" in rad(*arguments, place / "outside", code=2)
    create(place, teacher=None, store=place / "told")
    assert "no teacher to call" in rad(*arguments, place / "told", code=2)
    assert "budget is 0" in rad(*arguments[:4], 0, "--store", place / "store", code=2)


@pytest.mark.slow
@pytest.mark.long
def test_a_run_that_is_killed_pays_for_nothing_twice(place: Path) -> None:
    """Killed at random moments and started again: the same points, the same money, the same training set."""
    calm = create(place, checked=str(place / "unasked.parquet"))
    run(calm, plan_of(calm, 4, 15, None), lambda text: None)
    killed = create(place, checked=str(place / "unasked.parquet"), store=place / "killed")
    command = [sys.executable, "-m", "rad_core.cli", "campaign", "run", "clouds", "--rounds", "4", "--budget", "15"]
    command += ["--store", str(place / "killed")]
    rng = random.Random(0)
    for _ in range(KILLS):
        wanted = len(killed.entries()) + rng.randint(1, 40)  # killed at work, however long it takes to begin
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(killed.entries()) < wanted:
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert killed.verify() == []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    asked = Counter(point.id for _, entry, point in killed.entries() if entry.kind == "asked")
    assert set(asked.values()) == {1}
    assert killed.status().spent == calm.status().spent
    examples, wanted = killed.training_set(), calm.training_set()
    assert examples.ids == wanted.ids
    np.testing.assert_array_equal(examples.targets, wanted.targets)


def test_a_rehearsal_says_what_it_found_and_changes_nothing(place: Path) -> None:
    campaign = create(place)
    before = campaign.entries()
    said = rad("campaign", "rehearse", "clouds", "--repeats", 3, "--store", place / "store")
    assert "4 labeled examples to learn from, 20 checked ones as the pool, 20 others to test on" in said
    assert "help is " in said
    assert "of 40 checked examples; 40 know m to" in said
    assert campaign.entries() == before
    for arguments, words in ((["--repeats", 2], "repeats is 2"), (["--student", "forest"], "choose one of")):
        assert words in rad("campaign", "rehearse", "clouds", *arguments, "--store", place / "store", code=2)
    create(place, checked=str(place / "unasked.parquet"), store=place / "unasked")
    assert "there are 0 and 4" in rad("campaign", "rehearse", "clouds", "--store", place / "unasked", code=2)


def test_a_rehearsal_says_what_is_shown_and_no_more_and_reaches_another_process_whole() -> None:
    nothing, more, less = Difference(0.01, -0.1, 0.1), Difference(0.2, 0.1, 0.3), Difference(-0.2, -0.3, -0.1)
    lines = (
        Line("rad", 10, 0.7, nothing, nothing),
        Line("rad", 20, 0.8, more, more),
        Line("margin", 20, 0.5, nothing, less),
        Line("uniform", 20, 0.7, more, None),
    )
    played = Rehearsal(20, 20, 4, 3, 0.6, lines, estimate_accuracy([1.0] * 30 + [0.0] * 10), ((40, 0.1), (160, 0.05)))
    assert from_json(to_json(played)) == played
    helps, matters, *_ = findings(played)
    assert helps == "That labels of this teacher help is shown, from 20 labels on."
    assert matters == (
        "That it matters which are chosen is shown: RAD at 20 is ahead of labels at random and margin at 20 is behind "
        "labels at random."
    )
    helps, matters, *_ = findings(replace(played, lines=lines[:1]))
    assert helps == "That labels of this teacher help is not shown at this size."
    assert matters == "That it matters which are chosen is not shown at this size."


def test_intervals_of_a_rehearsal_are_wider_than_those_of_independent_repeats() -> None:
    values = np.random.default_rng(0).normal(0.02, 0.01, 10)
    found = difference(values, 50, 50)
    assert found.mean == pytest.approx(values.mean())
    plain = 2.262 * values.std(ddof=1) / np.sqrt(10)  # t of 9 degrees of freedom
    assert (found.high - found.low) / 2 == pytest.approx(plain * np.sqrt(1 + 10), rel=1e-3)
    assert difference([0.1, 0.1, 0.1], 20, 20).shown
    assert not difference([0.0, 0.0, 0.0], 20, 20).shown
    assert difference(values, 50, 50, 6).high > found.high
    assert half_width(0.8, 400) == pytest.approx(half_width(0.8, 100) / 2, rel=0.1)
