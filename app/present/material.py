"""What several steps of a story need of a study, worked out once. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from app import palette
from app.figures.base import Theme
from app.findings import calibration, claims, recommend
from app.findings.recommend import Goal, Recommendation
from app.findings.tradeoff import GREEDY
from app.present.settings import StorySettings
from app.results import reading
from rad_core.results import summary
from rad_core.results.needed import targets
from rad_core.results.verdicts import OURS, Results
from rad_core.selection.strategies import ORACLES
from rad_core.store.study import Study


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
    def measured(self) -> Results:
        """What the study measured, and what it set out to compare."""
        config = self.study.config
        return Results(self.table, tuple(config.strategies), config.rounds, config.seeds)

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
        return OURS if OURS in usable else usable[0]

    @cached_property
    def greedy(self) -> str | None:
        """A strategy that buys the most informative labels first, the study's own gain before others."""
        return next((name for name in (self.study.config.gain, *GREEDY) if name in self.names), None)

    @cached_property
    def shown(self) -> list[str]:
        """Strategies to draw: all for technical people; else ours, the most informative first, uniform, the oracle."""
        if self.technical:
            return self.names
        few = {self.ours, self.greedy, "uniform", *ORACLES, self.recommended.rule or self.recommended.headline.rule}
        chosen = [name for name in self.names if name in few]
        return chosen if len(chosen) > 1 else self.names

    @cached_property
    def scenes(self) -> list[calibration.Scene]:
        """The pool of every seed before the first purchase, when all strategies share a student.

        Of a teacher from outside, the points bought in that purchase.
        """
        cells = self.bought[["strategy", "seed"]].drop_duplicates()
        first = {int(seed): str(strategy) for strategy, seed in cells.itertuples(index=False)}
        return [calibration.scene(self.study, first[seed], seed, 1) for seed in sorted(first)]

    @cached_property
    def levels(self) -> dict[str, float]:
        """Accuracies of the reference lines that were measured."""
        return reading.references(self.study)

    # --- the recommendation ---

    @cached_property
    def goal(self) -> Goal | None:
        settings = self.settings
        if settings.budget is not None:
            return Goal(money=settings.budget, price=settings.price_per_label)
        target = targets(self.measured).default if settings.target is None else settings.target
        return None if target is None else Goal(target=target)

    @cached_property
    def recommended(self) -> Recommendation:
        pool = min((len(scene.pool) for scene in self.scenes), default=0)
        return recommend.recommend(self.measured, self.goal, pool)

    @cached_property
    def safe(self) -> claims.Guarantee | None:
        """What each rule guarantees for the first purchase."""
        return claims.guarantee(self.study)

    @cached_property
    def teacher_wrong(self) -> float:
        """Share of the whole pool that the teacher gets wrong, mean over seeds."""
        return 1.0 - summary.references(self.study)["teacher_accuracy_pool"]["mean"]

    @cached_property
    def judged(self) -> list[calibration.Scene]:
        """The scenes in which the teacher is known to be right or wrong somewhere; all, but where it abstained."""
        return [scene for scene in self.scenes if len(scene.gains)]

    @cached_property
    def of(self) -> str:
        """What the tenths of gain are of."""
        return "the pool" if reading.knows_pool(self.study) else "the points bought"
