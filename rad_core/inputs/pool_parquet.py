"""A Parquet file of a pool, read in record batches: the columns that are meant, and the ids of its rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import Numbers, as_numbers
from rad_core.inputs.arrow import index_entries, sheet_of_table, unreadable, values_of
from rad_core.inputs.blocks import Block
from rad_core.inputs.columns import Content, numbers_of
from rad_core.inputs.tables import check_readable, meant

_ROWS = 1 << 17  # of a batch
_LOOK = 1 << 10  # rows by which it is decided what the columns are
_PAGES = 1 << 20  # bytes read at once of each column, so that no group of rows need fit into memory


@dataclass(frozen=True)
class ParquetPart:
    """One file. name: what messages call it."""

    path: Path
    name: str

    def pieces(self, rows: int) -> list[tuple[int, int]]:
        """Where to cut the file into pieces of about so many rows: first row and the one behind the last."""
        bounds, start = [0], 0
        for size in self._groups:
            start += size
            if start - bounds[-1] >= rows:
                bounds.append(start)
        return list(pairwise(bounds if bounds[-1] == start else [*bounds, start]))

    def blocks(self, piece: tuple[int, int] | None = None) -> Iterator[tuple[Block, tuple[str, ...]]]:
        """Its rows in their order, or those of a piece, with what was converted. An empty file has none."""
        if self._content is None:
            return
        content, notes = self._content
        start, groups = 0, None
        if piece is not None:
            start, stop = piece
            firsts = np.cumsum([0, *self._groups])[:-1]
            groups = np.flatnonzero((firsts >= start) & (firsts < stop)).tolist()
        for table in self._tables([column.name for column in content.columns], _ROWS, groups):
            sheet = sheet_of_table(table, self.name, with_index=False)
            values, columns, converted = numbers_of(sheet.columns, sheet)
            numbers = as_numbers(values, self.name)
            yield Block(Numbers(numbers.values, numbers.kind), self.name, start, columns), notes + converted
            start += len(values)

    @property
    def empty(self) -> bool:
        """Whether it has no rows."""
        return self._content is None

    @property
    def source(self) -> str | None:
        """Where its ids are from; None where it names no rows."""
        return None if self._content is None or self._content[0].id_column is None else self._content[0].source

    def ids(
        self, at: np.ndarray | None = None, called: set[str] | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows (n,) and their ids as they are stored, in parts; nothing where the file names no rows.

        at: these rows alone, ascending. called: where it is cheap to tell, those alone that have one of these ids.
        """
        if self._content is None or self._content[0].id_column is None:
            return
        name = self._content[0].id_column.name
        if name not in self._schema.names:
            counted = next(entry for entry in index_entries(self._schema.metadata) if isinstance(entry, dict))
            first, step = int(counted.get("start", 0)), int(counted.get("step", 1))
            for start in range(0, self.size, _ROWS):
                rows = _within(at, start, min(start + _ROWS, self.size))
                yield rows, first + step * rows
            return
        start = 0
        for table in self._tables([name], _ROWS):
            column, end = table.column(0), start + table.num_rows
            rows = _within(at, start, end)
            if called is not None:
                rows = rows[_may_be_called(column, called)]
            if len(rows):
                some = column if len(rows) == table.num_rows else column.take(rows - start)
                yield rows, values_of(some, name, self.name)
            start = end

    @cached_property
    def _content(self) -> tuple[Content, tuple[str, ...]] | None:
        """What its columns are, by its first rows; None where it has none."""
        for table in self._tables(None, _LOOK):
            content, notes, _ = meant(sheet_of_table(table, self.name))
            return content, notes
        return None

    @cached_property
    def _schema(self) -> Any:
        with self._opened() as file:
            return file.schema_arrow

    @cached_property
    def size(self) -> int:
        """Its number of rows."""
        with self._opened() as file:
            return int(file.metadata.num_rows)

    @cached_property
    def _groups(self) -> list[int]:
        """The rows of each of its groups, which are read as a whole."""
        with self._opened() as file:
            return [int(file.metadata.row_group(number).num_rows) for number in range(file.metadata.num_row_groups)]

    def _opened(self) -> Any:
        import pyarrow.parquet as pq

        check_readable(self.path, self.name, "probabilities")
        try:
            return pq.ParquetFile(self.path, buffer_size=_PAGES, pre_buffer=False)
        except (OSError, ValueError, NotImplementedError) as error:
            raise unreadable(self.path, self.name, error) from error

    def _tables(self, columns: list[str] | None, rows: int, groups: list[int] | None = None) -> Iterator[Any]:
        import pyarrow as pa

        with self._opened() as file:
            schema = file.schema_arrow
            if columns is not None and len(set(schema.names)) < len(schema.names):
                raise InputError(f"{self.name} has two columns of one name; name every column otherwise.")
            batches = file.iter_batches(batch_size=rows, columns=columns, row_groups=groups)
            while True:
                try:
                    batch = next(batches, None)
                except (OSError, ValueError, NotImplementedError) as error:
                    raise unreadable(self.path, self.name, error) from error
                if batch is None:
                    return
                if batch.num_rows:
                    table = pa.Table.from_batches([batch])
                    # Columns come in the order that they were asked for in.
                    yield table if columns is None else table.select(columns)


def _within(at: np.ndarray | None, start: int, end: int) -> np.ndarray:
    """The numbers from start to end, or those of some ascending ones that lie there."""
    return np.arange(start, end) if at is None else at[slice(*np.searchsorted(at, (start, end)))]


def _may_be_called(column: Any, called: set[str]) -> np.ndarray:
    """(n,) bool: where one of these texts may be written, by a look at a column that makes no Python objects of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.ones(len(column), bool)
    wanted = pa.array(sorted(called), column.type)
    return np.asarray(pc.is_in(column, value_set=wanted).to_numpy())
