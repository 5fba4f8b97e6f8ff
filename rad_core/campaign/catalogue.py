"""Campaigns in a store, beside its studies: found by name, made and deleted; each appears and goes whole."""

from __future__ import annotations

import difflib
import os
import re
import secrets
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from rad_core import files, partials
from rad_core.campaign.ledger import DATABASE
from rad_core.errors import InputError, StoreError
from rad_core.folders import default_store
from rad_core.store.catalogue import TRASH, new_folder

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


def root_of(store: Path | str | None) -> Path:
    """The folder of a store, the user's own by default."""
    return default_store() if store is None else Path(store).expanduser()


def names(root: Path) -> list[str]:
    """The names of all campaigns in a store, sorted; links to elsewhere are none."""
    try:
        with os.scandir(root) as items:
            return sorted(
                item.name
                for item in items
                if NAME.fullmatch(item.name)
                and item.is_dir(follow_symlinks=False)
                and os.path.exists(f"{item.path}/{DATABASE}")  # noqa: PTH110 - a path takes thrice as long
            )
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"The store {root} cannot be read ({error.strerror}); choose another with --store DIR."
        ) from error


def find(root: Path, name: str) -> Path:
    """The folder of a campaign. Raises InputError where there is none of this name."""
    known = names(root)
    if name in known:
        return root / name
    if not known:
        raise InputError(
            f"There is no campaign {name!r}. There are none in {root} yet; start one: rad campaign create."
        )
    near = difflib.get_close_matches(name, known, 5, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "see rad campaign list."
    raise InputError(f"There is no campaign {name!r} in {root}; {hint}")


def making(root: Path, name: str) -> AbstractContextManager[Path]:
    """A folder to fill, which is the campaign's once the block is left; after an error nothing of it is there."""
    if not NAME.fullmatch(name):
        raise InputError(f"The name is {name!r}; use 2 to 40 lower-case letters, digits and hyphens.")
    taken = f"There is a campaign or study {name} in {root} already; choose another name, or delete that one."
    return new_folder(root, name, taken)


def delete(root: Path, name: str) -> None:
    """Delete a campaign for good, its ledger with it. Raises StoreError while it runs."""
    folder = find(root, name)
    trash = root / f"{TRASH}{name}-{secrets.token_hex(4)}"
    with partials.holding(folder) as held:
        if held is False:
            raise StoreError(f"A process runs campaign {name}, or reads it whole; nothing was deleted: stop it first.")
        with files.writing(root):
            folder.rename(trash)  # out of sight first: a kill during the slow part leaves no half of it
            files.sync_folder(root)
        shutil.rmtree(trash, ignore_errors=True)
    if trash.exists():
        raise StoreError(f"Campaign {name} is deleted, but {trash} could not be removed; remove it by hand.")
