"""A study on a Ray cluster: nodes compute, and this process alone writes into the store.

A seed's preparation, and a group of cells that train together, is one task each (node_work.py). What it finishes it
hands in at the desk, an actor beside this process; that is what works for every address, Ray's streams do not. A task
whose process or node is lost begins again elsewhere, from what is in the store: a round that comes twice is dropped.
"""

from __future__ import annotations

import importlib
import secrets
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import attrs
import numpy as np

from rad_core.config import StudyConfig
from rad_core.errors import InputError, WorkerError
from rad_core.learning.dataset import Dataset
from rad_core.learning.teachers import SoftLabels, parse_teacher
from rad_core.running import node_work
from rad_core.running.cluster import Cluster, connect
from rad_core.running.units import POLL_SECONDS, Finished, Group, Progress, threads_of, told
from rad_core.store.rounds import Round
from rad_core.store.study import Study

_TRIES = 4  # times that a task may be lost without having finished anything in between


@dataclass(frozen=True)
class Unit:
    """What one task does: with a group, go on with its cells; without, prepare the seed."""

    seed: int
    group: Group = ()

    def __str__(self) -> str:
        """As the subject of a sentence."""
        if not self.group:
            return f"The preparation of seed {self.seed}"
        return f"The group {', '.join(strategy for strategy, _ in self.group)} of seed {self.seed}"


def run_on_cluster(study: Study, address: str, progress: Progress) -> None:
    """Run what is left of a study on a cluster. Raises StudyStopped on request, and RadError."""
    from rad_core.study.data import read_dataset

    dataset = read_dataset(study.config)
    with connect(address) as cluster:
        progress.check()
        run_connected(study, cluster, dataset, progress)


def run_connected(study: Study, cluster: Cluster, dataset: Dataset, progress: Progress) -> None:
    """As `run_on_cluster`, with the cluster that this process is connected to. dataset: the study's."""
    run = _Run(study, cluster, dataset, progress)
    try:
        run.go()
    finally:
        run.end()


def device_on(config: StudyConfig, cluster: Cluster) -> str:
    """The kind of device that the tasks of a study compute on: cpu or cuda. Raises InputError."""
    if config.device == "mps":
        raise InputError("device is 'mps', and the nodes of a cluster are given cpu or cuda; use --device cpu.")
    if config.device == "cuda" and cluster.gpus < 1:
        raise InputError(f"device is 'cuda', and the cluster at {cluster.address} has no GPU; use --device cpu.")
    if config.device == "cpu" or cluster.gpus < 1:
        if cluster.widest < 1:
            raise InputError(f"The cluster at {cluster.address} has no processor; add a node with --num-cpus.")
        return "cpu"
    return "cuda"


def resources_on(cluster: Cluster, device: str, threads: int) -> dict[str, float]:
    """What a task of a study takes of a node: its threads, of those that a node has, and on a GPU one of them."""
    if device == "cpu":
        return {"num_cpus": min(threads, int(cluster.widest)), "num_gpus": 0}
    widest = max(node.cpus for node in cluster.nodes if node.gpus >= 1)
    return {"num_cpus": min(threads, int(widest)), "num_gpus": 1}


class _Run:
    def __init__(self, study: Study, cluster: Cluster, dataset: Dataset, progress: Progress) -> None:
        self.ray = ray = importlib.import_module("ray")
        self.study, self.dataset, self.progress = study, dataset, progress
        self.device, threads = device_on(study.config, cluster), threads_of(study)
        config = attrs.evolve(study.config, device=self.device)
        sent = replace(dataset, images=np.asarray(dataset.images), path=None)
        self.brief = ray.put(node_work.Brief(secrets.token_hex(8), config, sent, threads))
        # No retries by Ray: it would begin where the task began, and the store may know more by then.
        options = {**resources_on(cluster, self.device, threads), "max_retries": 0}
        self.prepare, self.go_on = (ray.remote(**options)(work) for work in (node_work.prepare, node_work.go_on))
        beside = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
        actor = ray.remote(num_cpus=0, scheduling_strategy=beside(cluster.home, soft=False))(node_work.Desk)
        self.desk = actor.remote()
        self.pending: dict[Any, Unit] = {}
        self.openings: dict[int, Any] = {}  # by seed, of those that have groups left
        self.lost: Counter[Unit] = Counter()
        self.outside = _Outside(study, dataset) if study.config.outside else None

    def go(self) -> None:
        """Until all is in the store."""
        from rad_core.study.prepare import note_data

        seeds = range(self.study.config.seeds)
        prepared = [seed for seed in seeds if self.study.has_seed(seed)]
        if 0 not in prepared:
            note_data(self.study, self.dataset, 0)
        try:
            for seed in seeds:
                if seed not in prepared:
                    self._start(Unit(seed))
            for seed in prepared:
                self._start_groups(seed)
            while self.pending:
                done, _ = self.ray.wait(list(self.pending), timeout=POLL_SECONDS)
                self._collect()
                for task in done:
                    self._end(task)
                self.progress.check()
        except (self.ray.exceptions.RayError, ConnectionError) as error:
            raise WorkerError(
                f"The connection to the cluster was lost ({_first_line(error)}); every finished round is kept: go on "
                f"with rad resume {self.study.id}."
            ) from error

    def end(self) -> None:
        """End the tasks at once: what they have not finished is done again at the next start."""
        if self.outside is not None:
            self.outside.end()
        for task in self.pending:
            with suppress(Exception):  # the cluster may have gone; its tasks are gone with it
                self.ray.cancel(task, force=True)

    def _start(self, unit: Unit) -> None:
        if unit.group:
            from rad_core.study.rounds import read_history

            left = [cell for cell in unit.group if not self._is_finished(*cell)]
            cells = [node_work.CellSoFar(*cell, read_history(self.study, *cell)) for cell in left]
            task = self.go_on.remote(self.brief, self.desk, cells, self.openings[unit.seed])
        else:
            task = self.prepare.remote(self.brief, self.desk, unit.seed, self._table(unit.seed))
        self.pending[task] = unit

    def _start_groups(self, seed: int) -> None:
        import torch

        from rad_core.study.students import students_at_once

        config, shape = self.study.config, self.dataset.images.shape[1:]
        size = students_at_once(config, shape, len(self.dataset.classes), torch.device(self.device))
        cells = [(strategy, seed) for strategy in config.strategies]
        groups = [tuple(cells[first : first + size]) for first in range(0, len(cells), size)]
        left = [group for group in groups if not all(self._is_finished(*cell) for cell in group)]
        if left:
            self._place_opening(seed)
        for group in left:
            self._start(Unit(seed, group))

    def _place_opening(self, seed: int) -> None:
        """Put what opens the seed's setting where every node finds it, for as long as groups of it are left."""
        from rad_core.study.data import load_data
        from rad_core.study.prepare import read_opening

        _, split = load_data(self.study.config, seed, self.dataset)
        opening = read_opening(self.study, seed, self.dataset, split)
        self.openings[seed] = self.ray.put(replace(opening, table=self._table(seed)))

    def _table(self, seed: int) -> SoftLabels | None:
        """The soft labels of a teacher that is a table of arrays; its file lies on this machine alone."""
        from rad_core.learning.teachers import read_table

        kind, argument = parse_teacher(self.study.config.teacher)
        if kind != "table" or self.study.config.outside:
            return None
        return read_table(argument, seed, self.dataset)

    def _is_finished(self, strategy: str, seed: int) -> bool:
        return len(self.study.finished_rounds(strategy, seed)) > self.study.config.rounds

    def _collect(self) -> None:
        """Store what was handed in, and have questions answered."""
        for part in self.ray.get(self.desk.take.remote()):
            if isinstance(part, node_work.Question):
                assert self.outside is not None, "only for a teacher from outside anybody asks"
                self.outside.ask(part)
            else:
                self._store(part)
        for number, soft_labels in self.outside.answers() if self.outside is not None else ():
            self.ray.get(self.desk.answer.remote(number, soft_labels))

    def _store(self, rounds: list[Round]) -> None:
        """Store rounds that were finished together, unless a task that was given up has handed them in as well."""
        if any(each.number != len(self.study.finished_rounds(each.strategy, each.seed)) for each in rounds):
            return
        self.study.put_rounds(rounds)
        for unit in self.pending.values():
            if (rounds[0].strategy, rounds[0].seed) in unit.group:
                del self.lost[unit]
        for each in rounds:
            self.progress(told(each))

    def _end(self, task: Any) -> None:
        from rad_core.study.prepare import describe_seed, keep_seed

        unit = self.pending.pop(task)
        try:
            result = self.ray.get(task)
        except self.ray.exceptions.RayError as error:
            self._begin_again(unit, error)
            return
        if not unit.group:
            prepared, seconds = result
            keep_seed(self.study, self.dataset, prepared, seconds)
            self.progress(Finished(unit.seed, describe_seed(self.study, unit.seed)))
            self._start_groups(unit.seed)
        elif not all(self._is_finished(*cell) for cell in unit.group):
            self._begin_again(unit, None)
        elif not any(other.seed == unit.seed for other in self.pending.values()):
            self.openings.pop(unit.seed, None)

    def _begin_again(self, unit: Unit, error: Exception | None) -> None:
        """Start a task anew whose process or node was lost; raise what was wrong with the work itself."""
        kinds = self.ray.exceptions
        if isinstance(error, kinds.RayTaskError) and not isinstance(error.cause, kinds.RayError):
            raise error.cause if isinstance(error.cause, Exception) else error
        self.lost[unit] += 1
        reason = "its rounds" if error is None else _first_line(error)
        if self.lost[unit] >= _TRIES:
            raise WorkerError(
                f"{unit} was lost {_TRIES} times on the cluster, most likely for lack of memory ({reason}); give its "
                f"nodes more memory or fewer processors, and go on with rad resume {self.study.id}."
            )
        self.study.log(f"{unit} was lost with its process or node ({reason}); it goes on elsewhere.")
        self._start(unit)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__)[:300]


class _Outside:
    """Has a teacher from outside answer what tasks ask, one question after another, beside this thread."""

    def __init__(self, study: Study, dataset: Dataset) -> None:
        from rad_core.study.outside import OutsideTeacher

        self.teacher = OutsideTeacher(study, dataset)
        self.thread = ThreadPoolExecutor(1)
        self.asked: dict[int, Future[np.ndarray]] = {}

    def ask(self, question: node_work.Question) -> None:
        """Have a question answered, once its turn has come."""
        answer = self.teacher.query if question.buy else lambda rows: self.teacher.peek(rows)[0]
        self.asked[question.number] = self.thread.submit(answer, question.rows)

    def answers(self) -> list[tuple[int, np.ndarray]]:
        """What was answered since, by number; raises TeacherError where the teacher cannot go on."""
        answered = [number for number, answer in self.asked.items() if answer.done()]
        return [(number, self.asked.pop(number).result()) for number in answered]

    def end(self) -> None:
        """Ask nothing more; what is under way is answered, and kept."""
        self.teacher.answers.stop.set()
        self.thread.shutdown(wait=False, cancel_futures=True)
