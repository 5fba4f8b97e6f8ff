"""Uploads that outlive a reload: a folder in the store for each link, under a name that nobody guesses, for one day."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from rad_core import partials
from rad_core.folders import default_store
from rad_core.inputs.tables import READABLE, ROLES

DAY = 86_400.0  # seconds after the last file that came
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """A name for a folder: 128 random bits."""
    return secrets.token_urlsafe(16)


def files_of(token: str) -> dict[str, Path]:
    """The files of a link by role, none once they are removed or a day old."""
    folder = _folder(token)
    if folder is None or not folder.is_dir() or _is_old(folder):
        return {}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):  # of two, the newer
        role = path.name.partition("=")[0]
        if role in ROLES and path.suffix.lower() in READABLE and path.is_file() and not path.is_symlink():
            found[role] = path
    return found


def put(token: str, role: str, shown: str, content: BinaryIO) -> Path:
    """Keep a file for a role, in one step. shown: its name without anything of a path, as files.shown_name gives it."""
    folder = _root() / token
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{role}={shown}"
    with partials.beside(path) as target:
        shutil.copyfileobj(content, target, 1 << 20)
    remove(token, role, but=path)
    return path


def remove(token: str, role: str | None = None, but: Path | None = None) -> None:
    """Remove the files of a role, or by default the whole folder."""
    folder = _folder(token)
    if folder is None or not folder.is_dir():
        return
    for path in folder.iterdir():
        if path != but and role in (None, path.name.partition("=")[0]):
            path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def sweep() -> None:
    """Remove what is a day old."""
    if _root().is_dir():
        for folder in _root().iterdir():
            if _folder(folder.name) is not None and _is_old(folder):
                remove(folder.name)


def _root() -> Path:
    return default_store() / ".uploads"


def _folder(token: str) -> Path | None:
    """Where the files of a link would lie; None of what is no token, or leads elsewhere."""
    folder = _root() / token if _TOKEN.fullmatch(token) else None
    return None if folder is None or folder.is_symlink() else folder


def _is_old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > DAY
