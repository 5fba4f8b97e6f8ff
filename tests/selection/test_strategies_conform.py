"""Every strategy keeps the same promises, and each does what its paper says."""

from __future__ import annotations

import numpy as np
import pytest

from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import STRATEGIES, Selection, Snapshot

N, C, D = 120, 5, 8
NAMES = list(STRATEGIES)


def snapshot(probabilities: np.ndarray, features: np.ndarray | None = None, wrong: int | None = None) -> Snapshot:
    rng = np.random.default_rng(7)
    n = len(probabilities)
    return Snapshot(
        probabilities=probabilities,
        gains=GAINS["margin"](probabilities),
        wrong=n // 4 if wrong is None else wrong,
        features=rng.standard_normal((n, D)).astype(np.float32) if features is None else features,
        labeled_features=rng.standard_normal((6, D if features is None else features.shape[1])).astype(np.float32),
    )


POOLS = {
    "ordinary": np.random.default_rng(0).dirichlet(np.full(C, 0.5), N),
    "float32": np.random.default_rng(0).dirichlet(np.full(C, 0.5), N).astype(np.float32),
    "certain": np.eye(C)[np.arange(N) % C],
    "clueless": np.full((N, C), 1 / C),
    "two points": np.random.default_rng(1).dirichlet(np.ones(C), 2),
    "one point": np.random.default_rng(1).dirichlet(np.ones(C), 1),
}


def ask(name: str, seen: Snapshot, budget: int, seed: int = 0) -> Selection:
    rng = np.random.default_rng(seed)
    return STRATEGIES[name](seen, budget, rng, np.arange(len(seen.gains)) % 3 > 0)


def check(selection: Selection, n: int, budget: int) -> None:
    picks = np.asarray(selection.positions)
    assert picks.shape == (budget,)
    assert picks.dtype == np.int64
    assert len(set(picks.tolist())) == budget
    assert picks.min() >= 0
    assert picks.max() < n
    scores = np.asarray(selection.scores)
    assert scores.shape == (n,)
    assert np.isfinite(scores).all()
    if selection.q is not None:
        q = np.asarray(selection.q)
        assert q.min() >= 0
        assert q.max() <= 1 + 1e-6
        assert q.sum() == pytest.approx(budget, rel=1e-5)
        assert (q[picks] > 0).all()


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", NAMES)
def test_exactly_b_distinct_picks_and_finite_scores(name: str, pool: str) -> None:
    probabilities = POOLS[pool]
    n = len(probabilities)
    for budget in {1, max(1, n // 3), n}:
        check(ask(name, snapshot(probabilities), budget), n, budget)


@pytest.mark.parametrize("name", NAMES)
def test_identical_rows_are_no_obstacle(name: str) -> None:
    probabilities = np.tile([[0.5, 0.3, 0.2]], (40, 1))
    seen = snapshot(probabilities, np.ones((40, D), np.float32))
    for budget in (1, 13, 40):
        check(ask(name, seen, budget), 40, budget)


@pytest.mark.parametrize("name", NAMES)
def test_same_generator_same_choice_and_inputs_unchanged(name: str) -> None:
    seen = snapshot(POOLS["ordinary"])
    before = [np.array(x) for x in (seen.probabilities, seen.gains, seen.features, seen.labeled_features)]
    one, two = ask(name, seen, 20, seed=3), ask(name, seen, 20, seed=3)
    np.testing.assert_array_equal(one.positions, two.positions)
    np.testing.assert_array_equal(one.scores, two.scores)
    after = (seen.probabilities, seen.gains, seen.features, seen.labeled_features)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_torch_tensors_give_the_same_choice_as_arrays(name: str) -> None:
    torch = pytest.importorskip("torch")
    seen = snapshot(POOLS["float32"])
    as_tensors = Snapshot(
        *(torch.from_numpy(np.array(x)) for x in (seen.probabilities, seen.gains)),
        seen.wrong,
        *(torch.from_numpy(np.array(x)) for x in (seen.features, seen.labeled_features)),
    )
    expected, found = ask(name, seen, 20), ask(name, as_tensors, 20)
    assert isinstance(found.positions, torch.Tensor)
    np.testing.assert_array_equal(found.positions.numpy(), expected.positions)
    np.testing.assert_allclose(found.scores.numpy(), expected.scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["rad", "uniform", "margin", "entropy", "least_confidence", "mraru", "oracle"])
def test_picks_come_as_often_as_their_inclusion_probabilities_say(name: str) -> None:
    probabilities = np.round(np.random.default_rng(2).dirichlet(np.ones(3), 30), 1)
    probabilities /= probabilities.sum(1, keepdims=True)  # rounded: many equal gains
    seen = snapshot(probabilities)
    draws = 4000
    counts = np.zeros(30)
    for seed in range(draws):
        selection = ask(name, seen, 7, seed)
        counts[selection.positions] += 1
    q = np.asarray(selection.q)
    deviation = np.sqrt(np.maximum(q * (1 - q), 1e-12) / draws)
    assert np.all(np.abs(counts / draws - q) < 4.5 * deviation + 1e-9)


@pytest.mark.parametrize("name", ["margin", "entropy", "least_confidence"])
def test_greedy_rules_take_the_largest_gains(name: str) -> None:
    seen = snapshot(POOLS["ordinary"])
    picks = ask(name, seen, 15).positions
    gains = GAINS[name](seen.probabilities)
    assert set(picks.tolist()) == set(np.argsort(-gains)[:15].tolist())


def test_rad_uses_the_equilibrium_of_the_game() -> None:
    from rad_core import solve_game

    seen = snapshot(POOLS["ordinary"], wrong=30)
    selection = ask("rad", seen, 20)
    game = solve_game(seen.gains, 20, wrong=30)
    np.testing.assert_array_equal(selection.q, game.q)
    assert selection.equilibrium is not None
    assert selection.equilibrium.value == game.value


def test_mraru_accepts_in_proportion_to_the_gain_and_its_guarantee_can_be_judged() -> None:
    from rad_core import game_value, solve_game

    seen = snapshot(POOLS["ordinary"], wrong=30)
    q = np.asarray(ask("mraru", seen, 20).q)
    free = q < 1
    np.testing.assert_allclose(q[free] / seen.gains[free], q[free][0] / seen.gains[free][0], rtol=1e-9)
    assert 0 < game_value(q, seen.gains, 30) < solve_game(seen.gains, 20, wrong=30).value
    sure = np.asarray(ask("mraru", snapshot(POOLS["ordinary"]), 100).q)
    assert (sure == 1).any(), "what would be accepted more than once is capped"
    assert sure.sum() == pytest.approx(100)


def naive_k_center(features: np.ndarray, centers: np.ndarray, picks: np.ndarray) -> None:
    """Every pick is the farthest point from the centers and the picks before it, in float64."""
    features, centers = features.astype(float), centers.astype(float)
    for step, pick in enumerate(picks):
        known = np.concatenate([centers, features[picks[:step]]])
        distances = np.linalg.norm(features[:, None] - known[None], axis=2).min(1)
        assert distances[pick] == pytest.approx(distances.max(), rel=1e-4)


def test_coreset_picks_the_farthest_point_each_time() -> None:
    seen = snapshot(POOLS["ordinary"])
    naive_k_center(seen.features, seen.labeled_features, ask("coreset", seen, 40).positions)


def test_badge_samples_by_squared_distance_of_gradient_embeddings() -> None:
    """Against the full embeddings in float64: the largest first, then frequencies proportional to D^2."""
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(4), 12)
    features = rng.standard_normal((12, 3)).astype(np.float32)
    seen = snapshot(probabilities, features)
    residuals = probabilities - np.eye(4)[probabilities.argmax(1)]
    embeddings = np.einsum("nc,nd->ncd", residuals, features.astype(float)).reshape(12, -1)
    first = int(np.linalg.norm(embeddings, axis=1).argmax())
    squares = ((embeddings - embeddings[first]) ** 2).sum(1)
    draws = 5000
    counts = np.zeros(12)
    for seed in range(draws):
        picks = ask("badge", seen, 2, seed).positions
        assert picks[0] == first
        counts[picks[1]] += 1
    expected = squares / squares.sum()
    assert np.all(np.abs(counts / draws - expected) < 4.5 * np.sqrt(expected * (1 - expected) / draws) + 1e-9)


def test_badge_never_picks_a_copy_while_others_are_left() -> None:
    rng = np.random.default_rng(6)
    probabilities = np.repeat(rng.dirichlet(np.ones(4), 10), 5, axis=0)
    features = np.repeat(rng.standard_normal((10, 6)), 5, axis=0).astype(np.float32)
    for seed in range(20):
        picks = ask("badge", snapshot(probabilities, features), 10, seed).positions
        assert len(set((picks // 5).tolist())) == 10


def test_cluster_margin_spreads_over_clusters_where_margin_stays_in_one() -> None:
    rng = np.random.default_rng(8)
    group = np.where(np.arange(N) < 60, 0, 1 + np.arange(N) % 6)  # one big group, the most uncertain, and six small
    centers = 20 * rng.standard_normal((7, D))
    features = (centers[group] + 0.1 * rng.standard_normal((N, D))).astype(np.float32)
    top = np.where(group == 0, 0.51, 0.6) + 0.001 * rng.random(N)
    seen = snapshot(np.stack([top, 1 - top], 1), features)
    assert set(group[ask("margin", seen, 12).positions]) == {0}
    assert len(set(group[ask("cluster_margin", seen, 12).positions])) >= 4


def test_unixkd_mixes_only_the_less_uncertain_third() -> None:
    seen = snapshot(POOLS["ordinary"])
    selection = ask("unixkd", seen, 30)
    assert selection.mix is not None
    assert selection.partners is not None
    assert (selection.mix[:20] == 0).all()
    assert (selection.mix[20:] > 0).all()
    assert (selection.mix <= 1).all()
    np.testing.assert_array_equal(selection.partners[:20], selection.positions[:20])
    entropy = GAINS["entropy"](seen.probabilities)
    assert (np.diff(entropy[selection.positions]) <= 0).all()


def test_the_oracle_buys_no_wrong_label_while_right_ones_are_left() -> None:
    seen = snapshot(POOLS["ordinary"])
    right = np.arange(N) % 3 > 0
    picks = STRATEGIES["oracle"](seen, int(right.sum()), np.random.default_rng(0), right).positions
    assert right[picks].all()


@pytest.mark.slow
@pytest.mark.long
def test_coreset_and_badge_stay_small_and_quick_on_a_large_pool() -> None:
    import resource
    import time

    rng = np.random.default_rng(0)
    features = rng.standard_normal((50_000, 512), dtype=np.float32)
    probabilities = rng.dirichlet(np.ones(10), 50_000).astype(np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("coreset", "badge"):
        began = time.perf_counter()
        check(ask(name, snapshot(probabilities, features), 1000), 50_000, 1000)
        assert time.perf_counter() - began < 60
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 1000, f"{grown:.0f} MiB beyond the inputs"
