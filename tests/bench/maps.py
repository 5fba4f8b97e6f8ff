"""Maps of the pool: the call of this project against umap-learn's own, in time and in what the map is worth."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np

from app.results import shipped
from rad_core.running.embedding import SAMPLE
from rad_core.running.maps import compute_map, read_map
from rad_core.store.unpack import keep_unpacked
from tests.bench.measure import medians
from tests.bench.rows import Row

_JUDGED = 2000  # points that trustworthiness is computed on: it takes memory in their square


def rows(quick: bool) -> Iterator[Row]:
    """Digits, and a larger set made from them by noise; seeded, one thread."""
    digits = _digits()
    sets = {"digits, 1,797 x 64": (digits, 2), "10,000 x 64": (_more(digits, 10_000), 1)}
    if quick:
        sets = {"60 digits": (digits[:60], 1)}
    for name, (features, repeats) in sets.items():
        yield from _compared(name, features, repeats)
    yield from _large(*((600, 400) if quick else (1_000_000, SAMPLE)))
    yield _read_again()


def mixture(points: int, dimensions: int) -> np.ndarray:
    """Half floats (N, D): ten classes, each about a plane of eight dimensions of its own, as features of a teacher."""
    rng = np.random.default_rng(0)
    centers, planes = rng.normal(size=(10, dimensions)), 0.3 * rng.normal(size=(10, 8, dimensions))
    found = np.empty((points, dimensions), np.float16)
    for start in range(0, points, 50_000):
        classes = rng.integers(10, size=min(50_000, points - start))
        block = centers[classes] + 0.2 * rng.normal(size=(len(classes), dimensions))
        within = rng.normal(size=(len(classes), 8))
        for label in range(10):
            block[classes == label] += within[classes == label] @ planes[label]
        found[start : start + len(block)] = block
    return found


def placed_apart(features: np.ndarray, places: np.ndarray, sample: int, seed: int = 0) -> tuple[float, float]:
    """The trustworthiness of the points that a large map was fitted on, and of those placed among them."""
    fitted = np.sort(np.random.default_rng(seed).permutation(len(features))[:sample])
    others = np.delete(np.arange(len(features)), fitted)
    fitted, others = (np.random.default_rng(1).permutation(some) for some in (fitted, others))
    some = min(len(fitted), len(others), _JUDGED)
    worth = [_trustworthiness(features[kind[:some]], places[kind[:some]]) for kind in (fitted, others)]
    return worth[0], worth[1]


def _large(points: int, sample: int) -> Iterator[Row]:
    """A pool of which a part is fitted. CPU time is told, too, since the machine may be busy with other things."""
    features = mixture(points, 64)
    with patch.multiple("rad_core.running.embedding", LARGE=points - 1, SAMPLE=sample):
        began, busy = time.perf_counter(), time.process_time()
        places = compute_map(features)
        taken, worked = time.perf_counter() - began, time.process_time() - busy
    name = f"UMAP of {points:,} x 64, fitted on {sample:,}"
    yield Row(name, taken, "s", 300, "five minutes", at_most=1)
    yield Row(f"{name}, CPU time", worked, "s", 300, "five minutes", at_most=1)
    fitted, placed = placed_apart(features, places, sample)
    yield Row(f"{name}, trustworthiness of the others", placed, "", fitted, "fitted", "difference", at_least=-0.02)


def _digits() -> np.ndarray:
    from sklearn.datasets import load_digits

    return load_digits().data.astype(np.float32)


def _more(features: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = features[rng.integers(len(features), size=n)]
    return (found + rng.normal(scale=2.0, size=found.shape)).astype(np.float32)


def _compared(name: str, features: np.ndarray, repeats: int) -> Iterator[Row]:
    import umap

    maps: dict[str, np.ndarray] = {}

    def theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            maps["umap"] = umap.UMAP(random_state=0, n_jobs=1).fit_transform(features)

    def ours() -> None:
        maps["ours"] = compute_map(features)

    def pca() -> None:
        maps["pca"] = compute_map(features, "pca")

    taken = medians({"ours": ours, "umap": theirs, "pca": pca}, repeats)
    worth = {of: _trustworthiness(features, places) for of, places in maps.items()}
    yield Row(f"UMAP of {name}", taken["ours"], "s", taken["umap"], "umap-learn")
    yield Row(
        f"UMAP of {name}, trustworthiness",
        worth["ours"],
        "",
        worth["umap"],
        "umap-learn",
        "difference",
        at_least=-0.005,
    )
    yield Row(f"PCA of {name}, shown first", taken["pca"], "s", 0.1, "a tenth of a second", at_most=1)
    yield Row(f"PCA of {name}, trustworthiness", worth["pca"], "", worth["umap"], "umap-learn", "difference")


def _trustworthiness(features: np.ndarray, places: np.ndarray) -> float:
    from sklearn.manifold import trustworthiness

    some = np.random.default_rng(1).permutation(len(features))[:_JUDGED]
    return float(trustworthiness(features[some], places[some], n_neighbors=min(15, len(some) // 3)))


def _read_again() -> Row:
    """The map of a shipped study, found by what it was made of and opened as a memory map."""
    with TemporaryDirectory() as folder:
        study = keep_unpacked(shipped.archives()[0], Path(folder))
        opened = read_map(study, 0)
        taken = medians({"open": lambda: read_map(study, 0)}, repeats=20, clock=time.perf_counter)["open"]
    assert opened is not None
    return Row("the map of the shipped study, opened", taken, "s", 0.1, "a tenth of a second", at_most=1)
