"""What all cells of a seed share: made once, stored, and opened again by every process that works on the seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import attrs
import numpy as np

from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.files import Blocks
from rad_core.learning.data import Dataset, Split
from rad_core.learning.device import pick_device
from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.pixels import shrink
from rad_core.learning.teachers import SoftLabels, Teacher, TeacherTask, make_teacher
from rad_core.selection.api import estimate_accuracy
from rad_core.selection.arrays import to_numpy
from rad_core.store.array_kinds import THUMBNAIL
from rad_core.store.rounds import Round
from rad_core.store.study import SHARED, Study
from rad_core.study.data import load_data
from rad_core.study.outside import OutsideTeacher
from rad_core.study.rounds import describe_student
from rad_core.study.seeds import derive_seed
from rad_core.study.students import Purchases, SeedSetting, train_students

_KEPT = ("pool", "validation")  # of the teacher's answers
_LOOKED_AT = 256  # images of the pool that tell whether they are still the same ones


def teacher_training(config: StudyConfig) -> TrainConfig:
    """How the teacher is trained on the labeled set."""
    return TrainConfig(
        steps=config.teacher_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        augment=config.augment,
    )


MakeOutside = Callable[[Dataset], Teacher]  # makes a teacher from outside


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is kept of a seed, the small images of its pool aside. first: its round 0, which all strategies share."""

    seed: int
    first: Round
    arrays: Mapping[str, np.ndarray]
    metrics: Mapping[str, Any]
    teacher_state: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Opening:
    """What opens the setting of a prepared seed again, beside its data set. table: its soft labels, of a table."""

    seed: int
    split: Split
    teacher_state: Mapping[str, np.ndarray]
    teacher_accuracy: float
    teacher_right: np.ndarray | None
    table: SoftLabels | None = None


def prepare_seed(study: Study, seed: int) -> SeedSetting:
    """Split the data, train the teacher and the reference students of one seed, and store them; gives its setting."""
    began = time.perf_counter()
    config = study.config
    dataset, split = load_data(config, seed)
    note_data(study, dataset, seed)
    inputs = Inputs.of(dataset, pick_device(config.device))
    setting, prepared = make_seed(config, seed, dataset, split, inputs, outside=partial(OutsideTeacher, study))
    keep_seed(study, dataset, prepared, time.perf_counter() - began)
    return setting


def note_data(study: Study, dataset: Dataset, seed: int) -> None:
    """Log what was done to the data and what a study does without, once: with its first seed."""
    for note in (*dataset.notes, *filter(None, [study.config.left_out()])) if seed == 0 else ():
        study.log(note)


def make_seed(
    config: StudyConfig,
    seed: int,
    dataset: Dataset,
    split: Split,
    inputs: Inputs,
    *,
    outside: MakeOutside | None = None,
    table: SoftLabels | None = None,
) -> tuple[SeedSetting, Prepared]:
    """Train the teacher and the reference students of one seed: its setting, and what is to be kept of it.

    outside: makes a teacher from outside. table: the soft labels of a teacher that is a table of arrays, where they
    were read already.
    """
    task = _task(config, seed, dataset, split, inputs)
    teacher = make_teacher(config.teacher, replace(task, outside=outside, table=table))
    if config.outside:
        answers, features = {"validation": teacher.query(split.validation)}, None
    else:
        answers, features = ask_everything(teacher, split)
    metrics, right = judge_teacher(config, dataset, split, answers)
    setting = SeedSetting(
        *(config, seed, inputs, dataset.labels, len(dataset.classes), split, teacher),
        teacher_accuracy=metrics["teacher_accuracy_used"],
        teacher_right=right,
    )
    first = setting.first
    if config.full_pool:
        everything = Purchases.plain(np.arange(len(split.pool)), answers["pool"].astype(np.float32))
        metrics["student_full_accuracy"] = train_students([setting], [everything], 0)[0].accuracy
    arrays: dict[str, np.ndarray] = {
        "labeled_ids": split.labeled,
        "validation_ids": split.validation,
        "pool_ids": split.pool,
        "test_ids": split.test,
        "pool_labels": dataset.labels[split.pool].astype(np.int16),
        "validation_labels": dataset.labels[split.validation].astype(np.int16),
        **{f"teacher_{part}_probabilities": answers[part].astype(np.float32) for part in _KEPT if part in answers},
        "student_features": to_numpy(first.features).astype(np.float16),
    }
    if len(split.private):
        arrays["private_ids"] = split.private
    if features is not None:
        arrays["teacher_features"] = features.astype(np.float16)
    of_first = {"accuracy": first.accuracy, "loss": first.loss, "labels": 0.0}
    shared = Round(SHARED, seed, 0, describe_student(config, first), of_first, {})
    return setting, Prepared(seed, shared, arrays, metrics, teacher.state())


def keep_seed(study: Study, dataset: Dataset, prepared: Prepared, seconds: float) -> None:
    """Store what was prepared of a seed, and the small images of its pool. seconds: that it took."""
    arrays: dict[str, np.ndarray | Blocks] = dict(prepared.arrays)
    if dataset.has_images:
        shape, rows = shrink(dataset.images, prepared.arrays["pool_ids"], THUMBNAIL)
        arrays["thumbnails"] = Blocks(shape, np.dtype(np.uint8), rows)
    # The shared round 0 goes first: a seed counts as prepared only when everything about it is there.
    study.put_rounds([attrs.evolve(prepared.first, seconds={"prepare": seconds})])
    study.put_seed(prepared.seed, arrays, prepared.metrics, prepared.teacher_state)


def _task(config: StudyConfig, seed: int, dataset: Dataset, split: Split, inputs: Inputs) -> TeacherTask:
    """What the teacher of a seed is made for."""
    return TeacherTask(
        *(dataset, split, inputs, teacher_training(config)),
        seed=derive_seed("teacher", seed),
        number=seed,
        labels=config.labels,
    )


def ask_everything(teacher: Teacher, split: Split) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The teacher's probabilities (n, C) on pool, validation and test set, and its features (N, D) of the pool or None.

    For evaluation and display; no purchase is counted.
    """
    pool, features = teacher.peek(split.pool)
    return {
        "pool": pool,
        "validation": teacher.peek(split.validation)[0],
        "test": teacher.peek(split.test)[0],
    }, features


def judge_teacher(
    config: StudyConfig, dataset: Dataset, split: Split, answers: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], np.ndarray | None]:
    """How often the teacher is right, as the metrics of a seed, and where in the pool (N,), None where nobody knows.

    answers: (n, C) by part of the split; a row of NaN, an abstention, is neither right nor wrong. Raises InputError
    where the teacher abstained from the whole validation set.
    """
    answered = ~np.isnan(answers["validation"]).any(1)
    if not answered.any():
        raise InputError(
            f"{config.teacher} abstained from all {len(answered):,} validation examples, so that nobody knows how "
            "often it is right; choose another teacher, or mend it."
        )
    right = {part: given.argmax(1) == dataset.labels[getattr(split, part)] for part, given in answers.items()}
    metrics = measure_teacher(config, right["validation"][answered]) | {"classes": list(dataset.classes)}
    metrics |= {f"teacher_accuracy_{part}": float(right[part].mean()) for part in ("pool", "test") if part in right}
    if config.outside:
        metrics["teacher_abstained"] = int((~answered).sum())
    return metrics, right.get("pool")


def describe_seed(study: Study, seed: int) -> str:
    """How the preparation of a seed went, as a line of the log."""
    metrics = study.seed_metrics(seed)
    pool, checked = metrics.get("teacher_accuracy_pool"), metrics["teacher_accuracy"]
    right = f"{checked:.1%} of the validation set" if pool is None else f"{pool:.1%} of the pool"
    return (
        f"seed {seed}: teacher right on {right}, "
        f"student alone {study.round_metrics(SHARED, seed, 0)['accuracy']:.3f} on the test set"
    )


def measure_teacher(config: StudyConfig, right: np.ndarray) -> dict:
    """The teacher's accuracy estimated on the validation set, its 95 % interval, and what the game is told of it.

    right: (V,) bool.
    """
    estimate = estimate_accuracy(right, confidence=config.confidence)
    return {
        "teacher_accuracy": estimate.mean,
        "teacher_accuracy_low": estimate.low,
        "teacher_accuracy_high": estimate.high,
        "teacher_accuracy_used": estimate.mean if config.teacher_accuracy == "mean" else estimate.lower_bound,
    }


def _check_split(study: Study, seed: int, split: Split) -> None:
    """Raise InputError where a data set is split otherwise than when the seed was prepared."""
    for name in ("labeled", "validation", "pool", "test", *(["private"] if len(split.private) else [])):
        if not np.array_equal(getattr(split, name), study.seed_array(seed, f"{name}_ids")):
            raise _changed(study, f"another {name} split")


def _check_content(study: Study, seed: int, dataset: Dataset, split: Split) -> None:
    """The same for files that were exchanged for others, one for one: their labels, or the look of some, tell."""
    for name in ("validation", "pool"):
        if not np.array_equal(dataset.labels[getattr(split, name)], study.seed_array(seed, f"{name}_labels")):
            raise _changed(study, f"other labels of the {name}")
    if dataset.has_images:
        some = np.unique(np.linspace(0, len(split.pool) - 1, _LOOKED_AT).astype(np.int64))
        _, rows = shrink(dataset.images, split.pool[some], THUMBNAIL)
        if not np.array_equal(np.concatenate(list(rows)), study.seed_array(seed, "thumbnails")[some]):
            raise _changed(study, "other images in the pool")


def _changed(study: Study, what: str) -> InputError:
    return InputError(
        f"The data set {study.config.dataset} has changed since study {study.id} was started ({what}); start a new "
        "study with --new."
    )


def open_setting(study: Study, seed: int, inputs: Inputs | None = None) -> SeedSetting:
    """The setting of a prepared seed, its teacher restored from the store.

    inputs: the images of the data set on the device, where another seed's setting has them already.
    """
    config = study.config
    dataset, split = load_data(config, seed)
    opening = read_opening(study, seed, dataset, split)
    if inputs is None:
        inputs = Inputs.of(dataset, pick_device(config.device))
    return open_prepared(config, opening, dataset, inputs, partial(OutsideTeacher, study))


def read_opening(study: Study, seed: int, dataset: Dataset, split: Split) -> Opening:
    """What opens the setting of a seed again. Raises InputError where the data set is another than it was."""
    _check_split(study, seed, split)
    state = study.teacher_state(seed)  # before the pictures: a light copy has none of the first, and coarse ones
    _check_content(study, seed, dataset, split)
    right = None
    if not study.config.outside:
        right = study.seed_array(seed, "teacher_pool_probabilities").argmax(1) == dataset.labels[split.pool]
    accuracy = study.seed_metrics(seed)["teacher_accuracy_used"]
    return Opening(seed, split, state, accuracy, right)


def open_prepared(
    config: StudyConfig, opening: Opening, dataset: Dataset, inputs: Inputs, outside: MakeOutside | None = None
) -> SeedSetting:
    """The setting that an opening opens. outside: makes a teacher from outside."""
    seed, split = opening.seed, opening.split
    task = _task(config, seed, dataset, split, inputs)
    task = replace(task, state=dict(opening.teacher_state), outside=outside, table=opening.table)
    return SeedSetting(
        *(config, seed, inputs, dataset.labels, len(dataset.classes), split),
        teacher=make_teacher(config.teacher, task),
        teacher_accuracy=opening.teacher_accuracy,
        teacher_right=opening.teacher_right,
    )
