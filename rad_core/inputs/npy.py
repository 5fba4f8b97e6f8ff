"""Arrays from .npy and .npz files that somebody else wrote: plain numbers and names, never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.sheets import what_it_is


def read_arrays(path: Path, name: str | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, or that of an .npy file under the empty name.

    name: what to call the file, its path by default. Raises InputError where the file is damaged, holds anything but
    plain arrays, or is too large for the memory.
    """
    name = str(path) if name is None else name
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"": content}
        with content:
            arrays = {key: content[key] for key in content.files}
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory ({error}); give a smaller file.") from error
    except (ValueError, OSError, EOFError, IndexError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        with path.open("rb") as file:
            kind = what_it_is(file.read(512))
        if kind is not None and not kind.startswith(("a ZIP", "a file of numpy", "a pickle")):
            raise InputError(f"{name} is not a readable {path.suffix} file of plain arrays: it is {kind}.") from error
        if "pickle" in str(error).lower():  # numpy suspects that of everything it does not know
            raise InputError(
                f"{name} is not a readable {path.suffix} file of plain arrays: it is damaged, no {path.suffix} file, "
                "or one of pickled Python objects, which could run code and are never opened. Save numbers with "
                "numpy.save."
            ) from error
        raise InputError(f"{name} is not a readable {path.suffix} file of plain arrays ({error}).") from error
    strange = [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise InputError(f"{name} holds {strange[0]!r}, which is no array; write the file with numpy.savez.")
    return arrays
