"""The split of a data set into labeled set A, validation set V, pool B and test set T, and sizes that suit it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.dataset import Dataset, Extent, Split

_BOUGHT = 4  # a quarter of the pool is bought over all rounds
_PER_CLASS = 5  # images of each class in labeled and validation set, where a quarter of all bears that
_FEWEST = 0.1  # of the steps that suit a large data set


def make_split(
    dataset: Dataset,
    *,
    labeled: int,
    validation: int,
    pool: int | None = None,
    test: int | None = None,
    private: int = 0,
    class_share: str = "",
    seed: int,
) -> Split:
    """Split a data set into A, V, B and T: disjoint, stratified by class, the same for the same seed.

    Args:
        dataset: what is split.
        labeled: size of A.
        validation: size of V.
        pool: size of B; None takes all that remains, or all that the shares of the classes permit.
        test: size of T; None takes the data set's own test rows, else a fifth of all.
        private: how many more the teacher alone learns from; in the proportions of the data set.
        class_share: relative frequencies of the classes in A, V and B, see `class_shares`; "": the data set's.
        seed: of the draw.

    Raises:
        InputError: where the data set is too small, or has too few of a class.
    """
    rng = np.random.default_rng(seed)
    classes = len(dataset.classes)
    total = len(dataset.labels)
    own = dataset.test_ids
    everything = np.arange(total)
    for name, size in (("labeled", labeled), ("validation", validation)):
        if size < classes:
            raise InputError(
                f"{name} is {size}, and {dataset.name} has {classes} classes; take at least one point of each."
            )
    if own is not None:
        test_ids = own if test is None or test >= len(own) else _stratified(dataset.labels, own, test, rng)
        if test is not None and test > len(own):
            raise InputError(f"test is {test}, and {dataset.name} has {len(own)} test images; lower --test.")
        rest = np.setdiff1d(everything, own)
    else:
        size = total // 5 if test is None else test
        _check_room(dataset, {"test": size, "labeled": labeled, "validation": validation}, total)
        test_ids = _stratified(dataset.labels, everything, size, rng)
        rest = np.setdiff1d(everything, test_ids)
    sizes = {"labeled": labeled, "validation": validation, "pool": pool or 1}
    _check_room(dataset, sizes | ({"private": private} if private else {}), len(rest))
    shares = class_shares(class_share, classes) if class_share else None

    def draw(size: int, name: str) -> np.ndarray:
        if shares is None:
            return _stratified(dataset.labels, rest, size, rng)
        return _in_shares(dataset, rest, size, shares, rng, name)

    labeled_ids = draw(labeled, "labeled")
    rest = np.setdiff1d(rest, labeled_ids)
    validation_ids = draw(validation, "validation")
    rest = np.setdiff1d(rest, validation_ids)
    private_ids = _stratified(dataset.labels, rest, private, rng) if private else np.empty(0, np.int64)
    rest = np.setdiff1d(rest, private_ids)
    if shares is not None:
        pool_ids = _in_shares(dataset, rest, pool, shares, rng, "pool")
    elif pool is None or pool >= len(rest):
        pool_ids = rest
    else:
        pool_ids = _stratified(dataset.labels, rest, pool, rng)
    return Split(labeled_ids, validation_ids, pool_ids, np.sort(test_ids), private_ids)


def class_shares(spec: str, classes: int) -> np.ndarray:
    """The share of each class, (C,) float64 above 0 with sum 1.

    spec: relative frequencies separated by commas, one for each class; or tail:RATIO, by which the first class is
    RATIO times as frequent as the last, and the ratio of neighbors is the same throughout. Raises InputError.
    """
    kind, _, ratio = spec.partition(":")
    try:
        if kind == "tail":
            numbers = np.exp(-math.log(float(ratio)) * np.linspace(0, 1, classes))
        else:
            numbers = np.array([float(part) for part in spec.split(",")])
        good = bool(np.isfinite(numbers).all() and (numbers > 0).all() and np.isfinite(numbers.sum()))
    except (ValueError, OverflowError):
        good = False
    if not good:
        raise InputError(
            f"class_share is {spec[:100]!r}; write a number above 0 for each class, separated by commas, or "
            "tail:RATIO, such as tail:10."
        )
    if len(numbers) != classes:
        raise InputError(f"class_share has {len(numbers)} numbers, and there are {classes} classes; give one for each.")
    return numbers / numbers.sum()


def _check_room(dataset: Dataset, sizes: dict[str, int], room: int) -> None:
    if sum(sizes.values()) > room:
        wanted = " + ".join(f"{size} {name}" for name, size in sizes.items())
        raise InputError(f"{dataset.name} has {room} images to split, and {wanted} are asked for; lower one of them.")


def _stratified(labels: np.ndarray, ids: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` of the ids, each class in proportion (largest remainders), sorted."""
    ids = rng.permutation(ids)
    classes, counts = np.unique(labels[ids], return_counts=True)
    take = _apportion(size, size * counts / len(ids), rng)
    return _first_of_each(labels, ids, classes, take)


def _in_shares(
    dataset: Dataset, ids: np.ndarray, size: int | None, shares: np.ndarray, rng: np.random.Generator, name: str
) -> np.ndarray:
    """`size` of the ids, each class by its share, sorted; None for as many as there are of the scarcest class."""
    labels = dataset.labels
    have = np.bincount(labels[ids], minlength=len(shares))
    if size is None:
        size = max(1, int((have / shares).min() + 1e-9))
    ids, take = rng.permutation(ids), _apportion(size, size * shares, rng)
    if (short := np.flatnonzero(take > have)).size:
        scarce = int(short[0])
        raise InputError(
            f"{name} is {size}, of which class_share wants {take[scarce]} of the class {dataset.classes[scarce]!r}, "
            f"and {have[scarce]} are left; lower --{name}, or the share of that class."
        )
    return _first_of_each(labels, ids, np.arange(len(shares)), take)


def _apportion(size: int, exact: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many of each class, by largest remainders of what they should have; ties are drawn."""
    take = np.floor(exact).astype(int)
    order = rng.permutation(len(exact))
    order = order[np.argsort(-(exact - take)[order], kind="stable")]
    take[order[: size - take.sum()]] += 1
    # A class too rare for its proportion still gets a point while there are enough points to go round.
    if size >= len(exact):
        for poor in np.flatnonzero(take == 0):
            take[take.argmax()] -= 1
            take[poor] += 1
    return take


def _first_of_each(labels: np.ndarray, ids: np.ndarray, classes: np.ndarray, take: np.ndarray) -> np.ndarray:
    chosen = [ids[labels[ids] == cls][:count] for cls, count in zip(classes, take, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def suit(extent: Extent, large: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, int]:
    """Sizes that suit a data set of one's own: shares of its number of images, within bounds.

    A tenth each for labeled set and validation set, a quarter of the pool bought; at most what suits a large data set.
    large: the sizes that suit that. given: those that somebody has chosen; the others leave room for them.
    """
    own_test = given.get("test") or (extent.images // 5 if extent.test is None else 0)
    left = extent.images if extent.test is not None else max(1, extent.images - own_test)
    few = max(extent.classes, min(_PER_CLASS * extent.classes, left // 4))
    labeled = given.get("labeled") or _between(left // 10, few, max(large["labeled"], 10 * extent.classes))
    validation = given.get("validation") or _between(left // 10, few, max(large["validation"], few))
    rest = max(1, left - labeled - validation)
    pool = min(rest, given.get("pool") or rest)
    rounds = given.get("rounds") or max(1, min(large["rounds"], pool // (given.get("budget") or 1)))
    share = max(pool // (_BOUGHT * rounds), min(2, pool // rounds), 1)
    budget = given.get("budget") or min(share, large["budget"])
    # As often through the examples as for a large data set.
    fewer = (labeled + rounds * budget) / (large["labeled"] + large["rounds"] * large["budget"])
    steps = {name: round(min(1.0, max(_FEWEST, fewer)) * large[name]) for name in ("student_steps", "teacher_steps")}
    return {"labeled": labeled, "validation": validation, "rounds": rounds, "budget": budget} | steps


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
