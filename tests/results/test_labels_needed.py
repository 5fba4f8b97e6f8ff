"""The labels that an accuracy needs: equal to scikit-learn's isotonic regression, never beyond what was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from rad_core.results.needed import crossings, labels_by_seed, need, never_falling, savings, targets
from rad_core.results.sentences import saved
from rad_core.results.words import rounded, step_of
from tests.helpers.measured import FINALS, bent, shifted, straight

accuracies = st.lists(st.integers(0, 1000), min_size=2, max_size=12).map(lambda values: np.array(values) / 1000)


@given(st.lists(accuracies, min_size=1, max_size=3).filter(lambda rows: len({len(row) for row in rows}) == 1))
def test_the_curve_is_isotonic_regression(rows: list[np.ndarray]) -> None:
    fitted = never_falling(np.array(rows))
    for measured, line in zip(rows, fitted, strict=True):
        assert np.allclose(line, IsotonicRegression().fit_transform(np.arange(len(measured)), measured))


@given(accuracies, st.integers(1, 999))
@settings(deadline=None)
def test_labels_needed_are_those_of_a_fine_search(measured: np.ndarray, thousandths: int) -> None:
    target, labels = thousandths / 1000, np.arange(len(measured)) * 10.0
    line = IsotonicRegression().fit_transform(labels, measured)
    grid = np.linspace(0.0, labels[-1], 4001)
    reached = np.flatnonzero(np.interp(grid, labels, line) >= target - 1e-12)
    needed = float(crossings(labels, never_falling(measured), target))
    if len(reached):
        assert needed == pytest.approx(grid[reached[0]], abs=1.01 * labels[-1] / 4000)
    else:
        assert math.isinf(needed)


def test_the_first_crossing_of_noise_is_not_taken_for_the_labels_needed() -> None:
    """A flat truth of 0.6 whose noise crosses 0.605 early: the raw curve would say 10 labels."""
    noisy = [[0.5, 0.61, 0.60, 0.595, 0.60, 0.61]] * 3
    own = need(bent({"rad": noisy}), 0.605, "rad")
    assert own.labels > 40


def test_the_number_is_read_off_the_mean_and_seeds_that_reach_it_are_counted() -> None:
    curves = [[0.5, 0.6, 0.7], [0.5, 0.5, 0.6], [0.5, 0.7, 0.8]]
    own = need(bent({"rad": curves}), 0.65, "rad")
    assert own.labels == pytest.approx(10 + 10 * (0.65 - 0.6) / 0.1)
    assert (own.reached, own.seeds) == (2, 3)
    assert labels_by_seed(bent({"rad": curves}), 0.65, "rad").tolist() == pytest.approx([7.5, 15.0])
    assert own.text.endswith("2 of 3 repetitions reached it)")


def test_beyond_the_last_round_nothing_is_said() -> None:
    own = need(bent({"rad": [[0.5, 0.6, 0.62], [0.5, 0.61, 0.6], [0.5, 0.6, 0.64]]}), 0.7, "rad")
    assert not own.known
    assert own.text == "not reached within 20 labels (best mean 62.0%); 0 of 3 repetitions reached it"
    assert need(bent({"rad": [[0.5, 0.6]]}), 0.55, "margin").text == "not measured"


def test_two_seeds_have_a_number_and_no_interval() -> None:
    own = need(bent({"rad": [[0.5, 0.6, 0.7], [0.5, 0.62, 0.7]]}, 100), 0.65, "rad")
    assert math.isnan(own.low)
    assert own.text == "about 140 labels (2 repetitions: too few for an interval; 2 of 2 repetitions reached it)"


def test_intervals_cover_the_true_number_about_as_often_as_they_say() -> None:
    """Straight truths with seeds of their own level: 95 % wanted, of 400 studies 360 (90 %) at the very least."""
    rng = np.random.default_rng(5)
    true, covered = 50.0, 0
    for _ in range(400):
        levels = rng.normal(0.0, 0.01, 5)
        curves = [[0.5 + 0.02 * k + level + rng.normal(0, 0.004) for k in range(11)] for level in levels]
        own = need(bent({"rad": curves}), 0.6, "rad")
        covered += own.low <= true <= own.high
    print(f"{covered} of 400 intervals cover the true number of labels")
    assert covered >= 360


def test_an_interval_that_ends_beyond_the_last_round_says_so() -> None:
    own = need(bent({"rad": [[0.5, 0.6, 0.61], [0.5, 0.64, 0.66], [0.5, 0.62, 0.64]]}, 100), 0.63, "rad")
    assert math.isinf(own.high)
    assert "to beyond 200" in own.text


@pytest.mark.parametrize(
    ("value", "low", "high", "step", "shown"),
    [
        (969.4, 12.0, 3513.0, 500.0, 1000),
        (44.1, 38.0, 56.0, 2.0, 44),
        (7.3, 7.1, 7.4, 1.0, 7),
        (3.0, 1.0, 2000.0, 200.0, 3),
    ],
)
def test_numbers_have_the_digits_that_their_interval_bears(
    value: float, low: float, high: float, step: float, shown: int
) -> None:
    assert step_of(value, low, high) == step
    assert rounded(value, step) == shown


# --- savings -------------------------------------------------------------------------------------------------------


def test_a_saving_is_the_difference_of_the_two_numbers_with_the_jackknifes_interval() -> None:
    measured = straight({"rad": FINALS, "uniform": shifted(-0.06)}, rounds=4)
    saving = savings(measured, 0.6)["uniform"]
    assert saving.tested.outcome == "ahead"
    assert saving.tested.difference.mean == pytest.approx(saving.other.labels - saving.ours.labels)
    text = saved(saving, 1).text
    assert text.startswith("RAD reaches 60% with fewer labels than uniform: about ")
    assert f"{saving.ours.shown:,} against {saving.other.shown:,}" in text
    other = saved(savings(straight({"rad": shifted(-0.06), "margin": FINALS}, rounds=4), 0.6)["margin"], 1)
    assert (other.outcome, other.text.startswith("Margin reaches 60% with fewer labels than RAD")) == ("behind", True)


def test_no_saving_without_every_seed_at_the_target_nor_with_two_seeds() -> None:
    rows = straight({"rad": FINALS, "uniform": [0.70, 0.70, 0.70, 0.70, 0.60]})
    saving = savings(rows, 0.65)["uniform"]
    assert saving.tested.outcome == "unknown"
    assert "4 of 5 repetitions reached it" in saved(saving, 1).text
    two = savings(straight({"rad": [0.8, 0.81], "uniform": [0.6, 0.61]}), 0.55)["uniform"]
    assert "No saving can be claimed" in saved(two, 1).text


def test_rules_that_need_about_as_many_labels_are_not_told_apart() -> None:
    measured = straight({"rad": FINALS, "margin": [0.74, 0.66, 0.75, 0.69, 0.73]})
    assert saved(savings(measured, 0.6)["margin"], 1).text.startswith("No difference is shown between the labels that")


# --- targets -------------------------------------------------------------------------------------------------------


def test_targets_lie_above_what_every_seed_has_for_free_and_are_reached_by_a_mean() -> None:
    curves = {
        "rad": [[0.50, 0.6, 0.7], [0.55, 0.6, 0.72], [0.52, 0.6, 0.71]],
        "uniform": [[0.50, 0.55, 0.6], [0.55, 0.57, 0.6], [0.52, 0.56, 0.6]],
        "oracle": [[0.50, 0.8, 0.9], [0.55, 0.8, 0.9], [0.52, 0.8, 0.9]],
    }
    options = targets(bent(curves))
    free = options.free
    assert free >= 0.55
    assert min(options.offered) > free
    assert max(options.offered) <= 0.71
    assert options.default in options.offered
    assert set(options.two) <= set(options.offered)


def test_without_an_accuracy_to_ask_for_the_reason_is_said() -> None:
    options = targets(bent({"rad": [[0.5, 0.5, 0.51], [0.52, 0.5, 0.5], [0.51, 0.5, 0.5]]}))
    assert (options.offered, options.default, options.two) == ((), None, [])
    assert options.none_text.startswith("No accuracy can be asked for: the mean of the best rule reaches")
