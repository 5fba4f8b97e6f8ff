"""A data set in an .npz file, under the names that people give its arrays."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.npy import read_arrays
from rad_core.learning.array_labels import label_count, read_labels
from rad_core.learning.array_pixels import arranged, scale_of, to_bytes
from rad_core.learning.bad_files import content_of
from rad_core.learning.dataset import Dataset, Extent
from rad_core.learning.parts import ROLES, TRAIN, Use, class_notes, listed, match_classes, use_parts

_REMEDY = 'save both with numpy.savez("data.npz", x=images, y=labels)'
_IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels"}
_LABELS = {"y", "label", "labels", "target", "targets"}
_USUAL = {"x", "y", "x_test", "y_test"}  # names that go without saying


def load_arrays(path: Path) -> Dataset:
    """Read images and labels of an .npz file, and those for validation and test where it has some.

    Raises InputError that says what is missing and how to save it.
    """
    arrays = _read(path)
    pairs, notes = _pairs(path, {name: array.shape for name, array in arrays.items()})
    use = use_parts(list(pairs), str(path))
    roles = [*use.stock, *([use.test] if use.test else [])]
    images, labels = [], {}
    with _told_of(path):
        for role in roles:
            x, y = pairs[role]
            part, words = arranged(arrays[x], x, label_count(arrays[y]))
            answers, more = read_labels(arrays[y], y, len(part))
            images.append(part)
            labels[role] = answers
            notes += [*([words] if words else []), *more]
        classes, numbers, more = _classes(labels, use, {role: y for role, (_, y) in pairs.items()})
        pixels, done = _pixels(images, [pairs[role][0] for role in roles])
    test_ids = np.arange(len(pixels) - len(images[-1]), len(pixels)) if use.test else None
    notes += [*use.notes, *more, *done, *class_notes(classes, numbers, test_ids)]
    return Dataset(f"arrays:{path.name}", pixels, numbers, classes, test_ids, notes=tuple(notes))


def measure_arrays(path: Path) -> Extent:
    """How many images and classes the file holds, from its labels alone."""
    try:
        with np.load(path, allow_pickle=False) as file:
            pairs, _ = _pairs(path, dict.fromkeys(file.files, ()))
            arrays = {role: file[y] for role, (_, y) in pairs.items()}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}).") from error
    use = use_parts(list(arrays), str(path))
    with _told_of(path):
        labels = {role: read_labels(array, pairs[role][1], label_count(array))[0] for role, array in arrays.items()}
        classes, _, _ = _classes(labels, use, {role: y for role, (_, y) in pairs.items()})
    stock = sum(len(labels[role]) for role in use.stock)
    return Extent(stock, len(labels[use.test]) if use.test else None, len(classes))


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Say in which file the arrays are of which the sentence speaks."""
    try:
        yield
    except InputError as error:
        raise InputError(f"In {path}, {error}") from error


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"There is no file {path}"
        raise InputError(f"{what}; arrays:FILE.npz needs a file with arrays x (images) and y (labels): {_REMEDY}.")
    if (kind := _other_content(path)) is not None:
        raise InputError(f"{path} is no .npz file ({kind}); {_REMEDY}.")
    try:
        arrays = read_arrays(path)
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')}; {_REMEDY}, labels as numbers or text (y.astype(str)).") from error
    if list(arrays) == [""]:
        raise InputError(
            f"{path} holds a single array of shape {arrays[''].shape}; images need their labels beside them: {_REMEDY}."
        )
    return arrays


def _other_content(path: Path) -> str | None:
    """What a file is that holds no arrays of numpy; None where it looks like one that does."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); mend its permissions.") from error
    return None if head.startswith((b"PK", b"\x93NUMPY")) else content_of(head)


# --- names -----------------------------------------------------------------------------------------------------------


def _meaning(name: str) -> tuple[str, int] | None:
    """The part that an array's name means, and 0 for its images, 1 for its labels; None where it means neither."""
    letters = re.sub(r"[^a-z]", "", name.casefold())
    for word in ("", *sorted(ROLES, key=len, reverse=True)):
        for rest in (letters.removeprefix(word), letters.removesuffix(word)):
            if word and rest == letters:
                continue
            if rest in _IMAGES or rest in _LABELS:
                return ROLES.get(word, TRAIN), int(rest in _LABELS)
    return None


def _pairs(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """For each part the names of its images and its labels, and what is said about the names."""
    named: dict[tuple[str, int], str] = {}
    for name in shapes:
        meaning = _meaning(name)
        if meaning in named:
            raise InputError(
                f"{path} holds both {named[meaning]} and {name}, which mean the same; leave one of them out."
            )
        if meaning is not None:
            named[meaning] = name
    if not named and sorted(shapes) == ["arr_0", "arr_1"]:  # numpy's own names: numpy.savez("data.npz", images, labels)
        named = {(TRAIN, 0): "arr_0", (TRAIN, 1): "arr_1"}
    pairs = {}
    for role in sorted({role for role, _ in named}, key=list(dict.fromkeys(ROLES.values())).index):
        if (role, 0) in named and (role, 1) in named:
            pairs[role] = (named[role, 0], named[role, 1])
    lone = [f"{name} without {('labels', 'images')[kind]}" for (role, kind), name in named.items() if role not in pairs]
    if not pairs or (TRAIN not in pairs and (TRAIN, 0) in named):
        held = listed(lone + [name for name in shapes if name not in named.values()]) or "nothing"
        raise InputError(f"{path} holds {held}; it needs x (images) and y (labels): {_REMEDY}.")
    used = [name for pair in pairs.values() for name in pair]
    notes = []
    if not set(used) <= _USUAL:
        notes.append(f"Read: {'; '.join(f'images from {x}, labels from {y}' for x, y in pairs.values())}.")
    rest = lone + [name for name in shapes if name not in named.values()]
    if rest:
        notes.append(f"Not used: {listed(rest)} of {path.name}.")
    return pairs, notes


# --- classes and pixels ----------------------------------------------------------------------------------------------


def _classes(
    labels: Mapping[str, np.ndarray], use: Use, names: Mapping[str, str]
) -> tuple[tuple[str, ...], np.ndarray, list[str]]:
    """The classes, the number of each image's class, those of the test images last, and what is said about them."""
    kinds = {role: answers.dtype.kind for role, answers in labels.items()}
    if len(set(kinds.values())) > 1:
        text = next(names[role] for role, kind in kinds.items() if kind == "U")
        raise InputError(f"{text} holds names, and other labels are numbers; write all of them in one way.")
    stock = np.concatenate([labels[role] for role in use.stock])
    different, numbers = np.unique(stock, return_inverse=True)
    classes = tuple(map(str, different))
    if len(classes) < 2:
        raise InputError(f"{names[use.stock[0]]} holds a single class; two or more are needed.")
    notes = []
    if classes[0] == "-1" and kinds[use.stock[0]] == "i":
        marked = int((numbers == 0).sum())
        notes.append(f"{marked:,} labels are -1, which often marks unlabeled images; here it is a class of its own.")
    if use.test is None:
        return classes, numbers.astype(np.int64), notes
    tested, rows = np.unique(labels[use.test], return_inverse=True)
    origin = " and ".join(names[role] for role in use.stock)
    meant = match_classes([str(name) for name in tested], classes, names[use.test], origin)
    renamed = [f"{name} is read as {to}" for name, to in meant.items() if name != to]
    if renamed:
        notes.append(f"In {names[use.test]}, {listed(renamed)}: the same but for the case of letters.")
    translated = np.array([classes.index(meant[str(name)]) for name in tested], np.int64)
    return classes, np.concatenate([numbers, translated[rows]]).astype(np.int64), notes


def _pixels(images: list[np.ndarray], names: list[str]) -> tuple[np.ndarray, list[str]]:
    """All images as bytes, one part after the other. Values of one type have one range in all parts."""
    shapes = {part.shape[1:] for part in images}
    if len(shapes) > 1:
        odd = next(i for i, part in enumerate(images) if part.shape[1:] != images[0].shape[1:])
        raise InputError(
            f"{names[odd]} has images of another shape than {names[0]}: {images[odd].shape[1:]} and "
            f"{images[0].shape[1:]}; make them alike."
        )
    scales = {}
    for part, name in zip(images, names, strict=True):
        if part.dtype not in scales:
            scales[part.dtype] = scale_of([other for other in images if other.dtype == part.dtype], name)
    remarks = {name: scales[part.dtype].words for part, name in zip(images, names, strict=True)}
    notes = [f"{name}: {words}." for name, words in remarks.items() if words]
    pixels, more = to_bytes(images, [scales[part.dtype] for part in images])
    return pixels, notes + more
