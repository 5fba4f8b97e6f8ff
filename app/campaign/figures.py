"""The charts of a campaign: measured accuracy over money, how sure the teacher is, how often it is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.figures import Chart, Theme
from app.figures.base import error_bars, f32, ink, new_sketch, rows, verbatim
from app.palette import RIGHT_COLOR, STRATEGY_STYLES
from rad_core.results.words import count, percent

MOST_POINTS = 1000  # drawn; the table has all
_OURS = STRATEGY_STYLES["rad"].color


def measured(table: pd.DataFrame, x: str, currency: str, theme: Theme) -> Chart:
    """Accuracy over money ("cost") or labels. table: as `reading.scores` gives it, one row or more."""
    unit = f" ({currency})" if currency else ""
    title = f"Money spent{verbatim(unit)}" if x == "cost" else "Labels bought"
    sketch = new_sketch(theme, 380)
    low = float(np.nanmin([table["low"].min(), table["accuracy"].min()]))
    high = float(np.nanmax([table["high"].max(), table["accuracy"].max()]))
    pad = max(0.01, 0.06 * (high - low))
    end = float(table[x].max())
    sketch.xaxis(title_text=title, range=[-0.03 * (end or 1), 1.06 * (end or 1)])
    sketch.yaxis(
        title_text="Accuracy on your test examples", tickformat=".1~%", range=[max(0, low - pad), min(1, high + pad)]
    )
    free = table[table["labels"] == 0]["accuracy"]
    if len(free):
        level = float(free.iloc[-1])
        sketch.shape(
            type="line", xref="paper", x0=0, x1=1, y0=level, y1=level, line={"color": ink(theme).soft, "dash": "dot"}
        )
        sketch.note(
            xref="paper",
            x=1,
            y=level,
            xanchor="right",
            yanchor="top",
            text=f"without any bought label {percent(level)}",
        )
    sketch.scatter(
        x=f32(table[x]),
        y=f32(table["accuracy"]),
        mode="lines+markers",
        line={"color": _OURS, "width": 3},
        marker={"size": 10, "color": _OURS, "line": {"color": ink(theme).paper, "width": 1.5}},
        error_y=error_bars(
            table["accuracy"], table["low"].fillna(table["accuracy"]), table["high"].fillna(table["accuracy"]), _OURS
        ),
        customdata=[
            f"{labels:,} labels, round {number}" for labels, number in zip(table["labels"], table["round"], strict=True)
        ],
        hovertemplate="%{y:.1%} after %{customdata}<extra></extra>",
    )
    last = table.iloc[-1]
    return Chart(
        sketch.finish(),
        pd.DataFrame(
            {
                "Round": table["round"],
                "Labels": table["labels"],
                f"Money{unit}": table["cost"],
                "Accuracy": table["accuracy"],
                "low": table["low"],
                "high": table["high"],
                "Tested on": table["total"],
            }
        ),
        "What did the money do to accuracy?",
        f"Measured accuracy of the student over {title.lower()}: {percent(float(last['accuracy']))} after "
        f"{count(int(last['labels']), 'label')}.",
    )


def sureness(table: pd.DataFrame, names: Sequence[str], level: np.ndarray, title: str, theme: Theme) -> Chart:
    """What each bought label would teach against how sure the teacher was of it.

    table: as `reading.bought` gives it, rows with a level. names: (n,) ids. level: (n,) in [0, 1], called `title`.
    """
    step = max(1, -(-len(table) // MOST_POINTS))
    shown = table.iloc[::step]
    sketch = new_sketch(theme, 440)
    sketch.xaxis(title_text="Informativeness when it was asked for (gain)", range=[-0.02, 1.02], tickformat=".1f")
    sketch.yaxis(title_text=title, range=[min(0.48, float(level.min()) - 0.03), 1.03], tickformat=".0%")
    sketch.scatter(
        x=f32(shown["gain"]),
        y=f32(level[::step]),
        mode="markers",
        marker={"size": 8, "color": _OURS, "opacity": 0.75, "line": {"color": ink(theme).paper, "width": 1}},
        customdata=[
            f"{verbatim(name)}: {verbatim(answer)}, round {number}"
            for name, answer, number in zip(names[::step], shown["answer"], shown["round"], strict=True)
        ],
        hovertemplate="%{customdata}<br>gain %{x:.2f}, %{y:.1%}<extra></extra>",
    )
    return Chart(
        sketch.finish(),
        pd.DataFrame(
            {
                "Id": list(names),
                "Round": table["round"],
                "Gain": table["gain"],
                "Answer": table["answer"],
                title: level,
            }
        ),
        "How sure is the teacher where the student learns most?",
        f"{count(len(table), 'bought label')}: the teacher's confidence against what each would teach; in the mean "
        f"{percent(float(level.mean()))}.",
    )


def estimated(table: pd.DataFrame, theme: Theme) -> Chart:
    """How often the teacher is right, as estimated, with 95 % intervals. table: as `reading.estimates` gives it."""
    sketch = new_sketch(theme, 110 + 52 * len(table), margin={"l": 90, "r": 20, "t": 12, "b": 60})
    low = float(table["low"].min())
    sketch.xaxis(
        title_text="Teacher right (estimates)",
        tickformat=".0%",
        range=[max(0.0, low - 0.04), 1.01],
        showgrid=True,
    )
    sketch.yaxis(autorange="reversed", showgrid=False)
    colors = [RIGHT_COLOR if number == 0 else _OURS for number in range(len(table))]
    for row, color in zip(rows(table), colors, strict=True):
        sketch.scatter(
            x=f32([row.share]),
            y=[row.about],
            mode="markers",
            marker={"size": 12, "color": color, "symbol": "circle" if color == RIGHT_COLOR else "diamond"},
            error_x=error_bars(row.share, row.low, row.high, color),
            hovertemplate=f"{row.about}: {percent(row.share)} [{percent(row.low)}, {percent(row.high)}]<extra></extra>",
        )
    first = table.iloc[0]
    return Chart(
        sketch.finish(),
        pd.DataFrame(
            {
                "Of": table["about"],
                "Teacher right": table["share"],
                "low": table["low"],
                "high": table["high"],
                "Examples behind it": table["examples"].round(1),
            }
        ),
        "How often is the teacher right?",
        f"Estimates: {first['about']} {percent(float(first['share']))}, and the picks of {len(table) - 1} rounds.",
    )


def fitted(confidence: np.ndarray, share: np.ndarray, theme: Theme) -> Chart:
    """The isotonic fit: how often the teacher was right on checked examples, by its confidence. Both (K,)."""
    sketch = new_sketch(theme, 360)
    sketch.xaxis(title_text="The teacher's own confidence", tickformat=".0%")
    sketch.yaxis(title_text="Estimated chance that it is right", tickformat=".0%", range=[0, 1.03])
    diagonal = [float(confidence.min()), 1.0]
    sketch.scatter(
        x=diagonal, y=diagonal, mode="lines", line={"color": ink(theme).soft, "dash": "dot"}, hoverinfo="skip"
    )
    sketch.scatter(
        x=f32(confidence),
        y=f32(share),
        mode="lines+markers",
        line={"color": RIGHT_COLOR, "width": 3},
        hovertemplate="at %{x:.1%}: right %{y:.1%}<extra></extra>",
    )
    return Chart(
        sketch.finish(),
        pd.DataFrame({"Confidence": confidence, "Right": share}),
        "What is its confidence worth?",
        "How often the teacher was right on checked examples by its own confidence, never falling.",
    )
