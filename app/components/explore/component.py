"""The instrument on a page, and its bar on all others: what they are given, and what a person did with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from app.components import hand_over
from app.components.explore import assets
from app.components.map.wire import Blob

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
    with st.container(gap=None):
        _element("bar")(key=key, data={"key": key, "alone": True, **data}, on_event_change=on_change)
        _element("script")(key=f"{key}-script")


def happened(key: str) -> dict[str, Any]:
    """The last event from the browser; empty if there was none."""
    event = (st.session_state.get(key) or {}).get("event")
    return event if isinstance(event, dict) else {}


@cache
def _element(kind: str) -> Any:
    """What is seen ("view", "bar"), or what brings its script: the pool, which no handle changes, or nothing else."""
    js = hand_over(_HUB) if kind in ("view", "bar") else assets.script()
    return st.components.v2.component(f"rad_studio_explore_{kind}", js=js)
