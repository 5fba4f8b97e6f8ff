"""Files of a study, written so that they are there whole or not at all, and read without trusting them."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from rad_core.errors import InputError

PARTIAL = ".partial"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn what goes wrong when a place cannot be written into one sentence."""
    try:
        yield
    except InputError:
        raise
    except (OSError, sqlite3.OperationalError) as error:
        number = getattr(error, "errno", None)
        words = str(getattr(error, "strerror", None) or error)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "disk is full" in words:
            raise InputError(
                f"There is no room left to write in {place} ({words}); make room and resume: what is finished is kept."
            ) from error
        raise InputError(
            f"{place} cannot be written ({words}); choose another store with --store DIR or mend its permissions."
        ) from error


def replace(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file beside its place, force it to disk, and move it there in one step."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save_arrays(folder: Path, prefix: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Save arrays as .npy files and force their folder to disk; returns their names."""
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"unsafe array name {name!r}")
        replace(folder / f"{prefix}{name}.npy", partial(_write_array, np.ascontiguousarray(array)))
    _sync_folder(folder)
    return sorted(arrays)


class _Stream:
    """A file as numpy sees a stream: it then writes through the file, whose errors say what went wrong."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


def _write_array(array: np.ndarray, file: IO[bytes]) -> None:
    np.lib.format.write_array(_Stream(file), array, allow_pickle=False)  # type: ignore[arg-type]


def save_state(path: Path, state: Mapping[str, np.ndarray]) -> None:
    """Save named arrays in one .npz file."""
    replace(path, lambda file: np.savez(file, **state))  # type: ignore[arg-type]
    _sync_folder(path.parent)


def load_array(root: Path, path: Path) -> np.ndarray:
    """A read-only memory map of an .npy file under root; never unpickles."""
    try:
        return np.load(_inside(root, path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or delete the study.") from error


def load_state(root: Path, path: Path) -> dict[str, np.ndarray]:
    """The named arrays of an .npz file under root; never unpickles."""
    try:
        with np.load(_inside(root, path), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or delete the study.") from error


def _inside(root: Path, path: Path) -> Path:
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{path} leads out of the study's folder by a link; it is not followed.")
    return path


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A read-only connection; also to a database in a folder that cannot be written, which then cannot change."""
    uri = path.resolve().as_uri()
    unchanging = not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK)
    return sqlite3.connect(f"{uri}?{'immutable=1' if unchanging else 'mode=ro'}", uri=True, timeout=60)


def sweep(folder: Path, *patterns: str) -> None:
    """Remove what an interrupted write left behind."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def digest(text: str, root: Path, paths: list[Path]) -> str:
    """A digest of a text and of the contents of files, by their places under root."""
    state: Any = hashlib.blake2b(text.encode(), digest_size=16)
    for path in sorted(paths):
        state.update(f"\0{path.relative_to(root)}\0".encode())
        state.update(hashlib.blake2b(path.read_bytes()).digest())
    return state.hexdigest()
