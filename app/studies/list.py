"""The list of studies: what each one is, how it stands, what came out, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.findings.words import literal, spoken
from app.palette import strategy_style
from app.results import shipped
from app.shell import blocks, state
from app.studies import actions, form, live, settings
from rad_core.config import StudyConfig
from rad_core.learning.data import title_of
from rad_core.results import needed, sentences, verdicts
from rad_core.results.verdicts import Results
from rad_core.results.words import count, percent
from rad_core.running import worker
from rad_core.store import light_copy
from rad_core.store.study import Study, StudyInfo
from rad_core.text import one_line

_PAGE = 15  # rows shown at once; more on demand
_FEW = 5  # without a filter up to here
_SPARK = (96, 30)  # px
_STOPPED = ("planned", "paused", "cancelled", "failed", "lost")


@dataclass(frozen=True)
class Entry:
    """A line of the list. demo: shipped with the program, never changed."""

    info: StudyInfo
    demo: bool = False

    @property
    def study(self) -> Study:
        return state.study_of(self.info.id, demo=self.demo)

    @property
    def title(self) -> str:
        return state.study_title(self.info)


def entries(leave_out: list[str]) -> list[Entry]:
    """The user's studies, the newest first, then the shipped ones."""
    own = [Entry(info) for info in state.studies() if info.id not in leave_out]
    taken = {info.id for info in state.studies()}
    return own + [Entry(info, demo=True) for info in state.demos() if info.id not in taken]


def show(listed: list[Entry]) -> None:
    """The list, with a filter where it is long."""
    shown = _filtered(listed) if len(listed) > _FEW else listed
    limit = st.session_state.setdefault("runs_limit", _PAGE)
    for entry in shown[:limit]:
        _row(entry)
    if not shown:
        st.caption("No study fits the filter.")
    if len(shown) > limit:
        more = st.button(f"Show more ({len(shown) - limit:,} hidden)", icon=":material/expand_more:", key="runs_more")
        if more:
            st.session_state["runs_limit"] = limit + 4 * _PAGE
            st.rerun()


def _filtered(listed: list[Entry]) -> list[Entry]:
    statuses = [status for status in blocks.STATUS_COLORS if any(entry.info.status == status for entry in listed)]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    wanted = left.pills("Status", statuses, selection_mode="multi", key="runs_status", bind="query-params")
    words = right.text_input(
        "Search", key="runs_find", bind="query-params", placeholder="name, id or data set", icon=":material/search:"
    )
    find = (words or "").strip().lower()
    return [
        entry
        for entry in listed
        if (not wanted or entry.info.status in wanted)
        and find in f"{entry.info.name} {entry.info.id} {entry.info.dataset}".lower()
    ]


def _row(entry: Entry) -> None:
    info = entry.info
    with st.container(border=True, key=f"row-{info.id}", gap="xsmall"):
        what, how, result, act = st.columns([9, 4, 11, 7], vertical_alignment="center")
        with what:
            _what(entry)
        with how:
            _how(entry)
        with result, blocks.study_errors(info):
            _result(entry)
        with act:
            _actions(entry)
        _stopped(entry)
        with blocks.study_errors(info):
            _details(entry)


def advice(info: StudyInfo) -> str:
    """What to do about a study that is not running and not finished."""
    kept = f"{count(info.rounds_done, 'finished round')} {'is' if info.rounds_done == 1 else 'are'} kept"
    kept = kept if info.rounds_done else "no round is finished yet"
    return {
        "planned": "It was never started.",
        "paused": f"Resume it to go on; {kept}.",
        "cancelled": f"Resume it if you change your mind; {kept}.",
        "lost": f"The machine was restarted, or its process was ended; {kept}.",
        "failed": f"Mend what is named above and resume; {kept}. Or clone it and change its settings.",
        "unreadable": "Put the folder back from a backup, or delete it. All other studies are untouched.",
    }.get(info.status, "")


def _stopped(entry: Entry) -> None:
    """Why a study is not running, what to do about it, and the button that does it."""
    info = entry.info
    if info.message and info.status != "finished":
        color = "gray" if info.status in ("unreadable", "paused", "cancelled") else "red"
        st.markdown(f":{color}[{literal(info.message)}]")
    if not (words := advice(info)):
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(words, width="stretch")
    if info.status in _STOPPED and not entry.demo and not state.read_only():
        label = "Start" if info.status == "planned" else "Resume"
        if row.button(label, icon=":material/play_arrow:", key=f"resume_{info.id}"):
            actions.resume(info.id)
            st.rerun()


def _what(entry: Entry) -> None:
    info = entry.info
    if info.status == "unreadable":
        st.markdown(f":gray[**{literal(info.id)}**]")
        return
    row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    row.checkbox(  # its label is not shown, but read aloud
        f"Compare {spoken(entry.title)}",
        key=f"compare_{info.id}",
        persist_state="session",
        label_visibility="collapsed",
        width="content",
    )
    row.markdown(f"**{literal(entry.title)}**", width="stretch")
    st.caption(literal(_in_words(entry)))


def _in_words(entry: Entry) -> str:
    """What a study is of: "Digits, 2 repetitions, 24 Nov"."""
    repetitions = count(_view(entry).config.seeds, "repetition")
    when = "example" if entry.demo else blocks.day(entry.info.created)
    return f"{one_line(title_of(entry.info.dataset))}, {repetitions}, {when}"


def _view(entry: Entry) -> state.View:
    """A study with its metrics, for which nothing is unpacked."""
    return state.view_of(shipped.metrics_of(entry.info.id) if entry.demo else entry.study, demo=entry.demo)


def _how(entry: Entry) -> None:
    blocks.status_badge(entry.info)
    if entry.info.rounds_total:
        st.caption(f"{entry.info.rounds_done:,} of {count(entry.info.rounds_total, 'round')}")


def _result(entry: Entry) -> None:
    """The verdict, and the curve of the rule that it speaks of."""
    if not entry.info.rounds_done:
        return
    view = _view(entry)
    measured = view.read(verdicts.results)
    if measured.table.empty:
        return
    head = state.remember(lambda: sentences.headline(measured), "headline", view.key)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if (line := spark(measured, head.rule)) is not None:
        row.image(line[0], width=_SPARK[0], alt=line[1])
    row.caption(literal(head.text), width="stretch")


def spark(measured: Results, rule: str) -> tuple[str, str] | None:
    """A rule's mean accuracy by labels as a small line, SVG made of numbers alone, and in words; None without one."""
    curve = needed.curve(measured, rule)
    if curve is None or len(curve.labels) < 2:
        return None
    width, height = _SPARK
    low, high = float(min(curve.mean)), float(max(curve.mean))
    span, last = max(high - low, 1e-9), float(curve.labels[-1])
    points = [
        f"{2 + (width - 6) * labels / last:.1f},{height - 4 - (height - 8) * (mean - low) / span:.1f}"
        for labels, mean in zip(curve.labels, curve.mean, strict=True)
    ]
    x, y = points[-1].split(",")
    color = strategy_style(rule).color
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2"/>'
        f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/></svg>'
    )
    return svg, f"Accuracy from {percent(float(curve.mean[0]))} to {percent(float(curve.mean[-1]))}"


def _actions(entry: Entry) -> None:
    info, changes = entry.info, not entry.demo and not state.read_only()
    row = st.container(horizontal=True, horizontal_alignment="right")
    if info.status == "unreadable":
        if changes and row.button("Delete", icon=":material/delete:", key=f"delete_{info.id}"):
            actions.ask("delete", info.id)
            st.rerun()
        return
    if row.button("Open", icon=":material/arrow_forward:", key=f"open_{info.id}"):
        state.open_on_explore(info.id)
    acts: dict[str, Callable[[], None]] = {}
    if not state.read_only():
        acts["Clone"] = lambda: form.open_form(settings.of_study(entry.study.config))
    if changes:
        acts["Rename"] = partial(actions.ask, "rename", info.id)
        acts["Delete"] = partial(actions.ask, "delete", info.id)
    if acts:
        chosen = row.menu_button(
            "More",
            list(acts),
            key=f"menu_{info.id}",
            type="tertiary",
            icon=":material/more_vert:",
            help="Clone: a new study with these settings.",
        )
        if chosen in acts:
            acts[chosen]()
            st.rerun()


def _details(entry: Entry) -> None:
    """Log and settings, read only when they are looked at."""
    if entry.info.status == "unreadable":
        return
    details = st.expander("Settings and log", on_change="rerun", key=f"details_{entry.info.id}", type="compact")
    if not details.open:
        return
    details.caption(f"Id: {entry.info.id}")
    if copy := light_copy.describe(entry.study):
        details.caption(copy)
    left, right = details.columns(2)
    config = entry.study.config
    left.caption("Settings that differ from the defaults")
    left.code(_settings(config), language=None, wrap_lines=True)
    right.caption("Log, the newest line last")
    live.show_log(entry.study, right)
    if output := "" if entry.demo else worker.read_output(entry.study):
        right.download_button(
            "Output of the process, for a bug report",
            output,
            f"{entry.info.id}.log",
            "text/plain",
            key=f"output_{entry.info.id}",
            icon=":material/download:",
            on_click="ignore",
        )


def _settings(config: StudyConfig) -> str:
    """The lines of the study file in which a study differs from the defaults of its data set."""
    differing = settings.of_study(config)
    lines = config.to_toml().splitlines()
    return "\n".join(line for line in lines if line.partition(" = ")[0] in differing)
