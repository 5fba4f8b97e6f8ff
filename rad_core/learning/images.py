"""A folder of images as one array: decoded in parallel once, then opened as a memory map."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.data import Dataset

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_DEEP_GRAY = ("I;16", "I;16L", "I;16B", "I")  # Pillow's modes of more than 8 bits
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
    listing = []
    for file in files:
        about = file.stat()
        listing.append((str(file.relative_to(folder)), about.st_size, about.st_mtime_ns))
    key = hashlib.blake2b(json.dumps([str(folder), image_size, listing]).encode(), digest_size=16).hexdigest()
    entry = cache / f"folder-{key}.npy"
    if not entry.is_file():
        try:
            _decode_all(files, image_size, entry, progress)
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


def _decode_all(
    files: list[Path], image_size: int | None, entry: Path, progress: Callable[[int, int], None] | None
) -> None:
    starts = range(0, len(files), _PART)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        heads = [head for part in pool.map(lambda at: _heads(files[at : at + _PART]), starts) for head in part]
        gray = all(is_gray for _, is_gray in heads)
        sizes = {size for size, _ in heads}
        side = image_size
        if side is None and not (len(sizes) == 1 and max(next(iter(sizes))) <= _COMMON_SIZE):
            side = _COMMON_SIZE
        height, width = (side, side) if side is not None else next(iter(sizes))
        shape = (len(files), height, width, 1 if gray else 3)
        entry.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(entry.parent).free
        if int(np.prod(shape)) > free:
            raise InputError(
                f"{len(files)} images of {height} x {width} need {np.prod(shape) / 2**30:.1f} GiB in {entry.parent}, "
                f"and {free / 2**30:.1f} GiB are free; lower --image-size or make room."
            )
        handle, temporary = tempfile.mkstemp(dir=entry.parent, suffix=".partial")
        os.close(handle)
        try:
            images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
            _reserve(temporary)
            decode = partial(_decode_part, files=files, gray=gray, images=images)
            for done, _ in enumerate(pool.map(decode, starts), start=1):
                if progress is not None and (done % 32 == 0 or done == len(starts)):
                    progress(min(done * _PART, len(files)), len(files))
            images.flush()
            del images
            Path(temporary).replace(entry)
        finally:
            Path(temporary).unlink(missing_ok=True)


def _reserve(path: str) -> None:
    """Claim the disk blocks of a file: a full disk is an error here, and the end of the process in a memory map."""
    if hasattr(os, "posix_fallocate"):
        with Path(path).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)


def _heads(files: list[Path]) -> list[tuple[tuple[int, int], bool]]:
    return [_head(file) for file in files]


def _head(file: Path) -> tuple[tuple[int, int], bool]:
    """Height and width of an image, and whether it is gray."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            return (image.height, image.width), image.mode in ("1", "L", "LA") or image.mode in _DEEP_GRAY
    except Exception as error:  # Pillow's readers of damaged files raise what comes: OSError, SyntaxError, struct.error
        raise InputError(f"{file} is not a readable image ({error}); repair or remove it.") from error


def _decode_part(start: int, files: list[Path], gray: bool, images: np.ndarray) -> None:
    """Decode some files, from one on, into their rows of an (n, height, width, 1 or 3) array."""
    for row, file in enumerate(files[start : start + _PART], start):
        pixels = _decode(file, gray, images.shape[1:3])
        images[row] = pixels[..., None] if gray else pixels


def _decode(file: Path, gray: bool, size: tuple[int, ...]) -> np.ndarray:
    """An image as (height, width) or (height, width, 3) bytes."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            pixels = _to_bytes(image).convert("L" if gray else "RGB")
            if (pixels.height, pixels.width) != size:
                pixels = pixels.resize((size[1], size[0]), Image.Resampling.BILINEAR)
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
