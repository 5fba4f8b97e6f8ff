"""Somebody's own pool as a map, at once: the two directions in which its points differ most, the picks on top."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.atlas import facts
from app.components.map import MapColoring, MapEvent, MapLayer, MapPanel, fallback_chart, resolve
from app.components.map.component import pool_map
from app.data.choice import Choice, Scores, Wish
from app.palette import (
    CLASS_COLORS,
    OTHER_COLOR,
    OTHER_LABEL,
    RIGHT_COLOR,
    RIGHT_SYMBOL,
    WRONG_COLOR,
    WRONG_SYMBOL,
    strategy_style,
)
from app.shell import blocks, state
from rad_core.learning.plane import principal_plane

COLORINGS = {
    "gain": "Informativeness (gain)",
    "chance": "Chance of being chosen",
    "says": "The student's class",
    "class": "True class",
    "student": "Student right or wrong",
}
_MOST_ROWS = 1000
_FITTED_ON = 20_000  # rows: it is to be there at once


def draw_map(scores: Scores, wish: Wish, choice: Choice) -> None:
    """The map as a part of the page that is answered without the rest."""
    st.fragment(_map)(scores, wish, choice)


def _map(scores: Scores, wish: Wish, choice: Choice) -> None:
    offered = {"gain": True, "chance": choice.selection.q is not None, "says": True}
    offered |= dict.fromkeys(("class", "student"), scores.labels is not None)
    bases = ["features", "probabilities"] if scores.features is not None else ["probabilities"]
    left, right = st.columns(2)
    by = left.selectbox(
        "Color by",
        [name for name, possible in offered.items() if possible],
        format_func=COLORINGS.__getitem__,
        key="scores_color",
        bind="query-params",
    )
    basis = right.segmented_control(
        "Laid out by",
        bases,
        default=bases[0],
        format_func=str.capitalize,
        key="scores_by",
        bind="query-params",
        required=True,
        help="The two directions in which the points differ most (principal components).",
    )
    points = state.kept("scores-plane", (scores.key, basis), lambda: _plane(scores, basis))
    coloring = state.kept(
        "scores-coloring", (scores.key, wish, by, state.theme()), lambda: _coloring(scores, choice, by)
    )
    style = strategy_style(wish.strategy)
    layer = MapLayer("picks", f"{style.label}: picks", style.color, style.symbol, choice.selection.positions)
    panel = MapPanel("", (layer,))
    event = pool_map(points, coloring, panel, key="scores-map", ids=_numbers(scores.ids))
    if not event.webgl:
        st.info("This browser draws no WebGL; here is the map as a picture.", icon=":material/info:")
        blocks.chart(fallback_chart(points, coloring, panel, theme=state.theme()), "scores-map-picture", heading=False)
    _details(scores, choice, points, event)


def _plane(scores: Scores, basis: str) -> np.ndarray:
    values = scores.matrix if basis == "features" and scores.matrix is not None else scores.values
    return principal_plane(values, _FITTED_ON)


def _numbers(ids: np.ndarray) -> np.ndarray | None:
    """Ids that the map can show: whole numbers of 32 bits, also where they are text."""
    if ids.dtype == object and all(text.isdecimal() and str(int(text)) == text for text in ids):
        ids = np.array([int(text) for text in ids], object if max(map(len, ids)) > 15 else np.int64)
    fits = ids.dtype.kind in "iu" and ids.min() >= 0 and ids.max() < 2**32
    return ids if fits else None


def _coloring(scores: Scores, choice: Choice, by: str) -> MapColoring:
    title, ramp = COLORINGS[by], facts.ramp(state.theme())
    if by == "gain":
        return MapColoring.of_values(choice.snapshot.gains, ramp, title, (0.0, 1.0))
    if by == "chance":
        q = np.asarray(choice.selection.q)
        return MapColoring.of_values(q, ramp, title, (0.0, float(q.max())))
    says = scores.values.argmax(axis=1)
    if by == "student":
        wrong = (says != scores.classes_of_rows).astype(np.uint8)
        names, colors = ("student right", "student wrong"), (RIGHT_COLOR, WRONG_COLOR)
        return MapColoring.of_categories(wrong, names, colors, title, (RIGHT_SYMBOL, WRONG_SYMBOL))
    return _by_class(says if by == "says" or scores.classes_of_rows is None else scores.classes_of_rows, scores, title)


def _by_class(codes: np.ndarray, scores: Scores, title: str) -> MapColoring:
    """Twelve classes have a color; those behind share one."""
    shown = min(scores.classes, len(CLASS_COLORS))
    others = scores.classes > shown
    labels = [f"class {number}" for number in range(shown)] + [OTHER_LABEL] * others
    colors = [*CLASS_COLORS[:shown], *[OTHER_COLOR] * others]
    return MapColoring.of_categories(np.minimum(codes, len(labels) - 1), labels, colors, title)


def _details(scores: Scores, choice: Choice, points: np.ndarray, event: MapEvent) -> None:
    """What lies in the region drawn, or which point was clicked."""
    if event.selection is not None:
        rows = resolve(points, event.selection)
        picked = int(np.isin(rows, choice.selection.positions).sum())
        if not len(rows):
            st.caption(f"0 of {scores.size:,} points lie in the region; draw another.")
            return
        mean = float(choice.snapshot.gains[rows].mean())
        st.markdown(
            f"**{len(rows):,} of {scores.size:,} points** lie in the region, mean gain {mean:.3f}; "
            f"**{picked:,}** of them are picks."
        )
        blocks.table(_table(scores, choice, rows[:_MOST_ROWS]), "scores-region", height=240)
        if len(rows) > _MOST_ROWS:
            st.caption(f"The first {_MOST_ROWS:,} of them.")
    elif event.primary is not None:
        blocks.table(_table(scores, choice, np.array([event.primary])), "scores-point")
    else:
        st.caption("Draw a box or a lasso to list points; click a point to see it.")


def _table(scores: Scores, choice: Choice, rows: np.ndarray) -> pd.DataFrame:
    table: dict[str, Any] = {"Row (id)": scores.ids[rows], "Gain": choice.snapshot.gains[rows]}
    if choice.selection.q is not None:
        table["Chance of being chosen"] = np.asarray(choice.selection.q)[rows]
    table["Picked"] = np.isin(rows, choice.selection.positions)
    table["Student says"] = scores.values[rows].argmax(axis=1)
    table["Its probability"] = scores.values[rows].max(axis=1)
    if scores.classes_of_rows is not None:
        table["True class"] = scores.classes_of_rows[rows]
    return pd.DataFrame(table)
