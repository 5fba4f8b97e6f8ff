"""Features (embeddings, columns of numbers) of every point of a campaign: read from tables, kept as float32.

The file is memory-mapped, a row for each point of the ledger in order of its position. `features:FILE` names a file of
features, .npy, .npz, .parquet, .csv or any other table; `folder:PATH` a folder of images of which some have a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.campaign.reading import EXACT, TEACHER, Examples
from rad_core.campaign.shown import digest_of_file
from rad_core.errors import DamagedError, InputError
from rad_core.inputs.arrays import Given, row_blocks
from rad_core.inputs.columns import listed
from rad_core.inputs.npy import read_arrays
from rad_core.inputs.sheets import Column
from rad_core.learning.tree import SUFFIXES

FILE = "features.npy"
FEATURES = "features"  # the column of lists
UNLABELED = "unlabeled"  # the folder beside those of the classes
_NAMES = {"id": ("id", "ids"), "label": ("label", "labels", "y"), FEATURES: (FEATURES, "x")}  # in an .npz file

Block = tuple[np.ndarray, np.ndarray]  # features (n, D) of a table, and the rows (m,) of it that are wanted


def table_of(given: Given) -> Given:
    """What `features:FILE` or `folder:PATH` names, as a table; anything else as it is. Raises InputError."""
    if not isinstance(given, str):
        return given
    kind, colon, argument = given.partition(":")
    if colon and kind == "folder":
        return _folder(Path(argument).expanduser(), given)
    if not colon or kind != FEATURES:
        return given
    path = Path(argument).expanduser()
    if path.suffix.lower() not in (".npy", ".npz"):
        return str(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; {FEATURES}:FILE needs a file of features.")
    return _npy(path) if path.suffix.lower() == ".npy" else _npz(path)


def _npy(path: Path) -> dict[str, Given]:
    """An array (N, D), memory-mapped; the ids are the numbers of its rows."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        values = read_arrays(path)[""]  # says what the file is instead
    return {"id": list(range(len(_matrix(values, str(path))))), FEATURES: values}


def _npz(path: Path) -> dict[str, Given]:
    arrays = read_arrays(path)
    held = {key: next((arrays[name] for name in names if name in arrays), None) for key, names in _NAMES.items()}
    values = held[FEATURES]
    if values is None:
        raise InputError(f"{path} holds {listed(list(arrays)) if arrays else 'nothing'}; name one array {FEATURES}.")
    rows = len(_matrix(values, str(path)))
    if held["id"] is None:
        held["id"] = np.array(list(range(rows)), object)
    labels = held["label"]
    if labels is not None and labels.dtype.kind == "i":  # a class is 0 or more, as scikit-learn has it
        held["label"] = np.array([None if label < 0 else label for label in labels.ravel().tolist()], object)
    given = {key: array for key, array in held.items() if array is not None}
    odd = next((key for key, array in given.items() if len(array) != rows), None)
    if odd is not None:
        raise InputError(f"{path} has {rows:,} rows of features and {len(given[odd]):,} of {odd}; give one for each.")
    return given


def _matrix(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim != 2 or values.dtype.kind not in "fiu" or 0 in values.shape:
        raise InputError(
            f"The features in {name} have shape {values.shape} and type {values.dtype}; give numbers, a row per point."
        )
    return values


def _folder(path: Path, name: str) -> dict[str, Given]:
    """PATH/unlabeled/* are the pool, PATH/<class>/* labeled examples; ids are paths within the folder."""
    if not path.is_dir():
        raise InputError(f"There is no folder {path}; {name} needs folders of images, one of them {UNLABELED}.")
    found = sorted(file for file in path.glob("*/**/*") if file.suffix.lower() in SUFFIXES and file.is_file())
    inside = [file.relative_to(path) for file in found]
    labels = [None if part.parts[0].casefold() == UNLABELED else part.parts[0] for part in inside]
    if None not in labels:
        raise InputError(f"{path} has no images in {path / UNLABELED}; put there what nobody labeled.")
    return {"id": [part.as_posix() for part in inside], "label": labels, "image": [str(file) for file in found]}


# --- of tables ------------------------------------------------------------------------------------------------------


def features_of(table: Examples) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Features (N, D) of a table, the names of their columns, and what to say of it.

    They are the one column of lists called features, else every column of numbers but id, label and the teacher's.
    Raises InputError where there are none.
    """
    stacked = [column for column in table.others if column.name == FEATURES]
    if stacked:
        return _matrix(stacked[0].values, table.name), (FEATURES,), ()
    columns = [column for column in table.others if _is_feature(column)]
    if not columns:
        raise InputError(
            f"{table.name} has no features for a student of ours; give a column {FEATURES} of lists, or columns of "
            "numbers."
        )
    names = tuple(column.name for column in columns)
    values = np.column_stack([column.values for column in columns])
    return values, names, (f"{table.name}: its features are {listed(list(names), 'column')}.",)


def _is_feature(column: Column) -> bool:
    own = column.name in EXACT or column.name.startswith(f"{TEACHER}_")
    return not own and bool(column.name) and column.values.ndim == 1 and column.values.dtype.kind in "fiu"


def alike(parts: Sequence[tuple[Examples, np.ndarray, tuple[str, ...]]]) -> None:
    """Raise InputError unless all tables (with features and their names) have the features of the first one."""
    first, values, names = parts[0]
    for table, other, own in parts[1:]:
        if own != names or other.shape[1] != values.shape[1]:
            raise InputError(
                f"{table.name} has {other.shape[1]:,} features ({listed(list(own))}), and {first.name} "
                f"{values.shape[1]:,} ({listed(list(names))}); give all tables the same ones, in the same order."
            )


# --- on disk --------------------------------------------------------------------------------------------------------


def save(folder: Path, blocks: Sequence[Block], names: Sequence[str]) -> str:
    """Keep the features of all points; returns a digest of the file, "" without any. On disk when this returns.

    names: ids of the points in order, for messages. Raises InputError for what is no finite float32 number.
    """
    if not blocks:
        return ""
    count, width = sum(len(rows) for _, rows in blocks), blocks[0][0].shape[1]
    path = folder / FILE
    with files.writing(folder):
        kept = np.lib.format.open_memmap(path, "w+", np.float32, (count, width))
        done = 0
        for values, rows in blocks:
            for block in row_blocks(len(rows), width):
                with np.errstate(over="ignore"):
                    part = np.asarray(values[rows[block]], np.float32)
                bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
                if len(bad):
                    raise InputError(
                        f"The features of {names[done + int(bad[0])]} are no finite numbers; give every point all of "
                        "them."
                    )
                kept[done : done + len(part)] = part
                done += len(part)
        kept.flush()
        del kept
        files.sync_folder(folder)
    return digest_of_file(path)


def load(folder: Path, digest: str) -> np.ndarray:
    """(points, D) float32, memory-mapped. Raises InputError without any, DamagedError where they were changed."""
    if not digest:
        raise InputError(
            f"Campaign {folder.name} has no features that a student of ours could learn from; create it with --student "
            "and features, or give the probabilities of a student of your own."
        )
    path = folder / FILE
    try:
        if digest_of_file(path) != digest:
            raise DamagedError(f"{path} was changed after campaign {folder.name} was made; restore it.")
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error}); restore it.") from error
    return look_at(folder)


def look_at(folder: Path) -> np.ndarray:
    """The same, without reading all of the file to see whether it was changed: to show some of it."""
    path = folder / FILE
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} cannot be read ({error}); restore it.") from error
