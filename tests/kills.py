"""Kill commands without warning at random moments, and look whether anything is lost, different or left behind.

    python -m tests.kills --kills 250 --seed 0

Runs, resumes, background workers, packs, unpacks, deletions and exports are killed by SIGKILL, alone or with all their
processes, at a random time or just after they have begun to write. After every kill: what was finished is still there
and equal, bit for bit, to the same work that nobody interrupted; what was not finished is absent or whole; and after
the next command on that store or folder neither a file nor a process remains. Ends with 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rad_core.errors import RadError
from rad_core.files import PARTIAL
from rad_core.store.catalogue import study_ids
from rad_core.store.study import SHARED, Study
from tests.conftest import tiny_config

RAD = (sys.executable, "-m", "rad_core.cli")
OPERATIONS = ("run", "resume", "worker", "pack", "unpack", "delete", "export")
ID = "the-whole"
WORKER = (
    "import sys, time; from pathlib import Path; from rad_core.store.catalogue import open_study\n"
    "from rad_core.running.worker import start\n"
    "study = open_study(Path(sys.argv[1]), 'latest'); start(study, int(sys.argv[2]), with_map=False)\n"
    "while study.is_locked(): time.sleep(0.05)"
)


@dataclass
class Place:
    """Where everything lies. whole: a study that nobody interrupted, and what was made of it."""

    root: Path
    rng: np.random.Generator
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # that an operation takes when left alone
    finished: set[tuple[str, int, int]] = field(default_factory=set)  # rounds seen in the study that is killed
    ended: int = 0  # studies that came to their end between kills

    @property
    def store(self) -> Path:
        """Of the study that is run and killed."""
        return self.root / "killed"

    @property
    def copies(self) -> Path:
        """The store that is unpacked into and deleted from."""
        return self.root / "copies"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def whole(self) -> Study:
        return Study(self.root / "store" / ID)

    @property
    def archive(self) -> Path:
        return self.root / "reference" / f"{ID}.rad.zip"

    @property
    def environment(self) -> dict[str, str]:
        own = {"RAD_DATA": self.root / "data", "TMPDIR": self.root / "tmp", "SOURCE_DATE_EPOCH": 10**9}
        return os.environ | {"OMP_NUM_THREADS": "1"} | {name: str(value) for name, value in own.items()}

    def fault(self, words: str) -> None:
        self.faults.append(words)
        print(f"FAULT after {self.kills.total()} kills: {words}", flush=True)


# --- starting and killing ------------------------------------------------------------------------------------------


def command(place: Place, operation: str) -> list[str]:
    """What is started, and killed."""
    workers = str(1 + int(place.rng.integers(2)))
    store, source = ["--store", str(place.store)], ["--store", str(place.whole.path.parent)]
    run = [*RAD, "run", str(place.root / "study.toml"), *store, "--quiet", "--workers", workers]
    begun = bool(study_ids(place.store))
    return {
        "run": run,
        "resume": [*RAD, "resume", "latest", *store, "--quiet", "--workers", workers] if begun else run,
        "worker": [sys.executable, "-c", WORKER, str(place.store), workers] if begun else run,
        "pack": [*RAD, "pack", ID, "-o", str(place.out / f"{ID}.rad.zip"), "--force", *source],
        "unpack": [*RAD, "unpack", str(place.archive), "--store", str(place.copies)],
        "delete": [*RAD, "delete", ID, "--yes", "--store", str(place.copies)],
        "export": [*RAD, "export", ID, "-o", str(place.out / "tables"), "--force", *source],
    }[operation]


def start(place: Place, words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def do(place: Place, words: list[str], *, allowed: tuple[int, ...] = (0,)) -> None:
    """A command that nobody kills."""
    ran = subprocess.run(words, env=place.environment, capture_output=True, text=True, timeout=900)
    if ran.returncode not in allowed or "Traceback" in ran.stderr:
        place.fault(f"{' '.join(words[2:6])} ended with {ran.returncode}: {ran.stderr[-500:]}")


def kill_one(place: Place, operation: str) -> None:
    """Start an operation and kill it; counted only if it was still at work."""
    if operation == "delete" and not (place.copies / ID).exists():
        do(place, [*RAD, "unpack", str(place.archive), "--store", str(place.copies)])
    if operation == "unpack" and (place.copies / ID).exists():
        do(place, [*RAD, "delete", ID, "--yes", "--store", str(place.copies)])
    words = command(place, operation)
    process = start(place, words)
    wait_for_a_moment(place, operation, process)
    target = process.pid
    if operation == "worker" and words[1] == "-c" and place.rng.random() < 0.8:
        target = next(iter(processes_of(f"rad_core.running.worker\0{place.store}")), process.pid)
    alive = process.poll() is None
    with suppress(ProcessLookupError):
        if place.rng.random() < 0.5:
            os.killpg(os.getpgid(target), signal.SIGKILL)
        os.kill(target, signal.SIGKILL)
    if target != process.pid:
        process.kill()
    process.wait()
    place.kills[operation] += alive


def wait_for_a_moment(place: Place, operation: str, process: subprocess.Popen[bytes]) -> None:
    """Some time after the start, or a moment after the first sign of a write."""
    seconds = place.seconds[operation]
    if place.rng.random() < 0.4:
        time.sleep(seconds * place.rng.random())
        return
    before, end = signs(place), time.monotonic() + 4 * seconds
    writes = int(place.rng.integers(1, 5))
    while process.poll() is None and time.monotonic() < end and writes:
        now = signs(place)
        writes, before = writes - (now != before), now
        time.sleep(0.001)
    time.sleep(0.05 * place.rng.random() ** 2)


def signs(place: Place) -> tuple[object, ...]:
    """What changes when a command writes: names, and the sizes of databases and their logs."""
    found: list[object] = []
    for folder in (place.store, place.copies, place.out, place.root / "tmp"):
        with suppress(OSError):
            found += sorted(path.name for path in folder.iterdir())
    for path in place.store.glob("*/study.sqlite*"):
        with suppress(OSError):
            found.append(path.stat().st_mtime_ns)
    return tuple(found)


def processes_of(text: str) -> Iterator[int]:
    """The living processes whose command line or environment holds a text."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if text.encode() in words and int(folder.name) != os.getpid():
                yield int(folder.name)


# --- looking -------------------------------------------------------------------------------------------------------


def look(place: Place, operation: str) -> None:
    """Everything that must hold after a kill."""
    until_gone(place)
    if operation in ("run", "resume", "worker"):
        look_at_study(place)
    elif operation in ("unpack", "delete"):
        look_at_copy(place)
    else:
        look_at_files(place)
    words, store = next_command(place, operation)
    do(place, [*RAD, *words, "--store", str(store)], allowed=(0, 2))
    look_for_leftovers(place)


def next_command(place: Place, operation: str) -> tuple[list[str], Path]:
    """Another command on the same store or folder."""
    if operation in ("run", "resume", "worker"):
        return ["show", "latest"], place.store
    if operation in ("unpack", "delete"):
        return ["runs"], place.copies
    if operation == "pack":
        return ["pack", ID, "-o", str(place.out / "other.rad.zip"), "--force"], place.whole.path.parent
    return ["export", ID, "-o", str(place.out / "tables"), "--force"], place.whole.path.parent


def until_gone(place: Place) -> None:
    """Workers of a killed process notice by themselves that it is gone."""
    end = time.monotonic() + 60  # on a busy machine one may just be starting
    while left := list(processes_of(str(place.root))):
        if time.monotonic() > end:
            place.fault(f"processes {left} outlive a kill")
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def look_at_study(place: Place) -> None:
    """Rounds once finished stay, and are those of the whole study."""
    for id in study_ids(place.store):
        study = Study(place.store / id)
        try:
            rounds = set(rounds_of(study))
            if lost := place.finished - rounds:
                place.fault(f"rounds {sorted(lost)[:3]} are lost")
            place.finished = rounds
            for strategy, seed, round in rounds:
                compare_rounds(place, study, strategy, seed, round)
            if study.info().status == "finished":
                finish(place, study)
        except RadError as error:
            place.fault(f"the study cannot be read: {error}")


def rounds_of(study: Study) -> list[tuple[str, int, int]]:
    return [
        (strategy, seed, round)
        for seed in study.seeds()
        for strategy in study.config.strategies
        for round in study.finished_rounds(strategy, seed)
    ]


def compare_rounds(place: Place, study: Study, strategy: str, seed: int, round: int) -> None:
    whole, title = place.whole, f"round {round} of {strategy or SHARED}, seed {seed}"
    if study.round_metrics(strategy, seed, round) != whole.round_metrics(strategy, seed, round):
        place.fault(f"the metrics of {title} are different")
    for name in whole.round_arrays(strategy, seed, round):
        mine, theirs = (one.round_array(strategy, seed, round, name) for one in (study, whole))
        if mine.tobytes() != theirs.tobytes():
            place.fault(f"{name} of {title} is different")


def finish(place: Place, study: Study) -> None:
    """A study that came to its end between kills equals the whole one; the next one begins anew."""
    if study.content_digest() != place.whole.content_digest():
        place.fault("a finished study is different")
    do(place, [*RAD, "delete", study.id, "--yes", "--store", str(place.store)])
    place.finished = set()
    place.ended += 1


def look_at_copy(place: Place) -> None:
    """The copy is there, and whole, or it is not."""
    ids = study_ids(place.copies)
    if ids not in ([], [ID]):
        place.fault(f"{ids} are in the store of copies")
    for id in ids:
        try:
            if Study(place.copies / id).content_digest() != place.whole.content_digest():
                place.fault("an unpacked study is different")
        except RadError as error:
            place.fault(f"an unpacked study cannot be read: {error}")


def look_at_files(place: Place) -> None:
    """Each file is absent or whole."""
    for path in sorted(place.out.rglob("*")):
        if path.is_file() and not path.name.endswith(PARTIAL):
            there = place.root / "reference" / path.relative_to(place.out)
            if path.name != "other.rad.zip" and path.stem != "seconds" and path.read_bytes() != there.read_bytes():
                place.fault(f"{path.name} is different")


def look_for_leftovers(place: Place) -> None:
    """After another command nothing is left of what was killed."""
    left = [
        *(path for store in (place.store, place.copies) for path in store.glob(".rad-*")),
        *place.out.rglob(f"*{PARTIAL}"),
        *place.store.glob(f"*/*{PARTIAL}"),
        *place.store.glob(f"*/*/*{PARTIAL}"),
        *(place.root / "tmp").glob("rad-*"),
    ]
    if left:
        place.fault(f"{left[:3]} are left behind")
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)


# --- the whole -----------------------------------------------------------------------------------------------------


def prepare(place: Place) -> None:
    """The study that nobody interrupts, what is made of it, and how long everything takes."""
    for name in ("tmp", "reference", "out", "copies", "killed"):
        (place.root / name).mkdir(parents=True)
    config = tiny_config(strategies=("rad", "margin", "badge", "unixkd"), seeds=2, rounds=3, pool=300, student_steps=30)
    (place.root / "study.toml").write_text(config.to_toml())
    source, reference = ["--store", str(place.root / "store")], place.root / "reference"
    run = [*RAD, "run", str(place.root / "study.toml"), "--quiet", "--workers", "1"]
    for operation, words in {
        "run": [*run, "--id", ID, *source],
        "pack": [*RAD, "pack", ID, "-o", str(place.archive), *source],
        "export": [*RAD, "export", ID, "-o", str(reference / "tables"), *source],
        "unpack": [*RAD, "unpack", str(place.archive), "--store", str(place.copies)],
        "delete": [*RAD, "delete", ID, "--yes", "--store", str(place.copies)],
    }.items():
        began = time.monotonic()
        do(place, words)
        place.seconds[operation] = time.monotonic() - began
    place.seconds["resume"] = place.seconds["worker"] = place.seconds["run"] / 3


def kill(place: Place, count: int) -> None:
    """So many kills, spread over the operations."""
    while place.kills.total() < count:
        operation = OPERATIONS[int(place.rng.integers(len(OPERATIONS)))]
        kill_one(place, operation)
        look(place, operation)
        if place.kills.total() % 25 == 0:
            print(f"{place.kills.total()} kills", flush=True)
    do(place, [*RAD, "run", str(place.root / "study.toml"), "--quiet", "--store", str(place.store)])
    look_at_study(place)
    if not place.ended:
        place.fault("no study came to its end")


def main(arguments: list[str] | None = None) -> int:
    """Entry point; the exit status is 0 if nothing was lost, different or left behind."""
    parser = argparse.ArgumentParser(description="Kill commands at random moments and look what became of their work.")
    parser.add_argument("--kills", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    place = Place(root, np.random.default_rng(asked.seed))
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has made goes with it
    try:
        prepare(place)
        kill(place, asked.kills)
    finally:
        for pid in processes_of(str(root)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)
    words = ", ".join(f"{name} {place.kills[name]}" for name in OPERATIONS)
    print(f"{place.kills.total()} kills ({words}), seed {asked.seed}, {time.monotonic() - began:.0f} s.")
    print(f"{place.ended} studies came to their end. Lost, different or left behind: {len(place.faults)}.")
    return int(bool(place.faults))


if __name__ == "__main__":
    sys.exit(main())
