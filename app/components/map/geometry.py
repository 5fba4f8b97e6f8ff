"""Points on the grid that the browser draws, and which of them lie in a selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.components.map.model import Selection
from rad_core.errors import InputError

QUANTA = 65_535


@dataclass(frozen=True, eq=False)
class Quantized:
    """Points in quanta: grid (N, 2) uint16, with point = origin + grid * scale. One scale, so that nothing is bent."""

    grid: np.ndarray
    origin: tuple[float, float]
    scale: float


def quantize(points: ArrayLike) -> Quantized:
    """Round points (N, 2) to a grid of 65,536 steps along the longer side; fine enough for 80-fold zoom."""
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise InputError(f"points have shape {array.shape}; the map needs (N, 2) with at least one point.")
    columns = [np.asarray(array[:, i]) for i in (0, 1)]  # numpy is a hundred times slower along the short axis
    low, high = ([float(edge(column)) for column in columns] for edge in (np.min, np.max))
    if not np.isfinite([low, high]).all():
        raise InputError("points hold NaN or infinity; every point of the map must be finite.")
    extent = max(high[0] - low[0], high[1] - low[1])
    scale = extent / QUANTA if extent > 0 else 1.0
    grid = np.empty(array.shape, np.uint16)
    for i, column in enumerate(columns):
        grid[:, i] = np.minimum(np.rint((column - column.dtype.type(low[i])) * (1 / scale)), QUANTA)
    return Quantized(grid, (low[0], low[1]), scale)


def resolve(points: ArrayLike, selection: Selection) -> np.ndarray:
    """Positions (n,) int32, ascending, of the points (N, 2) inside a selection: those that the map highlights.

    Even-odd rule on the same grid as in the browser. An edge concerns only the points between its two ends in y;
    with the points sorted by y these are one slice, so an edge costs no more than they are.
    """
    return _inside(points if isinstance(points, Quantized) else quantize(points), selection)


def _inside(pool: Quantized, selection: Selection) -> np.ndarray:
    polygon = (np.asarray(selection.polygon, np.float64) - np.asarray(pool.origin)) / pool.scale
    (left, bottom), (right, top) = polygon.min(axis=0), polygon.max(axis=0)
    x, y = pool.grid[:, 0], pool.grid[:, 1]
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    near = near[np.argsort(y[near], kind="stable")]
    across, up = x[near].astype(np.float64), y[near].astype(np.float64)
    odd = np.zeros(len(near), bool)
    for (xi, yi), (xj, yj) in zip(polygon, np.roll(polygon, 1, axis=0), strict=True):
        if yi == yj:
            continue
        first, last = np.searchsorted(up, (min(yi, yj), max(yi, yj)))
        part = slice(first, last)
        odd[part] ^= across[part] < (xj - xi) * (up[part] - yi) / (yj - yi) + xi
    return np.sort(near[odd]).astype(np.int32)
