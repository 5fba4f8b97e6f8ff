"""Which images of a folder are used, for what, and as which class; and what is not used, said by folder and ending."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.parts import ROLES, Use, class_notes, listed, match_classes, role_of, shown_name, use_parts
from rad_core.learning.tree import SUFFIXES, UNLABELED, ImageFile, Tree, ending_of, look_into

_MOST_PLACES = 12  # folders named in one sentence


@dataclass(frozen=True, eq=False)
class Listing:
    """The images of a folder, those to split first, the data set's own test images from `test_from` on.

    labels: (M,) int64, of `classes`. notes: what is used otherwise than one might think, and what is not used.
    """

    root: Path
    files: list[ImageFile]
    labels: np.ndarray
    classes: tuple[str, ...]
    test_from: int | None
    notes: tuple[str, ...]

    @property
    def test_ids(self) -> np.ndarray | None:
        """The rows of the own test images, or None."""
        return None if self.test_from is None else np.arange(self.test_from, len(self.files))

    def path(self, row: int) -> Path:
        """Where the image of a row lies."""
        return self.root / self.files[row].name

    def without(self, names: set[str]) -> Listing:
        """The same without some files. Raises InputError where a class has no image left to learn from."""
        keep = np.array([file.name not in names for file in self.files], bool)
        split = len(keep) if self.test_from is None else self.test_from
        left = np.bincount(self.labels[:split][keep[:split]], minlength=len(self.classes))
        if (left == 0).any():
            lost = [name for name, count in zip(self.classes, left, strict=True) if count == 0]
            raise InputError(
                f"Without the files that are no readable images {self.root} has none of {listed(lost)}; repair them."
            )
        files = [file for file, kept in zip(self.files, keep, strict=True) if kept]
        test_from = None if self.test_from is None else int(keep[:split].sum())
        if test_from == len(files):
            test_from = None
        return Listing(self.root, files, self.labels[keep], self.classes, test_from, self.notes)


def list_folder(folder: Path, look: Callable[[Path], Tree] = look_into) -> Listing:
    """List PATH/<class>/* or PATH/train|test/<class>/*, validation images included, whatever the case of letters.

    Images in folders inside a class count to the class. Raises InputError where the folder can be read in two ways,
    or in none, with what to do.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise InputError(_no_folder(root))
    tree = look(root)
    top, notes = _unwrapped(tree, root)
    top = replace(top, folders=[child for child in top.folders if child.name.casefold() != UNLABELED])
    parts, use = _parts(top, root)
    notes += use.notes
    stock = [parts[name] for name in use.stock] or [top]
    meanings = _meanings(stock)
    classes = _classes(stock, meanings, root)
    test = parts[use.test] if use.test else None
    if test is not None:
        origin = " and ".join(child.name for child in stock)
        meanings.append(match_classes(_filled(test), classes, str(root / test.place), origin))
    read = [*stock, test] if test is not None else stock
    files: list[ImageFile] = []
    labels: list[int] = []
    test_from = None
    for part, meant in zip(read, meanings, strict=True):
        test_from = len(files) if part is test else None
        images, numbers = _collect(part, meant, classes)
        files, labels = files + images, labels + numbers
        notes += _renamed(meant, part)
    array = np.array(labels, np.int64)
    classes = tuple(os.fsencode(name).decode("utf-8", "backslashreplace") for name in classes)
    notes += class_notes(classes, array, None if test_from is None else np.arange(test_from, len(files)))
    notes += _account(tree, {file.name for file in files}, read)
    return Listing(root, files, array, classes, test_from, tuple(notes))


def _no_folder(root: Path) -> str:
    if root.exists():
        unpack = " (unpack an archive first)" if root.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z") else ""
        return f"{root} is a file; --dataset folder:PATH needs a folder with a folder per class{unpack}."
    return f"There is no folder {root}; --dataset folder:PATH needs one with a folder per class."


# --- the layout ------------------------------------------------------------------------------------------------------


def _unwrapped(tree: Tree, root: Path) -> tuple[Tree, list[str]]:
    """The folder to read: further down where a folder holds nothing but one that holds the classes."""
    notes: list[str] = []
    while True:
        filled = [child for child in tree.folders if child.holds_images]
        inner = [child for child in filled[0].folders if child.holds_images] if len(filled) == 1 else []
        if tree.images or len(filled) != 1 or not inner or filled[0].images:
            return tree, notes
        if len(inner) == 1 and not inner[0].folders:
            return tree, notes
        tree = filled[0]
        notes.append(f"{root / tree.place} is read: the only folder with images in {root}.")


def _parts(top: Tree, root: Path) -> tuple[dict[str, Tree], Use]:
    """The parts of a folder by name and their use; no parts where its folders are the classes.

    A folder called train is the training part if it holds folders of images, and beside it lie nothing but parts, or
    another part with the same classes.
    """
    where = root / top.place
    named = sorted((child for child in top.folders if child.holds_images and role_of(child.name)), key=_rank)
    beside = [child.name for child in top.folders if not role_of(child.name) and child.holds_images]
    parts = {child.name: child for child in named if _filled(child)}
    if parts and (not beside or _alike(list(parts.values()))):
        return parts, use_parts(list(parts), str(where))
    unclear = [part for part in parts.values() if not part.images]
    if unclear:
        inner, role = unclear[0], role_of(unclear[0].name)
        raise InputError(
            f"{where} holds {inner.name} with folders of its own ({listed(_filled(inner), 3)}) beside "
            f"{listed(beside, 3)}; rename {inner.name} if it is a class, or move the others away if it is the {role} "
            "part."
        )
    if named and not beside:
        raise InputError(
            f"{listed([child.name for child in named])} in {where} hold images, but no folder for each class; put the "
            f"images into folders such as {where / named[0].name / 'CLASS'}."
        )
    _refuse_parts_inside(top, where)
    words = (
        f"{listed([child.name for child in named])} in {where} is read as a class, for {listed(beside, 3)} beside it."
    )
    return {}, Use((), None, (words,) if named else ())


def _rank(part: Tree) -> int:
    """The training part comes first."""
    return list(ROLES).index(part.name.casefold())


def _alike(parts: Sequence[Tree]) -> bool:
    """Whether there are two parts or more with a class in common."""
    names = [{name.casefold() for name in _filled(part)} for part in parts]
    return len(parts) > 1 and any(names[0] & other for other in names[1:])


def _refuse_parts_inside(top: Tree, where: Path) -> None:
    """Classes that are divided into train and test inside would have their test images learned."""
    classes = [child for child in top.folders if child.holds_images]
    inner = [sorted(_filled(child), reverse=True) for child in classes]  # train before test
    if len(classes) > 1 and all(
        names and not child.images and all(map(role_of, names)) for child, names in zip(classes, inner, strict=True)
    ):
        raise InputError(
            f"The classes in {where} hold {listed(inner[0])}; put the classes into these instead: "
            f"{where / inner[0][0] / classes[0].name}."
        )


def _filled(part: Tree) -> list[str]:
    return [child.name for child in part.folders if child.holds_images]


def _meanings(stock: Sequence[Tree]) -> list[dict[str, str]]:
    """For each part that is split the class that each of its folders means: the parts may write a class differently."""
    classes = _filled(stock[0])
    meanings = [{name: name for name in classes}]
    for part in stock[1:]:
        names = _filled(part)
        new = [name for name in names if name.casefold() not in {other.casefold() for other in classes}]
        classes += new
        meanings.append(match_classes(names, classes, part.name, stock[0].name))
    return meanings


def _classes(stock: Sequence[Tree], meanings: Sequence[dict[str, str]], root: Path) -> tuple[str, ...]:
    classes = sorted({name for meant in meanings for name in meant.values()})
    children = [child for part in stock for child in part.folders]
    empty = [child for child in children if not child.holds_images and child.name not in classes]
    if empty:
        raise InputError(_empty(empty[0], root))
    if len(classes) < 2:
        loose = sum(len(part.images) for part in stock)
        has = f"only {classes[0]!r}" if classes else f"{loose:,} images in no folder" if loose else "none"
        place = root / stock[0].place
        raise InputError(f"{place} must hold a folder of images for each of two or more classes; it has {has}.")
    return tuple(classes)


def _empty(child: Tree, root: Path) -> str:
    others: Counter[str] = sum((folder.others for folder in child.walk()), Counter())
    held = f", but {_counted(others)}" if others else ""
    return (
        f"The class folder {root / child.place} holds no images ({', '.join(sorted(SUFFIXES))}){held}; fill or "
        "remove it."
    )


def _collect(part: Tree, meant: dict[str, str], classes: Sequence[str]) -> tuple[list[ImageFile], list[int]]:
    """The images of a part, class by class, each class sorted by name, with the numbers of the classes."""
    number = {name: row for row, name in enumerate(classes)}
    filled = [child for child in part.folders if child.name in meant]
    files: list[ImageFile] = []
    labels: list[int] = []
    for child in sorted(filled, key=lambda child: (number[meant[child.name]], child.name)):
        images = [image for folder in child.walk() for image in folder.images]
        files += images
        labels += [number[meant[child.name]]] * len(images)
    return files, labels


# --- what is said about it -------------------------------------------------------------------------------------------


def _renamed(meant: dict[str, str], part: Tree) -> list[str]:
    pairs = [f"{name} is read as {to}" for name, to in meant.items() if name != to]
    return [f"In {part.name}, {listed(pairs)}: the same but for the case of letters."] if pairs else []


def _account(tree: Tree, used: set[str], parts: Sequence[Tree]) -> list[str]:
    """What becomes of every file that is not simply an image in the folder of its class."""
    unused = {
        folder.place: folder.others
        + Counter(ending_of(image.name) for image in folder.images if image.name not in used)
        for folder in tree.walk()
    }
    notes = []
    inner = {
        folder.place: len(folder.images)
        for part in parts
        for child in part.folders
        for folder in child.walk()
        if folder is not child and folder.images and folder.images[0].name in used
    }
    if inner:
        places = [f"{count:,} in {shown_name(place)}" for place, count in inner.items()]
        notes.append(f"Images in folders inside a class count to the class: {_some(places, len(places))}.")
    notes += _unused_note({place: endings for place, endings in unused.items() if endings})
    notes += _left_out("Links to folders, not followed", (folder.links for folder in tree.walk()))
    notes += _left_out("Hidden or of the operating system, left out", (folder.system for folder in tree.walk()))
    return notes


def _unused_note(unused: dict[str, Counter[str]]) -> list[str]:
    if not unused:
        return []
    total = sum(map(Counter.total, unused.values()))
    order = sorted(unused, key=lambda place: (-unused[place].total(), place))
    places = [f"{_counted(unused[place])} in {shown_name(place) or 'the folder itself'}" for place in order]
    files = "1 file" if total == 1 else f"{total:,} files"
    return [f"Not used, in no class or no images: {files}: {_some(places, len(places))}."]


def _left_out(words: str, names: Iterable[list[str]]) -> list[str]:
    every = [name for part in names for name in part]
    return [f"{words}: {listed(sorted(set(every)))}."] if every else []


def _some(places: Sequence[str], total: int) -> str:
    rest = total - _MOST_PLACES
    return "; ".join(places[:_MOST_PLACES]) + (f"; and in {rest:,} more folders" if rest > 0 else "")


def _counted(endings: Counter[str]) -> str:
    return ", ".join(f"{count:,} {shown_name(ending)}" for ending, count in sorted(endings.items()))
