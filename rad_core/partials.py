"""What is half written: a file or folder that its maker holds locked, and that is swept away once nobody does.

A killed process leaves behind what it was writing, and the system lets go of its locks. So whoever comes later can tell
what is dead from what a living process is at. Where locks are not to be had (Windows, some network drives) nothing is
swept: what cannot be told stays.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

ENDING = ".partial"
_OURS = re.compile(rf".+\.\d+-[0-9a-f]{{8}}{re.escape(ENDING)}")  # nobody else calls a file so


@contextmanager
def beside(path: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """A file beside a path, which takes that place in one step when the block is left; after an error it is gone.

    lasting: force it to disk first, so that it is whole even when the machine loses power.
    """
    file = _new_file(path)
    temporary = Path(file.name)
    try:
        with file:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
            if sys.platform != "win32":  # where an open file cannot be moved
                temporary.replace(path)
        if sys.platform == "win32":
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def temporary_folder(name: str, root: Path | None = None) -> Iterator[Path]:
    """A folder of the system's temporary ones, or in root; those that killed processes left there go first."""
    root, ours = root or Path(tempfile.gettempdir()), re.compile(rf"{re.escape(name)}-[0-9a-f]{{8}}")
    sweep(path for path in root.glob(f"{name}-*") if ours.fullmatch(path.name))
    with own_folder(root, f"{name}-") as folder:
        yield folder


@contextmanager
def own_folder(root: Path, prefix: str) -> Iterator[Path]:
    """A new folder, locked, which is removed when the block is left."""
    while True:
        folder = root / f"{prefix}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        with holding(folder) as held:
            if held is False:  # it was swept away in the instant in which it was not locked yet
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


@contextmanager
def holding(folder: Path) -> Iterator[bool | None]:
    """Keep a folder, wherever it is moved, from being swept. False if another process has it, None without locks."""
    handle = _open(folder)
    if handle is None:
        yield None if folder.exists() else False
        return
    try:
        yield _lock(handle, folder)
    finally:
        os.close(handle)


def sweep(paths: Iterable[Path]) -> None:
    """Remove those files and folders that no living process holds; what cannot be removed stays."""
    for path in paths:
        handle = _open(path)
        if handle is None:
            continue
        try:
            if _lock(handle, path):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    with suppress(OSError):  # a folder that cannot be written
                        path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def sweep_files(folder: Path) -> None:
    """Remove what killed processes were writing into a folder that is not ours alone."""
    with suppress(OSError), os.scandir(folder) as entries:  # a folder that is gone, or cannot be read
        left = [Path(entry.path) for entry in entries if entry.name.endswith(ENDING) and _OURS.fullmatch(entry.name)]
        sweep(left)


def _new_file(path: Path) -> IO[bytes]:
    while True:
        file = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}{ENDING}").open("xb")
        if _lock(file.fileno(), Path(file.name)) is not False:
            return file
        file.close()  # swept away in the instant in which it was not locked yet


def _open(path: Path) -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_NOFOLLOW)
    except OSError:
        return None


def _lock(handle: int, path: Path) -> bool | None:
    """Lock what a handle is of. False if somebody else has, or it is at this path no more; None without locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
