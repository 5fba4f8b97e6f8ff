"""A study as one file: what goes in comes out, the same bytes each time, and nothing foreign gets in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rad_core.errors import InputError
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study, open_study
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.sound_study import POOL, make_sound

ID = "made-study"
MAP = f"maps/teacher_features-umap-seed0-{'a' * 16}.npy"
Members = dict[str, bytes]


@pytest.fixture
def study(store: Path) -> Study:
    """A study with every kind of file in it, and some that are nobody else's business."""
    study = make_sound(store, ID)
    (study.path / "maps").mkdir()
    np.save(study.path / MAP, np.zeros((POOL, 2), np.float32))
    for private in ("worker.log", "maps/x.lock", "seed-0/unfinished.npy"):
        (study.path / private).write_text("not to be packed")
    study.set_status("paused")
    return study


@pytest.fixture
def archive(study: Study, tmp_path: Path) -> Path:
    pack(study, tmp_path / "study.rad.zip")
    return tmp_path / "study.rad.zip"


def members(archive: Path) -> Members:
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def write(archive: Path, found: Members, *, honest: bool = True) -> None:
    """An archive of these members; an honest one has a manifest that fits them."""
    if honest:
        about = json.loads(found["manifest.json"])
        about["files"] = {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in found.items()
            if name != "manifest.json"
        }
        found = {**found, "manifest.json": json.dumps(about).encode()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in found.items():
            zipped.writestr(name, data)


def refused(archive: Path, root: Path, words: str) -> None:
    """One sentence that names the archive, and nothing left behind."""
    with pytest.raises(InputError, match=words) as caught:
        unpack_into(archive, root)
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not root.exists() or list(root.iterdir()) == []
    assert not list(root.parent.glob("evil*"))


def test_what_is_packed_is_unpacked(study: Study, archive: Path, tmp_path: Path) -> None:
    copy = unpack_into(archive, tmp_path / "other")
    assert copy.content_digest() == study.content_digest()
    assert copy.info() == study.info()
    assert copy.read_log() == study.read_log()
    np.testing.assert_array_equal(copy.seed_array(0, "thumbnails"), study.seed_array(0, "thumbnails"))
    np.testing.assert_array_equal(copy.teacher_state(0)["net.0.weight"], np.ones(1000))
    assert (copy.path / MAP).read_bytes() == (study.path / MAP).read_bytes()
    assert not list(copy.path.rglob("*.log"))
    assert not list(copy.path.rglob("unfinished*"))
    assert [path.name for path in (tmp_path / "other").iterdir()] == [ID]
    copy.put_round("rad", 0, 3, {}, {"accuracy": 0.7, "labels": 30.0}, {})  # it can be gone on with


def test_the_same_study_gives_the_same_bytes(study: Study, archive: Path, tmp_path: Path) -> None:
    time.sleep(2.1)  # zip files keep times in steps of two seconds
    os.utime(study.path / "seed-0" / "pool_labels.npy")
    pack(study, tmp_path / "again.rad.zip")
    assert (tmp_path / "again.rad.zip").read_bytes() == archive.read_bytes()
    pack(unpack_into(archive, tmp_path / "other"), tmp_path / "copy.rad.zip")
    assert (tmp_path / "copy.rad.zip").read_bytes() == archive.read_bytes()


def test_a_finished_study_survives_the_journey(store: Path, tmp_path: Path) -> None:
    study = create_study(store, tiny_config(), "real-study")
    run_study(study, workers=1)
    pack(study, tmp_path / "real.rad.zip")
    copy = unpack_into(tmp_path / "real.rad.zip", tmp_path / "other")
    assert copy.content_digest() == study.content_digest()
    assert copy.rounds_table().equals(study.rounds_table())
    run_study(copy, workers=1)  # nothing to do, and it can be opened
    assert copy.content_digest() == study.content_digest()


def test_images_and_teachers_can_be_left_out(study: Study, archive: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.rad.zip"
    pack(study, small, images=False, teacher=False)
    assert small.stat().st_size < archive.stat().st_size / 2
    copy = unpack_into(small, tmp_path / "other")
    assert copy.rounds_table().equals(study.rounds_table())
    assert copy.seed_arrays(0) == [name for name in study.seed_arrays(0) if name != "thumbnails"]
    with pytest.raises(InputError, match="has no array 'thumbnails'"):
        copy.seed_array(0, "thumbnails")
    with pytest.raises(InputError, match="came without the teachers' weights"):
        copy.teacher_state(0)
    assert copy.content_digest() != study.content_digest()
    pack(copy, tmp_path / "again.rad.zip")
    assert (tmp_path / "again.rad.zip").read_bytes() == small.read_bytes()


def test_a_study_that_runs_is_packed_as_paused(study: Study, tmp_path: Path) -> None:
    with study.lock():
        study.set_status("running")
        pack(study, tmp_path / "running.rad.zip")
        assert study.info().status == "running"
    info = unpack_into(tmp_path / "running.rad.zip", tmp_path / "other").info()
    assert (info.status, info.rounds_done) == ("paused", 2)


def test_what_is_there_already_is_left_alone_or_refused(study: Study, archive: Path, tmp_path: Path) -> None:
    root = tmp_path / "other"
    copy = unpack_into(archive, root)
    copy.rename("Mine")
    assert unpack_into(archive, root).info().name == "Mine"
    copy.put_round("rad", 0, 2, {"bought": np.arange(1)}, {"accuracy": 0.1, "labels": 9.0}, {})
    with pytest.raises(InputError, match="another study of that id"):
        unpack_into(archive, root)
    assert copy.round_metrics("rad", 0, 2)["accuracy"] == 0.1


def test_processes_that_unpack_at_once_get_the_same_study(study: Study, archive: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from rad_core.store.unpack import unpack_into\n"
        f"print(unpack_into(Path({str(archive)!r}), Path({str(tmp_path / 'other')!r})).content_digest())"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert digests == {study.content_digest()}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: unpack_into(archive, tmp_path / "third"), range(8)))
    for root in ("other", "third"):
        assert [path.name for path in (tmp_path / root).iterdir()] == [ID]


def test_what_a_killed_process_left_is_swept_up(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / ".rad-unpack-dead" / ID).mkdir(parents=True)
    unpack_into(archive, tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == [ID]


@pytest.mark.parametrize(
    "name",
    [
        "../evil.npy",
        "/tmp/evil.npy",
        "seed-0/../../evil.npy",
        "seed-0\\..\\evil.npy",
        "C:/evil.npy",
        "seed-0/evil.py",
        "evil/pool_labels.npy",
        "seed-0/deep/evil.npy",
        "run.lock",
        "maps/evil.npy",
        "seed-0/",
        "Seed-0/pool_labels.npy",
        "seed-0/Pool_labels.npy",
    ],
)
def test_foreign_names_are_refused(archive: Path, tmp_path: Path, name: str) -> None:
    found = members(archive)
    write(archive, {**found, name: found["seed-0/pool_labels.npy"]})
    refused(archive, tmp_path / "root" / "other", "no part of a study|knows nothing of|twice|not what its manifest")


def changed(name: str, data: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda found: {**found, name: data(found[name])}


def database(statement: str) -> Callable[[Members], Members]:
    def change(found: Members) -> Members:
        with closing(sqlite3.connect(":memory:")) as memory:
            raw = bytearray(found["study.sqlite"])
            raw[18:20] = b"\1\1"  # in memory there is no write-ahead log
            memory.deserialize(bytes(raw))
            memory.executescript(statement)
            return {**found, "study.sqlite": memory.serialize()}

    return change


def objects(_: bytes) -> bytes:
    """An .npy file that would be unpickled."""
    file = io.BytesIO()
    np.save(file, np.array([{"evil": 1}], object), allow_pickle=True)
    return file.getvalue()


def compressed(_: bytes) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, w=np.zeros(10_000_000))
    return file.getvalue()


ROUND = "rad-0/round-1-bought.npy"
TAMPERED = {
    "a file is missing": (lambda found: {k: v for k, v in found.items() if k != ROUND}, "is missing in it"),
    "no database": (lambda found: {k: v for k, v in found.items() if k != "study.sqlite"}, "no database"),
    "another array": (
        changed("rad-0/round-1-bought_gain.npy", lambda data: data[:-4] + np.float32(0.25).tobytes()),
        "do not agree",
    ),
    "pickled objects": (changed("seed-0/pool_labels.npy", objects), "study is damaged"),
    "no array": (changed("seed-0/pool_labels.npy", lambda data: b"evil"), "study is damaged"),
    "weights that unfold": (changed("seed-0/teacher_state.npz", compressed), "compressed"),
    "weights that are none": (changed("seed-0/teacher_state.npz", lambda data: b"evil"), "damaged"),
    "no SQLite": (changed("study.sqlite", lambda data: b"evil" * 99), "study is damaged"),
    "half a database": (changed("study.sqlite", lambda data: data[:5000]), "damaged"),
    "a trigger": (database("create trigger t after update on meta begin delete from seeds; end"), "other tables"),
    "a view": (database("alter table meta rename to m; create view meta as select * from m"), "other tables"),
    "an endless view": (
        database(
            "alter table log rename to l; create view log as with recursive n(i) as (select 1 union all select i + 1 "
            "from n) select i as id, i as time, i as text from n"
        ),
        "other tables",
    ),
    "another study's": (database("update meta set value = 'other-study' where key = 'id'"), "another study"),
    "other results": (database("update rounds set metrics = replace(metrics, '0.6', '0.9')"), "do not agree"),
    "a newer schema": (database("pragma user_version = 99"), "study is damaged"),
    "a name that climbs": (database("""update seeds set arrays = '["../../evil"]'"""), "unsafe name"),
    "no settings": (database("delete from meta where key = 'config'"), "study is damaged"),
    "an unknown setting": (database("update meta set value = '{\"evil\": 1}' where key = 'config'"), "damaged"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_study_that_was_tampered_with_is_refused(archive: Path, tmp_path: Path, how: str) -> None:
    change, words = TAMPERED[how]
    write(archive, change(members(archive)))
    refused(archive, tmp_path / "root" / "other", words)


def manifest(**values: object) -> Callable[[Members], Members]:
    return lambda found: {
        **found,
        "manifest.json": json.dumps({**json.loads(found["manifest.json"]), **values}).encode(),
    }


def text_of_manifest(old: str, new: str) -> Callable[[Members], Members]:
    return changed("manifest.json", lambda data: data.replace(old.encode(), new.encode()))


LYING = {
    "a format without end": (text_of_manifest('"format": 1', '"format": 1e999'), "format in its manifest is inf"),
    "a size that is none": (text_of_manifest('"size":', '"size": NaN, "was":'), "size in its manifest is nan"),
    "a schema that is true": (manifest(schema=True), "schema in its manifest is True"),
    "a fingerprint that is none": (manifest(fingerprint=5), "fingerprint in its manifest is 5"),
    "wrong checksum": (changed(ROUND, lambda data: data[:-1] + b"\7"), "checksum"),
    "wrong size": (changed(ROUND, lambda data: data + b"\7"), "size"),
    "no manifest": (lambda found: {k: v for k, v in found.items() if k != "manifest.json"}, "no manifest"),
    "no JSON": (changed("manifest.json", lambda data: b"{"), "damaged"),
    "a list": (changed("manifest.json", lambda data: b"[]"), "damaged"),
    "deep JSON": (changed("manifest.json", lambda data: b"[" * 100_000), "damaged"),
    "newer format": (manifest(format=2), "newer version"),
    "newer schema": (manifest(schema=99), "newer version"),
    "an id that climbs": (manifest(id="../evil"), "the id of its study"),
    "files that are none": (manifest(files=3), "damaged"),
}


@pytest.mark.parametrize("how", LYING)
def test_a_manifest_that_lies_is_refused(archive: Path, tmp_path: Path, how: str) -> None:
    change, words = LYING[how]
    write(archive, change(members(archive)), honest=False)
    refused(archive, tmp_path / "root" / "other", words)


def test_links_doubles_and_bombs_are_refused(archive: Path, tmp_path: Path) -> None:
    found, root = members(archive), tmp_path / "root" / "other"
    write(archive, found)
    with zipfile.ZipFile(archive, "a") as zipped, pytest.warns(UserWarning, match="Duplicate"):
        zipped.writestr(ROUND, found[ROUND])
    refused(archive, root, "twice")

    link = zipfile.ZipInfo("seed-0/evil.npy")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    write(archive, found)
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr(link, "/etc/passwd")
    refused(archive, root, "link")

    write(archive, {**found, ROUND: bytes(50_000_000)})
    with zipfile.ZipFile(archive) as zipped:
        about = json.loads(zipped.read("manifest.json"))
    about["files"][ROUND]["size"] = 200
    write(archive, {**found, ROUND: bytes(50_000_000), "manifest.json": json.dumps(about).encode()}, honest=False)
    refused(archive, root, "size")
    about["files"][ROUND]["size"] = 1 << 40
    write(archive, {**found, "manifest.json": json.dumps(about).encode()}, honest=False)
    refused(archive, root, "size")


def test_damaged_files_are_refused_at_every_place(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    generator = np.random.default_rng(0)
    for place in [0, 10, *generator.integers(0, len(whole), 40).tolist(), len(whole) - 5]:
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        archive.write_bytes(bytes(broken))
        try:
            unpack_into(archive, tmp_path / f"at-{place}")
        except InputError:
            assert not list((tmp_path / f"at-{place}").glob("*"))
        else:  # a byte that carries nothing, such as a time
            original = open_study(tmp_path / "store", ID)
            assert open_study(tmp_path / f"at-{place}", ID).content_digest() == original.content_digest()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:length])
        refused(archive, tmp_path / "root" / "other", "damaged|no archive")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused(tmp_path / "none.rad.zip", tmp_path / "root" / "other", "cannot be read")
    refused(tmp_path, tmp_path / "root" / "other", "cannot be read")


def test_packing_a_damaged_study_leaves_no_file(study: Study, tmp_path: Path) -> None:
    (study.path / ROUND).unlink()
    with pytest.raises(InputError, match="restore it or delete the study"):
        pack(study, tmp_path / "out" / "x.rad.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_commands_pack_and_unpack(study: Study, store: Path, tmp_path: Path) -> None:
    def rad(*arguments: object, code: int = 0) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "rad_core.cli", *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path
        )
        assert ran.returncode == code, ran.stderr
        assert "Traceback" not in ran.stderr
        return ran.stdout + ran.stderr

    assert f"{ID}.rad.zip" in rad("pack", "latest", "--store", store, "--no-images")
    assert "--force" in rad("pack", ID, "--store", store, code=2)
    assert ID in rad("unpack", f"{ID}.rad.zip", "--store", tmp_path / "other")
    assert "another study" in rad("unpack", f"{ID}.rad.zip", "--store", store, code=2)
    assert "thumbnails" not in open_study(tmp_path / "other", "latest").seed_arrays(0)
