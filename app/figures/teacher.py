"""Where the teacher errs, and whether it knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.figures.base import Chart, Sketch, Theme, clear_side, draw_average, error_bars, f32, ink, new_sketch, rgba
from app.figures.drawing import Bars
from app.findings.deciles import clopper_pearson, deciles
from app.palette import RIGHT_COLOR
from rad_core.errors import InputError
from rad_core.results.words import percent

_BINS = 10  # of confidence
_LIMITS = ("Share right, low", "Share right, high")


def accuracy_by_decile(
    gains: ArrayLike,
    right: ArrayLike,
    *,
    groups: pd.DataFrame | None = None,
    where: str = "whole pool",
    of: str = "the pool",
    theme: Theme = "light",
    height: int = 440,
) -> Chart:
    """The teacher's accuracy in ten groups of equal size, from the least to the most informative points.

    gains: (N,). right: (N,) bool. groups: tenths of gain, if not `deciles` of these points, whose whiskers are 95 %
    Clopper-Pearson intervals. where: whose points they are. of: what the tenths are of.
    """
    groups, overall = deciles(gains, right) if groups is None else groups, float(np.mean(np.asarray(right)))
    sketch = new_sketch(theme, height)
    least = np.nanmin([groups["low"].min(), groups["share"].min()])
    floor = max(0.0, np.floor((least - 0.03) * 10) / 10)
    sketch.update_layout(
        xaxis={
            "title": {"text": f"Tenth of {of} by gain (10 = most informative)"},
            "dtick": 1,
            "range": [0.4, 10.6],
        },
        yaxis={"title": {"text": "Teacher's accuracy"}, "tickformat": ".0%", "range": [floor, 1.02]},
    )
    whiskers = error_bars(groups["share"], groups["low"], groups["high"], RIGHT_COLOR)
    sketch.scatter(
        x=f32(groups["group"]),
        y=f32(groups["share"]),
        mode="markers+lines",
        line={"width": 2, "color": RIGHT_COLOR},
        marker={"size": 11, "color": RIGHT_COLOR},
        error_y=whiskers,
        customdata=f32(groups[["low_gain", "high_gain", "count"]]),
        hovertemplate="gain %{customdata[0]:.3f} to %{customdata[1]:.3f}<br>right on %{y:.1%} of "
        "%{customdata[2]:,.0f} points<extra></extra>",
    )
    side = clear_side(groups["group"] / 10, groups["share"] - overall)
    draw_average(sketch, overall, f"{where} {percent(overall)}", side, theme, bgcolor=ink(theme).halo)
    first, last = groups["share"].iloc[0], groups["share"].iloc[-1]
    alt = (
        f"The teacher is right on {percent(first)} of the least informative tenth of {of} and on {percent(last)} "
        f"of the most informative one ({percent(overall)} overall)."
    )
    drawing = Bars(
        [str(group) for group in groups["group"]],
        groups["share"].to_numpy(float),
        groups["low"].to_numpy(float),
        groups["high"].to_numpy(float),
        [RIGHT_COLOR] * len(groups),
        "Teacher right",
        "Teacher's accuracy",
        f"Tenth of {of} by gain (10 = most informative)",
        "0%",
        horizontal=False,
    )
    question = "Does the teacher err where labels would be most informative?"
    return Chart(sketch.finish(), _decile_table(groups), question, alt, drawing)


def calibration_chart(
    confidence: ArrayLike,
    right: ArrayLike,
    *,
    fitted: tuple[ArrayLike, ArrayLike],
    theme: Theme = "light",
    height: int = 560,
) -> Chart:
    """The teacher's confidence (its largest probability) against how often it is right, in ten bins of equal width.

    confidence: (N,) between 0 and 1. right: (N,) bool. Whiskers are 95 % Clopper-Pearson intervals; below, how many
    points lie in each bin. fitted: the calibration to draw, ascending confidences and calibrated ones.
    """
    table, error = _calibration_table(confidence, right)
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 40, "t": 48, "b": 60})
    start = max(0.0, float(np.floor((table["Confidence from"].min() - 0.02) * 10) / 10)) if len(table) else 0.0
    sketch.update_layout(
        xaxis={"title": {"text": "Teacher's confidence"}, "range": [start, 1.01], "tickformat": ".0%", "anchor": "y2"},
        yaxis={"domain": [0.3, 1], "title": {"text": "Share right"}, "tickformat": ".0%", "range": [0, 1.03]},
        yaxis2={"domain": [0, 0.2], "title": {"text": "Points"}, "nticks": 3, "anchor": "x", "rangemode": "tozero"},
    )
    color = ink(theme).soft
    sketch.shape(
        type="line", x0=start, x1=1, y0=start, y1=1, line={"color": color, "width": 1.5, "dash": "dash"}, layer="below"
    )
    sketch.note(
        x=1,
        xref="x domain",
        xanchor="right",
        y=1,
        yref="y domain",
        yanchor="bottom",
        yshift=4,
        align="right",
        text="dashed: as confident as it is right<br>solid: calibrated confidence",
        font={"color": color},
    )
    _draw_fit(sketch, np.asarray(fitted[0], np.float64), np.asarray(fitted[1], np.float64), theme)
    low, high = (table[name] for name in _LIMITS)
    sketch.scatter(
        x=f32(table["Mean confidence"]),
        y=f32(table["Share right"]),
        cliponaxis=False,
        mode="markers",
        marker={"size": 11, "color": RIGHT_COLOR},
        error_y=error_bars(table["Share right"], low, high, RIGHT_COLOR),
        customdata=f32(table[["Confidence from", "Confidence to", "Points", *_LIMITS]]),
        hovertemplate="confidence %{customdata[0]:.0%} to %{customdata[1]:.0%}<br>right on %{y:.1%} "
        "(%{customdata[3]:.1%} to %{customdata[4]:.1%})<br>%{customdata[2]:,.0f} points<extra></extra>",
    )
    sketch.bar(
        x=f32((table["Confidence from"] + table["Confidence to"]) / 2),
        y=f32(table["Points"]),
        yaxis="y2",
        width=0.92 / _BINS,
        marker={"color": rgba(RIGHT_COLOR, 0.5), "line": {"width": 0}},
        hovertemplate="%{y:,.0f} points<extra></extra>",
    )
    mean, share = float(np.mean(np.asarray(confidence))), float(np.mean(np.asarray(right)))
    alt = (
        f"The teacher is {percent(mean)} confident on average and right on {percent(share)}; the mean gap between "
        f"confidence and accuracy over the bins is {percent(error)}."
    )
    return Chart(sketch.finish(), table, "Does the teacher know when it is wrong?", alt)


def _draw_fit(sketch: Sketch, x: np.ndarray, y: np.ndarray, theme: Theme) -> None:
    """The calibration as a line through at most 200 of its points, the ends of every step among them."""
    changes = np.flatnonzero(np.diff(y)) if len(y) > 1 else np.empty(0, np.int64)
    keep = np.unique(np.concatenate([[0], changes, changes + 1, [len(x) - 1]])).astype(np.int64)
    keep = keep[np.linspace(0, len(keep) - 1, min(200, len(keep))).round().astype(int)]
    color = ink(theme).text
    sketch.scatter(
        x=f32(x[keep]),
        y=f32(y[keep]),
        mode="lines",
        name="calibration",
        line={"color": color, "width": 2.5},
        hovertemplate="confidence %{x:.1%}, calibrated %{y:.1%}<extra></extra>",
    )


def _calibration_table(confidence: ArrayLike, right: ArrayLike) -> tuple[pd.DataFrame, float]:
    """Bins of equal width and the expected calibration error (mean gap between confidence and accuracy by points).

    The limits of a share are Clopper and Pearson's of 95 %; empty bins are left out.
    """
    c, r = np.asarray(confidence, np.float64), np.asarray(right).astype(bool)
    if c.shape != r.shape or c.ndim != 1 or len(c) == 0:
        raise InputError(f"confidence has shape {c.shape} and right {r.shape}; both must be (N,) with N of 1 or more.")
    # A bin holds its upper end, so that a confidence of exactly 1 lies in the last one.
    number = np.clip(np.ceil(c * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    places, inverse, counts = np.unique(number, return_inverse=True, return_counts=True)
    hits, sums = np.bincount(inverse, weights=r), np.bincount(inverse, weights=c)
    low, high = clopper_pearson(hits, counts)
    table = pd.DataFrame(
        {
            "Confidence from": places / _BINS,
            "Confidence to": (places + 1) / _BINS,
            "Points": counts,
            "Mean confidence": sums / counts,
            "Share right": hits / counts,
            "Share right, low": low,
            "Share right, high": high,
        }
    )
    return table, float(np.abs(sums - hits).sum() / len(c))


def _decile_table(groups: pd.DataFrame) -> pd.DataFrame:
    return groups.rename(
        columns={
            "group": "Tenth (10 = most informative)",
            "low_gain": "Gain from",
            "high_gain": "Gain to",
            "mean_gain": "Mean gain",
            "count": "Points",
            "right": "Teacher right",
            "share": "Accuracy",
            "low": "Accuracy, low",
            "high": "Accuracy, high",
        }
    )
