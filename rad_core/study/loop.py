"""One cell of a study (strategy x seed) as a generator of rounds: the algorithm of arXiv:2210.01213, line by line.

One round: score every remaining point of the pool with the current student; choose b of them; buy their soft labels
from the teacher; train the student from scratch on the labeled set plus everything bought so far; measure it on the
test set. Round 0 is the student trained on the labeled set alone; all strategies of a seed share it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rad_core.learning.data import Split
from rad_core.learning.models import build_model
from rad_core.learning.teachers import Teacher
from rad_core.learning.training import Inputs, TrainConfig, accuracy, fit, predict
from rad_core.selection.arrays import to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value, wrong_count
from rad_core.selection.strategies import ORACLES, STRATEGIES, Selection, Snapshot
from rad_core.study.config import StudyConfig
from rad_core.study.seeds import derive_seed, generator

UNDEFINED = 255  # "was the teacher right?" has no answer for a mixture of two images


@dataclass(frozen=True)
class Bought:
    """Soft labels bought so far, in the order of purchase."""

    pool: np.ndarray  # (n,) int64 pool indices
    soft_labels: np.ndarray  # (n, C) float32
    partners: np.ndarray  # (n,) int64 pool indices of the images mixed in
    mix: np.ndarray  # (n,) float32 weight of the partner, 0 for a plain image

    @classmethod
    def nothing(cls, classes: int) -> Bought:
        none = np.empty(0, np.int64)
        return cls(none, np.empty((0, classes), np.float32), none, np.empty(0, np.float32))

    def plus(self, other: Bought) -> Bought:
        return Bought(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("pool", "soft_labels", "partners", "mix")
            )
        )


@dataclass(frozen=True, eq=False)
class Student:
    """A trained student and what it says of the whole pool."""

    probabilities: Any  # (N, C) on the pool
    features: Any  # (N, D) on the pool
    labeled_features: Any  # (L, D) on the labeled set
    accuracy: float  # on the test set
    loss: float


@dataclass(frozen=True, eq=False)
class Setting:
    """What all strategies of one seed share: data, split, teacher, and the student of round 0."""

    config: StudyConfig
    seed: int
    inputs: Inputs  # every image of the data set, on the device
    labels: np.ndarray  # (M,) true classes; strategies never see those of the pool
    classes: int
    split: Split
    teacher: Teacher
    teacher_accuracy: float  # the m that the game gets
    teacher_right: np.ndarray  # (N,) bool, for evaluation and for the oracle

    @cached_property
    def first(self) -> Student:
        """The student of round 0."""
        return train_student(self, Bought.nothing(self.classes), 0)


@dataclass(frozen=True)
class Round:
    """What one finished round leaves behind."""

    round: int
    arrays: dict[str, np.ndarray]
    metrics: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict)


def run_cell(setting: Setting, strategy: str, history: list[Bought]) -> Iterator[Round]:
    """Yield the rounds of one cell after those in history (one entry per round already finished)."""
    config = setting.config
    bought = Bought.nothing(setting.classes)
    for purchase in history:
        bought = bought.plus(purchase)
    student = train_student(setting, bought, len(history)) if history else setting.first

    for round in range(len(history) + 1, config.rounds + 1):
        clock = Clock()
        with clock("score"):
            remaining = np.setdiff1d(np.arange(len(setting.split.pool)), bought.pool)
            snapshot = take_snapshot(setting, student, remaining, bought)
        with clock("select"):
            rng = generator("select", setting.seed, strategy, round)
            selection = choose(strategy, snapshot, config.budget, rng, setting.teacher_right[remaining])
        with clock("query"):
            purchase = buy(setting, selection, remaining)
        bought = bought.plus(purchase)
        with clock("train"):
            student = train_student(setting, bought, round)
        arrays = describe_student(config, student) | describe_purchase(setting, selection, purchase, snapshot)
        metrics = {"accuracy": student.accuracy, "loss": student.loss, "labels": float(len(bought.pool))}
        metrics |= measure_purchase(selection, snapshot, arrays)
        yield Round(round, arrays, metrics, clock.seconds)


def take_snapshot(setting: Setting, student: Student, remaining: np.ndarray, bought: Bought) -> Snapshot:
    """What a strategy may see: the student's outputs on the remaining pool, what was bought, the estimated accuracy."""
    probabilities = student.probabilities[remaining]
    return Snapshot(
        probabilities=probabilities,
        gains=GAINS[setting.config.gain](probabilities),
        wrong=wrong_count(len(remaining), setting.teacher_accuracy),
        features=student.features[remaining],
        labeled_features=_stack(student.labeled_features, student.features[bought.pool]),
    )


def choose(
    strategy: str, snapshot: Snapshot, budget: int, rng: np.random.Generator, teacher_right: np.ndarray
) -> Selection:
    """Ask a strategy for exactly `budget` positions; only the oracle is told where the teacher is right."""
    if strategy in ORACLES:
        return ORACLES[strategy](snapshot, budget, rng, teacher_right)
    return STRATEGIES[strategy](snapshot, budget, rng)


def buy(setting: Setting, selection: Selection, remaining: np.ndarray) -> Bought:
    """Turn positions into pool indices, once, and buy the teacher's soft labels for them."""
    pool = remaining[to_numpy(selection.positions)]
    ids = setting.split.pool[pool]
    if selection.mix is None or selection.partners is None:
        return Bought(pool, setting.teacher.query(ids), pool, np.zeros(len(pool), np.float32))
    partners = remaining[to_numpy(selection.partners)]
    mix = to_numpy(selection.mix).astype(np.float32)
    mixtures = setting.inputs.mixtures(ids, setting.split.pool[partners], mix)
    return Bought(pool, setting.teacher.query_images(mixtures), partners, mix)


def train_student(setting: Setting, bought: Bought, round: int) -> Student:
    """Train a student from scratch on the labeled set plus everything bought, and apply it to pool and test set.

    Within a seed every strategy starts from the same weights and sees its examples in the same order.
    """
    config, split, inputs = setting.config, setting.split, setting.inputs
    hard = np.eye(setting.classes, dtype=np.float32)[setting.labels[split.labeled]]
    images = inputs.concatenate(
        [
            inputs.take(split.labeled),
            inputs.mixtures(split.pool[bought.pool], split.pool[bought.partners], bought.mix),
        ]
    )
    targets = np.concatenate([hard, bought.soft_labels])
    soft = np.arange(len(targets)) >= len(hard)
    network = build_model(
        config.student,
        classes=setting.classes,
        image_shape=inputs.image_shape,
        seed=derive_seed("student", setting.seed),
    )
    report = fit(
        network,
        images,
        targets,
        soft=soft,
        config=student_training(config),
        seed=derive_seed("order", setting.seed, round),
    )
    probabilities, features = predict(network, inputs.take(split.pool))
    _, labeled_features = predict(network, inputs.take(split.labeled))
    test_probabilities, _ = predict(network, inputs.take(split.test))
    return Student(
        _host(probabilities),
        _host(features),
        _host(labeled_features),
        accuracy(test_probabilities, setting.labels[split.test]),
        report.loss,
    )


def student_training(config: StudyConfig) -> TrainConfig:
    """How the student is trained, the same in every round and for every strategy."""
    return TrainConfig(
        steps=config.student_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        temperature=config.temperature,
        augment=config.augment,
    )


def describe_student(config: StudyConfig, student: Student) -> dict[str, np.ndarray]:
    """The whole pool under this student, compactly: gains as 16-bit fractions, the predicted classes."""
    probabilities = to_numpy(student.probabilities)
    small = np.uint8 if probabilities.shape[1] <= 256 else np.uint16
    return {
        "gains": np.round(65535 * np.clip(GAINS[config.gain](probabilities), 0, 1)).astype(np.uint16),
        "predictions": probabilities.argmax(1).astype(small),
    }


def describe_purchase(
    setting: Setting, selection: Selection, purchase: Bought, snapshot: Snapshot
) -> dict[str, np.ndarray]:
    """What was bought in one round, aligned with the picks."""
    positions = to_numpy(selection.positions)
    correct = setting.teacher_right[purchase.pool].astype(np.uint8)
    correct[purchase.mix > 0] = UNDEFINED
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


def measure_purchase(selection: Selection, snapshot: Snapshot, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """The purchase in numbers: how informative, how often right, and what it was guaranteed to be worth."""
    metrics = {
        "pool": float(len(snapshot.gains)),
        "wrong": float(snapshot.wrong),
        "mean_gain": float(arrays["bought_gain"].mean(dtype=np.float64)),
    }
    if "mix" not in arrays:
        metrics["teacher_right_share"] = float(arrays["bought_correct"].mean(dtype=np.float64))
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


class Clock:
    """Seconds per named phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start


def _host(x: Any) -> Any:
    """On a CPU, numpy views of torch tensors (selection is faster on them); on a GPU the tensors stay there."""
    return x if x.is_cuda else to_numpy(x)


def _stack(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray):
        return np.concatenate([a, b])
    import torch

    return torch.cat([a, b])
