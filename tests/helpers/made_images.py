"""Folders of images and files of arrays that tests make, as other people's look."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from rad_core.learning.data import Dataset, load_dataset


def write_image(
    path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0, **options: object
) -> None:
    """One image of random pixels, as its ending says. size: width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)  # type: ignore[arg-type]


def write_classes(folder: Path, classes: Iterable[str] = ("cat", "dog"), count: int = 4, **options: object) -> Path:
    """A folder with a folder of images for each class."""
    for number, name in enumerate(classes):
        for image in range(count):
            write_image(folder / name / f"{image}.png", seed=100 * number + image, **options)  # type: ignore[arg-type]
    return folder


def load_folder(folder: Path, **more: object) -> Dataset:
    """The data set in a folder, its decoded images kept beside it."""
    return load_dataset(f"folder:{folder}", data_dir=folder.parent / "data", **more)  # type: ignore[arg-type]


def load_arrays(path: Path) -> Dataset:
    """The data set in a file of arrays."""
    return load_dataset(f"arrays:{path}", data_dir=path.parent / "data")
