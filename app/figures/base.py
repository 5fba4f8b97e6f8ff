"""What all figures share: the Chart, the light and dark template, the Plotly configuration, small drawing helpers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from app.figures.drawing import Drawing
from app.palette import rgb
from rad_core.errors import InputError
from rad_core.text import one_line

Theme = Literal["light", "dark"]

FONT = '"Source Sans 3", "Source Sans Pro", "Source Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif'
FONT_SIZE = 16  # axis titles and direct labels, readable on a projector
SMALL_SIZE = 14  # nothing is smaller than this

# For every chart, on a page or in an export. Plotly's own button would upload the figure to its cloud.
PLOTLY_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "scrollZoom": False,
    "responsive": True,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "rad-studio", "width": 1280, "height": 720},
}


def plotly_config(image: Literal["svg", "png"], filename: str) -> dict[str, Any]:
    """PLOTLY_CONFIG whose camera button saves an SVG, or a PNG at twice the screen's resolution."""
    options = {**PLOTLY_CONFIG["toImageButtonOptions"], "format": image, "filename": filename}
    return {**PLOTLY_CONFIG, "toImageButtonOptions": options | ({"scale": 2} if image == "png" else {})}


@dataclass(frozen=True)
class Chart:
    """A figure and what has to come with it.

    figure: without a title, so that a page, a report or a slide can set its own. table: the plotted numbers with
    readable column names. title: the question that the chart answers. alt: its message in one sentence. drawing: what
    it is on a slide and on the stage, where it has a place there.
    """

    figure: go.Figure
    table: pd.DataFrame
    title: str
    alt: str
    drawing: Drawing | None = None


@dataclass(frozen=True)
class Ink:
    """Colors of text and lines on one kind of paper."""

    text: str
    soft: str  # secondary text
    line: str  # axes
    grid: str
    paper: str  # what the transparent figure lies on
    halo: str  # behind labels that cross lines
    hover: str


INKS: dict[str, Ink] = {
    "light": Ink("#1B1F27", "#555B66", "#8A9099", "#E6E8EC", "#FFFFFF", "rgba(255,255,255,0.82)", "#FFFFFF"),
    "dark": Ink("#F2F4F8", "#B3BAC5", "#7C8490", "#2A2F3A", "#0E1117", "rgba(14,17,23,0.82)", "#1C212B"),
}


def ink(theme: Theme) -> Ink:
    """Text and line colors of a theme."""
    if theme not in INKS:
        raise InputError(f"theme is {theme!r}; it must be one of {', '.join(INKS)}.")
    return INKS[theme]


@cache
def _template(theme: Theme) -> go.layout.Template:
    """The house style for one kind of paper: transparent, large type, faint grid."""
    colors = ink(theme)
    axis = {
        "gridcolor": colors.grid,
        "linecolor": colors.line,
        "tickcolor": colors.line,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 5,
        "tickfont": {"size": SMALL_SIZE, "color": colors.soft},
        "title": {"font": {"size": FONT_SIZE, "color": colors.text}, "standoff": 10},
        "automargin": True,
        "separatethousands": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": FONT_SIZE, "color": colors.text},
            "separators": ".,",
            "margin": {"l": 72, "r": 24, "t": 24, "b": 60},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": colors.hover,
                "bordercolor": colors.line,
                "font": {"family": FONT, "size": SMALL_SIZE, "color": colors.text},
                "align": "left",
            },
            "legend": {"font": {"size": SMALL_SIZE}, "bgcolor": "rgba(0,0,0,0)", "itemwidth": 40},
            "annotationdefaults": {"font": {"size": SMALL_SIZE}, "showarrow": False},
            "dragmode": "zoom",
        }
    )


@dataclass
class Sketch:
    """A figure in the making: traces, shapes and notes are collected and handed to Plotly in one go.

    Plotly validates the whole list again with every single addition; together they cost a fraction of that.
    """

    base: go.Figure
    traces: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def layout(self) -> Any:
        return self.base.layout

    def update_layout(self, **changes: Any) -> None:
        self.base.update_layout(**changes)

    def xaxis(self, **changes: Any) -> None:
        self.base.update_layout(xaxis=changes)

    def yaxis(self, **changes: Any) -> None:
        self.base.update_layout(yaxis=changes)

    def scatter(self, **trace: Any) -> None:
        self.traces.append({"type": "scatter", **trace})

    def bar(self, **trace: Any) -> None:
        self.traces.append({"type": "bar", **trace})

    def heatmap(self, **trace: Any) -> None:
        self.traces.append({"type": "heatmap", **trace})

    def shape(self, **shape: Any) -> None:
        self.shapes.append(shape)

    def level(self, y: float, x0: float, x1: float, *, xref: str = "x", layer: str = "above", **line: Any) -> None:
        """A horizontal line. line: its color, width and dash."""
        self.shape(type="line", x0=x0, x1=x1, y0=y, y1=y, xref=xref, layer=layer, line=line)

    def upright(self, x: float, *, layer: str = "above", **line: Any) -> None:
        """A vertical line over the whole height. line: its color, width and dash."""
        self.shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="y domain", layer=layer, line=line)

    def note(self, **annotation: Any) -> None:
        self.notes.append(annotation)

    def beside(self, y: float, text: str, xshift: float, **more: Any) -> None:
        """A text to the right of the field, at a height of its vertical axis. xshift: pixels between the two."""
        self.note(x=1, xref="x domain", xanchor="left", xshift=xshift, y=y, text=text, align="left", **more)

    def finish(self) -> go.Figure:
        """The figure with everything in it, in the order in which it was drawn."""
        self.base.add_traces(self.traces)
        self.base.update_layout(shapes=self.shapes, annotations=self.notes)
        return self.base


def new_sketch(theme: Theme, height: int, **layout: Any) -> Sketch:
    """An empty figure in the house style; height in pixels."""
    return Sketch(go.Figure(layout={"template": _template(theme), "height": height, "showlegend": False, **layout}))


def verbatim(text: str) -> str:
    """Text of others for Plotly, which would read a few HTML tags, entities and %{...} in it."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line.replace("%{", "&#37;{")


def plain(text: str) -> str:
    """A text of a figure without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text))).strip()


def f32(values: ArrayLike) -> np.ndarray:
    """Numbers as they are sent to the browser: float32."""
    return np.ascontiguousarray(values, dtype=np.float32)


def rgba(color: str, alpha: float) -> str:
    """A "#RRGGBB" color with an opacity."""
    red, green, blue = rgb(color)
    return f"rgba({red},{green},{blue},{alpha:g})"


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Move label positions as little as needed so that neighbors keep a gap, in order, between low and high."""
    from scipy.optimize import isotonic_regression

    if not len(positions):
        return np.empty(0)
    wanted = np.asarray(positions, float)
    order = np.argsort(wanted, kind="stable")
    steps = min(gap, (high - low) / max(1, len(wanted) - 1)) * np.arange(len(wanted))
    placed = isotonic_regression(wanted[order] - steps).x + steps
    out = np.empty(len(placed))
    out[order] = placed.clip(low + steps, high - steps[::-1])
    return out


def clear_side(across: ArrayLike, above: ArrayLike) -> float:
    """At which end of a level line its name hides least of what is drawn: 1, the right one, or 0, the left one.

    across: (K,) places of the marks between 0 and 1. above: (K,) how far above the line they lie, on an axis of shares.
    """
    x, y = np.asarray(across, float), np.asarray(above, float)
    hidden = (y > -0.05) & (y < 0.09)  # a line of text, and the names of marks right below it
    return 0.0 if np.sum(hidden & (x < 0.4)) < np.sum(hidden & (x > 0.6)) else 1.0


def draw_average(sketch: Sketch, level: float, text: str, side: float, theme: Theme, **note: Any) -> None:
    """A dotted line across the field, its name above it at one end. side: of the name, as from `clear_side`."""
    color = ink(theme).soft
    sketch.level(level, 0, 1, xref="x domain", layer="below", color=color, width=1.5, dash="dot")
    sketch.note(
        x=side,
        xref="x domain",
        xanchor="right" if side else "left",
        y=level,
        yanchor="bottom",
        font={"color": color},
        text=text,
        **note,
    )


def error_bars(middle: ArrayLike, low: ArrayLike, high: ArrayLike, color: str) -> dict[str, Any]:
    """Error bars from limits; an undefined limit draws none. Scalars or arrays."""
    down, up = np.subtract(middle, low), np.subtract(high, middle)
    return {
        "type": "data",
        "symmetric": False,
        "array": f32(np.atleast_1d(np.nan_to_num(up).clip(0))),
        "arrayminus": f32(np.atleast_1d(np.nan_to_num(down).clip(0))),
        "color": color,
        "thickness": 2,
        "width": 5,
    }


def rows(table: pd.DataFrame) -> list[Any]:
    """The rows of a table, fields as attributes."""
    return list(table.itertuples(index=False))
