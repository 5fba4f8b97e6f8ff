"""CoreSet and BADGE: time per pick against a sketch of the same idea, the original way, one pass over the features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rad_core.selection.diversity import k_center_greedy, k_means_pp_on_gradients
from tests.bench.measure import medians
from tests.bench.rows import Row

CLASSES = 10
# Milliseconds per pick of such a sketch on a machine of 88 GFLOP/s per core.
KNOWN = {
    "BADGE": {(10_000, 64): 0.17, (10_000, 512): 1.6, (50_000, 64): 1.4, (50_000, 512): 9.3},
    "CoreSet": {(10_000, 64): 0.22, (10_000, 512): 1.7, (50_000, 64): 3.2, (50_000, 512): 14.0},
}


def rows(quick: bool) -> Iterator[Row]:
    """Seconds per pick, 200 picks and what comes before them included; 10 classes."""
    cells = [(500, 8)] if quick else list(KNOWN["BADGE"])
    for n, width in cells:
        yield from _cell(n, width, 20 if quick else 200)
    yield _against_original(*(500, 8) if quick else (10_000, 64), picks=5 if quick else 60)


def _made_up(n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.dirichlet(np.full(CLASSES, 0.3), n).astype(np.float32),
        rng.standard_normal((n, width), dtype=np.float32),
    )


def _cell(n: int, width: int, picks: int) -> Iterator[Row]:
    probabilities, features = _made_up(n, width)
    one, out = features[0].copy(), np.empty(n, np.float32)

    def passes() -> None:
        for _ in range(picks):
            np.dot(features, one, out=out)

    taken = medians(
        {
            "BADGE": lambda: k_means_pp_on_gradients(probabilities, features, picks, np.random.default_rng(0)),
            "BADGE sketch": lambda: sketch_badge(probabilities, features, picks),
            "CoreSet": lambda: k_center_greedy(features, None, picks, np.random.default_rng(0)),
            "CoreSet sketch": lambda: sketch_coreset(features, picks),
            "pass": passes,
        },
        repeats=3,
    )
    for name in ("BADGE", "CoreSet"):
        what, ours = f"{name}, {n:,} points of {width} features, per pick", taken[name] / picks
        yield Row(what, ours, "s", taken[f"{name} sketch"] / picks, "sketch, here", at_most=1)
        if (n, width) in KNOWN[name]:
            yield Row(what, ours, "s", KNOWN[name][n, width] / 1e3, "sketch, on another machine", at_most=1)
        yield Row(what, ours, "s", taken["pass"] / picks, "features x vector: the least a pick can take")


def _against_original(n: int, width: int, picks: int) -> Row:
    probabilities, features = _made_up(n, width)
    taken = medians(
        {
            "ours": lambda: k_means_pp_on_gradients(probabilities, features, picks, np.random.default_rng(0)),
            "original": lambda: original_badge(probabilities, features, picks),
        },
        repeats=1,
    )
    what = f"BADGE, {n:,} points of {width} features, per pick"
    named = "as the authors do it: full embeddings, pairwise_distances, rv_discrete"
    return Row(what, taken["ours"] / picks, "s", taken["original"] / picks, named, "times", at_least=40)


def sketch_badge(probabilities: np.ndarray, features: np.ndarray, picks: int) -> list[int]:
    """K-means++ on gradient embeddings with factored distances, in the plainest numpy."""
    rng = np.random.default_rng(0)
    residuals = probabilities - np.eye(CLASSES, dtype=np.float32)[probabilities.argmax(1)]
    squares = (residuals**2).sum(1) * (features**2).sum(1)
    nearest, pick, chosen = np.inf, int(squares.argmax()), []
    for _ in range(picks):
        chosen.append(pick)
        inner = (features @ features[pick]) * (residuals @ residuals[pick])
        nearest = np.minimum(nearest, np.maximum(squares + squares[pick] - 2 * inner, 0))
        cumulative = np.cumsum(nearest, dtype=np.float64)
        pick = int(np.searchsorted(cumulative, rng.random() * cumulative[-1]))
    return chosen


def sketch_coreset(features: np.ndarray, picks: int) -> list[int]:
    """K-center greedy in the plainest numpy."""
    squares = (features**2).sum(1)
    nearest, pick, chosen = np.inf, 0, []
    for _ in range(picks):
        chosen.append(pick)
        nearest = np.minimum(nearest, squares + squares[pick] - 2 * (features @ features[pick]))
        pick = int(nearest.argmax())
    return chosen


def original_badge(probabilities: np.ndarray, features: np.ndarray, picks: int) -> list[int]:
    """The operations of the authors' implementation: every embedding written out, one distance per pair, one draw."""
    from scipy.stats import rv_discrete
    from sklearn.metrics import pairwise_distances

    residuals = probabilities - np.eye(CLASSES, dtype=np.float32)[probabilities.argmax(1)]
    embeddings = (residuals[:, :, None] * features[:, None, :]).reshape(len(features), -1)
    nearest, pick, chosen = np.inf, int(np.linalg.norm(embeddings, axis=1).argmax()), []
    for _ in range(picks):
        chosen.append(pick)
        nearest = np.minimum(nearest, pairwise_distances(embeddings, embeddings[pick : pick + 1]).ravel())
        nearest[chosen] = 0
        weights = nearest.astype(np.float64) ** 2
        pick = int(rv_discrete(values=(np.arange(len(weights)), weights / weights.sum())).rvs(random_state=len(chosen)))
    return chosen
