"""Pool points as cards: which of many to show and in which order, their texts, all their thumbnails in one image."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from app import palette
from app.atlas.facts import Facts
from app.components import hand_over, script
from app.components.map import wire
from app.components.sheet import Sheet, make_sheet
from app.figures.base import Theme
from app.shell.blocks import short_label

MOST_SHOWN = 200
REPRESENTATIVE = 20_000  # more points than this are shown by some that stand for all
PER_PAGE = 24
ORDERS = {
    "gain": "Most informative first",
    "gain_up": "Least informative first",
    "q": "Likeliest to be bought by RAD first",
    "truth_up": "Teacher most mistaken first",
    "truth": "Teacher most rightly sure first",
}
_PIXEL_ART = 32  # px: up to this size images are enlarged in squares
MOST_BYTES = 10_000  # of the image of one page; what does not fit without loss is sent as WebP


def pick_shown(facts: Facts, positions: np.ndarray, by: str) -> np.ndarray:
    """At most MOST_SHOWN of the positions (n,), in one of ORDERS.

    The first ones, or, of more than REPRESENTATIVE points, some evenly spread over the whole order.
    """
    values = {"gain": facts.gains, "q": facts.q, "truth": facts.truth_probability}[by.removesuffix("_up")][positions]
    keys = values if by.endswith("_up") else -values
    order = np.argsort(keys, kind="stable")  # NaN comes last
    if len(order) > REPRESENTATIVE:
        order = order[np.linspace(0, len(order) - 1, MOST_SHOWN).round().astype(np.int64)]
    return positions[order[:MOST_SHOWN]]


def enlarge(image: np.ndarray, side: int = 224) -> bytes:
    """One image (h, w, C) uint8 as a PNG whose longer side has about `side` pixels; small ones keep their squares."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    factor = side / max(picture.size)
    if max(picture.size) <= _PIXEL_ART:
        factor = max(1, round(factor))
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    method = Image.Resampling.NEAREST if max(picture.size) <= _PIXEL_ART else Image.Resampling.BICUBIC
    buffer = io.BytesIO()
    picture.resize(size, method).save(buffer, "PNG")
    return buffer.getvalue()


def make_cards(facts: Facts, positions: np.ndarray) -> list[dict[str, Any]]:
    """The texts of the cards: the true class, then lines, to those about teacher and student whether it is right."""
    return [_card(facts, int(position)) for position in positions]


def _card(facts: Facts, i: int) -> dict[str, Any]:
    names = facts.classes
    lines: list[list[Any]] = [
        [f"teacher: {names[facts.teacher_says[i]]}", bool(facts.teacher_right[i])]
        if facts.teacher_known[i]
        else ["teacher: no answer"],
        [f"student: {names[facts.student_says[i]]}", bool(facts.student_right[i])],
        [f"gain {facts.gains[i]:.2f}" + (f" · q {facts.q[i]:.3f}" if np.isfinite(facts.q[i]) else "")],
    ]
    buyers = bought_by(facts, i)
    if buyers:
        lines.append(["bought by " + ", ".join(f"{short_label(name)} ({round_})" for name, round_ in buyers)])
    return {"position": i, "title": names[facts.labels[i]], "lines": lines}


def bought_by(facts: Facts, i: int) -> list[tuple[str, int]]:
    """The strategies that bought a point and the round in which they did."""
    return [(name, int(rounds[i])) for name, rounds in facts.bought.items() if rounds[i] > 0]


def pack(key: str, cards: Sequence[dict[str, Any]], sheet: Sheet | None, theme: Theme) -> bytes:
    """Everything that the browser draws: the cards, and the image of all their thumbnails."""
    dark = theme == "dark"
    header = {
        "key": key,
        "cards": list(cards),
        "sheet": sheet and {"type": sheet.type, "tile": sheet.tile, "columns": sheet.columns},
        "colors": {
            "right": palette.text_color(palette.RIGHT_COLOR, dark),
            "wrong": palette.text_color(palette.WRONG_COLOR, dark),
        },
    }
    return wire.pack(header, [np.frombuffer(sheet.image, np.uint8)] if sheet else []).data


def show(
    facts: Facts,
    positions: np.ndarray,
    images: np.ndarray | None,
    *,
    primary: int | None,
    key: str,
    theme: Theme,
    on_pick: Callable[[], None],
) -> None:
    """Draw the cards of the positions (n,); on_pick is called before the rerun after a click, see `picked`.

    images: (N, h, w, C) thumbnails of the whole pool, or None. primary: the position whose card is marked, if any.
    """
    sheet = None if images is None or not len(positions) else make_sheet(np.asarray(images[positions]), 10, MOST_BYTES)
    data = pack(key, make_cards(facts, positions), sheet, theme)
    with st.container(gap=None):
        _element("cards")(key=key, data=data, on_pick_change=on_pick)
        _element("chosen")(key=f"{key}-chosen", data={"key": key, "position": primary})


def bring_script() -> None:
    """What draws the cards in the browser. Apart from them, so that it is not sent again with every change of them."""
    _element("script")(key="pool-cards-script")


def picked(key: str) -> int | None:
    """The pool position whose card was clicked last."""
    pick = (st.session_state.get(key) or {}).get("pick")
    position = pick.get("position") if isinstance(pick, dict) else None
    return position if isinstance(position, int) and position >= 0 else None


@cache
def _element(kind: str) -> Any:
    """The component that brings the JavaScript, the cards, or which of them is chosen."""
    folder = Path(__file__).parents[1] / "components" / "gallery"
    style = (folder / "gallery.css").read_text(encoding="utf-8")
    js = script(folder, ["gallery"], style) if kind == "script" else hand_over("radStudioGallery")
    return st.components.v2.component(f"rad_studio_gallery_{kind}", js=js)
