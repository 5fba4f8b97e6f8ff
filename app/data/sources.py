"""Where somebody's own scores come from: uploads, a folder of the server, or the example; and how files should look."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.data import example, files, visitors
from app.data.files import Given
from app.findings.words import literal
from app.shell import state
from rad_core.errors import InputError
from rad_core.inputs.tables import READABLE

# The words stand in the address, too.
UPLOAD, FOLDER, EXAMPLE = SOURCES = ("Upload", "This computer", "Example")
MAX_MEGABYTES = 200  # of one upload, as in .streamlit/config.toml
_TURN = "own_scores_turn"  # how often each field was used: it is a new one then, and Streamlit lets go of the old one

# Role -> what its field is called, and its help.
FIELDS = {
    "probabilities": (
        "The student's probabilities",
        "One row per point that could be labeled, one column per class, rows that sum to 1: (N, C).",
    ),
    "flags": (
        "Teacher right or wrong",
        "1 or 0 (or yes and no) for every validation point with a known label, or two columns, truth and answer: (V). "
        "It tells how often the teacher errs; without it you type that.",
    ),
    "features": ("Features", "For the map, and for the strategies that look at distances: (N, D)."),
    "labels": ("True labels", "Class numbers from 0, if you know them: (N). Only shown, never used to choose."),
}

NUMPY = """\
import numpy as np
probabilities = my_student(pool)      # (N, C), rows sum to 1
np.save("probabilities.npy", probabilities)
np.save("teacher_was_right.npy", teacher_says == truth)
"""
SKLEARN = """\
table = pd.DataFrame(student.predict_proba(X_pool))
table.insert(0, "id", my_ids)         # names your rows; every other column is a class
table.to_csv("probabilities.csv", index=False)
np.save("teacher_was_right.npy", teacher.predict(X_val) == y_val)
"""


def draw() -> dict[str, Given]:
    """The choice of files; what was given so far by role."""
    wanted = st.segmented_control(
        "Where the scores come from", SOURCES, default=UPLOAD, key="scores_from", bind="query-params", required=True
    )
    if wanted == EXAMPLE:
        st.caption(example.ABOUT)
        return state.remember(example.given, "example-scores")
    return _from_folder() if wanted == FOLDER else _uploaded()


# --- uploads ------------------------------------------------------------------------------------------------------


def _uploaded() -> dict[str, Given]:
    """What was uploaded in this session. It stays while other pages are looked at, and goes with the session."""
    by_role: dict[str, Given] = st.session_state.setdefault("own_scores", {})
    errors: dict[str, str] = st.session_state.setdefault("own_scores_errors", {})
    with st.expander(
        _summary(by_role), expanded="probabilities" not in by_role, key="scores-files", icon=":material/folder:"
    ):
        first, second = st.columns(2, gap="medium")
        for role, place in zip(FIELDS, (first, second, first, second), strict=True):
            with place:
                _uploader(role, by_role)
        st.caption(
            f"Up to {MAX_MEGABYTES} MB a file, and {files.VISITOR_BYTES / 1e6:.0f} MB of numbers in all for each "
            "visitor; they are forgotten when you leave. More is for rad select on your own computer."
        )
    for message in errors.values():
        st.error(literal(message), icon=":material/error:")
    return dict(by_role)


def _uploader(role: str, by_role: dict[str, Given]) -> None:
    label, help_ = FIELDS[role]
    st.file_uploader(
        label if role == "probabilities" else f"{label}, optional",
        [ending[1:] for ending in READABLE],
        key=_field(role),
        help=help_,
        on_change=_received,
        args=[role],
        max_upload_size=MAX_MEGABYTES,
    )
    if role in by_role:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(f"In use: {literal(by_role[role].name)}, {_megabytes(by_role[role])}", width="content")
        row.button("Remove", key=f"scores-remove-{role}", type="tertiary", on_click=_remove, args=[role])


def _summary(by_role: dict[str, Given]) -> str:
    names = [by_role[role].name for role in FIELDS if role in by_role]
    return "Your files: " + ", ".join(map(literal, names)) if names else "Your files"


def _megabytes(given: Given) -> str:
    return f"{given.bytes / 1e6:.0f} MB" if given.bytes >= 1e6 else f"{given.bytes / 1e3:.0f} kB"


def _field(role: str) -> str:
    """The key of a role's field."""
    turn = st.session_state.get(_TURN, {}).get(role, 0)
    return f"scores_{role}-{turn}" if turn else f"scores_{role}"


def _received(role: str) -> None:
    """Read an upload once, when it comes; from then on only its numbers are kept."""
    upload = st.session_state[_field(role)]
    _remove(role)
    if upload is None:
        return
    turns = st.session_state.setdefault(_TURN, {})
    turns[role] = turns.get(role, 0) + 1
    by_role: dict[str, Given] = st.session_state["own_scores"]
    visitors.let_go(upload, by_role, state.shelf())
    room = files.VISITOR_BYTES - sum(given.bytes for given in by_role.values())
    try:
        by_role[role] = files.read_upload(role, upload.name, upload, max(0, room))
    except InputError as error:
        st.session_state["own_scores_errors"][role] = str(error)


def _remove(role: str) -> None:
    for name in ("own_scores", "own_scores_errors"):
        st.session_state.setdefault(name, {}).pop(role, None)


# --- files of the server ------------------------------------------------------------------------------------------


def _from_folder() -> dict[str, Given]:
    folder = files.folder_of_scores(state.files_allowed() and not state.read_only())
    if folder is None:
        st.info(
            "Only a studio that is bound to this computer alone (127.0.0.1), or was started with rad app --files, and "
            "may change things reads files from it. Upload them instead.",
            icon=":material/lock:",
        )
        return {}
    names = files.files_in(folder)
    st.caption("Files in the folder that RAD_SCORES names, or else in the one where the studio was started.")
    if not names:
        st.info(f"There is no file ending in {', '.join(READABLE)} in that folder.", icon=":material/inbox:")
        return {}
    given = {}
    for role, place in zip(FIELDS, st.columns(len(FIELDS)), strict=True):
        label, help_ = FIELDS[role]
        name = place.selectbox(
            label,
            names,
            index=None,
            key=f"scores_{role}_file",
            help=help_,
            bind="query-params",
            placeholder="none",
        )
        if name:
            given[role] = _kept_file(role, folder, name)
    return given


def _kept_file(role: str, folder: Path, name: str) -> Given:
    """A file as it was read, until it changes."""
    about = (folder / name).stat()
    key = (str(folder), name, about.st_mtime_ns, about.st_size)
    return state.kept(f"scores-file-{role}", key, lambda: files.read_from_folder(role, folder, name))


# --- how files should look ----------------------------------------------------------------------------------------


def teach(given: dict[str, Given]) -> None:
    """Without probabilities: what to bring, and something to try."""
    if given:
        st.info("Now the student's probabilities: everything else goes with them.", icon=":material/arrow_upward:")
    with st.container(border=True):
        st.subheader("What to bring", anchor=False)
        st.markdown(
            "**The student's probabilities** on the points you could have labeled, as `.npy`, `.npz`, `.parquet` or "
            "`.csv`: one row per point, one column per class. **Optional:** where the teacher was right on a "
            "validation set (it tells how cautious to be), features (for the map), true labels (only to look at). "
            "Nothing is stored, and nothing leaves this server."
        )
        numpy, sklearn = st.tabs(["With NumPy", "With scikit-learn"])
        numpy.code(NUMPY, language=None)
        sklearn.code(SKLEARN, language=None)
        row = st.container(horizontal=True)
        row.button(
            "Try with an example",
            icon=":material/school:",
            type="primary",
            key="scores-example",
            on_click=_choose_example,
        )
        row.download_button(
            "Download example files",
            data=example.archive,
            file_name="rad-example-scores.zip",
            mime="application/zip",
            icon=":material/download:",
            key="scores-example-zip",
            on_click="ignore",
        )


def _choose_example() -> None:
    st.session_state["scores_from"] = EXAMPLE
