"""Asking from a large pool: features that lie in a file, scored by a student of ours; and whole rounds by files."""

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

# In a fresh one: whole rounds by files, as people run them, each command a process; then many answers in one file.
_ROUNDS = """
import subprocess, sys, time
from pathlib import Path
import numpy as np, pandas as pd
folder, n, rounds, budget = Path(sys.argv[1]), *map(int, sys.argv[2:])
rng = np.random.default_rng(0)
truth = rng.integers(0, 10, n)
ids = np.array([f"review-{at:07d}" for at in range(n)])
classes = list("abcdefghij")
pd.DataFrame({"id": ids, "text": "what somebody wrote"}).to_parquet(folder / "pool.parquet")
answered = np.where(rng.random(200) < 0.8, truth[:200], (truth[:200] + 1) % 10)
names = np.array(classes)
checked = {"id": [f"c{at}" for at in range(200)], "label": names[truth[:200]], "teacher": names[answered]}
pd.DataFrame(checked).to_csv(folder / "checked.csv", index=False)

def rad(*words):
    began = time.perf_counter()
    command = [sys.executable, "-m", "rad_core.cli", *map(str, words), "--store", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began

def tell(picks):
    which = [int(key.removeprefix("review-")) for key in picks["id"]]
    answers = pd.DataFrame({"id": picks["id"], "label": names[truth[which]]})
    answers.to_csv(folder / "answers.csv", index=False)
    return rad("tell", "reviews", folder / "answers.csv")

files = ("--pool", folder / "pool.parquet", "--checked", folder / "checked.csv")
rad("campaign", "create", "reviews", *files, "--price", "0.002")

def ask(budget):
    picks = folder / "picks.csv"
    seconds = rad("ask", "reviews", "--probs", folder / "probs.parquet", "--budget", budget, "-o", picks)
    return seconds, pd.read_csv(picks)

asked, told = [], []
for _ in range(rounds):
    values = rng.dirichlet([0.3] * 10, n).astype(np.float32)
    pd.DataFrame(values, columns=classes).assign(id=ids).to_parquet(folder / "probs.parquet")
    seconds, picks = ask(budget)
    asked.append(seconds)
    told.append(tell(picks))
left = n - rounds * budget
rate = left / tell(ask(left)[1])
size = sum(file.stat().st_size for file in (folder / "reviews").rglob("*")) / 1e6
print(np.median(asked), np.median(told), rate, rad("verify", "reviews"), size)
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
    n, rounds, budget = (2000, 1, 50) if quick else (100_000, 10, 1000)
    with tempfile.TemporaryDirectory() as folder:
        ask, tell, rate, verify, size = map(float, python(_ROUNDS, folder, str(n), str(rounds), str(budget)).split())
    title = f"{rounds} rounds of {budget:,} by files, pool of {n:,}"
    yield Row(f"{title}: rad ask, median", ask, "s")
    yield Row(f"{title}: rad tell, median", tell, "s")
    yield Row(f"{title}: answers of one file told, durable", rate, "/s", 2000.0, "the target", at_least=1)
    yield Row(f"{title}: rad verify, everything made again", verify, "s")
    yield Row(f"{title}: the campaign on disk", size, "MB")
