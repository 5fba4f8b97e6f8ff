"""The numbers of a summary, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from rad_core.results import summary
from rad_core.results.verdicts import Results, difference_table

LABELS = np.array([0, 10, 20, 40])


def table(seeds: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"strategy": name, "seed": seed, "round": round, "labels": labels, "accuracy": rng.random()}
        for name in ("rad", "uniform")
        for seed in range(seeds)
        for round, labels in enumerate(LABELS)
    ]
    return pd.DataFrame(rows)


def test_intervals_are_students_t() -> None:
    values = np.random.default_rng(1).random(6)
    found = summary.interval(values)
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.n == 6
    single = summary.interval([0.5])
    assert single.mean == 0.5
    assert np.isnan(single.low)


def test_paired_differences_are_a_paired_t_test() -> None:
    data = table()
    scores = summary.cell_scores(data)
    for value in ("final", "area"):
        row = difference_table(Results(data, ("rad", "uniform"), 3), "rad", value).iloc[0]
        a, b = (scores.loc[scores["strategy"] == name, value].to_numpy() for name in ("rad", "uniform"))
        expected = scipy.stats.ttest_rel(a, b).confidence_interval(0.95)
        assert row["difference"] == pytest.approx((a - b).mean())
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
        assert row["verdict"] == summary.verdict(summary.interval(a - b))


def test_what_labels_added_is_paired_with_the_same_students_without_any() -> None:
    data = table()
    scores = summary.cell_scores(data)
    mine = data[data["strategy"] == "rad"].pivot(index="seed", columns="round", values="accuracy")
    expected = scipy.stats.ttest_rel(mine.iloc[:, -1], mine.iloc[:, 0]).confidence_interval(0.95)
    found = summary.interval(scores.loc[scores["strategy"] == "rad", "added"])
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_area_is_the_mean_height_of_the_curve() -> None:
    flat = table(1).assign(accuracy=0.6)
    assert summary.cell_scores(flat)["area"].tolist() == pytest.approx([0.6, 0.6])
    straight = table(1)
    straight["accuracy"] = straight["labels"] / 40
    assert summary.cell_scores(straight)["area"].tolist() == pytest.approx([0.5, 0.5])


def test_verdicts_name_no_winner_where_the_interval_contains_zero() -> None:
    interval = summary.Interval
    assert summary.verdict(interval(0.1, 0.01, 0.2, 5)) == "higher"
    assert summary.verdict(interval(-0.1, -0.2, -0.01, 5)) == "lower"
    assert summary.verdict(interval(0.1, -0.01, 0.2, 5)) == "no difference shown"
    assert summary.verdict(interval(0.1, float("nan"), float("nan"), 1)) == "no difference shown"


def test_unfinished_cells_do_not_count() -> None:
    data = table()
    part = data[~((data["strategy"] == "rad") & (data["seed"] == 3) & (data["round"] == 3))]
    left = summary.complete(part, 3)
    assert set(left.loc[left["strategy"] == "rad", "seed"]) == {0, 1, 2}
    assert difference_table(Results(part, ("rad", "uniform"), 3)).iloc[0]["n"] == 3
