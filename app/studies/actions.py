"""What a visitor can do to a study: start, pause, cancel, resume, rename, delete. Each checks anew that it may.

Dialogs are asked for with `ask` and drawn by `show_dialog` on every run of the page, so that a page that is drawn again
underneath does not close them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import streamlit as st

from app.findings.words import literal
from app.shell import blocks, state
from app.studies.settings import files_named
from rad_core.config import StudyConfig
from rad_core.errors import InputError, RadError
from rad_core.folders import default_store
from rad_core.learning.teachers import OUTSIDE
from rad_core.results.words import count
from rad_core.running import worker
from rad_core.running.cluster import configured
from rad_core.store.catalogue import create_study, delete_study
from rad_core.store.study import Study, StudyInfo

Question = Literal["rename", "delete", "cancel"]
_ASKED = "runs_asked"


def own(study_id: str) -> tuple[Study, StudyInfo]:
    """A study that may be changed: one of the user's, in a studio that is not read-only. Raises InputError."""
    if state.read_only():
        raise InputError("This studio only shows studies; start one without --read-only to change anything.")
    state.forget_list()
    for info in state.studies():
        if info.id == study_id:
            return Study(default_store() / info.id), info
    raise InputError(f"There is no study {study_id[:40]!r} among yours; it may have been deleted meanwhile.")


def start_new(config: StudyConfig, cluster: str = "") -> None:
    """Make a study, start it in the background and put it in view. A study that cannot start is not left behind.

    cluster: the address of a Ray cluster to run it on.
    """
    if state.read_only():
        raise InputError("This studio only shows studies; it starts none.")
    refuse_files(config.to_dict())
    study = create_study(default_store(), config)
    try:
        worker.start(study, cluster=cluster or None)
    except RadError:
        delete_study(default_store(), study.id)
        raise
    finally:
        state.forget_list()
    st.session_state["run"] = study.id


def refuse_files(values: Mapping[str, Any]) -> None:
    """Raise InputError where settings name files of this machine, or a teacher from outside, and visitors may not."""
    if not state.files_allowed() and (named := files_named(values)):
        if named[0].partition(":")[0] in OUTSIDE:
            raise InputError(
                f"This studio asks no teacher from outside for its visitors, and {named[0][:100]!r} is one; choose "
                "another, or start it with rad app --files."
            )
        raise InputError(
            f"This studio reads no folders and files of its machine for its visitors, and {named[0][:100]!r} is one; "
            "choose another, or start it with rad app --files."
        )


def resume(study_id: str) -> None:
    """Go on with a study that is not running: on the cluster, if it ran there last and one is configured."""
    study, _ = own(study_id)
    worker.start(study, cluster=(configured() if study.on_cluster() else "") or None)
    state.forget_list()


def request(study_id: str, action: Literal["pause", "cancel"]) -> None:
    """Ask the process of a study to pause or to cancel; it takes a second or two."""
    study, _ = own(study_id)
    study.request(action)
    state.forget_list()


# --- questions -----------------------------------------------------------------------------------------------------


def ask(question: Question, study_id: str) -> None:
    """Have the page open a dialog about a study."""
    st.session_state[_ASKED] = (question, study_id)


def _close() -> None:
    st.session_state.pop(_ASKED, None)


def show_dialog() -> None:
    """The dialog that was asked for, until it is answered or closed."""
    if _ASKED not in st.session_state:
        return
    question, study_id = st.session_state[_ASKED]
    info = next((info for info in state.studies() if info.id == study_id), None)
    if info is None or state.read_only():
        _close()
        return
    titles = {"rename": "Rename", "delete": "Delete for good?", "cancel": "Cancel this study?"}
    bodies: dict[str, Callable[[StudyInfo], None]] = {"rename": _rename, "delete": _delete, "cancel": _cancel}
    st.dialog(titles[question], on_dismiss=_close)(bodies[question])(info)


def _rename(info: StudyInfo) -> None:
    name = st.text_input("Name", value=info.name, max_chars=100, key="runs_new_name", placeholder=info.id)
    with blocks.spoken_errors():
        if st.button("Rename", type="primary", key="runs_do_rename"):
            own(info.id)[0].rename(name.strip())
            _done()


def _delete(info: StudyInfo) -> None:
    with_results = info.rounds_done > 0
    if info.status == "unreadable":
        st.markdown(f"The folder **{literal(info.id)}** cannot be read. Whatever is in it is deleted with it.")
    else:
        results = f" with {count(info.rounds_done, 'finished round')}" if with_results else ""
        st.markdown("This study is deleted from the disk" + results + ". It cannot be brought back.")
    sure = True
    if with_results:
        title = state.study_title(info)
        st.markdown("To confirm, type its name:")
        st.code(title, language=None, wrap_lines=True)
        typed = st.text_input("Name of the study", key="runs_typed", label_visibility="collapsed", autocomplete="off")
        sure = typed.strip() in (title, info.id)
    with blocks.spoken_errors():
        if st.button("Delete", type="primary", icon=":material/delete:", disabled=not sure, key="runs_do_delete"):
            own(info.id)
            delete_study(default_store(), info.id)
            _done()


def _cancel(info: StudyInfo) -> None:
    st.markdown(
        f"“{literal(state.study_title(info))}” stops within a second or two. What is finished stays "
        f"({count(info.rounds_done, 'round')}), and it can be resumed later."
    )
    with blocks.spoken_errors():
        if st.button("Cancel the study", type="primary", icon=":material/cancel:", key="runs_do_cancel"):
            request(info.id, "cancel")
            _done()


def _done() -> None:
    _close()
    state.forget_list()
    st.rerun()
