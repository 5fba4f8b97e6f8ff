"""Data sets as arrays, and their split into labeled set A, validation set V, pool B and test set T.

A data set is written NAME or NAME:ARGUMENT. Adding one is a function and a line in DATASETS, which also holds the sizes
that suit it: small enough a labeled set that the teacher trained on it is visibly imperfect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.npy import read_arrays

Progress = Callable[[int, int], None]  # (done, total)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one data set, training and test rows together.

    images: (M, H, W, C) uint8, C 1 or 3, possibly a memory map. labels: (M,) int64. test_ids: the data set's own test
    rows, or None. augment: the augmentation that suits it, a name of AUGMENTATIONS.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    test_ids: np.ndarray | None = None
    augment: str = "none"


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint dataset ids, sorted: the labeled set A, the validation set V, the pool B and the test set T."""

    labeled: np.ndarray
    validation: np.ndarray
    pool: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class DatasetSpec:
    """How to load a data set, and the study settings that suit it."""

    load: Callable[[str, Path, int | None, Progress | None], Dataset]
    description: str
    argument: str = ""  # what stands after the colon, for people
    defaults: dict[str, Any] = field(default_factory=dict)


def _digits(argument: str, data_dir: Path, image_size: int | None, progress: Progress | None) -> Dataset:
    """1,797 real 8 x 8 images of handwritten digits, shipped with scikit-learn."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.round(found.images * (255 / 16)).astype(np.uint8)[..., None]
    return Dataset("digits", images, found.target.astype(np.int64), tuple("0123456789"))


def _torchvision(name: str, class_name: str, augment: str) -> Callable[..., Dataset]:
    def load(argument: str, data_dir: Path, image_size: int | None, progress: Progress | None) -> Dataset:
        import torchvision.datasets

        kind = getattr(torchvision.datasets, class_name)
        parts = [_download(kind, name, data_dir, train) for train in (True, False)]
        images = np.concatenate([_as_nhwc(part.data, name) for part in parts])
        labels = np.concatenate([np.asarray(getattr(part, "targets", getattr(part, "labels", None))) for part in parts])
        classes = tuple(getattr(parts[0], "classes", None) or "0123456789")
        test_ids = np.arange(len(parts[0].data), len(images))
        return Dataset(name, images, labels.astype(np.int64), classes, test_ids, augment)

    load.__doc__ = f"{class_name} from torchvision, downloaded on first use."
    return load


def _download(kind: Any, name: str, data_dir: Path, train: bool) -> Any:
    part = {"split": "train" if train else "test"} if name == "svhn" else {"train": train}
    root = data_dir / name
    try:
        return kind(root, download=False, **part)
    except RuntimeError:  # not there, or not whole
        pass
    try:
        root.mkdir(parents=True, exist_ok=True)
        return kind(root, download=True, **part)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{name} could not be downloaded ({type(error).__name__}: {str(error).splitlines()[0][:120]}); connect to "
            f"the internet, put torchvision's files into {root}, or use --dataset folder:PATH with images of your own."
        ) from error


def _as_nhwc(data: Any, name: str) -> np.ndarray:
    images = np.asarray(data)
    if name == "svhn":  # stored channels first
        images = images.transpose(0, 2, 3, 1)
    return images[..., None] if images.ndim == 3 else images


def _folder(argument: str, data_dir: Path, image_size: int | None, progress: Progress | None) -> Dataset:
    """A folder of images: PATH/<class>/* or PATH/train|test/<class>/*."""
    from rad_core.learning.images import load_folder

    return load_folder(Path(argument).expanduser(), data_dir / "cache", image_size, progress)


def _arrays(argument: str, data_dir: Path, image_size: int | None, progress: Progress | None) -> Dataset:
    """Arrays x (images) and y (labels) in an .npz file, optionally x_test and y_test."""
    path = Path(argument).expanduser()
    if not path.is_file():
        raise InputError(f"There is no file {path}; arrays:FILE.npz needs one with arrays x (images) and y (labels).")
    found = read_arrays(path)
    missing = {"x", "y"} - found.keys()
    if missing:
        held = ", ".join(found) or "nothing"
        raise InputError(f"{path} holds {held}; it needs x (images) and y (labels).")
    parts = [_checked_arrays(path, found["x"], found["y"], "")]
    if "x_test" in found and "y_test" in found:
        parts.append(_checked_arrays(path, found["x_test"], found["y_test"], "_test"))
        if parts[1][0].shape[1:] != parts[0][0].shape[1:]:
            raise InputError(f"In {path}, x_test has images of another shape than x.")
    images, raw = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    names, labels = np.unique(raw, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"In {path}, y holds a single class; two or more are needed.")
    test_ids = np.arange(len(parts[0][0]), len(images)) if len(parts) > 1 else None
    return Dataset(f"arrays:{path.name}", images, labels.astype(np.int64), tuple(map(str, names)), test_ids)


def _checked_arrays(path: Path, x: np.ndarray, y: np.ndarray, suffix: str) -> tuple[np.ndarray, np.ndarray]:
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[3] not in (1, 3) or len(x) == 0:
        raise InputError(
            f"In {path}, x{suffix} has shape {x.shape}; it must be (M, H, W) or (M, H, W, C) with C of 1 or 3."
        )
    if y.shape != (len(x),) or y.dtype.kind not in "iuUS":
        raise InputError(
            f"In {path}, y{suffix} has shape {y.shape} and type {y.dtype}; it must be {len(x)} class numbers or names."
        )
    if x.dtype.kind == "f":
        if not (np.isfinite(x).all() and x.min() >= 0 and x.max() <= 1):
            raise InputError(f"In {path}, x{suffix} must lie between 0 and 1 where it is floating, without NaN.")
        x = np.round(x * 255).astype(np.uint8)
    if x.dtype != np.uint8:
        raise InputError(f"In {path}, x{suffix} has type {x.dtype}; it must be uint8, or floating between 0 and 1.")
    return x, y


# Sizes for which a teacher trained on the labeled set is right on 60 to 80 % of the pool.
_SMALL_GRAY = {"labeled": 100, "validation": 500, "pool": 20_000, "test": None, "budget": 500, "image_size": None}
_TRAINING = {"teacher": "cnn", "student": "cnn", "teacher_steps": 1000, "student_steps": 1000}
_COLOR = {
    "labeled": 2000,
    "validation": 1000,
    "pool": 40_000,
    "test": None,
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
        defaults={
            "labeled": 20,
            "validation": 100,
            "pool": None,
            "test": 360,
            "budget": 40,
            "image_size": None,
            "teacher": "mlp",
            "student": "cnn_tiny",
            "teacher_steps": 200,
            "student_steps": 400,
        },
    ),
    "cifar10": DatasetSpec(
        _torchvision("cifar10", "CIFAR10", "crop_flip"), "60,000 color photographs, 10 classes", defaults=_COLOR
    ),
    "cifar100": DatasetSpec(
        _torchvision("cifar100", "CIFAR100", "crop_flip"),
        "60,000 color photographs, 100 classes",
        defaults=_COLOR | {"labeled": 10_000, "validation": 2000, "pool": 35_000, "budget": 2000},
    ),
    "svhn": DatasetSpec(
        _torchvision("svhn", "SVHN", "shift"),
        "99,289 house-number digits, in color",
        defaults=_COLOR | {"labeled": 1000, "pool": 50_000},
    ),
    "fashion_mnist": DatasetSpec(
        _torchvision("fashion_mnist", "FashionMNIST", "shift"),
        "70,000 gray pictures of clothes, 10 classes",
        defaults=_SMALL_GRAY | _TRAINING,
    ),
    "mnist": DatasetSpec(
        _torchvision("mnist", "MNIST", "shift"),
        "70,000 handwritten digits of 28 x 28 pixels",
        defaults=_SMALL_GRAY | _TRAINING | {"labeled": 50},
    ),
    "folder": DatasetSpec(
        _folder,
        "a folder of images, PATH/<class>/* or PATH/train|test/<class>/*",
        "PATH",
        _COLOR
        | {"pool": None, "budget": 500, "student": "cnn", "teacher": "resnet8"}
        | {"student_steps": 1000, "teacher_steps": 1500},  # minutes, not hours, on a CPU
    ),
    "arrays": DatasetSpec(
        _arrays,
        "an .npz file with arrays x (images) and y (labels)",
        "FILE.npz",
        _SMALL_GRAY | _TRAINING | {"pool": None, "budget": 100},
    ),
}


def parse_spec(spec: str) -> tuple[str, str]:
    """Split "folder:/photos" into its name and argument, and check both."""
    name, _, argument = spec.partition(":")
    if name not in DATASETS:
        known = ", ".join(f"{key}:{value.argument}" if value.argument else key for key, value in DATASETS.items())
        raise InputError(f"dataset is {spec!r}; choose one of {known}.")
    wanted = DATASETS[name].argument
    if wanted and not argument:
        raise InputError(f"dataset is {spec!r}; write {name}:{wanted}.")
    if argument and not wanted:
        raise InputError(f"dataset is {spec!r}; {name} takes nothing after a colon.")
    return name, argument


def load_dataset(
    spec: str, *, data_dir: Path, image_size: int | None = None, progress: Progress | None = None
) -> Dataset:
    """Load a data set by its name.

    data_dir: where downloads and decoded images are kept. image_size: pixels of the square that folder images are
    resized to. Raises InputError with what to do.
    """
    name, argument = parse_spec(spec)
    return DATASETS[name].load(argument, data_dir, image_size, progress)


def make_split(
    dataset: Dataset, *, labeled: int, validation: int, pool: int | None = None, test: int | None = None, seed: int
) -> Split:
    """Split a data set into A, V, B and T: disjoint, stratified by class, the same for the same seed.

    pool: None takes all that remains. test: None takes the data set's own test rows, else a fifth of all. Raises
    InputError where the data set is too small.
    """
    rng = np.random.default_rng(seed)
    classes = len(dataset.classes)
    total = len(dataset.labels)
    own = dataset.test_ids
    everything = np.arange(total)
    for name, size in (("labeled", labeled), ("validation", validation)):
        if size < classes:
            raise InputError(
                f"{name} is {size}, and {dataset.name} has {classes} classes; take at least one point of each."
            )
    if own is not None:
        test_ids = own if test is None or test >= len(own) else _stratified(dataset.labels, own, test, rng)
        if test is not None and test > len(own):
            raise InputError(f"test is {test}, and {dataset.name} has {len(own)} test images; lower --test.")
        rest = np.setdiff1d(everything, own)
    else:
        size = total // 5 if test is None else test
        _check_room(dataset, {"test": size, "labeled": labeled, "validation": validation}, total)
        test_ids = _stratified(dataset.labels, everything, size, rng)
        rest = np.setdiff1d(everything, test_ids)
    _check_room(dataset, {"labeled": labeled, "validation": validation, "pool": pool or 1}, len(rest))
    labeled_ids = _stratified(dataset.labels, rest, labeled, rng)
    rest = np.setdiff1d(rest, labeled_ids)
    validation_ids = _stratified(dataset.labels, rest, validation, rng)
    rest = np.setdiff1d(rest, validation_ids)
    pool_ids = rest if pool is None or pool >= len(rest) else _stratified(dataset.labels, rest, pool, rng)
    return Split(labeled_ids, validation_ids, pool_ids, np.sort(test_ids))


def _check_room(dataset: Dataset, sizes: dict[str, int], room: int) -> None:
    if sum(sizes.values()) > room:
        wanted = " + ".join(f"{size} {name}" for name, size in sizes.items())
        raise InputError(f"{dataset.name} has {room} images to split, and {wanted} are asked for; lower one of them.")


def _stratified(labels: np.ndarray, ids: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` of the ids, each class in proportion (largest remainders), sorted."""
    ids = rng.permutation(ids)
    classes, counts = np.unique(labels[ids], return_counts=True)
    share = size * counts / len(ids)
    take = np.floor(share).astype(int)
    order = rng.permutation(len(classes))
    order = order[np.argsort(-(share - take)[order], kind="stable")]
    take[order[: size - take.sum()]] += 1
    # A class too rare for its proportion still gets a point while there are enough points to go round.
    if size >= len(classes):
        for poor in np.flatnonzero(take == 0):
            take[take.argmax()] -= 1
            take[poor] += 1
    chosen = [ids[labels[ids] == cls][:count] for cls, count in zip(classes, take, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)
