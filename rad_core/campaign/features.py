"""Features (embeddings, columns of numbers) of every point of a campaign: read from tables, kept as float32.

The file is memory-mapped, a row for each point of the ledger in order of its position. `features:FILE` names a file of
features, .npy, .npz, .parquet, .csv or any other table; `folder:PATH` a folder of images of which some have a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.campaign.shown import digest_of_file
from rad_core.errors import DamagedError, InputError
from rad_core.inputs.arrays import Given, row_blocks
from rad_core.inputs.features import FEATURES, table_in
from rad_core.learning.tree import SUFFIXES, UNLABELED

FILE = "features.npy"

Block = tuple[np.ndarray, np.ndarray]  # features (n, D) of a table, and the rows (m,) of it that are wanted


def table_of(given: Given) -> Given:
    """What `features:FILE` or `folder:PATH` names, as a table; anything else as it is. Raises InputError."""
    if not isinstance(given, str):
        return given
    kind, colon, argument = given.partition(":")
    if colon and kind == "folder":
        return _folder(Path(argument).expanduser(), given)
    return table_in(Path(argument).expanduser()) if colon and kind == FEATURES else given


def _folder(path: Path, name: str) -> dict[str, Given]:
    """PATH/unlabeled/* are the pool, PATH/<class>/* labeled examples; ids are paths within the folder."""
    if not path.is_dir():
        raise InputError(f"There is no folder {path}; {name} needs folders of images, one of them {UNLABELED}.")
    found = sorted(file for file in path.glob("*/**/*") if file.suffix.lower() in SUFFIXES and file.is_file())
    inside = [file.relative_to(path) for file in found]
    labels = [None if part.parts[0].casefold() == UNLABELED else part.parts[0] for part in inside]
    if None not in labels:
        raise InputError(f"{path} has no images in {path / UNLABELED}; put there what nobody labeled.")
    return {
        "id": [part.as_posix() for part in inside],
        "label": labels,
        "image": [str(file.absolute()) for file in found],
    }


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
