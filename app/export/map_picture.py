"""A map of the pool as a picture and a legend, drawn without a browser: the density and the picks as in its figure."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.figures import Chart
from app.figures.base import plain

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_LONGER = 1600  # pixels
# Corners of a symbol and degrees by which it is turned from standing on a side; every other one is a circle.
_SHAPES = {
    "square": (4, 0),
    "diamond": (4, 45),
    "triangle-up": (3, 0),
    "triangle-down": (3, 180),
    "pentagon": (5, 0),
    "hexagram": (6, 0),
    "star": (5, 0),
}
_FINE = 2  # drawn so many times larger and then shrunk: smooth edges


@dataclass(frozen=True)
class Key:
    """A line of the legend. symbol: a Plotly marker symbol. color: "#RRGGBB"."""

    text: str
    symbol: str
    color: str


@dataclass(frozen=True, eq=False)
class MapPicture:
    """A PNG and the legend that belongs to it."""

    png: bytes
    legend: tuple[Key, ...]


def map_picture(chart: Chart, paper: str = "#FFFFFF") -> MapPicture:
    """Draw a map's figure on paper of a color; the same figure gives the same bytes."""
    from PIL import Image, ImageDraw

    layout = chart.figure.layout
    x_range, y_range = (tuple(map(float, axis.range)) for axis in (layout.xaxis, layout.yaxis))
    spans = x_range[1] - x_range[0], y_range[1] - y_range[0]
    scale = _FINE * _LONGER / max(spans)
    size = max(1, round(spans[0] * scale)), max(1, round(spans[1] * scale))
    ground = Image.new("RGBA", size, paper)
    raster = Image.open(io.BytesIO(base64.b64decode(str(layout.images[0].source).split(",", 1)[1]))).convert("RGBA")
    ground.alpha_composite(raster.resize(size, Image.Resampling.BILINEAR))  # as a browser does
    draw, legend = ImageDraw.Draw(ground), []
    for trace in chart.figure.data:
        marker = trace.marker
        known = isinstance(marker.color, str) and marker.color.startswith("#")
        if trace.type != "scatter" or trace.mode != "markers" or not known:
            continue
        symbol = str(marker.symbol or "circle")
        legend.append(Key(plain(str(trace.name or "")), symbol, marker.color))
        x, y = _positions(trace)
        across, down = (x - x_range[0]) * scale, (y_range[1] - y) * scale
        radius = float(marker.size or 8) * max(size) / float(layout.height or 480) / 2
        for point in zip(across, down, strict=True):
            _mark(draw, point, radius, symbol, marker.color)
    buffer = io.BytesIO()
    shrunk = ground.convert("RGB").resize((size[0] // _FINE or 1, size[1] // _FINE or 1), Image.Resampling.LANCZOS)
    shrunk.save(buffer, "PNG", compress_level=6)
    return MapPicture(buffer.getvalue(), tuple(legend))


def _positions(trace: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.array([value for value in values if value is not None], float) for values in (trace.x, trace.y))
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known]


def _mark(draw: ImageDraw, at: tuple[float, float], radius: float, symbol: str, color: str) -> None:
    """One pick with a white rim, so that it stands out from others of its color."""
    x, y = at
    if symbol.startswith(("x", "cross")):
        turn = math.pi / 4 if symbol.startswith("x") else 0.0
        for ink, width in (("#FFFFFF", 0.95), (color, 0.55)):
            for angle in (turn, turn + math.pi / 2):
                dx, dy = radius * math.cos(angle), radius * math.sin(angle)
                draw.line((x - dx, y - dy, x + dx, y + dy), fill=ink, width=max(1, round(width * radius)))
        return
    for ink, size in (("#FFFFFF", radius * 1.25), (color, radius)):
        sides, turn = next((shape for name, shape in _SHAPES.items() if symbol.startswith(name)), (0, 0))
        if not sides:
            draw.ellipse((x - size, y - size, x + size, y + size), fill=ink)
        else:
            draw.regular_polygon((x, y, size * (1.25 if sides == 4 else 1.15)), sides, turn, fill=ink)
