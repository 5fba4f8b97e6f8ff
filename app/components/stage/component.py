"""The stage on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.components.stage import assets

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def stage(
    scenes: dict[str, Any], *, key: str, whole: bool, step: str, names: Mapping[str, str], on_change: Callable[[], None]
) -> None:
    """Draw a story (app.export.stage.scenes). whole: over the whole window. step: the one to begin with.

    names: of the steps, in a word. on_change: called before the rerun when the presenter ends the show by its keys.
    """
    data = {"scenes": scenes, "whole": whole, "step": step, "key": key, "names": dict(names)}
    _element()(key=key, data=data, on_event_change=on_change)


@cache
def _element() -> ComponentRenderer:
    js = f"{assets.script()}\n{assets.mounting()}"
    return st.components.v2.component("rad_studio_stage", js=js, css=assets.style())
