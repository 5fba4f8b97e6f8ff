"""Asking from a large pool: a campaign of features that lie in a file, scored by a student of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import python
from tests.bench.rows import Row

# In a process of its own: a pool of n x d features in a file, memory-mapped.
_MAKE = """
import sys
import numpy as np
from rad_core import Campaign
folder, n, d = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
pool = np.lib.format.open_memmap(folder + "/pool.npy", "w+", np.float32, (n, d))
for start in range(0, n, 50_000):
    part = pool[start : start + 50_000]
    part[:] = rng.standard_normal(part.shape, dtype=np.float32)
pool.flush()
checked = {
    "id": [f"c{at}" for at in range(300)],
    "label": [str(at % 10) for at in range(300)],
    "teacher": [str(at % 10 if at % 5 else (at + 1) % 10) for at in range(300)],
    "features": rng.standard_normal((300, d), dtype=np.float32),
}
Campaign.create("large", "features:" + folder + "/pool.npy", checked=checked, student="linear", store=folder)
"""

# In a fresh one: seconds of an ask, and its most memory that is not the mapped file.
_ASK = """
import re, sys, threading, time
import numpy as np
from rad_core import Campaign

def anonymous():  # pages of the file are the system's to take back
    text = open("/proc/self/status").read()
    return int(re.search(r"RssAnon:\\s*(\\d+)", text).group(1)) / 1e3

campaign = Campaign.open("large", sys.argv[1])
probabilities = None
if sys.argv[2] == "theirs":
    probabilities = np.random.default_rng(0).dirichlet([1] * 10, int(sys.argv[3])).astype(np.float32)
most, ended = [anonymous()], threading.Event()
def watch():
    while not ended.wait(0.01):
        most[0] = max(most[0], anonymous())
thread = threading.Thread(target=watch)
thread.start()
began = time.process_time()
campaign.ask(probabilities, budget=1000)
seconds = time.process_time() - began
ended.set()
thread.join()
print(seconds, most[0])
"""


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds and memory of one process beside the mapped file; 1,000 picks, 10 classes."""
    n, d = (5000, 16) if quick else (1_000_000, 384)
    with tempfile.TemporaryDirectory() as folder:
        python(_MAKE, folder, str(n), str(d))
        (Path(folder) / "pool.npy").unlink()  # the campaign has its own
        for who, what in (("theirs", "probabilities given"), ("ours", "scored by linear, six trainings")):
            seconds, memory = map(float, python(_ASK, folder, who, str(n)).split())
            title = f"ask of {n:,} x {d} features, {what}"
            yield Row(title, seconds, "s", 10.0, "the target", at_most=1)
            yield Row(f"{title}: memory", memory, "MB", 2000.0, "the target", at_most=1)
