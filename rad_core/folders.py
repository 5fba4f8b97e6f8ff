"""Where things are kept: studies and data, in folders of the user or where an environment variable says."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

APP = "rad-studio"


def default_store() -> Path:
    """The folder of studies: RAD_STORE where it is set, else the user's data directory."""
    if chosen := os.environ.get("RAD_STORE"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path(APP, appauthor=False) / "studies"


def data_folder() -> Path:
    """The folder of downloads and decoded images: RAD_DATA where it is set, else the user's cache directory."""
    if chosen := os.environ.get("RAD_DATA"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(APP, appauthor=False) / "data"


def queue_folder() -> Path:
    """The folder in which the background studies of this user on this machine queue for its devices."""
    return data_folder() / "queue" / (re.sub(r"[^A-Za-z0-9-]", "_", platform.node()) or "here")
