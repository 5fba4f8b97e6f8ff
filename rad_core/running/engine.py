"""Who runs the cells of a study: this process, or several workers beside it.

Every unit of work (the preparation of a seed; a group of cells that train together) depends on nothing but the study's
configuration and what is in its store, so that any of them may be killed at any moment and done again by another
process. A worker writes each finished round itself, in one transaction. When the process that started the workers goes
away, so do they.
"""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rad_core.config import StudyConfig
from rad_core.errors import InputError, RadError, WorkerError
from rad_core.running import launch
from rad_core.store.catalogue import open_study
from rad_core.store.study import Study

if TYPE_CHECKING:
    from rad_core.study.students import SeedSetting

_POLL_SECONDS = 0.5
# What ends a study in the foreground: Ctrl-C, kill, and a terminal that is closed.
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
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


@dataclass(frozen=True)
class Finished:
    """A unit of work that is in the store: the preparation of a seed, or, with a strategy, a round of a cell."""

    seed: int
    message: str
    strategy: str = ""
    round: int = 0


class StudyStopped(Exception):  # noqa: N818 - a request, not an error
    """The study was asked to pause or to stop; everything finished so far is in the store."""


def run_study(
    study: Study,
    *,
    workers: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    turn: Callable[[], AbstractContextManager[None]] | None = None,
) -> None:
    """Run a study, or what is left of it, to the end. The status in the store tells how it ended.

    Args:
        study: a study of a store; it is held for as long as it runs.
        workers: processes to use; by default one per core on a CPU (never more than cells), one on a GPU.
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
                _run(study, workers, on_event or (lambda event: None))
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
        workers = _cores() if on_cpu else 1
    return min(workers, len(config.strategies) * config.seeds)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(study: Study, workers: int | None, on_event: Callable[[Event], None]) -> None:
    config = study.config
    count = count_workers(config, workers)
    progress = _Progress(study, on_event)
    if count == 1:
        _limit_threads(config)
        with _interrupted_by_requests(study):
            for seeds in _batches(config):
                for seed in seeds:
                    progress.follow(_seed_work(study, seed))
                for group in _groups(study, seeds):
                    progress.follow(_group_work(study, group))
    else:
        _run_in_workers(study, count, progress)
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
        while not over.wait(_POLL_SECONDS):
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


def _seed_work(study: Study, seed: int) -> Iterator[Finished]:
    from rad_core.study.prepare import describe_seed, prepare_seed

    if not study.has_seed(seed):
        _settings.clear()  # of the seed before: its images need not lie in memory beside those of this one
        _settings[_setting_key(study, seed)] = prepare_seed(study, seed)
        yield Finished(seed, describe_seed(study, seed))


Group = tuple[tuple[str, int], ...]  # cells (strategy, seed) whose students train together


def _groups(study: Study, seeds: Sequence[int]) -> list[Group]:
    """The cells of these seeds, in groups that depend on the study and the device only.

    So a resumed run repeats the same floating-point sums.
    """
    from rad_core.study.students import students_at_once

    config = study.config
    cells = [(strategy, seed) for seed in seeds for strategy in config.strategies]
    kept = [seed for seed in range(config.seeds) if _setting_key(study, seed) in _settings]
    [setting] = _open_settings(study, kept[:1] or seeds[:1]).values()  # that of any seed tells
    size = students_at_once(config, setting.inputs.image_shape, setting.classes)
    return [tuple(cells[first : first + size]) for first in range(0, len(cells), size)]


def _group_work(study: Study, group: Group) -> Iterator[Finished]:
    """Go on with the cells of a group, those that have finished equally many rounds side by side."""
    from rad_core.study.loop import Cell, run_cells
    from rad_core.study.rounds import read_history

    waiting: dict[int, list[tuple[str, int]]] = {}
    for strategy, seed in group:
        finished = len(study.finished_rounds(strategy, seed))
        if finished <= study.config.rounds:
            waiting.setdefault(finished, []).append((strategy, seed))
    for abreast in waiting.values():
        settings = _open_settings(study, sorted({seed for _, seed in abreast}))
        cells = [Cell(settings[seed], strategy, read_history(study, strategy, seed)) for strategy, seed in abreast]
        for rounds in run_cells(cells):
            study.put_rounds(rounds)
            for done in rounds:
                message = (
                    f"{done.strategy}, seed {done.seed}, round {done.number}: accuracy {done.metrics['accuracy']:.3f} "
                    f"with {done.metrics['labels']:.0f} soft labels"
                )
                yield Finished(done.seed, message, done.strategy, done.number)


_settings: dict[tuple[str, float, int], SeedSetting] = {}


def _setting_key(study: Study, seed: int) -> tuple[str, float, int]:
    """A study that was deleted may have had the same name, and been worked on in this process."""
    return str(study.path), study.created(), seed


def _open_settings(study: Study, seeds: Sequence[int]) -> dict[int, SeedSetting]:
    """The settings of these seeds, kept for the next cells of the same seeds; all share one copy of the images."""
    from rad_core.study.prepare import open_setting

    wanted = {seed: _setting_key(study, seed) for seed in seeds}
    for key in set(_settings) - set(wanted.values()):
        del _settings[key]
    for seed, key in wanted.items():
        if key not in _settings:
            images = next((setting.inputs for setting in _settings.values()), None)
            _settings[key] = open_setting(study, seed, images)
    return {seed: _settings[key] for seed, key in wanted.items()}


def _limit_threads(config: StudyConfig) -> None:
    """Cells run side by side, a core each; a study with fewer cells than cores gives each cell several.

    The number depends on the study and the machine only, so that a resumed run repeats the same floating-point sums.
    """
    import torch

    torch.set_num_threads(max(1, _cores() // (len(config.strategies) * config.seeds)))


# --- workers ------------------------------------------------------------------------------------------

_queue: Any = None


def _start_worker(parent: int, queue: Any, config: StudyConfig) -> None:
    global _queue
    _queue = queue
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    _limit_threads(config)


def _leave_with(parent: int) -> None:
    """End this process when the one that started it is gone, even by kill -9."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)


def _work_on_seed(root: str, study_id: str, seed: int) -> list[Group]:
    """Prepare a seed; gives the groups of cells that can start now."""
    study = open_study(Path(root), study_id)
    for work in _seed_work(study, seed):
        _queue.put(work)
    return _groups(study, [seed])


def _work_on_group(root: str, study_id: str, group: Group) -> list[Group]:
    for work in _group_work(open_study(Path(root), study_id), group):
        _queue.put(work)
    return []


def _run_in_workers(study: Study, count: int, progress: _Progress) -> None:
    config = study.config
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    pool = ProcessPoolExecutor(
        count, mp_context=context, initializer=_start_worker, initargs=(os.getpid(), queue, config)
    )
    where = (str(study.path.parent), study.id)

    # Cells of a seed start when the seed is prepared; seeds follow one another, so that a worker keeps its setting.
    pending: set[Future[list[Group]]] = set()
    try:
        with launch.uninterrupted(*ENDINGS):
            pending = {pool.submit(_work_on_seed, *where, seed) for seed in range(config.seeds)}
        while pending:
            finished, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            _drain(queue, progress)
            with launch.uninterrupted(*ENDINGS):
                for future in finished:
                    pending |= {pool.submit(_work_on_group, *where, group) for group in future.result()}
            check_requests(study)
        pool.shutdown()
        _drain(queue, progress)
    except BrokenProcessPool as error:
        time.sleep(_POLL_SECONDS)  # whoever ended a worker may be ending this process as well, which is another matter
        raise WorkerError(
            "A worker process ended unexpectedly, most likely for lack of memory; "
            "resume the study with fewer workers (--workers 1) or a smaller data set."
        ) from error
    finally:
        _stop(pool)


def _drain(queue: Any, progress: _Progress) -> None:
    while not queue.empty():
        progress(queue.get())


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they have not finished is done again at the next start."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        if process.is_alive():
            process.kill()
