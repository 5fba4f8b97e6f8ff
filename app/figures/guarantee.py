"""What each rule guarantees in the worst case, as a function of the budget and of the teacher's accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.figures.base import Chart, Sketch, Theme, f32, ink, new_sketch, rgba, spread
from app.figures.drawing import XY, Series, whole_steps
from app.findings.words import number
from app.palette import strategy_style, text_color
from rad_core.results.words import percent
from rad_core.selection.whatif import (
    RULES,
    SortedGains,
    default_accuracies,
    guarantees,
    sort_gains,
    wrong_counts,
)


def guarantee_by_accuracy(
    gains: ArrayLike | SortedGains,
    budget: int,
    *,
    measured: float | None = None,
    interval: tuple[float, float] | None = None,
    assumed: float | None = None,
    accuracies: Sequence[float] | None = None,
    gain_name: str = "margin",
    rules: Sequence[str] = RULES,
    narrow: bool = False,
    theme: Theme = "light",
    height: int = 460,
) -> Chart:
    """Worst-case informative-and-correct gain of each rule against the accuracy of the teacher.

    gains: (N,) or SortedGains. budget: labels bought. measured and interval: the teacher's accuracy as estimated
    on checked examples and its confidence limits, to be marked. assumed: another accuracy to mark, clearly named as
    assumed. narrow: for half a page.
    """
    pool = sort_gains(gains)
    xs = default_accuracies(measured, pool.size, budget) if accuracies is None else np.asarray(accuracies, float)
    wrong = wrong_counts(pool.size, xs)
    values = {_strategy(rule, gain_name): guarantees(pool, budget, wrong, rule) for rule in rules}
    sketch = _curves(values, xs, theme, height, "teacher right on %{x:.1%}: %{y:,.4~g}")
    # Set, or a long text beside a mark would stretch the axis beyond what there is.
    ends = [float(xs[0]), float(xs[-1])]
    sketch.xaxis(title_text="Share of the pool that the teacher gets right", tickformat=".0%", range=ends)
    if interval is not None:
        sketch.shape(
            type="rect",
            x0=interval[0],
            x1=interval[1],
            y0=0,
            y1=1,
            yref="y domain",
            layer="below",
            line={"width": 0},
            fillcolor=rgba("#808080", 0.22),
        )
    if measured is not None:
        text = f"estimated {percent(measured)}"
        if interval is not None and assumed is None and not narrow:
            text += f"<br>95% interval<br>{percent(interval[0])} to {percent(interval[1])}"
        heights = {name: _at(xs, value, measured) for name, value in values.items()}
        # Beside an assumed accuracy the measured one keeps out of the way: its name only, on the other side.
        right = None if assumed is None else measured > assumed
        if narrow:
            sketch.update_layout(margin_r=90)
            right = measured - xs[0] < 0.75 * (xs[-1] - xs[0])
        _mark(sketch, measured, xs, text, heights, theme, right=right, listed=assumed is None)
    if assumed is not None:
        heights = {name: _at(xs, value, assumed) for name, value in values.items()}
        at_edge = assumed - xs[0] < 0.15 * (xs[-1] - xs[0])
        right = None if at_edge or measured is None else assumed > measured
        _mark(sketch, assumed, xs, f"assumed {percent(assumed)}", heights, theme, dash="dot", right=right)
    table = pd.DataFrame({"Teacher accuracy": xs, "Teacher mistakes": wrong})
    table = table.assign(**{_column(name): value for name, value in values.items()})
    at = xs[-1] if measured is None else measured
    return Chart(
        sketch.finish(),
        table,
        "What if the teacher is worse than we think?",
        _alt(values, xs, at, f"With {budget:,} labels from a teacher that is right on {percent(at)} of the pool"),
        _drawing(values, xs),
    )


# --- parts --------------------------------------------------------------------------------------------------------


def _drawing(values: dict[str, np.ndarray], accuracies: np.ndarray) -> XY:
    lines = [
        Series(strategy_style(name).label, strategy_style(name), accuracies, value, markers=False)
        for name, value in values.items()
    ]
    top = max(float(value.max()) for value in values.values())
    return XY(
        lines,
        "Share of the pool that the teacher gets right",
        "Guaranteed gain (worst case)",
        "0%",
        "General" if top < 10 else "#,##0",
        whole_steps(accuracies),
        whole_steps(0.0, top),
    )


def _strategy(rule: str, gain_name: str) -> str:
    return gain_name if rule == "greedy" else rule


def _column(name: str) -> str:
    return f"Guaranteed gain, {strategy_style(name).label}"


def _at(xs: np.ndarray, values: np.ndarray, x: float) -> float:
    return float(np.interp(x, xs, values))


def _alt(values: dict[str, np.ndarray], xs: np.ndarray, at: float, opening: str) -> str:
    parts = [f"{strategy_style(name).label} {number(_at(xs, value, at))}" for name, value in values.items()]
    return f"{opening}, the guaranteed gain is: {', '.join(parts)}."


def _curves(
    values: dict[str, np.ndarray],
    xs: np.ndarray,
    theme: Theme,
    height: int,
    hover: str,
) -> Sketch:
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 130, "t": 16, "b": 60})
    top = max(float(value.max()) for value in values.values()) or 1.0
    sketch.yaxis(title_text="Guaranteed gain (worst case)", range=[-0.015 * top, 1.06 * top])
    # RAD is drawn last, on top of the others.
    for name, value in sorted(values.items(), key=lambda item: item[0] == "rad"):
        style = strategy_style(name)
        sketch.scatter(
            x=f32(xs),
            y=f32(value),
            mode="lines",
            name=style.label,
            cliponaxis=False,
            line={"color": style.color, "width": style.width, "dash": style.dash},
            hovertemplate=f"<b>{style.label}</b><br>{hover}<extra></extra>",
        )
    _label_ends(sketch, values, 1.06 * top, height, theme)
    return sketch


def _label_ends(sketch: Sketch, values: dict[str, np.ndarray], top: float, height: int, theme: Theme) -> None:
    """Name every curve at its right end, moved apart where they meet."""
    names = list(values)[::-1]
    gap = top * 22 / max(1, height - 80)
    places = spread([float(values[name][-1]) for name in names], gap, 0.0, top)
    for name, place in zip(names, places, strict=True):
        style = strategy_style(name)
        sketch.note(
            x=1,
            xref="x domain",
            xanchor="left",
            xshift=10,
            y=float(place),
            text=f"<b>{style.label}</b>",
            font={"color": text_color(style.color, theme == "dark"), "size": 16},
        )


def _mark(
    sketch: Sketch,
    x: float,
    xs: np.ndarray,
    text: str,
    heights: dict[str, float],
    theme: Theme,
    dash: str = "solid",
    right: bool | None = None,
    listed: bool = True,
) -> None:
    """A vertical line, a symbol where it meets each curve, and the values there, listed where the curves are not."""
    for name, y in heights.items():
        style = strategy_style(name)
        sketch.scatter(
            x=f32([x]),
            y=f32([y]),
            mode="markers",
            cliponaxis=False,
            hoverinfo="skip",
            marker={"symbol": style.symbol, "size": 12, "color": style.color},
        )
    sketch.shape(
        type="line",
        x0=x,
        x1=x,
        y0=0,
        y1=1,
        yref="y domain",
        layer="below",
        line={"color": ink(theme).soft, "width": 1.5, "dash": dash},
    )
    right = x - xs[0] < 0.35 * (xs[-1] - xs[0]) if right is None else right
    lines = [f"{strategy_style(name).label} <b>{number(y)}</b>" for name, y in heights.items() if listed]
    colors = [text_color(strategy_style(name).color, theme == "dark") for name in heights if listed]
    rows = [f'<span style="color:{color}">{line}</span>' for color, line in zip(colors, lines, strict=True)]
    sketch.note(
        x=x,
        xanchor="left" if right else "right",
        xshift=8 if right else -8,
        y=1,
        yref="y domain",
        yanchor="top",
        align="left" if right else "right",
        text="<br>".join([text, *rows]),
        font={"color": ink(theme).soft, "size": 15},
    )
