"""A story as PowerPoint slides: native charts that can be edited, large type, notes with the numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from app.export import stamp
from app.export.fitting import FONT, fitting_size, height, share, shortened
from app.export.map_picture import MapPicture, map_picture, shows_pool
from app.export.native import drawing
from app.export.slide_drawing import (
    INK,
    MOST_COLUMNS,
    SOFT,
    TEXT_SIZE,
    Box,
    add_chart,
    add_table,
    clean,
    color,
    cut,
    describe,
)
from app.export.tables import as_text
from app.figures import Chart

if TYPE_CHECKING:
    from pptx.presentation import Presentation as Deck
    from pptx.slide import Slide

    from app.present.model import Step, Story

WIDTH, HEIGHT = 13.333, 7.5  # inches, 16:9
ACCENT = "#D55E00"
_MARGIN = 0.6
_TITLE: Box = (_MARGIN, 0.38, WIDTH - 2 * _MARGIN, 1.0)
_TOP, _BOTTOM = 1.55, 6.95  # between title and footer
_WORDS = (3.9, 4.6, 5.2)  # widths of the column of words beside a chart, the first that holds them
_GAP = 0.35
_KEYS = 2.6  # width of a map's legend
_SIZES = (24, 22, 20, TEXT_SIZE)


@dataclass(frozen=True, eq=False)
class _Sight:
    """What stands beside the words on one slide: a chart, a picture or a table."""

    chart: Chart | None = None
    picture: bytes | None = None
    table: pd.DataFrame | None = None
    alt: str = ""


def slides(story: Story) -> bytes:
    """The story as a .pptx file.

    Every step has one slide for each of its charts, pictures and tables, its sentences beside them and, where they do
    not fit there at 18 points, on a slide of their own. The notes hold all sentences, the presenter's own words and the
    numbers.
    """
    stamp.require_clock()
    at = stamp.moment()
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    _properties(deck, story, at)
    _cover(deck, story, at)
    for step in story.steps:
        _add_step(deck, step, _footer(story, at))
    buffer = io.BytesIO()
    deck.save(buffer)
    return stamp.restamped(buffer.getvalue(), at)


def _properties(deck: Deck, story: Story, at: datetime) -> None:
    core, plain = deck.core_properties, at.replace(tzinfo=None)
    core.title, core.author, core.last_modified_by = clean(story.title)[:255], "RAD Studio", "RAD Studio"
    core.created, core.modified, core.revision = plain, plain, 1
    core.comments, core.subject = f"Made with RAD Studio {version('rad-studio')}", clean(story.subtitle)[:255]


def _footer(story: Story, at: datetime) -> str:
    return f"{clean(story.provenance)} · {stamp.words(at)}"


# --- slides -----------------------------------------------------------------------------------------------------------


def _cover(deck: Deck, story: Story, at: datetime) -> None:
    slide = _blank(deck)
    _bar(slide, (0, 0, 0.28, HEIGHT))
    room = WIDTH - 2.2
    size = fitting_size([story.title], (room, 2.0), (48, 40, 36, 32, 28), bold=True) or 28
    title = shortened(clean(story.title), size, (room, 2.0), bold=True)
    _write(_title_place(slide, (1.1, 1.0, room, 2.0)), [title], size, bold=True, anchor=MSO_ANCHOR.BOTTOM)
    _text(slide, (1.1, 3.15, room, 1.3), [shortened(clean(story.subtitle), 24, (room, 1.3))], 24, ink=SOFT)
    facts = [clean(f"{name}: {value}") for name, value in story.facts.items()]
    size = TEXT_SIZE
    for column in (0, 1):
        half = facts[: -(-len(facts) // 2)] if column == 0 else facts[-(-len(facts) // 2) :]
        shown, _ = share(half, (room / 2 - 0.3, 2.2), size)
        _text(slide, (1.1 + column * room / 2, 4.6, room / 2 - 0.3, 2.2), shown, size, gap=0.25)
    _foot(slide, _footer(story, at))
    _notes(slide, [story.title, story.subtitle, *facts])


def _add_step(deck: Deck, step: Step, footer: str) -> None:
    sights = _sights(step)
    left = [clean(text) for text in step.sentences]
    for number, sight in enumerate(sights):
        slide = _titled(deck, step.title, number > 0)
        # The words are spread over what there is to see; a table takes those that are left.
        seen = sum(one.table is None for one in sights[number:])
        count = -(-len(left) // seen) if seen else len(left)
        left = _beside(slide, sight, left[:count]) + left[count:]
        _finish(slide, step, sight, footer)
    while left:
        slide = _titled(deck, step.title, bool(sights))
        room = (WIDTH - 2 * _MARGIN, _BOTTOM - _TOP)
        size = fitting_size(left, room, (28, *_SIZES)) or TEXT_SIZE
        fitting, left = share(left, room, size)
        _text(slide, (_MARGIN, _TOP, *room), fitting, size, gap=0.6)
        _finish(slide, step, None, footer)


def _sights(step: Step) -> list[_Sight]:
    sights = [_Sight(chart=chart, alt=chart.alt) for chart in step.charts]
    if step.picture is not None:
        sights.append(_Sight(picture=step.picture, alt=step.picture_alt))
    if step.table is not None and len(step.table):
        sights.append(_Sight(table=step.table, alt=step.title))
    return sights


def _beside(slide: Slide, sight: _Sight, words: Sequence[str]) -> list[str]:
    """Put something to look at on a slide, and as many of the words as fit; returns the others."""
    tall = _BOTTOM - _TOP
    drawn = drawing(sight.chart) if sight.chart is not None else None
    table, mapped = sight.table, None
    if sight.chart is not None and drawn is None:
        mapped = map_picture(sight.chart) if shows_pool(sight.chart) else None
        table = sight.chart.table if mapped is None else None
    if table is not None:
        return _above_table(slide, table, words, sight.alt)
    column, size, shown, rest = _column(words, tall)
    left = _MARGIN
    if shown:
        _text(slide, (_MARGIN, _TOP, column, tall), shown, size)
        left += column + _GAP
    box = (left, _TOP, WIDTH - _MARGIN - left, tall)
    if drawn is not None:
        add_chart(slide, drawn, box, sight.alt)
    elif mapped is not None:
        _legend(slide, mapped, (box[0] + box[2] - _KEYS, _TOP, _KEYS, tall))
        _picture(slide, mapped.png, (box[0], _TOP, box[2] - _KEYS - 0.2, tall), sight.alt)
    elif sight.picture is not None:
        _picture(slide, sight.picture, box, sight.alt)
    return rest


def _column(words: Sequence[str], tall: float) -> tuple[float, int, list[str], list[str]]:
    """Width and type size of a column of words, those that it holds, and the rest."""
    for column in _WORDS:
        size = fitting_size(words, (column, tall), _SIZES)
        if size is not None:
            return column, size, list(words), []
    shown, rest = share(words, (_WORDS[1], tall), TEXT_SIZE)
    if height(shown, TEXT_SIZE, _WORDS[1]) > tall:  # a sentence that is too long for any column
        return _WORDS[1], TEXT_SIZE, [], list(words)
    return _WORDS[1], TEXT_SIZE, shown, rest


def _above_table(slide: Slide, table: pd.DataFrame, words: Sequence[str], alt: str) -> list[str]:
    """A table over the width of the slide, with words above it where there is room."""
    width, tall = WIDTH - 2 * _MARGIN, _BOTTOM - _TOP
    texts = as_text(table)
    least = min(tall, 0.45 * (len(texts) + 1) + 0.1)
    shown: list[str] = []
    rest = list(words)
    size = TEXT_SIZE
    while rest and height([*shown, rest[0]], 20, width) + 0.2 <= tall - least:
        shown.append(rest.pop(0))
        size = 20
    used = height(shown, size, width) + 0.2 if shown else 0.0
    if shown:
        _text(slide, (_MARGIN, _TOP, width, used), shown, size)
    add_table(slide, cut(texts, MOST_COLUMNS), (_MARGIN, _TOP + used, width, tall - used), alt)
    return rest


def _finish(slide: Slide, step: Step, sight: _Sight | None, footer: str) -> None:
    _foot(slide, footer)
    notes = [*step.sentences]
    if step.note:
        notes += ["", f"Note: {step.note}"]
    if sight is not None:
        notes += ["", sight.alt]
        numbers = sight.chart.table if sight.chart is not None else sight.table
        if numbers is not None:
            notes += ["", as_text(numbers.head(60)).to_csv(sep="\t", index=False).strip()]
    _notes(slide, notes)


# --- parts ------------------------------------------------------------------------------------------------------------


def _blank(deck: Deck) -> Slide:
    """A slide of the layout that has a title and nothing else, so that outlines and screen readers know its title."""
    return deck.slides.add_slide(deck.slide_layouts[5])


def _titled(deck: Deck, title: str, again: bool) -> Slide:
    slide = _blank(deck)
    text = clean(title) + (" (continued)" if again else "")
    size = fitting_size([text], _TITLE[2:], (34, 32, 30, 28, 26, 24), bold=True) or 24
    _bar(slide, (0, _TITLE[1], 0.28, _TITLE[3]))
    place = _title_place(slide, _TITLE)
    _write(place, [shortened(text, size, _TITLE[2:], bold=True)], size, bold=True, anchor=MSO_ANCHOR.MIDDLE)
    return slide


def _title_place(slide: Slide, box: Box) -> Any:
    shape: Any = slide.shapes.title  # the layout has one
    shape.left, shape.top, shape.width, shape.height = (Inches(value) for value in box)
    return shape


def _bar(slide: Slide, box: Box) -> None:
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *(Inches(value) for value in box))
    shape.fill.solid()
    shape.fill.fore_color.rgb = color(ACCENT)
    shape.line.fill.background()
    shape._element.remove(shape._element.find(qn("p:style")))  # the theme's, with its shadow
    describe(shape, "")


def _text(slide: Slide, box: Box, texts: Sequence[str], size: float, *, ink: str = INK, gap: float = 0.5) -> None:
    shape = slide.shapes.add_textbox(*(Inches(value) for value in box))
    _write(shape, texts, size, ink=ink, gap=gap)


def _write(
    shape: Any,
    texts: Sequence[str],
    size: float,
    *,
    ink: str = INK,
    bold: bool = False,
    gap: float = 0.5,
    anchor: Any = MSO_ANCHOR.TOP,
) -> None:
    frame = shape.text_frame
    frame.word_wrap = True
    frame.vertical_anchor = anchor
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    for number, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.line_spacing = 1.0
        paragraph.space_before = Pt(0)
        paragraph.space_after = Pt(gap * size if number < len(texts) - 1 else 0)
        run = paragraph.add_run()
        run.text = clean(text)
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, FONT
        run.font.color.rgb = color(ink)


def _foot(slide: Slide, text: str) -> None:
    box = (_MARGIN, 7.05, WIDTH - 2 * _MARGIN, 0.25)
    size = fitting_size([text], box[2:], (12, 11, 10, 9)) or 9
    _text(slide, box, [shortened(text, size, box[2:])], size, ink=SOFT)


def _picture(slide: Slide, content: bytes, box: Box, alt: str) -> None:
    """A picture as large as its box allows, in the middle of it."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        wide, tall = image.size
    scale = min(box[2] / wide, box[3] / tall)
    width, high = wide * scale, tall * scale
    left, top = box[0] + (box[2] - width) / 2, box[1] + (box[3] - high) / 2
    shape = slide.shapes.add_picture(io.BytesIO(content), *(Inches(value) for value in (left, top, width, high)))
    describe(shape, alt)


def _legend(slide: Slide, picture: MapPicture, box: Box) -> None:
    """What the marks of a map mean, each in its color and with its sign."""
    signs = {"square": "■", "diamond": "◆", "x": "✕", "cross": "✚", "triangle-up": "▲", "triangle-down": "▼"}
    shape = slide.shapes.add_textbox(*(Inches(value) for value in box))
    _write(shape, [f"  {key.text}" for key in picture.legend], TEXT_SIZE)
    for paragraph, key in zip(shape.text_frame.paragraphs, picture.legend, strict=True):
        run = paragraph.runs[0]
        sign = paragraph.add_run()
        run._r.addprevious(sign._r)
        sign.text = next((sign for name, sign in signs.items() if key.symbol.startswith(name)), "●")
        sign.font.size, sign.font.name = Pt(TEXT_SIZE), FONT
        sign.font.color.rgb = color(key.color)


def _notes(slide: Slide, texts: Sequence[str]) -> None:
    frame: Any = slide.notes_slide.notes_text_frame  # never missing: the notes were just made from the master's
    frame.text = "\n".join(clean(text) for text in texts)
