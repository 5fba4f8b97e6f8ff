"""Tables on slides: PowerPoint's own, in type that can be read from the back of a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from app.export.fitting import FONT, LINE, lines, width
from app.export.slide_charts import INK, TEXT_SIZE, Box, clean, color, describe

if TYPE_CHECKING:
    from pptx.slide import Slide
    from pptx.table import Table, _Cell

MOST_COLUMNS = 7
_PAD = (0.12, 0.06)  # inches beside and above the text of a cell
_HEAD, _STRIPE, _PAPER = "#E6E8EC", "#F6F7F9", "#FFFFFF"


def cut(texts: pd.DataFrame, columns: int) -> pd.DataFrame:
    """The first columns of a table; all of its numbers are in the notes and in the data export."""
    return texts.iloc[:, :columns]


def add_table(slide: Slide, texts: pd.DataFrame, box: Box, alt: str) -> None:
    """Draw a table of texts into a box; rows that do not fit are left out, and the last line says how many."""
    left, top, wide, tall = box
    size = next((size for size in (24, 22, 20) if _fits(texts, size, wide, tall)), TEXT_SIZE)
    widths = _widths(texts, wide, size)
    shown = _rows_that_fit(texts, widths, tall, size)
    hidden = len(texts) - shown
    rows = [list(map(str, texts.columns)), *texts.head(shown).to_numpy().tolist()]
    heights = [_height(row, widths, size) for row in rows]
    if hidden:
        rows.append([f"{hidden} more rows in the data of this study", *[""] * (len(widths) - 1)])
        heights.append(_one_line(size))
    place = (Inches(value) for value in (left, top, sum(widths), sum(heights)))
    frame = slide.shapes.add_table(len(rows), len(widths), *place)
    describe(frame, alt)
    table = frame.table
    _plain_style(table)
    for i, value in enumerate(widths):
        table.columns[i].width = Inches(value)
    for i, row in enumerate(rows):
        table.rows[i].height = Inches(heights[i])
        for j, text in enumerate(row):
            _fill(table.cell(i, j), text, size, head=i == 0, stripe=i % 2 == 0, first=j == 0)
    if hidden:
        table.cell(len(rows) - 1, 0).merge(table.cell(len(rows) - 1, len(widths) - 1))


def _fits(texts: pd.DataFrame, size: int, wide: float, tall: float) -> bool:
    widths = _widths(texts, wide, size)
    rows = [list(map(str, texts.columns)), *texts.to_numpy().tolist()]
    one_line = _one_line(size) + 1e-6
    return sum(_height(row, widths, size) for row in rows) <= tall and all(
        _height(row, widths, size) <= one_line for row in rows
    )


def _one_line(size: int) -> float:
    return size * LINE / 72 + 2 * _PAD[1]


def _widths(texts: pd.DataFrame, room: float, size: int) -> list[float]:
    """Column widths: what the longest word or number needs at least, the rest in proportion to the texts."""
    least, wanted = [], []
    for name in texts.columns:
        cells = [str(name), *map(str, texts[name])]
        words = [word for text in cells for word in text.split(" ")]
        least.append(max(width(word, size, bold=True) for word in words) + 2 * _PAD[0])
        wanted.append(max(width(text, size, bold=True) for text in cells) + 2 * _PAD[0])
    if sum(wanted) <= room:
        return wanted
    if sum(least) >= room:
        return [room * value / sum(least) for value in least]
    spare = (room - sum(least)) / (sum(wanted) - sum(least))
    return [low + spare * (high - low) for low, high in zip(least, wanted, strict=True)]


def _height(row: list[str], widths: list[float], size: int) -> float:
    most = max(lines(str(text), size, room - 2 * _PAD[0], bold=True) for text, room in zip(row, widths, strict=True))
    return most * LINE * size / 72 + 2 * _PAD[1]


def _rows_that_fit(texts: pd.DataFrame, widths: list[float], tall: float, size: int) -> int:
    rows = texts.to_numpy().tolist()
    used = _height(list(map(str, texts.columns)), widths, size)
    for number, row in enumerate(rows):
        used += _height(row, widths, size)
        last = number == len(rows) - 1
        if used + (0.0 if last else _one_line(size)) > tall:
            return number
    return len(rows)


def _plain_style(table: Table) -> None:
    table.first_row, table.horz_banding = True, False
    properties: Any = table._tbl.tblPr  # never missing: the line above made it
    style = properties.find(qn("a:tableStyleId"))
    if style is not None:
        style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # no style, no grid: the cells have colors of their own


def _fill(cell: _Cell, text: str, size: int, *, head: bool, stripe: bool, first: bool) -> None:
    cell.fill.solid()
    cell.fill.fore_color.rgb = color(_HEAD if head else _STRIPE if stripe else _PAPER)
    cell.margin_left = cell.margin_right = Inches(_PAD[0])
    cell.margin_top = cell.margin_bottom = Inches(_PAD[1])
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.LEFT if first else PP_ALIGN.RIGHT
    paragraph.font.size = Pt(size)  # also of an empty cell, which would be higher than its row
    run = paragraph.add_run()
    run.text = clean(str(text)) if text else ""
    run.font.size, run.font.bold, run.font.name = Pt(size), head, FONT
    run.font.color.rgb = color(INK)
