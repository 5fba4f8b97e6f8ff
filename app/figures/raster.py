"""Clouds of any size as one small picture behind a few vector points."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.figures.base import Theme
from app.palette import rgb


def density_raster(
    x: ArrayLike,
    y: ArrayLike,
    category: ArrayLike | None = None,
    palette: Mapping[Any, str] | Sequence[str] = ("#4E8FC0",),
    theme: Theme = "light",
    *,
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    size: tuple[int, int] = (240, 150),
    blur: float = 0.0,
    opacity: float = 0.85,
) -> str:
    """Draw how densely points lie as a PNG data URI for a Plotly layout image; the same input gives the same bytes.

    x, y: (N,). category: (N,) keys or positions of palette; None takes its first color. A pixel takes the mean color
    of its points, and the more of them, the more opaque it is, sparse regions lifted. Points outside the ranges are
    left out. size: width and height in pixels. blur: standard deviation of a Gaussian, in pixels. opacity: of the
    densest pixel.
    """
    from scipy.ndimage import gaussian_filter

    width, height = size
    column, row, inside = _cells(x, y, x_range, y_range, size)
    cell = (row * width + column)[inside]
    kinds = np.zeros(len(cell), np.int64) if category is None else np.asarray(category)[inside]
    names = list(palette) if isinstance(palette, Mapping) else list(range(len(palette)))
    counts, mixed = np.zeros((height, width)), np.zeros((height, width, 3))
    for name in names:
        here = np.bincount(cell[kinds == name], minlength=width * height).reshape(height, width).astype(np.float64)
        here = gaussian_filter(here, blur, mode="nearest", truncate=3.0) if blur > 0 else here
        counts += here
        mixed += here[..., None] * np.array(rgb(palette[name]), np.float64)
    pixels = np.zeros((height, width, 4), np.uint8)
    shown = counts > 1e-6
    if shown.any():
        pixels[shown, :3] = (mixed[shown] / counts[shown, None]).round()
        dense = counts[shown] / counts.max()
        strength = dense**0.4 if blur > 0 else np.log1p(counts[shown]) / np.log1p(counts.max())
        floor = 0.0 if blur > 0 else (0.25 if theme == "light" else 0.35)
        pixels[shown, 3] = (255 * opacity * (floor + (1 - floor) * strength)).round()
    return png_address(pixels)


def layout_image(source: str, x_range: tuple[float, float], y_range: tuple[float, float]) -> dict[str, Any]:
    """The raster as an entry of layout.images, stretched over its ranges below the traces."""
    return {
        "source": source,
        "xref": "x",
        "yref": "y",
        "x": x_range[0],
        "y": y_range[1],
        "sizex": x_range[1] - x_range[0],
        "sizey": y_range[1] - y_range[0],
        "sizing": "stretch",
        "layer": "below",
    }


def _cells(
    x: ArrayLike, y: ArrayLike, x_range: tuple[float, float], y_range: tuple[float, float], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixel column and row (from the top) of every point, and which points lie inside."""
    right = (np.asarray(x, np.float64) - x_range[0]) / (x_range[1] - x_range[0])
    up = (np.asarray(y, np.float64) - y_range[0]) / (y_range[1] - y_range[0])
    inside = (right >= 0) & (right <= 1) & (up >= 0) & (up <= 1)
    column = np.clip(np.where(inside, right, 0) * size[0], 0, size[0] - 1).astype(np.int64)
    row = np.clip((1 - np.where(inside, up, 0)) * size[1], 0, size[1] - 1).astype(np.int64)
    return column, row, inside


def png_address(pixels: np.ndarray) -> str:
    """Pixels, (height, width, 3 or 4) of uint8, as the address of a PNG that holds them itself."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return address_of(buffer.getvalue())


def address_of(png: bytes) -> str:
    """A PNG as an address that holds it itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
