"""Ids: as text exactly as given, from column, index or array; missing and repeated ones refused with their row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from rad_core.errors import InputError
from rad_core.inputs.ids import bought_rows, escaped, unescaped
from rad_core.inputs.tables import read_purchases, read_table
from rad_core.inputs.writing import table_bytes, write_table
from tests.helpers.own_files import (
    CLASSES,
    choose,
    choose_from,
    csv_of,
    in_library,
    npy,
    npz,
    parquet_of,
    probabilities,
    table,
)

P = probabilities()
N = range(12)
CODES = ["DE", "NA", "ES", "null", "None", "nan", "", "FR", "N/A", "IT", "UK", "PL"]
CODES[6] = "TRUE"

READ = {
    "leading zeros": ("p.csv", csv_of(table([f"{i:05d}" for i in N])), [f"{i:05d}" for i in N], "column id"),
    "decimals": ("p.csv", csv_of(table([f"{i / 10:.2f}" for i in N])), [f"{i / 10:.2f}" for i in N], "column id"),
    "words that mean missing elsewhere": ("p.csv", csv_of(table(CODES)), CODES, "column id"),
    "plus, exponent, spaces": ("p.csv", csv_of(table([f" +1e{i} " for i in N])), [f" +1e{i} " for i in N], "column id"),
    "line breaks and quotes": ("p.csv", csv_of(table([f'a\n"{i}", b' for i in N])), [f'a\n"{i}", b' for i in N], ""),
    "another case": ("p.csv", csv_of(table(list(range(1, 13)), "Id")), [str(i) for i in range(1, 13)], "column Id"),
    "beyond 64 bits": ("p.csv", csv_of(table([f"{10**30 + i}" for i in N])), [f"{10**30 + i}" for i in N], "column id"),
    "semicolons": ("p.csv", csv_of(table([f"0{i}" for i in N]), sep=";"), [f"0{i}" for i in N], "column id"),
    "named index": (
        "p.parquet",
        parquet_of(table(list(range(5000, 5012))).set_index("id")),
        range(5000, 5012),
        "index id",
    ),
    "unnamed index": (
        "p.parquet",
        parquet_of(table().set_axis([f"x{i}" for i in N])),
        [f"x{i}" for i in N],
        "the index",
    ),
    "index of a part": ("p.parquet", parquet_of(table().set_axis(range(3, 15))), range(3, 15), "the index"),
    "index of other steps": ("p.parquet", parquet_of(table().set_axis(range(0, 24, 2))), range(0, 24, 2), "the index"),
    "column before index": (
        "p.parquet",
        parquet_of(table([f"k{i}" for i in N]).set_axis(range(5, 17))),
        [f"k{i}" for i in N],
        "column id",
    ),
    "whole numbers of 64 bits": (
        "p.parquet",
        parquet_of(table([2**63 - 1 - i for i in N])),
        [2**63 - 1 - i for i in N],
        "",
    ),
    "floating whole numbers": ("p.parquet", parquet_of(table([float(i) for i in N])), range(12), "column id"),
    "categories": ("p.parquet", parquet_of(table(list("abcdefghijkl")).astype({"id": "category"})), "abcdefghijkl", ""),
    "array ids": ("p.npz", npz(probabilities=P, ids=np.arange(500, 512)), range(500, 512), "array ids"),
    "array id of bytes": ("p.npz", npz(p=P, id=np.array([f"k{i}" for i in N], "S")), [f"k{i}" for i in N], "array id"),
    "field of records": (
        "p.npy",
        npy(np.array([(f"r{i}", *row) for i, row in enumerate(P)], [("id", "U4"), *((c, float) for c in "abcd")])),
        [f"r{i}" for i in N],
        "column id",
    ),
}


@pytest.mark.parametrize(("name", "content", "ids", "source"), READ.values(), ids=READ.keys())
def test_ids_are_read_and_written_exactly(name: str, content: bytes, ids: list, source: str, tmp_path: Path) -> None:
    ids = [str(text) for text in ids]
    outcome = choose_from(tmp_path, name, content, budget=12)
    assert outcome.error is None
    assert sorted(outcome.ids) == sorted(ids)
    assert outcome.report["ids"].startswith(f"ids from {source}")
    if ids[0].isprintable():
        assert outcome.notes[-1].endswith(f", first {ids[0]}.")
    few = choose_from(tmp_path, name, content, budget=3)
    np.save(tmp_path / "same.npy", read_table("probabilities", tmp_path / name).values)
    assert few.ids == [ids[int(row)] for row in choose(tmp_path / "same.npy", budget=3).ids]


def test_binary_ids_are_decoded_and_keys_written_as_hexadecimal(tmp_path: Path) -> None:
    for keys, expected in (([f"k{i}".encode() for i in N], "k0"), ([bytes([200, i, 7]) for i in N], "c80007")):
        columns = {"id": pyarrow.array(keys, pyarrow.binary()), **{name: P[:, i] for i, name in enumerate(CLASSES)}}
        parquet.write_table(pyarrow.table(columns), tmp_path / "p.parquet")
        outcome = choose(tmp_path / "p.parquet")
        assert f"first {expected}" in outcome.report["ids"]
        assert "holds bytes" in outcome.notes[0]


def test_lists_of_one_id_are_unpacked_and_that_is_told(tmp_path: Path) -> None:
    outcome = choose_from(tmp_path, "p.parquet", parquet_of(table([[f"k{i}"] for i in N])), budget=12)
    assert sorted(outcome.ids) == sorted(f"k{i}" for i in N)
    assert "lists of one id each" in outcome.notes[0]
    outcome = choose_from(tmp_path, "p.parquet", parquet_of(table([["a", "b"]] * 12)))
    assert "an id is one text or one number" in outcome.error


def test_no_ids_means_row_numbers_and_that_is_told(tmp_path: Path) -> None:
    for name, content in (
        ("p.npy", npy(P)),
        ("p.csv", csv_of(table())),
        ("p.parquet", parquet_of(table())),
        ("q.parquet", parquet_of(table(), index=False)),
        ("r.parquet", parquet_of(table().rename_axis("id"))),
    ):
        outcome = choose_from(tmp_path, name, content, budget=12)
        assert sorted(map(int, outcome.ids)) == list(N)
        assert outcome.notes == [f"{name}: rows numbered from 0."]


MISSING_OR_REPEATED = {
    "empty cell": ("p.csv", csv_of(table(["a", "", *"cdefghijkl"])), "Row 1 of p.csv has no id in column id"),
    "spaces": ("p.csv", csv_of(table(["a", "  ", *"cdefghijkl"])), "Row 1 of p.csv has no id in column id"),
    "NA of whole numbers": (
        "p.parquet",
        parquet_of(table(list(pd.array([*range(11), None], "Int64"))).astype({"id": "Int64"})),
        "Row 11 of p.parquet has no id",
    ),
    "NaN of floats": (
        "p.parquet",
        parquet_of(table([*map(float, range(11)), np.nan])),
        "Row 11 of p.parquet has no id",
    ),
    "repeated": ("p.csv", csv_of(table([i // 2 for i in N])), "rows 0 and 1 are both called 0 (column id)"),
    "repeated text": ("p.csv", csv_of(table(["a", "b", *"cdefghijk", "b"])), "rows 1 and 11 are both called b"),
    "repeated array": (
        "p.npz",
        npz(probabilities=P, ids=np.zeros(12, int)),
        "rows 0 and 1 are both called 0 (array ids)",
    ),
    "repeated index": ("p.parquet", parquet_of(table().set_axis([0, 1] * 6)), "(the index). Give a column id, or save"),
    "too few": ("p.npz", npz(probabilities=P, ids=np.arange(5)), "has 5 ids in array ids, but 12 rows"),
    "inexact": (
        "p.parquet",
        parquet_of(table([1e17 + 16 * i for i in N])),
        "too large to be exact; save the ids as text",
    ),
    "two columns": ("p.csv", "id,id,a,b\n1,2,.5,.5\n", "2 columns of ids"),
    "two levels": (
        "p.parquet",
        parquet_of(table().set_axis(pd.MultiIndex.from_product([list("xyz"), range(4)], names=["s", "i"]))),
        "an index of 2 levels, index s and index i",
    ),
}


@pytest.mark.parametrize(("name", "content", "words"), MISSING_OR_REPEATED.values(), ids=MISSING_OR_REPEATED.keys())
def test_missing_repeated_and_doubtful_ids_are_refused_with_their_row(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    outcome = choose_from(tmp_path, name, content)
    assert words in outcome.error
    assert not (tmp_path / "picks.csv").exists()


def test_a_class_called_id_is_a_class_where_the_rows_need_it(tmp_path: Path) -> None:
    for spread in (1.0, 0.01):
        values = probabilities(spread=spread)
        values[:, 3] = np.maximum(values[:, 3], 1e-7)
        values /= values.sum(axis=1, keepdims=True)
        frame = table(values=values).rename(columns={"owl": "id"})
        np.save(tmp_path / "same.npy", values)
        for name, content in (("p.csv", csv_of(frame)), ("p.parquet", parquet_of(frame))):
            outcome = choose_from(tmp_path, name, content)
            assert outcome.ids == choose(tmp_path / "same.npy").ids
            assert "column id was read as a class" in outcome.notes[0]
        assert in_library(frame).ids == outcome.ids


def test_ids_of_small_numbers_are_not_taken_for_a_class(tmp_path: Path) -> None:
    for ids in ([i / 1e4 for i in N], [i / 10 for i in N], list(N)):
        outcome = choose_from(tmp_path, "p.csv", csv_of(table(ids)), budget=12)
        assert sorted(outcome.ids) == sorted(map(str, ids))


def test_a_first_line_that_may_be_a_row_is_not_lost(tmp_path: Path) -> None:
    two = np.vstack([[0.0, 1.0], probabilities(classes=2)])
    lines = "\n".join(f"{a:g},{b:g}" for a, b in two)
    for first in (lines, "0.0,1.0" + lines[3:], '"0","1"' + lines[3:], "0;1" + lines[3:].replace(",", ";")):
        assert "the names of two classes or the first row" in choose_from(tmp_path, "p.csv", first).error
    assert "begins with numbers" in choose_from(tmp_path, "p.csv", "0,1,0\n" + csv_of(table()).decode()).error
    assert "begins with a row" in choose_from(tmp_path, "p.csv", "img1,0.5,0.5\nimg2,0.25,0.75\n").error
    with_ids = "id,0,1\n" + "\n".join(f"{i},{a},{b}" for i, (a, b) in enumerate(two))
    assert choose_from(tmp_path, "p.csv", with_ids).error is None
    assert choose_from(tmp_path, "p.csv", csv_of(pd.DataFrame(P)), budget=12).error is None  # classes 0 to 3


def test_what_may_name_the_rows_is_named_where_it_is_not_used(tmp_path: Path) -> None:
    files = np.array([f"img{i}.png" for i in N])
    outcome = choose_from(tmp_path, "p.npz", npz(probabilities=P, files=files, other=np.arange(3)))
    assert outcome.notes[0] == (
        "p.npz: read the array probabilities, left out files and other (if files names the rows, call it ids)."
    )
    frame = table().set_axis([f"x{i}" for i in N])
    assert "has no name and does not hold numbers; leave it out or name it id" in (
        choose_from(tmp_path, "p.csv", frame.to_csv()).error
    )


# --- ids that a spreadsheet would run -----------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "'=1+1", "''@a", "-5", "-1.5", "'x"]


def test_no_formula_reaches_a_csv_and_excluding_it_matches_the_same_ids(tmp_path: Path) -> None:
    content = parquet_of(table(FORMULAS))
    outcome = choose_from(tmp_path, "p.parquet", content, budget=12)
    assert sorted(outcome.ids) == sorted(escaped(text) for text in FORMULAS)
    starts = {text[0] for text in outcome.ids if text not in ("-5", "-1.5")}
    assert not starts & set("=+-@\t\r")
    assert "9 ids that a spreadsheet would run as formulas begin with an apostrophe" in outcome.notes[-1]
    assert {unescaped(text) for text in outcome.ids} == set(FORMULAS)
    exact = choose_from(tmp_path, "p.parquet", content, budget=12, output="picks.parquet")
    assert sorted(exact.ids) == sorted(FORMULAS)
    for bought in ("picks.csv", "picks.parquet"):
        choose(tmp_path / "p.parquet", budget=7, output=bought)
        rest = choose(tmp_path / "p.parquet", "--exclude", tmp_path / bought, budget=5, output="rest.parquet")
        again = choose(tmp_path / "p.parquet", budget=7, output="again.parquet")
        assert sorted([*again.ids, *rest.ids]) == sorted(FORMULAS)


def test_a_partner_of_a_mixture_is_escaped_as_well(tmp_path: Path) -> None:
    choose_from(tmp_path, "p.parquet", parquet_of(table([f"={i}" for i in N])), "--strategy", "unixkd", budget=9)
    frame = pd.read_csv(tmp_path / "picks.csv", dtype=str)
    assert frame["partner"].str.startswith("'=").all()


def test_ids_with_semicolons_stay_one_cell_for_spreadsheets_that_split_there() -> None:
    content = table_bytes({"id": np.array(["a;=1+1", "b"], object), "gain": np.array([0.5, 1.0])}, ".csv").decode()
    assert content.splitlines() == ['"id","gain"', '"a;=1+1",0.5', '"b",1.0']
    assert table_bytes({"id": np.array(["a", "b"], object)}, ".csv") == b"id\na\nb\n"


ANY_ID = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(ANY_ID | st.sampled_from(FORMULAS), min_size=1, max_size=12, unique=True))
@settings(max_examples=200, deadline=None)
def test_whatever_the_ids_our_own_picks_exclude_exactly_themselves(ids: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        columns = {"id": np.array(ids, object), "gain": np.zeros(len(ids)), "probability": np.ones(len(ids))}
        for name in ("picks.csv", "picks.parquet"):
            path = Path(folder) / name
            write_table(path, columns)
            rows, _ = bought_rows(read_purchases(path), ids)
            assert rows.tolist() == list(range(len(ids)))
            for text in ids:
                assert unescaped(escaped(text)) == text


# --- --exclude ----------------------------------------------------------------------------------------------------


def lists_of(bought: list[str]) -> dict[str, bytes]:
    """The same ids as the files that people have of them."""
    lines = "\r\n".join(bought).encode()
    return {
        "ours.csv": csv_of(pd.DataFrame({"id": bought, "gain": 0.5, "probability": 0.5})),
        "ids.csv": b"id\n" + lines,
        "no heading.csv": lines + b"\n",
        "heading.csv": b"image\n" + lines,
        "list.txt": lines + b"\n\n",
        "semicolon.csv": csv_of(pd.DataFrame({"id": bought, "label": "x"}), sep=";"),
        "ids.parquet": parquet_of(pd.DataFrame({"id": bought})),
        "index.parquet": parquet_of(pd.DataFrame({"label": 1}, index=pd.Index(bought, name="id"))),
        "ids.npy": npy(np.array(bought)),
        "ids.npz": npz(ids=np.array(bought), labels=np.zeros(len(bought))),
    }


@pytest.mark.parametrize("name", lists_of([]))
def test_bought_ids_are_never_chosen_again_whatever_file_lists_them(name: str, tmp_path: Path) -> None:
    ids = [f"{i:04d}" for i in range(40)]
    frame = table(ids, values=probabilities(40))
    (tmp_path / "p.csv").write_bytes(csv_of(frame))
    bought = choose(tmp_path / "p.csv", budget=10).ids
    (tmp_path / name).write_bytes(lists_of(bought)[name])
    rest = choose(tmp_path / "p.csv", "--exclude", tmp_path / name, budget=30)
    assert sorted([*bought, *rest.ids]) == ids
    assert rest.report["excluded"] == 10
    assert rest.report["pool"] == 30
    assert f"{name}: 10 rows are excluded." in rest.notes
    refused = choose(tmp_path / "p.csv", "--exclude", tmp_path / name, budget=31)
    assert "from 1 to the 30 rows" in refused.error


def test_the_game_is_played_on_what_is_left(tmp_path: Path) -> None:
    values = probabilities(40)
    np.save(tmp_path / "p.npy", values)
    (tmp_path / "bought.txt").write_text("0\n3\n39\n")
    kept = np.setdiff1d(np.arange(40), [0, 3, 39])
    np.save(tmp_path / "rest.npy", values[kept])
    ours = choose(tmp_path / "p.npy", "--exclude", tmp_path / "bought.txt")
    alone = choose(tmp_path / "rest.npy")
    assert ours.report["guaranteed_gain"] == alone.report["guaranteed_gain"]
    assert [int(text) for text in ours.ids] == [kept[int(text)] for text in alone.ids]
    assert in_library(values, exclude=[39, 0, 3, 3]).ids == ours.ids


def test_a_pool_of_many_blocks_keeps_its_rows_when_some_are_left_out(tmp_path: Path) -> None:
    from rad_core.inputs.arrays import BLOCK_CELLS

    classes = 1000
    values = np.tile(probabilities(500, classes), (2 * BLOCK_CELLS // classes // 500 + 1, 1)).astype(np.float32)
    out = np.random.default_rng(2).choice(len(values), 300, replace=False)
    np.save(tmp_path / "p.npy", values)
    (tmp_path / "out.txt").write_text("\n".join(map(str, out)))
    ours = choose(tmp_path / "p.npy", "--exclude", tmp_path / "out.txt", budget=40)
    assert ours.ids == in_library(values, 40, exclude=out).ids
    assert not {int(row) for row in ours.ids} & set(out.tolist())


def test_several_files_of_earlier_picks_add_up(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(csv_of(table([f"{i:02d}" for i in N])))
    files: list = []
    seen: set[str] = set()
    for number in range(4):
        outcome = choose(tmp_path / "p.csv", *files, budget=3, output=f"picks-{number}.csv")
        assert not seen & set(outcome.ids)
        seen |= set(outcome.ids)
        files += ["--exclude", tmp_path / f"picks-{number}.csv"]
    assert len(seen) == 12


UNMATCHED = {
    "zeros lost": ("b.csv", "id\n1\n2\n", "2 of the 2 ids in b.csv are not in the pool, for instance 1, where"),
    "decimals gained": ("b.csv", "id\n0001.0\n", "for instance 0001.0"),
    "another case": ("b.csv", "id\n000A\n", "compared as text, exactly"),
    "no ids": ("b.csv", "a,b\n0001,1\n", "b.csv holds a and b; name the one with the ids already bought id"),
    "blank lines": ("b.csv", "\n\n", "b.csv holds no rows"),
    "empty": ("b.csv", "", "b.csv is empty; give the ids already bought as"),
    "no file": ("b.xlsx", "x", "b.xlsx ends in .xlsx"),
    "missing id": ("b.csv", "id,x\n0001,1\n,2\n", "Row 1 of b.csv has no id"),
    "matrix": ("b.npy", npy(np.ones((2, 2))), "an id is one text or one number"),
}


@pytest.mark.parametrize(("name", "content", "words"), UNMATCHED.values(), ids=UNMATCHED.keys())
def test_bought_ids_that_do_not_match_are_refused(name: str, content: bytes | str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = choose_from(tmp_path, "p.csv", csv_of(table([f"{i:04d}" for i in N])), "--exclude", tmp_path / name)
    assert words in outcome.error


def test_an_apostrophe_of_somebody_else_is_matched_exactly_or_refused_where_it_is_unclear() -> None:
    from rad_core.inputs.ids import Purchases

    assert bought_rows(Purchases(["'=1"], "b.csv"), ["'=1", "x"])[0].tolist() == [0]
    assert bought_rows(Purchases(["'=1"], "b.csv"), ["x", "=1"])[0].tolist() == [1]
    assert bought_rows(Purchases(["'=1"], "b.csv", "always"), ["'=1", "=1"])[0].tolist() == [1]
    assert bought_rows(Purchases(["'=1"], "b.npy", "never"), ["=1", "'=1"])[0].tolist() == [1]
    with pytest.raises(InputError, match="the pool has both '=1 and =1"):
        bought_rows(Purchases(["'=1"], "b.csv"), ["'=1", "=1"])


def test_picks_never_replace_a_file_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(csv_of(table(list("abcdefghijkl"))))
    choose(tmp_path / "p.csv", budget=3)
    before = (tmp_path / "picks.csv").read_bytes()
    outcome = choose(tmp_path / "p.csv", "--exclude", tmp_path / "picks.csv", budget=3)
    assert "picks.csv is read here as well" in outcome.error
    assert (tmp_path / "picks.csv").read_bytes() == before
    assert "p.csv is read here as well" in choose(tmp_path / "p.csv", output="p.csv").error


# --- files that go together ---------------------------------------------------------------------------------------


def test_features_follow_the_ids_of_the_pool(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids = [f"{i:03d}" for i in range(40)]
    features = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("xyz"))
    features.insert(0, "id", ids)
    (tmp_path / "p.csv").write_bytes(csv_of(table(ids, values=probabilities(40))))
    (tmp_path / "f.csv").write_bytes(csv_of(features))
    (tmp_path / "g.parquet").write_bytes(parquet_of(features.sample(frac=1, random_state=0), index=False))
    options = ["--strategy", "coreset", "--features"]
    expected = choose(tmp_path / "p.csv", *options, tmp_path / "f.csv")
    turned = choose(tmp_path / "p.csv", *options, tmp_path / "g.parquet")
    assert turned.ids == expected.ids
    assert "g.parquet: its rows were put in the order of p.csv by their ids." in turned.notes
    (tmp_path / "h.csv").write_bytes(csv_of(features[1:]))
    assert (
        "h.csv (ids from column id) has no row with the id 000 of p.csv"
        in choose(tmp_path / "p.csv", *options, tmp_path / "h.csv").error
    )


def test_core_set_keeps_away_from_what_is_labeled_and_from_what_was_bought(tmp_path: Path) -> None:
    features = np.array([[0.0, 0], [0, 1], [10, 0], [10, 1], [20, 0], [20, 1]])
    values = probabilities(6)
    for name, array in (("p", values), ("f", features), ("near", features[:1] + 0.1), ("far", features[4:5])):
        np.save(tmp_path / f"{name}.npy", array)
    options = ["--strategy", "coreset", "--features", tmp_path / "f.npy"]

    def first(*more: object) -> str:
        return choose(tmp_path / "p.npy", *options, *more, budget=1).ids[0]

    assert first("--labeled-features", tmp_path / "near.npy") == "5"
    assert first("--labeled-features", tmp_path / "far.npy") == "1"
    (tmp_path / "bought.txt").write_text("5\n")
    assert first("--exclude", tmp_path / "bought.txt") in ("0", "1")
    both = choose(
        tmp_path / "p.npy",
        *options,
        "--labeled-features",
        tmp_path / "near.npy",
        "--exclude",
        tmp_path / "bought.txt",
        budget=1,
    )
    assert both.ids[0] in ("2", "3")
    arguments = {"strategy": "coreset", "features": features, "budget": 1}
    assert in_library(values, labeled_features=features[:1] + 0.1, exclude=[5], **arguments).ids == both.ids
    assert in_library(values, labeled_features=features[4:5], **arguments).ids == ["1"]


def test_features_of_what_is_labeled_must_go_with_those_of_the_pool(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.ones((12, 3)))
    np.save(tmp_path / "l.npy", np.ones((2, 4)))
    (tmp_path / "p.npy").write_bytes(npy(P))
    assert "needs --features" in choose(tmp_path / "p.npy", "--labeled-features", tmp_path / "l.npy").error
    options = ["--labeled-features", tmp_path / "l.npy", "--features", tmp_path / "f.npy"]
    assert "has shape (2, 4); it must be (L, 3)" in choose(tmp_path / "p.npy", *options).error
    assert "give the features of the pool as well" in in_library(P, labeled_features=np.ones((2, 4))).error
