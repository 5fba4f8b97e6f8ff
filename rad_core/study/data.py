"""What a study learns from: its data set, split for each seed, and whether they bear what it asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.folders import data_folder
from rad_core.learning.data import Dataset, Progress, Split, foresee_dataset, load_dataset, make_split
from rad_core.learning.device import pick_device
from rad_core.learning.models import FOR_FEATURES, build_model
from rad_core.learning.teachers import parse_teacher, read_soft_labels
from rad_core.study.outside import check_outside
from rad_core.study.seeds import derive_seed

if TYPE_CHECKING:
    from rad_core.learning.foreseen import Foreseen


def read_dataset(config: StudyConfig, progress: Progress | None = None) -> Dataset:
    """Load the data set of a study."""
    dataset = load_dataset(
        config.dataset,
        data_dir=data_folder(),
        image_size=config.image_size,
        progress=progress,
        skip_bad=config.skip_bad,
    )
    return dataset if config.augmentation == "auto" else replace(dataset, augment=config.augmentation)


def foresee_data(config: StudyConfig) -> Foreseen | None:
    """What the data set of a study will be once it is decoded; None where nothing is decoded."""
    foreseen = foresee_dataset(
        config.dataset, data_dir=data_folder(), image_size=config.image_size, skip_bad=config.skip_bad
    )
    if foreseen is None or foreseen.dataset is None or config.augmentation == "auto":
        return foreseen
    return replace(foreseen, dataset=replace(foreseen.dataset, augment=config.augmentation))


def load_data(config: StudyConfig, seed: int, dataset: Dataset | None = None) -> tuple[Dataset, Split]:
    """Load the data set, unless it is given, and split it for one seed; raise InputError where it is too small."""
    dataset = read_dataset(config) if dataset is None else dataset
    split = make_split(
        dataset,
        labeled=config.labeled,
        validation=config.validation,
        pool=config.pool,
        test=config.test,
        private=config.teacher_labeled,
        class_share=config.class_share,
        seed=derive_seed("split", seed),
    )
    if config.rounds * config.budget > len(split.pool):
        raise InputError(
            f"{config.rounds} rounds of {config.budget} soft labels need {config.rounds * config.budget} pool points, "
            f"and {config.dataset} leaves {len(split.pool)} in the pool; lower --rounds or --budget."
        )
    return dataset, split


def check_study(config: StudyConfig, dataset: Dataset | None = None, *, here: bool = True) -> tuple[Dataset, Split]:
    """Refuse with an InputError what would fail once the study runs: data, sizes, device, networks, a teacher.

    Returns the data set, which is loaded unless it is given, and the split of the first seed. here: whether it is this
    machine that computes, so that it must have the device.
    """
    if here:
        pick_device(config.device)
    dataset, split = load_data(config, 0, dataset)
    kind, argument = parse_teacher(config.teacher)
    if not dataset.has_images and kind == "pretrained":
        raise InputError(
            f"The teacher {config.teacher} needs images, and {config.dataset} is features; take "
            f"{' or '.join(FOR_FEATURES)}, or table:FILE."
        )
    if not dataset.has_images and dataset.augment != "none":
        raise InputError(f"augmentation is {dataset.augment}, and {config.dataset} is features; take none.")
    height, width, channels = dataset.images.shape[1:]
    for network in (config.student, *([argument] if kind == "trained" else [])):
        if not dataset.has_images and network not in FOR_FEATURES:
            raise InputError(
                f"The network {network} needs images, and {config.dataset} is features; take "
                f"{' or '.join(FOR_FEATURES)}."
            )
        build_model(network, classes=len(dataset.classes), image_shape=(height, width, channels), seed=0)
    if config.outside:
        check_outside(config.teacher, dataset)
    elif kind == "table":
        for seed in range(config.seeds):
            read_soft_labels(Path(argument).expanduser(), seed, (len(dataset.labels), len(dataset.classes)))
    return dataset, split
