"""Somebody's own scores: files in, checked and told in words; a choice of rows out. The counterpart of `rad select`."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from app import reading
from rad_core.errors import InputError
from rad_core.selection.api import AccuracyEstimate, choose, estimate_accuracy, pick_columns, take_snapshot
from rad_core.selection.gains import GAINS, ROW_SUM_TOLERANCE, check_probabilities
from rad_core.selection.strategies import Selection, Snapshot
from rad_core.tables import FLAG_NAMES, READABLE, Table, as_features, one_column, read_table, row_ids

MAX_NUMBERS = 250_000_000  # 2 GB of float64; what a file unpacks to, not what it weighs
NEEDS_FEATURES = ("coreset", "badge", "cluster_margin")

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


@dataclass(frozen=True, eq=False)
class Scores:
    """Files that fit together. flags, features, labels may be missing; features are (N, D) float32."""

    probabilities: Given
    flags: Given | None
    features: Given | None
    labels: Given | None

    @cached_property
    def key(self) -> str:
        """Changes with the contents of any file."""
        parts = (self.probabilities, self.flags, self.features, self.labels)
        return "-".join(part.digest if part else "" for part in parts)

    @property
    def values(self) -> np.ndarray:
        """(N, C) as they were read."""
        return self.probabilities.table.values

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def classes(self) -> int:
        return self.values.shape[1]

    @cached_property
    def ids(self) -> np.ndarray:
        """(N,) names of the rows."""
        return row_ids(self.probabilities.table.ids, self.size, self.probabilities.name)

    @cached_property
    def matrix(self) -> np.ndarray | None:
        """(N, D) float32 features."""
        given = self.features
        return None if given is None else as_features(given.table.values, self.size, given.name)

    @cached_property
    def estimate(self) -> AccuracyEstimate | None:
        """The teacher's accuracy from the flags."""
        return None if self.flags is None else estimate_accuracy(one_column(self.flags.table.values))

    @cached_property
    def classes_of_rows(self) -> np.ndarray | None:
        """(N,) true class numbers, for display only."""
        return None if self.labels is None else one_column(self.labels.table.values).astype(np.int64)


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
                f"{name} holds pickled Python objects, which could run code and are never opened; save plain numbers: "
                "numpy.save(file, numpy.asarray(values, dtype=float))."
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


def put_together(given: dict[str, Given]) -> Scores:
    """Check that files belong together; the first that does not is named in an InputError."""
    if "probabilities" not in given:
        raise InputError("The student's probabilities are missing; give them as well.")
    scores = Scores(*(given.get(role) for role in ROLES))  # type: ignore[arg-type]
    n = scores.size
    if scores.features is not None and len(scores.features.table.values) != n:
        raise InputError(
            f"{scores.features.name} has {len(scores.features.table.values):,} rows, but {scores.probabilities.name} "
            f"has {n:,}; give the features of the same points in the same order."
        )
    labels = scores.classes_of_rows
    if scores.labels is not None and labels is not None:
        if len(labels) != n:
            raise InputError(
                f"{scores.labels.name} has {len(labels):,} labels, but {scores.probabilities.name} has {n:,} rows; "
                "give one label per row, in the same order."
            )
        if labels.max() >= scores.classes:
            raise InputError(
                f"{scores.labels.name} holds the class number {labels.max()}, but there are {scores.classes} classes, "
                "counted from 0."
            )
    return scores


def remarks(scores: Scores) -> list[str]:
    """What is not wrong but worth knowing."""
    found = []
    if np.isin(scores.values, (0, 1)).all():
        found.append(
            "All probabilities are 0 or 1: this looks like hard predictions. Every gain is 0, and nothing can be "
            "told apart; give the probabilities before the argmax."
        )
    flags = scores.flags
    if flags is not None and len(flags.table.values) == scores.size:
        found.append(
            "There are as many flags as points in the pool. They should come from validation points with known "
            "labels, not from the pool."
        )
    if scores.estimate is not None and scores.estimate.total < 30:
        found.append(
            f"{scores.estimate.total} validation points say little of the teacher: consider using the lower bound."
        )
    return found


# --- choosing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What to buy, as the options of `rad select` say it. accuracy: typed, or None to estimate it from the flags."""

    budget: int
    strategy: str = "rad"
    gain: str = "margin"
    seed: int = 0
    accuracy: float | None = None
    lower_bound: bool = False

    def accuracy_of(self, scores: Scores) -> float:
        """The teacher's accuracy that the game is played with."""
        if self.accuracy is not None:
            return self.accuracy
        if scores.estimate is None:
            raise InputError("Say how often the teacher is right, or give flags that tell.")
        return scores.estimate.lower_bound if self.lower_bound else scores.estimate.mean


@dataclass(frozen=True, eq=False)
class Choice:
    """The rows to buy. columns: as `rad select` writes them."""

    snapshot: Snapshot
    selection: Selection
    columns: dict[str, np.ndarray]


def choose_rows(scores: Scores, wish: Wish) -> Choice:
    """Choose, by the very steps of `rad select`."""
    features = scores.matrix
    snapshot = take_snapshot(scores.values, wish.budget, wish.accuracy_of(scores), wish.strategy, wish.gain, features)
    selection = choose(snapshot, wish.budget, wish.strategy, wish.seed)
    return Choice(snapshot, selection, pick_columns(snapshot, selection, scores.ids))


def command_line(scores: Scores, wish: Wish) -> str:
    """The `rad select` command that writes the same picks."""
    parts = ["rad", "select", "--probs", scores.probabilities.name]
    if wish.accuracy is not None or scores.flags is None:
        parts += ["--teacher-accuracy", repr(wish.accuracy_of(scores))]
    else:
        parts += ["--validation", scores.flags.name, *(["--lower-bound"] if wish.lower_bound else [])]
    parts += ["--budget", str(wish.budget)]
    if wish.strategy != "rad":
        parts += ["--strategy", wish.strategy]
    if wish.gain != "margin":
        parts += ["--gain", wish.gain]
    if scores.features is not None and wish.strategy in NEEDS_FEATURES:
        parts += ["--features", scores.features.name]
    if wish.seed:
        parts += ["--seed", str(wish.seed)]
    return shlex.join([*parts, "-o", "picks.csv"])


def heavy(scores: Scores, wish: Wish) -> bool:
    """Whether choosing takes more than a few seconds, so that somebody should ask for it."""
    if wish.strategy not in NEEDS_FEATURES or scores.features is None:
        return False
    width = scores.features.table.values.shape[1]
    steps = wish.budget if wish.strategy != "cluster_margin" else 1000
    return scores.size * steps * width > 4_000_000_000


# --- what the studio draws ----------------------------------------------------------------------------------------


def gains_of(scores: Scores, gain: str) -> np.ndarray:
    """(N,) gains."""
    found: np.ndarray = GAINS[gain](check_probabilities(scores.values))
    return found


def pool_of(scores: Scores, gains: np.ndarray, wish: Wish) -> reading.Pool:
    """The pool as the Budget lab sees it. A typed accuracy has no interval."""
    used = wish.accuracy_of(scores)
    found = scores.estimate if wish.accuracy is None else None
    teacher = (
        reading.TeacherEstimate(used, np.nan, np.nan, used)
        if found is None
        else reading.TeacherEstimate(found.mean, found.low, found.high, used)
    )
    return reading.Pool(
        key=f"own-{scores.key}-{wish.gain}-{used}",
        gains=gains.astype(np.float32, copy=False),
        teacher=teacher,
        budget=wish.budget,
        labels=scores.classes_of_rows,
        classes=tuple(f"class {number}" for number in range(scores.classes)),
    )


def plane(values: np.ndarray, sample: int = 20_000) -> np.ndarray:
    """(N, 2) float32: the two directions in which rows (N, D) differ most (PCA, fitted on at most `sample` rows)."""
    step = max(1, len(values) // sample)
    some = np.asarray(values[::step], np.float64)
    middle = some.mean(axis=0)
    spread = (some - middle).T @ (some - middle)
    directions = np.linalg.eigh(spread)[1][:, ::-1][:, :2]
    # An eigenvector's sign is arbitrary: the largest entry points up, so that the map is the same every time.
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])])
    found = (values - middle.astype(values.dtype)) @ directions.astype(np.float32)
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1]))).astype(np.float32)


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
