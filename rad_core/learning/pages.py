"""Memory maps larger than the memory: what reading brought into this process is let go of in time."""

from __future__ import annotations

import mmap

import numpy as np

_RESIDENT = 1 << 27  # bytes of a map that may stay in this process
_AROUND = 1 << 21  # bytes that the system may bring in with a page that is missing: one of its large ones


class Pages:
    """The pages of a read-only map that lie in this process; let go of, they stay in the system's cache of files."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory, self._touched = memory, 0

    def touched(self, pieces: int, count: int) -> None:
        """So many bytes, in so many pieces, have been read."""
        self._touched += count + pieces * _AROUND
        if self._touched > _RESIDENT:
            self._memory.madvise(mmap.MADV_DONTNEED)
            self._touched = 0


def pages_of(array: np.ndarray) -> Pages | None:
    """The pages of a mapped array; None where it is not mapped, is small, or the system has no such advice."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, mmap.mmap) or len(base) <= _RESIDENT or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    return Pages(base)
