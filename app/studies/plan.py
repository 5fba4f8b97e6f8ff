"""The plan beside the form of a new study: what it will do, cost and take, the start, and the same as a command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import attrs
import streamlit as st

from app.findings.words import literal
from app.shell import blocks, state
from app.studies import settings
from rad_core.config import StudyConfig
from rad_core.errors import RadError
from rad_core.results.words import about, count, money
from rad_core.running.plan import Plan, outline
from rad_core.running.plan_job import PlanJob, request_plan

_PLAN = "new_plan_job"
_SETTLED_SECONDS = 0.8  # without a change before a process is started to measure


def show(config: StudyConfig | None, problem: str, start: Callable[[StudyConfig], None], *, cluster: str = "") -> None:
    """The plan of a valid configuration, or what is wrong with it; reads the measured time until it is there.

    cluster: the address of the Ray cluster that it is to run on, if any.
    """
    waits = config is not None and _measured(config) is None
    st.fragment(_panel, run_every=0.5 if waits else None)(config, problem, start, waits)
    if config is not None:
        with st.expander("Copy as command", icon=":material/terminal:"):
            st.caption("The same study in a terminal:")
            st.code(settings.command(config, cluster), language=None, wrap_lines=True)
            st.caption(f"Or from a file, with `rad run study.toml{f' --cluster {cluster}' if cluster else ''}`:")
            st.code(config.to_toml(), language=None, wrap_lines=True)


def _panel(config: StudyConfig | None, problem: str, start: Callable[[StudyConfig], None], waits: bool) -> None:
    st.subheader("Plan", anchor=False)
    measured: Plan | str | None = None
    if config is not None:
        measured = _measured(config)
        _outline(config, measured)
        if isinstance(measured, str):
            problem = measured
    if problem:
        st.error(literal(problem), icon=":material/edit:")
    if config is not None and isinstance(measured, str):
        st.button(
            "Look again",
            icon=":material/refresh:",
            key="new_look_again",
            on_click=_look_again,
            args=[config],
            help="When what is wrong has been mended.",
        )
    if st.button(
        "Start the study",
        type="primary",
        icon=":material/play_arrow:",
        disabled=config is None or bool(problem),
        width="stretch",
        key="new_start",
    ):
        assert config is not None
        with blocks.spoken_errors():
            start(config)
            st.rerun()
    st.caption("It runs in the background: you may close this page, or the browser.")
    if waits and measured is not None:  # the time is there; a run of the whole page ends the asking
        st.rerun()


def _outline(config: StudyConfig, measured: Plan | str | None) -> None:
    plan, full = outline(config), config.resolved()
    if isinstance(measured, Plan):  # the data tell how many points a teacher from outside may be asked about
        plan = replace(plan, asked=measured.asked, price=measured.price, teacher_seconds=measured.teacher_seconds)
    numbers = st.container(horizontal=True, gap="medium")  # below each other where a line is too short for both
    numbers.metric("Labels bought", f"{plan.teacher_queries:,}", width="content")
    seconds = measured.estimated_seconds if isinstance(measured, Plan) else None
    numbers.metric(
        "Time",
        "…" if seconds is None else f"about {about(seconds)}",
        width="content",
        help="Measured on this machine: the data are read and a few steps trained.",
    )
    most = "at most " if full.outside else ""
    price = (
        f"**{most}{money(plan.price, literal(plan.currency))}** for the labels"
        if full.price_per_label
        else "No price per label set"
    )
    if full.latency_per_label:
        price += f"; the teacher answers for {about(plan.teacher_seconds)}"
    runs = f"{count(len(full.strategies), 'strategy')} x {count(full.seeds, 'seed')} = **{count(plan.cells, 'run')}**"
    st.markdown(
        f"{runs} of {count(full.rounds, 'round')} with {count(full.budget, 'label')}; "
        f"{count(plan.trainings, 'student')} trained.\n\n{price}."
    )
    if full.outside:
        st.markdown(
            f"The teacher is asked about at most **{count(plan.asked, 'point')}**: those bought and "
            f"{count(full.validation, 'validation example')} of each seed; what two strategies or seeds share, once."
        )
    if measured is None:
        st.caption("Measuring how long it takes on this machine …")
    elif isinstance(measured, Plan):
        where = f"On this machine: {measured.device}; {count(measured.workers or 1, 'process')}."
        for note in measured.notes:
            st.caption(literal(note))
        busy = any(info.status == "running" for info in state.studies())
        st.caption(where + (" Another study is running: it comes first." if busy else ""))


_EXTENT = ("strategies", "seeds", "rounds", "name")  # what changes how many students there are, and none of them


def seconds_like(config: StudyConfig) -> float | None:
    """About how long a study takes (s), by the plan in view: that of its students and data, however many students.

    None where that has not been measured, or students or data are others.
    """
    request: dict[str, Any] = st.session_state.get(_PLAN, {})
    measured = request.get("answer")
    if not isinstance(measured, Plan) or measured.estimated_seconds is None:
        return None
    known = StudyConfig.from_mapping(json.loads(request["key"]))
    others = [field.name for field in attrs.fields(StudyConfig) if field.name not in _EXTENT]
    if any(getattr(known, name) != getattr(config, name) for name in others):
        return None
    return measured.estimated_seconds * outline(config).trainings / measured.trainings


def _measured(config: StudyConfig) -> Plan | str | None:
    """The plan with its time, why there is none, or None while it is being measured."""
    key, session = config.to_json(), st.session_state
    request: dict[str, Any] = session.get(_PLAN, {})
    if request.get("key") != key:
        _forget(request)
        session[_PLAN] = request = {"key": key, "since": time.monotonic(), "job": None, "visitor": object()}
    if "answer" in request:
        return request["answer"]
    if request["job"] is None:
        if time.monotonic() < request["since"] + _SETTLED_SECONDS:
            return None
        request["job"] = request_plan(config, visitor=request["visitor"])
    try:
        answer: Plan | str | None = request["job"].poll()
    except RadError as error:
        answer = str(error)
    if answer is not None:
        request["answer"] = answer
    return answer


def _look_again(config: StudyConfig) -> None:
    """Measure anew what failed: the data may have been mended."""
    visitor = object()
    job = request_plan(config, again=True, visitor=visitor)
    request = {"key": config.to_json(), "since": time.monotonic(), "job": job, "visitor": visitor}
    st.session_state[_PLAN] = request


def _forget(request: dict[str, Any]) -> None:
    """Wait no more; another visitor may wait for the same plan."""
    job: PlanJob | None = request.get("job")
    if job is not None and "answer" not in request:
        job.cancel(request["visitor"])
