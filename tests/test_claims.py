"""Sentences say what the measured intervals allow, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from app import claims, wording
from rad_core.study.summary import interval
from rad_core.study.whatif import guarantees

START = 0.5
SEEDS = (0.70, 0.71, 0.69, 0.72, 0.68)  # final accuracies of RAD, one per seed


def table(finals: Mapping[str, Sequence[float]], rounds: int = 2, budget: int = 50) -> pd.DataFrame:
    """Straight curves from START to a final accuracy for every seed."""
    rows = [
        (strategy, seed, round, float(round * budget), START + (last - START) * round / rounds, 0.8)
        for strategy, lasts in finals.items()
        for seed, last in enumerate(lasts)
        for round in range(rounds + 1)
    ]
    return pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy", "teacher_right_share"])


def shifted(by: float, noise: float = 0.002) -> list[float]:
    """RAD's finals moved by about the same amount in every seed."""
    return [value + by + noise * sign for value, sign in zip(SEEDS, (1, -1, 0, 1, -1), strict=True)]


def test_a_loss_is_said_plainly_and_first() -> None:
    finals = {"rad": SEEDS, "uniform": shifted(-0.05), "badge": shifted(0.03), "margin": shifted(0.0005, 0.01)}
    claim = claims.headline(table(finals), 2)
    assert claim.outcome == "mixed"
    assert claim.text == (
        "After 100 labels, BADGE beats RAD by 3.0 percentage points; RAD beats uniform by 5.0 percentage points; "
        "no difference is shown between RAD and margin (5 seeds)."
    )


def test_the_full_verdict_carries_the_interval_that_scipy_gives() -> None:
    finals = {"rad": SEEDS, "badge": shifted(0.03)}
    found = claims.comparisons(table(finals))
    expected = interval(np.array(finals["rad"]) - np.array(finals["badge"]))
    assert found[0].difference.low == pytest.approx(expected.low)
    low, high = 100 * abs(expected.high), 100 * abs(expected.low)
    assert f"(95% interval {low:.1f} to {high:.1f})" in claims.verdict(found, 100).text
    assert claims.verdict(found, 100).outcome == "behind"


def test_a_tie_is_called_a_tie_even_when_the_means_differ() -> None:
    finals = {"rad": SEEDS, "margin": [0.74, 0.66, 0.75, 0.69, 0.73]}
    claim = claims.headline(table(finals), 2)
    assert claim.outcome == "tie"
    assert claim.text == "After 100 labels, no difference is shown between RAD and margin (5 seeds)."


def test_several_losses_and_ties_stay_one_sentence() -> None:
    finals = {"rad": SEEDS, "badge": shifted(0.03), "margin": shifted(0.02)}
    finals |= {name: shifted(0.0, 0.01) for name in ("uniform", "entropy", "coreset", "cluster_margin")}
    text = claims.headline(table(finals), 2).text
    assert text.startswith("After 100 labels, BADGE and margin beat RAD by 2.0 to 3.0 percentage points; ")
    assert "no difference is shown between RAD and the other 4 strategies" in text


def test_one_seed_claims_nothing() -> None:
    one = table({"rad": [0.8], "uniform": [0.6]})
    claim = claims.headline(one, 2)
    assert claim.outcome == "unknown"
    assert "1 seed: no uncertainty shown and no comparison is claimed" in claim.text
    assert "beats" not in claim.text
    saved = claims.saving(one, 0.55)
    assert saved.claim.outcome == "unknown"
    assert "fewer" not in saved.claim.text
    assert wording.range_text(interval([0.8])) == "1 seed: no uncertainty shown"


def test_two_seeds_that_differ_by_exactly_the_same_prove_nothing() -> None:
    two = table({"rad": [0.70, 0.75], "uniform": [0.69, 0.74]})
    assert claims.comparisons(two)[0].outcome == "unknown"
    assert "beats" not in claims.headline(two, 2).text


def test_equal_results_in_every_seed_are_a_tie() -> None:
    assert claims.comparisons(table({"rad": SEEDS, "uniform": SEEDS}))[0].outcome == "tie"


def test_the_oracle_never_competes() -> None:
    both = table({"rad": SEEDS, "uniform": SEEDS, "oracle": shifted(0.1)})
    assert [one.other for one in claims.comparisons(both)] == ["uniform"]
    assert "oracle" not in claims.headline(both, 2).text.lower()
    assert claims.upper_bound(both) == (
        "An upper bound, no competitor: the oracle, which knows where the teacher is right, reaches 80.0%."
    )
    assert claims.upper_bound(table({"rad": SEEDS})) == ""


def test_an_interval_that_just_clears_zero_is_not_printed_as_zero() -> None:
    difference = interval([0.0002, 0.0300, 0.0152, 0.0120, 0.0210])
    shifts = difference.low - 0.0001
    finals = [value + d - shifts for value, d in zip(SEEDS, (0.0002, 0.0300, 0.0152, 0.0120, 0.0210), strict=True)]
    found = claims.comparisons(table({"rad": SEEDS, "margin": finals}))
    assert found[0].outcome == "behind"
    assert "95% interval just above 0 to" in claims.verdict(found, 100).text


def test_nan_is_left_out_of_the_pairs_and_named() -> None:
    rows = table({"rad": SEEDS, "margin": shifted(-0.05), "uniform": shifted(-0.05)})
    rows.loc[rows["strategy"] == "margin", "accuracy"] = np.nan
    claim = claims.headline(rows, 2)
    assert "RAD beats uniform" in claim.text
    assert claim.text.endswith("Too few seeds yet to compare with margin.")
    rows.loc[(rows["strategy"] == "uniform") & (rows["seed"] == 4), "accuracy"] = np.nan
    assert {one.other: one.difference.n for one in claims.comparisons(rows)} == {"uniform": 4, "margin": 0}
    assert claims.need(rows, 0.6, "margin").text == "not measured"
    assert "nan" not in (claim.text + claims.saving(rows, 0.6, "margin").claim.text).lower()


def test_unfinished_studies_and_studies_without_rad_are_not_judged() -> None:
    rows = table({"rad": SEEDS, "uniform": shifted(-0.05)})
    assert "No strategy has finished all 3 rounds" in claims.headline(rows, 3).text
    assert "No strategy has finished" in claims.headline(rows.iloc[:0], 2).text
    assert "does not try RAD" in claims.headline(rows[rows["strategy"] == "uniform"], 2).text
    late = rows[(rows["strategy"] == "uniform") | (rows["round"] < 2)]
    assert "RAD has not finished a seed" in claims.headline(late, 2).text
    alone = claims.headline(rows[rows["strategy"] == "rad"], 2)
    assert alone.outcome == "unknown"
    assert "no other strategy has finished" in alone.text


def test_a_saving_is_claimed_with_its_numbers() -> None:
    saved = claims.saving(table({"rad": SEEDS, "uniform": shifted(-0.06)}), 0.6)
    ours = [100 * 0.1 / (value - START) for value in SEEDS]
    theirs = [100 * 0.1 / (value - START) for value in shifted(-0.06)]
    assert saved.claim.outcome == "ahead"
    assert saved.share == pytest.approx(1 - np.mean(ours) / np.mean(theirs))
    expected = interval(np.subtract(ours, theirs))
    assert saved.difference.mean == pytest.approx(expected.mean)
    assert saved.claim.text == (
        f"RAD reaches 60% with {saved.share:.0%} fewer labels than uniform: {np.mean(ours):,.0f} against "
        f"{np.mean(theirs):,.0f}, {-expected.high:,.0f} to {-expected.low:,.0f} fewer, over 5 seeds."
    )


def test_a_saving_of_the_other_is_said_as_plainly() -> None:
    saved = claims.saving(table({"rad": shifted(-0.06), "margin": SEEDS}), 0.6, "margin")
    assert saved.claim.outcome == "behind"
    assert saved.share < 0
    assert saved.claim.text.startswith("Margin reaches 60% with ")
    assert "fewer labels than RAD" in saved.claim.text


def test_no_saving_without_every_seed_at_the_target() -> None:
    rows = table({"rad": SEEDS, "uniform": [0.70, 0.70, 0.70, 0.70, 0.60]})
    saved = claims.saving(rows, 0.65)
    assert (saved.claim.outcome, saved.difference.n) == ("unknown", 0)
    assert "uniform: reached by 4 of 5 seeds within 100 labels (best 68.0%)" in saved.claim.text
    never = claims.need(rows, 0.95, "rad")
    assert never.text == "not reached within 100 labels (best 70.0%)"
    assert np.isnan(never.labels.mean)


def test_a_target_met_before_any_label_is_no_saving() -> None:
    saved = claims.saving(table({"rad": SEEDS, "uniform": shifted(-0.05)}), 0.4)
    assert saved.claim.outcome == "tie"
    assert "0 against 0" in saved.claim.text
    assert np.isnan(saved.share)


def test_missing_reference_lines_are_named() -> None:
    whole = claims.references({"teacher": 0.9, "student_full": 0.85, "student_labeled": 0.5})
    assert whole == (
        "To compare: the teacher itself 90.0%, a student taught on the whole pool 85.0% and a student without any "
        "bought label 50.0%."
    )
    part = claims.references({"teacher": 0.9, "student_full": float("nan")})
    assert part.endswith("Not measured: a student taught on the whole pool and a student without any bought label.")
    assert claims.references({}).startswith("Not measured")


def test_many_comparisons_come_with_a_warning() -> None:
    assert "as high as 40%" in wording.per_comparison(8)
    assert "as high as" not in wording.per_comparison(1)
    assert "100%" in wording.per_comparison(50)


def test_mistakes_are_shares_of_labels_bought_and_undefined_for_mixtures() -> None:
    rows = table({"rad": SEEDS, "unixkd": SEEDS})
    rows.loc[rows["strategy"] == "unixkd", "teacher_right_share"] = np.nan
    found = claims.mistakes(rows)
    assert found["rad"].mean == pytest.approx(0.2)
    assert found["unixkd"].n == 0
    assert claims.mistakes(rows.drop(columns="teacher_right_share")) == {}


def test_the_guarantee_names_the_best_other_rule() -> None:
    gains = np.linspace(0.01, 1, 200)
    found = claims.guarantee(gains, 40, 60)
    uniform, greedy = (float(guarantees(gains, 40, 60, rule)) for rule in ("uniform", "greedy"))
    assert greedy == 0
    assert (found.rule, found.other) == ("uniform", pytest.approx(uniform))
    assert found.value == f"+{found.rad / uniform - 1:.0%}"
    assert claims.guarantee(gains, 40, 200).value == "nothing"
    assert claims.guarantee(gains, 500, 10).rad > 0  # more labels than points
