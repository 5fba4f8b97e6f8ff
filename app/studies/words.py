"""What to do about a study that stopped, in words."""

from __future__ import annotations

from rad_core.results.words import count
from rad_core.store.study import StudyInfo


def advice(info: StudyInfo) -> str:
    """What to do about a study that is not running and not finished."""
    kept = f"{count(info.rounds_done, 'finished round')} {'is' if info.rounds_done == 1 else 'are'} kept"
    kept = kept if info.rounds_done else "no round is finished yet"
    return {
        "planned": "It was never started.",
        "paused": f"Resume it to go on; {kept}.",
        "cancelled": f"Resume it if you change your mind; {kept}.",
        "lost": f"The machine was restarted, or its process was ended; {kept}.",
        "failed": f"Mend what is named above and resume; {kept}. Or clone it and change its settings.",
        "unreadable": "Put the folder back from a backup, or delete it. All other studies are untouched.",
    }.get(info.status, "")
