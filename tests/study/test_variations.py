"""Variations of RAD change the one thing they name, and are compared with the study they vary, seed by seed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rad_core.running.engine import run_study
from rad_core.selection.game import game_value, solve_game
from rad_core.selection.strategies import Snapshot
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from rad_core.study.prepare import open_setting
from rad_core.study.students import Purchases, train_networks
from tests.conftest import tiny_config
from tests.studies import variations
from tests.studies.variations import VARIATIONS, calibrate, calibrated_game, report, run_variation, stratified_game


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


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_variation_starts_where_the_study_does(finished: Study, name: str) -> None:
    setting = open_setting(finished, 0)
    (first,) = train_networks([setting], [Purchases.nothing(setting.classes)], 0)
    rows = run_variation(setting, VARIATIONS[name], first)
    assert [row["labels"] for row in rows] == [0, 10, 20]
    assert rows[0]["accuracy"] == finished.round_metrics("rad", 0, 0)["accuracy"]
    if name == "hard labels, uniform":  # the same purchases as in the study, only told less about them
        shares = [finished.round_metrics("uniform", 0, round)["teacher_right_share"] for round in (1, 2)]
        assert [row["teacher_right_share"] for row in rows[1:]] == pytest.approx(shares)


def test_finished_cells_are_not_run_again(
    finished: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "variations.csv"
    command = ["variations", finished.id, "calibrated", "--store", str(finished.path.parent), "-o", str(target)]
    monkeypatch.setattr(sys, "argv", command)
    variations.main()
    first = capsys.readouterr()
    assert "| calibrated | rad |" in first.out
    assert "calibrated, seed 1" in first.err
    variations.main()
    second = capsys.readouterr()
    assert second.out == first.out
    assert second.err == ""


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
    assert "+0.0150, 2 repetitions: too few for an interval |" in report(finished, better)
