"""The plan of a study with its time measured, for a process that imports no torch.

`request_plan` has another process measure and returns at once; the answer is kept, so that asking again costs nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Hashable
from pathlib import Path
from typing import IO

import attrs

from rad_core import files, partials
from rad_core.config import StudyConfig
from rad_core.errors import retold
from rad_core.folders import queue_folder
from rad_core.running import launch
from rad_core.running.plan import Plan, outline, plan, with_asked

_TIMEOUT = 900.0  # seconds; the data set may have to be downloaded first
_MEASURED = ("estimated_seconds", "pool", "device", "workers", "asked")


class PlanJob:
    """A plan that is being measured, for all who wait for it. `poll` until it is there; `cancel` to wait no more.

    Safe to use from several threads.
    """

    def __init__(self, config: StudyConfig, workers: int | None, timeout: float = _TIMEOUT) -> None:
        self._config, self._place = config, _place(config.resolved(), workers)
        self._plan, self._error, self.cancelled = self._read(), "", False
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.RLock()
        self.waiting: set[Hashable] = set()  # for whom it is measured
        if self._plan is None:
            self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
            self._end = time.monotonic() + timeout
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "rad_core.running.plan_job", str(workers or 0), str(self._place)],
                stdin=subprocess.PIPE,
                stdout=self._errors,
                stderr=self._errors,
            )
            with self._process.stdin as pipe:  # type: ignore[union-attr]
                pipe.write(config.to_json().encode())

    def poll(self) -> Plan | None:
        """The plan, or None while it is being measured; a RadError, in one sentence, if that failed."""
        with self._turn:
            if self._plan is None and not self._error:
                self._look()
            if self._error:
                assert self._process is not None
                raise retold(self._process.returncode, self._error)
            return self._plan

    @property
    def is_over(self) -> bool:
        """Whether nothing is being measured any more."""
        return self._process is None or self._process.poll() is not None

    def cancel(self, visitor: Hashable = None) -> None:
        """Wait no more, and stop measuring where nobody else waits; who asks for the same plan has it measured anew."""
        with self._turn:
            self.waiting.discard(visitor)
            if not self.waiting:
                self._stop()

    def join(self, visitor: Hashable) -> bool:
        """Wait for it as well; False if it was cancelled already."""
        with self._turn:
            if not self.cancelled:
                self.waiting.add(visitor)
            return not self.cancelled

    def _stop(self) -> None:
        self.cancelled = True
        if self._process is not None and not self.is_over:
            self._process.kill()
            self._process.wait()

    def _look(self) -> None:
        assert self._process is not None
        if not self.is_over:
            if time.monotonic() > self._end:
                self._stop()
                self._error = "The time could not be measured: the data and a few training steps took too long."
            return
        self._plan = self._read()
        if self._plan is None:
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            self._error = lines[-1].removeprefix("Error: ") if lines else "The time could not be measured."

    def _read(self) -> Plan | None:
        try:
            measured = json.loads(self._place.read_text("utf-8"))
        except FileNotFoundError:
            return None
        notes = tuple(measured.get("notes", ()))
        # Outlined now: reading the data may have told that there is less of it.
        held = {name: measured[name] for name in _MEASURED if name in measured}
        planned = dataclasses.replace(outline(self._config), **held, notes=notes)
        return with_asked(planned, self._config, planned.asked) if self._config.outside else planned


_jobs: dict[str, PlanJob] = {}
_jobs_turn = threading.Lock()  # visitors' threads share the jobs
_JOBS = 32  # kept at most, of those that are over; the oldest goes first


def request_plan(
    config: StudyConfig, workers: int | None = None, *, again: bool = False, visitor: Hashable = None
) -> PlanJob:
    """Have the plan of a study measured by a process beside this one, unless its plan is known or being made.

    Returns at once. again: measure anew what failed before. visitor: who waits for it, and may cancel it for himself
    alone. Raises InputError only for what the configuration alone tells; the rest comes from `poll`.
    """
    key = f"{config.resolved().to_json()}|{workers}"
    with _jobs_turn:
        job = _jobs.get(key)
        if job is None or (again and job.is_over) or not job.join(visitor):
            _jobs.pop(key, None)
            over = [ended for ended, kept in _jobs.items() if kept.is_over]
            for ended in over[: max(0, len(_jobs) + 1 - _JOBS)]:
                del _jobs[ended]
            job = _jobs[key] = PlanJob(config, workers)
            job.join(visitor)
        return job


def _place(config: StudyConfig, workers: int | None) -> Path:
    """Where a plan is kept: by everything that its time depends on."""
    plain = attrs.evolve(config, name="", price_per_label=0.0, currency="USD", latency_per_label=0.0)
    key = f"{plain.to_json()}|{workers or 0}|{sys.prefix}|{os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
    return queue_folder() / "plans" / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.json"


def main(workers: str, place: str) -> int:
    """Measure the plan of the configuration on standard input and write it down."""

    def work() -> None:
        measured = plan(StudyConfig.from_mapping(json.load(sys.stdin)), workers=int(workers) or None)
        with files.writing(Path(place).parent):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            partials.sweep_files(Path(place).parent)
            text = json.dumps({name: getattr(measured, name) for name in (*_MEASURED, "notes")})
            files.replace(Path(place), lambda file: file.write(text.encode()))  # type: ignore[arg-type]

    return launch.ended_by(work, "The time could not be measured")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
