"""Whose turn it is: background studies that compute on the same device of a machine run one after the other.

Everybody who comes takes the next number, a file that stays locked for as long as its process lives, and waits until no
lower number is alive. Numbers are given out by one process at a time. A killed process gives up its number by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from rad_core import files, partials

_POLL_SECONDS = 0.25


@contextmanager
def turn(folder: Path, name: str, device: Callable[[], str], waits_for: Callable[[str], None]) -> Iterator[None]:
    """Hold the device; wait until it is free, first come, first served.

    name: who wants it, for the others. device: finds out which one (this may take a while and costs nobody the place in
    the queue). waits_for: called several times a second with the name of the one in front; raises to give up.
    """
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        number, lock = _take_number(folder)
    try:
        own_device = device()
        with files.writing(folder):
            files.replace(_about(folder, number), lambda file: file.write(f"{own_device}\n{name}".encode()))  # type: ignore[arg-type]
        while (other := _in_front(folder, number, own_device)) is not None:
            waits_for(other)
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        lock.release()


def _take_number(folder: Path) -> tuple[int, FileLock]:
    with FileLock(folder / "numbers.lock"):
        numbers = []
        for number in _numbers(folder):
            if files.is_locked(_lock(folder, number)):
                numbers.append(number)
            else:
                _about(folder, number).unlink(missing_ok=True)
                _lock(folder, number).unlink(missing_ok=True)
        partials.sweep(folder.glob(f"*{files.PARTIAL}"))
        number = max(numbers, default=0) + 1
        lock = FileLock(_lock(folder, number))
        lock.acquire(timeout=2)
        return number, lock


def _in_front(folder: Path, own: int, device: str) -> str | None:
    """The name of the next one in front who wants the device, or does not know yet."""
    for number in reversed(_numbers(folder)):
        if number < own and files.is_locked(_lock(folder, number)):
            try:
                theirs, _, name = _about(folder, number).read_text("utf-8").partition("\n")
            except FileNotFoundError:
                return "another study"
            if theirs == device:
                return name
    return None


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.lock") if path.stem.isdecimal())


def _lock(folder: Path, number: int) -> Path:
    return folder / f"{number}.lock"


def _about(folder: Path, number: int) -> Path:
    return folder / f"{number}.txt"
