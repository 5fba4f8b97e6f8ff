"""A Parquet file of a pool, read in record batches: the columns that are meant, and the ids of its rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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

    def blocks(self) -> Iterator[tuple[Block, tuple[str, ...]]]:
        """Its rows in their order, with what was converted. An empty file has none."""
        if self._content is None:
            return
        content, notes = self._content
        start = 0
        for table in self._tables([column.name for column in content.columns], _ROWS):
            sheet = sheet_of_table(table, self.name, with_index=False)
            values, columns, converted = numbers_of(sheet.columns, sheet)
            numbers = as_numbers(values, self.name)
            yield Block(Numbers(numbers.values, numbers.kind), self.name, start, columns), notes + converted
            start += len(values)

    def ids(self) -> Iterator[tuple[np.ndarray, str]]:
        """The ids as they are stored, and where they are from; nothing where the file names no rows."""
        if self._content is None or self._content[0].id_column is None:
            return
        content = self._content[0]
        assert content.id_column is not None
        name = content.id_column.name
        if name not in self._schema.names:
            counted = next(entry for entry in index_entries(self._schema.metadata) if isinstance(entry, dict))
            first, step = int(counted.get("start", 0)), int(counted.get("step", 1))
            for start in range(0, self._rows, _ROWS):
                yield first + step * np.arange(start, min(start + _ROWS, self._rows)), content.source
            return
        for table in self._tables([name], _ROWS):
            yield values_of(table.column(0), name, self.name), content.source

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
    def _rows(self) -> int:
        with self._opened() as file:
            return int(file.metadata.num_rows)

    def _opened(self) -> Any:
        import pyarrow.parquet as pq

        check_readable(self.path, self.name, "probabilities")
        try:
            return pq.ParquetFile(self.path, buffer_size=_PAGES, pre_buffer=False)
        except (OSError, ValueError, NotImplementedError) as error:
            raise unreadable(self.path, self.name, error) from error

    def _tables(self, columns: list[str] | None, rows: int) -> Iterator[Any]:
        import pyarrow as pa

        with self._opened() as file:
            schema = file.schema_arrow
            if columns is not None and len(set(schema.names)) < len(schema.names):
                raise InputError(f"{self.name} has two columns of one name; name every column otherwise.")
            batches = file.iter_batches(batch_size=rows, columns=columns)
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
