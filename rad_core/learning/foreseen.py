"""What decoding a folder of images would take, measured on some of them: nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from rad_core.learning.dataset import Dataset
from rad_core.learning.decoded import Shelf, known
from rad_core.learning.folder_images import augmentation_of, thread_count
from rad_core.learning.listing import list_folder
from rad_core.learning.pixels import Layout, UnlikeError, decode, look

T = TypeVar("T")
_SAMPLE = 96  # files


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What a folder will be once it is decoded.

    images: how many. shape: (H, W, C) of each, as far as the sample tells. seconds: about how long decoding the rest
    takes, 0 where all is decoded. dataset: the data set with one image in the place of all; None where no image of the
    sample can be read.
    """

    images: int
    shape: tuple[int, int, int]
    seconds: float
    dataset: Dataset | None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.images * int(np.prod(self.shape))


def foresee_folder(folder: Path, cache: Path, image_size: int | None, skip_bad: bool) -> Foreseen:
    """Look at a folder and decode some of its images. Raises InputError where the folder cannot be read as images."""
    listing = list_folder(folder)
    shelf = Shelf(cache, listing.root, image_size)
    if skip_bad and (bad := shelf.bad(listing.files)):
        listing = listing.without(set(bad))
    array = shelf.array(listing.files)
    if shelf.notes(array) is not None:
        shape = np.load(array, mmap_mode="r", allow_pickle=False).shape[1:]
        return Foreseen(len(listing.files), shape, 0.0, None)
    kept = shelf.kept()
    rest = [file for file in listing.files if not file.bad and not (kept and known(kept, file))]
    sample = [rest[at] for at in np.linspace(0, len(rest) - 1, min(_SAMPLE, len(rest))).astype(int)] if rest else []
    paths = [listing.root / file.name for file in sample]
    layout = kept.layout if kept else _layout(paths, image_size)
    if layout is None:
        return Foreseen(len(listing.files), (0, 0, 0), 0.0, None)
    image, seconds = _timed(paths, layout, thread_count(listing.files))
    dataset = None
    if image is not None:
        images = np.broadcast_to(image.reshape(layout.shape), (len(listing.files), *layout.shape))
        name, augment = f"folder:{listing.root.name}", augmentation_of(layout.shape)
        parts = (listing.labels, listing.classes, listing.test_ids, augment, listing.notes, listing.path)
        dataset = Dataset(name, images, *parts)
    return Foreseen(len(listing.files), layout.shape, seconds * len(rest), dataset)


def _layout(paths: Sequence[Path], image_size: int | None) -> Layout | None:
    seen = [image for path in paths if (image := _readable(look, path))]
    return Layout.of(seen, image_size) if seen else None


def _timed(paths: Sequence[Path], layout: Layout, threads: int) -> tuple[np.ndarray | None, float]:
    """One of the images decoded, and the seconds that each takes with so many threads."""

    def read(path: Path) -> np.ndarray | None:
        decoded = _readable(lambda file: decode(file, layout), path)
        return None if decoded is None else decoded[0]

    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        images = [image for image in pool.map(read, paths) if image is not None]
        taken = time.perf_counter() - start
    return (images[0] if images else None), taken / max(1, len(paths))


def _readable(read: Callable[[Path], T], path: Path) -> T | None:
    try:
        return read(path)
    except UnlikeError:  # of a kind that the sample's layout does not show: it is decoded otherwise then
        return None
    except Exception:  # a bad file, which decoding names: Pillow's readers of damaged files raise what comes
        return None
