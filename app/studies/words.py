"""Words about studies: durations, counts, and what to do about one that stopped."""

from __future__ import annotations

from rad_core.store.study import StudyInfo

_IRREGULAR = {"strategy": "strategies", "process": "processes", "study": "studies"}


def about(seconds: float) -> str:
    """A duration as one says it: 20 s, 2 min 30 s, 1 h 10 min."""
    if seconds < 60:
        step = 1 if seconds < 10 else 5
        return f"{max(1, round(seconds / step) * step)} s"
    if seconds < 3595:
        minutes, rest = divmod(round(seconds / 10) * 10, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes + (rest >= 30)} min"
    hours, minutes = divmod(round(seconds / 300) * 5, 60)
    return f"{hours:,} h {minutes} min" if minutes and hours < 10 else f"{hours + (minutes >= 30):,} h"


def plural(count: int, noun: str) -> str:
    """1 seed, 5 seeds."""
    return f"{count:,} {noun if count == 1 else _IRREGULAR.get(noun, noun + 's')}"


def advice(info: StudyInfo) -> str:
    """What to do about a study that is not running and not finished."""
    kept = f"{plural(info.rounds_done, 'finished round')} {'is' if info.rounds_done == 1 else 'are'} kept"
    kept = kept if info.rounds_done else "no round is finished yet"
    return {
        "planned": "It was never started.",
        "paused": f"Resume it to go on; {kept}.",
        "cancelled": f"Resume it if you change your mind; {kept}.",
        "lost": f"The machine was restarted, or its process was ended; {kept}.",
        "failed": f"Mend what is named above and resume; {kept}. Or clone it and change its settings.",
        "unreadable": "Put the folder back from a backup, or delete it. All other studies are untouched.",
    }.get(info.status, "")
