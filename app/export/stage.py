"""A story as the stage draws it: plain values, whose texts never become markup."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from PIL import Image

from app.export.map_picture import map_picture
from app.figures.base import INKS
from app.figures.drawing import XY, Drawing, Series
from app.palette import Style
from rad_core.text import one_line

if TYPE_CHECKING:
    from app.present.model import Live, Step, Story

_LONGER = 1100  # pixels of a picture
SIGNS = {"square": "■", "diamond": "◆", "x": "✕", "cross": "✚", "triangle-up": "▲", "triangle-down": "▼"}


def scenes(story: Story, *, dark: bool = False) -> dict[str, Any]:
    """The steps in order: name, title, number, sentences, note and what there is to see. digest: of all of it."""
    told = {
        "title": one_line(story.title),
        "steps": [_scene(step, INKS["dark" if dark else "light"].paper) for step in story.steps],
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return {**told, "digest": digest, "dark": dark}


def sign(symbol: str) -> str:
    """A Plotly symbol as a letter."""
    return next((letter for name, letter in SIGNS.items() if symbol.startswith(name)), "●")


def _scene(step: Step, paper: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "title": step.title,
        "number": step.number,
        "numberWords": step.number_words,
        "sentences": list(step.sentences),
        "note": step.note,
        "sight": _sight(step, paper),
    }


def _sight(step: Step, paper: str) -> dict[str, Any]:
    """What there is to see on the stage, the same as on the slide but for the pool whose teacher can be changed."""
    if step.live is not None:
        return _live(step.live)
    if step.picture is not None:
        return {"kind": "picture", "source": _source(step.picture), "alt": step.picture_alt, "legend": []}
    chart = step.charts[0]
    if chart.drawing is not None:
        kind = "xy" if isinstance(chart.drawing, XY) else "bars"
        return {"kind": kind, "alt": chart.alt, **_fields(chart.drawing)}
    mapped = map_picture(chart, paper)
    legend = [{"text": key.text, "color": key.color, "sign": sign(key.symbol)} for key in mapped.legend]
    return {"kind": "picture", "source": _source(mapped.png), "alt": chart.alt, "legend": legend}


def _source(png: bytes) -> str:
    """A picture as an address within the page, no larger than a stage shows it."""
    with Image.open(io.BytesIO(png)) as picture:
        shown = picture.convert("RGB")
    shown.thumbnail((_LONGER, _LONGER), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=86)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _fields(drawing: Drawing | Series) -> dict[str, Any]:
    """A drawing under JavaScript's names: a series' style among its own fields, six digits, what is unknown null."""
    fields: dict[str, Any] = {}
    for name, value in attrs.asdict(drawing, recurse=False).items():
        if isinstance(value, Style):
            fields |= asdict(value)
        elif isinstance(value, np.ndarray):
            numbers = value.astype(float)
            fields[name] = [float(f"{number:.6g}") if np.isfinite(number) else None for number in numbers]
        elif name == "series":
            fields[name] = [_fields(each) for each in value]
        else:
            fields[_camel_case(name)] = value
    return fields


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _live(live: Live) -> dict[str, Any]:
    return {
        "kind": "live",
        "seed": live.seed,
        "gains": base64.b64encode(np.ascontiguousarray(live.gains, "<u2").tobytes()).decode(),
        "budget": live.budget,
        "teacher": {"used": live.used, "low": live.low, "high": live.high, "checked": live.checked},
    }
