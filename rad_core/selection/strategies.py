"""The rules that choose which points to buy: (Snapshot, budget, generator) -> Selection.

A strategy sees what a real user would have: the student's outputs on the remaining pool, features, what was bought so
far, the estimated accuracy of the teacher; never the pool's true labels, unless it is an oracle. Adding one is a
function and an entry in STRATEGIES; the first sentence of its docstring is its help text everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError
from rad_core.selection import diversity
from rad_core.selection.arrays import Array, to_like, to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import Equilibrium, solve_game
from rad_core.selection.sampling import proportional, sample


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a strategy may look at. Arrays are numpy or torch, all of one kind and on one device.

    probabilities: (N, C) of the student on the remaining pool. gains: (N,) in [0, 1]. wrong: k, on how many of these
    points the teacher may be wrong. features: (N, D) of the student, or None. labeled_features: (L, D), the student's
    features of the labeled set and of everything bought so far, or None.
    """

    probabilities: Array
    gains: Array
    wrong: int
    features: Array = None
    labeled_features: Array = None


@dataclass(frozen=True, eq=False)
class Selection:
    """A choice and its reasons.

    positions: (b,) int64, distinct rows of the snapshot. scores: (N,), higher is more worth asking. q: (N,) inclusion
    probabilities, where the strategy has them. equilibrium: of the game, for RAD. partners: (b,) positions and mix:
    (b,) weights of the images mixed into the picks, for a strategy that mixes.
    """

    positions: Array
    scores: Array
    q: Array = None
    equilibrium: Equilibrium | None = None
    partners: Array = None
    mix: Array = None


FEATURES, TRUTH = "features", "truth"  # what a strategy may need


@dataclass(frozen=True)
class Strategy:
    """A rule, and what everybody who offers it has to know of it.

    function: (snapshot, budget, rng) -> Selection. label: its name for people; in brackets what is left out where room
    is scarce. needs: FEATURES of the student; TRUTH, which makes it an oracle: its function gets a fourth argument,
    (N,) bool, where the teacher is right. mixes: it has mixtures of two images labeled. phrase: what a paper calls it;
    the label by default. cites: the papers that it comes from, by their keys in the bibliography of exports.
    """

    function: Callable[..., Selection]
    label: str
    needs: tuple[str, ...] = ()
    mixes: bool = False
    phrase: str = ""
    cites: tuple[str, ...] = ()

    @property
    def short_label(self) -> str:
        """The label without what stands in brackets."""
        return self.label.split(" (")[0]

    def __call__(self, snapshot: Snapshot, budget: int, rng: np.random.Generator, truth: Array = None) -> Selection:
        """Choose. truth: (N,) bool, where the teacher is right; only a strategy that needs it is told."""
        if FEATURES in self.needs and snapshot.features is None:
            raise InputError(f"{self.short_label} needs the student's features; give an (N, D) array of them.")
        if TRUTH in self.needs:
            return self.function(snapshot, budget, rng, truth)
        return self.function(snapshot, budget, rng)


def rad(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """Robust Active Distillation: play the max-min game against an adversary who decides where the teacher errs.

    Source: Baykal et al., arXiv:2210.01213, section 3.
    """
    game = solve_game(snapshot.gains, budget, wrong=snapshot.wrong)
    return Selection(sample(game.q, rng, budget), game.q, game.q, game)


def uniform(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """Every point is equally likely: the rule that ignores informativeness, and the teacher's errors with it."""
    n = len(snapshot.gains)
    q = snapshot.gains * 0 + budget / n
    return Selection(to_like(rng.choice(n, budget, replace=False), snapshot.gains), q, q)


def margin(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """The points with the smallest margin between the student's two likeliest classes."""
    return _greedy(GAINS["margin"](snapshot.probabilities), budget, rng)


def entropy(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """The points with the highest entropy of the student's prediction."""
    return _greedy(GAINS["entropy"](snapshot.probabilities), budget, rng)


def least_confidence(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """The points whose likeliest class the student is least sure of."""
    return _greedy(GAINS["least_confidence"](snapshot.probabilities), budget, rng)


def coreset(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """Core-set: cover the pool's features, each pick the point farthest from everything labeled or picked so far.

    k-center greedy of Sener and Savarese, arXiv:1708.00489, algorithm 1.
    """
    picks, distances = diversity.k_center_greedy(snapshot.features, snapshot.labeled_features, budget, rng)
    return Selection(picks, distances)


def badge(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """BADGE: diverse picks of large hypothetical gradient, by k-means++ sampling of gradient embeddings.

    Ash et al., arXiv:1906.03671, algorithm 1.
    """
    picks, scores = diversity.k_means_pp_on_gradients(snapshot.probabilities, snapshot.features, budget, rng)
    return Selection(picks, scores)


def cluster_margin(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """Cluster-Margin: the smallest margins, spread over clusters of the pool from the smallest cluster up.

    Citovsky et al., arXiv:2107.14263, algorithm 2.
    """
    features = to_numpy(snapshot.features)
    gains = to_numpy(GAINS["margin"](snapshot.probabilities))
    picks = diversity.round_robin_over_clusters(features, gains, budget, rng)
    return Selection(to_like(picks, snapshot.gains), to_like(gains, snapshot.gains))


# Of the queries, how many stay plain images: 32 of 48 in the authors' experiments.
UNIXKD_UNMIXED = 2 / 3


def unixkd(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """UNIXKD: the most uncertain points, the less uncertain of them mixed with other images for the teacher to label.

    Xu et al., arXiv:2012.09413, which selects within every batch; here within the pool of a round: the `budget` points
    of highest entropy are queried, the upper two thirds as they are (32 of 48 in the authors' experiments), the rest
    mixed with a random partner from the pool; as in the authors' code one weight for all, drawn from Beta(1, 1), and
    the step between plain and mixed a steep sigmoid in the rank.
    """
    scores = to_numpy(GAINS["entropy"](snapshot.probabilities))
    order = _descending(scores, rng)[:budget]
    unmixed = max(1, round(UNIXKD_UNMIXED * budget))
    steepness = 1000.0
    ranks = (np.arange(budget) - (unmixed - 0.5)) / len(scores)
    weight = rng.beta(1.0, 1.0) / (1.0 + np.exp(-np.clip(steepness * ranks, -50, 50)))
    weight[:unmixed] = 0.0
    partners = rng.integers(len(scores), size=budget)
    like = snapshot.gains
    return Selection(
        to_like(order, like),
        to_like(scores, like),
        partners=to_like(np.where(weight > 0, partners, order), like),
        mix=to_like(weight.astype(np.float32), like),
    )


def mraru(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> Selection:
    """M-RARU: randomized uncertainty, each point accepted with a probability in proportion to its gain.

    Luccioli et al., arXiv:2511.11574, who accept or reject at random by uncertainty; here exactly `budget` points of
    the round's pool are accepted, none with a probability above 1, by the same dependent rounding as RAD's.
    """
    q = to_like(proportional(to_numpy(snapshot.gains), budget), snapshot.gains)
    return Selection(sample(q, rng, budget), q, q)


def oracle(snapshot: Snapshot, budget: int, rng: np.random.Generator, correct: Array) -> Selection:
    """An upper bound, not usable in practice: the most informative of the points that the teacher gets right.

    correct: (N,) bool, whether the teacher is right; nobody has this before buying.
    """
    correct = to_like(np.asarray(to_numpy(correct), bool), snapshot.gains)
    # The teacher's errors come last, so that a budget beyond the right points still finds its number of picks.
    return _greedy((1 + snapshot.gains) * correct, budget, rng, scores=snapshot.gains * correct)


STRATEGIES: dict[str, Strategy] = {
    "rad": Strategy(rad, "RAD", phrase="Robust Active Distillation (RAD)", cites=("baykal2023robust",)),
    "uniform": Strategy(uniform, "Uniform", phrase="uniform sampling"),
    "margin": Strategy(margin, "Margin", phrase="margin sampling", cites=("scheffer2001active",)),
    "entropy": Strategy(entropy, "Entropy", phrase="entropy sampling", cites=("settles2009active",)),
    "least_confidence": Strategy(
        least_confidence, "Least confidence", phrase="least confidence", cites=("lewis1994sequential",)
    ),
    "coreset": Strategy(
        coreset, "Core-set", needs=(FEATURES,), phrase="k-center greedy core-sets", cites=("sener2018active",)
    ),
    "badge": Strategy(badge, "BADGE", needs=(FEATURES,), cites=("ash2020deep",)),
    "cluster_margin": Strategy(
        cluster_margin, "Cluster-margin", needs=(FEATURES,), phrase="Cluster-Margin", cites=("citovsky2021batch",)
    ),
    "unixkd": Strategy(
        unixkd, "UNIXKD", mixes=True, phrase="UNIXKD, applied to the pool of each round", cites=("xu2020computation",)
    ),
    "mraru": Strategy(
        mraru, "M-RARU", phrase="randomized uncertainty sampling after M-RARU", cites=("luccioli2025llm",)
    ),
    "oracle": Strategy(oracle, "Oracle (knows the truth)", needs=(TRUTH,)),
}
ORACLES = tuple(name for name, strategy in STRATEGIES.items() if TRUTH in strategy.needs)
USABLE = tuple(name for name in STRATEGIES if name not in ORACLES)
_LONGEST_LABEL = 40  # characters, where it is made from a name


def label_of(name: str) -> str:
    """What people call a strategy; a variant is called after the one that its name begins with ("rad_2": "RAD 2").

    It goes into sentences, charts and slides as it is: of a name that none of ours could be, letters and digits stay.
    """
    if name in STRATEGIES:
        return STRATEGIES[name].label
    words = " ".join(re.sub(r"[\W_]+", " ", name).split())
    words = words if len(words) <= _LONGEST_LABEL else f"{words[: _LONGEST_LABEL - 1]}…"
    for base, strategy in STRATEGIES.items():
        beginning = base.replace("_", " ")
        if words.startswith(f"{beginning} "):
            return strategy.short_label + words[len(beginning) :]
    return words[:1].upper() + words[1:] or "(unnamed)"


def _greedy(keys: Array, budget: int, rng: np.random.Generator, scores: Array = None) -> Selection:
    """The `budget` largest keys; ties at the edge are drawn at random, and share their inclusion probability."""
    values = to_numpy(keys)
    n = len(values)
    edge = np.partition(values, n - budget)[n - budget]
    above, tied = np.flatnonzero(values > edge), np.flatnonzero(values == edge)
    share = (budget - len(above)) / len(tied)
    q = (values > edge).astype(values.dtype)
    q[tied] = share
    above = above[np.argsort(-values[above], kind="stable")]
    picks = np.concatenate([above, rng.choice(tied, budget - len(above), replace=False)])
    return Selection(to_like(picks, keys), keys if scores is None else scores, to_like(q, keys))


def _descending(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions by descending value, ties in random order."""
    order = rng.permutation(len(values))
    return order[np.argsort(-values[order], kind="stable")]
