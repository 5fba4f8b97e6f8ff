"""A folder of images as one array: decoded in parallel once, then opened as a memory map."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.data import Dataset
from rad_core.partials import ENDING, beside, sweep

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_DEEP_GRAY = ("I;16", "I;16L", "I;16B", "I")  # Pillow's modes of more than 8 bits
_SMALL_FILE = 3000  # bytes on average: below that a second thread waits for the interpreter and makes it slower
_PART = 64  # files per task of a thread: handing over every small file by itself would cost more than decoding it
_COMMON_SIZE = 64  # pixels: images that agree on a size up to this keep it; others are resized to this square


def load_folder(
    folder: Path, cache: Path, image_size: int | None, progress: Callable[[int, int], None] | None = None
) -> Dataset:
    """Read PATH/<class>/* or PATH/train|test/<class>/* as a data set.

    Images are resized to squares of image_size pixels; without it they keep their size where all agree on one of at
    most 64 pixels, and become 64 x 64 otherwise. Gray images stay gray where all are. Files that are links out of the
    folder are refused. The decoded array is kept in the cache, under a key of all names, sizes and times.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; --dataset folder:PATH needs one with a folder per class.")
    files, labels, classes, test_from = _list(folder)
    listing: list[tuple[str, int, int]] = []
    for file in files:
        about = file.stat()
        listing.append((str(file.relative_to(folder)), about.st_size, about.st_mtime_ns))
    key = hashlib.blake2b(json.dumps([str(folder), image_size, listing]).encode(), digest_size=16).hexdigest()
    entry = cache / f"folder-{key}.npy"
    if not entry.is_file():
        try:
            mean_size = sum(size for _, size, _ in listing) / len(listing)
            with ThreadPoolExecutor(os.cpu_count() if mean_size > _SMALL_FILE else 1) as pool:
                _decode_all(files, image_size, entry, pool, progress)
        except OSError as error:
            raise InputError(
                f"Decoded images cannot be kept in {cache} ({error.strerror or error}); make room there, or name "
                "another data folder in RAD_DATA."
            ) from error
    images = np.load(entry, mmap_mode="r", allow_pickle=False)
    test_ids = np.arange(test_from, len(files)) if test_from is not None else None
    augment = "crop_flip" if images.shape[3] == 3 else "shift"
    return Dataset(f"folder:{folder.name}", images, labels, classes, test_ids, augment)


def _list(folder: Path) -> tuple[list[Path], np.ndarray, tuple[str, ...], int | None]:
    parts = [folder / "train", folder / "test"] if (folder / "train").is_dir() else [folder]
    parts = [part for part in parts if part.is_dir()]
    classes = tuple(sorted(child.name for child in parts[0].iterdir() if child.is_dir() and child.name[0] != "."))
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "none"
        raise InputError(f"{parts[0]} must hold a folder of images for each of two or more classes; it has {found}.")
    files: list[Path] = []
    labels: list[int] = []
    test_from = None
    for part in parts:
        if part.name == "test" and part != folder:
            test_from = len(files)
            strangers = {child.name for child in part.iterdir() if child.is_dir() and child.name[0] != "."}
            strangers -= set(classes)
            if strangers:
                raise InputError(f"{part} has the class {min(strangers)!r}, which {parts[0]} has not.")
        for number, name in enumerate(classes):
            found_here = _images(part / name, folder)
            files += found_here
            labels += [number] * len(found_here)
    return files, np.array(labels, np.int64), classes, test_from


def _images(folder: Path, root: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"The class folder {folder} is missing; every class needs one in train and in test.")
    found = sorted(child for child in folder.iterdir() if child.suffix.lower() in SUFFIXES and child.name[0] != ".")
    if not found:
        raise InputError(
            f"The class folder {folder} holds no images ({', '.join(sorted(SUFFIXES))}); fill or remove it."
        )
    leads_out = not folder.resolve().is_relative_to(root)
    for file in found:
        if leads_out or (file.is_symlink() and not file.resolve().is_relative_to(root)):
            raise InputError(f"{file} leads to a place outside {root} by a link; copy the images instead.")
    return found


class _UnlikeError(Exception):
    """An image does not have the size or color that the first one let expect."""


@dataclass(frozen=True)
class _Layout:
    """What the images of a folder become."""

    height: int
    width: int
    gray: bool
    resized: bool  # to this size; else all have it

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, 1 if self.gray else 3

    def check(self, image: Image.Image) -> None:
        """An image that this layout would distort is an error."""
        if (self.gray and not _is_gray(image)) or (
            not self.resized and (image.height, image.width) != (self.height, self.width)
        ):
            raise _UnlikeError


def _decode_all(
    files: list[Path],
    image_size: int | None,
    entry: Path,
    pool: ThreadPoolExecutor,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Decode as the first image suggests; where a later one differs, look at all and begin again."""
    try:
        _decode_as(_layout([_head(files[0])], image_size), files, entry, pool, progress)
    except _UnlikeError:
        _decode_as(_layout(pool.map(_head, files), image_size), files, entry, pool, progress)


def _layout(heads: Iterable[tuple[tuple[int, int], bool]], image_size: int | None) -> _Layout:
    heads = list(heads)
    gray, sizes = all(is_gray for _, is_gray in heads), {size for size, _ in heads}
    if image_size is None and len(sizes) == 1 and max(height_width := sizes.pop()) <= _COMMON_SIZE:
        return _Layout(*height_width, gray, resized=False)
    side = _COMMON_SIZE if image_size is None else image_size
    return _Layout(side, side, gray, resized=True)


def _decode_as(
    layout: _Layout,
    files: list[Path],
    entry: Path,
    pool: ThreadPoolExecutor,
    progress: Callable[[int, int], None] | None,
) -> None:
    starts, shape = range(0, len(files), _PART), (len(files), *layout.shape)
    entry.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(entry.parent).free
    if int(np.prod(shape)) > free:
        raise InputError(
            f"{len(files)} images of {layout.height} x {layout.width} need {np.prod(shape) / 2**30:.1f} GiB in "
            f"{entry.parent}, and {free / 2**30:.1f} GiB are free; lower --image-size or make room."
        )
    sweep(entry.parent.glob(f"*{ENDING}"))
    with beside(entry, lasting=False) as file:
        images = np.lib.format.open_memmap(file.name, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(file.name)
        decode = partial(_decode_part, files=files, layout=layout, images=images)
        for done, _ in enumerate(pool.map(decode, starts), start=1):
            if progress is not None and (done % 32 == 0 or done == len(starts)):
                progress(min(done * _PART, len(files)), len(files))
        images.flush()
        del images


def _reserve(path: str) -> None:
    """Claim the disk blocks of a file: a full disk is an error here, and the end of the process in a memory map."""
    if hasattr(os, "posix_fallocate"):
        with Path(path).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)


def _head(file: Path) -> tuple[tuple[int, int], bool]:
    """Height and width of an image, and whether it is gray."""
    with _open(file) as image:
        return (image.height, image.width), _is_gray(image)


def _is_gray(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA") or image.mode in _DEEP_GRAY


def _open(file: Path) -> Image.Image:
    from PIL import Image

    try:
        return Image.open(file)
    except Exception as error:  # Pillow's readers of damaged files raise what comes: OSError, SyntaxError, struct.error
        raise InputError(f"{file} is not a readable image ({error}); repair or remove it.") from error


def _decode_part(start: int, files: list[Path], layout: _Layout, images: np.ndarray) -> None:
    """Decode some files, from one on, into their rows of an (n, height, width, 1 or 3) array."""
    for row, file in enumerate(files[start : start + _PART], start):
        images[row] = _decode(file, layout).reshape(layout.shape)


def _decode(file: Path, layout: _Layout) -> np.ndarray:
    """An image as (height, width) or (height, width, 3) bytes."""
    from PIL import Image

    with _open(file) as image:
        layout.check(image)
        try:
            pixels = _to_bytes(image).convert("L" if layout.gray else "RGB")
            if layout.resized:
                pixels = pixels.resize((layout.width, layout.height), Image.Resampling.BILINEAR)
            return np.asarray(pixels)
        except Exception as error:
            raise InputError(f"{file} is damaged ({error}); repair or remove it.") from error


def _to_bytes(image: Image.Image) -> Image.Image:
    """An image of 16 bits in 8; Pillow's own conversion would cut every value above 255 down to white."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating numbers; 8 or 16 bits are wanted")
    if image.mode not in _DEEP_GRAY:
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its pixels have more than 16 bits; 8 or 16 are wanted")
    return Image.fromarray(np.round(values / 257).astype(np.uint8))
