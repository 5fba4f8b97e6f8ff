"""A handful of bought labels as pictures: what the point is, what the teacher said, and whether that is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.figures.base import SMALL_SIZE, Chart, Theme, f32, ink, new_sketch, verbatim
from app.figures.raster import layout_image, png_address
from app.palette import RIGHT_COLOR, WRONG_COLOR, rgb, text_color
from rad_core.errors import InputError

_TILE = 160  # pixels of the picture for one image, scaled by whole numbers as far as it fits
_CELL = 1.42  # height of a cell in widths: the image and two lines of text
_LONGEST = 14  # characters of a class name


def examples_chart(
    images: np.ndarray,
    truth: Sequence[str],
    answers: Sequence[str],
    *,
    who: str,
    columns: int = 6,
    theme: Theme = "light",
    height: int | None = None,
) -> Chart:
    """Bought points as one picture of tiles, each with its true class, the teacher's label, and right or wrong.

    images: (n, h, w, 1 or 3) uint8. truth, said: n names of classes. who: the name of the strategy that bought them.
    """
    count = len(images)
    if not count == len(truth) == len(answers) or images.ndim != 4:
        raise InputError(
            f"images has shape {images.shape}, truth {len(truth)}, answers {len(answers)}; all need n entries."
        )
    right = [a == b for a, b in zip(truth, answers, strict=True)]
    lines = max(1, -(-count // columns))
    sketch = new_sketch(theme, height or 12 + 186 * lines, margin={"l": 0, "r": 0, "t": 6, "b": 6}, dragmode=False)
    sketch.update_layout(
        images=[layout_image(_composite(images, right, columns), (0.0, columns), (-_CELL * lines, 0.0))],
        xaxis={"visible": False, "range": [0, columns], "fixedrange": True, "constrain": "domain"},
        yaxis={
            "visible": False,
            "range": [-_CELL * lines, 0],
            "fixedrange": True,
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    for i in range(count):
        color = text_color(RIGHT_COLOR if right[i] else WRONG_COLOR, theme == "dark")
        sketch.note(
            x=i % columns + 0.5,
            y=-_CELL * (i // columns) - 1.0,
            yanchor="top",
            align="center",
            text=f"<b>{_short(truth[i])}</b><br>{'✓' if right[i] else '✗'} {_short(answers[i])}",
            font={"size": SMALL_SIZE, "color": color if not right[i] else ink(theme).text},
            hovertext=f"true class: {verbatim(truth[i])}<br>teacher's label: {verbatim(answers[i])}",
        )
    # Something to hang the axes on; it shows nothing.
    sketch.scatter(x=f32([0, columns]), y=f32([-_CELL * lines, 0]), mode="markers", opacity=0, hoverinfo="skip")
    table = pd.DataFrame({"True class": list(truth), "Teacher's label": list(answers), "Teacher right": right})
    wrong = count - sum(right)
    mistakes = "no teacher mistake" if wrong == 0 else f"{wrong} teacher mistake{'' if wrong == 1 else 's'}"
    return Chart(
        sketch.finish(), table, f"What does {who} buy?", f"{count} labels bought by {who}: {mistakes} among them."
    )


def _short(name: str) -> str:
    """A class name that fits under its tile, as plain text."""
    return verbatim(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")


def _composite(images: np.ndarray, right: Sequence[bool], columns: int) -> str:
    """All tiles as one PNG data URI: enlarged by repeating pixels, framed in the color of right or wrong."""

    lines, cell = max(1, -(-len(images) // columns)), _TILE + 24
    canvas = np.zeros((round(lines * cell * _CELL), columns * cell, 4), np.uint8)
    for i, image in enumerate(images):
        factor = max(1, _TILE // max(image.shape[:2]))
        pixels = image[:_TILE, :_TILE].repeat(factor, axis=0).repeat(factor, axis=1)
        height, width = pixels.shape[:2]
        top = round((i // columns) * cell * _CELL) + (cell - height) // 2
        left = (i % columns) * cell + (cell - width) // 2
        color = RIGHT_COLOR if right[i] else WRONG_COLOR
        frame = 3 if right[i] else 7
        canvas[top - frame : top + height + frame, left - frame : left + width + frame] = (*rgb(color), 255)
        canvas[top : top + height, left : left + width, :3] = pixels
    return png_address(canvas)
