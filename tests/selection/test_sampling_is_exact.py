"""Exactly b distinct picks, always, each as likely as q says."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad_core import solve_game
from rad_core.errors import InputError
from rad_core.selection.ordered import NO_GAIN
from rad_core.selection.sampling import _one_in_each, proportional, sample


@st.composite
def probabilities(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    n = draw(st.integers(1, 60))
    budget = draw(st.integers(1, n))
    weight = st.sampled_from([0.0, 1e-9, 0.1, 0.1, 0.5, 1.0, 3.0, 1e6])
    gains = np.array(draw(st.lists(weight, min_size=n, max_size=n)))
    q = solve_game(gains, budget, wrong=draw(st.integers(0, n))).q
    return (q.astype(np.float32) if draw(st.booleans()) else q), budget


@settings(max_examples=500, deadline=None)
@given(probabilities(), st.integers(0, 2**32))
def test_exactly_b_distinct_certain_ones_in_impossible_ones_out(case: tuple[np.ndarray, int], seed: int) -> None:
    q, budget = case
    picks = sample(q, np.random.default_rng(seed), budget)
    assert len(picks) == budget
    assert len(set(picks.tolist())) == budget
    assert (q[picks] > 0).all()
    assert set(np.flatnonzero(q >= 1).tolist()) <= set(picks.tolist())


def test_frequencies_match_inclusion_probabilities() -> None:
    gains = np.random.default_rng(0).random(40)
    q = solve_game(gains, 12, wrong=10).q
    draws = 20_000
    rng = np.random.default_rng(1)
    counts = np.zeros(40)
    for _ in range(draws):
        counts[sample(q, rng)] += 1
    deviation = np.sqrt(np.maximum(q * (1 - q), 0) / draws)
    assert np.all(np.abs(counts / draws - q) <= 4.5 * deviation + 1e-12)


def test_pairs_are_not_locked_together() -> None:
    """A fixed order would never pick neighbors together; a random one picks every pair at times."""
    rng = np.random.default_rng(2)
    together = np.zeros((6, 6))
    for _ in range(3000):
        picks = sample(np.full(6, 1 / 3), rng)
        together[picks[0], picks[1]] += 1
    pairs = together + together.T
    assert (pairs[np.triu_indices(6, 1)] > 100).all()


def test_tensors_are_sampled_the_same_way() -> None:
    torch = pytest.importorskip("torch")
    q = solve_game(np.random.default_rng(3).random(50), 9, wrong=20).q
    expected = sample(q, np.random.default_rng(4))
    found = sample(torch.from_numpy(q), np.random.default_rng(4))
    np.testing.assert_array_equal(found.numpy(), expected)


def test_the_code_for_cuda_draws_exactly_b_as_likely_as_q() -> None:
    torch = pytest.importorskip("torch")
    from rad_core.selection.sampling import _sample_tensor

    q = solve_game(np.random.default_rng(3).random(30), 12, wrong=9).q
    rng = np.random.default_rng(5)
    draws = 4000
    counts = np.zeros(30)
    for _ in range(draws):
        picks = _sample_tensor(torch.from_numpy(q), rng, 12).numpy()
        assert len(set(picks.tolist())) == 12
        counts[picks] += 1
    deviation = np.sqrt(np.maximum(q * (1 - q), 0) / draws)
    assert np.all(np.abs(counts / draws - q) <= 4.5 * deviation + 1e-12)


SHAPES = {
    "equal": np.full(24, 0.25),
    "many ones": np.concatenate([np.ones(15), np.full(6, 0.5), [0.9, 0.1]]),
    "ties": np.repeat([0.8, 0.35, 0.1], [5, 10, 15]),
    "tiny and nearly one": np.concatenate([np.full(20, 1e-4), np.full(4, 0.9995), [0.0, 1.0]]),
    "halves and more": np.array([0.5, 0.7, 0.6, 0.9, 0.8, 0.5]),
    "unequal": np.random.default_rng(0).beta(0.3, 1, 50),
}
SHAPES["unequal"] *= 12 / SHAPES["unequal"].sum()
assert SHAPES["unequal"].max() < 1


@pytest.mark.parametrize("order", ["random", "given"])
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_draws_come_as_often_as_q_says(shape: str, order: str) -> None:
    q, draws, rng = SHAPES[shape], 10_000, np.random.default_rng(6)
    fixed = np.random.default_rng(7).permutation(len(q)) if order == "given" else None
    counts = np.zeros(len(q))
    for _ in range(draws):
        counts[sample(q, rng, order=fixed)] += 1
    assert (counts[q == 1] == draws).all()
    assert (counts[q == 0] == 0).all()
    assert np.all(np.abs(counts / draws - q) <= 4.5 * np.sqrt(q * (1 - q) / draws) + 1 / draws)


def pivotal_sets(q: list[Fraction]) -> dict[frozenset[int], Fraction]:
    """The chance of every set under the pivotal method, played as it is written down, in the order given.

    Two points meet: if they carry less than 1 together, one of them takes all and the other is out; else one is in and
    the other goes on with what is left over. Whoever is undecided meets the next point.
    """
    found: dict[frozenset[int], Fraction] = defaultdict(Fraction)

    def play(turn: int, holder: int, held: Fraction, inside: frozenset[int], chance: Fraction) -> None:
        if chance == 0:
            return
        if turn == len(q):
            assert held in (0, 1)
            found[inside | {holder} if held else inside] += chance
            return
        one, two = held, q[turn]
        if one in (0, 1):
            play(turn + 1, turn, two, inside | {holder} if one else inside, chance)
        elif two in (0, 1):
            play(turn + 1, holder, one, inside | {turn} if two else inside, chance)
        elif one + two <= 1:
            play(turn + 1, holder, one + two, inside, chance * one / (one + two))
            play(turn + 1, turn, one + two, inside, chance * two / (one + two))
        else:
            first = (1 - two) / (2 - one - two)
            play(turn + 1, turn, one + two - 1, inside | {holder}, chance * first)
            play(turn + 1, holder, one + two - 1, inside | {turn}, chance * (1 - first))

    play(1, 0, q[0], frozenset(), Fraction(1))
    return found


@pytest.mark.parametrize(
    "q",
    [
        "1/2 1/2 1/2 1/2",
        "1/5 3/5 4/5 2/5",
        "9/10 9/10 9/10 3/10",
        "3/4 3/4 3/4 3/4 3/4 3/4 3/4 3/4",
        "1/3 1/3 1/3 1/3 1/3 1/3",
        "1 1/4 3/4 1 1/2 1/2 0",
        "1/7 5/7 6/7 2/7 3/7 4/7",
    ],
)
def test_every_set_is_as_likely_as_under_the_pivotal_method_played_point_by_point(q: str) -> None:
    exact = [Fraction(part) for part in q.split()]
    expected = pivotal_sets(exact)
    assert sum(expected.values()) == 1
    for position, part in enumerate(exact):
        assert sum(chance for inside, chance in expected.items() if position in inside) == part
    draws, rng, floats, order = 20_000, np.random.default_rng(8), np.array(exact, float), np.arange(len(exact))
    found = Counter(frozenset(sample(floats, rng, order=order).tolist()) for _ in range(draws))
    assert set(found) <= set(expected)
    for inside, chance in expected.items():
        deviation = np.sqrt(float(chance * (1 - chance)) / draws)
        assert abs(found[inside] / draws - float(chance)) <= 4.5 * deviation


@pytest.mark.parametrize("order", ["random", "given"])
def test_no_pair_is_drawn_together_more_often_than_independent_draws_would(order: str) -> None:
    q, draws, rng = SHAPES["ties"], 10_000, np.random.default_rng(9)
    together = np.zeros((len(q), len(q)))
    for _ in range(draws):
        picks = sample(q, rng, order=np.arange(len(q)) if order == "given" else None)
        together[np.ix_(picks, picks)] += 1
    apart = np.triu_indices(len(q), 1)
    product = np.outer(q, q)[apart]
    assert np.all(together[apart] / draws <= product + 4.5 * np.sqrt(product * (1 - product) / draws))
    if order == "given":
        next_door = together[np.arange(len(q) - 1), np.arange(1, len(q))] / draws
        assert (next_door[15:] == 0).sum() >= 10, "neighbors share an interval; at most one is drawn of it"
        assert np.all(next_door[5:14] < 0.35**2)


def test_picks_follow_the_order_given_the_certain_ones_first() -> None:
    q = np.array([0.5, 1.0, 0.5, 0.5, 1.0, 0.5])
    order = np.array([4, 3, 0, 1, 2, 5])
    for seed in range(20):
        picks = sample(q, np.random.default_rng(seed), order=order)
        assert picks[:2].tolist() == [4, 1]
        assert picks[2] in (3, 0)
        assert picks[3] in (2, 5)
        np.testing.assert_array_equal(picks, sample(q, np.random.default_rng(seed), order=order))


def test_the_draw_does_not_depend_on_how_many_units_are_worked_out_together() -> None:
    """So a pool that is read piece by piece gives the picks of the whole one."""
    rng = np.random.default_rng(10)
    for number in range(50):
        units = int(rng.integers(1, 40))
        parts = rng.integers(0, 900, 3 * units)
        parts[: -int(parts.sum()) % units] += 1
        unit = int(parts.sum()) // units
        if parts.max() >= unit:
            continue
        picks = [
            _one_in_each(parts.cumsum(), units, unit, np.random.default_rng(number), block)
            for block in (1, 2, -(-units // 7), -(-units // 2), units)
        ]
        for other in picks[1:]:
            np.testing.assert_array_equal(other, picks[0])


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_what_is_drawn_from_is_q_to_the_ninth_decimal_in_a_large_pool(kind: str, monkeypatch: Any) -> None:
    """The lengths that the draw gives the points, over the length of a unit."""
    n, budget = 400_000, 100_000
    q = np.random.default_rng(11).beta(0.2, 1, n)
    q = proportional(q, budget).astype(kind)
    seen = {}

    def spy(ends: np.ndarray, units: int, unit: int, rng: np.random.Generator, block: int) -> np.ndarray:
        seen.update(ends=ends.copy(), units=units, unit=unit)
        return _one_in_each(ends, units, unit, rng, block)

    monkeypatch.setattr("rad_core.selection.sampling._one_in_each", spy)
    picks = sample(q, np.random.default_rng(0), budget, order=np.arange(n))
    assert len(np.unique(picks)) == budget
    fractional = q[(q > 0) & (q < 1)].astype(float)
    assert seen["ends"][-1] == seen["units"] * seen["unit"]
    expected = fractional * (seen["units"] / fractional.sum())  # of float32 the sum is a whole number but for rounding
    assert np.abs(np.diff(seen["ends"], prepend=0) / seen["unit"] - expected).max() < 1e-11


@pytest.mark.parametrize("budget", [1, 3, 7, 40])
def test_a_q_just_below_one_counts_as_certain_and_the_number_is_kept(budget: int) -> None:
    below = np.nextafter(np.float32(1), np.float32(0))
    for more in (0, 1, 5):
        q = np.concatenate([np.full(budget, below), np.full(more, np.float32(1e-8))])
        for seed in range(20):
            picks = sample(q, np.random.default_rng(seed), budget)
            assert len(set(picks.tolist())) == budget


@given(
    st.lists(st.sampled_from([0.0, 1e-300, 1e-9, 0.1, 0.1, 0.5, 1.0, 1e6]), min_size=1, max_size=40),
    st.integers(1, 40),
)
@settings(max_examples=300, deadline=None)
def test_probabilities_proportional_to_size_are_capped_at_one_and_spend_the_budget(
    sizes: list[float], wish: int
) -> None:
    budget = min(wish, len(sizes))
    array = np.where(np.array(sizes) > NO_GAIN, sizes, 0.0)
    q = proportional(np.array(sizes), budget)
    assert q.sum() == pytest.approx(budget, rel=1e-12)
    assert q.min() >= 0
    assert q.max() <= 1
    free = (q < 1 - 1e-9) & (array > 0)
    if free.any():
        ratio = q[free] / array[free]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
        assert (array[q >= 1 - 1e-9] * ratio[0] >= 1 - 1e-6).all(), "only what is too large for the ratio is capped"
    if (array > 0).sum() > budget:
        assert (q[array == 0] == 0).all()
    else:
        assert (q[array > 0] == 1).all()


def test_an_order_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="order has 3 positions"):
        sample(np.array([0.5, 0.5]), np.random.default_rng(0), order=np.arange(3))


@pytest.mark.parametrize(
    ("q", "budget", "words"),
    [
        ([1.0] * 19_999 + [0.0], 20_000, "too small"),
        ([0.5, 0.6], None, "sum to the budget"),
        ([0.5, 0.5], 2, "sum to the budget"),
        ([1.5, 0.5], None, "between 0 and 1"),
        ([float("nan"), 1.0], None, "between 0 and 1"),
    ],
)
def test_what_is_no_inclusion_probability_is_refused(q: list, budget: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sample(np.array(q), np.random.default_rng(0), budget)
