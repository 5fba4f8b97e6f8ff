"""Open questions on the page: handed out as files, and their answers taken in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from app.campaign import uploads, words
from app.data import visitors
from app.findings.words import literal
from app.shell import campaigns, state
from app.shell.campaigns import Standing
from rad_core import partials
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.formats import FORMATS, write_picks
from rad_core.campaign.ledger import SOURCES
from rad_core.campaign.telling import Told
from rad_core.errors import RadError
from rad_core.results.words import capital, count, listed

_SAID = "campaign_said"  # the campaign, whether it went well, and a sentence about what was done last
_TITLES = {
    "csv": "CSV",
    "parquet": "Parquet",
    "jsonl": "JSON Lines",
    "label-studio": "Label Studio",
    "argilla": "Argilla",
}
_MIME = {".csv": "text/csv", ".parquet": "application/octet-stream", ".jsonl": "application/jsonl"}


def act(name: str, what: Callable[[Standing], str]) -> None:
    """Do something to a campaign from a control, and keep the sentence that says what came of it for the page."""
    try:
        said = what(campaigns.standing(name))
    except RadError as error:
        st.session_state[_SAID] = (name, False, str(error))
    else:
        st.session_state[_SAID] = (name, True, said)


def note(name: str, said: str) -> None:
    """Have the page of a campaign say something once it is drawn."""
    st.session_state[_SAID] = (name, True, said)


def report(standing: Standing) -> None:
    """What was done last."""
    name, well, said = st.session_state.get(_SAID, ("", True, ""))
    if said and name == standing.name:
        (st.success if well else st.error)(literal(said), icon=":material/check:" if well else ":material/error:")


def draw(standing: Standing) -> None:
    """What is open."""
    status = standing.status
    if not status.open:
        return
    with st.container(border=True, key="questions", gap="small"):
        about = "question is" if status.open == 1 else "questions are"
        reserved = literal(words.amount(status.reserved, status))
        out, back = st.columns(2, gap="medium")
        with out:
            st.markdown(
                f"**{status.open:,} {about} open**, {reserved} reserved. In random order: an answered beginning is a "
                "random part of them."
            )
            _downloads(standing)
        with back:
            take_answers(standing)


def _downloads(standing: Standing) -> None:
    row = st.container(horizontal=True, gap="small")
    for kind in ("csv", "jsonl", "label-studio", "argilla"):
        row.download_button(
            _TITLES[kind],
            data=partial(_file, standing.campaign, kind),
            file_name=f"{standing.name}-{kind}{FORMATS[kind]}"
            if FORMATS[kind] == ".json"
            else f"{standing.name}-picks{FORMATS[kind]}",
            mime=_MIME.get(FORMATS[kind], "application/json"),
            key=f"picks-{kind}",
            icon=":material/download:",
            on_click="ignore",
        )
    if not state.read_only():
        st.button(
            "Take the open questions back",
            icon=":material/undo:",
            type="tertiary",
            key="withdraw",
            help="Their points are free again and nothing is reserved for them. Only for questions that nobody sent.",
            on_click=act,
            args=[standing.name, _withdraw],
        )


def _file(campaign: Campaign, kind: str) -> bytes:
    with partials.temporary_folder("rad-picks") as folder:
        path = folder / f"picks{FORMATS[kind]}"
        write_picks(path, kind, campaign, campaign.open_questions())
        return path.read_bytes()


def _withdraw(standing: Standing) -> str:
    number = standing.campaign.withdraw(standing.campaign.open_questions().ids)
    return (
        f"{count(number, 'question')} taken back; nothing is reserved for {'it' if number == 1 else 'them'} any more."
    )


# --- answers ---------------------------------------------------------------------------------------------------------


def take_answers(standing: Standing) -> None:
    """A field for a file of answers, and whose they are."""
    if state.read_only():
        st.caption("This studio only shows campaigns; whoever runs it can enter answers.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.segmented_control(
        "Answers of the",
        list(SOURCES),
        default=SOURCES[0],
        format_func=str.capitalize,
        key="answers_source",
        required=True,
        help="A person's answer is what the student learns, and says nothing of the teacher's accuracy.",
    )
    row.checkbox(
        "They correct earlier ones",
        key="answers_correct",
        help="Without this an answer other than before is refused, with a sentence that names it.",
    )
    turn = st.session_state.get("answers_turn", 0)
    st.file_uploader(
        "Answers",
        list(uploads.ANSWERS),
        key=f"answers-{turn}",
        help="A column id, and a column label or one column per class; an empty label is an abstention. Or what Label "
        "Studio or Argilla export as JSON. All of a file counts, or nothing of it.",
        on_change=_received,
        args=[standing.name, f"answers-{turn}"],
        max_upload_size=uploads.MOST_MEGABYTES,
    )


def _received(name: str, field: str) -> None:
    upload = st.session_state[field]
    if upload is None:
        return
    st.session_state["answers_turn"] = st.session_state.get("answers_turn", 0) + 1
    visitors.let_go(upload)
    source, correct = st.session_state.get("answers_source") or SOURCES[0], st.session_state.get("answers_correct")

    def tell(standing: Standing) -> str:
        answers = uploads.read_answers(upload.name, upload, standing.campaign.classes)
        told = standing.campaign.enter(answers, source=source, correct=bool(correct))
        return in_words(told, answers.name)

    act(name, tell)


def in_words(told: Told, name: str) -> str:
    """What came of a file of answers."""
    parts = [
        f"{number:,} {word}"
        for number, word in ((told.new, "new"), (told.again, "told before"), (told.corrected, "corrected"))
        if number
    ]
    abstained = f", {told.abstained:,} of them abstentions" if told.abstained else ""
    notes = "".join(f" {note}" for note in told.notes)
    return f"{capital(name)}: {listed(parts) if parts else 'no answers'}{abstained}.{notes}"
