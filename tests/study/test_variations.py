"""Variations of RAD change the one thing they name, and are compared with the study they vary, seed by seed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core.running.engine import run_study
from rad_core.selection.game import game_value, solve_game
from rad_core.selection.sampling import sample
from rad_core.selection.strategies import Snapshot
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from rad_core.study.prepare import open_setting
from rad_core.study.students import Purchases, train_networks
from tests.conftest import tiny_config
from tests.studies import variations
from tests.studies.variations import (
    VARIATIONS,
    NamingTeacher,
    agreeing_ones,
    calibrate,
    calibrated_game,
    report,
    run_variation,
    spread_game,
    stratified_game,
    tree_order,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = create_study(tmp_path_factory.mktemp("varied"), tiny_config(seeds=2), "varied-study")
    run_study(study, workers=1)
    return study


def snapshot(gains: np.ndarray, accuracy: float) -> Snapshot:
    return Snapshot(np.full((len(gains), 2), 0.5), gains, int((1 - accuracy) * len(gains)))


def test_the_calibration_falls_with_the_gain_and_keeps_the_accuracy() -> None:
    rng = np.random.default_rng(0)
    gains = rng.random(400)
    right = rng.random(400) < 1 - 0.8 * gains
    found = calibrate(gains, right)(np.sort(gains))
    assert (np.diff(found) <= 0).all()
    assert found.mean() == pytest.approx(right.mean())
    assert found[0] > 0.8
    assert found[-1] < 0.5


def test_the_calibrated_game_is_the_game_on_discounted_gains() -> None:
    gains = np.linspace(0.05, 1, 50)
    found = calibrated_game(snapshot(gains, 0.6), 10, np.random.default_rng(0), lambda g: 1 - g / 2)
    np.testing.assert_allclose(found.q, solve_game(gains * (1 - gains / 2), 10, wrong=20).q)


def test_the_stratified_game_spends_the_budget_where_labels_are_worth_most() -> None:
    """No other sharing out of the budget is worth more to a buyer who plays the game within each stratum."""
    gains = np.random.default_rng(1).random(200)
    found = stratified_game(snapshot(gains, 0.6), 40, np.random.default_rng(0), lambda g: 1 - 0.7 * g)
    assert found.q.sum() == pytest.approx(40)
    assert len(set(found.positions.tolist())) == 40
    strata = np.array_split(np.argsort(gains, kind="stable"), variations.STRATA)
    wrong = [int((0.7 * gains[rows]).sum()) for rows in strata]

    def worth(q: np.ndarray) -> float:
        return sum(game_value(q[rows], gains[rows], k) for rows, k in zip(strata, wrong, strict=True))

    best = worth(found.q)
    for attempt in range(50):
        share = np.random.default_rng(attempt).multinomial(40, np.ones(variations.STRATA) / variations.STRATA)
        other = np.zeros(200)
        for rows, labels, k in zip(strata, share, wrong, strict=True):
            if labels:
                other[rows] = solve_game(gains[rows], int(min(labels, len(rows))), wrong=k).q
        assert worth(other) <= best + 1e-9


def test_the_spread_draw_keeps_the_chances_and_spreads() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 20)).repeat(5, axis=0) + 0.01 * rng.normal(size=(300, 20))  # 60 heaps of five
    gains = rng.uniform(0.2, 1, 300)
    state = Snapshot(np.full((300, 2), 0.5), gains, 60, features=features)
    game = solve_game(gains, 60, wrong=60)
    order = tree_order(features, game.q)
    assert sorted(order.tolist()) == list(range(300))
    drawn, heaps = np.zeros(300), {"spread": 0, "random": 0}
    for _ in range(400):
        picked = spread_game(state, 60, rng, lambda g: g).positions
        drawn[picked] += 1
        heaps["spread"] += len(set((picked // 5).tolist()))
        heaps["random"] += len(set((sample(game.q, rng, 60) // 5).tolist()))
    assert np.abs(drawn / 400 - game.q).max() < 5 * 0.5 / np.sqrt(400)
    assert heaps["spread"] > 1.1 * heaps["random"], "fewer points of a heap are drawn together"


def test_labels_that_an_early_student_contradicts_are_left_out(finished: Study) -> None:
    setting = open_setting(finished, 0)
    pool = np.arange(20)
    right = np.eye(setting.classes, dtype=np.float32)[setting.labels[setting.split.pool[pool]]]
    kept = agreeing_ones(setting, Purchases.plain(pool, right), 1)
    turned = agreeing_ones(setting, Purchases.plain(pool, np.roll(right, 1, axis=1)), 1)
    assert 0 < len(kept.pool) <= 20
    assert set(kept.pool.tolist()) <= set(pool.tolist())
    np.testing.assert_array_equal(kept.soft_labels, right[kept.pool])
    assert len(turned.pool) < 20


def test_a_teacher_that_draws_its_class_names_the_same_again(finished: Study) -> None:
    teacher = open_setting(finished, 0).teacher
    ids = np.arange(300)
    named = NamingTeacher(teacher, 0).peek(ids)[0]
    np.testing.assert_array_equal(named.sum(1), np.ones(300))
    np.testing.assert_array_equal(named[50:80], NamingTeacher(teacher, 0).peek(ids[50:80])[0])
    chances = teacher.peek(ids)[0]
    expected = chances.sum(0)
    spread = np.sqrt((chances * (1 - chances)).sum(0))
    assert (np.abs(named.sum(0) - expected) <= 5 * spread + 1e-3).all()


@pytest.mark.parametrize(
    "name", [name for name, each in VARIATIONS.items() if each.strategy == "rad" or name == "hard labels, uniform"]
)
def test_every_variation_starts_where_the_study_does(finished: Study, name: str) -> None:
    setting = open_setting(finished, 0)
    (first,) = train_networks([setting], [Purchases.nothing(setting.classes)], 0)
    rows = run_variation(setting, VARIATIONS[name], first)
    assert [row["labels"] for row in rows] == [0, 10, 20]
    if not name.startswith("learning from V"):  # its students know more from the start
        assert rows[0]["accuracy"] == finished.round_metrics("rad", 0, 0)["accuracy"]
    if name == "hard labels, uniform":  # the same purchases as in the study, only told less about them
        shares = [finished.round_metrics("uniform", 0, round)["teacher_right_share"] for round in (1, 2)]
        assert [row["teacher_right_share"] for row in rows[1:]] == pytest.approx(shares)


@pytest.mark.long
def test_finished_cells_are_not_run_again(
    finished: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "variations.csv"
    command = ["variations", finished.id, "calibrated", "--store", str(finished.path.parent), "-o", str(target)]
    command += ["--summary", str(tmp_path / "summary.csv")]
    monkeypatch.setattr(sys, "argv", command)
    variations.main()
    first = capsys.readouterr()
    assert "| calibrated | rad |" in first.out
    assert "calibrated, seed 1" in first.err
    variations.main()
    second = capsys.readouterr()
    assert second.out == first.out
    assert second.err == ""
    kept = pd.read_csv(tmp_path / "summary.csv")
    assert kept[["study", "variation", "against", "measure", "seeds"]].to_numpy().tolist() == [
        [finished.id, "calibrated", "rad", "area", 2],
        [finished.id, "calibrated", "rad", "final", 2],
    ]


def test_an_unknown_variation_is_refused_in_a_sentence(
    finished: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["variations", finished.id, "wishful", "--store", str(finished.path.parent)])
    with pytest.raises(SystemExit) as stopped:
        variations.main()
    assert stopped.value.code == 2
    assert "no variation 'wishful'" in capsys.readouterr().err


def test_differences_are_paired_by_seed(finished: Study) -> None:
    rad = finished.rounds_table().query("strategy == 'rad'")
    better = rad.assign(
        strategy="calibrated", accuracy=rad["accuracy"] + 0.01 * (rad["round"] == 2) * (1 + rad["seed"])
    )
    assert "+1.5, 2 repetitions: too few for an interval |" in report(finished, better)
