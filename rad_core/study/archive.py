"""A study as one file: a zip of its database, its arrays and maps, and a manifest with the size and SHA-256 of each.

The same study gives the same bytes. An archive comes from anywhere, so unpacking believes nothing that it says: names,
sizes, checksums, the tables of the database and the kind of each array are checked, and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any

import attrs

from rad_core.errors import InputError
from rad_core.study import files
from rad_core.study.database import DATABASE, SCHEMA, create_database, reading
from rad_core.study.store import ID, SHARED, Study

ENDING = ".rad.zip"
MAPS = "maps"
MAP_FILE = r"[a-z_]{1,40}-[a-z]{1,10}-seed\d{1,6}-[0-9a-f]{16}\.npy"
_MANIFEST = "manifest.json"
_FORMAT = 1
_FILE = re.compile(
    rf"{re.escape(DATABASE)}"
    r"|[a-z][a-z0-9_]{0,60}-\d{1,6}/(round-\d{1,6}-)?[A-Za-z0-9_][A-Za-z0-9_-]{0,80}\.npy"
    r"|seed-\d{1,6}/teacher_state\.npz"
    rf"|{MAPS}/{MAP_FILE}"
)
_PIECE = 1 << 20
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


# --- packing ---


def pack(study: Study, target: Path, *, images: bool = True, teacher: bool = True) -> None:
    """Write a study, finished or not, into one file, whole or not at all.

    images, teacher: False leaves out the thumbnails, or the weights of the teachers (without which the study cannot be
    gone on with). Files that no finished round or prepared seed refers to are left out as well.
    """
    study.check()
    with tempfile.TemporaryDirectory() as folder, files.writing(target.parent, "-o FILE"):
        snapshot = Path(folder)
        _copy_database(study, snapshot, images=images)
        names, rows = _contents(snapshot)
        if teacher:
            names += [
                name
                for name in (f"seed-{seed}/teacher_state.npz" for seed in _seeds(snapshot))
                if (study.path / name).exists()
            ]
        names += [
            f"{MAPS}/{path.name}" for path in (study.path / MAPS).glob("*.npy") if re.fullmatch(MAP_FILE, path.name)
        ]
        target.parent.mkdir(parents=True, exist_ok=True)
        sources = {name: study.path / name for name in names} | {DATABASE: snapshot / DATABASE}
        files.replace(target, lambda file: _write_archive(file, study, sources, rows))


def _copy_database(study: Study, folder: Path, *, images: bool) -> None:
    """One consistent state of the database, compact, with no trace of who was writing it."""
    with reading(study.path) as source, closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        source.backup(copy)
        busy = "('queued', 'running')"
        message = "It was packed while it ran."
        if copy.execute(f"select 1 from meta where key = 'status' and value in {busy}").fetchone():  # noqa: S608
            copy.execute("update meta set value = 'paused' where key = 'status'")
            copy.execute("update meta set value = ? where key = 'message'", [message])
        if not images:
            for seed, names in copy.execute("select seed, arrays from seeds").fetchall():
                kept = [name for name in json.loads(names) if name != "thumbnails"]
                copy.execute("update seeds set arrays = ? where seed = ?", [json.dumps(kept), seed])
        # Written anew: neither what was deleted nor how often it was changed leaves a trace.
        copy.execute("vacuum into ?", [str(folder / DATABASE)])
    with closing(sqlite3.connect(folder / DATABASE)) as packed:
        packed.execute("pragma journal_mode = wal")


def _write_archive(file: IO[bytes], study: Study, sources: Mapping[str, Path], rows: str) -> None:
    manifest: dict[str, Any] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(sources):
            path = sources[name] if name == DATABASE else files.inside(study.path, sources[name])
            total, digest = 0, hashlib.sha256()
            try:
                source = path.open("rb")
            except OSError as error:
                raise InputError(
                    f"{path} cannot be read ({error.strerror}); restore it or delete the study."
                ) from error
            with source, archive.open(_entry(name), "w", force_zip64=True) as entry:
                while piece := source.read(_PIECE):
                    total += len(piece)
                    digest.update(piece)
                    entry.write(piece)
            manifest[name] = {"size": total, "sha256": digest.hexdigest()}
        about = {
            "format": _FORMAT,
            "id": study.id,
            "schema": SCHEMA,
            "fingerprint": _fingerprint(rows, {name: values["sha256"] for name, values in manifest.items()}),
            "files": manifest,
        }
        archive.writestr(_entry(_MANIFEST), json.dumps(about, sort_keys=True, indent=1))


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry that says nothing of when, where and by whom it was written."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


# --- what a study consists of ---


def _contents(folder: Path) -> tuple[list[str], str]:
    """The arrays that the database in a folder refers to, and its results as text, nothing of the clock in it."""
    with reading(folder) as database:
        seeds = database.execute("select seed, metrics, arrays from seeds order by seed").fetchall()
        query = "select strategy, seed, round, metrics, arrays from rounds order by strategy, seed, round"
        rounds = database.execute(query).fetchall()
        config = database.execute("select value from meta where key = 'config'").fetchone()
    names = [f"seed-{seed}/{name}.npy" for seed, _, arrays in seeds for name in json.loads(arrays)]
    for strategy, seed, round, _, arrays in rounds:
        place = "seed" if strategy == SHARED else strategy
        names += [f"{place}-{seed}/round-{round}-{name}.npy" for name in json.loads(arrays)]
    return names, json.dumps([config, seeds, rounds])


def _seeds(folder: Path) -> list[int]:
    with reading(folder) as database:
        return [row[0] for row in database.execute("select seed from seeds order by seed")]


def _fingerprint(rows: str, sums: Mapping[str, str]) -> str:
    """Equal for equal results: maps can be made again, and the database holds times as well."""
    counted = {name: value for name, value in sums.items() if name != DATABASE and not name.startswith(f"{MAPS}/")}
    return hashlib.sha256(f"{rows}{json.dumps(counted, sort_keys=True)}".encode()).hexdigest()


def _fingerprint_of(folder: Path) -> str:
    names, rows = _contents(folder)
    names += [f"seed-{seed}/teacher_state.npz" for seed in _seeds(folder)]
    sums = {}
    for name in names:
        path = files.inside(folder, folder / name)
        if path.exists():
            with path.open("rb") as file:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return _fingerprint(rows, sums)


# --- unpacking ---


def unpack_into(archive: Path, root: Path) -> Study:
    """Unpack a study into a store; where the very same study is there already, leave it as it is.

    Safe when several processes do it at once: the study appears whole or not at all. Raises InputError for an archive
    that is damaged or unsafe, comes of a newer version, or holds another study of an id that is taken.
    """
    with _reading_archive(archive) as zipped:
        about = _read_manifest(archive, zipped)
        target = root / about.id
        if target.exists():
            return _same(archive, target, about)
        with files.writing(root):
            root.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(root).free < sum(about.sizes.values()):
                raise InputError(f"{archive} needs {sum(about.sizes.values()):,} bytes, and {root} has less room left.")
            with _own_folder(root) as folder:
                _extract(archive, zipped, about, folder / about.id)
                try:
                    _check_study(archive, folder / about.id, about)
                except InputError as error:  # its own words would speak of a folder that is gone in a moment
                    raise error if str(archive) in str(error) else _refused(archive, "its study is damaged") from error
                with files.alone_in(root):
                    if target.exists():  # another process was faster
                        return _same(archive, target, about)
                    (folder / about.id).rename(target)
                    files.sync_folder(root)
    return Study(target)


def _same(archive: Path, target: Path, about: Packed) -> Study:
    if target.is_symlink() or not target.is_dir() or _fingerprint_of(target) != about.fingerprint:
        raise InputError(
            f"{archive} holds study {about.id}, and there is another study of that id in {target.parent}; "
            f"unpack it into another store with --store DIR, or delete that one."
        )
    return Study(target)


@contextmanager
def _own_folder(root: Path) -> Iterator[Path]:
    """A folder for what is half there. One that a killed process left is swept up; others are locked."""
    folder = root / f".rad-unpack-{secrets.token_hex(4)}"
    with ExitStack() as lock:
        with files.alone_in(root) as alone:
            if alone:
                for left in root.glob(".rad-unpack-*"):
                    if left.is_dir() and not left.is_symlink() and not files.is_locked(left):
                        shutil.rmtree(left, ignore_errors=True)
            folder.mkdir()
            lock.enter_context(files.alone_in(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reading_archive(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Turn what goes wrong over a damaged archive into one sentence."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            yield zipped
    except InputError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{archive} cannot be read ({error.strerror}); give a file made with rad pack.") from error
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError, AttributeError,
            NotImplementedError, RuntimeError, RecursionError) as error:  # fmt: skip
        raise InputError(
            f"{archive} is damaged, or no archive of a study ({error}); get or make it again with rad pack."
        ) from error


def _read_manifest(archive: Path, zipped: zipfile.ZipFile) -> Packed:
    entries = zipped.infolist()
    names = [entry.filename for entry in entries]
    if _MANIFEST not in names:
        raise InputError(f"{archive} is no archive of a study: it has no manifest; give a file made with rad pack.")
    if zipped.getinfo(_MANIFEST).file_size > _MOST_MANIFEST:
        raise _refused(archive, "its manifest is too large")
    about = json.loads(zipped.read(_MANIFEST))
    if int(about["format"]) > _FORMAT or int(about["schema"]) > SCHEMA:
        raise InputError(
            f"{archive} was made by a newer version of RAD Studio; upgrade with pip install --upgrade rad-studio."
        )
    found = Packed(
        str(about["id"]),
        int(about["schema"]),
        str(about["fingerprint"]),
        {name: int(values["size"]) for name, values in about["files"].items()},
        {name: str(values["sha256"]) for name, values in about["files"].items()},
    )
    if not ID.fullmatch(found.id):
        raise _refused(archive, f"the id of its study is {found.id[:60]!r}")
    _check_entries(archive, entries, found)
    return found


def _check_entries(archive: Path, entries: list[zipfile.ZipInfo], about: Packed) -> None:
    seen = set()
    for entry in entries:
        name = entry.filename
        if name in seen or name.casefold() in seen:
            raise _refused(archive, f"it holds {name[:100]!r} twice")
        seen |= {name, name.casefold()}
        if name != _MANIFEST and not _FILE.fullmatch(name):
            raise _refused(archive, f"it holds a file {name[:100]!r}, which is no part of a study")
        if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            raise _refused(archive, f"{name!r} is a link or no plain file")
        if name != _MANIFEST and about.sizes.get(name) != entry.file_size:
            raise _refused(archive, f"the size of {name!r} is not what its manifest says")
    if missing := sorted(set(about.sizes) - seen):
        raise _refused(archive, f"{missing[0][:100]!r} is missing in it")
    if DATABASE not in seen:
        raise _refused(archive, "it has no database")
    if sum(about.sizes.values()) > _MOST_BYTES:
        raise _refused(archive, f"it would take {sum(about.sizes.values()):,} bytes")


def _extract(archive: Path, zipped: zipfile.ZipFile, about: Packed, folder: Path) -> None:
    folder.mkdir()
    for name, size in about.sizes.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        digest, total = hashlib.sha256(), 0
        with zipped.open(name) as source, path.open("xb") as target:
            while piece := source.read(_PIECE):
                total += len(piece)
                if total > size:
                    raise _refused(archive, f"{name!r} is larger than its manifest says")
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != about.sums[name]:
            raise _refused(archive, f"the checksum of {name!r} is wrong")


def _check_study(archive: Path, folder: Path, about: Packed) -> None:
    """Refuse a database that is not exactly ours, and files that are not the plain arrays it refers to."""
    study = Study(folder)
    study.check()
    with reading(folder) as database:
        if database.execute("pragma quick_check").fetchone() != ("ok",):
            raise _refused(archive, "its database is damaged")
        if _tables(database) != _own_tables():
            raise _refused(archive, "its database has other tables than a study")
        if database.execute("select value from meta where key = 'id'").fetchone() != (about.id,):
            raise _refused(archive, "its database belongs to another study")
    names, rows = _contents(folder)
    allowed = {DATABASE, *names, *(f"seed-{seed}/teacher_state.npz" for seed in _seeds(folder))}
    for name in about.sizes:
        if name not in allowed and not name.startswith(f"{MAPS}/"):
            raise _refused(archive, f"its database knows nothing of {name!r}")
        if name.endswith(".npy"):
            files.load_array(folder, folder / name)
        elif name.endswith(".npz"):
            _check_weights(archive, folder / name)
    if missing := sorted(set(names) - set(about.sizes)):
        raise _refused(archive, f"{missing[0]!r} is missing in it")
    if _fingerprint(rows, about.sums) != about.fingerprint:
        raise _refused(archive, "its manifest and its database do not agree")


def _check_weights(archive: Path, path: Path) -> None:
    with zipfile.ZipFile(path) as inner:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in inner.infolist()):
            raise _refused(archive, "the weights of a teacher are compressed, which may hide any size")


def _tables(database: sqlite3.Connection) -> list[tuple]:
    return database.execute("select type, name, tbl_name, sql from sqlite_master order by type, name").fetchall()


def _own_tables() -> list[tuple]:
    with tempfile.TemporaryDirectory() as folder:
        create_database(Path(folder), {})
        with closing(sqlite3.connect(Path(folder) / DATABASE)) as database:
            return _tables(database)


def _refused(archive: Path, why: str) -> InputError:
    return InputError(f"{archive} is not unpacked: {why}; get it again from where it came, or make it with rad pack.")
