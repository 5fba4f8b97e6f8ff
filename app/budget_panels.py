"""The lower half of the Budget lab: one panel at a time, chosen by the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import reading, state, ui
from app.budget_numbers import Levers, Measured, as_strategy, chances, comparison, duration, money, next_table
from app.figures import class_heatmap, overlap_heatmap
from app.palette import strategy_label
from rad_core.selection.game import Equilibrium
from rad_core.study.whatif import WhatIf, overlap_matrix

PANELS = {
    "rules": "Ways of choosing",
    "next": "What the next labels buy",
    "classes": "Classes",
    "overlap": "Overlap",
    "cost": "Cost",
}
_SHARE = st.column_config.NumberColumn(format="percent")
_WHOLE = st.column_config.NumberColumn(format="%.1f")
_MISTAKES = "Teacher mistakes"


def draw(
    pool: reading.Pool, levers: Levers, game: Equilibrium, found: list[WhatIf], prefix: str, measured: Measured | None,
    gain_name: str,
) -> None:  # fmt: skip
    """A row of choices and the panel chosen."""
    known = {"classes": pool.labels is not None and bool(pool.classes), "next": measured is not None}
    names = [name for name in PANELS if known.get(name, True)]
    panel = st.segmented_control(
        "More", names, default="rules", format_func=PANELS.__getitem__, key=f"{prefix}_panel", bind="query-params",
        required=True, label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    panels: dict[str, Callable[[], None]] = {
        "rules": lambda: _rules(found, prefix, measured),
        "next": lambda: _next(levers, prefix, measured),
        "classes": lambda: _classes(pool, found, prefix, gain_name),
        "overlap": lambda: _overlap(pool, levers, game, prefix, gain_name),
        "cost": lambda: _cost(pool, levers, found, prefix),
    }
    panels[panel or "rules"]()


def heading(text: str, basis: ui.Basis) -> None:
    """A block's question and whether what follows is measured or estimated."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.subheader(text, anchor=False, width="stretch")
    ui.badge(basis, row)


def _rules(found: list[WhatIf], prefix: str, measured: Measured | None) -> None:
    heading("What would each way of choosing buy?", "estimate")
    columns = {
        _MISTAKES: _WHOLE, "Share of mistakes": _SHARE, "Gain bought": _WHOLE, "Useful gain": _WHOLE,
        "Guaranteed useful gain": _WHOLE,
    }  # fmt: skip
    ui.table(comparison(found), f"{prefix}-rules", column_config=columns)
    st.caption(
        "Gain: how informative the labels are, added up. Useful: the part whose label is right. Guaranteed: the same "
        "wherever the teacher's mistakes lie. The oracle knows where the teacher is right; nobody can buy like it."
    )
    if measured is not None and not measured.bought.empty:
        heading(f"What the study bought: {measured.where}", "measured")
        ui.table(_bought_table(measured), f"{prefix}-bought", column_config=columns)
        st.caption(
            "Each strategy chose by the gains of its own student. UNIXKD has mixed images labeled, for which right or "
            "wrong is undefined; only strategies that draw by known probabilities have a guarantee."
        )


def _bought_table(measured: Measured) -> pd.DataFrame:
    bought = measured.bought
    return pd.DataFrame(
        {
            "Strategy": [strategy_label(name) for name in bought["strategy"]],
            "Labels bought": bought["labels"],
            _MISTAKES: bought["wrong"],
            "Share of mistakes": bought["wrong"] / bought["labels"],
            "Gain bought": bought["gain"],
            "Useful gain": bought["useful_gain"],
            "Guaranteed useful gain": bought["guarantee"],
        }
    )


def _next(levers: Levers, prefix: str, measured: Measured | None) -> None:
    """What more labels did to the accuracy of trained students."""
    if measured is None:
        return
    heading(f"What did the next {levers.budget:,} labels buy?", "measured")
    table, end = next_table(measured, levers.budget)
    if table.empty:
        ui.empty(
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
    ui.table(table, f"{prefix}-next", column_config={name: points for name in table.columns if "points" in name})
    if table["Seeds"].max() < 2:
        st.caption("1 seed: no uncertainty can be shown.")
    st.caption("The number of labels bought so far follows the round chosen on the left.")


def _classes(pool: reading.Pool, found: list[WhatIf], prefix: str, gain_name: str) -> None:
    names = [as_strategy(answer.rule, gain_name) for answer in found]
    values = np.array([answer.coverage for answer in found])
    chart = class_heatmap(values, names, pool.classes, kind="picks", theme=state.theme())
    ui.chart(chart, f"{prefix}-classes", basis="estimate", lazy=True, note="Expected number of labels in each class.")


def _overlap(pool: reading.Pool, levers: Levers, game: Equilibrium, prefix: str, gain_name: str) -> None:
    named = {as_strategy(rule, gain_name): q for rule, q in chances(pool, levers, game).items()}
    chart = overlap_heatmap(overlap_matrix(named), expected=True, theme=state.theme())
    note = "Share of the labels that two independent draws would have in common. A rule that leaves nothing to chance "
    ui.chart(chart, f"{prefix}-overlap", basis="estimate", lazy=True, note=note + "overlaps with itself entirely.")


def _cost(pool: reading.Pool, levers: Levers, found: list[WhatIf], prefix: str) -> None:
    """Money and waiting, from a price and a time per label."""
    heading("What does that cost?", "estimate")
    price, latency = prices(pool, prefix)
    left, right = st.columns(2)
    left.number_input(
        f"Price of one label ({pool.currency})", 0.0, value=pool.price, step=0.01, format="%.4f",
        key=f"{prefix}_price", bind="query-params",
    )  # fmt: skip
    right.number_input(
        "Teacher's time for one label (seconds)", 0.0, value=pool.latency, step=0.1, format="%.3f",
        key=f"{prefix}_latency", bind="query-params",
    )  # fmt: skip
    rows: dict[str, Any] = {
        f"{levers.budget:,} labels": (money(levers.budget * price, pool.currency), duration(levers.budget * latency))
    }
    for answer in found[:3]:
        name = {"rad": "RAD", "uniform": "a uniform choice", "greedy": "the most informative first"}[answer.rule]
        if answer.guarantee > 0:
            share = levers.budget / answer.guarantee
            rows[f"one unit of guaranteed useful gain, {name}"] = (
                money(share * price, pool.currency), duration(share * latency),
            )  # fmt: skip
    table = pd.DataFrame([(name, *values) for name, values in rows.items()], columns=["For", "Money", "Waiting"])
    ui.table(table, f"{prefix}-cost")
    st.caption("Waiting: if the teacher answers one question after the other.")


def prices(pool: reading.Pool, prefix: str) -> tuple[float, float]:
    """Price and seconds per label: what was entered, else what the study says."""
    session = st.session_state
    return float(session.get(f"{prefix}_price", pool.price)), float(session.get(f"{prefix}_latency", pool.latency))
