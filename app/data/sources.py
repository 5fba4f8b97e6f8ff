"""Where somebody's own scores come from: uploads, a folder of the server, or the example; and how files should look.

Where nobody else reaches the studio, uploads are kept on its disk under the link of the page (?upload=): a reload,
another tab and another start of the server show them again. Elsewhere they live in memory while their visitor does.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from app.data import example, files, kept, visitors
from app.data.files import Given
from app.findings.words import literal
from app.shell import blocks, state
from rad_core.errors import InputError
from rad_core.inputs.tables import READABLE

# The words stand in the address, too.
UPLOAD, FOLDER, EXAMPLE = SOURCES = ("Upload", "This computer", "Example")
MAX_MEGABYTES = 1024  # of one upload, as in .streamlit/config.toml
_TURN = "own_scores_turn"  # how often each field was used: it is a new one then, and Streamlit lets go of the old one

LINK = "upload"  # in the address: the name of the folder of what was uploaded
_GONE = "The files of this link are gone: they were removed, or a day has passed. Upload them again."

# Role -> what its field is called, and its help.
FIELDS = {
    "probabilities": (
        "The student's probabilities",
        "One row per point that could be labeled, one column per class, rows that sum to 1: (N, C).",
    ),
    "flags": (
        "Teacher right or wrong",
        "1 or 0 (or yes and no) for every validation point with a known label, or two columns, truth and answer: (V). "
        "It tells how often the teacher errs; without it you type that. A column gain beside it, of your student there "
        "(1 minus its margin), lets the page foresee whether choosing matters.",
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
    by_role: dict[str, Given] = st.session_state.setdefault("own_scores", {})
    errors: dict[str, str] = st.session_state.setdefault("own_scores_errors", {})
    _follow_link(by_role, errors)
    row = st.container(horizontal=True)
    wanted = blocks.choose_one(
        "Where the scores come from",
        {source: source for source in SOURCES},
        "scores_from",
        place=row,
        hidden=True,
        width="content",
    )
    if wanted == EXAMPLE:
        row.caption(example.ABOUT)
        return state.remember(example.given, "example-scores")
    if wanted == FOLDER:
        return _from_folder()
    with row.container() if "probabilities" in by_role else st.container():
        return _uploaded(by_role, errors)


# --- uploads ------------------------------------------------------------------------------------------------------


def _uploaded(by_role: dict[str, Given], errors: dict[str, str]) -> dict[str, Given]:
    """What was uploaded in this session or under this link."""
    empty = "probabilities" not in by_role
    with st.expander(
        _summary(by_role),
        expanded=empty,
        key="scores-first-files" if empty else "scores-files",
        icon=":material/folder:",
    ):
        first, second = st.columns(2, gap="medium")
        for role, place in zip(FIELDS, (first, second, first, second), strict=True):
            with place:
                _uploader(role, by_role)
        st.caption(
            f"Up to {MAX_MEGABYTES:,} MB a file, and {files.VISITOR_BYTES / 1e6:,.0f} MB of numbers in all for each "
            f"visitor. {_LASTING if _lasting() else _FLEETING} More is for rad select on your own computer."
        )
        if len(by_role) > 1:
            st.button("Remove all files", key="scores-remove-all", icon=":material/delete:", on_click=_remove_all)
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


_LASTING = "They stay in the studio's folder under the link of this page for a day, or until you remove them."
_FLEETING = "They are forgotten when you leave."


def _lasting() -> bool:
    """Whether uploads are kept on disk: not where others reach the studio, or where it may change nothing."""
    return state.files_allowed() and not state.read_only()


def _follow_link(by_role: dict[str, Given], errors: dict[str, str]) -> None:
    """Have in memory what lies under the link, and the link in the address."""
    session, asked = st.session_state, st.query_params.get(LINK)
    seen: dict[str, tuple[str, int, int]] = session.setdefault("own_scores_seen", {})  # role -> name, time and size
    if asked is not None and asked != session.get("own_scores_link"):
        by_role.clear()
        seen.clear()
        session["own_scores_link"] = asked
    link = session.get("own_scores_link")
    if link is None:
        return
    there = kept.files_of(link) if _lasting() else {}
    for role in set(seen) - set(there):
        by_role.pop(role, None)
        del seen[role]
    if not there:
        del session["own_scores_link"]
        st.query_params.pop(LINK, None)
        errors[LINK] = _GONE if _lasting() else "This studio keeps no uploads for a link; upload the files again."
        return
    for role, path in there.items():
        about = path.stat()
        now = (path.name, about.st_mtime_ns, about.st_size)
        if seen.get(role) != now:
            seen[role] = now
            by_role.pop(role, None)
            visitors.goes_with_them(by_role, seen, state.shelf())
            try:
                by_role[role] = files.read_kept(role, path, path.name.partition("=")[2], _room(by_role))
            except InputError as error:
                errors[role] = str(error)
    if asked != link:
        st.query_params[LINK] = link


def _room(by_role: dict[str, Given]) -> int:
    return files.room_beside(sum(given.bytes for given in by_role.values()))


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
    upload, link = st.session_state[_field(role)], st.session_state.get("own_scores_link")
    _remove(role)
    if upload is None:
        return
    turns = st.session_state.setdefault(_TURN, {})
    turns[role] = turns.get(role, 0) + 1
    session = st.session_state
    by_role: dict[str, Given] = session["own_scores"]
    errors: dict[str, str] = session["own_scores_errors"]
    errors.pop(LINK, None)
    visitors.let_go(upload)
    visitors.goes_with_them(by_role, session["own_scores_seen"], state.shelf())
    if _lasting():
        kept.sweep()
    try:
        keep = partial(_keep, link or kept.new_token(), role) if _lasting() else None
        by_role[role] = files.read_upload(role, upload.name, upload, _room(by_role), keep)
    except InputError as error:
        errors[role] = str(error)


def _keep(link: str, role: str, shown: str, content: BinaryIO) -> None:
    """Keep a sound file under the link; where the disk does not let us, it lives as long as its visitor."""
    session = st.session_state
    try:
        path = kept.put(link, role, shown, content)
    except OSError as error:
        session["own_scores_errors"][role] = (
            f"{shown} could not be kept ({error.strerror}): it will be gone after a reload; make room in the folder of "
            "the studies and upload it again."
        )
        return
    about = path.stat()
    session["own_scores_seen"][role] = (path.name, about.st_mtime_ns, about.st_size)
    session["own_scores_link"] = link


def _remove(role: str) -> None:
    session = st.session_state
    for name in ("own_scores", "own_scores_errors", "own_scores_seen"):
        session.setdefault(name, {}).pop(role, None)
    link = session.get("own_scores_link")
    if link is not None:
        kept.remove(link, role)
        if not session["own_scores_seen"]:
            del session["own_scores_link"]
            st.query_params.pop(LINK, None)


def _remove_all() -> None:
    for role in FIELDS:
        _remove(role)


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
            "Nothing leaves this server."
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
