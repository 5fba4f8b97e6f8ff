"""The method beside any page: the game with ten points in a panel, with the way to everything else about it."""

from __future__ import annotations

import streamlit as st

from app.method import game


def offer(whole: st.Page) -> None:
    """A button on the left that opens the panel. whole: the page that explains everything."""
    if st.sidebar.button("How it works", icon=":material/school:", width="stretch", key="method-open"):
        _open(whole)


@st.dialog("Which labels are worth buying if the teacher errs where it hurts most?", width="large")
def _open(whole: st.Page) -> None:
    game.draw()
    st.page_link(whole, label="The setting, the limits, the sources", icon=":material/school:")
