"""A folder of images as one array: decoded in parallel once, then opened as a memory map."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.bad_files import describe, needs_record, tell_all
from rad_core.learning.dataset import Dataset, Extent, Progress
from rad_core.learning.decoded import Kept, Shelf, known
from rad_core.learning.growing import Growing, open_growing
from rad_core.learning.listing import Listing, list_folder
from rad_core.learning.pixels import Layout, Seen, UnlikeError, decode, look, pixel_notes
from rad_core.learning.tree import ImageFile, glance_into, look_into

T = TypeVar("T")
_SMALL_FILE = 3000  # bytes on average: below that a second thread waits for the interpreter and makes it slower
CHANGING = "The files in {} change while they are read; try again when that is over."
_PART = 64  # files per task of a thread: handing over every small file by itself would cost more than decoding it


def load_folder(
    folder: Path, cache: Path, image_size: int | None, progress: Progress | None = None, skip_bad: bool = False
) -> Dataset:
    """Read PATH/<class>/* or PATH/train|val|test/<class>/* as a data set.

    Images are resized to squares of image_size pixels; without it they keep their size where all agree on one of at
    most 64 pixels, and become 64 x 64 otherwise. Gray images stay gray where all are. Files that are links out of the
    folder are refused, and files that are no readable images, all at once, unless skip_bad leaves them out. The
    decoded array is kept in the cache, under a key of all names, sizes and times.
    """
    listing = list_folder(folder)
    try:
        try:
            return _load(listing, cache, image_size, progress, skip_bad)
        except FileNotFoundError:  # the folder has just changed, and another process has put a newer array in place
            return _load(list_folder(folder), cache, image_size, progress, skip_bad)
    except OSError as error:
        raise InputError(
            f"Decoded images cannot be kept in {cache} ({error.strerror or error}); make room there, or name "
            "another data folder in RAD_DATA."
        ) from error


def measure_folder(folder: Path, cache: Path, skip_bad: bool) -> Extent:
    """How many images and classes a folder holds, without opening any; bad ones count unless they are known."""
    listing = list_folder(folder, look_into if skip_bad else glance_into)
    if skip_bad and (bad := Shelf(cache, listing.root, None).bad(listing.files)):
        listing = listing.without(set(bad))
    split = len(listing.files) if listing.test_from is None else listing.test_from
    return Extent(split, None if listing.test_from is None else len(listing.files) - split, len(listing.classes))


def _load(listing: Listing, cache: Path, image_size: int | None, progress: Progress | None, skip_bad: bool) -> Dataset:
    shelf = Shelf(cache, listing.root, image_size)
    bad = shelf.bad(listing.files)
    notes = () if bad else _decoded(shelf, listing, image_size, progress)
    if isinstance(notes, _Bad):
        bad = notes.words
        if notes.lasting:
            shelf.note_bad(listing.files, bad)
    if bad:
        record = shelf.list_bad(bad) if needs_record(bad) else None
        sentence = tell_all(bad, len(listing.files), listing.root, record)
        if not skip_bad:
            raise InputError(f"{sentence}; repair or remove them, or leave them out (--skip-bad).")
        listing = listing.without(set(bad))
        notes = _decoded(shelf, listing, image_size, progress)
        if isinstance(notes, _Bad):
            raise InputError(CHANGING.format(listing.root))
        notes = (f"Left out, for they are no readable images (--skip-bad): {sentence}.", *notes)
    images = np.load(shelf.array(listing.files), mmap_mode="r", allow_pickle=False)
    augment = augmentation_of(images.shape[1:])
    name = f"folder:{listing.root.name}"
    assert not isinstance(notes, _Bad)
    told = (*listing.notes, *notes)
    return Dataset(name, images, listing.labels, listing.classes, listing.test_ids, augment, told, listing.path)


def thread_count(files: Sequence[ImageFile]) -> int:
    """How many threads decode these files fastest."""
    mean_size = sum(file.size for file in files) / len(files)
    return (os.cpu_count() or 1) if mean_size > _SMALL_FILE else 1


def augmentation_of(shape: tuple[int, ...]) -> str:
    """The augmentation that suits images of this shape (H, W, C)."""
    return "crop_flip" if shape[2] == 3 else "shift"


@dataclass(frozen=True)
class _Bad:
    """The bad files by name, what is wrong with each, and whether that lasts until one of them changes."""

    words: dict[str, str]
    lasting: bool


def _decoded(
    shelf: Shelf, listing: Listing, image_size: int | None, progress: Progress | None
) -> tuple[str, ...] | _Bad:
    """See to it that all files of a listing are in one array; what was done to them, or those that are bad."""
    files = listing.files
    notes = shelf.notes(shelf.array(files))
    if notes is not None:
        return notes
    with ThreadPoolExecutor(thread_count(files)) as pool:
        return _Work(shelf, listing.root, files, image_size, pool, progress).run()


@dataclass
class _Work:
    """Decoding the files of a folder, those that were not decoded before."""

    shelf: Shelf
    root: Path
    files: Sequence[ImageFile]
    image_size: int | None
    pool: ThreadPoolExecutor
    progress: Progress | None
    bad: dict[int, tuple[str, bool]] = field(default_factory=dict)  # by row: words, whether they last

    def run(self) -> tuple[str, ...] | _Bad:
        """Decode as the first image suggests; where a later one differs, look at all and begin again."""
        self.bad = {row: (file.bad, True) for row, file in enumerate(self.files) if file.bad}
        kept = self.shelf.kept()
        layout = self._layout(kept) if kept else self._first_layout()
        while layout is not None:
            try:
                return self._decode(layout, kept)
            except UnlikeError:
                tried, layout = layout, self._layout(kept)
                if layout == tried:
                    raise InputError(CHANGING.format(self.root)) from None
        return self._told()

    def _told(self) -> _Bad:
        words = {self.files[row].name: words for row, (words, _) in sorted(self.bad.items())}
        return _Bad(words, all(lasting for _, lasting in self.bad.values()))

    # --- the layout ---

    def _first_layout(self) -> Layout | None:
        """The layout that the first readable image suggests, or None where there is none."""
        for row in range(len(self.files)):
            if row not in self.bad and (seen := self._look(row, None)):
                return Layout.of([seen], self.image_size)
        return None

    def _layout(self, kept: Kept | None) -> Layout | None:
        """The layout that suits all images."""
        rows = [row for row in range(len(self.files)) if row not in self.bad]
        seen = [image for image in self.pool.map(lambda row: self._look(row, kept), rows) if image]
        return Layout.of(seen, self.image_size) if seen else None

    def _look(self, row: int, kept: Kept | None) -> Seen | None:
        if kept and (seen := known(kept, self.files[row])):
            return seen
        return self._try(row, look)

    # --- the pixels ---

    def _decode(self, layout: Layout, kept: Kept | None) -> tuple[str, ...] | _Bad:
        with open_growing(self.shelf, self.files, layout, kept) as growing:
            try:
                self._decode_rows([row for row, image in enumerate(growing.seen) if image is None], layout, growing)
            except UnlikeError:
                growing.discard()
                raise
            except BaseException:  # what is decoded is kept, whatever ends it
                growing.enter()
                raise
            growing.enter()
        if self.bad:
            return self._told()
        seen = [image for image in growing.seen if image is not None]
        notes = pixel_notes(seen, layout)
        self.shelf.keep(growing.path, self.files, layout, seen, notes)
        return tuple(notes)

    def _decode_rows(self, rows: list[int], layout: Layout, growing: Growing) -> None:
        rows = [row for row in rows if row not in self.bad]
        parts = [rows[start : start + _PART] for start in range(0, len(rows), _PART)]
        work = partial(self._decode_part, layout=layout, growing=growing)
        for done, _ in enumerate(self.pool.map(work, parts), start=1):
            growing.enter(due=True)
            if self.progress is not None and (done % 32 == 0 or done == len(parts)):
                self.progress(min(done * _PART, len(rows)), len(rows))

    def _decode_part(self, rows: list[int], layout: Layout, growing: Growing) -> None:
        """Decode some files and write them into their rows."""
        images, seen = np.zeros((len(rows), *layout.shape), np.uint8), list[Seen | None]([None] * len(rows))
        for number, row in enumerate(rows):
            decoded = self._try(row, lambda file: decode(file, layout))
            if decoded is not None:
                images[number] = decoded[0].reshape(layout.shape)
                seen[number] = decoded[1]
        growing.write(rows, images, seen)

    def _try(self, row: int, read: Callable[[Path], T]) -> T | None:
        """Read one file; one that cannot be read is noted as bad."""
        path = self.root / self.files[row].name
        try:
            return read(path)
        except UnlikeError:
            raise
        except MemoryError as error:
            raise InputError(f"{path} does not fit into memory; make it smaller or remove it.") from error
        except Exception as error:  # Pillow's readers of damaged files raise what comes: OSError, SyntaxError, ...
            self.bad[row] = describe(path, error)
            return None
