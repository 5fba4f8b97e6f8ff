"""The map on a page: what it is given, what it sends, and which of both holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from app.components import hand_over
from app.components.map.geometry import quantize
from app.components.map.model import SYMBOLS, MapColoring, MapEvent, MapLayer, MapPanel, Selection, Sprites
from app.components.map.wire import Blob, colors_blob, layers_blob, points_blob, sprites_blob
from rad_core.errors import InputError

_DEFAULT_HEIGHT = 520


class Keep(Enum):
    """For an argument that is left to the user: what the map shows stays."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass
class _Memory:
    """What holds for one map in one session.

    now: what the map shows. answered: what the last run returned. rev: another number whenever an argument changes
    what the map shows, so that the browser obeys it once. seen: the last event from the browser.
    """

    points: str
    now: dict[str, Any]
    answered: dict[str, Any] = field(default_factory=dict)
    rev: dict[str, int] = field(default_factory=dict)
    seen: Any = None
    webgl: bool = True


def pool_map(
    points: ArrayLike,
    coloring: MapColoring,
    panels: MapPanel | Sequence[MapPanel],
    *,
    key: str,
    height: int = _DEFAULT_HEIGHT,
    round: int | None = None,  # noqa: A002 - as MapEvent names it
    rounds: int = 0,
    selection: Selection | Keep | None = KEEP,
    primary: int | Keep | None = KEEP,
    ids: ArrayLike | None = None,
    sprites: Sprites | None = None,
    on_change: Callable[[], None] | None = None,
) -> MapEvent:
    """Draw the pool and the picks on it; return what is selected, picked and shown.

    selection, primary and round, left out, are the user's (the round starts at the end); given, the map shows them.
    What was returned by the last run, or by map_event(key), can be passed back without ever undoing what the user has
    done meanwhile.

    Args:
        points: (N, 2).
        coloring: the color of each point.
        panels: one or two, side by side and moving together.
        key: of the element, as Streamlit has it.
        height: of the drawing, px.
        round: what the scrubber shows.
        rounds: the last round of the scrubber, 0 for none.
        selection: the points that are selected; None for no selection.
        primary: a row of the pool; None for no point.
        ids: (N,) numbers to call the points by.
        sprites: thumbnails for the tooltip.
        on_change: called before the rerun that an action of the user causes.

    Returns:
        What is selected, picked and shown now.

    Raises:
        InputError: where shapes and numbers do not fit together.
    """
    panels = (panels,) if isinstance(panels, MapPanel) else tuple(panels)
    pool = quantize(points)
    n = len(pool.grid)
    _check(n, coloring, panels, rounds, ids)
    layers = [layer for panel in panels for layer in panel.layers]
    blobs = {
        "points": points_blob(pool, None if ids is None else np.asarray(ids)),
        "colors": colors_blob(coloring.codes),
        "layers": layers_blob(layers, n),
    }
    if sprites is not None:
        blobs["sprites"] = sprites_blob(sprites)
    wanted = {"selection": selection, "primary": primary, "round": KEEP if round is None else int(round)}
    memory = _settle(key, blobs["points"].digest, {k: v for k, v in wanted.items() if v is not KEEP}, n, rounds)
    view = _view_data(coloring, panels, memory, blobs, rounds, height)
    with st.container(gap=None):
        _element("view")(key=key, data={"key": key, **view}, on_event_change=on_change or _nothing)
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


def _settle(key: str, digest: str, wanted: dict[str, Any], n: int, rounds: int) -> _Memory:
    """Bring together what the user did and what the page asks for."""
    memory: _Memory | None = st.session_state.get(_memory_key(key))
    if memory is None or memory.points != digest:
        last = memory or _Memory("", {})
        now = {"selection": None, "primary": None, "round": rounds, **wanted}
        memory = _Memory(digest, now, seen=last.seen, webgl=last.webgl)
        memory.rev = {name: _next_revision() for name in memory.now}
        st.session_state[_memory_key(key)] = memory
    _listen(key, memory)
    for name, value in wanted.items():
        # An argument that repeats the last answer is older than what the user may have done since.
        if value != memory.now[name] and value != memory.answered.get(name, KEEP):
            memory.now[name] = value
            memory.rev[name] = _next_revision()
    memory.now["round"] = min(max(memory.now["round"], 0), rounds)
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
        region = event["selection"]
        memory.now["selection"] = region and Selection(region.get("kind"), region.get("polygon"))
    if "primary" in event:
        memory.now["primary"] = None if event["primary"] is None else int(event["primary"])
    if "round" in event:
        memory.now["round"] = int(event["round"])


def _view_data(
    coloring: MapColoring,
    panels: Sequence[MapPanel],
    memory: _Memory,
    blobs: dict[str, Blob],
    rounds: int,
    height: int,
) -> dict[str, Any]:
    """The part of a map that may change with every run: small, and JSON."""
    slots = iter(range(sum(len(panel.layers) for panel in panels)))
    region = memory.now["selection"]
    return {
        **{kind: blob.digest for kind, blob in blobs.items()},
        "coloring": {
            "kind": coloring.kind,
            "palette": coloring.palette,
            "labels": coloring.labels,
            "title": coloring.title,
            "symbols": [SYMBOLS.index(symbol) for symbol in coloring.symbols],
            "limits": coloring.limits,
        },
        "panels": [
            {"title": panel.title, "layers": [_layer_data(layer, next(slots)) for layer in panel.layers]}
            for panel in panels
        ],
        "rounds": rounds,
        "height": height,
        "now": {**memory.now, "selection": region and {"kind": region.kind, "polygon": region.polygon}},
        "rev": memory.rev,
    }


def _layer_data(layer: MapLayer, slot: int) -> dict[str, Any]:
    return {"label": layer.label, "color": layer.color, "symbol": SYMBOLS.index(layer.symbol), "slot": slot}


def _check(n: int, coloring: MapColoring, panels: Sequence[MapPanel], rounds: int, ids: ArrayLike | None) -> None:
    if len(coloring.codes) != n:
        raise InputError(f"coloring has {len(coloring.codes)} codes for {n} points; give one per point.")
    if not 1 <= len(panels) <= 2:
        raise InputError(f"the map was given {len(panels)} panels; it draws one or two.")
    if not 0 <= rounds <= 65_000:
        raise InputError(f"rounds is {rounds}; it must lie between 0 and 65,000.")
    if ids is not None and np.shape(ids) != (n,):
        raise InputError(f"ids have shape {np.shape(ids)}; give one per point, {n} in all.")
    for layer in (layer for panel in panels for layer in panel.layers):
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
    script = (
        Path(__file__).with_name("map.js").read_text(encoding="utf-8")
        if kind == "points"
        else hand_over("radStudioMap")
    )
    return st.components.v2.component(f"rad_studio_map_{kind}", js=script)
