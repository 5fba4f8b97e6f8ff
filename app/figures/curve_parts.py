"""The pieces that curve figures are drawn from: axes, bands, lines, names at their ends, reference lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from app.figures.base import SMALL_SIZE, Sketch, Theme, f32, ink, rgba, spread
from app.figures.drawing import round_step, short
from app.palette import strategy_style, text_color
from rad_core.results.summary import FEWEST_SEEDS, curves
from rad_core.results.words import few, percent

XAxis = Literal["labels", "round", "seconds"]

X_TITLES = {
    "labels": "Soft labels bought",
    "round": "Round",
    "seconds": "Computing time so far (s)",
}
# What a reference line is called beside the chart, what it means, and its dash.
_REFERENCES = {
    "teacher": ("teacher", "the teacher itself", "dash"),
    "student_full": ("whole pool", "student taught on the whole soft-labeled pool", "dashdot"),
    "student_labeled": ("labeled set alone", "student without any bought label", "dot"),
}


@dataclass(frozen=True)
class Mark:
    """A horizontal line: its accuracy, its name with the number, what it means, its dash."""

    level: float
    text: str
    meaning: str
    dash: str


def marks(references: Mapping[str, float], target: float | None) -> list[Mark]:
    """The reference lines that are known, and the target."""
    lines = [
        Mark(references[key], f"{title} {percent(references[key])}", meaning, dash)
        for key, (title, meaning, dash) in _REFERENCES.items()
        if key in references and np.isfinite(references[key])
    ]
    if target is not None:
        lines.append(Mark(target, f"target {percent(target)}", "the accuracy aimed at", "solid"))
    return lines


def along(table: pd.DataFrame, x: XAxis, value: str) -> pd.DataFrame:
    """Mean and interval of the value per strategy and round, and where that lies on the x axis."""
    points = curves(table, value)
    if x == "seconds":
        at = table.groupby(["strategy", "round"])["seconds"].mean()
        points["x"] = [float(at[key]) for key in zip(points["strategy"], points["round"], strict=True)]
    else:
        points["x"] = points[x].astype(float)
    return points.sort_values(["strategy", "round"], kind="stable")


def shaded_strategies(shown: Sequence[str], band: bool | Sequence[str] | None) -> list[str]:
    """Whose interval is shaded: more than four bands on top of each other show nothing."""
    if band is None:
        return list(shown) if len(shown) <= 4 else [name for name in shown if name == "rad"]
    if isinstance(band, bool):
        return list(shown) if band else []
    return [name for name in shown if name in band]


def set_x_axis(sketch: Sketch, data: pd.DataFrame, x: XAxis, room: float = 0.2) -> float:
    """Ticks where there are data, room (a share of them) for the names behind; returns where the data end.

    data: with a column x, or one named as the axis.
    """
    at = data["x"] if "x" in data else data[x].astype(float)
    start, end = (float(at.min()), float(at.max())) if len(at) else (0.0, 1.0)
    span = end - start or 1.0
    ticks = sorted(set(at.round(6))) if x != "seconds" else []
    if not 1 <= len(ticks) <= 9:
        step = max(round_step(span / 6), 1.0) if x == "round" else round_step(span / 6)
        ticks = list(np.arange(np.ceil(start / step) * step, end + 1e-9 * span, step))
    sketch.xaxis(
        title_text=X_TITLES[x],
        range=[start - 0.012 * span, end + room * span],
        tickvals=ticks,
        ticktext=[f"{tick:,.6g}" for tick in ticks],
    )
    return end


def set_legend(sketch: Sketch, points: pd.DataFrame, shaded: Sequence[str]) -> None:
    """The legend says what a curve is: how many seeds, and whose interval is shaded."""
    counts = sorted(set(points["n"]))
    text = ""
    if counts and counts[-1] < FEWEST_SEEDS:
        text = few(counts[-1])
    elif counts:
        text = f"mean of {counts[-1]} seeds" if len(counts) == 1 else "mean over the seeds finished"
        names = [strategy_style(name).label for name in shaded]
        if names:
            whose = "" if len(names) == points["strategy"].nunique() else f" of {', '.join(names)}"
            text += f"; shaded: 95% interval{whose}"
    sketch.update_layout(
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.15,
            "yanchor": "top",
            "groupclick": "togglegroup",
            "title": {"text": text, "side": "top", "font": {"size": SMALL_SIZE}},
        },
    )


def accuracy_range(
    bands: pd.DataFrame, means: pd.Series, references: Mapping[str, float] | None, target: float | None
) -> tuple[float, float]:
    """Vertical range: all means, the marks, and the bands as far as they do not squash the curves."""
    marks = [*(references or {}).values(), *([target] if target is not None else [])]
    values = np.concatenate([means.to_numpy(float), np.asarray(marks, float)])
    if len(values) == 0:
        return (0.0, 1.0)
    low, high = _widened(float(np.nanmin(values)), float(np.nanmax(values)), bands, 0.01)
    pad = 0.05 * (high - low) or 0.01
    return (max(-0.005, low - pad), min(1.005, high + pad))


def difference_range(points: pd.DataFrame, bands: pd.DataFrame) -> tuple[float, float]:
    if points.empty:
        return (-1.0, 1.0)
    low, high = min(0.0, float(points["mean"].min())), max(0.0, float(points["mean"].max()))
    low, high = _widened(low, high, bands, 0.5)
    return (low - 0.05 * (high - low), high + 0.05 * (high - low))


def _widened(low: float, high: float, bands: pd.DataFrame, least: float) -> tuple[float, float]:
    """The range stretched for the bands, by half of itself at most."""
    spare = 0.5 * (high - low) + least
    if not bands["low"].notna().any():
        return low, high
    return min(low, max(bands["low"].min(), low - spare)), max(high, min(bands["high"].max(), high + spare))


def draw_curve(
    sketch: Sketch, points: pd.DataFrame, name: str, band: bool, x: XAxis, rank: int, *, same: bool, unit: str = ""
) -> None:
    style = strategy_style(name)
    at = f32(points["x"])
    if band and points["low"].notna().any():
        both = points.dropna(subset=["low"])
        there_and_back = np.concatenate([both["x"], both["x"][::-1]])
        sketch.scatter(
            x=f32(there_and_back),
            y=f32(np.concatenate([both["low"], both["high"][::-1]])),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=rgba(style.color, 0.2 if name == "rad" else 0.1),
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
            name=f"{style.label}, interval",
        )
    number = ":,.1f" if unit else ":.1%"
    count = int(points["n"].max()) if len(points) else 0
    seeds = f"{count} {'seed' if count == 1 else 'seeds'}"
    place = {"labels": "%{x:,.0f} labels", "round": "round %{x:.0f}", "seconds": "%{x:,.0f} s"}[x]
    interval_text = f" (%{{customdata[0]{number}}} to %{{customdata[1]{number}}})<br>%{{customdata[2]:.0f}} seeds"
    interval_text = interval_text if count >= FEWEST_SEEDS else f"<br>{seeds}"
    sketch.scatter(
        x=at,
        y=f32(points["mean"]),
        mode="lines+markers",
        legendgroup=name,
        legendrank=1000 + rank,
        name=style.label if same else f"{style.label} ({seeds})",
        cliponaxis=False,
        line={"color": style.color, "width": style.width, "dash": style.dash},
        marker={"symbol": style.symbol, "size": 10 if name == "rad" else 8, "color": style.color},
        customdata=f32(points[["low", "high", "n"]]),
        hovertemplate=f"<b>{style.label}</b><br>{place}<br>%{{y{number}}}{unit}{interval_text}<extra></extra>",
    )


def draw_muted(sketch: Sketch, rows: pd.DataFrame, name: str, theme: Theme) -> None:
    """A curve behind those that are looked at: thin and gray, what it is where somebody points at it."""
    sketch.scatter(
        x=f32(rows["x"]),
        y=f32(rows["mean"]),
        mode="lines",
        line={"color": ink(theme).line, "width": 1.2},
        opacity=0.7,
        legendgroup=name,
        meta={"color": strategy_style(name).color},
        showlegend=False,
        name=strategy_style(name).label,
        hovertemplate=f"<b>{strategy_style(name).label}</b><br>%{{y:.1%}}<extra></extra>",
    )


def draw_seeds(sketch: Sketch, rows: pd.DataFrame, name: str, x: XAxis, value: str) -> None:
    """Every seed as a thin line; one trace, with gaps between the seeds."""
    style, xs, ys = strategy_style(name), [], []
    for _, group in rows.groupby("seed"):
        group = group.sort_values("round")
        xs += [*group[x], np.nan]
        ys += [*group[value], np.nan]
    sketch.scatter(
        x=f32(xs),
        y=f32(ys),
        mode="lines",
        line={"color": style.color, "width": 1},
        opacity=0.55,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
        name=f"{style.label}, seeds",
    )


def draw_marks(sketch: Sketch, lines: Sequence[Mark], end: float, theme: Theme) -> None:
    """Horizontal lines behind the curves, up to where the data end."""
    start = sketch.layout.xaxis.range[0]
    for line in lines:
        sketch.level(line.level, start, end, layer="below", color=ink(theme).soft, width=1.5, dash=line.dash)


def label_ends(
    sketch: Sketch,
    points: pd.DataFrame,
    shown: Sequence[str],
    lines: Sequence[Mark],
    end: float,
    limits: tuple[float, float],
    height: int,
    theme: Theme,
) -> None:
    """Name every curve and every line where it ends, moved apart where they meet; hiding a curve hides its name."""
    ends = [(name, points[points["strategy"] == name].iloc[-1]) for name in shown if (points["strategy"] == name).any()]
    plot_height = max(1, height - 170)
    gap = (limits[1] - limits[0]) * 19 / plot_height
    # Of two equal ends the first strategy in the palette's order stands above.
    levels = [float(last["mean"]) for _, last in ends] + [line.level for line in lines]
    places = spread(levels[::-1], gap, limits[0] + gap / 2, limits[1] - gap / 2)[::-1]
    width = (sketch.layout.xaxis.range[1] - sketch.layout.xaxis.range[0]) or 1.0
    right = max([end, *(float(last["x"]) for _, last in ends)]) + 0.03 * width
    for (name, last), place in zip(ends, places, strict=False):
        style = strategy_style(name)
        size = 17 if name == "rad" else SMALL_SIZE + 1
        sketch.scatter(
            x=f32([last["x"], right]),
            y=f32([last["mean"], place]),
            mode="lines+text",
            legendgroup=name,
            line={"color": style.color, "width": 1},
            text=["", f"<b>{style.label}</b>" if name == "rad" else short(name)],
            showlegend=False,
            textposition="middle right",
            hoverinfo="skip",
            cliponaxis=False,
            name=f"{style.label}, name",
            textfont={"color": text_color(style.color, theme == "dark"), "size": size},
        )
    for line, place in zip(lines, places[len(ends) :], strict=True):
        sketch.scatter(
            x=f32([end, right]),
            y=f32([line.level, place]),
            mode="lines+text",
            text=["", f"<i>{line.text}</i>"],
            line={"color": ink(theme).soft, "width": 1},
            showlegend=False,
            textposition="middle right",
            hoverinfo="text",
            hovertext=line.meaning,
            cliponaxis=False,
            name=line.text,
            textfont={"color": ink(theme).soft, "size": SMALL_SIZE},
        )
