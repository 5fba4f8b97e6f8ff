"""A study as a story for people who decide: six steps of sentences, charts and tables. No Streamlit in here.

Sentences are plain text without markup. Every number in them is measured, or says that it is an estimate.
"""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import pandas as pd

from app.figures import Chart
from app.present.settings import StorySettings
from app.results.reading import GAIN_STEPS


@attrs.frozen(eq=False)
class Live:
    """A pool before the first purchase of a seed. gains: (N,) as stored, uint16, descending. used, low, high: the
    teacher's accuracy, estimated on so many checked examples."""

    seed: int
    gains: np.ndarray
    budget: int
    used: float
    low: float
    high: float
    checked: int

    @property
    def floats(self) -> np.ndarray:
        """(N,) the gains as numbers from 0 to 1."""
        return self.gains / np.float64(GAIN_STEPS)


@attrs.frozen(eq=False)
class Step:
    """One step of a story. name: one of STEPS. title: its message in a line. note: the presenter's own words.

    number: one large number that the step is about, at most three digits that count, empty for none; number_words says
    of what. sentences: what the step says, plain text. charts: at most two, none only beside a picture; the first is on
    the stage and on the slide unless there is a picture, by its drawing or, where it has none, as a map. live: a pool
    whose teacher can be changed, on the stage in place of the chart. picture: a PNG, or None; picture_alt says what it
    shows. table: numbers to show beside the sentences in a report, or None. basis: where the numbers of its charts come
    from: measured, interpolated between rounds, or an estimate.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    number: str = ""
    number_words: str = ""
    charts: tuple[Chart, ...] = ()
    live: Live | None = None
    table: pd.DataFrame | None = None
    picture: bytes | None = None
    picture_alt: str = ""
    note: str = ""
    basis: Literal["measured", "interpolated", "estimate"] = "measured"


@attrs.frozen(eq=False)
class Story:
    """What is told of a study. subtitle: the recommendation in a sentence. facts: where the numbers come from."""

    title: str
    subtitle: str
    steps: tuple[Step, ...]
    facts: dict[str, str]
    settings: StorySettings

    @property
    def provenance(self) -> str:
        """The facts in one line."""
        return " · ".join(f"{name} {value}" for name, value in self.facts.items())
