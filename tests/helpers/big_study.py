"""A study as large as the studio promises to bear: made-up but realistic arrays, written through the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rad_core.config import StudyConfig
from rad_core.selection.api import estimate_accuracy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value, wrong_count
from rad_core.selection.strategies import STRATEGIES, Selection, Snapshot
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study

STRATEGIES_TRIED = ("rad", "margin", "uniform")
SEEDS, ROUNDS, BUDGET, VALIDATION, CLASSES = 2, 3, 1000, 2000, 10
_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def make_big_study(root: Path, points: int = 50_000) -> Study:
    """Write a finished study of this many pool points into a store: 2 seeds, 3 strategies, 3 rounds of 1,000 labels.

    Gains follow a beta(0.7, 1.6) distribution, and the teacher is right with probability 0.98 - 0.45 gain.
    """
    config = StudyConfig.from_mapping(
        {
            "name": f"{points:,} made-up points",
            "dataset": "cifar10",
            "strategies": STRATEGIES_TRIED,
            "seeds": SEEDS,
            "rounds": ROUNDS,
            "budget": BUDGET,
            "labeled": 500,
            "validation": VALIDATION,
            "pool": points,
            "test": 2000,
            "price_per_label": 0.02,
            "latency_per_label": 0.5,
        }
    )
    study = create_study(root, config, f"made-up-{points}-points")
    for seed in range(SEEDS):
        _put_seed(study, seed, points)
    study.set_status("finished")
    return study


def _put_seed(study: Study, seed: int, points: int) -> None:
    rng = np.random.default_rng(seed)
    gains, labels, teacher, right = _teacher(rng, points)
    _, validation_labels, on_validation, validation_right = _teacher(rng, VALIDATION)
    estimate = estimate_accuracy(validation_right)
    ids = rng.permutation(points + VALIDATION + 2500)
    parts = np.split(ids, np.cumsum([points, VALIDATION, 500]))
    centers = rng.normal(size=(CLASSES, 32))
    blurred = (1 + 2 * gains[:, None]) * rng.normal(size=(points, 32))
    study.put_round(
        "", seed, 0, _describe(gains, labels, rng), {"accuracy": 0.52 + 0.01 * seed, "loss": 0.4, "labels": 0.0}, {}
    )
    study.put_seed(
        seed,
        {
            **dict(zip(("pool_ids", "validation_ids", "labeled_ids", "test_ids"), map(np.sort, parts), strict=True)),
            "pool_labels": labels.astype(np.int16),
            "validation_labels": validation_labels.astype(np.int16),
            "teacher_pool_probabilities": teacher,
            "teacher_validation_probabilities": on_validation,
            "student_features": (centers[labels] + blurred).astype(np.float16),
            "teacher_features": (2 * centers[labels] + blurred).astype(np.float16),
            "thumbnails": _thumbnails(rng, labels),
        },
        {
            "teacher_accuracy": estimate.mean,
            "teacher_accuracy_low": estimate.low,
            "teacher_accuracy_high": estimate.high,
            "teacher_accuracy_used": estimate.mean,
            "classes": list(_NAMES),
            "teacher_accuracy_pool": float(right.mean()),
            "teacher_accuracy_test": float(right.mean()),
            "student_full_accuracy": 0.78,
        },
        {},
    )
    for strategy in STRATEGIES_TRIED:
        _put_cell(study, strategy, seed, gains, labels, teacher, right)


def _put_cell(
    study: Study,
    strategy: str,
    seed: int,
    gains: np.ndarray,
    labels: np.ndarray,
    teacher: np.ndarray,
    right: np.ndarray,
) -> None:
    """The rounds of one strategy: each bought by its own rule from what is left; gains fall as the student learns."""
    rng = np.random.default_rng((seed, STRATEGIES_TRIED.index(strategy)))
    bought = np.empty(0, np.int64)
    m = study.seed_metrics(seed)["teacher_accuracy_used"]
    for round in range(1, ROUNDS + 1):
        left = np.setdiff1d(np.arange(len(gains)), bought)
        snapshot = Snapshot(student_probabilities(gains[left]), gains[left], wrong_count(len(left), m))
        selection = STRATEGIES[strategy](snapshot, BUDGET, rng)
        positions = np.asarray(selection.positions)
        picks = left[positions]
        bought = np.concatenate([bought, picks])
        gains = np.clip(gains * rng.normal(0.93, 0.05, len(gains)), 0, 1).astype(np.float32)
        q = np.full(len(left), np.nan) if selection.q is None else np.asarray(selection.q)
        arrays = _describe(gains, labels, rng) | {
            "bought": picks.astype(np.int32),
            "bought_gain": snapshot.gains[positions].astype(np.float32),
            "bought_q": q[positions].astype(np.float32),
            "bought_correct": right[picks].astype(np.uint8),
            "soft_labels": teacher[picks],
        }
        slope = {"rad": 0.045, "margin": 0.035, "uniform": 0.03}[strategy]
        accuracy = 0.52 + 0.01 * seed + slope * round + 0.004 * rng.normal()
        metrics = {"accuracy": accuracy, "loss": 0.3, "labels": float(BUDGET * round)}
        metrics |= _purchase(selection, snapshot, arrays)
        study.put_round(strategy, seed, round, arrays, metrics, {"train": 10.0, "select": 0.1})


def _purchase(selection: Selection, snapshot: Snapshot, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    metrics = {
        "pool": float(len(snapshot.gains)),
        "wrong": float(snapshot.wrong),
        "mean_gain": float(arrays["bought_gain"].mean()),
        "teacher_right_share": float(arrays["bought_correct"].mean()),
    }
    if selection.q is not None:
        metrics["strategy_value"] = game_value(selection.q, snapshot.gains, snapshot.wrong)
    game = selection.equilibrium
    if game is not None:
        metrics |= {"value": game.value, "waterline": game.waterline, "cap": game.cap, "support": float(game.support)}
    return metrics


def student_probabilities(gains: np.ndarray) -> np.ndarray:
    """(N, 10) probabilities whose margin gain is the one given."""
    rest = 0.2 * gains / (CLASSES - 2)
    first = (2 - 1.2 * gains) / 2
    out = np.repeat(rest[:, None], CLASSES, axis=1)
    out[:, 0], out[:, 1] = first, first - (1 - gains)
    return out.astype(np.float32)


def _teacher(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gains, true classes, the teacher's probabilities (somewhat too confident), and where it is right."""
    gains = GAINS["margin"](student_probabilities(rng.beta(0.7, 1.6, n).astype(np.float32)))
    labels, chance = rng.integers(CLASSES, size=n), 0.98 - 0.45 * gains
    right = rng.random(n) < chance
    said = np.where(right, labels, (labels + rng.integers(1, CLASSES, n)) % CLASSES)
    confidence = np.clip(chance**0.7 + 0.08 * rng.normal(size=n), 0.55, 0.999)
    rest = rng.dirichlet(np.full(CLASSES, 0.3), n) * (1 - confidence[:, None])
    rest[np.arange(n), said] += confidence
    return gains, labels, rest.astype(np.float32), right


def _describe(gains: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    wrong = rng.random(len(gains)) < 0.1 + 0.6 * gains
    predictions = np.where(wrong, rng.integers(CLASSES, size=len(gains)), labels)
    return {"gains": np.round(65535 * gains).astype(np.uint16), "predictions": predictions.astype(np.uint8)}


def _thumbnails(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """(N, 16, 16, 3) uint8: a color for each class under noise."""
    colors = rng.integers(40, 200, (CLASSES, 1, 1, 3), dtype=np.uint8)
    return colors[labels] + rng.integers(0, 50, (len(labels), 16, 16, 3), dtype=np.uint8)
