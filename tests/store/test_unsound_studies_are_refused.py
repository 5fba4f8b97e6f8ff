"""A study that the program would not have written is neither packed nor unpacked, and a sentence says what is wrong.

Sums and fingerprints of these archives are right: what is refused is what they hold.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad_core.errors import InputError
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.soundness import check_study
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.helpers.mutants import honest, members_of, packed
from tests.helpers.sound_study import CLASSES, POOL, make_sound

ID = "made-study"
Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = make_sound(tmp_path_factory.mktemp("made"), ID)
    study.set_status("paused")
    study.log("a line")
    (study.path / "maps").mkdir()
    np.save(study.path / "maps" / f"teacher_features-pca-seed0-{'a' * 16}.npy", np.zeros((POOL, 2), np.float32))
    check_study(study.path)
    return study.path


def sql(statement: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            database.executescript(statement)

    return change


def metric(name: str, value: str) -> Callable[[Path], None]:
    return sql(f"update rounds set metrics = json_set(metrics, '$.{name}', {value}) where round = 1")


def fact(name: str, value: str) -> Callable[[Path], None]:
    return sql(f"update seeds set metrics = json_set(metrics, '$.{name}', {value})")


def meta(key: str, value: str) -> Callable[[Path], None]:
    return sql(f"insert or replace into meta values ('{key}', {value})")


def array(name: str, change: Change) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (path,) = folder.glob(f"*/{name}.npy")
        np.save(path, change(np.load(path)))

    return apply


def put(index: Any, value: object) -> Change:
    def change(found: np.ndarray) -> np.ndarray:
        found[index] = value
        return found

    return change


def forget(table: str, name: str) -> Callable[[Path], None]:
    """An array that the database does not speak of any more."""

    def apply(folder: Path) -> None:
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            for row, names in database.execute(f"select round, arrays from {table}").fetchall():
                kept = [one for one in json.loads(names) if one != name]
                database.execute(f"update {table} set arrays = ? where round = ?", [json.dumps(kept), row])
            database.commit()
        for path in folder.glob(f"*/*{name}.npy"):
            path.unlink()

    return apply


R1 = "round-1"
UNSOUND: dict[str, tuple[Callable[[Path], None], str]] = {
    # the table meta
    "a status that none has": (meta("status", "'evil'"), "its status is 'evil'"),
    "a name that is bytes": (meta("name", "x'00ff'"), "its name is b"),
    "a name of two lines": (meta("name", "'a' || char(10) || 'b'"), "its name is"),
    "a name that never ends": (meta("name", "hex(zeroblob(99))"), "its name is"),
    "a date of no calendar": (meta("created", "'1e30'"), "its date created is 1e"),
    "a date that is none": (meta("updated", "'nan'"), "its date updated is nan"),
    "a date that is text": (meta("updated", "'today'"), "its date updated is 'today'"),
    "a version that is none": (meta("version", "'-1'"), "its version is '-1'"),
    "an unknown request": (meta("control", "'dance'"), "it is asked to 'dance'"),
    "a light copy with everything": (meta("light", "'1'"), "light copy and paused"),
    "a presentation that is none": (meta("presentation", "'[]'"), "the settings of its story"),
    "settings that are none": (meta("config", "'[]'"), "its settings are '"),
    # the log
    "a line of bytes": (sql("update log set text = x'00'"), "a line of its log is"),
    "a line from no time": (sql("update log set time = 9e999"), "the date of a line"),
    # seeds
    "a seed too many": (sql("insert into seeds select 7, metrics, arrays from seeds"), "it has a seed 7"),
    "a seed without its round 0": (sql("delete from rounds where round = 0"), "not what comes before that"),
    "one class": (fact("classes", "json('[\"a\"]')"), "the classes of seed 0"),
    "a class twice": (fact("classes", 'json(\'["a", "a", "b"]\')'), "two or more different ones"),
    "a class of two lines": (fact("classes", 'json(\'["a\\nb", "b", "c"]\')'), "which cannot be printed"),
    "a class that is a number": (fact("classes", "json('[1, 2, 3]')"), "which are no names"),
    "a share above 1": (fact("teacher_accuracy_used", "1.5"), "teacher_accuracy_used of seed 0 is 1.5"),
    "a share that is text": (fact("teacher_accuracy", "'0.7'"), "which is no number"),
    "no estimate": (sql("update seeds set metrics = json_remove(metrics, '$.teacher_accuracy')"), "is missing"),
    "a fact that is a column": (fact("round", "1"), "which is no name of a number"),
    # rounds
    "a round of a strategy not asked for": (
        sql("update rounds set strategy = 'badge' where round = 2"),
        "which is none",
    ),
    "a round beyond the last": (sql("update rounds set round = 9 where round = 2"), "do not ask for"),
    "a round before the first": (sql("update rounds set round = -1 where round = 2"), "do not ask for"),
    "a gap": (sql("delete from rounds where round = 1"), "not what comes before that"),
    "a round that is text": (sql("update rounds set round = 'x' where round = 2"), "which is none"),
    "a round from no time": (sql("update rounds set finished = -1.0"), "which is no date"),
    "metrics that are a list": (sql("update rounds set metrics = '[]' where round = 1"), "no JSON object"),
    "a metric without end": (
        sql("update rounds set metrics = replace(metrics, '\"value\": 1.0', '\"value\": 1e999')"),
        "value in the metrics",
    ),
    "a metric that is true": (metric("value", "json('true')"), "which is no number"),
    "an accuracy above 1": (metric("accuracy", "1.01"), "which is no share"),
    "a negative gain": (metric("mean_gain", "-0.1"), "which is no share"),
    "labels of another budget": (metric("labels", "11.0"), "it has 11 labels"),
    "no value of the game": (sql("update rounds set metrics = json_remove(metrics, '$.value')"), "value of round"),
    "an agreement in a whole study": (metric("agreement", "0.5"), "as in a light copy alone"),
    "seconds that are negative": (sql("update rounds set seconds = '{\"train\": -1}'"), "are negative"),
    "an array twice": (
        sql('update rounds set arrays = replace(arrays, \'"bought",\', \'"bought", "bought",\')'),
        "an array twice",
    ),
    "no gains": (forget("rounds", "gains"), "has no gains"),
    "no picks": (forget("rounds", "bought_q"), "has no bought_q"),
    # arrays
    "labels of another type": (array("pool_labels", lambda a: a.astype(np.int64)), "has type int64; it must be int16"),
    "labels of the other end": (array("pool_labels", lambda a: a.astype(">i2")), "none of plain numbers"),
    "a label of no class": (array("pool_labels", put(0, len(CLASSES))), "values out of range"),
    "a label below all": (array("validation_labels", put(3, -1)), "values out of range"),
    "a pool too small": (array("pool_labels", lambda a: a[:-1]), "its pool has 39 points"),
    "probabilities of another pool": (array("teacher_pool_probabilities", lambda a: a[1:]), r"must be \(40, 3\)"),
    "probabilities above 1": (array("teacher_pool_probabilities", put((0, 0), 7)), "values out of range"),
    "probabilities that are none": (array("teacher_pool_probabilities", put((5, 1), np.nan)), "values out of range"),
    "features without end": (array("student_features", put((0, 0), np.inf)), "values out of range"),
    "features of no columns": (array("teacher_features", lambda a: a[:, :0]), "has shape"),
    "images of four colors": (array("thumbnails", lambda a: np.concatenate([a, a[..., :1]], 3)), "has shape"),
    "images too large": (array("thumbnails", lambda a: np.concatenate([a, a], 1)), "has shape"),
    "an id twice": (array("pool_ids", lambda a: np.repeat(a[:1], len(a))), "a value twice"),
    "a negative id": (array("test_ids", put(0, -1)), "values out of range"),
    "a pick beyond the pool": (array(f"{R1}-bought", put(0, POOL)), "values out of range"),
    "a negative pick": (array(f"{R1}-bought", put(0, -1)), "values out of range"),
    "a pick twice": (array(f"{R1}-bought", lambda a: np.repeat(a[:1], len(a))), "a value twice"),
    "picks of an earlier round": (array("round-2-bought", lambda a: a), "buys what was bought before"),
    "a gain above 1": (array(f"{R1}-bought_gain", put(0, 1.5)), "values out of range"),
    "a chance below 0": (array(f"{R1}-bought_q", put(0, -0.5)), "values out of range"),
    "a verdict that is none": (array(f"{R1}-bought_correct", put(0, 2)), "values out of range"),
    "a mixture that was never made": (array(f"{R1}-bought_correct", put(0, 255)), "whether it is right"),
    "predictions of no class": (array("round-2-predictions", put(0, 200)), "values out of range"),
    "picks too many": (array(f"{R1}-bought", lambda a: np.append(a, np.int32(0))), r"must be \(10\)"),
    "a map of another pool": (array("teacher_features-pca-*", lambda a: a[1:]), "the map teacher_features-pca"),
    "a map without end": (array("teacher_features-pca-*", put((0, 0), np.inf)), "the map teacher_features-pca"),
}


def spoiled(sound: Path, tmp_path: Path, how: str) -> tuple[Study, str]:
    change, words = UNSOUND[how]
    folder = Path(shutil.copytree(sound, tmp_path / "store" / ID))
    change(folder)
    if how == "picks of an earlier round":
        shutil.copyfile(folder / "rad-0" / f"{R1}-bought.npy", folder / "rad-0" / "round-2-bought.npy")
    return Study(folder), words


@pytest.mark.parametrize("how", UNSOUND)
def test_it_is_neither_packed_nor_unpacked(sound: Path, tmp_path: Path, how: str) -> None:
    study, words = spoiled(sound, tmp_path, how)
    with pytest.raises(InputError, match=words) as caught:
        pack(study, tmp_path / "out" / "x.rad.zip")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "x.rad.zip").exists()

    pack(Study(sound), tmp_path / "sound.rad.zip")
    members = members_of(tmp_path / "sound.rad.zip")
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    for name in [*members]:
        path = study.path / name
        if name != "manifest.json":
            members = {**members, name: path.read_bytes()} if path.exists() else members
            if not path.exists():
                members.pop(name)
    archive = tmp_path / "unsound.rad.zip"
    archive.write_bytes(packed(honest(members)))
    root = tmp_path / "other"
    with pytest.raises(InputError, match=f"{words}|knows nothing of|is missing in it") as caught:
        unpack_into(archive, root)
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(root.iterdir()) == []


def test_a_loss_may_be_none_where_training_went_astray(sound: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "store" / ID))
    sql("update rounds set metrics = replace(metrics, '0.3', 'NaN') where round = 2")(folder)
    pack(Study(folder), tmp_path / "x.rad.zip")
    copy = unpack_into(tmp_path / "x.rad.zip", tmp_path / "other")
    assert np.isnan(copy.round_metrics("rad", 0, 2)["loss"])


def test_an_array_of_a_later_version_is_let_through_if_it_is_plain(sound: Path, tmp_path: Path) -> None:
    for values, good in ((np.arange(3.0), True), (np.array([np.nan]), False), (np.array(["text"]), False)):
        folder = Path(shutil.copytree(sound, tmp_path / str(values.dtype) / str(good) / ID))
        sql('update seeds set arrays = replace(arrays, \'"pool_ids"\', \'"later", "pool_ids"\')')(folder)
        np.save(folder / "seed-0" / "later.npy", values)
        if good:
            pack(Study(folder), tmp_path / "x.rad.zip")
        else:
            with pytest.raises(InputError, match="later of seed 0"):
                pack(Study(folder), tmp_path / "y.rad.zip")
