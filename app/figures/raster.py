"""Clouds of any size as one small picture behind a few vector points."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.figures.base import Theme
from app.palette import rgb


def density_raster(
    x: ArrayLike,
    y: ArrayLike,
    category: ArrayLike | None,
    palette: Sequence[str],
    theme: Theme = "light",
    *,
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    size: tuple[int, int] = (240, 150),
    blur: float = 0.0,
    opacity: float = 0.85,
) -> str:
    """Draw how densely points lie as a PNG data URI for a Plotly layout image; the same input gives the same bytes.

    x, y: (N,). category: (N,) positions in palette; None takes its first color. A pixel takes the mean color
    of its points, and the more of them, the more opaque it is, sparse regions lifted. Points outside the ranges are
    left out. size: width and height in pixels. blur: standard deviation of a Gaussian, in pixels. opacity: of the
    densest pixel.
    """
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    width, height = size
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    kinds = np.zeros(len(across), np.int64) if category is None else np.asarray(category)
    counts, mixed = np.zeros((height, width)), np.zeros((height, width, 3))
    for kind, color in enumerate(palette):
        mine = kinds == kind
        here = np.histogram2d(up[mine], across[mine], (height, width), (y_range, x_range))[0][::-1]
        here = gaussian_filter(here, blur, mode="nearest", truncate=3.0) if blur > 0 else here
        counts += here
        mixed += here[..., None] * np.array(rgb(color), np.float64)
    pixels = np.zeros((height, width, 4), np.uint8)
    shown = counts > 1e-6
    if shown.any():
        pixels[shown, :3] = (mixed[shown] / counts[shown, None]).round()
        dense = counts[shown] / counts.max()
        strength = dense**0.4 if blur > 0 else np.log1p(counts[shown]) / np.log1p(counts.max())
        floor = 0.0 if blur > 0 else (0.25 if theme == "light" else 0.35)
        pixels[shown, 3] = (255 * opacity * (floor + (1 - floor) * strength)).round()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return address_of(buffer.getvalue())


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


def address_of(png: bytes) -> str:
    """A PNG as an address that holds it itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
