"""What the nodes of a cluster do for a study: prepare a seed, and go on with a group of cells. Nothing here is stored.

What is finished goes to the desk, from where the process that runs the study takes it and writes it down.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rad_core.config import StudyConfig
from rad_core.learning.dataset import Dataset
from rad_core.store.rounds import Round

if TYPE_CHECKING:
    from rad_core.learning.teachers import SoftLabels, Teacher
    from rad_core.study.prepare import Opening, Prepared
    from rad_core.study.students import Purchases, SeedSetting


@dataclass(frozen=True, eq=False)
class Brief:
    """What all tasks of a run need: placed once on each node, where its arrays are read in place.

    run: another one for each run. config: with the kind of device that the nodes compute on.
    """

    run: str
    config: StudyConfig
    dataset: Dataset
    threads: int


@dataclass(frozen=True, eq=False)
class CellSoFar:
    """A cell and what it has bought in the rounds that are stored."""

    strategy: str
    seed: int
    history: Sequence[Purchases]


@dataclass(frozen=True, eq=False)
class Question:
    """Rows (n,) of the data set that a teacher from outside is asked about; or what it has answered, where bought."""

    number: int
    rows: np.ndarray
    buy: bool


class Desk:
    """An actor of Ray: tasks hand in here what they have finished, and ask what the one that runs the study knows."""

    def __init__(self) -> None:
        self.parts: list[list[Round] | Question] = []
        self.open: dict[int, asyncio.Future[np.ndarray]] = {}
        self.questions = 0

    async def put(self, rounds: list[Round]) -> None:
        """Hand in rounds that were finished together."""
        self.parts.append(rounds)

    async def take(self) -> list[list[Round] | Question]:
        """All that was handed in since, in that order."""
        parts, self.parts = self.parts, []
        return parts

    async def ask(self, rows: np.ndarray, buy: bool) -> np.ndarray:
        """Ask about rows (n,), and wait for the soft labels (n, C)."""
        self.questions += 1
        answer = self.open[self.questions] = asyncio.get_running_loop().create_future()
        self.parts.append(Question(self.questions, rows, buy))
        return await answer

    async def answer(self, number: int, soft_labels: np.ndarray) -> None:
        """Answer a question; nobody may wait for it any more."""
        waiting = self.open.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(soft_labels)


def prepare(brief: Brief, desk: Any, seed: int, table: SoftLabels | None) -> tuple[Prepared, float]:
    """Prepare a seed: what is to be kept of it, and the seconds that it took. table: see `prepare.make_seed`."""
    from rad_core.study.data import load_data
    from rad_core.study.prepare import make_seed

    began = time.perf_counter()
    dataset, split = load_data(brief.config, seed, brief.dataset)
    inputs = _begin(brief)
    outside = partial(_ask_desk, desk)
    setting, prepared = make_seed(brief.config, seed, dataset, split, inputs, outside=outside, table=table)
    _opened[brief.run, seed] = setting
    return prepared, time.perf_counter() - began


def go_on(brief: Brief, desk: Any, cells: Sequence[CellSoFar], *openings: Opening) -> None:
    """Go on with the cells of a group; each finished round is handed in before the next is begun."""
    from rad_core.study.loop import Cell, advance
    from rad_core.study.prepare import open_prepared

    ray = importlib.import_module("ray")
    inputs = _begin(brief, [opening.seed for opening in openings])
    for opening in openings:
        if (brief.run, opening.seed) not in _opened:
            setting = open_prepared(brief.config, opening, brief.dataset, inputs, partial(_ask_desk, desk))
            _opened[brief.run, opening.seed] = setting
    settings = {opening.seed: _opened[brief.run, opening.seed] for opening in openings}
    for rounds in advance([Cell(settings[cell.seed], cell.strategy, cell.history) for cell in cells]):
        ray.get(desk.put.remote(rounds))


_opened: dict[tuple[str, int], SeedSetting] = {}  # in this process, by run and seed


def _begin(brief: Brief, seeds: Sequence[int] = ()) -> Any:
    """The images of the data set on the device; settings of other seeds, and of other runs, are let go."""
    from rad_core.learning.device import pick_device
    from rad_core.learning.inputs import Inputs
    from rad_core.running.units import limit_threads

    limit_threads(brief.threads, brief.config.device)
    inputs = next((setting.inputs for (run, _), setting in _opened.items() if run == brief.run), None)
    for key in [key for key in _opened if key[0] != brief.run or key[1] not in seeds]:
        del _opened[key]
    return Inputs.of(brief.dataset, pick_device(brief.config.device)) if inputs is None else inputs


def _ask_desk(desk: Any, dataset: Dataset) -> Teacher:
    """A teacher from outside, who is asked by the process that runs the study and keeps the answers."""
    from rad_core.running.desk_teacher import DeskTeacher

    return DeskTeacher(desk)
