"""The table of a chart, and what is drawn, equal numbers worked out independently."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from app.figures import (
    accuracy_by_decile,
    accuracy_curves,
    calibration_chart,
    density_raster,
    guarantee_by_accuracy,
    label_efficiency_chart,
    overlap_heatmap,
    paired_difference_chart,
    round_delta_chart,
    small_game_chart,
    tradeoff_chart,
)
from app.figures.base import clear_side, ink, spread
from app.findings.deciles import clopper_pearson, pareto, summarize_picks
from app.findings.words import number
from rad_core import solve_game
from rad_core.results.verdicts import difference_table
from tests.helpers.figure_examples import make_picks, make_pool, make_rounds
from tests.helpers.measured import bent, straight


def test_the_small_game_keeps_the_order_of_its_bars() -> None:
    gains = np.array([0.3, 0.9, 0.1, 0.6])
    game = solve_game(gains, 2, wrong=1)
    table = small_game_chart(gains, game).table
    assert table["Gain"].tolist() == gains.tolist()
    assert table["Probability of buying"].to_numpy() == pytest.approx(game.q)
    assert table["Gain left in the worst case"].to_numpy() == pytest.approx(gains * (1 - game.attack))


def test_guarantees_in_the_table_equal_the_game() -> None:
    gains, _, _ = make_pool(500)
    by_accuracy = guarantee_by_accuracy(gains, 50, measured=0.9, interval=(0.85, 0.95)).table
    measured = by_accuracy[by_accuracy["Teacher accuracy"] == 0.9].iloc[0]
    assert measured["Teacher mistakes"] == 50
    assert measured["Guaranteed gain, RAD"] == pytest.approx(solve_game(gains, 50, wrong=50).value, rel=1e-5)


def test_deciles_and_their_intervals_equal_scipy() -> None:
    gains, right, _ = make_pool(1003)
    table = accuracy_by_decile(gains, right).table
    assert table["Points"].sum() == 1003
    order = np.argsort(gains, kind="stable")
    assert table["Teacher right"].iloc[0] == right[order[: int(table["Points"].iloc[0])]].sum()
    for _, row in table.iterrows():
        exact = stats.binomtest(int(row["Teacher right"]), int(row["Points"])).proportion_ci(0.95, "exact")
        assert (row["Accuracy, low"], row["Accuracy, high"]) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (7, 7), (3, 7), (0, 0)])
def test_clopper_pearson_equals_scipy_at_the_ends_too(hits: int, trials: int) -> None:
    low, high = clopper_pearson(hits, trials)
    if trials == 0:
        assert (low, high) == (0.0, 1.0)
    else:
        exact = stats.binomtest(hits, trials).proportion_ci(0.95, "exact")
        assert (float(low), float(high)) == pytest.approx((exact.low, exact.high))


def test_picks_become_means_over_seeds_with_t_intervals() -> None:
    picks = make_picks(2000, 100, seeds=4)
    found = summarize_picks(picks).set_index("strategy")
    means = picks[picks["strategy"] == "rad"].groupby("seed")["right"].mean()
    low, high = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert (found.loc["rad", "right_low"], found.loc["rad", "right_high"]) == pytest.approx((low, high))
    assert found.loc["rad", "over"] == "seeds"
    assert np.isnan(found.loc["unixkd", "right"])
    one = summarize_picks(picks[picks["seed"] == 0]).set_index("strategy").loc["margin"]
    hits = int(picks.query("strategy == 'margin' and seed == 0")["right"].sum())
    exact = stats.binomtest(hits, 100).proportion_ci(0.95, "exact")
    assert (one["right_low"], one["right_high"], one["over"]) == (
        pytest.approx(exact.low),
        pytest.approx(exact.high),
        "picks",
    )


def test_the_frontier_is_what_nobody_beats_and_the_oracle_does_not_compete() -> None:
    assert pareto([0.1, 0.5, 0.4, 0.9, np.nan], [0.9, 0.8, 0.7, 0.3, 1.0]).tolist() == [0, 1, 3]
    rng = np.random.default_rng(0)
    gain, right = rng.random((2, 60))
    beaten = [
        any(gain[j] >= g and right[j] >= r and (gain[j], right[j]) != (g, r) for j in range(60))
        for g, r in zip(gain, right, strict=True)
    ]
    assert sorted(pareto(gain, right)) == np.flatnonzero(~np.array(beaten)).tolist()
    gains, known, _ = make_pool(1000)
    table = tradeoff_chart(gains, known, make_picks(1000, 50)).table.set_index("Strategy")
    assert not table.loc["Oracle (knows the truth)", "On the frontier"]
    assert not table.loc["UNIXKD", "On the frontier"]
    assert table["On the frontier"].any()


def test_mixtures_are_shown_as_undefined_not_as_zero() -> None:
    gains, right, _ = make_pool(1000)
    chart = tradeoff_chart(gains, right, make_picks(1000, 50))
    text = chart.figure.to_json()
    assert "mixtures: right or wrong is undefined" in text
    assert "UNIXKD" not in chart.alt


def test_curves_show_means_and_t_intervals_over_seeds() -> None:
    rounds = make_rounds(seeds=4)
    chart = accuracy_curves(rounds)
    row = chart.table[(chart.table["Strategy"] == "Margin") & (chart.table["Round"] == 3)].iloc[0]
    values = rounds.query("strategy == 'margin' and round == 3")["accuracy"]
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert row["Accuracy on the test set"] == pytest.approx(values.mean())
    assert (row["95% interval, low"], row["95% interval, high"]) == pytest.approx((low, high))
    assert row["Seeds"] == 4
    assert "mean of 4 seeds" in chart.figure.layout.legend.title.text


def test_rules_that_nobody_looks_at_are_gray_but_keep_their_numbers() -> None:
    rounds = make_rounds(seeds=4)
    names = set(rounds["strategy"])
    chart = accuracy_curves(rounds, strategies=["rad", "uniform"], muted=sorted(names))
    whole = accuracy_curves(rounds)
    pd.testing.assert_frame_equal(chart.table, whole.table)
    gray = [trace for trace in chart.figure.data if trace.line.width == 1.2]
    assert len(gray) == len(names) - 2
    assert {trace.line.color for trace in gray} == {ink("light").line}
    assert not any(trace.showlegend for trace in gray)
    assert not {"RAD", "Uniform"} & {trace.name for trace in gray}


def test_one_seed_shows_no_uncertainty_and_says_so() -> None:
    chart = accuracy_curves(make_rounds(seeds=1), strategies=["rad", "uniform"])
    assert chart.figure.layout.legend.title.text == "1 repetition: too few for an interval"
    assert not any(trace.fill for trace in chart.figure.data)


def test_uneven_seeds_are_counted_for_each_strategy() -> None:
    rounds = make_rounds(seeds=3)
    chart = accuracy_curves(rounds[~((rounds["strategy"] == "badge") & (rounds["seed"] == 2))])
    names = {trace.name for trace in chart.figure.data if trace.showlegend is not False}
    assert {"BADGE (2 seeds)", "RAD (3 seeds)"} <= names


def test_a_study_that_has_just_begun_can_be_drawn() -> None:
    rounds = make_rounds()
    assert accuracy_curves(rounds[rounds["round"] == 0]).alt.startswith("After the last finished round")
    assert accuracy_curves(rounds.iloc[:0]).alt == "No round has finished yet."


def test_label_efficiency_is_read_off_the_curves_and_never_extrapolated() -> None:
    measured = bent({"rad": [[0.5, 0.7]], "uniform": [[0.5, 0.6]]}, step=100)
    chart = label_efficiency_chart(measured, 0.6)
    table = chart.table.set_index("Strategy")
    assert table.loc["RAD", "Soft labels needed"] == pytest.approx(50)
    assert table.loc["Uniform", "Soft labels needed"] == pytest.approx(100)
    hard = label_efficiency_chart(measured, 0.65)
    assert "not reached within 100 labels<br>(best mean 60.0%)" in str(hard.figure.layout.annotations)
    assert np.isnan(hard.table.set_index("Strategy").loc["Uniform", "Soft labels needed"])


def test_a_difference_that_the_seeds_do_not_show_is_grey_and_says_so() -> None:
    finals = {"rad": (0.80, 0.82, 0.81), "margin": (0.60, 0.63, 0.62), "badge": (0.83, 0.79, 0.82)}
    chart = paired_difference_chart(difference_table(straight(finals)))
    text = [annotation.text for annotation in chart.figure.layout.annotations]
    assert sum("no difference shown" in line for line in text) == 1
    row = chart.table.set_index("Compared with").loc["Margin"]
    low, high = stats.t.interval(1 - 0.05 / 2, 2, 58 / 3, stats.sem([20, 19, 19]))
    assert (row["Corrected interval, low"], row["Corrected interval, high"]) == pytest.approx((low, high))


def test_round_deltas_are_paired_by_seed() -> None:
    rounds = make_rounds(seeds=3)
    table = round_delta_chart(rounds, "margin").table
    row = table[(table["Strategy"] == "RAD") & (table["Round"] == 4)].iloc[0]
    wide = rounds[rounds["round"] == 4].pivot(index="seed", columns="strategy", values="accuracy")
    difference = 100 * (wide["rad"] - wide["margin"])
    assert row["Accuracy minus Margin (points)"] == pytest.approx(difference.mean())
    low, _ = stats.t.interval(0.95, 2, difference.mean(), stats.sem(difference))
    assert row["95% interval, low"] == pytest.approx(low)


def test_calibration_bins_hold_every_point_once() -> None:
    confidence = np.array([0.1, 0.1, 0.35, 0.9, 1.0, 1.0])
    right = np.array([False, True, True, True, True, False])
    chart = calibration_chart(confidence, right, fitted=([0, 1], [0, 1]))
    assert chart.table["Points"].sum() == 6
    top = chart.table.iloc[-1]
    assert (top["Points"], top["Mean confidence"], top["Share right"]) == (2, 1.0, 0.5)
    # By hand: two points at 0.1 of which one is right, one at 0.35, and three above 0.9 or at it: bins 1, 4, 9 and 10.
    assert chart.table["Points"].tolist() == [2, 1, 1, 2]
    assert f"{(2 * 0.4 + 0.65 + 0.1 + 2 * 0.5) / 6:.1%}" in chart.alt


def test_of_the_overlap_the_pairs_are_named_that_share_most_and_least() -> None:
    names = ["rad", "margin", "uniform"]
    shares = pd.DataFrame([[1.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 1.0]], names, names)
    alt = overlap_heatmap(shares).alt
    assert "most for RAD and Margin (50%), least for RAD and Uniform (10%)" in alt


def test_a_raster_shows_every_point_at_its_place_in_its_color() -> None:
    uri = density_raster(
        [0.05, 0.95, 0.95, 5.0], [0.95, 0.05, 0.05, 0.5], [0, 1, 1, 0], ("#FF0000", "#0000FF"), size=(10, 10)
    )
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
    assert np.argwhere(pixels[..., 3] > 0).tolist() == [[0, 0], [9, 9]], "the point outside is left out"
    assert pixels[0, 0, :3].tolist() == [255, 0, 0]
    assert pixels[9, 9, :3].tolist() == [0, 0, 255]
    assert pixels[9, 9, 3] > pixels[0, 0, 3]


def test_labels_are_moved_apart_as_little_as_needed() -> None:
    placed = spread([0.5, 0.5, 0.9], 0.1, 0.0, 1.0)
    assert placed.tolist() == pytest.approx([0.45, 0.55, 0.9])
    crowded = spread(np.full(6, 0.98), 0.1, 0.0, 1.0)
    assert np.diff(np.sort(crowded)).min() >= 0.1 - 1e-9
    assert crowded.max() <= 1.0
    assert spread([], 0.1, 0, 1).tolist() == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.4165, "0.416"), (409.3, "409"), (12345.6, "12,346"), (3.14159, "3.14"), (2e-5, "2.0e-05")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_the_name_of_an_average_stands_where_it_hides_no_mark() -> None:
    low, high = [0.05, 0.1], [0.8, 0.97]
    assert clear_side([*low, *high], [0.3, 0.2, -0.2, -0.3]) == 1, "both ends are free"
    assert clear_side([*low, *high], [0.3, 0.2, 0.03, 0.0]) == 0, "the right end is taken"
    assert clear_side([*low, *high], [0.03, 0.02, 0.03, 0.0]) == 1, "both are taken"
    gains, tenth = np.arange(2000) / 2000, np.arange(2000) % 200
    shares = {"left": [0, 0, 100, 100, 100, 100, 100, 78, 78, 78], "right": [100, 100, 90, 80, 70, 60, 50, 40, 30, 20]}
    for end, percents in shares.items():
        right = tenth < 2 * np.repeat(percents, 200)
        notes = accuracy_by_decile(gains, right).figure.layout.annotations
        assert [note.xanchor for note in notes if "whole pool" in note.text] == [end]


def test_charts_for_half_a_page_say_it_in_fewer_words() -> None:
    gains, right, _ = make_pool(400)
    picks = make_picks(400, 40)
    limits = {"measured": 0.7, "interval": (0.6, 0.8)}

    def longest(narrow: bool) -> list[int]:
        charts = (
            tradeoff_chart(gains, right, picks, narrow=narrow),
            guarantee_by_accuracy(gains, 40, narrow=narrow, **limits),
        )
        return [max(len(note.text) for note in chart.figure.layout.annotations) for chart in charts]

    assert all(short < long for short, long in zip(longest(True), longest(False), strict=True))
