"""The time that a running study will still take, beside its progress bar."""

from __future__ import annotations

import time

from rich.progress import ProgressColumn, Task
from rich.text import Text

from rad_core.errors import RadError
from rad_core.results.words import about
from rad_core.running.progress import progress
from rad_core.store.study import Study

_SECONDS = 1.0  # between two looks into the store; a bar is drawn ten times as often


class TimeLeft(ProgressColumn):
    """What the studio tells of the same study: rounds come in batches, and their pace alone would mislead."""

    def __init__(self, study: Study) -> None:
        super().__init__()
        self.study, self._text, self._until = study, "", 0.0

    def render(self, task: Task) -> Text:
        """The time left in words, nothing while it is not known."""
        if time.monotonic() >= self._until:
            self._text, self._until = self._look(), time.monotonic() + _SECONDS
        return Text(self._text, style="progress.remaining")

    def _look(self) -> str:
        try:
            left = progress(self.study).seconds_left
        except RadError:  # the run itself meets this, and says it
            return ""
        return "" if left is None else f"about {about(left)} left"
