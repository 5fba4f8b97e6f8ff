"""Where a page gets what it draws: the study, seed and round in view, the theme, cached reads. All caches are here.

The view's state is in the URL, so that a copied link opens the same view: the study as `?run=`, everything else through
widgets bound to a query parameter of the same name as their key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import streamlit as st

from app.results import shipped
from app.shell import campaigns
from app.shell.doorkeeper import read_only as read_only
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.folders import default_store
from rad_core.store import light_copy
from rad_core.store.catalogue import list_studies
from rad_core.store.study import Study, StudyInfo
from rad_core.text import one_line

T = TypeVar("T")
LATEST = "latest"
BUSY = ("running", "queued")  # statuses of a study on its way
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # addresses of a server that nobody reaches from another machine


@dataclass(frozen=True)
class View:
    """A study at one moment. demo: shipped with the program, and never changed.

    study: a snapshot, so that all that a page reads of it, now or later, is of that moment. key: another one for every
    study and moment; whatever is worked out from the study is remembered under it.
    """

    study: Study
    info: StudyInfo
    key: str
    demo: bool

    @property
    def config(self) -> StudyConfig:
        return self.study.config

    def read(self, function: Callable[..., T], *arguments: Any) -> T:
        """function(study, *arguments), remembered until the study changes. The result is shared: never write to it.

        function: one of a module, for it is known by its name.
        """
        return _read(function, _name_of(function), self.study, self.key, *arguments)

    @property
    def title(self) -> str:
        return study_title(self.info)


def view_of(study: Study, *, demo: bool) -> View:
    """A study as it stands now."""
    still = _snapshot(study, _key(study))
    return View(still, still.info(), _key(still), demo)


def _key(study: Study) -> str:
    return f"{study.path} {study.moment()}"


def _name_of(function: Callable[..., Any]) -> str:
    """The file and the name: every page is a module called __main__."""
    if "<" in function.__qualname__:  # a lambda or a part of a function: others are called the same
        raise ValueError(f"{function.__qualname__} has no name of its own, under which its result could be remembered")
    return f"{function.__code__.co_filename}:{function.__qualname__}"


def study_title(info: StudyInfo) -> str:
    """How a study is called on screen."""
    return one_line(info.name) or info.id


# --- caches --------------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=512, show_spinner=False)
def _read(_function: Callable[..., T], name: str, _study: Study, key: str, *arguments: Any) -> T:
    result = _function(_study, *arguments)
    if isinstance(result, np.ndarray):
        result.setflags(write=False)
    return result


@st.cache_resource(max_entries=64, show_spinner=False)
def _snapshot(_study: Study, key: str) -> Study:
    return _study.snapshot()


@st.cache_resource(max_entries=256, show_spinner=False)
def remember(_make: Callable[[], T], *key: Any) -> T:
    """_make(), remembered under a key of plain values (a name first); the result is shared: never write to it."""
    return _make()


@st.cache_resource(ttl=2, max_entries=8, show_spinner=False)
def _list(root: str) -> list[StudyInfo]:  # shared: a thousand studies copied for every look would be felt
    return list_studies(Path(root))


def shelf() -> dict[str, Any]:
    """Where this session keeps what is large or somebody's own."""
    things: dict[str, Any] = st.session_state.setdefault("shelf", {})
    return things


def kept(name: str, key: Any, make: Callable[[], T]) -> T:
    """make(), kept on the shelf of this session under a name until the key changes."""
    things = shelf()
    if name not in things or things[name][0] != key:
        things.pop(name, None)  # first: the old and the new need not have room side by side
        things[name] = (key, make())
    return things[name][1]


def studies() -> list[StudyInfo]:
    """The user's studies, the newest first; those that cannot be read say why in their message."""
    return _list(str(default_store()))


def demos() -> list[StudyInfo]:
    """The studies shipped with the program, in the order in which they are offered."""
    return shipped.infos()


def study_of(study_id: str, *, demo: bool) -> Study:
    """A study by its full id: one of the user's, or a shipped one, which is unpacked at its first visit."""
    if not demo:
        return Study(default_store() / study_id)
    if shipped.is_unpacked(study_id):
        return shipped.open_study(study_id)
    with st.spinner("Unpacking an example …"):
        return shipped.open_study(study_id)


def open_on_explore(name: str) -> None:
    """Put a study or a campaign in view and go to the first of its pages."""
    st.session_state["run"] = name
    # Its address is written anew: what is bound to controls of this page would refuse to be cleared.
    st.switch_page("views/explore.py", query_params={"run": name})


def forget_list() -> None:
    """Read the lists of studies and campaigns anew at the next look: something was made, renamed or deleted."""
    _list.clear()
    campaigns.forget_list()


def keep_in_address(name: str, value: str | None) -> None:
    """Have a parameter say this in the address, or not stand there; for what no widget is bound to."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


# --- the study in view ---------------------------------------------------------------------------------------------


def theme() -> Literal["light", "dark"]:
    """The theme the visitor sees."""
    return "dark" if st.context.theme.type == "dark" else "light"


def files_allowed() -> bool:
    """Whether visitors may name folders and files of this machine: as it was told, else if all of them sit at it."""
    told = os.environ.get("RAD_FILES", "")
    return told != "0" if told else st.get_option("server.address") in LOOPBACK


def open_view(study_id: str) -> View:
    """A study by its full id, the user's own before one that is shipped."""
    own = {info.id: info for info in studies()}
    demo = study_id not in own
    return view_of(study_of(study_id, demo=demo), demo=demo)


def choices() -> list[StudyInfo]:
    """Every study that can be looked at: the user's, their campaigns, then the shipped ones."""
    own = [info for info in studies() if info.status != "unreadable"] + campaigns.listed()
    taken = {info.id for info in own}
    return own + [info for info in demos() if info.id not in taken and info.status != "unreadable"]


def default_choice(infos: list[StudyInfo]) -> str | None:
    """The study to open without a link: one's own with results, else one's own on its way, else a shipped one."""
    examples = {info.id for info in demos()} - {info.id for info in studies()} - set(campaigns.names())
    own = [info for info in infos if info.id not in examples]
    choices = [info.id for info in own if info.rounds_done]
    choices += [info.id for info in own if info.status not in ("failed", "cancelled", "lost")]
    return next(iter([*choices, *(info.id for info in infos if info.id in examples), *(info.id for info in own)]), None)


def wanted_study(infos: list[StudyInfo]) -> str | None:
    """The study that the URL or the session asks for; one that is not there is replaced, with a word about it."""
    ids = [info.id for info in infos]
    session = st.session_state
    asked = st.query_params.get("run")
    if session.get("run") in ids:
        return session["run"]
    if asked is not None and asked != LATEST and asked not in ids:
        session["missing"] = asked[:40]  # said beside the picker until another one is picked
    return asked if asked in ids else default_choice(infos)


def current() -> View:
    """The study in view. Ends the page with an empty state where there is none."""
    study_id = st.session_state.get("run")
    if study_id is None:
        raise InputError("There is no study to show yet; start one on the page Studies.")
    return open_view(study_id)


def current_seed(view: View) -> int:
    """The seed in view, of those whose points are there."""
    seeds = view.read(light_copy.seeds_with_points)
    if not seeds:
        raise InputError("No seed of this study is prepared yet; its teacher is still being trained.")
    wanted = st.session_state.get("seed", seeds[0])
    return wanted if wanted in seeds else seeds[0]


def current_round(view: View) -> int:
    """The round in view: the purchase of this round, decided by the student of the one before."""
    wanted = st.session_state.get("round") or 1
    return int(min(max(1, wanted), view.config.rounds))


def with_results(view: View, seed: int | None = None, round_: int | None = None) -> list[str]:
    """The strategies that have finished a round (by default any purchase) for a seed (by default for some seed)."""
    table = view.read(_finished)
    table = table[table["round"] >= (1 if round_ is None else round_)]
    if seed is not None:
        table = table[table["seed"] == seed]
    return [name for name in view.config.strategies if name in set(table["strategy"])]


def _finished(study: Study) -> Any:
    return study.rounds_table()[["strategy", "seed", "round"]]
