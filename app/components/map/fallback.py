"""The map for browsers without WebGL, and for export: the pool as a picture, some picks as vector points on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.components.map.geometry import resolve
from app.components.map.model import MISSING, STEPS, MapColoring, MapLayer, Selection
from app.figures.base import Chart, Sketch, Theme, f32, ink, new_sketch, verbatim
from app.figures.raster import density_raster, layout_image
from app.palette import OTHER_COLOR, text_color
from rad_core.errors import InputError

MOST_POINTS = 1_000  # vector points of one layer; more make the browser slow
_PIXELS, _FEW_PIXELS = 360, 96  # of the raster's longer side: fewer for a small pool, whose points are then larger
_MANY = 20_000  # points from which the raster has all its pixels


def fallback_chart(
    points: ArrayLike,
    coloring: MapColoring,
    picks: Sequence[MapLayer],
    *,
    round: int | None = None,  # noqa: A002 - as the studies name it
    selection: Selection | None = None,
    theme: Theme = "light",
    height: int = 520,
) -> Chart:
    """The map as a chart: the pool's density in its colors, at most 1,000 picks of every layer on it.

    points: (N, 2). round: shows the picks bought up to it; None shows all. selection: its outline is drawn.
    """
    xy = np.asarray(points, np.float64)
    if xy.shape != (len(coloring.codes), 2) or not len(xy):
        raise InputError(f"points have shape {xy.shape} for {len(coloring.codes)} codes; give (N, 2), one per code.")
    low, high = xy.min(axis=0), xy.max(axis=0)
    pad = 0.03 * max(float((high - low).max()), 1e-9)
    x_range, y_range = ((float(low[i] - pad), float(high[i] + pad)) for i in (0, 1))
    sketch = new_sketch(theme, height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=True)
    sketch.xaxis(range=x_range, visible=False, constrain="domain")
    sketch.yaxis(range=y_range, visible=False, constrain="domain", scaleanchor="x")
    codes, palette, labels = _bands(coloring)
    longer = max(x_range[1] - x_range[0], y_range[1] - y_range[0])
    pixels = np.clip(_PIXELS * np.sqrt(len(xy) / _MANY), _FEW_PIXELS, _PIXELS)
    width, rows = (int(np.ceil(pixels * (r[1] - r[0]) / longer)) for r in (x_range, y_range))
    source = density_raster(
        xy[:, 0], xy[:, 1], codes, palette, theme, x_range=x_range, y_range=y_range, size=(width, rows), opacity=0.7
    )
    sketch.update_layout(images=[layout_image(source, x_range, y_range)])
    for label, color in zip(labels, palette, strict=True):
        _legend_only(sketch, label, color)
    shown = [(layer, bought_until(layer, round)) for layer in picks]
    for layer, positions in shown:
        _draw_layer(sketch, layer, positions, xy, theme)
    if selection is not None:
        _outline(sketch, selection, theme)
    table = _table(coloring, shown, xy, selection)
    return Chart(sketch.finish(), table, "Where do the bought points lie?", _alt(len(xy), coloring, shown))


def bought_until(layer: MapLayer, round_: int | None) -> np.ndarray:
    """Positions (n,) bought up to a round, in ascending order; all of them without rounds."""
    if round_ is None or layer.rounds is None:
        return np.sort(layer.positions)
    return np.sort(layer.positions[layer.rounds <= round_])


def _bands(coloring: MapColoring) -> tuple[np.ndarray, list[str], list[str]]:
    """Codes, colors and legend labels with which the raster is drawn: of a continuous scale only the ends are named."""
    if coloring.quiet:
        return np.zeros_like(coloring.codes), [OTHER_COLOR], ["points"]
    if coloring.kind == "category":
        return coloring.codes, list(coloring.palette), list(coloring.labels)
    ends = [f"{coloring.title}: {coloring.labels[0]}", *[""] * (STEPS - 2), coloring.labels[1], "no value"]
    keep = STEPS + 1 if (coloring.codes == MISSING).any() else STEPS
    return coloring.codes, coloring.colors_of_codes()[:keep], ends[:keep]


def _legend_only(sketch: Sketch, label: str, color: str) -> None:
    if label:
        sketch.scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=verbatim(label),
            marker={"size": 10, "color": color, "symbol": "square"},
            hoverinfo="skip",
        )


def _draw_layer(sketch: Sketch, layer: MapLayer, positions: np.ndarray, xy: np.ndarray, theme: Theme) -> None:
    # Evenly spread over the positions: the same picks every time, so that the figure's bytes do not change.
    drawn = positions
    if len(positions) > MOST_POINTS:
        drawn = positions[np.linspace(0, len(positions) - 1, MOST_POINTS).round().astype(int)]
    name = f"{layer.label} ({len(positions):,})"
    sketch.scatter(
        x=f32(xy[drawn, 0]),
        y=f32(xy[drawn, 1]),
        mode="markers",
        name=verbatim(name),
        customdata=drawn,
        marker={
            "size": 9 if len(drawn) < 300 else 6,
            "color": layer.color,
            "symbol": layer.symbol,
            "line": {"width": 1, "color": ink(theme).paper},
        },
        hovertemplate=f"point %{{customdata}}<br>{verbatim(layer.label)}<extra></extra>",
    )


def _outline(sketch: Sketch, selection: Selection, theme: Theme) -> None:
    line = {"color": text_color("#555B66", theme == "dark"), "width": 2, "dash": "dot"}
    for region in selection.regions:
        corners = f32([*region.polygon, region.polygon[0]])
        name = "taken out" if region.removes else "selection"
        sketch.scatter(x=corners[:, 0], y=corners[:, 1], mode="lines", line=line, name=name, hoverinfo="skip")


def _table(
    coloring: MapColoring, shown: list[tuple[MapLayer, np.ndarray]], xy: np.ndarray, selection: Selection | None
) -> pd.DataFrame:
    """Points per category, and how many of them each layer holds and the selection covers."""
    codes, _, labels = _bands(coloring)
    named = [label or f"step {i + 1}" for i, label in enumerate(labels)]
    columns: dict[str, Any] = {coloring.title or "category": named, "points": np.bincount(codes, minlength=len(named))}
    for layer, positions in shown:
        columns[layer.label] = np.bincount(codes[positions], minlength=len(named))
    if selection is not None:
        columns["selected"] = np.bincount(codes[resolve(xy, selection)], minlength=len(named))
    return pd.DataFrame(columns)


def _alt(n: int, coloring: MapColoring, shown: list[tuple[MapLayer, np.ndarray]]) -> str:
    picks = "; ".join(f"{layer.label}: {len(positions):,}" for layer, positions in shown)
    return f"A map of {n:,} points colored by {coloring.title}" + (
        f", with the points bought. {picks}." if picks else "."
    )
