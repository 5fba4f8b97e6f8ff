"""The students: what all of one seed share, what each has bought, and how they are trained, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rad_core.config import StudyConfig
from rad_core.learning.data import Split
from rad_core.learning.device import pick_device
from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.teachers import Teacher
from rad_core.learning.training import accuracy, fit_together, networks_at_once, predict
from rad_core.selection.arrays import Array, as_numpy_on_cpu
from rad_core.study.seeds import derive_seed

if TYPE_CHECKING:
    import torch

    from rad_core.learning.networks import Network


@dataclass(frozen=True)
class Purchases:
    """Soft labels bought, in the order of purchase."""

    pool: np.ndarray  # (n,) int64 pool indices
    soft_labels: np.ndarray  # (n, C) float32; NaN where the teacher abstained
    partners: np.ndarray  # (n,) int64 pool indices of the images mixed in
    mix: np.ndarray  # (n,) float32 weight of the partner, 0 for a plain image

    @classmethod
    def plain(cls, pool: np.ndarray, soft_labels: np.ndarray) -> Purchases:
        """Labels of images as they are."""
        return cls(pool, soft_labels, pool, np.zeros(len(pool), np.float32))

    def answered(self) -> Purchases:
        """Those that the teacher did not abstain from: what a student learns from."""
        kept = ~np.isnan(self.soft_labels).any(1)
        names = ("pool", "soft_labels", "partners", "mix")
        return self if kept.all() else type(self)(*(getattr(self, name)[kept] for name in names))

    @classmethod
    def nothing(cls, classes: int) -> Purchases:
        """No label at all."""
        return cls.plain(np.empty(0, np.int64), np.empty((0, classes), np.float32))

    @classmethod
    def of(cls, history: Sequence[Purchases], classes: int) -> Purchases:
        """Everything bought in these rounds."""
        rounds = [cls.nothing(classes), *history]
        names = ("pool", "soft_labels", "partners", "mix")
        return cls(*(np.concatenate([getattr(purchase, name) for purchase in rounds]) for name in names))


@dataclass(frozen=True, eq=False)
class Student:
    """A trained student and what it says of the whole pool."""

    probabilities: Array  # (N, C) on the pool
    features: Array  # (N, D) on the pool
    labeled_features: Array  # (L, D) on what is known
    accuracy: float  # on the test set
    loss: float


@dataclass(frozen=True, eq=False)
class SeedSetting:
    """What all strategies of one seed share: data, split, teacher, and the student of round 0."""

    config: StudyConfig
    seed: int
    inputs: Inputs  # every image of the data set
    labels: np.ndarray  # (M,) true classes; strategies never see those of the pool
    classes: int
    split: Split
    teacher: Teacher
    teacher_accuracy: float  # the m that the game gets
    teacher_right: np.ndarray | None  # (N,) bool, for evaluation and for the oracle; None where nobody knows

    @property
    def known(self) -> np.ndarray:
        """(L,) dataset ids that students know the true classes of."""
        split = self.split
        return np.concatenate([split.labeled, split.validation]) if self.config.learn_from_validation else split.labeled

    @cached_property
    def first(self) -> Student:
        """The student of round 0."""
        return train_students([self], [Purchases.nothing(self.classes)], 0)[0]


def train_students(settings: Sequence[SeedSetting], purchases: Sequence[Purchases], number: int) -> list[Student]:
    """Train a student per setting from scratch on the labeled set plus everything bought, and apply it.

    number: of the round, which seeds the order of the examples.
    """
    learned = [bought.answered() for bought in purchases]
    students: dict[int, Student] = {}
    for size in dict.fromkeys(len(bought.pool) for bought in learned):  # abstentions alone make them differ
        cells = [cell for cell, bought in enumerate(learned) if len(bought.pool) == size]
        trained = train_networks([settings[cell] for cell in cells], [learned[cell] for cell in cells], number)
        for cell, (network, loss) in zip(cells, trained, strict=True):
            students[cell] = apply_student(settings[cell], network, loss)
    return [students[cell] for cell in range(len(settings))]


def train_networks(
    settings: Sequence[SeedSetting], purchases: Sequence[Purchases], number: int
) -> list[tuple[Network, float]]:
    """The students' networks and the losses they ended with. All have equally many labels, and no abstention.

    Within a seed every strategy starts from the same weights and sees its examples in the same order.
    """
    config = settings[0].config
    sets = [training_set(setting, bought) for setting, bought in zip(settings, purchases, strict=True)]
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
        soft=np.arange(len(sets[0][1])) >= len(settings[0].known),
        config=student_training(config),
        seeds=[derive_seed("order", setting.seed, number) for setting in settings],
    )
    return [(network, report.loss) for network, report in zip(networks, reports, strict=True)]


def training_set(setting: SeedSetting, purchases: Purchases) -> tuple[Inputs, np.ndarray]:
    """The known images with their classes, then what was bought with its soft labels: images and (n, C) targets."""
    known, pool = setting.known, setting.split.pool
    hard = np.eye(setting.classes, dtype=np.float32)[setting.labels[known]]
    ids, partners = (np.concatenate([known, pool[rows]]) for rows in (purchases.pool, purchases.partners))
    mix = np.concatenate([np.zeros(len(known), np.float32), purchases.mix])
    return setting.inputs.mixtures(ids, partners, mix), np.concatenate([hard, purchases.soft_labels])


def apply_student(setting: SeedSetting, network: Network, loss: float) -> Student:
    """What a trained student says of the pool, and how accurate it is on the test set."""
    split, inputs = setting.split, setting.inputs
    probabilities, features = predict(network, inputs.take(split.pool))
    _, labeled_features = predict(network, inputs.take(setting.known))
    test_probabilities, _ = predict(network, inputs.take(split.test))
    return Student(
        as_numpy_on_cpu(probabilities),
        as_numpy_on_cpu(features),
        as_numpy_on_cpu(labeled_features),
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


def students_at_once(
    config: StudyConfig, image_shape: tuple[int, int, int], classes: int, device: torch.device | None = None
) -> int:
    """How many students of this study train together; the same for the same study on the same kind of device.

    device: by default the one that it has here.
    """
    network = build_model(config.student, classes=classes, image_shape=image_shape, seed=0)
    return networks_at_once(network, image_shape, pick_device(config.device) if device is None else device)
