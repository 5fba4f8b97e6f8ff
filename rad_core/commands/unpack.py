"""`rad unpack`: a study out of one file."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import say, store_option, store_root


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@store_option
def command(file: Path, store: Path | None) -> None:
    """Unpack a study that rad pack wrote into the store. Every part is checked; a damaged file leaves nothing behind.

    \b
    Example:
      rad unpack digits-20260102-153000-ab12.rad.zip
    """
    from rad_core.store.unpack import unpack_into

    root = store_root(store)
    study = unpack_into(file, root)
    say(f"Study {study.id} is in {root}. Look at it with: rad show {study.id}")
