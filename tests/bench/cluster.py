"""What a Ray cluster costs a study of short rounds, where it costs most: two processors here, with and without Ray."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rad_core.config import StudyConfig
from rad_core.running.engine import run_study
from rad_core.running.units import Finished
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from rad_core.study.data import read_dataset
from tests.bench.rows import Row, missing

_RAY = "a digits study on local:2"


class _Quiet:
    def __call__(self, work: Finished) -> None:
        pass

    def check(self) -> None:
        pass


def rows(quick: bool) -> Iterator[Row]:
    """The same study of digits by two workers and by a Ray of two processors, whose own start is counted apart."""
    if (absent := missing(_RAY, "ray")) is not None:
        yield absent
        return
    sizes = {"student_steps": 10, "teacher_steps": 10, "rounds": 1, "seeds": 1} if quick else {"seeds": 2}
    config = StudyConfig(dataset="digits", device="cpu", **sizes)
    with tempfile.TemporaryDirectory() as folder:
        workers, with_workers = _with_workers(Path(folder), config)
        ray, with_ray, start = _with_ray(Path(folder), config)
        differ = float(workers.content_digest() != ray.content_digest())
    yield Row(_RAY, with_ray, "s", with_workers, "two workers", at_most=1.3)
    yield Row("Ray's start and end, once a run", start, "s", with_workers, "the study by two workers")
    yield Row("results that differ", differ, "", 0.0, "two workers", "difference", 0.0)


def _with_workers(folder: Path, config: StudyConfig) -> tuple[Study, float]:
    study = create_study(folder, config, "by-workers")
    began = time.perf_counter()
    run_study(study, workers=2)
    return study, time.perf_counter() - began


def _with_ray(folder: Path, config: StudyConfig) -> tuple[Study, float, float]:
    from rad_core.running.cluster import connect
    from rad_core.running.on_cluster import run_connected

    study, dataset = create_study(folder, config, "by-ray"), read_dataset(config)
    began = time.perf_counter()
    with connect("local:2") as cluster:
        connected = time.perf_counter()
        run_connected(study, cluster, dataset, _Quiet())
        seconds = time.perf_counter() - connected
    return study, seconds, time.perf_counter() - began - seconds
