"""Informative against correct: where the pool lies, how the teacher fares, and what every strategy picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.figures.base import (
    SMALL_SIZE,
    Chart,
    Sketch,
    Theme,
    clear_side,
    draw_average,
    error_bars,
    f32,
    ink,
    new_sketch,
    rgba,
    rows,
)
from app.figures.drawing import XY, Series, short, whole_steps
from app.figures.raster import density_raster, layout_image
from app.findings.deciles import deciles, pareto, summarize_picks
from app.findings.words import number
from app.palette import (
    RIGHT_COLOR,
    RIGHT_LABEL,
    WRONG_COLOR,
    WRONG_LABEL,
    strategy_label,
    strategy_order,
    strategy_style,
    text_color,
)
from rad_core.errors import InputError
from rad_core.results.words import percent
from rad_core.selection.strategies import ORACLES

_BINS = 48


def tradeoff_chart(
    gains: ArrayLike,
    right: ArrayLike | None,
    picks: pd.DataFrame,
    *,
    confidence: ArrayLike | None = None,
    level: ArrayLike | None = None,
    level_name: str = "Its calibrated confidence",
    groups: pd.DataFrame | None = None,
    where: str = "the whole pool",
    of: str = "the pool",
    narrow: bool = False,
    theme: Theme = "light",
    height: int = 680,
) -> Chart:
    """The pool's gains against the teacher's correctness, and each strategy's picks as one point with error bars.

    gains: (N,). right: (N,) bool, where the teacher is right, or None where nobody knows. picks: columns strategy,
    seed, gain and right, one row per bought point (right is NaN for mixtures). confidence: (N,) the teacher's
    probability of the true class, if it is to lie behind as a density; NaN: a point that is not in the density. level:
    (N,) between 0 and 1, another measure of correctness to take the vertical axis, called level_name; right in picks
    is then that measure. groups: tenths of gain, if not `deciles` of these points. where: whose points they are. of:
    the same in short, what the tenths are of. narrow: for half a page, in fewer words.
    """
    g = np.asarray(gains, np.float64)
    r = None if right is None else np.asarray(right).astype(bool)
    vertical = r if level is None else np.asarray(level, np.float64)
    if vertical is None or g.ndim != 1 or g.shape != vertical.shape or (r is not None and r.shape != g.shape):
        shapes = [None if values is None else np.shape(values) for values in (gains, right, level)]
        raise InputError(f"gains, right and level have shapes {shapes}; they must be (N,), and one may be missing.")
    groups, points = deciles(g, vertical) if groups is None else groups, summarize_picks(picks)
    points = points.set_index("strategy").loc[strategy_order(list(points["strategy"]))].reset_index()
    points["frontier"] = _on_frontier(points)
    behind = confidence if level is None else vertical
    low = _floor(groups, points, behind)
    edge, title = max(1.0, float(g.max(initial=0.0))), _Y_TITLE if level is None else level_name
    sketch = _paper(theme, height, edge, low, title, behind is not None)
    if behind is not None:
        colors = (WRONG_COLOR, RIGHT_COLOR) if r is not None else (ink(theme).soft,)
        kinds = None if r is None else r.astype(int)
        known = np.isfinite(np.asarray(behind, np.float64))
        seen = None if kinds is None else kinds[known]
        source = density_raster(
            g[known], np.asarray(behind)[known], seen, colors, theme, x_range=(0, edge), blur=1.6, opacity=0.7
        )
        sketch.update_layout(images=[layout_image(source, (0.0, edge), (0.0, 1.0))])
        if level is None:
            text = "<span style='font-size:14px'>behind: its probability of the true class</span>"
            sketch.update_layout(yaxis_title_text=f"{title}<br>{text}")
        _draw_ridges(sketch, np.asarray(behind)[known], None if r is None else r[known], 1.0, theme, above=False)
    _draw_ridges(sketch, g, r, edge, theme, above=True)
    _name_ridges(sketch, r, len(g), theme, of, narrow=narrow)
    _draw_deciles(sketch, groups, theme, of, "teacher right on" if level is None else "on average")
    average = float(vertical.mean())
    text = f"{'teacher on ' if level is None and not narrow else ''}{where} {percent(average)}"
    drawn_x, drawn_y = pd.concat([groups["mean_gain"], points["gain"]]), pd.concat([groups["share"], points["right"]])
    draw_average(sketch, average, text, clear_side(drawn_x / edge, drawn_y - average), theme)
    _draw_frontier(sketch, points, theme)
    words = "teacher right on" if level is None else f"{level_name.lower()}:"
    _draw_points(sketch, points, low, theme, words, 2.6 * _LETTER if narrow else _LETTER)
    _explain(sketch, theme, of, narrow=narrow)
    what = "share of them that the teacher got right" if level is None else f"{level_name.lower()} on them"
    alt = _points_alt(points, f"{where} {percent(average)}", what)
    return Chart(sketch.finish(), _points_table(points), _TITLE, alt, _drawing(points, title))


def _drawing(points: pd.DataFrame, title: str) -> XY:
    """The picks of every strategy as a point with its intervals."""
    series = []
    for point in rows(points[points["right"].notna()]):
        numbers = (point.gain, point.right, point.right_low, point.right_high, point.gain_low, point.gain_high)
        x, y, low, high, left, right = (np.array([value], float) for value in numbers)
        name = str(point.strategy)
        series.append(Series(short(name), strategy_style(name), x, y, low, high, left, right, line=False))
    across = [part for each in series for part in (each.x, each.left, each.right)]
    above = [part for each in series for part in (each.y, each.low, each.high)]
    return XY(series, "Gain (how informative)", title, "0.0", "0%", whole_steps(*across), whole_steps(*above))


_TITLE = "Who buys labels that are informative and right?"
_Y_TITLE = "Share that the teacher gets right"
_MAIN = 0.77  # share of the height below the distribution of gains


def _paper(theme: Theme, height: int, edge: float, low: float, title: str, side: bool) -> Sketch:
    """Axes of the main field, of the distribution of gains above it and, if wanted, of the one beside it."""
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 24 if side else 40, "t": 30, "b": 60})
    xaxis = {"range": [-0.01 * edge, 1.01 * edge], "anchor": "y", "title": {"text": "Gain (how informative)"}}
    beside = {
        "domain": [0.9, 1],
        "anchor": "y",
        "showticklabels": False,
        "ticks": "",
        "rangemode": "tozero",
        "title": {"text": "Share"},
    }
    sketch.update_layout(
        xaxis=xaxis | ({"domain": [0, 0.88]} if side else {}),
        yaxis={"domain": [0, _MAIN], "range": [low, 1.02], "tickformat": ".0%", "title": {"text": title}},
        yaxis2={
            "domain": [0.83, 1],
            "nticks": 3,
            "title": {"text": "Share"},
            "anchor": "x",
            "tickformat": ".0%",
            "rangemode": "tozero",
        },
        **({"xaxis2": beside} if side else {}),
    )
    return sketch


# --- parts --------------------------------------------------------------------------------------------------------


def _floor(groups: pd.DataFrame, points: pd.DataFrame, behind: ArrayLike | None) -> float:
    """Where the vertical axis begins: a tenth below everything that is drawn."""
    least = [groups["low"].min(), groups["share"].min(), points["right_low"].min(), points["right"].min(), 0.9]
    if behind is not None:
        least.append(np.quantile(np.asarray(behind), 0.002))
    return float(max(0.0, np.floor((np.nanmin(least) - 0.04) * 10) / 10))


def _ridges(r: np.ndarray | None, n: int, theme: Theme) -> list[tuple[np.ndarray, str, str]]:
    """Which points belong together, their color and what they are called."""
    if r is None:
        return [(np.ones(n, bool), ink(theme).soft, "the pool")]
    return [(r, RIGHT_COLOR, RIGHT_LABEL), (~r, WRONG_COLOR, WRONG_LABEL)]


def _look(color: str, label: str) -> dict[str, Any]:
    """Line and filling of a ridge; the wrong ones are striped."""
    wrong = label == WRONG_LABEL
    stripes = {"shape": "/", "size": 7, "solidity": 0.25, "fgcolor": WRONG_COLOR, "bgcolor": "rgba(0,0,0,0)"}
    return {
        "mode": "lines",
        "name": label,
        "fillcolor": rgba(color, 0.3),
        "fillpattern": stripes if wrong else {},
        "line": {"color": color, "width": 2, "shape": "hvh", "dash": "dash" if wrong else "solid"},
    }


def _draw_ridges(
    sketch: Sketch, values: np.ndarray, r: np.ndarray | None, end: float, theme: Theme, *, above: bool
) -> None:
    """Where the points lie that the teacher gets right, and those it gets wrong: ridges of equal area.

    above: of gains, above the field; otherwise of the density's values, beside it. end: of the values.
    """
    ends = np.linspace(0.0, end, _BINS + 1)
    middle = f32((ends[1:] + ends[:-1]) / 2)
    for mask, color, label in _ridges(r, len(values), theme):
        share, look = f32(np.histogram(values[mask], ends)[0] / max(1, np.count_nonzero(mask))), _look(color, label)
        if above:
            look |= {"x": middle, "y": share, "yaxis": "y2", "fill": "tozeroy"}
            said = "gain about %{x:.2f}: %{y:.1%}"
        else:
            look |= {"x": share, "y": middle, "xaxis": "x2", "fill": "tozerox"}
            look["line"]["shape"] = "linear"
            said = "about %{y:.0%}: %{x:.1%}"
        sketch.scatter(**look, hovertemplate=f"{label}<br>{said} of these points<extra></extra>")


def _name_ridges(sketch: Sketch, r: np.ndarray | None, n: int, theme: Theme, of: str, *, narrow: bool) -> None:
    """What the ridges above the field are of, each in its color."""
    parts = []
    for mask, color, label in _ridges(r, n, theme):
        tone, count = text_color(color, theme == "dark"), f"{np.count_nonzero(mask):,}{'' if narrow else ' points'}"
        parts.append(f'<span style="color:{tone}"><b>{label}</b> ({count})</span>')
    sketch.note(
        x=1,
        xref="x domain",
        xanchor="right",
        y=1,
        yref="y2 domain",
        yanchor="bottom",
        yshift=2,
        text=f"{'' if narrow else ('where the pool lies' if of == 'the pool' else of) + ': '}{', '.join(parts)}",
    )


def _draw_deciles(sketch: Sketch, groups: pd.DataFrame, theme: Theme, of: str, words: str) -> None:
    color = ink(theme).soft
    for edge, fill in (("low", None), ("high", "tonexty")):
        sketch.scatter(
            x=f32(groups["mean_gain"]),
            y=f32(groups[edge]),
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=rgba(color, 0.16),
            hoverinfo="skip",
        )
    sketch.scatter(
        x=f32(groups["mean_gain"]),
        y=f32(groups["share"]),
        mode="lines+markers",
        name=f"{of.removeprefix('the ')} by tenth of gain",
        line={"color": color, "width": 2},
        marker={"symbol": "line-ns-open", "size": 8, "color": color},
        customdata=f32(groups[["low_gain", "high_gain", "count", "low", "high"]]),
        hovertemplate=f"{of}, gain " + "%{customdata[0]:.3f} to %{customdata[1]:.3f}<br>" + words + " %{y:.1%} "
        "(%{customdata[3]:.1%} to %{customdata[4]:.1%})<br>%{customdata[2]:,.0f} points<extra></extra>",
    )


def _on_frontier(points: pd.DataFrame) -> np.ndarray:
    """Which strategies no other one beats on both axes; the oracle does not compete."""
    found, own = np.zeros(len(points), bool), np.flatnonzero(~points["strategy"].isin(ORACLES))
    found[own[pareto(points["gain"].iloc[own], points["right"].iloc[own])]] = True
    return found


def _draw_frontier(sketch: Sketch, points: pd.DataFrame, theme: Theme) -> None:
    best = points[points["frontier"]].sort_values("gain")
    if len(best) > 1:
        sketch.scatter(
            x=f32(best["gain"]),
            y=f32(best["right"]),
            mode="lines",
            hoverinfo="skip",
            name="frontier",
            line={"color": ink(theme).text, "width": 1.5, "dash": "dash"},
        )


def _explain(sketch: Sketch, theme: Theme, of: str, *, narrow: bool) -> None:
    lines = [f"grey: {of} by tenths of gain, with 95% interval", "dashed: no strategy beats these on both axes"]
    if narrow:
        lines = [f"grey: {of} by tenths of gain", "dashed: unbeaten on both axes"]
    sketch.note(
        x=0.01,
        xref="x domain",
        xanchor="left",
        y=0.02,
        yref="y domain",
        yanchor="bottom",
        align="left",
        text="<br>".join(lines),
        font={"color": ink(theme).soft},
    )


def _draw_points(sketch: Sketch, points: pd.DataFrame, low: float, theme: Theme, words: str, letter: float) -> None:
    defined = points["right"].notna()
    shown = points[defined]
    lengths = [len(short(name)) for name in shown["strategy"]]
    sides = _label_sides(shown["gain"].to_numpy(), shown["right"].to_numpy() - low, 1.02 - low, lengths, letter)
    places = dict(zip(points.loc[defined, "strategy"], sides, strict=True))
    for row in rows(points.sort_values("strategy", key=lambda names: names == "rad")):
        style = strategy_style(str(row.strategy))
        mixture = not np.isfinite(row.right)
        big = row.strategy == "rad"
        sketch.scatter(
            x=f32([row.gain]),
            y=f32([low + 0.02 * (1 - low) if mixture else row.right]),
            mode="markers+text",
            name=style.label,
            cliponaxis=False,
            text=[_point_label(str(row.strategy), mixture, big)],
            textposition="top center" if mixture else places[row.strategy],
            textfont={
                "size": 18 if big else SMALL_SIZE + 1,
                "color": text_color(style.color, theme == "dark"),
                "shadow": ", ".join([f"0 0 3px {ink(theme).paper}"] * 3),
            },
            marker={
                "symbol": style.symbol,
                "size": 18 if big else 14,
                "color": style.color,
                "line": {
                    "width": 2 if row.strategy in ORACLES else 1.5,
                    "color": style.color if row.strategy in ORACLES else ink(theme).paper,
                },
            },
            error_x=error_bars(row.gain, row.gain_low, row.gain_high, style.color),
            error_y=error_bars(row.right, row.right_low, row.right_high, style.color),
            hovertemplate=_point_hover(row, style.label, mixture, words),
        )


def _point_label(name: str, mixture: bool, big: bool) -> str:
    text = f"<b>{short(name)}</b>" if big else short(name)
    return f"{text} (mixtures: right or wrong is undefined)" if mixture else text


def _point_hover(row: Any, label: str, mixture: bool, words: str) -> str:
    right = "right or wrong is undefined for mixtures"
    if not mixture:
        right = f"{words} {percent(row.right)} ({percent(row.right_low)} to {percent(row.right_high)})"
    count = f"{row.seeds} seeds" if row.over == "seeds" else f"1 seed, {row.picks:,} picks"
    gain = f"mean gain {row.gain:.3f} ({row.gain_low:.3f} to {row.gain_high:.3f})"
    return f"<b>{label}</b><br>{gain}<br>{right}<br>{count}<extra></extra>"


_SIDES = {
    "top right": (0.5, 0.5),
    "bottom right": (0.5, -0.5),
    "top left": (-0.5, 0.5),
    "bottom left": (-0.5, -0.5),
    "middle right": (0.5, 0.0),
    "middle left": (-0.5, 0.0),
    "top center": (0.0, 0.5),
    "bottom center": (0.0, -0.5),
}
_LETTER, _LINE, _MARK = 0.0125, 0.055, 0.02  # sizes of a letter, a line and half a symbol, as shares of the field


def _label_sides(x: np.ndarray, y: np.ndarray, height: float, lengths: Sequence[int], letter: float) -> list[str]:
    """For each point the side on which its label covers least of the other points and labels.

    x, y: (S,) places, x as a share of the width; height: of the field in units of y; lengths: letters of each label;
    letter: width of one as a share of the field.
    """
    marks = [(float(a), float(b) / height, _MARK, 1.6 * _MARK) for a, b in zip(x, y, strict=True)]
    labels: list[tuple[float, float, float, float]] = []
    chosen = []
    for i, (a, b, _, _) in enumerate(marks):
        wide, best = lengths[i] * letter / 2, (np.inf, "", (0.0, 0.0, 0.0, 0.0))
        for side, (dx, dy) in _SIDES.items():
            box = (a + dx * 2 * (wide + _MARK), b + dy * (_LINE + 2.2 * _MARK), wide, _LINE / 2)
            others = [*marks[:i], *marks[i + 1 :], *labels]
            outside = (
                max(0.0, box[0] + wide - 1) + max(0.0, wide - box[0]) + max(0.0, box[1] + _LINE / 2 - 1.02 / height)
            )
            cost = sum(_covered(box, other) for other in others) + 10 * outside
            if cost < best[0] - 1e-9:
                best = (cost, side, box)
        chosen.append(best[1])
        labels.append(best[2])
    return chosen


def _covered(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Area that two boxes share; a box is its middle and half its sides."""
    wide = one[2] + other[2] - abs(one[0] - other[0])
    high = one[3] + other[3] - abs(one[1] - other[1])
    return max(0.0, wide) * max(0.0, high)


def _points_table(points: pd.DataFrame) -> pd.DataFrame:
    named = points.assign(strategy=[strategy_label(name) for name in points["strategy"]])
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


def _points_alt(points: pd.DataFrame, average: str, what: str) -> str:
    parts = [
        f"{strategy_label(str(row.strategy))} {number(row.gain, 2)} and {percent(row.right)}"
        for row in rows(points)
        if np.isfinite(row.right)
    ]
    return f"Mean gain of the picks and {what} ({average}): {'; '.join(parts)}."
