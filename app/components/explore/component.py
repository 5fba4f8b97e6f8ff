"""The instrument on a page, and its bar on all others: what they are given, and what a person did with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.components import hand_over
from app.components import script as join
from app.components.map.wire import Blob

# In the order in which they lean on each other; together they are one module.
_SCRIPTS = ("words", "game", "draw", "waterline", "accuracy", "places", "images", "purchase", "bar", "instrument")
_HUB = "radStudioExplore"


def instrument(pool: Blob, data: dict[str, Any], *, key: str, on_change: Callable[[], None]) -> None:
    """Draw the instrument for a pool (payload.pool_blob) and what stands beside it.

    on_change: called before the rerun that a handle causes when it is let go; happened(key) tells there what it is now.
    """
    with st.container(gap=None):
        _element("view")(key=key, data={"key": key, "pool": pool.digest, **data}, on_event_change=on_change)
        _element("pool")(key=f"{key}-pool", data=pool.data)


def bar(data: dict[str, Any], *, key: str, on_change: Callable[[], None]) -> None:
    """Draw the bar alone, for pages that have no instrument."""
    _element("bar")(key=key, data={"key": key, "alone": True, **data}, on_event_change=on_change)


def happened(key: str) -> dict[str, Any]:
    """The last event from the browser; empty if there was none."""
    event = (st.session_state.get(key) or {}).get("event")
    return event if isinstance(event, dict) else {}


def script() -> str:
    """The JavaScript of the instrument."""
    return join(Path(__file__).with_name("js"), _SCRIPTS)


@cache
def _element(kind: str) -> Any:
    """The one that brings the pool brings the script, too: its data do not change while handles are moved."""
    style = Path(__file__).with_name("explore.css").read_text(encoding="utf-8")
    whole = kind != "view"
    return st.components.v2.component(
        f"rad_studio_explore_{kind}",
        js=script() if whole else hand_over(_HUB),
        css=style if kind != "pool" else None,
    )
