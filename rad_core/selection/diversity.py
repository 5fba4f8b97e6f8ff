"""Choosing for diversity: k-center greedy, k-means++ on gradient embeddings, round robin over clusters.

None of them builds a matrix of all pairs: per pick one product of the features with the newest center, O(N D) time and
O(N) memory beside the features. The products are float32 and expanded (|a|^2 + |b|^2 - 2 a.b), whose rounding could
make a copy of a center look like a stranger; squared distances below a small share of |a|^2 + |b|^2 count as 0.
"""

from __future__ import annotations

import numpy as np

from rad_core.selection.arrays import Array, is_torch, to_like, to_numpy

_ROUNDING = 4e-6  # of |a|^2 + |b|^2 in float32: some 30 units in the last place
_BLOCK = 4096  # rows of a block of distances to many centers
_CELLS = 1 << 18  # distances of such a block, so that it stays in the processor's cache
_GROUP = 256  # weights that a draw sums at once


def k_center_greedy(features: Array, centers: Array, budget: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pick `budget` rows, each the one farthest from all centers and earlier picks; ties go to a random row.

    features: (N, D). centers: (L, D) or None (then the first pick is random). Returns positions (b,) and, as scores,
    each point's distance to the nearest of the given centers (to the nearest pick where there were none).
    Sener and Savarese, arXiv:1708.00489, algorithm 1.
    """
    order = rng.permutation(len(features))
    if is_torch(features) and features.is_cuda:
        return _k_center_tensor(features, centers, budget, order)
    rank = np.empty_like(order)  # of several equal maxima the first in a random order is taken
    rank[order] = np.arange(len(order))
    points = np.ascontiguousarray(to_numpy(features), dtype=np.float32)
    squares = np.einsum("nd,nd->n", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    if centers is not None and len(centers) > 0:
        _to_nearest(points, squares, np.asarray(to_numpy(centers), np.float32), nearest)
    given = nearest.copy()
    product, total, mask = np.empty_like(nearest), np.empty_like(nearest), np.empty(len(nearest), bool)
    picks = np.empty(budget, np.int64)
    for step in range(budget):
        farthest = np.flatnonzero(np.equal(nearest, nearest.max(), out=mask))
        pick = int(farthest[rank[farthest].argmin()])
        picks[step] = pick
        np.dot(points, -2 * points[pick], out=product)
        np.add(squares, squares[pick], out=total)
        _add_squares(product, total, mask)
        np.minimum(nearest, product, out=nearest)
        nearest[pick] = -1  # never twice, even when every distance is 0
    scores = np.sqrt(np.maximum(nearest if np.isinf(given[0]) else given, 0))
    return to_like(picks, features), to_like(scores, features)


def _add_squares(product: np.ndarray, total: np.ndarray, mask: np.ndarray) -> None:
    """Make -2 a.b the squared distance |a|^2 + |b|^2 - 2 a.b, and 0 where it is no more than rounding.

    All three of one shape; product is the result, total is used up, mask is scratch space. Multiplying by the mask is
    ten times faster than writing zeros where the mask says so.
    """
    product += total
    total *= _ROUNDING
    np.greater_equal(product, total, out=mask)
    product *= mask


def _to_nearest(points: np.ndarray, squares: np.ndarray, centers: np.ndarray, nearest: np.ndarray) -> None:
    """Squared distance of every point to its nearest center, into `nearest`."""
    center_squares = np.einsum("nd,nd->n", centers, centers)
    doubled = np.ascontiguousarray(-2 * centers.T)
    rows = max(1, _CELLS // len(centers))
    for start in range(0, len(points), rows):
        block = slice(start, start + rows)
        total = squares[block, None] + center_squares
        distances = points[block] @ doubled
        _add_squares(distances, total, np.empty(total.shape, bool))
        nearest[block] = distances.min(1)


def _k_center_tensor(features: Array, centers: Array, budget: int, order: np.ndarray) -> tuple[Array, Array]:
    """The same on the device, without a host synchronization per pick."""
    import torch

    permutation = torch.from_numpy(order).to(features.device)
    points = features[permutation].float()
    squares = points.square().sum(1)
    nearest = torch.full_like(squares, torch.inf)
    if centers is not None and len(centers) > 0:
        for block in centers.float().split(1024):
            total = squares[:, None] + block.square().sum(1)
            distances = total - 2 * points @ block.T
            nearest = nearest.minimum(distances.masked_fill(distances < _ROUNDING * total, 0).amin(1))
    given = nearest.clone()
    picks = torch.empty(budget, dtype=torch.int64, device=features.device)
    for step in range(budget):
        pick = nearest.argmax()
        picks[step] = pick
        total = squares + squares[pick]
        distances = torch.addmv(total, points, points[pick], alpha=-2)
        nearest = nearest.minimum(distances.masked_fill(distances < _ROUNDING * total, 0))
        nearest[pick] = -1
    scores = torch.empty_like(nearest)
    scores[permutation] = (nearest if centers is None or len(centers) == 0 else given).clamp(min=0).sqrt()
    return permutation[picks], scores


def k_means_pp_on_gradients(
    probabilities: Array, features: Array, budget: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Pick `budget` rows by k-means++ sampling (D^2) of gradient embeddings (p - onehot(argmax p)) x features.

    The first pick is the largest embedding, as in the authors' code. The embedding is an outer product, so inner
    products factor, (u_i . u_c)(f_i . f_c), and the N x (D C) matrix is never built. When all that is left coincides
    with picks, the rest is drawn uniformly. Returns positions (b,) and, as scores, the norms of the embeddings (N,).
    Ash et al., arXiv:1906.03671, algorithm 1.
    """
    residuals = np.array(to_numpy(probabilities), np.float32, order="C")
    residuals[np.arange(len(residuals)), residuals.argmax(1)] -= 1
    points = np.ascontiguousarray(to_numpy(features), dtype=np.float32)
    squares = np.einsum("nc,nc->n", residuals, residuals) * np.einsum("nd,nd->n", points, points)
    by_class = np.ascontiguousarray(residuals.T)  # products with its columns take half the time of those with rows
    nearest = np.full(len(points), np.inf, np.float32)
    residual_product, product, total = (np.empty_like(nearest) for _ in range(3))
    mask = np.empty(len(points), bool)
    picks = np.empty(budget, np.int64)
    pick = int(squares.argmax())
    for step in range(budget):
        picks[step] = pick
        if step + 1 == budget:
            break
        np.dot(points, points[pick], out=product)
        np.dot(-2 * residuals[pick], by_class, out=residual_product)
        product *= residual_product
        np.add(squares, squares[pick], out=total)
        _add_squares(product, total, mask)
        np.minimum(nearest, product, out=nearest)
        nearest[pick] = 0
        drawn = _draw(nearest, rng.random())
        if drawn is None:  # only copies of picks are left
            rest = np.setdiff1d(np.arange(len(points)), picks[: step + 1])
            picks[step + 1 :] = rng.choice(rest, budget - step - 1, replace=False)
            break
        pick = drawn
    return to_like(picks, features), to_like(np.sqrt(squares), features)


def _draw(weights: np.ndarray, u: float) -> int | None:
    """The position at which the running sum of the weights passes the share u of their sum; None if all are 0.

    A running sum over groups, then one within a group: several times faster than one over all.
    """
    whole = len(weights) // _GROUP * _GROUP
    sums = weights[:whole].reshape(-1, _GROUP).sum(1, dtype=np.float64)
    ends = np.cumsum(np.append(sums, weights[whole:].sum(dtype=np.float64)))
    if not ends[-1] > 0:
        return None
    at = u * ends[-1]
    group = min(int(np.searchsorted(ends, at, side="right")), int(np.searchsorted(ends, ends[-1])))
    inside = np.cumsum(weights[group * _GROUP : (group + 1) * _GROUP], dtype=np.float64)
    inside += ends[group - 1] if group else 0.0
    # Sums taken in two ways differ in their last digit: never beyond the last weight that is not 0.
    return group * _GROUP + min(
        int(np.searchsorted(inside, at, side="right")), int(np.searchsorted(inside, inside[-1]))
    )


# The paper sets aside ten times the budget, and clusters once; a sample keeps average linkage, quadratic in the number
# of points, affordable.
MARGIN_FACTOR = 10
LINKAGE_SAMPLE = 2000
POINTS_PER_CLUSTER = 4


def round_robin_over_clusters(
    features: np.ndarray, gains: np.ndarray, budget: int, rng: np.random.Generator
) -> np.ndarray:
    """Of the 10 b points of smallest margin take b by round robin over clusters, from the smallest cluster up.

    features: (N, D). gains: (N,), higher for smaller margins. Clusters: average linkage on a sample of at most 2,000
    of these points, four points to a cluster on average; the others join the nearest cluster mean. Returns (b,).
    Citovsky et al., arXiv:2107.14263, algorithm 2, which clusters the whole pool.
    """
    order = rng.permutation(len(gains))
    candidates = order[np.argsort(-gains[order], kind="stable")][: MARGIN_FACTOR * budget]
    labels = _clusters(np.asarray(features[candidates], np.float32), rng)
    sizes = np.bincount(labels)
    members = [rng.permutation(candidates[labels == cluster]) for cluster in np.argsort(sizes, kind="stable")]
    picks: list[int] = []
    turn = 0
    while len(picks) < budget:
        picks += [int(group[turn]) for group in members if turn < len(group)]
        turn += 1
    return np.array(picks[:budget], np.int64)


def _clusters(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from sklearn.cluster import AgglomerativeClustering

    sample = rng.permutation(len(points))[:LINKAGE_SAMPLE]
    count = max(1, len(sample) // POINTS_PER_CLUSTER)
    if count == 1:
        return np.zeros(len(points), np.int64)
    clusters = AgglomerativeClustering(n_clusters=count, linkage="average").fit_predict(points[sample])
    means = np.zeros((count, points.shape[1]), np.float32)
    np.add.at(means, clusters, points[sample])
    means /= np.bincount(clusters)[:, None]
    half_squares = np.einsum("nd,nd->n", means, means) / 2
    labels = np.empty(len(points), np.int64)
    for start in range(0, len(points), _BLOCK):
        labels[start : start + _BLOCK] = (half_squares - points[start : start + _BLOCK] @ means.T).argmin(1)
    labels[sample] = clusters
    return labels
