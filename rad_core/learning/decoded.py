"""Decoded images on disk: an array per folder, and beside it what it was made of, so that nothing is decoded twice.

A file of an array is called `folder-KEY.npy` once every image of a listing is in it. While it is decoded, and where a
bad file or a kill stopped that, it is called `rows-...`. Either has a `read-PLACE-...` beside it, which names the files
in it; without that nobody looks at it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from rad_core.learning.pixels import Layout, Seen
from rad_core.learning.tree import ImageFile
from rad_core.partials import beside

_FORMAT = 2  # of what decoding makes of an image; another number, and everything is decoded anew
_Key = tuple[str, int, int]  # name, size and time of a file


@dataclass(frozen=True, eq=False)
class Kept:
    """Images decoded earlier. rows: where each file lies in the array. unfinished: more may be written into it."""

    path: Path
    array: np.ndarray
    unfinished: bool
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
            with self.record_of(array).open(encoding="utf-8") as file:
                return tuple(json.loads(file.readline())["notes"]) if array.is_file() else None
        except (FileNotFoundError, ValueError, KeyError):  # not there, or not whole: decoded again
            return None

    def kept(self) -> Kept | None:
        """What was decoded last of this folder, whole or not."""
        for about in sorted(self.cache.glob(f"read-{self.place}-*.jsonl"), key=_time, reverse=True):
            try:
                head, *lines = about.read_text("utf-8").split("\n")
                facts = json.loads(head)
                unfinished = "notes" not in facts
                lines = lines[:-1] if unfinished else lines  # the last one may have been cut off by a kill
                path = self.cache / facts["array"]
                array = np.load(path, mmap_mode="r", allow_pickle=False)
                layout, seen, rows = Layout(*facts["layout"]), {}, {}
                for line in lines:
                    row, name, size, time, *rest = json.loads(line)
                    rows[name, size, time], seen[name, size, time] = row, Seen(*rest)
            except (OSError, ValueError, KeyError, TypeError):  # not whole: decoded again
                continue
            if array.shape[1:] == layout.shape and max(rows.values(), default=-1) < len(array):
                return Kept(path, array, unfinished, layout, seen, rows)
        return None

    def rows(self) -> Path:
        """Where an array is while nobody knows yet whether it will be whole."""
        return self.cache / f"rows-{self.place}-{os.urandom(6).hex()}"

    def begin(self, rows: Path, layout: Layout, lines: Sequence[str]) -> Path:
        """The record of an array that grows, with these lines; it replaces an earlier one at once."""
        about = self.record_of(rows)
        _write(about, "".join([json.dumps({"array": rows.name, "layout": astuple(layout)}), "\n", *lines]))
        return about

    def keep(
        self, rows: Path, files: Sequence[ImageFile], layout: Layout, seen: Sequence[Seen], notes: list[str]
    ) -> None:
        """Put an array that is whole in its place. Whatever it replaces is removed."""
        array = self.array(files)
        head = json.dumps({"array": array.name, "layout": astuple(layout), "notes": notes})
        lines = [line_of(row, file, image) for row, (file, image) in enumerate(zip(files, seen, strict=True))]
        about = self.record_of(array)
        older = [path for path in self.cache.glob(f"read-{self.place}-*.jsonl") if path != about]
        loose = [path for path in self.cache.glob(f"rows-{self.place}-*") if path != rows]
        _write(about, "\n".join([head, *lines]))
        rows.replace(array)
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

    def record_of(self, array: Path) -> Path:
        """Where it is written down what is in an array."""
        return self.cache / f"read-{self.place}-{array.stem.rpartition('-')[2]}.jsonl"

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


def known(kept: Kept, file: ImageFile) -> Seen | None:
    """What a file is, where it was decoded earlier and has not changed."""
    return kept.seen.get(key_of(file))


def key_of(file: ImageFile) -> _Key:
    """By what a file is known again, as long as it does not change."""
    return file.name, file.size, file.time


def line_of(row: int, file: ImageFile, seen: Seen | None) -> str:
    """What is written down of a row."""
    assert seen is not None
    return json.dumps([row, *key_of(file), *seen])


def _keys(files: Sequence[ImageFile]) -> list[_Key]:
    return [key_of(file) for file in files]


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
