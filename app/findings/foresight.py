"""Does choosing matter here? What settings in which rules were really played tell of another one. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from app.results.shipped import assets
from rad_core.selection.foresight import Foresight

# What may tell it, the simplest first: of two that tell it equally well, the first is taken.
MEASURES = ("fall", "closeness", "lift", "certain", "worth", "accuracy", "mean_gain")
_TITLES = {
    "fall": "How much less often the teacher is right on the more informative half",
    "closeness": "How many times nearer to one another the most informative points lie",
    "lift": "Gain of the most informative points over the mean gain",
    "certain": "What RAD is certain of over what uniform is",
    "worth": "Informative and right labels over uniform's",
    "accuracy": "Teacher's accuracy on checked examples",
    "mean_gain": "Mean gain of the pool",
}
LEAST_POINTS = 1.0  # of accuracy, in the mean over the curve: less is a difference that hardly matters
_DATA = {"digits": "digits", "handwritten": "digits", "fashion": "Fashion-MNIST", "cifar10": "CIFAR-10"}
_COMPARED = ("margin", "rad", "rad over margin")  # the first two with uniform


@dataclass(frozen=True)
class Cut:
    """Rules are expected to differ where a measure is below a limit, or above it. right: settings that it tells."""

    measure: str
    limit: float
    below: bool
    right: int

    def says(self, value: float) -> bool:
        """Whether rules are expected to differ."""
        return (value < self.limit) == self.below


@dataclass(frozen=True, eq=False)
class Atlas:
    """Settings that were played. table: a row each, what was known before and what came.

    differ: (S,) whether a difference of a point or more between uniform, margin and RAD was shown. told: (S,) whether
    the setting was told rightly by a cut that was found without it.
    """

    table: pd.DataFrame
    differ: np.ndarray
    cut: Cut
    told: np.ndarray

    @property
    def hits(self) -> int:
        """Settings that were told rightly."""
        return int(self.told.sum())

    @property
    def by_data(self) -> dict[str, tuple[int, int]]:
        """Name of each data set -> settings of it that were told rightly, and all of them."""
        kinds = [_DATA.get(name.split("-")[0], name) for name in self.table["setting"]]
        told = pd.Series(self.told).groupby(kinds, sort=False)
        return {str(name): (int(each.sum()), len(each)) for name, each in told}

    @property
    def size(self) -> int:
        return len(self.table)

    @property
    def usual(self) -> int:
        """Settings told rightly by whoever always says what came more often."""
        return int(max(self.differ.sum(), (~self.differ).sum()))


def title_of(measure: str) -> str:
    """What a measure says, for an axis."""
    return _TITLES[measure]


def expected(atlas: Atlas, known: Foresight) -> bool | None:
    """Whether rules are expected to differ; None where what tells it is not known, or beyond all settings played."""
    value = float(getattr(known, atlas.cut.measure))
    played = atlas.table[atlas.cut.measure]
    margin = 0.1 * float(played.max() - played.min())
    if not np.isfinite(value) or not played.min() - margin <= value <= played.max() + margin:
        return None
    return atlas.cut.says(value)


@cache
def atlas() -> Atlas:
    """The settings that ship with the program, of `python -m tests.studies.choosing`."""
    return atlas_of(pd.read_csv(assets() / "studies" / "choosing.csv"))


def atlas_of(table: pd.DataFrame) -> Atlas:
    """What a table of settings tells: the best cut, and how often one is right that was found without the setting."""
    shown = [(table[f"{name} shown"] == 1) & (table[name].abs() >= LEAST_POINTS) for name in _COMPARED]
    differ = np.any(shown, axis=0)
    values = {measure: table[measure].to_numpy(np.float64) for measure in MEASURES}
    told = np.zeros(len(differ), bool)
    for left in range(len(differ)):
        others = np.arange(len(differ)) != left
        found = best_cut({measure: each[others] for measure, each in values.items()}, differ[others])
        told[left] = found.says(float(values[found.measure][left])) == differ[left]
    return Atlas(table, differ, best_cut(values, differ), told)


def best_cut(values: Mapping[str, np.ndarray], differ: np.ndarray) -> Cut:
    """The cut that tells most settings rightly: of one measure, in the middle of the widest gap that does."""
    found = []
    for measure, each in values.items():
        order = np.argsort(each, kind="stable")
        ascending, came = each[order], differ[order].astype(int)
        gaps = np.diff(ascending)
        if not (gaps > 0).any():
            continue
        first = np.cumsum(came)[:-1]  # differ, of those before each gap
        before = np.arange(1, len(came))
        right = first + (len(came) - before) - (came.sum() - first)  # where those before it are said to differ
        for below, counts in ((True, right), (False, len(came) - right)):
            most = int(counts[gaps > 0].max())
            at = int(np.argmax(np.where(counts == most, gaps, 0.0)))
            found.append(Cut(measure, float(ascending[at] + gaps[at] / 2), below, most))
    return max(found, key=lambda cut: cut.right)
