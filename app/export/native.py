"""From a chart's table of numbers to a chart that PowerPoint draws and edits itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

import numpy as np
import pandas as pd

from app.figures import Chart
from app.figures.base import round_step
from app.palette import STRATEGY_STYLES, Style, strategy_style

_GREY = "#8A9099"
_LOW, _HIGH = "95% interval, low", "95% interval, high"


@dataclass(frozen=True, eq=False)
class Series:
    """One line or cloud of an XY chart. low and high limit y, left and right limit x; NaN where nothing is known."""

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


@dataclass(frozen=True, eq=False)
class XY:
    """A chart of two numeric axes; a range of None is left to PowerPoint."""

    series: Sequence[Series]
    x_title: str
    y_title: str
    x_format: str = "#,##0"
    y_format: str = "0%"
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Bars:
    """A bar per category with its interval. colors: one per category."""

    categories: Sequence[str]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colors: Sequence[str]
    name: str
    axis_title: str
    category_title: str = ""
    number_format: str = "#,##0"
    horizontal: bool = True
    range: tuple[float, float] | None = None


Drawing = XY | Bars


def drawing(chart: Chart) -> Drawing | None:
    """What PowerPoint is to draw of a chart, or None for one that is best shown as a table of its numbers."""
    columns = list(chart.table.columns)
    for starts, draw in _KNOWN:
        if all(any(name.startswith(part) for name in columns) for part in starts) and len(chart.table):
            return draw(chart)
    return None


# --- kinds of charts, by the columns of their tables ------------------------------------------------------------------


def _curves(chart: Chart) -> XY:
    table = chart.table
    value = _value_column(table)
    x_title = plain(_axis_title(chart, "xaxis"))
    x = (
        "Round"
        if x_title.lower().startswith("round")
        else "Seconds"
        if "Seconds" in table
        else _first(table, "Soft labels")
    )
    labels = list(dict.fromkeys(table["Strategy"]))
    shaded = set(labels) if len(labels) <= 3 else {STRATEGY_STYLES["rad"].label}
    series = []
    for label in sorted(labels, key=_rank):
        rows = table[table["Strategy"] == label]
        limits = (_numbers(rows[_LOW]), _numbers(rows[_HIGH])) if label in shaded else (None, None)
        series.append(Series(_short(label), _style(label), _numbers(rows[x]), _numbers(rows[value]), *limits))
    share = "point" not in value.lower()
    ends = float(table[x].min()), float(table[x].max())
    series += [
        Series(name, Style(name, _GREY, dash, "square", 2.0), np.array(ends), np.array([level, level]), markers=False)
        for name, level, dash in _marks(chart)
    ]
    spread = np.concatenate(
        [values for line in series for values in (line.y, line.low, line.high) if values is not None]
    )
    unit = "0%" if share else "0.0"
    return XY(series, x_title, plain(_axis_title(chart, "yaxis")), "#,##0", unit, _nice(*ends), _nice_of(spread))


def _tradeoff(chart: Chart) -> XY:
    table = chart.table
    series = [
        Series(
            _short(row["Strategy"]),
            _style(str(row["Strategy"])),
            _one(row["Mean gain"]),
            _one(row["Share right"]),
            _one(row["Share right, low"]),
            _one(row["Share right, high"]),
            _one(row["Mean gain, low"]),
            _one(row["Mean gain, high"]),
            line=False,
        )
        for _, row in table.iterrows()
        if np.isfinite(row["Share right"])
    ]
    x = np.concatenate([[*point.x, *_known(point.left), *_known(point.right)] for point in series] or [[0.0, 1.0]])
    y = np.concatenate([[*point.y, *_known(point.low), *_known(point.high)] for point in series] or [[0.0, 1.0]])
    return XY(
        series,
        plain(_axis_title(chart, "xaxis")),
        plain(_axis_title(chart, "yaxis")).split(" behind:")[0],
        "0.0",
        "0%",
        _nice_of(x),
        _nice_of(y),
    )


def _guarantees(chart: Chart) -> XY:
    table = chart.table
    x, named = str(table.columns[0]), [name for name in table.columns if str(name).startswith("Guaranteed gain")]
    series = []
    for column in named:
        label = str(column).removeprefix("Guaranteed gain, ")
        series.append(Series(label, _style(label), _numbers(table[x]), _numbers(table[column]), markers=False))
    share = x == "Teacher accuracy"
    ends = _nice(float(table[x].min()), float(table[x].max()))
    y = np.concatenate([line.y for line in series])
    return XY(
        series,
        plain(_axis_title(chart, "xaxis")),
        plain(_axis_title(chart, "yaxis")),
        "0%" if share else "#,##0",
        "General" if y.max() < 10 else "#,##0",
        ends,
        _nice(0.0, float(y.max())),
    )


def _tenths(chart: Chart) -> Bars:
    table = chart.table
    middle, low, high = (_numbers(table[name]) for name in ("Accuracy", "Accuracy, low", "Accuracy, high"))
    tenths = [str(value) for value in table[_first(table, "Tenth")]]
    return Bars(
        tenths,
        middle,
        low,
        high,
        ["#4E8FC0"] * len(tenths),
        "Teacher right",
        plain(_axis_title(chart, "yaxis")),
        plain(_axis_title(chart, "xaxis")),
        "0%",
        horizontal=False,
        range=(0.0, 1.0),
    )


def _calibration(chart: Chart) -> XY:
    table = chart.table
    share = Style("Teacher", "#4E8FC0", "solid", "circle", 3.5)
    truth = Series(
        "Says what it knows",
        Style("", _GREY, "dash", "square", 2.0),
        np.array([0.0, 1.0]),
        np.array([0.0, 1.0]),
        markers=False,
    )
    curve = Series(
        "Teacher",
        share,
        _numbers(table["Mean confidence"]),
        _numbers(table["Share right"]),
        _numbers(table["Share right, low"]),
        _numbers(table["Share right, high"]),
    )
    return XY(
        [curve, truth],
        plain(_axis_title(chart, "xaxis")),
        plain(_axis_title(chart, "yaxis")),
        "0%",
        "0%",
        (0.0, 1.0),
        (0.0, 1.0),
    )


def _needed(chart: Chart) -> Bars:
    table = chart.table
    values = _numbers(table["Soft labels needed"])
    names = [
        f"{_short(name)}: {f'{value:,.0f}' if np.isfinite(value) else 'not reached'}"
        for name, value in zip(table["Strategy"], _numbers(table["To the digits that the interval bears"]), strict=True)
    ]
    return Bars(
        names,
        values,
        _numbers(table[_LOW]).clip(0),
        _numbers(table[_HIGH]),
        [_style(str(name)).color for name in table["Strategy"]],
        "Soft labels needed",
        plain(_axis_title(chart, "xaxis")),
    )


def _differences(chart: Chart) -> Bars:
    table = chart.table
    value, verdict = _first(table, "", "minus it"), _first(table, "Verdict for ")
    ours = verdict.removeprefix("Verdict for ")
    colors = [
        _style(ours if outcome == "higher" else str(other)).color if outcome in ("higher", "lower") else _GREY
        for other, outcome in zip(table["Compared with"], table[verdict], strict=True)
    ]
    low, high = (_numbers(table[f"Corrected interval, {end}"]) for end in ("low", "high"))
    return Bars(
        [_short(name) for name in table["Compared with"]],
        _numbers(table[value]),
        low,
        high,
        colors,
        value,
        plain(_axis_title(chart, "xaxis")),
        number_format="+0.0;-0.0;0",
    )


def _water(chart: Chart) -> XY:
    table = chart.table
    x, gains, left = _first(table, "Rank"), _numbers(table["Gain"]), _numbers(table["Gain left in the worst case"])
    series = [
        Series("Gain", Style("", _GREY, "solid", "circle", 2.5), _numbers(table[x]), gains, markers=False),
        Series(
            "Left in the worst case",
            Style("", "#D55E00", "solid", "circle", 4.5),
            _numbers(table[x]),
            left,
            markers=False,
        ),
    ]
    return XY(series, plain(_axis_title(chart, "xaxis")), "Gain", "#,##0", "0.0", None, (0.0, 1.0))


_KNOWN: tuple[tuple[tuple[str, ...], Callable[[Chart], Drawing]], ...] = (
    (("Strategy", "Round", "Soft labels", _LOW), _curves),
    (("Strategy", "Mean gain", "Share right"), _tradeoff),
    (("Guaranteed gain",), _guarantees),
    (("Tenth", "Accuracy, low"), _tenths),
    (("Mean confidence", "Share right"), _calibration),
    (("Strategy", "Soft labels needed"), _needed),
    (("Compared with", "Verdict for "), _differences),
    (("Rank", "Gain left in the worst case"), _water),
)


# --- parts ------------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text of a figure without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text))).strip()


def _axis_title(chart: Chart, axis: str) -> str:
    return str(getattr(chart.figure.layout, axis).title.text or "")


def _marks(chart: Chart) -> list[tuple[str, float, str]]:
    """The horizontal reference lines of a figure of curves: name, level, dash."""
    dashes = {
        float(shape.y0): str(shape.line.dash or "dash") for shape in chart.figure.layout.shapes if shape.y0 == shape.y1
    }
    lines = []
    for trace in chart.figure.data:
        if trace.type == "scatter" and trace.mode == "lines+text" and not trace.legendgroup and trace.name:
            level = float(np.asarray(trace.y)[0])
            dash = min(dashes, key=lambda known: abs(known - level)) if dashes else None
            lines.append((plain(str(trace.name)), level, dashes[dash] if dash is not None else "dash"))
    return lines


def _value_column(table: pd.DataFrame) -> str:
    columns = list(table.columns)
    return str(columns[columns.index(_LOW) - 1])


def _first(table: pd.DataFrame, start: str, inside: str = "") -> str:
    return str(next(name for name in table.columns if str(name).startswith(start) and inside in str(name)))


def _style(label: str) -> Style:
    by_label = {style.label: style for style in STRATEGY_STYLES.values()}
    return by_label.get(label) or by_label.get(_long(label)) or strategy_style(label.lower().replace(" ", "_"))


def _long(label: str) -> str:
    return next((style.label for style in STRATEGY_STYLES.values() if style.label.split(" (")[0] == label), label)


def _short(label: object) -> str:
    return str(label).split(" (")[0]


def _rank(label: str) -> int:
    order = [style.label for style in STRATEGY_STYLES.values()]
    return order.index(label) if label in order else len(order)


def _numbers(values: pd.Series) -> np.ndarray:
    return pd.to_numeric(values).to_numpy(float)


def _one(value: float) -> np.ndarray:
    return np.array([value], float)


def _known(values: np.ndarray | None) -> np.ndarray:
    return np.empty(0) if values is None else values[np.isfinite(values)]


def _nice_of(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return _nice(float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def step(low: float, high: float) -> float:
    """A round distance between about six ticks."""
    return round_step(max(high - low, 1e-9) / 6)


def _nice(low: float, high: float) -> tuple[float, float]:
    """The range stretched to whole steps."""
    unit = step(low, high if high > low else low + 1)
    first, last = np.floor(low / unit + 1e-9) * unit, np.ceil(high / unit - 1e-9) * unit
    return float(round(first, 10)), float(round(max(last, first + unit), 10))
