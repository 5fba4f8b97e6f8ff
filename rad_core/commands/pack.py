"""`rad pack`: a study as one file."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import store_option, store_root


@click.command()
@click.argument("id")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File (default: ID.rad.zip here)."
)
@click.option("--no-images", is_flag=True, help="Leave out the thumbnails of the pool.")
@click.option("--no-teacher", is_flag=True, help="Leave out the teachers' weights; it can then only be looked at.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@store_option
def command(id: str, output: Path | None, no_images: bool, no_teacher: bool, force: bool, store: Path | None) -> None:
    """Pack a study into one file, to keep it or to send it to somebody; rad unpack is the way back.

    The same study always gives the same bytes. A study that runs is packed with the rounds it has finished.

    \b
    Examples:
      rad pack latest
      rad pack latest -o study.rad.zip --no-images --no-teacher
    """
    from rad_core.errors import InputError
    from rad_core.study.archive import ENDING, pack
    from rad_core.study.store import open_study

    study = open_study(store_root(store), id)
    target = output or Path(f"{study.id}{ENDING}")
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give another file with -o or replace it with --force.")
    pack(study, target, images=not no_images, teacher=not no_teacher)
    click.echo(f"Packed {study.id} into {target} ({target.stat().st_size / 1e6:.1f} MB).")
