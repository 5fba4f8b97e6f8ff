"""Tables as programs write them: separators, decimal marks, encodings, comments, column types; or the true reason."""

from __future__ import annotations

import decimal
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from rad_core.errors import InputError
from rad_core.inputs.tables import read_table
from tests.helpers.own_files import CLASSES, choose, choose_from, csv_of, npy, npz, parquet_of, probabilities, table

P = np.round(probabilities(), 6)
FRAME = table(values=P)
CSV = csv_of(FRAME).decode()
COMMAS = FRAME.map(lambda value: f"{value:.6f}".replace(".", ","))
ACCENTS = FRAME.rename(columns=dict(zip(CLASSES, ["café", "naïve", "grün", "año"], strict=True)))


def savetxt(**options: object) -> bytes:
    file = io.BytesIO()
    np.savetxt(file, P, **options)
    return file.getvalue()


DIALECTS = {
    "plain": (CSV.encode(), ""),
    "semicolons": (CSV.replace(",", ";").encode(), "columns separated by semicolons"),
    "tabs": (CSV.replace(",", "\t").encode(), "columns separated by tabs"),
    "vertical bars": (CSV.replace(",", "|").encode(), "columns separated by vertical bars"),
    "spaces": (CSV.replace(",", "   ").encode(), "columns separated by spaces"),
    "hint of a spreadsheet": (b"sep=;\r\n" + CSV.replace(",", ";").encode(), "columns separated by semicolons"),
    "decimal commas": (csv_of(COMMAS, sep=";"), "columns separated by semicolons, decimal commas"),
    "decimal commas, tabs": (csv_of(COMMAS, sep="\t"), "columns separated by tabs, decimal commas"),
    "decimal commas in quotes": (csv_of(COMMAS, quoting=1), "columns separated by commas, decimal commas"),
    "comma at the end": ((CSV.replace("\n", ",\n")).encode(), "an empty last column left out"),
    "comma at the end of rows": (CSV.replace("\n", ",\n").replace("owl,", "owl", 1).encode(), "an empty last column"),
    "commas at the end of a spreadsheet": (
        (CSV.replace("\n", ",,,\n") + ",,,,,,\n" * 2).encode(),
        "2 empty rows at the end left out",
    ),
    "semicolons at the end of rows": (
        CSV.replace(",", ";").replace("\n", ";;;\n").replace("owl;;;", "owl", 1).encode(),
        "3 empty last columns left out",
    ),
    "a comment": (b"# made by a tool\n" + CSV.encode(), "a line that begins with # left out"),
    "comments": (b"# made by, a tool\n\n# 2024\n" + CSV.encode(), "2 lines that begin with # left out"),
    "header of numpy": (savetxt(header="cat,dog,fox,owl", delimiter=","), ""),
    "header of numpy, spaces": (savetxt(header="cat dog fox owl"), "columns separated by spaces"),
    "UTF-8 with a mark": (b"\xef\xbb\xbf" + csv_of(ACCENTS), ""),
    "Latin-1": (csv_of(ACCENTS).decode().encode("latin-1"), "not UTF-8, read as Latin-1"),
    "UTF-16": (csv_of(ACCENTS).decode().encode("utf-16"), "read as UTF-16"),
    "UTF-16 without a mark": (CSV.encode("utf-16-le"), "read as UTF-16"),
    "Windows": (CSV.replace("\n", "\r\n").encode(), ""),
    "old Macintosh": (CSV.replace("\n", "\r").encode(), ""),
    "quotes": (csv_of(FRAME, quoting=1), ""),
    "blank lines": (("\n" + CSV + "\n\n").encode(), ""),
    "percent signs": (
        csv_of(FRAME.map(lambda v: f"{100 * v:.4f}%")),
        "percent signs read as hundredths in columns cat",
    ),
    "percent signs, decimal commas": (
        csv_of(FRAME.map(lambda v: f"{100 * v:.4f} %".replace(".", ",")), sep=";"),
        "percent signs read as hundredths",
    ),
    "same name twice": (csv_of(FRAME.set_axis(["a", "a", "b", "b"], axis=1)), ""),
    "emoji, brackets, formulas": (csv_of(FRAME.set_axis(["\U0001f600", "[a]", "=1+1", "50%"], axis=1)), ""),
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize(("content", "note"), DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_gives_the_same_choice(content: bytes, note: str, suffix: str, tmp_path: Path) -> None:
    expected = choose_from(tmp_path, "plain.csv", CSV)
    outcome = choose_from(tmp_path, f"p{suffix}", content)
    assert outcome.error is None
    assert outcome.ids == expected.ids
    assert outcome.report["mean_gain"] == pytest.approx(expected.report["mean_gain"], abs=1e-6)
    notes = [text for text in outcome.notes if "rows numbered" not in text]
    assert bool(notes) == bool(note)
    assert note in "".join(notes)


def test_words_beyond_the_first_lines_are_read_the_same_way(tmp_path: Path) -> None:
    """The dialect is found in the first lines; quoted line breaks and late oddities must not move a row."""
    values = probabilities(3000, 3)
    ids = [f'{i}\n"x", y' if i % 7 == 0 else f"{i}" for i in range(3000)]
    frame = pd.DataFrame(values, columns=list("abc"))
    frame.insert(1, "id", ids)
    path = tmp_path / "p.csv"
    path.write_bytes(csv_of(frame))
    read = read_table("probabilities", path)
    np.testing.assert_array_equal(read.values, pd.read_csv(path)[list("abc")].to_numpy())
    assert read.ids is not None
    assert read.ids.text.tolist() == ids
    path.write_bytes(csv_of(frame) + b"0.5,last,0.25,0.125,0.125\n")
    line = csv_of(frame).count(b"\n") + 1
    with pytest.raises(InputError, match=f"Line {line} of .* has 5 fields, but its first line names 4 columns"):
        read_table("probabilities", path)
    path.write_bytes(csv_of(frame) + b"0.5,last,0,5\n")
    with pytest.raises(InputError, match="Row 3000"):
        read_table("probabilities", path)


TRUE_REASONS = {
    "one row too long": (
        CSV + "0.1,0.2,0.3,0.2,0.2\n",
        "Line 14 of p.csv has 5 fields, but its first line names 4 columns",
    ),
    "one row too short": (CSV + "0.5,0.5\n", "Line 14 of p.csv has 2 fields, but its first line names 4 columns"),
    "names of rows without a name": ('"a","b"\n"r1",0.5,0.5\n', "is the first one a name of rows? call it id"),
    "decimal commas between commas": ("a,b\n0,5,0,5\n", "decimal commas? then separate columns by semicolons"),
    "one odd cell": (CSV + "0.1,0.2,n.a.,0.7\n", "Row 12 of p.csv (line 14) holds 'n.a.' in column 'fox'"),
    "odd cell among decimal commas": (
        "a;b\n0,5;0,5\n0,5;?\n0,5;0,5\n",
        "Row 1 of p.csv (line 3) holds '?' in column 'b'",
    ),
    "an empty cell": (CSV + "0.1,,0.2,0.7\n", "Row 12 of p.csv holds NaN or infinity (column 'dog')"),
    "words": ("name,a,b\nx,0.5,0.5\n", "Column 'name' of p.csv does not hold numbers; leave it out or name it id."),
    "lists as text": (
        'p\n"[0.5, 0.5]"\n',
        "Column 'p' of p.csv holds lists written as text; give one column per class.",
    ),
    "an open quotation mark": (CSV + '"0.1,0.2,0.3,0.4\n', "quotation mark that is never closed"),
    "nothing but blank lines": ("\n \n", "holds no rows"),
    "heading alone": ("a,b\n", "names its columns but has no rows"),
    "no heading": ("0.25,0.75\n0.5,0.5\n", "begins with numbers"),
    "thousands or decimals": ('a,b\n"1,234",1\n"2,345",1\n', "Column 'a' of p.csv does not hold numbers"),
    "an empty row within": (CSV + ",,,\n" + "0.25,0.25,0.25,0.25\n", "Row 12 of p.csv holds NaN or infinity"),
    "gzip": (gzip.compress(CSV.encode()), "p.csv is compressed with gzip, not a table of text"),
    "a workbook": (b"PK\x03\x04" + bytes(40), "p.csv is a ZIP archive or an Excel workbook"),
    "Parquet": (parquet_of(FRAME), "p.csv is a Parquet file"),
    "a page": ("<!DOCTYPE html>\n<html>", "p.csv is a page of HTML"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "p.csv is a pointer of git-lfs"),
    "bytes": (b"a,b\n\x00\x01\x02", "holds bytes that are no text"),
    "no column but ids": ("id\na\n", "has no column of numbers"),
}


@pytest.mark.parametrize(("content", "words"), TRUE_REASONS.values(), ids=TRUE_REASONS.keys())
def test_what_cannot_be_read_is_refused_for_the_true_reason(content: bytes | str, words: str, tmp_path: Path) -> None:
    assert words in choose_from(tmp_path, "p.csv", content, budget=1).error


def test_files_of_another_kind_than_their_name_says_are_called_what_they_are(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    for name in ("p.npy", "p.npz", "p.parquet"):
        assert "a pointer of git-lfs" in choose_from(tmp_path, name, pointer).error
        assert "a page of HTML" in choose_from(tmp_path, name, "<html><body>Sign in</body></html>").error
    (tmp_path / "folder.csv").mkdir()
    assert "folder.csv is a folder" in choose(tmp_path / "folder.csv").error
    (tmp_path / "dead.csv").symlink_to(tmp_path / "nowhere.csv")
    assert "There is no file dead.csv" in choose(tmp_path / "dead.csv").error


# --- column types -------------------------------------------------------------------------------------------------


def arrow(**columns: pyarrow.Array) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


LISTS = P.astype(np.float32).tolist()
TYPES = {
    "lists": (arrow(probabilities=pyarrow.array(P.tolist())), "column probabilities holds lists of 4 numbers"),
    "lists of fixed length": (
        arrow(p=pyarrow.array(LISTS, pyarrow.list_(pyarrow.float32(), 4))),
        "column p holds lists of 4 numbers",
    ),
    "long lists beside others": (
        arrow(
            probabilities=pyarrow.array(LISTS, pyarrow.large_list(pyarrow.float32())), other=pyarrow.array(range(12))
        ),
        "left out other",
    ),
    "nullable": (parquet_of(FRAME.astype("Float64")), ""),
    "nullable, single": (parquet_of(FRAME.astype("Float32")), ""),
    "decimals": (parquet_of(FRAME.map(lambda value: decimal.Decimal(f"{value:.6f}"))), ""),
    "categories": (parquet_of(FRAME.astype("category")), ""),
    "text": (parquet_of(FRAME.astype(str)), "text read as numbers in columns cat, dog, fox and owl"),
    "single": (parquet_of(FRAME.astype(np.float32)), ""),
    "half": (parquet_of(FRAME.astype(np.float16)), ""),
    "mixed": (parquet_of(FRAME.astype({"cat": np.float32, "dog": "Float64"})), ""),
    "a class of whole numbers": (parquet_of(FRAME.assign(never=0)), ""),
}
ARRAYS = {
    "records": np.array([tuple(row) for row in P], [(name, float) for name in CLASSES]),
    "records of another type": np.array([tuple(row) for row in P], [(name, ">f4") for name in CLASSES]),
    "one field of four": np.array([(row,) for row in P], [("probabilities", float, (4,))]),
    "big endian": P.astype(">f8"),
    "in columns": np.asfortranarray(P),
    "half": P.astype(np.float16),
    "text": P.astype(str),
}


@pytest.mark.parametrize(("content", "note"), TYPES.values(), ids=TYPES.keys())
def test_every_numeric_column_type_gives_the_same_choice(content: bytes, note: str, tmp_path: Path) -> None:
    expected = choose_from(tmp_path, "plain.npy", npy(P))
    outcome = choose_from(tmp_path, "p.parquet", content)
    assert outcome.error is None
    assert outcome.ids == expected.ids
    assert note in "".join(outcome.notes)


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS.keys())
def test_every_array_type_gives_the_same_choice(values: np.ndarray, tmp_path: Path) -> None:
    expected = choose_from(tmp_path, "plain.npy", npy(P))
    for name, content in (("p.npy", npy(values)), ("p.npz", npz(anything=values))):
        assert choose_from(tmp_path, name, content).ids == expected.ids


BAD_TYPES = {
    "lists of unequal length": (
        arrow(p=pyarrow.array([[0.5, 0.5], [1.0]])),
        "holds a list of 1 in row 1 and one of 2 in row 0",
    ),
    "a list too few": (arrow(p=pyarrow.array([[0.5, 0.5], None])), "holds no list in row 1"),
    "lists beside numbers": (
        arrow(p=pyarrow.array([[0.5, 0.5]]), x=pyarrow.array([1.0])),
        "a column of lists, p, beside x",
    ),
    "a missing number": (parquet_of(FRAME.astype("Float64").mask(P[3, 1] == FRAME)), "Row 3 of p.parquet holds NaN"),
    "dates": (arrow(when=pyarrow.array(pd.date_range("2020", periods=2)), a=pyarrow.array([1.0, 1])), "Column 'when'"),
    "structures": (arrow(p=pyarrow.array([{"a": 1}])), "Column 'p' of p.parquet does not hold numbers"),
    "no rows": (parquet_of(FRAME[:0]), "names its columns but has no rows"),
    "damaged": (parquet_of(FRAME)[:-20], "is not a readable .parquet table"),
}


@pytest.mark.parametrize(("content", "words"), BAD_TYPES.values(), ids=BAD_TYPES.keys())
def test_columns_that_are_no_numbers_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in choose_from(tmp_path, "p.parquet", content, budget=1).error


def test_half_floats_that_npy_cannot_name_are_told(tmp_path: Path) -> None:
    assert "save it as float32" in choose_from(tmp_path, "p.npy", npy(P.astype(np.float16).view("V2"))).error


def test_a_large_pool_of_half_floats_takes_little_more_memory_than_its_file(tmp_path: Path) -> None:
    import subprocess
    import sys

    rows, classes = 60_000, 1000
    path = tmp_path / "p.npy"
    values = np.lib.format.open_memmap(path, "w+", np.float16, (rows, classes))
    values[:] = (np.random.default_rng(0).dirichlet(np.full(classes, 0.05), 1000)).astype(np.float16)[
        np.arange(rows) % 1000
    ]
    values.flush()
    code = (
        "import re, sys, scipy, pandas\n"
        "import rad_core.commands.select as s, rad_core.selection.api, rad_core.inputs.text\n"
        # ru_maxrss would begin at what the process that started this one had taken
        "peak = lambda: 1024 * int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()).group(1))\n"
        "before = peak()\n"
        "s.command(sys.argv[1:], standalone_mode=False)\n"
        "print(peak() - before)"
    )
    (tmp_path / "bought.txt").write_text("0\n7\n")
    arguments = ["--probs", path, "--budget", 50, "--teacher-accuracy", 0.8, "-o", tmp_path / "o.csv"]
    for more in ([], ["--gain", "entropy"], ["--exclude", tmp_path / "bought.txt"]):
        ran = subprocess.run(
            [sys.executable, "-c", code, *map(str, [*arguments, *more])], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        assert int(ran.stdout.split()[-1]) < 1.5 * path.stat().st_size  # 1.3 for 120 MB, 1.05 for 500 MB


# --- flags --------------------------------------------------------------------------------------------------------

RIGHT = np.array([1, 0, 1, 1, 0])
FLAGS = {
    "T and F": ("v.csv", "right\nT\nF\nT\nT\nF\n", "T read as right, F read as wrong"),
    "yes and no": ("v.csv", "ok\nyes\nNo\nYES\nyes\nno\n", "YES and yes read as right, No and no read as wrong"),
    "true and false": ("v.csv", "teacher_right\nTrue\nFalse\nTrue\nTrue\nFalse\n", ""),
    "right and wrong": ("v.csv", "x\nright\nwrong\nright\nright\nwrong\n", "right read as right, wrong read as wrong"),
    "beside others": ("v.csv", "conf,right\n.9,1\n.8,0\n.7,1\n.6,1\n.5,0\n", "read the column right, left out conf"),
    "truth and answer": (
        "v.csv",
        "truth,answer\na,a\nb,a\nNA,NA\nc,c\nd,a\n",
        "columns truth and answer agree, in 3 of 5",
    ),
    "numbers": ("v.csv", "y_true,y_pred\n3,3.0\n2,1\n0,0\n1,1\n7,1\n", "columns y_true and y_pred agree"),
    "other words, ids": (
        "v.csv",
        "id;True label;Predicted\n01;a;a\n02;b;a\n03;b;b\n04;a;a\n05;a;b\n",
        "columns True label and Predicted agree",
    ),
    "arrays": (
        "v.npz",
        npz(truth=np.array([1, 2, 3, 4, 5]), answer=np.array([1, 1, 3, 4, 4])),
        "arrays truth and answer",
    ),
    "text": ("v.npy", npy(np.array(list("TFTTF"))), "T read as right"),
    "bool": ("v.npy", npy(RIGHT == 1), ""),
    "column": ("v.npy", npy(RIGHT[:, None]), ""),
    "categories": (
        "v.parquet",
        parquet_of(pd.DataFrame({"truth": list("abcde"), "answer": list("aacda")}).astype("category")),
        "columns truth and answer agree",
    ),
    "nullable": ("v.parquet", parquet_of(pd.DataFrame({"right": pd.array(RIGHT == 1, "boolean")})), ""),
}


@pytest.mark.parametrize(("name", "content", "note"), FLAGS.values(), ids=FLAGS.keys())
def test_flags_are_read_as_people_write_them(name: str, content: bytes | str, note: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    read = read_table("flags", path, name)
    np.testing.assert_array_equal(read.values, RIGHT)
    assert note in " ".join(read.notes)
    assert bool(note) == bool(read.notes)


def test_gains_beside_flags_are_kept(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("gain,right\n0.5,1\n0.25,0\n")
    read = read_table("flags", tmp_path / "v.csv", "v.csv")
    assert read.gains is not None
    assert (read.gains.tolist(), read.values.tolist()) == ([0.5, 0.25], [1, 0])
    (tmp_path / "v.csv").write_text("right\n1\n0\n")
    assert read_table("flags", tmp_path / "v.csv", "v.csv").gains is None


BAD_FLAGS = {
    "a gain that is none": ("right,gain\n1,0.5\n0,1.5\n", "Row 1 of v.csv has the gain 1.5"),
    "no gain": ("right,gain\n1,0.5\n0,\n", "Row 1 of v.csv has the gain nan"),
    "gains of words": ("right,gain\n1,high\n0,low\n", "The column gain of v.csv must hold one number from 0 to 1"),
    "another word": ("right\nyes\nmaybe\n", "v.csv holds 'maybe' in row 1; a teacher-right flag is 1 where"),
    "a blank line": ("right\nyes\n\nno\n", "Row 1 of v.csv has no flag"),
    "a blank line of numbers": ("right\n1\n\n0\n", "Row 1 of v.csv has no flag"),
    "an empty cell": ("id,right\na,1\nb,\n", "Row 1 of v.csv has no flag"),
    "no heading": ("yes\nno\nyes\n", "begins with the flag yes; its first line must name the column"),
    "heading of numbers": ("1\n0\n", "begins with numbers"),
    "two unknown columns": ("a,b\n1,1\n0,1\n", "has the columns a and b; call one of them right"),
    "classes named differently": ("truth,answer\ncat,0\ndog,1\n", "No value of answer occurs in truth"),
    "an answer missing": ("truth,answer\ncat,cat\ndog,\n", "Row 1 of v.csv lacks a value in truth or answer"),
    "another number": ("right\n1\n-1\n", "v.csv holds -1"),
}


@pytest.mark.parametrize(("content", "words"), BAD_FLAGS.values(), ids=BAD_FLAGS.keys())
def test_flags_that_are_unclear_are_refused(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        read_table("flags", path, "v.csv")
    assert words in str(refused.value)


def test_flags_of_truth_and_answer_estimate_the_accuracy(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rad_core import select
    from rad_core.commands.select import command
    from rad_core.selection.api import estimate_accuracy

    np.save(tmp_path / "p.npy", P)
    (tmp_path / "v.csv").write_text("truth,answer\n" + "a,a\n" * 7 + "a,b\n" * 3)
    arguments = [
        "--probs",
        tmp_path / "p.npy",
        "--budget",
        3,
        "--validation",
        tmp_path / "v.csv",
        "-o",
        tmp_path / "o.csv",
    ]
    ran = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert "Teacher right on 7 of 10 validation points" in ran.stdout
    assert "v.csv: right where the columns truth and answer agree, in 7 of 10 rows." in ran.stderr
    with pytest.warns(match="agree, in 7 of 10"):
        estimate = estimate_accuracy(tmp_path / "v.csv")
    assert estimate.mean == 0.7
    assert len(select(P, 3, teacher_accuracy=estimate.mean)) == 3
