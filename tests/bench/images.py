"""Decoding a folder of small images, and opening it again.

The images are those of the folder that RAD_TEST_IMAGES names (a folder per class), else digits as JPEG files.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rad_core.learning.folder_images import load_folder
from tests.bench.measure import medians
from tests.bench.rows import Row, missing


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds for all files, read from disk included."""
    with TemporaryDirectory() as temporary:
        folder, cache = Path(temporary) / "images", Path(temporary) / "cache"
        files = _collect(folder, 60 if quick else 10_000)
        yield from _decoding(folder, cache, files, 1 if quick else 3)
        yield from _again(folder, cache)


def _decoding(folder: Path, cache: Path, files: list[Path], repeats: int) -> Iterator[Row]:
    def ours() -> np.ndarray:
        shutil.rmtree(cache, ignore_errors=True)
        return np.array(load_folder(folder, cache, None).images)

    gray = ours().shape[3] == 1
    peers = {"a loop over Pillow": lambda: pillow(files, gray), "torchvision": lambda: torchvision_batch(files, gray)}
    absent = missing("decoding, against simplejpeg", "simplejpeg")
    if absent is None:
        peers["simplejpeg"] = lambda: simplejpeg_loop(files, gray)
    taken = medians({"ours": ours, **peers}, repeats)
    decoded = ours()
    height, width = decoded.shape[1:3]
    what = f"{len(files):,} JPEG files of {height} x {width}"
    for name in peers:
        yield Row(f"{what}, decoded", taken["ours"], "s", taken[name], name)
    if absent is not None:
        yield absent
    wrong = float(np.count_nonzero(decoded != pillow(files, gray)))
    yield Row(f"{what}, pixels that differ from Pillow's", wrong, "", 0.0, "none", "difference", at_most=0)


def _again(folder: Path, cache: Path) -> Iterator[Row]:
    array = next(cache.glob("*.npy"))
    taken = medians(
        {"array": lambda: np.load(array, mmap_mode="r"), "folder": lambda: load_folder(folder, cache, None)},
        repeats=5,
        clock=time.perf_counter,
    )
    yield Row("the decoded array, opened again", taken["array"], "s", 0.001, "one millisecond", at_most=1)
    yield Row(
        "the same folder, named again", taken["folder"], "s", taken["array"], "the array; every file's date counts"
    )


def pillow(files: list[Path], gray: bool) -> np.ndarray:
    """Every file opened, converted and copied by Pillow."""
    from PIL import Image

    decoded = []
    for file in files:
        with Image.open(file) as image:
            decoded.append(np.asarray(image.convert("L" if gray else "RGB")))
    return _stacked(decoded, gray)


def torchvision_batch(files: list[Path], gray: bool) -> np.ndarray:
    """Lists of files handed to torchvision's decoder."""
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg

    mode, decoded = ImageReadMode.GRAY if gray else ImageReadMode.RGB, []
    for start in range(0, len(files), 512):
        read = [torch.from_numpy(np.fromfile(file, np.uint8)) for file in files[start : start + 512]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of this decoder, since torchvision 0.29
            decoded += [image.permute(1, 2, 0).numpy() for image in decode_jpeg(read, mode)]
    return np.stack(decoded)


def simplejpeg_loop(files: list[Path], gray: bool) -> np.ndarray:
    """Every file decoded by simplejpeg at full quality."""
    import simplejpeg

    space = "GRAY" if gray else "RGB"
    return np.stack(
        [simplejpeg.decode_jpeg(file.read_bytes(), space, fastdct=False, fastupsample=False) for file in files]
    )


def _stacked(decoded: list[np.ndarray], gray: bool) -> np.ndarray:
    return np.stack(decoded)[..., None] if gray else np.stack(decoded)


def _collect(folder: Path, count: int) -> list[Path]:
    """Copies of so many images in a folder per class, in the order in which they are read."""
    source = os.environ.get("RAD_TEST_IMAGES")
    if source is None:
        _write_digits(folder, count)
    else:
        root = Path(source) / "train" if (Path(source) / "train").is_dir() else Path(source)
        classes = sorted(child for child in root.iterdir() if child.is_dir())
        for child in classes:
            (folder / child.name).mkdir(parents=True)
            for file in sorted(child.glob("*.jp*g"))[: count // len(classes)]:
                shutil.copy(file, folder / child.name / file.name)
    return [file for child in sorted(folder.iterdir()) for file in sorted(child.iterdir())]


def _write_digits(folder: Path, count: int) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number in range(count):
        row = number % len(digits.target)
        pixels = Image.fromarray((digits.images[row] * 15).astype(np.uint8)).resize((32, 32), Image.Resampling.BICUBIC)
        place = folder / str(digits.target[row]) / f"{number:05d}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.merge("RGB", (pixels, pixels.rotate(90), pixels.rotate(180))).save(place, quality=95)
