"""Pieces of a pool that other processes read give the choice of the pool read alone, to the last bit and word."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core.errors import InputError
from rad_core.inputs.pool import Piece, Pool
from rad_core.selection import stream_read
from rad_core.selection.stream import StreamSelection, choose_in_passes
from rad_core.selection.stream_read import Answer, Spread
from tests.selection.test_stream import probabilities, write

EXCLUDED = np.array([0, 7, 1999])


@pytest.fixture(scope="module")
def elsewhere() -> Generator[Spread]:
    """Two other processes."""
    with ProcessPoolExecutor(2) as processes:

        def spread(read: Callable[[Piece], Answer], pieces: Sequence[Piece]) -> Generator[Answer]:
            yield from processes.map(read, pieces)

        yield spread


def both(place: Path, elsewhere: Spread, gain: str = "entropy") -> list[StreamSelection | str]:
    """What comes of the pool read alone, and by others."""
    ends: list[StreamSelection | str] = []
    for spread in (None, elsewhere):
        try:
            ends.append(choose_in_passes(Pool(place), 50, 0.8, "margin", gain, EXCLUDED, 0, spread))
        except InputError as error:
            ends.append(str(error))
    return ends


def rounded(values: np.ndarray, at: slice) -> np.ndarray:
    values = values.copy()
    values[at] = values[at].round(2)
    return values


def with_a_bad_row(values: np.ndarray) -> np.ndarray:
    values[1500, 1] = np.nan
    return values


POOLS: dict[str, Callable[[Path], object]] = {
    "several files": lambda place: write(place, probabilities(3000), 3),
    "a file of several groups": lambda place: (
        pd.DataFrame(probabilities(3000)).add_prefix("c").to_parquet(place, row_group_size=300)
    ),
    "a mapped array": lambda place: np.save(place, probabilities(3000)),
    "text": lambda place: pd.DataFrame(probabilities(2500)).add_prefix("c").to_csv(place, index=False),
    "rounded to two digits": lambda place: write(place, rounded(probabilities(3000), slice(None)), 3),
    "rounded late, not all": lambda place: write(place, rounded(probabilities(3000), slice(2500, None)), 3),
    "of half precision": lambda place: np.save(place, probabilities(3000).astype(np.float16)),
    "of whole numbers": lambda place: np.save(place, np.eye(5, dtype=np.int64)[np.arange(3000) % 5]),
    "with a bad row": lambda place: write(place, with_a_bad_row(probabilities(3000)), 3),
    "of logits": lambda place: np.save(place, np.log(probabilities(3000))),
}
ENDINGS = dict.fromkeys(("a mapped array", "of half precision", "of whole numbers", "of logits"), "p.npy") | {
    "a file of several groups": "p.parquet",
    "text": "p.csv",
}


@pytest.mark.parametrize("kind", POOLS)
def test_who_reads_the_pool_changes_nothing(
    kind: str, elsewhere: Spread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_read, "PIECE", 400)
    place = tmp_path / ENDINGS.get(kind, "pool")
    POOLS[kind](place)
    assert len(Pool(place).pieces(400)) >= (1 if kind == "text" else 3)
    alone, spread = both(place, elsewhere)
    if isinstance(alone, str):
        assert spread == alone
        return
    assert isinstance(spread, StreamSelection)
    for first, second in zip(astuple(alone), astuple(spread), strict=True):
        np.testing.assert_array_equal(first, second)
    assert alone.notes == spread.notes


def test_ids_and_rows_are_told_of_a_pool_that_others_have_read(elsewhere: Spread, tmp_path: Path) -> None:
    for number, (values, names) in enumerate([(probabilities(300), range(300)), (probabilities(300), range(299, 599))]):
        frame = pd.DataFrame(values).add_prefix("c").assign(id=[f"n{name}" for name in names])
        frame.to_parquet(tmp_path / f"{number}.parquet")
    pools = [Pool(tmp_path), Pool(tmp_path)]
    for pool, spread in zip(pools, (None, elsewhere), strict=True):
        choose_in_passes(pool, 50, 0.8, "uniform", "margin", None, 0, spread)
    for rows in (np.array([3, 301, 599]), np.array([299, 300])):
        told = []
        for pool in pools:
            try:
                ids = pool.ids_of(rows)
                assert ids is not None
                told.append(ids.text.tolist())
            except InputError as error:
                told.append(str(error))
        assert told[0] == told[1]
