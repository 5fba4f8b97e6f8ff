"""The map on a page: what it is given, what it sends, and which of both holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from app.components import hand_over, script
from app.components.map.geometry import quantize
from app.components.map.model import SYMBOLS, Difference, MapColoring, MapEvent, MapLayer, Selection
from app.components.map.wire import Blob, colors_blob, difference_blob, layers_blob, points_blob, sprites_blob
from app.components.sheet import Sheet
from rad_core.errors import InputError

# In the order in which they lean on each other; together they are one module.
_SCRIPTS = (
    *("points", "regions", "symbols", "shaders", "painter", "view", "camera", "scene", "hand", "look", "furniture"),
    "map",
)


@dataclass
class _Memory:
    """What holds for one map in one session.

    now: what the map shows. answered: what the last run returned. rev: another number whenever an argument changes
    what the map shows, so that the browser obeys it once. seen: the last event from the browser.
    """

    points: str
    now: dict[str, Any]
    answered: dict[str, Any]
    rev: dict[str, int] = field(default_factory=dict)
    seen: Any = None
    webgl: bool = True


def pool_map(
    points: ArrayLike,
    coloring: MapColoring,
    picks: Sequence[MapLayer],
    *,
    key: str,
    round: int | None,  # noqa: A002 - as the studies name it
    selection: Selection | None,
    primary: int | None,
    height: int | None = None,
    sprites: Sheet | None = None,
    names: Sequence[Sequence[Any]] = (),
    difference: Difference | None = None,
    rows: np.ndarray | None = None,
) -> MapEvent:
    """Draw the pool and the picks on it; return what is selected and picked.

    What was returned by the last run, or by map_event(key), can be passed back without ever undoing what the user has
    done meanwhile; anything else replaces it.

    Args:
        points: (N, 2).
        coloring: the color of each point.
        picks: drawn one on top of the other.
        key: of the element, as Streamlit has it.
        round: the last whose picks are shown, and whose picks stand out; None without rounds.
        selection: the points that are selected; None for no selection.
        primary: a row of the pool; None for no point.
        height: of the drawing, px; None for as much as the window leaves.
        sprites: thumbnails of all points, square, for the tooltip.
        names: what lies on the map as text: label, x and y on the grid, the coloring's code that it lights up.
        difference: laid over the pool.
        rows: (N,) what the tooltip calls the points, where they are some of a larger pool.

    Returns:
        What is selected and picked now.

    Raises:
        InputError: where shapes and numbers do not fit together.
    """
    pool = quantize(points)
    n = len(pool.grid)
    _check(n, coloring, picks)
    blobs = {"points": points_blob(pool, rows), "colors": colors_blob(coloring.codes), "layers": layers_blob(picks, n)}
    if sprites is not None:
        blobs["sprites"] = sprites_blob(sprites, n)
    if difference is not None:
        blobs["density"] = difference_blob(difference)
    memory = _settle(key, blobs["points"].digest, {"selection": selection, "primary": primary}, n)
    beside: dict[str, Any] = {"round": round, "height": height, "names": names}
    if difference is not None:
        beside["difference"] = {"labels": difference.labels, "most": difference.most}
    data = {"key": key, **beside, **_view_data(coloring, picks, memory, blobs)}
    with st.container(gap=None):
        _element("view")(key=key, data=data, on_event_change=_nothing)
        for kind, blob in blobs.items():
            _element(kind)(key=f"{key}-{kind}", data=blob.data)
    return _event(memory)


def map_event(key: str) -> MapEvent:
    """What the map of this key shows, also before it is drawn in this run or in a callback; empty if it never was."""
    memory = st.session_state.get(_memory_key(key))
    if memory is None:
        return MapEvent()
    _listen(key, memory)
    return _event(memory)


def _settle(key: str, digest: str, wanted: dict[str, Any], n: int) -> _Memory:
    """Bring together what the user did and what the page asks for."""
    memory: _Memory | None = st.session_state.get(_memory_key(key))
    if memory is None or memory.points != digest:
        last = memory or _Memory("", {}, {})
        memory = _Memory(digest, dict(wanted), dict(wanted), seen=last.seen, webgl=last.webgl)
        memory.rev = {name: _next_revision() for name in memory.now}
        st.session_state[_memory_key(key)] = memory
    _listen(key, memory)
    for name, value in wanted.items():
        # An argument that repeats the last answer is older than what the user may have done since.
        if value != memory.now[name] and value != memory.answered[name]:
            memory.now[name] = value
            memory.rev[name] = _next_revision()
    if memory.now["primary"] is not None and not 0 <= memory.now["primary"] < n:
        raise InputError(f"primary is {memory.now['primary']}; the pool has {n} points, counted from 0.")
    memory.answered = dict(memory.now)
    return memory


def _next_revision() -> int:
    """A number that no map of this session has had."""
    st.session_state["map-revision"] = st.session_state.get("map-revision", 0) + 1
    return int(st.session_state["map-revision"])


def _listen(key: str, memory: _Memory) -> None:
    """Take in the browser's last event, once; one about other points than these is out of date."""
    event = (st.session_state.get(key) or {}).get("event")
    if not isinstance(event, dict) or event.get("id") == memory.seen:
        return
    memory.seen = event.get("id")
    if event.get("points", memory.points) != memory.points:
        return
    memory.webgl = event.get("webgl") is not False
    if "selection" in event:
        regions = [
            (each.get("kind"), each.get("polygon"), each.get("removes") is True) for each in event["selection"] or []
        ]
        memory.now["selection"] = Selection.of_regions(regions)
    if "primary" in event:
        memory.now["primary"] = None if event["primary"] is None else int(event["primary"])


def _view_data(
    coloring: MapColoring, picks: Sequence[MapLayer], memory: _Memory, blobs: dict[str, Blob]
) -> dict[str, Any]:
    """The part of a map that may change with every run: small, and JSON."""
    selection = memory.now["selection"]
    regions = selection and [
        {"kind": each.kind, "polygon": each.polygon, "removes": each.removes} for each in selection.regions
    ]
    return {
        **{kind: blob.digest for kind, blob in blobs.items()},
        "coloring": {
            **{name: getattr(coloring, name) for name in ("kind", "palette", "labels", "title", "limits", "quiet")},
            "symbols": [SYMBOLS.index(symbol) for symbol in coloring.symbols],
        },
        "picks": [_layer_data(layer, slot) for slot, layer in enumerate(picks)],
        "now": {**memory.now, "selection": regions},
        "rev": memory.rev,
    }


def _layer_data(layer: MapLayer, slot: int) -> dict[str, Any]:
    look = {"label": layer.label, "color": layer.color, "outline": layer.outline}
    return {**look, "symbol": SYMBOLS.index(layer.symbol), "slot": slot}


def _check(n: int, coloring: MapColoring, picks: Sequence[MapLayer]) -> None:
    if len(coloring.codes) != n:
        raise InputError(f"coloring has {len(coloring.codes)} codes for {n} points; give one per point.")
    for layer in picks:
        if len(layer.positions) and layer.positions.max() >= n:
            raise InputError(f"layer {layer.name!r} holds position {layer.positions.max()}; the pool has {n} points.")


def _event(memory: _Memory) -> MapEvent:
    return MapEvent(**memory.now, webgl=memory.webgl)


def _memory_key(key: str) -> str:
    return f"{key}-memory"


def _nothing() -> None:
    """No callback; naming the event makes it part of the component's state."""


@cache
def _element(kind: str) -> Any:
    """The component that brings one kind of data to the browser, or shows the map."""
    folder = Path(__file__).parent
    whole = kind == "points"
    style = (folder / "map.css").read_text(encoding="utf-8")
    js = script(folder / "js", _SCRIPTS, style) if whole else hand_over("radStudioMap")
    return st.components.v2.component(f"rad_studio_map_{kind}", js=js)
