"""What a student learns from: a function of the answers alone, in order of asking, whenever they came."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rad_core.campaign import ledger
from rad_core.campaign.contents import hard, vector


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """n examples. ids: (n,) text. targets: (n, C) float64. sources: labeled, checked, teacher or person. rounds: (n,),
    0 for what was labeled from the beginning. weights: (n,). positions: (n,) in the ledger. Unpacks into ids and
    targets.
    """

    classes: tuple[str, ...]
    ids: list[str]
    targets: np.ndarray
    sources: list[str]
    rounds: np.ndarray
    weights: np.ndarray
    positions: np.ndarray

    def __iter__(self) -> Iterator[object]:
        """ids, targets."""
        return iter((self.ids, self.targets))

    def columns(self) -> dict[str, np.ndarray]:
        """As the columns of a table: id, one column per class, source, round, weight."""
        return {
            "id": np.array(self.ids, object),
            **{name: self.targets[:, number] for number, name in enumerate(self.classes)},
            "source": np.array(self.sources, object),
            "round": self.rounds,
            "weight": self.weights,
        }


def training_set(database: sqlite3.Connection, classes: tuple[str, ...], learn_from_checked: bool) -> TrainingSet:
    """Labeled examples, checked ones unless the student must not see them, then what was bought in order of asking."""
    accounts = ledger.accounts(database, "pool")
    rows = [
        (point.position, vector(hard(point.label), len(classes)), part, 0)
        for part in (("labeled", "checked") if learn_from_checked else ("labeled",))
        for point in ledger.points(database, part)
        if point.label is not None
    ]
    for _, position in sorted((account.asked, position) for position, account in accounts.items() if account.asked):
        target = accounts[position].target
        if target is not None:
            source, content = target
            rows.append((position, vector(content, len(classes)), source, accounts[position].round))
    return TrainingSet(
        classes,
        ledger.names_of(database, [position for position, *_ in rows]),
        np.array([target for _, target, *_ in rows], np.float64).reshape(len(rows), len(classes)),
        [source for *_, source, _ in rows],
        np.array([number for *_, number in rows], np.int64),
        np.ones(len(rows)),
        np.array([position for position, *_ in rows], np.int64),
    )
