"""The studio's entry script: navigation, the study in view, what is running. Started by `rad app`."""

from __future__ import annotations

import streamlit as st

from app.results import shipped
from app.shell import blocks, frame

PAGES = [
    ("overview", "Overview", ":material/lightbulb:"),
    ("tradeoff", "Trade-off", ":material/balance:"),
    ("map", "Map", ":material/scatter_plot:"),
    ("curves", "Curves", ":material/show_chart:"),
    ("budget", "Budget lab", ":material/tune:"),
    ("story", "Story", ":material/slideshow:"),
    ("scores", "Your scores", ":material/upload_file:"),
    ("runs", "Runs", ":material/list_alt:"),
    ("method", "Method", ":material/school:"),
]

st.set_page_config(page_title="RAD Studio", page_icon=str(shipped.assets() / "logo.svg"), layout="wide")
page = frame.navigation(
    [
        st.Page(f"views/{name}.py", title=title, icon=icon, url_path=name, default=name == "overview")
        for name, title, icon in PAGES
    ]
)
with blocks.spoken_errors():
    frame.sidebar(page)
with (
    blocks.spoken_errors()
):  # a study that cannot be shown beside the page leaves the page, and the way to another study
    page.run()
