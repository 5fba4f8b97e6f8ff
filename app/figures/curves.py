"""Accuracy as labels are bought: mean and interval over seeds, reference lines, differences to a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from app.figures.base import Chart, Theme, new_sketch, rows
from app.figures.curve_parts import (
    X_TITLES,
    Mark,
    XAxis,
    accuracy_range,
    along,
    difference_range,
    draw_curve,
    draw_marks,
    draw_muted,
    draw_seeds,
    label_ends,
    marks,
    set_legend,
    set_x_axis,
    shaded_strategies,
)
from app.figures.drawing import XY, Series, level_line, short, whole_steps
from app.palette import strategy_label, strategy_order, strategy_style
from rad_core.errors import InputError
from rad_core.results.summary import interval
from rad_core.results.words import percent

_QUESTIONS = {
    "labels": "How accurate does the student become for the labels it buys?",
    "round": "How accurate does the student become, round by round?",
    "seconds": "How accurate does the student become for the time it takes?",
}


def accuracy_curves(
    table: pd.DataFrame,
    x: XAxis = "labels",
    *,
    strategies: Sequence[str] | None = None,
    references: Mapping[str, float] | None = None,
    target: float | None = None,
    band: bool | Sequence[str] | None = None,
    muted: Sequence[str] = (),
    seeds: bool = False,
    value: str = "accuracy",
    value_title: str = "Accuracy on the test set",
    theme: Theme = "light",
    height: int = 560,
    y_range: tuple[float, float] | None = None,
) -> Chart:
    """Accuracy of every strategy by labels bought, round or time: mean over seeds with its 95 % t interval as a band.

    table: columns strategy, seed, round, labels and value, one row per finished round (and seconds, summed up, if x is
    "seconds"). strategies: which to show, all by default. references: accuracies of "teacher", "student_full" and
    "student_labeled" for horizontal lines. target: an accuracy to mark. band: whose intervals to shade, all, none or a
    list; by default all of up to four strategies, else RAD's alone. muted: strategies drawn in gray behind the others,
    named only where somebody points at them. seeds: draw each seed as a thin line. y_range: the
    vertical range, for charts to be compared.
    """
    if x not in X_TITLES:
        raise InputError(f"x is {x!r}; it must be one of {', '.join(X_TITLES)}.")
    shown = strategy_order(list(table["strategy"]))
    gray = [name for name in shown if name in muted and name not in (strategies or ())]
    shown = [name for name in shown if (strategies is None or name in strategies) and name not in gray]
    table = table[table["strategy"].isin([*shown, *gray])].dropna(subset=[value])
    every = along(table, x, value)
    points = every[every["strategy"].isin(shown)]
    shaded = shaded_strategies(shown, band)
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 40, "t": 24, "b": 64})
    low, high = y_range or accuracy_range(points[points["strategy"].isin(shaded)], every["mean"], references, target)
    if seeds and y_range is None and len(table):
        low, high = min(low, float(table[value].min()) - 0.005), max(high, float(table[value].max()) + 0.005)
    lines = marks(references or {}, target)
    end = set_x_axis(sketch, table if seeds else points, x, 0.26 if lines else 0.2)
    sketch.yaxis(title_text=value_title, tickformat=".1~%", range=[low, high])
    set_legend(sketch, points, shaded)
    draw_marks(sketch, lines, end, theme)
    for name in gray:
        draw_muted(sketch, every[every["strategy"] == name], name, theme)
    # The most important curve is drawn last, on top; the legend keeps the palette's order.
    for name in sorted(shown, key=lambda name: name == "rad"):
        curve = points[points["strategy"] == name]
        if seeds:
            draw_seeds(sketch, table[table["strategy"] == name], name, x, value)
        draw_curve(sketch, curve, name, name in shaded, x, shown.index(name), same=points["n"].nunique() == 1)
    label_ends(sketch, points, shown, lines, end, (low, high), height, theme)
    alt = _curve_alt(points, shown)
    if lines:
        alt += f" For reference: {', '.join(line.text for line in lines)}."
    drawing = _curve_drawing(points, shown, lines, x, value_title)
    return Chart(sketch.finish(), _curve_table(every, x, value_title), _QUESTIONS[x], alt, drawing)


def round_delta_chart(
    table: pd.DataFrame,
    baseline: str = "uniform",
    *,
    strategies: Sequence[str] | None = None,
    theme: Theme = "light",
) -> Chart:
    """Accuracy of every strategy minus that of a baseline, by labels, paired by seed and round; 95 % t intervals.

    table: as for `accuracy_curves`.
    """
    wide = table.pivot_table(index=["seed", "round"], columns="strategy", values="accuracy")
    if baseline not in wide:
        raise InputError(f"baseline is {baseline!r}; the table has {', '.join(map(str, wide.columns))}.")
    shown = [name for name in strategy_order(list(wide.columns)) if name != baseline]
    shown = [name for name in shown if strategies is None or name in strategies]
    deltas = _differences(wide, shown, baseline)
    deltas["x"] = deltas["round"].map(table.groupby("round")["labels"].mean())
    base, height = strategy_style(baseline), 520
    label = base.label
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 40, "t": 24, "b": 60})
    shaded = shaded_strategies(shown, None)
    low, high = difference_range(deltas, deltas[deltas["strategy"].isin(shaded)])
    end = set_x_axis(sketch, deltas, "labels")
    sketch.yaxis(title_text=f"Accuracy minus {label} (percentage points)", range=[low, high])
    set_legend(sketch, deltas, shaded)
    sketch.level(0, 0, end, layer="below", color=base.color, width=2, dash=base.dash)
    for name in sorted(shown, key=lambda name: name == "rad"):
        curve = deltas[deltas["strategy"] == name]
        same = deltas["n"].nunique() == 1
        draw_curve(sketch, curve, name, name in shaded, "labels", shown.index(name), same=same, unit=" points")
    label_ends(sketch, deltas, shown, [], end, (low, high), height, theme)
    last = deltas[deltas["round"] == deltas["round"].max()] if len(deltas) else deltas
    parts = [f"{strategy_label(str(row.strategy))} {row.mean:+.1f}" for row in rows(last)]
    return Chart(
        sketch.finish(),
        _delta_table(deltas, label),
        f"How far ahead of {label} is each strategy, round by round?",
        f"After the last round, in percentage points of accuracy above {label}: {', '.join(parts)}.",
    )


# --- words and tables -------------------------------------------------------------------------------------------


def _differences(wide: pd.DataFrame, shown: Sequence[str], baseline: str) -> pd.DataFrame:
    """Mean and interval per strategy and round of the difference to the baseline, in percentage points."""
    rows = []
    for name in shown:
        for number, values in (wide[name] - wide[baseline]).dropna().groupby(level="round"):
            ours = interval(100 * values)
            rows.append((name, number, ours.mean, ours.low, ours.high, ours.n))
    return pd.DataFrame(rows, columns=["strategy", "round", "mean", "low", "high", "n"])


def _curve_drawing(points: pd.DataFrame, shown: Sequence[str], lines: Sequence[Mark], x: XAxis, title: str) -> XY:
    """At most three curves have their intervals; of more, RAD's alone."""
    series = []
    for name in shown:
        mine = points[points["strategy"] == name]
        spread = (mine["low"].to_numpy(), mine["high"].to_numpy()) if len(shown) <= 3 or name == "rad" else (None, None)
        style = strategy_style(name)
        series.append(Series(short(name), style, mine["x"].to_numpy(), mine["mean"].to_numpy(), *spread))
    ends = (float(points["x"].min()), float(points["x"].max())) if len(points) else (0.0, 1.0)
    series += [level_line(line.text, line.level, line.dash, ends) for line in lines]
    heights = [part for each in series for part in (each.y, each.low, each.high)]
    return XY(series, X_TITLES[x], title, "#,##0", "0%", whole_steps(*ends), whole_steps(*heights))


def _curve_alt(points: pd.DataFrame, shown: Sequence[str]) -> str:
    if points.empty:
        return "No round has finished yet."
    parts = []
    for name in shown:
        last = points[points["strategy"] == name].iloc[-1]
        spread_ = f" ({percent(last['low'])} to {percent(last['high'])})" if np.isfinite(last["low"]) else ""
        parts.append(f"{strategy_label(name)} {percent(last['mean'])}{spread_}")
    return f"After the last finished round, mean over seeds: {'; '.join(parts)}."


def _curve_table(points: pd.DataFrame, x: XAxis, value_title: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Strategy": [strategy_label(name) for name in points["strategy"]],
            "Round": points["round"].to_numpy(),
            "Soft labels": points["labels"].to_numpy(),
            **({"Seconds": points["x"].to_numpy()} if x == "seconds" else {}),
            value_title: points["mean"].to_numpy(),
            "95% interval, low": points["low"].to_numpy(),
            "95% interval, high": points["high"].to_numpy(),
            "Seeds": points["n"].to_numpy(),
        }
    )


def _delta_table(deltas: pd.DataFrame, label: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Strategy": [strategy_label(name) for name in deltas["strategy"]],
            "Round": deltas["round"],
            X_TITLES["labels"]: deltas["x"],
            f"Accuracy minus {label} (points)": deltas["mean"],
            "95% interval, low": deltas["low"],
            "95% interval, high": deltas["high"],
            "Seeds": deltas["n"],
        }
    )
