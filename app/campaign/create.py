"""The form of a new campaign: tables uploaded or, on this computer alone, named by their paths; price and wall."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.campaign import child, questions, uploads
from app.data import visitors
from app.shell import blocks, state
from rad_core.campaign import catalogue, demo
from rad_core.campaign.campaign import Campaign
from rad_core.errors import InputError, InputNote
from rad_core.folders import default_store
from rad_core.learning.models import FOR_FEATURES
from rad_core.text import one_line

Table = UploadedFile | str | None  # a path, where it is a text

UPLOAD, COMPUTER = "Upload", "This computer"
_TABLES = ("csv", "tsv", "parquet", "jsonl", "npz", "npy")
_ARRAYS = (".npz", ".npy")  # files of features alone
_MINE = "mine"
# Role -> what its field is called, its help, and what a path may look like.
_ROLES = {
    "pool": (
        "Pool",
        "What could be labeled: a column id, and text, image or features. Rows with a label are labeled examples. Or "
        "an .npz file with arrays features and ids.",
        "pool.parquet, features:pool.npz or folder:images",
    ),
    "labeled": ("Labeled, optional", "Examples with known classes: id, label.", "labeled.csv"),
    "checked": (
        "Checked, optional",
        "Labeled examples on which the teacher was asked as well: id, label, teacher. Without its answers it is asked "
        "about them first. They tell how often it errs, and without them nothing can be bought.",
        "checked.csv",
    ),
}
_DEMO = """
from rad_core.campaign.demo import run
run(sys.argv[1], 4, Path(sys.argv[2]), lambda text: None)
"""


def draw() -> None:
    """The form, and a way to a campaign that is there in seconds."""
    if state.read_only():
        st.caption("This studio only shows campaigns; whoever runs it can create one.")
        return
    with st.container(border=True, key="campaign-form"):
        st.subheader("New campaign", anchor=False)
        wanted = UPLOAD
        if state.files_allowed():
            wanted = blocks.choose_one(
                "Where the tables come from", {each: each for each in (UPLOAD, COMPUTER)}, "campaign_from", hidden=True
            )
        given: dict[str, Table] = {}
        for role, place in zip(_ROLES, st.columns(len(_ROLES)), strict=True):
            with place:
                given[role] = _field(role, wanted)
        settings = _settings(_stem(given["pool"]))
        row = st.container(horizontal=True, vertical_alignment="center")
        # No callback: that would get what stood in the fields when the button was drawn.
        wished = row.button(
            "Create the campaign",
            type="primary",
            icon=":material/add:",
            key="campaign-create",
            disabled=given["pool"] is None,
            help="Reads everything and asks nothing. What it read can be looked at before anything is bought.",
        )
        example = row.button("Try with an example (about ten seconds)", icon=":material/school:", key="campaign-demo")
    with blocks.spoken_errors():
        if wished:
            _create(given, settings)
        if example:
            _example()


def _field(role: str, wanted: str) -> Table:
    """An upload, a path, or None."""
    label, help_, example = _ROLES[role]
    if wanted == COMPUTER:
        text = st.text_input(label, key=f"campaign_{role}_path", placeholder=example, help=help_)
        return text.strip() or None
    turn = st.session_state.get("campaign_turn", 0)
    return st.file_uploader(
        label,
        list(_TABLES),
        key=f"campaign_{role}-{turn}",
        help=help_,
        max_upload_size=uploads.MOST_MEGABYTES,
    )


def _settings(stem: str) -> dict[str, Any]:
    """Everything but the tables, as `Campaign.create` takes it."""
    name, price, currency, wall = st.columns([3, 2, 2, 2])
    values: dict[str, Any] = {
        "name": name.text_input(
            "Name", key="campaign_name", placeholder=stem, help="2 to 40 lower-case letters, digits and hyphens."
        ).strip()
        or stem,
        "price": price.text_input("Price of an answer", key="campaign_price", placeholder="0").strip() or "0",
        "currency": currency.text_input("Currency", key="campaign_currency", placeholder="EUR").strip(),
        "max_cost": wall.text_input(
            "The wall: spend at most", key="campaign_wall", placeholder="no wall", help="No question crosses it."
        ).strip()
        or None,
    }
    student, teacher, classes = st.columns(3)
    own = student.selectbox(
        "Student",
        [_MINE, *FOR_FEATURES],
        format_func=lambda name: "mine: I bring its probabilities" if name == _MINE else f"{name}, on the features",
        key="campaign_student",
        help="One of ours learns from the features within seconds, and can go round after round by itself.",
    )
    values["student"] = None if own == _MINE else own
    callable_ = bool(values["student"]) and state.files_allowed()
    called = teacher.text_input(
        "Teacher, optional",
        key="campaign_teacher",
        placeholder="python:teacher.py:label" if callable_ else "its answers are uploaded",
        disabled=not callable_,
        help="python:FILE.py:FUNCTION, openai:MODEL@URL or table:FILE: it is asked by itself, for a student of ours, "
        "from this computer alone. The answers of any other are uploaded.",
    )
    values["teacher"] = called.strip() or None if callable_ else None
    named = classes.text_input(
        "Classes, optional",
        key="campaign_classes",
        placeholder="the labels that occur",
        help="Names separated by commas, in the order that you wish.",
    )
    values["classes"] = [text.strip() for text in named.split(",")] if named.strip() else None
    return values


def _stem(pool: Table) -> str:
    """A name for the campaign by that of its pool."""
    text = pool if isinstance(pool, str) else getattr(pool, "name", "")
    plain = re.sub(r"[^a-z0-9]+", "-", Path(text.partition(":")[2] or text).stem.lower()).strip("-")[:40]
    taken = set(catalogue.names(default_store()))
    stem = plain if catalogue.NAME.fullmatch(plain) else "campaign"
    numbered = (stem if number == 1 else f"{stem[:36]}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in numbered if name not in taken)


def _create(given: dict[str, Table], settings: dict[str, Any]) -> None:
    """Make it and go there. After an InputError what was typed and uploaded stays."""
    shown: dict[str, str] = {}
    with ExitStack() as stack, warnings.catch_warnings(record=True) as caught, st.spinner("Reading the tables …"):
        warnings.simplefilter("always", InputNote)
        try:
            tables: dict[str, Any] = {role: stack.enter_context(_table(value, shown)) for role, value in given.items()}
            Campaign.create(settings["name"], tables.pop("pool"), **tables, **_rest(settings))
        except InputError as error:
            raise InputError(_as_given(str(error), shown)) from error
    for upload in given.values():
        if upload is not None and not isinstance(upload, str):
            visitors.let_go(upload)
    st.session_state["campaign_turn"] = st.session_state.get("campaign_turn", 0) + 1
    notes = [str(note.message) for note in caught if isinstance(note.message, InputNote)]
    said = " ".join(["Created; nothing was asked yet.", *(_as_given(note, shown) for note in notes)])
    questions.note(settings["name"], said)
    state.forget_list()
    state.open_on_explore(settings["name"])


def _rest(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "name"}


def _as_given(text: str, shown: dict[str, str]) -> str:
    for path, name in shown.items():
        text = text.replace(path, name)
    return text


@contextmanager
def _table(value: Table, shown: dict[str, str]) -> Iterator[str | None]:
    """What `Campaign.create` takes for an upload or a path. shown: gets what our own path is called."""
    if value is None or isinstance(value, str):
        if value is not None and not state.files_allowed():
            raise InputError("This studio reads no files of its machine for its visitors; upload the tables.")
        yield value
        return
    with uploads.on_disk(value.name, value, _TABLES) as path:
        value.seek(0)  # it may have to be read once more
        shown[str(path)] = one_line(Path(value.name).name)
        yield f"features:{path}" if path.suffix in _ARRAYS else str(path)


def _example() -> None:
    """The campaign on handwritten digits that `rad campaign demo` makes."""
    with blocks.spoken_errors():
        name = demo.free_name("demo", default_store())
        with st.spinner("Four rounds of digits are asked, answered and paid …", show_time=True):
            child.run(_DEMO, Path(name), default_store())
        state.forget_list()
        state.open_on_explore(name)
