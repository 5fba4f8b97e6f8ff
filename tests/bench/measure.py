"""Clocks, and taking turns: whatever else the machine does hits both sides of a comparison."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

Clock = Callable[[], float]


def medians(
    cases: Mapping[str, Callable[[], object]], repeats: int, clock: Clock = time.process_time
) -> dict[str, float]:
    """Median seconds of each case over rounds in which every case runs once; a first round warms up and is not counted.

    Every round begins with another case: the first to ask for memory after a pause pays for what the system took back.
    clock: CPU time of this process unless told otherwise.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    for round in range(repeats + 1):
        for name in order:
            began = clock()
            cases[name]()
            if round:
                taken[name].append(clock() - began)
        order = order[1:] + order[:1]
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def gpu_clock() -> float:
    """Wall time once the CUDA device has done all that it was told to."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def children_clock() -> float:
    """CPU time of the processes that have been started and awaited."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def python(code: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run code in a fresh interpreter; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"A benchmark's child process ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def at_once(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> list[str]:
    """Run several commands at the same time; returns what each prints."""
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for command in commands]
    printed = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError(f"A benchmark's child process failed: {commands[0]}")
    return printed
