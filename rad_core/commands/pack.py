"""`rad pack`: a study as one file."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import say, store_option, store_root


@click.command()
@click.argument("study_id", metavar="ID")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File (default: ID.rad.zip here)."
)
@click.option("--no-images", is_flag=True, help="Leave out the thumbnails of the pool.")
@click.option("--no-teacher", is_flag=True, help="Leave out the teachers' weights; it can then only be looked at.")
@click.option(
    "--light",
    is_flag=True,
    help="A copy to look at, many times smaller: without features, weights and soft labels, and with the "
    "points of the first seed alone.",
)
@click.option(
    "--points",
    type=click.IntRange(min=1),
    metavar="SEEDS",
    show_default="1",
    help="With --light: keep the points of so many seeds.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@store_option
def command(
    study_id: str,
    output: Path | None,
    no_images: bool,
    no_teacher: bool,
    light: bool,
    points: int | None,
    force: bool,
    store: Path | None,
) -> None:
    """Pack a study into one file, to keep it or to send it to somebody; rad unpack is the way back.

    The same study always gives the same bytes. A study that runs is packed with the rounds it has finished.

    A light copy shows every page of the studio, with curves, intervals and all labels bought of every seed. What shows
    single points of the pool (Explore, Map, and the Trade-off's background) it has for the first seed, or for more with
    --points. Make the maps of those seeds first (rad map): they cannot be made from a light copy.

    \b
    Examples:
      rad pack latest
      rad pack latest -o study.rad.zip --no-images --no-teacher
      rad pack latest --light --no-images
    """
    from rad_core.errors import InputError
    from rad_core.store.catalogue import open_study
    from rad_core.store.pack import ENDING, pack

    if points is not None and not light:
        raise InputError("--points says how much a light copy keeps; give --light as well, or leave it out.")
    study = open_study(store_root(store), study_id)
    target = output or Path(f"{study.id}{ENDING}")
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give another file with -o or replace it with --force.")
    pack(study, target, images=not no_images, teacher=not no_teacher, light=(points or 1) if light else None)
    say(f"Packed {study.id} into {target} ({target.stat().st_size / 1e6:.1f} MB).")
