"""Informative against correct: where the pool lies, how the teacher fares, and what every strategy picked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from app.figures.base import (
    SMALL_SIZE,
    Chart,
    Sketch,
    Theme,
    error_bars,
    f32,
    ink,
    new_sketch,
    number,
    percent,
    rgba,
    rows,
)
from app.figures.raster import density_raster, layout_image
from app.figures.statistics import deciles, pareto, summarize_picks
from app.palette import RIGHT_COLOR, RIGHT_LABEL, WRONG_COLOR, WRONG_LABEL, strategy_order, strategy_style, text_color
from rad_core.errors import InputError

_BINS = 48


def tradeoff_chart(
    gains: Any,
    right: Any,
    picks: pd.DataFrame,
    *,
    confidence: Any = None,
    confidence_name: str = "the true class",
    theme: Theme = "light",
    height: int = 680,
) -> Chart:
    """The pool's gains against the teacher's correctness, and each strategy's picks as one point with error bars.

    gains: (N,). right: (N,) bool, where the teacher is right. picks: columns strategy, seed, gain and right, one row
    per bought point (right is NaN for mixtures). confidence: (N,) the teacher's probability of the true class, if it
    is to lie behind as a density; confidence_name says what it is the probability of.
    """
    g, r = np.asarray(gains, np.float64), np.asarray(right).astype(bool)
    if g.shape != r.shape or g.ndim != 1:
        raise InputError(f"gains has shape {g.shape} and right {r.shape}; both must be (N,).")
    groups, points = deciles(g, r), summarize_picks(picks)
    points = points.set_index("strategy").loc[strategy_order(list(points["strategy"]))].reset_index()
    low = 0.0 if confidence is not None else _floor(groups, points)
    edge = max(1.0, float(g.max(initial=0.0)))
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 40, "t": 30, "b": 60})
    sketch.update_layout(
        xaxis={"range": [-0.01 * edge, 1.01 * edge], "anchor": "y", "title": {"text": "Gain (how informative)"}},
        yaxis={"domain": [0, 0.77], "range": [low, 1.02], "tickformat": ".0%", "title": {"text": _Y_TITLE}},
        yaxis2={
            "domain": [0.83, 1],
            "nticks": 3,
            "title": {"text": "Share"},
            "anchor": "x",
            "tickformat": ".0%",
            "rangemode": "tozero",
        },
    )
    if confidence is not None:
        colors = (WRONG_COLOR, RIGHT_COLOR)
        source = density_raster(g, confidence, r.astype(int), colors, theme, x_range=(0, edge), blur=1.6, opacity=0.7)
        sketch.update_layout(images=[layout_image(source, (0.0, edge), (0.0, 1.0))])
        behind = f"behind: its probability of {confidence_name}"
        sketch.update_layout(yaxis_title_text=f"{_Y_TITLE}<br><span style='font-size:14px'>{behind}</span>")
    _draw_margins(sketch, g, r, edge, theme)
    _draw_deciles(sketch, groups, theme)
    _draw_average(sketch, float(r.mean()), edge, theme)
    _draw_frontier(sketch, points, theme)
    _draw_points(sketch, points, low, theme)
    _explain(sketch, theme)
    return Chart(sketch.finish(), _points_table(points), _TITLE, _points_alt(points, float(r.mean())))


_TITLE = "Who buys labels that are informative and right?"
_Y_TITLE = "Share that the teacher gets right"


# --- parts --------------------------------------------------------------------------------------------------------


def _floor(groups: pd.DataFrame, points: pd.DataFrame) -> float:
    """Where the vertical axis begins: a tenth below everything that is drawn."""
    least = np.nanmin([groups["low"].min(), points["right_low"].min(), points["right"].min(), 0.9])
    return float(max(0.0, np.floor((least - 0.04) * 10) / 10))


def _draw_margins(sketch: Sketch, g: np.ndarray, r: np.ndarray, edge: float, theme: Theme) -> None:
    """Where the points lie that the teacher gets right, and those that it gets wrong: two ridges of equal area."""
    ends = np.linspace(0.0, edge, _BINS + 1)
    middle = (ends[1:] + ends[:-1]) / 2
    stripes = {"shape": "/", "size": 7, "solidity": 0.25, "fgcolor": WRONG_COLOR, "bgcolor": "rgba(0,0,0,0)"}
    parts = []
    for mask, color, label in ((r, RIGHT_COLOR, RIGHT_LABEL), (~r, WRONG_COLOR, WRONG_LABEL)):
        count = int(np.count_nonzero(mask))
        share = np.histogram(g[mask], ends)[0] / max(1, count)
        wrong = label == WRONG_LABEL
        sketch.scatter(
            x=f32(middle), y=f32(share), yaxis="y2", mode="lines", name=label, fill="tozeroy",
            line={"color": color, "width": 2, "shape": "hvh", "dash": "dash" if wrong else "solid"},
            fillcolor=rgba(color, 0.3), fillpattern=stripes if wrong else {},
            hovertemplate=f"{label}<br>gain about %{{x:.2f}}: %{{y:.1%}} of these points<extra></extra>",
        )  # fmt: skip
        tone = text_color(color, theme == "dark")
        parts.append(f'<span style="color:{tone}"><b>{label}</b> ({count:,} points)</span>')
    sketch.note(
        x=1, xref="x domain", xanchor="right", y=1, yref="y2 domain", yanchor="bottom", yshift=2,
        text=f"where the pool lies: {', '.join(parts)}",
    )  # fmt: skip


def _draw_deciles(sketch: Sketch, groups: pd.DataFrame, theme: Theme) -> None:
    color = ink(theme).soft
    for edge, fill in (("low", None), ("high", "tonexty")):
        sketch.scatter(
            x=f32(groups["mean_gain"]), y=f32(groups[edge]), mode="lines", line={"width": 0}, fill=fill,
            fillcolor=rgba(color, 0.16), hoverinfo="skip",
        )  # fmt: skip
    sketch.scatter(
        x=f32(groups["mean_gain"]), y=f32(groups["share"]), mode="lines+markers", name="pool by tenth of gain",
        line={"color": color, "width": 2}, marker={"symbol": "line-ns-open", "size": 8, "color": color},
        customdata=f32(groups[["low_gain", "high_gain", "count", "low", "high"]]),
        hovertemplate="the pool, gain %{customdata[0]:.3f} to %{customdata[1]:.3f}<br>teacher right on %{y:.1%} "
        "(%{customdata[3]:.1%} to %{customdata[4]:.1%})<br>%{customdata[2]:,.0f} points<extra></extra>",
    )  # fmt: skip


def _draw_average(sketch: Sketch, accuracy: float, edge: float, theme: Theme) -> None:
    color = ink(theme).soft
    sketch.shape(
        type="line", x0=0, x1=edge, y0=accuracy, y1=accuracy, layer="below",
        line={"color": color, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    sketch.note(
        x=1, xref="x domain", xanchor="right", y=accuracy, yanchor="bottom", font={"color": color},
        text=f"teacher on the whole pool {percent(accuracy)}",
    )  # fmt: skip


def _draw_frontier(sketch: Sketch, points: pd.DataFrame, theme: Theme) -> None:
    """Join the strategies that no other one beats on both axes; the oracle does not compete."""
    own = points[points["strategy"] != "oracle"]
    best = own.iloc[pareto(own["gain"], own["right"])]
    if len(best) > 1:
        sketch.scatter(
            x=f32(best["gain"]), y=f32(best["right"]), mode="lines", hoverinfo="skip", name="frontier",
            line={"color": ink(theme).text, "width": 1.5, "dash": "dash"},
        )  # fmt: skip


def _explain(sketch: Sketch, theme: Theme) -> None:
    sketch.note(
        x=0.01, xref="x domain", xanchor="left", y=0.02, yref="y domain", yanchor="bottom", align="left",
        text="grey: the pool by tenths of gain, with 95% interval<br>dashed: no strategy beats these on both axes",
        font={"color": ink(theme).soft},
    )  # fmt: skip


def _draw_points(sketch: Sketch, points: pd.DataFrame, low: float, theme: Theme) -> None:
    defined = points["right"].notna()
    sides = _label_sides(points.loc[defined, "gain"].to_numpy(), points.loc[defined, "right"].to_numpy(), 1.02 - low)
    places = dict(zip(points.loc[defined, "strategy"], sides, strict=True))
    for row in rows(points.sort_values("strategy", key=lambda names: names == "rad")):
        style = strategy_style(str(row.strategy))
        mixture = not np.isfinite(row.right)
        big = row.strategy == "rad"
        sketch.scatter(
            x=f32([row.gain]), y=f32([low + 0.02 * (1 - low) if mixture else row.right]), mode="markers+text",
            name=style.label, cliponaxis=False, text=[_point_label(style.label, mixture, big)],
            textposition="top center" if mixture else places[row.strategy],
            textfont={"size": 18 if big else SMALL_SIZE + 1, "color": text_color(style.color, theme == "dark"),
                      "shadow": ", ".join([f"0 0 3px {ink(theme).paper}"] * 3)},
            marker={"symbol": style.symbol, "size": 18 if big else 14, "color": style.color,
                    "line": {"width": 2 if row.strategy == "oracle" else 1.5,
                             "color": style.color if row.strategy == "oracle" else ink(theme).paper}},
            error_x=error_bars(row.gain, row.gain_low, row.gain_high, style.color),
            error_y=error_bars(row.right, row.right_low, row.right_high, style.color),
            hovertemplate=_point_hover(row, style.label, mixture),
        )  # fmt: skip


def _point_label(label: str, mixture: bool, big: bool) -> str:
    text = f"<b>{label}</b>" if big else label.removesuffix(" (knows the truth)")
    return f"{text} (mixtures: right or wrong is undefined)" if mixture else text


def _point_hover(row: Any, label: str, mixture: bool) -> str:
    right = "right or wrong is undefined for mixtures"
    if not mixture:
        right = f"teacher right on {percent(row.right)} ({percent(row.right_low)} to {percent(row.right_high)})"
    count = f"{row.seeds} seeds" if row.over == "seeds" else f"1 seed, {row.picks:,} picks"
    gain = f"mean gain {row.gain:.3f} ({row.gain_low:.3f} to {row.gain_high:.3f})"
    return f"<b>{label}</b><br>{gain}<br>{right}<br>{count}<extra></extra>"


def _label_sides(x: np.ndarray, y: np.ndarray, height: float) -> list[str]:
    """For each point the side on which its label stands freest of the other points and labels."""
    sides = {
        "top right": (0.07, 0.035),
        "bottom right": (0.07, -0.035),
        "top left": (-0.07, 0.035),
        "bottom left": (-0.07, -0.035),
        "middle right": (0.09, 0.0),
        "middle left": (-0.09, 0.0),
    }
    taken = [(float(a), float(b) / height) for a, b in zip(x, y, strict=True)]
    chosen = []
    for a, b in list(taken):
        free = {}
        for side, (dx, dy) in sides.items():
            spot = (a + dx, b + dy)
            inside = 0.03 < spot[0] < 0.97 and spot[1] * height < 1.0
            apart = (
                min(np.hypot((spot[0] - p) * 0.6, (spot[1] - q) * 1.4) for p, q in taken if (p, q) != (a, b) or dx == 0)
                if len(taken) > 1
                else 1.0
            )
            free[side] = (inside, apart)
        best = max(free, key=lambda side: free[side])
        chosen.append(best)
        taken.append((a + sides[best][0], b + sides[best][1]))
    return chosen


def _points_table(points: pd.DataFrame) -> pd.DataFrame:
    named = points.assign(strategy=[strategy_style(name).label for name in points["strategy"]])
    on_frontier = np.zeros(len(points), bool)
    own = np.flatnonzero(points["strategy"] != "oracle")
    on_frontier[own[pareto(points["gain"].iloc[own], points["right"].iloc[own])]] = True
    named = named.assign(frontier=on_frontier)
    return named.rename(
        columns={
            "strategy": "Strategy",
            "seeds": "Seeds",
            "picks": "Points bought",
            "over": "Interval over",
            "gain": "Mean gain",
            "gain_low": "Mean gain, low",
            "gain_high": "Mean gain, high",
            "right": "Share right",
            "right_low": "Share right, low",
            "right_high": "Share right, high",
            "frontier": "On the frontier",
        }
    )


def _points_alt(points: pd.DataFrame, accuracy: float) -> str:
    parts = [
        f"{strategy_style(str(row.strategy)).label} {number(row.gain, 2)} and {percent(row.right)}"
        for row in rows(points)
        if np.isfinite(row.right)
    ]
    return (
        f"Mean gain of the picks and share of them that the teacher got right (whole pool {percent(accuracy)}): "
        f"{'; '.join(parts)}."
    )
