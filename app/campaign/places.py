"""Where in the pool are the labels? The map of a sample of it, each point by its state."""

from __future__ import annotations

from contextlib import suppress
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import streamlit as st

from app.campaign import child, reading, words
from app.components.map import MapColoring, MapLayer, fallback_chart
from app.components.map.component import map_event, pool_map
from app.findings.words import literal
from app.palette import OTHER_COLOR
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core import partials
from rad_core.campaign import features
from rad_core.campaign.campaign import Campaign
from rad_core.learning.plane import principal_plane
from rad_core.results.words import about, count
from rad_core.running.embedding import seconds

KEY = "campaign-map"
MAP = "map-umap.npz"  # in the campaign's folder
MOST_POINTS = 20_000
# Constant text: nothing from a campaign may ever get into it. Title and map fit one screen together.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 0.7rem 1.2rem 0.5rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.5rem; }
[data-testid="stMainBlockContainer"] h1 { font-size: 1.3rem; line-height: 1.3; padding: 0; }
@media (max-width: 768px) { [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; } }
</style>"""
# State -> what it is called, color, symbol: color-blind-safe, and 3:1 on white and on dark paper.
LOOKS = {
    "answered": ("answered", "#D55E00", "circle"),
    "asked": ("asked, open", "#2E8BE0", "diamond"),
    "abstained": ("teacher abstained", "#B0539B", "x"),
    "withdrawn": ("taken back, free again", "#36A66A", "triangle-up"),
}


def page(standing: Standing) -> None:
    """The map, or what is missing for one."""
    status, campaign = standing.status, standing.campaign
    size = sum(status.pool.values())
    st.html(_STYLE)
    blocks.header("Map", literal(f"{standing.name}: {words.bought(status)}."))
    if not campaign.settings.features:
        blocks.empty(
            "A map needs features",
            "It places points that are alike close together, by their features (embeddings, columns of numbers). This "
            "campaign was created from ids alone. One with features: "
            "`rad campaign create NAME --pool features:FILE --student linear …`",
            ":material/scatter_plot:",
        )
        _counts(standing)
        return
    sample = state.kept("campaign-sample", standing.key, lambda: reading.sample(campaign, size, MOST_POINTS))
    method = _method(campaign, sample)
    if method == "UMAP":
        rows, points = umap(campaign) or (sample.rows, np.empty((0, 2)))
        sample = reading.of_rows(campaign, rows, size)
    else:
        points = state.kept("campaign-places", standing.key, lambda: _places(campaign, sample))
    codes = np.zeros(len(points), np.uint8)
    coloring = MapColoring(codes, ["pool"], [OTHER_COLOR], "State of each point", quiet=True)
    layers = [
        MapLayer(name, label, color, symbol, np.flatnonzero(sample.states == name))
        for name, (label, color, symbol) in LOOKS.items()
        if np.any(sample.states == name)
    ]
    left, right = st.columns([8, 3], gap="medium")
    with left:
        before = map_event(KEY)
        event = pool_map(
            points,
            coloring,
            layers,
            key=KEY,
            round=None,
            selection=before.selection,
            primary=None if before.primary is None or before.primary >= len(points) else before.primary,
            height=440,
            rows=sample.rows,
        )
        if not event.webgl:
            blocks.chart(fallback_chart(points, coloring, layers, theme=state.theme()), "campaign-map-picture")
        shown = "" if len(points) == size else f"{len(points):,} of {count(size, 'point')}, evenly spread, and "
        what = f"{shown}every point that was asked about" if shown else f"All {count(size, 'point')}"
        if shown and method == "UMAP":
            what = f"{len(points):,} of {count(size, 'point')}, as asked about when it was computed"
        st.caption(f"{what}; {method} of their features. Points that are alike lie close together.")
    with right:
        if event.primary is None:
            st.caption("Click a point: its id, its state and what was answered.")
        else:
            _point(campaign, int(sample.rows[event.primary]), str(sample.states[event.primary]))


# --- the plane -------------------------------------------------------------------------------------------------------

_UMAP = """
from rad_core import partials
from rad_core.running.embedding import compute_map
rows = np.load(sys.argv[2])
features = np.load(sys.argv[1], mmap_mode="r")
points = compute_map(np.asarray(features[rows], np.float32))
with partials.beside(Path(sys.argv[3])) as file:
    np.savez(file, rows=rows, points=points)
"""


def _method(campaign: Campaign, sample: reading.Sample) -> str:
    """PCA, or a UMAP that is there; it is computed once somebody asks for it, and kept with the campaign."""
    row = st.container(horizontal=True, vertical_alignment="center")
    wanted = row.segmented_control(
        "Placed by",
        ["PCA", "UMAP"],
        default="PCA",
        key="campaign_layout",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    if wanted != "UMAP" or umap(campaign) is not None:
        return wanted or "PCA"
    width = features.look_at(campaign.path).shape[1]
    takes = about(seconds(len(sample.rows), width, "umap"))
    if state.read_only():
        row.caption("No UMAP was computed yet; shown is the PCA.")
    elif row.button(f"Compute the UMAP (about {takes})", icon=":material/scatter_plot:", key="campaign-umap"):
        with st.spinner("Computing the UMAP …", show_time=True):
            make_umap(campaign, sample.rows)
        st.rerun()
    return "PCA"


def make_umap(campaign: Campaign, rows: np.ndarray) -> None:
    """Compute the UMAP of rows (n,) of the pool in a process of its own, and keep it with the campaign."""
    with partials.temporary_folder("rad-map") as folder:
        np.save(folder / "rows.npy", rows)
        child.run(_UMAP, campaign.path / features.FILE, folder / "rows.npy", campaign.path / MAP)


def umap(campaign: Campaign) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows (n,) of the pool and their places (n, 2); None where none was computed or it cannot be read."""
    path = campaign.path / MAP
    if not path.is_file():
        return None
    with suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path, allow_pickle=False) as held:
        return held["rows"], held["points"]
    return None


def _places(campaign: Campaign, sample: reading.Sample) -> np.ndarray:
    """(n, 2): of the file of features only the rows that are drawn are read."""
    return principal_plane(np.asarray(features.look_at(campaign.path)[sample.rows]))


def _counts(standing: Standing) -> None:
    pool = standing.status.pool
    rows = [(LOOKS[name][0] if name in LOOKS else name, number) for name, number in pool.items()]
    st.dataframe(
        pd.DataFrame(rows, columns=["State", "Points"]),
        hide_index=True,
        key="campaign-states",
        column_config={"Points": st.column_config.NumberColumn(format="localized")},
    )


def _point(campaign: Campaign, row: int, label: str) -> None:
    """One point in detail. Ids, texts and answers are the user's: never Markdown."""
    (name,) = campaign.names_of([row])
    with st.container(border=True, key="campaign-point", gap="xsmall"):
        st.text(name)
        st.caption(literal(LOOKS[label][0] if label in LOOKS else label))
        account = campaign.accounts().get(row)
        if account is not None:
            for source, content in account.answers.items():
                number = reading.likeliest(content, len(campaign.classes))
                said = "abstains" if number is None else f"says {campaign.classes[number]}"
                st.text(f"The {source} {said}")
            if account.question is not None and account.question.gain is not None:
                st.caption(f"Round {account.round}; gain {account.question.gain:.3g}")
        text = campaign.shown([name]).get("text", [None])[0]
        if isinstance(text, str):
            st.text(text[:2000])
