"""Why not just buy the most informative labels?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app.figures import accuracy_by_decile, calibration_chart, guarantee_by_accuracy
from app.findings import calibration, tradeoff
from app.findings.calibration import AXES, EXPLAINED, Axis, Scene
from app.findings.deciles import deciles_over_seeds, top_minus_bottom
from app.present.charts import first_of, joint_chart
from app.results import reading
from app.shell import blocks, state
from rad_core.selection.whatif import sort_gains
from rad_core.store import light_copy

_BOUGHT = (
    "It is known to be right or wrong on the points that any strategy bought up to this round, each counted once with "
    "its gain then, and nowhere else in the pool."
)
_MOST_ROWS = 1000  # of the table on the page; the download has all


def main() -> None:
    view = state.current()
    blocks.header("Trade-off", "Why not just buy the most informative labels?")
    seed, round_ = state.current_seed(view), state.current_round(view)
    strategies = state.with_results(view, seed, round_)
    if not strategies:
        blocks.stop(
            "No purchase yet",
            f"No strategy of this study has finished round {round_} with seed {seed}. Choose an earlier round or "
            "another seed below, or come back later.",
            icon=":material/hourglass_empty:",
        )
    axis, all_seeds, so_far = _controls(view, seed, round_)
    points = view.read(light_copy.seeds_with_points)
    wanted = _seeds(view, strategies, round_) if all_seeds else [seed]
    seeds = [each for each in wanted if axis == "right" or each in points]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = blocks.choose_strategies("Strategies", strategies, first_of(strategies), "tradeoff_strategies")
        student = _student(strategies, round_)
    seeds = [each for each in seeds if student in state.with_results(view, each, round_)]
    picks = _picks(view, seeds, round_, so_far, chosen)
    # A light copy has the first gains of every seed, later ones of some alone.
    held = [each for each in seeds if each in points or round_ == 1]
    scenes = [view.read(calibration.scene, student, each, round_) for each in held]
    scenes = [scene for scene in scenes if len(scene.gains)]
    if not scenes:
        blocks.stop("No answer yet", "The teacher gave no answer to anything that was bought up to this round.")
    where = calibration.pool_name(scenes, round_, len(view.study.seeds()))
    missing = [each for each in wanted if each not in points]
    _joint(scenes, picks, axis, where, len(seeds), missing=bool(missing))
    _guarantee(view, student, seed, round_)
    left, right = st.columns(2, gap="large")
    with left:
        _deciles(scenes, where)
    with right:
        _calibration(view, seed)
    _table(picks, outside=not reading.knows_pool(view.study))


def _controls(view: state.View, seed: int, round_: int) -> tuple[Axis, bool, bool]:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    axis = blocks.choose_one("What is said of the teacher", AXES, "tradeoff_axis", place=row, hidden=True)
    all_seeds = so_far = False
    if len(view.study.seeds()) > 1:
        all_seeds = row.toggle(
            "All seeds",
            value=True,
            key="tradeoff_all",
            bind="query-params",
            help=f"Every seed together, with intervals over seeds. Otherwise seed {seed}, chosen below.",
        )
    if round_ > 1:
        so_far = row.toggle(
            "All rounds so far",
            value=True,
            key="tradeoff_so_far",
            bind="query-params",
            help=f"Every label bought up to round {round_}. Otherwise those bought in round {round_} alone.",
        )
    return axis, all_seeds, so_far


def _seeds(view: state.View, strategies: list[str], round_: int) -> list[int]:
    return [seed for seed in view.study.seeds() if set(strategies) <= set(state.with_results(view, seed, round_))]


def _student(strategies: list[str], round_: int) -> str:
    """Whose student scores the pool: all begin alike, and go separate ways after the first purchase."""
    first = "rad" if "rad" in strategies else strategies[0]
    if round_ == 1 or len(strategies) == 1:
        return first
    return blocks.choose_strategy(
        "The pool as seen by the student of", strategies, first, "tradeoff_student", width=230
    )


def _picks(view: state.View, seeds: list[int], round_: int, so_far: bool, chosen: list[str]) -> pd.DataFrame:
    table = view.read(calibration.picks)
    rounds = table["round"] <= round_ if so_far else table["round"] == round_
    return table[rounds & table["seed"].isin(seeds) & table["strategy"].isin(chosen)]


# --- blocks --------------------------------------------------------------------------------------------------------


def _joint(scenes: list[Scene], picks: pd.DataFrame, axis: Axis, where: str, seeds: int, *, missing: bool) -> None:
    """The large chart and what it says.

    where: whose points. seeds: of the picks. missing: whether a light copy lacks some points.
    """
    if picks.empty:
        blocks.empty("No strategy is chosen", "Choose one or more strategies above.", icon=":material/filter_alt_off:")
        return
    pools = [(scene.gains, scene.level(axis)) for scene in scenes]
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)
    drawn = calibration.for_chart(picks, axis)
    story = tradeoff.story(groups, gap, drawn, axis, len(scenes), calibration.of_what(scenes))
    chart = joint_chart(scenes, picks, axis, where, groups, state.theme())
    bars = "over the labels of one seed" if seeds == 1 else f"over {seeds} seeds"
    note = f"{EXPLAINED[axis]} Error bars: 95% intervals {bars}."
    if scenes[0].of_bought:
        note += f" The teacher answers from outside. {_BOUGHT}"
    if missing:
        behind = "density" if len(scenes) > 1 else "pool"
        what = f"The {behind} behind them is that" if axis == "right" else "This is"
        held = [str(scene.seed) for scene in scenes if np.isfinite(scene.probability).any()]
        note += f" {what} of seed {', '.join(held)}, whose points this copy holds."
    blocks.chart(chart, "tradeoff", basis="measured", note=note)
    with st.container(gap="xxsmall"):
        st.markdown(story.text)
        st.caption(story.intervals)


def _guarantee(view: state.View, student: str, seed: int, round_: int) -> None:
    pool = view.read(reading.pool_before, student, seed, round_)
    ordered = state.remember(lambda: sort_gains(pool.gains), "sorted gains", pool.key)
    teacher = pool.teacher
    chart = guarantee_by_accuracy(
        ordered,
        min(pool.budget, pool.size),
        measured=teacher.used,
        interval=(teacher.low, teacher.high),
        gain_name=view.config.gain,
        theme=state.theme(),
        height=380,
    )
    blocks.chart(chart, "tradeoff-guarantee", basis="estimate", note="Explore moves the teacher and the budget.")


def _deciles(scenes: list[Scene], where: str) -> None:
    pools = [(scene.gains, scene.right) for scene in scenes]
    chart = accuracy_by_decile(
        *map(np.concatenate, zip(*pools, strict=True)),
        groups=deciles_over_seeds(pools),
        where=where,
        of=calibration.of_what(scenes),
        theme=state.theme(),
        height=400,
    )
    over = "" if len(scenes) == 1 else f" over {len(scenes)} seeds"
    blocks.chart(chart, "tradeoff-deciles", basis="measured", note=f"Whiskers: 95% intervals{over}.")


def _calibration(view: state.View, seed: int) -> None:
    fitted = view.read(calibration.calibration, seed)
    chart = calibration_chart(
        fitted.shown, fitted.right, fitted=(fitted.confidence, fitted.share), theme=state.theme(), height=400
    )
    note = (
        f"Seed {seed}, {len(fitted.shown):,} labeled validation points. The solid line is an isotonic regression, the "
        "best line that never falls; it turns what the teacher says of itself into calibrated confidence."
    )
    blocks.chart(chart, "tradeoff-calibration", basis="measured", note=note)


def _table(picks: pd.DataFrame, *, outside: bool) -> None:
    with st.expander(
        f"The {len(picks):,} labels bought, one by one",
        icon=":material/table:",
        key="tradeoff-picks",
        on_change="rerun",
    ) as opened:
        if opened.open:
            blocks.table(calibration.for_people(picks, outside=outside), "tradeoff-picks", most=_MOST_ROWS)


main()
