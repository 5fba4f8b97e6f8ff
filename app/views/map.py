"""Where in the pool are the labels bought? The map of the pool with the picks, and the images behind a selection."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from app.atlas import cards, detail, layout
from app.atlas.facts import COLORINGS, Facts, coloring, gather, link_text, panels, table
from app.atlas.session import KEY, MapScene, remember, shown_now, waiting_layout
from app.components.map import MapEvent, Selection, Sprites, fallback_chart, resolve
from app.components.map.component import pool_map
from app.palette import CLASS_COLORS, strategy_order
from app.results import reading
from app.shell import blocks, state
from rad_core.store.study import Study

NOBODY = "nobody"
DISPLAYS = {"one": "Together", "side": "Side by side", "difference": "Difference"}
_HEIGHT = 340  # px; on a laptop the rounds below the map are still in sight
# Constant: keeps the point in view in sight while the gallery scrolls.
_STYLE = """<style>
[data-testid="stLayoutWrapper"]:has(> .st-key-map-beside) { position: sticky; top: 4rem; }
.st-key-map-beside { max-height: calc(100vh - 5rem); overflow-y: auto; }
</style>"""
_SPRITE_BYTES = 400_000  # of all thumbnails together, up to which they come with the map, for its tooltip


# --- controls ------------------------------------------------------------------------------------------------------


def controls(view: state.View, seed: int, names: list[str]) -> tuple[dict[str, Any], str, str]:
    """The row above the map: what to show of which strategies, whose features and which method place the points."""
    row = st.container(horizontal=True, vertical_alignment="bottom", key="map-controls")
    color = row.selectbox(
        "Color by",
        list(COLORINGS),
        format_func=COLORINGS.__getitem__,
        key="map_color",
        bind="query-params",
        width=210,
    )
    picks = ["rad"] if "rad" in names else names[:1]
    a = row.selectbox(
        "Labels bought by",
        names,
        index=names.index(picks[0]),
        format_func=blocks.short_label,
        key="map_a",
        bind="query-params",
        width=130,
    )
    others = [NOBODY, *(name for name in names if name != a)]
    default = next((name for name in ("margin", *others[1:]) if name in others), NOBODY)
    b = row.selectbox(
        "and by",
        others,
        index=others.index(default),
        key="map_b",
        bind="query-params",
        width=130,
        format_func=lambda name: "nobody else" if name == NOBODY else blocks.short_label(name),
    )
    display: Any = "one"
    if b != NOBODY:
        display = row.selectbox(
            "Shown",
            list(DISPLAYS),
            index=1,
            format_func=DISPLAYS.__getitem__,
            key="map_show",
            bind="query-params",
            width=160,
            help="Difference: what only one of the two had bought by the end of the round.",
        )
    with row.popover("Options", icon=":material/tune:"):
        wrong = st.toggle(
            "Mark wrong labels",
            key="map_wrong",
            bind="query-params",
            help="A cross on every label bought for which the teacher was wrong.",
        )
        highlight = _highlight(view.read(reading.classes, seed)) if color == "class" else None
        source, method = layout.choose(view, seed)
    wishes = {
        "color": color,
        "strategies": (a,) if b == NOBODY else (a, b),
        "display": display,
        "mark_wrong": wrong,
        "highlight": highlight,
    }
    return wishes, source, method


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


# --- the map and what is beside and below it -----------------------------------------------------------------------


def body(scene: MapScene) -> None:
    """The map, the point in view and the gallery; run alone when the user does something on the map."""
    with blocks.spoken_errors():
        event = shown_now(scene)
        facts = gather_now(scene, event)
        left, right = st.columns([5, 2], gap="medium")
        with left:
            event = draw(scene, facts, event)
            remember(scene, event)
            st.caption(layout.provenance(scene.view, scene.seed, scene.layout, scene.rounds))
            if (waiting := waiting_layout()) is not None:
                st.info(
                    f"There is a selection drawn on the {layout.name(waiting)}. It shows once the map is that one: "
                    "see Options.",
                    icon=":material/lasso_select:",
                )
            positions = _positions(scene, facts, event)
            below(scene, facts, event, positions)
        with right, st.container(key="map-beside"):
            beside(scene, facts, event, positions)


def _positions(scene: MapScene, facts: Facts, event: MapEvent) -> np.ndarray:
    """What the gallery shows: the selection, or, without one, the labels bought in the round in view."""
    if event.selection is not None:
        return resolve(scene.points, event.selection)
    return np.flatnonzero(facts.bought[facts.strategy] == facts.round) if facts.round else np.empty(0, np.int64)


def gather_now(scene: MapScene, event: MapEvent) -> Facts:
    bought = strategy_order(state.with_results(scene.view, scene.seed))
    names = [*scene.strategies, *(name for name in bought if name not in scene.strategies)]
    return gather(scene.view.read, scene.seed, scene.strategies[0], event.round or 0, names)


def draw(scene: MapScene, facts: Facts, event: MapEvent) -> MapEvent:
    """The map itself, or its still picture where the browser cannot draw it."""
    theme = state.theme()
    colors = coloring(facts, scene.color, theme, scene.highlight)
    maps = panels(
        scene.view.read, scene.seed, scene.strategies, scene.display, facts.round, mark_wrong=scene.mark_wrong
    )
    event = pool_map(
        scene.points,
        colors,
        maps,
        key=KEY,
        height=_HEIGHT,
        round=event.round,
        rounds=scene.rounds,
        selection=event.selection,
        primary=event.primary,
        sprites=scene.view.read(sprites, scene.seed),
    )
    if not event.webgl:
        for i, panel in enumerate(maps):
            chart = fallback_chart(
                scene.points, colors, panel, round=event.round, selection=event.selection, theme=theme
            )
            blocks.chart(chart, f"map-picture-{i}", basis="measured")
    return event


def sprites(study: Study, seed: int) -> Sprites | None:
    """The pool's thumbnails for the map's tooltip, where they are few and small enough to come with the page."""
    images = reading.thumbnails(study, seed)
    if images is None or images.nbytes > _SPRITE_BYTES or images.shape[1] != images.shape[2]:
        return None
    sheet = cards.make_sheet(np.asarray(images), columns=40, most=None)
    return Sprites(sheet.image, sheet.columns, len(images))


def beside(scene: MapScene, facts: Facts, event: MapEvent, positions: np.ndarray) -> None:
    """What stays in sight beside map and gallery: the gallery in numbers, the point in view or how to get one."""
    if len(positions):
        name = "Selected" if event.selection is not None else f"Round {facts.round}"
        detail.numbers(facts, positions, name)
    images = scene.view.read(reading.thumbnails, scene.seed)
    if event.primary is None:
        detail.invitation(images=images is not None)
        return
    teacher = scene.view.read(reading.teacher_probabilities, scene.seed)[event.primary]
    detail.point(facts, event.primary, images, teacher, on_close=_close)


def _close() -> None:
    st.session_state["map-wanted"] = None


def _pick() -> None:
    st.session_state["map-wanted"] = cards.picked(detail.CARDS)


def below(scene: MapScene, facts: Facts, event: MapEvent, positions: np.ndarray) -> None:
    """The images of the selection; without one, of the labels bought in the round in view."""
    chosen = event.selection is not None
    buyer = blocks.short_label(facts.strategy)
    title = "Selected on the map" if chosen else f"Bought by {buyer} in round {facts.round}"
    if not len(positions):
        _nothing(facts, chosen)
        return
    st.subheader(title, anchor=False)
    _take_away(scene, facts, positions, event.selection)
    images = scene.view.read(reading.thumbnails, scene.seed)
    detail.gallery(facts, positions, images, state.theme(), primary=event.primary, on_pick=_pick)


def _nothing(facts: Facts, chosen: bool) -> None:
    if chosen:
        blocks.empty(
            f"0 of {facts.size:,} points selected", "No point lies in this region. Press Esc on the map to clear it."
        )
    else:
        blocks.empty("No labels bought yet", "Draw a box or a lasso on the map to see the images of a region.")


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
    blocks.header(
        "Map",
        "Images that look alike lie close together. Where does each strategy buy its labels, and where is the teacher "
        "wrong?",
    )
    seed = state.current_seed(view)
    wishes, source, method = controls(view, seed, strategy_order(view.config.strategies))
    points, shown = layout.place(view, seed, source, method)
    rounds = max(view.read(reading.last_round, name, seed) for name in wishes["strategies"])
    status = st.container()
    scene = MapScene(view=view, seed=seed, points=points, layout=f"{shown}-{source}", rounds=rounds, **wishes)
    st.fragment(body, key="map-body")(scene)
    cards.bring_script()  # last, as it takes up a line
    if news := st.session_state.pop("map-news", None):
        st.toast(news, icon=":material/check:")
    if shown != method:  # last, so that the map does not wait for the start of a process
        with status:
            layout.wait_for_umap(view, seed, source)


page()
