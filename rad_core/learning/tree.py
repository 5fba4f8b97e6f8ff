"""What lies in a folder of images: every file seen once, links looked into, nothing opened."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rad_core.errors import InputError
from rad_core.learning.parts import role_of

_PHOTOS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".jp2"}
SUFFIXES = _PHOTOS | {".ppm", ".pgm", ".pbm", ".pnm"}  # by whatever case of letters
UNLABELED = "unlabeled"  # the folder of what nobody labeled, beside those of the classes
_SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"}

_GLANCES = 4  # folders remembered


class ImageFile(NamedTuple):
    """A file that should be an image. name: under the root, with slashes; bad: why it is none, where that shows."""

    name: str
    size: int  # bytes
    time: int  # of the last change, in ns
    bad: str = ""


@dataclass(frozen=True)
class Tree:
    """A folder: its images, its folders, and what else lies in it."""

    name: str  # its own
    place: str  # under the root, with slashes; "" for the root itself
    time: int  # of the last change of what it lists, in ns
    images: list[ImageFile] = field(default_factory=list)
    folders: list[Tree] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)  # by ending: files that are no images
    system: list[str] = field(default_factory=list)  # names of what is hidden or the operating system's
    links: list[str] = field(default_factory=list)  # to folders, not followed

    @property
    def holds_images(self) -> bool:
        """Whether there is an image in here or further down."""
        return bool(self.images) or any(child.holds_images for child in self.folders)

    def walk(self) -> Iterator[Tree]:
        """This folder and all below it."""
        yield self
        for child in self.folders:
            yield from child.walk()


def look_into(root: Path) -> Tree:
    """Everything in a folder, sorted by name. root: resolved. Raises InputError where something in it cannot be read
    or leads out of it.
    """
    return _scan(str(root), root.name, "", str(root), (str(root),))


_glances: dict[Path, Tree] = {}  # of the last folders looked at


def glance_into(root: Path) -> Tree:
    """As `look_into`, from memory where no folder lists anything else than then; sizes of files may differ."""
    tree = _glances.pop(root, None)
    try:
        fresh = tree is not None and all(
            (root / folder.place).stat().st_mtime_ns == folder.time for folder in tree.walk()
        )
    except OSError:  # one has gone
        fresh = False
    if tree is None or not fresh:
        tree = look_into(root)
    _glances[root] = tree
    while len(_glances) > _GLANCES:
        _glances.pop(next(iter(_glances)), None)
    return tree


def _scan(folder: str, name: str, place: str, root: str, above: tuple[str, ...]) -> Tree:
    """above: the real places of this folder and of those that it lies in, itself last."""
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        tree = Tree(name, place, Path(folder).stat().st_mtime_ns)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read ({error.strerror}); mend its permissions, or move it out of {root}."
        ) from error
    for entry in entries:
        _sort(entry, tree, root, above)
    return tree


def _sort(entry: os.DirEntry[str], tree: Tree, root: str, above: tuple[str, ...]) -> None:
    """Put one entry of a folder where it belongs."""
    inner = f"{tree.place}/{entry.name}" if tree.place else entry.name
    if entry.name.startswith(".") or entry.name.casefold() in _SYSTEM:
        tree.system.append(entry.name)
        return
    link = entry.is_symlink()
    target = _target(entry, root) if link else ""
    if _is_folder(entry):
        target = target or str(Path(above[-1]) / entry.name)
        # A class or a part may be a link; inside a class it would lead to images that are read already.
        if link and (target in above or not (tree.place == "" or role_of(tree.name))):
            tree.links.append(inner)
        else:
            tree.folders.append(_scan(entry.path, entry.name, inner, root, (*above, target)))
    elif (ending := ending_of(entry.name)) in SUFFIXES:
        tree.images.append(_image(entry, inner))
    else:
        tree.others[ending or "without ending"] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle: what it should have been is said of it as a file
        return False


def ending_of(name: str) -> str:
    """The ending of a file's name, with its dot, in small letters."""
    stem, _, ending = name.rpartition(".")  # pathlib takes ten times as long
    return f".{ending.lower()}" if stem and ending else ""


def _target(entry: os.DirEntry[str], root: str) -> str:
    """What a link leads to; it may be nothing, but nothing outside the root."""
    target = os.path.realpath(entry.path)
    if target != root and not target.startswith(root.rstrip(os.sep) + os.sep):
        raise InputError(f"{entry.path} leads to a place outside {root} by a link; copy the images instead.")
    return target


def _image(entry: os.DirEntry[str], inner: str) -> ImageFile:
    try:
        about = entry.stat()
    except FileNotFoundError:
        where = f" to {Path(entry.path).readlink()}" if entry.is_symlink() else ""
        return ImageFile(inner, 0, 0, f"is a link{where}, where nothing is" if where else "has just been removed")
    except OSError as error:
        words = "is a link that leads in a circle" if error.errno == errno.ELOOP else "cannot be read"
        return ImageFile(inner, 0, 0, f"{words} ({error.strerror})")
    if not stat.S_ISREG(about.st_mode):
        return ImageFile(inner, 0, 0, "is not a readable image (it is no file, but a pipe, socket or device)")
    if about.st_size == 0:
        return ImageFile(inner, 0, about.st_mtime_ns, "is not a readable image (it is empty: 0 bytes)")
    return ImageFile(inner, about.st_size, about.st_mtime_ns)
