"""Where the points of a map lie: features (N, D) -> places (N, 2), by UMAP or PCA.

umap is not imported unless a UMAP is computed (compiling it takes up to half a minute the first time).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.plane import principal_plane

METHODS = ("umap", "pca")
NEIGHBORS = 15
MIN_DISTANCE = 0.3  # with 0.1 the clumps are so tight that picks hide each other
LARGE = 100_000  # points; a UMAP of more is fitted on a sample
SAMPLE = 50_000  # points of that sample
_BLOCK = 20_000  # points that are placed at a time

Report = Callable[[int, int], None]  # is told how many points have their place, and how many there are


def compute_map(
    features: np.ndarray, method: str = "umap", seed: int = 0, report: Report = lambda placed, of: None
) -> np.ndarray:
    """Place points in the plane so that similar ones lie together.

    Args:
        features: (N, D) finite numbers, N >= 2.
        method: "umap" (McInnes, Healy & Melville 2018, by umap-learn; minutes for 50,000 points; of 15 points or fewer,
            which have no neighborhoods, it is their PCA) or "pca" (the two directions of largest variance, at once).
            The UMAP of more than LARGE points is fitted on SAMPLE of them; each of the others gets the mean place of
            its nearest fitted points, weighted by UMAP's membership strengths (section 3.1 there), as `transform` of
            umap-learn begins.
        seed: of the UMAP and its sample.
        report: is told how many points have their place, of how many; more than once if there are many.

    Returns:
        (N, 2) float32, the same for the same seed.

    Raises:
        InputError: on bad input.
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}; choose one of {', '.join(METHODS)}.")
    if features.ndim != 2 or len(features) < 2 or features.shape[1] < 1:
        raise InputError(f"features has shape {features.shape}; a map needs (N, D) with two points or more.")
    if not all(np.isfinite(features[at : at + _BLOCK]).all() for at in range(0, len(features), _BLOCK)):
        raise InputError("features holds values that are not finite; a map cannot be drawn of them.")
    if method == "pca" or len(features) <= NEIGHBORS:
        return principal_plane(np.ascontiguousarray(features, np.float32), len(features))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba, and of neighborhoods that hang together loosely
        return _umap(features, seed, report)


def fitted_points(points: int, method: str) -> int | None:
    """How many of a map's points it is fitted on; None if on all."""
    return SAMPLE if method == "umap" and points > LARGE else None


def seconds(points: int, dimensions: int, method: str = "umap") -> float:
    """About how long a map takes to compute on a machine with nothing else to do; `tests.bench.maps` measures it."""
    if method == "pca" or points <= NEIGHBORS:
        return 1.0
    sample = fitted_points(points, method)
    fit = 20 + (9e-4 + 3e-6 * dimensions) * (sample or points)
    # The search among the sample takes a minute to compile where it never ran before, and no time later.
    return fit if sample is None else fit + 30 + (1e-5 + 2e-7 * dimensions) * (points - sample)


def _umap(features: np.ndarray, seed: int, report: Report) -> np.ndarray:
    import umap
    from umap.umap_ import nearest_neighbors

    settings = {"n_neighbors": NEIGHBORS, "min_dist": MIN_DISTANCE, "random_state": seed, "n_jobs": 1}
    points, sample = len(features), fitted_points(len(features), "umap")
    if sample is None:
        whole = umap.UMAP(**settings).fit_transform(np.ascontiguousarray(features, np.float32))
        return np.ascontiguousarray(whole, np.float32)
    chosen = np.sort(np.random.default_rng(seed).permutation(points)[:sample])
    x = features[chosen].astype(np.float32)
    state = np.random.RandomState(seed)
    known = nearest_neighbors(x, NEIGHBORS, "euclidean", {}, False, state, n_jobs=1)
    index = known[2]
    places = np.empty((points, 2), np.float32)
    places[chosen] = fitted = umap.UMAP(**settings, precomputed_knn=known).fit_transform(x)
    report(sample, points)
    others = np.delete(np.arange(points), chosen)
    for start in range(0, len(others), _BLOCK):
        block = others[start : start + _BLOCK]
        places[block] = _among(fitted, *index.query(features[block].astype(np.float32), NEIGHBORS))
        report(sample + start + len(block), points)
    return places


def _among(fitted: np.ndarray, neighbors: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(n, 2): for each point the mean place of its nearest fitted points, weighted by their membership strengths.

    fitted: (S, 2). neighbors, distances: (n, K) positions in it, the nearest first, and how far they are.
    """
    from umap.umap_ import smooth_knn_dist

    unknown = neighbors < 0  # where fewer were found, the nearest stands in
    neighbors = np.where(unknown, neighbors[:, :1], neighbors)
    distances = np.where(unknown, distances[:, :1], distances).astype(np.float32)
    width, nearest = smooth_knn_dist(distances, float(distances.shape[1]), local_connectivity=0.0)
    weights = np.exp(-np.maximum(distances - nearest[:, None], 0) / np.maximum(width, 1e-12)[:, None])
    return np.einsum("nk,nkd->nd", weights / weights.sum(1, keepdims=True), fitted[neighbors])
