"""The cells of a study (strategy x seed) as a generator of rounds: the algorithm of arXiv:2210.01213, line by line.

One round: score every remaining point of the pool with the current student; choose b of them; buy their soft labels
from the teacher; train the student from scratch on the labeled set plus everything bought so far; measure it on the
test set. Round 0 is the student trained on the labeled set alone; all strategies of a seed share it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rad_core.config import StudyConfig
from rad_core.learning.data import Split
from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.teachers import Teacher
from rad_core.learning.training import accuracy, fit_together, predict
from rad_core.selection.arrays import to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value, wrong_count
from rad_core.selection.strategies import STRATEGIES, Selection, Snapshot
from rad_core.study.seeds import derive_seed, generator

if TYPE_CHECKING:
    from rad_core.learning.networks import Network

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

    @classmethod
    def of(cls, history: Sequence[Bought], classes: int) -> Bought:
        """Everything bought in these rounds."""
        total = cls.nothing(classes)
        for purchase in history:
            total = total.plus(purchase)
        return total

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
        return train_students([self], [Bought.nothing(self.classes)], 0)[0]


@dataclass(frozen=True)
class Round:
    """What one finished round leaves behind."""

    round: int
    arrays: dict[str, np.ndarray]
    metrics: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy on one seed, and what it has bought in the rounds it has finished."""

    setting: Setting
    strategy: str
    history: list[Bought]


def run_cells(cells: Sequence[Cell]) -> Iterator[list[Round]]:
    """Yield the next rounds of cells that have finished equally many, one of each cell; their students train together.

    What a cell does depends on no other one, but for the rounding of sums.
    """
    config, finished = cells[0].setting.config, len(cells[0].history)
    bought = [Bought.of(cell.history, cell.setting.classes) for cell in cells]
    if finished:
        students = train_students([cell.setting for cell in cells], bought, finished)
    else:
        students = [cell.setting.first for cell in cells]

    for round in range(finished + 1, config.rounds + 1):
        clocks = [Clock() for _ in cells]
        steps = [
            buy_round(cell, round, student, so_far, clock)
            for cell, student, so_far, clock in zip(cells, students, bought, clocks, strict=True)
        ]
        bought = [so_far.plus(step.purchase) for so_far, step in zip(bought, steps, strict=True)]
        training = Clock()
        with training("train"):
            students = train_students([cell.setting for cell in cells], bought, round)
        share = {"train": training.seconds["train"] / len(cells)}
        yield [
            describe_round(cell.setting, round, step, student, so_far, clock.seconds | share)
            for cell, step, student, so_far, clock in zip(cells, steps, students, bought, clocks, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Step:
    """What a cell decided in one round."""

    snapshot: Snapshot
    selection: Selection
    purchase: Bought


def buy_round(cell: Cell, round: int, student: Student, bought: Bought, clock: Clock) -> Step:
    """Score every remaining point of the pool, choose, and buy the teacher's soft labels."""
    setting = cell.setting
    with clock("score"):
        remaining = np.setdiff1d(np.arange(len(setting.split.pool)), bought.pool)
        snapshot = take_snapshot(setting, student, remaining, bought)
    with clock("select"):
        rng = generator("select", setting.seed, cell.strategy, round)
        strategy, right = STRATEGIES[cell.strategy], setting.teacher_right[remaining]
        selection = strategy(snapshot, setting.config.budget, rng, right)  # an oracle alone is told where it is right
    with clock("query"):
        purchase = buy(setting, selection, remaining)
    return Step(snapshot, selection, purchase)


def describe_round(
    setting: Setting, round: int, step: Step, student: Student, bought: Bought, seconds: dict[str, float]
) -> Round:
    """What is kept of a round."""
    bought_arrays = describe_purchase(setting, step.selection, step.purchase, step.snapshot)
    metrics = {"accuracy": student.accuracy, "loss": student.loss, "labels": float(len(bought.pool))}
    metrics |= measure_purchase(step.selection, step.snapshot, bought_arrays)
    return Round(round, describe_student(setting.config, student) | bought_arrays, metrics, seconds)


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


def train_students(settings: Sequence[Setting], bought: Sequence[Bought], round: int) -> list[Student]:
    """Train a student per setting from scratch on the labeled set plus everything bought, and apply it."""
    trained = train_networks(settings, bought, round)
    return [apply_student(setting, network, loss) for setting, (network, loss) in zip(settings, trained, strict=True)]


def train_networks(settings: Sequence[Setting], bought: Sequence[Bought], round: int) -> list[tuple[Network, float]]:
    """The students' networks and the losses they ended with. All have bought equally many labels.

    Within a seed every strategy starts from the same weights and sees its examples in the same order.
    """
    config = settings[0].config
    sets = [training_set(setting, labels) for setting, labels in zip(settings, bought, strict=True)]
    networks = [
        build_model(
            config.student,
            classes=setting.classes,
            image_shape=setting.inputs.image_shape,
            seed=derive_seed("student", setting.seed),
        )
        for setting in settings
    ]
    reports = fit_together(
        networks,
        [images for images, _ in sets],
        [targets for _, targets in sets],
        soft=np.arange(len(sets[0][1])) >= len(settings[0].split.labeled),
        config=student_training(config),
        seeds=[derive_seed("order", setting.seed, round) for setting in settings],
    )
    return [(network, report.loss) for network, report in zip(networks, reports, strict=True)]


def training_set(setting: Setting, bought: Bought) -> tuple[Inputs, np.ndarray]:
    """The labeled images with their classes, then what was bought with its soft labels: images and (n, C) targets."""
    split, inputs = setting.split, setting.inputs
    hard = np.eye(setting.classes, dtype=np.float32)[setting.labels[split.labeled]]
    soft_labeled = inputs.mixtures(split.pool[bought.pool], split.pool[bought.partners], bought.mix)
    return inputs.concatenate([inputs.take(split.labeled), soft_labeled]), np.concatenate([hard, bought.soft_labels])


def apply_student(setting: Setting, network: Network, loss: float) -> Student:
    """What a trained student says of the pool, and how accurate it is on the test set."""
    split, inputs = setting.split, setting.inputs
    probabilities, features = predict(network, inputs.take(split.pool))
    _, labeled_features = predict(network, inputs.take(split.labeled))
    test_probabilities, _ = predict(network, inputs.take(split.test))
    return Student(
        _host(probabilities),
        _host(features),
        _host(labeled_features),
        accuracy(test_probabilities, setting.labels[split.test]),
        loss,
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
