"""Somebody's own scores: files that fit together in, a choice of rows out. The counterpart of `rad select`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.data.files import Given
from app.results import reading
from rad_core.errors import InputError
from rad_core.inputs.diagnosis import hard_predictions
from rad_core.inputs.ids import row_names
from rad_core.inputs.tables import ROLES, Table, in_order_of
from rad_core.selection.api import AccuracyEstimate, choose, estimate_accuracy, pick_columns, take_snapshot
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import FEATURES, STRATEGIES, Selection, Snapshot

ASSUMED = 0.8  # the teacher's accuracy that the page opens with where nothing was given that tells


@dataclass(frozen=True, eq=False)
class Scores:
    """Files that fit together. flags, features, labels may be missing; features are (N, D) float32."""

    probabilities: Given
    flags: Given | None
    features: Given | None
    labels: Given | None

    @cached_property
    def key(self) -> str:
        """Changes with the contents of any file."""
        parts = (self.probabilities, self.flags, self.features, self.labels)
        return "-".join(part.digest if part else "" for part in parts)

    @property
    def values(self) -> np.ndarray:
        """(N, C) probabilities."""
        return self.probabilities.table.values

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def classes(self) -> int:
        return self.values.shape[1]

    @cached_property
    def ids(self) -> np.ndarray:
        """(N,) names of the rows."""
        return row_names(self.probabilities.table.ids, self.size)

    @cached_property
    def matrix(self) -> np.ndarray | None:
        """(N, D) float32 features."""
        table = self.table("features")
        return None if table is None else table.values

    @cached_property
    def estimate(self) -> AccuracyEstimate | None:
        """The teacher's accuracy from the flags."""
        return None if self.flags is None else estimate_accuracy(self.flags.table.values)

    @cached_property
    def classes_of_rows(self) -> np.ndarray | None:
        """(N,) true class numbers, for display only."""
        table = self.table("labels")
        return None if table is None else table.values

    def table(self, role: str) -> Table | None:
        """What was given for a role; features and labels in the order of the pool's ids. None where nothing was."""
        given: Given | None = getattr(self, role)
        if given is None or role not in ("features", "labels"):
            return None if given is None else given.table
        return in_order_of(role, given.table, self.probabilities.table, given.name, self.probabilities.name)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What was done to the data of all files, a sentence each."""
        return tuple(note for role in ROLES if (table := self.table(role)) is not None for note in table.notes)


# --- files together -----------------------------------------------------------------------------------------------


def put_together(given: dict[str, Given]) -> Scores:
    """Check that files belong together; the first that does not is named in an InputError."""
    if "probabilities" not in given:
        raise InputError("The student's probabilities are missing; give them as well.")
    scores = Scores(*(given.get(role) for role in ROLES))  # type: ignore[arg-type]
    _ = scores.matrix  # looks whether they have as many rows
    labels = scores.classes_of_rows
    if scores.labels is not None and labels is not None and labels.max() >= scores.classes:
        raise InputError(
            f"{scores.labels.name} holds the class number {labels.max()}, but there are {scores.classes} classes, "
            "counted from 0."
        )
    return scores


def remarks(scores: Scores) -> list[str]:
    """What is not wrong but worth knowing."""
    hard = hard_predictions(scores.values)
    texts = [] if hard is None else [hard]
    flags = scores.flags
    if flags is not None and len(flags.table.values) == scores.size:
        texts.append(
            "There are as many flags as points in the pool. They should come from validation points with known "
            "labels, not from the pool."
        )
    if scores.estimate is not None and scores.estimate.total < 30:
        texts.append(
            f"{scores.estimate.total} validation points say little of the teacher: consider using the lower bound."
        )
    return texts


# --- choosing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What to buy, as the options of `rad select` say it. accuracy: typed, or None to estimate it from the flags."""

    budget: int
    strategy: str = "rad"
    gain: str = "margin"
    seed: int = 0
    accuracy: float | None = None
    lower_bound: bool = False

    def accuracy_of(self, scores: Scores) -> float:
        """The teacher's accuracy that the game is played with."""
        if self.accuracy is not None:
            return self.accuracy
        if scores.estimate is None:
            raise InputError("Say how often the teacher is right, or give flags that tell.")
        return scores.estimate.lower_bound if self.lower_bound else scores.estimate.mean


@dataclass(frozen=True, eq=False)
class Choice:
    """The rows to buy. columns: as `rad select` writes them."""

    snapshot: Snapshot
    selection: Selection
    columns: dict[str, np.ndarray]


def choose_rows(scores: Scores, wish: Wish) -> Choice:
    """Choose, by the very steps of `rad select`."""
    features = scores.matrix
    snapshot = take_snapshot(scores.values, wish.budget, wish.accuracy_of(scores), wish.strategy, wish.gain, features)
    selection = choose(snapshot, wish.budget, wish.strategy, wish.seed)
    return Choice(snapshot, selection, pick_columns(snapshot, selection, scores.ids))


def command_line(scores: Scores, wish: Wish) -> str:
    """The `rad select` command that writes the same picks."""
    parts = ["rad", "select", "--probs", scores.probabilities.name]
    if wish.accuracy is not None or scores.flags is None:
        parts += ["--teacher-accuracy", repr(wish.accuracy_of(scores))]
    else:
        parts += ["--validation", scores.flags.name, *(["--lower-bound"] if wish.lower_bound else [])]
    parts += ["--budget", str(wish.budget)]
    if wish.strategy != "rad":
        parts += ["--strategy", wish.strategy]
    if wish.gain != "margin":
        parts += ["--gain", wish.gain]
    if scores.features is not None and FEATURES in STRATEGIES[wish.strategy].needs:
        parts += ["--features", scores.features.name]
    if wish.seed:
        parts += ["--seed", str(wish.seed)]
    return shlex.join([*parts, "-o", "picks.csv"])


def heavy(scores: Scores, wish: Wish) -> bool:
    """Whether choosing takes more than a few seconds, so that somebody should ask for it."""
    if FEATURES not in STRATEGIES[wish.strategy].needs or scores.features is None:
        return False
    width = scores.features.table.values.shape[1]
    steps = wish.budget if wish.strategy != "cluster_margin" else 1000
    return scores.size * steps * width > 4_000_000_000


# --- what the studio draws ----------------------------------------------------------------------------------------


def gains_of(scores: Scores, gain: str) -> np.ndarray:
    """(N,) gains."""
    gains: np.ndarray = GAINS[gain](scores.values)
    return gains


def pool_of(scores: Scores, gains: np.ndarray, wish: Wish, budget: int) -> reading.Pool:
    """The pool as the instrument sees it, with the teacher as estimated, else as assumed without an interval.

    budget: the one that the page opens with.
    """
    estimate = scores.estimate
    used = ASSUMED if estimate is None else estimate.lower_bound if wish.lower_bound else estimate.mean
    teacher = (
        reading.TeacherEstimate(used, np.nan, np.nan, used)
        if estimate is None
        else reading.TeacherEstimate(estimate.mean, estimate.low, estimate.high, used, estimate.total)
    )
    return reading.Pool(
        key=f"own-{scores.key}-{wish.gain}",
        gains=gains.astype(np.float32, copy=False),
        teacher=teacher,
        budget=budget,
        labels=scores.classes_of_rows,
        classes=tuple(f"class {number}" for number in range(scores.classes)),
    )
