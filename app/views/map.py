"""Where in the pool are the labels bought? The map of the pool with the picks, and beside it the images behind them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.atlas import cards, detail, layout
from app.atlas import facts as points_facts
from app.atlas.facts import COLORINGS, Facts, coloring, gather, link_text, table
from app.atlas.session import KEY, MapScene, remember, shown_now, waiting_layout
from app.components.map import MapEvent, Selection, fallback_chart, resolve
from app.components.map.component import pool_map
from app.components.sheet import Sheet, make_sheet
from app.palette import CLASS_COLORS, strategy_order
from app.results import reading
from app.shell import blocks, purchase, state
from rad_core.store.study import Study

DISPLAYS = {"one": "Picks of both", "difference": "Difference"}
# Constant texts: nothing from a study may ever get into them. Map and gallery share the window, and the bar below.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 0.7rem 1.2rem 0.5rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.5rem; }
.st-key-map-head h1 { font-size: 1.3rem; line-height: 1.3; padding: 0; }
.st-key-map-head { padding-right: 2.6rem; }
.st-key-map-beside { gap: 0.6rem; }
.st-key-map-beside :is(td, th) { padding: 0.1rem 0.5rem; font-size: 0.9rem; }
.st-key-map-beside table { width: 100%; margin: 0 0 1rem; }
.st-key-map-beside h3 { font-size: 1rem; padding: 0 0 1rem; }
@media (min-width: 769px) { .st-key-map-beside { height: max(420px, calc(100vh - 145px)); overflow-y: auto; } }
@media (max-width: 768px) { [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; } }
</style>"""
_SPRITE_BYTES = 400_000  # of all thumbnails together, up to which they come with the map, for its tooltip


# --- controls ------------------------------------------------------------------------------------------------------


def controls(view: state.View, seed: int, pair: tuple[str, ...]) -> tuple[dict[str, Any], str, str]:
    """The row above the map: what is shown in which colors, whose features and which method place the points."""
    row = st.container(horizontal=True, vertical_alignment="bottom", key="map-head")
    with row.container(width="stretch"):
        st.title("Map", anchor=False, help="Images that look alike lie close together.")
    color = blocks.choose_from("Color by", COLORINGS, "map_color", place=row, width=210)
    display = "one"
    if len(pair) == 2:
        display = blocks.choose_from(
            "Shown",
            DISPLAYS,
            "map_show",
            place=row,
            width=150,
            help="Difference: where one of the two had bought more than the other by the end of the round.",
        )
    with row.popover("Options", icon=":material/tune:"):
        highlight = _highlight(view.read(reading.classes, seed)) if color in ("class", "none") else None
        source, method = layout.choose(view, seed)
    return {"color": color, "display": display, "highlight": highlight}, source, method


def _highlight(classes: tuple[str, ...]) -> tuple[str, ...] | None:
    most = len(CLASS_COLORS)
    if len(classes) <= most:
        return None
    chosen = st.multiselect(
        "Classes that stand out",
        classes,
        default=list(classes[:most]),
        max_selections=most,
        key="map_classes",
        persist_state="session",
        help=f"At most {most}; the others share one gray.",
    )
    return tuple(chosen)


def rules(view: state.View, seed: int) -> tuple[str, ...]:
    """Of the pair of rules in view those that are in this study; where none of them is, the first of its rules."""
    wished = purchase.current(view)
    names = strategy_order(view.config.strategies)
    return tuple(name for name in (wished.a, wished.vs) if name in names) or (names[0],)


# --- the map and what is beside it ---------------------------------------------------------------------------------


def body(scene: MapScene) -> None:
    """The map and what stands beside it; run alone when the user does something on the map."""
    with blocks.spoken_errors():
        event = shown_now(scene)
        bought = strategy_order(state.with_results(scene.view, scene.seed))
        names = [*scene.strategies, *(name for name in bought if name not in scene.strategies)]
        facts = gather(scene.view.read, scene.seed, scene.strategies[0], scene.round, names)
        left, right = st.columns([8, 5], gap="small")
        with left:
            event = draw(scene, facts, event)
            remember(scene, event)
            st.caption(layout.provenance(scene.view, scene.seed, scene.layout, _last(scene)))
            if (waiting := waiting_layout()) is not None:
                st.info(
                    f"There is a selection drawn on the {layout.name(waiting)}. It shows once the map is that one: "
                    "see Options.",
                    icon=":material/lasso_select:",
                )
        with right, st.container(key="map-beside"):
            beside(scene, facts, event)


def _last(scene: MapScene) -> int:
    return max(scene.view.read(reading.last_round, name, scene.seed) for name in scene.strategies)


def draw(scene: MapScene, facts: Facts, event: MapEvent) -> MapEvent:
    """The map itself, or its still picture where the browser cannot draw it."""
    read, theme = scene.view.read, state.theme()
    colors = coloring(facts, scene.color, theme, scene.highlight)
    picks, difference = [], None
    if scene.display == "difference":
        difference = points_facts.contrast(facts, scene.points, scene.strategies)
    else:
        picks = points_facts.picks(read, scene.seed, scene.strategies, colored=not colors.quiet)
    event = pool_map(
        scene.points,
        colors,
        picks,
        key=KEY,
        round=scene.round,
        selection=event.selection,
        primary=event.primary,
        sprites=read(sprites, scene.seed),
        names=points_facts.class_names(facts, scene.points, colors),
        difference=difference,
    )
    if not event.webgl:
        chart = fallback_chart(scene.points, colors, picks, round=scene.round, selection=event.selection, theme=theme)
        blocks.chart(chart, "map-picture", basis="measured")
    return event


def sprites(study: Study, seed: int) -> Sheet | None:
    """The pool's thumbnails for the map's tooltip, where they are few and small enough to come with the page."""
    images = reading.thumbnails(study, seed)
    if images is None or images.nbytes > _SPRITE_BYTES or images.shape[1] != images.shape[2]:
        return None
    return make_sheet(np.asarray(images), 40)


def beside(scene: MapScene, facts: Facts, event: MapEvent) -> None:
    """Both rules in numbers, the point in view or how to get one, and the images of the selection.

    Without a selection, those of the labels that the first rule bought in the round in view.
    """
    read, chosen = scene.view.read, event.selection is not None
    positions = np.flatnonzero(facts.bought[facts.strategy] == facts.round)
    if event.selection is not None:
        positions = resolve(scene.points, event.selection)
    purchases = {name: read(points_facts.every_purchase, name, scene.seed) for name in scene.strategies}
    inside = positions if chosen else None
    detail.numbers(
        facts,
        {name: points_facts.bought_among(rows, facts, inside) for name, rows in purchases.items()},
        inside,
    )
    wished = purchase.current(scene.view)
    for name in {wished.a, wished.vs} - set(scene.strategies):
        st.caption(f"{blocks.short_label(name)} bought nothing in this study: choose another rule in the bar below.")
    images = read(reading.thumbnails, scene.seed)
    if event.primary is None:
        detail.invitation(images=images is not None)
    else:
        teacher = read(reading.teacher_probabilities, scene.seed)[event.primary]
        detail.point(facts, event.primary, images, teacher, on_close=_close)
    if not len(positions) and chosen:
        blocks.empty("No point lies in this region", "Press Esc on the map to clear the selection.")
        return
    if not len(positions):
        blocks.empty("No labels bought yet", "Draw a lasso on the map to see the images of a region.")
        return
    buyer = blocks.short_label(facts.strategy)
    st.subheader("Selected on the map" if chosen else f"Bought by {buyer} in round {facts.round}", anchor=False)
    _take_away(scene, facts, positions, event.selection)
    detail.gallery(facts, positions, images, state.theme(), primary=event.primary, on_pick=_pick)


def _close() -> None:
    st.session_state["map-wanted"] = None


def _pick() -> None:
    st.session_state["map-wanted"] = cards.picked(detail.CARDS)


def _take_away(scene: MapScene, facts: Facts, positions: np.ndarray, selection: Selection | None) -> None:
    """The selection as a file and as a link."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.download_button(
        "Download as CSV",
        lambda: table(facts, positions, scene.points).to_csv(index=False).encode(),
        file_name=f"rad-studio-points-{scene.view.study.id}-seed-{scene.seed}.csv",
        mime="text/csv",
        key="map-csv",
        icon=":material/download:",
        on_click="ignore",
    )
    if selection is None:
        return
    if link_text(scene.layout, selection) is None:
        row.caption("This outline has too many corners to fit into a link; draw it more simply to share it.")
        return
    with row.popover("Link to this selection", icon=":material/link:"):
        st.caption("Opens this very selection, as does the address of this page.")
        st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)


# --- the page ------------------------------------------------------------------------------------------------------


def page() -> None:
    """Controls, then the map; the rest runs again alone."""
    view = state.current()
    st.html(_STYLE)
    seed = state.current_seed(view)
    pair = rules(view, seed)
    wishes, source, method = controls(view, seed, pair)
    points, shown = layout.place(view, seed, source, method)
    status = st.container()
    scene = MapScene(
        view=view,
        seed=seed,
        strategies=pair,
        points=points,
        layout=f"{shown}-{source}",
        round=state.current_round(view),
        **wishes,
    )
    st.fragment(body, key="map-body")(scene)
    cards.bring_script()  # last, as it takes up a line
    _offer_umap(view, seed, source, status, wanted=shown != method)


def _offer_umap(view: state.View, seed: int, source: str, status: DeltaGenerator, *, wanted: bool) -> None:
    """Says that a map has become ready, and has one computed that is wanted."""
    if news := st.session_state.pop("map-news", None):
        st.toast(news, icon=":material/check:")
    if wanted:  # last, so that the map does not wait for the start of a process
        with status:
            layout.wait_for_umap(view, seed, source)


page()
