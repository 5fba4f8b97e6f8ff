"""What is kept of a round: the pool under the student, what was bought, and both in numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from rad_core.config import StudyConfig
from rad_core.selection.arrays import to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value
from rad_core.selection.strategies import Selection, Snapshot
from rad_core.store.study import Study
from rad_core.study.students import Purchases, SeedSetting, Student

UNDEFINED = 255  # "was the teacher right?" has no answer for a mixture of two images, and for an abstention


class Clock:
    """Seconds per named phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start


def describe_student(config: StudyConfig, student: Student) -> dict[str, np.ndarray]:
    """The whole pool under this student, compactly: gains as 16-bit fractions, the predicted classes."""
    probabilities = to_numpy(student.probabilities)
    small = np.uint8 if probabilities.shape[1] <= 256 else np.uint16
    return {
        "gains": np.round(65535 * np.clip(GAINS[config.gain](probabilities), 0, 1)).astype(np.uint16),
        "predictions": probabilities.argmax(1).astype(small),
    }


def describe_purchase(
    setting: SeedSetting, snapshot: Snapshot, selection: Selection, purchase: Purchases
) -> dict[str, np.ndarray]:
    """What was bought in one round, aligned with the picks."""
    positions = to_numpy(selection.positions)
    correct = _right(setting, purchase).astype(np.uint8)
    correct[(purchase.mix > 0) | np.isnan(purchase.soft_labels).any(1)] = UNDEFINED
    nothing = np.full(len(positions), np.nan)
    arrays = {
        "bought": purchase.pool.astype(np.int32),
        "bought_gain": to_numpy(snapshot.gains)[positions].astype(np.float32),
        "bought_q": (nothing if selection.q is None else to_numpy(selection.q)[positions]).astype(np.float32),
        "bought_correct": correct,
        "soft_labels": purchase.soft_labels,
    }
    if selection.mix is not None:
        arrays |= {"partners": purchase.partners.astype(np.int32), "mix": purchase.mix}
    return arrays


def _right(setting: SeedSetting, purchase: Purchases) -> np.ndarray:
    """(b,) bool: whether the teacher is right on what was bought; by its answers where that is all that is known."""
    if setting.teacher_right is not None:
        return setting.teacher_right[purchase.pool]
    return purchase.soft_labels.argmax(1) == setting.labels[setting.split.pool[purchase.pool]]


def measure_purchase(snapshot: Snapshot, selection: Selection, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """The purchase in numbers: how informative, how often right, and what it was guaranteed to be worth."""
    metrics = {
        "pool": float(len(snapshot.gains)),
        "wrong": float(snapshot.wrong),
        "mean_gain": float(arrays["bought_gain"].mean(dtype=np.float64)),
    }
    correct, abstained = arrays["bought_correct"], np.isnan(arrays["soft_labels"]).any(1)
    if "mix" not in arrays and not abstained.all():
        metrics["teacher_right_share"] = float(correct[~abstained].mean(dtype=np.float64))
    if abstained.any():
        metrics["abstained"] = float(abstained.sum())
    if selection.q is not None:
        metrics["strategy_value"] = game_value(selection.q, snapshot.gains, snapshot.wrong)
    if selection.equilibrium is not None:
        game = selection.equilibrium
        metrics |= {
            "value": game.value,
            "waterline": game.waterline,
            "cap": game.cap,
            "support": float(game.support),
        }
    return metrics


def read_history(study: Study, strategy: str, seed: int) -> list[Purchases]:
    """What a cell bought in the rounds it has finished."""
    history = []
    for number in study.finished_rounds(strategy, seed):
        if number == 0:
            continue
        pool = np.array(study.round_array(strategy, seed, number, "bought"), np.int64)
        soft_labels = np.array(study.round_array(strategy, seed, number, "soft_labels"))
        purchase = Purchases.plain(pool, soft_labels)
        if "mix" in study.round_arrays(strategy, seed, number):
            partners = np.array(study.round_array(strategy, seed, number, "partners"), np.int64)
            mix = np.array(study.round_array(strategy, seed, number, "mix"))
            purchase = Purchases(pool, soft_labels, partners, mix)
        history.append(purchase)
    return history
