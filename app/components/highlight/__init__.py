"""Curves that step back while another of their chart is pointed at. Plotly has no setting for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def highlight(*, key: str) -> None:
    """Light the curve under the pointer, in every chart of the page whose curves have a legend group.

    A trace that is drawn in gray says in `meta["color"]` what it looks like when it is pointed at.
    """
    with st.container(height=1, border=False):
        _element()(key=key, data=None)


@cache
def _element() -> ComponentRenderer:
    script = Path(__file__).with_name("highlight.js").read_text(encoding="utf-8")
    return st.components.v2.component("rad_studio_highlight", js=script)
