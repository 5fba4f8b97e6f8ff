"""The studies shipped with the program, unpacked once into the user's cache: every page has content at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rad_core.study.archive import ENDING, unpack_into
from rad_core.study.folders import data_folder


def assets() -> Path:
    """The folder of shipped files: inside the package where it was installed, beside it in a checkout."""
    here = Path(__file__).parent
    return next(path for path in (here / "assets", here.parent / "assets") if path.is_dir())


@cache
def root() -> Path:
    """The store of shipped studies; unpacks what is not there yet."""
    folder = data_folder() / "showcase"
    for archive in sorted((assets() / "studies").glob(f"*{ENDING}")):
        unpack_into(archive, folder)
    return folder
