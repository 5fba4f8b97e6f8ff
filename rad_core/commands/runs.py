"""`rad runs`: list the studies."""

from __future__ import annotations

import time
from pathlib import Path

import click

from rad_core.commands.common import json_option, print_json, print_table, say, store_option, store_root


@click.command()
@store_option
@json_option
def command(store: Path | None, as_json: bool) -> None:
    """List the studies of a store, the newest first, and the maps that are being computed.

    rad map ID --stop stops one of those.

    \b
    Example:
      rad runs --store ./studies --json
    """
    import attrs

    from rad_core.running.maps import running_maps
    from rad_core.store.catalogue import list_studies

    root = store_root(store)
    studies = list_studies(root)
    maps = running_maps(root)
    if as_json:
        of = {info.id: [running.words for running in maps if running.study_id == info.id] for info in studies}
        print_json([{**attrs.asdict(info), "maps": of[info.id]} for info in studies])
        return
    if not studies:
        say(f"There are no studies in {root} yet; start one with rad run.")
        return
    rows = [
        (
            info.id,
            info.name or "-",
            info.dataset,
            info.status,
            f"{info.rounds_done}/{info.rounds_total}",
            info.best or "-",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created)) if info.created else "-",
        )
        for info in studies
    ]
    print_table(f"Studies in {root}", ("id", "name", "data set", "status", "rounds", "best", "started"), rows, 4)
    for info in studies:
        if info.status in ("failed", "unreadable", "lost"):
            say(f"{info.id}: {info.message}")
    for running in maps:
        say(f"{running.study_id}: {running.words}.")
