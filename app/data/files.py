"""Files of somebody's own scores, one at a time: read without trusting them, checked, told in words."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.tables import READABLE, ROLES, Table, read_table

VISITOR_BYTES = 1_100_000_000  # what the files of one visitor may take in memory, all together, as read
MOST_BYTES = 2_000_000_000  # the same of a file of this computer
_SAMPLE = 1 << 20  # bytes of a text file by which its numbers are estimated


@dataclass(frozen=True, eq=False)
class Given:
    """One file as read: what it is called, a digest of its contents, and its table; features in float32."""

    name: str
    digest: str
    table: Table

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        ids = None if self.table.ids is None else self.table.ids.values
        text = 0 if ids is None or ids.dtype != object else sum(map(sys.getsizeof, ids))
        return self.table.values.nbytes + (0 if ids is None else ids.nbytes) + text


# --- reading ------------------------------------------------------------------------------------------------------


def shown_name(name: str) -> str:
    """A file's name as it may be shown: short, and without anything that could be taken for markup or a path."""
    plain = re.sub(r"[^\w .()-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip() or "file"
    return plain if len(plain) <= 60 else f"{plain[:40]}...{plain[-15:]}"


def read_upload(
    role: str,
    name: str,
    content: bytes | BinaryIO,
    room: int = VISITOR_BYTES,
    keep: Callable[[str, BinaryIO], object] | None = None,
) -> Given:
    """Read what somebody uploaded for a role. Its name only tells the format; it is written under one of our own.

    content: a file is closed as soon as it is written, so that no second copy of it stands beside the numbers. room:
    bytes that what is read may take. keep: is given the name to show and the file, once it is known to be sound.
    """
    suffix = Path(shown_name(name)).suffix.lower()
    if suffix not in READABLE:
        raise InputError(
            f"{shown_name(name)} ends in {suffix or 'nothing'}; give the {ROLES[role].what} as {', '.join(READABLE)}."
        )
    with tempfile.TemporaryDirectory(prefix="rad-scores-") as folder:
        path = Path(folder) / f"upload{suffix}"
        with io.BytesIO(content) if isinstance(content, bytes) else content as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, _SAMPLE)
        given = read_kept(role, path, name, room)
        if keep is not None:
            with path.open("rb") as sound:
                keep(given.name, sound)
    return given


def read_kept(role: str, path: Path, name: str, room: int) -> Given:
    """Read an upload that lies on the server already."""
    given = _read(role, path, name, room)
    if given.bytes > room:
        raise InputError(_too_large(given.name, given.bytes, room))
    return given


def read_from_folder(role: str, folder: Path, name: str) -> Given:
    """Read one file of the folder for a role."""
    if name not in files_in(folder):
        raise InputError(f"There is no file {shown_name(name)} in the folder of the studio's scores; choose another.")
    return _read(role, folder / name, name, MOST_BYTES)


def files_in(folder: Path, most: int = 500) -> list[str]:
    """Names of the readable files directly in a folder; links that lead out of it are left out."""
    root = folder.resolve()
    paths = [
        path.name
        for path in sorted(root.iterdir())
        if path.suffix.lower() in READABLE and path.is_file() and path.resolve().parent == root
    ]
    return paths[:most]


def _read(role: str, path: Path, name: str, room: int) -> Given:
    shown = shown_name(name)
    with _plain(path, shown):
        size = _unpacked_size(path)
        if size > room:
            raise InputError(_too_large(shown, size, room))
        table = read_table(role, path, shown)
    if role == "features":
        table = replace(table, values=table.values.astype(np.float32, copy=False))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()[:24]
    return Given(shown, digest, table)


@contextmanager
def _plain(path: Path, name: str) -> Iterator[None]:
    """Messages name no place of the server."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(str(path), name)) from error


def _unpacked_size(path: Path) -> int:
    """About how many bytes of numbers a file holds: a small one may claim to unpack to terabytes. 0 if it is damaged.

    Reading a damaged file says in words what is wrong with it.
    """
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sum(part.file_size for part in archive.infolist())
    if suffix == ".npy":
        return path.stat().st_size
    if suffix == ".parquet":
        import pyarrow.parquet

        try:
            about = pyarrow.parquet.read_metadata(path)
        except (OSError, ValueError):
            return 0
        groups = [about.row_group(group) for group in range(about.num_row_groups)]
        return 8 * sum(group.column(column).num_values for group in groups for column in range(about.num_columns))
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    cells = sum(sample.count(mark) for mark in (b",", b";", b"\t", b"\n"))
    return 8 * cells * path.stat().st_size // max(1, len(sample))


def _too_large(name: str, size: int, room: int) -> str:
    return (
        f"{name} unpacks to about {size / 1e6:,.0f} MB of numbers, and there is room for {room / 1e6:,.0f} MB here; "
        "remove another file, give a part, or use rad select on your own computer."
    )


def room_beside(taken: int) -> int:
    """Bytes that further files of a visitor may take, as far as the machine has them free. taken: by theirs so far."""
    return max(0, min(VISITOR_BYTES - taken, _free_memory()))


def _free_memory() -> int:
    """Bytes that the machine can give; without an end where it does not tell."""
    try:
        told = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return sys.maxsize
    return sys.maxsize if told is None else 1024 * int(told[1])


# --- where files on the server may lie ----------------------------------------------------------------------------


def folder_of_scores(allowed: bool) -> Path | None:
    """The folder whose files may be used without uploading them: RAD_SCORES, else where the studio was started.

    None where visitors may not have files of this machine read.
    """
    folder = Path(os.environ.get("RAD_SCORES") or ".").expanduser()
    return folder if allowed and folder.is_dir() else None
