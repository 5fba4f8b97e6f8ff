"""The units of work of a study: the preparation of a seed, and a group of cells that train together.

Each depends on nothing but the study's configuration and what is in its store, so that any of them may be killed at any
moment and done again by another process. It writes each finished round itself, in one transaction.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rad_core.config import StudyConfig
from rad_core.store.rounds import Round
from rad_core.store.study import Study

if TYPE_CHECKING:
    from rad_core.study.students import SeedSetting

POLL_SECONDS = 0.5
# What ends a study in the foreground: Ctrl-C, kill, and a terminal that is closed.
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
Group = tuple[tuple[str, int], ...]  # cells (strategy, seed) whose students train together


@dataclass(frozen=True)
class Finished:
    """A unit of work that is in the store: the preparation of a seed, or, with a strategy, a round of a cell."""

    seed: int
    message: str
    strategy: str = ""
    round: int = 0


class Progress(Protocol):
    """Told of finished work by whoever does it."""

    def __call__(self, work: Finished) -> None:
        """Count it. Raises StudyStopped where the study was asked to stop."""

    def check(self) -> None:
        """Raise StudyStopped where the study was asked to stop."""


def seed_work(study: Study, seed: int) -> Iterator[Finished]:
    """Prepare a seed, unless it is prepared."""
    from rad_core.study.prepare import describe_seed, prepare_seed

    if not study.has_seed(seed):
        _settings.clear()  # of the seed before: its images need not lie in memory beside those of this one
        _settings[_setting_key(study, seed)] = prepare_seed(study, seed)
        yield Finished(seed, describe_seed(study, seed))


def groups_of(study: Study, seeds: Sequence[int]) -> list[Group]:
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


def group_work(study: Study, group: Group) -> Iterator[Finished]:
    """Go on with the cells of a group."""
    from rad_core.study.loop import Cell, advance
    from rad_core.study.rounds import read_history

    left = [cell for cell in group if len(study.finished_rounds(*cell)) <= study.config.rounds]
    if not left:
        return
    settings = _open_settings(study, sorted({seed for _, seed in left}))
    cells = [Cell(settings[seed], strategy, read_history(study, strategy, seed)) for strategy, seed in left]
    for rounds in advance(cells):
        study.put_rounds(rounds)
        yield from map(told, rounds)


def told(done: Round) -> Finished:
    """A round that is in the store, in words."""
    message = (
        f"{done.strategy}, seed {done.seed}, round {done.number}: accuracy {done.metrics['accuracy']:.3f} "
        f"with {done.metrics['labels']:.0f} soft labels"
    )
    return Finished(done.seed, message, done.strategy, done.number)


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


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_of(study: Study) -> int:
    """How many threads each unit of work computes with: recorded when the study first runs, and the same ever after.

    Cells run side by side, a core each; a study with fewer cells than cores gives each cell several. Sums depend on
    the number, so that it must not change where the study goes on with other processors.
    """
    count = study.threads()
    if count is None:
        count = threads_for(study.config)
        study.record_threads(count)
    return count


def threads_for(config: StudyConfig) -> int:
    """How many threads each unit of work of a new study computes with on this machine."""
    return max(1, cores() // (len(config.strategies) * config.seeds))


def limit_threads(count: int, device: str) -> None:
    """Compute with so many threads in this process: torch, and on a CPU numpy as well, whose sums depend on it too.

    device: a torch device. On a GPU, where one process works for all cells, numpy may use every core.
    """
    import torch
    from threadpoolctl import threadpool_limits

    from rad_core.learning.device import pick_device

    torch.set_num_threads(count)
    if pick_device(device).type == "cpu":
        threadpool_limits(count, user_api="blas")
