"""A small study with every kind of array in it, made in milliseconds: made-up numbers of the right types and sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config

POOL, BUDGET, CLASSES = 40, 10, ("zero", "one", "two")
_SHARES = (
    "teacher_accuracy",
    "teacher_accuracy_low",
    "teacher_accuracy_high",
    "teacher_accuracy_used",
    "teacher_accuracy_pool",
    "teacher_accuracy_test",
    "student_full_accuracy",
)
_OF_THE_GAME = {"strategy_value": 1.0, "value": 1.0, "waterline": 0.1, "cap": 0.2, "support": 30.0}


def make_sound(root: Path, id: str, rounds: int = 2, **changes: object) -> Study:
    """A study of one seed whose strategy rad has finished so many rounds, and no other strategy any."""
    study = create_study(root, tiny_config(**{"pool": POOL, "budget": BUDGET, "name": "Müller's", **changes}), id)
    rng = np.random.default_rng(0)
    config, labels = study.config, rng.integers(len(CLASSES), size=POOL)
    ids = np.split(rng.permutation(500), np.cumsum([POOL, config.labeled, config.validation, config.test or 0]))
    arrays = {
        **dict(zip(("pool_ids", "labeled_ids", "validation_ids", "test_ids"), map(np.sort, ids), strict=False)),
        "pool_labels": labels.astype(np.int16),
        "validation_labels": rng.integers(len(CLASSES), size=config.validation).astype(np.int16),
        "teacher_pool_probabilities": _probabilities(rng, POOL),
        "teacher_validation_probabilities": _probabilities(rng, config.validation),
        "student_features": rng.normal(size=(POOL, 4)).astype(np.float16),
        "teacher_features": rng.normal(size=(POOL, 4)).astype(np.float16),
        "thumbnails": rng.integers(0, 255, (POOL, 48, 48, 3)).astype(np.uint8),
    }
    study.put_round("", 0, 0, _student(rng), {"accuracy": 0.5, "loss": 0.4, "labels": 0.0}, {})
    facts = dict.fromkeys(_SHARES, 0.7) | {"classes": list(CLASSES)}
    study.put_seed(0, arrays, facts, {"net.0.weight": np.ones(1000, np.float32)})
    order = rng.permutation(POOL).astype(np.int32)
    for round in range(1, rounds + 1):
        picks = order[(round - 1) * BUDGET : round * BUDGET]
        put_purchase(study, rng, round, picks, arrays["teacher_pool_probabilities"])
    return study


def put_purchase(study: Study, rng: np.random.Generator, round: int, picks: np.ndarray, teacher: np.ndarray) -> None:
    """A round of rad that buys these picks."""
    bought = {
        "bought": picks,
        "bought_gain": rng.random(len(picks)).astype(np.float32),
        "bought_q": rng.random(len(picks)).astype(np.float32),
        "bought_correct": rng.integers(2, size=len(picks)).astype(np.uint8),
        "soft_labels": teacher[picks],
    }
    metrics = {
        "accuracy": 0.5 + round / 20,
        "loss": 0.3,
        "labels": float(round * BUDGET),
        "pool": float(POOL),
        "wrong": 12.0,
        "mean_gain": 0.5,
        "teacher_right_share": 0.6,
        **_OF_THE_GAME,
    }
    study.put_round("rad", 0, round, _student(rng) | bought, metrics, {"train": 1.0, "select": 0.1})


def _student(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What is kept of a student: gains and predictions of the whole pool."""
    return {
        "gains": rng.integers(65536, size=POOL).astype(np.uint16),
        "predictions": rng.integers(len(CLASSES), size=POOL).astype(np.uint8),
    }


def _probabilities(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.dirichlet(np.ones(len(CLASSES)), count).astype(np.float32)
