"""Visitors who gave the studio something large: it goes when they go, and so does what any of them cost.

Streamlit keeps what was uploaded as long as its field; and the state of a visit that has ended until another one begins
or ends, which may be never, or even longer. What is free of it, the C library keeps.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import time
from dataclasses import dataclass
from typing import Any

from streamlit import runtime
from streamlit.runtime.fragment import FragmentStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

PATIENCE = 60.0  # seconds for which somebody may be gone: a network that failed, a laptop that was closed
_SECONDS = 5.0


@dataclass
class Visit:
    """When a visitor was last seen, where their things lie, and what the page would draw again with them."""

    seen: float
    things: tuple[dict[str, Any], ...]
    fragments: FragmentStorage

    def end(self) -> None:
        """Let go of everything."""
        for things in self.things:
            things.clear()
        self.fragments.clear()


_visits: dict[str, Visit] = {}  # by session, of those who gave something


def let_go(upload: UploadedFile) -> None:
    """Have the server forget an upload, but for the file that is handed in."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)


def goes_with_them(*things: dict[str, Any]) -> None:
    """Things go when their visitor goes."""
    context = get_script_run_ctx()
    if context is not None:
        _visits[context.session_id] = Visit(time.monotonic(), things, context.fragment_storage)


async def sweep() -> None:
    """End the visits of those who gave something and are gone; runs beside the server, on its event loop."""
    before = 0
    while True:
        await asyncio.sleep(_SECONDS)
        ended = _end_visits()
        now = runtime.get_instance()._session_mgr.num_active_sessions()
        if ended or now < before:
            await asyncio.to_thread(give_back)
        before = now


def _end_visits() -> bool:
    """End those whose patience is over; whether there were any."""
    gone = []
    for session, visit in list(_visits.items()):
        if runtime.get_instance().is_active_session(session):
            visit.seen = time.monotonic()
        elif time.monotonic() - visit.seen > PATIENCE:
            runtime.get_instance().close_session(session)
            gone.append(_visits.pop(session))
    for visit in gone:
        visit.end()
    return bool(gone)


def give_back() -> None:
    """Give the system what is free: a visit is full of circles, and the C library keeps what it got."""
    gc.collect()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
