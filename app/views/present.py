"""The page Present: the stage, in the page or over the window, and the panel in which a presenter edits the story."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from app.components.stage.component import stage
from app.export.stage import scenes
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
from app.present.tell import tell
from app.shell import blocks, frame, state
from app.shell.controls import hold, offer_news
from app.views import _downloads

NAMES = {
    "problem": "Problem",
    "tradeoff": "Trade-off",
    "map": "Map",
    "curves": "Curves",
    "recommendation": "What to buy",
    "cost": "Cost",
}
_KEY, _PARAMETER = "story-stage", "story_step"
# Constant texts: nothing from a study may ever get into them.
_STYLE = "<style>.st-key-story-top { margin-top: 0.9rem; }</style>"
_WHOLE = """<style>
:is([data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stToolbar"]) { display: none; }
</style>"""
_GOALS = {"own": "An accuracy this study reached", "target": "An accuracy of my choice", "budget": "Money to spend"}


def page() -> None:
    """The story of the study in view."""
    newest = state.current()
    view = hold(newest, "story", opened=_KEY not in st.session_state)
    if not state.with_results(view):
        _nothing_yet(view)
        offer_news(newest, "story", waiting=True)
        return
    settings = current_settings(view)
    theme = state.theme()
    told = state.remember(lambda: tell(view.study, settings, theme), "story", view.key, settings.to_json(), theme)
    shown = state.remember(lambda: scenes(told, dark=theme == "dark"), "stage", view.key, settings.to_json(), theme)
    names = [step.name for step in told.steps]
    asked = st.query_params.get(_PARAMETER)
    first = str(asked) if asked in names else names[0]
    if frame.presenting():
        st.html(_WHOLE)
        stage(shown, key=_KEY, whole=True, step=first, names=NAMES, on_change=partial(frame.present, False))
        return
    st.html(_STYLE)
    top = st.container(horizontal=True, vertical_alignment="center", key="story-top")
    top.title(literal(told.title), anchor=False, width="stretch")
    top.button(
        "Fill the window",
        icon=":material/slideshow:",
        type="primary",
        on_click=frame.present,
        args=[True],
        help="Arrow keys and clickers move, B makes it black, F fills the screen, Escape ends.",
    )
    with top.popover("Download", icon=":material/download:"):
        _downloads.buttons(view, settings)
    if not state.read_only():
        with top.popover("Edit the story", icon=":material/edit:"):
            edit(view, settings)
    offer_news(newest, "story")
    stage(shown, key=_KEY, whole=False, step=first, names=NAMES, on_change=partial(frame.present, False))
    if st.toggle("Every sentence, chart and number", key="story_all", bind="query-params"):
        for step in told.steps:
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


def draw(step: Step) -> None:
    """All that a step says, as a page to read."""
    st.header(literal(step.title), anchor=False, divider="gray")
    left, right = st.columns([3, 5], gap="large")
    with left:
        for sentence in step.sentences:
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
        blocks.chart(chart, f"story-{step.name}-{i}", basis=step.basis, heading=step.picture is not None or i > 0)
    if step.table is not None:
        blocks.table(step.table, f"story-{step.name}")


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
