"""Library calls: any array of any library, checked scalars; never somebody else's exception."""

from __future__ import annotations

import decimal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import scipy.sparse

from rad_core import game_value, select, solve_game
from rad_core.errors import InputError, InputNote
from rad_core.selection.api import estimate_accuracy
from tests.helpers.own_files import in_library, parquet_of, probabilities, table

P = probabilities(60, 4)
FRAME = table(values=P)
EXPECTED = in_library(P).ids


class Handed:
    """An array of a library that numpy knows nothing of but its __array__."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.error is not None:
            raise self.error
        return P


class Exported:
    """One that only exports itself by DLPack."""

    def __dlpack__(self, **options: Any) -> Any:
        return P.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return P.__dlpack_device__()


def objects(rows: list) -> np.ndarray:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


GOOD = {
    "lists": P.tolist(),
    "tuples": tuple(map(tuple, P)),
    "a list of arrays": list(P),
    "objects of arrays": objects(list(P)),
    "objects of floats": P.astype(object),
    "matrix": np.matrix(P),
    "masked without masks": np.ma.array(P),
    "in columns": np.asfortranarray(P),
    "big endian": P.astype(">f8"),
    "long doubles": P.astype(np.longdouble),
    "records": np.rec.fromarrays(P.T, names=list("abcd")),
    "pandas": FRAME,
    "pandas, ids": FRAME.assign(id=[f"{i:03d}" for i in range(60)]),
    "pandas, nullable": FRAME.astype("Float64"),
    "pandas, numbers as names": pd.DataFrame(P),
    "pandas, names twice": FRAME.set_axis(["a"] * 4, axis=1),
    "pandas, index twice": FRAME.set_axis([0, 1] * 30),
    "pandas, a column of lists": pd.DataFrame({"p": list(P)}),
    "pyarrow": pyarrow.Table.from_pandas(FRAME),
    "sparse": scipy.sparse.csr_matrix(P),
    "__array__": Handed(),
    "__dlpack__": Exported(),
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD.keys())
def test_whatever_array_comes_in_gives_the_same_rows(given: Any) -> None:
    outcome = in_library(given)
    assert outcome.error is None
    assert outcome.ids == EXPECTED


def test_frames_of_polars_are_read_as_well() -> None:
    polars = pytest.importorskip("polars")
    assert in_library(polars.DataFrame(P, schema=list("abcd"))).ids == EXPECTED
    assert in_library(polars.DataFrame({"id": range(60), "p": P.tolist()})).ids == EXPECTED
    assert "LazyFrame" in in_library(polars.DataFrame(P).lazy()).error


def test_tensors_of_every_kind_give_the_same_rows() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(P)
    for given in (tensor, tensor.clone().requires_grad_(), tensor.to_sparse(), tensor.T.contiguous().T, list(tensor)):
        assert in_library(given).ids == EXPECTED
    assert isinstance(select(tensor, 5, teacher_accuracy=0.8), torch.Tensor)
    assert isinstance(select(list(tensor), 5, teacher_accuracy=0.8), np.ndarray)
    for given, words in ((tensor + 0j, "complex128"), (tensor.to("meta"), "the device meta, which holds no numbers")):
        assert words in in_library(given).error


def test_bfloat16_of_other_libraries_is_read() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    outcome = in_library(P.astype(ml_dtypes.bfloat16))
    assert outcome.error is None
    assert all("bfloat16" in note for note in outcome.notes)


def test_decimals_and_whole_numbers_are_numbers() -> None:
    half = decimal.Decimal(1) / 2
    assert in_library([[half, half]] * 9, 3).error is None
    assert in_library(np.eye(4, dtype=np.int8)[np.arange(60) % 4]).error is None


BAD = {
    "ragged lists": ([[0.5, 0.5], [1.0]], "probabilities is ragged: row 0 has 2 numbers and row 1 has 1 number"),
    "a number among rows": ([[0.5, 0.5], 1.0], "row 1 has no list of numbers"),
    "ragged objects": (objects([np.ones(2), np.ones(3)]), "probabilities is ragged"),
    "ragged deeper": ([[[0.5], [0.5, 1]], [[0.5], [0.5]]], "cannot be made an array"),
    "None": (None, "probabilities is None; give an array"),
    "a dict": ({"a": 1}, "probabilities is a dict"),
    "a generator": ((row for row in P), "probabilities is a generator"),
    "a number": (3.5, "probabilities is 3.5"),
    "a set": ({1, 2}, "probabilities is a set"),
    "nothing": ([], "has one number per row (shape (0,))"),
    "no rows": (np.zeros((0, 3)), "has shape (0, 3)"),
    "three axes": (P[None], "has shape (1, 60, 4)"),
    "a series": (FRAME["cat"], "has one number per row"),
    "words": ([["a", "b"]], "holds 'a'; it must hold numbers"),
    "complex": (P + 0j, "has type complex128; it must hold numbers"),
    "dates": (P.astype("M8[s]"), "has type datetime64[s]; it must hold numbers"),
    "masked": (np.ma.array(P, mask=P < 0.01), "a masked array with masked entries"),
    "None among numbers": ([[0.5, 0.5], [None, 0.5]], "Row 1 of probabilities holds NaN"),
    "objects": (np.array([[object(), 1.0]]), "holds an object among its entries"),
    "a failing array": (Handed(RuntimeError("the device is lost")), "numpy cannot read (the device is lost)"),
    "a frame of words": (FRAME.assign(name="x"), "Column 'name' of probabilities does not hold numbers"),
    "a frame of a label": (FRAME.assign(label=1), "without its column 'label' every row sums to 1"),
    "a frame of objects": (pd.DataFrame({"a": [object()], "b": [1.0]}), "is a table that cannot be read"),
    "a file that is not there": ("nowhere.npy", "There is no file nowhere.npy; give the probabilities as .npy"),
}


@pytest.mark.parametrize(("given", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_no_array_of_probabilities_is_refused_in_a_sentence(given: Any, words: str) -> None:
    assert words in in_library(given, 1).error
    if given is not None and ("ragged" in words or "give an array" in words):
        named = words.replace("probabilities", "features")
        assert named in in_library(P, features=given, strategy="coreset").error


SCALARS = {
    "seed": [
        (-1, "seed is -1; it must be a whole number, 0 or more"),
        (None, "seed is None"),
        (1.5, ""),
        (True, ""),
        ("1", ""),
    ],
    "budget": [
        (0, "budget is 0"),
        (61, "to the 60 rows"),
        (5.0, "budget is 5.0"),
        (None, "budget is None"),
        ("5", ""),
        (True, ""),
    ],
    "teacher_accuracy": [
        (None, "teacher_accuracy is None; it must lie between 0 and 1"),
        ("0.8", ""),
        (np.nan, ""),
        (1.5, ""),
        (True, ""),
        ([0.8], ""),
        (np.array([0.8]), ""),
        (-0.1, ""),
    ],
    "strategy": [("best", "strategy is 'best'; choose one of rad"), (["rad"], ""), (None, "")],
    "gain": [("best", "gain is 'best'; choose one of margin"), (np.ones(3), ""), (None, "")],
    "exclude": [
        ([60], "exclude holds the row 60; the 60 rows"),
        ([-1], "the row -1"),
        ([1.5], "exclude holds 1.5"),
        (["a"], "holds 'a'"),
        (np.arange(60) < 3, "numpy.flatnonzero(mask)"),
        ([[1]], "shape (1, 1)"),
        ("picks.csv", "exclude is the text"),
    ],
}


@pytest.mark.parametrize("name", SCALARS)
def test_scalars_are_checked(name: str) -> None:
    for value, words in SCALARS[name]:
        arguments: dict = {"budget": 5, "teacher_accuracy": 0.8, name: value}
        with pytest.raises(InputError, match=name) as refused:
            select(P, **arguments)
        assert words in str(refused.value)


def test_numbers_of_numpy_and_torch_are_scalars() -> None:
    torch = pytest.importorskip("torch")
    for number in (np.int64, torch.tensor, np.array):
        assert select(P, number(5), teacher_accuracy=0.8, seed=number(0)).tolist() == [int(row) for row in EXPECTED]
    for number in (np.float64, lambda value: torch.tensor(value, dtype=torch.float64), np.array):
        assert select(P, 5, teacher_accuracy=number(0.8)).tolist() == [int(row) for row in EXPECTED]


def test_rows_to_exclude_come_in_any_array_and_are_never_chosen() -> None:
    torch = pytest.importorskip("torch")
    rows = [3, 59, 3, *range(10, 40)]
    expected = in_library(P, exclude=rows).ids
    assert not {int(row) for row in expected} & set(rows)
    for given in (np.array(rows), tuple(rows), torch.tensor(rows), pd.Series(rows), np.array(rows, float)):
        assert in_library(P, exclude=given).ids == expected
    found = select(torch.from_numpy(P), 5, teacher_accuracy=0.8, exclude=rows)
    assert [str(row) for row in found.tolist()] == expected
    assert in_library(P, exclude=[]).ids == EXPECTED
    assert sorted(map(int, in_library(P, 50, exclude=range(10)).ids)) == list(range(10, 60))
    assert "from 1 to the 2 rows" in in_library(P, exclude=range(58)).error


@pytest.mark.parametrize("strategy", ["coreset", "badge", "cluster_margin", "unixkd", "margin", "uniform"])
def test_every_strategy_leaves_excluded_rows_out(strategy: str) -> None:
    features = np.random.default_rng(0).normal(size=(60, 5))
    for kind in (np.asarray, pytest.importorskip("torch").from_numpy):
        rows = select(kind(P), 20, teacher_accuracy=0.8, strategy=strategy, features=features, exclude=range(30))
        assert len(set(rows.tolist())) == 20
        assert min(rows.tolist()) >= 30


def test_what_was_done_to_the_data_is_a_warning_that_points_at_the_caller() -> None:
    with pytest.warns(InputNote, match="each was divided by its sum") as caught:
        select(np.round(probabilities(60, 100), 3), 5, teacher_accuracy=0.8)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        select(P, 5, teacher_accuracy=0.8)


def test_a_file_is_read_as_the_command_line_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(parquet_of(FRAME.assign(id=range(60))))
    assert in_library(path).ids == in_library(str(path)).ids == EXPECTED
    path.write_bytes(parquet_of(FRAME.assign(id=0)))
    assert "rows 0 and 1 are both called 0" in in_library(path).error


def test_flags_are_taken_from_every_kind_of_array() -> None:
    torch = pytest.importorskip("torch")
    flags = [1, 0, 1, 1]
    for given in (
        flags,
        np.array(flags, bool),
        torch.tensor(flags),
        pd.Series(flags, dtype="boolean"),
        np.array(flags, object),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert estimate_accuracy(given).mean == 0.75
    for given in (None, [1, [0]], {"a": 1}, [1, None], "nowhere.csv", [2], [[1]]):
        with pytest.raises(InputError, match="flags"):
            estimate_accuracy(given)
    with pytest.raises(InputError, match="confidence is 'x'"):
        estimate_accuracy(flags, confidence="x")  # type: ignore[arg-type]


def test_the_game_refuses_in_a_sentence_too() -> None:
    gains = [0.5, 0.2, 0.1]
    assert solve_game(gains, 1, teacher_accuracy=0.5).q.sum() == pytest.approx(1)
    assert solve_game(pd.Series(gains), 1, wrong=1).q.sum() == pytest.approx(1)
    assert game_value([0.5, 0.5, 0], gains, 1) == pytest.approx(0.1)
    for call in (
        lambda: solve_game([0.5, [0.2]], 1, wrong=1),
        lambda: solve_game(None, 1, wrong=1),
        lambda: solve_game(["a"], 1, wrong=1),
        lambda: solve_game(gains, 1, teacher_accuracy="x"),  # type: ignore[arg-type]
        lambda: game_value([0.5, [0.5]], gains, 1),
        lambda: game_value(None, gains, 1),
        lambda: game_value(["a", "b", "c"], gains, 1),
    ):
        with pytest.raises(InputError):
            call()


def test_a_bad_seed_on_the_command_line_is_a_sentence(tmp_path: Path) -> None:
    from tests.helpers.own_files import choose, npy

    (tmp_path / "p.npy").write_bytes(npy(P))
    assert "seed is -1; it must be a whole number, 0 or more" in choose(tmp_path / "p.npy", "--seed", -1).error
    assert not (tmp_path / "picks.csv").exists()
