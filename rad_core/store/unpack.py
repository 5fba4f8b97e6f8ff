"""A study out of one file. An archive comes from anywhere, so nothing that it says is believed.

Names, sizes, checksums, the tables of the database and the kind of each array are checked, and nothing is ever
unpickled.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from rad_core import files, partials
from rad_core.errors import DamagedError, InputError, RadError, StoreError
from rad_core.store import layout
from rad_core.store.catalogue import HALF, ID, TRASH, sweep_store
from rad_core.store.database import DATABASE, SCHEMA, reading
from rad_core.store.pack import FORMAT, MANIFEST, PIECE, contents, fingerprint, fingerprint_of, weights
from rad_core.store.rows import Unsound, shown
from rad_core.store.soundness import check_study
from rad_core.store.study import Study, StudyInfo

_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
_LITTLE = 1 << 12  # bytes of LZMA are unfolded at once without a limit: so few that they cannot become too many
# What Python's reader of zip files, its decompressors and numpy raise over bytes that are none of theirs.
_DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)
_MOST_BYTES = 1 << 36  # 64 GiB
_MOST_MANIFEST = 1 << 26


@attrs.frozen
class Packed:
    """What an archive says of itself."""

    id: str
    schema: int
    fingerprint: str  # of the results, whatever else is in the archive
    sizes: Mapping[str, int]  # bytes by name
    sums: Mapping[str, str]  # SHA-256 by name


def unpack_into(archive: Path, root: Path, *, lasting: bool = True) -> Study:
    """Unpack a study into a store; where the very same study is there already, leave it as it is.

    Safe when several processes do it at once: the study appears whole or not at all.

    Args:
        archive: a file made by `rad_core.store.pack.pack`.
        root: the store, made where there is none.
        lasting: whether the study appears whole or not at all when the machine loses power as well; False is many times
            quicker, for what can be unpacked again.

    Returns:
        The study in the store.

    Raises:
        InputError: for an archive that is damaged or unsafe, comes of a newer version, or holds another study of an id
            that is taken.
        StoreError: where there is no room for it.
    """
    partials.sweep_files(archive.parent)
    with _reading_archive(archive) as zipped:
        about = _read_manifest(archive, zipped)
        target = root / about.id
        if target.exists():
            return _same(archive, target, about)
        with files.writing(root):
            root.mkdir(parents=True, exist_ok=True)
            sweep_store(root)
            if shutil.disk_usage(root).free < sum(about.sizes.values()):
                raise StoreError(f"{archive} needs {sum(about.sizes.values()):,} bytes, and {root} has less room left.")
            with partials.own_folder(root, HALF) as folder:
                _extract(archive, zipped, about, folder / about.id, lasting=lasting)
                try:
                    _check_study(archive, folder / about.id, about)
                except (InputError, Unsound) as error:
                    raise error if str(archive) in str(error) else _refused(archive, _reason(error)) from error
                with files.alone_in(root):
                    if target.exists():  # another process was faster
                        return _same(archive, target, about)
                    (folder / about.id).rename(target)
                    files.sync_folder(root)
    return Study(target)


def read_info(archive: Path) -> StudyInfo:
    """What an archive of ours says of its study, without unpacking it. Believed, unlike everything else."""
    with _reading_archive(archive) as zipped:
        about = _read_manifest(archive, zipped)
        return StudyInfo(**{**json.loads(zipped.read(MANIFEST))["info"], "id": about.id})


def read_metrics(archive: Path) -> Study:
    """The study in an archive of ours, unpacked no further than its database: it has metrics, and no arrays."""
    with _reading_archive(archive) as zipped, partials.temporary_folder("rad-read") as folder:
        about = _read_manifest(archive, zipped)
        alone = attrs.evolve(about, sizes={DATABASE: about.sizes[DATABASE]})
        _extract(archive, zipped, alone, folder / about.id, lasting=False)
        return Study(folder / about.id).snapshot()


def keep_unpacked(archive: Path, root: Path) -> Study:
    """A study of ours out of a cache that nobody else writes to; unpacked there first, or anew where files are missing.

    Quick: what is there is looked at, but not read.
    """
    with _reading_archive(archive) as zipped:
        about = _read_manifest(archive, zipped)
    target = root / about.id
    if target.exists():
        trash = root / f"{TRASH}{secrets.token_hex(4)}"  # swept up with what a killed process left
        with files.alone_in(root):
            if _is_whole(about, target):
                return Study(target)
            if target.exists():
                target.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)
    return unpack_into(archive, root, lasting=False)


def _is_whole(about: Packed, folder: Path) -> bool:
    """Whether every file of an archive is there, by name and size; a database may grow."""
    sizes = [(folder / name, size if name != DATABASE else None) for name, size in about.sizes.items()]
    return all(path.exists() and size in (None, path.stat().st_size) for path, size in sizes)


def _same(archive: Path, target: Path, about: Packed) -> Study:
    if target.is_symlink() or not target.is_dir() or fingerprint_of(target) != about.fingerprint:
        raise InputError(
            f"{archive} holds study {about.id}, and there is another study of that id in {target.parent}; "
            f"unpack it into another store with --store DIR, or delete that one."
        )
    return Study(target)


@contextmanager
def _reading_archive(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Turn what goes wrong over a damaged archive into one sentence."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            yield zipped
    except RadError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{archive} cannot be read ({error.strerror}); give a file made with rad pack.") from error
    except _DAMAGE as error:
        words = shown(str(error) or type(error).__name__)[1:-1]
        raise DamagedError(
            f"{archive} is damaged, or no archive of a study ({words}); get or make it again with rad pack."
        ) from error


def _read_manifest(archive: Path, zipped: zipfile.ZipFile) -> Packed:
    entries = zipped.infolist()
    names = [entry.filename for entry in entries]
    if MANIFEST not in names:
        raise InputError(f"{archive} is no archive of a study: it has no manifest; give a file made with rad pack.")
    entry = zipped.getinfo(MANIFEST)
    if entry.file_size > _MOST_MANIFEST or entry.compress_type == zipfile.ZIP_LZMA:
        raise _refused(archive, "its manifest is too large, or may be")
    about = json.loads(zipped.read(MANIFEST))
    if _number(about, "format") > FORMAT or _number(about, "schema") > SCHEMA:
        raise InputError(
            f"{archive} was made by a newer version of RAD Studio; upgrade with pip install --upgrade rad-studio."
        )
    study_id, entered = about["id"], about["files"]
    if not isinstance(study_id, str) or not ID.fullmatch(study_id):
        raise _refused(archive, f"the id of its study is {shown(id)}")
    packed = Packed(
        study_id,
        about["schema"],
        _digest(about, "fingerprint"),
        {name: _number(values, "size") for name, values in entered.items()},
        {name: _digest(values, "sha256") for name, values in entered.items()},
    )
    _check_entries(archive, entries, packed)
    return packed


def _number(values: dict[str, Any], name: str) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 62:
        raise ValueError(f"{name} in its manifest is {shown(value)}, which is no whole number")
    return value


def _digest(values: dict[str, Any], name: str) -> str:
    value = values[name]
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f"{name} in its manifest is {shown(value)}, which is no digest")
    return value


def _is_ours(name: str) -> bool:
    """Whether a file of a study may be called so."""
    return name == DATABASE or layout.is_array_or_weights(name) or layout.is_map(name)


def _check_entries(archive: Path, entries: list[zipfile.ZipInfo], about: Packed) -> None:
    seen = set()
    for entry in entries:
        name = entry.filename
        if name in seen or name.casefold() in seen:
            raise _refused(archive, f"it holds {name[:100]!r} twice")
        seen |= {name, name.casefold()}
        if name != MANIFEST and not _is_ours(name):
            raise _refused(archive, f"it holds a file {name[:100]!r}, which is no part of a study")
        if entry.compress_type not in _KINDS:
            raise _refused(archive, f"{name[:100]!r} is compressed in a way that is not ours")
        if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            raise _refused(archive, f"{name!r} is a link or no plain file")
        if name != MANIFEST and about.sizes.get(name) != entry.file_size:
            raise _refused(archive, f"the size of {name!r} is not what its manifest says")
    if missing := sorted(set(about.sizes) - seen):
        raise _refused(archive, f"{missing[0][:100]!r} is missing in it")
    if DATABASE not in seen:
        raise _refused(archive, "it has no database")
    if sum(about.sizes.values()) > _MOST_BYTES:
        raise _refused(archive, f"it would take {sum(about.sizes.values()):,} bytes")


def _extract(archive: Path, zipped: zipfile.ZipFile, about: Packed, folder: Path, *, lasting: bool) -> None:
    folder.mkdir()
    for name, size in about.sizes.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        digest, total = hashlib.sha256(), 0
        most = _LITTLE if zipped.getinfo(name).compress_type == zipfile.ZIP_LZMA else PIECE
        with zipped.open(name) as source, path.open("xb") as target:
            while piece := source.read(most):
                total += len(piece)
                if total > size:
                    raise _refused(archive, f"{name!r} is larger than its manifest says")
                digest.update(piece)
                target.write(piece)
            if lasting:
                target.flush()
                os.fsync(target.fileno())
        if digest.hexdigest() != about.sums[name]:
            raise _refused(archive, f"the checksum of {name!r} is wrong")


def _check_study(archive: Path, folder: Path, about: Packed) -> None:
    """Refuse a database that is not exactly ours, and files that are not the plain arrays it refers to."""
    Study(folder).check()
    with reading(folder) as database:
        if database.execute("select value from meta where key = 'id'").fetchone() != (about.id,):
            raise _refused(archive, "its database belongs to another study")
    names, rows = contents(folder)
    known = set(names)  # these are looked at below
    allowed = {DATABASE, *known, *weights(folder)}
    for name in about.sizes:
        if name not in allowed and not layout.is_map(name):
            raise _refused(archive, f"its database knows nothing of {name!r}")
        if name.endswith(".npy") and name not in known:
            files.load_array(folder, folder / name)
        elif name.endswith(".npz"):
            _check_weights(archive, folder / name)
    if missing := sorted(known - set(about.sizes)):
        raise _refused(archive, f"{missing[0]!r} is missing in it")
    check_study(folder)
    if fingerprint(rows, about.sums) != about.fingerprint:
        raise _refused(archive, "its manifest and its database do not agree")


def _check_weights(archive: Path, path: Path) -> None:
    with zipfile.ZipFile(path) as inner:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in inner.infolist()):
            raise _refused(archive, "the weights of a teacher are compressed, which may hide any size")


def _reason(error: Exception) -> str:
    """Why a study is none, in words that do not speak of a folder that is gone in a moment."""
    cause = error if isinstance(error, Unsound) else error.__cause__
    words = str(getattr(cause, "strerror", None) or cause or "").partition("\n")[0]
    return f"its study is damaged ({words[:200]})" if words else "its study is damaged"


def _refused(archive: Path, why: str) -> DamagedError:
    return DamagedError(f"{archive} is not unpacked: {why}; get it again from where it came, or make it with rad pack.")
