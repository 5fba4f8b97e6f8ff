"""What all cells of a seed share: made once, stored, and opened again by every process that works on the seed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.folders import data_folder
from rad_core.learning.data import Dataset, Progress, Split, load_dataset, make_split
from rad_core.learning.device import pick_device
from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.teachers import Teacher, make_teacher, parse_teacher, read_soft_labels
from rad_core.learning.training import fit_together, networks_at_once, predict
from rad_core.selection.api import estimate_accuracy
from rad_core.selection.arrays import to_numpy
from rad_core.store.array_kinds import THUMBNAIL
from rad_core.store.study import SHARED, Study
from rad_core.study.loop import Bought, Setting, Student, describe_student, student_training, train_students
from rad_core.study.seeds import derive_seed


def read_dataset(config: StudyConfig, progress: Progress | None = None) -> Dataset:
    """Load the data set of a study."""
    return load_dataset(
        config.dataset,
        data_dir=data_folder(),
        image_size=config.image_size,
        progress=progress,
        skip_bad=config.skip_bad,
    )


def load_data(config: StudyConfig, seed: int, dataset: Dataset | None = None) -> tuple[Dataset, Split]:
    """Load the data set, unless it is given, and split it for one seed; raise InputError where it is too small."""
    dataset = read_dataset(config) if dataset is None else dataset
    split = make_split(
        dataset,
        labeled=config.labeled,
        validation=config.validation,
        pool=config.pool,
        test=config.test,
        seed=derive_seed("split", seed),
    )
    if config.rounds * config.budget > len(split.pool):
        raise InputError(
            f"{config.rounds} rounds of {config.budget} soft labels need {config.rounds * config.budget} pool points, "
            f"and {config.dataset} leaves {len(split.pool)} in the pool; lower --rounds or --budget."
        )
    return dataset, split


def check_study(config: StudyConfig, dataset: Dataset | None = None) -> tuple[Dataset, Split]:
    """Refuse with an InputError what would fail once the study runs: data, sizes, device, networks, a table of labels.

    Returns the data set, which is loaded unless it is given, and the split of the first seed.
    """
    pick_device(config.device)
    dataset, split = load_data(config, 0, dataset)
    kind, argument = parse_teacher(config.teacher)
    height, width, channels = dataset.images.shape[1:]
    for network in (config.student, *([argument] if kind == "trained" else [])):
        build_model(network, classes=len(dataset.classes), image_shape=(height, width, channels), seed=0)
    if kind == "table":
        read_soft_labels(Path(argument).expanduser(), (len(dataset.labels), len(dataset.classes)))
    return dataset, split


def teacher_training(config: StudyConfig) -> TrainConfig:
    """How the teacher is trained on the labeled set."""
    return TrainConfig(
        steps=config.teacher_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        augment=config.augment,
    )


def prepare_seed(study: Study, seed: int) -> Setting:
    """Split the data, train the teacher and the reference students of one seed, and store them; gives its setting."""
    began = time.perf_counter()
    config = study.config
    dataset, split = load_data(config, seed)
    for note in dataset.notes if seed == 0 else ():
        study.log(note)
    inputs = Inputs.of(dataset, pick_device(config.device))
    teacher = _teacher(config, dataset, split, inputs, seed)
    probabilities, features = teacher.peek(split.pool)
    validation, _ = teacher.peek(split.validation)
    on_test, _ = teacher.peek(split.test)

    right = probabilities.argmax(1) == dataset.labels[split.pool]
    metrics = measure_teacher(config, validation.argmax(1) == dataset.labels[split.validation])
    metrics |= {
        "classes": list(dataset.classes),
        "teacher_accuracy_pool": float(right.mean()),
        "teacher_accuracy_test": float((on_test.argmax(1) == dataset.labels[split.test]).mean()),
    }
    setting = _setting(config, seed, dataset, split, inputs, teacher, metrics["teacher_accuracy_used"], right)
    first = setting.first
    if config.full_pool:
        metrics["student_full_accuracy"] = _student_on_everything(setting, probabilities).accuracy
    arrays = {
        "labeled_ids": split.labeled,
        "validation_ids": split.validation,
        "pool_ids": split.pool,
        "test_ids": split.test,
        "pool_labels": dataset.labels[split.pool].astype(np.int16),
        "validation_labels": dataset.labels[split.validation].astype(np.int16),
        "teacher_pool_probabilities": probabilities.astype(np.float32),
        "teacher_validation_probabilities": validation.astype(np.float32),
        "student_features": to_numpy(first.features).astype(np.float16),
        "thumbnails": thumbnails(dataset.images, split.pool),
    }
    if features is not None:
        arrays["teacher_features"] = features.astype(np.float16)
    # The shared round 0 goes first: a seed counts as prepared only when everything about it is there.
    study.put_round(
        SHARED,
        seed,
        0,
        describe_student(config, first),
        {"accuracy": first.accuracy, "loss": first.loss, "labels": 0.0},
        {"prepare": time.perf_counter() - began},
    )
    study.put_seed(seed, arrays, metrics, teacher.state())
    return setting


def describe_seed(study: Study, seed: int) -> str:
    """How the preparation of a seed went, as a line of the log."""
    return (
        f"seed {seed}: teacher right on {study.seed_metrics(seed)['teacher_accuracy_pool']:.1%} of the pool, "
        f"student alone {study.round_metrics(SHARED, seed, 0)['accuracy']:.3f} on the test set"
    )


def measure_teacher(config: StudyConfig, right: np.ndarray) -> dict:
    """The teacher's accuracy estimated on the validation set, its 95 % interval, and what the game is told of it."""
    estimate = estimate_accuracy(right, confidence=config.confidence)
    return {
        "teacher_accuracy": estimate.mean,
        "teacher_accuracy_low": estimate.low,
        "teacher_accuracy_high": estimate.high,
        "teacher_accuracy_used": estimate.mean if config.teacher_accuracy == "mean" else estimate.lower_bound,
    }


def open_setting(study: Study, seed: int, inputs: Inputs | None = None) -> Setting:
    """The setting of a prepared seed, its teacher restored from the store.

    inputs: the images of the data set on the device, where another seed's setting has them already.
    """
    config = study.config
    dataset, split = load_data(config, seed)
    for name in ("labeled", "validation", "pool", "test"):
        if not np.array_equal(getattr(split, name), study.seed_array(seed, f"{name}_ids")):
            raise InputError(
                f"The data set {config.dataset} has changed since study {study.id} was started "
                f"(another {name} split); start a new study with --new."
            )
    if inputs is None:
        inputs = Inputs.of(dataset, pick_device(config.device))
    teacher = _teacher(config, dataset, split, inputs, seed, study.teacher_state(seed))
    used = study.seed_metrics(seed)["teacher_accuracy_used"]
    right = study.seed_array(seed, "teacher_pool_probabilities").argmax(1) == dataset.labels[split.pool]
    return _setting(config, seed, dataset, split, inputs, teacher, used, right)


def read_history(study: Study, strategy: str, seed: int) -> list[Bought]:
    """What a cell bought in the rounds it has finished."""
    history = []
    for round in study.finished_rounds(strategy, seed):
        if round == 0:
            continue
        pool = np.array(study.round_array(strategy, seed, round, "bought"), np.int64)
        soft = np.array(study.round_array(strategy, seed, round, "soft_labels"))
        mixed = "mix" in study.round_arrays(strategy, seed, round)
        partners = np.array(study.round_array(strategy, seed, round, "partners"), np.int64) if mixed else pool
        mix = np.array(study.round_array(strategy, seed, round, "mix")) if mixed else np.zeros(len(pool), np.float32)
        history.append(Bought(pool, soft, partners, mix))
    return history


def thumbnails(images: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The chosen images as (n, h, w, C) uint8, shrunk to at most 48 pixels by area averaging."""
    size = max(images.shape[1:3])
    if size <= THUMBNAIL:
        return np.ascontiguousarray(images[ids])
    import torch
    from torch.nn.functional import interpolate

    shape = tuple(max(1, round(side * THUMBNAIL / size)) for side in images.shape[1:3])
    small = np.empty((len(ids), *shape, images.shape[3]), np.uint8)
    for start in range(0, len(ids), 1024):
        batch = torch.from_numpy(np.ascontiguousarray(images[ids[start : start + 1024]])).permute(0, 3, 1, 2)
        shrunk = interpolate(batch.float(), size=shape, mode="area").round().to(torch.uint8)
        small[start : start + 1024] = shrunk.permute(0, 2, 3, 1).numpy()
    return small


def students_at_once(config: StudyConfig, image_shape: tuple[int, int, int], classes: int) -> int:
    """How many students of this study train together; the same for the same study on the same kind of device."""
    network = build_model(config.student, classes=classes, image_shape=image_shape, seed=0)
    return networks_at_once(network, image_shape, pick_device(config.device))


def time_training(config: StudyConfig, dataset: Dataset, split: Split) -> tuple[float, float]:
    """Seconds to train and apply the student once and the teacher once, measured on a few steps of each."""
    device = pick_device(config.device)
    ids = np.concatenate([split.labeled, split.pool[: config.budget * config.rounds]])
    inputs = Inputs.of(dataset, device)
    images, shape = inputs.take(ids), inputs.image_shape
    targets = np.eye(len(dataset.classes), dtype=np.float32)[dataset.labels[ids]]
    everything = len(split.pool) + len(split.test) + len(split.labeled)
    seconds = []
    at_once = students_at_once(config, shape, len(dataset.classes))
    at_once = min(at_once, len(config.strategies) * config.seeds)
    student, teacher = student_training(config), teacher_training(config)
    for name, training, together in ((config.student, student, at_once), (config.teacher, teacher, 1)):
        if ":" in name:  # a table costs nothing; a pretrained network is timed as one trained here
            kind, name = name.split(":", 1)
            if kind == "table":
                seconds.append(0.0)
                continue
        networks = [build_model(name, classes=len(dataset.classes), image_shape=shape, seed=0) for _ in range(together)]
        few = TrainConfig(steps=min(10, training.steps), batch_size=training.batch_size, augment=training.augment)
        for _ in range(2):  # the first time warms up
            reports = fit_together(
                networks,
                [images] * together,
                [targets] * together,
                soft=np.zeros(len(ids), bool),
                config=few,
                seeds=[0] * together,
            )
        some = inputs.take(split.pool[:512])
        start = time.perf_counter()
        predict(networks[0], some)
        applying = (time.perf_counter() - start) / len(split.pool[:512]) * everything
        seconds.append(reports[0].seconds / few.steps * training.steps + applying)
    return seconds[0], seconds[1]


def _teacher(
    config: StudyConfig,
    dataset: Dataset,
    split: Split,
    inputs: Inputs,
    seed: int,
    state: dict[str, np.ndarray] | None = None,
) -> Teacher:
    return make_teacher(
        config.teacher,
        dataset,
        split,
        inputs=inputs,
        config=teacher_training(config),
        seed=derive_seed("teacher", seed),
        state=state,
    )


def _setting(
    config: StudyConfig,
    seed: int,
    dataset: Dataset,
    split: Split,
    inputs: Inputs,
    teacher: Teacher,
    used: float,
    right: np.ndarray,
) -> Setting:
    return Setting(
        config=config,
        seed=seed,
        inputs=inputs,
        labels=dataset.labels,
        classes=len(dataset.classes),
        split=split,
        teacher=teacher,
        teacher_accuracy=used,
        teacher_right=right,
    )


def _student_on_everything(setting: Setting, teacher_probabilities: np.ndarray) -> Student:
    """The reference: a student trained on the labeled set and the whole soft-labeled pool."""
    pool = np.arange(len(setting.split.pool))
    everything = Bought(pool, teacher_probabilities.astype(np.float32), pool, np.zeros(len(pool), np.float32))
    return train_students([setting], [everything], 0)[0]
