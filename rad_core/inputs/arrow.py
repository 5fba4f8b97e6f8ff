"""Tables in columns: Parquet files and the frames of pandas, polars and pyarrow, with the index that pandas keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.sheets import Column, Sheet, what_it_is


def read_parquet(path: Path, name: str) -> Sheet:
    """The columns of a Parquet file, read a group of rows at a time, and the index that pandas wrote with them."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            batches = list(file.iter_batches(batch_size=1 << 16))
    except (OSError, ValueError, NotImplementedError) as error:  # pyarrow's errors are kinds of these
        raise unreadable(path, name, error) from error
    import pyarrow as pa

    return sheet_of_table(pa.Table.from_batches(batches, schema), name)


def unreadable(path: Path, name: str, error: Exception) -> InputError:
    """What to say of a file that is no Parquet file, or a damaged one."""
    with path.open("rb") as start:
        kind = what_it_is(start.read(512))
    reason = f"it is {kind}" if kind and kind != "a Parquet file" else str(error).strip().splitlines()[0]
    return InputError(f"{name} is not a readable .parquet table ({reason}).")


def sheet_of_frame(frame: Any, name: str) -> Sheet:
    """The columns of a frame of pandas, polars, pyarrow, or of anything that exports an Arrow stream."""
    import pyarrow as pa

    labels: Sequence[str] | None = None
    try:
        if hasattr(frame, "iloc"):
            labels = [str(label) for label in frame.columns]
            frame = frame.set_axis(
                [f"column {number}" for number in range(len(labels))], axis=1
            )  # may be twice the same
            table = pa.Table.from_pandas(frame, preserve_index=False)  # rows of a frame in memory go by their numbers
        else:
            table = frame if isinstance(frame, pa.Table) else pa.table(frame)
    except Exception as error:  # any library's own exception
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{name} is a table that cannot be read ({reason}); give one column of numbers per class."
        ) from error
    return sheet_of_table(table, name, labels)


def sheet_of_table(table: Any, name: str, labels: Sequence[str] | None = None, *, with_index: bool = True) -> Sheet:
    """The columns of a table of pyarrow, and the index that pandas keeps in it, unless it is none of the rows' names.

    labels: what the columns are called, where the table calls them otherwise.
    """
    if table.num_columns == 0:
        raise InputError(f"{name} has no column of numbers.")
    if table.num_rows == 0:
        raise InputError(f"{name} names its columns but has no rows.")
    index_names = index_entries(table.schema.metadata) if with_index else []
    stored = {entry for entry in index_names if isinstance(entry, str)}
    columns: list[Column] = []
    index: list[Column] = []
    for number, field in enumerate(table.schema):
        is_index = field.name in stored
        label = labels[number] if labels is not None and not is_index else field.name
        column = Column(label, values_of(table.column(number), label, name))
        (index if is_index else columns).append(column)
    index += [_range(entry, table.num_rows) for entry in index_names if isinstance(entry, dict)]
    return Sheet(name, tuple(columns), tuple(column for column in index if not _counts_rows(column.values)))


def index_entries(metadata: dict[bytes, bytes] | None) -> list[Any]:
    """What pandas wrote as index: names of columns, or ranges as dicts."""
    if not metadata or b"pandas" not in metadata:
        return []
    try:
        about = json.loads(metadata[b"pandas"])
    except ValueError:  # no program's own words: a table like any other
        return []
    names = about.get("index_columns") if isinstance(about, dict) else None
    return list(names) if isinstance(names, list) else []


def _range(entry: dict[str, Any], rows: int) -> Column:
    start, step = int(entry.get("start", 0)), int(entry.get("step", 1))
    return Column(str(entry.get("name") or ""), start + step * np.arange(rows))


def _counts_rows(values: np.ndarray) -> bool:
    """Whether an index is the one that every frame has: 0, 1, 2..."""
    return values.ndim == 1 and values.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values)))


def values_of(column: Any, label: str, name: str) -> np.ndarray:
    """A column as numpy: numbers as they are, missing ones NaN; lists of equal length as (N, k); else objects."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if isinstance(kind, pa.BaseExtensionType) and str(kind) != "extension<arrow.uuid>":
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _stacked(column, label, name)
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_boolean(kind) and not column.null_count:
        return np.asarray(column.to_numpy())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _objects(column.to_pylist())
    if column.null_count and pa.types.is_integer(kind):
        return _objects(column.to_pylist())  # ids of 64 bits do not fit into floats
    return np.asarray(column.to_numpy())


def _stacked(column: Any, label: str, name: str) -> np.ndarray:
    """A column of lists of equal length as (N, k)."""
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    if column.null_count or (lengths != lengths[:1]).any():
        row = int(np.flatnonzero(~(lengths == lengths[:1]))[:1].sum()) if len(lengths) else 0
        entry = column[row].as_py()
        length = "no list" if entry is None else f"a list of {len(entry)}"
        raise InputError(
            f"Column {label!r} of {name} holds {length} in row {row} and one of {lengths[0]:.0f} in row 0; give every "
            "row as many numbers."
        )
    inner = Column(label, values_of(pc.list_flatten(column), label, name))
    return inner.values.reshape(len(column), -1, *inner.values.shape[1:])


def _objects(entries: Iterable[Any]) -> np.ndarray:
    """Python objects as a column (N,)."""
    entries = list(entries)
    values = np.empty(len(entries), object)
    values[:] = entries
    return values
