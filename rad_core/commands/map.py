"""`rad map`: the map of a study's pool, computed in advance."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from rad_core.commands.common import say, store_option, store_root


@click.command()
@click.argument("study_id", metavar="ID")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed whose pool is mapped.")
@click.option(
    "--features",
    type=click.Choice(["teacher", "student"]),
    default="teacher",
    show_default=True,
    help="Whose features place the points: similar ones lie together.",
)
@click.option("--method", type=click.Choice(["umap", "pca"]), default="umap", show_default=True, help="How.")
@click.option("--stop", is_flag=True, help="Stop it where it is being computed, here or by the studio.")
@store_option
def command(study_id: str, seed: int, features: str, method: str, stop: bool, store: Path | None) -> None:
    """Compute the map of a pool and keep it with the study, so that the studio shows it at once.

    A UMAP of 2,000 points takes some twenty seconds, one of 50,000 points minutes; a PCA takes none. The UMAP of more
    than 100,000 points is fitted on 50,000 of them, and the others are placed among those. Where a teacher has no
    features its probabilities are mapped. rad runs lists the maps that are being computed.

    \b
    Examples:
      rad map latest --features student
      rad map latest --stop
    """
    from rad_core.errors import InputError
    from rad_core.results.words import about
    from rad_core.running import maps
    from rad_core.running.maps import fitted_on, make_map, mapped_array
    from rad_core.store.catalogue import open_study

    root = store_root(store)
    study = open_study(root, study_id)
    source = f"{features}_features"
    if stop:
        wanted = (study.id, seed, mapped_array(study, seed, source), method)
        for running in maps.running_maps(root):
            if (running.study_id, running.seed, running.array, running.method) == wanted:
                maps.stop_map(running)
                say(f"Stopped the {running.words}.")
                return
        raise InputError(f"This map of {study.id} is not being computed; rad runs lists those that are.")
    array, began = mapped_array(study, seed, source), time.perf_counter()
    seconds = maps.map_seconds(study, seed, source, method)
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(f"computing the map (about {about(seconds)})") as line:

            def report(placed: int, points: int) -> None:
                line.update(f"computing the map (about {about(seconds)}): {placed:,} of {points:,} points placed")

            places = make_map(study, seed, source, method, report, alone=True)
    else:
        if seconds > maps.LONG_SECONDS and maps.read_map(study, seed, source, method) is None:
            say(f"This takes about {about(seconds)}.", err=True)
        places = make_map(study, seed, source, method, alone=True)
    words = "" if array == source else f" (of {array}: this teacher has no features)"
    if (sample := fitted_on(study, seed, source, method)) is not None:
        words += f", fitted on {sample:,} of them"
    say(f"Mapped {len(places):,} points of {study.id}, seed {seed}{words}, {time.perf_counter() - began:.1f} s.")
