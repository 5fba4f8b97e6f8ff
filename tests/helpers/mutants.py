"""Archives of studies, spoiled in every way that somebody can think of; most of them with honest sums, so that they get
past the first door. Every choice is drawn by hypothesis."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from rad_core.errors import InputError
from rad_core.store.database import DATABASE
from rad_core.store.pack import contents, fingerprint

Members = dict[str, bytes]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Mutation = Callable[[Members, Draw], Members]
MANIFEST = "manifest.json"


# --- archives as names and bytes -----------------------------------------------------------------------------------


def members_of(archive: Path) -> Members:
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def packed(members: Members) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        warnings.simplefilter("ignore")  # of a name twice
        for name, data in members.items():
            zipped.writestr(name, data)
    return file.getvalue()


def honest(members: Members) -> Members:
    """The same with sizes, sums and fingerprint that fit what is in it."""
    try:
        about = json.loads(members[MANIFEST])
    except ValueError:
        return members
    files = {name: data for name, data in members.items() if name != MANIFEST}
    about["files"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    }
    with tempfile.TemporaryDirectory() as folder, suppress(InputError, ValueError, TypeError):
        (Path(folder) / DATABASE).write_bytes(files.get(DATABASE, b""))
        rows = contents(Path(folder))[1]
        about["fingerprint"] = fingerprint(rows, {name: values["sha256"] for name, values in about["files"].items()})
    return {**files, MANIFEST: json.dumps(about).encode()}


# --- values --------------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [
        0,
        1,
        -1,
        2,
        3,
        10,
        255,
        256,
        65536,
        2**31,
        2**53,
        2**63 - 1,
        10**15,
        10**18,
        0.5,
        -0.5,
        1.0,
        1.5,
        1e-300,
        1e15,
        1e30,
        1e300,
        -1e300,
        float("inf"),
        float("-inf"),
        float("nan"),
    ]
)
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "evil",
        "rad",
        "uniform",
        "oracle",
        "finished",
        "running",
        "[]",
        "{}",
        "null",
        "true",
        "1e999",
        "NaN",
        "-5",
        "0x10",
        "../../evil",
        "a/b",
        "\x00",
        "\x1b[31m",
        "\ufffe",
        "\n",
        "é",
        "😀",
        "x" * 101,
        "x" * 50_000,
        "<script>alert(1)</script>",
        "![x](http://evil.example/b.png)",
        "digits",
        "folder:/etc",
        "2026-01-01",
    ]
) | st.text(max_size=8)
JSONS = st.recursive(
    NUMBERS | TEXTS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
CELLS = NUMBERS.filter(lambda value: not isinstance(value, int) or abs(value) < 2**63) | TEXTS | st.binary(max_size=6)


# --- mutations -----------------------------------------------------------------------------------------------------


def replaced(data: bytes, draw: Draw) -> bytes:
    """Bytes with some flipped, cut, put in or moved."""
    assume(len(data) > 4)
    place = draw(st.integers(0, len(data) - 1))
    more = draw(st.binary(min_size=1, max_size=8))
    how = draw(st.sampled_from(["flip", "cut", "insert", "zero", "twice", "append", "prepend"]))
    if how == "flip":
        return data[:place] + bytes([data[place] ^ draw(st.integers(1, 255))]) + data[place + 1 :]
    if how == "zero":
        return data[:place] + bytes(min(64, len(data) - place)) + data[place + 64 :]
    return {
        "cut": data[:place],
        "insert": data[:place] + more + data[place:],
        "twice": data[:place] + data,
        "append": data + more,
        "prepend": more + data,
    }[how]


def some_member(members: Members, draw: Draw, ending: str = "") -> str:
    names = sorted(name for name in members if name.endswith(ending) and name != MANIFEST)
    assume(names)
    return draw(st.sampled_from(names))


def bytes_of_a_member(members: Members, draw: Draw) -> Members:
    name = some_member(members, draw)
    return honest({**members, name: replaced(members[name], draw)})


def sizes(members: Members, draw: Draw) -> Members:
    """A manifest that lies of sizes and sums."""
    about = json.loads(members[MANIFEST])
    name = draw(st.sampled_from(sorted(about["files"])))
    key = draw(st.sampled_from(["size", "sha256"]))
    about["files"][name][key] = draw(JSONS)
    return {**members, MANIFEST: json.dumps(about).encode()}


def names(members: Members, draw: Draw) -> Members:
    """A member with another name, one more, or one fewer."""
    old = some_member(members, draw)
    new = draw(
        st.sampled_from(
            [
                old.upper(),
                f"../{old}",
                f"/{old}",
                old.replace("/", "\\"),
                f"{old}.partial",
                "run.lock",
                "worker.log",
                f"{DATABASE}-wal",
                f"{DATABASE}-journal",
                "maps/evil.npy",
                "seed-0/evil.npy",
                "rad-0/round-1-evil.npy",
                "seed-7/pool_labels.npy",
                "seed-0/",
                ".",
                "seed-0/teacher_state.npz",
            ]
        )
    )
    how = draw(st.sampled_from(["rename", "copy", "drop"]))
    kept = {name: data for name, data in members.items() if how == "copy" or name != old}
    return honest(kept if how == "drop" else {**kept, new: members[old]})


def top_of_manifest(members: Members, draw: Draw) -> Members:
    about = json.loads(members[MANIFEST])
    key = draw(st.sampled_from([*sorted(about), "evil"]))
    if draw(st.booleans()):
        about[key] = draw(JSONS)
    else:
        about.pop(key, None)
    text = json.dumps(about)
    if draw(st.booleans()):
        text = text.replace('"format": 1', f'"format": {draw(st.sampled_from(["1e999", "-1", "1.0", "1" * 5000]))}')
    return {**members, MANIFEST: text.encode()}


def bytes_of_manifest(members: Members, draw: Draw) -> Members:
    return {**members, MANIFEST: replaced(members[MANIFEST], draw)}


def in_database(members: Members, change: Callable[[sqlite3.Connection], None]) -> Members:
    """The database changed, the other members as they are."""
    raw = bytearray(members[DATABASE])
    raw[18:20] = b"\1\1"  # in memory there is no write-ahead log
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(bytes(raw))
        try:
            change(database)
            database.commit()
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            assume(False)
        return honest({**members, DATABASE: database.serialize()})


SCHEMAS = (
    "create view v as select 1",
    "create view v as with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
    "alter table meta rename to m; create view meta as select * from m",
    "alter table rounds rename to r; create view rounds as with recursive n(i) as (select 1 union all select i + 1 "
    "from n) select r.* from r, n",
    "alter table log rename to l; create view log as select id, time, text from l, l as m, l as n, l as o, l as p",
    "create trigger t after update on meta begin delete from seeds; end",
    "create table more (x)",
    "create index i on rounds (round)",
    "alter table rounds add column evil text",
    "alter table rounds drop column seconds",
    "drop table log",
    "alter table seeds rename column arrays to names",
    "pragma user_version = 2",
    "pragma user_version = 0",
    "pragma user_version = -5",
    "create virtual table f using fts5(x)",
    "pragma encoding = 'UTF-16'",
    "pragma application_id = 7",
    "analyze",
    "drop table seeds; create table seeds (seed integer primary key, metrics text not null, arrays text)",
)


def schema(members: Members, draw: Draw) -> Members:
    return in_database(members, lambda database: database.executescript(draw(st.sampled_from(SCHEMAS))) and None)


def cell(members: Members, draw: Draw) -> Members:
    """Another value in a cell, of any type."""

    def change(database: sqlite3.Connection) -> None:
        table, keys = draw(st.sampled_from(sorted(KEYS.items())))
        row = some_row(database, draw, table)
        column = draw(st.sampled_from(sorted(row)))
        update(database, table, keys, row, column, draw(CELLS))

    return in_database(members, change)


KEYS = {"meta": ("key",), "seeds": ("seed",), "rounds": ("strategy", "seed", "round"), "log": ("id",)}


def some_row(database: sqlite3.Connection, draw: Draw, table: str) -> dict[str, Any]:
    found = database.execute(f"select * from {table}")
    columns = [column[0] for column in found.description]
    rows = found.fetchall()
    assume(rows)
    return dict(zip(columns, draw(st.sampled_from(rows)), strict=True))


def update(
    database: sqlite3.Connection, table: str, keys: tuple[str, ...], row: dict[str, Any], column: str, value: object
) -> None:
    where = " and ".join(f"{key} = ?" for key in keys)
    database.execute(f"update {table} set {column} = ? where {where}", [value, *(row[key] for key in keys)])


META = ("status", "name", "message", "created", "updated", "control", "version", "config", "presentation", "light")


def meta(members: Members, draw: Draw) -> Members:
    def change(database: sqlite3.Connection) -> None:
        value = draw(CELLS)
        database.execute("insert or replace into meta values (?, ?)", [draw(st.sampled_from(META)), value])

    return in_database(members, change)


def rows_gone_or_more(members: Members, draw: Draw) -> Members:
    def change(database: sqlite3.Connection) -> None:
        table, keys = draw(st.sampled_from(sorted(KEYS.items())))
        row = some_row(database, draw, table)
        if draw(st.booleans()):
            where = " and ".join(f"{key} = ?" for key in keys)
            database.execute(f"delete from {table} where {where}", [row[key] for key in keys])
        else:
            key = draw(st.sampled_from(keys))
            row[key] = draw(CELLS)
            marks = ", ".join("?" * len(row))
            database.execute(f"insert or replace into {table} values ({marks})", list(row.values()))

    return in_database(members, change)


def json_cell(members: Members, draw: Draw) -> Members:
    """Another value somewhere in the JSON of a cell."""

    def change(database: sqlite3.Connection) -> None:
        table, column = draw(
            st.sampled_from(
                [
                    ("seeds", "metrics"),
                    ("seeds", "arrays"),
                    ("rounds", "metrics"),
                    ("rounds", "arrays"),
                    ("rounds", "seconds"),
                    ("meta", "value"),
                ]
            )
        )
        row = some_row(database, draw, table)
        if table == "meta":
            value = database.execute("select value from meta where key = 'config'").fetchone()[0]
            row = {"key": "config", "value": value}
        text = json.dumps(spoiled(json.loads(row[column]), draw))
        update(database, table, KEYS[table], row, column, text)

    return in_database(members, change)


def spoiled(found: Any, draw: Draw) -> Any:
    """JSON with one value replaced, taken away or put in."""
    if isinstance(found, dict) and found:
        key = draw(st.sampled_from(sorted(found)))
        how = draw(st.sampled_from(["replace", "replace", "drop", "add", "inside"]))
        if how == "drop":
            return {name: value for name, value in found.items() if name != key}
        if how == "inside":
            return {**found, key: spoiled(found[key], draw)}
        return {**found, key if how == "replace" else draw(TEXTS): draw(JSONS)}
    if isinstance(found, list) and found:
        place = draw(st.integers(0, len(found) - 1))
        how = draw(st.sampled_from(["replace", "drop", "twice"]))
        new = {"replace": [draw(JSONS)], "drop": [], "twice": [found[place], found[place]]}[how]
        return [*found[:place], *new, *found[place + 1 :]]
    return draw(JSONS)


DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint64",
    "float16",
    "float32",
    "float64",
    ">f4",
    ">i8",
    "complex64",
    "S4",
    "U3",
    "object",
    "datetime64[s]",
    [("a", "<f4"), ("b", "<i4")],
    "V8",
)


def array(members: Members, draw: Draw) -> Members:
    """An array of another type or shape, or with other values."""
    name = some_member(members, draw, ".npy")
    try:
        found = np.load(io.BytesIO(members[name]), allow_pickle=False)
    except ValueError:  # spoiled before
        assume(False)
    how = draw(st.sampled_from(["type", "shape", "range", "range"]))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            changed = {"type": other_type, "shape": other_shape, "range": other_values}[how](found, draw)
    except (ValueError, TypeError, OverflowError):
        assume(False)
    file = io.BytesIO()
    np.save(file, changed, allow_pickle=True)
    return honest({**members, name: file.getvalue()})


def other_type(found: np.ndarray, draw: Draw) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    return np.zeros(found.shape, dtype) if dtype.names or dtype.kind == "V" else found.astype(dtype)


def other_shape(found: np.ndarray, draw: Draw) -> np.ndarray:
    how = draw(st.sampled_from(["shorter", "longer", "empty", "flat", "more", "turned", "fortran", "one", "none"]))
    return {
        "shorter": lambda: found[:-1],
        "longer": lambda: np.concatenate([found, found[:1]]),
        "empty": lambda: found[:0],
        "flat": lambda: found.reshape(-1),
        "more": lambda: found[None],
        "turned": lambda: found.T,
        "fortran": lambda: np.asfortranarray(found),
        "one": lambda: found[..., :1],
        "none": lambda: found.reshape(-1)[0],
    }[how]()


def other_values(found: np.ndarray, draw: Draw) -> np.ndarray:
    changed = np.array(found)
    flat = changed.reshape(-1)
    assume(flat.size)
    if draw(st.booleans()):
        value = draw(NUMBERS)
        if changed.dtype.kind in "iu":
            limits = np.iinfo(changed.dtype)
            assume(np.isfinite(value))
            value = int(min(max(value, limits.min), limits.max))
        flat[draw(st.integers(0, flat.size - 1))] = value
    else:
        how = draw(st.sampled_from(["zero", "same", "reversed", "negative", "shifted"]))
        flat[:] = {
            "zero": lambda: 0,
            "same": lambda: flat[0],
            "reversed": lambda: flat[::-1].copy(),
            "negative": lambda: np.negative(flat),
            "shifted": lambda: np.roll(flat, 1),
        }[how]()
    return changed


def weights(members: Members, draw: Draw) -> Members:
    """Other weights of a teacher: compressed, of another type, with a name that climbs."""
    name = some_member(members, draw, ".npz")
    with np.load(io.BytesIO(members[name])) as kept:
        states = dict(kept)
    assume(states)
    key = draw(st.sampled_from(sorted(states)))
    how = draw(st.sampled_from(["compressed", "type", "name", "nan", "objects", "empty"]))
    file = io.BytesIO()
    if how == "compressed":
        np.savez_compressed(file, **states)
    elif how == "empty":
        np.savez(file)
    else:
        new = {
            "type": {key: states[key].astype(draw(st.sampled_from(["complex64", "S4", "bool", ">f8", "float16"])))},
            "name": {"../../evil": states[key]},
            "nan": {key: states[key] * np.nan},
            "objects": {key: np.array([{"evil": 1}], object)},
        }[how]
        np.savez(file, **{**states, **new})
    return honest({**members, name: file.getvalue()})


def kind_of_entry(members: Members, draw: Draw) -> bytes:
    """An entry that is a link, encrypted, or compressed in another way."""
    chosen = some_member(members, draw)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name == chosen:
                entry.compress_type = draw(st.sampled_from([zipfile.ZIP_BZIP2, zipfile.ZIP_STORED, zipfile.ZIP_LZMA]))
                entry.external_attr = draw(st.sampled_from([0o120777, 0o040755, 0o010644, 0o100644])) << 16
            zipped.writestr(entry, data)
    return file.getvalue()


MUTATIONS: dict[str, Mutation] = {
    "bytes of a member": bytes_of_a_member,
    "sizes": sizes,
    "names": names,
    "top of the manifest": top_of_manifest,
    "bytes of the manifest": bytes_of_manifest,
    "schema": schema,
    "cell": cell,
    "meta": meta,
    "rows": rows_gone_or_more,
    "JSON": json_cell,
    "JSON again": json_cell,
    "array": array,
    "array again": array,
    "weights": weights,
}
RAW: dict[str, Callable[[Members, Draw], bytes]] = {
    "bytes": lambda members, draw: replaced(packed(members), draw),
    "kind of an entry": kind_of_entry,
}


@dataclass(frozen=True)
class Mutant:
    """A spoiled archive: of which study, how it was spoiled, its bytes."""

    base: str
    kind: str
    content: bytes = field(repr=False)


class Bases(dict[str, Members]):
    """Archives to begin with, by name; a failing test does not print them."""

    def __repr__(self) -> str:
        return f"archives of {', '.join(self)}"


@st.composite
def mutants(draw: Draw, bases: Bases) -> Mutant:
    """One of the archives, spoiled once or twice."""
    base = draw(st.sampled_from(sorted(bases)))
    kind = draw(st.sampled_from([*MUTATIONS, *RAW]))
    found = bases[base]
    if kind in RAW:
        return Mutant(base, kind, RAW[kind](found, draw))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        found = MUTATIONS[kind](found, draw)
    return Mutant(base, kind, packed(found))
