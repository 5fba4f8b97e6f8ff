"""Labels that the teacher gets wrong, as one picture of thumbnails with their names. No Streamlit in here."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.figures.base import INKS, Theme
from app.palette import WRONG_COLOR, text_color
from app.results import reading
from rad_core.store.study import Study

_COLUMNS, _MOST = 5, 10
_TILE, _GAP, _TEXT, _LINE = 236, 44, 42, 50  # pixels; the picture is shown at about half its size
_LONGEST = 14  # characters of a name under a thumbnail


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Teacher mistakes among the most informative tenth of a pool, the most informative first.

    images: (n, h, w, C) uint8, n of at most 10. truth, said: n names of classes. wrong: mistakes in that tenth. tenth:
    points in it.
    """

    images: np.ndarray
    truth: tuple[str, ...]
    answers: tuple[str, ...]
    wrong: int
    tenth: int


def mistakes(study: Study, seed: int, gains: np.ndarray, right: np.ndarray) -> Mistakes | None:
    """The mistakes to show, or None where the study keeps no thumbnails or the teacher makes no mistake there.

    gains: (N,) of the whole pool before the first purchase. right: (N,) bool, where the teacher is right.
    """
    thumbnails = reading.thumbnails(study, seed)
    if thumbnails is None:
        return None
    tenth = np.argsort(-gains, kind="stable")[: max(1, len(gains) // 10)]
    wrong = tenth[~right[tenth]]
    if not len(wrong):
        return None
    shown = wrong[:_MOST]
    names = reading.classes(study, seed)
    answers = reading.teacher_probabilities(study, seed)[shown].argmax(1)
    return Mistakes(
        np.array(thumbnails[shown]),
        tuple(names[i] for i in reading.labels(study, seed)[shown]),
        tuple(names[i] for i in answers),
        len(wrong),
        len(tenth),
    )


def draw(sample: Mistakes, theme: Theme) -> bytes:
    """The thumbnails in rows of five, the true class and the teacher's under each, as a PNG on the theme's paper."""
    ink = INKS[theme]
    columns = min(_COLUMNS, len(sample.images))
    rows = -(-len(sample.images) // columns)
    cell = (_TILE + _GAP, _TILE + 2 * _LINE + _GAP)
    picture = Image.new("RGB", (columns * cell[0], rows * cell[1]), ink.paper)
    pen = ImageDraw.Draw(picture)
    wrong = text_color(WRONG_COLOR, theme == "dark")
    for i, image in enumerate(sample.images):
        left, top = (i % columns) * cell[0] + _GAP // 2, (i // columns) * cell[1] + _GAP // 2
        tile = _scaled(image)
        place = (left + (_TILE - tile.width) // 2, top + (_TILE - tile.height) // 2)
        box = (place[0] - 6, place[1] - 6, place[0] + tile.width + 5, place[1] + tile.height + 5)
        pen.rectangle(box, fill=WRONG_COLOR)
        picture.paste(tile, place)
        middle = left + _TILE // 2
        truth, answer = f"is {_fitting(sample.truth[i])}", f"teacher: {_fitting(sample.answers[i])}"
        pen.text((middle, top + _TILE + 12), truth, fill=ink.text, font=_font_for(truth), anchor="mt")
        pen.text((middle, top + _TILE + 12 + _LINE), answer, fill=wrong, font=_font_for(answer), anchor="mt")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def describe(sample: Mistakes, seed: int) -> str:
    """What the picture shows, in words."""
    pairs = [f"{truth} taken for {answer}" for truth, answer in zip(sample.truth, sample.answers, strict=True)]
    of = f"{len(pairs)} of the {sample.wrong:,}" if sample.wrong > len(pairs) else f"All {sample.wrong:,}"
    return (
        f"{of} labels that the teacher gets wrong among the {sample.tenth:,} most informative images of the pool "
        f"(seed {seed}): {'; '.join(pairs)}."
    )


def _scaled(image: np.ndarray) -> Image.Image:
    """An image (h, w, C) as large as fits into a tile; small ones keep their squares."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert("RGB")
    factor = _TILE / max(picture.size)
    if max(picture.size) <= 32:
        factor = max(1, int(factor))
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    method = Image.Resampling.NEAREST if max(picture.size) <= 32 else Image.Resampling.BICUBIC
    return picture.resize(size, method)


def _font_for(text: str) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """As large as lets the text stay within its cell."""
    size = _TEXT
    while size > 20 and ImageFont.load_default(size).getlength(text) > _TILE + _GAP - 8:
        size -= 2
    return ImageFont.load_default(size)


def _fitting(name: str) -> str:
    """A name short enough, in letters that the built-in font has; the description holds it in full."""
    plain = name.encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
