"""Several processes beside this one that work on a study. When the one that started them goes away, so do they."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from rad_core.errors import WorkerError
from rad_core.running import launch
from rad_core.running.units import (
    ENDINGS,
    POLL_SECONDS,
    Group,
    Progress,
    group_work,
    groups_of,
    limit_threads,
    seed_work,
)
from rad_core.store.catalogue import open_study
from rad_core.store.study import Study

_queue: Any = None


def _start_worker(parent: int, queue: Any, threads: int, device: str) -> None:
    global _queue
    _queue = queue
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    limit_threads(threads, device)


def _leave_with(parent: int) -> None:
    """End this process when the one that started it is gone, even by kill -9."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)


def _work_on_seed(root: str, study_id: str, seed: int) -> list[Group]:
    """Prepare a seed; gives the groups of cells that can start now."""
    study = open_study(Path(root), study_id)
    for work in seed_work(study, seed):
        _queue.put(work)
    return groups_of(study, [seed])


def _work_on_group(root: str, study_id: str, group: Group) -> list[Group]:
    for work in group_work(open_study(Path(root), study_id), group):
        _queue.put(work)
    return []


def run_in_workers(study: Study, count: int, threads: int, progress: Progress) -> None:
    """Run what is left of a study in so many processes, each computing with so many threads.

    Raises StudyStopped on request, and WorkerError where a process has died.
    """
    config = study.config
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    told = (os.getpid(), queue, threads, config.device)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker, initargs=told)
    where = (str(study.path.parent), study.id)

    # Cells of a seed start when the seed is prepared; seeds follow one another, so that a worker keeps its setting.
    pending: set[Future[list[Group]]] = set()
    try:
        with launch.uninterrupted(*ENDINGS):
            pending = {pool.submit(_work_on_seed, *where, seed) for seed in range(config.seeds)}
        while pending:
            finished, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            _drain(queue, progress)
            with launch.uninterrupted(*ENDINGS):
                for future in finished:
                    pending |= {pool.submit(_work_on_group, *where, group) for group in future.result()}
            progress.check()
        pool.shutdown()
        _drain(queue, progress)
    except BrokenProcessPool as error:
        time.sleep(POLL_SECONDS)  # whoever ended a worker may be ending this process as well, which is another matter
        raise WorkerError(
            "A worker process ended unexpectedly, most likely for lack of memory; "
            "resume the study with fewer workers (--workers 1) or a smaller data set."
        ) from error
    finally:
        _stop(pool)


def _drain(queue: Any, progress: Progress) -> None:
    while not queue.empty():
        progress(queue.get())


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they have not finished is done again at the next start."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        if process.is_alive():
            process.kill()
    # Waited for: at the end of Python the pool's thread would close the pipe that Python still writes to.
    pool.shutdown(cancel_futures=True)
