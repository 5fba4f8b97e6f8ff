"""The next purchase of a campaign: how many labels, what they are worth at least, what they cost; and asking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.campaign import counter, ledger, offer, questions, rehearsal, uploads, words
from app.campaign.offer import Given, Offer
from app.components.explore import component
from app.data import visitors
from app.explore import instrument, matters, numbers, payload
from app.explore.matters import Matters
from app.findings.words import literal
from app.palette import WRONG_COLOR, strategy_order, strategy_style
from app.results import reading
from app.shell import blocks, purchase, state
from app.shell.campaigns import Standing
from app.shell.purchase import Own, Purchase
from rad_core.campaign import features
from rad_core.errors import InputError
from rad_core.learning.plane import principal_plane
from rad_core.selection.api import AccuracyEstimate
from rad_core.selection.gains import GAINS

KEY = "campaign-explore"
_SEED = 0xC0117  # of the draw on the screen
_MOST_PLACES = 50_000  # points of a pool up to which their map stands beside it
_FITTED_ON = 20_000


def page(standing: Standing) -> None:
    """Verdict, what is open, the instrument, the ledger."""
    st.html(instrument.STYLE)
    status = standing.status
    head = st.container()
    questions.report(standing)
    counter.draw(standing)
    if not counter.runs(standing):
        questions.draw(standing)
    if status.accuracy is None:
        with head:
            _heading(standing)
        if not counter.runs(standing):
            _ask_checked(standing)
    else:
        found = _offer(standing, head)
        if found is not None:
            _purchase(standing, found, status.accuracy, head)
    ledger.draw(standing)
    rehearsal.draw(standing)


def _heading(standing: Standing) -> None:
    blocks.header(literal(standing.name), "" if counter.runs(standing) else literal(words.bought(standing.status)))


def _lead(standing: Standing) -> str:
    """The campaign and how far it is; while it runs the counter says that, as it goes."""
    return standing.name if counter.runs(standing) else f"{standing.name}: {words.bought(standing.status)}"


# --- m first --------------------------------------------------------------------------------------------------------


def _ask_checked(standing: Standing) -> None:
    """Without m there is no game."""
    status, name = standing.status, standing.name
    unasked = status.checked - status.checked_answered
    if not status.checked:
        blocks.empty(
            "Nobody can say how often the teacher is right",
            "The campaign has no checked examples: labeled ones on which the teacher is asked as well. Create it anew "
            "with --checked.",
            ":material/rule:",
        )
        return
    blocks.empty(
        "First: how often is the teacher right?",
        f"It has answered none of {status.checked:,} checked examples, whose classes are known. Asking about them may "
        f"cost {literal(words.amount(unasked * status.price, status))}; every purchase is worked out from what comes "
        "back.",
        ":material/rule:",
    )
    if state.read_only() or status.open:
        return
    middle = st.container(horizontal=True, horizontal_alignment="center")
    label = f"Ask about these {status.checked:,} checked examples"
    middle.button(label, type="primary", key="ask-checked", on_click=questions.act, args=[name, _checked])
    with middle:
        counter.offer(standing, offer.usual_budget(status, status.pool["free"], standing.status.fits))


def _checked(standing: Standing) -> str:
    picks = standing.campaign.ask_checked()
    return f"{len(picks.ids):,} questions about checked examples are open now."


# --- where the gains come from ---------------------------------------------------------------------------------------


def _given(standing: Standing) -> Given | None:
    """The probabilities that are kept with the campaign."""
    campaign = standing.campaign
    return state.kept("campaign-given", (standing.name, offer.moment(campaign)), lambda: offer.given(campaign))


def _offer(standing: Standing, head: DeltaGenerator) -> Offer | None:
    """What is for sale; None, with what to do about it, where nothing can be shown."""
    with blocks.spoken_errors():
        given = _given(standing)
        if given is not None:
            gain = st.session_state.get("campaign_gain", "margin")
            key = (standing.key, given.digest, gain)
            found = state.kept(
                "campaign-offer", key, lambda: offer.of_scores(standing.campaign, given, gain, standing.key)
            )
            if len(found.rows):
                return found
    last = state.kept(
        "campaign-last", standing.key, lambda: offer.of_last_round(standing.campaign, standing.status, standing.key)
    )
    if last is not None:
        return last
    with head:
        _heading(standing)
    if counter.runs(standing):
        return None
    if not standing.status.pool["free"]:
        blocks.empty("Everything was asked", "No point of the pool is free any more.", ":material/done_all:")
        return None
    own = standing.campaign.settings.student
    blocks.empty(
        "What would the student learn most from?",
        "The campaign's own student says so once it is trained on what is known."
        if own
        else f"Give the class probabilities of your student for the {standing.status.pool['free']:,} free points: a "
        "table with a column id and one column per class, named "
        f"{literal(', '.join(standing.campaign.classes[:8]))}{' …' if len(standing.campaign.classes) > 8 else ''}.",
        ":material/upload_file:",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        _source(standing, None)
        counter.offer(standing, offer.usual_budget(standing.status, standing.status.pool["free"], standing.status.fits))
    return None


def _source(standing: Standing, found: Offer | None) -> None:
    """The controls that bring probabilities."""
    if state.read_only() or counter.runs(standing):
        return
    name = standing.name
    if standing.campaign.settings.student:
        words_ = "Train the student on what is known" if found is None or found.stale else "Train it again"
        if st.button(words_, icon=":material/model_training:", key="campaign-train"):
            with st.spinner("Training the student …", show_time=True):
                offer.train(standing.campaign)
            st.rerun()
        return
    turn = st.session_state.get("campaign_probs_turn", 0)
    st.file_uploader(
        "The student's probabilities",
        list(uploads.PROBABILITIES),
        key=f"campaign_probs-{turn}",
        help="A column id and one column per class, rows that sum to 1. Points that were asked already may be among "
        "them. With rows for the checked examples, of students that did not learn from them, it can be said how often "
        "the teacher is right among the picks.",
        on_change=_received,
        args=[name, f"campaign_probs-{turn}"],
        max_upload_size=uploads.MOST_MEGABYTES,
    )


def _received(name: str, field: str) -> None:
    upload = st.session_state[field]
    if upload is None:
        return
    st.session_state["campaign_probs_turn"] = st.session_state.get("campaign_probs_turn", 0) + 1
    visitors.let_go(upload)

    def take(standing: Standing) -> str:
        scores = uploads.read_scores(upload.name, upload, standing.campaign.classes)
        standing.campaign.for_sale(scores)  # says at once what does not fit
        offer.keep(standing.campaign, f"the student in {upload.name}", scores)
        return ""

    questions.act(name, take)


def owned(standing: Standing) -> Own:
    """The campaign as the state of all pages knows it, and the purchase that it opens with."""
    status = standing.status
    usual = offer.usual_budget(status, status.pool["free"], standing.status.fits)
    wished = Purchase(usual, None, "rad", "uniform", float(status.price))
    return Own(f"{standing.name} {status.created}", wished, campaign=True)


# --- the purchase ---------------------------------------------------------------------------------------------------


def _purchase(standing: Standing, found: Offer, estimate: AccuracyEstimate, head: DeltaGenerator) -> None:
    status, size = standing.status, len(found.rows)
    own = owned(standing)
    wished = purchase.current(own)
    bound = not st.session_state.get("campaign_mean", False)
    pool = offer.pool_of(found, estimate, status.price, status.currency, own.usual.b, bound)
    used = pool.teacher.used if wished.m is None else wished.m
    levers = numbers.Levers(min(wished.b, size), used, wished.m is not None, pool.wrong(used))
    key = (found.key, levers.budget, levers.wrong)
    game = state.kept("campaign-game", key, lambda: numbers.solve(pool, levers))
    with head, st.container(key="verdict", horizontal=True, vertical_alignment="top"):
        with st.container(gap=None, width="stretch", key="verdict-text"):
            st.title(literal(words.verdict(status, levers.budget, float(game.value))), anchor=False)
            teacher = words.at_least(estimate, used, bound=bound, assumed=levers.assumed)
            beside = f"{_lead(standing)}. With a teacher right on {teacher}, whichever it gets wrong."
            st.markdown(f":gray[{literal(beside)}]")
        with st.container(horizontal=True, width="content"):
            counter.offer(standing, levers.budget)
            _ask_button(standing, found, levers.budget, wished.m is not None, bound)
    _controls(standing, found)
    _instrument(standing, found, pool, own, levers.budget, bound)
    with st.expander("Does choosing matter here?", key="campaign-matters", on_change="rerun") as opened:
        if opened.open:
            with blocks.spoken_errors():
                matters.draw(_foreseen(standing, found, levers.budget), KEY)


def _foreseen(standing: Standing, found: Offer, labels: int) -> Matters:
    """Whether it matters which labels are bought next, by the checked examples and what students say of them."""
    given = _given(standing)
    unseen = found.checked and bool(st.session_state.get("campaign_unseen", False))
    if given is None or found.stale:
        return Matters(None, "It takes probabilities of the student that knows the last answers.")
    gains, right = standing.campaign.checked_gains(given.scores, found.gain, unseen)
    if len(gains) < matters.LEAST:
        return Matters(
            None,
            f"It takes {matters.LEAST} checked examples that the teacher answered, with probabilities of students that "
            f"did not learn from them, and there are {len(gains)}.",
        )
    return matters.of_checked(found.gains, gains, right, labels, None)


def _ask_button(standing: Standing, found: Offer, labels: int, assumed: bool, bound: bool) -> None:
    """What really asks; where it cannot, it says why."""
    if state.read_only():
        return
    why = ""
    if counter.runs(standing):
        why = "It runs by itself; stop it first."
    elif found.stale:
        why = "New probabilities first: of the student that knows the last answers."
    elif assumed:
        why = "A campaign buys by what is known of the teacher: set its accuracy back to the estimate."
    elif standing.status.fits is not None and labels > standing.status.fits:
        why = f"The wall lets {standing.status.fits:,} labels through."
    unseen = found.checked and bool(st.session_state.get("campaign_unseen", False))
    st.button(
        f"Ask for these {labels:,}" if labels > 1 else "Ask for this one",
        type="primary",
        key="ask",
        disabled=bool(why),
        help=why or "Enters the questions in the ledger and reserves the money; then the picks can be downloaded.",
        on_click=questions.act,
        args=[standing.name, _asking(labels, bound, unseen)],
    )


def _asking(labels: int, bound: bool, unseen: bool) -> Callable[[Standing], str]:
    def ask(standing: Standing) -> str:
        given, gain = _given(standing), st.session_state.get("campaign_gain", "margin")
        if given is None:
            raise InputError("The student's probabilities are gone; give them again.")
        standing.campaign.ask(given.scores, labels, gain=gain, lower_bound=bound, checked_unseen=unseen)
        return f"{labels:,} questions are open now: download them, have them answered, and give the answers here."

    return ask


def _controls(standing: Standing, found: Offer) -> None:
    """What the gains are of, and how the game is played."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    own = bool(standing.campaign.settings.student)
    more = " To ask, train it on them." if own else " To ask, give those of the student that has learned from them."
    left.caption(literal(f"Gains: {found.words}.{more if found.stale and not state.read_only() else ''}"))
    given = _given(standing)
    if given is not None and given.round < max((each.number for each in standing.status.rounds), default=0):
        left.caption(":orange[These probabilities are older than the last round.]")
    title = ("Train the student" if own else "Give probabilities") if found.stale else "Probabilities"
    with right.popover(title, icon=":material/tune:", width="stretch"):
        _source(standing, found)
        if not found.stale:
            st.selectbox(
                "Informativeness", list(GAINS), format_func=lambda name: GAINS[name].label, key="campaign_gain"
            )
        st.checkbox(
            "Play with the estimate of the teacher's accuracy, not its lower bound",
            key="campaign_mean",
            help="The lower bound is what the accuracy is at least, with 95 % confidence: money is at stake.",
        )
        if found.checked:
            st.checkbox(
                "The student did not learn from the checked examples",
                key="campaign_unseen",
                help="Then it can be estimated how often the teacher is right among the picks.",
            )
        if found.notes:
            st.caption("What was done to the data:\n" + "\n".join(f"- {literal(note)}" for note in found.notes))


def _instrument(standing: Standing, found: Offer, pool: reading.Pool, own: Own, labels: int, bound: bool) -> None:
    blob = state.kept(
        "campaign-blob",
        found.key,
        lambda: payload.own_blob(found.gains, _SEED, _places(standing, found.rows), found.rows),
    )
    data = purchase.for_browser(own)
    data["state"] |= {"b": labels, "a": "rad", "price": float(standing.status.price)}
    rules = strategy_order(["rad", "uniform", found.gain])
    facts = payload.own_facts(pool, found.gain)
    facts["teacher"]["bound"] = bound
    component.instrument(
        blob,
        {
            **data,
            "facts": {**facts, "campaign": True, "wall": _wall(standing)},
            "options": {
                "rules": [[rule, blocks.short_label(rule)] for rule in rules],
                "colors": {rule: strategy_style(rule).color for rule in rules},
                "wrong": WRONG_COLOR,
                "rounds": [],
                "seeds": [],
                "seed": 0,
            },
            "bought": {},
            "sequence": component.happened(KEY).get("sequence", 0),
            "dark": state.theme() == "dark",
        },
        key=KEY,
        on_change=purchase.listener(KEY, own, component.happened),
    )


def _wall(standing: Standing) -> dict[str, float | int] | None:
    most, left, fits = standing.status.max_cost, standing.status.left, standing.status.fits
    if most is None or left is None or fits is None:
        return None
    return {"left": float(left), "most": float(most), "fits": fits}


def _places(standing: Standing, rows: np.ndarray) -> np.ndarray | None:
    """(n, 2) the PCA of what is for sale, where there are features and not too many points."""
    if not standing.campaign.settings.features or len(rows) > _MOST_PLACES:
        return None
    return principal_plane(features.look_at(standing.campaign.path)[rows], _FITTED_ON)
