"""Decoded images on disk: an array per folder, and beside it what it was made of, so that nothing is decoded twice.

A file of an array is called `folder-KEY.npy` once every image of a listing is in it. What was decoded before a bad
file or an interruption stopped it is kept as `rows-...`. Either has a `read-PLACE-...` beside it, which names the files
in it; without that nobody looks at it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.pixels import Layout, Seen
from rad_core.learning.tree import ImageFile
from rad_core.partials import beside, sweep_files

_FORMAT = 2  # of what decoding makes of an image; another number, and everything is decoded anew
_BLOCK = 1024  # images copied at a time
_Key = tuple[str, int, int]  # name, size and time of a file


@dataclass(frozen=True, eq=False)
class Kept:
    """Images decoded earlier. rows: where each file lies in the array."""

    array: np.ndarray
    layout: Layout
    seen: dict[_Key, Seen]
    rows: dict[_Key, int]


class Shelf:
    """Where the decoded images of one folder at one size are kept."""

    def __init__(self, cache: Path, folder: Path, image_size: int | None) -> None:
        self.cache = cache
        self.origin = _digest([_FORMAT, str(folder)])
        self.place = _digest([self.origin, image_size])

    # --- whole arrays ---

    def array(self, files: Sequence[ImageFile]) -> Path:
        """Where the array of exactly these files is or will be."""
        return self.cache / f"folder-{_digest([self.place, _keys(files)])}.npy"

    def notes(self, array: Path) -> tuple[str, ...] | None:
        """What was done to the images of a whole array, or None where it is not there."""
        try:
            with self._about(array.stem).open(encoding="utf-8") as file:
                return tuple(json.loads(file.readline())["notes"]) if array.is_file() else None
        except (FileNotFoundError, ValueError, KeyError):  # not there, or not whole: decoded again
            return None

    def kept(self) -> Kept | None:
        """What was decoded last of this folder, whole or not."""
        for about in sorted(self.cache.glob(f"read-{self.place}-*.jsonl"), key=_time, reverse=True):
            try:
                head, *lines = about.read_text("utf-8").splitlines()
                facts = json.loads(head)
                array = np.load(self.cache / facts["array"], mmap_mode="r", allow_pickle=False)
                layout, seen, rows = Layout(*facts["layout"]), {}, {}
                for line in lines:
                    row, name, size, time, *rest = json.loads(line)
                    rows[name, size, time], seen[name, size, time] = row, Seen(*rest)
            except (OSError, ValueError, KeyError, TypeError):  # not whole: decoded again
                continue
            if array.shape[1:] == layout.shape and max(rows.values(), default=-1) < len(array):
                return Kept(array, layout, seen, rows)
        return None

    def rows(self) -> Path:
        """Where an array is while nobody knows yet whether it will be whole."""
        return self.cache / f"rows-{self.place}-{os.urandom(6).hex()}"

    def keep(
        self, rows: Path, files: Sequence[ImageFile], layout: Layout, seen: Sequence[Seen | None], notes: list[str]
    ) -> None:
        """Put an array in its place; what is None in `seen` is not in it. Whatever it replaces is removed."""
        array = self.array(files) if all(image is not None for image in seen) else rows
        lines = [json.dumps({"array": array.name, "layout": astuple(layout), "notes": notes})]
        for row, (file, image) in enumerate(zip(files, seen, strict=True)):
            if image is not None:
                lines.append(json.dumps([row, *_key(file), *image]))
        about = self._about(array.stem)
        older = [path for path in self.cache.glob(f"read-{self.place}-*.jsonl") if path != about]
        loose = [path for path in self.cache.glob(f"rows-{self.place}-*") if path not in (rows, array)]
        if array != rows:
            rows.replace(array)
        _write(about, "\n".join(lines))
        for path in older:
            self._remove(path)
        for path in loose:
            path.unlink(missing_ok=True)

    def _remove(self, about: Path) -> None:
        try:
            with about.open(encoding="utf-8") as file:
                array = self.cache / Path(json.loads(file.readline())["array"]).name
            about.unlink()
            array.unlink()
        except (OSError, ValueError, KeyError):  # somebody else has removed it, or has it open: it only takes room
            return

    def _about(self, stem: str) -> Path:
        return self.cache / f"read-{self.place}-{stem.rpartition('-')[2]}.jsonl"

    # --- bad files ---

    def bad(self, files: Sequence[ImageFile]) -> dict[str, str] | None:
        """The bad ones among these files, where they are known, by name."""
        try:
            return dict(json.loads(self._bad(files).read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            return None

    def note_bad(self, files: Sequence[ImageFile], bad: dict[str, str]) -> None:
        """Remember which of these files are bad, for as long as none of them changes."""
        _write(self._bad(files), json.dumps(bad))

    def list_bad(self, bad: dict[str, str]) -> Path:
        """Write down all bad files for people, a line each."""
        path = self.cache / f"bad-files-{self.origin}.txt"
        _write(path, "".join(f"{name!r}\t{words}\n" for name, words in bad.items()))
        return path

    def _bad(self, files: Sequence[ImageFile]) -> Path:
        return self.cache / f"bad-{_digest([self.origin, _keys(files)])}.json"


@contextmanager
def new_array(rows: Path, shape: tuple[int, ...]) -> Iterator[np.memmap]:
    """A new array of bytes on disk, all its room claimed, which is there as `rows` when the block is left.

    Raises InputError where there is not enough room.
    """
    cache = rows.parent
    cache.mkdir(parents=True, exist_ok=True)
    sweep_files(cache)
    free, wanted = shutil.disk_usage(cache).free, int(np.prod(shape))
    if wanted > free:
        raise InputError(
            f"{shape[0]} images of {shape[1]} x {shape[2]} need {wanted / 2**30:.1f} GiB in {cache}, and "
            f"{free / 2**30:.1f} GiB are free; lower --image-size or make room."
        )
    with beside(rows, lasting=False) as file:
        array = np.lib.format.open_memmap(file.name, mode="w+", dtype=np.uint8, shape=shape)
        # A full disk is an error here, and the end of the process in a memory map.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
        yield array
        array.flush()


def copy_rows(kept: Kept, files: Sequence[ImageFile], into: np.ndarray) -> Iterator[tuple[int, Seen]]:
    """Copy what was decoded earlier into its rows; gives these rows and what they are."""
    pairs = [(row, kept.rows[_key(file)]) for row, file in enumerate(files) if _key(file) in kept.rows]
    for start in range(0, len(pairs), _BLOCK):
        rows, sources = map(list, zip(*pairs[start : start + _BLOCK], strict=True))
        into[rows] = kept.array[sources]
    for row, _ in pairs:
        yield row, kept.seen[_key(files[row])]


def known(kept: Kept, file: ImageFile) -> Seen | None:
    """What a file is, where it was decoded earlier and has not changed."""
    return kept.seen.get(_key(file))


def _key(file: ImageFile) -> _Key:
    return file.name, file.size, file.time


def _keys(files: Sequence[ImageFile]) -> list[_Key]:
    return [_key(file) for file in files]


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=16).hexdigest()


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _write(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path, lasting=False) as file:
        file.write(text.encode("utf-8", "surrogateescape"))
