"""A pool that is read in passes gives the equilibrium, the probabilities and the draw of one in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rad_core import select_stream, solve_game
from rad_core.errors import InputError
from rad_core.inputs.pool import Batches, Pool
from rad_core.selection.api import choose, take_snapshot
from rad_core.selection.gains_file import CHUNK
from rad_core.selection.histogram import Binned, Histogram
from rad_core.selection.sampling import proportional, sample
from rad_core.selection.stream import StreamSelection, choose_in_passes
from rad_core.selection.stream_draw import draw
from rad_core.selection.stream_rules import STREAMS, greedy, rad
from rad_core.selection.stream_rules import proportional as proportional_rule

CLASSES = [f"class {number}" for number in range(5)]


def probabilities(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(5, 0.5), rows).astype(np.float32)


def passes(given: Any, budget: int = 50, strategy: str = "rad", **more: Any) -> StreamSelection:
    pool = Pool(given) if isinstance(given, Path) else Batches(given)
    asked = {"teacher_accuracy": 0.8, "gain": "margin", "exclude": None, "seed": 3} | more
    return choose_in_passes(pool, budget, strategy=strategy, **asked)


def binned(gains: np.ndarray, step: int = 1000) -> Binned:
    histogram = Histogram()
    parts = [gains[start : start + step] for start in range(0, len(gains), step)]
    for part in parts:
        histogram.add(part)
    return Binned(histogram, lambda: parts)


def write(folder: Path, values: np.ndarray, files: int, ids: list[str] | None = None) -> Path:
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(values)), files)):
        frame = pd.DataFrame(values[rows], columns=CLASSES)
        if ids is not None:
            frame["id"] = [ids[row] for row in rows]
        frame.to_parquet(folder / f"part-{number:03}.parquet", index=False)
    return folder


# --- the game -------------------------------------------------------------------------------------------------------

KINDS = {
    "random": lambda rng, n: rng.random(n),
    "tied": lambda rng, n: rng.integers(0, 5, n) / 7,
    "constant": lambda rng, n: np.full(n, 0.3),
    "half of them zero": lambda rng, n: rng.random(n) * (rng.random(n) < 0.5),
    "all zero": lambda rng, n: np.zeros(n),
    "below the smallest normal number": lambda rng, n: rng.random(n) * 1e-41,
    "over many orders": lambda rng, n: np.exp(-30 * rng.random(n)),
    "rounded": lambda rng, n: np.round(rng.beta(0.5, 2, n), 3),
}


@given(st.integers(0, 2**32), st.integers(1, 1500), st.sampled_from(sorted(KINDS)), st.floats(0, 1), st.floats(0, 1))
def test_the_equilibrium_is_that_of_the_whole_pool(seed: int, n: int, kind: str, share: float, wrong: float) -> None:
    gains = KINDS[kind](np.random.default_rng(seed), n).astype(np.float32)
    budget, k = max(1, round(share * n)), round(wrong * n)
    whole = solve_game(gains.astype(np.float64), budget, wrong=k)
    pool = binned(gains)
    plan = rad(pool, budget, k)
    assert plan.guarantee is not None
    assert plan.guarantee.value == pytest.approx(whole.value, rel=1e-12, abs=1e-300)
    assert plan.guarantee.support == whole.support
    assert np.abs(plan.q(gains) - whole.q).max() < 1e-9
    assert pool.passes <= 8


@given(st.integers(0, 2**32), st.integers(1, 1500), st.sampled_from(sorted(KINDS)), st.floats(0, 1))
def test_the_other_rules_have_the_probabilities_of_the_whole_pool(seed: int, n: int, kind: str, share: float) -> None:
    gains = KINDS[kind](np.random.default_rng(seed), n).astype(np.float32)
    budget = max(1, round(share * n))
    assert np.abs(proportional_rule(binned(gains), budget, 0).q(gains) - proportional(gains, budget)).max() < 1e-12
    q = greedy(binned(gains), budget, 0).q(gains)
    edge = np.sort(gains)[n - budget]
    assert q.sum() == pytest.approx(budget)
    assert (q[gains > edge] == 1).all()
    assert (q[gains < edge] == 0).all()
    assert np.ptp(q[gains == edge]) == 0


def test_few_passes_over_the_gains_are_enough() -> None:
    rng = np.random.default_rng(0)
    gains = rng.random(200_000, dtype=np.float32)
    for budget in (10, 2_000, 60_000, 190_000):
        for wrong in (0, 100, 40_000, 150_000):
            pool = binned(gains, CHUNK)
            rad(pool, budget, wrong)
            assert pool.passes <= 4


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_the_draw_is_dependent_rounding_in_the_order_of_the_rows(step: int) -> None:
    rng = np.random.default_rng(0)
    for budget in (1, 5, 120, 299):
        q = proportional(rng.random(300) ** 3, budget)
        whole = sample(q, np.random.default_rng(budget), budget, order=np.arange(300))
        parts = [(np.arange(start, min(start + step, 300)), q[start : start + step]) for start in range(0, 300, step)]
        rows, certain = draw(lambda parts=parts: parts, budget, np.random.default_rng(budget))
        assert sorted(rows) == sorted(whole)
        assert (q[rows[:certain]] > 1 - 1e-12).all()


def test_rows_are_drawn_as_often_as_their_probability_says() -> None:
    q = proportional(np.random.default_rng(1).random(40) ** 2, 15)
    rng, times = np.random.default_rng(2), np.zeros(40)
    for _ in range(4000):
        rows, _ = draw(lambda: [(np.arange(25), q[:25]), (np.arange(25, 40), q[25:])], 15, rng)
        times[rows] += 1
    assert np.abs(times / 4000 - q).max() < 5 * 0.5 / np.sqrt(4000)


def test_what_is_not_the_budget_is_refused() -> None:
    with pytest.raises(InputError, match="q is too small for a budget of 3"):
        draw(lambda: [(np.arange(2), np.array([0.5, 0.5]))], 3, np.random.default_rng(0))


# --- files and batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", sorted(STREAMS))
def test_a_strategy_has_the_probabilities_of_the_one_in_memory(strategy: str) -> None:
    values = probabilities(4000)
    snapshot = take_snapshot(values, 300, 0.8, strategy, "entropy", None)
    whole = choose(snapshot, 300, strategy, 0)
    chosen = passes([values[:1500], values[1500:]], 300, strategy, gain="entropy")
    assert len(set(chosen.rows.tolist())) == 300
    assert chosen.probabilities == pytest.approx(whole.q[chosen.rows], rel=2e-6)
    assert (chosen.gains == snapshot.gains[chosen.rows]).all()
    if strategy in ("margin", "entropy", "least_confidence"):
        assert (chosen.rows == whole.positions).all()


@pytest.mark.parametrize("strategy", sorted(STREAMS))
def test_the_same_rows_in_one_two_and_seven_files_give_the_same_picks(strategy: str, tmp_path: Path) -> None:
    values = probabilities(CHUNK + 5000)  # more than a chunk of gains
    np.save(tmp_path / "p.npy", values)
    folders = [write(tmp_path / f"in {files}", values, files) for files in (1, 2, 7)]
    chosen = [passes(place, 2000, strategy) for place in (*folders, tmp_path / "p.npy")]
    chosen.append(passes(ds.dataset(folders[2]), 2000, strategy))
    for other in chosen[1:]:
        assert (other.rows == chosen[0].rows).all()
        assert (other.probabilities == chosen[0].probabilities).all()


def test_whatever_batches_come_as_they_hold_the_same_rows() -> None:
    values = probabilities(300)
    frame = pd.DataFrame(values, columns=CLASSES)
    table = pa.Table.from_pandas(frame)
    expected = select_stream([values], 20, teacher_accuracy=0.8)
    for batches in (
        iter([values[:100], values[100:]]),
        table.to_batches(max_chunksize=77),
        table,
        [frame[:100], frame[100:]],
        [table[:0], table],
        [values.tolist()],
    ):
        assert (select_stream(batches, 20, teacher_accuracy=0.8) == expected).all()


def test_excluded_rows_are_not_chosen_again_and_the_others_as_if_they_were_not_there() -> None:
    values = probabilities(1000)
    gone = np.arange(0, 1000, 3)
    left = np.setdiff1d(np.arange(1000), gone)
    chosen = passes([values], exclude=gone)
    assert (left[passes([values[left]]).rows] == chosen.rows).all()
    assert chosen.size == len(left)
    with pytest.raises(InputError, match="exclude holds the row 1000; the 1000 rows"):
        passes([values], exclude=[1000])


def test_every_row_can_be_bought() -> None:
    assert sorted(passes([probabilities(60)], 60).rows) == list(range(60))
    with pytest.raises(InputError, match="budget is 61; it must be a whole number from 1 to the 60 rows"):
        passes([probabilities(60)], 61)


# --- memory and kills -----------------------------------------------------------------------------------------------

_CHILD = """
import re, sys
import numpy as np
from rad_core import select_stream

def peak():  # of this program alone: what getrusage says is inherited from the process that started it
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1)) / 1000

def batches(rows):
    rng = np.random.default_rng(0)
    for start in range(0, rows, 50_000):
        values = rng.random((50_000, 10), dtype=np.float32)
        yield values / values.sum(axis=1, keepdims=True)

select_stream(batches(100_000), 100, teacher_accuracy=0.8)
before = peak()
picks = select_stream(batches(int(sys.argv[1])), 1000, teacher_accuracy=0.8)
assert len(set(picks.tolist())) == 1000
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_pool() -> None:
    done = subprocess.run([sys.executable, "-c", _CHILD, "2000000"], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 40  # MB; the pool has 80, its gains 8


def endless(started: Path) -> Iterator[np.ndarray]:
    while True:
        yield probabilities(1000)
        started.touch()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_a_kill_leaves_nothing_that_the_next_command_does_not_sweep(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rad_core import select_stream\n"
        "from tests.selection.test_stream import endless\n"
        "select_stream(endless(Path(sys.argv[1])), 5, teacher_accuracy=0.8)"
    )
    (tmp_path / "tmp").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "started")], env=environment)
    end = time.monotonic() + 120
    while not (tmp_path / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list((tmp_path / "tmp").glob("rad-gains-*"))) == 1
    folder = write(tmp_path / "pool", probabilities(100), 1)
    words = ["select", "--probs", folder, "--budget", 5, "--teacher-accuracy", 0.8, "-o", tmp_path / "picks.csv"]
    subprocess.run([sys.executable, "-m", "rad_core.cli", *map(str, words)], env=environment, check=True)
    assert len(pd.read_csv(tmp_path / "picks.csv")) == 5
    assert list((tmp_path / "tmp").glob("rad-*")) == []
