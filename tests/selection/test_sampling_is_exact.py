"""Exactly b distinct picks, always, each as likely as q says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad_core import solve_game
from rad_core.errors import InputError
from rad_core.selection.sampling import _distinct, sample


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


def test_two_teeth_in_one_interval_are_mended() -> None:
    np.testing.assert_array_equal(_distinct(np.array([0, 2, 2]), np.array([0.9, 0.2, 0.99, 0.8])), [0, 2, 3])


@pytest.mark.parametrize(
    ("q", "budget", "words"),
    [
        ([0.5, 0.6], None, "sum to the budget"),
        ([0.5, 0.5], 2, "sum to the budget"),
        ([1.5, 0.5], None, "between 0 and 1"),
        ([float("nan"), 1.0], None, "between 0 and 1"),
    ],
)
def test_what_is_no_inclusion_probability_is_refused(q: list, budget: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sample(np.array(q), np.random.default_rng(0), budget)
