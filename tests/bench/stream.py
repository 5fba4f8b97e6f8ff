"""Pools that are read in passes: against reading the same files once and computing their gains with numpy."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.bench.measure import python
from tests.bench.rows import Row

CLASSES = 10
ENVIRONMENT = "RAD_BENCH_STREAM_ROWS"  # row counts to measure instead, separated by commas: 100000000 writes 4 GB

_TOLD = """
import json, re, resource, sys, time
def told():  # seconds since the start, of the clock and of all processors; most memory resident, MB
    try:
        peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1)) / 1000
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return json.dumps([time.perf_counter() - began, time.process_time() - used, peak])
"""

_OURS = f"""{_TOLD}
from pathlib import Path
from rad_core.inputs.pool import Pool
from rad_core.selection.stream import choose_in_passes
began, used = time.perf_counter(), time.process_time()
pool = Pool(Path(sys.argv[1]))
choose_in_passes(pool, int(sys.argv[2]), 0.8, sys.argv[3], "margin", None, 0)
print(told())
"""

_NUMPY = f"""{_TOLD}
from pathlib import Path
import numpy as np
import pyarrow.parquet as pq
began, used = time.perf_counter(), time.process_time()
parts = []
for path in sorted(Path(sys.argv[1]).iterdir()):
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1 << 17):
            values = np.column_stack([column.to_numpy() for column in batch.columns])
            top = np.partition(values, -2, axis=1)
            parts.append(1 - (top[:, -1] - top[:, -2]))
gains = np.concatenate(parts)
print(told())
"""


def rows(quick: bool) -> Iterator[Row]:
    """Float32 probabilities of ten classes in Parquet files, a hundredth of the rows bought. Seconds are those of all
    processors together; the reference reads the same files and computes the margins, and does nothing else."""
    sizes = [20_000] if quick else [1_000_000, 10_000_000]
    if not quick and os.environ.get(ENVIRONMENT):
        sizes = [int(size) for size in os.environ[ENVIRONMENT].split(",")]
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="rad-bench-") as folder:
            files = write_pool(Path(folder), size)
            yield from _measured(Path(folder), size, files)


def _measured(folder: Path, size: int, files: int) -> Iterator[Row]:
    repeats = 3 if 100_000 < size <= 10_000_000 else 1
    plain = _median([_run(_NUMPY, folder) for _ in range(repeats)])
    for strategy in ("rad", "mraru", "margin"):
        ours = _median([_run(_OURS, folder, str(size // 100), strategy) for _ in range(repeats)])
        what = f"{size:,} rows in {files} files, {strategy}"
        clock = f"by the clock {ours[0]:.2f} s against {plain[0]:.2f} s"
        yield Row(what, ours[1], "s", plain[1], "reading and margins", at_most=1.5, note=clock)
        if strategy == "rad":
            yield Row(f"{what}, resident memory", ours[2], "MB", 1000.0, "the limit", at_most=1)


def _run(code: str, folder: Path, *arguments: str) -> list[float]:
    numbers: list[float] = json.loads(python(code, str(folder), *arguments))
    return numbers


def _median(runs: list[list[float]]) -> list[float]:
    return np.median(runs, axis=0).tolist()


def write_pool(folder: Path, size: int) -> int:
    """Write so many rows into Parquet files of at most five million; returns how many files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files, rng = max(2, -(-size // 5_000_000)), np.random.default_rng(0)
    names = [f"class {number}" for number in range(CLASSES)]
    schema = pa.schema([(name, pa.float32()) for name in names])
    for number, part in enumerate(np.array_split(np.arange(0, size, 100_000), files)):
        with pq.ParquetWriter(folder / f"part-{number:05}.parquet", schema) as writer:
            for start in part:
                values = rng.standard_exponential((min(100_000, size - int(start)), CLASSES), dtype=np.float32) ** 3
                values /= values.sum(axis=1, keepdims=True)
                writer.write_table(pa.table([pa.array(column) for column in values.T.copy()], schema=schema))
    return files
