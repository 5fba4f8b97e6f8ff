"""What a study will do and cost, said before it starts."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rad_core.config import StudyConfig
from rad_core.learning.dataset import Dataset, Split
from rad_core.running.engine import count_workers
from rad_core.running.units import threads_for

if TYPE_CHECKING:
    from rad_core.learning.examples import TrainConfig
    from rad_core.learning.foreseen import Foreseen
    from rad_core.learning.inputs import Inputs

_START_SECONDS = 5.0  # starting the workers and importing torch in them


@dataclass(frozen=True)
class Plan:
    """What a study will do and cost, before it starts; None stands for what only a measurement tells."""

    cells: int
    rounds: int
    trainings: int  # of the student, the reference lines included
    teacher_queries: int
    price: float  # of all that the teacher is asked about
    currency: str
    teacher_seconds: float  # latency of the teacher, summed over its queries
    estimated_seconds: float | None = None  # of computation, measured by a short calibration
    pool: int | None = None
    device: str | None = None
    workers: int | None = None
    decoded_images: int | None = None  # of a folder: images in it
    decoded_bytes: int | None = None  # that they take on disk once they are decoded
    decoding_seconds: float | None = None  # about, for those that are not decoded yet; 0 for none
    memory_bytes: int | None = None  # about, of each process
    asked: int = 0  # points that a teacher from outside is asked about, at most: what cells share is asked once
    notes: tuple[str, ...] = ()  # the sizes that were chosen, what the reader did to the data


def outline(config: StudyConfig) -> Plan:
    """What a study will do and cost as far as arithmetic tells; loads nothing and needs no torch."""
    config = config.resolved()
    cells = len(config.strategies) * config.seeds
    queries = cells * config.rounds * config.budget
    planned = Plan(
        cells=cells,
        rounds=config.rounds,
        trainings=cells * config.rounds + config.seeds * (2 if config.full_pool else 1),
        teacher_queries=queries,
        price=queries * config.price_per_label,
        currency=config.currency,
        teacher_seconds=queries * config.latency_per_label,
    )
    return with_asked(planned, config, queries + config.seeds * config.validation) if config.outside else planned


def with_asked(planned: Plan, config: StudyConfig, asked: int) -> Plan:
    """The plan of a study whose teacher from outside is asked about so many points, at most."""
    return replace(
        planned, asked=asked, price=asked * config.price_per_label, teacher_seconds=asked * config.latency_per_label
    )


def plan(
    config: StudyConfig, *, workers: int | None = None, calibrate: bool = True, dataset: Dataset | None = None
) -> Plan:
    """Say what a study will do: cells, rounds, teacher queries and their price, and the estimated time.

    Loads the data set (and downloads it where it must), unless that is given. calibrate: time a few training steps of
    student and teacher. Raises InputError where the data cannot bear the sizes asked for.
    """
    from rad_core.learning.device import describe_device, pick_device
    from rad_core.study.data import check_study, read_dataset

    # Read first: files that turn out to be bad do not count for the sizes that suit the rest.
    dataset = read_dataset(config) if dataset is None else dataset
    choice, config = config.choice(), config.resolved()
    outlined = outline(config)
    dataset, split = check_study(config, dataset=dataset)
    if config.outside:
        outlined = with_asked(outlined, config, min(outlined.asked, len(dataset.labels)))
    count = count_workers(config, workers)
    seconds = memory = None
    if calibrate:
        with _threads(threads_for(config)):
            per_student, per_teacher = time_training(config, dataset, split)
        total = (outlined.trainings * per_student + config.seeds * per_teacher) / count + _START_SECONDS
        seconds = float(math.ceil(total))
        memory = _memory(config, len(split.pool), len(dataset.classes), dataset.images.shape[1:])
    device = describe_device(pick_device(config.device))
    notes = tuple(filter(None, [choice, *dataset.notes, config.left_out()]))
    return replace(
        outlined,
        estimated_seconds=seconds,
        memory_bytes=memory,
        pool=len(split.pool),
        device=device,
        workers=count,
        notes=notes,
    )


def foretold(planned: Plan, foreseen: Foreseen) -> Plan:
    """The plan of a study on a folder, with what decoding that takes."""
    return replace(
        planned, decoded_images=foreseen.images, decoded_bytes=foreseen.size, decoding_seconds=foreseen.seconds
    )


def _memory(config: StudyConfig, pool: int, classes: int, image_shape: tuple[int, ...]) -> int | None:
    """About the bytes that a process takes: the most so far, a few steps of training among it, and what the pool adds.

    That is, for each point, the probabilities and features of three students, the teacher's probabilities twice, and
    what a strategy sorts. None where the system does not tell what a process takes.
    """
    from rad_core.learning.models import build_model

    height, width, channels = image_shape
    network = build_model(config.student, classes=classes, image_shape=(height, width, channels), seed=0)
    a_point = 3 * 4 * (classes + network.head.in_features) + 2 * 4 * classes + 100
    peak = _peak_memory()
    return None if peak is None else peak + pool * a_point


def _peak_memory() -> int | None:
    """Bytes that this process took at most so far."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:  # no Linux
        try:
            import resource
        except ImportError:  # Windows
            return None
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with so many threads for now, as every process of the study will."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def time_training(config: StudyConfig, dataset: Dataset, split: Split) -> tuple[float, float]:
    """Seconds to train and apply the student once and the teacher once, measured on a few steps of each."""
    from rad_core.learning.device import pick_device
    from rad_core.learning.inputs import Inputs
    from rad_core.study.prepare import teacher_training
    from rad_core.study.students import student_training, students_at_once

    ids = np.concatenate([split.labeled, split.pool[: config.budget * config.rounds]])
    inputs = Inputs.of(dataset, pick_device(config.device))
    at_once = students_at_once(config, inputs.image_shape, len(dataset.classes))
    at_once = min(at_once, len(config.strategies) * config.seeds)
    per_student = _time_network(config.student, student_training(config), at_once, dataset, inputs, ids, split)
    kind, _, pretrained = config.teacher.partition(":")
    if kind == "table" or config.outside:  # it costs nothing to train
        return per_student, 0.0
    network = pretrained or config.teacher  # a pretrained network is timed as one trained here
    return per_student, _time_network(network, teacher_training(config), 1, dataset, inputs, ids, split)


def _time_network(
    name: str, training: TrainConfig, together: int, dataset: Dataset, inputs: Inputs, ids: np.ndarray, split: Split
) -> float:
    """Seconds to train a network on these ids, so many together, and to apply it to everything."""
    from rad_core.learning.models import build_model
    from rad_core.learning.training import fit_together, predict

    classes, shape = len(dataset.classes), inputs.image_shape
    images, targets = inputs.take(ids), np.eye(classes, dtype=np.float32)[dataset.labels[ids]]
    networks = [build_model(name, classes=classes, image_shape=shape, seed=0) for _ in range(together)]
    few = replace(training, steps=min(10, training.steps))
    for _ in range(2):  # the first time warms up
        reports = fit_together(
            networks,
            [images] * together,
            [targets] * together,
            soft=np.zeros(len(ids), bool),
            config=few,
            seeds=[0] * together,
        )
    sample = split.pool[:512]
    part = inputs.take(sample)
    start = time.perf_counter()
    predict(networks[0], part)
    everything = len(split.pool) + len(split.test) + len(split.labeled)
    applying = (time.perf_counter() - start) / len(sample) * everything
    return reports[0].seconds / few.steps * training.steps + applying
