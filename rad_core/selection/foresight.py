"""Will it matter which labels are bought? What the student's gains and the checked examples tell before a purchase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rad_core.selection.game import game_value, solve_game, wrong_count


@dataclass(frozen=True)
class Foresight:
    """What is known of a pool before any purchase.

    lift: mean gain of the b most informative points over the mean gain of all (1: it cannot matter). certain: what
    RAD's purchase is certain to be worth over what uniform's is, at the estimated m. fall: how much less often the
    teacher is right on the more informative half of the checked examples than on the other. worth: informative *and
    right* labels that the b most informative points are expected to bring over those of b random ones, by `fall`.
    closeness: how many times nearer to one another, in the student's features, the b most informative points lie than b
    random ones (1: as far apart; more: they repeat one another); NaN without features.
    """

    lift: float
    certain: float
    fall: float
    worth: float
    accuracy: float
    mean_gain: float
    closeness: float


def foresee(
    gains: np.ndarray, checked_gains: np.ndarray, right: np.ndarray, budget: int, features: np.ndarray | None = None
) -> Foresight:
    """gains: (N,) of the pool. checked_gains, right: (V,) gains of the checked examples, and the teacher's correctness.
    features: (N, D) of the student, of the pool.

    The gains of checked examples must be of a student that did not learn from them.
    """
    gains = np.asarray(gains, np.float64)
    accuracy = float(np.mean(right))
    wrong = wrong_count(len(gains), accuracy)
    game = solve_game(gains, budget, wrong=wrong)
    uniform = game_value(np.full(len(gains), budget / len(gains)), gains, wrong)
    top = np.sort(gains)[::-1][:budget]
    high, low = _halves(checked_gains, right)
    fall = float(low.mean() - high.mean()) if len(high) and len(low) else 0.0
    share_high = float(high.mean()) if len(high) else accuracy
    mean = float(gains.mean())
    return Foresight(
        lift=float(top.mean() / max(mean, 1e-12)),
        certain=float(game.value / uniform) if uniform > 0 else np.inf,
        fall=fall,
        worth=float(top.mean() * share_high / max(mean * accuracy, 1e-12)),
        accuracy=accuracy,
        mean_gain=mean,
        closeness=float("nan") if features is None else _closeness(gains, features, budget),
    )


def width_of_fall(checked_gains: np.ndarray, right: np.ndarray) -> float:
    """Half of the 95 % interval of `Foresight.fall` on V checked examples, both (V,); inf where a half is empty.

    Source: Agresti and Caffo (2000), an example right and one wrong added to each half.
    """
    halves = _halves(checked_gains, right)
    if not all(len(half) for half in halves):
        return float("inf")
    shares = [((half.sum() + 1) / (len(half) + 2), len(half) + 2) for half in halves]
    return float(1.96 * np.sqrt(sum(share * (1 - share) / size for share, size in shares)))


def _halves(checked_gains: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's correctness on the more informative half, and on the other."""
    above = checked_gains > np.median(checked_gains)
    return right[above], right[~above]


_MOST = 1000  # points among which neighbors are looked for


def _closeness(gains: np.ndarray, features: np.ndarray, budget: int) -> float:
    rng = np.random.default_rng(0)
    top = np.argsort(-gains, kind="stable")[:budget]
    size = min(budget, _MOST)
    apart = [
        _nearest(np.asarray(features[rng.choice(rows, size, replace=False)], np.float32))
        for rows in (np.arange(len(gains)), top)
    ]
    return float(apart[0] / max(apart[1], 1e-12))


def _nearest(points: np.ndarray) -> float:
    """The mean distance to the nearest other point. (n, D)."""
    from sklearn.neighbors import NearestNeighbors

    if len(points) < 2:
        return 0.0
    distances, _ = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points)
    return float(distances[:, 1].mean())
