"""The recommendation: equal to brute force and to scikit-learn, and its sentences never say more than was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from app import recommend, recommend_words
from app.recommend import FURTHER, Goal, Recommendation, fit, fit_all
from rad_core.errors import InputError

accuracies = st.lists(st.integers(0, 1000), min_size=2, max_size=12).map(lambda values: np.array(values) / 1000)


def study(curves: Mapping[str, list[list[float]]], step: int = 10) -> pd.DataFrame:
    """Rounds of strategies (a list of accuracies per seed), `step` labels bought in each."""
    rows = [
        (strategy, seed, round, float(step * round), accuracy)
        for strategy, seeds in curves.items()
        for seed, values in enumerate(seeds)
        for round, accuracy in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy"])


def shifted(values: list[float], by: list[float]) -> list[list[float]]:
    """A curve per seed."""
    return [[value + shift for value in values] for shift in by]


def words(found: Recommendation, safe: Mapping[str, float] | None = None, **levels: float) -> str:
    parts = [recommend_words.title(found), recommend_words.advice(found), *recommend_words.comparison(found)]
    parts += [recommend_words.worst_case(found, safe or {}), recommend_words.ceiling(found, levels)]
    return " ".join([*parts, *recommend_words.cost(found, found.goal.price, "EUR", 0.0)])


# --- the fit -------------------------------------------------------------------------------------------------------


@given(accuracies)
def test_the_fit_is_isotonic_regression(measured: np.ndarray) -> None:
    labels = np.arange(len(measured)) * 7.0
    expected = IsotonicRegression().fit_transform(labels, measured)
    assert np.allclose(fit(labels, measured).accuracy, expected)


@given(accuracies, st.integers(1, 999))
@settings(deadline=None)
def test_labels_needed_are_those_of_a_fine_search(measured: np.ndarray, thousandths: int) -> None:
    target, labels = thousandths / 1000, np.arange(len(measured)) * 10.0
    line = fit(labels, measured)
    grid = np.linspace(0.0, line.most, 4001)
    reached = np.flatnonzero(
        np.interp(grid, labels, IsotonicRegression().fit_transform(labels, measured)) >= target - 1e-12
    )
    needed = line.needed(target)
    if len(reached):
        assert needed == pytest.approx(grid[reached[0]], abs=1.01 * line.most / 4000)
    else:
        assert math.isnan(needed) or line.most < needed <= line.limit


def test_a_line_is_continued_by_the_slope_of_its_last_quarter_and_no_further() -> None:
    line = fit(np.array([0.0, 10, 20, 30, 40]), np.array([0.5, 0.6, 0.7, 0.7, 0.72]))
    assert line.slope == pytest.approx(0.002)
    assert line.limit == pytest.approx(40 * (1 + FURTHER))
    assert line.needed(0.73) == pytest.approx(45)
    assert line.at(45) == pytest.approx(0.73)
    assert math.isnan(line.needed(0.75))
    assert math.isnan(line.at(50.1))
    flat = fit(np.array([0.0, 10, 20, 30, 40]), np.array([0.5, 0.6, 0.7, 0.75, 0.75]))
    assert math.isnan(flat.needed(0.76)), "a flat end leads nowhere"


# --- one rule ------------------------------------------------------------------------------------------------------


def test_the_interval_is_students_t_over_the_seeds() -> None:
    table = study({"rad": shifted([0.5, 0.6, 0.7, 0.8], [-0.02, 0.0, 0.01, 0.03])})
    rule = recommend.rule_for_target("rad", fit_all(table)["rad"], 0.7)
    needed = [20 - 100 * shift for shift in (-0.02, 0.0, 0.01, 0.03)]
    low, high = stats.t.interval(0.95, 3, np.mean(needed), stats.sem(needed))
    assert rule.basis == "measured"
    assert rule.reached == 4
    assert (rule.labels.mean, rule.labels.low, rule.labels.high) == pytest.approx((np.mean(needed), low, high))
    assert rule.spread == pytest.approx((17, 22))


def test_one_seed_is_never_continued_beyond_what_was_measured() -> None:
    lines = fit_all(study({"rad": [[0.5, 0.6, 0.7, 0.8]]}))["rad"]
    assert recommend.rule_for_target("rad", lines, 0.81).basis == "not reached"
    assert recommend.rule_for_labels("rad", lines, 31).basis == "not reached"


def test_a_continuation_counts_only_while_its_interval_stays_within_the_limit() -> None:
    close = fit_all(study({"rad": shifted([0.5, 0.6, 0.7, 0.8], [0.0, 0.0005, 0.001])}))["rad"]
    assert recommend.rule_for_target("rad", close, 0.82).basis == "beyond"
    apart = fit_all(study({"rad": shifted([0.5, 0.6, 0.7, 0.8], [-0.04, 0.0, 0.03])}))["rad"]
    assert all(math.isfinite(line.needed(0.82)) for line in apart.values())
    assert recommend.rule_for_target("rad", apart, 0.82).basis == "not reached"


def test_no_more_labels_are_recommended_than_the_pool_has() -> None:
    lines = fit_all(study({"rad": shifted([0.5, 0.6, 0.7, 0.8], [0.0, 0.0005, 0.001])}))["rad"]
    assert recommend.rule_for_target("rad", lines, 0.82, pool=31).basis == "not reached"


# --- which rule ----------------------------------------------------------------------------------------------------

RISING = [0.5, 0.6, 0.7, 0.8]
SEEDS = [-0.01, 0.0, 0.01]


def test_a_tie_keeps_rad_and_says_so() -> None:
    table = study({"rad": shifted(RISING, SEEDS), "uniform": shifted(RISING, [0.01, -0.01, 0.0])})
    found = recommend.recommend(table, Goal(target=0.7), pool=100)
    assert found.rule is not None
    assert found.rule.strategy == "rad"
    assert found.others("tie") == ["uniform"]
    said = words(found, {"rad": 9.0, "uniform": 4.0, "greedy": 0.0}, teacher=0.9, student_full=0.85)
    assert "no difference is shown" in said
    assert "any of them will do" in said
    assert "at least 9.0; chosen uniformly 4.0; the most informative first 0.0" in said
    assert "reason to prefer RAD" in said
    assert "beats" not in said
    assert "fewer" not in said
    assert "The teacher itself is right on 90.0%" in said


def test_a_baseline_that_needs_fewer_labels_is_recommended_instead() -> None:
    ahead = [shift + 0.05 + extra for shift, extra in zip(SEEDS, (0.0, 0.002, -0.002), strict=True)]
    table = study({"rad": shifted(RISING, SEEDS), "margin": shifted(RISING, ahead)})
    found = recommend.recommend(table, Goal(target=0.7), pool=100)
    assert found.rule is not None
    assert found.rule.strategy == "margin"
    assert found.labels == 15
    said = words(found, {"rad": 9.0, "uniform": 4.0, "greedy": 0.0})
    assert "Buy 15 labels, chosen by margin" in said
    assert "Margin needs 5 fewer labels here than RAD (95% interval" in said
    assert "3 seeds" in said
    assert "gives this safety up" in said


def test_a_win_of_rad_is_said_with_its_interval() -> None:
    behind = [shift - 0.05 + extra for shift, extra in zip(SEEDS, (0.0, 0.004, -0.004), strict=True)]
    table = study({"rad": shifted(RISING, SEEDS), "uniform": shifted(RISING, behind)})
    said = words(recommend.recommend(table, Goal(target=0.7), pool=100))
    assert "RAD needs 5 fewer labels here than uniform (95% interval 4 to 6, 3 seeds)" in said


def test_where_only_one_reaches_the_target_accuracies_are_compared() -> None:
    ahead = [shift + 0.05 + extra for shift, extra in zip(SEEDS, (0.0, 0.002, -0.002), strict=True)]
    table = study({"rad": shifted(RISING, SEEDS), "margin": shifted(RISING, ahead)})
    found = recommend.recommend(table, Goal(target=0.84), pool=100)
    assert [one.by for one in found.versus] == ["accuracy"]
    assert found.rule is not None
    assert found.rule.strategy == "margin"
    assert "margin is 5.0 percentage points more accurate than RAD" in words(found)


def test_a_comparison_at_a_finished_round_is_of_what_was_measured_there() -> None:
    """The line may differ from a last accuracy that fell; winners must be those of the curves' page."""
    rad = [[0.5, 0.7, 0.66 + shift] for shift in SEEDS]
    other = [[0.5, 0.7, 0.70 + shift + 0.001 * i] for i, shift in enumerate(SEEDS)]
    found = recommend.recommend(study({"rad": rad, "margin": other}), Goal(money=20, price=1.0), pool=100)
    measured = [0.66 - 0.70 - 0.001 * i for i in range(3)]
    assert found.versus[0].difference.mean == pytest.approx(np.mean(measured))


def test_one_seed_claims_nothing() -> None:
    found = recommend.recommend(study({"rad": [RISING], "uniform": [[0.5, 0.5, 0.5, 0.71]]}), Goal(target=0.7), 100)
    said = words(found)
    assert "Buy 20 labels, chosen by RAD" in said
    assert "1 seed: no uncertainty shown" in said
    assert "no rule is claimed to be better" in said
    assert "interval" not in said
    assert "fewer" not in said


def test_without_rad_the_best_rule_leads_and_the_oracle_never_does() -> None:
    table = study({
        "margin": shifted(RISING, [0.05, 0.06, 0.07]), "uniform": shifted(RISING, SEEDS),
        "oracle": shifted(RISING, [0.15, 0.15, 0.16]),
    })  # fmt: skip
    found = recommend.recommend(table, Goal(target=0.7), pool=100)
    assert found.rule is not None
    assert found.rule.strategy == "margin"
    assert [rule.strategy for rule in found.rules] == ["margin", "uniform"]
    assert "does not try RAD" in words(found, {"rad": 9.0, "uniform": 4.0, "greedy": 0.0})


# --- beyond and below what was measured ----------------------------------------------------------------------------


def test_a_target_out_of_reach_gets_no_number() -> None:
    found = recommend.recommend(study({"rad": shifted(RISING, SEEDS)}), Goal(target=0.95), pool=100)
    said = words(found, teacher=0.9)
    assert found.labels == 0
    assert "No number of labels can be given" in said
    assert "not reached within the 30 labels measured, by no seed" in said
    assert "above every average measured here (90.0% at best)" in said
    assert "Buy" not in said
    assert "there is no cost" in said
    assert "not trained" in said


def test_a_target_that_some_seeds_reach_says_how_many() -> None:
    found = recommend.recommend(study({"rad": shifted(RISING, [-0.05, 0.0, 0.05])}), Goal(target=0.8), pool=100)
    assert "2 of 3 seeds reach it" in words(found)


def test_an_extrapolation_is_marked() -> None:
    table = study({"rad": shifted(RISING, [0.0, 0.0005, 0.001])})
    said = words(recommend.recommend(table, Goal(target=0.82), pool=100))
    assert "About 32 labels" in said
    assert "This is an extrapolation: 0 of 3 seeds" in said
    assert "25%" in said


def test_a_target_below_the_start_needs_no_label() -> None:
    found = recommend.recommend(study({"rad": shifted(RISING, SEEDS)}), Goal(target=0.4), pool=100)
    assert found.labels == 0
    assert "without any bought label" in words(found)


def test_missing_reference_lines_are_named() -> None:
    found = recommend.recommend(study({"rad": shifted(RISING, SEEDS)}), Goal(target=0.7), pool=100)
    assert "was not measured on the test set, so no ceiling is shown" in words(found)
    assert "this study tries RAD alone".lower() in words(found).lower()


def test_nothing_finished_recommends_nothing() -> None:
    found = recommend.recommend(study({"rad": []}), Goal(target=0.7), pool=100)
    assert found.rule is None
    assert "nothing is recommended yet" in words(found)


# --- money ---------------------------------------------------------------------------------------------------------


def test_money_buys_labels_and_their_accuracy() -> None:
    table = study({"rad": shifted(RISING, SEEDS)})
    found = recommend.recommend(table, Goal(money=7.5, price=0.5), pool=100)
    assert found.labels == 15
    assert found.rule is not None
    assert found.rule.accuracy.mean == pytest.approx(0.65)
    said = words(found)
    assert "The money buys 15 labels" in said
    assert "65.0% accuracy (95% interval" in said
    assert "15 labels at 0.50 EUR each cost 7.50 EUR" in said


def test_more_money_than_was_measured_is_told_of_what_was() -> None:
    table = study({"rad": shifted(RISING, SEEDS)})
    beyond = recommend.recommend(table, Goal(money=34, price=1.0), pool=100)
    assert beyond.rule is not None
    assert beyond.rule.basis == "beyond"
    assert "extrapolation" in words(beyond)
    far = recommend.recommend(table, Goal(money=90, price=1.0), pool=100)
    assert far.labels == 30
    assert "buys 90 labels, but what more would bring was not measured: 30 labels" in words(far)
    whole = recommend.recommend(table, Goal(money=90, price=1.0), pool=25)
    assert whole.labels == 25
    assert "the pool has no more" in words(whole)
    none = recommend.recommend(table, Goal(money=0.5, price=1.0), pool=100)
    assert none.labels == 0
    assert "buys no label" in words(none)


def test_a_price_that_divides_the_money_buys_that_many() -> None:
    assert Goal(money=0.3, price=0.1).affordable == 3
    assert Goal(money=0.29, price=0.1).affordable == 2


def test_costs_carry_the_interval_of_the_labels() -> None:
    table = study({"rad": shifted(RISING, SEEDS)})
    found = recommend.recommend(table, Goal(target=0.7), pool=100)
    said = recommend_words.cost(found, 2.0, "EUR", 30.0)
    assert said[0] == "20 labels at 2.00 EUR each cost 40.00 EUR: 95% interval 35.03 EUR to 44.97 EUR."
    assert said[1] == "The teacher takes 10.0 minutes for them."
    assert "no price per label is set" in recommend_words.cost(found, 0.0, "EUR", 0.0)[0]


@pytest.mark.parametrize("goal", [{}, {"target": 0.5, "money": 1.0}, {"target": 1.0}, {"money": 5.0}, {"money": -1.0}])
def test_a_goal_is_one_and_possible(goal: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Goal(**goal)
