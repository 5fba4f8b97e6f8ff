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

import numpy as np

from rad_core.errors import InputError
from rad_core.selection.gains import ROW_SUM_TOLERANCE, check_probabilities
from rad_core.tables import FLAG_NAMES, READABLE, Table, as_features, one_column, read_table, row_ids

MAX_NUMBERS = 250_000_000  # 2 GB of float64; what a file unpacks to, not what it weighs

# What can be given: how it is called in messages, and which array or column to prefer in a file of several.
ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "probabilities": ("probabilities", ("probabilities",)),
    "flags": ("teacher-right flags", FLAG_NAMES),
    "features": ("features", ("features",)),
    "labels": ("true labels", ("labels", "label")),
}


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
            f"{shown_name(name)} ends in {suffix or 'nothing'}; give the {ROLES[role][0]} as {', '.join(READABLE)}."
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
    what, names = ROLES[role]
    with _called(path, shown_name(name)):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; give the {what} as {', '.join(READABLE)}.")
        _check_unpacked_size(path)
        table = read_table(path, what, names)
    _CHECKS[role](table, shown_name(name))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()[:24]
    return Given(shown_name(name), digest, table)


@contextmanager
def _called(path: Path, name: str) -> Iterator[None]:
    """Messages speak of the file as its owner calls it, and what they quote from it is not taken for markup."""
    try:
        yield
    except InputError as error:
        message = str(error).replace(str(path), name)
        if "pickle" in message.lower():
            message = (
                f"{name} does not hold plain numbers: it is damaged, no {path.suffix} file, or one of pickled Python "
                "objects, which could run code and are never opened. Save numbers with numpy.save."
            )
        raise InputError(re.sub(r"([\\`*_\[\]<>$~!|])", r"\\\1", message)) from error


def _check_unpacked_size(path: Path) -> None:
    """A small file may claim to unpack to terabytes; look at what it claims before reading it."""
    size = 0
    if path.suffix.lower() == ".npz" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist()) // 8
    elif path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            about = pyarrow.parquet.read_metadata(path)
        except (OSError, ValueError):  # not a Parquet file: reading it says so in words
            return
        size = about.num_rows * about.num_columns
    if size > MAX_NUMBERS:
        raise InputError(
            f"{path} unpacks to about {size:,} numbers; at most {MAX_NUMBERS:,} fit here. Use `rad select`, or a part."
        )


# --- checking -----------------------------------------------------------------------------------------------------


def _check_scores(table: Table, name: str) -> None:
    values = table.values
    hint = _likely_mistake(values)
    if hint:
        raise InputError(f"{name} {hint}")
    check_probabilities(values, name)
    row_ids(table.ids, len(values), name)


def _likely_mistake(values: np.ndarray) -> str | None:
    """What probably happened, where numbers are not probabilities and something well known would explain them."""
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        return (
            "has one number per row; two or more are needed, one per class. With two classes give both: "
            "numpy.column_stack([1 - p, p])."
        )
    if values.ndim != 2 or len(values) == 0 or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        return None
    sums = values.sum(axis=1, dtype=np.float64)
    if np.all(np.abs(sums - 1) <= ROW_SUM_TOLERANCE) and values.min() >= 0:
        return None
    if np.array_equal(values[:, 0], np.arange(len(values))) and len(values) > 2:
        return "has row numbers in its first column; save it without them (pandas: index=False) or name that column id."
    if values.max() <= 1e-9 and np.all(np.abs(np.exp(values).sum(axis=1) - 1) <= ROW_SUM_TOLERANCE):
        return "holds logarithms of probabilities; give numpy.exp(values)."
    if values.min() >= 0 and np.all(np.abs(sums - 100) <= 100 * ROW_SUM_TOLERANCE):
        return "holds percentages, rows that sum to 100; divide by 100."
    if values.min() < 0 or values.max() > 1 + ROW_SUM_TOLERANCE:
        return (
            f"holds numbers from {values.min():.3g} to {values.max():.3g} whose rows do not sum to 1: these look like "
            "logits, not probabilities; apply softmax first (scipy.special.softmax(logits, axis=1))."
        )
    return None


def _check_flags(table: Table, name: str) -> None:
    values = one_column(table.values)
    if values.ndim != 1 or len(values) == 0:
        raise InputError(
            f"{name} has shape {values.shape}; teacher-right flags are one column of 0 and 1, a row per validation "
            "point (a table may name its column right)."
        )
    if not np.all((values == 0) | (values == 1)):
        odd = values[~((values == 0) | (values == 1))][0]
        raise InputError(f"{name} holds {odd:.4g}; a teacher-right flag is 1 where the teacher was right and 0 else.")


def _check_features(table: Table, name: str) -> None:
    """Another shape is refused once the probabilities are there (`own_scores.put_together`): they tell the rows."""
    if table.values.ndim == 2:
        as_features(table.values, len(table.values), name)


def _check_labels(table: Table, name: str) -> None:
    values = one_column(table.values)
    if values.ndim != 1 or len(values) == 0 or not np.all((values >= 0) & (values == np.floor(values))):
        raise InputError(f"{name} must be one column of class numbers 0, 1, 2, ..., a row per point of the pool.")


_CHECKS = {
    "probabilities": _check_scores,
    "flags": _check_flags,
    "features": _check_features,
    "labels": _check_labels,
}


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
