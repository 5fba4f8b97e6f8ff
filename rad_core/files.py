"""Files of a study, written so that they are there whole or not at all, and read without trusting them."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from rad_core import partials
from rad_core.errors import DamagedError, InputError, RadError, StoreError

PARTIAL = partials.ENDING
_LITTLE = 2**17  # bytes: below this SQLite cannot open a database and its log
_SMALL = 2**16  # bytes: mapping an array that takes no more takes longer than reading it
# What numpy and Python's readers of zip files raise over bytes that are none of theirs.
_NO_ARRAY = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    SyntaxError,
    NotImplementedError,
    tokenize.TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def writing(place: Path, option: str = "--store DIR") -> Iterator[None]:
    """Turn what goes wrong when a place cannot be written into one sentence. option: how to choose another place."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise no_room(place, error) or InputError(
            f"{place} cannot be written ({_words(error)}); choose another place with {option} or mend its permissions."
        ) from error


def no_room(place: Path, error: BaseException) -> StoreError | None:
    """The sentence for a full disk, where an error comes of that. SQLite may speak of an input or output error then."""
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    name = str(getattr(error, "sqlite_errorname", ""))
    if name.startswith("SQLITE_IOERR"):
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        full = shutil.disk_usage(existing).free < _LITTLE
    if not full and name != "SQLITE_FULL":
        return None
    return StoreError(
        f"There is no room left to write in {place} ({_words(error)}); make room and go on: what is finished is kept."
    )


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def replace(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file beside its place, force it to disk, and move it there in one step."""
    with partials.beside(path) as file:
        write(file)


def make_folder(root: Path, folder: Path) -> None:
    """Make a folder right under root, unless it is there; refuse one that leads elsewhere."""
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        sync_folder(root)
    inside(root, folder)


@dataclass(frozen=True)
class Blocks:
    """An array that is made while it is written. rows: its rows in order, any number at a time."""

    shape: tuple[int, ...]
    dtype: np.dtype
    rows: Iterable[np.ndarray]


def save_arrays(arrays: Mapping[Path, np.ndarray | Blocks]) -> None:
    """Save arrays as .npy files and force their folders to disk."""
    for path, array in arrays.items():
        replace(path, partial(_write_array, array))
    for folder in {path.parent for path in arrays}:
        sync_folder(folder)


class _Stream:
    """A file as numpy sees a stream: it then writes through the file, whose errors say what went wrong."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


def _write_array(array: np.ndarray | Blocks, file: IO[bytes]) -> None:
    if isinstance(array, np.ndarray):
        np.lib.format.write_array(_Stream(file), np.ascontiguousarray(array), allow_pickle=False)
        return
    descr = np.lib.format.dtype_to_descr(array.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(_Stream(file), header)
    for block in array.rows:
        file.write(np.ascontiguousarray(block, array.dtype).data)


def save_state(path: Path, state: Mapping[str, np.ndarray]) -> None:
    """Save named arrays in one .npz file."""
    replace(path, lambda file: np.savez(file, **state))  # type: ignore[arg-type]
    sync_folder(path.parent)


def load_array(root: Path, path: Path) -> np.ndarray:
    """An .npy file under root, read-only: a memory map, or all of it where it is small; never unpickles."""
    try:
        if inside(root, path).stat().st_size > _SMALL:
            return np.lib.format.open_memmap(path, mode="r")
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
        array.flags.writeable = False
        return array
    except RadError:
        raise
    except _NO_ARRAY as error:
        raise DamagedError(f"{path} cannot be read ({error}); restore it or delete the study.") from error


def load_state(root: Path, path: Path) -> dict[str, np.ndarray]:
    """The named arrays of an .npz file under root; never unpickles."""
    try:
        with np.load(inside(root, path), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except RadError:
        raise
    except _NO_ARRAY as error:
        raise DamagedError(f"{path} cannot be read ({error}); restore it or delete the study.") from error


def inside(root: Path, path: Path) -> Path:
    """The path itself, once it is sure not to lead out of root."""
    if _may_lead_out(root, path) and not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{path} leads out of the study's folder by a link; it is not followed.")
    return path


def _may_lead_out(root: Path, path: Path) -> bool:
    """Whether anything on the way from root to a path is a link or leads back; resolving both would look far longer."""
    if not path.is_relative_to(root):
        return True
    parts = path.relative_to(root).parts
    return ".." in parts or any(root.joinpath(*parts[: depth + 1]).is_symlink() for depth in range(len(parts)))


def sync_folder(folder: Path) -> None:
    """Force to disk which files a folder holds."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Wait until no other process is in here, and keep them out; the system lets go when the process dies.

    False where the file system cannot do that (Windows, some network drives).
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock file. Only looks, and so works where nothing can be written."""
    if sys.platform == "win32":
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=0) if path.exists() else nullcontext():
                return False
        except Timeout:
            return True
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # never there, or deleted this moment by the one that gave it up
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none, or none any more."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def digest(text: str, root: Path, paths: list[Path]) -> str:
    """A digest of a text and of the contents of files, by their places under root."""
    state: Any = hashlib.blake2b(text.encode(), digest_size=16)
    for path in sorted(paths):
        state.update(f"\0{path.relative_to(root)}\0".encode())
        with path.open("rb") as file:
            state.update(hashlib.file_digest(file, hashlib.blake2b).digest())
    return state.hexdigest()
