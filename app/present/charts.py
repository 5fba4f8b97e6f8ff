"""The main charts of Curves and Trade-off, for their pages, and by themselves for notebooks. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures import Chart, Theme, accuracy_curves, tradeoff_chart
from app.figures.base import verbatim
from app.findings import calibration
from app.findings.calibration import AXES, Axis, Scene
from app.findings.deciles import deciles_over_seeds
from app.results import reading
from rad_core.errors import InputError
from rad_core.results.sentences import headline
from rad_core.results.verdicts import results
from rad_core.selection.strategies import ORACLES
from rad_core.store import light_copy
from rad_core.store.study import Study

Along = Literal["labels", "round", "seconds"]
Measure = Literal["accuracy", "agreement"]

MEASURE_TITLES: dict[Measure, str] = {
    "accuracy": "Accuracy on the test set",
    "agreement": "Pool on which the student agrees with the teacher",
}
# Shown at first, of many: ten points with their bars would hide each other.
_FIRST = ("rad", "uniform", "margin", "coreset", "badge", *ORACLES)


# --- as a page wants them ------------------------------------------------------------------------------------------


def curves_chart(
    read: Callable[..., Any],
    shown: Sequence[str],
    *,
    along: Along = "labels",
    measure: Measure = "accuracy",
    seeds: bool = False,
    theme: Theme = "light",
) -> Chart:
    """Every strategy's curve, those not shown in gray. read: calls a function with the study."""
    truth = measure == "accuracy"
    table: pd.DataFrame = read(reading.rounds_with_seconds)
    names = list(dict.fromkeys(table["strategy"]))
    if not truth:
        table = table.merge(read(reading.agreement)[["strategy", "seed", "round", "agreement"]], how="left")
    chart = accuracy_curves(
        table,
        along,
        strategies=shown,
        muted=names,
        references=read(reading.references) if truth else {},
        seeds=seeds,
        value=measure,
        value_title=MEASURE_TITLES[measure],
        theme=theme,
    )
    return chart if truth else replace(chart, title="How often does the student say what the teacher says?")


def joint_chart(
    scenes: Sequence[Scene], picks: pd.DataFrame, axis: Axis, where: str, groups: pd.DataFrame, theme: Theme = "light"
) -> Chart:
    """Informative against right, for the pools of some seeds and for what was bought of them.

    picks: as from `calibration.picks`. where: whose points. groups: tenths of gain, as from `deciles_over_seeds`.
    """
    right = np.concatenate([scene.right for scene in scenes])
    if axis == "right":
        shown: dict[str, Any] = {"confidence": np.concatenate([scene.probability for scene in scenes])}
    else:
        shown = {"level": np.concatenate([scene.level(axis) for scene in scenes])}
    return tradeoff_chart(
        np.concatenate([scene.gains for scene in scenes]),
        None if axis == "confidence" else right,
        calibration.for_chart(picks, axis),
        level_name=AXES[axis],
        groups=groups,
        where=where,
        of=calibration.of_what(scenes),
        theme=theme,
        height=520,
        **shown,
    )


def first_of(strategies: Sequence[str]) -> Sequence[str]:
    """The strategies that Trade-off shows at first."""
    return _FIRST if len(strategies) > len(_FIRST) else strategies


# --- by themselves -------------------------------------------------------------------------------------------------


def curves(
    study: Study,
    *,
    along: str = "labels",
    measure: str = "accuracy",
    strategies: Collection[str] | None = None,
    seeds: bool = False,
    theme: str = "light",
) -> go.Figure:
    """The figure of `Study.curves`."""
    study = study.snapshot()
    _one_of("along", along, ("labels", "round", "seconds"))
    _one_of("measure", measure, MEASURE_TITLES if reading.knows_pool(study) else ("accuracy",))
    names = _with_results(study)
    if strategies is None:
        wished = (*reading.first_pair(study.config.strategies), headline(results(study)).rule)
        strategies = [name for name in wished if name in names] or names[:2]
    chart = curves_chart(
        lambda function: function(study),
        _chosen(strategies, names),
        along=cast("Along", along),
        measure=cast("Measure", measure),
        seeds=seeds,
        theme=cast("Theme", theme),
    )
    return _titled(chart)


def tradeoff(
    study: Study,
    *,
    axis: str = "right",
    strategies: Collection[str] | None = None,
    seed: int | None = None,
    theme: str = "light",
) -> go.Figure:
    """The figure of `Study.tradeoff`."""
    study = study.snapshot()
    _one_of("axis", axis, AXES)
    names = _with_results(study)
    shown = _chosen([name for name in first_of(names) if name in names] if strategies is None else strategies, names)
    table = calibration.picks(study)
    table = table[(table["round"] == 1) & table["strategy"].isin(shown)]
    wanted = [each for each in study.seeds() if set(shown) <= set(table["strategy"][table["seed"] == each])]
    if axis != "right":
        wanted = [each for each in wanted if each in light_copy.seeds_with_points(study)]
    if seed is not None:
        _one_of("seed", seed, wanted)
        wanted = [seed]
    if not wanted:
        raise InputError(f"No seed of study {study.id} has a purchase of every strategy; choose fewer, or run it on.")
    scenes = [calibration.scene(study, shown[0], each, 1) for each in wanted]
    scenes = [scene for scene in scenes if len(scene.gains)]
    if not scenes:
        raise InputError(f"The teacher of study {study.id} answered nothing that was bought first; draw its curves.")
    groups = deciles_over_seeds([(scene.gains, scene.level(cast("Axis", axis))) for scene in scenes])
    where = calibration.pool_name(scenes, 1, len(study.seeds()))
    picks = table[table["seed"].isin(wanted)]
    return _titled(joint_chart(scenes, picks, cast("Axis", axis), where, groups, cast("Theme", theme)))


def _with_results(study: Study) -> list[str]:
    """The strategies that have bought something. Raises InputError where there is none."""
    table = study.rounds_table()
    bought = set() if table.empty else set(table["strategy"][table["round"] > 0])
    if not bought:
        raise InputError(f"Study {study.id} has no results to draw yet; run it first, or wait for its first round.")
    return [name for name in study.config.strategies if name in bought]


def _chosen(strategies: Collection[str], names: Sequence[str]) -> list[str]:
    for name in strategies:
        _one_of("strategies", name, names)
    return [name for name in names if name in strategies] or list(names)


def _one_of(name: str, value: object, choices: Collection[Any]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}; choose {' or '.join(map(str, choices)) or 'another axis'}.")


def _titled(chart: Chart) -> go.Figure:
    """The figure with its question above it: beside it there is no page that asks it."""
    margin = chart.figure.layout.margin.to_plotly_json() | {"t": 64}
    return chart.figure.update_layout(title={"text": verbatim(chart.title), "x": 0.02}, margin=margin)
