"""Gains of a pool that is larger than memory: a file of float32 in the order of the rows, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from rad_core.errors import InputError

# Gains of a chunk. Chunks are cut by the rows' numbers alone, so that no sum depends on the files the rows came in.
CHUNK = 1 << 18


class GainsFile:
    """Gains (N,) as float32 in a file; NaN stands for a row that may not be chosen. size: N, rows written so far.

    every: is given each chunk as it is full, and the last one when the file is closed.
    """

    def __init__(self, path: Path, every: Callable[[np.ndarray], None] | None = None) -> None:
        self.size = 0
        self._path, self._every = path, every
        self._file: IO[bytes] | None = path.open("wb")
        self._buffer, self._filled = np.empty(CHUNK, np.float32), 0

    def append(self, gains: np.ndarray) -> None:
        """Write gains (n,) of any floating type behind those that are written."""
        done = 0
        while done < len(gains):
            part = gains[done : done + CHUNK - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled, done = self._filled + len(part), done + len(part)
            if self._filled == CHUNK:
                self._flush()
        self.size += len(gains)

    def close(self) -> None:
        """Write what is left; nothing is appended after that."""
        if self._file is not None:
            if self._filled:
                self._flush()
            self._file.close()
            self._file = None

    def chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """The number of the first row and the gains of each chunk, once the file is closed."""
        with self._path.open("rb") as file:
            for start in range(0, self.size, CHUNK):
                yield start, np.fromfile(file, np.float32, CHUNK)

    def at(self, rows: np.ndarray) -> np.ndarray:
        """(n,) float32: the gains of rows (n,), in any order."""
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        gains = np.empty(len(rows), np.float32)
        for start, chunk in self.chunks():
            low, high = np.searchsorted(ascending, (start, start + len(chunk)))
            gains[order[low:high]] = chunk[ascending[low:high] - start]
        return gains

    def _flush(self) -> None:
        assert self._file is not None
        chunk = self._buffer[: self._filled]
        chunk += 0.0  # of a zero with a minus sign a plain one
        try:
            chunk.tofile(self._file)
        except OSError as error:
            raise InputError(
                f"The gains of the pool, 4 bytes a row, cannot be written to {self._path.parent} "
                f"({error.strerror or error}); set TMPDIR to a folder that has room."
            ) from error
        if self._every is not None:
            self._every(chunk)
        self._filled = 0
