"""The lower half of the Budget lab: one panel at a time, chosen by the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from app.explore import matters
from app.explore.matters import Matters
from app.explore.numbers import Levers, Measured, as_strategy, bought_table, chances, comparison, next_table
from app.figures import class_heatmap, overlap_heatmap
from app.palette import strategy_label
from app.results import reading
from app.shell import blocks, state
from rad_core.results.summary import FEWEST_SEEDS
from rad_core.results.words import duration, few, money
from rad_core.selection.game import Equilibrium
from rad_core.selection.strategies import STRATEGIES
from rad_core.selection.whatif import WhatIf, overlap_matrix

PANELS = {
    "rules": "Ways of choosing",
    "matters": "Does choosing matter?",
    "next": "What the next labels buy",
    "classes": "Classes",
    "overlap": "Overlap",
    "cost": "Cost",
}
_SHARE = st.column_config.NumberColumn(format="percent")
_COUNT = st.column_config.NumberColumn(format="localized")
_EXPECTED = st.column_config.NumberColumn(format="%.1f")


@dataclass(frozen=True, eq=False)
class Lab:
    """Everything that a panel may show. price and latency: per label, as entered. matters: asked when it is shown."""

    pool: reading.Pool
    levers: Levers
    game: Equilibrium
    found: list[WhatIf]
    prefix: str
    measured: Measured | None
    gain_name: str
    price: float
    latency: float
    matters: Callable[[], Matters]


def draw(lab: Lab) -> None:
    """A row of choices and the panel chosen."""
    known = {"classes": lab.pool.labels is not None and bool(lab.pool.classes), "next": lab.measured is not None}
    offered = {name: words for name, words in PANELS.items() if known.get(name, True)}
    panel = blocks.choose_one("More", offered, f"{lab.prefix}_panel", hidden=True, width="stretch")
    draws: dict[str, Callable[[Lab], None]] = {
        "rules": _rules,
        "matters": lambda lab: matters.draw(lab.matters(), lab.prefix),
        "next": _next,
        "classes": _classes,
        "overlap": _overlap,
        "cost": _cost,
    }
    draws[panel](lab)


def heading(text: str, basis: blocks.Basis) -> None:
    """A block's question and whether what follows is measured or estimated."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.subheader(text, anchor=False, width="stretch")
    blocks.badge(basis, row)


def _rules(lab: Lab) -> None:
    heading("What would each way of choosing buy?", "estimate")
    columns = {
        "Teacher mistakes": _EXPECTED,
        "Share of mistakes": _SHARE,
        "Gain bought": _EXPECTED,
        "Useful gain": _EXPECTED,
        "Guaranteed useful gain": _EXPECTED,
    }
    blocks.table(comparison(lab.found), f"{lab.prefix}-rules", column_config=columns)
    st.caption(
        "Gain: how informative the labels are, added up. Useful: the part whose label is right. Guaranteed: the same "
        "wherever the teacher's mistakes lie. The oracle knows where the teacher is right; nobody can buy like it."
    )
    measured = lab.measured
    if measured is not None and not measured.bought.empty:
        heading(f"What the study bought: {measured.where}", "measured")
        blocks.table(
            bought_table(measured),
            f"{lab.prefix}-bought",
            column_config=columns | {"Teacher mistakes": _COUNT, "Labels bought": _COUNT},
        )
        mixing = [strategy_label(name) for name in measured.bought["strategy"] if STRATEGIES[name].mixes]
        mixtures = f" {' and '.join(mixing)} had mixed images labeled, for which right or wrong is undefined."
        st.caption(
            f"Each strategy chose by the gains of its own student.{mixtures if mixing else ''} Only strategies that "
            "draw by known probabilities have a guarantee."
        )


def _next(lab: Lab) -> None:
    """What more labels did to the accuracy of trained students."""
    levers, measured = lab.levers, lab.measured
    if measured is None:  # the choice is not offered then
        return
    heading(f"What did the next {levers.budget:,} labels buy?", "measured")
    table, end = next_table(measured, levers.budget)
    if table.empty:
        blocks.empty(
            "Not measured yet",
            f"No strategy has been trained with more than {measured.start:,} bought labels so far.",
            icon=":material/hourglass_empty:",
        )
        return
    asked = measured.start + levers.budget
    if end < asked:
        st.info(
            f"The study has measured up to {end:,.0f} bought labels; the answer below is for "
            f"{end - measured.start:,.0f} labels, not for {levers.budget:,}. Nothing is extrapolated.",
            icon=":material/straighten:",
        )
    st.markdown(
        f"Test accuracy with {end:,.0f} bought labels minus that with {measured.start:,}, within each seed; mean and "
        "95% interval over seeds. Between two rounds the curve is read as a straight line."
    )
    points = st.column_config.NumberColumn(format="%+.2f")
    blocks.table(
        table, f"{lab.prefix}-next", column_config={name: points for name in table.columns if "points" in name}
    )
    if table["Seeds"].max() < FEWEST_SEEDS:
        st.caption(f"{few(int(table['Seeds'].max()))}.")
    st.caption("The number of labels bought so far follows the round in view.")


def _classes(lab: Lab) -> None:
    names = [as_strategy(answer.rule, lab.gain_name) for answer in lab.found]
    values = np.array([answer.coverage for answer in lab.found])
    chart = class_heatmap(values, names, lab.pool.classes, kind="picks", theme=state.theme())
    blocks.chart(
        chart, f"{lab.prefix}-classes", basis="estimate", lazy=True, note="Expected number of labels in each class."
    )


def _overlap(lab: Lab) -> None:
    named = {as_strategy(rule, lab.gain_name): q for rule, q in chances(lab.pool, lab.levers, lab.game).items()}
    chart = overlap_heatmap(overlap_matrix(named), theme=state.theme())
    note = "Share of the labels that two independent draws would have in common. A rule that leaves nothing to chance "
    blocks.chart(
        chart, f"{lab.prefix}-overlap", basis="estimate", lazy=True, note=note + "overlaps with itself entirely."
    )


def _cost(lab: Lab) -> None:
    """Money and waiting, from a price and a time per label."""
    heading("What does that cost?", "estimate")
    if not lab.price and not lab.latency:
        st.caption("Enter the price of a label to see what a choice costs.")
        return
    budget, rows = lab.levers.budget, [(f"{lab.levers.budget:,} labels", float(lab.levers.budget))]
    for answer in lab.found[:3]:
        name = {"rad": "RAD", "uniform": "a uniform choice", "greedy": "the most informative first"}[answer.rule]
        if np.isfinite(answer.useful_gain) and answer.useful_gain > 0:
            rows.append((f"one unit of useful gain, {name}", budget / answer.useful_gain))
        if answer.guarantee > 0:
            rows.append((f"one unit of guaranteed useful gain, {name}", budget / answer.guarantee))
    table = pd.DataFrame(
        [
            (name, labels, money(labels * lab.price, lab.pool.currency), duration(labels * lab.latency))
            for name, labels in rows
        ],
        columns=["For", "Labels", "Money", "Waiting"],
    )
    blocks.table(table, f"{lab.prefix}-cost", column_config={"Labels": _EXPECTED})
    st.caption("Waiting: if the teacher answers one question after the other.")
