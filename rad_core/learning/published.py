"""Published data sets, from the files that torchvision downloads, wherever they lie already."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.dataset import Dataset, Reading

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist


@dataclass(frozen=True)
class Published:
    """A data set of torchvision. files: what it consists of, under torchvision's root; archive: the same in one."""

    kind: str  # torchvision's class
    augment: str
    inside: str  # folder of the files under the root
    files: tuple[str, ...]
    archive: str = ""
    elsewhere: tuple[Path, ...] = ()  # folders of other software that hold the files


_IDX = tuple(f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1"))
_CIFAR10 = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
PUBLISHED = {
    "cifar10": Published("CIFAR10", "crop_flip", "cifar-10-batches-py", _CIFAR10, "cifar-10-python.tar.gz"),
    "cifar100": Published(
        "CIFAR100", "crop_flip", "cifar-100-python", ("train", "test", "meta"), "cifar-100-python.tar.gz"
    ),
    "svhn": Published("SVHN", "shift", "", ("train_32x32.mat", "test_32x32.mat")),
    "fashion_mnist": Published("FashionMNIST", "shift", "FashionMNIST/raw", _IDX, elsewhere=(DEBIAN_FASHION,)),
    "mnist": Published("MNIST", "shift", "MNIST/raw", _IDX),
}


Parts = list[tuple[np.ndarray, np.ndarray]]  # images (M, H, W, C) and labels, of training and test


def load_published(name: str, argument: str, how: Reading) -> Dataset:
    """Read a published data set from the data folder, laid out as torchvision does or in a subfolder of its name.

    Downloaded into that subfolder where it is in neither. Raises InputError that says which files go where.
    """
    about = PUBLISHED[name]
    for place in _places(name, about, how.data_dir):
        if (dataset := _read_once(name, place)) is not None:
            return dataset
    place = how.data_dir / name / about.inside
    return _dataset(name, place, _download(name, _kind(about), about, how.data_dir))


_held: dict[tuple[str, Path, tuple[tuple[int, int], ...]], Dataset] = {}  # the last one read


def _read_once(name: str, place: Path) -> Dataset | None:
    """The data set from a folder: all seeds and studies of a process share one, as long as no file there changes."""
    key = (name, place, _stamps(place))
    if key not in _held:
        about = PUBLISHED[name]
        if (content := _read(_kind(about), about, place)) is None:
            return None
        dataset = _dataset(name, place, content)
        _held.clear()
        _held[name, place, _stamps(place)] = dataset  # an archive may have been unpacked
        return dataset
    return _held[key]


def _stamps(place: Path) -> tuple[tuple[int, int], ...]:
    """Size and time of every file that lies in a folder."""
    try:
        files = sorted(entry.path for entry in os.scandir(place) if entry.is_file())
        return tuple((stat.st_size, stat.st_mtime_ns) for stat in map(os.stat, files))
    except OSError:
        return ()


def _kind(about: Published) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, about.kind)


def _dataset(name: str, place: Path, content: tuple[Parts, tuple[str, ...]]) -> Dataset:
    (x, y), (x_test, y_test) = content[0]
    labels = np.concatenate([y, y_test]).astype(np.int64)
    own = np.arange(len(x), len(labels))
    note = f"{name} is read from {place}."
    return Dataset(name, np.concatenate([x, x_test]), labels, content[1], own, PUBLISHED[name].augment, (note,))


def _places(name: str, about: Published, data_dir: Path) -> list[Path]:
    """The folders that may hold the files: our own, torchvision's, those of other software."""
    return [data_dir / name / about.inside, data_dir / about.inside, data_dir / name, *about.elsewhere]


def _read(kind: Any, about: Published, place: Path) -> tuple[Parts, tuple[str, ...]] | None:
    """The data set from a folder, or None where its files are not there or not whole."""
    if about.files is _IDX and (files := [_idx_file(place, name) for name in about.files]) and None not in files:
        x, y, x_test, y_test = (_read_idx(file) for file in files if file is not None)
        _check_pairs([(x, y), (x_test, y_test)], place)
        return [(x[..., None], y), (x_test[..., None], y_test)], tuple(kind.classes)
    inside = Path(about.inside)
    root = place.parents[len(inside.parts) - 1] if inside.parts else place
    if root / inside != place:
        return None
    whole_archive = bool(about.archive) and (root / about.archive).is_file()
    try:
        return _of_torchvision(kind, root, download=False)
    except RuntimeError:  # not there, or not whole
        pass
    try:
        return _of_torchvision(kind, root, download=True) if whole_archive else None  # it unpacks the archive
    except (OSError, RuntimeError):  # not whole either: what is missing is said after the download has failed
        return None


def _of_torchvision(kind: Any, root: Path, download: bool) -> tuple[Parts, tuple[str, ...]]:
    """As torchvision reads it, which compares checksums before it unpickles anything."""
    by_name = kind.__name__ == "SVHN"
    splits = [{"split": part} if by_name else {"train": part == "train"} for part in ("train", "test")]
    sets = [kind(root, download=download, **split) for split in splits]
    parts = [
        (_as_nhwc(part.data, channels_first=by_name), np.asarray(part.labels if by_name else part.targets))
        for part in sets
    ]
    return parts, tuple(getattr(sets[0], "classes", "0123456789"))


def _as_nhwc(data: Any, channels_first: bool) -> np.ndarray:
    images = np.asarray(data)
    if channels_first:
        images = images.transpose(0, 2, 3, 1)
    return images[..., None] if images.ndim == 3 else images


def _download(name: str, kind: Any, about: Published, data_dir: Path) -> tuple[Parts, tuple[str, ...]]:
    root = data_dir / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        return _of_torchvision(kind, root, download=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        archive = f" (or {about.archive} into {data_dir})" if about.archive else ""
        raise InputError(
            f"{name} could not be downloaded ({type(error).__name__}: {reason}){_incomplete(name, about, data_dir)}; "
            f"connect to the internet, put {', '.join(about.files)} into {data_dir / about.inside}{archive}, or use "
            "--dataset folder:PATH with images of your own."
        ) from error


def _incomplete(name: str, about: Published, data_dir: Path) -> str:
    """Where some of the files lie already, and which of them are missing there."""
    for place in _places(name, about, data_dir):
        missing = [file for file in about.files if _idx_file(place, file) is None]
        if len(missing) < len(about.files):
            return f"; {place} lacks {', '.join(missing)}" if missing else f"; the files in {place} are damaged"
    return ""


# --- the files of MNIST and its kin ----------------------------------------------------------------------------------


def _idx_file(place: Path, name: str) -> Path | None:
    """A file under the name that torchvision, its authors or others give it, packed or not."""
    for alias in (name, name.replace("-idx", ".idx")):
        for file in (place / alias, place / f"{alias}.gz"):
            if file.is_file():
                return file
    return None


def _read_idx(file: Path) -> np.ndarray:
    """An array of bytes in the format of MNIST: two zeros, type, dimensions, sizes."""
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file} cannot be read ({error}); download it anew.") from error
    head = np.frombuffer(content[:4], np.uint8)
    dimensions = int(head[3]) if len(head) == 4 and tuple(head[:3]) == (0, 0, 8) else 0
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4").astype(int).tolist())
    values = np.frombuffer(content, np.uint8)[4 + 4 * dimensions :]
    if dimensions not in (1, 3) or len(shape) != dimensions or len(values) != np.prod(shape):
        raise InputError(f"{file} is damaged or no IDX file of bytes; download it anew.")
    return values.reshape(shape)


def _check_pairs(parts: Sequence[tuple[np.ndarray, np.ndarray]], place: Path) -> None:
    for x, y in parts:
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y) or x.shape[1:] != (28, 28) or y.max(initial=0) > 9:
            raise InputError(f"The files in {place} do not belong together: {x.shape} images and {y.shape} labels.")
