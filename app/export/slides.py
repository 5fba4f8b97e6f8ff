"""A story as PowerPoint slides: native charts that can be edited, large type, notes with the numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from app.export import stamp
from app.export.fitting import FONT, GAP, fitting_size, height, share, shortened
from app.export.map_picture import MapPicture, map_picture
from app.export.slide_drawing import (
    INK,
    SOFT,
    TEXT_SIZE,
    Box,
    add_chart,
    clean,
    color,
    describe,
    inches,
)
from app.export.stage import sign
from app.export.tables import as_text
from app.figures.game import waterline_drawing
from rad_core.selection.game import solve_game

if TYPE_CHECKING:
    from pptx.presentation import Presentation as Deck
    from pptx.slide import Slide

    from app.present.model import Step, Story

WIDTH, HEIGHT = 13.333, 7.5  # inches, 16:9
ACCENT = "#D55E00"
_MARGIN = 0.6
_TITLE: Box = (_MARGIN, 0.38, WIDTH - 2 * _MARGIN, 1.0)
_TOP, _BOTTOM = 1.55, 6.95  # between title and footer
_COLUMN = 4.2  # width of the words beside what there is to see
_GAP = 0.35
_KEYS = 2.6  # width of a map's legend
_SIZES = (24, 22, 20, TEXT_SIZE)


def slides(story: Story) -> bytes:
    """The story as a .pptx file: a slide for every step, as on the stage.

    Its finding is the title; beside what there is to see stand one large number and the sentences that fit at 18
    points. The notes hold all sentences, the presenter's own words and the numbers.
    """
    stamp.require_clock()
    at = stamp.moment()
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    _properties(deck, story, at)
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
    facts = (story.title, story.facts["Study"], f"RAD Studio {story.facts['RAD Studio']}", stamp.words(at))
    return " · ".join(map(clean, facts))


# --- slides -----------------------------------------------------------------------------------------------------------


def _add_step(deck: Deck, step: Step, footer: str) -> None:
    slide = _titled(deck, step.title)
    tall = _BOTTOM - _TOP
    _beside(slide, step, (_MARGIN + _COLUMN + _GAP, _TOP, WIDTH - 2 * _MARGIN - _COLUMN - _GAP, tall))
    top = _TOP
    if step.number:
        _text(slide, (_MARGIN, top, _COLUMN, 1.0), [step.number], 60, ink=ACCENT)
        words = [clean(step.number_words)]
        room = height(words, TEXT_SIZE, _COLUMN) + 0.1
        _text(slide, (_MARGIN, top + 1.0, _COLUMN, room), words, TEXT_SIZE, ink=SOFT)
        top += 1.2 + room
    shown = share([clean(text) for text in step.sentences], (_COLUMN, _BOTTOM - top), TEXT_SIZE)
    if shown:
        size = fitting_size(shown, (_COLUMN, _BOTTOM - top), _SIZES)
        _text(slide, (_MARGIN, top, _COLUMN, _BOTTOM - top), shown, size)
    _foot(slide, footer)
    _notes(slide, _spoken(step))


def _beside(slide: Slide, step: Step, box: Box) -> None:
    """What there is to see: the pool, a picture, a chart of PowerPoint's own, or a map."""
    if step.live is not None:
        gains = step.live.floats
        game = solve_game(gains, step.live.budget, teacher_accuracy=step.live.used)  # as the stage shows it at first
        add_chart(slide, waterline_drawing(gains, game), box, f"{step.number} {step.number_words}")
    elif step.picture is not None:
        _picture(slide, step.picture, box, step.picture_alt)
    elif (drawing := step.charts[0].drawing) is not None:
        add_chart(slide, drawing, box, step.charts[0].alt)
    else:
        mapped = map_picture(step.charts[0])
        _legend(slide, mapped, (box[0] + box[2] - _KEYS, box[1], _KEYS, box[3]))
        _picture(slide, mapped.png, (box[0], box[1], box[2] - _KEYS - 0.2, box[3]), step.charts[0].alt)


def _spoken(step: Step) -> list[str]:
    """The notes of a slide."""
    notes = [*step.sentences]
    if step.note:
        notes += ["", f"Note: {step.note}"]
    notes += ["", step.picture_alt] if step.picture is not None else []
    for chart in step.charts:
        notes += ["", chart.alt]
    for numbers in (*(chart.table for chart in step.charts), step.table):
        if numbers is not None:
            notes += ["", as_text(numbers.head(60)).to_csv(sep="\t", index=False).strip()]
    return notes


# --- parts ------------------------------------------------------------------------------------------------------------


def _titled(deck: Deck, title: str) -> Slide:
    # Of the layout that has a title and nothing else: outlines and screen readers know it by its title.
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    text = clean(title)
    size = fitting_size([text], _TITLE[2:], (34, 32, 30, 28, 26, 24), bold=True)
    _bar(slide, (0, _TITLE[1], 0.28, _TITLE[3]))
    place: Any = slide.shapes.title  # the layout has one
    place.left, place.top, place.width, place.height = inches(_TITLE)
    _write(place, [shortened(text, size, _TITLE[2:], bold=True)], size, bold=True, anchor=MSO_ANCHOR.MIDDLE)
    return slide


def _bar(slide: Slide, box: Box) -> None:
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *inches(box))
    shape.fill.solid()
    shape.fill.fore_color.rgb = color(ACCENT)
    shape.line.fill.background()
    shape._element.remove(shape._element.find(qn("p:style")))  # the theme's, with its shadow
    describe(shape, "")


def _text(slide: Slide, box: Box, texts: Sequence[str], size: float, *, ink: str = INK) -> None:
    shape = slide.shapes.add_textbox(*inches(box))
    _write(shape, texts, size, ink=ink)


def _write(
    shape: Any,
    texts: Sequence[str],
    size: float,
    *,
    ink: str = INK,
    bold: bool = False,
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
        paragraph.space_after = Pt(GAP * size if number < len(texts) - 1 else 0)
        run = paragraph.add_run()
        run.text = clean(text)
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, FONT
        run.font.color.rgb = color(ink)


def _foot(slide: Slide, text: str) -> None:
    box = (_MARGIN, 7.05, WIDTH - 2 * _MARGIN, 0.25)
    size = fitting_size([text], box[2:], (12, 11, 10, 9))
    _text(slide, box, [shortened(text, size, box[2:])], size, ink=SOFT)


def _picture(slide: Slide, content: bytes, box: Box, alt: str) -> None:
    """A picture as large as its box allows, in the middle of it."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        wide, tall = image.size
    scale = min(box[2] / wide, box[3] / tall)
    width, high = wide * scale, tall * scale
    left, top = box[0] + (box[2] - width) / 2, box[1] + (box[3] - high) / 2
    shape = slide.shapes.add_picture(io.BytesIO(content), *inches((left, top, width, high)))
    describe(shape, alt)


def _legend(slide: Slide, picture: MapPicture, box: Box) -> None:
    """What the marks of a map mean, each in its color and with its sign."""
    shape = slide.shapes.add_textbox(*inches(box))
    _write(shape, [f"  {key.text}" for key in picture.legend], TEXT_SIZE)
    for paragraph, key in zip(shape.text_frame.paragraphs, picture.legend, strict=True):
        run = paragraph.runs[0]
        mark = paragraph.add_run()
        run._r.addprevious(mark._r)
        mark.text = sign(key.symbol)
        mark.font.size, mark.font.name = Pt(TEXT_SIZE), FONT
        mark.font.color.rgb = color(key.color)


def _notes(slide: Slide, texts: Sequence[str]) -> None:
    frame: Any = slide.notes_slide.notes_text_frame  # never missing: the notes were just made from the master's
    frame.text = "\n".join(clean(text) for text in texts)
