"""The recommendation: nothing where buying is not shown to pay, and never more than was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.findings import recommend
from app.findings.advice import ceiling, comparison, cost, sentence, title, worst_case
from app.findings.claims import Guarantee
from app.findings.recommend import Goal, Recommendation
from rad_core.errors import InputError
from rad_core.results.verdicts import Results, comparisons
from tests.helpers.measured import bent

RISING = [0.5, 0.6, 0.7, 0.8]
SEEDS = [-0.01, 0.0, 0.01]
SAFE = Guarantee({"rad": 9.0, "uniform": 4.0, "greedy": 0.0}, 10, 3)


def shifted(values: list[float], by: list[float]) -> list[list[float]]:
    """A curve per seed; all seeds start alike."""
    return [[values[0], *(value + shift for value in values[1:])] for shift in by]


def advise(curves: dict[str, Any], goal: Goal | None, pool: int = 100) -> Recommendation:
    return recommend.recommend(bent(curves), goal, pool)


def words(advice: Recommendation, safe: Guarantee | None = None, **levels: float) -> str:
    parts = [title(advice), sentence(advice), comparison(advice)]
    parts += [worst_case(safe, advice.measured.rules), ceiling(advice, levels)]
    price = advice.goal.price if advice.goal is not None else 0.0
    return " ".join([*parts, *cost(advice, price, "EUR", 0.0)])


# --- whether to buy at all -----------------------------------------------------------------------------------------

FLAT = [[0.5, 0.52, 0.49, 0.51], [0.5, 0.48, 0.51, 0.49], [0.5, 0.51, 0.5, 0.5]]


@pytest.mark.parametrize("goal", [Goal(target=0.505), Goal(money=20.0, price=1.0)])
def test_where_nothing_is_shown_to_pay_nothing_says_buy(goal: Goal) -> None:
    advice = advise({"rad": FLAT, "uniform": FLAT[::-1]}, goal)
    text = words(advice, SAFE, teacher=0.9)
    assert (advice.rule, advice.labels) == (None, 0)
    assert "It is not shown that buying labels pays Not shown. 30 labels, chosen by RAD, added" in text
    assert "Buy" not in text
    assert "buys" not in text
    assert "there is no cost" in text


def test_two_seeds_recommend_nothing() -> None:
    advice = advise({"rad": shifted(RISING, [0.0, 0.01])}, Goal(target=0.7))
    text = words(advice)
    assert "Nothing can be recommended yet Too few repetitions to tell (2)." in text
    assert "Buy" not in text
    assert "interval" not in text


def test_labels_that_harm_are_not_bought() -> None:
    falling = [[0.5, 0.45, 0.42, 0.4 + shift] for shift in SEEDS]
    assert "Buying labels does not pay here No. 30 labels" in words(advise({"rad": falling}, Goal(target=0.55)))


def test_nothing_finished_recommends_nothing() -> None:
    measured = Results(bent({"rad": [RISING]}).table.iloc[:2], ("rad",), 3)
    advice = recommend.recommend(measured, None, 100)
    assert title(advice) == "Nothing can be recommended yet"
    assert "No rule has finished all 3 rounds" in sentence(advice)


def test_without_an_accuracy_to_ask_for_that_is_said() -> None:
    text = words(advise({"rad": shifted(RISING, SEEDS)}, None))
    assert "Labels pay, but for no accuracy that can be asked for" in text


# --- which rule ----------------------------------------------------------------------------------------------------


def test_a_tie_names_the_cheapest_rule_and_rad_as_the_one_with_the_guarantee() -> None:
    advice = advise({"rad": shifted(RISING, SEEDS), "uniform": shifted(RISING, [0.01, -0.01, 0.0])}, Goal(target=0.7))
    assert (advice.rule, advice.labels) == ("uniform", 20)
    text = words(advice, SAFE, teacher=0.9, student_full=0.85)
    assert "Buy about 20 labels, chosen uniformly, to reach 70% accuracy on average (95% interval" in text
    assert "No difference is shown between uniform and RAD; uniform is the cheapest to run." in text
    assert "RAD is the one with a guarantee, and needs about 20 labels" in text
    assert "at least 9.0; chosen uniformly 4.0; the most informative first 0.0" in text
    assert "it says nothing of accuracy" in text
    assert "beats" not in text
    assert "The teacher itself is right on 90.0%" in text


def test_rad_is_not_recommended_over_a_rule_that_needs_fewer_labels() -> None:
    ahead = [shift + 0.05 + extra for shift, extra in zip(SEEDS, (0.0, 0.002, -0.002), strict=True)]
    advice = advise({"rad": shifted(RISING, SEEDS), "margin": shifted(RISING, ahead)}, Goal(target=0.7))
    assert comparisons(advice.measured)[0].outcome == "behind"
    assert (advice.rule, advice.equals) == ("margin", ("margin",))
    text = words(advice, SAFE)
    assert "Buy about 15 labels, chosen by margin" in text
    assert "Every other rule is shown to be behind another one; margin is not." in text


def test_without_rad_the_best_rule_leads_and_the_oracle_never_does() -> None:
    advice = advise(
        {
            "margin": shifted(RISING, [0.05, 0.062, 0.068]),
            "uniform": shifted(RISING, SEEDS),
            "oracle": shifted(RISING, [0.15, 0.15, 0.16]),
        },
        Goal(target=0.7),
    )
    assert advice.rule == "margin"
    assert [option.rule for option in advice.options] == ["margin", "uniform"]
    assert "does not try RAD" in words(advice, SAFE)


# --- beyond and below what was measured ----------------------------------------------------------------------------


def test_a_target_out_of_reach_gets_no_number() -> None:
    advice = advise({"rad": shifted(RISING, SEEDS)}, Goal(target=0.95))
    text = words(advice, teacher=0.9)
    assert advice.labels == 0
    assert "No number of labels can be given" in text
    assert "not reached within 30 labels (best mean 80.0%)" in text
    assert "above every average measured here (90.0% at best)" in text
    assert "Buy" not in text
    assert "there is no cost" in text
    assert "not trained" in text


def test_a_target_below_the_start_needs_no_label() -> None:
    advice = advise({"rad": shifted(RISING, SEEDS)}, Goal(target=0.4))
    assert advice.labels == 0
    assert "without any bought label" in words(advice)


def test_missing_reference_lines_are_named() -> None:
    text = words(advise({"rad": shifted(RISING, SEEDS)}, Goal(target=0.7)))
    assert "was not measured on the test set, so no ceiling is shown" in text
    assert "This study tries no other rule." in text


# --- money ---------------------------------------------------------------------------------------------------------


def test_money_buys_labels_and_their_accuracy() -> None:
    advice = advise({"rad": shifted(RISING, SEEDS)}, Goal(money=7.5, price=0.5))
    assert (advice.rule, advice.labels) == ("rad", 15)
    assert advice.option("rad").accuracy.mean == pytest.approx(0.65)
    text = words(advice)
    assert "The money buys 15 labels, chosen by RAD: they bring 65.0% accuracy (95% interval" in text
    assert "where 50.0% are free" in text
    assert "15 labels at 0.50 EUR each cost 7.50 EUR." in text


def test_at_a_finished_round_money_brings_what_was_measured_there() -> None:
    """The line that never falls may differ from a last accuracy that fell; the curves' page shows the measured one."""
    curves = [[0.5, 0.7, 0.66 + shift] for shift in SEEDS]
    advice = advise({"rad": curves}, Goal(money=20, price=1.0))
    assert advice.option("rad").accuracy.mean == pytest.approx(np.mean([row[-1] for row in curves]))


def test_more_money_than_was_measured_is_told_of_what_was() -> None:
    curves = {"rad": shifted(RISING, SEEDS)}
    far = advise(curves, Goal(money=90, price=1.0))
    assert far.labels == 30
    assert "buys 90 labels, but what more would bring was not measured: 30 labels" in words(far)
    whole = advise(curves, Goal(money=90, price=1.0), pool=25)
    assert whole.labels == 25
    assert "the pool has no more" in words(whole)
    none = advise(curves, Goal(money=0.5, price=1.0))
    assert none.labels == 0
    assert "buys no label" in words(none)


def test_a_price_that_divides_the_money_buys_that_many() -> None:
    assert Goal(money=0.3, price=0.1).affordable == 3
    assert Goal(money=0.29, price=0.1).affordable == 2


def test_costs_carry_the_interval_of_the_labels() -> None:
    advice = advise({"rad": shifted(RISING, SEEDS)}, Goal(target=0.7))
    own = advice.option("rad").need
    assert own is not None
    assert own.ends is not None
    low, high = own.ends
    texts = cost(advice, 2.0, "EUR", 30.0)
    assert texts[0] == (
        f"20 labels at 2.00 EUR each cost 40.00 EUR: 95% interval {2 * low:.2f} EUR to {2 * high:.2f} EUR."
    )
    assert texts[1] == "The teacher takes 10 min for them."
    assert "no price per label is set" in cost(advice, 0.0, "EUR", 0.0)[0]


@pytest.mark.parametrize("goal", [{}, {"target": 0.5, "money": 1.0}, {"target": 1.0}, {"money": 5.0}, {"money": -1.0}])
def test_a_goal_is_one_and_possible(goal: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Goal(**goal)
