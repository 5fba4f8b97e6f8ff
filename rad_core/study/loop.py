"""The cells of a study (strategy x seed) as a generator of rounds: the algorithm of arXiv:2210.01213, line by line.

One round: score every remaining point of the pool with the current student; choose b of them; buy their soft labels
from the teacher; train the student from scratch on the labeled set plus everything bought so far; measure it on the
test set. Round 0 is the student trained on the labeled set alone; all strategies of a seed share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from rad_core.selection.arrays import stack, to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import wrong_count
from rad_core.selection.strategies import STRATEGIES, Selection, Snapshot
from rad_core.store.rounds import Round
from rad_core.study.rounds import Clock, describe_purchase, describe_student, measure_purchase
from rad_core.study.seeds import generator
from rad_core.study.students import Purchases, SeedSetting, Student, train_students


@dataclass(frozen=True)
class Decision:
    """What a cell saw and chose in its last round."""

    snapshot: Snapshot
    selection: Selection


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy on one seed: what it has bought, round by round, and the student that learned from it."""

    setting: SeedSetting
    strategy: str
    history: Sequence[Purchases] = ()
    student: Student | None = None  # None until it is trained
    decision: Decision | None = None  # None before a round of its own
    seconds: dict[str, float] = field(default_factory=dict)  # of the round in progress, by phase

    @property
    def finished(self) -> int:
        """Rounds bought for."""
        return len(self.history)

    @cached_property
    def purchases(self) -> Purchases:
        """Everything bought so far."""
        return Purchases.of(self.history, self.setting.classes)


def advance(cells: Sequence[Cell]) -> Iterator[list[Round]]:
    """Go on with cells to their last rounds, those that have finished equally many side by side."""
    abreast: dict[int, list[Cell]] = {}
    for cell in cells:
        if cell.finished < cell.setting.config.rounds:
            abreast.setdefault(cell.finished, []).append(cell)
    for level in abreast.values():
        yield from run_cells(level)


def run_cells(cells: Sequence[Cell]) -> Iterator[list[Round]]:
    """Yield the next rounds of cells that have finished equally many, one of each cell; their students train together.

    What a cell does depends on no other one, but for the rounding of sums.
    """
    cells = train(cells)
    for _ in range(cells[0].finished, cells[0].setting.config.rounds):
        cells = train([buy(cell) for cell in cells])
        yield [keep(cell) for cell in cells]


def buy(cell: Cell) -> Cell:
    """Score every remaining point of the pool, choose b of them, and buy the teacher's soft labels."""
    setting, clock = cell.setting, Clock()
    with clock("score"):
        remaining = np.setdiff1d(np.arange(len(setting.split.pool)), cell.purchases.pool)  # (n,) pool indices
        snapshot = look(cell, remaining)
    with clock("select"):
        rng = generator("select", setting.seed, cell.strategy, cell.finished + 1)
        choose = STRATEGIES[cell.strategy]
        right = None if setting.teacher_right is None else setting.teacher_right[remaining]  # told an oracle alone
        selection = choose(snapshot, setting.config.budget, rng, right)  # q (n,), positions (b,)
    with clock("query"):
        purchase = ask_teacher(setting, selection, remaining)  # soft labels (b, C)
    history = (*cell.history, purchase)
    return replace(cell, history=history, decision=Decision(snapshot, selection), seconds=clock.seconds)


def look(cell: Cell, remaining: np.ndarray) -> Snapshot:
    """What a strategy may see: the student's outputs on the remaining pool, what was bought, the estimated accuracy."""
    setting, student = cell.setting, cell.student
    assert student is not None, "a cell buys with a trained student"
    probabilities = student.probabilities[remaining]  # (n, C)
    return Snapshot(
        probabilities=probabilities,
        gains=GAINS[setting.config.gain](probabilities),  # (n,)
        wrong=wrong_count(len(remaining), setting.teacher_accuracy),  # k
        features=student.features[remaining],  # (n, D)
        labeled_features=stack(student.labeled_features, student.features[cell.purchases.pool]),  # (L + bought, D)
    )


def ask_teacher(setting: SeedSetting, selection: Selection, remaining: np.ndarray) -> Purchases:
    """Turn positions into pool indices, once, and buy the teacher's soft labels for them."""
    pool = remaining[to_numpy(selection.positions)]  # (b,)
    ids = setting.split.pool[pool]
    if selection.mix is None or selection.partners is None:
        return Purchases.plain(pool, setting.teacher.query(ids))
    partners = remaining[to_numpy(selection.partners)]
    mix = to_numpy(selection.mix).astype(np.float32)
    mixtures = setting.inputs.mixtures(ids, setting.split.pool[partners], mix)
    return Purchases(pool, setting.teacher.query_images(mixtures), partners, mix)


def train(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with students trained from scratch on what each has bought; in round 0 those of their seeds."""
    settings, number, clock = [cell.setting for cell in cells], cells[0].finished, Clock()
    with clock("train"):
        if number == 0:
            students = [setting.first for setting in settings]
        else:
            students = train_students(settings, [cell.purchases for cell in cells], number)
    share = {"train": clock.seconds["train"] / len(cells)}
    return [
        replace(cell, student=student, seconds=cell.seconds | share)
        for cell, student in zip(cells, students, strict=True)
    ]


def keep(cell: Cell) -> Round:
    """What is kept of the round that a cell has finished."""
    setting, student, decision = cell.setting, cell.student, cell.decision
    assert student is not None, "a round is finished by training"
    assert decision is not None, "there was a purchase"
    snapshot, selection = decision.snapshot, decision.selection
    bought = describe_purchase(setting, snapshot, selection, cell.history[-1])
    metrics = {"accuracy": student.accuracy, "loss": student.loss, "labels": float(len(cell.purchases.pool))}
    metrics |= measure_purchase(snapshot, selection, bought)
    arrays = describe_student(setting.config, student) | bought
    return Round(cell.strategy, setting.seed, cell.finished, arrays, metrics, cell.seconds)
