"""What-if guarantees from one sort equal the game solved and judged one by one; what a rule buys adds up."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad_core import game_value, solve_game
from rad_core.errors import InputError
from rad_core.selection.whatif import (
    RULES,
    class_coverage,
    default_accuracies,
    default_budgets,
    guarantees,
    inclusion,
    overlap_matrix,
    sort_gains,
    what_if,
    wrong_counts,
)

GAINS = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.floats(1e-9, 1e-3)), min_size=1, max_size=40
)


@settings(max_examples=200, deadline=None)
@given(GAINS, st.data())
@pytest.mark.parametrize("rule", RULES)
def test_a_curve_of_guarantees_equals_the_value_of_the_rule_point_by_point(
    rule: str, values: list[float], data: st.DataObject
) -> None:
    gains = np.array(values)
    n = len(gains)
    budgets = np.array(data.draw(st.lists(st.integers(1, n), min_size=1, max_size=4)))
    wrong = data.draw(st.integers(0, n + 1))
    found = guarantees(gains, budgets, wrong, rule)
    for budget, value in zip(budgets, found, strict=True):
        expected = game_value(inclusion(gains, int(budget), wrong, rule), gains, wrong)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-10 * gains.max() * n + 1e-240)


@pytest.mark.parametrize("shape", ["beta", "ties", "margins near 1"])
def test_it_is_exact_on_large_pools_for_every_budget_and_accuracy(shape: str) -> None:
    rng = np.random.default_rng(0)
    gains = {
        "beta": rng.beta(0.5, 1.5, 5000),
        "ties": rng.integers(0, 5, 5000) / 4,
        "margins near 1": 1 - rng.random(5000) ** 6,
    }[shape].astype(np.float32)
    budgets = np.array([1, 17, 500, 2500, 4999, 5000])
    wrong = np.array([0, 1, 250, 2400, 4990, 5000])
    table = guarantees(gains, budgets[:, None], wrong[None, :])
    for i, budget in enumerate(budgets):
        for j, k in enumerate(wrong):
            assert table[i, j] == pytest.approx(solve_game(gains, int(budget), wrong=int(k)).value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gains_of_zero_are_worth_nothing_in_any_precision(dtype: type) -> None:
    gains = np.array([1, 0.5, 0.25, 0, 0, 0], dtype)
    for budget, wrong in ((1, 1), (5, 1), (2, 3), (2, 5)):
        game = solve_game(gains, budget, wrong=wrong)
        assert game.value == pytest.approx(float(guarantees(gains, budget, wrong)))
        assert game.q.sum() == pytest.approx(budget)
        assert game.attack.sum() <= wrong + 1e-6


def test_rad_guarantees_more_than_the_others_and_greedy_nothing_below_the_mistakes() -> None:
    gains = np.random.default_rng(1).beta(0.7, 1.6, 2000)
    budgets = np.arange(1, 2001, 37)
    rad, uniform, greedy = (guarantees(gains, budgets, 300, rule) for rule in RULES)
    assert (rad >= uniform - 1e-9).all()
    assert (rad >= greedy - 1e-9).all()
    assert (greedy[budgets <= 300] == 0).all()
    assert (greedy[budgets > 300] > 0).all()


def test_both_curves_of_three_rules_take_a_blink_at_fifty_thousand_points() -> None:
    gains = np.random.default_rng(0).beta(0.5, 1.5, 50_000).astype(np.float32)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        pool = sort_gains(gains)
        for rule in RULES:
            guarantees(pool, default_budgets(pool.size, 1000, 5000), 5000, rule)
            guarantees(pool, 1000, wrong_counts(pool.size, default_accuracies(0.9, pool.size, 1000)), rule)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.15


def test_the_grid_of_a_curve_holds_the_current_value_and_the_corners() -> None:
    assert {777, 5000} <= set(default_budgets(50_000, 777, 5000).tolist())
    accuracies = default_accuracies(0.913, 50_000, 1000)
    assert 0.913 in accuracies
    assert 1 - 1000 / 50_000 in accuracies
    assert accuracies[-1] == 1.0
    assert default_accuracies(0.4).min() <= 0.3


@pytest.mark.parametrize("rule", [*RULES, "oracle"])
def test_inclusion_probabilities_spend_the_budget_exactly(rule: str) -> None:
    rng = np.random.default_rng(2)
    gains, right = rng.integers(0, 6, 300) / 5, rng.random(300) < 0.8
    for budget in (1, 40, 299, 300):
        q = inclusion(gains, budget, 60, rule, right)
        assert q.sum() == pytest.approx(budget)
        assert q.min() >= 0
        assert q.max() <= 1 + 1e-12


def test_what_a_rule_buys_is_the_sum_over_the_pool() -> None:
    gains = np.array([0.9, 0.8, 0.5, 0.1])
    right, labels = np.array([False, True, True, True]), np.array([0, 1, 1, 2])
    greedy, oracle = what_if(
        gains, 2, 1, ("greedy", "oracle"), right=right, labels=labels, classes=3, price=0.5, latency=3
    )
    assert (greedy.wrong_labels, greedy.gain, greedy.useful_gain) == pytest.approx((1.0, 1.7, 0.8))
    assert greedy.guarantee == pytest.approx(0.8)
    assert greedy.right_share == pytest.approx(0.5)
    assert (greedy.cost, greedy.seconds) == (1.0, 6.0)
    assert greedy.coverage == pytest.approx((1.0, 1.0, 0.0))
    assert (oracle.wrong_labels, oracle.useful_gain) == pytest.approx((0.0, 1.3))


def test_probabilities_of_being_right_may_stand_in_for_the_truth_and_nothing_known_gives_nan() -> None:
    gains = np.array([0.9, 0.8, 0.5, 0.1])
    (guess,) = what_if(gains, 2, 1, ("uniform",), right=np.array([0.5, 1.0, 1.0, 1.0]))
    assert guess.wrong_labels == pytest.approx(0.25)
    (unknown,) = what_if(gains, 2, 1, ("uniform",))
    assert math.isnan(unknown.wrong_labels)
    assert math.isnan(unknown.useful_gain)
    assert unknown.coverage == ()


def test_expected_overlap_is_that_of_independent_draws() -> None:
    rng = np.random.default_rng(0)
    one, other = np.array([0.2, 0.9, 0.4, 0.5]), np.array([1.0, 0.3, 0.3, 0.4])
    draws = (rng.random((200_000, 4)) < one) & (rng.random((200_000, 4)) < other)
    shares = overlap_matrix({"rad": one, "uniform": other})
    assert shares.loc["rad", "uniform"] == pytest.approx(draws.sum(axis=1).mean() / 2, abs=0.005)
    assert class_coverage(one, [0, 0, 1, 1], 3) == pytest.approx([1.1, 0.9, 0.0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: guarantees([0.5, 0.2], [3], 0), "budget runs from 3 to 3; it must be from 1 to 2"),
        (lambda: guarantees([0.5, 0.2], 1, -1), "wrong runs from -1"),
        (lambda: guarantees([0.5, 0.2], 1.5, 0), "whole number"),
        (lambda: guarantees([0.5, 0.2], 1, 0, "badge"), "rule is 'badge'"),
        (lambda: guarantees([0.5, np.nan], 1, 0), "finite"),
        (lambda: guarantees([0.5, -0.1], 1, 0), "0 or more"),
        (lambda: inclusion(np.array([0.5, 0.2]), 1, 0, "oracle"), "pass right"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
