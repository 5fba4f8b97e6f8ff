"""The game is solved exactly: against a linear-programming solver, primal against dual, and in every edge case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from rad_core import game_value, solve_game
from rad_core.errors import InputError
from rad_core.selection import ordered
from rad_core.selection.game import _solve, attack_value, wrong_count


def lp_value(gains: np.ndarray, budget: int, wrong: int) -> float:
    """Value of the game by HiGHS: max sum q g - k t - sum z, with z_i >= q_i g_i - t (dual of 'drop the k largest')."""
    n = len(gains)
    # variables: q (n), z (n), t
    cost = np.concatenate([-gains, np.ones(n), [wrong]])
    eye = scipy.sparse.eye(n)
    rows = scipy.sparse.hstack([scipy.sparse.diags(gains), -eye, -np.ones((n, 1))])
    budget_row = np.concatenate([np.ones(n), np.zeros(n + 1)])[None]
    bounds = [(0, 1)] * n + [(0, None)] * n + [(0, None)]
    result = scipy.optimize.linprog(
        cost,
        A_ub=rows,
        b_ub=np.zeros(n),
        A_eq=budget_row,
        b_eq=[budget],
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert result.status == 0
    return -result.fun


def torch_from(gains: np.ndarray) -> Any:
    return pytest.importorskip("torch").from_numpy(gains)


def check_certificate(gains: np.ndarray, budget: int, wrong: int) -> float:
    game = solve_game(gains, budget, wrong=wrong)
    scale = max(1.0, budget * gains.max())
    assert game.q.min() >= 0
    assert game.q.max() <= 1 + 1e-12
    assert game.q.sum() == pytest.approx(budget, rel=1e-9)
    assert game.attack.min() >= 0
    assert game.attack.max() <= 1 + 1e-12
    assert game.attack.sum() <= wrong + 1e-9 * max(1, wrong)
    assert game_value(game.q, gains, wrong) == pytest.approx(game.value, abs=1e-10 * scale)
    assert attack_value(game.attack, gains, budget) == pytest.approx(game.value, abs=1e-10 * scale)
    assert game.support == np.count_nonzero(game.q > 0)
    assert (game.budget, game.wrong) == (budget, min(wrong, len(gains)))
    return game.value


@st.composite
def games(draw: st.DrawFn, largest: int = 40) -> tuple[np.ndarray, int, int]:
    n = draw(st.integers(1, largest))
    gain = draw(
        st.sampled_from(
            [
                st.floats(0, 1),
                st.integers(0, 4).map(lambda x: x / 4),  # ties and zeros
                st.sampled_from([0.0, 1e-12, 1e-6, 0.5, 0.999999, 1.0]),
                st.floats(0.9, 1),
                st.integers(0, 50).map(lambda x: 0.75 + x * 1.2e-16),  # ties but for rounding
                st.integers(1, 3).map(float),
            ]
        )
    )
    gains = np.array(draw(st.lists(gain, min_size=n, max_size=n)), float)
    budget = draw(st.one_of(st.integers(1, n), st.just(n)))
    wrong = draw(st.one_of(st.integers(0, n + 1), st.just(0), st.just(n - 1)))
    return gains, budget, wrong


@settings(max_examples=2000, deadline=None)
@given(games())
def test_value_equals_the_linear_program_and_its_dual(game: tuple[np.ndarray, int, int]) -> None:
    gains, budget, wrong = game
    gains = np.round(gains, 6)  # HiGHS drops matrix entries below 1e-9; the certificate alone covers those
    value = check_certificate(gains, budget, wrong)
    assert value == pytest.approx(lp_value(gains, budget, min(wrong, len(gains))), abs=1e-9)


def test_value_equals_the_linear_program_on_larger_random_pools() -> None:
    rng = np.random.default_rng(0)
    for trial in range(500):
        n = int(rng.integers(2, 200))
        gains = [
            rng.random(n),
            rng.beta(0.3, 0.3, n),
            np.round(rng.random(n), 1),
            rng.exponential(size=n) ** 3,
            np.where(rng.random(n) < 0.5, 0, rng.random(n)),
        ][trial % 5]
        budget, wrong = int(rng.integers(1, n + 1)), int(rng.integers(0, n + 1))
        value = check_certificate(gains, budget, wrong)
        assert value == pytest.approx(lp_value(gains, budget, wrong), abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(games(largest=400))
def test_primal_equals_dual_on_any_pool(game: tuple[np.ndarray, int, int]) -> None:
    check_certificate(*game)


@pytest.mark.parametrize("short", [1, 3])
@settings(max_examples=500, deadline=None)
@given(game=games(largest=100))
def test_a_pool_sorted_only_where_it_is_looked_at_gives_the_same_answer(
    short: int, game: tuple[np.ndarray, int, int]
) -> None:
    """As in a pool too large to be sorted whole: stretches of at most 1 or 3 gains are."""
    gains, budget, wrong = game
    whole = solve_game(gains, budget, wrong=wrong)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "SHORT", short)
        patch.setattr("rad_core.selection.game.in_order", ordered.Ordered)
        patch.setattr("rad_core.selection.game.BLOCK", 7)
        check_certificate(gains, budget, wrong)
        for values in (gains, torch_from(gains)):
            parts = _solve(values, budget, None, wrong)
            np.testing.assert_allclose(np.asarray(parts.q), whole.q, atol=1e-9)
            np.testing.assert_allclose(np.asarray(parts.attack), whole.attack, atol=1e-9)
            assert parts.value == pytest.approx(whole.value, abs=1e-9)
            assert parts.support == whole.support


@settings(max_examples=300, deadline=None)
@given(game=games(largest=100), kind=st.sampled_from([np.float32, np.float64]))
def test_a_pool_kept_as_runs_of_equal_gains_gives_the_same_answer(
    game: tuple[np.ndarray, int, int], kind: type[np.floating]
) -> None:
    gains, budget, wrong = game[0].astype(kind), *game[1:]
    tolerance = 1e-9 if kind is np.float64 else 1e-6
    answers = {}
    for way in (ordered.Ordered, ordered.Runs):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rad_core.selection.game.in_order", way)
            if kind is np.float64:
                check_certificate(gains, budget, wrong)
            answers[way] = solve_game(gains, budget, wrong=wrong)
    whole, runs = answers.values()
    np.testing.assert_allclose(runs.q, whole.q, atol=tolerance)
    np.testing.assert_allclose(runs.attack, whole.attack, atol=tolerance)
    assert runs.value == pytest.approx(whole.value, abs=tolerance)
    assert (runs.support, runs.q.dtype) == (whole.support, kind)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.25])
def test_runs_refuse_what_is_no_gain(bad: float) -> None:
    gains = np.full(100_000, 0.5)
    gains[77_777] = bad
    assert isinstance(ordered.in_order(np.full(100_000, 0.5)), ordered.Runs)
    with pytest.raises(InputError, match="every gain must be finite and 0 or more"):
        solve_game(gains, 10, wrong=100)


def test_a_large_pool_is_solved_exactly_in_parts() -> None:
    rng = np.random.default_rng(7)
    for gains in (rng.random(300_000), np.round(rng.random(300_000), 3), rng.beta(0.2, 3, 300_000)):
        for budget, wrong in ((1000, 60_000), (150_000, 30_000), (299_000, 0), (200_000, 299_000)):
            check_certificate(gains, budget, wrong)
            check_certificate(gains.astype(np.float32).astype(np.float64), budget, wrong)


def test_closed_form_of_the_paper_when_the_budget_is_small() -> None:
    gains = np.array([1.0, 0.8, 0.5, 0.4, 0.1])
    # (j - k)/H_j with k = 1: 0, 1/2.25, 2/4.25, 3/6.75, 4/16.75 -> K = 3
    game = solve_game(gains, 1, wrong=1)
    h = 1 + 1 / 0.8 + 1 / 0.5
    np.testing.assert_allclose(game.q, [1 / h, 1.25 / h, 2 / h, 0, 0])
    np.testing.assert_allclose(game.attack, [1 - 2 / h, 1 - 2.5 / h, 1 - 4 / h, 0, 0])
    assert game.cap == pytest.approx(1 / h)
    assert game.waterline == pytest.approx(2 / h)
    assert game.value == pytest.approx(2 / h)
    assert game.support == 3


def test_no_mistakes_is_greedy_and_everything_wrong_guarantees_nothing() -> None:
    gains = np.array([0.2, 0.9, 0.5, 0.7])
    np.testing.assert_allclose(solve_game(gains, 2, wrong=0).q, [0, 1, 0, 1])
    assert solve_game(gains, 2, teacher_accuracy=1.0).value == pytest.approx(1.6)
    hopeless = solve_game(gains, 2, teacher_accuracy=0.0)
    assert hopeless.value == 0
    np.testing.assert_allclose(hopeless.q, 0.5)


def test_buying_the_whole_pool_keeps_all_but_the_k_largest() -> None:
    gains = np.array([0.2, 0.9, 0.5, 0.7])
    game = solve_game(gains, 4, wrong=1)
    np.testing.assert_allclose(game.q, 1)
    assert game.value == pytest.approx(0.2 + 0.5 + 0.7)


def test_points_of_equal_gain_are_treated_alike() -> None:
    gains = np.array([0.5, 0.9, 0.5, 0.5, 0.9, 0.1])
    for budget in range(1, 7):
        for wrong in range(7):
            game = solve_game(gains, budget, wrong=wrong)
            for level in (0.5, 0.9):
                assert np.ptp(game.q[gains == level]) == 0
                assert np.ptp(game.attack[gains == level]) == 0


def test_no_other_rule_guarantees_more() -> None:
    rng = np.random.default_rng(1)
    gains = rng.random(300)
    best = solve_game(gains, 30, wrong=60).value
    greedy = (gains >= np.sort(gains)[-30]).astype(float)
    assert game_value(greedy, gains, 60) == 0
    uniform = game_value(np.full(300, 0.1), gains, 60)
    assert uniform == pytest.approx(0.1 * np.sort(gains)[:240].sum())
    assert uniform < best
    for _ in range(200):
        q = rng.random(300) ** rng.integers(1, 6)
        q = np.minimum(1, q * 30 / q.sum())
        assert game_value(q, gains, 60) <= best + 1e-9


def test_scaling_the_gains_scales_the_levels() -> None:
    gains = np.random.default_rng(2).random(100)
    one, ten = solve_game(gains, 20, wrong=10), solve_game(10 * gains, 20, wrong=10)
    np.testing.assert_allclose(one.q, ten.q)
    np.testing.assert_allclose(10 * np.array([one.cap, one.waterline, one.value]), [ten.cap, ten.waterline, ten.value])


def test_torch_tensors_give_the_same_answer_on_their_device() -> None:
    torch = pytest.importorskip("torch")
    gains = np.random.default_rng(3).random(1000)
    expected = solve_game(gains, 100, wrong=200)
    game = solve_game(torch.from_numpy(gains), 100, wrong=200)
    assert isinstance(game.q, torch.Tensor)
    assert game.value == expected.value
    np.testing.assert_array_equal(game.q.numpy(), expected.q)
    assert game_value(game.q, torch.from_numpy(gains), 200) == pytest.approx(expected.value)
    assert attack_value(game.attack, torch.from_numpy(gains), 100) == pytest.approx(expected.value)
    coarse = solve_game(torch.from_numpy(gains).bfloat16(), 100, wrong=200)
    assert coarse.q.dtype == torch.float64
    assert coarse.value == pytest.approx(expected.value, rel=0.01)


@pytest.mark.parametrize(
    ("q", "wrong", "words"),
    [
        ([0.5, 0.5], 1, r"q has shape \(2,\)"),
        ([0.5, float("nan"), 0.5], 1, "q runs from"),
        ([0.5, 1.5, 0.5], 1, "q runs from"),
        ([0.5, 0.5, 0.5], -1, "wrong is -1"),
        ([0.5, 0.5, 0.5], 1.5, "whole number"),
    ],
)
def test_the_value_of_what_is_no_sampling_rule_is_refused(q: list, wrong: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        game_value(q, [0.1, 0.2, 0.3], wrong)


@settings(max_examples=200, deadline=None)
@given(games())
def test_the_code_for_cuda_tensors_gives_the_same_answer(game: tuple[np.ndarray, int, int]) -> None:
    """The tensor path of the solver, run on the CPU: the very operations that a CUDA tensor takes."""
    torch = pytest.importorskip("torch")
    gains, budget, wrong = game
    expected = solve_game(gains, budget, wrong=wrong)
    solved = _solve(torch.from_numpy(gains), budget, None, wrong)
    np.testing.assert_allclose(solved.q.numpy(), expected.q, atol=1e-9)
    np.testing.assert_allclose(solved.attack.numpy(), expected.attack, atol=1e-9)
    assert solved.value == pytest.approx(expected.value, abs=1e-9)


@pytest.mark.gpu
def test_cuda_tensors_are_solved_on_the_device() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    gains = np.random.default_rng(4).random(100_000).astype(np.float32)
    expected = solve_game(gains, 1000, wrong=20_000)
    solved = solve_game(torch.from_numpy(gains).cuda(), 1000, wrong=20_000)
    assert solved.q.is_cuda
    np.testing.assert_allclose(solved.q.cpu().numpy(), expected.q, rtol=1e-5, atol=1e-7)
    assert solved.value == pytest.approx(expected.value, rel=1e-6)


def test_float32_gains_keep_their_type_and_their_accuracy() -> None:
    gains = np.random.default_rng(5).random(200_000).astype(np.float32)
    game = solve_game(gains, 20_000, wrong=50_000)
    exact = solve_game(gains.astype(np.float64), 20_000, wrong=50_000)
    assert game.q.dtype == np.float32
    assert game.value == pytest.approx(exact.value, rel=1e-9)
    assert game.q.sum(dtype=np.float64) == pytest.approx(20_000, rel=1e-6)


@pytest.mark.parametrize("on_torch", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-37, 1e-40, 1e-42, 1e-44])
def test_gains_below_the_smallest_normal_float32_are_bought_as_exactly_as_others(scale: float, on_torch: bool) -> None:
    rng = np.random.default_rng(0)
    for budget, wrong, zeros in ((50, 300, 0), (700, 100, 200), (700, 100, 400), (999, 900, 0)):
        gains = (rng.random(1000) * scale).astype(np.float32)
        gains[rng.permutation(1000)[:zeros]] = 0
        exact = solve_game(gains.astype(np.float64), budget, wrong=wrong)
        found = _solve(torch_from(gains) if on_torch else gains, budget, None, wrong)
        assert np.asarray(found.q, np.float64).sum() == pytest.approx(budget, rel=1e-6)
        np.testing.assert_allclose(np.asarray(found.q), exact.q, atol=2e-7)
        np.testing.assert_allclose(np.asarray(found.attack), exact.attack, atol=2e-7)
        assert found.value == exact.value


def test_input_is_left_unchanged() -> None:
    gains = np.random.default_rng(6).random(50)
    before = gains.copy()
    q = solve_game(gains, 5, wrong=10).q
    game_value(q, gains, 3)
    np.testing.assert_array_equal(gains, before)


@pytest.mark.parametrize(
    ("gains", "arguments", "words"),
    [
        ([0.1, float("nan")], {"budget": 1, "wrong": 0}, "finite"),
        ([0.1, float("inf")], {"budget": 1, "wrong": 0}, "finite"),
        ([0.1, -0.1], {"budget": 1, "wrong": 0}, "0 or more"),
        ([], {"budget": 1, "wrong": 0}, "shape"),
        ([[0.1]], {"budget": 1, "wrong": 0}, "shape"),
        (["a"], {"budget": 1, "wrong": 0}, "numbers"),
        ([0.1, 0.2], {"budget": 3, "wrong": 0}, "budget is 3"),
        ([0.1, 0.2], {"budget": 0, "wrong": 0}, "budget is 0"),
        ([0.1, 0.2], {"budget": 1.5, "wrong": 0}, "whole number"),
        ([0.1, 0.2], {"budget": 1, "wrong": -1}, "wrong is -1"),
        ([0.1, 0.2], {"budget": 1, "teacher_accuracy": 1.2}, "between 0 and 1"),
        ([0.1, 0.2], {"budget": 1, "teacher_accuracy": float("nan")}, "between 0 and 1"),
        ([0.1, 0.2], {"budget": 1}, "exactly one"),
        ([0.1, 0.2], {"budget": 1, "wrong": 1, "teacher_accuracy": 0.5}, "exactly one"),
    ],
)
def test_bad_input_is_refused_in_words(gains: list, arguments: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        solve_game(np.array(gains), **arguments)


def test_teacher_accuracy_counts_mistakes_without_rounding_traps() -> None:
    assert wrong_count(10, 0.9) == 1
    assert wrong_count(10, 0.95) == 0
    assert wrong_count(1000, 0.7) == 300
    for n in (10, 100, 1000, 50_000):
        for right in range(0, n + 1, max(1, n // 100)):
            assert wrong_count(n, right / n) == n - right
