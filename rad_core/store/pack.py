"""A study as one file: a zip of its database, its arrays and maps, and a manifest with the size and SHA-256 of each.

The same study gives the same bytes. `rad_core.store.unpack` is the way back.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import attrs

from rad_core import files, partials
from rad_core.errors import DamagedError, InputError
from rad_core.store import layout
from rad_core.store.database import DATABASE, SCHEMA, reading
from rad_core.store.layout import MAPS
from rad_core.store.light_copy import Thinner
from rad_core.store.rows import Unsound
from rad_core.store.soundness import check_study
from rad_core.store.study import Study

ENDING = ".rad.zip"
MANIFEST = "manifest.json"
FORMAT = 1
PIECE = 1 << 20  # bytes read at once
Change = Callable[[sqlite3.Connection], None]


def pack(study: Study, target: Path, *, images: bool = True, teacher: bool = True, light: int | None = None) -> None:
    """Write a study, finished or not, into one file, whole or not at all.

    Files that no finished round or prepared seed refers to are left out.

    Args:
        study: the study; it may be running.
        target: the file, replaced where it is there; its folder is made.
        images: False leaves out the thumbnails.
        teacher: False leaves out the weights of the teachers, without which the study cannot be gone on with.
        light: the number of seeds whose points stay in a light copy, see `rad_core.store.light_copy`; None packs the
            whole study.

    Raises:
        InputError: for a study that could not be unpacked again, since it is not sound.
        StoreError: where there is no room left.
    """
    study.check()
    with partials.temporary_folder("rad-pack") as snapshot, files.writing(target.parent, "-o FILE"):
        target.parent.mkdir(parents=True, exist_ok=True)
        partials.sweep_files(target.parent)
        try:
            check_study(study.path)
        except Unsound as error:
            raise InputError(
                f"Study {study.id} is damaged and cannot be packed ({error}); restore or delete {study.path}."
            ) from error
        thinner = None if light is None else Thinner.of(study, snapshot, light)
        changes: list[Change] = [] if images else [_leave_out_images]
        _copy_database(study, snapshot, [*changes, *([thinner.change] if thinner else [])])
        names, rows = contents(snapshot)
        if teacher and thinner is None:
            names += [name for name in weights(snapshot) if (study.path / name).exists()]
        maps = [path for path in (study.path / MAPS).glob("*.npy") if layout.is_map(f"{MAPS}/{path.name}")]
        names += [f"{MAPS}/{path.name}" for path in (maps if thinner is None else thinner.maps(maps))]
        kind = zipfile.ZIP_DEFLATED if thinner is None else zipfile.ZIP_LZMA
        sources = {name: _source(study, snapshot, name) for name in [DATABASE, *names]}
        files.replace(target, lambda file: _write_archive(file, study.id, snapshot, sources, rows, kind))


def _copy_database(study: Study, folder: Path, changes: list[Change]) -> None:
    """One consistent state of the database, compact, with no trace of who was writing it."""
    with study.reading() as source, closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        source.backup(copy)
        busy = "('queued', 'running')"
        message = "It was packed while it ran."
        if copy.execute(f"select 1 from meta where key = 'status' and value in {busy}").fetchone():  # noqa: S608
            copy.execute("update meta set value = 'paused' where key = 'status'")
            copy.execute("update meta set value = ? where key = 'message'", [message])
        for change in changes:
            change(copy)
        # Written anew: neither what was deleted nor how often it was changed leaves a trace.
        copy.execute("vacuum into ?", [str(folder / DATABASE)])
    with closing(sqlite3.connect(folder / DATABASE)) as packed:
        packed.execute("pragma journal_mode = wal")


def _leave_out_images(database: sqlite3.Connection) -> None:
    for seed, names in database.execute("select seed, arrays from seeds").fetchall():
        kept = [name for name in json.loads(names) if name != "thumbnails"]
        database.execute("update seeds set arrays = ? where seed = ?", [json.dumps(kept), seed])


def _source(study: Study, snapshot: Path, name: str) -> Path:
    """The file to pack under a name: what a light copy has of its own comes before the study's."""
    own = snapshot / name
    return own if own.exists() else files.inside(study.path, study.path / name)


def _write_archive(
    file: IO[bytes], study_id: str, snapshot: Path, sources: Mapping[str, Path], rows: str, kind: int
) -> None:
    manifest: dict[str, Any] = {}
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(sources):
            total, digest = 0, hashlib.sha256()
            try:
                source = sources[name].open("rb")
            except OSError as error:
                raise DamagedError(
                    f"{sources[name]} cannot be read ({error.strerror}); restore it or delete the study."
                ) from error
            with source, archive.open(_entry(name, kind), "w", force_zip64=True) as entry:
                while piece := source.read(PIECE):
                    total += len(piece)
                    digest.update(piece)
                    entry.write(piece)
            manifest[name] = {"size": total, "sha256": digest.hexdigest()}
        about = {
            "format": FORMAT,
            "id": study_id,
            "schema": SCHEMA,
            "fingerprint": fingerprint(rows, {name: values["sha256"] for name, values in manifest.items()}),
            "info": {**attrs.asdict(Study(snapshot).info()), "id": study_id},
            "files": manifest,
        }
        archive.writestr(_entry(MANIFEST, zipfile.ZIP_DEFLATED), json.dumps(about, sort_keys=True, indent=1))


def _entry(name: str, kind: int) -> zipfile.ZipInfo:
    """An entry that says nothing of when, where and by whom it was written."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = kind
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


# --- what a study consists of ---


def contents(folder: Path) -> tuple[list[str], str]:
    """The arrays that the database in a folder refers to, and its results as text, nothing of the clock in it."""
    with reading(folder) as database:
        seeds = database.execute("select seed, metrics, arrays from seeds order by seed").fetchall()
        query = "select strategy, seed, round, metrics, arrays from rounds order by strategy, seed, round"
        rounds = database.execute(query).fetchall()
        config = database.execute("select value from meta where key = 'config'").fetchone()
    names = [layout.seed_file(seed, name) for seed, _, arrays in seeds for name in json.loads(arrays)]
    for strategy, seed, number, _, arrays in rounds:
        names += [layout.round_file(strategy, seed, number, name) for name in json.loads(arrays)]
    return names, json.dumps([config, seeds, rounds])


def weights(folder: Path) -> list[str]:
    """The files of teachers' weights that the database in a folder may have."""
    with reading(folder) as database:
        seeds = [row[0] for row in database.execute("select seed from seeds order by seed")]
    return [layout.weights_file(seed) for seed in seeds]


def fingerprint(rows: str, sums: Mapping[str, str]) -> str:
    """Equal for equal results: maps can be made again, and the database holds times as well.

    rows: as from `contents`. sums: the SHA-256 of every file by name.
    """
    counted = {name: value for name, value in sums.items() if name != DATABASE and not name.startswith(f"{MAPS}/")}
    return hashlib.sha256(f"{rows}{json.dumps(counted, sort_keys=True)}".encode()).hexdigest()


def fingerprint_of(folder: Path) -> str:
    """The fingerprint of a study in a folder."""
    names, rows = contents(folder)
    sums = {}
    for name in [*names, *weights(folder)]:
        path = files.inside(folder, folder / name)
        if path.exists():
            with path.open("rb") as file:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return fingerprint(rows, sums)
