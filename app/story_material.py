"""What several steps of a story need of a study, worked out once. No Streamlit in here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from app import claims, correctness, palette, reading, recommend, recommend_words
from app.figures.base import Theme
from app.recommend import Goal, Recommendation
from app.story_settings import StorySettings
from rad_core.selection.strategies import ORACLES
from rad_core.study import summary
from rad_core.study.record import Study

GREEDY = ("margin", "entropy", "least_confidence")


@dataclass(frozen=True)
class Material:
    """A study, its metrics by round, what the presenter chose; the charts' theme and height (px)."""

    study: Study
    table: pd.DataFrame
    settings: StorySettings
    theme: Theme
    chart_height: int

    def read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.study, *arguments)

    @property
    def technical(self) -> bool:
        return self.settings.audience == "technical"

    @cached_property
    def done(self) -> pd.DataFrame:
        """The rows of the cells that have finished every round."""
        return summary.complete(self.table, self.study.config.rounds)

    @cached_property
    def bought(self) -> pd.DataFrame:
        """The rows of rounds in which something was bought."""
        return self.table[self.table["round"] > 0]

    @cached_property
    def names(self) -> list[str]:
        """Strategies with a purchase, in the palette's order."""
        return palette.strategy_order(list(self.bought["strategy"]))

    @cached_property
    def ours(self) -> str:
        """The strategy that the story is about: RAD where it ran."""
        usable = [name for name in self.names if name not in ORACLES] or self.names
        return claims.OURS if claims.OURS in usable else usable[0]

    @cached_property
    def greedy(self) -> str | None:
        """A strategy that buys the most informative labels first, the study's own gain before others."""
        return next((name for name in (self.study.config.gain, *GREEDY) if name in self.names), None)

    @cached_property
    def shown(self) -> list[str]:
        """Strategies to draw: all for technical people; else ours, the most informative first, uniform, the oracle."""
        if self.technical:
            return self.names
        few = {self.ours, self.greedy, "uniform", "oracle", self.recommended.rule and self.recommended.rule.strategy}
        found = [name for name in self.names if name in few]
        return found if len(found) > 1 else self.names

    @cached_property
    def scenes(self) -> list[correctness.Scene]:
        """The pool of every seed before the first purchase, when all strategies share a student."""
        cells = self.bought[["strategy", "seed"]].drop_duplicates()
        first = {int(seed): str(strategy) for strategy, seed in cells.itertuples(index=False)}
        return [correctness.scene(self.study, first[seed], seed, 1) for seed in sorted(first)]

    @cached_property
    def levels(self) -> dict[str, float]:
        """Accuracies of the reference lines that were measured."""
        return reading.references(self.study)

    # --- the recommendation ---

    @cached_property
    def goal(self) -> Goal:
        settings = self.settings
        if settings.budget is not None:
            return Goal(money=settings.budget, price=settings.price_per_label)
        return Goal(target=self.default_target if settings.target is None else settings.target)

    @cached_property
    def default_target(self) -> float:
        """An accuracy worth asking for: nine tenths or half of the way to the best mean, if every seed comes there."""
        table = self.table[~self.table["strategy"].isin(ORACLES)] if self.ours not in ORACLES else self.table
        best = float(summary.curves(table)["mean"].max())
        lines = recommend.fit_all(self.done).get(self.ours, {})
        asked = [*summary.default_targets(table)[::-1]]
        if lines:
            worst = min(float(line.accuracy[-1]) for line in lines.values())
            asked = [target for target in asked if target <= worst] or [math.floor(200 * worst) / 200]
        return float(np.clip(next(iter(asked), best), 0.005, 0.995))

    @cached_property
    def recommended(self) -> Recommendation:
        pool = min((len(scene.gains) for scene in self.scenes), default=0)
        return recommend.recommend(self.done, self.goal, pool)

    @cached_property
    def safe(self) -> dict[str, float]:
        """What each rule guarantees with the labels recommended."""
        return recommend.safe_gains(self.study, self.recommended.labels) if self.recommended.labels else {}

    @cached_property
    def subtitle(self) -> str:
        """The recommendation in a sentence."""
        return recommend_words.advice(self.recommended)
