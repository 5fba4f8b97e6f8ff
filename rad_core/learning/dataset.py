"""What a data set is, how large it is, and how it is split; no reader of any format is in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

AUGMENTATION_NAMES = ("none", "shift", "crop_flip")
Progress = Callable[[int, int], None]  # (done, total)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, or features, and labels of one data set, training and test rows together.

    images: (M, H, W, C) uint8, C 1 or 3, possibly a memory map; features: (M, 1, 1, D) float32. labels: (M,) int64.
    test_ids: the data set's own test rows, or None. augment: the augmentation that suits it, a name of AUGMENTATIONS.
    notes: what the reader did to the data and what it left out, a sentence each. path: where the file of a row lies,
    of images that are files.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    test_ids: np.ndarray | None = None
    augment: str = "none"
    notes: tuple[str, ...] = ()
    path: Callable[[int], Path] | None = None

    @property
    def has_images(self) -> bool:
        """Whether its rows are images; else they are features."""
        return self.images.dtype == np.uint8


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint dataset ids, sorted: the labeled set A, the validation set V, the pool B and the test set T.

    private: what the teacher alone learns from besides A; empty in the paper's setting.
    """

    labeled: np.ndarray
    validation: np.ndarray
    pool: np.ndarray
    test: np.ndarray
    private: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class Extent:
    """How much there is of a data set. images: those to split; test: its own test images, or None; classes: C.

    unit: what one counts, where it is no images.
    """

    images: int
    test: int | None
    classes: int
    unit: str = "images"


@dataclass(frozen=True)
class Reading:
    """How to read a data set.

    data_dir: where downloads and decoded images are kept. image_size: side in pixels of the square that the images of
    a folder are resized to. skip_bad: leave out files that are no readable images instead of refusing the folder.
    """

    data_dir: Path
    image_size: int | None = None
    skip_bad: bool = False
    progress: Progress | None = None
