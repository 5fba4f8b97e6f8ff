"""Bars that one drags: the small game of the page Method."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.components.explore import assets
from app.palette import RIGHT_COLOR, WRONG_COLOR, strategy_style
from rad_core.errors import InputError

STEPS = 100  # gains are whole hundredths


def draggable_bars(gains: Sequence[int], budget: int, wrong: int, alt: str, *, key: str, on_move: Any) -> None:
    """Draw gains (whole hundredths, 0 to 100) as bars to drag or to move by the arrow keys, and the game's answer.

    budget, wrong: of the game. alt: the picture's message in one sentence. on_move: called before the rerun that comes
    once a moved bar rests; moved(key, ...) tells there what the bars are now.
    """
    _element()(
        key=key,
        data={
            "gains": list(gains),
            "budget": budget,
            "wrong": wrong,
            "alt": alt,
            "revision": _revision(key),
            "colors": {"right": RIGHT_COLOR, "wrong": WRONG_COLOR, "rad": strategy_style("rad").color},
        },
        on_move_change=on_move,
    )


def moved(key: str, count: int) -> list[int] | None:
    """Where the user has left the bars of this key, or None where they did not move since they were last set."""
    move = (st.session_state.get(key) or {}).get("move")
    if not isinstance(move, dict) or move.get("revision") != _revision(key):
        return None
    gains = move.get("gains")
    if not isinstance(gains, list) or len(gains) != count:
        raise InputError(f"The bars sent {str(gains)[:40]!r}; {count} gains were expected. Reload the page.")
    if not all(isinstance(gain, int) and 0 <= gain <= STEPS for gain in gains):
        raise InputError(f"The bars sent {str(gains)[:40]!r}; gains are whole hundredths. Reload the page.")
    return gains


def set_bars(key: str) -> None:
    """Let the gains that are drawn next replace what the user did to the bars of this key."""
    st.session_state[f"{key}-revision"] = _revision(key) + 1


def _revision(key: str) -> int:
    return int(st.session_state.get(f"{key}-revision", 0))


@cache
def _element() -> Any:
    here = Path(__file__).parent
    return st.components.v2.component(
        "rad_studio_bars",
        js=assets.script("words", "game") + (here / "bars.js").read_text(encoding="utf-8"),
        css=(here / "bars.css").read_text(encoding="utf-8"),
    )
