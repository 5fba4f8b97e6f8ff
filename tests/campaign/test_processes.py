"""Several processes at once, and processes that are killed: nothing is lost, nothing is bought twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from rad_core import Campaign
from tests.campaign.examples import make, probabilities

KILLS = int(os.environ.get("RAD_LEDGER_KILLS", "6"))

# Tells answers one at a time, and prints the id of each once it is told.
TELLER = """
import sys
from rad_core import Campaign
campaign = Campaign.open("reviews", sys.argv[1])
for name in sys.argv[2].split(","):
    campaign.tell([name], ["bad"])
    print(name, flush=True)
"""

# Asks and tells without end, and prints what it has been told by the campaign.
WORKER = """
import sys
import numpy as np
from rad_core import Campaign
campaign = Campaign.open("reviews", sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
pool = sum(campaign.status().pool.values())
while campaign.status().pool["free"] >= 5:
    picks = campaign.ask(rng.dirichlet([1, 1, 1], pool), 5)
    print("asked", *picks.ids, flush=True)
    campaign.tell(picks.ids[:4], ["good"] * 4)
    print("told", *picks.ids[:4], flush=True)
"""


def test_two_processes_tell_at_once(tmp_path: Path) -> None:
    campaign = make(tmp_path, pool=60)
    asked = campaign.ask(probabilities(60), 60).ids
    parts = [asked[:40], asked[20:]]  # twenty are told by both
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TELLER, str(tmp_path), ",".join(part)], stdout=subprocess.PIPE, text=True
        )
        for part in parts
    ]
    for process, part in zip(processes, parts, strict=True):
        out, _ = process.communicate(timeout=120)
        assert (process.returncode, out.split()) == (0, part)
    status = campaign.status()
    assert status.pool["answered"] == 60
    assert status.spent == Decimal("6.0")
    assert campaign.verify() == []


def test_two_processes_ask_at_once(tmp_path: Path) -> None:
    campaign = make(tmp_path, pool=2000, max_cost="1.5")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(2)
    ]
    asked: list[str] = []
    for process in processes:
        out, error = process.communicate(timeout=120)
        assert "would cross --max-cost 1.50 EUR" in error
        asked += [name for line in out.splitlines() if line.startswith("asked") for name in line.split()[1:]]
    assert len(asked) == len(set(asked)) == 15
    assert campaign.verify() == []


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_kills_lose_nothing(tmp_path: Path) -> None:
    """Killed while asking and telling: what it said it had is there, and what is there is sound.

    RAD_LEDGER_KILLS=100 pytest -m slow tests/campaign/test_processes.py
    """
    campaign = make(tmp_path, pool=max(1000, 80 * KILLS))
    chance = random.Random(0)
    asked: list[str] = []
    told: set[str] = set()
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline()]  # the first round is asked for
        time.sleep(chance.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        for line in lines:
            kind, *names = line.split() if line.endswith("\n") else ("",)
            asked += names if kind == "asked" else []
            told |= set(names) if kind == "told" else set()
        assert len(asked) == len(set(asked))
        campaign = Campaign.open("reviews", tmp_path)
        accounts = {point.id: entry.kind for _, entry, point in campaign.entries()}  # the last entry of each
        assert all(accounts[name] == "told" for name in told)
        assert set(asked) <= set(accounts)
        status = campaign.status()
        assert status.spent == Decimal("0.1") * status.pool["answered"]
        assert status.reserved == Decimal("0.1") * status.open
        assert campaign.verify() == []
    assert told


# Tells a batch of answers where no file may grow beyond so many bytes.
FULL = """
import resource, signal, sys
import numpy as np
from rad_core import Campaign
from rad_core.errors import RadError
campaign = Campaign.open("reviews", sys.argv[1])
ids = campaign.open_questions().ids
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    campaign.tell(ids, np.full((len(ids), 3), 1 / 3))
    print("told")
except RadError as error:
    print(error.exit_code, error)
"""


def test_a_full_disk_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    campaign = make(tmp_path, pool=2000)
    ids = campaign.ask(probabilities(2000), 2000).ids
    before = campaign.entries()
    for most in (50_000, 100_000, 200_000):
        ran = subprocess.run(
            [sys.executable, "-c", FULL, str(tmp_path), str(most)], capture_output=True, text=True, check=True
        )
        assert "cannot be written (disk I/O error)" in ran.stdout, ran.stdout + ran.stderr  # what SQLite calls a limit
        assert campaign.entries() == before
        assert campaign.verify() == []
    assert campaign.tell(ids, ["bad"] * 2000).new == 2000
