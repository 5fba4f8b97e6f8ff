"""The store: a folder of studies, which are found, made and deleted here; each appears and goes whole or not at all."""

from __future__ import annotations

import difflib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rad_core import files, partials
from rad_core.config import StudyConfig
from rad_core.errors import InputError, StoreError
from rad_core.store.database import DATABASE, create_database
from rad_core.store.glances import glance_at
from rad_core.store.study import LOCK, Study, StudyInfo

ID = re.compile(r"[a-z0-9][a-z0-9-]{5,39}")
NEW, HALF, TRASH = ".rad-new-", ".rad-unpack-", ".rad-trash-"  # studies on their way into the store, and out of it


def create_study(root: Path, config: StudyConfig, study_id: str | None = None) -> Study:
    """Make a new study folder; it appears whole or not at all.

    Args:
        root: the store, made where there is none.
        config: what the study does; what it leaves open is resolved.
        id: of 6 to 40 lower-case letters, digits and hyphens; by default made of the data set and the time.

    Returns:
        The study, planned and not started.

    Raises:
        InputError: where the settings are wrong, the id is taken or none, or the store cannot be written.
        StoreError: where there is no room left.
    """
    config = config.resolved()
    now = time.time()
    if study_id is None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        word = re.sub(r"[^a-z0-9]", "", config.dataset.split(":")[0])[:12]
        study_id = f"{word}-{stamp}-{secrets.token_hex(2)}"
    _check_id(study_id)
    values = {
        "id": study_id,
        "name": config.name,
        "config": config.to_json(),
        "status": "planned",
        "message": "",
        "created": repr(now),
        "updated": repr(now),
        "control": "run",
        "version": "0",
    }
    taken = (
        f"There is a study {study_id} in {root} already; choose another id, resume that one "
        f"(rad resume {study_id}), or delete it."
    )
    with new_folder(root, study_id, taken) as folder:
        create_database(folder, values)
    return Study(root / study_id)


@contextmanager
def new_folder(root: Path, name: str, taken: str) -> Iterator[Path]:
    """A folder to fill, in the store under its name once the block is left; after an error nothing of it is there.

    taken: what to say where the name is given already.
    """
    with files.writing(root):
        root.mkdir(parents=True, exist_ok=True)
        sweep_store(root)
        with partials.own_folder(root, NEW) as folder, files.alone_in(root):
            if (root / name).exists():
                raise InputError(taken)
            (folder / name).mkdir()
            yield folder / name
            files.sync_folder(folder / name)
            (folder / name).rename(root / name)
            files.sync_folder(root)


def sweep_store(root: Path) -> None:
    """Remove the studies that killed processes were making, unpacking or deleting."""
    with suppress(OSError), os.scandir(root) as entries:  # none yet, or one that cannot be read
        partials.sweep([Path(entry.path) for entry in entries if entry.name.startswith((NEW, HALF, TRASH))])


def open_study(root: Path, study_id: str) -> Study:
    """Open a study by its id, by the beginning of one, or the newest as "latest"; sweep what killed processes left."""
    study = Study(root / find_id(root, study_id))
    study.check()
    study.sweep()
    return study


def find_id(root: Path, study_id: str) -> str:
    """The full id of the study that an id, the beginning of one, or "latest" means."""
    ids = study_ids(root)
    if study_id in ids:
        return study_id
    if not ids:
        raise InputError(f"There is no study {study_id!r}. There are no studies in {root} yet; start one with rad run.")
    if study_id == "latest":
        return list_studies(root)[0].id
    matches = [known for known in ids if study_id and known.startswith(study_id)]
    if len(matches) == 1:
        return matches[0]
    near = matches or difflib.get_close_matches(study_id, ids, 5, 0.5)
    words = "it fits" if matches else "did you mean" if near else "see rad runs"
    hint = f"{words} {', '.join(near[:5])}{'' if matches else '?'}" if near else words
    raise InputError(f"There is no study {study_id!r} in {root}; {hint}{'' if hint.endswith('?') else '.'}")


def study_ids(root: Path) -> list[str]:
    """The ids of all studies in a store, sorted; links to elsewhere are none."""
    try:
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries if ID.fullmatch(entry.name) and _looks_like_study(entry))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"The store {root} cannot be read ({error.strerror}); choose another with --store DIR."
        ) from error


def _looks_like_study(folder: os.DirEntry[str]) -> bool:
    """Also one whose database has gone: it is listed with that reason."""
    try:
        names = (f"{folder.path}/{name}" for name in (DATABASE, LOCK, "seed-0"))
        return folder.is_dir(follow_symlinks=False) and any(os.path.exists(name) for name in names)  # noqa: PTH110
    except OSError:  # a folder of somebody else
        return False


def list_studies(root: Path) -> list[StudyInfo]:
    """All studies of a store, the newest first; one that cannot be read says why and hides no other."""
    studies = glance_at(root, study_ids(root))
    return sorted(studies, key=lambda info: (-info.created, info.id))


def delete_study(root: Path, study_id: str) -> None:
    """Delete a study for good, also one that cannot be read. Refused while it runs."""
    study = Study(root / find_id(root, study_id))
    trash = root / f"{TRASH}{study.id}-{secrets.token_hex(4)}"
    with partials.holding(study.path):
        with study.lock(), files.writing(root):
            # Out of sight first: a kill during the slow part leaves no half study behind.
            study.path.rename(trash)
            files.sync_folder(root)
        shutil.rmtree(trash, ignore_errors=True)
    if trash.exists():
        raise StoreError(f"Study {study.id} is deleted, but {trash} could not be removed; remove it by hand.")


def _check_id(study_id: str) -> None:
    if not ID.fullmatch(study_id):
        raise InputError(f"The study id is {study_id!r}; use 6 to 40 lower-case letters, digits and hyphens.")
