"""What a chart is where Plotly does not draw it: on a slide and on the stage. Plain numbers, names and axes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import ArrayLike

from app.palette import Style, strategy_style


@attrs.frozen(eq=False)
class Series:
    """One line or cloud of an XY drawing. low and high limit y, left and right limit x; NaN where nothing is known."""

    name: str
    style: Style
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    left: np.ndarray | None = None
    right: np.ndarray | None = None
    line: bool = True
    markers: bool = True


@attrs.frozen(eq=False)
class XY:
    """Lines or points over two numeric axes. Formats are those of a spreadsheet."""

    series: Sequence[Series]
    x_title: str
    y_title: str
    x_format: str
    y_format: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]


@attrs.frozen(eq=False)
class Bars:
    """A bar per category with its interval. colors: one per category. title, format and range: of the values' axis."""

    categories: Sequence[str]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colors: Sequence[str]
    name: str
    title: str
    category_title: str = ""
    format: str = "#,##0"
    horizontal: bool = True
    range: tuple[float, float] = (0.0, 1.0)


Drawing = XY | Bars
_GRAY = "#8A9099"


def short(strategy: str) -> str:
    """The name of a strategy where there is little room."""
    return strategy_style(strategy).label.split(" (")[0]


def level_line(name: str, level: float, dash: str, ends: tuple[float, float]) -> Series:
    """A horizontal line of reference."""
    return Series(
        name, Style(name, _GRAY, dash, "square", 2.0), np.array(ends), np.array([level, level]), markers=False
    )


def round_step(least: float) -> float:
    """The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is at least this, give or take a thousandth of it."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(power * unit for unit in (1, 2, 5, 10) if power * unit >= least * 0.999))


def step(low: float, high: float) -> float:
    """A round distance between about six ticks."""
    return round_step(max(high - low, 1e-9) / 6)


def whole_steps(*values: ArrayLike | None) -> tuple[float, float]:
    """A range of whole steps around all values that are known."""
    known = [np.atleast_1d(np.asarray(part, float)) for part in values if part is not None]
    every = np.concatenate([np.empty(0), *known])
    finite = every[np.isfinite(every)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    unit = step(low, high if high > low else low + 1)
    first, last = np.floor(low / unit + 1e-9) * unit, np.ceil(high / unit - 1e-9) * unit
    return float(round(first, 10)), float(round(max(last, first + unit), 10))
