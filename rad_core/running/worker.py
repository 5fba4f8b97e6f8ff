"""A study in the background: a process of its own, which outlives the one that started it and waits for its turn.

`start` launches `python -m rad_core.running.worker STORE ID WORKERS MAP CLUSTER`, detached. Whoever wants to stop it
asks through the store (`Study.request`); what became of it stands in the store (`Study.info`), what it wrote in
`worker.log` there.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from rad_core import files
from rad_core.errors import InputError
from rad_core.folders import queue_folder
from rad_core.running import launch
from rad_core.running.cluster import reach
from rad_core.running.engine import StudyStopped, check_requests, run_study
from rad_core.running.queue import turn
from rad_core.store.catalogue import open_study
from rad_core.store.study import Study

OUTPUT = "worker.log"


def start(study: Study, workers: int | None = None, *, with_map: bool = True, cluster: str | None = None) -> None:
    """Run a study, or what is left of it, in a process that goes on when this one ends.

    workers: processes to use, as in `run_study`. with_map: compute the map of the first seed's pool when the study is
    finished, if that takes no longer than a minute. cluster: the address of a Ray cluster to run it on instead. When
    this returns the study is queued or further. Raises RadError, with the reason in one sentence, if it is running
    already or cannot be started.
    """
    info = study.info()
    if study.is_locked():
        words = "waits for its turn" if info.status == "queued" else "is being run"
        raise InputError(f"Study {study.id} {words} already; pause or cancel it first to start it anew.")
    if info.status == "finished":
        raise InputError(f"Study {study.id} is finished; there is nothing left to run.")
    study.request("run")
    arguments = [str(study.path.parent.absolute()), study.id, str(workers or 0), str(int(with_map))]
    arguments += [cluster] if cluster else []
    with files.writing(study.path):
        log = files.inside(study.path, study.path / OUTPUT)
        launch.launch("rad_core.running.worker", arguments, log)


def read_output(study: Study, characters: int = 4000) -> str:
    """The end of what the study's workers wrote, tracebacks included; empty if they wrote nothing."""
    path = files.inside(study.path, study.path / OUTPUT)
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4 * characters))
            return file.read().decode("utf-8", "replace")[-characters:]
    except FileNotFoundError:
        return ""


@contextmanager
def _turn(study: Study, cluster: str = "") -> Iterator[None]:
    """Hold the study's device, or the cluster. Raises StudyStopped when it is asked to pause or to cancel meanwhile."""
    launch.ready()
    announced = ""

    def waits_for(other: str) -> None:
        nonlocal announced
        check_requests(study)
        if other != announced:
            announced = other
            study.set_status("queued", f"Waits for its turn: {other} comes first.")

    check_requests(study)
    with turn(queue_folder(), study.id, lambda: _device(study, cluster), waits_for):
        yield


def _device(study: Study, cluster: str = "") -> str:
    """The kind of the study's device. torch is imported beside, so that requests are heard meanwhile."""
    if cluster and not cluster.startswith("local:"):
        return cluster
    if study.config.device == "cpu":
        return "cpu"
    answer: Future[str] = Future()

    def find() -> None:
        from rad_core.learning.device import pick_device

        try:
            answer.set_result(pick_device(study.config.device).type)
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=find, daemon=True).start()
    while True:
        try:
            return answer.result(timeout=0.25)
        except TimeoutError:
            check_requests(study)


def _draw_map(study: Study) -> None:
    """The map of the first seed's pool, so that it is there when somebody looks; one of minutes waits to be asked for.

    The study is finished either way.
    """
    from rad_core.running.maps import LONG_SECONDS, make_map, map_seconds

    launch.end_with(study.path)
    try:
        if (seconds := map_seconds(study, 0)) > LONG_SECONDS:
            minutes = math.ceil(seconds / 60)
            study.log(f"the map takes {minutes} minutes or so: ask for it on the page Map, or with: rad map {study.id}")
        else:
            make_map(study, 0, alone=True)
    except Exception as error:
        traceback.print_exc()
        study.log(f"the map of seed 0 could not be computed: {error}")


def main(root: str, study_id: str, workers: str, with_map: str, cluster: str = "") -> int:
    """Run one study to its end; the exit status is 0 if it finished or was stopped on request."""

    def work() -> None:
        study = open_study(Path(root), study_id)
        if cluster:
            reach(cluster)
        with suppress(StudyStopped):
            run_study(
                study,
                workers=int(workers) or None,
                cluster=cluster or None,
                on_event=lambda event: launch.trim(study.path / OUTPUT),
                turn=lambda: _turn(study, cluster),
            )
            if int(with_map):
                _draw_map(study)

    try:
        with launch.interrupted_by(signal.SIGTERM, signal.SIGINT):  # a shell may have had the second ignored
            return launch.ended_by(work)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
