"""What the map shows, between browser, session and address."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from app.atlas import facts
from app.components.map import MapEvent, Selection
from app.components.map.component import map_event
from app.findings.words import literal
from app.shell import state
from rad_core.errors import InputError

KEY = "pool-map"


@dataclass(frozen=True, eq=False)
class MapScene:
    """What the controls above the map ask for, and the layout to draw it on.

    strategies: one or two with results. layout: names the points (method and features) in links. round: what was bought
    up to it is shown.
    """

    view: state.View
    seed: int
    strategies: tuple[str, ...]
    color: str
    display: str
    highlight: tuple[str, ...] | None
    points: np.ndarray
    layout: str
    round: int

    @property
    def tag(self) -> tuple[str, int, str]:
        return (self.view.study.id, self.seed, self.layout)


def shown_now(scene: MapScene) -> MapEvent:
    """What the user made of the map; on first sight what the address says; on another layout what still makes sense."""
    session = st.session_state
    before = session.get("map-tag")
    session["map-tag"] = scene.tag
    if before == scene.tag:
        event = map_event(KEY)
    elif before is None:
        event = _from_address(scene)
    else:
        event = _carried_over(scene, before, map_event(KEY))
    if "map-wanted" in session:  # a card was clicked, or the point closed
        event = replace(event, primary=session.pop("map-wanted"))
    primary = event.primary if event.primary is not None and event.primary < len(scene.points) else None
    return replace(event, primary=primary)


def _carried_over(scene: MapScene, before: tuple[str, int, str], event: MapEvent) -> MapEvent:
    """What still makes sense on another map: of the same pool the point; a selection where it was drawn."""
    if before[:2] != scene.tag[:2]:
        st.session_state.pop("map-pending", None)
        return replace(event, selection=None, primary=None)
    if (link := facts.link_text(before[2], event.selection)) is not None:
        st.session_state["map-pending"] = link
    return replace(event, selection=_pending(scene))


def waiting_layout() -> str | None:
    """The layout on which a selection was drawn that cannot be shown on the present one."""
    pending = st.session_state.get("map-pending")
    return None if pending is None else pending.partition(".")[0]


def _from_address(scene: MapScene) -> MapEvent:
    asked = st.query_params
    if asked.get("map_sel"):
        st.session_state["map-pending"] = asked["map_sel"]
    point = asked.get("map_point", "")
    return MapEvent(_pending(scene), int(point) if point.isascii() and point.isdecimal() and len(point) < 10 else None)


def _pending(scene: MapScene) -> Selection | None:
    """The selection that a link brought, once the layout that it was drawn on is shown."""
    text = st.session_state.get("map-pending")
    if text is None:
        return None
    try:
        layout, selection = facts.read_link(text)
    except InputError as error:
        st.toast(literal(error), icon=":material/info:")
        del st.session_state["map-pending"]
        return None
    if layout != scene.layout:
        return None
    del st.session_state["map-pending"]
    return selection


def remember(scene: MapScene, event: MapEvent) -> None:
    """Keep what is shown in the address, for links and a reload."""
    link = facts.link_text(scene.layout, event.selection)
    if event.selection is not None:
        st.session_state.pop("map-pending", None)
    state.keep_in_address("map_sel", link or st.session_state.get("map-pending"))
    state.keep_in_address("map_point", None if event.primary is None else str(event.primary))
