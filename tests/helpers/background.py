"""What tests have started in the background: found by its command line, as it outlives whoever started it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_OURS = b"rad_core.running."  # maps, plans and studies


def end_background(under: Path) -> None:
    """End every process of ours that works in a folder: nobody waits for it, and the next test wants the processor."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # one that is just ending
            words = (process / "cmdline").read_bytes()
            where = [Path(os.fsdecode(word)) for word in words.split(b"\0")]
            if _OURS in words and any(path.is_relative_to(under) for path in where):
                os.kill(int(process.name), signal.SIGKILL)
