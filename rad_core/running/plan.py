"""What a study will do and cost, said before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rad_core.config import StudyConfig
from rad_core.learning.dataset import Dataset
from rad_core.running.engine import count_workers

_START_SECONDS = 5.0  # starting the workers and importing torch in them


@dataclass(frozen=True)
class Plan:
    """What a study will do and cost, before it starts; None stands for what only a measurement tells."""

    cells: int
    rounds: int
    trainings: int  # of the student, the reference lines included
    teacher_queries: int
    price: float
    currency: str
    teacher_seconds: float  # latency of the teacher, summed over its queries
    estimated_seconds: float | None = None  # of computation, measured by a short calibration
    pool: int | None = None
    device: str | None = None
    workers: int | None = None
    notes: tuple[str, ...] = ()  # the sizes that were chosen, what the reader did to the data


def outline(config: StudyConfig) -> Plan:
    """What a study will do and cost as far as arithmetic tells; loads nothing and needs no torch."""
    config = config.resolved()
    cells = len(config.strategies) * config.seeds
    queries = cells * config.rounds * config.budget
    return Plan(
        cells=cells,
        rounds=config.rounds,
        trainings=cells * config.rounds + config.seeds * (2 if config.full_pool else 1),
        teacher_queries=queries,
        price=queries * config.price_per_label,
        currency=config.currency,
        teacher_seconds=queries * config.latency_per_label,
    )


def plan(
    config: StudyConfig, *, workers: int | None = None, calibrate: bool = True, dataset: Dataset | None = None
) -> Plan:
    """Say what a study will do: cells, rounds, teacher queries and their price, and the estimated time.

    Loads the data set (and downloads it where it must), unless that is given. calibrate: time a few training steps of
    student and teacher. Raises InputError where the data cannot bear the sizes asked for.
    """
    from rad_core.learning.device import describe_device, pick_device
    from rad_core.study.prepare import check_study, read_dataset, time_training

    # Read first: files that turn out to be bad do not count for the sizes that suit the rest.
    dataset = read_dataset(config) if dataset is None else dataset
    choice, config = config.choice(), config.resolved()
    found = outline(config)
    dataset, split = check_study(config, dataset=dataset)
    count = count_workers(config, workers)
    seconds = None
    if calibrate:
        per_student, per_teacher = time_training(config, dataset, split)
        total = (found.trainings * per_student + config.seeds * per_teacher) / count + _START_SECONDS
        seconds = float(math.ceil(total))
    device = describe_device(pick_device(config.device))
    notes = (choice, *dataset.notes) if choice else dataset.notes
    return replace(found, estimated_seconds=seconds, pool=len(split.pool), device=device, workers=count, notes=notes)
