"""The studies of a store at a glance, each read again only once its database has changed.

What was read is kept in this process and, for the next one, in the user's cache: a list of a thousand studies then
costs two looks at the clock of each, not a thousand databases.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from rad_core import partials
from rad_core.errors import RadError
from rad_core.folders import data_folder
from rad_core.store.database import DATABASE
from rad_core.store.study import Study, StudyInfo

_FORMAT = 1  # to be raised when a glance says something else
_SETTLED = 2.0  # seconds: of what has changed since, the clock of the file system may not tell a second change

State = tuple[int, ...]  # of the files of a database
Known = dict[str, tuple[State, StudyInfo]]  # by id
_known: dict[Path, Known] = {}


def glance_at(root: Path, ids: Sequence[str]) -> list[StudyInfo]:
    """The studies of a store with these ids; one that cannot be read says why and hides no other."""
    known = _known.get(root)
    if known is None:
        known = _known[root] = _load(root)
    current: Known = {}
    infos, news = [], False
    for study_id in ids:
        study = Study(root / study_id)
        state = _state(study.path)
        if state is None or known.get(study_id, (None,))[0] != state:
            info = _read(study)
            news |= state is not None
        else:
            info = known[study_id][1]
        if state is not None and info.status != "unreadable":
            current[study_id] = (state, info)
        infos.append(_now(study, info))
    _known[root] = current
    if news:
        _save(root, current)
    return infos


def _read(study: Study) -> StudyInfo:
    """A study as its database has it."""
    try:
        return study.stored_info()
    except RadError as error:
        return StudyInfo(study.id, message=str(error))
    except Exception as error:
        logging.getLogger("rad").exception("Study %s cannot be read", study.id)
        return StudyInfo(study.id, message=f"Study {study.id} cannot be read ({type(error).__name__}: {error}).")


def _now(study: Study, info: StudyInfo) -> StudyInfo:
    """A study as it is: whether its process lives is in no database."""
    try:
        return study.as_it_is(info)
    except RadError as error:
        return StudyInfo(study.id, message=str(error))


def _state(folder: Path) -> State | None:
    """Sizes and times of a database and its log: equal ones mean equal contents. None where they tell too little."""
    numbers: list[int] = []
    for name in (DATABASE, f"{DATABASE}-wal"):
        try:
            status = os.stat(f"{folder}/{name}")  # noqa: PTH116 - a half of the time of a path, for a thousand
        except FileNotFoundError:
            continue
        except OSError:
            return None
        if max(status.st_mtime, status.st_ctime) > time.time() - _SETTLED:
            return None
        if status.st_size:
            numbers += [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return tuple(numbers) or None


# --- between processes ---------------------------------------------------------------------------------------------


def _place(root: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(root.absolute()), digest_size=12).hexdigest()
    return data_folder() / "lists" / f"{name}.json"


def _load(root: Path) -> Known:
    """What an earlier process kept; nothing where it kept none, or something else."""
    try:
        kept = json.loads(_place(root).read_bytes())
        if kept["format"] != _FORMAT:
            return {}
        return {study_id: (tuple(state), _info(values)) for study_id, (state, values) in kept["studies"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _info(values: dict[str, Any]) -> StudyInfo:
    info = StudyInfo(**values)
    for field in attrs.fields(StudyInfo):
        if field.name != "id" and type(getattr(info, field.name)) is not type(field.default):
            raise TypeError(f"{field.name} is {getattr(info, field.name)!r}")
    return info


def _save(root: Path, known: Known) -> None:
    """Keep a list for the next process. Where that cannot be done it reads the databases again."""
    place = _place(root)
    studies = {study_id: (state, attrs.asdict(info)) for study_id, (state, info) in known.items()}
    content = {"format": _FORMAT, "studies": studies}
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partials.sweep_files(place.parent)
        with partials.beside(place, lasting=False) as file:
            file.write(json.dumps(content).encode())
