"""Points on the grid that the browser draws, and which of them lie in a selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.components.map.model import Difference, Selection
from rad_core.errors import InputError

QUANTA = 65_535
CELLS = 64  # of a difference, along one side


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
    pool = points if isinstance(points, Quantized) else quantize(points)
    chosen = np.zeros(len(pool.grid), bool)
    for region in selection.regions:
        chosen[_inside(pool, region)] = not region.removes
    return np.flatnonzero(chosen).astype(np.int32)


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
    return near[odd]


def peaks(grid: np.ndarray, labels: np.ndarray, classes: Sequence[str], cells: int = 24) -> list[list[Any]]:
    """Where each class is densest on the map: its name and a place on the grid, for at most twelve classes."""
    found: list[list[Any]] = []
    cell = (grid // (-(-65_536 // cells))).astype(np.int64)
    counts = np.bincount(np.asarray(labels, np.int64), minlength=len(classes))
    for c in sorted(np.argsort(-counts, kind="stable")[:12]):
        if not counts[c]:
            continue
        mine = labels == c
        dense = np.bincount(cell[mine, 1] * cells + cell[mine, 0], minlength=cells * cells).argmax()
        there = mine & (cell[:, 1] * cells + cell[:, 0] == dense)
        found.append([classes[c], *(int(v) for v in np.median(grid[there], axis=0))])
    return found


def difference(points: ArrayLike, a: np.ndarray, b: np.ndarray, labels: tuple[str, str]) -> Difference:
    """Where the pool positions `a` lie more densely than `b`: labels more per 100 points of the pool nearby.

    Counts in cells of a 64th of the map, smoothed over about two cells to each side; drawn towards none
    where few points lie (as if two more lay in every cell, and nobody had bought them).
    """
    grid = (quantize(points).grid >> 10).astype(np.int64)
    pool, first, second = (_smooth(_count(grid[at])) for at in (slice(None), a, b))
    there = pool > 0.25
    rate = np.where(there, 100 * (first - second) / (pool + 2), 0.0)
    most = float(np.quantile(np.abs(rate[there]), 0.99)) or 1.0
    return Difference((128 + np.rint(127 * np.clip(rate / most, -1, 1))).astype(np.uint8), labels, most)


def _count(cells: np.ndarray) -> np.ndarray:
    return np.bincount(cells[:, 1] * CELLS + cells[:, 0], minlength=CELLS * CELLS).reshape(CELLS, CELLS).astype(float)


def _smooth(counts: np.ndarray) -> np.ndarray:
    """With weights 1 4 6 4 1 along both axes."""
    weights = np.array([1, 4, 6, 4, 1]) / 16
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, weights, "same")
    return counts
