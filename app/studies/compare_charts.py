"""Charts of several studies side by side, curves, trade-off, guarantee."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.figures import Chart, accuracy_curves, guarantee_by_accuracy, tradeoff_chart
from app.findings.words import literal
from app.palette import strategy_order
from app.results import reading
from app.shell import blocks, state
from app.shell.state import View
from rad_core.errors import RadError

_CHARTS = 4  # as many as can be told apart on a screen
_SHOWN = ("rad", "margin", "uniform")
_HEIGHT = 480  # pixels: half a page wide, a chart has room for a few curves

Scale = tuple[float, float] | None
KINDS = {
    "curves": "Accuracy by labels",
    "tradeoff": "Informative and right",
    "guarantee": "Worst case",
}
_NOTES = {
    "curves": "Each study on its own test set; bands: 95% intervals over seeds.",
    "tradeoff": "All labels bought, all seeds; grey: the pool as the student of the first seed saw it at the start.",
    "guarantee": "First seed, first purchase, each study's own budget and vertical scale.",
}


def show(views: Mapping[str, View]) -> None:
    """One chart for each study that has results, by its heading."""
    drawn = dict(list(views.items())[:_CHARTS])
    kind = blocks.choose_one("Side by side", KINDS, "compare_kind", hidden=True)
    if kind == "guarantee":
        charts = [_attempt(view, _guarantee) for view in drawn.values()]
    else:
        names = strategy_order([name for view in drawn.values() for name in state.with_results(view)])
        chosen = blocks.choose_strategies("Strategies", names, _SHOWN, "compare_curves")
        make = _curves if kind == "curves" else _tradeoff
        free = [_attempt(view, make, chosen, None) for view in drawn.values()]
        ranges = [chart.figure.layout.yaxis.range for chart in free if isinstance(chart, Chart)]
        # Drawn again rather than stretched: names beside curves keep apart for the range they were placed in.
        scale = (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None
        charts = [_attempt(view, make, chosen, scale) for view in drawn.values()]
    _in_rows(list(drawn), charts, kind)
    st.caption(_NOTES[kind])
    if len(views) > _CHARTS:
        st.caption(f"Charts of the first {_CHARTS} studies; the tables hold all.")


def _attempt(view: View, make: Callable[..., Chart | None], *arguments: Any) -> Chart | str:
    """A chart, or why there is none of this study, which hides those of no other."""
    try:
        return make(view, *arguments) or "None of the strategies chosen has bought anything in this study."
    except RadError as error:
        return str(error)
    except Exception:
        logging.getLogger("rad").exception("Study %s cannot be drawn", view.study.id)
        return "This study cannot be drawn; the terminal that runs the studio says why."


def _in_rows(names: list[str], charts: list[Chart | str], kind: str) -> None:
    for number, (name, chart) in enumerate(zip(names, charts, strict=True)):
        if number % 2 == 0:
            places = st.columns(2, gap="medium")
        with places[number % 2]:
            st.markdown(f"**{literal(name)}**")
            if isinstance(chart, str):
                st.caption(literal(chart))
            else:
                basis: blocks.Basis = "estimate" if kind == "guarantee" else "measured"
                blocks.chart(chart, f"compare-{kind}-{number}", basis=basis, heading=False)


def _curves(view: View, strategies: list[str], scale: Scale) -> Chart | None:
    table = view.read(reading.rounds)
    shown = [name for name in strategies if name in set(table["strategy"])]
    if not shown:
        return None
    levels = {name: value for name, value in view.read(reading.references).items() if name == "teacher"}
    return accuracy_curves(
        table, strategies=shown, references=levels, theme=state.theme(), height=_HEIGHT, y_range=scale
    )


def _tradeoff(view: View, strategies: list[str], scale: Scale) -> Chart | None:
    picks = view.read(reading.purchases)
    picks = picks[picks["strategy"].isin(strategies)]
    if picks.empty:
        return None
    pool = _first_pool(view)
    gains, right = pool.gains, pool.right
    more: dict[str, Any] = {}
    if right is None:
        judged = picks[picks["right"].notna()]
        gains, right = judged["gain"].to_numpy(), judged["right"].to_numpy() == 1
        more = {"where": "what was bought", "of": "what was bought"}
    if not len(gains):
        return None
    chart = tradeoff_chart(gains, right, picks, narrow=True, theme=state.theme(), height=_HEIGHT + 80, **more)
    if scale is not None:
        chart.figure.update_layout(yaxis_range=scale)
    return chart


def _guarantee(view: View) -> Chart:
    pool = _first_pool(view)
    return guarantee_by_accuracy(
        pool.gains,
        min(pool.budget, pool.size),
        measured=pool.teacher.used,
        interval=(pool.teacher.low, pool.teacher.high),
        gain_name=view.config.gain,
        narrow=True,
        theme=state.theme(),
        height=_HEIGHT,
    )


def _first_pool(view: View) -> reading.Pool:
    """The pool of the first seed before the first purchase, which all strategies share."""
    return view.read(reading.pool_before, view.config.strategies[0], view.study.seeds()[0], 1)
