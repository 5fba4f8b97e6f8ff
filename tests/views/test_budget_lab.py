"""The numbers of the Budget lab and the Trade-off page, against brute force, scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from app.explore import numbers
from app.figures import tradeoff_chart
from app.findings import calibration, tradeoff
from app.findings.deciles import deciles, deciles_over_seeds, difference_of_shares, top_minus_bottom
from app.results import reading
from rad_core.errors import InputError
from rad_core.results.increments import next_labels
from rad_core.results.words import duration, money
from rad_core.selection.game import attack_value, game_value
from rad_core.selection.whatif import right_chance
from tests.helpers.big_study import BUDGET, make_big_study
from tests.helpers.figure_examples import make_picks, make_pool


def pool(n: int = 400, budget: int = 40, known: bool = True) -> reading.Pool:
    gains, right, _ = make_pool(n)
    estimate = reading.TeacherEstimate(0.9, 0.85, 0.94, 0.9)
    labels = np.arange(n) % 3
    truth = {"right": right, "labels": labels, "classes": ("a", "b", "c")} if known else {}
    return reading.Pool("test", gains, estimate, budget, price=0.5, latency=2.0, **truth)


def levers(of: reading.Pool, budget: int, accuracy: float | None = None) -> numbers.Levers:
    used = of.teacher.used if accuracy is None else accuracy
    return numbers.Levers(budget, used, accuracy is not None, of.wrong(used))


# --- the lab -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accuracy", [None, 0.5, 0.99])
@pytest.mark.parametrize("budget", [1, 40, 400])
def test_the_lab_plays_the_game_at_its_levers(accuracy: float | None, budget: int) -> None:
    of = pool()
    setting = levers(of, budget, accuracy)
    game = numbers.solve(of, setting)
    rad, uniform, greedy = numbers.answers(of, setting)[:3]
    k = int((1 - (accuracy or 0.9)) * of.size + 1e-6)
    assert setting.wrong == k
    assert rad.guarantee == pytest.approx(game_value(game.q, of.gains, k), rel=1e-6)  # q is float32
    assert rad.guarantee == pytest.approx(attack_value(game.attack, of.gains, budget), rel=1e-6, abs=1e-6)
    shares = np.full(of.size, budget / of.size) * of.gains.astype(float)
    assert uniform.guarantee == pytest.approx(np.sort(shares)[: of.size - k].sum())
    top = np.sort(of.gains.astype(float))[::-1][:budget]
    assert greedy.gain == pytest.approx(top.sum())
    assert rad.guarantee >= max(uniform.guarantee, greedy.guarantee) - 1e-9


def test_the_oracle_answers_only_for_the_teacher_that_was_measured() -> None:
    of = pool()
    assert [answer.rule for answer in numbers.answers(of, levers(of, 40))] == ["rad", "uniform", "greedy", "oracle"]
    assert [answer.rule for answer in numbers.answers(of, levers(of, 40, 0.5))] == ["rad", "uniform", "greedy"]
    game = numbers.solve(of, levers(of, 40))
    assert list(numbers.chances(of, levers(of, 40), game)) == ["rad", "uniform", "greedy", "oracle"]


def test_without_labels_nothing_is_said_about_mistakes() -> None:
    of = pool(known=False)
    table = numbers.comparison(numbers.answers(of, levers(of, 40)))
    assert list(table.columns) == ["How we choose", "Gain bought", "Guaranteed useful gain"]
    assert len(table) == 3


def test_a_worse_teacher_errs_anew_at_random_and_a_better_one_is_spared_at_random() -> None:
    right = np.array([True, True, True, False])
    assert right_chance(right) == pytest.approx([1, 1, 1, 0])
    assert right_chance(right, 0.6) == pytest.approx([0.8, 0.8, 0.8, 0])
    assert right_chance(right, 0.9) == pytest.approx([1, 1, 1, 0.6])
    for accuracy in (0.0, 0.3, 0.75, 1.0):
        chance = right_chance(right, accuracy)
        assert chance.mean() == pytest.approx(accuracy)
        assert chance.min() >= 0
        assert chance.max() <= 1
    assert right_chance(np.ones(3, bool), 0.5) == pytest.approx([0.5] * 3)
    assert right_chance(np.zeros(3, bool), 0.5) == pytest.approx([0.5] * 3)
    with pytest.raises(InputError, match=r"accuracy is 1\.5"):
        right_chance(right, 1.5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (59.9, "1 min"),
        (119, "1 min 59 s"),
        (600, "10 min"),
        (3599.6, "1 h"),
        (7500, "2 h 5 min"),
        (864000, "10 days"),
    ],
)
def test_times_are_told_in_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_amounts_show_cents_only_where_they_matter() -> None:
    assert [money(x, "EUR") for x in (20.0, 0.125, 12.5, 123456.7)] == [
        "20.00 EUR",
        "0.12 EUR",
        "12.50 EUR",
        "123,457 EUR",
    ]


# --- what the next labels bought -----------------------------------------------------------------------------------


def rounds(ends: dict[int, int]) -> pd.DataFrame:
    """A strategy's rounds of 100 labels for some seeds; seed s gains s + 1 points in every round up to its last."""
    rows = [
        ("rad", seed, r, 100.0 * r, 0.5 + 0.01 * (seed + 1) * r) for seed, end in ends.items() for r in range(end + 1)
    ]
    return pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy"])


def test_the_next_labels_are_paired_by_seed_with_a_t_interval() -> None:
    found = next_labels(rounds({0: 3, 1: 3, 2: 3}), "rad", 100, 100)
    assert found is not None
    rises = np.array([0.01, 0.02, 0.03])
    low, high = stats.t.interval(0.95, 2, loc=rises.mean(), scale=stats.sem(rises))
    assert (found.gained.mean, found.gained.low, found.gained.high) == pytest.approx((0.02, low, high))
    assert (found.from_accuracy, found.to_accuracy) == pytest.approx((0.52, 0.54))
    assert found.per_label.mean == pytest.approx(0.0002)
    half = next_labels(rounds({0: 3, 1: 3, 2: 3}), "rad", 100, 50)
    assert half is not None
    assert half.gained.mean == pytest.approx(0.01)


def test_nothing_is_extrapolated_beyond_what_was_measured() -> None:
    found = next_labels(rounds({0: 3, 1: 3}), "rad", 200, 1000)
    assert found is not None
    assert (found.end, found.asked) == (300, 1200)
    assert found.gained.mean == pytest.approx(0.015)
    assert next_labels(rounds({0: 3, 1: 3}), "rad", 300, 10) is None
    assert next_labels(rounds({0: 3}), "badge", 0, 10) is None


def test_a_seed_that_is_still_running_counts_only_where_it_was_measured() -> None:
    found = next_labels(rounds({0: 3, 1: 1}), "rad", 0, 300)
    assert found is not None
    assert (found.end, found.gained.n) == (300, 1)
    assert np.isnan(found.gained.low)


@pytest.mark.parametrize(("start", "labels"), [(-1, 10), (0, 0), (0, -5)])
def test_impossible_numbers_of_labels_are_refused(start: float, labels: float) -> None:
    with pytest.raises(InputError, match="at least 0 and above 0"):
        next_labels(rounds({0: 3}), "rad", start, labels)


def test_all_strategies_are_compared_over_the_same_labels() -> None:
    more = rounds({0: 3, 1: 3})
    fewer = rounds({0: 2, 1: 2}).assign(strategy="uniform")
    none = pd.DataFrame(columns=["strategy", "labels", "wrong", "gain", "useful_gain", "guarantee"])
    measured = numbers.Measured(none, pd.concat([more, fewer]), 100, "round 2, seed 0")
    table, end = numbers.next_table(measured, 10_000)
    assert end == 200
    assert sorted(table["Strategy"]) == ["RAD", "Uniform"]
    assert table["Gained (points)"].to_numpy() == pytest.approx([1.5, 1.5])
    at_the_end = numbers.Measured(none, more, 300, "round 4, seed 0")
    table, end = numbers.next_table(at_the_end, 10)
    assert table.empty
    assert end == 300


# --- what a study measured -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> object:
    return make_big_study(tmp_path_factory.mktemp("store"), 5000)


def test_the_purchases_laid_over_are_those_of_the_store(study: reading.Study) -> None:
    bought = numbers.purchases_in_round(study, 1, 2).set_index("strategy")
    rounds_table = study.rounds_table().set_index(["strategy", "seed", "round"])
    for strategy in ("rad", "margin", "uniform"):
        row, metrics = bought.loc[strategy], rounds_table.loc[(strategy, 1, 2)]
        assert row["labels"] == BUDGET
        assert 1 - row["wrong"] / BUDGET == pytest.approx(metrics["teacher_right_share"])
        assert row["gain"] / BUDGET == pytest.approx(metrics["mean_gain"], rel=1e-5)
        assert row["useful_gain"] <= row["gain"]
        assert row["guarantee"] == pytest.approx(metrics["strategy_value"])
    # The study's own guarantee is what the lab works out from the stored gains (16-bit) at the study's own levers.
    of = reading.pool_before(study, "rad", 1, 2)
    found = numbers.answers(of, levers(of, BUDGET))[0]
    assert found.guarantee == pytest.approx(bought.loc["rad", "guarantee"], rel=1e-3)


# --- calibration and the trade-off ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_calibration_is_isotonic_regression(ties: bool) -> None:
    rng = np.random.default_rng(3)
    confidence = rng.beta(5, 2, 500)
    confidence = confidence.round(1) if ties else confidence
    right = rng.random(500) < confidence**2
    ours = calibration.calibrate(confidence, right)
    theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(confidence, right)
    asked = np.concatenate([np.linspace(0, 1, 301), confidence])
    assert ours(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)
    assert (np.diff(ours.share) >= 0).all()


def test_calibration_needs_as_many_answers_as_questions() -> None:
    with pytest.raises(InputError, match="both must be"):
        calibration.calibrate([0.1, 0.2], [True])
    with pytest.raises(InputError, match="both must be"):
        calibration.calibrate([], [])


def test_calibrated_confidence_is_fitted_on_the_validation_set_alone(study: reading.Study) -> None:
    fitted = calibration.calibration(study, 0)
    probabilities = np.array(study.seed_array(0, "teacher_validation_probabilities"))
    right = probabilities.argmax(1) == study.seed_array(0, "validation_labels")
    theirs = IsotonicRegression(out_of_bounds="clip").fit(probabilities.max(1), right)
    scene = calibration.scene(study, "rad", 0, 2)
    left = reading.remaining(study, "rad", 0, 2)
    pool_confidence = reading.teacher_probabilities(study, 0)[left].max(1)
    assert scene.confidence == pytest.approx(theirs.predict(pool_confidence), abs=1e-6)
    assert len(fitted.shown) == len(right)
    labels = reading.labels(study, 0)[left]
    assert scene.right.mean() == pytest.approx(
        (reading.teacher_probabilities(study, 0)[left].argmax(1) == labels).mean()
    )
    assert scene.probability[7] == reading.teacher_probabilities(study, 0)[left][7, labels[7]]


def test_picks_carry_every_axis(study: reading.Study) -> None:
    table = calibration.picks(study)
    assert len(table) == 2 * 3 * 3 * BUDGET
    row = table[(table["seed"] == 1) & (table["strategy"] == "margin")].iloc[17]
    probabilities = reading.teacher_probabilities(study, 1)[row["pool_index"]]
    label = reading.labels(study, 1)[row["pool_index"]]
    assert row["probability"] == pytest.approx(probabilities[label])
    assert row["true_class"] == reading.classes(study, 1)[label]
    assert row["teacher_says"] == reading.classes(study, 1)[probabilities.argmax()]
    assert (row["right"] == 1) == (row["true_class"] == row["teacher_says"])
    shown = calibration.for_chart(table, "confidence")
    assert shown["right"].equals(table["confidence"])
    assert len(calibration.for_people(table)) == len(table)


def test_tenths_of_a_level_and_of_several_seeds() -> None:
    rng = np.random.default_rng(0)
    pools = [(rng.random(1000), rng.random(1000)) for _ in range(3)]
    one = deciles(*pools[0])
    part = pools[0][1][np.argsort(pools[0][0])[:100]]
    assert one["share"].iloc[0] == pytest.approx(part.mean())
    assert (one["low"].iloc[0], one["high"].iloc[0]) == pytest.approx(
        stats.t.interval(0.95, 99, loc=part.mean(), scale=stats.sem(part))
    )
    together = deciles_over_seeds(pools)
    firsts = np.array([deciles(*each)["share"].iloc[0] for each in pools])
    assert together["share"].iloc[0] == pytest.approx(firsts.mean())
    low, high = stats.t.interval(0.95, 2, loc=firsts.mean(), scale=stats.sem(firsts))
    assert (together["low"].iloc[0], together["high"].iloc[0]) == pytest.approx((max(low, 0), min(high, 1)))
    assert together["count"].iloc[0] == 300
    assert deciles_over_seeds(pools[:1]).equals(one)


def test_the_difference_of_two_shares_covers_the_truth_about_as_often_as_it_says() -> None:
    from app.findings.deciles import clopper_pearson

    rng, hits = np.random.default_rng(0), 0
    for _ in range(1000):
        a, b = rng.binomial(60, 0.8), rng.binomial(60, 0.6)
        limits = [(x / 60, *(float(edge) for edge in clopper_pearson(x, 60))) for x in (a, b)]
        found = difference_of_shares(*limits)
        hits += found.low <= 0.2 <= found.high
    assert hits >= 940


def test_a_teacher_that_errs_at_random_is_not_said_to_err_on_informative_points() -> None:
    rng = np.random.default_rng(1)
    gains = rng.random(4000)
    picks = pd.DataFrame({"strategy": "uniform", "seed": 0, "gain": gains[:100], "right": 1.0})
    for right, words in (
        (rng.random(4000) < 0.8, "cannot tell from chance"),
        (rng.random(4000) < 0.9 - 0.5 * gains, "makes more mistakes exactly where"),
        (rng.random(4000) < 0.4 + 0.5 * gains, "even better"),
    ):
        pools = [(gains, right)]
        story = tradeoff.story(deciles_over_seeds(pools), top_minus_bottom(pools), picks, "right", 1)
        assert words in story.text
        assert "within 1 seed" in story.intervals
        assert "RAD" not in story.text


def test_the_paragraph_claims_a_difference_between_strategies_only_where_its_interval_shows_one() -> None:
    rng = np.random.default_rng(2)
    pools = [(rng.random(1000), rng.random(1000) < 0.8) for _ in range(4)]
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)

    def picks(rad: float, margin: float, seeds: int) -> pd.DataFrame:
        parts = [
            pd.DataFrame(
                {"strategy": name, "seed": seed, "gain": 0.5, "right": (rng.random(200) < share).astype(float)}
            )
            for seed in range(seeds)
            for name, share in (("rad", rad), ("margin", margin))
        ]
        return pd.concat(parts)

    for seeds in (1, 4):
        told = tradeoff.story(groups, gap, picks(0.9, 0.5, seeds), "right", seeds)
        assert "the teacher is more often right on the labels that RAD buys" in told.text
        told = tradeoff.story(groups, gap, picks(0.5, 0.9, seeds), "right", seeds)
        assert "the teacher is less often right on the labels that RAD buys" in told.text
        told = tradeoff.story(groups, gap, picks(0.7, 0.7, seeds), "right", seeds)
        assert "a difference in correctness that these data cannot tell from chance" in told.text


@pytest.mark.parametrize(
    ("rad", "uniform", "words"),
    [
        (0.6, 0.9, "for labels that would teach more, RAD accepts more mistakes of the teacher"),
        (0.9, 0.6, "RAD's labels are right even more often"),
        (0.8, 0.8, "cannot tell from chance"),
    ],
)
def test_the_paragraph_says_how_rad_stands_to_uniform(rad: float, uniform: float, words: str) -> None:
    rng = np.random.default_rng(3)
    pools = [(rng.random(1000), rng.random(1000) < 0.8) for _ in range(4)]
    picks = pd.concat(
        pd.DataFrame({"strategy": name, "seed": seed, "gain": gain, "right": (rng.random(300) < share).astype(float)})
        for seed in range(4)
        for name, gain, share in (("rad", 0.5, rad), ("uniform", 0.1, uniform))
    )
    told = tradeoff.story(deciles_over_seeds(pools), top_minus_bottom(pools), picks, "right", 4)
    assert words in told.text
    assert "RAD bought 0.50 with" in told.text, "without a greedy rule, RAD's own numbers stand here"
    assert "RAD minus Uniform" in told.intervals


@pytest.mark.parametrize("known", [True, False])
def test_the_vertical_axis_may_be_a_level_with_or_without_the_truth(known: bool) -> None:
    gains, right, level = make_pool(1000)
    picks = make_picks(1000, 100)
    picks = picks.assign(right=np.where(picks["right"].notna(), level[picks["point"]], np.nan))
    chart = tradeoff_chart(gains, right if known else None, picks, level=level, level_name="Its probability")
    names = [trace.name for trace in chart.figure.data]
    assert ("teacher wrong" in names) == known
    assert ("the pool" in names) != known
    sides = [trace for trace in chart.figure.data if trace.xaxis == "x2"]
    assert len(sides) == (2 if known else 1)
    assert all(np.sum(trace.x) == pytest.approx(1, abs=1e-4) for trace in sides)
    assert chart.figure.layout.yaxis.title.text == "Its probability"
    rad = chart.table.set_index("Strategy").loc["RAD"]
    means = picks[picks["strategy"] == "rad"].groupby("seed")["right"].mean()
    assert rad["Share right"] == pytest.approx(means.mean())
    assert "its probability on them" in chart.alt
    with pytest.raises(InputError, match="one may be missing"):
        tradeoff_chart(gains, None, picks)
