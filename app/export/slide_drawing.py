"""Charts drawn onto a slide as PowerPoint's own: their data can be edited there, and read from afar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.enum.dml import MSO_LINE
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from app.export.fitting import FONT, width
from app.figures.drawing import XY, Bars, Drawing, Series, step

if TYPE_CHECKING:
    from pptx.chart.chart import Chart as NativeChart
    from pptx.shapes.base import BaseShape
    from pptx.shapes.graphfrm import GraphicFrame
    from pptx.slide import Slide

TEXT_SIZE = 18  # points: readable from the back of a room
INK, SOFT, GRID = "#1B1F27", "#555B66", "#E6E8EC"
Box = tuple[float, float, float, float]  # left, top, width, height in inches

# Every dash and symbol of the palette; PowerPoint has fewer, and no strategy shares both with another.
DASHES = {
    "solid": MSO_LINE.SOLID,
    "dash": MSO_LINE.DASH,
    "dashdot": MSO_LINE.DASH_DOT,
    "dot": MSO_LINE.ROUND_DOT,
    "longdash": MSO_LINE.LONG_DASH,
    "longdashdot": MSO_LINE.LONG_DASH_DOT,
    "12px,4px": MSO_LINE.LONG_DASH,
    "4px,4px": MSO_LINE.SQUARE_DOT,
    "2px,5px": MSO_LINE.ROUND_DOT,
    "10px,4px,2px,4px,2px,4px": MSO_LINE.DASH_DOT_DOT,
    "14px,4px,2px,4px,2px,4px,2px,4px": MSO_LINE.DASH_DOT_DOT,
    "8px,3px": MSO_LINE.LONG_DASH,
    "3px,3px": MSO_LINE.SQUARE_DOT,
    "14px,3px,3px,3px": MSO_LINE.LONG_DASH_DOT,
    "6px,6px": MSO_LINE.DASH,
}
MARKERS = {
    "circle": XL_MARKER_STYLE.CIRCLE,
    "square": XL_MARKER_STYLE.SQUARE,
    "diamond": XL_MARKER_STYLE.DIAMOND,
    "triangle-up": XL_MARKER_STYLE.TRIANGLE,
    "triangle-down": XL_MARKER_STYLE.DASH,
    "cross": XL_MARKER_STYLE.PLUS,
    "x": XL_MARKER_STYLE.X,
    "star-open": XL_MARKER_STYLE.STAR,
    "hexagram": XL_MARKER_STYLE.STAR,
    "pentagon": XL_MARKER_STYLE.CIRCLE,
    "star": XL_MARKER_STYLE.SQUARE,
    "triangle-left": XL_MARKER_STYLE.TRIANGLE,
    "triangle-right": XL_MARKER_STYLE.TRIANGLE,
    "hourglass": XL_MARKER_STYLE.X,
    "bowtie": XL_MARKER_STYLE.X,
    "octagon": XL_MARKER_STYLE.CIRCLE,
    "star-diamond": XL_MARKER_STYLE.DIAMOND,
}
_OPEN = (XL_MARKER_STYLE.PLUS, XL_MARKER_STYLE.X, XL_MARKER_STYLE.STAR)  # are lines, without an inside
_NAMESPACES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def color(text: str) -> RGBColor:
    """A "#RRGGBB" color as PowerPoint writes it."""
    return RGBColor.from_string(text.lstrip("#").upper())


def add_chart(slide: Slide, what: Drawing, box: Box, alt: str) -> None:
    """Draw a chart into a box of a slide."""
    frame = _add_xy(slide, what, box) if isinstance(what, XY) else _add_bars(slide, what, box)
    describe(frame, alt)


def describe(shape: BaseShape, alt: str) -> None:
    """Give a shape the text that a screen reader says."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", _printable(alt))


def _printable(text: str) -> str:
    """Without the control characters that XML does not know, and without line breaks of their own kind."""
    return re.sub(r"[\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", " ", text)


def inches(box: Box) -> tuple[Inches, Inches, Inches, Inches]:
    """A box as python-pptx takes it."""
    left, top, width, height = (Inches(value) for value in box)
    return left, top, width, height


def clean(name: str) -> str:
    """A text without what XML cannot hold; never empty, which PowerPoint would name itself."""
    return _printable(name).strip() or " "


# --- two numeric axes -------------------------------------------------------------------------------------------------


def _add_xy(slide: Slide, what: XY, box: Box) -> GraphicFrame:
    data = XyChartData(number_format="General")
    for one in what.series:
        series = data.add_series(clean(one.name))
        for x, y in zip(one.x, one.y, strict=True):
            if np.isfinite(x) and np.isfinite(y):
                series.add_data_point(round(float(x), 6), round(float(y), 6))
    frame: Any = slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER_LINES, *inches(box), data)  # type: ignore[arg-type]
    chart = frame.chart
    _letter(chart)
    for series, one in zip(chart.plots[0].series, what.series, strict=True):
        _look(series, one)
        # The order of elements in a series is fixed: what limits y and x stands before the values.
        for axis, middle, low, high in (("y", one.y, one.low, one.high), ("x", one.x, one.left, one.right)):
            if low is not None and high is not None:
                _error_bars(series._element, axis, middle, low, high, one.style.color, before="c:xVal")
    _axis(chart.category_axis, what.x_title, what.x_format, what.x_range, grid=False)
    _axis(chart.value_axis, what.y_title, what.y_format, what.y_range, grid=True)
    chart.has_legend = len(what.series) > 1
    if chart.has_legend:
        _legend(chart, [one.name for one in what.series], box)
    return frame


def _legend(chart: NativeChart, names: Sequence[str], box: Box) -> None:
    """One column of names on the right, as wide as they need: left to itself it may take the room of the plot."""
    chart.legend.position = XL_LEGEND_POSITION.RIGHT
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(TEXT_SIZE)
    wide = (max(width(name, TEXT_SIZE) for name in names) + 0.85) / box[2]
    wide = min(wide, 0.5)
    tall = min(0.98, len(names) * TEXT_SIZE * 1.35 / 72 / box[3])
    _place(chart.legend._element, (1 - wide, max(0.0, (0.86 - tall) / 2), wide, tall), inner=False)
    left, below = 1.05 / box[2], 0.95 / box[3]
    _place(chart._chartSpace.chart.plotArea, (left, 0.03, 1 - wide - left - 0.02, 0.97 - below), inner=True)


def _place(element: Any, box: Box, *, inner: bool) -> None:
    """Put a part of a chart at a place of its own, in shares of the chart."""
    for old in element.findall(qn("c:layout")):
        element.remove(old)
    target = '<c:layoutTarget val="inner"/>' if inner else ""
    modes = "".join(f'<c:{side}Mode val="edge"/>' for side in "xy")
    places = "".join(f'<c:{name} val="{value:.4f}"/>' for name, value in zip("xywh", box, strict=True))
    layout = parse_xml(f"<c:layout {_NAMESPACES}><c:manualLayout>{target}{modes}{places}</c:manualLayout></c:layout>")
    if inner:
        element.insert(0, layout)
    else:
        element.find(qn("c:legendPos")).addnext(layout)


def _look(series: Any, one: Series) -> None:
    style, line = one.style, series.format.line
    if one.line:
        line.color.rgb = color(style.color)
        line.width = Pt(style.width)
        line.dash_style = DASHES[style.dash]
    else:
        line.fill.background()
    marker = series.marker
    if not one.markers:
        marker.style = XL_MARKER_STYLE.NONE
    else:
        marker.style = MARKERS[style.symbol]
        marker.size = (14 if style.width > 3 else 11) if not one.line else (10 if style.width > 3 else 8)
        if marker.style in _OPEN:
            marker.format.fill.background()
        else:
            marker.format.fill.solid()
            marker.format.fill.fore_color.rgb = color(style.color)
        marker.format.line.color.rgb = color(style.color)
        marker.format.line.width = Pt(2.25 if marker.style in _OPEN else 1)
    series.smooth = False


def _error_bars(
    series: Any, axis: str, middle: np.ndarray, low: np.ndarray, high: np.ndarray, ink: str, *, before: str
) -> None:
    """Add intervals to a series: PowerPoint's own error bars, with an amount of their own for every point."""
    known = np.isfinite(middle)
    down, up = (np.nan_to_num(np.asarray(part)[known]).clip(0) for part in (middle - low, high - middle))
    if not (down.any() or up.any()):
        return
    direction = f'<c:errDir val="{axis}"/>' if before == "c:xVal" else ""
    if np.allclose(up, up[0]) and np.allclose(down, up[0]):  # one amount: what every program draws in both directions
        kind, amounts = "fixedVal", f'<c:noEndCap val="0"/><c:val val="{up[0]:.6g}"/>'
    else:
        kind = "cust"
        amounts = f'<c:noEndCap val="0"/><c:plus>{_numbers(up)}</c:plus><c:minus>{_numbers(down)}</c:minus>'
    xml = (
        f'<c:errBars {_NAMESPACES}>{direction}<c:errBarType val="both"/><c:errValType val="{kind}"/>{amounts}'
        f'<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{color(ink)}"/></a:solidFill></a:ln></c:spPr>'
        "</c:errBars>"
    )
    series.find(qn(before)).addprevious(parse_xml(xml))


def _numbers(values: np.ndarray) -> str:
    points = "".join(f'<c:pt idx="{i}"><c:v>{value:.6g}</c:v></c:pt>' for i, value in enumerate(values))
    return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{points}</c:numLit>'


# --- bars -------------------------------------------------------------------------------------------------------------


def _add_bars(slide: Slide, what: Bars, box: Box) -> GraphicFrame:
    data = CategoryChartData(number_format=what.format)
    data.categories = [clean(name) for name in what.categories]
    data.add_series(clean(what.name), [round(float(value), 6) if np.isfinite(value) else None for value in what.values])
    kind = XL_CHART_TYPE.BAR_CLUSTERED if what.horizontal else XL_CHART_TYPE.COLUMN_CLUSTERED
    frame: Any = slide.shapes.add_chart(kind, *inches(box), data)  # type: ignore[arg-type]
    chart, plot = frame.chart, frame.chart.plots[0]
    _letter(chart)
    chart.has_legend = False
    plot.gap_width = 55
    series = plot.series[0]
    series.invert_if_negative = False
    for i, ink in enumerate(what.colors):
        fill = series.points[i].format.fill
        fill.solid()
        fill.fore_color.rgb = color(ink)
    values = np.nan_to_num(what.values)  # bars that are not there keep their place, so that every interval stays put
    _error_bars(series._element, "", values, what.low, what.high, INK, before="c:cat")
    _axis(chart.value_axis, what.title, what.format, what.range, grid=True)
    _axis(chart.category_axis, what.category_title, None, None, grid=False)
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    if what.horizontal:
        chart.category_axis.reverse_order = True  # the first at the top, as in the table
        chart.value_axis.tick_label_position = XL_TICK_LABEL_POSITION.HIGH  # and the numbers at the bottom again
        chart.value_axis.major_tick_mark = XL_TICK_MARK.NONE
        chart.value_axis.format.line.fill.background()
    return frame


# --- lettering --------------------------------------------------------------------------------------------------------


def _letter(chart: NativeChart) -> None:
    chart.has_title = False
    chart.font.size = Pt(TEXT_SIZE)
    chart.font.name = FONT
    chart.font.color.rgb = color(INK)


def _axis(axis: Any, title: str, number_format: str | None, limits: Sequence[float] | None, *, grid: bool) -> None:
    axis.has_major_gridlines = grid
    axis.has_minor_gridlines = False
    if grid:
        axis.major_gridlines.format.line.color.rgb = color(GRID)
    axis.format.line.color.rgb = color("#8A9099")
    axis.tick_labels.font.size = Pt(TEXT_SIZE)
    axis.tick_labels.font.color.rgb = color(SOFT)
    if number_format is not None:
        axis.tick_labels.number_format = number_format
        axis.tick_labels.number_format_is_linked = False
    if limits is not None:
        axis.minimum_scale, axis.maximum_scale = limits
        axis.major_unit = step(*limits)
    axis.has_title = bool(title)
    if title:
        frame = axis.axis_title.text_frame
        frame.text = clean(title)
        font = frame.paragraphs[0].font
        font.size, font.bold, font.name = Pt(TEXT_SIZE), False, FONT
        font.color.rgb = color(INK)
