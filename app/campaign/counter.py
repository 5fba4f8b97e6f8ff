"""The counter: a campaign that runs by itself in the background, its money as it goes, and the button that stops it."""

from __future__ import annotations

import time
from decimal import Decimal
from html import escape

import streamlit as st

from app.campaign import questions, words
from app.findings.words import literal
from app.palette import strategy_style
from app.shell import blocks, campaigns, state
from app.shell.campaigns import Standing
from rad_core.campaign import chat, watch
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.running import Plan, plan_of, tell_the_price
from rad_core.campaign.status import Status
from rad_core.campaign.teachers import SENDING
from rad_core.campaign.watch import Run
from rad_core.errors import InputError
from rad_core.results.words import about, count
from rad_core.running import campaigns as background

_SHOWN_FOR = 600.0  # seconds for which it is said that a run ended well
_WINDOW = 10.0  # seconds over which the pace is told
_PACE = "campaign_pace"  # campaign, and (time, answers) as they were seen


def runs(standing: Standing) -> bool:
    """Whether a process runs the campaign now."""
    return watch.is_running(standing.campaign.path)


def draw(standing: Standing) -> None:
    """What a run is at, or how the last one ended."""
    run = watch.last_run(standing.campaign.path)
    if run is None:
        return
    if runs(standing):
        with st.container(border=True, key="counter", gap="small"):
            st.fragment(_running, run_every=1.0)(standing.name, run.words)
    elif run.ended is None:
        st.warning(
            "The last run was cut off. Start it again: it asks what is open, and no answer is paid for twice.",
            icon=":material/power_off:",
        )
    elif run.failed:
        st.error(literal(run.failed), icon=":material/error:")
    elif time.time() - run.ended < _SHOWN_FOR:
        took = f"The run ended {'as you asked' if run.stopped else 'by itself'} after {about(run.ended - run.began)}"
        left = f" {count(standing.status.open, 'question')} stayed open." if standing.status.open else ""
        st.success(literal(f"{took}: {words.bought(standing.status)}.{left}"), icon=":material/check:")


# --- while it runs ---------------------------------------------------------------------------------------------------


def _running(name: str, said: str) -> None:
    """Drawn every second; the whole page is drawn anew once it is at something else, and at the end."""
    with blocks.spoken_errors():
        standing = campaigns.standing(name)
        run = watch.last_run(standing.campaign.path)
        if run is None or not runs(standing) or run.words != said:
            st.rerun()
        status = standing.status
        top = st.container(horizontal=True, vertical_alignment="center")
        top.badge("running by itself", color="blue")
        top.text(run.words.splitlines()[0] if run.words else "It begins.", width="stretch")
        if not state.read_only():
            asked = (standing.campaign.path / watch.STOP).exists()
            top.button(
                "Stopping …" if asked else "Stop",
                icon=":material/stop:",
                key="counter-stop",
                disabled=asked,
                help="It ends once the requests under way are answered: those are paid for.",
                on_click=questions.act,
                args=[name, _stop],
            )
        most = status.max_cost if status.max_cost is not None else _planned(status, run)
        st.html(money_bar(status, most))
        st.caption(literal(_in_numbers(status, run)))


def _stop(standing: Standing) -> str:
    watch.ask_to_stop(standing.campaign.path)
    return ""


def _planned(status: Status, run: Run) -> Decimal:
    """What it costs in all where no wall is set: what was spent and what the plan may still ask for."""
    finished = sum(each.facts is not None for each in status.rounds)
    return status.spent + status.reserved + max(0, run.rounds - finished) * run.budget * status.price


def money_bar(status: Status, most: Decimal) -> str:
    """HTML of a bar: spent, reserved, and what is left of `most`. Of numbers and the names of money alone."""
    whole = max(float(most), float(status.spent + status.reserved), 1e-12)
    spent, reserved = (100 * float(money) / whole for money in (status.spent, status.reserved))
    color = strategy_style("rad").color
    parts = [words.amount(money, status) for money in (status.spent, status.reserved, most)]
    text = escape("{} spent, {} reserved, of at most {}".format(*parts))
    return (
        f'<div role="img" aria-label="{text}" style="display:flex;height:14px;border-radius:4px;overflow:hidden;'
        f'background:rgba(128,132,149,0.25)"><div style="width:{spent:.2f}%;background:{color}"></div>'
        f'<div style="width:{reserved:.2f}%;background:repeating-linear-gradient(45deg,{color} 0 3px,transparent 3px '
        f'7px)"></div></div><div style="font-size:0.875rem;margin-top:4px">{text}</div>'
    )


def _in_numbers(status: Status, run: Run) -> str:
    parts = []
    if status.rounds:
        last = status.rounds[-1]
        what = f"Round {last.number} of {run.rounds}" if last.facts else "Checked examples"
        parts.append(f"{what}: {last.asked - last.open:,} of {last.asked:,} answered")
    if (sent := status.attempts).sent:
        parts.append(f"{sent.sent:,} requests, {sent.failed:,} failed, {sent.lost:,} lost")
    if pace := _pace(status):
        parts.append(f"{pace:.1f} answers a second, about {about(status.open / pace)} left of these questions")
    return " · ".join(parts)


def _pace(status: Status) -> float:
    """Answers a second as seen lately; 0 where none came."""
    name, seen = st.session_state.get(_PACE, ("", []))
    now, answers = time.monotonic(), sum(each.asked - each.open for each in status.rounds)
    seen = [*(seen if name == status.name else []), (now, answers)]
    seen = [each for each in seen if each[0] > now - _WINDOW]
    st.session_state[_PACE] = (status.name, seen)
    took = now - seen[0][0]
    return (answers - seen[0][1]) / took if took > 0 else 0.0


# --- starting it -----------------------------------------------------------------------------------------------------


def offer(standing: Standing, labels: int) -> None:
    """A button that opens what a run needs to know. labels: of a round, as the page has them."""
    settings = standing.campaign.settings
    if state.read_only() or not settings.student or runs(standing):
        return
    with st.popover("Run by itself", icon=":material/autorenew:", key="run-by-itself"):
        if not state.files_allowed():
            st.caption(
                "Only a studio that is bound to this computer alone (127.0.0.1), or was started with rad app --files, "
                "calls teachers: a teacher may be a file of this computer, or use its key. On the command line: "
                f"`rad campaign run {standing.name} --budget {labels}`"
            )
            return
        _wish(standing, labels)


def _wish(standing: Standing, labels: int) -> None:
    settings, status = standing.campaign.settings, standing.status
    asked = sum(each.facts is not None for each in status.rounds)
    # A round whose questions are open is to be finished; another one is for whoever wishes it.
    wished = max(1, settings.rounds, asked if status.open else asked + 1)
    teacher = st.text_input(
        "Teacher",
        value=settings.teacher,
        key="run_teacher",
        placeholder="python:teacher.py:label",
        help="python:FILE.py:FUNCTION, openai:MODEL or openai:MODEL@http://HOST/v1 (its key is OPENAI_API_KEY of the "
        "process of the studio), or table:FILE.",
    )
    if not teacher.strip():
        st.caption("Name the teacher that it asks.")
        return
    left, right = st.columns(2)
    rounds = left.number_input("Rounds in all", 1, value=wished, key=f"run_rounds-{wished}")
    budget = right.number_input("Labels a round", 1, value=labels, key=f"run_budget-{labels}")
    votes, rate = None, None
    if teacher.strip().partition(":")[0] in SENDING:
        help_ = "Answers to each question, made a soft label."
        votes = left.number_input("Votes", 1, 100, value=settings.manner.votes, key="run_votes", help=help_)
        help_ = "At most; 0 for no limit. Eight are under way at a time."
        rate = right.number_input("Requests a minute", 0.0, value=settings.manner.rate, key="run_rate", help=help_)
    with blocks.spoken_errors():
        plan = plan_of(standing.campaign, int(rounds), int(budget), teacher.strip(), votes, rate)
        prices: list[str] = []
        tell_the_price(standing.status, plan, prices.append)
        st.caption(literal(" ".join(prices)))
        if plan.teacher.startswith("openai:"):
            with st.expander("What every request begins with"):
                st.text(chat.prompt(standing.campaign.classes))
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="run-start"):
            with st.spinner("Starting …"):
                questions.act(standing.name, lambda standing: start(standing.campaign, plan))
            st.rerun()


def start(campaign: Campaign, plan: Plan) -> str:
    """Start a run in the background; nothing to say of it. Raises RadError where that may not or cannot be."""
    if state.read_only() or not state.files_allowed():
        raise InputError("This studio calls no teachers; start it on this computer alone, or with rad app --files.")
    background.start(campaign, plan)
    return ""
