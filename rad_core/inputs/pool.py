"""Pools of probabilities that are read in blocks: many files, a folder, one large file, or batches of Python's.

Each block is read as `tables` reads a whole file, and of Parquet files the columns that are meant alone. Names of rows
are not kept; they are looked up for the rows that somebody asks for.
"""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.arrays import Given, Numbers, as_numbers, is_frame, is_torch
from rad_core.inputs.blocks import Block
from rad_core.inputs.columns import listed, numbers_of
from rad_core.inputs.ids import ROW_NUMBERS, Ids, is_missing, make_ids, shortened
from rad_core.inputs.pool_parquet import ParquetPart
from rad_core.inputs.tables import READABLE, meant, read_sheet

BLOCK_CELLS = 1 << 20  # numbers of a block
LARGE = 1 << 30  # bytes from which on a single file is read in blocks
_STREAMED = (".npy", ".parquet")  # of the others each file is read whole, one after another


def is_pool(path: Path) -> bool:
    """Whether a path is to be read in blocks: a folder, a pattern of files, or a large file."""
    if path.is_dir() or (not path.exists() and glob.has_magic(str(path))):
        return True
    return path.is_file() and path.suffix.lower() in _STREAMED and path.stat().st_size >= LARGE


def pool_files(path: Path) -> list[Path]:
    """The files of a pool in the order of their names: those of a folder, hidden ones and those of other kinds apart,
    or those that a pattern fits, where ** stands for folders inside folders."""
    wanted = f"give the probabilities as {', '.join(READABLE)}"
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.suffix.lower() in READABLE)
        files = [file for file in inside if not any(part[0] in "._" for part in file.relative_to(path).parts)]
        if not files:
            raise InputError(f"{path} is a folder that holds no probabilities; {wanted}.")
    elif path.exists() or not glob.has_magic(str(path)):
        files = [path]
    else:
        files = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - it may be absolute
        files = [file for file in files if not file.is_dir()]
        if not files:
            raise InputError(f"No file fits {path}; {wanted}.")
    return sorted(files)


@dataclass(frozen=True)
class _Whole:
    """A file that is read whole: .csv, .tsv, .npz. Or .npy, mapped into memory block by block."""

    path: Path
    name: str
    empty = False

    def pieces(self, rows: int) -> list[tuple[int, int] | None]:
        """Where to cut an array that is mapped; any other file is one piece."""
        return [None] if self._mapped is None else [*pairwise([*range(0, len(self._mapped), rows), len(self._mapped)])]

    def blocks(self, piece: tuple[int, int] | None = None) -> Iterator[tuple[Block, tuple[str, ...]]]:
        if self._mapped is not None:
            yield from self._blocks_of_map(*(piece or (0, len(self._mapped))))
            return
        content, notes, sheet = meant(read_sheet(self.path, self.name, "probabilities"))
        values, columns, converted = numbers_of(content.columns, sheet)
        numbers = as_numbers(values, self.name)
        notes += converted + numbers.notes
        for start in _starts(numbers.values):
            part = numbers.values[start : start + _rows(numbers.values)]
            yield Block(Numbers(part, numbers.kind), self.name, start, columns), notes

    @property
    def source(self) -> str | None:
        return None if self._named is None else self._named[0]

    @property
    def size(self) -> int:
        return 0 if self._named is None else len(self._named[1])

    def ids(
        self, at: np.ndarray | None = None, called: set[str] | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if self._named is not None:
            rows = np.arange(self.size) if at is None else at
            yield rows, self._named[1][rows]

    @cached_property
    def _named(self) -> tuple[str, np.ndarray] | None:
        if self._mapped is not None:
            return None
        content, _, _ = meant(read_sheet(self.path, self.name, "probabilities"))
        return None if content.id_column is None else (content.source, content.id_column.values)

    @cached_property
    def _mapped(self) -> np.ndarray | None:
        """An array (n, C) of plain numbers in an .npy file; None of any other, which `read_sheet` reads or refuses."""
        if self.path.suffix.lower() != ".npy":
            return None
        try:
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError):
            return None
        return array if array.ndim == 2 and array.dtype.kind in "fiu" and len(array) else None

    def _blocks_of_map(self, first: int, last: int) -> Iterator[tuple[Block, tuple[str, ...]]]:
        assert self._mapped is not None
        for start in range(first, last, rows := _rows(self._mapped)):
            part = np.load(self.path, mmap_mode="r")  # anew each time, so that no more than a block stays resident
            numbers = as_numbers(np.array(part[start : min(start + rows, last)]), self.name)
            yield Block(Numbers(numbers.values, numbers.kind), self.name, start), numbers.notes


def _rows(values: np.ndarray) -> int:
    return max(1, BLOCK_CELLS // max(1, values.shape[-1] if values.ndim == 2 else 1))


def _starts(values: np.ndarray) -> range:
    return range(0, max(1, len(values)) if values.ndim else 1, _rows(values))


@dataclass(frozen=True)
class Piece:
    """Rows of a pool that follow one another: of a file those from the first to the one before the last, or all.

    name: what messages call the file.
    """

    file: Path
    name: str
    between: tuple[int, int] | None = None

    def blocks(self) -> Iterator[tuple[Block, tuple[str, ...]]]:
        """These rows, in their order, with what was converted. Raises InputError of what cannot be read."""
        yield from _part_of(self.file, self.name).blocks(self.between)


def _part_of(file: Path, name: str) -> ParquetPart | _Whole:
    """The reader of one file."""
    return ParquetPart(file, name) if file.suffix.lower() == ".parquet" else _Whole(file, name)


class Pool:
    """The rows of files, one file after another, as often as they are asked for."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.files = pool_files(path)
        self._notes: dict[str, None] = {}
        self._columns: tuple[Sequence[str], str] | None = None  # of the first file that has some
        self._first_rows: list[int] = []  # of each file, once all were read
        self._parts = [_part_of(file, str(file)) for file in self.files]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was converted while the blocks were read."""
        return _first_few(list(self._notes))

    def blocks(self) -> Iterator[Block]:
        """All rows, in their order. Raises InputError of what cannot be read."""
        self.begin()
        sizes = Counter[Path]()
        for file, part in zip(self.files, self._parts, strict=True):
            for block, notes in part.blocks():
                self.note(block.columns, block.source, notes)
                sizes[file] += len(block.values)
                yield block
        self.end(sizes)

    def pieces(self, rows: int) -> list[Piece]:
        """The pool cut into pieces of about so many rows, to be read apart from one another; empty files have none."""
        return [
            Piece(file, part.name, cut)
            for file, part in zip(self.files, self._parts, strict=True)
            for cut in part.pieces(rows)
        ]

    def begin(self) -> None:
        """Forget what an earlier reading has noted."""
        self._notes, self._first_rows, self._columns = {}, [], None

    def note(self, columns: Sequence[str] | None, source: str, notes: Sequence[str]) -> None:
        """Columns of a file, and what was converted. Raises InputError where those of another file differ."""
        self._notes |= dict.fromkeys(notes)
        if columns is None:
            return
        first = self._columns = self._columns or (columns, source)
        if list(first[0]) != list(columns):
            raise InputError(
                f"{source} has the columns {listed(columns)} and {first[1]} has {listed(first[0])}; every file of a "
                "pool needs the same columns in the same order."
            )

    def end(self, sizes: Mapping[Path, int]) -> None:
        """All rows were read. sizes: of each file that has some."""
        if not sum(sizes.values()):
            raise InputError(f"{self.name} names its columns but has no rows.")
        self._first_rows = np.cumsum([0, *(sizes.get(file, 0) for file in self.files)])[:-1].tolist()

    @property
    def naming(self) -> str:
        """Where the names of the rows come from, for people."""
        if self._source is None:
            return ROW_NUMBERS
        source, first = self._source
        return f"ids from {source}, first {shortened(first)}"

    def ids_of(self, rows: np.ndarray) -> Ids | None:
        """The ids of rows (n,) of the pool, once it was read; None where it names none. Adds to the notes.

        Raises InputError where one of them has none, or two have the same.
        """
        if self._source is None:
            return None
        source = self._source[0]
        order = np.argsort(rows, kind="stable")
        ascending, taken = rows[order], []
        for part, first, last in zip(self._parts, self._first_rows, [*self._first_rows[1:], None], strict=True):
            low, high = np.searchsorted(ascending, (first, np.iinfo(np.int64).max if last is None else last))
            wanted = ascending[low:high] - first
            if len(wanted) and part.source is None:
                raise InputError(f"{part.name} has no ids in {source}, where {self._parts[0].name} has some.")
            for here, values in part.ids(at=wanted):
                for row, value in zip(here.tolist(), values.tolist(), strict=True):
                    if is_missing(value):
                        raise InputError(f"Row {row} of {part.name} has no id in {source}; every row needs one.")
                if len(here):
                    named, notes = make_ids(values, source, len(here), part.name, different=False)
                    taken.append(named.values)
                    self._notes |= dict.fromkeys(notes)
        text = any(values.dtype == object for values in taken)
        joined = np.concatenate([Ids(values, source).text if text else values for values in taken])
        in_order = np.empty_like(joined)
        in_order[order] = joined
        ids = Ids(in_order, source)
        self._check_different(ids, rows)
        return ids

    def rows_called(self, wanted: set[str]) -> tuple[dict[str, int], str]:
        """Those of these ids that the pool has, with their rows; and its first id. Reads no probabilities."""
        if self._source is None:
            return {text: int(text) for text in wanted if _is_int64(text) and int(text) >= 0}, "0"
        source, first = self._source
        called: dict[str, int] = {}
        rows = 0
        numbers = np.array([int(text) for text in wanted if _is_int64(text)], np.int64)
        for part in self._parts:
            for here, values in part.ids(called=wanted):
                if values.dtype.kind in "iu" and values.dtype != np.uint64:
                    fits = np.isin(values, numbers)
                    here, values = here[fits], values[fits]
                texts = make_ids(values, source, len(values), part.name, different=False)[0].text
                for row, text in zip(here.tolist(), texts.tolist(), strict=True):
                    if text in wanted:
                        if text in called:
                            raise InputError(
                                f"The ids in {self.name} must be different: two rows are called {shortened(text)}, "
                                "which is among those to exclude."
                            )
                        called[text] = rows + row
            rows += part.size
        return called, first

    def where(self, row: int) -> str:
        """A row of the pool as that of a file, once the pool was read."""
        part = int(np.searchsorted(self._first_rows, row, "right")) - 1
        return f"row {row - self._first_rows[part]} of {self._parts[part].name}"

    @cached_property
    def _source(self) -> tuple[str, str] | None:
        """Where the ids are from, by the first file, and the first of them; None where it names no rows."""
        part = next((part for part in self._parts if not part.empty), None)
        if part is None or part.source is None:
            return None
        for _, values in part.ids(at=np.zeros(1, np.int64)):
            return part.source, str(make_ids(values, part.source, 1, part.name, different=False)[0].text[0])
        return None

    def _check_different(self, ids: Ids, rows: np.ndarray) -> None:
        first: dict[str, int] = {}
        for row, text in zip(rows.tolist(), ids.text.tolist(), strict=True):
            if text in first:
                raise InputError(
                    f"The ids in {self.name} must be different, one for each of its rows: "
                    f"{self.where(first[text])} and {self.where(row)} are both called {shortened(text)} ({ids.source})."
                )
            first[text] = row


class Batches:
    """The rows of what Python hands over: record batches, tables, frames, arrays (n, C), each read as a file is."""

    def __init__(self, batches: Given) -> None:
        self.name = "probabilities"
        whole = is_frame(batches) or is_torch(batches) or isinstance(batches, np.ndarray)
        self._batches: Given = [batches] if whole else batches
        # A generator, unlike a list or a data set, gives its batches once.
        self.once = not hasattr(self._batches, "to_batches") and iter(self._batches) is self._batches
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was converted while the blocks were read."""
        return _first_few(list(self._notes))

    def blocks(self) -> Iterator[Block]:
        """All rows, in their order. Raises InputError of what cannot be read."""
        self._notes, rows = {}, 0
        # Of a data set few batches are read ahead, for they stay in memory.
        ahead = {"batch_readahead": 2, "fragment_readahead": 1, "batch_size": 1 << 17}
        given = self._batches.to_batches(**ahead) if hasattr(self._batches, "scanner") else self._batches
        given = given.to_batches() if hasattr(given, "to_batches") else given
        for number, batch in enumerate(given):
            name = f"batch {number}"
            numbers, columns, notes = _of_batch(batch, name)
            if len(numbers.values) == 0:
                continue
            self._notes |= dict.fromkeys(notes + numbers.notes)
            rows += len(numbers.values)
            for start in _starts(numbers.values):
                part = numbers.values[start : start + _rows(numbers.values)]
                yield Block(Numbers(part, numbers.kind), name, start, columns)
        if rows == 0:
            raise InputError("batches holds no rows; give record batches, tables or arrays of probabilities.")


def _of_batch(batch: Given, name: str) -> tuple[Numbers, Sequence[str] | None, tuple[str, ...]]:
    if hasattr(batch, "__arrow_c_array__") and hasattr(batch, "num_columns"):  # a record batch
        import pyarrow as pa

        batch = pa.Table.from_batches([batch])
    if hasattr(batch, "num_rows") and batch.num_rows == 0:
        return Numbers(np.empty((0, 2)), "float64"), None, ()
    if not is_frame(batch):
        numbers = as_numbers(batch, name)
        if is_torch(numbers.values):
            numbers = Numbers(numbers.values.cpu().numpy(), numbers.kind, numbers.notes)
        return numbers, None, ()
    from rad_core.inputs.arrow import sheet_of_frame

    content, notes, sheet = meant(sheet_of_frame(batch, name))
    values, columns, converted = numbers_of(content.columns, sheet)
    return as_numbers(values, name), columns, notes + converted


def _first_few(notes: list[str]) -> tuple[str, ...]:
    return tuple(notes) if len(notes) <= 5 else (*notes[:4], f"{len(notes) - 4:,} more notes of this kind.")


def _is_int64(text: str) -> bool:
    """Whether a text is what a whole number of 64 bits is written as."""
    try:
        return str(int(text)) == text and -(2**63) <= int(text) < 2**63
    except ValueError:
        return False
