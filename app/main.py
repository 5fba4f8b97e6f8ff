"""The studio's entry script: navigation, the study in view, what is running. Started by `rad app`."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.campaign import pages
from app.explore import instrument
from app.method import panel
from app.results import shipped
from app.shell import blocks, campaigns, frame, state

EXPLORE = st.Page("views/explore.py", title="Explore", icon=":material/tune:", url_path="explore", default=True)
STUDY = [
    EXPLORE,
    st.Page("views/tradeoff.py", title="Trade-off", icon=":material/balance:", url_path="tradeoff"),
    st.Page("views/map.py", title="Map", icon=":material/scatter_plot:", url_path="map"),
    st.Page("views/curves.py", title="Curves", icon=":material/show_chart:", url_path="curves"),
    st.Page("views/present.py", title="Present", icon=":material/slideshow:", url_path="present"),
]
WORKSPACE = [
    st.Page("views/data.py", title="Your data", icon=":material/upload_file:", url_path="data"),
    st.Page("views/studies.py", title="Studies", icon=":material/list_alt:", url_path="studies"),
]
METHOD = st.Page("views/method.py", title="Method", url_path="method", visibility="hidden")
# Addresses of links made before.
MOVED = {"overview": EXPLORE, "budget": EXPLORE, "story": STUDY[4], "scores": WORKSPACE[0], "runs": WORKSPACE[1]}


def _move(page: st.Page) -> None:
    st.switch_page(page, query_params=dict(st.query_params))


def _moved(name: str) -> st.Page:
    move = partial(_move, MOVED[name])
    return st.Page(move, title=MOVED[name].title, url_path=name, visibility="hidden")


_SIDEBAR = 236  # px: the instrument needs the rest of a small screen

st.set_page_config(
    page_title="RAD Studio",
    page_icon=str(shipped.assets() / "logo.svg"),
    layout="wide",
    initial_sidebar_state=_SIDEBAR,
)
page = frame.navigation({"This study": STUDY, "Workspace": WORKSPACE, "": [METHOD, *map(_moved, MOVED)]})
with blocks.spoken_errors():
    frame.sidebar(page)
    if page != METHOD:
        panel.offer(METHOD)
body, foot = st.container(), st.container(key="foot")
# A study that cannot be shown beside the page leaves the page, and the way to another study.
with blocks.spoken_errors():
    campaign = campaigns.in_view() if page in STUDY else None
    if page in STUDY[1:] and campaign is None and st.session_state.get("run") is not None:
        with foot:
            instrument.bar(state.current())
    with body:
        if campaign is None:
            page.run()
        else:
            pages.draw(page.url_path, campaign)
