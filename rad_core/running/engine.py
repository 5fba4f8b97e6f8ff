"""Who runs the cells of a study: this process, several workers beside it, or the nodes of a cluster.

Every unit of work (see units.py) may be killed at any moment and done again by another process. A study may be asked
to pause or to cancel at any moment; when the process that runs it goes away, so do all that work for it.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from rad_core.config import StudyConfig
from rad_core.errors import InputError, RadError
from rad_core.running import launch
from rad_core.running.units import (
    ENDINGS,
    POLL_SECONDS,
    Finished,
    cores,
    group_work,
    groups_of,
    limit_threads,
    seed_work,
    threads_of,
)
from rad_core.store.study import Study

__all__ = ["ENDINGS", "Event", "StudyStopped", "check_requests", "count_workers", "run_study"]

_STOPPED = {"pause": "paused", "cancel": "cancelled"}  # what a request makes of a study


@dataclass(frozen=True)
class Event:
    """Something worth showing while a study runs. done and total count rounds, the seeds' preparation included."""

    kind: str  # "seed" | "round" | "done"
    done: float
    total: float
    strategy: str = ""
    seed: int = -1
    round: int = 0
    message: str = ""


class StudyStopped(Exception):  # noqa: N818 - a request, not an error
    """The study was asked to pause or to stop; everything finished so far is in the store."""


def run_study(
    study: Study,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    turn: Callable[[], AbstractContextManager[None]] | None = None,
) -> None:
    """Run a study, or what is left of it, to the end. The status in the store tells how it ended.

    Args:
        study: a study of a store; it is held for as long as it runs.
        workers: processes to use; by default one per core on a CPU (never more than cells), one on a GPU.
        cluster: the address of a Ray cluster to run it on instead (see `rad_core.running.cluster.connect`).
        on_event: called with everything worth showing, in this process.
        turn: what to hold while it computes; the study is queued until then, and a request to pause or cancel that came
            before is heard.

    Raises:
        StudyStopped: when asked to pause or cancel.
        KeyboardInterrupt: as it comes.
        RadError: for what the user can mend.
    """
    with study.lock():
        try:
            if turn is None:
                study.request("run")
            else:
                study.set_status("queued")
            with turn() if turn is not None else nullcontext():
                study.set_status("running")
                _run(study, workers, cluster, on_event or (lambda event: None))
            study.set_status("finished")
        except KeyboardInterrupt as interrupt:
            launch.hear()
            if (stopped := _asked_to_stop(study)) is not None:
                study.set_status(stopped)
                raise StudyStopped(stopped) from interrupt
            study.set_status("paused", "Interrupted; every finished round is kept.")
            raise
        except StudyStopped as stop:
            study.set_status(str(stop))
            raise
        except Exception as error:
            study.set_status("failed", _in_words(error))
            raise


def _in_words(error: Exception) -> str:
    """Why a study failed, in one sentence."""
    if isinstance(error, RadError):
        return str(error)
    first = str(error).strip().partition("\n")[0] or "no reason given"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"It ran out of memory ({first}); resume it with fewer workers, or start one with a smaller pool."
    return f"It stopped over a defect of the program: {type(error).__name__}: {first}; the log has details."


def count_workers(config: StudyConfig, workers: int | None = None) -> int:
    """Processes to run a study with: on a CPU one per core that has a cell to work on, otherwise one."""
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; it must be 1 or more.")
    from rad_core.learning.device import pick_device

    if workers is None:
        on_cpu = config.device == "cpu" or pick_device(config.device).type == "cpu"  # the first needs no torch
        workers = cores() if on_cpu else 1
    return min(workers, len(config.strategies) * config.seeds)


def _run(study: Study, workers: int | None, cluster: str | None, on_event: Callable[[Event], None]) -> None:
    config = study.config
    progress = _Progress(study, on_event)
    study.record_place(cluster=cluster is not None)
    if cluster is not None:
        from rad_core.running.on_cluster import run_on_cluster

        run_on_cluster(study, cluster, progress)
    elif (count := count_workers(config, workers)) == 1:
        limit_threads(threads_of(study), config.device)
        with _interrupted_by_requests(study):
            for seeds in _batches(config):
                for seed in seeds:
                    progress.follow(seed_work(study, seed))
                for group in groups_of(study, seeds):
                    progress.follow(group_work(study, group))
    else:
        from rad_core.running.workers import run_in_workers

        run_in_workers(study, count, threads_of(study), progress)
    on_event(Event("done", progress.total, progress.total))


class _Progress:
    """Counts finished rounds, passes events on, and stops the run when the store says so."""

    def __init__(self, study: Study, on_event: Callable[[Event], None]) -> None:
        config = study.config
        self.study, self.on_event = study, on_event
        self.total = float(config.seeds + config.seeds * len(config.strategies) * config.rounds)
        self.done = float(
            sum(study.has_seed(seed) for seed in range(config.seeds))
            + sum(
                max(0, len(study.finished_rounds(strategy, seed)) - 1)
                for seed in range(config.seeds)
                for strategy in config.strategies
            )
        )

    def __call__(self, work: Finished) -> None:
        self.done += 1
        kind = "round" if work.strategy else "seed"
        self.on_event(Event(kind, self.done, self.total, work.strategy, work.seed, work.round, work.message))
        self.study.log(work.message)
        self.check()

    def check(self) -> None:
        """Raise StudyStopped if the study was asked to pause or to cancel."""
        check_requests(self.study)

    def follow(self, works: Iterable[Finished]) -> None:
        """Count work while it is done in this process."""
        for work in works:
            self(work)


def check_requests(study: Study) -> None:
    """Raise StudyStopped if the study was asked to pause or to cancel."""
    if (stopped := _asked_to_stop(study)) is not None:
        raise StudyStopped(stopped)


def _asked_to_stop(study: Study) -> str | None:
    """What a request to stop makes of the study; None where there is none."""
    try:
        return _STOPPED.get(study.requested())
    except RadError:
        # For now the database cannot be read. The next look may hear the request; where it stays so, the next round
        # cannot be stored, and that ends the study with the reason.
        return None


@contextmanager
def _interrupted_by_requests(study: Study) -> Iterator[None]:
    """Interrupt this process in the middle of a round, as Ctrl-C would, when the study is asked to pause or cancel."""
    if threading.current_thread() is not threading.main_thread():  # only that one can be interrupted
        yield
        return
    over, leaving = threading.Event(), threading.Lock()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            with leaving:
                if not over.is_set() and _asked_to_stop(study) is not None:
                    _thread.interrupt_main()
                    return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with leaving:
            over.set()


def _batches(config: StudyConfig) -> list[list[int]]:
    """Seeds that are worked on together: on a GPU all, their students side by side; else one at a time."""
    from rad_core.learning.device import pick_device

    seeds = list(range(config.seeds))
    return [seeds] if pick_device(config.device).type == "cuda" else [[seed] for seed in seeds]
