"""The campaigns of the store: which there are, which one is in view, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from rad_core.campaign import catalogue, watch
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.ledger import DATABASE
from rad_core.campaign.status import Status
from rad_core.errors import RadError
from rad_core.folders import default_store
from rad_core.store.study import StudyInfo

STATUS = "campaign"  # in place of a study's


@dataclass(frozen=True, eq=False)
class Standing:
    """A campaign at one moment. key: another one for every campaign and moment."""

    campaign: Campaign
    status: Status
    key: str

    @property
    def name(self) -> str:
        return self.campaign.name


def moment(path: Path) -> str:
    """Another text after every transaction: SQLite counts them in its file (bytes 24 to 27)."""
    database = path / DATABASE
    try:
        with database.open("rb") as file:
            counted = file.read(28)[24:].hex()
        return f"{path} {counted} {database.stat().st_mtime_ns}"
    except OSError:  # what is wrong with it is said where it is opened
        return str(path)


def names() -> list[str]:
    """The names of all campaigns of the store, sorted."""
    return sorted(info.id for info in listed())


def running() -> list[str]:
    """The names of those that a process runs by itself now."""
    root = catalogue.root_of(None)
    return [name for name in names() if watch.is_running(root / name)]


def listed() -> list[StudyInfo]:
    """Every campaign as a study for the picker, the newest first; a damaged one is the oldest and says why."""
    return _listed(str(default_store()))


@st.cache_resource(ttl=2, max_entries=8, show_spinner=False)
def _listed(root: str) -> list[StudyInfo]:
    found = []
    for name in catalogue.names(Path(root)):
        try:
            found.append(StudyInfo(name, name, STATUS, created=Campaign(Path(root) / name).settings.created))
        except RadError as error:
            found.append(StudyInfo(name, name, STATUS, str(error)))
    return sorted(found, key=lambda info: (-info.created, info.id))


def forget_list() -> None:
    """Read the list anew at the next look."""
    _listed.clear()


def in_view() -> str | None:
    """The name of the campaign in view; None where it is a study, or nothing."""
    run = st.session_state.get("run")
    return run if isinstance(run, str) and run in names() else None


def standing(name: str) -> Standing:
    """A campaign as it stands now. Raises InputError, DamagedError where it cannot be read."""
    path = catalogue.find(catalogue.root_of(None), name)
    key = moment(path)
    return _standing(path, key)


@st.cache_resource(max_entries=64, show_spinner=False)
def _standing(_path: Path, key: str) -> Standing:
    campaign = Campaign(_path)
    return Standing(campaign, campaign.status(), key)
