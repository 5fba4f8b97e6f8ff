"""What is known before a purchase is what its words say, in numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rad_core.selection.foresight import foresee, width_of_fall
from rad_core.selection.game import game_value, solve_game

GAINS = np.array([0.9, 0.8, 0.1, 0.2, 0.3, 0.4, 0.05, 0.25])


def test_spread_and_fall_are_counted() -> None:
    checked = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    known = foresee(GAINS, checked, np.array([1, 1, 1, 1, 0, 0], bool), 2)
    assert known.lift == pytest.approx(0.85 / GAINS.mean())
    assert known.fall == pytest.approx(1 - 1 / 3)
    assert known.accuracy == pytest.approx(4 / 6)
    wrong = int(np.floor(8 * 2 / 6 + 1e-9))
    uniform = game_value(np.full(8, 0.25), GAINS, wrong)
    assert known.certain == pytest.approx(solve_game(GAINS, 2, wrong=wrong).value / uniform)
    assert np.isnan(known.closeness)


def test_the_interval_of_the_fall_holds_the_truth() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(500):
        gains = rng.random(120)
        right = rng.random(120) < np.where(gains > np.median(gains), 0.8, 0.97)
        held += abs(foresee(GAINS, gains, right, 2).fall - 0.17) <= width_of_fall(gains, right)
    assert 0.93 <= held / 500 <= 0.99
    assert width_of_fall(np.full(5, 0.5), np.ones(5, bool)) == np.inf


def test_points_that_repeat_one_another_are_close() -> None:
    rng = np.random.default_rng(0)
    gains, spread = np.linspace(0, 1, 400), rng.normal(size=(400, 3))
    right = np.ones(400, bool)
    assert foresee(gains, gains, right, 40, spread).closeness == pytest.approx(1.0, abs=0.25)
    spread[-40:] *= 0.01
    assert foresee(gains, gains, right, 40, spread).closeness > 20


@pytest.mark.parametrize("budget", [1, 8])
def test_the_ends_have_an_answer(budget: int) -> None:
    known = foresee(GAINS, np.full(5, 0.5), np.ones(5, bool), budget, np.ones((8, 2)))
    assert known.fall == 0.0
    assert np.isfinite([known.lift, known.certain, known.worth, known.closeness]).all()
