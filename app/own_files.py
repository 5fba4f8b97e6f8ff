"""Files of somebody's own scores, one at a time: read without trusting them, checked, told in words."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rad_core.errors import InputError
from rad_core.inputs.tables import READABLE, ROLES, Table, read_table

MAX_NUMBERS = 250_000_000  # 2 GB of float64; what a file unpacks to, not what it weighs


@dataclass(frozen=True, eq=False)
class Given:
    """One file as read: what it is called, a digest of its contents, and its table."""

    name: str
    digest: str
    table: Table


# --- reading ------------------------------------------------------------------------------------------------------


def shown_name(name: str) -> str:
    """A file's name as it may be shown: short, and without anything that could be taken for markup or a path."""
    plain = re.sub(r"[^\w .()-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip() or "file"
    return plain if len(plain) <= 60 else f"{plain[:40]}...{plain[-15:]}"


def read_upload(role: str, name: str, content: bytes) -> Given:
    """Read what somebody uploaded for a role. Its name only tells the format; it is written under one of our own."""
    suffix = Path(shown_name(name)).suffix.lower()
    if suffix not in READABLE:
        raise InputError(
            f"{shown_name(name)} ends in {suffix or 'nothing'}; give the {ROLES[role].what} as {', '.join(READABLE)}."
        )
    with tempfile.TemporaryDirectory(prefix="rad-scores-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        return _read(role, path, name)


def read_from_folder(role: str, folder: Path, name: str) -> Given:
    """Read one file of the folder for a role."""
    if name not in files_in(folder):
        raise InputError(f"There is no file {shown_name(name)} in the folder of the studio's scores; choose another.")
    return _read(role, folder / name, name)


def files_in(folder: Path, most: int = 500) -> list[str]:
    """Names of the readable files directly in a folder; links that lead out of it are left out."""
    root = folder.resolve()
    found = [
        path.name
        for path in sorted(root.iterdir())
        if path.suffix.lower() in READABLE and path.is_file() and path.resolve().parent == root
    ]
    return found[:most]


def _read(role: str, path: Path, name: str) -> Given:
    shown = shown_name(name)
    with _plain(path, shown):
        _check_unpacked_size(path, shown)
        table = read_table(role, path, shown)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()[:24]
    return Given(shown, digest, table)


@contextmanager
def _plain(path: Path, name: str) -> Iterator[None]:
    """Messages name no place of the server, and what they quote from a file is not taken for markup."""
    try:
        yield
    except InputError as error:
        message = str(error).replace(str(path), name)
        raise InputError(re.sub(r"([\\`*_\[\]<>$~!|])", r"\\\1", message)) from error


def _check_unpacked_size(path: Path, name: str) -> None:
    """A small file may claim to unpack to terabytes; look at what it claims before reading it."""
    size = 0
    if path.suffix.lower() in (".npy", ".npz") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist()) // 8
    elif path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            about = pyarrow.parquet.read_metadata(path)
        except (OSError, ValueError):  # not a Parquet file: reading it says so in words
            return
        groups = [about.row_group(group) for group in range(about.num_row_groups)]
        size = sum(group.column(column).num_values for group in groups for column in range(about.num_columns))
    if size > MAX_NUMBERS:
        raise InputError(
            f"{name} unpacks to about {size:,} numbers; at most {MAX_NUMBERS:,} fit here. Use `rad select`, or a part."
        )


# --- where files on the server may lie ----------------------------------------------------------------------------

LOCAL = ("127.0.0.1", "::1", "localhost")


def folder_of_scores(address: str | None, read_only: bool) -> Path | None:
    """The folder whose files may be used without uploading them: RAD_SCORES, else where the studio was started.

    None where strangers could reach the studio: not bound to this computer alone, or only showing.
    """
    if read_only or address not in LOCAL:
        return None
    folder = Path(os.environ.get("RAD_SCORES") or ".").expanduser()
    return folder if folder.is_dir() else None
