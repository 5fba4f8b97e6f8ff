"""Data sets as arrays, and their split into labeled set A, validation set V, pool B and test set T.

A data set is written NAME or NAME:ARGUMENT. Adding one is a function and a line in DATASETS, which also holds the sizes
that suit it: small enough a labeled set that the teacher trained on it is visibly imperfect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.dataset import Dataset, Extent, Progress, Reading, Split
from rad_core.learning.published import load_published
from rad_core.learning.splitting import make_split, suit

if TYPE_CHECKING:
    from rad_core.learning.foreseen import Foreseen

__all__ = ["DATASETS", "Dataset", "Extent", "Progress", "Reading", "Split", "load_dataset", "make_split", "parse_spec"]


@dataclass(frozen=True)
class DatasetSpec:
    """How to load a data set, and the study settings that suit it.

    measure: how much a data set of one's own holds, for settings that are shares of it; None where that is known.
    foresee: what decoding it takes; None where nothing is decoded.
    """

    load: Callable[[str, Reading], Dataset]
    description: str
    argument: str = ""  # what stands after the colon, for people
    defaults: dict[str, Any] = field(default_factory=dict)
    measure: Callable[[str, Reading], Extent] | None = None
    foresee: Callable[[str, Reading], Foreseen] | None = None
    title: str = ""  # what people call it; of data of one's own, what stands before the file's or folder's name
    credit: str = ""  # whose images they are, and under which licence they may be shown


def _digits(argument: str, how: Reading) -> Dataset:
    """1,797 real 8 x 8 images of handwritten digits, shipped with scikit-learn."""
    # The file alone: importing scikit-learn takes every process longer than all that it does with so small a data set.
    place = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(place), delimiter=",")  # (1797, 65), gray levels of 0 to 16 and the digit
    images = np.round(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    return Dataset("digits", images, table[:, -1].astype(np.int64), tuple("0123456789"))


def _folder(argument: str, how: Reading) -> Dataset:
    """A folder of images: PATH/<class>/* or PATH/train|val|test/<class>/*."""
    from rad_core.learning.folder_images import load_folder

    return load_folder(Path(argument), how.data_dir / "cache", how.image_size, how.progress, how.skip_bad)


def _measure_folder(argument: str, how: Reading) -> Extent:
    from rad_core.learning.folder_images import measure_folder

    return measure_folder(Path(argument), how.data_dir / "cache", how.skip_bad)


def _foresee_folder(argument: str, how: Reading) -> Foreseen:
    from rad_core.learning.foreseen import foresee_folder

    return foresee_folder(Path(argument), how.data_dir / "cache", how.image_size, how.skip_bad)


def _arrays(argument: str, how: Reading) -> Dataset:
    """Images and labels in an .npz file, optionally those for validation and test."""
    from rad_core.learning.array_file import load_arrays

    return load_arrays(Path(argument).expanduser())


def _measure_arrays(argument: str, how: Reading) -> Extent:
    from rad_core.learning.array_file import measure_arrays

    return measure_arrays(Path(argument).expanduser())


def _features(argument: str, how: Reading) -> Dataset:
    """Features and labels in an .npz file or a table."""
    from rad_core.learning.feature_file import load_features

    return load_features(Path(argument).expanduser())


def _measure_features(argument: str, how: Reading) -> Extent:
    from rad_core.learning.feature_file import measure_features

    return measure_features(Path(argument).expanduser())


# Sizes for which a teacher trained on the labeled set is right on 60 to 80 % of the pool.
_SMALL_GRAY = {
    "labeled": 100,
    "validation": 500,
    "pool": 20_000,
    "test": None,
    "rounds": 5,
    "budget": 500,
    "image_size": None,
}
_TRAINING = {"teacher": "cnn", "student": "cnn", "teacher_steps": 1000, "student_steps": 1000}
_COLOR = {
    "labeled": 2000,
    "validation": 1000,
    "pool": 40_000,
    "test": None,
    "rounds": 5,
    "budget": 1000,
    "image_size": None,
    "teacher": "resnet20",
    "student": "resnet8",
    "teacher_steps": 3000,
    "student_steps": 3000,
}

DATASETS: dict[str, DatasetSpec] = {
    "digits": DatasetSpec(
        _digits,
        "1,797 handwritten digits of 8 x 8 pixels, shipped with scikit-learn",
        title="Digits",
        defaults={
            "labeled": 20,
            "validation": 100,
            "pool": None,
            "test": 360,
            "rounds": 5,
            "budget": 40,
            "image_size": None,
            "teacher": "mlp",
            "student": "cnn_tiny",
            "teacher_steps": 200,
            "student_steps": 400,
        },
    ),
    "cifar10": DatasetSpec(
        partial(load_published, "cifar10"), "60,000 color photographs, 10 classes", title="CIFAR-10", defaults=_COLOR
    ),
    "cifar100": DatasetSpec(
        partial(load_published, "cifar100"),
        "60,000 color photographs, 100 classes",
        title="CIFAR-100",
        defaults=_COLOR | {"labeled": 10_000, "validation": 2000, "pool": 35_000, "budget": 2000},
    ),
    "svhn": DatasetSpec(
        partial(load_published, "svhn"),
        "99,289 house-number digits, in color",
        title="SVHN",
        defaults=_COLOR | {"labeled": 1000, "pool": 50_000},
    ),
    "fashion_mnist": DatasetSpec(
        partial(load_published, "fashion_mnist"),
        "70,000 gray pictures of clothes, 10 classes",
        title="Fashion-MNIST",
        credit="Fashion-MNIST by Zalando Research, MIT licence",
        defaults=_SMALL_GRAY | _TRAINING,
    ),
    "mnist": DatasetSpec(
        partial(load_published, "mnist"),
        "70,000 handwritten digits of 28 x 28 pixels",
        title="MNIST",
        defaults=_SMALL_GRAY | _TRAINING | {"labeled": 50},
    ),
    "folder": DatasetSpec(
        _folder,
        "a folder of images, PATH/<class>/* or PATH/train|val|test/<class>/*",
        "PATH",
        _COLOR
        | {"pool": None, "budget": 500, "student": "cnn", "teacher": "resnet8"}
        | {"student_steps": 1000, "teacher_steps": 1500},  # minutes, not hours, on a CPU
        _measure_folder,
        _foresee_folder,
        title="Images in",
    ),
    "arrays": DatasetSpec(
        _arrays,
        "an .npz file with arrays x (images) and y (labels)",
        "FILE.npz",
        _SMALL_GRAY | _TRAINING | {"pool": None, "budget": 100},
        _measure_arrays,
        title="Arrays in",
    ),
    "features": DatasetSpec(
        _features,
        "features with labels: an .npz file (x, y), or a table with a column label",
        "FILE",
        _SMALL_GRAY
        | {"pool": None, "budget": 100, "teacher": "mlp", "student": "linear"}
        | {"teacher_steps": 500, "student_steps": 300},
        _measure_features,
        title="Features in",
    ),
}


def parse_spec(spec: str) -> tuple[str, str]:
    """Split "folder:/photos" into its name and argument, and check both."""
    name, _, argument = spec.partition(":")
    if name not in DATASETS:
        offered = ", ".join(f"{key}:{value.argument}" if value.argument else key for key, value in DATASETS.items())
        raise InputError(f"dataset is {spec!r}; choose one of {offered}.")
    wanted = DATASETS[name].argument
    if wanted and not argument:
        raise InputError(f"dataset is {spec!r}; write {name}:{wanted}.")
    if argument and not wanted:
        raise InputError(f"dataset is {spec!r}; {name} takes nothing after a colon.")
    return name, argument


def title_of(spec: str) -> str:
    """What people call the data set of a specification; the specification itself where it is none."""
    try:
        name, argument = parse_spec(spec)
    except InputError:
        return spec
    title = DATASETS[name].title or name
    return f"{title} {Path(argument).name}" if argument else title


def load_dataset(
    spec: str,
    *,
    data_dir: Path,
    image_size: int | None = None,
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> Dataset:
    """Load a data set by its name.

    data_dir: where downloads and decoded images are kept. image_size: pixels of the square that folder images are
    resized to. skip_bad: leave out files of a folder that are no readable images. Raises InputError with what to do.
    """
    name, argument = parse_spec(spec)
    return DATASETS[name].load(argument, Reading(data_dir, image_size, skip_bad, progress))


def measure_dataset(spec: str, *, data_dir: Path, skip_bad: bool = False) -> Extent | None:
    """How much a data set of one's own holds, without opening an image; None for one whose sizes are known.

    With skip_bad the bad files count until the folder has been read once. Raises InputError as loading does.
    """
    name, argument = parse_spec(spec)
    measure = DATASETS[name].measure
    return None if measure is None else measure(argument, Reading(data_dir, skip_bad=skip_bad))


def foresee_dataset(
    spec: str, *, data_dir: Path, image_size: int | None = None, skip_bad: bool = False
) -> Foreseen | None:
    """What a data set will be once it is decoded, and how long that takes; None for one that is not decoded."""
    name, argument = parse_spec(spec)
    foresee = DATASETS[name].foresee
    return None if foresee is None else foresee(argument, Reading(data_dir, image_size, skip_bad))


def suiting(spec: str, extent: Extent | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that suit a data set; for one's own the sizes are shares of its extent.

    given: the settings that somebody has chosen, for which the others leave room.
    """
    defaults = DATASETS[parse_spec(spec)[0]].defaults
    return defaults if extent is None else {**defaults, **suit(extent, defaults, given)}
