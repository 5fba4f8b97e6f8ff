"""The six steps of a story, made from a study: each a function from the material to a Step. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from app import claims, correctness, map_view, palette, reading, tradeoff_words, wording
from app.components.map import fallback_chart
from app.figures import accuracy_by_decile, accuracy_curves, label_efficiency_chart, tradeoff_chart
from app.figures.base import Theme
from app.figures.statistics import deciles_over_seeds, top_minus_bottom
from app.story import Step
from app.story_settings import STEPS, StorySettings
from rad_core import embedding
from rad_core.study import summary
from rad_core.study.store import Study

GREEDY = ("margin", "entropy", "least_confidence")
_TALL = 470  # px, of a chart that stands alone


@dataclass(frozen=True)
class Material:
    """A study and what several steps need of it, worked out once."""

    study: Study
    table: pd.DataFrame
    settings: StorySettings
    theme: Theme

    @property
    def technical(self) -> bool:
        return self.settings.audience == "technical"

    @cached_property
    def done(self) -> pd.DataFrame:
        """The rows of the cells that have finished every round."""
        return summary.complete(self.table, self.study.config.rounds)

    @cached_property
    def names(self) -> list[str]:
        """Strategies with a purchase, in the palette's order."""
        return palette.strategy_order(list(self.table.loc[self.table["round"] > 0, "strategy"]))

    @cached_property
    def ours(self) -> str:
        """The strategy that the story is about: RAD where it ran."""
        usable = [name for name in self.names if name not in claims.ORACLES] or self.names
        return claims.OURS if claims.OURS in usable else usable[0]

    @cached_property
    def shown(self) -> list[str]:
        """Strategies to draw: all for technical people, else ours, the most informative first, uniform."""
        if self.technical:
            return self.names
        greedy = [name for name in (self.study.config.gain, *GREEDY) if name in self.names][:1]
        wanted = {self.ours, *greedy, "uniform", "oracle"}
        few = [name for name in self.names if name in wanted]
        return few if len(few) > 1 else self.names

    @cached_property
    def scenes(self) -> list[correctness.Scene]:
        """The pool of every seed before the first purchase, when all strategies share a student."""
        seeds = sorted(self.table.loc[self.table["round"] > 0, "seed"].unique().tolist())
        return [correctness.scene(self.study, self.ours, seed, 1) for seed in seeds]

    @cached_property
    def target(self) -> float:
        if self.settings.target is not None:
            return self.settings.target
        best = float(summary.curves(claims.competitors(self.table))["mean"].max())
        return next(iter(summary.default_targets(self.table)[::-1]), best)

    @cached_property
    def subtitle(self) -> str:
        return claims.headline(self.table, self.study.config.rounds, self.ours).text

    def read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.study, *arguments)


def build_steps(material: Material) -> tuple[Step, ...]:
    """The steps that are not hidden, in order."""
    makers = {
        "problem": problem, "tradeoff": tradeoff, "map": pool_map, "curves": curves,
        "recommendation": recommendation, "cost": cost,
    }  # fmt: skip
    return tuple(makers[name](material) for name in STEPS if name not in material.settings.hidden)


def problem(material: Material) -> Step:
    pools = [(scene.gains, scene.right) for scene in material.scenes]
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)
    nothing = pd.DataFrame(columns=["strategy", "seed", "gain", "right"])
    said = tradeoff_words.story(groups, gap, nothing, "right", len(pools))
    chart = accuracy_by_decile(
        np.concatenate([g for g, _ in pools]), np.concatenate([r for _, r in pools]), groups=groups,
        theme=material.theme, height=_TALL,
    )  # fmt: skip
    return _step(material, "problem", "The teacher makes mistakes", [_plain(said.text)], (chart,))


def tradeoff(material: Material) -> Step:
    picks = correctness.for_chart(material.read(correctness.picks).query("round == 1"), "right")
    pools = [(scene.gains, scene.right) for scene in material.scenes]
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)
    said = tradeoff_words.story(groups, gap, picks, "right", len(pools))
    chart = tradeoff_chart(
        np.concatenate([g for g, _ in pools]), np.concatenate([r for _, r in pools]),
        picks[picks["strategy"].isin(material.shown)], groups=groups, theme=material.theme, height=_TALL,
    )  # fmt: skip
    return _step(material, "tradeoff", "Informative or right: what every rule buys", [_plain(said.text)], (chart,))


def pool_map(material: Material) -> Step:
    study, seed = material.study, material.scenes[0].seed
    points = embedding.read_map(study, seed)
    if points is None:
        points = embedding.compute_map(study.seed_array(seed, embedding.mapped_array(study, seed)), "pca")
    names = [name for name in material.shown if name not in claims.ORACLES][:2]
    last = max(reading.last_round(study, name, seed) for name in names)
    facts = map_view.gather(material.read, seed, names[0], last, names)
    coloring = map_view.coloring(facts, "teacher", material.theme)
    panel = map_view.panels(material.read, seed, names, "one", last)[0]
    chart = fallback_chart(points, coloring, panel, theme=material.theme, height=_TALL)
    return _step(material, "map", "Where the labels are bought", [chart.alt], (chart,))


def curves(material: Material) -> Step:
    levels = reading.references(material.study)
    chart = accuracy_curves(
        material.table, strategies=material.shown, references=levels, band=[material.ours], theme=material.theme,
        height=_TALL,
    )  # fmt: skip
    said = [claims.headline(material.table, material.study.config.rounds, material.ours).text]
    said += [text for text in (claims.references(levels), claims.upper_bound(material.done)) if text]
    return _step(material, "curves", "What the labels bring", said, (chart,))


def recommendation(material: Material) -> Step:
    chart = label_efficiency_chart(material.table, material.target, strategies=material.shown, theme=material.theme)
    said = [claims.saving(material.done, material.target, ours=material.ours).claim.text]
    return _step(material, "recommendation", "What to buy", said, (chart,))


def cost(material: Material) -> Step:
    settings = material.settings
    found = claims.need(material.done, material.target, material.ours)
    said = [f"{wording.name(material.ours, first=True)}: {found.text} for {wording.target_text(material.target)}."]
    if settings.price_per_label > 0 and found.complete:
        said.append(f"That is {found.labels.mean * settings.price_per_label:,.2f} {settings.currency}.")
    return _step(material, "cost", "What it costs", said, ())


def _step(material: Material, name: str, title: str, said: list[str], charts: tuple, **more: Any) -> Step:
    note = material.settings.notes.get(name, "")
    return Step(name, title, tuple(text for text in said if text), charts, note=note, **more)


def _plain(text: str) -> str:
    """Without the marks of bold type."""
    return text.replace("**", "")
