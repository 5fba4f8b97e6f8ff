"""The studies shipped with the program, each unpacked into the user's cache when it is first looked at.

They are listed in the order of their files' names, but for the one that opens where the user has no study, which comes
first. Every release has a folder of its own in the cache: an upgrade shows what it ships at once, and a server that
still runs keeps what it has.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from rad_core.errors import InputError, RadError
from rad_core.folders import data_folder
from rad_core.store.pack import ENDING
from rad_core.store.study import Study, StudyInfo
from rad_core.store.unpack import keep_unpacked, read_info, read_metrics

_FIRST = "fashion-long-tail"  # pictures, large effects, and rules that part
_DAY = 86400.0  # seconds
_KEPT = 30 * _DAY  # that a release which nobody opens stays in the cache


def assets() -> Path:
    """The folder of shipped files: inside the package where it was installed, beside it in a checkout."""
    here = Path(__file__).parents[1]
    return next(path for path in (here / "assets", here.parent / "assets") if path.is_dir())


def archives() -> list[Path]:
    """The shipped studies as files, in the order in which they are offered."""
    paths = (assets() / "studies").glob(f"*{ENDING}")
    return sorted(paths, key=lambda path: (path.name != f"{_FIRST}{ENDING}", path.name))


def infos() -> list[StudyInfo]:
    """The shipped studies at a glance; nothing is unpacked for that."""
    return [info for _, info in _shipped(tuple(archives()))]


def is_unpacked(study_id: str) -> bool:
    """Whether a shipped study opens at once; otherwise it takes a second."""
    return (root() / study_id).exists()


def open_study(study_id: str) -> Study:
    """A shipped study, unpacked if it is not yet."""
    archive, folder = _archive(study_id), root()
    with suppress(OSError):  # there is none yet, or it cannot be written
        if time.time() - folder.stat().st_mtime > _DAY:
            os.utime(folder)  # still in use, see _sweep
    if not is_unpacked(study_id):  # not yet, or not any more
        _opened.cache_clear()
    return _opened(archive, folder)


def metrics_of(study_id: str) -> Study:
    """A shipped study with its metrics alone, for which nothing is unpacked into the cache."""
    return _metrics_of(_archive(study_id))


def root() -> Path:
    """The store of what this release ships; holds what was unpacked so far."""
    return data_folder() / "showcase" / _release(tuple(archives()))


@cache
def _shipped(paths: tuple[Path, ...]) -> list[tuple[Path, StudyInfo]]:
    return [(path, _info(path)) for path in paths]


def _info(path: Path) -> StudyInfo:
    """What an archive says of its study; one that is damaged says why, and hides no other."""
    try:
        return read_info(path)
    except RadError as error:
        return StudyInfo(path.name.removesuffix(ENDING), message=str(error))


def _archive(study_id: str) -> Path:
    by_id = {info.id: archive for archive, info in _shipped(tuple(archives()))}
    if study_id not in by_id:
        raise InputError(f"There is no study {study_id!r} any more; choose another one.")
    return by_id[study_id]


@cache
def _metrics_of(archive: Path) -> Study:
    return read_metrics(archive)


@cache
def _release(paths: tuple[Path, ...]) -> str:
    """A name for exactly these files."""
    state = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            state.update(hashlib.file_digest(file, "sha256").digest())
    return state.hexdigest()[:16]


@cache
def _opened(archive: Path, folder: Path) -> Study:
    study = keep_unpacked(archive, folder)
    _sweep(folder)
    return study


def _sweep(folder: Path) -> None:
    """Remove what other releases unpacked, once nobody has looked at it for long."""
    for other in folder.parent.iterdir():
        with suppress(OSError):
            if other != folder and time.time() - other.stat().st_mtime > _KEPT:
                shutil.rmtree(other)
