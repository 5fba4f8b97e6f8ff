"""Studies on their way: progress, time left, curves and log, read again every second while something runs."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import Chart, accuracy_curves
from app.findings.words import literal
from app.results import reading
from app.shell import blocks, state
from app.studies import actions
from rad_core.errors import RadError
from rad_core.folders import default_store
from rad_core.results.words import about, count
from rad_core.running.maps import Running, running_maps, stop_map
from rad_core.running.progress import Progress, progress
from rad_core.store.study import Study, StudyInfo

_REDRAW_SECONDS = 10.0  # a chart of ten strategies and its table are 20 KB; the budget is 6 KB a second
_SEEN = "runs_seen_busy"
_LINES = 12


def show() -> list[str]:
    """The studies on their way, and those that this visitor saw finish; returns their ids."""
    infos = sorted(
        (info for info in state.studies() if info.status in state.BUSY), key=lambda info: state.BUSY.index(info.status)
    )
    seen: list[str] = st.session_state.setdefault(_SEEN, [])
    seen += [info.id for info in infos if info.id not in seen]
    finished = [info for info in state.studies() if info.status == "finished" and info.id in seen]
    statuses = {info.id: info.status for info in infos}
    for number, info in enumerate(infos):
        with st.container(border=True, key=f"live-{info.id}"), blocks.study_errors(info):
            # Every fragment costs a kilobyte a second: those that wait are looked at by the first one.
            _busy_card(info, statuses, ticks=number == 0 or info.status == "running")
    for info in finished:
        with st.container(border=True, key=f"live-{info.id}"), blocks.study_errors(info):
            _finished_card(info)
    if shown := running_maps(default_store()):
        with st.container(border=True, key="live-maps"):
            st.subheader("Maps on their way", anchor=False)
            st.fragment(_maps, run_every=1.0)([running.stem for running in shown])
    return [*statuses, *(info.id for info in finished)]


def _maps(shown: list[Path]) -> None:
    """How far the maps are that are being computed; the whole page is drawn anew when there are others."""
    with blocks.spoken_errors():
        running = running_maps(default_store())
        if [each.stem for each in running] != shown:
            st.rerun()
        titles = {info.id: state.study_title(info) for info in state.studies()}
        for each in running:
            row = st.container(horizontal=True, vertical_alignment="bottom")
            text = f"{titles.get(each.study_id, each.study_id)} · {each.words}"
            row.progress(each.placed / max(1, each.points), text=literal(text))
            if not state.read_only():
                row.button("Stop", icon=":material/stop:", key=f"stop-{each.stem}", on_click=_stop, args=[each])


def _stop(running: Running) -> None:
    with blocks.spoken_errors():
        actions.own(running.study_id)
        stop_map(running)


def _busy_card(info: StudyInfo, statuses: dict[str, str], ticks: bool) -> None:
    study = Study(default_store() / info.id)
    _heading(info)
    st.fragment(_tick, run_every=1.0 if ticks else None)(info.id, statuses)
    if not state.read_only():
        _controls(info, study)
    if info.status == "running":
        st.fragment(_results_so_far, run_every=_REDRAW_SECONDS)(info.id)
    else:
        _log(study)


def _tick(study_id: str, statuses: dict[str, str]) -> None:
    """How far a study is; the whole page is drawn anew when any study on its way has changed its status."""
    with blocks.spoken_errors():
        study = Study(default_store() / study_id)
        info, current = study.info(), progress(study)
        st.progress(min(1.0, current.done / max(1, current.total)), text=_how_far(info, current))
        if any(_status(other) != status for other, status in statuses.items()):
            state.forget_list()
            st.rerun()


def _status(study_id: str) -> str:
    try:
        return Study(default_store() / study_id).info().status
    except RadError:  # the list says why, once the page is drawn anew
        return "unreadable"


def _results_so_far(study_id: str) -> None:
    with blocks.spoken_errors():
        study = Study(default_store() / study_id)
        if study.info().rounds_done:
            _curves(study, running=True)
        _log(study)


def _finished_card(info: StudyInfo) -> None:
    _heading(info)
    row = st.container(horizontal=True)
    if row.button("Open the results", type="primary", icon=":material/arrow_forward:", key=f"live_open_{info.id}"):
        state.open_on_explore(info.id)
    if row.button("Done", icon=":material/check:", key=f"live_done_{info.id}"):
        st.session_state[_SEEN].remove(info.id)
        st.rerun()
    _curves(Study(default_store() / info.id), running=False)


def _heading(info: StudyInfo) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    row.subheader(literal(state.study_title(info)), anchor=False, width="content")
    blocks.status_badge(info, row)


def _how_far(info: StudyInfo, current: Progress) -> str:
    """Progress in words."""
    if info.status == "queued":
        return literal(current.phase)
    counted = f"{info.rounds_done:,} of {count(info.rounds_total, 'round')}"
    left = "" if current.seconds_left is None else f" · about {about(current.seconds_left)} left"
    return f"{counted}{left} · {literal(current.phase)}"


def _controls(info: StudyInfo, study: Study) -> None:
    asked = study.requested()
    row = st.container(horizontal=True)
    if asked != "run":
        row.caption(f"Asked to {asked}; it stops in a moment.")
        return
    if row.button("Pause", icon=":material/pause:", key=f"live_pause_{info.id}"):
        actions.request(info.id, "pause")
        st.rerun()
    if row.button("Cancel", icon=":material/cancel:", key=f"live_cancel_{info.id}"):
        actions.ask("cancel", info.id)
        st.rerun()


def _curves(study: Study, running: bool) -> None:
    """The curves so far; the chart stays as it is, zoom included, until a round came in."""
    charts: dict[str, tuple[tuple[str, bool, str], Chart]] = st.session_state.setdefault("live_charts", {})
    view = state.view_of(study, demo=False)
    now = (view.key, running, state.theme())
    if study.id not in charts or charts[study.id][0] != now:
        charts[study.id] = (now, _chart(view.study, running))
    blocks.chart(charts[study.id][1], f"live-curves-{study.id}", basis="measured")


def _chart(study: Study, running: bool) -> Chart:
    # The interval of two of five seeds says little and covers all; it comes when the study is finished.
    return accuracy_curves(
        reading.rounds(study),
        references=reading.references(study),
        theme=state.theme(),
        height=520,
        band=False if running else None,
    )


def _log(study: Study) -> None:
    log = st.expander(
        "Log, the newest line last", icon=":material/receipt_long:", on_change="rerun", key=f"live_log_{study.id}"
    )
    if log.open:
        show_log(study, log, _LINES)


def show_log(study: Study, place: DeltaGenerator, last: int = 100) -> None:
    """The last lines of a study's log, with the time of day at the server."""
    try:
        lines = [f"{time.strftime('%H:%M:%S', time.localtime(at))}  {text}" for at, text in study.read_log(last)]
    except RadError as error:
        place.caption(literal(error))
        return
    place.code("\n".join(lines) or "Nothing yet.", language=None, wrap_lines=True)
