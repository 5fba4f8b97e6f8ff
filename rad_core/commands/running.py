"""Running a study under the eyes of a person: progress, Ctrl-C, the summary at the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rad_core.commands.common import say
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.store.catalogue import list_studies
from rad_core.store.study import Study

if TYPE_CHECKING:
    from rad_core.learning.dataset import Dataset
    from rad_core.running.engine import Event
    from rad_core.running.plan import Plan

_SOON = 10.0  # seconds of decoding that somebody who asks for a plan may wait


def find_interrupted(root: Path, config: StudyConfig) -> Study | None:
    """The newest study of exactly these settings that was started and neither finished nor is running."""
    for info in list_studies(root):
        if info.status in ("planned", "paused", "cancelled", "failed", "lost"):
            study = Study(root / info.id)
            if study.config.to_json() == config.to_json() and not study.is_locked():
                return study
    return None


def check_place(workers: int | None, cluster: str | None) -> None:
    """Raise InputError where both are given, or no cluster can be reached at its address."""
    if cluster is None:
        return
    if workers is not None:
        raise InputError(
            f"--workers is {workers}, processes of this machine, and --cluster has its nodes compute; give one of them."
        )
    from rad_core.running.cluster import reach

    reach(cluster)


def run_and_report(
    study: Study,
    workers: int | None,
    as_json: bool,
    quiet: bool,
    notes: Sequence[str] | None = None,
    cluster: str | None = None,
) -> None:
    """Run a study to its end with a progress bar, then print its summary. notes: about its data, for the JSON."""
    from rad_core.commands.show import print_summary
    from rad_core.running import launch
    from rad_core.running.engine import ENDINGS, StudyStopped, run_study

    # nohup has the last one ignored
    endings = [ending for ending in ENDINGS if signal.getsignal(ending) is not signal.SIG_IGN]
    with _progress(study, quiet) as on_event, launch.interrupted_by(*endings):
        try:
            run_study(study, workers=workers, cluster=cluster, on_event=on_event)
        except KeyboardInterrupt:
            say(err=True)
            say(f"Paused; every finished round is kept. Go on with: rad resume {study.id}", err=True)
            sys.exit(130)
        except StudyStopped as stopped:
            say(err=True)
            say(f"The study was {stopped} from elsewhere. Go on with: rad resume {study.id}", err=True)
            sys.exit(130)
    print_summary(study, None, as_json, notes)


def read_data(config: StudyConfig, quiet: bool) -> tuple[Dataset, StudyConfig, tuple[str, ...]]:
    """Load the data set, with a bar while images are decoded, and fill in the settings that suit it.

    What was chosen, what the reader did to the data and what a teacher from outside is not asked is told, a line each,
    before anything else may fail.
    """
    dataset = _read_with_bar(config, quiet)
    notes = _tell(config, dataset, quiet)
    return dataset, config.resolved(), notes


def plan_with_data(config: StudyConfig, workers: int | None, quiet: bool) -> tuple[Plan, StudyConfig]:
    """The plan of a study, and its settings with those filled in that suit its data.

    A folder that takes long to decode is judged by some of its images, and nothing is told of the others.
    """
    from rad_core.running.plan import foretold, plan
    from rad_core.study.data import foresee_data

    foreseen = foresee_data(config)
    if foreseen is None or foreseen.dataset is None or foreseen.seconds < _SOON:
        dataset, resolved, _ = read_data(config, quiet)
        foreseen = foresee_data(config)
    else:
        dataset, resolved = foreseen.dataset, config.resolved()
        _tell(config, dataset, quiet)
    planned = plan(config, workers=workers, dataset=dataset)
    return (planned if foreseen is None else foretold(planned, foreseen)), resolved


def _tell(config: StudyConfig, dataset: Dataset, quiet: bool) -> tuple[str, ...]:
    notes, without = tuple(filter(None, [config.choice(), *dataset.notes])), config.left_out()
    if not quiet:
        for note in notes:
            say(f"Data: {note}", err=True)
        if without:
            say(without, err=True)
    return (*notes, *([without] if without else []))


def _read_with_bar(config: StudyConfig, quiet: bool) -> Dataset:
    from rad_core.study.data import read_dataset

    if quiet or not sys.stderr.isatty():
        return read_dataset(config)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the data", total=None)
        return read_dataset(config, lambda done, total: bar.update(task, completed=done, total=total))


@contextmanager
def _progress(study: Study, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A bar with the time left on a terminal; nothing where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield lambda event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from rad_core.commands.time_left import TimeLeft

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeft(study),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training the teachers", total=None)

        def show(event: Event) -> None:
            if event.kind == "round":
                words = f"{event.strategy}, seed {event.seed}, round {event.round}"
                bar.update(task, description=words)
            bar.update(task, completed=event.done, total=event.total)

        yield show
