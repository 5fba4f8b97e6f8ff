"""An array of decoded images while it grows on disk, row by row, by several threads.

Rows count once they are on disk and entered in the record beside the array, which happens shard by shard. So whoever
goes on after a kill finds all shards that were finished, and goes on in the same file.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.decoded import Kept, Shelf, key_of, line_of
from rad_core.learning.pages import pages_of
from rad_core.learning.pixels import Layout, Seen
from rad_core.learning.tree import ImageFile
from rad_core.partials import holding, sweep_files

SHARD_BYTES = 1 << 26  # entered when so much is decoded,
SHARD_SECONDS = 10.0  # or when so much time has passed
_BLOCK = 1024  # images copied at a time


class Growing:
    """Rows of bytes in a file, and the record of those that count. seen: what each row is, None where it is not in."""

    def __init__(self, shelf: Shelf, path: Path, files: Sequence[ImageFile], layout: Layout) -> None:
        self.path, self.seen = path, list[Seen | None]([None] * len(files))
        self._shelf, self._files, self._layout = shelf, files, layout
        self._turn, self._row_bytes = threading.Lock(), int(np.prod(layout.shape))
        self._entered, self._written, self._time = np.zeros(len(files), bool), 0, time.monotonic()
        self._record: Path | None = None
        self._file = path.open("r+b")
        np.lib.format.read_magic(self._file)
        np.lib.format.read_array_header_1_0(self._file)
        self._start = self._file.tell()

    def write(self, rows: Sequence[int], images: np.ndarray, seen: Sequence[Seen | None]) -> None:
        """Write images (n, height, width, channels) into their rows, which ascend; None in `seen` is left out."""
        kept = [number for number, image in enumerate(seen) if image is not None]
        ends = [0, *(at for at in range(1, len(kept)) if rows[kept[at]] != rows[kept[at - 1]] + 1), len(kept)]
        with self._turn:
            for first, last in pairwise(ends):
                if first < last:
                    self._file.seek(self._start + rows[kept[first]] * self._row_bytes)
                    self._file.write(np.ascontiguousarray(images[kept[first:last]]).data)
            for number in kept:
                self.seen[rows[number]] = seen[number]
            self._written += len(kept) * self._row_bytes

    def copy(self, kept: Kept) -> None:
        """Take over what was decoded earlier. Where that is in this very file, there is nothing to copy."""
        pairs = [(row, kept.rows[key]) for row, file in enumerate(self._files) if (key := key_of(file)) in kept.rows]
        pages = pages_of(kept.array)
        for start in range(0, len(pairs), _BLOCK):
            rows, sources = map(list, zip(*pairs[start : start + _BLOCK], strict=True))
            seen = [kept.seen[key_of(self._files[row])] for row in rows]
            if kept.path == self.path:
                for row, image in zip(rows, seen, strict=True):
                    self.seen[row] = image
                continue
            self.write(rows, block := kept.array[sources], seen)
            if pages is not None:
                pages.touched(len(block), block.nbytes)

    def enter(self, *, due: bool = False) -> None:
        """Force to disk what is written, and have it count. due: only where a shard is full or time has passed."""
        if due and self._written < SHARD_BYTES and time.monotonic() < self._time + SHARD_SECONDS:
            return
        with self._turn:
            self._file.flush()
            os.fsync(self._file.fileno())
            rows = [row for row, image in enumerate(self.seen) if image is not None and not self._entered[row]]
            self._written, self._time = 0, time.monotonic()
        lines = [line_of(row, self._files[row], self.seen[row]) + "\n" for row in rows]
        if self._record is None:
            self._record = self._shelf.begin(self.path, self._layout, lines)
        else:
            with self._record.open("a", encoding="utf-8") as record:
                record.writelines(lines)
        self._entered[rows] = True

    def discard(self) -> None:
        """Remove the file and its record: its layout is of no use."""
        self.path.unlink(missing_ok=True)
        self._shelf.record_of(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; a thread that is still at work writes no more."""
        with self._turn:
            self._file.close()


@contextmanager
def open_growing(shelf: Shelf, files: Sequence[ImageFile], layout: Layout, kept: Kept | None) -> Iterator[Growing]:
    """The array of these files, with what was decoded of them earlier: that of a killed process, else a new one.

    Raises InputError where there is not enough room.
    """
    shape = (len(files), *layout.shape)
    usable = kept if kept and kept.layout == layout else None
    if usable and usable.unfinished and usable.array.shape == shape and _in_place(usable, files):
        with holding(usable.path) as held:
            if held:
                yield from _filled(Growing(shelf, usable.path, files, layout), usable)
                return
    path = _new_file(shelf.rows(), shape)
    with holding(path):
        yield from _filled(Growing(shelf, path, files, layout), usable)


def _filled(growing: Growing, kept: Kept | None) -> Iterator[Growing]:
    try:
        if kept:
            growing.copy(kept)
        yield growing
    finally:
        growing.close()


def _in_place(kept: Kept, files: Sequence[ImageFile]) -> bool:
    """Whether every file that was decoded earlier lies in the row that it has now."""
    return all(kept.rows.get(key_of(file), row) == row for row, file in enumerate(files))


def _new_file(path: Path, shape: tuple[int, ...]) -> Path:
    """A new array of bytes on disk, all its room claimed."""
    cache = path.parent
    cache.mkdir(parents=True, exist_ok=True)
    sweep_files(cache)
    free, wanted = shutil.disk_usage(cache).free, int(np.prod(shape))
    if wanted > free:
        raise InputError(
            f"{shape[0]} images of {shape[1]} x {shape[2]} need {wanted / 2**30:.1f} GiB in {cache}, and "
            f"{free / 2**30:.1f} GiB are free; lower --image-size or make room."
        )
    try:
        with path.open("xb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            size = file.tell() + wanted
            if hasattr(os, "posix_fallocate"):
                file.flush()
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
