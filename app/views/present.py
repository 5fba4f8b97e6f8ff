"""The page Present: one step at a time or all of them, and the panel in which a presenter edits the story."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.figures import Chart
from app.findings.words import literal
from app.present.model import Step
from app.present.settings import (
    AUDIENCES,
    LONGEST_CURRENCY,
    LONGEST_NOTE,
    LONGEST_TITLE,
    STEPS,
    StorySettings,
    usable_settings,
)
from app.present.tell import CHART_HEIGHT, tell
from app.shell import blocks, frame, state
from app.shell.controls import hold, offer_news
from app.views import _downloads

ALL = "all"
NAMES = {
    "problem": "Problem",
    "tradeoff": "Trade-off",
    "map": "Map",
    "curves": "Curves",
    "recommendation": "What to buy",
    "cost": "Cost",
    ALL: "All steps",
}
_KEY, _PARAMETER = "story-step", "story_step"
# Constant texts: nothing from a study may ever get into them.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-left: 2.5rem; padding-right: 2.5rem; }
.st-key-story-top { margin-top: 0.9rem; }
[class*="st-key-story-lead"] p { font-size: 1.45rem; line-height: 1.35; }
[class*="st-key-story-words"] p { font-size: 1.12rem; line-height: 1.45; }
[class*="st-key-story-words"] [data-testid="stCaptionContainer"] p { font-size: 0.9rem; }
</style>"""
# The steps stand in the row of the button that leaves the presentation: every line counts on a projector.
_PRESENTING = """<style>
.st-key-story-nav { margin: -3.7rem 0 0 11.5rem; width: calc(100% - 11.5rem); }
</style>"""
_LARGER = 1.15  # of letters in charts while presenting
_LOW = 360  # px, of charts while presenting: step and chart fit a screen of 720 px
_GOALS = {"own": "An accuracy this study reached", "target": "An accuracy of my choice", "budget": "Money to spend"}


def page() -> None:
    """The story of the study in view."""
    newest = state.current()
    st.html(_STYLE)
    if frame.presenting():
        st.html(_PRESENTING)
    view = hold(newest, "story", opened=_KEY not in st.session_state)
    if not state.with_results(view):
        _nothing_yet(view)
        offer_news(newest, "story", waiting=True)
        return
    settings = current_settings(view)
    theme = state.theme()
    height = _LOW if frame.presenting() else CHART_HEIGHT
    told = state.remember(
        lambda: tell(view.study, settings, theme, chart_height=height),
        "story",
        view.key,
        settings.to_json(),
        theme,
        height,
    )
    if not frame.presenting():  # an audience needs the room for the step itself
        top = st.container(horizontal=True, vertical_alignment="center", key="story-top")
        top.title(literal(told.title), anchor=False, width="stretch")
        with top.popover("Download", icon=":material/download:"):
            _downloads.buttons(view, settings)
        if not state.read_only():
            with top.popover("Edit the story", icon=":material/edit:"):
                edit(view, settings)
    offer_news(newest, "story")
    chosen = navigation([step.name for step in told.steps])
    for step in told.steps:
        if chosen in (step.name, ALL):
            draw(step)
    st.caption(literal(f"{told.title} · {told.provenance}"))


def _nothing_yet(view: state.View) -> None:
    blocks.header("Present", "From this study to a decision, step by step.")
    waits = view.info.status in ("running", "queued")
    blocks.empty(
        "No story yet",
        "No strategy has bought a label yet. "
        + ("The page fills in by itself." if waits else "Start or resume the study on the page Studies."),
        ":material/hourglass_top:" if waits else ":material/menu_book:",
    )


# --- steps ---------------------------------------------------------------------------------------------------------


def navigation(names: list[str]) -> str:
    """The step in view, in the URL; back and next by button or arrow key."""
    options = [*names, ALL] if len(names) > 1 and not frame.presenting() else names
    session = st.session_state
    if session.get(_KEY) not in options:
        asked = st.query_params.get(_PARAMETER)
        session[_KEY] = asked if asked in options else names[0]
    now = session[_KEY]
    place = names.index(now) if now in names else len(names)
    back, after = names[max(0, place - 1)], names[min(place + 1, len(names) - 1)]
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="story-nav")
    row.button(
        "Back",
        key="story-back",
        disabled=back == now,
        on_click=_go,
        args=[back],
        shortcut="Left",
        help="The step before, also by the left arrow key.",
    )
    # Not bound to the address: that would hold the label, whose number changes as steps are hidden.
    chosen = row.segmented_control(
        "Step",
        options,
        format_func=lambda name: _dot(name, names),
        key=_KEY,
        required=True,
        label_visibility="collapsed",
    )
    row.button(
        "Next",
        key="story-next",
        disabled=after == now or now == ALL,
        on_click=_go,
        args=[after],
        shortcut="Right",
        type="primary",
        help="The step after, also by the right arrow key.",
    )
    st.query_params[_PARAMETER] = str(chosen)
    return str(chosen)


def _dot(name: str, names: list[str]) -> str:
    return f"{names.index(name) + 1} {NAMES[name]}" if name in names else NAMES[name]


def _go(step: str) -> None:
    st.session_state[_KEY] = step


def draw(step: Step) -> None:
    """One step: its message, its first sentence large, then the others beside what there is to look at."""
    st.header(literal(step.title), anchor=False, divider="gray")
    first, rest = step.sentences[:1], step.sentences[1:]
    with st.container(key=f"story-lead-{step.name}"):
        for sentence in first:
            st.markdown(literal(sentence))
    left, right = st.columns([3, 5], gap="large")
    with left, st.container(key=f"story-words-{step.name}"):
        for sentence in rest:
            st.markdown(literal(sentence))
        if step.note:
            st.info("  \n".join(map(literal, step.note.splitlines())), icon=":material/sticky_note_2:")
    with right:
        _sights(step)


def _sights(step: Step) -> None:
    if step.picture is not None:
        st.image(step.picture, width="stretch", alt=step.picture_alt)
        st.caption(literal(step.picture_alt.partition(": ")[0] + "."))
    for i, chart in enumerate(step.charts):
        note, heading = "", step.picture is not None or i > 0
        if frame.presenting():
            note, chart = _below(chart), for_projector(chart)
        blocks.chart(chart, f"story-{step.name}-{i}", basis=step.basis, heading=heading, note=note)
    if step.table is not None:
        blocks.table(step.table, f"story-{step.name}")


def for_projector(chart: Chart) -> Chart:
    """The chart with larger letters; what a legend below it would take from its height is left to the note."""
    layout = _enlarged(chart.figure.layout.to_plotly_json())
    margin = layout.get("margin", {})
    layout |= {
        "height": min(_LOW, layout.get("height", _LOW)),
        "margin": {**margin, "r": _LARGER * margin.get("r", 24)},
    }
    layout["showlegend"] = bool(layout.get("showlegend")) and not _below(chart)
    return replace(chart, figure=go.Figure(data=chart.figure.data, layout=layout))


def _below(chart: Chart) -> str:
    """What a legend below its chart says of all lines; empty without one. The lines are named at their ends as well."""
    legend = chart.figure.layout.legend
    return legend.title.text or "" if (legend.y or 0) < 0 else ""


def _enlarged(part: Any) -> Any:
    """The sizes of all fonts in a layout, larger."""
    if isinstance(part, (list, tuple)):
        return [_enlarged(item) for item in part]
    if not isinstance(part, dict):
        return part
    larger = {key: _enlarged(value) for key, value in part.items()}
    for key, value in larger.items():
        if key.endswith("font") and isinstance(value, dict) and "size" in value:
            larger[key] = {**value, "size": round(_LARGER * value["size"], 1)}
    return larger


# --- what the presenter chose --------------------------------------------------------------------------------------


def current_settings(view: state.View) -> StorySettings:
    """The settings of this session, where the study cannot store any; else those stored with it."""
    kept = _session_settings().get(str(view.study.path))
    if kept is not None:
        return StorySettings.from_json(kept)
    settings, why_not = view.read(usable_settings)
    if why_not:
        st.warning(literal(why_not), icon=":material/warning:")
    return settings


def _session_settings() -> dict[str, str]:
    return st.session_state.setdefault("story-edits", {})


def edit(view: state.View, settings: StorySettings) -> None:
    """The panel; nothing changes until it is saved."""
    if view.demo:
        st.caption("This is a shipped study: edits stay in this browser session and are gone with it.")
    with st.form("story-edit", border=False):
        values = {**_words(settings), **_goal(settings, view), **_parts(settings)}
        saved = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if saved:
        save(view, StorySettings.from_mapping(values))
        st.rerun()


def save(view: state.View, settings: StorySettings) -> None:
    """Store with the study; of a shipped one in this session."""
    if view.demo:
        _session_settings()[str(view.study.path)] = settings.to_json()
        st.toast("Kept for this session.", icon=":material/check:")
    else:
        view.study.write_presentation(settings.to_dict())
        st.session_state.pop("story_held", None)  # shows the study as it is now
        st.toast("Stored with the study.", icon=":material/check:")


def _words(settings: StorySettings) -> dict[str, Any]:
    title = st.text_input(
        "Title", settings.title, max_chars=LONGEST_TITLE, placeholder="The study's own", key="story_edit_title"
    )
    audience = st.segmented_control(
        "Told to",
        AUDIENCES,
        default=settings.audience,
        format_func=str.capitalize,
        required=True,
        key="story_edit_audience",
        help="Executive: the few rules that matter, in plain words. Technical: all rules, intervals and methods.",
    )
    return {"title": title.strip(), "audience": audience or settings.audience}


def _goal(settings: StorySettings, view: state.View) -> dict[str, Any]:
    left, right = st.columns(2)
    price = left.number_input(
        "Price per label", 0.0, value=settings.price_per_label, format="%g", key="story_edit_price"
    )
    currency = right.text_input("Currency", settings.currency, max_chars=LONGEST_CURRENCY, key="story_edit_currency")
    now = "budget" if settings.budget is not None else "target" if settings.target is not None else "own"
    kind = st.radio(
        "The goal",
        list(_GOALS),
        list(_GOALS).index(now),
        format_func=_GOALS.__getitem__,
        key="story_edit_goal",
        horizontal=True,
    )
    left, right = st.columns(2)
    target = left.number_input(
        "Accuracy to reach (%)", 1.0, 99.9, 100 * (settings.target or 0.9), 0.5, format="%g", key="story_edit_target"
    )
    money = right.number_input(
        "Money to spend",
        0.0,
        value=settings.budget or 0.0,
        format="%g",
        key="story_edit_money",
        help="Needs a price per label.",
    )
    return {
        "price_per_label": price,
        "currency": currency.strip(),
        "target": round(target / 100, 6) if kind == "target" else None,
        "budget": money if kind == "budget" else None,
    }


def _parts(settings: StorySettings) -> dict[str, Any]:
    shown = st.pills(
        "Steps told",
        STEPS,
        selection_mode="multi",
        default=[name for name in STEPS if name not in settings.hidden],
        format_func=NAMES.__getitem__,
        key="story_edit_steps",
    )
    thumbnails = st.toggle(
        "Show images of the pool",
        settings.thumbnails,
        key="story_edit_images",
        help="Where the study keeps thumbnails: the teacher's mistakes as a picture, here and in what is exported.",
    )
    with st.expander("Notes", icon=":material/sticky_note_2:"):
        notes = {
            name: st.text_area(
                f"On “{NAMES[name]}”",
                settings.notes.get(name, ""),
                max_chars=LONGEST_NOTE,
                height=68,
                key=f"story_edit_note_{name}",
            )
            for name in STEPS
        }
    return {
        "hidden": [name for name in STEPS if name not in shown],
        "thumbnails": thumbnails,
        "notes": {name: text.strip() for name, text in notes.items()},
    }


page()
