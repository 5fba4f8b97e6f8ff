"""The further columns of a pool (text, image, features, anything else), kept beside the ledger as one Parquet file.

Those of the checked examples, about which a teacher may be asked as well, are another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.errors import DamagedError
from rad_core.inputs.sheets import Column

FILE = "pool.parquet"
CHECKED = "checked.parquet"
SHOWN = ("text", "image")  # what a teacher is shown


def digest_of_ids(ids: Sequence[str]) -> str:
    """A digest of ids in their order; no two lists have the same."""
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    state = hashlib.blake2b(lengths.astype("<i8").tobytes(), digest_size=16)
    state.update("".join(ids).encode("utf-8", "surrogatepass"))
    return state.hexdigest()


def save(folder: Path, columns: Sequence[Column], rows: np.ndarray, name: str = FILE) -> str:
    """Keep columns of the rows (N,) of a table, in order; returns a digest of the file, "" where there is none."""
    if not columns:
        return ""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({column.name: _arrow(column.values[rows]) for column in columns})
    path = folder / name
    files.replace(path, lambda file: pq.write_table(table, file))
    files.sync_folder(folder)
    return digest_of_file(path)


def _arrow(values: np.ndarray) -> object:
    import pyarrow as pa

    if values.ndim > 1:
        width = int(np.prod(values.shape[1:]))
        return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), width)
    try:
        return pa.array(values.tolist() if values.dtype == object else values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # entries of several kinds
        return pa.array([None if entry is None else json.dumps(entry, default=str) for entry in values.tolist()])


def digest_of_file(path: Path) -> str:
    """A digest of what a file holds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def load(folder: Path, digest: str, names: Sequence[str] | None = SHOWN, name: str = FILE) -> dict[str, list[object]]:
    """Those of some columns that a file has, a value for each of its points; None: all of them.

    Raises DamagedError where the file changed.
    """
    if not digest:
        return {}
    import pyarrow.parquet as pq

    path = folder / name
    try:
        if digest_of_file(path) != digest:
            raise DamagedError(f"{path} was changed after campaign {folder.name} was made; restore it.")
        held = [column for column in pq.read_schema(path).names if names is None or column in names]
        return pq.read_table(path, columns=held).to_pydict() if held else {}
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error.strerror or error}); restore it.") from error
