"""The command line, the library and the studio make the same of a file, and say the same words."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core.commands.select import command
from tests.helpers.own_files import (
    choose_from,
    csv_of,
    in_library,
    in_studio,
    npy,
    npz,
    parquet_of,
    probabilities,
    table,
)

P = probabilities()
MANY = probabilities(30, 10, spread=0.3)

FILES = {
    "leading zeros": ("p.csv", csv_of(table([f"{i:05d}" for i in range(12)]))),
    "ids that look missing": ("p.csv", csv_of(table(["NA", "null", *map(str, range(10))]))),
    "index": ("p.parquet", parquet_of(table().set_axis(range(50, 62)).rename_axis("id"))),
    "array of ids": ("p.npz", npz(probabilities=P, ids=np.arange(500, 512))),
    "class called id": ("p.csv", csv_of(table().rename(columns={"owl": "id"}))),
    "first line may be a row": ("p.csv", b"0,1\n0.5,0.5\n"),
    "repeated ids": ("p.csv", csv_of(table([i // 2 for i in range(12)]))),
    "formulas as ids": ("p.csv", csv_of(table([f"=A{i}" for i in range(12)]))),
    "counts": ("p.npy", npy(np.random.default_rng(0).multinomial(50, [0.25] * 4, 12))),
    "a label too many": ("p.csv", csv_of(table().assign(label=P.argmax(axis=1)))),
    "yes/no scores": ("p.npy", npy(np.random.default_rng(0).random((12, 4)))),
    "three decimals": ("p.csv", csv_of(pd.DataFrame(MANY, columns=list("abcdefghij")), float_format="%.3f")),
    "tiny negatives": ("p.npy", npy(np.vstack([P, [-1e-9, 0.5, 0.25, 0.25]]))),
    "hard predictions": ("p.npy", npy(np.eye(4)[np.arange(12) % 4])),
    "semicolons, decimal commas": (
        "p.csv",
        csv_of(table(list("abcdefghijkl")), sep=";", decimal=","),
    ),
    "an odd cell": ("p.csv", csv_of(table()) + b"0.1,0.2,?,0.7\n"),
    "gzip": ("p.csv", gzip.compress(csv_of(table()))),
    "Latin-1": ("p.csv", csv_of(table().rename(columns={"cat": "café"})).decode().encode("latin-1")),
    "tabs": ("p.tsv", csv_of(table(), sep="\t")),
    "lists": ("p.parquet", parquet_of(pd.DataFrame({"id": range(12), "p": list(P)}))),
    "nullable": ("p.parquet", parquet_of(table().astype("Float64"))),
    "a missing number": ("p.parquet", parquet_of(table().astype("Float64").mask(table() == P[3, 1]))),
    "records": ("p.npy", npy(np.array([tuple(row) for row in P], [(name, float) for name in "abcd"]))),
    "a pickle": ("p.npy", b"\x80\x04]."),
}


@pytest.mark.parametrize(("name", "content"), FILES.values(), ids=FILES.keys())
def test_a_file_is_read_alike_everywhere(name: str, content: bytes, tmp_path: Path) -> None:
    typed = choose_from(tmp_path, name, content)
    shown = in_studio(name, content)
    called = in_library(tmp_path / name)
    assert shown.error == typed.error
    assert (called.error or "").replace(f"{tmp_path}/", "") == (typed.error or "")
    if typed.error is not None:
        return
    assert [escaped_back(text) for text in typed.ids] == shown.ids
    words = " ".join(shown.notes)
    for note in typed.notes:
        assert note.removeprefix(f"{name}: ").rstrip(".") in words or "begin with an apostrophe" in note
    told = [note.replace(f"{tmp_path}/", "") for note in called.notes]
    assert told == [
        note for note in typed.notes if "numbered from" not in note and "ids from" not in note and name in note
    ]


def escaped_back(text: str) -> str:
    from rad_core.inputs.ids import unescaped

    return unescaped(text)


def test_the_help_names_every_file_that_can_be_given() -> None:
    from click.testing import CliRunner

    from rad_core.inputs.tables import READABLE

    text = CliRunner().invoke(command, ["--help"]).output
    assert all(ending in text for ending in READABLE)
    assert "--exclude" in text
    assert "--labeled-features" in text


def test_the_mean_gain_of_a_confident_pool_has_three_digits_in_the_studio() -> None:
    sure = np.tile([1 - 3e-5, 1e-5, 1e-5, 1e-5], (20, 1))
    assert "with a mean gain of 4.00e-05 (whole pool 4.00e-05)" in " ".join(in_studio("p.npy", npy(sure)).notes)
