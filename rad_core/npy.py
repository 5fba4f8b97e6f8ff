"""Arrays from .npy and .npz files that somebody else wrote: plain numbers and names, never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from rad_core.errors import InputError


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, or that of an .npy file under the empty name.

    Raises InputError where the file is damaged, holds anything but plain arrays, or is too large for the memory.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"": found}
        with found:
            arrays = {name: found[name] for name in found.files}
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory ({error}); give a smaller file.") from error
    except (ValueError, OSError, EOFError, IndexError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is not a readable {path.suffix} file of plain arrays ({error}).") from error
    strange = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise InputError(f"{path} holds {strange[0]!r}, which is no array; write the file with numpy.savez.")
    return arrays
