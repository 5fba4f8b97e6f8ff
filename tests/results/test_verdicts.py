"""Sentences say what the measured intervals allow, corrected for their number, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from rad_core.results import sentences, verdicts
from rad_core.results.summary import interval, share_interval
from rad_core.results.verdicts import Results, comparisons, equals, holm, worth
from rad_core.results.words import MINUS, few, range_text
from tests.helpers.measured import FINALS, bent, shifted, straight, table

# --- Holm's procedure ----------------------------------------------------------------------------------------------


def step_down(p_values: list[float], family: int) -> list[bool]:
    """Holm's rejections as his paper words them, one comparison after the other."""
    rejected = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values)):
        if p_values[place] > 0.05 / (family - rank):
            break
        rejected[place] = True
    return rejected


@pytest.mark.parametrize("seed", range(40))
def test_rejections_are_those_of_holms_procedure_on_scipys_p_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = {str(i): rng.normal(rng.choice([0, 0.5, 2.0]), 1.0, 5) for i in range(6)}
    family = int(rng.integers(6, 9))
    p_values = [float(stats.ttest_1samp(values, 0).pvalue) for values in samples.values()]
    tested = holm(samples, family)
    assert [test.outcome in ("ahead", "behind") for test in tested.values()] == step_down(p_values, family)
    for values, test in zip(samples.values(), tested.values(), strict=True):
        excludes = test.difference.low > 0 or test.difference.high < 0
        assert excludes == (test.outcome in ("ahead", "behind")), "an interval says what the test says"
        assert test.difference.mean == pytest.approx(np.mean(values))


def test_the_interval_is_at_the_level_at_which_the_comparison_was_tested() -> None:
    clear, doubtful = [1.0, 1.01, 0.99, 1.02, 0.98], [0.9, -0.7, 0.8, -0.4, 0.3]
    tested = holm({"clear": clear, "doubtful": doubtful}, 4)
    first = stats.ttest_1samp(clear, 0).confidence_interval(1 - 0.05 / 4)
    second = stats.ttest_1samp(doubtful, 0).confidence_interval(1 - 0.05 / 3)
    assert tested["clear"].difference.low == pytest.approx(first.low)
    assert tested["doubtful"].difference.high == pytest.approx(second.high)


def test_seeds_too_few_or_too_alike_are_unknown_and_never_a_tie() -> None:
    tested = holm({"two": [0.1, 0.2], "alike": [0.1] * 5, "equal": [0.0] * 5, "none": []}, 4)
    assert {name: test.outcome for name, test in tested.items()} == {
        "two": "unknown",
        "alike": "unknown",
        "equal": "tie",
        "none": "unknown",
    }


def without_effect(rng: np.random.Generator, rules: int = 9, seeds: int = 5) -> Results:
    """A study in which no label does anything: every accuracy is the seed's own and noise."""
    base = rng.normal(0.6, 0.03, seeds)
    names = [*verdicts.CHEAPEST_FIRST[:rules]]
    first = base + rng.normal(0, 0.01, seeds)
    curves = {name: [[first[seed], *(base[seed] + rng.normal(0, 0.01, 4))] for seed in range(seeds)] for name in names}
    return bent(curves)


@pytest.mark.slow
@pytest.mark.long
def test_studies_without_any_effect_are_seldom_called_worth_it_and_rules_seldom_ahead() -> None:
    """At most 5 %: of 400 studies 20, and by chance up to 30 (the 99th percentile of the binomial)."""
    rng = np.random.default_rng(20261128)
    paid = judged = dropped = 0
    for _ in range(400):
        measured = without_effect(rng)
        paid += worth(measured).answer in ("yes", "no")
        outcomes = {row.outcome for row in comparisons(measured)}
        judged += bool(outcomes & {"ahead", "behind"})
        dropped += "rad" not in equals(measured)
    print(
        f"of 400 studies without effect: {paid} judged worth it or not, {judged} with a rule ahead, {dropped} drop RAD"
    )
    assert max(paid, judged, dropped) <= 30


# --- is it worth it ------------------------------------------------------------------------------------------------


def head(measured: Results) -> str:
    return sentences.headline(measured).text


def test_labels_that_pay_are_said_to_and_by_the_cheapest_rule_that_none_beats() -> None:
    measured = straight({"rad": FINALS, "margin": shifted(0.0, 0.01), "badge": shifted(0.0005, 0.01)})
    assert head(measured) == "Yes. 100 labels, chosen by margin, raise accuracy from 50.0% to 70.0% (5 repetitions)."
    found = sentences.headline(measured)
    assert found.worth.answer == "yes"
    assert "Labels chosen by RAD and BADGE are shown to pay as well." in found.details
    assert "corrected for 3 comparisons (Holm)" in found.details


def test_labels_of_which_nothing_is_shown_are_said_so_with_the_interval() -> None:
    noisy = [0.56, 0.45, 0.53, 0.44, 0.55]
    measured = straight({"rad": noisy, "uniform": [value + 0.001 for value in noisy[::-1]]})
    text = head(measured)
    added = worth(measured).added["rad"].difference
    assert text.startswith("Not shown. 100 labels, chosen by RAD, added +0.6 points [")
    assert (
        f"[{MINUS}{-100 * added.low:.1f}, +{100 * added.high:.1f}] to the 50.0% that are free (5 repetitions)." in text
    )
    assert "For no rule are the labels shown to add anything." in sentences.headline(measured).details


def test_labels_that_harm_are_called_harmful_only_where_all_rules_harm() -> None:
    harm = [0.40, 0.41, 0.39, 0.42, 0.40]
    measured = straight({"rad": harm, "uniform": harm[::-1]})
    assert worth(measured).answer == "no"
    assert head(measured) == (
        "No. 100 labels, chosen by RAD, lower accuracy from 50.0% to 40.4%, and those of every other rule lower it too "
        "(5 repetitions)."
    )
    mixed = straight({"rad": harm, "uniform": [0.5, 0.52, 0.48, 0.51, 0.49]})
    assert worth(mixed).answer == "not shown"


def test_fewer_than_three_seeds_give_the_seeds_and_no_interval() -> None:
    two = straight({"rad": [0.6, 0.62], "uniform": [0.61, 0.6]})
    assert worth(two).answer == "unknown"
    assert head(two) == (
        "Too few repetitions to tell (2). 100 labels, chosen by RAD, took accuracy from 50.0% to 60.0% and from 50.0% "
        "to 62.0%."
    )
    assert "corrected" not in sentences.headline(two).details
    one = straight({"rad": [0.6]})
    assert head(one) == (
        "Too few repetitions to tell (1). 100 labels, chosen by RAD, took accuracy from 50.0% to 60.0%."
    )
    assert math.isnan(interval([0.1, 0.2]).low)
    assert range_text(share_interval([0.8, 0.9])) == few(2) == "2 repetitions: too few for an interval"


def test_intervals_of_shares_stay_within_0_and_1() -> None:
    wide = share_interval([0.9, 1.0, 0.7])
    assert (wide.low >= 0, wide.high) == (True, 1.0)


def test_an_unfinished_study_is_not_judged_and_one_that_goes_on_says_so() -> None:
    rows = table({"rad": FINALS, "uniform": shifted(-0.05)})
    assert head(Results(rows, ("rad", "uniform"), 3)) == "Not known yet. No rule has finished all 3 rounds."
    assert head(Results(rows.iloc[:0], ("rad", "uniform"), 1)) == "Not known yet. No rule has finished its round."
    assert head(Results(rows, ("rad", "uniform"), 2, seeds=8)).endswith("(5 of 8 repetitions so far).")


def test_the_family_belongs_to_the_study_and_not_to_what_has_finished() -> None:
    finals = {"rad": [0.53, 0.52, 0.515, 0.51, 0.525]}
    alone = worth(straight(finals))
    among = worth(Results(table(finals), ("rad", *verdicts.CHEAPEST_FIRST[:4]), 2))
    assert alone.added["rad"].difference.high < among.added["rad"].difference.high


# --- who is ahead --------------------------------------------------------------------------------------------------


def say(measured: Results, **options: object) -> str:
    return sentences.verdict(measured, **options).text  # type: ignore[arg-type]


def test_a_loss_is_said_plainly_and_first() -> None:
    measured = straight(
        {"rad": FINALS, "uniform": shifted(-0.05), "badge": shifted(0.03), "margin": shifted(0.0005, 0.01)}
    )
    claim = sentences.verdict(measured, brief=True)
    assert claim.outcome == "mixed"
    assert claim.text == (
        "After 100 labels, BADGE beats RAD by 3.0 percentage points; RAD beats uniform by 5.0 percentage points; "
        "no difference is shown between RAD and margin (5 repetitions)."
    )


def test_the_full_verdict_carries_the_interval_that_scipy_gives() -> None:
    measured = straight({"rad": FINALS, "badge": shifted(0.03)})
    expected = interval(np.array(FINALS) - np.array(shifted(0.03)))
    assert comparisons(measured)[0].difference.low == pytest.approx(expected.low)
    low, high = 100 * abs(expected.high), 100 * abs(expected.low)
    assert f"(corrected interval {low:.1f} to {high:.1f})" in say(measured)


def test_a_tie_is_called_a_tie_even_when_the_means_differ() -> None:
    measured = straight({"rad": FINALS, "margin": [0.74, 0.66, 0.75, 0.69, 0.73]})
    assert say(measured) == "After 100 labels, no difference is shown between RAD and margin (5 repetitions)."
    assert sentences.which_rule(measured) == (
        "No difference is shown between margin and RAD after the last round; margin is the cheapest to run, RAD the "
        "one with a guarantee."
    )


def test_several_losses_and_ties_stay_one_sentence() -> None:
    finals = {"rad": FINALS, "badge": shifted(0.03), "margin": shifted(0.02)}
    finals |= {name: shifted(0.0, 0.01) for name in ("uniform", "entropy", "coreset", "cluster_margin")}
    text = say(straight(finals))
    assert text.startswith("After 100 labels, BADGE and margin beat RAD by 2.0 to 3.0 percentage points; ")
    assert "no difference is shown between RAD and the other 4 rules" in text


def test_one_or_two_seeds_name_no_winner() -> None:
    for finals in ({"rad": [0.8], "uniform": [0.6]}, {"rad": [0.8, 0.81], "uniform": [0.6, 0.6]}):
        text = say(straight(finals)) + sentences.which_rule(straight(finals))
        assert "too few for an interval, and no comparison is claimed" in text
        assert "no rule is said to be ahead" in text
        assert "beat" not in text


def test_equal_results_in_every_seed_are_a_tie() -> None:
    assert comparisons(straight({"rad": FINALS, "uniform": FINALS}))[0].outcome == "tie"


def test_the_oracle_never_competes() -> None:
    measured = straight({"rad": FINALS, "uniform": FINALS, "oracle": shifted(0.1)})
    assert [row.other for row in comparisons(measured)] == ["uniform"]
    assert "oracle" not in (head(measured) + say(measured) + sentences.which_rule(measured)).lower()
    assert "corrected for 2 comparisons" in sentences.headline(measured).details


def test_an_interval_that_just_clears_zero_is_not_printed_as_zero() -> None:
    gaps = (0.0002, 0.0300, 0.0152, 0.0120, 0.0210)
    shift = interval(gaps).low - 0.0001
    measured = straight(
        {"rad": FINALS, "margin": [value + gap - shift for value, gap in zip(FINALS, gaps, strict=True)]}
    )
    assert comparisons(measured)[0].outcome == "behind"
    assert "corrected interval just above 0 to" in say(measured)


def test_a_seed_without_an_accuracy_is_left_out_of_its_pairs() -> None:
    rows = table({"rad": FINALS, "margin": shifted(-0.05), "uniform": shifted(-0.05)})
    rows.loc[(rows["strategy"] == "uniform") & (rows["seed"] == 4), "accuracy"] = np.nan
    measured = Results(rows, ("rad", "margin", "uniform"), 2)
    assert {row.other: row.difference.n for row in comparisons(measured)} == {"margin": 5, "uniform": 4}
    rows.loc[rows["strategy"] == "margin", "accuracy"] = np.nan
    assert Results(rows, ("rad", "margin", "uniform"), 2).finished == ("rad", "uniform")


def test_studies_without_rad_are_about_their_first_rule() -> None:
    measured = straight({"margin": FINALS, "uniform": shifted(-0.05)})
    assert measured.ours == "margin"
    assert say(measured) == "This study does not try RAD, so nothing is compared with it."
    assert "margin beats uniform" in say(measured, ours="margin").lower()
    alone = straight({"rad": FINALS})
    assert say(alone) == "RAD reaches 70.0% (68.0% to 72.0% over 5 repetitions); no other rule was tried."
